//! Long messages stream with little held, early bytes leave early, and what is stopped never ends cleanly.

use std::sync::Arc;
use std::time::Duration;

use tidegate::flow::Direction;
use tidegate::policy::{Action, RuleSpec};
use tokio::sync::{Notify, mpsc};

use crate::harness::client::{get, post};
use crate::harness::origin::{Conn, ok};
use crate::harness::wire::{Body, Framing, Reader, chunk_of, chunked};
use crate::harness::{
    Client, H2Client, H2Origin, Origin, PAN, Setup, World, messages, only, request_rule, rule, soon,
};

const HOLD: usize = 16 * 1024;

fn setup() -> Setup {
    Setup { hold: HOLD, ..Setup::default() }
}

/// Text that no detector finds anything in.
fn harmless(length: usize) -> Vec<u8> {
    b"the quick brown fox jumps over the lazy dog\n".iter().copied().cycle().take(length).collect()
}

fn chunked_post(origin: &Origin) -> String {
    format!(
        "POST /upload HTTP/1.1\r\nHost: {}\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n",
        origin.authority()
    )
}

#[tokio::test]
async fn an_upload_reaches_the_origin_while_the_client_still_sends() {
    let world = World::start(setup()).await;
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let origin = Origin::start(&world, "origin.test", move |mut conn| {
        let arrived = arrived.clone();
        async move {
            let head = conn.head().await.unwrap();
            assert_eq!(head.framing(Framing::None), Framing::Chunked);
            let mut body = Body::default();
            while conn.reader().chunk(&mut body).await {
                arrived.send(body.bytes.len()).unwrap();
            }
            assert!(body.whole);
            arrived.send(body.bytes.len()).unwrap();
            conn.send(ok("{}")).await;
        }
    })
    .await;
    let mut client = Client::tunnel(&world, &origin).await;
    client.send(chunked_post(&origin)).await;
    let part = harmless(1 << 20);
    client.send(chunk_of(&part)).await;
    let first = soon("the first bytes at the origin", arrivals.recv()).await.unwrap();
    assert!(first > 0, "bytes arrive before the client has ended its body");
    client.send(chunk_of(&part)).await;
    client.send("0\r\n\r\n").await;
    assert_eq!(client.response().await.status, 200);
    let mut last = first;
    while let Ok(more) = arrivals.try_recv() {
        last = more;
    }
    assert_eq!(last, 2 << 20);
    let records = world.records().await;
    let opening = only(&records, "opening", "request");
    let decision = only(&records, "decision", "request");
    assert_eq!(opening["decision"], decision["decision"]);
    assert!(opening["seq"].as_u64() < decision["seq"].as_u64());
    assert_eq!(decision["bytes"]["seen"], 2 << 20);
    assert_eq!(decision["bytes"]["forwarded"], 2 << 20);
}

#[tokio::test]
async fn a_download_reaches_the_client_while_the_origin_still_sends() {
    let world = World::start(setup()).await;
    let (go, gate) = mpsc::unbounded_channel::<()>();
    let gate = std::sync::Arc::new(tokio::sync::Mutex::new(gate));
    let origin = Origin::start(&world, "origin.test", move |mut conn| {
        let gate = std::sync::Arc::clone(&gate);
        async move {
            conn.request().await.unwrap();
            conn.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
                .await;
            conn.send(chunk_of(&harmless(256 * 1024))).await;
            gate.lock().await.recv().await.unwrap();
            conn.send(chunked(&harmless(64 * 1024), 1000)).await;
        }
    })
    .await;
    let mut client = Client::tunnel(&world, &origin).await;
    client.send(get(&origin, "/")).await;
    client.head().await;
    let mut body = Body::default();
    assert!(soon("the first chunk", client.reader.chunk(&mut body)).await);
    assert!(!body.bytes.is_empty());
    go.send(()).unwrap();
    while soon("the rest", client.reader.chunk(&mut body)).await {}
    assert!(body.whole);
    assert_eq!(body.bytes, [harmless(256 * 1024), harmless(64 * 1024)].concat());
}

