//! What HTTP and TLS really are passes as it was meant: parts, redirects, hellos in crumbs, goodbyes, identities.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tidegate::policy::Action;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::harness::client::{connector, get, name, post};
use crate::harness::origin::ok;
use crate::harness::wire::{Io, Reader};
use crate::harness::{Client, Origin, PAN, Setup, World, engine, messages, rule, soon};

/// Sends one byte at a time.
struct Crumbs<T>(T);

impl<T: Io> AsyncRead for Crumbs<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<T: Io> AsyncWrite for Crumbs<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, &buf[..buf.len().min(1)])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn a_hello_and_a_request_that_come_byte_by_byte_are_read_whole() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let tcp = Crumbs(Client::connect(&world, &origin.authority()).await);
    let tls = connector(&world.issuer).connect(name("origin.test"), tcp);
    let mut client = Client { reader: Reader::new(soon("a handshake", tls).await.unwrap()) };
    assert_eq!(client.exchange(get(&origin, "/a")).await.status, 200);
    assert_eq!(client.post(&origin, "/", format!("card {PAN}").as_bytes()).await.status, 403);
    // The same in clear text.
    let plain = Origin::cleartext("origin.test", |conn| conn.serve(|_| ok("{}"))).await;
    let tcp = Crumbs(Client::connect(&world, &plain.authority()).await);
    let mut client = Client { reader: Reader::new(tcp) };
    assert_eq!(client.exchange(get(&plain, "/")).await.status, 200);
}

#[tokio::test]
async fn a_connection_over_tls_ends_with_a_goodbye() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let asked = get(&origin, "/").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let refused = post(&origin, "/", "text/plain", format!("card {PAN}").as_bytes());
    let refused = String::from_utf8(refused).unwrap().replacen("\r\n", "\r\nConnection: close\r\n", 1);
    for (request, status) in [(asked, 200), (refused, 403)] {
        let mut client = Client::tunnel(&world, &origin).await;
        assert_eq!(client.exchange(request).await.status, status);
        assert!(client.is_closed().await);
        assert_eq!(client.reader.error, None, "an end without close_notify is a truncation");
    }
}

