//! HTTP/2 spoken by a client and an origin of the tests' own, stream by stream.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use h2::client::SendRequest;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::client::{Client, connector_offering, name};
use super::pki::Flaw;
use super::wire::Io;
use super::{World, soon};

/// A client's connection through the gate.
pub struct H2Client {
    pub sender: SendRequest<Bytes>,
}

/// What came of a request.
#[derive(Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub fields: HeaderMap,
    pub body: Vec<u8>,
    pub trailers: Option<HeaderMap>,
    /// It broke off.
    pub reset: Option<Reason>,
}

impl Answer {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A request for an origin, to be given fields of its own.
pub fn request(authority: &str, method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(format!("https://{authority}{path}"))
}

impl H2Client {
    /// A tunnel, TLS in it, and HTTP/2 agreed on.
    pub async fn tunnel(world: &World, authority: &str, sni: &str) -> H2Client {
        let tcp = Client::connect(world, authority).await;
        let tls = connector_offering(&world.issuer, &["h2", "http/1.1"]);
        let tls = soon("a TLS handshake", tls.connect(name(sni), tcp)).await.unwrap();
        assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"h2"[..]), "HTTP/2 was not agreed on");
        H2Client::over(tls).await
    }

    pub async fn to(world: &World, origin: &H2Origin) -> H2Client {
        H2Client::tunnel(world, &origin.authority(), origin.name).await
    }

    pub async fn over(io: impl Io + 'static) -> H2Client {
        let (sender, connection) = h2::client::Builder::new()
            .initial_window_size(1 << 20)
            .initial_connection_window_size(1 << 24)
            .handshake(io)
            .await
            .unwrap();
        tokio::spawn(connection);
        H2Client { sender }
    }

    /// Begins a request whose body is yet to come.
    pub async fn begin(
        &mut self,
        request: http::request::Builder,
    ) -> (h2::client::ResponseFuture, SendStream<Bytes>) {
        let mut sender = soon("room for a stream", self.sender.clone().ready()).await.unwrap();
        sender.send_request(request.body(()).unwrap(), false).unwrap()
    }

    /// A whole request and its answer.
    pub async fn exchange(&mut self, request: http::request::Builder, body: &[u8]) -> Answer {
        let mut sender = soon("room for a stream", self.sender.clone().ready()).await.unwrap();
        let (response, mut stream) = sender.send_request(request.body(()).unwrap(), body.is_empty()).unwrap();
        if !body.is_empty() {
            stream.send_data(Bytes::copy_from_slice(body), true).unwrap();
        }
        answer(response).await
    }

    pub async fn post(&mut self, authority: &str, path: &str, body: &[u8]) -> Answer {
        let request = request(authority, "POST", path).header("content-type", "application/json");
        self.exchange(request, body).await
    }
}

/// All of a response, however it ends.
pub async fn answer(response: h2::client::ResponseFuture) -> Answer {
    let mut answer = Answer::default();
    match soon("a response", response).await {
        Ok(response) => {
            let (parts, mut body) = response.into_parts();
            (answer.status, answer.fields) = (parts.status.as_u16(), parts.headers);
            answer.reset = read(&mut body, &mut answer.body, &mut answer.trailers).await;
        }
        Err(error) => answer.reset = error.reason().or(Some(Reason::INTERNAL_ERROR)),
    }
    answer
}

/// Reads a body to its end; why it broke off, if it did.
pub async fn read(
    body: &mut RecvStream,
    into: &mut Vec<u8>,
    trailers: &mut Option<HeaderMap>,
) -> Option<Reason> {
    while let Some(chunk) = soon("a frame", body.data()).await {
        match chunk {
            Ok(chunk) => {
                body.flow_control().release_capacity(chunk.len()).unwrap();
                into.extend_from_slice(&chunk);
            }
            Err(error) => return error.reason().or(Some(Reason::INTERNAL_ERROR)),
        }
    }
    match soon("trailers", body.trailers()).await {
        Ok(came) => *trailers = came,
        Err(error) => return error.reason().or(Some(Reason::INTERNAL_ERROR)),
    }
    None
}

/// A request as an origin got it.
#[derive(Clone, Debug)]
pub struct Got {
    pub uri: http::Uri,
    pub fields: HeaderMap,
    pub body: Vec<u8>,
    pub trailers: Option<HeaderMap>,
    pub reset: Option<Reason>,
}

/// One stream of an origin.
pub struct Exchange {
    pub request: Request<RecvStream>,
    pub respond: SendResponse<Bytes>,
    pub seen: Arc<Seen>,
}

