//! Messages of WebSockets are inspected as they pass, in both directions.

use std::time::Duration;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use serde_json::{Value, json};
use tidegate::limits;
use tidegate::policy::{Action, Mode, Per, RuleSpec};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinHandle;

use crate::harness::client::connector_offering;
use crate::harness::h2::H2Client;
use crate::harness::socket::{
    BINARY, CLOSE, COMPRESSED, KEY, PING, Socket, TEXT, accept, agree, echo, frame, stream,
};
use crate::harness::wire::Reader;
use crate::harness::{Client, Origin, PAN, SSN, Setup, World, messages, request_rule, rule, soon};

fn opening(origin: &Origin, more: &str) -> String {
    format!(
        "GET /chat HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Protocol: chat\r\n{more}\r\n",
        origin.authority()
    )
}

async fn open(world: &World, origin: &Origin, more: &str) -> Socket {
    let mut client = Client::tunnel(world, origin).await;
    client.send(opening(origin, more)).await;
    let head = client.head().await;
    assert!(head.line.starts_with("HTTP/1.1 101"), "{head:?}");
    assert_eq!(head.field("sec-websocket-accept"), Some(&*accept(KEY)));
    assert_eq!(head.field("sec-websocket-protocol"), Some("chat"));
    Socket { reader: client.reader, masks: true }
}

fn of_kind<'a>(records: &'a [Value], kind: &str) -> Vec<&'a Value> {
    messages(records).into_iter().filter(|record| record["kind"] == kind).collect()
}

#[tokio::test]
async fn clean_messages_pass_as_they_came_in_both_directions() {
    let world = World::start(Setup::default()).await;
    let (origin, heard) = echo(&world, "").await;
    let mut client = open(&world, &origin, "Sec-WebSocket-Extensions: x-private\r\n").await;
    assert!(!origin.received_text().contains("x-private"));
    let long = vec![b'x'; 70_000];
    let frames: [(u8, &[u8]); 8] = [
        (TEXT, b"hello"),
        (BINARY, &[0, 1, 2, 255]),
        (0x01, b"in three "),
        (PING, b"are you there"),
        (0x00, b"pieces, of"),
        (0x80, b" which this is the last"),
        (TEXT, b""),
        (BINARY, &long),
    ];
    for (first, payload) in frames {
        client.send(first, payload).await;
    }
    // A control frame may overtake a message that is not whole yet.
    let order = [0, 1, 3, 2, 4, 5, 6, 7];
    for at in order {
        assert_eq!(client.read().await, Some((frames[at].0, frames[at].1.to_vec())), "{at}");
    }
    client.send(CLOSE, &1000u16.to_be_bytes()).await;
    assert_eq!(client.read().await, Some((CLOSE, 1000u16.to_be_bytes().to_vec())));
    assert_eq!(client.read().await, None);
    assert_eq!(heard.lock().unwrap().len(), 9);
    let records = world.records().await;
    assert_eq!(of_kind(&records, "decision").len(), 2, "of the opening alone");
    assert_eq!(of_kind(&records, "opening").len(), 2);
    for end in of_kind(&records, "end") {
        assert_eq!((&end["action"], &end["disclosure"]), (&json!("allow"), &json!("none")));
        assert!(end["bytes"]["seen"].as_u64().unwrap() > 70_000, "{end}");
        assert_eq!(end["bytes"]["seen"], end["bytes"]["inspected"]);
        assert_eq!(end["bytes"]["seen"], end["bytes"]["forwarded"]);
        let status = if end["direction"] == "response" { json!(101) } else { json!(null) };
        assert_eq!((&end["http"]["status"], &end["reason"]), (&status, &json!("closed")));
    }
}

