//! HTTP/2 keeps every promise that HTTP/1 keeps, on both sides, and in translation between them.

use bytes::Bytes;
use h2::Reason;
use http::HeaderMap;
use serde_json::json;
use tidegate::limits;
use tidegate::policy::Action;

use crate::harness::client::{connector_offering, get, name};
use crate::harness::h2::{answer, read, request};
use crate::harness::origin::{Conn, ok, respond};
use crate::harness::wire::Reader;
use crate::harness::{
    Client, H2Client, H2Origin, Origin, PAN, SSN, Setup, World, messages, only, rule, soon,
};

/// An origin of HTTP/1 for clients of HTTP/2.
async fn translated(world: &World, origin: &Origin) -> H2Client {
    // What it speaks is not known yet, so that the client is offered HTTP/1 once it is.
    let tcp = Client::connect(world, &origin.authority()).await;
    let tls = connector_offering(&world.issuer, &["h2"]).connect(name(origin.name), tcp).await;
    assert!(tls.is_err(), "an origin of HTTP/1 is offered as HTTP/2");
    // A client that knows beforehand speaks HTTP/2 all the same.
    let tcp = Client::connect(world, &origin.authority()).await;
    H2Client::over(connector_offering(&world.issuer, &[]).connect(name(origin.name), tcp).await.unwrap())
        .await
}

#[tokio::test]
async fn a_clean_exchange_passes_untouched_on_one_connection_each_side() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::agreeable(&world, "origin.test").await;
    let mut client = H2Client::to(&world, &origin).await;
    let authority = origin.authority();
    for turn in 0..3 {
        let request = request(&authority, "POST", "/v1/orders?x=1")
            .header("content-type", "application/json")
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .header("proxy-authorization", "Basic Zm9v")
            .header("te", "trailers");
        let body = format!("{{\"turn\":{turn}}}");
        let answer = client.exchange(request, body.as_bytes()).await;
        assert_eq!((answer.status, answer.body.as_slice(), answer.reset), (200, &b"{\"ok\":true}"[..], None));
        let got = origin.got().pop().unwrap();
        assert_eq!(got.body, body.as_bytes());
        assert_eq!(got.uri.to_string(), format!("https://{authority}/v1/orders?x=1"));
        assert_eq!(got.fields.get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2"]);
        assert_eq!(got.fields["te"], "trailers");
        for gone in ["proxy-authorization", "host", "connection"] {
            assert!(!got.fields.contains_key(gone), "{gone}");
        }
    }
    assert_eq!((origin.connections(), origin.streams()), (1, 3));
    let records = world.records().await;
    assert_eq!(messages(&records).len(), 6);
    for record in messages(&records) {
        assert_eq!((&record["kind"], &record["action"]), (&json!("decision"), &json!("allow")));
        assert_eq!(record["protocol"]["http"], "HTTP/2");
    }
}

#[tokio::test]
async fn a_card_number_is_stopped_before_a_byte_leaves() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::agreeable(&world, "origin.test").await;
    let mut client = H2Client::to(&world, &origin).await;
    let body = format!("{{\"note\":\"card {PAN}\"}}");
    let answer = client.post(&origin.authority(), "/v1/customers/12345", body.as_bytes()).await;
    assert_eq!((answer.status, answer.reset), (403, None));
    assert_eq!(answer.field("content-type"), Some("application/problem+json"));
    assert_eq!(answer.field("connection"), None);
    let problem = answer.json();
    assert_eq!(problem["identifiers"], json!(["payment.pan"]));
    assert_eq!(problem["upstream_received"], false);
    for (place, path) in [("query", format!("/?q={PAN}")), ("path", format!("/{PAN}/x"))] {
        let answer = client.exchange(request(&origin.authority(), "GET", &path), b"").await;
        assert_eq!(answer.status, 403, "{place}");
    }
    let fields = request(&origin.authority(), "GET", "/").header("x-note", PAN);
    assert_eq!(client.exchange(fields, b"").await.status, 403);
    let crumbs =
        request(&origin.authority(), "GET", "/").header("cookie", "a=1").header("cookie", format!("b={PAN}"));
    assert_eq!(client.exchange(crumbs, b"").await.status, 403);
    assert_eq!(client.post(&origin.authority(), "/", b"{}").await.status, 200, "the connection goes on");
    assert_eq!(origin.streams(), 1);
    let records = world.records().await;
    let blocked: Vec<_> =
        messages(&records).into_iter().filter(|record| record["action"] == "block").collect();
    assert_eq!(blocked.len(), 5);
    assert!(blocked.iter().all(|record| record["disclosure"] == "prevented"));
}

