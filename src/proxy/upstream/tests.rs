//! The way to upstreams against real servers on port 0.

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
use crate::tls::MinTls;
use crate::tls::testing::{self, Authority, PATIENCE};

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
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return false,
        }
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse::<usize>().unwrap());
    stream.read_exact(&mut vec![0; length]).await.is_ok()
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
    let lease = upstreams.acquire(to, &tenant()).await.unwrap();
    read(lease.send(get()).await.unwrap()).await.unwrap()
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

#[tokio::test]
async fn a_good_upstream_is_verified_and_reused() {
    let authority = Authority::new();
    let config = testing::server_config(authority.issue(&[NAME], (2020, 2100)), testing::any_version());
    let origin = Origin::start(Some(config), |_, stream| answer(stream, OK)).await;
    let upstreams = upstreams(&authority);
    for round in 0..3 {
        let lease = upstreams.acquire(&origin.https(), &tenant()).await.unwrap();
        assert_eq!(lease.peer().tls_version, Some("TLSv1.3"));
        assert_eq!(lease.peer().address.port(), origin.port);
        assert!(lease.is_proven());
        assert_eq!(lease.is_reused(), round > 0);
        assert_eq!(read(lease.send(get()).await.unwrap()).await.unwrap(), "hello");
    }
    assert_eq!(origin.connections(), 1);
    assert_eq!(upstreams.pool_stats(), PoolStats { idle: 1, reused: 2, missed: 1 });
}

