//! Overlays bite at once, also in what is under way, and every decision names the one that had a part in it.

use std::sync::Arc;

use tidegate::policy::{
    Action, Bypass, Clients, Effect, Grounds, Hosts, Interceptions, Limit, Overlay, OverlaySpec,
};

use crate::harness::client::{connector, get, name, post};
use crate::harness::origin::respond;
use crate::harness::wire::{Body, Framing, Reader, chunk_of};
use crate::harness::{Client, Origin, PAN, SSN, Setup, World, messages, only, rule, soon};

fn overlay(id: &str, effect: Effect) -> OverlaySpec {
    OverlaySpec {
        id: id.into(),
        effect,
        destinations: vec![],
        clients: vec![],
        tenants: vec![],
        identifiers: vec![],
        actor: "alice".into(),
        owner: Some("secops".into()),
        reason: Some("a test".into()),
        since_ms: 0,
        expires_ms: None,
    }
}

fn to(host: &str, spec: OverlaySpec) -> OverlaySpec {
    OverlaySpec { destinations: vec![host.into()], ..spec }
}

fn holding(identifier: &str, spec: OverlaySpec) -> OverlaySpec {
    OverlaySpec { identifiers: vec![identifier.into()], ..spec }
}

fn put(world: &World, specs: Vec<OverlaySpec>) {
    let overlays = specs.into_iter().map(|spec| Arc::new(Overlay::compile(spec).unwrap()));
    world.engine.load().overlays.put(overlays.collect());
}

fn harmless(length: usize) -> Vec<u8> {
    b"the quick brown fox jumps over the lazy dog\n".iter().copied().cycle().take(length).collect()
}

#[tokio::test]
async fn a_blocked_destination_gets_nothing_and_others_do() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let other = Origin::agreeable(&world, "other.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    assert_eq!(client.exchange(get(&origin, "/")).await.status, 200);
    let before = origin.received().len();
    put(&world, vec![to("origin.test", overlay("ov-1", Effect::Block))]);

    // On the connection that stands, and on a new one.
    for _ in 0..2 {
        let refused = client.exchange(get(&origin, "/again")).await;
        assert_eq!(refused.status, 403);
        assert_eq!(refused.json()["rule"], "overlay:ov-1");
        assert!(refused.field("proxy-status").unwrap().contains("rule=overlay:ov-1"));
        client = Client::tunnel(&world, &origin).await;
    }
    assert_eq!(origin.received().len(), before, "not a byte");
    let mut client = Client::tunnel(&world, &other).await;
    assert_eq!(client.exchange(get(&other, "/")).await.status, 200);
    put(&world, vec![]);
    let mut client = Client::tunnel(&world, &origin).await;
    assert_eq!(client.exchange(get(&origin, "/")).await.status, 200);

    let records = world.records().await;
    let blocked: Vec<_> = messages(&records).into_iter().filter(|r| r["action"] == "block").collect();
    assert_eq!(blocked.len(), 2, "{blocked:#?}");
    for record in blocked {
        assert_eq!((&record["overlay"], &record["reason"]), (&"ov-1".into(), &"overlay".into()));
        assert_eq!(record["policy"]["hash"], "0".repeat(16), "the policy is the same");
    }
    assert!(messages(&records).iter().filter(|r| r["action"] == "allow").all(|r| r["overlay"].is_null()));
}

#[tokio::test]
async fn clients_are_blocked_by_network_or_listener() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    for (clients, expected) in [("127.0.0.0/8", 403), ("10.0.0.0/8", 200), ("apps", 403), ("tills", 200)] {
        let spec = OverlaySpec { clients: vec![clients.into()], ..overlay("ov-2", Effect::Block) };
        put(&world, vec![spec]);
        let mut client = Client::tunnel(&world, &origin).await;
        assert_eq!(client.exchange(get(&origin, "/")).await.status, expected, "{clients}");
    }
}

