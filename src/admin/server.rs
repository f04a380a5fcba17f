//! The accept loop: a bounded number of connections, one request each, within a deadline.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::pages::Pages;
use crate::limits;

/// A pause after a failed accept, so that exhausted descriptors do not become a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

pub(super) async fn serve(listener: TcpListener, pages: Arc<Pages>) {
    let slots = Arc::new(Semaphore::new(limits::ADMIN_CONNECTIONS));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let pages = Arc::clone(&pages);
                tokio::spawn(async move {
                    // Who does not finish in time is cut off; there is nobody to tell.
                    let _ =
                        tokio::time::timeout(limits::ADMIN_TIMEOUT, connection(stream, peer, &pages)).await;
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "admin connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, pages: &Pages) -> io::Result<()> {
    let local = stream.local_addr()?.ip();
    let answer = |request: Request<Incoming>| async move {
        Ok::<_, Infallible>(pages.answer(peer.ip(), local, request).await)
    };
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(false)
        .max_buf_size(limits::HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service_fn(answer));
    served.await.map_err(io::Error::other)
}