#[tokio::test]
async fn answers_of_every_kind_pass_as_they_came() {
    let world = World::start(Setup::default()).await;
    let parts = "--x\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/9\r\n\r\nab\r\n--x--\r\n";
    type Answer<'a> = (&'a str, String, u16, &'a str, &'a [(&'a str, &'a str)]);
    let answers: [Answer<'_>; 7] = [
        (
            "/moved",
            "302 Found\r\nLocation: https://elsewhere.test/?a=b\r\nContent-Length: 0".into(),
            302,
            "",
            &[("location", "https://elsewhere.test/?a=b")],
        ),
        (
            "/part",
            "206 Partial Content\r\nContent-Range: bytes 2-5/9\r\nContent-Type: text/plain\r\nContent-Length: 4".into(),
            206,
            "cdef",
            &[("content-range", "bytes 2-5/9"), ("content-length", "4")],
        ),
        (
            "/parts",
            format!(
                "206 Partial Content\r\nContent-Type: multipart/byteranges; boundary=x\r\nContent-Length: {}",
                parts.len()
            ),
            206,
            parts,
            &[("content-type", "multipart/byteranges; boundary=x")],
        ),
        ("/beyond", "416 Range Not Satisfiable\r\nContent-Range: bytes */9\r\nContent-Length: 0".into(), 416, "", &[(
            "content-range",
            "bytes */9",
        )]),
        ("/same", "304 Not Modified\r\nETag: \"a\"".into(), 304, "", &[("etag", "\"a\"")]),
        ("/nothing", "204 No Content\r\nX-Kept: yes".into(), 204, "", &[("x-kept", "yes")]),
        ("/odd", "299 Whatever You Say\r\nContent-Length: 2".into(), 299, "ok", &[]),
    ];
    let served = answers.clone();
    let origin = Origin::start(&world, "origin.test", move |conn| {
        let served = served.clone();
        conn.serve(move |request| {
            let path = request.head.line.split(' ').nth(1).unwrap();
            let (_, head, _, body, _) = served.iter().find(|answer| answer.0 == path).unwrap();
            format!("HTTP/1.1 {head}\r\n\r\n{body}").into_bytes()
        })
    })
    .await;
    let mut client = Client::tunnel(&world, &origin).await;
    for (path, _, status, body, fields) in &answers {
        let request =
            get(&origin, path).replace("\r\n\r\n", "\r\nRange: bytes=2-5\r\nAccept-Encoding: gzip\r\n\r\n");
        let response = client.exchange(request).await;
        assert_eq!(response.status, *status, "{path}");
        assert_eq!(String::from_utf8_lossy(&response.body.bytes), *body, "{path}");
        for (field, value) in *fields {
            assert_eq!(response.field(field), Some(*value), "{path}: {field}");
        }
    }
    let received = origin.received_text().to_ascii_lowercase();
    assert_eq!(received.matches("range: bytes=2-5\r\n").count(), answers.len());
    assert!(!received.contains("gzip"), "a part of a coded body could not be read: {received}");
    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn a_part_is_inspected_and_a_part_of_a_coding_is_not_readable() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::start(&world, "origin.test", |conn| {
        conn.serve(|request| {
            let coded = request.head.line.contains("coded");
            let coding = if coded { "Content-Encoding: gzip\r\n" } else { "" };
            let body = format!("card {PAN}");
            let length = body.len();
            format!(
                "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-22/99\r\nContent-Type: text/plain\r\n\
                 {coding}Content-Length: {length}\r\n\r\n{body}"
            )
            .into_bytes()
        })
    })
    .await;
    for path in ["/plain", "/coded"] {
        let mut client = Client::tunnel(&world, &origin).await;
        assert_eq!(client.exchange(get(&origin, path)).await.status, 403, "{path}");
    }
    let records = world.records().await;
    let reasons: Vec<_> = messages(&records)
        .into_iter()
        .filter(|record| record["direction"] == "response")
        .map(|record| {
            (record["action"].clone(), record["bytes"]["uninspected"].to_string().contains("partial"))
        })
        .collect();
    assert_eq!(reasons, [("block".into(), false), ("block".into(), true)], "{records:#?}");
}

#[tokio::test]
async fn chunk_extensions_go_nowhere() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::start(&world, "origin.test", |conn| {
        conn.serve(|_| {
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;back=\"stolen\"\r\nok\r\n0;end=stolen\r\n\r\n".to_vec()
        })
    })
    .await;
    let mut client = Client::tunnel(&world, &origin).await;
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n3;card={PAN}\r\nabc\r\n0;x=y\r\n\r\n",
        origin.authority()
    );
    let response = client.exchange(request).await;
    assert_eq!((response.status, response.body.bytes.as_slice()), (200, &b"ok"[..]));
    let received = origin.received_text();
    assert!(received.contains("abc") && !received.contains(PAN) && !received.contains("x=y"), "{received}");
}

#[tokio::test]
async fn a_request_that_pauses_stays_in_hold() {
    let world = World::start(Setup { hold_idle: Duration::from_millis(1), ..Setup::default() }).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let whole =
        post(&origin, "/slow", "text/plain", format!("{} card {PAN}", "words ".repeat(1000)).as_bytes());
    let (first, rest) = whole.split_at(3000);
    let mut slow = Client::tunnel(&world, &origin).await;
    slow.send(first).await;
    let mut other = Client::tunnel(&world, &origin).await;
    for _ in 0..30 {
        // Each takes longer than a response may be held for.
        assert_eq!(other.exchange(get(&origin, "/other")).await.status, 200);
    }
    slow.send(rest).await;
    assert_eq!(slow.response().await.status, 403);
    assert!(!origin.received_text().contains("/slow"), "a slow sender has won");
}