#[tokio::test]
async fn an_identifier_is_stopped_where_no_rule_looks_and_where_one_exempts() {
    let exempt = tidegate::policy::RuleSpec {
        destinations: vec!["payment-processors".into()],
        ..rule("cards-to-processors", &["payment.pan"], Action::Allow)
    };
    let world = World::start(Setup { rules: vec![exempt], ..Setup::default() }).await;
    let origin = Origin::agreeable(&world, "pay.test").await;
    let body = format!("{{\"card\":\"{PAN}\"}}");
    let mut client = Client::tunnel(&world, &origin).await;
    assert_eq!(client.post(&origin, "/", body.as_bytes()).await.status, 200);
    put(&world, vec![holding("payment.*", overlay("ov-3", Effect::Block))]);
    let refused = client.post(&origin, "/", body.as_bytes()).await;
    assert_eq!((refused.status, &refused.json()["rule"]), (403, &"overlay:ov-3".into()));
    let mut client = Client::tunnel(&world, &origin).await;
    assert_eq!(client.post(&origin, "/", b"{\"clean\":true}").await.status, 200);
    let records = world.records().await;
    let of: Vec<_> = messages(&records).into_iter().filter(|r| !r["overlay"].is_null()).collect();
    assert_eq!(of.len(), 1, "clean messages name no overlay: {of:#?}");
    assert_eq!(of[0]["disclosure"], "prevented");
}

#[tokio::test]
async fn an_upload_under_way_is_cut() {
    let world = World::start(Setup { hold: 16 * 1024, ..Setup::default() }).await;
    let (arrived, mut arrivals) = tokio::sync::mpsc::unbounded_channel();
    let origin = Origin::start(&world, "origin.test", move |mut conn| {
        let arrived = arrived.clone();
        async move {
            conn.head().await.unwrap();
            let mut body = Body::default();
            while conn.reader().chunk(&mut body).await {
                arrived.send(()).unwrap();
            }
            assert!(!body.whole, "a stopped stream never ends cleanly");
        }
    })
    .await;
    let mut client = Client::tunnel(&world, &origin).await;
    let head = format!(
        "POST /upload HTTP/1.1\r\nHost: {}\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n",
        origin.authority()
    );
    client.send(head).await;
    client.send(chunk_of(&harmless(256 * 1024))).await;
    soon("the first bytes at the origin", arrivals.recv()).await.unwrap();
    put(&world, vec![to("*.test", overlay("ov-4", Effect::Block))]);
    let _ = client.try_send(chunk_of(b"END-OF-SECRETS")).await;
    let refused = client.response().await;
    assert_eq!(refused.status, 403);
    assert!(!origin.received_text().contains("END-OF-SECRETS"));
    let records = world.records().await;
    let decision = only(&records, "decision", "request");
    assert_eq!((&decision["action"], &decision["overlay"]), (&"block".into(), &"ov-4".into()));
}

#[tokio::test]
async fn a_value_that_has_passed_stops_its_stream_once_an_overlay_names_it() {
    let alert = rule("ssn-seen", &["national-id.us-ssn"], Action::Alert);
    let world = World::start(Setup { hold: 16 * 1024, rules: vec![alert], ..Setup::default() }).await;
    let (go, gate) = tokio::sync::mpsc::unbounded_channel::<()>();
    let gate = Arc::new(tokio::sync::Mutex::new(gate));
    let origin = Origin::start(&world, "origin.test", move |mut conn| {
        let gate = Arc::clone(&gate);
        async move {
            conn.request().await.unwrap();
            conn.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
                .await;
            conn.send(chunk_of(format!("ssn {SSN}\n").as_bytes())).await;
            conn.send(chunk_of(&harmless(64 * 1024))).await;
            gate.lock().await.recv().await.unwrap();
            conn.send(chunk_of(&harmless(1000))).await;
            conn.is_cut().await;
        }
    })
    .await;
    let mut client = Client::tunnel(&world, &origin).await;
    client.send(get(&origin, "/")).await;
    client.head().await;
    let mut body = Body::default();
    assert!(soon("the first chunk", client.reader.chunk(&mut body)).await);
    put(&world, vec![holding("national-id.*", overlay("ov-5", Effect::Block))]);
    go.send(()).unwrap();
    while soon("the end", client.reader.chunk(&mut body)).await {}
    assert!(!body.whole);
    let records = world.records().await;
    let decision = only(&records, "decision", "response");
    assert_eq!((&decision["action"], &decision["overlay"]), (&"block".into(), &"ov-5".into()));
}

