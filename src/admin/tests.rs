//! The admin listener over a real socket.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::audit::{Audit, AuditConfig, Writer, generate_signing_key};

struct Running {
    admin: Admin,
    health: Arc<Health>,
    writer: Option<Writer>,
    _folder: tempfile::TempDir,
}

async fn start() -> Running {
    let folder = tempfile::tempdir().unwrap();
    let config = AuditConfig::new(folder.path().join("audit"), "n".into());
    let (audit, writer) = Audit::open(config, &generate_signing_key().unwrap()).unwrap();
    let health = Arc::new(Health::new(audit, i64::MAX));
    let (_, meter) = metrics::for_tests();
    let config = AdminConfig {
        address: "127.0.0.1:0".parse().unwrap(),
        token: Zeroizing::new("0123456789abcdef0123456789abcdef".into()),
        health: Arc::clone(&health),
        meter,
        api: None,
    };
    let admin = Admin::start(config).await.unwrap();
    Running { admin, health, writer: Some(writer), _folder: folder }
}

/// Status and whole answer of one request.
async fn ask(address: SocketAddr, line: &str, host: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{line} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    (text.split(' ').nth(1).unwrap().parse().unwrap(), text)
}

#[tokio::test]
async fn it_answers_its_own_host_and_nothing_else() {
    let running = start().await;
    let address = running.admin.address();
    let host = address.to_string();
    assert_eq!(ask(address, "GET /livez", &host).await.0, 200);
    assert_eq!(ask(address, "GET /livez", "localhost").await.0, 200);
    assert_eq!(ask(address, "GET /livez", "evil.example").await.0, 421);
    assert_eq!(ask(address, "POST /livez", &host).await.0, 405);
    assert_eq!(ask(address, "GET /", &host).await.0, 404);
    let (status, text) = ask(address, "GET /version", &host).await;
    assert_eq!(status, 200);
    assert!(text.contains(env!("CARGO_PKG_VERSION")), "{text}");
    let (_, head) = ask(address, "HEAD /version", &host).await;
    assert!(head.ends_with("\r\n\r\n"), "{head}");
}

#[tokio::test]
async fn readiness_follows_the_drain_and_the_trail() {
    let mut running = start().await;
    let (address, host) = (running.admin.address(), running.admin.address().to_string());
    let (status, text) = ask(address, "GET /readyz", &host).await;
    assert_eq!(status, 200);
    assert!(text.ends_with("\r\n\r\nready\n"), "{text}");
    let (_, text) = ask(address, "GET /readyz?verbose", &host).await;
    assert!(
        text.contains("audit: ok\nissuer: ok (") && text.ends_with("drain: ok\nconfig: ok\nready\n"),
        "{text}"
    );

    running.health.drain();
    let (status, text) = ask(address, "GET /readyz", &host).await;
    assert_eq!(status, 503);
    assert!(text.ends_with("drain: failed (shutting down)\nnot ready\n"), "{text}");

    running.writer.take().unwrap().close();
    let (_, text) = ask(address, "GET /readyz?verbose=1", &host).await;
    assert!(text.contains("audit: failed (records cannot be written"), "{text}");
    assert_eq!(ask(address, "GET /livez", &host).await.0, 200, "alive all the same");
}

#[tokio::test]
async fn it_ends_when_dropped() {
    let running = start().await;
    let address = running.admin.address();
    drop(running);
    // The task ends at its next turn; until then a connection may still be accepted, never answered for long.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
