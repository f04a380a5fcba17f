//! Tunnels that are not opened pass byte for byte, for a stated reason, and are recorded as unread.

use std::time::Duration;

use serde_json::Value;
use tidegate::policy::{Action, Bypass, Clients, Grounds, Hosts, Interceptions, Mode, Opaque, RuleSpec};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::client::{connector, get, name, post};
use crate::harness::origin::ok;
use crate::harness::wire::Reader;
use crate::harness::{Client, Origin, PAN, Setup, World, messages, rule, soon};

pub const FOREVER: i64 = i64::MAX;

pub fn bypass(host: &str, clients: Clients, expires: i64) -> Interceptions {
    let hosts = Hosts::compile(&[host.to_owned()], &[]).unwrap();
    let grounds = Grounds { reason: "pins its certificate".into(), owner: "payments".into() };
    Interceptions {
        bypasses: vec![Bypass::new(hosts, clients, grounds, expires)],
        ..Interceptions::default()
    }
}

fn with(interceptions: Interceptions) -> Setup {
    Setup { interceptions, ..Setup::default() }
}

fn opaque(opaque: Opaque) -> Setup {
    with(Interceptions { opaque, ..Interceptions::default() })
}

/// A hello that shows `sni`, with further extensions.
fn hello(sni: &str, more: &[(u16, &[u8])]) -> Vec<u8> {
    let vector = |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
    let named = vector(&[&[0], &vector(sni.as_bytes())[..]].concat());
    let mut extensions = [&[0, 0], &vector(&named)[..]].concat();
    for (kind, content) in more {
        extensions.extend([&kind.to_be_bytes()[..], &vector(content)].concat());
    }
    let mut body = [vec![3, 3], vec![7; 32], vec![0], vector(&[0x13, 1]), vec![1, 0]].concat();
    body.extend(vector(&extensions));
    let message = [&[1, 0][..], &vector(&body)].concat();
    [vec![22, 3, 1], vector(&message)].concat()
}

/// An origin without TLS or HTTP that reads to the end and then answers.
async fn raw(name: &'static str, answer: &'static [u8]) -> Origin {
    Origin::cleartext(name, move |mut conn| async move {
        while conn.reader().fill().await {}
        conn.send(answer).await;
        conn.close().await;
    })
    .await
}

async fn rest(tcp: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut all = Vec::new();
    soon("the end of a tunnel", tcp.read_to_end(&mut all)).await.map(|_| all)
}

fn uninspected(record: &Value) -> (&str, u64) {
    let first = &record["bytes"]["uninspected"][0];
    (first["reason"].as_str().unwrap_or_default(), first["bytes"].as_u64().unwrap_or_default())
}

