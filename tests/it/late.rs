//! What begins and does not go on is given up in time, whatever way it comes, with an answer where one can be given and a
//! record. Time itself is what passes here: ten seconds, for all of them at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tidegate::limits;
use tidegate::tls::{ListenerTls, ServerIdentity};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::floods::{farewell, frame};
use crate::harness::wire::Io;
use crate::harness::{Authority, Client, H2Client, H2Origin, Setup, World, h2, soon};
use crate::ways::{self, HERE, REDIRECTED, Sender, Speaks, Way, carrier, in_namespace, secured};

const CLIENT_HELLO: &[u8] = &[0x16, 0x03, 0x01];
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEAD: &[u8] = b"GET /half HTTP/1.1\r\nHost: origin.test\r\nX-";

/// What a client begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begins {
    Hello,
    Connect,
    /// The first byte of a request.
    Word,
    Head,
    /// The same behind a request that was served.
    Second,
    /// Half a line of it, in TLS without ALPN.
    Unnamed,
    Preface,
    Block,
    Frame,
}

impl Begins {
    /// Whether it is something to begin with on this way, and in what its origin speaks.
    fn on(self, way: Way) -> Option<Speaks> {
        let tls = way.tls().0;
        match self {
            Begins::Hello | Begins::Unnamed => tls.then_some(Speaks::Http1),
            Begins::Connect => (way == Way::PlainInTunnel).then_some(Speaks::Http1),
            Begins::Word => (!tls).then_some(Speaks::Http1),
            Begins::Head | Begins::Second => Some(Speaks::Http1),
            Begins::Preface => tls.then_some(Speaks::Http2),
            Begins::Block | Begins::Frame if tls => Some(Speaks::Http2),
            Begins::Block | Begins::Frame => (way != Way::Absolute).then_some(Speaks::Http1),
        }
    }

    fn bytes(self) -> Vec<u8> {
        let block = || frame(1, 1, 1, &[0x82, 0x87, 0x84]);
        match self {
            Begins::Hello => CLIENT_HELLO.into(),
            Begins::Connect => b"CONNECT origin.test:443 HTTP/1.1\r\nHo".into(),
            Begins::Word => b"G".into(),
            Begins::Head | Begins::Second => HEAD.into(),
            Begins::Unnamed => b"GET /ha".into(),
            Begins::Preface => PREFACE[..10].into(),
            Begins::Block => block(),
            Begins::Frame => block()[..10].into(),
        }
    }

    /// What its record says.
    fn reason(self) -> &'static str {
        match self {
            Begins::Hello => "timeout",
            Begins::Connect | Begins::Word | Begins::Unnamed => "head_timeout",
            Begins::Head | Begins::Second => {
                "client sent a request that is refused: head did not end in time"
            }
            Begins::Preface | Begins::Block | Begins::Frame => "h2_headers_timeout",
        }
    }
}

