//! Connections that serve again, those that no longer can, and what is sent twice.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::SizeHint;

use super::*;

#[tokio::test]
async fn a_closed_idle_connection_is_not_reused() {
    let authority = Authority::new();
    let close = Arc::new(Notify::new());
    let closing = Arc::clone(&close);
    let origin = Origin::start(None, move |_, mut stream| {
        let closing = Arc::clone(&closing);
        async move {
            assert!(read_request(&mut stream).await);
            stream.write_all(OK.as_bytes()).await.unwrap();
            closing.notified().await;
        }
    })
    .await;
    let upstreams = upstreams(&authority);
    assert_eq!(fetch(&upstreams, &origin.http()).await, "hello");
    assert_eq!(upstreams.pool_stats().idle, 1);
    close.notify_one();
    until(|| {
        upstreams.pool.drop_stale();
        upstreams.pool_stats().idle == 0
    })
    .await;
    let lease = upstreams.acquire(&origin.http(), &tenant(), Spoken::Http1).await.unwrap();
    assert!(!lease.is_reused());
}

/// Answers the first request of its first connection and closes on the second; later connections are good.
async fn closes_on_second_request(number: usize, mut stream: Stream) {
    if number > 0 {
        return answer(stream, OK).await;
    }
    assert!(read_request(&mut stream).await);
    stream.write_all(OK.as_bytes()).await.unwrap();
    assert!(read_request(&mut stream).await);
}

#[tokio::test]
async fn a_dead_connection_is_replaced_for_what_may_be_repeated() {
    let authority = Authority::new();
    let origin = Origin::start(None, closes_on_second_request).await;
    let upstreams = upstreams(&authority);
    assert_eq!(fetch(&upstreams, &origin.http()).await, "hello");
    let lease = upstreams.acquire(&origin.http(), &tenant(), Spoken::Http1).await.unwrap();
    assert!(lease.is_reused());
    assert_eq!(read(lease.send(get(), None).await.unwrap()).await.unwrap(), "hello");
    assert_eq!(origin.connections(), 2);
}

/// In pieces, of a length that is known or not.
struct Pieces {
    pieces: VecDeque<Bytes>,
    is_sized: bool,
}

impl Pieces {
    fn of(length: usize, is_sized: bool) -> Pieces {
        let bytes: Vec<u8> = (0..251u8).cycle().take(length).collect();
        Pieces {
            pieces: bytes.chunks(length.div_ceil(7).max(1)).map(Bytes::copy_from_slice).collect(),
            is_sized,
        }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.pieces.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.pieces.iter().map(|piece| piece.len() as u64).sum();
        if self.is_sized { SizeHint::with_exact(length) } else { SizeHint::default() }
    }
}

#[tokio::test]
async fn what_acts_once_is_sent_again_with_its_body_and_nothing_else_is() {
    // How much of the second request its first connection reads, what it says then, and whether it is sent once more.
    let cases = [
        (Method::PUT, 5, true, usize::MAX, "", true),
        (Method::PUT, 5, true, 0, "", true),
        (Method::DELETE, 5, true, usize::MAX, "", true),
        (Method::GET, 5, true, usize::MAX, "", true),
        (Method::PUT, 0, true, usize::MAX, "", true),
        (Method::PUT, limits::SPARE_BODY, true, usize::MAX, "", true),
        (Method::PUT, limits::SPARE_BODY, true, 1000, "", true),
        (Method::PUT, limits::SPARE_BODY + 1, true, usize::MAX, "", false),
        (Method::PUT, 5, false, usize::MAX, "", false),
        (Method::PUT, 5, true, usize::MAX, "H", false),
        (Method::POST, 5, true, usize::MAX, "", false),
        (Method::POST, 0, true, usize::MAX, "", false),
        (Method::PATCH, 5, true, usize::MAX, "", false),
    ];
    for (method, length, is_sized, reads, says, again) in cases {
        let title = format!("{method} {length} {is_sized} {reads} {says:?}");
        let got = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&got);
        let origin = Origin::start(None, move |number, mut stream: Stream| {
            let got = Arc::clone(&all);
            async move {
                if number == 0 {
                    assert!(read_request(&mut stream).await);
                    stream.write_all(OK.as_bytes()).await.unwrap();
                    if reads == usize::MAX {
                        read_request(&mut stream).await;
                    } else {
                        let _ = stream.read_exact(&mut vec![0; reads + 1]).await;
                    }
                    let _ = stream.write_all(says.as_bytes()).await;
                    return;
                }
                let body = request_body(&mut stream).await;
                got.lock().unwrap().push(body.unwrap());
                stream.write_all(OK.as_bytes()).await.unwrap();
            }
        })
        .await;
        let upstreams = upstreams(&Authority::new());
        assert_eq!(fetch(&upstreams, &origin.http()).await, "hello");
        let lease = upstreams.acquire(&origin.http(), &tenant(), Spoken::Http1).await.unwrap();
        assert!(lease.is_reused(), "{title}");
        let answer = lease.send(request(method, Pieces::of(length, is_sized)), None).await;
        assert_eq!((answer.is_ok(), origin.connections()), (again, 1 + usize::from(again)), "{title}");
        if again {
            assert_eq!(read(answer.unwrap()).await.unwrap(), "hello", "{title}");
            assert_eq!(
                *got.lock().unwrap(),
                [Pieces::of(length, true).pieces.make_contiguous().concat()],
                "{title}"
            );
        }
    }
}

