//! Connections over HTTP/2 that are shared, and do not go well: none of them costs those that come next anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use h2::Reason;
use tidegate::limits;

use crate::harness::h2::{answer, read, request};
use crate::harness::{H2Client, H2Origin, Setup, World, soon};

/// An origin whose first connections give up every stream but that for `/first`, for this reason.
async fn gives_up(world: &World, reason: Reason, connections: usize) -> H2Origin {
    H2Origin::start(world, "origin.test", move |mut exchange| async move {
        let first = exchange.request.uri().path() == "/first";
        if exchange.seen.connections.load(Ordering::SeqCst) <= connections && !first {
            return exchange.respond.send_reset(reason);
        }
        exchange.read().await;
        exchange.reply(200, b"done");
    })
    .await
}

async fn get(client: &mut H2Client, origin: &H2Origin, path: &str) -> u16 {
    client.exchange(request(&origin.authority(), "GET", path), b"").await.status
}

#[tokio::test]
async fn a_connection_that_is_asked_too_much_of_is_left() {
    for (reason, status) in [(Reason::ENHANCE_YOUR_CALM, 502), (Reason::REFUSED_STREAM, 200)] {
        let world = World::start(Setup::default()).await;
        let origin = gives_up(&world, reason, 1).await;
        let mut client = H2Client::to(&world, &origin).await;
        assert_eq!(get(&mut client, &origin, "/first").await, 200);
        if reason == Reason::REFUSED_STREAM {
            // It may be taken the next time.
            assert_eq!(get(&mut client, &origin, "/").await, 502);
            assert_eq!(origin.connections(), 1);
            continue;
        }
        // What may have been looked at is sent once, whoever comes next finds another connection.
        assert_eq!(client.post(&origin.authority(), "/", b"{}").await.status, status);
        assert_eq!((origin.connections(), origin.streams()), (1, 2));
        assert_eq!(client.post(&origin.authority(), "/", b"{}").await.status, 200);
        assert_eq!((origin.connections(), origin.streams()), (2, 3));
    }
}

#[tokio::test]
async fn what_acts_once_is_asked_for_again_elsewhere() {
    let world = World::start(Setup::default()).await;
    let origin = gives_up(&world, Reason::ENHANCE_YOUR_CALM, 2).await;
    let mut client = H2Client::to(&world, &origin).await;
    assert_eq!(get(&mut client, &origin, "/first").await, 200);
    assert_eq!(get(&mut client, &origin, "/").await, 200);
    assert_eq!((origin.connections(), origin.streams()), (3, 4));
}

#[tokio::test]
async fn what_was_not_looked_at_is_sent_once_more() {
    for (method, reason, status, streams) in [
        ("POST", Reason::REFUSED_STREAM, 200, 2),
        ("PATCH", Reason::REFUSED_STREAM, 200, 2),
        ("PUT", Reason::ENHANCE_YOUR_CALM, 200, 2),
        ("POST", Reason::ENHANCE_YOUR_CALM, 502, 1),
    ] {
        let world = World::start(Setup::default()).await;
        let origin = H2Origin::start(&world, "origin.test", move |mut exchange| async move {
            let body = exchange.read().await.body;
            match exchange.seen.streams.load(Ordering::SeqCst) {
                1 => exchange.respond.send_reset(reason),
                _ => exchange.reply(200, &body),
            }
        })
        .await;
        let mut client = H2Client::to(&world, &origin).await;
        let head = request(&origin.authority(), method, "/").header("content-type", "application/json");
        let answer = client.exchange(head, b"{\"a\":1}").await;
        assert_eq!((answer.status, origin.streams()), (status, streams), "{method} {reason:?}");
        if status == 200 {
            assert_eq!(answer.body, b"{\"a\":1}", "{method} {reason:?}");
        }
    }
}

/// Origins end a connection, and everybody's streams on it, where too many are given up: whose clients go away has them on
/// another one before that, and what is under way ends well.
#[tokio::test]
async fn clients_that_go_away_cost_others_nothing() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::start(&world, "origin.test", |mut exchange| async move {
        if exchange.request.uri().path() == "/waits" {
            let got = exchange.read().await;
            return exchange.reply(200, &got.body);
        }
        let head = http::Response::builder().header("content-type", "text/event-stream").body(()).unwrap();
        let mut stream = exchange.respond.send_response(head, false).unwrap();
        stream.send_data(Bytes::from_static(b"data: one\n\n"), false).unwrap();
        // Until it is given up.
        let _ = std::future::poll_fn(|cx| stream.poll_reset(cx)).await;
    })
    .await;
    let mut innocent = H2Client::to(&world, &origin).await;
    for _ in 0..2 * limits::H2_CUT {
        assert_eq!(innocent.post(&origin.authority(), "/waits", b"{}").await.status, 200);
    }
    assert_eq!(origin.connections(), 1, "what comes to its end is given up by nobody");
    let head = request(&origin.authority(), "POST", "/waits").header("content-type", "application/grpc");
    let (waiting, mut upload) = innocent.begin(head).await;
    let client = H2Client::to(&world, &origin).await;
    let mut gone = 0;
    soon("another connection", async {
        while origin.connections() == 1 {
            let mut sender = client.sender.clone().ready().await.unwrap();
            let head = request(&origin.authority(), "GET", "/events").body(()).unwrap();
            let (response, _) = sender.send_request(head, true).unwrap();
            let mut body = response.await.unwrap().into_body();
            assert!(!body.data().await.unwrap().unwrap().is_empty());
            gone += 1;
        }
    })
    .await;
    let few = limits::H2_CUT..4 * limits::H2_CUT;
    assert!(few.contains(&gone), "{gone}");
    upload.send_data(Bytes::from_static(b"\0\0\0\0\x02ok"), true).unwrap();
    let answer = answer(waiting).await;
    assert_eq!((answer.status, answer.reset, &answer.body[..]), (200, None, &b"\0\0\0\0\x02ok"[..]));
}