#[tokio::test]
async fn a_refused_request_that_is_still_under_way_is_told_to_stop() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::agreeable(&world, "origin.test").await;
    let mut client = H2Client::to(&world, &origin).await;
    let (response, mut stream) = client.begin(request(&origin.authority(), "POST", "/")).await;
    stream.send_data(Bytes::from(format!("card {PAN} and more to come ")), false).unwrap();
    stream.send_data(Bytes::from("word and word ".repeat(1000)), false).unwrap();
    let answer = answer(response).await;
    assert_eq!((answer.status, answer.reset), (403, None));
    let reason = soon("a reset", std::future::poll_fn(|cx| stream.poll_reset(cx))).await.unwrap();
    assert_eq!(reason, Reason::NO_ERROR);
    assert_eq!(origin.streams(), 0);
}

#[tokio::test]
async fn values_are_masked_in_both_directions() {
    let setup =
        Setup { rules: vec![rule("ssn", &["national-id.us-ssn"], Action::Redact)], ..Setup::default() };
    let world = World::start(setup).await;
    let origin = H2Origin::start(&world, "origin.test", |mut exchange| async move {
        let got = exchange.read().await;
        assert!(!String::from_utf8_lossy(&got.body).contains(SSN));
        exchange.reply(200, format!("{{\"ssn\":\"{SSN}\"}}").as_bytes());
    })
    .await;
    let mut client = H2Client::to(&world, &origin).await;
    let answer = client.post(&origin.authority(), "/", format!("{{\"ssn\":\"{SSN}\"}}").as_bytes()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, br#"{"ssn":"***-**-****"}"#);
    assert_eq!(answer.field("tidegate-redacted"), Some("2"));
    assert_eq!(origin.got()[0].body, br#"{"ssn":"***-**-****"}"#);
}

#[tokio::test]
async fn a_stream_that_is_stopped_never_ends_cleanly() {
    let hold = 16 * 1024;
    let world = World::start(Setup { hold, ..Setup::default() }).await;
    let clean = vec![b'x'; 4 * hold];
    let origin = H2Origin::start(&world, "origin.test", move |mut exchange| {
        let clean = clean.clone();
        async move {
            if exchange.request.method() == "POST" {
                assert_eq!(exchange.read().await.reset, Some(Reason::CANCEL));
                return;
            }
            let body = [&clean[..], format!(" card {PAN} ").as_bytes(), &clean[..]].concat();
            exchange.reply(200, &body);
        }
    })
    .await;
    let mut client = H2Client::to(&world, &origin).await;
    let answer = client.exchange(request(&origin.authority(), "GET", "/"), b"").await;
    // What the reset overtakes on its way is not seen.
    assert_eq!(answer.reset, Some(Reason::INTERNAL_ERROR), "{}", answer.status);
    assert!(!String::from_utf8_lossy(&answer.body).contains(PAN));
    let body = [vec![b'x'; 4 * hold], format!(" card {PAN} ").into_bytes(), vec![b'x'; 4 * hold]].concat();
    let answer = client.post(&origin.authority(), "/", &body).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.json()["upstream_received"], true);
    let got = soon("the origin to see the reset", async {
        loop {
            if let Some(got) = origin.got().pop() {
                break got;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!String::from_utf8_lossy(&got.body).contains(PAN));
}

#[tokio::test]
async fn trailers_pass_both_ways_and_are_inspected() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::start(&world, "origin.test", |mut exchange| async move {
        let got = exchange.read().await;
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", got.trailers.unwrap()["x-count"].clone());
        if got.uri.path() == "/leak" {
            trailers.insert("x-card", PAN.parse().unwrap());
        }
        exchange.reply_with(http::Response::builder(), b"body", Some(trailers));
    })
    .await;
    let mut client = H2Client::to(&world, &origin).await;
    for (path, trailer, status) in [("/", "7", 200), ("/", PAN, 403), ("/leak", "7", 403)] {
        let (response, mut stream) = client.begin(request(&origin.authority(), "POST", path)).await;
        stream.send_data(Bytes::from_static(b"data"), false).unwrap();
        let mut trailers = HeaderMap::new();
        trailers.insert("x-count", trailer.parse().unwrap());
        stream.send_trailers(trailers).unwrap();
        let answer = answer(response).await;
        assert_eq!(answer.status, status, "{path} {trailer}");
        if status == 200 {
            assert_eq!(answer.trailers.unwrap()["x-sum"], "7");
        }
    }
    assert_eq!(origin.got().iter().filter(|got| got.reset.is_none()).count(), 2);
}

#[tokio::test]
async fn clients_are_offered_what_their_upstream_speaks() {
    let world = World::start(Setup::default()).await;
    let one = Origin::agreeable(&world, "origin.test").await;
    let two = H2Origin::agreeable(&world, "other.test").await;
    for (authority, name_, expected) in
        [(one.authority(), one.name, &b"http/1.1"[..]), (two.authority(), two.name, b"h2")]
    {
        for _ in 0..2 {
            let tcp = Client::connect(&world, &authority).await;
            let tls = connector_offering(&world.issuer, &["h2", "http/1.1"])
                .connect(name(name_), tcp)
                .await
                .unwrap();
            assert_eq!(tls.get_ref().1.alpn_protocol(), Some(expected), "{name_}");
        }
    }
    assert_eq!((one.connections(), two.connections()), (1, 1), "asked once, and kept");
    assert_eq!(one.received_text(), "", "no byte of HTTP went there");
    // The connection that asked is the one that carries the request.
    let mut client = Client::tunnel(&world, &one).await;
    assert_eq!(client.exchange(get(&one, "/")).await.status, 200);
    assert_eq!(one.connections(), 1);
}

#[tokio::test]
async fn a_name_that_holds_a_value_is_not_resolved_to_learn_what_it_speaks() {
    let world = World::start(Setup::default()).await;
    let host = format!("{PAN}.origin.test");
    let tcp = Client::connect(&world, &format!("{host}:443")).await;
    let tls = connector_offering(&world.issuer, &["h2"]).connect(name(&host), tcp).await.unwrap();
    let mut client = H2Client::over(tls).await;
    let answer = client.exchange(request(&host, "GET", "/"), b"").await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn requests_are_translated_for_an_origin_of_http_1() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::start(&world, "origin.test", |conn: Conn| {
        conn.serve(|request| match request.head.line.as_str() {
            "HEAD / HTTP/1.1" => b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".to_vec(),
            "GET /none HTTP/1.1" => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
            "GET /trailers HTTP/1.1" => {
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-end\r\n\r\n2\r\nhi\r\n0\r\nX-End: 1\r\n\r\n"
                    .to_vec()
            }
            _ => respond("201 Created", "text/plain", &request.body.bytes),
        })
    })
    .await;
    let mut client = translated(&world, &origin).await;
    let authority = origin.authority();
    let posted = request(&authority, "POST", "/x?y").header("cookie", "a=1").header("cookie", "b=2");
    let answer = client.exchange(posted, b"echo").await;
    assert_eq!((answer.status, answer.body.as_slice()), (201, &b"echo"[..]));
    let text = origin.received_text();
    assert!(text.starts_with("POST /x?y HTTP/1.1\r\n"), "{text}");
    assert!(text.contains("cookie: a=1; b=2\r\n") && text.contains("content-length: 4\r\n"), "{text}");
    assert!(text.contains(&format!("host: {authority}\r\n")), "{text}");
    let head = client.exchange(request(&authority, "HEAD", "/"), b"").await;
    assert_eq!((head.status, head.field("content-length"), head.body.len()), (200, Some("5"), 0));
    assert_eq!(client.exchange(request(&authority, "GET", "/none"), b"").await.status, 204);
    let trailed = client.exchange(request(&authority, "GET", "/trailers"), b"").await;
    assert_eq!(trailed.body, b"hi");
    assert_eq!(trailed.trailers.unwrap()["x-end"], "1");
    let blocked = client.post(&authority, "/", PAN.as_bytes()).await;
    assert_eq!(blocked.status, 403);
}

#[tokio::test]
async fn a_client_of_http_1_reaches_an_origin_of_http_2_alone() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::agreeable(&world, "origin.test").await;
    let tls = connector_offering(&world.issuer, &["http/1.1"]);
    for _ in 0..2 {
        let tcp = Client::connect(&world, &origin.authority()).await;
        let mut client = Client { reader: Reader::new(tls.connect(name(origin.name), tcp).await.unwrap()) };
        let request =
            format!("POST /a HTTP/1.1\r\nHost: {}\r\nContent-Length: 2\r\n\r\nhi", origin.authority());
        let response = client.exchange(request).await;
        assert_eq!((response.status, response.body.bytes.as_slice()), (200, &b"{\"ok\":true}"[..]));
    }
    assert_eq!(origin.got()[0].body, b"hi");
    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn http_2_in_clear_text_passes_in_a_tunnel() {
    let world = World::start(Setup::default()).await;
    let origin =
        H2Origin::built(None, "origin.test", h2::server::Builder::new(), |mut exchange| async move {
            exchange.read().await;
            exchange.reply(200, b"plain");
        })
        .await;
    let tcp = Client::connect(&world, &origin.authority()).await;
    let mut client = H2Client::over(tcp).await;
    let plain = |body: &'static [u8]| {
        (http::Request::builder().method("POST").uri(format!("http://{}/", origin.authority())), body)
    };
    let (head, body) = plain(b"clean");
    assert_eq!(client.exchange(head, body).await.body, b"plain");
    let (head, body) = plain(b"card 4539148803436467");
    assert_eq!(client.exchange(head, body).await.status, 403);
    assert_eq!(origin.streams(), 1);
}

#[tokio::test]
async fn names_that_disagree_are_misdirected() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::agreeable(&world, "origin.test").await;
    let mut client = H2Client::to(&world, &origin).await;
    let own = origin.authority();
    let cases = [
        (request("other.test", "GET", "/"), 421),
        (request(&own, "GET", "/").header("host", "other.test"), 421),
        (request("origin.test:1", "GET", "/"), 421),
        (http::Request::builder().uri(format!("http://{own}/")), 421),
        (request(&format!("user@{own}"), "GET", "/"), 400),
        (request(&own, "GET", "/").header("host", own.as_str()), 200),
        (http::Request::builder().method("CONNECT").uri(own.as_str()), 400),
        (request(&own, "POST", "/").header("content-length", "0").header("content-length", "0"), 400),
        ((0..200).fold(request(&own, "GET", "/"), |head, n| head.header(format!("x-{n}"), "1")), 431),
        ((0..200).fold(request(&own, "GET", "/"), |head, n| head.header("cookie", format!("c{n}=1"))), 200),
    ];
    for (number, (head, expected)) in cases.into_iter().enumerate() {
        let answer = client.exchange(head, b"").await;
        assert_eq!(answer.status, expected, "case {number}: {answer:?}");
    }
    assert_eq!(origin.streams(), 2);
}

#[tokio::test]
async fn a_body_that_is_not_as_long_as_it_says_goes_nowhere() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::agreeable(&world, "origin.test").await;
    let mut client = H2Client::to(&world, &origin).await;
    for length in ["3", "5"] {
        let head = request(&origin.authority(), "POST", "/").header("content-length", length);
        let answer = client.exchange(head, b"four").await;
        assert!(answer.reset.is_some() || answer.status == 400, "{length}: {answer:?}");
    }
    assert_eq!(client.post(&origin.authority(), "/", b"{}").await.status, 200);
    assert_eq!(origin.streams(), 1);
}