/// A connection up to where this begins.
async fn opened(world: &World, origin: &ways::Either, way: Way, begins: Begins) -> Box<dyn Io> {
    match begins {
        Begins::Hello | Begins::Word => carrier(world, origin, way).await,
        Begins::Connect => Box::new(TcpStream::connect(world.proxy).await.unwrap()),
        Begins::Head | Begins::Unnamed => secured(world, origin, way, Speaks::Http1).await,
        Begins::Second => {
            let mut io = secured(world, origin, way, Speaks::Http1).await;
            let authority = format!("origin.test:{}", origin.port());
            let scheme = if way == Way::Absolute { format!("http://{authority}") } else { String::new() };
            let first = format!("GET {scheme}/first HTTP/1.1\r\nHost: {authority}\r\n\r\n");
            io.write_all(first.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            while !answer.ends_with(b"{}") {
                assert!(io.read_buf(&mut answer).await.unwrap() > 0);
            }
            io
        }
        Begins::Preface => secured(world, origin, way, Speaks::Http2).await,
        Begins::Block | Begins::Frame => {
            let mut io = secured(world, origin, way, Speaks::Http2).await;
            let greeting = [PREFACE, &frame(4, 0, 0, &[]), &frame(4, 1, 0, &[])].concat();
            io.write_all(&greeting).await.unwrap();
            io
        }
    }
}

/// All that comes until the end, and after how long that was.
async fn given_up(mut io: Box<dyn Io>, begins: Begins) -> (Vec<u8>, Duration) {
    io.write_all(&begins.bytes()).await.unwrap();
    io.flush().await.unwrap();
    let (begun, mut all, mut buffer) = (Instant::now(), Vec::new(), [0; 4096]);
    let read = async {
        while let Ok(length @ 1..) = io.read(&mut buffer).await {
            all.extend_from_slice(&buffer[..length]);
        }
    };
    soon("an end", read).await;
    (all, begun.elapsed())
}

async fn is_given_up(way: Way, begins: Begins, origin_speaks: Speaks) {
    let title = format!("{way:?}: {begins:?}");
    let (world, origin) = ways::world(way, origin_speaks).await;
    let io = opened(&world, &origin, way, begins).await;
    let (told, took) = given_up(io, begins).await;
    assert!(took >= limits::HEAD_TIMEOUT - Duration::from_secs(1), "{title}: {took:?}");
    assert!(took < limits::HEAD_TIMEOUT + Duration::from_secs(8), "{title}: {took:?}");
    let text = String::from_utf8_lossy(&told);
    match begins {
        Begins::Hello => assert!(told.is_empty(), "{title}: {text}"),
        Begins::Connect | Begins::Word | Begins::Head | Begins::Second | Begins::Unnamed => {
            assert!(text.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{title}: {text}");
            for part in
                ["connection: close\r\n", "tidegate-decision: ", "client-timeout", "http_request_error"]
            {
                assert!(text.contains(part), "{title}: {text}");
            }
        }
        Begins::Preface => assert_eq!(farewell(&told), None, "{title}"),
        Begins::Block | Begins::Frame => assert_eq!(farewell(&told), Some(11), "{title}"),
    }
    assert!(!origin.has_seen("half"), "{title}");
    let records = world.records().await;
    let why: Vec<_> = records.iter().filter_map(|record| record["reason"].as_str()).collect();
    assert_eq!(why, [begins.reason()], "{title}: {records:#?}");
}

async fn on(ways: &[Way]) {
    let all = [
        Begins::Hello,
        Begins::Connect,
        Begins::Word,
        Begins::Head,
        Begins::Second,
        Begins::Unnamed,
        Begins::Preface,
        Begins::Block,
        Begins::Frame,
    ];
    let cells = ways.iter().flat_map(|way| all.map(|begins| (*way, begins)));
    let met = cells.filter_map(|(way, begins)| Some(is_given_up(way, begins, begins.on(way)?)));
    met.collect::<JoinSet<()>>().join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_begins_and_does_not_go_on_is_given_up_on_every_way() {
    on(&HERE).await;
}

#[test]
fn what_begins_and_does_not_go_on_is_given_up_on_redirected_connections() {
    in_namespace("late::redirected");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a network namespace of its own: run by the test above"]
async fn redirected() {
    on(&REDIRECTED).await;
}

#[tokio::test]
async fn a_hello_to_the_listener_itself_has_its_time_too() {
    let authority = Arc::new(Authority::new("test roots"));
    let (chain, key) = authority.serve("proxy.test");
    let tls = Some(ListenerTls::new(ServerIdentity::from_pem(&chain, &key).unwrap(), vec![]));
    let world = World::start(Setup { tls, authority: Some(authority), ..Setup::default() }).await;
    let tcp = TcpStream::connect(world.proxy).await.unwrap();
    let (told, took) = given_up(Box::new(tcp), Begins::Hello).await;
    assert!(told.is_empty() && took >= limits::HANDSHAKE_TIMEOUT - Duration::from_secs(1), "{took:?}");
    let records = world.records().await;
    let why: Vec<_> = records.iter().filter_map(|record| record["reason"].as_str()).collect();
    assert_eq!(why, ["timeout"]);
}

/// A body that stops: how much of it came before, behind how much hold.
#[derive(Clone, Copy, Debug)]
struct Stops {
    speaks: Speaks,
    came: usize,
    hold: usize,
}

/// What is sent of a body whose length was promised; its answer's status, and after how long that came.
async fn body_of(world: &World, origin: &ways::Either, way: Way, stops: Stops) -> (u16, String, Duration) {
    let authority = format!("origin.test:{}", origin.port());
    let some = vec![b'x'; stops.came];
    match ways::connected(world, origin, way, stops.speaks).await {
        Sender::Http1(mut client) => {
            let scheme = if way == Way::Absolute { format!("http://{authority}") } else { String::new() };
            let head = format!(
                "POST {scheme}/half HTTP/1.1\r\nHost: {authority}\r\nContent-Type: text/plain\r\n\
                 Content-Length: 100000\r\n\r\n"
            );
            client.send([head.as_bytes(), &some].concat()).await;
            let begun = Instant::now();
            let response = client.response().await;
            let took = begun.elapsed();
            assert!(client.is_closed().await, "{way:?}: {stops:?}");
            (response.status, String::from_utf8_lossy(&response.body.bytes).into_owned(), took)
        }
        Sender::Http2(mut client) => {
            let scheme = if way.tls().0 { "https" } else { "http" };
            let request = || http::Request::post(format!("{scheme}://{authority}/half"));
            let (response, mut stream) = client.begin(request().header("content-type", "text/plain")).await;
            if !some.is_empty() {
                stream.send_data(some.into(), false).unwrap();
            }
            let begun = Instant::now();
            let answer = h2::answer(response).await;
            let took = begun.elapsed();
            // Its stream alone was slow.
            assert_eq!(client.exchange(request(), b"{}").await.status, 200, "{way:?}: {stops:?}");
            (answer.status, String::from_utf8_lossy(&answer.body).into_owned(), took)
        }
    }
}

async fn body_is_given_up(way: Way, stops: Stops, origin_speaks: Speaks) {
    let title = format!("{way:?}: {stops:?}, origin {origin_speaks:?}");
    let setup = Setup { hold: stops.hold, ..Setup::default() };
    let (world, origin) = ways::world_set(way, setup, async |world: &World| {
        ways::Either::start(world, way.tls().1, origin_speaks).await
    })
    .await;
    let (status, told, took) = body_of(&world, &origin, way, stops).await;
    assert_eq!(status, 408, "{title}: {told}");
    assert!(took >= limits::BODY_RATE_GRACE - Duration::from_secs(1), "{title}: {took:?}");
    assert!(took < limits::BODY_IDLE_TIMEOUT / 2, "{title}: {took:?}");
    assert!(told.contains("client-timeout"), "{title}: {told}");
    let records = world.records().await;
    let why: Vec<_> = records.iter().filter_map(|record| record["reason"].as_str()).collect();
    assert!(
        matches!(why[..], [why, ..] if why.ends_with("client sends too slowly")),
        "{title}: {records:#?}"
    );
}

async fn bodies_on(ways: &[Way]) {
    let mut cells = JoinSet::new();
    for way in ways {
        let mut seen = Vec::new();
        for (speaks, origin_speaks) in ways::meetings(*way) {
            let mut give_up = |came, hold| {
                cells.spawn(body_is_given_up(*way, Stops { speaks, came, hold }, origin_speaks));
            };
            give_up(4000, 1024);
            // What is in hold has met no origin.
            if !seen.contains(&speaks) {
                seen.push(speaks);
                give_up(0, limits::HOLD);
                give_up(1000, limits::HOLD);
            }
        }
    }
    cells.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_does_not_go_on_is_given_up_on_every_way() {
    bodies_on(&HERE).await;
}

#[test]
fn a_body_that_does_not_go_on_is_given_up_on_redirected_connections() {
    in_namespace("late::redirected_bodies");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a network namespace of its own: run by the test above"]
async fn redirected_bodies() {
    bodies_on(&REDIRECTED).await;
}

/// Uploads whose origin grants little room, and a call that rests between messages: both for longer than a body has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_kept_waiting_or_may_rest_is_not_given_up() {
    let world = World::start(Setup { hold: 1024, ..Setup::default() }).await;
    let (go, mut settings) = (Arc::new(Semaphore::new(0)), ::h2::server::Builder::new());
    let (held, body) = (Arc::clone(&go), vec![b'x'; 3000]);
    settings.initial_window_size(100);
    let origin = H2Origin::built(Some(&world), "origin.test", settings, move |mut exchange: h2::Exchange| {
        let held = Arc::clone(&held);
        async move {
            if exchange.request.uri().path() == "/kept" {
                held.acquire().await.unwrap().forget();
            }
            exchange.read().await;
            exchange.reply(200, b"{}");
        }
    })
    .await;
    let to = |kind| h2::request(&origin.authority(), "POST", "/kept").header("content-type", kind);
    let mut client = H2Client::to(&world, &origin).await;
    let (upload, mut stream) = client.begin(to("text/plain")).await;
    stream.send_data(body.clone().into(), false).unwrap();
    let (call, mut said) = client.begin(to("application/grpc").header("te", "trailers")).await;
    said.send_data([&[0, 0, 0, 0, 5][..], b"hello"].concat().into(), false).unwrap();
    let mut other = Client::tunnel_to(&world, &origin.authority(), origin.name).await;
    let head = format!("POST /kept HTTP/1.1\r\nHost: {}\r\nContent-Length: 6000\r\n\r\n", origin.authority());
    other.send([head.as_bytes(), &body].concat()).await;
    let begun = async {
        while origin.streams() < 3 {
            tokio::task::yield_now().await;
        }
    };
    soon("three requests", begun).await;
    // Two that are given up tell the time. A message of a call does not rest.
    let (silent, _silent) = client.begin(to("text/plain")).await;
    let (half, mut stopped) = client.begin(to("application/grpc").header("te", "trailers")).await;
    stopped.send_data(Bytes::from_static(&[0, 0, 0, 0, 5, b'h']), false).unwrap();
    let (silent, half) = tokio::join!(h2::answer(silent), h2::answer(half));
    assert_eq!(silent.status, 408);
    assert!(half.status == 408 || half.field("grpc-status").is_some(), "{half:?}");
    go.add_permits(3);
    stream.send_data(body.clone().into(), true).unwrap();
    other.send(&body).await;
    said.send_data([&[0, 0, 0, 0, 5][..], b"again"].concat().into(), true).unwrap();
    let (upload, call) = tokio::join!(h2::answer(upload), h2::answer(call));
    assert_eq!((upload.status, call.status, other.response().await.status), (200, 200, 200));
    let mut got: Vec<_> =
        origin.got().iter().filter(|got| got.reset.is_none()).map(|got| got.body.len()).collect();
    got.sort_unstable();
    assert_eq!(got, [20, 6000, 6000]);
}