#[tokio::test]
async fn bad_upstreams_are_refused_with_their_reason() {
    let authority = Authority::new();
    let any = testing::any_version();
    let old: &[_] = &[&rustls::version::TLS12];
    let good = || authority.issue(&[NAME], (2020, 2100));
    let cases = [
        (
            testing::server_config(authority.issue(&[NAME], (2020, 2024)), any),
            "certificate has expired (notAfter 2024-",
        ),
        (testing::server_config(testing::self_signed(&[NAME]), any), "certificate is self-signed"),
        (
            testing::server_config(authority.issue(&["other.example"], (2020, 2100)), any),
            "certificate is not for origin.example",
        ),
        (
            testing::server_config(good(), old),
            "upstream offers no TLS version that is allowed (upstream.min_tls = \"1.3\")",
        ),
    ];
    let upstreams = upstreams_with(authority.trust(MinTls::Tls13), &["127.0.0.1"], &["127.0.0.1/32"]);
    for (config, wanted) in cases {
        let origin = Origin::start(Some(config), |_, stream| answer(stream, OK)).await;
        let error = upstreams.acquire(&origin.https(), &tenant()).await.unwrap_err();
        assert!(error.to_string().contains(wanted), "{error} lacks {wanted}");
        assert_eq!((error.as_str(), error.status()), ("tls", StatusCode::BAD_GATEWAY));
    }
    let plain = Origin::start(None, |_, mut stream| async move {
        let _ = stream.write_all(b"220 smtp.example ready\r\n").await;
        let _ = stream.read(&mut [0; 512]).await;
    })
    .await;
    let error = upstreams.acquire(&plain.https(), &tenant()).await.unwrap_err();
    assert!(error.to_string().contains("upstream does not answer in TLS"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_reached_says_why() {
    let authority = Authority::new();
    let upstreams = upstreams(&authority);
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    let nowhere = Destination { scheme: Scheme::Http, host: NAME.parse().unwrap(), port: closed.port() };
    let error = upstreams.acquire(&nowhere, &tenant()).await.unwrap_err();
    assert_eq!((error.as_str(), error.proxy_status()), ("connect", "connection_refused"));
    let unknown = Destination { host: "no-such-name.invalid".parse().unwrap(), ..nowhere };
    let error = upstreams.acquire(&unknown, &tenant()).await.unwrap_err();
    assert_eq!((error.as_str(), error.status()), ("dns", StatusCode::BAD_GATEWAY));
    assert!(error.to_string().starts_with("upstream no-such-name.invalid cannot be resolved: "), "{error}");
}

#[tokio::test]
async fn addresses_are_checked_when_dialled() {
    let authority = Authority::new();
    let origin = Origin::start(None, |_, stream| answer(stream, OK)).await;
    let strict = upstreams_with(authority.trust(MinTls::Tls12), &["127.0.0.1"], &[]);
    let error = strict.acquire(&origin.http(), &tenant()).await.unwrap_err();
    assert_eq!((error.status(), error.proxy_status()), (StatusCode::FORBIDDEN, "destination_ip_prohibited"));
    assert!(
        error.to_string().contains("`upstream.allow_addresses = [\"127.0.0.1/32\"]` would allow it"),
        "{error}"
    );
    assert_eq!(origin.connections(), 0);
    // Of several answers only those allowed are dialled.
    let mixed =
        upstreams_with(authority.trust(MinTls::Tls12), &["169.254.169.254", "127.0.0.1"], &["0.0.0.0/0"]);
    assert_eq!(fetch(&mixed, &origin.http()).await, "hello");
}

#[tokio::test]
async fn the_next_address_is_tried() {
    let authority = Authority::new();
    let origin = Origin::start(None, |_, stream| answer(stream, OK)).await;
    let addresses = ["127.0.0.2", "::1", "127.0.0.1"];
    let upstreams = upstreams_with(authority.trust(MinTls::Tls12), &addresses, &["127.0.0.0/8", "::1/128"]);
    assert_eq!(fetch(&upstreams, &origin.http()).await, "hello");
}

#[tokio::test]
async fn a_closed_idle_connection_is_not_reused() {
    let authority = Authority::new();
    let close = Arc::new(Notify::new());
    let closing = Arc::clone(&close);
    let origin = Origin::start(None, move |_, mut stream| {
        let closing = Arc::clone(&closing);
        async move {
            assert!(read_request(&mut stream).await);
            stream.write_all(OK.as_bytes()).await.unwrap();
            closing.notified().await;
        }
    })
    .await;
    let upstreams = upstreams(&authority);
    assert_eq!(fetch(&upstreams, &origin.http()).await, "hello");
    assert_eq!(upstreams.pool_stats().idle, 1);
    close.notify_one();
    until(|| {
        upstreams.pool.drop_stale();
        upstreams.pool_stats().idle == 0
    })
    .await;
    let lease = upstreams.acquire(&origin.http(), &tenant()).await.unwrap();
    assert!(!lease.is_reused());
}

/// Answers the first request of its first connection and closes on the second; later connections are good.
async fn closes_on_second_request(number: usize, mut stream: Stream) {
    if number > 0 {
        return answer(stream, OK).await;
    }
    assert!(read_request(&mut stream).await);
    stream.write_all(OK.as_bytes()).await.unwrap();
    assert!(read_request(&mut stream).await);
}

#[tokio::test]
async fn a_dead_connection_is_replaced_for_what_may_be_repeated() {
    let authority = Authority::new();
    let origin = Origin::start(None, closes_on_second_request).await;
    let upstreams = upstreams(&authority);
    assert_eq!(fetch(&upstreams, &origin.http()).await, "hello");
    let lease = upstreams.acquire(&origin.http(), &tenant()).await.unwrap();
    assert!(lease.is_reused());
    assert_eq!(read(lease.send(get()).await.unwrap()).await.unwrap(), "hello");
    assert_eq!(origin.connections(), 2);
}

#[tokio::test]
async fn a_charge_is_never_sent_twice() {
    let authority = Authority::new();
    let origin = Origin::start(None, closes_on_second_request).await;
    let upstreams = upstreams(&authority);
    assert_eq!(fetch(&upstreams, &origin.http()).await, "hello");
    let lease = upstreams.acquire(&origin.http(), &tenant()).await.unwrap();
    let error = lease.send(request(Method::POST, Full::from("charge"))).await.unwrap_err();
    assert!(error.sent, "{error:?}");
    assert_eq!(origin.connections(), 1);
    assert_eq!(error.status(), StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn a_connection_that_closed_before_it_was_used_is_replaced_for_any_request() {
    let authority = Authority::new();
    let (close, closed) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let signals = (Arc::clone(&close), Arc::clone(&closed));
    let origin = Origin::start(None, move |number, mut stream| {
        let (close, closed) = (Arc::clone(&signals.0), Arc::clone(&signals.1));
        async move {
            if number > 0 {
                return answer(stream, OK).await;
            }
            assert!(read_request(&mut stream).await);
            stream.write_all(OK.as_bytes()).await.unwrap();
            close.notified().await;
            drop(stream);
            closed.notify_one();
        }
    })
    .await;
    let upstreams = upstreams(&authority);
    assert_eq!(fetch(&upstreams, &origin.http()).await, "hello");
    let lease = upstreams.acquire(&origin.http(), &tenant()).await.unwrap();
    assert!(lease.is_reused());
    close.notify_one();
    closed.notified().await;
    // A timer makes the runtime look at its sockets, where the end is waiting.
    tokio::time::sleep(Duration::from_millis(1)).await;
    let response = lease.send(request(Method::POST, Full::from("charge"))).await.unwrap();
    assert_eq!(read(response).await.unwrap(), "hello");
    assert_eq!(origin.connections(), 2);
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_request_ends_the_connection() {
    let authority = Authority::new();
    let origin = Origin::start(None, |_, mut stream| async move {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig").await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let upstreams = upstreams(&authority);
    let lease = upstreams.acquire(&origin.http(), &tenant()).await.unwrap();
    let response = lease.send(request(Method::POST, Endless)).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(read(response).await.unwrap(), "big");
    assert_eq!(upstreams.pool_stats().idle, 0);
}

/// A body whose next byte never comes.
struct Endless;

impl Body for Endless {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Pending
    }
}

#[tokio::test]
async fn a_truncated_body_is_an_error() {
    let authority = Authority::new();
    let bodies = [
        "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: v\r\n",
    ];
    for body in bodies {
        let origin = Origin::start(None, move |_, mut stream| async move {
            assert!(read_request(&mut stream).await);
            stream.write_all(body.as_bytes()).await.unwrap();
        })
        .await;
        let upstreams = upstreams(&authority);
        let lease = upstreams.acquire(&origin.http(), &tenant()).await.unwrap();
        let error = read(lease.send(get()).await.unwrap()).await.unwrap_err();
        assert!(matches!(error.fault, Fault::Truncated), "{body:?}: {error:?}");
        assert_eq!(upstreams.pool_stats().idle, 0);
    }
}

#[tokio::test]
async fn a_body_up_to_the_close_needs_its_close_notify() {
    let authority = Authority::new();
    for proper in [true, false] {
        let config = testing::server_config(authority.issue(&[NAME], (2020, 2100)), testing::any_version());
        let origin = Origin::start(Some(config), move |_, mut stream| async move {
            assert!(read_request(&mut stream).await);
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello").await.unwrap();
            stream.flush().await.unwrap();
            if proper {
                stream.shutdown().await.unwrap();
            }
        })
        .await;
        let upstreams = upstreams(&authority);
        let lease = upstreams.acquire(&origin.https(), &tenant()).await.unwrap();
        let outcome = read(lease.send(get()).await.unwrap()).await;
        match outcome {
            Ok(body) => assert!(proper && body == "hello"),
            Err(error) => assert!(!proper && matches!(error.fault, Fault::Truncated), "{error:?}"),
        }
        assert_eq!(upstreams.pool_stats().idle, 0);
    }
}

#[tokio::test]
async fn a_smuggled_second_response_ends_the_connection() {
    let authority = Authority::new();
    let origin = Origin::start(None, |number, stream| async move {
        if number > 0 {
            return answer(stream, OK).await;
        }
        answer(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        )
        .await;
    })
    .await;
    let upstreams = upstreams(&authority);
    for _ in 0..3 {
        assert_eq!(fetch(&upstreams, &origin.http()).await, "hello");
    }
    assert_eq!(origin.connections(), 2);
}

#[tokio::test]
async fn responses_that_break_http_are_named() {
    let authority = Authority::new();
    let cases = [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            Refusal::LengthConflict,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
            Refusal::DuplicateContentLength,
        ),
        ("HTTP/1.1 200 OK\nContent-Length: 1\r\n\r\nx", Refusal::BareLf),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            Refusal::UnexpectedUpgrade,
        ),
    ];
    for (bytes, refusal) in cases {
        let origin = Origin::start(None, move |_, stream| answer(stream, bytes)).await;
        let upstreams = upstreams(&authority);
        let lease = upstreams.acquire(&origin.http(), &tenant()).await.unwrap();
        let error = lease.send(get()).await.unwrap_err();
        assert!(matches!(error.fault, Fault::Violation(found) if found == refusal), "{bytes:?}: {error:?}");
        assert_eq!(error.proxy_status(), "http_protocol_error");
        assert_eq!(error.to_string(), format!("upstream broke HTTP: {refusal}"));
    }
}

#[tokio::test]
async fn responses_without_a_body_leave_the_connection_usable() {
    let authority = Authority::new();
    let origin = Origin::start(None, |_, mut stream| async move {
        for response in [
            "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n",
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            OK,
        ] {
            assert!(read_request(&mut stream).await);
            stream.write_all(response.as_bytes()).await.unwrap();
        }
    })
    .await;
    let upstreams = upstreams(&authority);
    for method in [Method::HEAD, Method::GET, Method::GET, Method::POST] {
        let lease = upstreams.acquire(&origin.http(), &tenant()).await.unwrap();
        // The body is never asked for, as hyper's server does not when there is none.
        drop(lease.send(request(method, Empty::<Bytes>::new())).await.unwrap());
    }
    assert_eq!(fetch(&upstreams, &origin.http()).await, "hello");
    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn an_unread_body_closes_its_connection() {
    let authority = Authority::new();
    let closed = Arc::new(Notify::new());
    let seen = Arc::clone(&closed);
    let origin = Origin::start(None, move |_, mut stream| {
        let seen = Arc::clone(&seen);
        async move {
            assert!(read_request(&mut stream).await);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello").await.unwrap();
            assert!(!read_request(&mut stream).await);
            seen.notify_one();
        }
    })
    .await;
    let upstreams = upstreams(&authority);
    let lease = upstreams.acquire(&origin.http(), &tenant()).await.unwrap();
    drop(lease.send(get()).await.unwrap());
    tokio::time::timeout(PATIENCE, closed.notified()).await.unwrap();
    assert_eq!(upstreams.pool_stats().idle, 0);
}

#[tokio::test]
async fn upload_and_download_run_side_by_side() {
    const CHUNK: usize = 64 * 1024;
    const CHUNKS: usize = 256;
    let authority = Authority::new();
    let config = testing::server_config(authority.issue(&[NAME], (2020, 2100)), testing::any_version());
    // An echo: it answers at once and stops reading whenever its answer is not taken.
    let origin = Origin::start(Some(config), |_, mut stream| async move {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let length = CHUNK * CHUNKS;
        stream
            .write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let (mut reader, mut writer) = tokio::io::split(stream);
        let mut reader = (&mut reader).take(length as u64);
        tokio::io::copy(&mut reader, &mut writer).await.unwrap();
        writer.flush().await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let upstreams = upstreams(&authority);
    let lease = upstreams.acquire(&origin.https(), &tenant()).await.unwrap();
    let chunks = (0..CHUNKS).map(|n| Ok(Bytes::from(vec![u8::try_from(n % 251).unwrap(); CHUNK])));
    let body = Frames { frames: chunks.collect(), length: Some((CHUNK * CHUNKS) as u64) };
    let response = lease.send(request(Method::POST, body)).await.unwrap();
    let echoed = tokio::time::timeout(PATIENCE, read(response)).await.unwrap().unwrap();
    assert_eq!(echoed.len(), CHUNK * CHUNKS);
    assert!(
        echoed.chunks(CHUNK).enumerate().all(|(n, chunk)| chunk.iter().all(|b| usize::from(*b) == n % 251))
    );
    assert_eq!(upstreams.pool_stats().idle, 1);
}

/// A body of known frames, each ready at once.
struct Frames {
    frames: std::collections::VecDeque<Result<Bytes, std::io::Error>>,
    length: Option<u64>,
}

impl Body for Frames {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Ready(self.frames.pop_front().map(|frame| frame.map(Frame::data)))
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.length.map_or_else(http_body::SizeHint::default, http_body::SizeHint::with_exact)
    }
}

#[tokio::test]
async fn a_failing_request_body_is_not_the_upstreams_fault() {
    let authority = Authority::new();
    let origin = Origin::start(None, |_, stream| answer(stream, OK)).await;
    let upstreams = upstreams(&authority);
    let lease = upstreams.acquire(&origin.http(), &tenant()).await.unwrap();
    let frames = [Ok(Bytes::from("some")), Err(std::io::Error::other("stopped"))];
    let body = Frames { frames: frames.into(), length: None };
    let error = lease.send(request(Method::POST, body)).await.unwrap_err();
    assert!(matches!(error.fault, Fault::RequestBody), "{error:?}");
    // It failed before the first write: the upstream saw nothing.
    assert!(!error.sent);
    assert_eq!(upstreams.pool_stats().idle, 0);
}

#[tokio::test]
async fn trailers_arrive() {
    let authority = Authority::new();
    let origin = Origin::start(None, |_, stream| {
        answer(
            stream,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: t\r\n\r\n2\r\nab\r\n0\r\nt: v\r\n\r\n",
        )
    })
    .await;
    let upstreams = upstreams(&authority);
    for _ in 0..2 {
        let lease = upstreams.acquire(&origin.http(), &tenant()).await.unwrap();
        let body = lease.send(get()).await.unwrap().into_body().collect().await.unwrap();
        let trailers: &HeaderMap = body.trailers().unwrap();
        assert_eq!(trailers["t"], "v");
        assert_eq!(body.to_bytes(), "ab");
    }
    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn tenants_do_not_share_connections() {
    let authority = Authority::new();
    let origin = Origin::start(None, |_, stream| answer(stream, OK)).await;
    let upstreams = upstreams(&authority);
    for name in ["a", "b", "a", "b"] {
        let lease = upstreams.acquire(&origin.http(), &Arc::from(name)).await.unwrap();
        read(lease.send(get()).await.unwrap()).await.unwrap();
    }
    assert_eq!(origin.connections(), 2);
}

#[tokio::test]
async fn a_silent_upstream_times_out() {
    let authority = Authority::new();
    let origin = Origin::start(None, |number, mut stream| async move {
        assert!(read_request(&mut stream).await);
        if number > 0 {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello").await.unwrap();
        }
        std::future::pending::<()>().await;
    })
    .await;
    let upstreams = upstreams(&authority);
    let lease = upstreams.acquire(&origin.http(), &tenant()).await.unwrap();
    tokio::time::pause();
    let error = lease.send(get()).await.unwrap_err();
    assert!(matches!(error.fault, Fault::Stalled(Stalled::Read(limits::FIRST_BYTE_TIMEOUT))), "{error:?}");
    assert_eq!(
        (error.status(), error.proxy_status()),
        (StatusCode::GATEWAY_TIMEOUT, "connection_read_timeout")
    );
    tokio::time::resume();
    let lease = upstreams.acquire(&origin.http(), &tenant()).await.unwrap();
    let mut body = lease.send(get()).await.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "hello");
    tokio::time::pause();
    let error = body.frame().await.unwrap().unwrap_err();
    assert!(matches!(error.fault, Fault::Stalled(Stalled::Read(limits::BODY_IDLE_TIMEOUT))), "{error:?}");
}

#[tokio::test]
async fn old_idle_connections_are_dropped() {
    let authority = Authority::new();
    let origin = Origin::start(None, |_, stream| answer(stream, OK)).await;
    let upstreams = upstreams(&authority);
    assert_eq!(fetch(&upstreams, &origin.http()).await, "hello");
    tokio::time::pause();
    tokio::time::advance(limits::POOL_IDLE).await;
    tokio::time::resume();
    assert_eq!(fetch(&upstreams, &origin.http()).await, "hello");
    assert_eq!(origin.connections(), 2);
}