#[tokio::test]
async fn a_silent_response_leaves_hold() {
    let world = World::start(Setup { hold_idle: Duration::from_millis(20), ..Setup::default() }).await;
    let (go, gate) = mpsc::unbounded_channel::<()>();
    let gate = std::sync::Arc::new(tokio::sync::Mutex::new(gate));
    let origin = Origin::start(&world, "origin.test", move |mut conn| {
        let gate = std::sync::Arc::clone(&gate);
        async move {
            conn.request().await.unwrap();
            conn.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 22\r\n\r\n").await;
            // Nothing of the body yet: the head leaves all the same.
            gate.lock().await.recv().await.unwrap();
            conn.send("first words").await;
            gate.lock().await.recv().await.unwrap();
            conn.send(" then more!").await;
        }
    })
    .await;
    let mut client = Client::tunnel(&world, &origin).await;
    client.send(get(&origin, "/")).await;
    assert_eq!(client.head().await.field("content-length"), Some("22"));
    go.send(()).unwrap();
    soon("the first words", async {
        while client.reader.buffer.len() < 5 {
            assert!(client.reader.fill().await);
        }
    })
    .await;
    assert!(b"first words".starts_with(&client.reader.buffer));
    go.send(()).unwrap();
    let body = soon("the rest", client.reader.body(Framing::Length(22))).await;
    assert_eq!(body.bytes, b"first words then more!");
}

/// Whoever reads line by line has each when it came, whatever the type, and nothing that may become a value.
#[tokio::test]
async fn a_response_that_pauses_leaves_to_the_end_of_its_line() {
    for kind in ["text/plain", "application/json", "application/octet-stream"] {
        let hold_idle = Duration::from_millis(20);
        let world = World::start(Setup { rules: response_blocks(), hold_idle, ..Setup::default() }).await;
        let (go, gate) = mpsc::unbounded_channel::<()>();
        let gate = Arc::new(tokio::sync::Mutex::new(gate));
        let lines = ["{\"n\":1}\n", "{\"n\":2}\r\n", "{\"n\":\n", "3}\n"];
        let origin = Origin::start(&world, "origin.test", move |mut conn| {
            let gate = Arc::clone(&gate);
            async move {
                conn.request().await.unwrap();
                conn.send(format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
                ))
                .await;
                for line in lines {
                    conn.send(chunk_of(line.as_bytes())).await;
                    gate.lock().await.recv().await.unwrap();
                }
                conn.send("0\r\n\r\n").await;
            }
        })
        .await;
        let mut client = Client::tunnel(&world, &origin).await;
        client.send(get(&origin, "/")).await;
        client.head().await;
        let (mut body, mut expected) = (Body::default(), String::new());
        for line in lines {
            expected.push_str(line);
            while body.bytes.len() < expected.len() {
                assert!(soon("a line", client.reader.chunk(&mut body)).await, "{kind}");
            }
            assert_eq!(String::from_utf8_lossy(&body.bytes), expected, "{kind}");
            go.send(()).unwrap();
        }
        while client.reader.chunk(&mut body).await {}
        assert!(body.whole, "{kind}");
    }
}

/// An origin that sends pieces of a text until somebody has seen one.
async fn talkative(world: &World, seen: Arc<Notify>) -> Origin {
    Origin::start(world, "origin.test", move |mut conn| {
        let seen = Arc::clone(&seen);
        async move {
            conn.request().await.unwrap();
            conn.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
                .await;
            let mut pace = tokio::time::interval(Duration::from_millis(5));
            let mut seen = std::pin::pin!(seen.notified());
            loop {
                conn.send("6\r\nwords \r\n").await;
                tokio::select! {
                    () = &mut seen => break,
                    _ = pace.tick() => {}
                }
            }
            conn.send("0\r\n\r\n").await;
        }
    })
    .await
}

#[tokio::test]
async fn a_response_that_never_rests_leaves_hold() {
    let cases = [
        // Nothing could stop it.
        (
            Setup {
                rules: vec![request_rule("pan-leaves", &["payment.pan"], Action::Block)],
                hold_idle: Duration::from_secs(3600),
                ..Setup::default()
            },
            "no rule",
        ),
        (
            Setup { rules: response_blocks(), hold_idle: Duration::from_millis(50), ..Setup::default() },
            "a rule",
        ),
    ];
    for (setup, why) in cases {
        let world = World::start(setup).await;
        let seen = Arc::new(Notify::new());
        let origin = talkative(&world, Arc::clone(&seen)).await;
        let mut client = Client::tunnel(&world, &origin).await;
        client.send(get(&origin, "/")).await;
        soon(why, async {
            while !client.reader.buffer.windows(5).any(|seen| seen == b"words") {
                assert!(client.reader.fill().await, "{why}");
            }
        })
        .await;
        seen.notify_one();
        assert!(client.head().await.line.contains("200"), "{why}");
        let body = soon("the rest", client.reader.body(Framing::Chunked)).await;
        assert!(body.bytes.starts_with(b"words ") && body.whole, "{why}");
    }
}