#[tokio::test]
async fn a_stream_that_waits_stalls_no_other() {
    let world = World::start(Setup { hold: 4096, ..Setup::default() }).await;
    let mut settings = h2::server::Builder::new();
    settings.initial_connection_window_size(1 << 24);
    let origin = H2Origin::built(Some(&world), "origin.test", settings, |mut exchange| async move {
        if exchange.request.uri().path() == "/stall" {
            std::future::pending::<()>().await;
        }
        exchange.read().await;
        exchange.reply(200, b"read");
    })
    .await;
    let mut client = H2Client::to(&world, &origin).await;
    let authority = origin.authority();
    let mut stalled = Vec::new();
    for _ in 0..20 {
        let (response, mut stream) = client.begin(request(&authority, "POST", "/stall")).await;
        // As much as the gate takes, and more.
        stream.send_data(Bytes::from(vec![b'x'; 512 * 1024]), false).unwrap();
        stalled.push((response, stream));
    }
    for _ in 0..5 {
        let body = vec![b'y'; 256 * 1024];
        let answer = client.post(&authority, "/", &body).await;
        assert_eq!(answer.body, b"read");
    }
}

#[tokio::test]
async fn requests_beyond_what_an_origin_takes_go_over_another_connection() {
    let world = World::start(Setup::default()).await;
    let mut settings = h2::server::Builder::new();
    settings.max_concurrent_streams(2);
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let open = std::sync::Arc::clone(&gate);
    let origin = H2Origin::built(Some(&world), "origin.test", settings, move |mut exchange| {
        let open = std::sync::Arc::clone(&open);
        async move {
            exchange.read().await;
            if exchange.request.uri().path() == "/wait" {
                open.acquire().await.unwrap().forget();
            }
            exchange.reply(200, b"done");
        }
    })
    .await;
    let mut client = H2Client::to(&world, &origin).await;
    let authority = origin.authority();
    assert_eq!(client.exchange(request(&authority, "GET", "/"), b"").await.status, 200);
    let mut waiting = Vec::new();
    for _ in 0..6 {
        let mut sender = client.sender.clone().ready().await.unwrap();
        let head = request(&authority, "GET", "/wait").body(()).unwrap();
        waiting.push(sender.send_request(head, true).unwrap().0);
    }
    soon("six requests", async {
        while origin.got().len() < 7 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(origin.connections() >= 3, "{}", origin.connections());
    gate.add_permits(6);
    for response in waiting {
        assert_eq!(answer(response).await.body, b"done");
    }
}

#[tokio::test]
async fn what_an_origin_refused_is_sent_again_and_nothing_else() {
    let world = World::start(Setup::default()).await;
    let turns = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&turns);
    let origin = H2Origin::start(&world, "origin.test", move |mut exchange| {
        let turn = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async move {
            match exchange.request.uri().path() {
                "/refused" if turn == 0 => exchange.respond.send_reset(Reason::REFUSED_STREAM),
                "/failed" => exchange.respond.send_reset(Reason::INTERNAL_ERROR),
                _ => exchange.reply(200, b"done"),
            }
        }
    })
    .await;
    let mut client = H2Client::to(&world, &origin).await;
    let refused = client.exchange(request(&origin.authority(), "POST", "/refused"), b"").await;
    assert_eq!((refused.status, origin.streams()), (200, 2), "sent again");
    let failed = client.exchange(request(&origin.authority(), "GET", "/failed"), b"").await;
    assert_eq!((failed.status, origin.streams()), (502, 3), "sent once");
}

#[tokio::test]
async fn a_response_that_breaks_off_stays_broken() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::start(&world, "origin.test", |mut exchange| async move {
        let response = http::Response::builder().header("content-type", "text/event-stream");
        let mut stream = exchange.respond.send_response(response.body(()).unwrap(), false).unwrap();
        stream.send_data(Bytes::from_static(b"data: one\n\ndata: two\n\n"), false).unwrap();
        tokio::time::sleep(limits::HOLD_IDLE * 2).await;
        stream.send_reset(Reason::INTERNAL_ERROR);
    })
    .await;
    let mut client = H2Client::to(&world, &origin).await;
    let answer = client.exchange(request(&origin.authority(), "GET", "/"), b"").await;
    assert_eq!(answer.status, 200);
    assert!(answer.reset.is_some(), "{answer:?}");
    let records = world.records().await;
    assert_eq!(only(&records, "end", "response")["disclosure"], "none");
}

