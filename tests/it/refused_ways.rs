//! What is refused is refused on every way in, with the same status, and nothing of it goes anywhere.

use crate::harness::origin::ok;
use crate::harness::{Origin, PAN, Setup, World, messages};
use crate::ways::{Either, HERE, REDIRECTED, Sender, Speaks, Way, connected, in_namespace, world_set};

/// Requests of HTTP/1.1: what stands before a path, the host and a card number are filled in.
const REFUSED: [(&str, &str, u16); 18] = [
    ("a host with a user", "GET {T}/evil HTTP/1.1\r\nHost: me@{H}\r\n\r\n", 400),
    ("two hosts", "GET {T}/evil HTTP/1.1\r\nHost: {H}\r\nHost: evil.test\r\n\r\n", 400),
    ("no host", "GET {T}/evil HTTP/1.1\r\n\r\n", 400),
    ("an empty host", "GET {T}/evil HTTP/1.1\r\nHost: \r\n\r\n", 400),
    ("a fragment", "GET {T}/x#evil HTTP/1.1\r\nHost: {H}\r\n\r\n", 400),
    ("a star that is not for OPTIONS", "GET * HTTP/1.1\r\nHost: {H}\r\nX: evil\r\n\r\n", 400),
    (
        "both lengths",
        "POST {T}/evil HTTP/1.1\r\nHost: {H}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "an odd coding of transfers",
        "POST {T}/evil HTTP/1.1\r\nHost: {H}\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    ("a bare line end", "GET {T}/evil HTTP/1.1\nHost: {H}\r\n\r\n", 400),
    ("a folded line", "GET {T}/evil HTTP/1.1\r\nHost: {H}\r\nX: a\r\n b\r\n\r\n", 400),
    (
        "two protocols",
        "GET {T}/evil HTTP/1.1\r\nHost: {H}\r\nConnection: upgrade\r\nUpgrade: websocket, h2c\r\n\r\n",
        501,
    ),
    ("no further hop", "TRACE {T}/evil HTTP/1.1\r\nHost: {H}\r\nMax-Forwards: 0\r\n\r\n", 501),
    ("a card in the target", "GET {T}/evil?card={P} HTTP/1.1\r\nHost: {H}\r\n\r\n", 403),
    ("a card for a method", "M{P} {T}/evil HTTP/1.1\r\nHost: {H}\r\n\r\n", 403),
    (
        "a card in a sub-protocol",
        "GET {T}/evil HTTP/1.1\r\nHost: {H}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
      Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: p{P}\r\n\r\n",
        403,
    ),
    (
        "a card in a trailer",
        "POST {T}/evil HTTP/1.1\r\nHost: {H}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx-c: {P}\r\n\r\n",
        403,
    ),
    (
        "an unknown coding",
        "POST {T}/evil HTTP/1.1\r\nHost: {H}\r\nContent-Encoding: gzip;q=1\r\nContent-Length: 2\r\n\r\n{}",
        403,
    ),
    (
        "a charset that is not read",
        "POST {T}/evil HTTP/1.1\r\nHost: {H}\r\nContent-Type: text/plain; charset=utf-7\r\nContent-Length: 2\r\n\r\n{}",
        403,
    ),
];

const WELL_FRAMED: [&str; 3] = ["a host with a user", "an empty host", "a star that is not for OPTIONS"];

async fn are_refused(way: Way) {
    let (world, origin) = world_set(way, Setup::default(), async |world: &World| {
        Either::Http1(match way.tls().1 {
            true => Origin::agreeable(world, "origin.test").await,
            false => Origin::cleartext("origin.test", |conn| conn.serve(|_| ok("{}"))).await,
        })
    })
    .await;
    let Either::Http1(behind) = &origin else { return };
    let host = format!("origin.test:{}", origin.port());
    let before = if way == Way::Absolute { format!("http://{host}") } else { String::new() };
    let fill = |text: &str| text.replace("{T}", &before).replace("{H}", &host).replace("{P}", PAN);
    let mut wrong = Vec::new();
    for (what, request, expected) in REFUSED {
        let title = format!("{way:?}: {what}");
        let Sender::Http1(mut client) = connected(&world, &origin, way, Speaks::Http1).await else { return };
        // What is well framed, and refused for what it says, leaves its connection in order.
        let is_framed = expected != 400 || WELL_FRAMED.contains(&what);
        client.send(fill(request)).await;
        let response = client.response().await;
        let text = String::from_utf8_lossy(&response.body.bytes).into_owned();
        if response.status != expected {
            wrong.push(format!("{title}: {} {text}", response.status));
            continue;
        }
        assert!(!text.contains(PAN), "{title}: {text}");
        if !is_framed {
            assert!(client.is_closed().await, "{title}: what is behind it may be anything");
        }
        let reached = behind.received_text();
        assert!(!reached.contains("evil") && !reached.contains(PAN), "{title}: {reached}");
    }
    assert_eq!(wrong, Vec::<String>::new());
    let records = world.records().await;
    let refused = messages(&records).into_iter().filter(|record| record["action"] == "block").count();
    assert!(refused >= REFUSED.len(), "{way:?}: {refused} records of {}: {records:#?}", REFUSED.len());
}

#[tokio::test]
async fn what_is_refused_is_refused_on_every_way() {
    for way in HERE {
        are_refused(way).await;
    }
}

#[test]
fn what_is_refused_is_refused_on_redirected_connections() {
    in_namespace("refused_ways::redirected");
}

#[tokio::test]
#[ignore = "needs a network namespace of its own: run by the test above"]
async fn redirected() {
    for way in REDIRECTED {
        are_refused(way).await;
    }
}
