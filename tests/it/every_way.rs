//! What holds on the wire holds whatever way a request comes and whatever it is spoken in.

use std::io::{Read, Write};

use bytes::Bytes;
use h2::Reason;
use http::{HeaderMap, Request, Response};
use tokio::sync::Semaphore;

use crate::harness::h2::{Exchange, answer, read};
use crate::harness::origin::{self, Conn};
use crate::harness::pki::Flaw;
use crate::harness::wire::{Body, Framing, chunk_of};
use crate::harness::{Origin, World, only, soon};
use crate::ways::{Either, HERE, Sender, Speaks, Way, connected, meetings, world, world_before};

/// Where the origins of all ways answer as below.
pub const PREFIX: &str = "/wire/";

/// Given by a client that has read a first event.
static HEARD: Semaphore = Semaphore::const_new(0);
const EVENTS: [&str; 2] = ["data: 1\n\n", "data: 2\n\n"];

/// A body that is masked, what promises that it is not, and what it becomes.
const EDITED: &str = r#"{"ssn":"536-90-4399"}"#;
const MASKED: &str = r#"{"ssn":"***-**-****"}"#;
const EDITED_FIELDS: &str = "Content-Type: application/json\r\nETag: \"strong\"\r\n";

pub fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// What speaks for the gate, or of where else to go, and may not stand in trailers.
const NO_TRAILERS: [&str; 2] = ["alt-svc", "tidegate-decision"];

/// All that trailers say.
fn said_in<'a>(trailers: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    trailers.map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join(", ")
}

/// A sum in trailers, beside what may not stand there.
fn trailers_with(sum: &str) -> HeaderMap {
    let forged = NO_TRAILERS.map(|name| (name, "h3=\":443\""));
    let all = [("x-sum", sum)].into_iter().chain(forged);
    all.map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
}

async fn heard() {
    soon("a client to read an event", HEARD.acquire()).await.unwrap().forget();
}