#[tokio::test]
async fn a_bypassed_client_meets_the_origins_own_certificate_and_is_recorded_as_unread() {
    let world = World::start(with(bypass("origin.test", Clients::default(), FOREVER))).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let tcp = Client::connect(&world, &origin.authority()).await;
    let trust = connector(&world.authority.pem());
    let tls = soon("a handshake", trust.connect(name("origin.test"), tcp)).await.unwrap();
    let mut client = Client { reader: Reader::new(tls) };
    let body = format!("{{\"card\":\"{PAN}\"}}");
    assert_eq!(client.exchange(post(&origin, "/", "application/json", body.as_bytes())).await.status, 200);
    assert!(origin.received_text().contains(PAN));
    drop(client);
    let records = world.records().await;
    let told = messages(&records);
    let kinds: Vec<_> = told.iter().map(|record| record["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["opening", "opening", "end", "end"], "{told:#?}");
    for record in &told {
        assert_eq!(record["reason"], "bypass: pins its certificate (owner: payments)");
        assert_eq!(record["destination"]["host"], "origin.test");
        assert_eq!(record["action"], "allow");
    }
    for end in &told[2..] {
        let (reason, bytes) = uninspected(end);
        assert_eq!(reason, "bypass");
        assert!(bytes > 300, "{end}");
        assert_eq!(end["bytes"]["seen"], bytes);
        assert_eq!(end["bytes"]["forwarded"], bytes);
        assert_eq!(end["bytes"]["inspected"], 0);
    }
}

#[tokio::test]
async fn a_bypass_is_byte_exact_and_ends_one_side_at_a_time() {
    let world = World::start(with(bypass("origin.test", Clients::default(), FOREVER))).await;
    let origin = raw("origin.test", b"answer after the end").await;
    let mut tcp = Client::connect(&world, &origin.authority()).await;
    let mut sent = hello("origin.test", &[(0x2a2a, &[0])]);
    sent.extend((0..300_000u32).flat_map(u32::to_be_bytes));
    // The hello comes in pieces.
    for byte in &sent[..40] {
        tcp.write_all(&[*byte]).await.unwrap();
    }
    tcp.write_all(&sent[40..]).await.unwrap();
    tcp.shutdown().await.unwrap();
    assert_eq!(rest(&mut tcp).await.unwrap(), b"answer after the end");
    assert_eq!(origin.received(), sent);
    let records = world.records().await;
    let told = messages(&records);
    assert_eq!(told[2]["bytes"]["seen"].as_u64().unwrap() as usize, sent.len());
    assert_eq!(told.len(), 4);
}

#[tokio::test]
async fn what_a_bypass_does_not_cover_is_opened() {
    let elsewhere = Clients { networks: vec!["10.0.0.0/8".parse().unwrap()], listeners: vec![] };
    let by_listener = Clients { networks: vec![], listeners: vec!["apps".to_owned()] };
    let cases = [
        (bypass("origin.test", elsewhere, FOREVER), false),
        (bypass("origin.test", Clients::default(), 1_000), false),
        (bypass("other.test", Clients::default(), FOREVER), false),
        (bypass("origin.test", by_listener, FOREVER), true),
    ];
    for (ways, passes) in cases {
        let world = World::start(with(ways)).await;
        let origin = Origin::agreeable(&world, "origin.test").await;
        let tcp = Client::connect(&world, &origin.authority()).await;
        let trust = connector(if passes { world.authority.pem() } else { world.issuer.clone() }.as_str());
        let tls = soon("a handshake", trust.connect(name("origin.test"), tcp)).await.unwrap();
        let mut client = Client { reader: Reader::new(tls) };
        assert_eq!(client.exchange(get(&origin, "/")).await.status, 200);
    }
}

#[tokio::test]
async fn a_hello_that_may_hide_its_name_never_passes_unopened() {
    let veil = [(0xfe0d, &[0; 64][..])];
    let twice =
        [(0, &[0, 14, 0, 0, 11, b'o', b'r', b'i', b'g', b'i', b'n', b'.', b't', b'e', b's', b't'][..])];
    type More<'a> = &'a [(u16, &'a [u8])];
    let cases: [(&str, More<'_>, usize); 4] = [
        ("origin.test", &[], 1),
        ("origin.test", &veil, 0),
        ("origin.test", &twice, 0),
        ("other.test", &[], 0),
    ];
    for (sni, more, connections) in cases {
        let world = World::start(with(bypass("*.test", Clients::default(), FOREVER))).await;
        let origin = raw("origin.test", b"through").await;
        let mut tcp = Client::connect(&world, &origin.authority()).await;
        tcp.write_all(&hello(sni, more)).await.unwrap();
        tcp.shutdown().await.unwrap();
        let answer = rest(&mut tcp).await.unwrap_or_default();
        assert_eq!(answer == b"through", connections == 1, "{sni} {more:?}");
        assert_eq!(origin.connections(), connections, "{sni} {more:?}");
    }
}

#[tokio::test]
async fn a_bypass_dials_no_address_that_may_not_be_dialled() {
    let ways = bypass("origin.test", Clients::default(), FOREVER);
    let world = World::start(Setup { allow_loopback: false, ..with(ways) }).await;
    let origin = raw("origin.test", b"through").await;
    let mut tcp = Client::connect(&world, &origin.authority()).await;
    tcp.write_all(&hello("origin.test", &[])).await.unwrap();
    assert_eq!(rest(&mut tcp).await.unwrap_or_default(), b"");
    assert_eq!(origin.connections(), 0);
    let records = world.records().await;
    let [end] = messages(&records)[..] else { panic!("{records:#?}") };
    assert!(end["reason"].as_str().unwrap().contains("upstream.allow_addresses"), "{end}");
}

#[tokio::test]
async fn a_listener_opens_what_it_lists_and_leaves_the_rest() {
    let listed = Hosts::compile(&["pay.test".to_owned()], &[]).unwrap();
    let ways = Interceptions { listed: vec![("apps".into(), listed)], ..Interceptions::default() };
    let world = World::start(with(ways)).await;
    let (pay, origin) =
        (Origin::agreeable(&world, "pay.test").await, Origin::agreeable(&world, "origin.test").await);
    for (origin, trusted) in [(&pay, world.issuer.clone()), (&origin, world.authority.pem())] {
        let tcp = Client::connect(&world, &origin.authority()).await;
        let tls = soon("a handshake", connector(&trusted).connect(name(origin.name), tcp)).await.unwrap();
        let mut client = Client { reader: Reader::new(tls) };
        assert_eq!(client.exchange(get(origin, "/")).await.status, 200, "{}", origin.name);
    }
    let records = world.records().await;
    let unread: Vec<_> = messages(&records).into_iter().filter(|record| record["kind"] == "end").collect();
    assert!(unread.iter().all(|record| uninspected(record).0 == "not_listed"), "{unread:#?}");
    assert_eq!(unread.len(), 2);
}

#[tokio::test]
async fn destinations_that_must_be_listed_are_not_reached_unopened() {
    let listed = Hosts::compile(&["pay.test".to_owned()], &[]).unwrap();
    let ways = Interceptions { listed: vec![("apps".into(), listed)], ..Interceptions::default() };
    let world = World::start(Setup { unlisted: Action::Block, ..with(ways) }).await;
    let origin = raw("origin.test", b"through").await;
    let mut tcp = Client::connect(&world, &origin.authority()).await;
    let _ = tcp.write_all(&hello("origin.test", &[])).await;
    assert_eq!(rest(&mut tcp).await.unwrap_or_default(), b"");
    assert_eq!(origin.received(), b"");
    let records = world.records().await;
    assert!(messages(&records).iter().any(|record| record["action"] == "block"), "{records:#?}");
}

#[tokio::test]
async fn opaque_bytes_are_blocked_scanned_or_passed_as_configured() {
    let clean = b"\x00\x00\x00\x2fhello\x00there".as_slice();
    let card = [b"\x00\x00\x00\x2fpay ", PAN.as_bytes(), b" now\x00"].concat();
    let cases = [
        (opaque(Opaque::Block), clean, false),
        (opaque(Opaque::Allow), clean, true),
        (opaque(Opaque::Allow), &card, true),
        (opaque(Opaque::Inspect), clean, true),
        (opaque(Opaque::Inspect), &card, false),
        (Setup { mode: Mode::Observe, ..opaque(Opaque::Block) }, &card, true),
    ];
    for (setup, bytes, passes) in cases {
        let word = format!("{:?} {:?}", setup.interceptions.opaque, setup.mode);
        let (mode, word_of) = (setup.mode, setup.interceptions.opaque);
        let world = World::start(setup).await;
        let origin = raw("origin.test", b"answer").await;
        let mut tcp = Client::connect(&world, &origin.authority()).await;
        // Split inside the number: what is found depends on no boundary.
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let _ = tcp.write_all(first).await;
        tokio::task::yield_now().await;
        let _ = tcp.write_all(second).await;
        let _ = tcp.shutdown().await;
        let answer = rest(&mut tcp).await.unwrap_or_default();
        assert_eq!(answer == b"answer", passes, "{word}");
        assert_eq!(origin.received() == bytes, passes, "{word}");
        assert!(passes || !origin.received_text().contains(&PAN[..12]), "{word}");
        let records = world.records().await;
        let told = messages(&records);
        let last = told.iter().find(|r| r["direction"] == "request" && r["kind"] != "opening").unwrap();
        assert_eq!(last["action"] == "block", !passes, "{word}: {last}");
        match (word_of, mode) {
            (Opaque::Inspect, Mode::Enforce) if passes => {
                assert_eq!(last["bytes"]["inspected"].as_u64(), Some(bytes.len() as u64), "{last}");
            }
            (Opaque::Block, Mode::Observe) => assert_eq!(last["would"], "block", "{last}"),
            (Opaque::Allow, _) => assert_eq!(uninspected(last), ("opaque", bytes.len() as u64)),
            (Opaque::Block | Opaque::Inspect, Mode::Enforce | Mode::Observe) => {}
        }
    }
}

#[tokio::test]
async fn two_ends_of_an_opaque_protocol_never_wait_for_each_other_and_a_value_over_a_pause_is_cut() {
    let world = World::start(opaque(Opaque::Inspect)).await;
    let origin = Origin::cleartext("origin.test", |mut conn| async move {
        conn.reader().fill().await;
        conn.send("more").await;
        conn.is_cut().await;
    })
    .await;
    let mut tcp = Client::connect(&world, &origin.authority()).await;
    let (begin, end) = PAN.split_at(8);
    // It could be the beginning of a number, and the server will not speak before it has it.
    tcp.write_all(format!("\x01\x02 {begin}").as_bytes()).await.unwrap();
    let mut answer = [0; 4];
    soon("an answer", tcp.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"more");
    tcp.write_all(format!("{end} ").as_bytes()).await.unwrap();
    let _ = tcp.shutdown().await;
    assert!(rest(&mut tcp).await.is_err());
    assert_eq!(origin.received(), format!("\x01\x02 {begin}").as_bytes());
    let records = world.records().await;
    let blocked = messages(&records).into_iter().find(|record| record["action"] == "block").unwrap().clone();
    assert_eq!(blocked["findings"][0]["identifier"], "payment.pan", "{blocked}");
}

#[tokio::test]
async fn a_whole_value_before_a_pause_never_leaves() {
    let world = World::start(opaque(Opaque::Inspect)).await;
    let origin = raw("origin.test", b"never").await;
    let mut tcp = Client::connect(&world, &origin.authority()).await;
    // Nothing follows it: it could go on, and does not.
    tcp.write_all(format!("\x01\x02 {PAN}").as_bytes()).await.unwrap();
    assert!(rest(&mut tcp).await.is_err());
    assert!(!origin.received_text().contains(&PAN[..4]));
    let records = world.records().await;
    let blocked = messages(&records).into_iter().find(|record| record["action"] == "block").unwrap().clone();
    assert_eq!(blocked["findings"][0]["identifier"], "payment.pan", "{blocked}");
    assert_eq!(blocked["disclosure"], "prevented");
}

#[tokio::test]
async fn values_that_leave_at_pauses_count_together() {
    let pans = RuleSpec { at_least: 2, ..rule("pans", &["payment.pan"], Action::Block) };
    let world = World::start(Setup { rules: vec![pans], ..opaque(Opaque::Inspect) }).await;
    let origin = Origin::cleartext("origin.test", |mut conn| async move {
        conn.reader().fill().await;
        conn.send("more").await;
        conn.is_cut().await;
    })
    .await;
    let mut tcp = Client::connect(&world, &origin.authority()).await;
    // Nothing follows either of them, and only together they are too many.
    tcp.write_all(format!("\x01\x02 {PAN}").as_bytes()).await.unwrap();
    soon("an answer", tcp.read_exact(&mut [0; 4])).await.unwrap();
    tcp.write_all(b"\x01\x02 4916338506082832").await.unwrap();
    assert!(rest(&mut tcp).await.is_err());
    assert_eq!(origin.received(), format!("\x01\x02 {PAN}").as_bytes());
    let records = world.records().await;
    let blocked = messages(&records).into_iter().find(|record| record["action"] == "block").unwrap().clone();
    assert_eq!(blocked["findings"][0]["matched"], 2, "{blocked}");
    assert_eq!(blocked["disclosure"], "partial");
}

#[tokio::test]
async fn an_answer_in_an_opaque_protocol_is_scanned_too() {
    let world = World::start(Setup {
        rules: vec![rule("pan", &["payment.pan"], Action::Block)],
        ..opaque(Opaque::Inspect)
    })
    .await;
    let origin = Origin::cleartext("origin.test", |mut conn| async move {
        conn.reader().fill().await;
        conn.send(format!("\x00\x01 card {PAN} \x00")).await;
        conn.is_cut().await;
    })
    .await;
    let mut tcp = Client::connect(&world, &origin.authority()).await;
    tcp.write_all(b"\x00\x00\x00\x01ask\n").await.unwrap();
    let answer = rest(&mut tcp).await.unwrap_or_default();
    assert!(!String::from_utf8_lossy(&answer).contains(&PAN[..12]));
    let records = world.records().await;
    let stopped = messages(&records).into_iter().find(|record| record["action"] == "block").unwrap().clone();
    assert_eq!((&stopped["direction"], &stopped["kind"]), (&"response".into(), &"decision".into()));
}

#[tokio::test]
async fn a_server_that_speaks_first_is_heard_where_opaque_bytes_may_pass() {
    for (setup, passes) in [(opaque(Opaque::Inspect), true), (opaque(Opaque::Allow), true)] {
        let world = World::start(setup).await;
        let origin = Origin::cleartext("origin.test", |mut conn| async move {
            conn.send("220 mail.example ready\r\n").await;
            conn.reader().fill().await;
            conn.send("250 hello\r\n").await;
            conn.close().await;
        })
        .await;
        let mut tcp = Client::connect(&world, &origin.authority()).await;
        let mut greeting = [0; 24];
        soon("a greeting", tcp.read_exact(&mut greeting)).await.unwrap();
        tcp.write_all(b"EHLO me.example\r\n").await.unwrap();
        let answer = rest(&mut tcp).await.unwrap();
        assert_eq!(answer == b"250 hello\r\n", passes);
        assert_eq!(origin.received_text(), "EHLO me.example\r\n");
    }
}

#[tokio::test]
async fn a_client_that_is_merely_slow_to_begin_tls_is_still_opened() {
    let world = World::start(opaque(Opaque::Allow)).await;
    let origin = Origin::start(&world, "origin.test", |conn| conn.serve(|_| ok("{}"))).await;
    let tcp = Client::connect(&world, &origin.authority()).await;
    soon("the gate to look who speaks first", async {
        while origin.connections() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let tls = soon("a handshake", connector(&world.issuer).connect(name("origin.test"), tcp)).await.unwrap();
    let mut client = Client { reader: Reader::new(tls) };
    let body = format!("{{\"card\":\"{PAN}\"}}");
    let response = client.exchange(post(&origin, "/", "application/json", body.as_bytes())).await;
    assert_eq!(response.status, 403);
}

#[tokio::test]
async fn a_tunnel_under_way_is_cut_at_the_end_of_the_drain_with_a_record() {
    let world = World::start(with(bypass("origin.test", Clients::default(), FOREVER))).await;
    let origin = raw("origin.test", b"never").await;
    let mut tcp = Client::connect(&world, &origin.authority()).await;
    let sent = hello("origin.test", &[]);
    tcp.write_all(&sent).await.unwrap();
    soon("the hello to pass", async {
        while origin.received().len() < sent.len() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let (cut, records) = world.cut(Duration::from_millis(50)).await;
    assert_eq!(cut, 1);
    assert!(rest(&mut tcp).await.is_err(), "a cut must not look like an end");
    let ends: Vec<_> = messages(&records).into_iter().filter(|record| record["kind"] == "end").collect();
    assert_eq!(ends.len(), 2);
    assert!(
        ends.iter().all(|end| end["reason"].as_str().unwrap().ends_with("end of the drain")),
        "{ends:#?}"
    );
}

#[tokio::test]
async fn a_client_that_refuses_the_leaf_is_recorded_by_host_and_not_bypassed() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let tcp = Client::connect(&world, &origin.authority()).await;
    let trust = connector(&world.authority.pem());
    soon("a refusal", trust.connect(name("origin.test"), tcp)).await.unwrap_err();
    world.recorded("end").await;
    assert_eq!(origin.connections(), 0);
    let records = world.records().await;
    let [record] = messages(&records)[..] else { panic!("{records:#?}") };
    assert_eq!(record["destination"]["host"], "origin.test");
    let reason = record["reason"].as_str().unwrap();
    assert!(reason.contains("refused the gate's certificate (unknown_ca)"), "{reason}");
}