#[tokio::test]
async fn a_body_is_asked_for_once_its_head_may_pass_and_hints_go_on() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::start(&world, "origin.test", |mut exchange| async move {
        let mut early = http::Response::new(());
        *early.status_mut() = http::StatusCode::EARLY_HINTS;
        early.headers_mut().insert("link", "</a.css>; rel=preload".parse().unwrap());
        exchange.respond.send_informational(early).unwrap();
        exchange.read().await;
        exchange.reply(200, b"done");
    })
    .await;
    let mut client = H2Client::to(&world, &origin).await;
    let head = request(&origin.authority(), "POST", "/").header("expect", "100-continue");
    let (mut response, mut stream) = client.begin(head).await;
    let early =
        soon("100", std::future::poll_fn(|cx| response.poll_informational(cx))).await.unwrap().unwrap();
    assert_eq!(early.status(), 100);
    stream.send_data(Bytes::from_static(b"body"), true).unwrap();
    let early =
        soon("103", std::future::poll_fn(|cx| response.poll_informational(cx))).await.unwrap().unwrap();
    assert_eq!(
        (early.status().as_u16(), &early.headers()["link"]),
        (103, &"</a.css>; rel=preload".parse().unwrap())
    );
    assert_eq!(answer(response).await.body, b"done");
    // A head that is refused asks for nothing.
    let head =
        request(&origin.authority(), "POST", "/").header("expect", "100-continue").header("x-card", PAN);
    let (mut response, _stream) = client.begin(head).await;
    let early = soon("no 100", std::future::poll_fn(|cx| response.poll_informational(cx))).await;
    assert!(early.is_none(), "{early:?}");
    assert_eq!(answer(response).await.status, 403);
}

