//! Events leave as soon as they may, a value that several of them make up never leaves whole, and where no memory is left
//! to hold a message it is refused alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate::flow::Direction;
use tidegate::policy::{Action, RuleSpec};
use tokio::sync::{Mutex, mpsc};

use crate::harness::client::{get, post};
use crate::harness::wire::{Body, chunk_of};
use crate::harness::{Client, Origin, Setup, World, only, rule, soon};

/// How long an event may take that cannot begin a value.
const AT_ONCE: Duration = Duration::from_millis(5);

fn event(text: &str) -> String {
    format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
}

/// Responses under one rule, which never leave because of silence.
fn events_under(action: Action) -> Setup {
    let rules = vec![RuleSpec {
        direction: Some(Direction::Response),
        ..rule("pan-returns", &["payment.pan"], action)
    }];
    Setup { rules, hold_idle: Duration::from_secs(3600), ..Setup::default() }
}

/// An origin that sends each of these events when it is told to, and says when it did.
async fn telling(
    world: &World,
    events: Vec<String>,
) -> (Origin, mpsc::UnboundedSender<()>, mpsc::UnboundedReceiver<Instant>) {
    let (go, gate) = mpsc::unbounded_channel::<()>();
    let (sent, sends) = mpsc::unbounded_channel();
    let (gate, events) = (Arc::new(Mutex::new(gate)), Arc::new(events));
    let origin = Origin::start(world, "origin.test", move |mut conn| {
        let (gate, sent, events) = (Arc::clone(&gate), sent.clone(), Arc::clone(&events));
        async move {
            conn.request().await.unwrap();
            conn.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
            )
            .await;
            for event in events.iter() {
                gate.lock().await.recv().await.unwrap();
                sent.send(Instant::now()).unwrap();
                conn.send(chunk_of(event.as_bytes())).await;
            }
            conn.send("0\r\n\r\n").await;
        }
    })
    .await;
    (origin, go, sends)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_begins_no_value_is_there_within_five_milliseconds() {
    let words = ["Hello there, ", "it is: ", "done.\\n", "\\u00e4h, ", "so be it! ", "\\\"yes\\\" "];
    let events: Vec<String> = words.iter().cycle().take(60).map(|text| event(text)).collect();
    let world = World::start(events_under(Action::Block)).await;
    let (origin, go, mut sends) = telling(&world, events.clone()).await;
    let mut client = Client::tunnel(&world, &origin).await;
    client.send(get(&origin, "/events")).await;
    let (mut body, mut expected, mut delays) = (Body::default(), String::new(), Vec::new());
    for event in &events {
        expected.push_str(event);
        go.send(()).unwrap();
        if delays.is_empty() {
            // It leaves with the first event.
            client.head().await;
        }
        while body.bytes.len() < expected.len() {
            // Nothing follows: it comes because it may, or not at all.
            assert!(soon("an event", client.reader.chunk(&mut body)).await);
        }
        assert_eq!(String::from_utf8_lossy(&body.bytes), expected);
        delays.push(soon("its sending", sends.recv()).await.unwrap().elapsed());
    }
    delays.sort();
    // A machine that has much else to do takes its time most often: the best quarter is the gate's own.
    let own = delays[delays.len() / 4];
    println!("an event took {own:?}, the slowest {:?}", delays[delays.len() - 1]);
    assert!(own < AT_ONCE, "{delays:?}");
}

#[tokio::test]
async fn a_card_number_over_four_deltas_is_caught_before_the_last_of_them_leaves() {
    let pieces = ["the card: ", "4539", " 1488", " 0343", " 6467", ". Anything else?"];
    let events: Vec<String> = pieces.iter().map(|text| event(text)).collect();
    for action in [Action::Block, Action::Redact] {
        let world = World::start(events_under(action)).await;
        let (origin, go, _sends) = telling(&world, events.clone()).await;
        let mut client = Client::tunnel(&world, &origin).await;
        client.send(get(&origin, "/events")).await;
        let mut body = Body::default();
        go.send(()).unwrap();
        client.head().await;
        while body.bytes.len() < events[0].len() {
            assert!(soon("what begins no value", client.reader.chunk(&mut body)).await);
        }
        for _ in &events[1..] {
            go.send(()).unwrap();
        }
        while soon("the rest", client.reader.chunk(&mut body)).await {}
        let text = String::from_utf8(body.bytes.clone()).unwrap();
        let masked = ["the card: ", "****", " ****", " ****", " 6467", ". Anything else?"];
        match action {
            Action::Block => {
                assert!(!body.whole && text.starts_with(&events[0]), "{text}");
                assert!(
                    ["4539", "1488", "0343", "6467"].iter().all(|digits| !text.contains(digits)),
                    "{text}"
                );
            }
            _ => assert_eq!((body.whole, text), (true, masked.map(event).concat())),
        }
        let records = world.records().await;
        let record = only(&records, "decision", "response");
        assert_eq!(
            (&record["action"], &record["findings"][0]["matched"]),
            (&action.as_str().into(), &1.into())
        );
        assert_eq!(record["findings"][0]["forwarded"], 0);
    }
}

#[tokio::test]
async fn what_no_memory_is_left_to_hold_is_refused_alone() {
    const BODY: usize = 40_000;
    let world = World::start(Setup { held: 4 * 64 * 1024, ..Setup::default() }).await;
    let held = Arc::clone(&world.engine.load().held);
    let origin = Origin::agreeable(&world, "origin.test").await;
    let whole = post(&origin, "/held", "text/plain", &[b'x'; BODY]);
    let (most, rest) = whole.split_at(whole.len() - 10);
    let mut holding = Vec::new();
    // Each holds its bytes; at some point the next one finds no room.
    let refused = loop {
        let mut client = Client::tunnel(&world, &origin).await;
        let before = held.used();
        let _ = client.try_send(most).await;
        let waits = soon("bytes to be held, or an answer", async {
            loop {
                if held.used() >= before + BODY - 1000 {
                    break true;
                }
                let answer = tokio::time::timeout(Duration::from_millis(1), client.reader.fill()).await;
                if answer.is_ok() {
                    break false;
                }
            }
        })
        .await;
        if !waits {
            break client;
        }
        holding.push(client);
    };
    let mut refused = refused;
    let response = refused.response().await;
    assert_eq!((response.status, response.field("retry-after")), (503, Some("5")));
    assert_eq!(response.json()["type"], "urn:tidegate:problem:overloaded");
    assert!((4..=6).contains(&holding.len()), "{} were held", holding.len());
    assert!(held.used() <= held.capacity());
    // Those that wait are served, and so is whoever comes when they have gone.
    for client in &mut holding {
        client.send(rest).await;
        assert_eq!(client.response().await.status, 200);
    }
    assert_eq!(held.used(), 0);
    assert_eq!(Client::tunnel(&world, &origin).await.exchange(&whole).await.status, 200);
    assert_eq!(origin.received_text().matches("POST /held").count(), holding.len() + 1);
    let records = world.records().await;
    let reasons = records.iter().filter(|record| record["reason"] == "held_bytes").count();
    assert_eq!(reasons, 1, "{records:#?}");
}