impl Exchange {
    /// Reads the request to its end, and keeps it.
    pub async fn read(&mut self) -> Got {
        let mut got = Got {
            uri: self.request.uri().clone(),
            fields: self.request.headers().clone(),
            body: Vec::new(),
            trailers: None,
            reset: None,
        };
        got.reset = read(self.request.body_mut(), &mut got.body, &mut got.trailers).await;
        self.seen.got.lock().unwrap().push(got.clone());
        got
    }

    pub fn reply(&mut self, status: u16, body: &[u8]) {
        let response = Response::builder().status(status).header("content-type", "application/json");
        self.reply_with(response, body, None);
    }

    /// A response and, if any, its trailers. The gate may have given the stream up.
    pub fn reply_with(
        &mut self,
        response: http::response::Builder,
        body: &[u8],
        trailers: Option<HeaderMap>,
    ) {
        let ended = body.is_empty() && trailers.is_none();
        let Ok(mut stream) = self.respond.send_response(response.body(()).unwrap(), ended) else { return };
        if !body.is_empty() {
            let _ = stream.send_data(Bytes::copy_from_slice(body), trailers.is_none());
        }
        if let Some(trailers) = trailers {
            let _ = stream.send_trailers(trailers);
        }
    }
}

type Script = Arc<dyn Fn(Exchange) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// An origin that speaks HTTP/2.
pub struct H2Origin {
    pub name: &'static str,
    pub address: SocketAddr,
    pub seen: Arc<Seen>,
    accepting: JoinHandle<()>,
}

/// What reached it.
#[derive(Default)]
pub struct Seen {
    pub connections: AtomicUsize,
    pub streams: AtomicUsize,
    pub got: Mutex<Vec<Got>>,
}

impl H2Origin {
    pub async fn start<F, R>(world: &World, name: &'static str, script: F) -> H2Origin
    where
        F: Fn(Exchange) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        H2Origin::built(Some(world), name, h2::server::Builder::new(), script).await
    }

    /// With settings of its own; in clear text when no world vouches for it.
    pub async fn built<F, R>(
        tls: Option<&World>,
        name: &'static str,
        settings: h2::server::Builder,
        script: F,
    ) -> H2Origin
    where
        F: Fn(Exchange) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let acceptor = tls.map(|world| {
            let mut config = ServerConfig::clone(&world.authority.server_config(name, Flaw::None));
            config.alpn_protocols = vec![b"h2".to_vec()];
            TlsAcceptor::from(Arc::new(config))
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let script: Script = Arc::new(move |exchange| Box::pin(script(exchange)));
        let kept = Arc::clone(&seen);
        let accepting = tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                tcp.set_nodelay(true).unwrap();
                let (acceptor, script) = (acceptor.clone(), Arc::clone(&script));
                let (seen, settings) = (Arc::clone(&kept), settings.clone());
                tokio::spawn(async move {
                    seen.connections.fetch_add(1, Ordering::SeqCst);
                    match acceptor {
                        None => serve(tcp, settings, script, seen).await,
                        // A client that offers something else is refused by TLS itself.
                        Some(acceptor) => match acceptor.accept(tcp).await {
                            Ok(tls) => serve(tls, settings, script, seen).await,
                            Err(_) => drop(seen.connections.fetch_sub(1, Ordering::SeqCst)),
                        },
                    }
                });
            }
        });
        H2Origin { name, address, seen, accepting }
    }

    /// Keeps every request, and answers it with 200 and `{"ok":true}`.
    pub async fn agreeable(world: &World, name: &'static str) -> H2Origin {
        H2Origin::start(world, name, |mut exchange| async move {
            exchange.read().await;
            exchange.reply(200, b"{\"ok\":true}");
        })
        .await
    }

    pub fn authority(&self) -> String {
        format!("{}:{}", self.name, self.address.port())
    }

    pub fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub fn streams(&self) -> usize {
        self.seen.streams.load(Ordering::SeqCst)
    }

    pub fn got(&self) -> Vec<Got> {
        self.seen.got.lock().unwrap().clone()
    }
}

impl Drop for H2Origin {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(io: impl Io + 'static, settings: h2::server::Builder, script: Script, seen: Arc<Seen>) {
    let Ok(mut connection) = settings.handshake(io).await else { return };
    while let Some(Ok((request, respond))) = connection.accept().await {
        seen.streams.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(script(Exchange { request, respond, seen: Arc::clone(&seen) }));
    }
}