#[tokio::test]
async fn an_unread_tunnel_is_refused_and_one_under_way_is_cut() {
    let hosts = Hosts::compile(&["origin.test".to_owned()], &[]).unwrap();
    let grounds = Grounds { reason: "pins".into(), owner: "payments".into() };
    let bypasses = vec![Bypass::new(hosts, Clients::default(), grounds, i64::MAX)];
    let interceptions = Interceptions { bypasses, ..Interceptions::default() };
    let world = World::start(Setup { interceptions, ..Setup::default() }).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let trust = connector(&world.authority.pem());
    let tcp = Client::connect(&world, &origin.authority()).await;
    let tls = soon("a handshake", trust.connect(name("origin.test"), tcp)).await.unwrap();
    let mut client = Client { reader: Reader::new(tls) };
    assert_eq!(client.exchange(get(&origin, "/")).await.status, 200);
    put(&world, vec![to("origin.test", overlay("ov-6", Effect::Block))]);
    // Not a byte more: neither side has to send one for it to end.
    assert!(client.is_closed().await);
    assert!(!origin.received_text().contains("/again"));

    let before = origin.received().len();
    let tcp = Client::connect(&world, &origin.authority()).await;
    assert!(soon("a refusal", trust.connect(name("origin.test"), tcp)).await.is_err());
    assert_eq!(origin.received().len(), before);
    let records = world.records().await;
    let named = messages(&records).into_iter().filter(|r| r["overlay"] == "ov-6").count();
    assert!(named >= 2, "{records:#?}");
}

#[tokio::test]
async fn an_allowance_exempts_what_it_names_until_it_ends() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let body = format!("{{\"card\":\"{PAN}\"}}");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = u64::try_from(now.as_millis()).unwrap();
    let allow = |identifier: &str, expires_ms| {
        let spec = holding(identifier, to("origin.test", overlay("ov-7", Effect::Allow)));
        OverlaySpec { expires_ms: Some(expires_ms), ..spec }
    };
    let cases = [
        (allow("payment.*", now + 3_600_000), 200),
        (allow("contact.*", now + 3_600_000), 403),
        (allow("payment.*", now), 403),
    ];
    for (spec, expected) in cases {
        put(&world, vec![spec]);
        let mut client = Client::tunnel(&world, &origin).await;
        assert_eq!(client.post(&origin, "/", body.as_bytes()).await.status, expected);
    }
    // The kill switch is stronger.
    put(
        &world,
        vec![allow("payment.*", now + 3_600_000), holding("tag:pci", overlay("ov-8", Effect::Block))],
    );
    let mut client = Client::tunnel(&world, &origin).await;
    assert_eq!(client.post(&origin, "/", body.as_bytes()).await.status, 403);
    let records = world.records().await;
    let passed = messages(&records).into_iter().find(|r| r["overlay"] == "ov-7").unwrap();
    assert_eq!((&passed["action"], &passed["findings"][0]["suppressed"]), (&"allow".into(), &1.into()));
}

#[tokio::test]
async fn observing_suspends_rules_and_says_what_would_have_been() {
    let world = World::start(Setup { unlisted: Action::Block, ..Setup::default() }).await;
    let origin = Origin::agreeable(&world, "pay.test").await;
    put(&world, vec![to("pay.test", overlay("ov-9", Effect::Observe))]);
    let mut client = Client::tunnel(&world, &origin).await;
    let body = format!("{{\"card\":\"{PAN}\"}}");
    assert_eq!(client.post(&origin, "/", body.as_bytes()).await.status, 200);
    let records = world.records().await;
    let decision = only(&records, "decision", "request");
    assert_eq!((&decision["action"], &decision["would"]), (&"allow".into(), &"block".into()));
    assert_eq!((&decision["mode"], &decision["overlay"]), (&"observe".into(), &"ov-9".into()));
}

