//! What cannot be trusted is refused, with a reason that the client can read and a record.

use tidegate::limits;
use tidegate::policy::Action;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::client::{connector, get, name, post};
use crate::harness::origin::ok;
use crate::harness::pki::Flaw;
use crate::harness::wire::Reader;
use crate::harness::{Client, Origin, PAN, Setup, World, messages, only, soon};

#[tokio::test]
async fn two_readings_of_one_request_are_none() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let host = format!("Host: {}\r\n", origin.authority());
    let cases = [
        (
            format!(
                "POST / HTTP/1.1\r\n{host}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
            400,
        ),
        (format!("POST / HTTP/1.1\r\n{host}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd"), 400),
        (format!("POST / HTTP/1.1\r\n{host}Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd"), 400),
        (format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 400),
        (format!("GET / HTTP/1.1\r\n{host}X-A: 1\r\n folded\r\n\r\n"), 400),
        (format!("GET / HTTP/1.1\n{}\n\n", host.trim_end()), 400),
        (format!("GET / HTTP/1.1\r\n{host}{host}\r\n"), 400),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        (format!("GET / HTTP/1.1\r\n{host}X-Big: {}\r\n\r\n", "x".repeat(70_000)), 431),
        (format!("GET / HTTP/9.9\r\n{host}\r\n"), 505),
    ];
    for (request, status) in &cases {
        let mut client = Client::tunnel(&world, &origin).await;
        // A request smuggled behind a refused one must never be read as one.
        let _ = client.try_send(format!("{request}GET /smuggled HTTP/1.1\r\n{host}\r\n")).await;
        let response = client.response().await;
        let shown: String = request.chars().take(120).collect();
        assert_eq!(response.status, *status, "{shown}");
        assert_eq!(response.field("connection"), Some("close"), "{shown}");
        assert!(response.body.whole);
        assert!(client.is_closed().await, "{shown}");
    }
    assert_eq!(origin.received_text(), "");
    let records = world.records().await;
    let refused = messages(&records);
    assert_eq!(refused.len(), cases.len());
    assert!(refused.iter().all(|record| record["action"] == "block" && record["reason"].is_string()));
}

#[tokio::test]
async fn a_proxy_is_not_an_origin() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::cleartext("origin.test", |conn| conn.serve(|_| ok("{}"))).await;
    let host = origin.authority();
    let cases = [
        (format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"), "this is a proxy"),
        (format!("GET https://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n"), "CONNECT"),
        (format!("GET ftp://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n"), "neither http nor https"),
        (format!("GET http://{host}/ HTTP/1.1\r\nHost: other.test\r\n\r\n"), "differs"),
        (format!("GET http://user:pw@{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n"), "host"),
    ];
    for (request, hint) in &cases {
        let mut client = Client::direct(&world).await;
        let response = client.exchange(request).await;
        assert_eq!(response.status, 400, "{request}");
        assert!(response.json()["detail"].as_str().unwrap().contains(hint), "{request}: {response:?}");
    }
    let mut client = Client::direct(&world).await;
    let absolute = format!("GET http://{host}/x HTTP/1.1\r\nHost: {host}\r\n\r\n");
    assert_eq!(client.exchange(&absolute).await.status, 200);
    let late = client.exchange(format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
    assert_eq!((late.status, late.field("connection")), (400, Some("close")));
    assert!(client.is_closed().await);
    assert!(origin.received_text().starts_with("GET /x HTTP/1.1\r\n"));
    assert_eq!(origin.received_text().matches("HTTP/1.1").count(), 1);
}

#[tokio::test]
async fn names_that_disagree_go_nowhere() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    for host in
        ["other.test".to_owned(), format!("other.test:{}", origin.address.port()), "origin.test:1".into()]
    {
        let mut client = Client::tunnel(&world, &origin).await;
        let response = client.exchange(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert_eq!(response.status, 421, "{host}");
    }
    let mut fronted = Client::tunnel_to(&world, &origin.authority(), "other.test").await;
    let response = fronted.exchange(get(&origin, "/")).await;
    assert_eq!(response.status, 421);
    assert!(response.json()["detail"].as_str().unwrap().contains("CONNECT"), "{response:?}");
    let mut refused = Client::direct(&world).await;
    let connect = format!("CONNECT {} HTTP/1.1\r\nHost: other.test\r\n\r\n", origin.authority());
    assert_eq!(refused.exchange(connect).await.status, 400);
    assert_eq!(origin.connections(), 0);
    let records = world.records().await;
    assert_eq!(messages(&records).len(), 5);
}

/// Some clients name in a CONNECT whom they speak to: it leads where its target says.
#[tokio::test]
async fn a_tunnel_whose_host_is_the_gate_itself_leads_to_its_target() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    for (host, expected) in [(world.proxy.to_string(), 200), (origin.address.to_string(), 400)] {
        let mut client = Client::direct(&world).await;
        let connect = format!("CONNECT {} HTTP/1.1\r\nHost: {host}\r\n\r\n", origin.authority());
        assert_eq!(client.exchange(connect).await.status, expected, "{host}");
    }
}

