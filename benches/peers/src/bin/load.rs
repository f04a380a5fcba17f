//! `load PROXY ORIGIN down|up|connect MEBIBYTES COUNT CONCURRENCY ROOT…`: COUNT exchanges of so many mebibytes (0: one
//! kilobyte) through a CONNECT tunnel; `down2` and `up2` speak HTTP/2 in it. Prints seconds and the median latency in
//! microseconds. Fails when any does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

struct Job {
    proxy: String,
    origin: String,
    kind: String,
    mebibytes: usize,
    tls: tokio_rustls::TlsConnector,
    block: Bytes,
}

enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

impl Sender {
    async fn send(&mut self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        match self {
            Sender::One(sender) => {
                sender.ready().await.unwrap();
                sender.send_request(request).await.unwrap()
            }
            Sender::Two(sender) => {
                sender.ready().await.unwrap();
                sender.send_request(request).await.unwrap()
            }
        }
    }
}

impl Job {
    fn is_two(&self) -> bool {
        self.kind.ends_with('2')
    }
}

async fn connect(job: &Job) -> Sender {
    let mut socket = tokio::net::TcpStream::connect(&job.proxy).await.unwrap();
    socket.set_nodelay(true).unwrap();
    let head = format!("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n\r\n", job.origin);
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    while !reply.ends_with(b"\r\n\r\n") {
        reply.push(socket.read_u8().await.unwrap());
    }
    assert!(reply.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&reply));
    let name = job.origin.split(':').next().unwrap().to_owned().try_into().unwrap();
    let stream = job.tls.connect(name, socket).await.unwrap();
    if job.is_two() {
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(1 << 20).initial_connection_window_size(1 << 24);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        return Sender::Two(sender);
    }
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    Sender::One(sender)
}

async fn exchange(job: &Job, sender: &mut Sender) {
    let upload = match (job.kind.as_str(), job.mebibytes) {
        ("down" | "down2", _) => Bytes::new(),
        (_, 0) => job.block.slice(..1024),
        (_, 1) => job.block.clone(),
        (_, n) => job.block.repeat(n).into(),
    };
    let path = if upload.is_empty() { format!("/down/{}", job.mebibytes) } else { "/up".to_owned() };
    let uri = if job.is_two() { format!("https://{}{path}", job.origin) } else { path };
    let request = match upload.is_empty() {
        true => Request::get(uri),
        false => Request::post(uri).header("content-type", "application/json"),
    };
    let request = if job.is_two() { request } else { request.header("host", &job.origin) };
    let response = sender.send(request.body(Full::new(upload.clone())).unwrap()).await;
    assert!(response.status().is_success(), "{}", response.status());
    let mut body = response.into_body();
    let mut received = 0;
    while let Some(frame) = body.frame().await {
        received += frame.unwrap().data_ref().map_or(0, Bytes::len);
    }
    match job.kind.as_str() {
        "down" | "down2" => assert_eq!(received, job.mebibytes << 20),
        _ => assert!(received > 900),
    }
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let mut tls = peers::client_config(&args[7..]);
    if args[3].ends_with('2') {
        tls.alpn_protocols = vec![b"h2".to_vec()];
    }
    let tls = tokio_rustls::TlsConnector::from(Arc::new(tls));
    let job = Arc::new(Job {
        proxy: args[1].clone(),
        origin: args[2].clone(),
        kind: args[3].clone(),
        mebibytes: args[4].parse().unwrap(),
        tls,
        block: peers::megabyte(),
    });
    let (count, concurrency): (usize, usize) = (args[5].parse().unwrap(), args[6].parse().unwrap());
    let left = Arc::new(AtomicUsize::new(count));
    let started = Instant::now();
    let tasks: Vec<_> = (0..concurrency)
        .map(|_| {
            let (job, left) = (job.clone(), left.clone());
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                let mut sender = None;
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok() {
                    let begin = Instant::now();
                    if sender.is_none() || job.kind == "connect" {
                        sender = Some(connect(&job).await);
                    }
                    let sender = sender.as_mut().unwrap();
                    exchange(&job, sender).await;
                    latencies.push(begin.elapsed().as_micros());
                }
                latencies
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.unwrap());
    }
    assert_eq!(latencies.len(), count);
    latencies.sort_unstable();
    println!("{:.3} {}", started.elapsed().as_secs_f64(), latencies[count / 2]);
}
