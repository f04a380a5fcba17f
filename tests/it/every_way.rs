//! What holds on the wire holds whatever way a request comes and whatever it is spoken in.

use bytes::Bytes;
use h2::Reason;
use http::{HeaderMap, Request, Response};
use tokio::sync::Semaphore;

use crate::harness::h2::{Exchange, answer, read};
use crate::harness::origin::{self, Conn};
use crate::harness::soon;
use crate::harness::wire::{Body, chunk_of};
use crate::ways::{Either, HERE, Sender, Speaks, Way, connected, meetings, world};

/// Where the origins of all ways answer as below.
pub const PREFIX: &str = "/wire/";

/// Given by a client that has read a first event.
static HEARD: Semaphore = Semaphore::const_new(0);
const EVENTS: [&str; 2] = ["data: 1\n\n", "data: 2\n\n"];

async fn heard() {
    soon("a client to read an event", HEARD.acquire()).await.unwrap().forget();
}

/// Answers over HTTP/1.1; false when the connection ends with it.
pub async fn http1(conn: &mut Conn, request: &origin::Request) -> bool {
    let mut words = request.head.line.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let names: Vec<_> = request.head.fields.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(",");
    if path.ends_with("events") {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        let [first, second] = EVENTS.map(|event| chunk_of(event.as_bytes()));
        conn.send([head.as_bytes(), &first].concat()).await;
        heard().await;
        conn.send([&second[..], b"0\r\n\r\n"].concat()).await;
        return true;
    }
    let answer = match path.strip_prefix(PREFIX).unwrap() {
        "trailers" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n\
                       5;ext=1\r\nhello\r\n0\r\nx-sum: 7\r\n\r\n"
            .to_owned(),
        "cut" => "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf".to_owned(),
        "fields" => format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nAlt-Svc: h3=\":443\"\r\nConnection: x-hop\r\nX-Hop: 1\r\n\
             Keep-Alive: timeout=5\r\nX-Kept: yes\r\n\r\n{names}",
            names.len()
        ),
        "nothing" => "HTTP/1.1 204 No Content\r\nX-Kept: yes\r\n\r\n".to_owned(),
        "part" => {
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-5/10\r\nContent-Length: 4\r\n\r\ncdef"
                .to_owned()
        }
        "head" => {
            assert_eq!(method, "HEAD");
            "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n".to_owned()
        }
        "length" => {
            let length = request.body.bytes.len().to_string();
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{length}", length.len())
        }
        other => panic!("{other}"),
    };
    conn.send(answer).await;
    !path.ends_with("cut")
}

/// The same over HTTP/2.
pub async fn http2(exchange: &mut Exchange) {
    let got = exchange.read().await;
    let names: Vec<_> = got.fields.keys().map(|name| name.as_str()).collect();
    let names = names.join(",");
    let path = got.uri.path().to_owned();
    let plain = |status: u16| Response::builder().status(status);
    let kept = plain(200).header("alt-svc", "h3=\":443\"").header("x-kept", "yes");
    match path.strip_prefix(PREFIX).unwrap() {
        "trailers" => {
            let trailers: HeaderMap =
                [(http::HeaderName::from_static("x-sum"), "7".parse().unwrap())].into_iter().collect();
            exchange.reply_with(plain(200), b"hello", Some(trailers));
        }
        "cut" => {
            let head = plain(200).header("content-length", "1000").body(()).unwrap();
            let mut stream = exchange.respond.send_response(head, false).unwrap();
            stream.send_data(Bytes::from_static(b"half"), false).unwrap();
            stream.send_reset(Reason::INTERNAL_ERROR);
        }
        "events" => {
            let head = plain(200).header("content-type", "text/event-stream").body(()).unwrap();
            let mut stream = exchange.respond.send_response(head, false).unwrap();
            stream.send_data(Bytes::from_static(EVENTS[0].as_bytes()), false).unwrap();
            heard().await;
            let _ = stream.send_data(Bytes::from_static(EVENTS[1].as_bytes()), true);
        }
        "fields" => exchange.reply_with(kept, names.as_bytes(), None),
        "nothing" => exchange.reply_with(plain(204).header("x-kept", "yes"), b"", None),
        "part" => exchange.reply_with(plain(206).header("content-range", "bytes 2-5/10"), b"cdef", None),
        "head" => {
            assert_eq!(exchange.request.method(), "HEAD");
            exchange.reply_with(plain(200).header("content-length", "1234"), b"", None);
        }
        "length" => exchange.reply_with(plain(200), got.body.len().to_string().as_bytes(), None),
        other => panic!("{other}"),
    }
}

