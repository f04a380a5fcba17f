//! `load PROXY ORIGIN down|up|connect MEBIBYTES COUNT CONCURRENCY ROOT…`: COUNT exchanges of so many mebibytes (0: one
//! kilobyte) through a CONNECT tunnel; prints seconds and the median latency in microseconds. Fails when any does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

struct Job {
    proxy: String,
    origin: String,
    kind: String,
    mebibytes: usize,
    tls: tokio_rustls::TlsConnector,
    block: Bytes,
}

type Sender = http1::SendRequest<Full<Bytes>>;

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
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn exchange(job: &Job, sender: &mut Sender) {
    let upload = match (job.kind.as_str(), job.mebibytes) {
        ("down", _) => Bytes::new(),
        (_, 0) => job.block.slice(..1024),
        (_, 1) => job.block.clone(),
        (_, n) => job.block.repeat(n).into(),
    };
    let request = if job.kind == "down" {
        Request::get(format!("/down/{}", job.mebibytes))
    } else {
        Request::post("/up").header("content-type", "application/json")
    };
    let request = request.header("host", &job.origin).body(Full::new(upload.clone())).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert!(response.status().is_success(), "{}", response.status());
    let mut body = response.into_body();
    let mut received = 0;
    while let Some(frame) = body.frame().await {
        received += frame.unwrap().data_ref().map_or(0, Bytes::len);
    }
    match job.kind.as_str() {
        "down" => assert_eq!(received, job.mebibytes << 20),
        _ => assert!(received > 900),
    }
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let tls = tokio_rustls::TlsConnector::from(Arc::new(peers::client_config(&args[7..])));
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
                    sender.ready().await.unwrap();
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
