//! Messages under way: both directions at once, ends that are none, upstreams that break HTTP.

use super::*;

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
    let lease = upstreams.acquire(&origin.http(), &tenant(), Spoken::Http1).await.unwrap();
    let response = lease.send(request(Method::POST, Endless), None).await.unwrap();
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
        let lease = upstreams.acquire(&origin.http(), &tenant(), Spoken::Http1).await.unwrap();
        let error = read(lease.send(get(), None).await.unwrap()).await.unwrap_err();
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
        let lease = upstreams.acquire(&origin.https(), &tenant(), Spoken::Http1).await.unwrap();
        let outcome = read(lease.send(get(), None).await.unwrap()).await;
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
        let lease = upstreams.acquire(&origin.http(), &tenant(), Spoken::Http1).await.unwrap();
        let error = lease.send(get(), None).await.unwrap_err();
        assert!(matches!(error.fault, Fault::Violation(found) if found == refusal), "{bytes:?}: {error:?}");
        assert_eq!(error.proxy_status(), "http_protocol_error");
        assert_eq!(error.to_string(), format!("upstream broke HTTP: {refusal}"));
    }
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
    let lease = upstreams.acquire(&origin.https(), &tenant(), Spoken::Http1).await.unwrap();
    let chunks = (0..CHUNKS).map(|n| Ok(Bytes::from(vec![u8::try_from(n % 251).unwrap(); CHUNK])));
    let body = Frames { frames: chunks.collect(), length: Some((CHUNK * CHUNKS) as u64) };
    let response = lease.send(request(Method::POST, body), None).await.unwrap();
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
    let lease = upstreams.acquire(&origin.http(), &tenant(), Spoken::Http1).await.unwrap();
    let frames = [Ok(Bytes::from("some")), Err(std::io::Error::other("stopped"))];
    let body = Frames { frames: frames.into(), length: None };
    let error = lease.send(request(Method::POST, body), None).await.unwrap_err();
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
        let lease = upstreams.acquire(&origin.http(), &tenant(), Spoken::Http1).await.unwrap();
        let body = lease.send(get(), None).await.unwrap().into_body().collect().await.unwrap();
        let trailers: &HeaderMap = body.trailers().unwrap();
        assert_eq!(trailers["t"], "v");
        assert_eq!(body.to_bytes(), "ab");
    }
    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn who_tells_of_events_is_waited_for_longer() {
    let authority = Authority::new();
    let origin = Origin::start(None, |_, mut stream| async move {
        assert!(read_request(&mut stream).await);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let upstreams = upstreams(&authority);
    let lease = upstreams.acquire(&origin.http(), &tenant(), Spoken::Http1).await.unwrap();
    let mut body = lease.send(get(), None).await.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "data: 1\n\n");
    tokio::time::pause();
    let error = body.frame().await.unwrap().unwrap_err();
    assert!(matches!(error.fault, Fault::Stalled(Stalled::Read(limits::EVENTS_IDLE))), "{error:?}");
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
    let lease = upstreams.acquire(&origin.http(), &tenant(), Spoken::Http1).await.unwrap();
    tokio::time::pause();
    let error = lease.send(get(), None).await.unwrap_err();
    assert!(matches!(error.fault, Fault::Stalled(Stalled::Read(limits::FIRST_BYTE_TIMEOUT))), "{error:?}");
    assert_eq!(
        (error.status(), error.proxy_status()),
        (StatusCode::GATEWAY_TIMEOUT, "connection_read_timeout")
    );
    tokio::time::resume();
    let lease = upstreams.acquire(&origin.http(), &tenant(), Spoken::Http1).await.unwrap();
    let mut body = lease.send(get(), None).await.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "hello");
    tokio::time::pause();
    let error = body.frame().await.unwrap().unwrap_err();
    assert!(matches!(error.fault, Fault::Stalled(Stalled::Read(limits::BODY_IDLE_TIMEOUT))), "{error:?}");
}

/// Takes requests and answers none, until whoever asked leaves.
async fn takes_and_never_answers(mut stream: Stream, left: Arc<Notify>) {
    let mut sink = [0; 4096];
    while stream.read(&mut sink).await.is_ok_and(|length| length > 0) {}
    left.notify_one();
}

#[tokio::test]
async fn a_request_with_a_body_has_its_time_for_an_answer_too() {
    let authority = Authority::new();
    let config = testing::server_config(authority.issue(&[NAME], (2020, 2100)), testing::any_version());
    for tls in [None, Some(config)] {
        let (left, is_secure) = (Arc::new(Notify::new()), tls.is_some());
        let leaving = Arc::clone(&left);
        let origin =
            Origin::start(tls, move |_, stream| takes_and_never_answers(stream, Arc::clone(&leaving))).await;
        let upstreams = upstreams(&authority);
        let to = if is_secure { origin.https() } else { origin.http() };
        // What ends a body is known with its last byte, or only behind it.
        let trailers = async { Some(Ok(HeaderMap::new())) };
        let bodies = [
            Full::from("charge").boxed_unsync(),
            Full::from("charge").with_trailers(std::future::ready(None)).boxed_unsync(),
            Full::from("charge").with_trailers(trailers).boxed_unsync(),
        ];
        for body in bodies {
            let lease = upstreams.acquire(&to, &tenant(), Spoken::Http1).await.unwrap();
            tokio::time::pause();
            let sent = lease.send(request(Method::POST, body), None);
            let error =
                tokio::time::timeout(limits::FIRST_BYTE_TIMEOUT * 2, sent).await.unwrap().unwrap_err();
            assert!(matches!(error.fault, Fault::Stalled(Stalled::Read(limits::FIRST_BYTE_TIMEOUT))));
            assert_eq!(error.status(), StatusCode::GATEWAY_TIMEOUT);
            tokio::time::resume();
            tokio::time::timeout(PATIENCE, left.notified()).await.unwrap();
        }
    }
}