/// What a client got.
#[derive(Debug)]
struct Got {
    status: u16,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
    trailers: Vec<(String, String)>,
    whole: bool,
}

impl Got {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

fn pairs(fields: &HeaderMap) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect()
}

/// Fields that are for the gate, or for nobody behind it.
const OF_ONE_HOP: [&str; 4] = ["connection", "proxy-connection", "keep-alive", "x-mine"];

async fn ask(sender: &mut Sender, way: Way, origin: &Either, method: &str, path: &str, body: &str) -> Got {
    let authority = format!("origin.test:{}", origin.port());
    let path = format!("{PREFIX}{path}");
    match sender {
        Sender::Http1(client) => {
            let target = if way == Way::Absolute { format!("http://{authority}{path}") } else { path };
            let length = if body.is_empty() {
                String::new()
            } else {
                format!("Expect: 100-continue\r\nContent-Length: {}\r\n", body.len())
            };
            client
                .send(format!(
                    "{method} {target} HTTP/1.1\r\nHost: {authority}\r\nTE: trailers\r\nConnection: x-mine, TE, keep-alive\r\n\
                     X-Mine: 1\r\nKeep-Alive: 5\r\nProxy-Connection: keep-alive\r\n{length}\r\n"
                ))
                .await;
            if !body.is_empty() {
                let head = client.head().await;
                assert!(head.line.starts_with("HTTP/1.1 100"), "{way:?}: {head:?}");
                client.send(body).await;
            }
            let response = client.response_to(method).await;
            Got {
                status: response.status,
                fields: response.head.fields,
                whole: response.body.whole,
                body: response.body.bytes,
                trailers: response.body.trailers,
            }
        }
        Sender::Http2(client) => {
            let scheme = if way.tls().0 { "https" } else { "http" };
            let request = Request::builder().method(method).uri(format!("{scheme}://{authority}{path}"));
            let request = request.header("te", "trailers");
            let mut sender = soon("room for a stream", client.sender.clone().ready()).await.unwrap();
            let (response, mut stream) =
                sender.send_request(request.body(()).unwrap(), body.is_empty()).unwrap();
            if !body.is_empty() {
                stream.send_data(Bytes::copy_from_slice(body.as_bytes()), true).unwrap();
            }
            let answer = answer(response).await;
            Got {
                status: answer.status,
                fields: pairs(&answer.fields),
                whole: answer.reset.is_none(),
                body: answer.body,
                trailers: answer.trailers.as_ref().map(pairs).unwrap_or_default(),
            }
        }
    }
}

