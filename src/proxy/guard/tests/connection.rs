//! The guard in front of sockets and of a real hyper server.

use std::convert::Infallible;
use std::net::Ipv4Addr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::*;

#[tokio::test]
async fn a_refused_request_becomes_a_stand_in_that_is_told_apart() {
    let (mut near, far) = tokio::io::duplex(4096);
    let (mut guard, handle) = Guard::requests(far, BytesMut::new());
    let good = b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n";
    near.write_all(good).await.unwrap();
    near.write_all(b"POST /secret HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        .await
        .unwrap();
    let mut first = vec![0; good.len()];
    guard.read_exact(&mut first).await.unwrap();
    assert_eq!(first, good);
    let mut stand_in = vec![0; 200];
    let length = guard.read(&mut stand_in).await.unwrap();
    let text = std::str::from_utf8(&stand_in[..length]).unwrap();
    assert_eq!(text, "GET / HTTP/1.1\r\nhost: refused.invalid\r\nconnection: close\r\n\r\n");
    let request = |host: &str| http::Request::builder().header("host", host).body(()).unwrap();
    assert_eq!(handle.refusal_of(&request("refused.invalid")), Some(Refusal::LengthConflict));
    assert_eq!(handle.refusal_of(&request("a")), None);
    // Nothing follows, not even the end: hyper would take that for a client that has gone.
    drop(near);
    let more = tokio::select! {
        biased;
        more = guard.read(&mut stand_in) => Some(more),
        () = tokio::task::yield_now() => None,
    };
    assert!(more.is_none());
}

#[tokio::test]
async fn a_bad_chunk_is_an_error_with_its_reason() {
    let (mut near, far) = tokio::io::duplex(4096);
    let (mut guard, handle) = Guard::requests(far, BytesMut::new());
    near.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX")
        .await
        .unwrap();
    let mut all = Vec::new();
    let error = guard.read_to_end(&mut all).await.unwrap_err();
    assert_eq!(error.get_ref().unwrap().downcast_ref::<Refusal>(), Some(&Refusal::BadChunk));
    assert_eq!(handle.refusal(), Some(Refusal::BadChunk));
}

#[tokio::test]
async fn a_tunnel_is_withheld_until_it_is_granted() {
    let (mut near, far) = tokio::io::duplex(4096);
    let (mut guard, handle) = Guard::requests(far, BytesMut::new());
    let head = b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n";
    near.write_all(head).await.unwrap();
    near.write_all(b"\x16\x03\x01 raw").await.unwrap();
    guard.read_exact(&mut vec![0; head.len()]).await.unwrap();
    let mut raw = [0; 7];
    let reading = async { guard.read_exact(&mut raw).await.unwrap() };
    let granting = async { handle.pass_through() };
    tokio::join!(reading, granting);
    assert_eq!(&raw, b"\x16\x03\x01 raw");
}

#[tokio::test]
async fn responses_before_their_request_are_refused() {
    let (mut near, far) = tokio::io::duplex(4096);
    let (mut guard, handle) = Guard::responses(far);
    handle.announce(&http::Method::GET, false);
    near.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    let error = guard.read(&mut [0; 64]).await.unwrap_err();
    assert_eq!(error.get_ref().unwrap().downcast_ref::<Refusal>(), Some(&Refusal::Unsolicited));
    assert!(handle.heard() && !handle.wrote());
}

#[tokio::test]
async fn connect_is_read_apart_from_what_follows() {
    let (mut near, mut far) = tokio::io::duplex(16);
    let head = b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n";
    let mut buffer = BytesMut::from(&head[..5]);
    let send = async {
        near.write_all(&head[5..]).await.unwrap();
        near.write_all(b"hello").await.unwrap();
    };
    let (parsed, ()) = tokio::join!(read_connect(&mut far, &mut buffer), send);
    assert_eq!(parsed.unwrap().port, 443);
    while buffer.len() < 5 {
        far.read_buf(&mut buffer).await.unwrap();
    }
    assert_eq!(&buffer[..], b"hello");
    drop(near);
    assert!(matches!(read_connect(&mut far, &mut BytesMut::new()).await, Err(ReadHeadError::Closed)));
}

/// What a service in front of the gate does: refuses what was refused, else reads the body and echoes it.
async fn echo(handle: GuardHandle, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let reply = |status: http::StatusCode, text: String| {
        Ok(Response::builder().status(status).body(Full::from(text)).unwrap())
    };
    // Late, as a real service may be: hyper reads ahead meanwhile.
    tokio::task::yield_now().await;
    if let Some(refusal) = handle.refusal_of(&request) {
        return reply(refusal.status(), refusal.as_str().to_owned());
    }
    let path = request.uri().path().to_owned();
    match request.into_body().collect().await {
        Ok(body) => reply(http::StatusCode::OK, format!("{path} {}", body.to_bytes().len())),
        Err(_) => reply(http::StatusCode::BAD_REQUEST, handle.refusal().unwrap().as_str().to_owned()),
    }
}

/// Sends `bytes` to a real hyper server behind a guard; returns all that it answers until it closes.
async fn converse(bytes: &[u8]) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let (guard, handle) = Guard::requests(tcp, BytesMut::new());
        let service = hyper::service::service_fn(move |request| echo(handle.clone(), request));
        let _ =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(guard), service).await;
    });
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let all = tokio::time::timeout(crate::tls::testing::PATIENCE, client.read_to_end(&mut answer));
    all.await.unwrap().unwrap();
    server.await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn outline(answer: &str) -> Vec<(&str, &str)> {
    let mut messages = Vec::new();
    for message in answer.split("HTTP/1.1 ").skip(1) {
        let (head, body) = message.split_once("\r\n\r\n").unwrap();
        messages.push((&head[..3], body));
    }
    messages
}

