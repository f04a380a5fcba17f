//! A reload is for what begins after it: messages, flows and tunnels under way end under what they began with.

use std::sync::Arc;

use tidegate::policy::{Action, Bypass, Clients, Grounds, Hosts, Interceptions};

use crate::harness::client::{connector, get, name};
use crate::harness::wire::{Body, Reader, chunk_of};
use crate::harness::{Client, Origin, PAN, Setup, World, engine, messages, rule, soon};

const HOLD: usize = 16 * 1024;

fn under(id: &str, action: Action) -> Setup {
    Setup { hold: HOLD, rules: vec![rule(id, &["payment.pan"], action)], ..Setup::default() }
}

fn harmless(length: usize) -> Vec<u8> {
    b"the quick brown fox jumps over the lazy dog\n".iter().copied().cycle().take(length).collect()
}

#[tokio::test]
async fn a_message_and_its_answer_end_under_the_policy_they_began_with() {
    let world = World::start(under("before", Action::Alert)).await;
    let (arrived, mut arrivals) = tokio::sync::mpsc::unbounded_channel();
    let origin = Origin::start(&world, "origin.test", move |mut conn| {
        let arrived = arrived.clone();
        async move {
            conn.head().await.unwrap();
            let mut body = Body::default();
            while conn.reader().chunk(&mut body).await {
                arrived.send(()).unwrap();
            }
            let answer = format!("{{\"echo\":\"{PAN}\"}}");
            conn.send(crate::harness::origin::ok(&answer)).await;
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
    world.engine.store(Arc::new(engine(&under("after", Action::Block))));
    client.send(chunk_of(format!("card {PAN}\n").as_bytes())).await;
    client.send("0\r\n\r\n").await;
    assert_eq!(client.response().await.status, 200, "an alert then, a block now");
    let refused = client.post(&origin, "/", format!("card {PAN}").as_bytes()).await;
    assert_eq!((refused.status, &refused.json()["rule"]), (403, &"after".into()));

    let records = world.records().await;
    let rules = |record: &&serde_json::Value| record["rules"][0].as_str().map(str::to_owned);
    let decisions: Vec<_> = messages(&records).into_iter().filter(|r| r["kind"] == "decision").collect();
    let fired: Vec<_> = decisions.iter().filter_map(rules).collect();
    assert_eq!(fired, ["before", "before", "after"], "{decisions:#?}");
    assert_eq!(decisions[0]["flow"], decisions[1]["flow"]);
}

#[tokio::test]
async fn an_unread_tunnel_goes_on_and_the_next_is_opened() {
    let hosts = Hosts::compile(&["origin.test".to_owned()], &[]).unwrap();
    let grounds = Grounds { reason: "pins".into(), owner: "payments".into() };
    let bypasses = vec![Bypass::new(hosts, Clients::default(), grounds, i64::MAX)];
    let interceptions = Interceptions { bypasses, ..Interceptions::default() };
    let world = World::start(Setup { interceptions, ..under("before", Action::Block) }).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let tcp = Client::connect(&world, &origin.authority()).await;
    let trust = connector(&world.authority.pem());
    let tls = soon("a handshake", trust.connect(name("origin.test"), tcp)).await.unwrap();
    let mut unread = Client { reader: Reader::new(tls) };
    assert_eq!(unread.exchange(get(&origin, "/1")).await.status, 200);
    world.engine.store(Arc::new(engine(&under("after", Action::Block))));
    assert_eq!(unread.exchange(get(&origin, "/2")).await.status, 200);
    let mut read = Client::tunnel(&world, &origin).await;
    let refused = read.post(&origin, "/", format!("card {PAN}").as_bytes()).await;
    assert_eq!((refused.status, &refused.json()["rule"]), (403, &"after".into()));
}