#[tokio::test]
async fn events_pass_one_by_one() {
    let world = World::start(Setup { hold_idle: Duration::from_secs(3600), ..Setup::default() }).await;
    let (go, gate) = mpsc::unbounded_channel::<()>();
    let gate = std::sync::Arc::new(tokio::sync::Mutex::new(gate));
    let origin = Origin::start(&world, "origin.test", move |mut conn| {
        let gate = std::sync::Arc::clone(&gate);
        async move {
            conn.request().await.unwrap();
            conn.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
            )
            .await;
            for number in ["one", "two", "three"] {
                conn.send(chunk_of(format!("data: {number}\n\n").as_bytes())).await;
                gate.lock().await.recv().await.unwrap();
            }
            conn.send("0\r\n\r\n").await;
        }
    })
    .await;
    let mut client = Client::tunnel(&world, &origin).await;
    client.send(get(&origin, "/events")).await;
    client.head().await;
    let mut body = Body::default();
    let mut expected = String::new();
    for number in ["one", "two", "three"] {
        expected.push_str(&format!("data: {number}\n\n"));
        while body.bytes.len() < expected.len() {
            assert!(soon("an event", client.reader.chunk(&mut body)).await);
        }
        assert_eq!(String::from_utf8_lossy(&body.bytes), expected);
        go.send(()).unwrap();
    }
    while client.reader.chunk(&mut body).await {}
    assert!(body.whole);
}

#[tokio::test]
async fn a_stream_of_events_may_be_silent_for_as_long_as_is_configured() {
    let events_idle = Duration::from_millis(300);
    let world = World::start(Setup { events_idle, ..Setup::default() }).await;
    let origin = Origin::start(&world, "origin.test", |mut conn| async move {
        conn.request().await.unwrap();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        conn.send(head).await;
        conn.send(chunk_of(b"data: one\n\n")).await;
        std::future::pending::<()>().await;
    })
    .await;
    let mut client = Client::tunnel(&world, &origin).await;
    client.send(get(&origin, "/events")).await;
    client.head().await;
    let (mut body, began) = (Body::default(), std::time::Instant::now());
    while soon("the end of it", client.reader.chunk(&mut body)).await {}
    assert!(began.elapsed() >= events_idle * 9 / 10);
    assert_eq!((String::from_utf8_lossy(&body.bytes), body.whole), ("data: one\n\n".into(), false));
}

#[tokio::test]
async fn an_answer_may_be_awaited_for_as_long_as_is_configured() {
    let first_byte = Duration::from_millis(300);
    let world = World::start(Setup { first_byte, ..Setup::default() }).await;
    let mute = |mut conn: Conn| async move {
        conn.request().await.unwrap();
        std::future::pending::<()>().await;
    };
    let secure = Origin::start(&world, "origin.test", mute).await;
    let clear = Origin::cleartext("other.test", mute).await;
    let both = H2Origin::start(&world, "pay.test", |mut exchange| async move {
        exchange.read().await;
        std::future::pending::<()>().await;
    })
    .await;
    let began = std::time::Instant::now();
    let mut client = Client::tunnel(&world, &secure).await;
    assert_eq!(client.exchange(post(&secure, "/", "text/plain", b"well")).await.status, 504);
    let mut client = Client::direct(&world).await;
    let to = clear.authority();
    let asked = format!("POST http://{to}/ HTTP/1.1\r\nHost: {to}\r\nContent-Length: 4\r\n\r\nwell");
    assert_eq!(client.exchange(asked).await.status, 504);
    let mut client = H2Client::to(&world, &both).await;
    assert_eq!(client.post(&both.authority(), "/", b"{}").await.status, 504);
    assert!(began.elapsed() >= 3 * first_byte * 9 / 10);
}