/// An origin that asks for calm may mean what one client keeps it busy with.
#[tokio::test]
async fn who_strains_an_origin_does_so_on_connections_apart() {
    let world = World::start(Setup::default()).await;
    let origin = gives_up(&world, Reason::ENHANCE_YOUR_CALM, 1).await;
    let (mut one, mut other) = (H2Client::to(&world, &origin).await, H2Client::to(&world, &origin).await);
    assert_eq!(
        (get(&mut one, &origin, "/first").await, get(&mut other, &origin, "/first").await),
        (200, 200)
    );
    assert_eq!(origin.connections(), 1);
    assert_eq!(one.post(&origin.authority(), "/", b"{}").await.status, 502);
    for connections in [(2, 3), (3, 3)] {
        assert_eq!((get(&mut one, &origin, "/").await, origin.connections()), (200, connections.0));
        assert_eq!((get(&mut other, &origin, "/").await, origin.connections()), (200, connections.1));
    }
}

#[tokio::test]
async fn a_connection_that_gives_up_one_stream_after_the_other_is_left() {
    let world = World::start(Setup::default()).await;
    let origin = gives_up(&world, Reason::INTERNAL_ERROR, 1).await;
    let mut client = H2Client::to(&world, &origin).await;
    for _ in 0..limits::H2_GIVEN_UP - 1 {
        assert_eq!(get(&mut client, &origin, "/").await, 502);
    }
    // One that is answered in between shows that it goes on.
    assert_eq!(get(&mut client, &origin, "/first").await, 200);
    for _ in 0..limits::H2_GIVEN_UP {
        assert_eq!(get(&mut client, &origin, "/").await, 502);
    }
    assert_eq!(origin.connections(), 1);
    assert_eq!(get(&mut client, &origin, "/").await, 200);
    assert_eq!(origin.connections(), 2);
}

#[tokio::test]
async fn who_reads_slowly_has_a_connection_apart() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::start(&world, "origin.test", |mut exchange| async move {
        let big = exchange.request.uri().path() == "/big";
        exchange.reply(200, &vec![b'z'; if big { 8 << 20 } else { 8 }]);
    })
    .await;
    let mut client = H2Client::to(&world, &origin).await;
    let mut sender = client.sender.clone().ready().await.unwrap();
    let head = request(&origin.authority(), "GET", "/big").body(()).unwrap();
    let (response, _) = sender.send_request(head, true).unwrap();
    let mut unread = soon("a head", response).await.unwrap().into_body();
    soon("another connection", async {
        while origin.connections() == 1 {
            assert_eq!(get(&mut client, &origin, "/").await, 200);
        }
    })
    .await;
    let (mut body, mut trailers) = (Vec::new(), None);
    assert_eq!(read(&mut unread, &mut body, &mut trailers).await, None);
    assert_eq!(body.len(), 8 << 20);
}

/// Connections whose uploads nobody takes, with twice as much in them as all may keep: some of it is taken.
async fn clogged(world: &World, origin: &H2Origin) -> Vec<H2Client> {
    let (mut clients, mut waiting) = (Vec::new(), 0);
    while waiting <= 2 * limits::H2_UNREAD {
        let mut client = H2Client::to(world, origin).await;
        for _ in 0..limits::H2_STREAMS - 1 {
            let (response, mut stream) = client.begin(request(&origin.authority(), "POST", "/never")).await;
            stream.send_data(Bytes::from(vec![b' '; limits::H2_STREAM_WINDOW as usize]), false).unwrap();
            waiting += limits::H2_STREAM_WINDOW as usize;
            tokio::spawn(async move {
                let _ = (response.await, stream);
            });
        }
        clients.push(client);
    }
    clients
}

/// Whoever takes what is sent to it goes on taking it, however much of its own waits: windows are granted for what may be
/// kept, instead of leaving unread what is sent within them.
#[tokio::test]
async fn a_connection_is_read_however_much_waits_in_it() {
    let world = World::start(Setup { hold: 4096, ..Setup::default() }).await;
    let held = Arc::new(AtomicUsize::new(0));
    let kept = Arc::clone(&held);
    let origin = H2Origin::start(&world, "origin.test", move |mut exchange| {
        let held = Arc::clone(&kept);
        async move {
            if exchange.request.uri().path() == "/never" {
                held.fetch_add(1, Ordering::SeqCst);
                std::future::pending::<()>().await;
            }
            exchange.reply(200, &vec![b'z'; 3 << 19]);
        }
    })
    .await;
    let clients = clogged(&world, &origin).await;
    let all = clients.len() * (limits::H2_STREAMS as usize - 1);
    soon("all uploads", async {
        while held.load(Ordering::SeqCst) < all {
            tokio::task::yield_now().await;
        }
    })
    .await;
    for mut client in clients {
        let answer = client.exchange(request(&origin.authority(), "GET", "/"), b"").await;
        assert_eq!((answer.status, answer.reset, answer.body.len()), (200, None, 3 << 19));
    }
}