#[tokio::test]
async fn hints_of_an_origin_of_http_1_go_on_and_nothing_else_of_them() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::cleartext("origin.test", |mut conn| async move {
        while conn.request().await.is_some() {
            conn.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nServer: x\r\n\r\n").await;
            conn.send(format!("HTTP/1.1 103 Early Hints\r\nLink: </{PAN}>\r\n\r\n")).await;
            conn.send(ok("done")).await;
        }
    })
    .await;
    let tcp = Client::connect(&world, &origin.authority()).await;
    let client = H2Client::over(tcp).await;
    let request = http::Request::get(format!("http://{}/", origin.authority())).body(()).unwrap();
    let mut sender = soon("room for a stream", client.sender.clone().ready()).await.unwrap();
    let (mut response, _) = sender.send_request(request, true).unwrap();
    let early =
        soon("103", std::future::poll_fn(|cx| response.poll_informational(cx))).await.unwrap().unwrap();
    assert_eq!((early.status(), early.headers().len()), (http::StatusCode::EARLY_HINTS, 1));
    assert_eq!(early.headers()["link"], "</a.css>; rel=preload");
    let more = soon("no more", std::future::poll_fn(|cx| response.poll_informational(cx))).await;
    assert!(more.is_none(), "{more:?}");
    assert_eq!(answer(response).await.body, b"done");
}

