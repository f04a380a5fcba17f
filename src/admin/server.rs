//! The accept loop: a bounded number of connections, one request each, within a deadline.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use super::pages::Pages;
use crate::limits;

/// A pause after a failed accept, so that exhausted descriptors do not become a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A connection that is served.
struct Served {
    task: AbortHandle,
    /// Whether the head of its request has come.
    asked: Arc<AtomicBool>,
}

pub(super) async fn serve(listener: TcpListener, pages: Arc<Pages>) {
    let (mut tasks, mut served) = (JoinSet::new(), VecDeque::<Served>::new());
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                while tasks.try_join_next().is_some() {}
                if tasks.len() >= limits::ADMIN_CONNECTIONS {
                    // Who asks nothing keeps nobody from asking: the one that has been silent longest goes.
                    let silent =
                        served.iter().find(|one| !one.asked.load(Relaxed) && !one.task.is_finished());
                    silent.inspect(|one| one.task.abort());
                    tasks.join_next().await;
                }
                served.retain(|one| !one.task.is_finished());
                let (pages, asked) = (Arc::clone(&pages), Arc::new(AtomicBool::new(false)));
                let tells = Arc::clone(&asked);
                let task = tasks.spawn(async move {
                    let connection = connection(stream, peer, &pages, &tells);
                    // Who does not finish in time is cut off; there is nobody to tell.
                    let _ = tokio::time::timeout(limits::ADMIN_TIMEOUT, connection).await;
                });
                served.push_back(Served { task, asked });
            }
            Err(error) => {
                tracing::warn!(%error, "admin connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    pages: &Pages,
    asked: &AtomicBool,
) -> io::Result<()> {
    let local = stream.local_addr()?.ip();
    let answer = |request: Request<Incoming>| async move {
        asked.store(true, Relaxed);
        Ok::<_, Infallible>(pages.answer(peer.ip(), local, request).await)
    };
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEAD_TIMEOUT)
        .keep_alive(false)
        .max_buf_size(limits::HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service_fn(answer));
    served.await.map_err(io::Error::other)
}