#[tokio::test]
async fn a_message_is_judged_by_the_rules_it_began_under() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let body = format!("{} card {PAN}", "words ".repeat(1000));
    let whole = post(&origin, "/", "text/plain", body.as_bytes());
    let (first, rest) = whole.split_at(whole.len() - 20);
    let mut client = Client::tunnel(&world, &origin).await;
    client.send(first).await;
    soon("the request to begin", async {
        while world.engine.load().held.used() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let lax = Setup { rules: vec![rule("told", &["payment.pan"], Action::Alert)], ..Setup::default() };
    world.engine.store(Arc::new(engine(&lax)));
    client.send(rest).await;
    assert_eq!(client.response().await.status, 403);
    let mut client = Client::tunnel(&world, &origin).await;
    assert_eq!(client.exchange(&whole).await.status, 200, "the next one is judged by the new ones");
}

#[tokio::test]
async fn nothing_behind_a_refused_connect_is_read() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::cleartext("origin.test", |conn| conn.serve(|_| ok("{}"))).await;
    let to = origin.authority();
    let smuggled = format!("GET http://{to}/smuggled HTTP/1.1\r\nHost: {to}\r\n\r\n");
    for connect in [
        format!("CONNECT {to} HTTP/1.1\r\nHost: other.test\r\n\r\n"),
        format!("CONNECT http://{to}/ HTTP/1.1\r\nHost: {to}\r\n\r\n"),
        format!(
            "CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
        ),
    ] {
        let mut client = Client::direct(&world).await;
        let _ = client.try_send(format!("{connect}{smuggled}")).await;
        assert_eq!(client.response().await.status, 400, "{connect}");
        assert!(client.is_closed().await, "{connect}");
    }
    assert_eq!(origin.connections(), 0);
}

/// An origin that says on which of its connections it was asked.
async fn counting(world: &World) -> Origin {
    let next = Arc::new(AtomicUsize::new(0));
    Origin::start(world, "origin.test", move |conn| {
        let number = next.fetch_add(1, Ordering::SeqCst);
        conn.serve(move |_| ok(&format!("{number}")))
    })
    .await
}

#[tokio::test]
async fn a_connection_that_was_authenticated_is_nobody_elses() {
    for scheme in ["NTLM TlRMTVNTUAAB", "negotiate YII="] {
        let world = World::start(Setup::default()).await;
        let origin = counting(&world).await;
        let plain = get(&origin, "/");
        let signed = plain.replace("\r\n\r\n", &format!("\r\nAuthorization: {scheme}\r\n\r\n"));
        let on = async |client: &mut Client, request: &str| {
            String::from_utf8(client.exchange(request).await.body.bytes).unwrap()
        };
        let mut one = Client::tunnel(&world, &origin).await;
        let mut other = Client::tunnel(&world, &origin).await;
        assert_eq!(on(&mut one, &plain).await, "0");
        assert_eq!(on(&mut other, &plain).await, "0", "nobody is anybody yet");
        assert_eq!(on(&mut one, &signed).await, "1");
        assert_eq!(on(&mut one, &plain).await, "1", "who was authenticated stays where that was");
        assert_eq!(on(&mut other, &plain).await, "0");
        assert_eq!(on(&mut other, &signed).await, "2");
        assert_eq!(on(&mut one, &signed).await, "1");
        drop(one);
        let mut third = Client::tunnel(&world, &origin).await;
        assert_eq!(on(&mut third, &plain).await, "0");
        assert_eq!(on(&mut third, &signed).await, "3");
    }
    // What authenticates requests does not tie connections.
    let world = World::start(Setup::default()).await;
    let origin = counting(&world).await;
    let signed = get(&origin, "/").replace("\r\n\r\n", "\r\nAuthorization: Bearer abc\r\n\r\n");
    for _ in 0..2 {
        let mut client = Client::tunnel(&world, &origin).await;
        assert_eq!(client.exchange(&signed).await.body.bytes, b"0");
    }
}