/// Reads the first event before the second is sent, and then the rest.
async fn listen(sender: &mut Sender, way: Way, origin: &Either) -> Vec<u8> {
    let authority = format!("origin.test:{}", origin.port());
    let path = format!("{PREFIX}events");
    match sender {
        Sender::Http1(client) => {
            let target = if way == Way::Absolute { format!("http://{authority}{path}") } else { path };
            client.send(format!("GET {target} HTTP/1.1\r\nHost: {authority}\r\n\r\n")).await;
            let head = client.head().await;
            assert_eq!(head.field("transfer-encoding"), Some("chunked"), "{way:?}: {head:?}");
            let mut body = Body::default();
            while body.bytes.len() < EVENTS[0].len() {
                assert!(soon("an event", client.reader.chunk(&mut body)).await, "{way:?}");
            }
            assert_eq!(body.bytes, EVENTS[0].as_bytes(), "{way:?}");
            HEARD.add_permits(1);
            while soon("the rest", client.reader.chunk(&mut body)).await {}
            assert!(body.whole, "{way:?}");
            body.bytes
        }
        Sender::Http2(client) => {
            let scheme = if way.tls().0 { "https" } else { "http" };
            let request = Request::get(format!("{scheme}://{authority}{path}")).body(()).unwrap();
            let mut sender = soon("room for a stream", client.sender.clone().ready()).await.unwrap();
            let (response, _) = sender.send_request(request, true).unwrap();
            let mut body = soon("a response", response).await.unwrap().into_body();
            let (mut all, mut trailers) = (Vec::new(), None);
            while all.len() < EVENTS[0].len() {
                all.extend_from_slice(&soon("an event", body.data()).await.unwrap().unwrap());
            }
            assert_eq!(all, EVENTS[0].as_bytes(), "{way:?}");
            HEARD.add_permits(1);
            assert_eq!(read(&mut body, &mut all, &mut trailers).await, None, "{way:?}");
            all
        }
    }
}

/// Asks for all of it.
pub async fn holds(way: Way, client: Speaks, origin_speaks: Speaks) {
    let title = format!("{way:?}, client {client:?}, origin {origin_speaks:?}");
    let (world, origin) = world(way, origin_speaks).await;
    let mut sender = connected(&world, &origin, way, client).await;

    let got = ask(&mut sender, way, &origin, "GET", "trailers", "").await;
    assert_eq!((got.status, &got.body[..], got.whole), (200, &b"hello"[..], true), "{title}");
    assert!(got.trailers.contains(&("x-sum".to_owned(), "7".to_owned())), "{title}: {got:?}");

    let got = ask(&mut sender, way, &origin, "GET", "fields", "").await;
    assert_eq!((got.status, got.field("x-kept")), (200, Some("yes")), "{title}");
    let names = String::from_utf8(got.body.clone()).unwrap();
    for name in OF_ONE_HOP {
        assert!(
            !names.split(',').any(|reached| reached == name),
            "{title}: {name} reached the origin: {names}"
        );
    }
    for name in ["alt-svc", "x-hop"] {
        assert_eq!(got.field(name), None, "{title}");
    }
    assert_ne!(got.field("keep-alive"), Some("timeout=5"), "{title}");

    let got = ask(&mut sender, way, &origin, "GET", "nothing", "").await;
    assert_eq!(
        (got.status, got.field("content-length"), got.field("transfer-encoding")),
        (204, None, None),
        "{title}"
    );
    let got = ask(&mut sender, way, &origin, "HEAD", "head", "").await;
    assert_eq!((got.status, got.field("content-length"), got.body.len()), (200, Some("1234"), 0), "{title}");
    let got = ask(&mut sender, way, &origin, "GET", "part", "").await;
    assert_eq!(
        (got.status, got.field("content-range"), &got.body[..]),
        (206, Some("bytes 2-5/10"), &b"cdef"[..]),
        "{title}"
    );
    let got = ask(&mut sender, way, &origin, "POST", "length", &"clean words ".repeat(50)).await;
    assert_eq!((got.status, &got.body[..]), (200, &b"600"[..]), "{title}");

    let events = listen(&mut sender, way, &origin).await;
    assert_eq!(events, EVENTS.concat().as_bytes(), "{title}");

    // The last one: it may take its connection with it.
    let got = ask(&mut sender, way, &origin, "GET", "cut", "").await;
    assert!(!got.whole || got.status == 502, "{title}: {got:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_holds_on_the_wire_holds_on_every_way() {
    let mut met = 0;
    for way in HERE {
        for (client, origin) in meetings(way) {
            holds(way, client, origin).await;
            met += 1;
        }
    }
    assert_eq!(met, 17);
}