#[tokio::test]
async fn a_client_without_sni_gets_the_name_of_its_tunnel() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let tcp = Client::connect(&world, &origin.authority()).await;
    let connector = connector(&world.issuer);
    let mut config = tokio_rustls::rustls::ClientConfig::clone(connector.config());
    config.enable_sni = false;
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let tls = soon("a handshake", connector.connect(name("origin.test"), tcp)).await.unwrap();
    let mut client = Client { reader: Reader::new(tls) };
    assert_eq!(client.exchange(get(&origin, "/")).await.status, 200);
}

#[tokio::test]
async fn addresses_that_are_not_public_are_refused_by_name_and_line() {
    let world = World::start(Setup { allow_loopback: false, ..Setup::default() }).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    let response = client.exchange(get(&origin, "/")).await;
    assert_eq!(response.status, 403);
    assert!(response.field("proxy-status").unwrap().contains("error=destination_ip_prohibited"));
    let detail = response.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("127.0.0.1") && detail.contains("allow_addresses"), "{detail}");
    // The line that it names is one of a configuration, and allows what was refused.
    let line = detail.split('`').find(|part| part.contains(" = ")).unwrap();
    let config = tidegate::config::read_text("hint", line, "".as_ref()).unwrap();
    let refused: std::net::IpAddr = [127, 0, 0, 1].into();
    assert!(config.upstream.allow_addresses.iter().any(|network| network.contains(&refused)), "{line}");

    let mut metadata = Client::direct(&world).await;
    let target = "http://169.254.169.254/latest/meta-data/";
    let response = metadata.exchange(format!("GET {target} HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n")).await;
    assert_eq!(response.status, 403);
    assert_eq!(origin.connections(), 0);
    let records = world.records().await;
    assert!(messages(&records).iter().all(|record| record["action"] == "block"));
    assert_eq!(messages(&records).len(), 2);
}

#[tokio::test]
async fn the_gate_never_dials_itself() {
    let world = World::start(Setup::default()).await;
    let mut client = Client::direct(&world).await;
    let own = format!("origin.test:{}", world.proxy.port());
    let response = client.exchange(format!("GET http://{own}/ HTTP/1.1\r\nHost: {own}\r\n\r\n")).await;
    assert_eq!(response.status, 403);
    assert!(response.field("proxy-status").unwrap().contains("destination_ip_prohibited"));
}

