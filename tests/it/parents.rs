//! What a parent proxy answers instead of a tunnel is told to the client, in its own session and protocol, and recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tidegate::policy::Hosts;
use tidegate::proxy::Parent;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::harness::{Setup, World, messages};
use crate::ways::{Either, HERE, REDIRECTED, Speaks, Way, connected, exchange, in_namespace, world_set};

/// An answer, and what is made of it.
const ANSWERS: [(&str, &str); 9] = [
    ("HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\nno way", "parent proxy refused the tunnel (403)"),
    ("HTTP/1.1 407 who are you\r\n\r\n", "parent proxy wants other credentials (407)"),
    ("HTTP/1.0 502 Bad Gateway\r\n\r\n", "parent proxy refused the tunnel (502)"),
    ("HTTP/1.1 302 Found\r\nLocation: http://evil.test/\r\n\r\n", "parent proxy refused the tunnel (302)"),
    ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 fine\r\n\r\n", "parent proxy refused the tunnel (100)"),
    ("", "parent proxy closed the connection instead of an answer"),
    ("HTTP/1.1 200 fi", "parent proxy closed the connection instead of an answer"),
    // It says no more, and does not close.
    ("SSH-2.0-x", "parent proxy does not answer in HTTP"),
    ("\x15\x03\x01\0\x02\x02\x46", "parent proxy speaks TLS where it is asked in clear text"),
];

/// A parent proxy that gives its answers in turn, whoever asks; and which it gives.
async fn parent() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let turn = Arc::new(AtomicUsize::new(0));
    let shared = Arc::clone(&turn);
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let turn = shared.load(Ordering::SeqCst);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await.unwrap());
                }
                let (answer, told) = ANSWERS[turn];
                client.write_all(answer.as_bytes()).await.unwrap();
                while !told.contains("closed") && client.read_u8().await.is_ok() {}
            });
        }
    });
    (port, turn)
}

async fn is_told(way: Way, speaks: Speaks, origin_speaks: Speaks) {
    let (port, turn) = parent().await;
    let host = "127.0.0.1".parse().unwrap();
    let parent = Parent { host, port, credentials: None, except: Hosts::default() };
    let setup = Setup { parent: Some(parent), ..Setup::default() };
    let (world, origin) =
        world_set(way, setup, async |world: &World| Either::start(world, way.tls().1, origin_speaks).await)
            .await;
    for (number, (answer, told)) in ANSWERS.into_iter().enumerate() {
        turn.store(number, Ordering::SeqCst);
        let title = format!("{way:?}, client {speaks:?}, origin {origin_speaks:?}: {answer:?}");
        let mut sender = connected(&world, &origin, way, speaks).await;
        let (status, text) = exchange(&mut sender, way, &origin, "/", "{}").await;
        assert_eq!(status, 502, "{title}: {text}");
        assert!(text.contains(told) && text.contains("origin.test"), "{title}: {text}");
        assert!(text.contains("\"upstream_received\":false"), "{title}: {text}");
        assert!(!text.contains("evil") && !text.contains("no way"), "{title}: {text}");
    }
    assert!(!origin.has_seen("{"), "{way:?}: it was asked without its parent");
    let records = world.records().await;
    let reasons: Vec<_> =
        messages(&records).into_iter().filter_map(|record| record["reason"].as_str()).collect();
    for (_, told) in ANSWERS {
        assert!(
            reasons.iter().any(|why| why.contains(told)),
            "{way:?}, client {speaks:?}: {told}: {reasons:#?}"
        );
    }
}

async fn on(ways: &[Way]) -> usize {
    let mut met = 0;
    for way in ways {
        for speaks in [Speaks::Http1, Speaks::Http2].into_iter().filter(|speaks| way.takes(*speaks)) {
            for origin_speaks in [Speaks::Http1, Speaks::Http2] {
                is_told(*way, speaks, origin_speaks).await;
                met += 1;
            }
        }
    }
    met
}

#[tokio::test]
async fn what_a_parent_proxy_answers_instead_of_a_tunnel_is_told_on_every_way() {
    assert_eq!(on(&HERE).await, 22);
}

#[test]
fn what_a_parent_proxy_answers_instead_of_a_tunnel_is_told_on_redirected_connections() {
    in_namespace("parents::redirected");
}

#[tokio::test]
#[ignore = "needs a network namespace of its own: run by the test above"]
async fn redirected() {
    assert_eq!(on(&REDIRECTED).await, 8);
}
