//! The demo's origin: a real TLS server that remembers what it was sent.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::cli::Failure;
use crate::flow::Host;
use crate::tls::{self, Alpn, Issuer, Leaves};

/// One request as the origin saw it.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) host: String,
    /// `None` when it broke off.
    pub(super) body: Option<Bytes>,
}

type Log = Arc<Mutex<Vec<Received>>>;

pub(super) struct Origin {
    address: SocketAddr,
    log: Log,
    task: JoinHandle<()>,
}

impl Origin {
    pub(super) async fn start(authority: Issuer) -> Result<Origin, Failure> {
        let unavailable =
            |error| Failure::unavailable(format!("the demo's origin cannot be started: {error}"));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(unavailable)?;
        let address = listener.local_addr().map_err(unavailable)?;
        let leaves = Arc::new(Leaves::new(Arc::new(authority)).map_err(Failure::unavailable)?);
        let log = Log::default();
        let task = tokio::spawn(accept(listener, leaves, Arc::clone(&log)));
        Ok(Origin { address, log, task })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request since the last call.
    pub(super) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, leaves: Arc<Leaves>, log: Log) {
    while let Ok((stream, _)) = listener.accept().await {
        let (leaves, log) = (Arc::clone(&leaves), Arc::clone(&log));
        tokio::spawn(async move {
            // A connection that fails shows in the scene that used it.
            let _ = serve(stream, &leaves, &log).await;
        });
    }
}

async fn serve(
    stream: TcpStream,
    leaves: &Leaves,
    log: &Log,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let start = tls::LazyConfigAcceptor::new(Default::default(), stream).await?;
    let name = start.client_hello().server_name().map(str::to_owned).ok_or("no server name")?;
    let stream = start.into_stream(leaves.server_config(&name.parse::<Host>()?, Alpn::Http1)?).await?;
    let answer = |request: Request<Incoming>| {
        let log = Arc::clone(log);
        async move { Ok::<_, Infallible>(receive(request, &log).await) }
    };
    Ok(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)).await?)
}

async fn receive(request: Request<Incoming>, log: &Log) -> Response<Full<Bytes>> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default().to_owned();
    let body = request.into_body().collect().await.ok().map(|body| body.to_bytes());
    log.lock().unwrap_or_else(PoisonError::into_inner).push(Received { host, body });
    let mut response = Response::new(Full::new(Bytes::from_static(b"{\"accepted\":true}")));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
