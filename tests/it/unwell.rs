//! Connections over HTTP/2 that are shared, and do not go well: none of them costs those that come next anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use h2::Reason;
use tidegate::limits;

use crate::harness::h2::{read, request};
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