#[tokio::test]
async fn a_card_number_late_in_an_upload_aborts_it() {
    let world = World::start(setup()).await;
    let (ended, mut ends) = mpsc::unbounded_channel();
    let origin = Origin::start(&world, "origin.test", move |mut conn| {
        let ended = ended.clone();
        async move {
            conn.head().await.unwrap();
            let mut body = Body::default();
            while conn.reader().chunk(&mut body).await {}
            ended.send(body).unwrap();
        }
    })
    .await;
    let mut client = Client::tunnel(&world, &origin).await;
    client.send(chunked_post(&origin)).await;
    client.send(chunk_of(&harmless(512 * 1024))).await;
    client.send(chunk_of(format!(" card {PAN} \n").as_bytes())).await;
    client.send("0\r\n\r\n").await;
    let response = client.response().await;
    assert_eq!(response.status, 403);
    assert_eq!(response.json()["upstream_received"], true);
    let body = soon("the end at the origin", ends.recv()).await.unwrap();
    assert!(!body.whole, "an aborted body must not end cleanly");
    assert!(!body.bytes.is_empty());
    assert!(!String::from_utf8_lossy(&body.bytes).contains(&PAN[..8]));
    let records = world.records().await;
    let record = only(&records, "decision", "request");
    assert_eq!((&record["action"], &record["disclosure"]), (&"block".into(), &"prevented".into()));
    assert_eq!(record["findings"][0]["forwarded"], 0);
    assert!(record["bytes"]["forwarded_before_decision"].as_u64().unwrap() > 0);
}

fn response_blocks() -> Vec<RuleSpec> {
    vec![RuleSpec {
        direction: Some(Direction::Response),
        ..rule("pan-returns", &["payment.pan"], Action::Block)
    }]
}

/// An origin that sends much, and then a card number.
async fn leaky(world: &World, head: &'static str, chunks: bool) -> Origin {
    Origin::start(world, "origin.test", move |mut conn| async move {
        conn.request().await.unwrap();
        conn.send(head).await;
        let parts = [harmless(512 * 1024), format!(" card {PAN} \n").into_bytes(), harmless(2000)];
        for part in parts {
            conn.send(if chunks { chunk_of(&part) } else { part }).await;
        }
        if chunks {
            conn.send("0\r\n\r\n").await;
        }
        conn.close().await;
    })
    .await
}

#[tokio::test]
async fn a_card_number_late_in_a_download_never_ends_cleanly() {
    let heads = [
        ("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 526313\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n", false),
    ];
    for (head, chunks) in heads {
        for version in ["1.1", "1.0"] {
            let world = World::start(Setup { rules: response_blocks(), ..setup() }).await;
            let origin = leaky(&world, head, chunks).await;
            let mut client = Client::tunnel(&world, &origin).await;
            client.send(format!("GET / HTTP/{version}\r\nHost: {}\r\n\r\n", origin.authority())).await;
            let response = client.response().await;
            assert_eq!(response.status, 200, "{head}");
            assert!(!response.body.whole, "HTTP/{version} {head}");
            assert!(!response.body.bytes.is_empty());
            assert!(!String::from_utf8_lossy(&response.body.bytes).contains(&PAN[..8]));
            let records = world.records().await;
            let record = only(&records, "decision", "response");
            assert_eq!(record["action"], "block");
            assert_eq!(record["disclosure"], "prevented");
        }
    }
}