#[tokio::test]
async fn requests_beyond_the_rate_are_told_when_to_come_again() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let other = Origin::agreeable(&world, "other.test").await;
    let spec = overlay("ov-10", Effect::Throttle(Limit::RequestsPerMinute(2)));
    put(&world, vec![to("origin.test", spec)]);
    let mut client = Client::tunnel(&world, &origin).await;
    assert_eq!(client.exchange(get(&origin, "/1")).await.status, 200);
    assert_eq!(client.exchange(get(&origin, "/2")).await.status, 200);
    let refused = client.exchange(get(&origin, "/3")).await;
    assert_eq!((refused.status, &refused.json()["retryable"]), (429, &true.into()));
    let after: u64 = refused.field("retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&after), "{after}");
    let mut client = Client::tunnel(&world, &other).await;
    assert_eq!(client.exchange(get(&other, "/")).await.status, 200);
    assert!(!origin.received_text().contains("/3"));
    let records = world.records().await;
    let limited: Vec<_> = messages(&records).into_iter().filter(|r| r["http"]["status"] == 429).collect();
    assert_eq!(limited.len(), 1);
    assert_eq!((&limited[0]["overlay"], &limited[0]["action"]), (&"ov-10".into(), &"block".into()));
}

#[tokio::test]
async fn bytes_leave_at_the_rate_whole_and_faster_once_the_overlay_goes() {
    let world = World::start(Setup { hold: 16 * 1024, ..Setup::default() }).await;
    let sent = harmless(48 * 1024);
    let body = sent.clone();
    let origin = Origin::start(&world, "origin.test", move |conn| {
        let body = body.clone();
        async move { conn.serve(move |_| respond("200 OK", "text/plain", &body)).await }
    })
    .await;
    let slow = |rate| vec![overlay("ov-11", Effect::Throttle(Limit::BytesPerSecond(rate)))];
    put(&world, slow(96 * 1024));
    let mut client = Client::tunnel(&world, &origin).await;
    let began = std::time::Instant::now();
    let response = client.exchange(get(&origin, "/")).await;
    assert_eq!((response.status, response.body.bytes == sent), (200, true));
    let took = began.elapsed().as_millis();
    assert!((380..5_000).contains(&took), "{took} ms for half a second's worth");

    // An hour's worth, which ends at once when the overlay does: in a stream and in what was decided whole.
    for length in [48 * 1024, 4 * 1024] {
        put(&world, slow(10));
        let request = post(&origin, "/", "text/plain", &harmless(length));
        client.send(request).await;
        soon("the first bytes at the origin", async {
            while !origin.received_text().contains("POST") {
                tokio::task::yield_now().await;
            }
        })
        .await;
        put(&world, vec![]);
        assert_eq!(client.response().await.body.bytes, sent);
    }
}

#[tokio::test]
async fn what_waits_for_its_time_is_cut_when_an_overlay_blocks_it() {
    let world = World::start(Setup { hold: 16 * 1024, ..Setup::default() }).await;
    let origin = Origin::start(&world, "origin.test", |conn| {
        conn.serve(|_| respond("200 OK", "text/plain", &harmless(64 * 1024)))
    })
    .await;
    put(&world, vec![overlay("ov-12", Effect::Throttle(Limit::BytesPerSecond(10)))]);
    let mut client = Client::tunnel(&world, &origin).await;
    client.send(get(&origin, "/")).await;
    client.head().await;
    put(&world, vec![overlay("ov-13", Effect::Block)]);
    let body = soon("the cut", client.reader.body(Framing::Length(64 * 1024))).await;
    assert!(!body.whole && body.bytes.len() < 1000, "{}", body.bytes.len());
    let records = world.records().await;
    assert_eq!(only(&records, "decision", "response")["overlay"], "ov-13");
}
