//! `origin PORT CERT KEY`: answers `GET /down/N` with N mebibytes, reads any other body whole and says how long it was.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};

type Body = BoxBody<Bytes, Infallible>;

/// Frames of a mebibyte, without a copy.
struct Repeat {
    block: Bytes,
    left: usize,
}

impl Iterator for Repeat {
    type Item = Result<Frame<Bytes>, Infallible>;
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some(Ok(Frame::data(self.block.clone())))
    }
}

async fn answer(request: Request<Incoming>, block: Bytes) -> Result<Response<Body>, hyper::Error> {
    if let Some(count) = request.uri().path().strip_prefix("/down/") {
        let left = count.parse().unwrap_or(1);
        let length = left * block.len();
        let frames = Repeat { block, left };
        let body = BodyExt::boxed(StreamBody::new(futures(frames)));
        return Ok(Response::builder()
            .header("content-type", "application/json")
            .header("content-length", length)
            .body(body)
            .unwrap());
    }
    let mut length = 0;
    let mut body = request.into_body();
    while let Some(frame) = body.frame().await {
        length += frame?.data_ref().map_or(0, Bytes::len);
    }
    let text = format!("{{\"received\":{length},\"ok\":true,\"note\":\"{}\"}}", "x".repeat(900));
    Ok(Response::builder().header("content-type", "application/json").body(Full::from(text).boxed()).unwrap())
}

fn futures<I: Iterator + Unpin>(items: I) -> Items<I> {
    Items(items)
}

struct Items<I>(I);

impl<I: Iterator + Unpin> hudsucker::futures::Stream for Items<I> {
    type Item = I::Item;
    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<I::Item>> {
        std::task::Poll::Ready(self.0.next())
    }
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", args[1].parse().unwrap())).await.unwrap();
    let tls = tokio_rustls::TlsAcceptor::from(peers::server_config(&args[2], &args[3]));
    let block = peers::megabyte();
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        let _ = socket.set_nodelay(true);
        let (tls, block) = (tls.clone(), block.clone());
        tokio::spawn(async move {
            let Ok(stream) = tls.accept(socket).await else { return };
            let service = service_fn(move |request| answer(request, block.clone()));
            if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                builder.initial_stream_window_size(1 << 20).initial_connection_window_size(1 << 24);
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                return;
            }
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