#[tokio::test]
async fn a_cut_in_clear_text_over_http_1_0_is_a_reset() {
    let world = World::start(Setup { rules: response_blocks(), ..setup() }).await;
    let origin = Origin::cleartext("origin.test", move |mut conn| async move {
        conn.request().await.unwrap();
        conn.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n").await;
        conn.send(harmless(256 * 1024)).await;
        conn.send(format!(" card {PAN} \n")).await;
        conn.close().await;
    })
    .await;
    let mut client = Client::direct(&world).await;
    client.send(format!("GET http://{0}/ HTTP/1.0\r\nHost: {0}\r\n\r\n", origin.authority())).await;
    let response = client.response().await;
    assert_eq!(response.status, 200);
    assert_eq!(client.reader.error, Some(std::io::ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn every_byte_arrives_as_it_was_sent_however_it_was_cut() {
    let world = World::start(setup()).await;
    let origin = Origin::start(&world, "origin.test", |conn| {
        conn.serve(|request| {
            let body = &request.body.bytes;
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
            [head.as_bytes(), &chunked(body, 1 + body.len() / 7)].concat()
        })
    })
    .await;
    let mut client = Client::tunnel(&world, &origin).await;
    // A fixed sequence: a failure can be looked into.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for length in [0, 1, HOLD - 1, HOLD, HOLD + 1, 5 * HOLD + 7, 300_000] {
        let body: Vec<u8> = (0..length)
            .map(|_| (random() >> 32) as u8 & 0x7f | 0x20)
            .map(|b| match b {
                b'0'..=b'9' => b'x',
                other => other,
            })
            .collect();
        client.send(chunked_post(&origin)).await;
        let mut rest = body.as_slice();
        while !rest.is_empty() {
            let size = (1 + random() as usize % 9000).min(rest.len());
            let (chunk, after) = rest.split_at(size);
            client.send(chunk_of(chunk)).await;
            rest = after;
        }
        client.send("0\r\n\r\n").await;
        let response = client.response().await;
        assert_eq!(response.status, 200);
        assert!(response.body.bytes == body, "length {length}");
    }
    assert_eq!(origin.connections(), 1, "one upstream connection serves them all");
}

#[tokio::test]
async fn a_redacted_upload_is_masked_far_behind_its_start() {
    let rules = vec![request_rule("ssn", &["national-id.us-ssn"], Action::Redact)];
    let world = World::start(Setup { rules, ..setup() }).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    let text =
        [harmless(200_000), format!(" ssn {} \n", crate::harness::SSN).into_bytes(), harmless(100_000)]
            .concat();
    client.send(chunked_post(&origin)).await;
    client.send(chunked(&text, 4096)).await;
    assert_eq!(client.response().await.status, 200);
    let mut reader = Reader::new(std::io::Cursor::new(origin.received()));
    let head = reader.head().await.unwrap();
    let body = reader.body(head.framing(Framing::None)).await;
    assert!(body.whole);
    assert_eq!(body.bytes.len(), text.len());
    let differ = body.bytes.iter().zip(&text).filter(|(a, b)| a != b).count();
    assert!((1..=crate::harness::SSN.len()).contains(&differ), "{differ} bytes differ");
    assert!(!String::from_utf8_lossy(&body.bytes).contains("1845"));
}

#[tokio::test]
async fn a_client_that_expects_100_is_told_to_go_on_or_refused() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let head = |target: &str| {
        format!(
            "PUT {target} HTTP/1.1\r\nHost: {}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
            origin.authority()
        )
    };
    let mut client = Client::tunnel(&world, &origin).await;
    client.send(head("/object")).await;
    let go_on = client.head().await;
    assert_eq!(go_on.line, "HTTP/1.1 100 Continue");
    client.send("hello").await;
    assert_eq!(client.response().await.status, 200);
    assert!(!origin.received_text().to_ascii_lowercase().contains("expect"));

    client.send(head(&format!("/object?card={PAN}"))).await;
    assert_eq!(client.response().await.status, 403, "the head alone decides, and the body is not asked for");
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::start(&world, "origin.test", |conn| {
        conn.serve(|_| {
            b"HTTP/1.1 200 OK\r\nTrailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n\
              2\r\nok\r\n0\r\nx-sum: seven\r\n\r\n"
                .to_vec()
        })
    })
    .await;
    let mut client = Client::tunnel(&world, &origin).await;
    client
        .send(format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nTE: trailers\r\nTrailer: x-check\r\nTransfer-Encoding: chunked\r\n\r\n\
             2\r\nhi\r\n0\r\nx-check: three\r\n\r\n",
            origin.authority()
        ))
        .await;
    let response = client.response().await;
    assert_eq!(response.body.bytes, b"ok");
    assert_eq!(response.body.trailers, [("x-sum".to_owned(), "seven".to_owned())]);
    let received = origin.received_text();
    assert!(received.contains("x-check: three"), "{received}");
}

#[tokio::test]
async fn a_response_without_a_body_keeps_what_its_head_says() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::start(&world, "origin.test", |conn| {
        conn.serve(|request| match request.head.line.split(' ').next().unwrap() {
            "HEAD" => b"HTTP/1.1 200 OK\r\nContent-Length: 4711\r\nContent-Encoding: gzip\r\n\r\n".to_vec(),
            "PUT" => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
            _ => b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n".to_vec(),
        })
    })
    .await;
    let mut client = Client::tunnel(&world, &origin).await;
    client.send(format!("HEAD / HTTP/1.1\r\nHost: {}\r\n\r\n", origin.authority())).await;
    let head = client.response_to("HEAD").await;
    assert_eq!((head.status, head.field("content-length")), (200, Some("4711")));
    client.send(format!("PUT / HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n", origin.authority())).await;
    let put = client.response().await;
    assert_eq!((put.status, put.field("content-length")), (204, None));
    let unchanged = client.exchange(get(&origin, "/")).await;
    assert_eq!((unchanged.status, unchanged.field("etag")), (304, Some("\"a\"")));
    let records = world.records().await;
    assert!(messages(&records).iter().all(|record| record["action"] == "allow"), "{records:#?}");
}