/// What is the same whoever asks.
fn fixed(path: &str) -> String {
    let answer = match path {
        "trailers" => {
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n\
                       5;ext=1\r\nhello\r\n0\r\nx-sum: 7\r\nAlt-Svc: clear\r\nTidegate-Decision: 1\r\n\r\n"
        }
        "cut" => "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf",
        "moved" => "HTTP/1.1 302 Found\r\nLocation: /elsewhere?x=1\r\nContent-Length: 0\r\n\r\n",
        "unchanged" => "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n",
        "nothing" => "HTTP/1.1 204 No Content\r\nX-Kept: yes\r\n\r\n",
        "part" => {
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-5/10\r\nContent-Length: 4\r\n\r\ncdef"
        }
        other => panic!("{other}"),
    };
    answer.to_owned()
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
        "fields" => format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nAlt-Svc: h3=\":443\"\r\nConnection: x-hop\r\nX-Hop: 1\r\n\
             Keep-Alive: timeout=5\r\nX-Kept: yes\r\n\r\n{names}",
            names.len()
        ),
        "cookies" => {
            let cookies: Vec<_> = request.head.fields.iter().filter(|(name, _)| name == "cookie").collect();
            let [(_, cookies)] = cookies[..] else { panic!("{cookies:?}") };
            let length = cookies.len();
            let set = "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n";
            format!("HTTP/1.1 200 OK\r\n{set}Content-Length: {length}\r\n\r\n{cookies}")
        }
        "sum" => {
            let said =
                said_in(request.body.trailers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{said}", said.len())
        }
        "digest" => {
            let (length, digest) = (EDITED.len(), "Content-Digest: sha-256=:AAAA:\r\n");
            format!("HTTP/1.1 200 OK\r\n{EDITED_FIELDS}{digest}Content-Length: {length}\r\n\r\n{EDITED}")
        }
        "edited" => {
            let length = EDITED.len();
            format!("HTTP/1.1 200 OK\r\n{EDITED_FIELDS}Content-Length: {length}\r\n\r\n{EDITED}")
        }
        "coded" => {
            let coded = gzip(EDITED);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
                coded.len()
            );
            conn.send([head.as_bytes(), &coded].concat()).await;
            return true;
        }
        "head" => {
            assert_eq!(method, "HEAD");
            "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n".to_owned()
        }
        "length" => {
            let length = request.body.bytes.len().to_string();
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{length}", length.len())
        }
        other => fixed(other),
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
            exchange.reply_with(plain(200), b"hello", Some(trailers_with("7")));
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
        "moved" => exchange.reply_with(plain(302).header("location", "/elsewhere?x=1"), b"", None),
        "unchanged" => exchange.reply_with(plain(304).header("etag", "\"a\""), b"", None),
        "cookies" => {
            let cookies: Vec<_> = got.fields.get_all("cookie").iter().collect();
            let [cookies] = cookies[..] else { panic!("{cookies:?}") };
            let set = plain(200).header("set-cookie", "a=1").header("set-cookie", "b=2");
            exchange.reply_with(set, cookies.as_bytes(), None);
        }
        "sum" => {
            let trailers = got.trailers.as_ref().map(pairs).unwrap_or_default();
            let said = said_in(trailers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            exchange.reply_with(plain(200), said.as_bytes(), None);
        }
        "edited" | "digest" => {
            let mut head = plain(200).header("content-length", EDITED.len());
            for field in EDITED_FIELDS.lines() {
                let (name, value) = field.split_once(": ").unwrap();
                head = head.header(name, value);
            }
            if path.ends_with("digest") {
                head = head.header("content-digest", "sha-256=:AAAA:");
            }
            exchange.reply_with(head, EDITED.as_bytes(), None);
        }
        "coded" => exchange.reply_with(plain(200).header("content-encoding", "gzip"), &gzip(EDITED), None),
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

/// A request. What stands behind `+` in a body comes as its trailer.
async fn ask(sender: &mut Sender, way: Way, origin: &Either, method: &str, path: &str, body: &str) -> Got {
    let authority = format!("origin.test:{}", origin.port());
    let path = format!("{PREFIX}{path}");
    match sender {
        Sender::Http1(client) => {
            let target = if way == Way::Absolute { format!("http://{authority}{path}") } else { path };
            let (framing, sent) = match body.split_once('+') {
                None if body.is_empty() => (String::new(), String::new()),
                None => (format!("Content-Length: {}\r\n", body.len()), body.to_owned()),
                Some((text, sum)) => {
                    let forged = NO_TRAILERS.map(|name| format!("{name}: 1\r\n")).concat();
                    let chunk = format!("{:x}\r\n{text}\r\n0\r\nX-Sum: {sum}\r\n{forged}\r\n", text.len());
                    ("Transfer-Encoding: chunked\r\nTrailer: x-sum\r\n".to_owned(), chunk)
                }
            };
            let expect = if body.is_empty() { "" } else { "Expect: 100-continue\r\n" };
            let cookies = "Cookie: a=1\r\nCookie: b=2\r\n";
            client
                .send(format!(
                    "{method} {target} HTTP/1.1\r\nHost: {authority}\r\nTE: trailers\r\nConnection: x-mine, TE, keep-alive\r\n\
                     X-Mine: 1\r\nKeep-Alive: 5\r\nProxy-Connection: keep-alive\r\n{cookies}{expect}{framing}\r\n"
                ))
                .await;
            if !body.is_empty() {
                let head = client.head().await;
                assert!(head.line.starts_with("HTTP/1.1 100"), "{way:?}: {head:?}");
                client.send(sent).await;
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
            let request = request.header("te", "trailers").header("cookie", "a=1").header("cookie", "b=2");
            let mut sender = soon("room for a stream", client.sender.clone().ready()).await.unwrap();
            let (response, mut stream) =
                sender.send_request(request.body(()).unwrap(), body.is_empty()).unwrap();
            if !body.is_empty() {
                let (text, sum) = body.split_once('+').map_or((body, None), |(text, sum)| (text, Some(sum)));
                stream.send_data(Bytes::copy_from_slice(text.as_bytes()), sum.is_none()).unwrap();
                if let Some(sum) = sum {
                    stream.send_trailers(trailers_with(sum)).unwrap();
                }
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

/// What is edited promises nothing of what it was, and what is said about others arrives.
async fn bodies_hold(sender: &mut Sender, way: Way, origin: &Either, title: &str) {
    let got = ask(sender, way, origin, "GET", "edited", "").await;
    let length = MASKED.len().to_string();
    let said = (got.field("content-length"), got.field("etag"));
    assert_eq!(got.body, MASKED.as_bytes(), "{title}: {got:?}");
    assert_eq!(said, (Some(&*length), Some("W/\"strong\"")), "{title}: {got:?}");

    let got = ask(sender, way, origin, "GET", "digest", "").await;
    assert_eq!(got.status, 403, "{title}: under a digest nothing is edited: {got:?}");
    let got = ask(sender, way, origin, "GET", "coded", "").await;
    let mut text = String::new();
    flate2::read::GzDecoder::new(&got.body[..]).read_to_string(&mut text).unwrap();
    let coding = got.field("content-encoding");
    assert_eq!((&*text, coding, got.whole), (MASKED, Some("gzip"), true), "{title}");

    let got = ask(sender, way, origin, "GET", "moved", "").await;
    assert_eq!((got.status, got.field("location")), (302, Some("/elsewhere?x=1")), "{title}");
    let got = ask(sender, way, origin, "GET", "unchanged", "").await;
    assert_eq!((got.status, got.field("etag"), got.body.len()), (304, Some("\"a\""), 0), "{title}");
    let got = ask(sender, way, origin, "GET", "cookies", "").await;
    let set: Vec<_> = got.fields.iter().filter(|(name, _)| name == "set-cookie").collect();
    assert_eq!((&got.body[..], set.len()), (&b"a=1; b=2"[..], 2), "{title}: {got:?}");
}

/// Requests that are sent before the first is answered, on one connection.
async fn ahead(sender: &mut Sender, way: Way, origin: &Either, title: &str) {
    let Sender::Http1(client) = sender else { return };
    let authority = format!("origin.test:{}", origin.port());
    let before = if way == Way::Absolute { format!("http://{authority}") } else { String::new() };
    let ask = |path: &str| {
        format!("GET {before}{PREFIX}{path} HTTP/1.1\r\nHost: {authority}\r\nCookie: {path}\r\n\r\n")
    };
    client.send([ask("cookies"), ask("nothing"), ask("part")].concat()).await;
    let got = [client.response().await, client.response().await, client.response().await];
    assert_eq!(got.map(|got| got.status), [200, 204, 206], "{title}");
    let last = format!("GET {before}{PREFIX}part HTTP/1.0\r\nHost: {authority}\r\n\r\n");
    let got = client.exchange(last).await;
    assert_eq!((got.status, got.head.framing(Framing::Close)), (206, Framing::Length(4)), "{title}");
    assert!(client.is_closed().await, "{title}: HTTP/1.0 has one request");
}

/// Asks for all of it.
pub async fn holds(way: Way, client: Speaks, origin_speaks: Speaks) {
    let title = format!("{way:?}, client {client:?}, origin {origin_speaks:?}");
    let (world, origin) = world(way, origin_speaks).await;
    let mut sender = connected(&world, &origin, way, client).await;

    let got = ask(&mut sender, way, &origin, "GET", "trailers", "").await;
    assert_eq!((got.status, &got.body[..], got.whole), (200, &b"hello"[..], true), "{title}");
    assert!(got.trailers.contains(&("x-sum".to_owned(), "7".to_owned())), "{title}: {got:?}");
    let forged = got.trailers.iter().find(|(name, _)| NO_TRAILERS.contains(&name.as_str()));
    assert_eq!(forged, None, "{title}: {got:?}");

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

    bodies_hold(&mut sender, way, &origin, &title).await;
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

    let got = ask(&mut sender, way, &origin, "POST", "sum", "clean+7").await;
    assert_eq!((got.status, &got.body[..]), (200, &b"x-sum: 7"[..]), "{title}: a request's trailers");

    let events = listen(&mut sender, way, &origin).await;
    assert_eq!(events, EVENTS.concat().as_bytes(), "{title}");

    ahead(&mut connected(&world, &origin, way, client).await, way, &origin, &title).await;

    // The last one: it may take its connection with it.
    let got = ask(&mut sender, way, &origin, "GET", "cut", "").await;
    assert!(!got.whole || got.status == 502, "{title}: {got:?}");
}

/// An upstream that proves nothing gets nothing, and its client is told why, in its own session and protocol.
pub async fn refuses(way: Way) {
    for client in [Speaks::Http1, Speaks::Http2].into_iter().filter(|_| way.tls().1) {
        let flawed =
            async |world: &World| Either::Http1(Origin::flawed(world, "origin.test", Flaw::Expired).await);
        let (world, origin) = world_before(way, flawed).await;
        let mut sender = connected(&world, &origin, way, client).await;
        let got = ask(&mut sender, way, &origin, "GET", "part", "").await;
        let text = String::from_utf8_lossy(&got.body);
        assert_eq!(got.status, 502, "{way:?}, client {client:?}: {text}");
        assert!(
            got.field("proxy-status").unwrap().contains("error=tls_certificate_error"),
            "{way:?}: {got:?}"
        );
        assert!(text.contains("expired"), "{way:?}, client {client:?}: {text}");
        let records = world.records().await;
        let record = only(&records, "decision", "request");
        assert!(record["reason"].as_str().unwrap().contains("expired"), "{way:?}: {record:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_proves_nothing_is_refused_on_every_way() {
    for way in HERE {
        refuses(way).await;
    }
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
