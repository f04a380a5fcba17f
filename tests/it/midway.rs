//! What changes, or is answered, half way through a message, on every way in.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use tidegate::policy::Action;
use tokio::sync::Notify;

use crate::harness::h2::{Exchange, answer, read};
use crate::harness::origin::{Conn, respond};
use crate::harness::wire::{Body, chunk_of};
use crate::harness::{H2Origin, Origin, PAN, SSN, Setup, World, engine, messages, rule, soon};
use crate::ways::{
    Either, HERE, REDIRECTED, Sender, Speaks, Way, connected, exchange, in_namespace, meetings, world_set,
};

const FIRST: &str = "data: 1\n\n";
/// What an early answer says, and to which request.
const EARLY: [(&str, &str); 2] = [("/early/card", PAN), ("/early/ssn", SSN)];
/// More than waits for its decision, and less than the whole of it.
const BEGUN: usize = 300 * 1024;
const WHOLE: usize = 8 * 1024 * 1024;

fn second() -> String {
    format!("data: card {PAN}\n\n")
}

/// What was asked for at an origin.
#[derive(Default)]
struct Told {
    /// Given once the second event may go.
    renewed: Notify,
    /// Given for each upload that was cut.
    cut: Notify,
}

fn early(path: &str) -> Option<String> {
    EARLY.iter().find(|(early, _)| *early == path).map(|(_, value)| format!("{{\"value\":\"{value}\"}}"))
}

async fn http1(mut conn: Conn, told: Arc<Told>) {
    while let Some(head) = conn.head().await {
        let path = head.line.split(' ').nth(1).unwrap().to_owned();
        if let Some(text) = early(&path) {
            assert!(conn.reader().fill().await, "some of the body");
            conn.send(respond("413 Content Too Large", "application/json", text.as_bytes())).await;
            let mut came = conn.reader().buffer.len();
            while conn.reader().fill().await {
                came += std::mem::take(&mut conn.reader().buffer).len();
            }
            assert!(came < WHOLE, "all of it came");
            return told.cut.notify_one();
        }
        if path == "/events" {
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
            conn.send([head.as_bytes(), &chunk_of(FIRST.as_bytes())].concat()).await;
            soon("the reload", told.renewed.notified()).await;
            conn.send([&chunk_of(second().as_bytes())[..], b"0\r\n\r\n"].concat()).await;
            continue;
        }
        let framing = head.framing(crate::harness::wire::Framing::None);
        if !conn.reader().body(framing).await.whole {
            return;
        }
        conn.send(crate::harness::origin::ok("{}")).await;
    }
}

async fn http2(mut exchange: Exchange, told: Arc<Told>) {
    let path = exchange.request.uri().path().to_owned();
    let head = |kind: &str| http::Response::builder().header("content-type", kind);
    if let Some(text) = early(&path) {
        let body = exchange.request.body_mut();
        let mut came = soon("some of the body", body.data()).await.unwrap().unwrap().len();
        let response = head("application/json").status(413).body(()).unwrap();
        let mut stream = exchange.respond.send_response(response, false).unwrap();
        stream.send_data(Bytes::from(text.into_bytes()), true).unwrap();
        while let Some(Ok(chunk)) = body.data().await {
            came += chunk.len();
            let _ = body.flow_control().release_capacity(chunk.len());
        }
        assert!(came < WHOLE, "all of it came");
        return told.cut.notify_one();
    }
    if path == "/events" {
        let response = head("text/event-stream").body(()).unwrap();
        let mut stream = exchange.respond.send_response(response, false).unwrap();
        stream.send_data(Bytes::from_static(FIRST.as_bytes()), false).unwrap();
        soon("the reload", told.renewed.notified()).await;
        stream.send_data(Bytes::from(second().into_bytes()), true).unwrap();
        return;
    }
    exchange.read().await;
    exchange.reply(200, b"{}");
}

async fn place(way: Way, speaks: Speaks, setup: Setup) -> (World, Either, Arc<Told>) {
    let told = Arc::new(Told::default());
    let kept = Arc::clone(&told);
    let (world, origin) = world_set(way, setup, async |world: &World| match speaks {
        Speaks::Http1 => {
            let script = move |conn| http1(conn, Arc::clone(&kept));
            Either::Http1(match way.tls().1 {
                true => Origin::start(world, "origin.test", script).await,
                false => Origin::cleartext("origin.test", script).await,
            })
        }
        Speaks::Http2 => {
            let script = move |exchange| http2(exchange, Arc::clone(&kept));
            let tls = way.tls().1.then_some(world);
            Either::Http2(H2Origin::built(tls, "origin.test", h2::server::Builder::new(), script).await)
        }
    })
    .await;
    (world, origin, told)
}

fn target(way: Way, origin: &Either, path: &str) -> String {
    if way == Way::Absolute { format!("http://origin.test:{}{path}", origin.port()) } else { path.to_owned() }
}

fn uri(way: Way, origin: &Either, path: &str) -> String {
    format!("{}://origin.test:{}{path}", if way.tls().0 { "https" } else { "http" }, origin.port())
}

fn under(id: &str, action: Action) -> Setup {
    Setup { rules: vec![rule(id, &["payment.pan"], action)], ..Setup::default() }
}

