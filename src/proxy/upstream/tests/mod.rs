//! The way to upstreams against real servers on port 0.

mod bodies;
mod reaching;
mod reuse;

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, Full};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::*;
use crate::proxy::deadline::Stalled;
use crate::proxy::guard::Refusal;
use crate::tls::testing::{self, Authority, PATIENCE};
use crate::tls::{MinTls, UpstreamTls};

const NAME: &str = "origin.example";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}
type Stream = Box<dyn Duplex>;

struct Origin {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Origin {
    /// Serves each connection with `serve`, which is told its number. Handshakes that fail count as connections.
    async fn start<F, Fut>(tls: Option<Arc<ServerConfig>>, serve: F) -> Self
    where
        F: Fn(usize, Stream) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let number = counter.fetch_add(1, Ordering::SeqCst);
                let stream: Stream = match &tls {
                    None => Box::new(tcp),
                    Some(config) => {
                        match tokio_rustls::TlsAcceptor::from(Arc::clone(config)).accept(tcp).await {
                            Ok(stream) => Box::new(stream),
                            Err(_) => continue,
                        }
                    }
                };
                tokio::spawn(serve(number, stream));
            }
        });
        Origin { port, connections }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn http(&self) -> Destination {
        Destination { scheme: Scheme::Http, host: NAME.parse().unwrap(), port: self.port }
    }

    fn https(&self) -> Destination {
        Destination { scheme: Scheme::Https, ..self.http() }
    }
}

/// Reads one request head and its sized body; false at the end of the connection.
async fn read_request(stream: &mut Stream) -> bool {
    request_body(stream).await.is_some()
}

/// The same, and what the body was.
async fn request_body(stream: &mut Stream) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return None,
        }
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse::<usize>().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok().map(|_| body)
}

/// Answers every request alike.
async fn answer(mut stream: Stream, with: &'static str) {
    while read_request(&mut stream).await {
        stream.write_all(with.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
    }
}

fn upstreams_with(tls: UpstreamTls, addresses: &[&str], allow: &[&str]) -> Arc<Upstreams> {
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    let config = UpstreamConfig {
        tls: Arc::new(tls),
        allow_addresses: allow.iter().map(|text| text.parse().unwrap()).collect(),
        connect_timeout: PATIENCE,
        first_byte: limits::FIRST_BYTE_TIMEOUT,
        events_idle: limits::EVENTS_IDLE,
        mark: None,
        destinations: Vec::new(),
        parent: None,
        rehearsal: None,
        resolve: HashMap::from([(NAME.into(), addresses)]),
    };
    Upstreams::new(config, Vec::new(), limits::POOL_TOTAL)
}

fn upstreams(authority: &Authority) -> Arc<Upstreams> {
    upstreams_with(authority.trust(MinTls::Tls12), &["127.0.0.1"], &["127.0.0.0/8"])
}

fn tenant() -> Arc<str> {
    Arc::from("default")
}

fn request<B>(method: Method, body: B) -> Request<B> {
    Request::builder().method(method).uri("/path").header("host", NAME).body(body).unwrap()
}

fn get() -> Request<Empty<Bytes>> {
    request(Method::GET, Empty::new())
}

async fn read(response: Response<UpstreamBody>) -> Result<Bytes, UpstreamBodyError> {
    response.into_body().collect().await.map(http_body_util::Collected::to_bytes)
}

async fn fetch(upstreams: &Arc<Upstreams>, to: &Destination) -> Bytes {
    let lease = upstreams.acquire(to, &tenant(), Spoken::Http1).await.unwrap();
    read(lease.send(get(), None).await.unwrap()).await.unwrap()
}

/// Waits until `done`, driven by the runtime's own turns.
async fn until(done: impl Fn() -> bool) {
    let wait = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap();
}