#[tokio::test]
async fn a_drain_says_goodbye_and_lets_streams_end() {
    let world = World::start(Setup::default()).await;
    let arrived = std::sync::Arc::new(tokio::sync::Notify::new());
    let finish = std::sync::Arc::new(tokio::sync::Notify::new());
    let (told, go) = (std::sync::Arc::clone(&arrived), std::sync::Arc::clone(&finish));
    let origin = H2Origin::start(&world, "origin.test", move |mut exchange| {
        let (told, go) = (std::sync::Arc::clone(&told), std::sync::Arc::clone(&go));
        async move {
            told.notify_one();
            go.notified().await;
            exchange.reply(200, b"late");
        }
    })
    .await;
    let client = H2Client::to(&world, &origin).await;
    let mut sender = client.sender.clone().ready().await.unwrap();
    let head = request(&origin.authority(), "GET", "/").body(()).unwrap();
    let (response, _) = sender.send_request(head, true).unwrap();
    arrived.notified().await;
    let (records, answered) = tokio::join!(world.records(), async {
        // Goodbye comes while the stream is open: no other is taken.
        soon("GOAWAY", async {
            while client.sender.clone().ready().await.is_ok() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        finish.notify_one();
        answer(response).await
    });
    assert_eq!((answered.status, answered.body.as_slice()), (200, &b"late"[..]));
    assert_eq!(messages(&records).len(), 2);
}

#[tokio::test]
async fn an_unreachable_upstream_is_said_inside_the_clients_own_session() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::flawed(&world, "expired.test", crate::harness::pki::Flaw::Expired).await;
    let mut client = H2Client::tunnel(&world, &origin.authority(), origin.name).await;
    let answer = client.exchange(request(&origin.authority(), "GET", "/"), b"").await;
    assert_eq!(answer.status, 502);
    assert!(answer.json()["detail"].as_str().unwrap().contains("expired"), "{answer:?}");
}

#[tokio::test]
async fn frames_fill_a_record_each() {
    let world = World::start(Setup::default()).await;
    let sent = 8 * limits::H2_FILLED;
    let origin = H2Origin::start(&world, "origin.test", move |mut exchange| async move {
        exchange.reply(200, &b"clean words "[..].repeat(sent / 12 + 1)[..sent]);
    })
    .await;
    let mut client = H2Client::to(&world, &origin).await;
    let (response, mut stream) = client.begin(request(&origin.authority(), "GET", "/")).await;
    stream.send_data(Bytes::new(), true).unwrap();
    let mut body = soon("a response", response).await.unwrap().into_body();
    let mut lengths = Vec::new();
    while let Some(chunk) = soon("a frame", body.data()).await {
        let chunk = chunk.unwrap();
        body.flow_control().release_capacity(chunk.len()).unwrap();
        lengths.push(chunk.len());
    }
    assert_eq!(lengths, [limits::H2_FILLED; 8]);
}

#[tokio::test]
async fn a_slow_reader_of_one_stream_costs_no_other() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::start(&world, "origin.test", |mut exchange| async move {
        let big = exchange.request.uri().path() == "/big";
        exchange.reply(200, &vec![b'z'; if big { 8 << 20 } else { 8 }]);
    })
    .await;
    let mut client = H2Client::to(&world, &origin).await;
    let mut sender = client.sender.clone().ready().await.unwrap();
    let head = request(&origin.authority(), "GET", "/big").body(()).unwrap();
    let (response, _) = sender.send_request(head, true).unwrap();
    let mut unread = soon("a head", response).await.unwrap().into_body();
    for _ in 0..5 {
        assert_eq!(client.exchange(request(&origin.authority(), "GET", "/"), b"").await.body.len(), 8);
    }
    let (mut body, mut trailers) = (Vec::new(), None);
    assert_eq!(read(&mut unread, &mut body, &mut trailers).await, None);
    assert_eq!(body.len(), 8 << 20);
}

#[tokio::test]
async fn a_stream_that_is_given_up_frees_its_origin_and_leaves_a_record() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::start(&world, "origin.test", |mut exchange| async move {
        let reason = std::future::poll_fn(|cx| exchange.respond.poll_reset(cx)).await;
        assert_eq!(reason.unwrap(), Reason::CANCEL);
        exchange.read().await;
    })
    .await;
    let client = H2Client::to(&world, &origin).await;
    let mut sender = client.sender.clone().ready().await.unwrap();
    let head = request(&origin.authority(), "GET", "/").body(()).unwrap();
    let (response, mut stream) = sender.send_request(head, true).unwrap();
    soon("the request", async {
        while origin.streams() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    stream.send_reset(Reason::CANCEL);
    drop(response);
    soon("the reset", async {
        while origin.got().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let records = world.records().await;
    assert_eq!(only(&records, "end", "response")["reason"], "the other side of the exchange went away");
}