#[tokio::test]
async fn an_untrusted_upstream_is_named_as_such() {
    let cases = [
        (Flaw::Expired, "expired"),
        (Flaw::NotYetValid, "not valid yet"),
        (Flaw::WrongName, "elsewhere.test"),
        (Flaw::SelfSigned, "self-signed"),
        (Flaw::UnknownIssuer, "upstream.roots"),
    ];
    for (flaw, words) in cases {
        let world = World::start(Setup::default()).await;
        let origin = Origin::flawed(&world, "origin.test", flaw).await;
        let mut client = Client::tunnel(&world, &origin).await;
        let response = client.post(&origin, "/", b"{}").await;
        assert_eq!(response.status, 502, "{flaw:?}");
        assert!(response.field("proxy-status").unwrap().contains("error=tls_certificate_error"), "{flaw:?}");
        let problem = response.json();
        assert_eq!(problem["retryable"], false, "{flaw:?}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{flaw:?}: {problem}");
        assert_eq!(problem["upstream_received"], false);
        assert_eq!(origin.received_text(), "");
        let records = world.records().await;
        let record = only(&records, "decision", "request");
        assert_eq!(record["action"], "block");
        assert!(record["reason"].as_str().unwrap().contains(words));
    }
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_a_bad_gateway() {
    let world = World::start(Setup::default()).await;
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let mut client = Client::direct(&world).await;
    let body = format!("card {PAN}");
    let host = format!("origin.test:{port}");
    let response = client.exchange(format!("GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
    assert_eq!(response.status, 502);
    assert!(response.field("proxy-status").unwrap().contains("error=connection_refused"), "{response:?}");
    assert_eq!(response.json()["retryable"], true);
    let blocked = format!(
        "POST http://{host}/ HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(client.exchange(blocked).await.status, 403, "policy comes before the network");
    let records = world.records().await;
    let end = only(&records, "end", "request");
    assert_eq!(end["bytes"]["forwarded"], 0);
    assert!(end["reason"].as_str().unwrap().contains("origin.test"));
}

#[tokio::test]
async fn what_an_upstream_breaks_off_stays_broken() {
    let world = World::start(Setup { hold: 16 * 1024, ..Setup::default() }).await;
    let origin = Origin::start(&world, "origin.test", |mut conn| async move {
        let request = conn.request().await.unwrap();
        let large = vec![b'x'; 200_000];
        match request.head.line.split(' ').nth(1).unwrap() {
            "/nothing" => {}
            "/short" => conn.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345").await,
            "/long" => {
                conn.send("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n").await;
                conn.send(&large).await;
            }
            "/chunks" => {
                conn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
                conn.send(crate::harness::wire::chunk_of(&large)).await;
            }
            _ => conn.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk").await,
        }
        conn.close().await;
    })
    .await;
    for path in ["/nothing", "/short", "/conflict"] {
        let mut client = Client::tunnel(&world, &origin).await;
        let response = client.exchange(post(&origin, path, "text/plain", b"x")).await;
        assert_eq!(response.status, 502, "{path}");
        assert_eq!(response.json()["upstream_received"], true, "{path}");
    }
    for path in ["/long", "/chunks"] {
        let mut client = Client::tunnel(&world, &origin).await;
        client.send(get(&origin, path)).await;
        // The end can overtake what was about to be sent; then nothing comes, and the connection is cut.
        if let Some(response) = client.response_if_any().await {
            assert_eq!(response.status, 200);
            assert!(!response.body.whole, "{path} must not look whole");
        }
    }
    let records = world.records().await;
    let ends: Vec<_> =
        records.iter().filter(|r| r["kind"] == "end" && r["direction"] == "response").collect();
    assert_eq!(ends.len(), 5, "{records:#?}");
}

#[tokio::test]
async fn another_protocol_is_not_carried() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    let upgrade = |protocol: &str| {
        format!(
            "GET / HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: {protocol}\r\n\
             HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
            origin.authority()
        )
    };
    assert_eq!(client.exchange(upgrade("websocket")).await.status, 501);
    assert_eq!(origin.received_text(), "");
    let mut client = Client::tunnel(&world, &origin).await;
    assert_eq!(client.exchange(upgrade("h2c")).await.status, 200);
    let received = origin.received_text().to_ascii_lowercase();
    assert!(!received.contains("h2c") && !received.contains("http2-settings"), "{received}");
}

#[tokio::test]
async fn what_may_go_no_further_goes_no_further() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    // What is asked, what is said to it, and what arrives of it.
    for (method, said, status, arrives) in [
        ("TRACE", "0", 501, None),
        ("OPTIONS", "00", 501, None),
        ("OPTIONS", "3", 200, Some("2")),
        ("TRACE", "1", 200, Some("0")),
        ("GET", "0", 200, Some("0")),
        ("OPTIONS", "few", 200, Some("few")),
    ] {
        let before = origin.received_text().len();
        let authority = origin.authority();
        let request = format!("{method} / HTTP/1.1\r\nHost: {authority}\r\nMax-Forwards: {said}\r\n\r\n");
        assert_eq!(client.exchange(request).await.status, status, "{method} {said}");
        let received = origin.received_text()[before..].to_ascii_lowercase();
        let hops = received.lines().find_map(|line| line.strip_prefix("max-forwards: "));
        assert_eq!(hops, arrives, "{method} {said}");
    }
    let records = world.records().await;
    let told = messages(&records);
    let why = told.iter().filter_map(|record| record["reason"].as_str());
    assert_eq!(why.filter(|reason| reason.contains("Max-Forwards")).count(), 2, "{told:#?}");
}

#[tokio::test]
async fn what_is_no_http_in_a_tunnel_ends_with_a_record() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let openings: [&[u8]; 2] = [b"SSH-2.0-OpenSSH_9.7\r\n", &[0x16, 0x09, 0x00, 0x01]];
    for opening in openings {
        let mut tcp = Client::connect(&world, &origin.authority()).await;
        tcp.write_all(opening).await.unwrap();
        let mut answer = Vec::new();
        // It may be closed or reset: nothing was promised.
        let _ = soon("the end of the tunnel", tcp.read_to_end(&mut answer)).await;
        assert!(answer.is_empty(), "{}", answer.escape_ascii());
    }
    assert_eq!(origin.connections(), 0);
    let records = world.records().await;
    let ends: Vec<_> = records.iter().filter(|record| record["kind"] == "end").collect();
    let reasons: Vec<_> = ends.iter().map(|record| record["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["opaque", "opaque"]);
    assert_eq!(ends[0]["destination"]["host"], "origin.test");
    assert_eq!(ends[0]["bytes"]["uninspected"][0]["bytes"], openings[0].len());
}

#[tokio::test]
async fn a_client_that_refuses_the_leaf_is_noticed() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let tcp = Client::connect(&world, &origin.authority()).await;
    let refused =
        soon("a handshake", connector(&world.authority.pem()).connect(name("origin.test"), tcp)).await;
    assert!(refused.is_err());
    world.recorded("end").await;
    let records = world.records().await;
    let end = records.iter().find(|record| record["kind"] == "end").unwrap();
    assert!(end["reason"].as_str().unwrap().contains("(unknown_ca)"), "{end}");
    assert_eq!(end["destination"]["host"], "origin.test");
}

#[tokio::test]
async fn without_memory_to_hold_there_is_no_release() {
    let world = World::start(Setup { held: 8 * 1024, ..Setup::default() }).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    let _ = client.try_send(post(&origin, "/", "text/plain", &vec![b'x'; 200_000])).await;
    let response = client.response().await;
    assert_eq!(response.status, 503);
    assert_eq!(response.field("retry-after"), Some("5"));
    assert_eq!(response.json()["retryable"], true);
    assert_eq!(origin.received_text(), "");
    assert_eq!(world.engine.load().held.used(), 0);
}

#[tokio::test]
async fn what_cannot_be_recorded_does_not_pass() {
    let world = World::start(Setup { max_disk: limits::AUDIT_RESERVE + 16 * 1024, ..Setup::default() }).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    let mut passed = 0;
    let refused = loop {
        let response = client.exchange(post(&origin, "/", "text/plain", b"x")).await;
        if response.status != 200 {
            break response;
        }
        passed += 1;
        assert!(passed < 100, "the budget is spent by then");
    };
    assert!(passed > 0);
    assert_eq!(refused.status, 503);
    assert!(refused.field("retry-after").is_some());
    assert!(refused.json()["detail"].as_str().unwrap().contains("record"));
    let reached = origin.received_text().matches("POST / ").count();
    let records = world.records().await;
    let decided = records.iter().filter(|r| r["kind"] == "decision" && r["direction"] == "request").count();
    assert_eq!(reached, decided, "a request reaches the origin if, and only if, it has its record");
}

#[tokio::test]
async fn an_unlisted_destination_can_be_refused() {
    let world = World::start(Setup::default()).await;
    // The rules of a flow are those it begins with; a swap concerns the next one.
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    assert_eq!(client.exchange(get(&origin, "/")).await.status, 200);
    world.engine.store(std::sync::Arc::new(crate::harness::engine(&Setup {
        unlisted: Action::Block,
        ..Setup::default()
    })));
    let refused = client.exchange(get(&origin, "/")).await;
    assert_eq!(refused.status, 403);
    assert_eq!(origin.received_text().matches("GET / ").count(), 1);
}