#[tokio::test]
async fn hyper_answers_refusals_properly_and_stops() {
    let good = "POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab";
    let conflict =
        "POST /two HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let after = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = converse(format!("{conflict}{after}").as_bytes()).await;
    assert_eq!(outline(&answer), [("400", "length_conflict")]);
    assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
    // What came before the refused request is served, whatever hyper has read ahead.
    let answer = converse(format!("{good}{good}{conflict}{after}").as_bytes()).await;
    assert_eq!(outline(&answer), [("200", "/one 2"), ("200", "/one 2"), ("400", "length_conflict")]);
    let version = converse(b"GET / HTTP/3.0\r\nHost: a\r\n\r\n").await;
    assert_eq!(outline(&version), [("505", "bad_version")]);
    let large = format!("GET / HTTP/1.1\r\nHost: a\r\nA: {}", "x".repeat(2 * limits::HEAD_BYTES));
    assert_eq!(outline(&converse(large.as_bytes()).await), [("431", "head_too_large")]);
}

#[tokio::test]
async fn hyper_passes_a_bad_chunk_on_as_a_failed_body() {
    let bad = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabX0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(outline(&converse(bad).await), [("400", "bad_chunk")]);
}

#[tokio::test(start_paused = true)]
async fn a_head_has_its_time_from_its_first_byte_to_its_last() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (mut near, far) = tokio::io::duplex(1024);
    let (mut guard, handle) = Guard::requests(far, BytesMut::new());
    let half = crate::limits::HEAD_TIMEOUT / 2;
    let head = b"GET / HTTP/1.1\r\nhost: a.example\r\n\r\n";
    let (start, end) = head.split_at(10);
    let client = async {
        // A connection may be idle for longer than a head may take.
        tokio::time::sleep(half * 4).await;
        for _ in 0..3 {
            near.write_all(start).await.unwrap();
            tokio::time::sleep(half).await;
            near.write_all(end).await.unwrap();
        }
        let began = tokio::time::Instant::now();
        for byte in start {
            near.write_all(&[*byte]).await.unwrap();
            tokio::time::sleep(half / 3).await;
        }
        (near, began)
    };
    let gate = async {
        let mut heads = vec![0; 3 * head.len()];
        guard.read_exact(&mut heads).await.unwrap();
        assert!(guard.read(&mut [0; 64]).await.unwrap() > 0, "what stands in for it");
        tokio::time::Instant::now()
    };
    let ((near, began), ended) = tokio::join!(client, gate);
    assert_eq!(handle.refusal(), Some(Refusal::HeadTimeout));
    assert_eq!((ended - began).as_secs(), crate::limits::HEAD_TIMEOUT.as_secs());
    drop(near);
}

/// Sends `begun` and then `drip`, a byte every two seconds, and answers after how many seconds reading ends in an error.
async fn drips(
    role: fn(tokio::io::DuplexStream) -> (Guard<tokio::io::DuplexStream>, GuardHandle),
    begun: &[u8],
    drip: u8,
) -> u64 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (mut near, far) = tokio::io::duplex(1024);
    let (mut guard, handle) = role(far);
    handle.announce(&http::Method::GET, false);
    guard.write_all(b"x").await.unwrap();
    let start = tokio::time::Instant::now();
    let client = async {
        near.write_all(begun).await.unwrap();
        loop {
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
            near.write_all(&[drip]).await.unwrap();
        }
    };
    let gate = async { while guard.read(&mut [0; 64]).await.is_ok_and(|length| length > 0) {} };
    tokio::select! {
        () = client => {}
        () = gate => {}
    }
    start.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn what_surrounds_a_body_has_its_time_too() {
    const CHUNKED: &str = "POST / HTTP/1.1\r\nhost: a.example\r\ntransfer-encoding: chunked\r\n\r\n";
    let requests = |io| Guard::requests(io, BytesMut::new());
    let limit = crate::limits::HEAD_TIMEOUT.as_secs();
    for rest in ["1;ext=", "5\r\nhello\r\n1;ext=", "0\r\nx-sum: "] {
        let took = drips(requests, format!("{CHUNKED}{rest}").as_bytes(), b'1').await;
        assert_eq!(took, limit, "{rest}");
    }
    let limit = crate::limits::FIRST_BYTE_TIMEOUT.as_secs();
    for begun in ["HTTP/1.1 200 OK\r\nx: ", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: "] {
        assert_eq!(drips(Guard::responses, begun.as_bytes(), b'1').await, limit, "{begun}");
    }
}
