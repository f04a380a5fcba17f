//! An origin that keeps every byte it was sent, and answers as a test scripts it.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::pki::Flaw;
use super::wire::{Body, Framing, Head, Io, Reader};
use super::{World, soon};

/// A running origin.
pub struct Origin {
    pub name: &'static str,
    pub address: SocketAddr,
    pub log: Arc<Log>,
    accepting: JoinHandle<()>,
}

/// What reached an origin.
#[derive(Default)]
pub struct Log {
    pub connections: AtomicUsize,
    /// Every byte after TLS, over all connections.
    raw: Mutex<Vec<u8>>,
}

/// One connection of an origin.
pub struct Conn {
    reader: Reader,
}

/// A request as it reached an origin.
#[derive(Clone, Debug)]
pub struct Request {
    pub head: Head,
    pub body: Body,
}

type Script = Arc<dyn Fn(Conn) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

impl Origin {
    /// An https origin; `script` runs once a connection.
    pub async fn start<F, R>(world: &World, name: &'static str, script: F) -> Origin
    where
        F: Fn(Conn) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        Origin::listen(name, Some(TlsAcceptor::from(world.authority.server_config(name, Flaw::None))), script)
            .await
    }

    /// An https origin with a bad certificate, which nothing should ever be sent to.
    pub async fn flawed(world: &World, name: &'static str, flaw: Flaw) -> Origin {
        let acceptor = TlsAcceptor::from(world.authority.server_config(name, flaw));
        Origin::listen(name, Some(acceptor), |conn| conn.serve(|_| ok(""))).await
    }

    /// An https origin with TLS of its own, that answers everything.
    pub async fn with(name: &'static str, config: Arc<tokio_rustls::rustls::ServerConfig>) -> Origin {
        Origin::listen(name, Some(TlsAcceptor::from(config)), |conn| conn.serve(|_| ok("{}"))).await
    }

    /// An http origin.
    pub async fn cleartext<F, R>(name: &'static str, script: F) -> Origin
    where
        F: Fn(Conn) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        Origin::listen(name, None, script).await
    }

    /// Answers every request with 200 and `{"ok":true}`.
    pub async fn agreeable(world: &World, name: &'static str) -> Origin {
        Origin::start(world, name, |conn| conn.serve(|_| ok("{\"ok\":true}"))).await
    }

    async fn listen<F, R>(name: &'static str, acceptor: Option<TlsAcceptor>, script: F) -> Origin
    where
        F: Fn(Conn) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Log::default());
        let script: Script = Arc::new(move |conn| Box::pin(script(conn)));
        let accepting = tokio::spawn(accept(listener, acceptor, Arc::clone(&log), script));
        Origin { name, address, log, accepting }
    }

    /// `name:port`.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.name, self.address.port())
    }

    /// All HTTP bytes that reached this origin.
    pub fn received(&self) -> Vec<u8> {
        self.log.raw.lock().unwrap().clone()
    }

    pub fn received_text(&self) -> String {
        String::from_utf8_lossy(&self.received()).into_owned()
    }

    pub fn connections(&self) -> usize {
        self.log.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, log: Arc<Log>, script: Script) {
    loop {
        let (tcp, _) = listener.accept().await.unwrap();
        tcp.set_nodelay(true).unwrap();
        log.connections.fetch_add(1, Ordering::SeqCst);
        let (acceptor, log, script) = (acceptor.clone(), Arc::clone(&log), Arc::clone(&script));
        tokio::spawn(async move {
            let reader = match acceptor {
                None => Reader::new(Logged { io: tcp, log }),
                // A client that refuses the certificate is what some tests are about.
                Some(acceptor) => match acceptor.accept(tcp).await {
                    Ok(io) => Reader::new(Logged { io, log }),
                    Err(_) => return,
                },
            };
            script(Conn { reader }).await;
        });
    }
}

impl Conn {
    /// The next request; `None` when the connection ends.
    pub async fn request(&mut self) -> Option<Request> {
        let head = self.reader.head().await?;
        let framing = head.framing(Framing::None);
        let body = self.reader.body(framing).await;
        body.whole.then_some(Request { head, body })
    }

    pub async fn head(&mut self) -> Option<Head> {
        self.reader.head().await
    }

    pub fn reader(&mut self) -> &mut Reader {
        &mut self.reader
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // The gate may have cut the connection: that is for the client's side of a test to see.
        let _ = self.try_send(bytes).await;
    }

    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.reader.io.write_all(bytes.as_ref()).await?;
        self.reader.io.flush().await
    }

    pub async fn close(mut self) {
        let _ = self.reader.io.shutdown().await;
    }

    /// Whether the gate ends the connection before it sends another byte.
    pub async fn is_cut(&mut self) -> bool {
        soon("the gate to cut", async { while self.reader.fill().await {} }).await;
        true
    }

    /// Answers every request with what `answer` makes of it.
    pub async fn serve(mut self, answer: impl Fn(&Request) -> Vec<u8> + Send + Sync) {
        while let Some(request) = self.request().await {
            self.send(answer(&request)).await;
        }
    }
}

/// A whole JSON response.
pub fn ok(body: &str) -> Vec<u8> {
    respond("200 OK", "application/json", body.as_bytes())
}

pub fn respond(status: &str, media_type: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// Keeps what is read.
struct Logged<T> {
    io: T,
    log: Arc<Log>,
}

impl<T: Io> AsyncRead for Logged<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        self.log.raw.lock().unwrap().extend_from_slice(&buf.filled()[before..]);
        polled
    }
}

impl<T: Io> AsyncWrite for Logged<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