/// A reload between two events of one answer; the next request on the same connection is the new policy's.
async fn is_renewed(way: Way, client: Speaks, origin_speaks: Speaks) {
    let title = format!("{way:?}, client {client:?}, origin {origin_speaks:?}");
    let (world, origin, told) = place(way, origin_speaks, under("before", Action::Alert)).await;
    let mut sender = connected(&world, &origin, way, client).await;
    let renew = || {
        world.engine.store(Arc::new(engine(&under("after", Action::Block))));
        told.renewed.notify_one();
    };
    let all = match &mut sender {
        Sender::Http1(client) => {
            let target = target(way, &origin, "/events");
            client
                .send(format!("GET {target} HTTP/1.1\r\nHost: origin.test:{}\r\n\r\n", origin.port()))
                .await;
            client.head().await;
            let mut body = Body::default();
            while body.bytes.len() < FIRST.len() {
                assert!(soon("an event", client.reader.chunk(&mut body)).await, "{title}");
            }
            renew();
            while soon("the rest", client.reader.chunk(&mut body)).await {}
            assert!(body.whole, "{title}");
            body.bytes
        }
        Sender::Http2(client) => {
            let request = Request::get(uri(way, &origin, "/events")).body(()).unwrap();
            let mut ready = soon("room for a stream", client.sender.clone().ready()).await.unwrap();
            let (response, _) = ready.send_request(request, true).unwrap();
            let mut body = soon("a response", response).await.unwrap().into_body();
            let (mut all, mut trailers) = (Vec::new(), None);
            while all.len() < FIRST.len() {
                all.extend_from_slice(&soon("an event", body.data()).await.unwrap().unwrap());
            }
            renew();
            assert_eq!(read(&mut body, &mut all, &mut trailers).await, None, "{title}");
            all
        }
    };
    assert_eq!(String::from_utf8_lossy(&all), format!("{FIRST}{}", second()), "{title}: an alert then");
    let body = format!("{{\"card\":\"{PAN}\"}}");
    let (status, text) = exchange(&mut sender, way, &origin, "/next", &body).await;
    assert!(status == 403 && text.contains("after"), "{title}: a block now: {status} {text}");
    let records = world.records().await;
    let told = messages(&records);
    let fired: Vec<_> = told.iter().filter_map(|record| record["rules"][0].as_str()).collect();
    assert_eq!((fired.first(), fired.last()), (Some(&"before"), Some(&"after")), "{title}: {records:#?}");
}

/// An upload that was asked for with 100 is answered before it is whole, by an answer that may not pass as it is.
async fn is_answered_early(way: Way, client: Speaks, origin_speaks: Speaks) {
    let title = format!("{way:?}, client {client:?}, origin {origin_speaks:?}");
    let rules = vec![
        rule("cards", &["payment.pan"], Action::Block),
        rule("numbers", &["national-id.us-ssn"], Action::Redact),
    ];
    let (world, origin, told) = place(way, origin_speaks, Setup { rules, ..Setup::default() }).await;
    let begun: Vec<u8> = b"nothing to see here, move on\n".iter().copied().cycle().take(BEGUN).collect();
    for (path, value) in EARLY {
        let (status, text) = match connected(&world, &origin, way, client).await {
            Sender::Http1(mut client) => {
                let (target, port) = (target(way, &origin, path), origin.port());
                client
                    .send(format!(
                        "POST {target} HTTP/1.1\r\nHost: origin.test:{port}\r\nExpect: 100-continue\r\n\
                         Content-Type: text/plain\r\nContent-Length: {WHOLE}\r\n\r\n"
                    ))
                    .await;
                assert_eq!(client.head().await.line, "HTTP/1.1 100 Continue", "{title}");
                client.send(&begun).await;
                let response = client.response().await;
                (response.status, response.body.bytes)
            }
            Sender::Http2(client) => {
                let request = Request::post(uri(way, &origin, path)).header("expect", "100-continue");
                let request = request.header("content-type", "text/plain").header("content-length", WHOLE);
                let mut ready = soon("room for a stream", client.sender.clone().ready()).await.unwrap();
                let (mut response, mut stream) =
                    ready.send_request(request.body(()).unwrap(), false).unwrap();
                let asked = std::future::poll_fn(|cx| response.poll_informational(cx));
                let asked = soon("100", asked).await.unwrap().unwrap();
                assert_eq!(asked.status(), 100, "{title}");
                stream.send_data(Bytes::from(begun.clone()), false).unwrap();
                let answer = answer(response).await;
                (answer.status, answer.body)
            }
        };
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(!text.contains(value), "{title}: {path}: {text}");
        let expected = if value == PAN { 403 } else { 413 };
        assert_eq!(status, expected, "{title}: {path}: {text}");
        soon("the rest to be given up", told.cut.notified()).await;
    }
    let records = world.records().await;
    let responses = messages(&records).into_iter().filter(|record| record["direction"] == "response");
    let actions: Vec<_> = responses.filter_map(|record| record["action"].as_str()).collect();
    assert_eq!(actions, ["block", "redact"], "{title}: {records:#?}");
}

async fn on(ways: &[Way]) {
    for way in ways {
        for (client, origin) in meetings(*way) {
            is_renewed(*way, client, origin).await;
            is_answered_early(*way, client, origin).await;
        }
    }
}

#[tokio::test]
async fn a_reload_and_an_early_answer_are_met_on_every_way() {
    on(&HERE).await;
}

#[test]
fn a_reload_and_an_early_answer_are_met_on_redirected_connections() {
    in_namespace("midway::redirected");
}

#[tokio::test]
#[ignore = "needs a network namespace of its own: run by the test above"]
async fn redirected() {
    on(&REDIRECTED).await;
}