#[tokio::test]
async fn a_charge_is_never_sent_twice() {
    let authority = Authority::new();
    let origin = Origin::start(None, closes_on_second_request).await;
    let upstreams = upstreams(&authority);
    assert_eq!(fetch(&upstreams, &origin.http()).await, "hello");
    let lease = upstreams.acquire(&origin.http(), &tenant(), Spoken::Http1).await.unwrap();
    let error = lease.send(request(Method::POST, Full::from("charge")), None).await.unwrap_err();
    assert!(error.sent, "{error:?}");
    assert_eq!(origin.connections(), 1);
    assert_eq!(error.status(), StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn a_connection_that_closed_before_it_was_used_is_replaced_for_any_request() {
    let authority = Authority::new();
    let (close, closed) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let signals = (Arc::clone(&close), Arc::clone(&closed));
    let origin = Origin::start(None, move |number, mut stream| {
        let (close, closed) = (Arc::clone(&signals.0), Arc::clone(&signals.1));
        async move {
            if number > 0 {
                return answer(stream, OK).await;
            }
            assert!(read_request(&mut stream).await);
            stream.write_all(OK.as_bytes()).await.unwrap();
            close.notified().await;
            drop(stream);
            closed.notify_one();
        }
    })
    .await;
    let upstreams = upstreams(&authority);
    assert_eq!(fetch(&upstreams, &origin.http()).await, "hello");
    let lease = upstreams.acquire(&origin.http(), &tenant(), Spoken::Http1).await.unwrap();
    assert!(lease.is_reused());
    close.notify_one();
    closed.notified().await;
    // A timer makes the runtime look at its sockets, where the end is waiting.
    tokio::time::sleep(Duration::from_millis(1)).await;
    let response = lease.send(request(Method::POST, Full::from("charge")), None).await.unwrap();
    assert_eq!(read(response).await.unwrap(), "hello");
    assert_eq!(origin.connections(), 2);
}

#[tokio::test]
async fn responses_without_a_body_leave_the_connection_usable() {
    let authority = Authority::new();
    let origin = Origin::start(None, |_, mut stream| async move {
        for response in [
            "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n",
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            OK,
        ] {
            assert!(read_request(&mut stream).await);
            stream.write_all(response.as_bytes()).await.unwrap();
        }
    })
    .await;
    let upstreams = upstreams(&authority);
    for method in [Method::HEAD, Method::GET, Method::GET, Method::POST] {
        let lease = upstreams.acquire(&origin.http(), &tenant(), Spoken::Http1).await.unwrap();
        // The body is never asked for, as hyper's server does not when there is none.
        drop(lease.send(request(method, Empty::<Bytes>::new()), None).await.unwrap());
    }
    assert_eq!(fetch(&upstreams, &origin.http()).await, "hello");
    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn an_unread_body_closes_its_connection() {
    let authority = Authority::new();
    let closed = Arc::new(Notify::new());
    let seen = Arc::clone(&closed);
    let origin = Origin::start(None, move |_, mut stream| {
        let seen = Arc::clone(&seen);
        async move {
            assert!(read_request(&mut stream).await);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello").await.unwrap();
            assert!(!read_request(&mut stream).await);
            seen.notify_one();
        }
    })
    .await;
    let upstreams = upstreams(&authority);
    let lease = upstreams.acquire(&origin.http(), &tenant(), Spoken::Http1).await.unwrap();
    drop(lease.send(get(), None).await.unwrap());
    tokio::time::timeout(PATIENCE, closed.notified()).await.unwrap();
    assert_eq!(upstreams.pool_stats().idle, 0);
}

#[tokio::test]
async fn old_idle_connections_are_dropped() {
    let authority = Authority::new();
    let origin = Origin::start(None, |_, stream| answer(stream, OK)).await;
    let upstreams = upstreams(&authority);
    assert_eq!(fetch(&upstreams, &origin.http()).await, "hello");
    tokio::time::pause();
    tokio::time::advance(limits::POOL_IDLE).await;
    tokio::time::resume();
    assert_eq!(fetch(&upstreams, &origin.http()).await, "hello");
    assert_eq!(origin.connections(), 2);
}

#[tokio::test]
async fn a_dead_connection_is_replaced_for_a_change_of_protocol_and_what_follows_it_is_there() {
    const AGREES: &str =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nat once, ";
    let authority = Authority::new();
    let origin = Origin::start(None, |number, mut stream: Stream| async move {
        if number == 0 {
            return closes_on_second_request(0, stream).await;
        }
        assert!(read_request(&mut stream).await);
        stream.write_all(AGREES.as_bytes()).await.unwrap();
        let mut said = [0; 5];
        stream.read_exact(&mut said).await.unwrap();
        stream.write_all(&said).await.unwrap();
    })
    .await;
    let upstreams = upstreams(&authority);
    assert_eq!(fetch(&upstreams, &origin.http()).await, "hello");
    let lease = upstreams.acquire(&origin.http(), &tenant(), Spoken::Http1).await.unwrap();
    assert!(lease.is_reused());
    let switched = std::sync::Mutex::new(None);
    let answer = lease.switch(get(), &switched).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
    let mut goes_on = switched.lock().unwrap().take().unwrap();
    goes_on.io.write_all(b"later").await.unwrap();
    let mut heard = goes_on.leftover.to_vec();
    goes_on.io.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"at once, later");
    assert_eq!((origin.connections(), upstreams.pool_stats().idle), (2, 0));
}