#[tokio::test]
async fn a_message_with_a_card_number_closes_both_ends() {
    let spelled = format!("{{\"card\":\"{}\"}}", PAN.replace('5', "\\u0035"));
    let (front, back) = PAN.split_at(7);
    let plain = format!("card {PAN}");
    let cases: [&[(u8, &[u8])]; 5] = [
        &[(TEXT, plain.as_bytes())],
        &[(TEXT, spelled.as_bytes())],
        &[(BINARY, plain.as_bytes())],
        &[(0x01, front.as_bytes()), (0x80, back.as_bytes())],
        &[(PING, plain.as_bytes())],
    ];
    let world = World::start(Setup::default()).await;
    for frames in cases {
        let (origin, heard) = echo(&world, "").await;
        let mut client = open(&world, &origin, "").await;
        client.send(TEXT, b"clean").await;
        assert_eq!(client.read().await, Some((TEXT, b"clean".to_vec())));
        for (first, payload) in frames {
            client.send(*first, payload).await;
        }
        client.is_closed_with(1008).await;
        soon("the origin to be told", async {
            while !heard
                .lock()
                .unwrap()
                .iter()
                .any(|(first, payload)| *first == CLOSE && payload.starts_with(&1008u16.to_be_bytes()))
            {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let last = heard.lock().unwrap().last().cloned();
        assert_eq!(last, Some((CLOSE, 1008u16.to_be_bytes().to_vec())), "the origin is not told why");
        assert_eq!(heard.lock().unwrap().len(), 2, "the clean one, and the end");
    }
    let records = world.records().await;
    let blocked: Vec<_> =
        of_kind(&records, "decision").into_iter().filter(|record| record["action"] == "block").collect();
    assert_eq!(blocked.len(), cases.len());
    for record in blocked {
        assert_eq!((&record["direction"], &record["disclosure"]), (&json!("request"), &json!("prevented")));
    }
    assert_eq!(of_kind(&records, "end").len(), 2 * cases.len());
}

#[tokio::test]
async fn what_a_server_says_is_inspected_too() {
    let rules = vec![RuleSpec {
        direction: Some(tidegate::flow::Direction::Response),
        ..rule("r", &["payment.pan"], Action::Block)
    }];
    let world = World::start(Setup { rules, ..Setup::default() }).await;
    let (origin, _) = echo(&world, "").await;
    let mut client = open(&world, &origin, "").await;
    client.send(TEXT, format!("card {PAN}").as_bytes()).await;
    client.is_closed_with(1008).await;
}

#[tokio::test]
async fn values_are_counted_over_all_messages_of_a_direction() {
    let cards = ["4539148803436467", "4485275742308327", "4916338506082832"];
    let rules = vec![RuleSpec { at_least: 3, ..request_rule("three", &["payment.pan"], Action::Block) }];
    let world = World::start(Setup { rules, ..Setup::default() }).await;
    let (origin, heard) = echo(&world, "").await;
    let mut client = open(&world, &origin, "").await;
    for card in [cards[0], cards[1], cards[0]] {
        client.send(TEXT, format!("card {card} and a word").as_bytes()).await;
        assert!(client.read().await.unwrap().0 == TEXT);
    }
    client.send(TEXT, format!("card {} and a word", cards[2]).as_bytes()).await;
    client.is_closed_with(1008).await;
    assert!(
        !heard.lock().unwrap().iter().any(|(_, payload)| String::from_utf8_lossy(payload).contains(cards[2]))
    );
}

fn deflate(engine: &mut Compress, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 128);
    engine.compress_vec(text, &mut out, FlushCompress::Sync).unwrap();
    assert!(out.ends_with(&[0, 0, 255, 255]));
    out.truncate(out.len() - 4);
    out
}

fn inflate(engine: &mut Decompress, coded: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4096);
    engine.decompress_vec(&[coded, &[0, 0, 255, 255]].concat(), &mut out, FlushDecompress::Sync).unwrap();
    out
}

#[tokio::test]
async fn compressed_messages_are_read_and_masked_with_context_taken_over() {
    let rules = vec![
        request_rule("ssn", &["national-id.us-ssn"], Action::Redact),
        request_rule("pan", &["payment.pan"], Action::Block),
    ];
    let world = World::start(Setup { rules, ..Setup::default() }).await;
    let extensions = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let (origin, heard) = echo(&world, extensions).await;
    let mut client =
        open(&world, &origin, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n")
            .await;
    let (mut compress, mut at_origin, mut at_client) =
        (Compress::new(Compression::best(), false), Decompress::new(false), Decompress::new(false));
    let text = |turn: usize, value: &str| {
        format!("{{\"turn\":{turn},\"ssn\":\"{value}\",\"note\":\"much the same as before\"}}")
    };
    for turn in 0..6 {
        let (said, expected) = match turn {
            2 | 4 => (text(turn, SSN), text(turn, "***-**-****")),
            _ => (text(turn, "none"), text(turn, "none")),
        };
        client.send(COMPRESSED, &deflate(&mut compress, said.as_bytes())).await;
        let (first, echoed) = client.read().await.unwrap();
        assert_eq!(first, COMPRESSED);
        let (_, got) = heard.lock().unwrap().pop().unwrap();
        assert_eq!(String::from_utf8_lossy(&inflate(&mut at_origin, &got)), expected, "turn {turn}");
        assert_eq!(String::from_utf8_lossy(&inflate(&mut at_client, &echoed)), expected, "turn {turn}");
    }
    client.send(COMPRESSED, &deflate(&mut compress, format!("card {PAN}").as_bytes())).await;
    client.is_closed_with(1008).await;
    let records = world.records().await;
    let actions: Vec<_> =
        of_kind(&records, "decision").iter().map(|record| record["action"].clone()).collect();
    assert_eq!(actions, ["allow", "allow", "redact", "block"]);
}

#[tokio::test]
async fn a_message_longer_than_hold_streams_and_what_it_hides_is_stopped() {
    let hold = 8 * 1024;
    let world = World::start(Setup { hold, ..Setup::default() }).await;
    let (origin, heard) = echo(&world, "").await;
    let mut client = open(&world, &origin, "").await;
    let long: Vec<u8> = b"some words and more ".iter().copied().cycle().take(20 * hold).collect();
    client.send(TEXT, &long).await;
    let mut came = Vec::new();
    loop {
        let (first, payload) = client.read().await.unwrap();
        assert_eq!(first & 0x0f, u8::from(came.is_empty()));
        came.extend(payload);
        if first & 0x80 != 0 {
            break;
        }
    }
    assert_eq!(came, long);
    client.send(BINARY, &[&long[..], format!(" card {PAN} ").as_bytes(), &long].concat()).await;
    client.is_closed_with(1008).await;
    let all: Vec<u8> = heard.lock().unwrap().iter().flat_map(|(_, payload)| payload.clone()).collect();
    assert!(!String::from_utf8_lossy(&all).contains(PAN));
}

#[tokio::test]
async fn a_websocket_comes_over_http_2() {
    let world = World::start(Setup::default()).await;
    let (origin, heard) = echo(&world, "").await;
    let (mut client, _connection) = speaks_http2(&world, &origin).await;
    let request = http::Request::builder()
        .method("CONNECT")
        .uri(format!("https://{}/chat", origin.authority()))
        .extension(h2::ext::Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13")
        .header("sec-websocket-protocol", "chat");
    let (response, sending) = client.begin(request).await;
    let response = soon("a response", response).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
    assert!(!response.headers().contains_key("sec-websocket-accept"));
    let reader = Reader::new(stream(response.into_body(), sending));
    let mut socket = Socket { reader, masks: true };
    socket.send(TEXT, b"hello").await;
    assert_eq!(socket.read().await, Some((TEXT, b"hello".to_vec())));
    socket.send(TEXT, format!("card {PAN}").as_bytes()).await;
    socket.is_closed_with(1008).await;
    assert!(!heard.lock().unwrap().iter().any(|(_, payload)| String::from_utf8_lossy(payload).contains(PAN)));
}

#[tokio::test]
async fn an_upstream_that_does_not_agree_is_heard_or_refused() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::start(&world, "origin.test", |mut conn| async move {
        while let Some(head) = conn.head().await {
            let accept = accept(head.field("sec-websocket-key").unwrap());
            let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
            conn.send(match head.line.split(' ').nth(1).unwrap() {
            "/no" => "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno".to_owned(),
            "/unproven" => format!("{switch}Sec-WebSocket-Accept: {KEY}\r\n\r\n"),
            "/unasked" => {
                format!("{switch}Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
            }
            "/elsewhere" => format!("{}Sec-WebSocket-Accept: {accept}\r\n\r\n", switch.replace("websocket", "foo")),
            other => panic!("{other}"),
        })
        .await;
        }
    })
    .await;
    for (path, status) in [("/no", 403), ("/unproven", 502), ("/unasked", 502), ("/elsewhere", 502)] {
        let mut client = Client::tunnel(&world, &origin).await;
        let response = client.exchange(opening(&origin, "").replace("/chat", path)).await;
        assert_eq!(response.status, status, "{path}");
    }
    // What asks for something else, or asks badly, goes nowhere.
    for (from, to) in [("websocket", "foo/2"), ("Version: 13", "Version: 8"), (KEY, "short"), ("GET", "POST")]
    {
        let mut client = Client::tunnel(&world, &origin).await;
        let response = client.exchange(opening(&origin, "").replace(from, to)).await;
        assert_eq!(response.status, 501, "{to}");
    }
    let mut client = Client::tunnel(&world, &origin).await;
    let response = client.exchange(opening(&origin, "Content-Length: 5\r\n") + "hello").await;
    assert_eq!(response.status, 501, "a body has no place in it");
    let mut client = Client::tunnel(&world, &origin).await;
    let response = client.exchange(opening(&origin, &format!("X-Card: {PAN}\r\n"))).await;
    assert_eq!(response.status, 403, "the head is judged first");
}

#[tokio::test]
async fn frames_that_break_the_rules_end_it() {
    let cases: [(&[u8], u16); 7] = [
        (&frame(0x80, b"continues nothing", true), 1002),
        (&[frame(0x01, b"begins ", true), frame(TEXT, b"and begins", true)].concat(), 1002),
        (&frame(TEXT, b"not masked", false), 1002),
        (&frame(COMPRESSED, b"not agreed on", true), 1002),
        (&frame(0x83, b"of no kind", true), 1002),
        (&frame(TEXT, b"no te\xff\xfe", true), 1007),
        (&frame(CLOSE, &[3], true), 1002),
    ];
    let world = World::start(Setup::default()).await;
    for (bytes, code) in cases {
        let (origin, heard) = echo(&world, "").await;
        let mut client = open(&world, &origin, "").await;
        client.reader.io.write_all(bytes).await.unwrap();
        client.reader.io.flush().await.unwrap();
        client.is_closed_with(code).await;
        assert!(heard.lock().unwrap().iter().all(|(first, _)| *first == CLOSE));
    }
}

#[tokio::test]
async fn a_drain_says_goodbye_to_both_ends() {
    let world = World::start(Setup::default()).await;
    let (origin, heard) = echo(&world, "").await;
    let mut client = open(&world, &origin, "").await;
    client.send(TEXT, b"hello").await;
    assert_eq!(client.read().await, Some((TEXT, b"hello".to_vec())));
    let ((cut, records), ()) = tokio::join!(world.cut(Duration::from_millis(1)), client.is_closed_with(1001));
    assert_eq!(cut, 1);
    let ends = of_kind(&records, "end");
    assert_eq!(ends.len(), 2);
    assert!(ends.iter().all(|end| end["reason"] == "cut at the end of the drain"), "{ends:#?}");
    assert!(
        heard
            .lock()
            .unwrap()
            .iter()
            .any(|(first, said)| *first == CLOSE && said[..2] == 1001u16.to_be_bytes())
    );
}

/// A client of HTTP/2, and the task that is its connection.
async fn speaks_http2(world: &World, origin: &Origin) -> (H2Client, JoinHandle<()>) {
    let tcp = Client::connect(world, &origin.authority()).await;
    let tls = connector_offering(&world.issuer, &[])
        .connect(crate::harness::client::name(origin.name), tcp)
        .await
        .unwrap();
    let (sender, connection) = h2::client::handshake(tls).await.unwrap();
    let client = H2Client { sender };
    // It ends when it ends.
    let connection = tokio::spawn(async move { drop(connection.await) });
    soon("settings", async {
        while !client.sender.is_extended_connect_protocol_enabled() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    (client, connection)
}

async fn open_stream(client: &mut H2Client, origin: &Origin) -> Socket {
    let request = http::Request::builder()
        .method("CONNECT")
        .uri(format!("https://{}/chat", origin.authority()))
        .extension(h2::ext::Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13");
    let (response, sending) = client.begin(request).await;
    let response = soon("a response", response).await.unwrap();
    assert_eq!(response.status(), 200);
    Socket { reader: Reader::new(stream(response.into_body(), sending)), masks: true }
}

#[tokio::test]
async fn a_drain_says_goodbye_over_http_2_too() {
    let world = World::start(Setup::default()).await;
    let (origin, _) = echo(&world, "").await;
    let (mut client, _connection) = speaks_http2(&world, &origin).await;
    let mut sockets = [open_stream(&mut client, &origin).await, open_stream(&mut client, &origin).await];
    for socket in &mut sockets {
        socket.send(TEXT, b"hello").await;
        assert_eq!(socket.read().await, Some((TEXT, b"hello".to_vec())));
    }
    let [one, two] = &mut sockets;
    let ((cut, records), (), ()) =
        tokio::join!(world.cut(Duration::from_millis(1)), one.is_closed_with(1001), two.is_closed_with(1001));
    assert_eq!((cut, of_kind(&records, "end").len()), (2, 4));
}

#[tokio::test]
async fn a_masked_value_stays_in_its_frame() {
    let rules = vec![request_rule("ssn", &["national-id.us-ssn"], Action::Redact)];
    let world = World::start(Setup { rules, ..Setup::default() }).await;
    let (origin, heard) = echo(&world, "").await;
    let mut client = open(&world, &origin, "").await;
    let (front, back) = SSN.split_at(5);
    for (first, text) in [(0x01, format!("{{\"ssn\":\"{front}")), (0x80, format!("{back}\",\"n\":1}}"))] {
        client.send(first, text.as_bytes()).await;
    }
    for expected in [(0x01, "{\"ssn\":\"***-*"), (0x80, "*-****\",\"n\":1}")] {
        assert_eq!(client.read().await, Some((expected.0, expected.1.as_bytes().to_vec())));
    }
    client.send(PING, SSN.as_bytes()).await;
    assert_eq!(client.read().await, Some((PING, b"***-**-****".to_vec())));
    client.send(CLOSE, &1000u16.to_be_bytes()).await;
    client.is_closed_with(1000).await;
    assert_eq!(heard.lock().unwrap().len(), 4);
    let records = world.records().await;
    let actions: Vec<_> =
        of_kind(&records, "decision").iter().map(|record| record["action"].clone()).collect();
    assert_eq!(actions, ["allow", "allow", "redact"], "one decision for all that is masked");
    let end = of_kind(&records, "end").into_iter().find(|end| end["direction"] == "request").unwrap();
    let found = &end["findings"][0];
    assert_eq!(
        (&end["disclosure"], &found["matched"], &found["distinct"]),
        (&json!("redacted"), &json!(2), &json!(1))
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_unless_it_may_pass() {
    let extensions = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=9; server_no_context_takeover\r\n";
    let offer = "Sec-WebSocket-Extensions: x-private, permessage-deflate; client_max_window_bits\r\n";
    for (undecodable, passes) in [(Action::Block, false), (Action::Allow, true)] {
        let world = World::start(Setup { undecodable, ..Setup::default() }).await;
        let (origin, _) = echo(&world, extensions).await;
        let mut client = open(&world, &origin, offer).await;
        assert!(!origin.received_text().contains("x-private"));
        client.send(COMPRESSED, &[0xff; 30]).await;
        if passes {
            assert_eq!(client.read().await, Some((COMPRESSED, vec![0xff; 30])));
            client.send(CLOSE, &[]).await;
            assert_eq!(client.read().await, Some((CLOSE, vec![])));
        } else {
            client.is_closed_with(1008).await;
        }
        let records = world.records().await;
        let end = of_kind(&records, "end").into_iter().find(|end| end["direction"] == "request").unwrap();
        let blocked = of_kind(&records, "decision").into_iter().find(|record| record["action"] == "block");
        match blocked {
            Some(blocked) => assert_eq!((passes, &blocked["reason"]), (false, &json!("undecodable: broken"))),
            None => assert_eq!(
                (passes, &end["bytes"]["uninspected"][0]),
                (true, &json!({"reason": "broken", "bytes": 30}))
            ),
        }
    }
}

#[tokio::test]
async fn the_end_tells_all_that_was_told_before_and_more() {
    let mails = ["ann.smith@clients.dev", "bob.smith@clients.dev", "cara.smith@clients.dev"];
    let rules = vec![
        request_rule("told", &["contact.email"], Action::Alert),
        request_rule("stopped", &["payment.pan"], Action::Block),
    ];
    let world = World::start(Setup { rules, ..Setup::default() }).await;
    let (origin, _) = echo(&world, "").await;
    let mut client = open(&world, &origin, "").await;
    for mail in mails {
        client.send(TEXT, mail.as_bytes()).await;
        assert!(client.read().await.is_some());
    }
    client.send(TEXT, format!("card {PAN}").as_bytes()).await;
    client.is_closed_with(1008).await;
    drop(client);
    let records = world.records().await;
    let interim: Vec<_> = records.iter().filter(|record| record["interim"] == true).collect();
    let of = |record: &Value| (record["action"].clone(), record["findings"][0]["distinct"].clone());
    let told: Vec<_> = interim.iter().map(|record| of(record)).collect();
    assert!(told.contains(&(json!("alert"), json!(1))) && told.last().unwrap().0 == "block", "{told:?}");
    let ends = of_kind(&records, "end");
    let end = ends.iter().find(|end| end["direction"] == "request").unwrap();
    assert!(interim.iter().all(|record| record["decision"] == end["decision"]), "{interim:#?}");
    assert_eq!((&end["action"], &end["interim"]), (&json!("block"), &json!(null)), "{end:#}");
    let mail = |record: &Value| {
        let findings = record["findings"].as_array().unwrap().clone();
        findings.into_iter().find(|found| found["identifier"] == "contact.email").unwrap()
    };
    assert_eq!((mail(end)["distinct"].clone(), mail(end)["forwarded"].clone()), (json!(3), json!(3)));
    assert_eq!(mail(end)["rules"], json!(["told"]));
}

#[tokio::test]
async fn windows_count_what_left_over_websockets_and_observe_lets_pass() {
    let emails = ["ann.smith@clients.dev", "bob.smith@clients.dev"];
    let hourly = RuleSpec {
        per: Per::Client,
        window: Some(Duration::from_secs(3600)),
        at_least: 2,
        ..request_rule("hourly", &["contact.email"], Action::Block)
    };
    for mode in [Mode::Enforce, Mode::Observe] {
        let world = World::start(Setup { mode, rules: vec![hourly.clone()], ..Setup::default() }).await;
        let (origin, _) = echo(&world, "").await;
        let mut one = open(&world, &origin, "").await;
        one.send(TEXT, emails[0].as_bytes()).await;
        assert_eq!(one.read().await, Some((TEXT, emails[0].as_bytes().to_vec())));
        // It is still open: what it sent counts all the same.
        let mut two = open(&world, &origin, "").await;
        two.send(TEXT, emails[0].as_bytes()).await;
        assert_eq!(two.read().await, Some((TEXT, emails[0].as_bytes().to_vec())), "the same value");
        two.send(TEXT, emails[1].as_bytes()).await;
        if mode == Mode::Enforce {
            two.is_closed_with(1008).await;
            continue;
        }
        assert_eq!(two.read().await, Some((TEXT, emails[1].as_bytes().to_vec())));
        drop((one, two));
        let records = world.records().await;
        assert!(
            of_kind(&records, "decision").iter().any(|record| record["would"] == "block"),
            "{records:#?}"
        );
    }
}

#[tokio::test]
async fn an_end_that_says_nothing_is_let_go() {
    // Neither end says anything; one says that it ends, and the other nothing.
    for (closes, patience, code) in
        [(false, limits::WEBSOCKET_IDLE, 1001), (true, limits::WEBSOCKET_CLOSING, 1001)]
    {
        let world = World::start(Setup::default()).await;
        let origin = Origin::start(&world, "origin.test", |mut conn| async move {
            let head = conn.head().await.unwrap();
            let mut socket = agree(conn, &head, "").await;
            while socket.next().await.is_some() {}
        })
        .await;
        let mut client = open(&world, &origin, "").await;
        client.send(if closes { CLOSE } else { TEXT }, &[]).await;
        world.recorded("opening").await;
        tokio::time::pause();
        let began = tokio::time::Instant::now();
        let (first, payload) = client.next().await.unwrap();
        assert_eq!((first, &payload[..2]), (CLOSE, &u16::to_be_bytes(code)[..]));
        assert!(
            began.elapsed() + Duration::from_secs(5) > patience
                && began.elapsed() < patience + Duration::from_secs(5)
        );
        tokio::time::resume();
        drop(client);
        let records = world.records().await;
        assert!(
            of_kind(&records, "end").iter().all(|end| end["reason"] == "nothing came for too long"),
            "{records:#?}"
        );
    }
}

#[tokio::test]
async fn clients_that_vanish_leave_an_end_on_record() {
    let world = World::start(Setup::default()).await;
    let (origin, _) = echo(&world, "").await;
    let mut socket = open(&world, &origin, "").await;
    socket.send(TEXT, b"hello").await;
    assert!(socket.read().await.is_some());
    drop(socket);
    // The whole connection goes, and with it what carried the stream.
    let (mut client, connection) = speaks_http2(&world, &origin).await;
    let mut socket = open_stream(&mut client, &origin).await;
    socket.send(TEXT, b"hello").await;
    assert!(socket.read().await.is_some());
    connection.abort();
    let records = world.records().await;
    let ends = of_kind(&records, "end");
    assert_eq!(ends.len(), 4, "{ends:#?}");
    assert!(ends.iter().all(|end| end["bytes"]["forwarded"] == 5), "{ends:#?}");
}

#[tokio::test]
async fn a_client_that_reads_nothing_holds_its_origin_back() {
    const PIECE: usize = 64 * 1024;
    let world = World::start(Setup::default()).await;
    let (told, stalled) = tokio::sync::watch::channel(0);
    let told = std::sync::Arc::new(told);
    let origin = Origin::start(&world, "origin.test", move |mut conn| {
        let told = std::sync::Arc::clone(&told);
        async move {
            let head = conn.head().await.unwrap();
            let mut socket = agree(conn, &head, "").await;
            let piece = frame(BINARY, &[b'x'; PIECE], false);
            let mut sent = 0;
            while *told.borrow() == 0 {
                let mut write = std::pin::pin!(socket.reader.io.write_all(&piece));
                if tokio::time::timeout(Duration::from_millis(300), &mut write).await.is_err() {
                    told.send_replace(sent + 1);
                    write.await.unwrap();
                }
                sent += 1;
            }
            socket.send(CLOSE, &1000u16.to_be_bytes()).await;
            socket.next().await;
        }
    })
    .await;
    let mut client = open(&world, &origin, "").await;
    let mut stalled = stalled;
    let sent = *soon("the origin to wait", stalled.wait_for(|sent| *sent > 0)).await.unwrap();
    assert!(sent * PIECE < 64 << 20, "{sent} pieces");
    for _ in 0..sent {
        assert_eq!(client.read().await.map(|(first, payload)| (first, payload.len())), Some((BINARY, PIECE)));
    }
    assert_eq!(client.read().await, Some((CLOSE, 1000u16.to_be_bytes().to_vec())));
}
