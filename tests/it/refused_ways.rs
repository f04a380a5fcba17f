//! What is refused is refused on every way in, with the same status, and nothing of it goes anywhere.

use crate::harness::origin::ok;
use crate::harness::{Origin, PAN, Setup, World, h2, messages};
use crate::ways::{
    Either, HERE, REDIRECTED, Sender, Speaks, Way, connected, in_namespace, meetings, world_set,
};

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

/// A request of HTTP/2, in which a card number is filled in.
struct Said {
    what: &'static str,
    method: &'static str,
    user: &'static str,
    path: &'static str,
    fields: &'static [(&'static str, &'static str)],
    trailer: Option<&'static str>,
    expected: u16,
}

const PLAIN: Said =
    Said { what: "", method: "POST", user: "", path: "/evil", fields: &[], trailer: None, expected: 403 };

const OVER_HTTP_2: [Said; 13] = [
    Said { what: "a host with a user", user: "me@", expected: 400, ..PLAIN },
    Said { what: "two hosts", fields: &[("host", "{H}"), ("host", "evil.test")], expected: 400, ..PLAIN },
    Said {
        what: "two lengths",
        fields: &[("content-length", "2"), ("content-length", "2")],
        expected: 400,
        ..PLAIN
    },
    Said {
        what: "no further hop",
        method: "TRACE",
        fields: &[("max-forwards", "0")],
        expected: 501,
        ..PLAIN
    },
    Said { what: "a card in the target", path: "/evil?card={P}", ..PLAIN },
    Said { what: "a card for a method", method: "M{P}", ..PLAIN },
    Said { what: "a card in a field", fields: &[("x-card", "{P}")], ..PLAIN },
    Said { what: "a card in one of two cookies", fields: &[("cookie", "a=1"), ("cookie", "b={P}")], ..PLAIN },
    Said { what: "a card in a trailer", trailer: Some("{P}"), ..PLAIN },
    Said { what: "an unknown coding", fields: &[("content-encoding", "gzip;q=1")], ..PLAIN },
    Said {
        what: "two codings, one unknown",
        fields: &[("content-encoding", "gzip"), ("content-encoding", "x")],
        ..PLAIN
    },
    Said {
        what: "a charset that is not read",
        fields: &[("content-type", "text/plain; charset=utf-7")],
        ..PLAIN
    },
    Said {
        what: "a part in one",
        fields: &[("content-type", "multipart/form-data; boundary=b"), ("x-part", "charset=utf-7")],
        ..PLAIN
    },
];

/// The same in HTTP/2, all over one connection, which is in order behind them.
async fn are_refused_over_http_2(way: Way, origin_speaks: Speaks) {
    let title = format!("{way:?}, origin {origin_speaks:?}");
    let (world, origin) = world_set(way, Setup::default(), async |world: &World| {
        Either::start(world, way.tls().1, origin_speaks).await
    })
    .await;
    let Sender::Http2(mut client) = connected(&world, &origin, way, Speaks::Http2).await else { return };
    let host = format!("origin.test:{}", origin.port());
    let scheme = if way.tls().0 { "https" } else { "http" };
    let fill = |text: &str| text.replace("{H}", &host).replace("{P}", PAN);
    let mut wrong = Vec::new();
    for said in OVER_HTTP_2 {
        let target = format!("{scheme}://{}{host}{}", said.user, fill(said.path));
        let mut request = http::Request::builder().method(&*fill(said.method)).uri(target);
        let mut body = "{}".to_owned();
        for (name, value) in said.fields {
            match *name {
                "x-part" => {
                    body = format!("--b\r\nContent-Type: text/plain; {value}\r\n\r\n+ADQ-\r\n--b--\r\n")
                }
                name => request = request.header(name, fill(value)),
            }
        }
        let (response, mut stream) = client.begin(request).await;
        // What is refused by its head alone needs no body.
        let _ = stream.send_data(body.into(), said.trailer.is_none());
        if let Some(trailer) = said.trailer {
            let trailers = http::HeaderMap::from_iter([(
                http::HeaderName::from_static("x-c"),
                fill(trailer).parse().unwrap(),
            )]);
            let _ = stream.send_trailers(trailers);
        }
        let answer = h2::answer(response).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        if answer.status != said.expected || text.contains(PAN) {
            wrong.push(format!("{title}: {}: {} {text}", said.what, answer.status));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let well = http::Request::post(format!("{scheme}://{host}/well"));
    assert_eq!(client.exchange(well, b"{}").await.status, 200, "{title}");
    match &origin {
        Either::Http1(origin) => assert!(!origin.received_text().contains("evil"), "{title}"),
        Either::Http2(origin) => assert_eq!(origin.streams(), 1, "{title}"),
    }
    let records = world.records().await;
    let refused = messages(&records).into_iter().filter(|record| record["action"] == "block").count();
    assert!(refused >= OVER_HTTP_2.len(), "{title}: {refused} records: {records:#?}");
}

async fn over_http_2_on(ways: &[Way]) -> usize {
    let mut met = 0;
    for way in ways {
        for (speaks, origin_speaks) in meetings(*way) {
            if speaks == Speaks::Http2 {
                are_refused_over_http_2(*way, origin_speaks).await;
                met += 1;
            }
        }
    }
    met
}

#[tokio::test]
async fn what_is_refused_in_http_2_is_refused_on_every_way() {
    assert_eq!(over_http_2_on(&HERE).await, 9);
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
    assert_eq!(over_http_2_on(&REDIRECTED).await, 3);
}
