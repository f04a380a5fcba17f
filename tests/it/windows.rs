//! A peer that is far away gets wider windows, so that a body does not wait for a round trip after each.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use h2::SendStream;
use http::Response;
use tidegate::limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{Instant, sleep_until};

use crate::harness::h2::{answer, request};
use crate::harness::{H2Client, H2Origin, Setup, World, soon};

/// How long a byte is under way to somebody who is far away.
const WAY: Duration = Duration::from_millis(15);

/// A place from which it is far to `to`.
async fn far(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let Ok(there) = TcpStream::connect(to).await else { continue };
            let (near, there) = (near.into_split(), there.into_split());
            tokio::spawn(lane(near.0, there.1));
            tokio::spawn(lane(there.0, near.1));
        }
    });
    here
}

async fn lane(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let (under_way, mut arriving) = unbounded_channel();
    tokio::spawn(async move {
        let mut chunk = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut chunk).await {
            let _ = under_way.send((Instant::now() + WAY, chunk[..length].to_vec()));
        }
    });
    while let Some((due, chunk)) = arriving.recv().await {
        sleep_until(due).await;
        if to.write_all(&chunk).await.is_err() {
            return;
        }
    }
}

/// Waits until so much may be sent at once.
async fn room(stream: &mut SendStream<Bytes>, wanted: usize) {
    stream.reserve_capacity(wanted);
    while stream.capacity() < wanted {
        soon("a wider window", poll_fn(|cx| stream.poll_capacity(cx))).await.unwrap().unwrap();
    }
}

fn text(length: u32) -> Bytes {
    b"the quick brown fox jumps over the lazy dog\n".iter().copied().cycle().take(length as usize).collect()
}

#[tokio::test]
async fn an_upload_from_afar_gets_a_wider_window() {
    let mut world = World::start(Setup::default()).await;
    world.proxy = far(world.proxy).await;
    let origin = H2Origin::agreeable(&world, "origin.test").await;
    let mut client = H2Client::to(&world, &origin).await;
    let (response, mut stream) = client.begin(request(&origin.authority(), "POST", "/up")).await;
    let first = text(limits::H2_STREAM_WINDOW);
    stream.send_data(first.clone(), false).unwrap();
    room(&mut stream, 2 * limits::H2_STREAM_WINDOW as usize).await;
    let second = text(2 * limits::H2_STREAM_WINDOW);
    stream.send_data(second.clone(), true).unwrap();
    assert_eq!(answer(response).await.status, 200);
    assert_eq!(origin.got().pop().unwrap().body, [first, second].concat());
}

#[tokio::test]
async fn a_download_from_afar_gets_a_wider_window() {
    const WIDER: u32 = limits::H2_UPSTREAM_WINDOW + limits::H2_UPSTREAM_WINDOW / 4;
    let world = World::start(Setup::default()).await;
    let mut settings = h2::server::Builder::new();
    settings.max_send_buffer_size(2 * WIDER as usize);
    let origin = H2Origin::built(Some(&world), "origin.test", settings, |mut exchange| async move {
        exchange.read().await;
        let head = Response::builder().header("content-type", "text/plain").body(()).unwrap();
        let mut stream = exchange.respond.send_response(head, false).unwrap();
        stream.send_data(text(limits::H2_UPSTREAM_WINDOW), false).unwrap();
        room(&mut stream, WIDER as usize).await;
        stream.send_data(text(WIDER), true).unwrap();
    })
    .await;
    let authority = format!("origin.test:{}", far(origin.address).await.port());
    let mut client = H2Client::tunnel(&world, &authority, "origin.test").await;
    let got = client.exchange(request(&authority, "GET", "/down"), b"").await;
    assert_eq!((got.status, got.reset), (200, None));
    assert_eq!(got.body, [text(limits::H2_UPSTREAM_WINDOW), text(WIDER)].concat());
}
