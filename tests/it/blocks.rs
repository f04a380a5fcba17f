//! What a block rule names does not leave, and the client is told why.

use std::io::Write;

use serde_json::json;
use tidegate::flow::Direction;
use tidegate::policy::{Action, Mode, RuleSpec};
use tidegate::proxy::ReplyDetail;

use crate::harness::client::{get, post};
use crate::harness::origin::{ok, respond};
use crate::harness::{Client, NO_PAN, Origin, PAN, Setup, World, messages, only, request_rule, rule};

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn post_gzip(origin: &Origin, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /v1 HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n\
         Content-Length: {}\r\n\r\n",
        origin.authority(),
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn a_clean_request_passes_untouched() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    let body = format!("{{\"order\": \"{NO_PAN}\", \"note\":\"caf\u{e9}\\u0000\"}}");
    let response = client.post(&origin, "/v1/orders?x=1", body.as_bytes()).await;
    assert_eq!((response.status, response.body.bytes.as_slice()), (200, &b"{\"ok\":true}"[..]));
    assert_eq!(response.field("tidegate-decision"), None);
    let received = origin.received_text();
    let (head, sent) = received.split_once("\r\n\r\n").unwrap();
    assert_eq!(sent, body);
    assert!(head.starts_with("POST /v1/orders?x=1 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("host: {}", origin.authority())), "{head}");
    let records = world.records().await;
    for direction in ["request", "response"] {
        let record = only(&records, "decision", direction);
        assert_eq!(record["action"], "allow");
        assert_eq!(record["disclosure"], "none");
    }
}

#[tokio::test]
async fn a_card_number_is_stopped_before_a_byte_leaves() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    let body = format!("{{\"customer\":{{\"note\":\"card {PAN}\"}}}}");
    let response = client.post(&origin, "/v1/customers/12345", body.as_bytes()).await;
    assert_eq!(response.status, 403);
    assert_eq!(response.field("content-type"), Some("application/problem+json"));
    assert_eq!(response.field("cache-control"), Some("no-store"));
    let decision = response.field("tidegate-decision").unwrap().to_owned();
    assert_eq!(
        response.field("proxy-status"),
        Some(&*format!(
            "tidegate; error=http_request_denied; details=\"rule=pan-leaves; decision={decision}\""
        ))
    );
    let problem = response.json();
    assert_eq!(problem["status"], 403);
    assert_eq!(problem["decision"], json!(decision));
    assert_eq!(problem["rule"], "pan-leaves");
    assert_eq!(problem["direction"], "request");
    assert_eq!(problem["identifiers"], json!(["payment.pan"]));
    assert_eq!(problem["upstream_received"], false);
    assert_eq!(problem["retryable"], false);
    assert!(problem["where"][0].as_str().unwrap().starts_with("body"), "{problem}");
    assert!(!String::from_utf8_lossy(&response.body.bytes).contains(&PAN[6..]), "{problem}");
    assert_eq!(origin.received_text(), "");
    assert_eq!(origin.connections(), 0, "nothing may be dialled for a blocked request");

    let again = client.post(&origin, "/v1/customers/12345", b"{}").await;
    assert_eq!(again.status, 200, "the connection goes on: the blocked request was read whole");
    let records = world.records().await;
    let blocked: Vec<_> =
        messages(&records).into_iter().filter(|record| record["action"] == "block").collect();
    assert_eq!(blocked.len(), 1);
    assert_eq!(blocked[0]["decision"], json!(decision));
    assert_eq!(blocked[0]["disclosure"], "prevented");
    assert_eq!(blocked[0]["http"]["path_template"], "/v1/customers/{id}");
}

#[tokio::test]
async fn a_card_number_is_found_wherever_a_request_holds_it() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let spaced = "4539 1488 0343 6467";
    let escaped = PAN.replace('5', "%35");
    let host = origin.authority();
    let requests = [
        format!("GET /pay?card={PAN} HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!("GET /pay/{escaped} HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: {host}\r\nX-Note: card {spaced}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: {host}\r\nCookie: a=1; card={PAN}\r\n\r\n"),
        format!("POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 19\r\n\r\n{spaced}"),
        format!(
            "POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n\
             9\r\n4539 1488\r\n1\r\n \r\n9\r\n0343 6467\r\n0\r\n\r\n"
        ),
        format!(
            "POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nTrailer: x-card\r\n\r\n\
             2\r\n{{}}\r\n0\r\nx-card: {PAN}\r\n\r\n"
        ),
    ];
    // One connection for all of them: each was read whole.
    let mut client = Client::tunnel(&world, &origin).await;
    for request in &requests {
        let response = client.exchange(request).await;
        assert_eq!(response.status, 403, "{request}");
        assert_eq!(response.field("connection"), None, "{request}");
        assert_eq!(response.json()["identifiers"], json!(["payment.pan"]), "{request}");
    }
    assert_eq!(origin.received_text(), "");
}

#[tokio::test]
async fn a_blocked_head_request_gets_no_body() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    client.send(format!("HEAD /?card={PAN} HTTP/1.1\r\nHost: {}\r\n\r\n", origin.authority())).await;
    let response = client.response_to("HEAD").await;
    assert_eq!(response.status, 403);
    assert!(response.field("tidegate-decision").is_some());
    let next = client.exchange(get(&origin, "/")).await;
    assert_eq!(next.status, 200, "no byte of a body was in the way");
}

#[tokio::test]
async fn a_minimal_listener_tells_the_decision_alone() {
    let world = World::start(Setup { reply: ReplyDetail::Minimal, ..Setup::default() }).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    let response = client.post(&origin, "/", PAN.as_bytes()).await;
    assert_eq!(response.status, 403);
    let text = String::from_utf8(response.body.bytes.clone()).unwrap();
    assert!(!text.contains("pan") && !text.contains("payment"), "{text}");
    assert_eq!(response.json()["decision"], json!(response.field("tidegate-decision").unwrap()));
}

#[tokio::test]
async fn a_payment_processor_may_have_card_numbers() {
    let rules = vec![RuleSpec {
        except_destinations: vec!["payment-processors".into()],
        ..request_rule("pan-leaves", &["payment.pan"], Action::Block)
    }];
    let world = World::start(Setup { rules, ..Setup::default() }).await;
    let processor = Origin::agreeable(&world, "pay.test").await;
    let body = format!("{{\"card\":\"{PAN}\"}}");
    let mut client = Client::tunnel(&world, &processor).await;
    assert_eq!(client.post(&processor, "/charge", body.as_bytes()).await.status, 200);
    assert!(processor.received_text().ends_with(&body));

    // Over http its name is not proven: anybody could answer to it.
    let cleartext = Origin::cleartext("pay.test", |conn| conn.serve(|_| ok("{}"))).await;
    let mut client = Client::direct(&world).await;
    let request = format!(
        "POST http://{0}/charge HTTP/1.1\r\nHost: {0}\r\nContent-Length: {1}\r\n\r\n{body}",
        cleartext.authority(),
        body.len()
    );
    assert_eq!(client.exchange(request).await.status, 403);
    assert_eq!(cleartext.received_text(), "");

    let records = world.records().await;
    let passed = messages(&records)
        .into_iter()
        .find(|record| record["direction"] == "request" && record["action"] != "block")
        .unwrap();
    assert_eq!(passed["destination"]["group"], "payment-processors");
    assert_eq!(passed["destination"]["proven"], true);
    assert_eq!(passed["findings"][0]["identifier"], "payment.pan");
    assert_eq!(passed["disclosure"], "disclosed");
}

#[tokio::test]
async fn clear_text_can_be_stricter() {
    let rules = vec![RuleSpec {
        schemes: vec!["http".into()],
        ..request_rule("cleartext", &["contact.email"], Action::Block)
    }];
    let world = World::start(Setup { rules, ..Setup::default() }).await;
    let body = b"{\"mail\":\"jane.doe@shop-mail.de\"}";
    let secure = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &secure).await;
    assert_eq!(client.post(&secure, "/", body).await.status, 200);
    let open = Origin::cleartext("origin.test", |conn| conn.serve(|_| ok("{}"))).await;
    let tcp = Client::connect(&world, &open.authority()).await;
    let mut client = Client { reader: crate::harness::wire::Reader::new(tcp) };
    assert_eq!(client.post(&open, "/", b"{}").await.status, 200, "clear text in a tunnel is carried");
    assert_eq!(client.post(&open, "/", body).await.status, 403);
    assert!(!open.received_text().contains("jane"));
}

#[tokio::test]
async fn a_coded_body_is_read_and_passes_as_it_came() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    let clean = gzip(format!("{{\"order\":\"{NO_PAN}\"}}").as_bytes());
    assert_eq!(client.exchange(post_gzip(&origin, &clean)).await.status, 200);
    assert!(origin.received().ends_with(&clean), "the coded bytes arrive as they were sent");

    let before = origin.received().len();
    let card = gzip(format!("{{\"card\":\"{PAN}\"}}").as_bytes());
    let response = client.exchange(post_gzip(&origin, &card)).await;
    assert_eq!((response.status, response.json()["rule"].clone()), (403, json!("pan-leaves")));

    let mut broken = clean.clone();
    let middle = broken.len() / 2;
    broken[middle] ^= 0x55;
    for bad in [broken, b"this is no gzip".to_vec(), clean[..clean.len() - 4].to_vec()] {
        let mut client = Client::tunnel(&world, &origin).await;
        let response = client.exchange(post_gzip(&origin, &bad)).await;
        assert_eq!(response.status, 403);
        assert!(response.json()["detail"].as_str().unwrap().contains("cannot be read"), "{response:?}");
    }
    let mut client = Client::tunnel(&world, &origin).await;
    let unknown = String::from_utf8(post_gzip(&origin, b"abc")).unwrap().replace("gzip", "lzma");
    assert_eq!(client.exchange(unknown).await.status, 403);
    assert_eq!(origin.received().len(), before, "nothing of these may arrive");
}

#[tokio::test]
async fn an_error_page_is_judged_apart_from_a_page() {
    let rules = vec![RuleSpec {
        direction: Some(Direction::Response),
        status: vec!["5xx".into()],
        at_least: 3,
        ..rule("error-leaks", &["contact.email"], Action::Block)
    }];
    let world = World::start(Setup { rules, ..Setup::default() }).await;
    let mails = "{\"a\":\"ann@shop-mail.de\",\"b\":\"bob@shop-mail.de\",\"c\":\"cid@shop-mail.de\"}";
    let origin = Origin::start(&world, "origin.test", move |conn| {
        conn.serve(move |request| match request.head.line.contains("/fail") {
            true => respond("500 Internal Server Error", "application/json", mails.as_bytes()),
            false => ok(mails),
        })
    })
    .await;
    let mut client = Client::tunnel(&world, &origin).await;
    let page = client.exchange(get(&origin, "/page")).await;
    assert_eq!((page.status, page.body.bytes.as_slice()), (200, mails.as_bytes()));
    let withheld = client.exchange(get(&origin, "/fail")).await;
    assert_eq!(withheld.status, 403);
    let problem = withheld.json();
    assert_eq!(problem["direction"], "response");
    assert_eq!(problem["upstream_received"], true);
    assert_eq!(problem["rule"], "error-leaks");
    assert!(!withheld.body.bytes.windows(9).any(|part| part == b"shop-mail"));
    assert_eq!(client.exchange(get(&origin, "/page")).await.status, 200, "the connection goes on");
    let records = world.records().await;
    let record = messages(&records).into_iter().find(|record| record["action"] == "block").unwrap().clone();
    assert_eq!(record["http"]["status"], 500);
    assert_eq!(record["disclosure"], "prevented");
}

#[tokio::test]
async fn observing_changes_nothing_and_records_what_it_would_have_done() {
    let world = World::start(Setup { mode: Mode::Observe, ..Setup::default() }).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    let body = format!("{{\"card\":\"{PAN}\"}}");
    assert_eq!(client.post(&origin, "/", body.as_bytes()).await.status, 200);
    let broken = client.exchange(post_gzip(&origin, b"this is no gzip")).await;
    assert_eq!(broken.status, 200);
    let received = origin.received_text();
    assert!(received.contains(&body) && received.ends_with("this is no gzip"), "{received}");
    let records = world.records().await;
    let requests: Vec<_> = messages(&records).into_iter().filter(|r| r["direction"] == "request").collect();
    assert_eq!(requests[0]["would"], "block");
    assert_eq!(requests[0]["mode"], "observe");
    assert_ne!(requests[0]["action"], "block");
    assert_eq!(requests[0]["disclosure"], "disclosed");
}

#[tokio::test]
async fn a_refusal_is_readable_while_the_client_still_sends() {
    let world = World::start(Setup { hold: 16 * 1024, ..Setup::default() }).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    let mut request = post(&origin, "/", "text/plain", &vec![b'x'; 4 << 20]);
    let at = request.len() - (4 << 20) + 100;
    request[at..at + PAN.len() + 2].copy_from_slice(format!(" {PAN} ").as_bytes());
    // The gate may close before all of it is read: what counts is that the answer arrives.
    let _ = client.try_send(&request).await;
    let response = client.response().await;
    assert_eq!(response.status, 403);
    assert_eq!(response.field("connection"), Some("close"));
    assert!(response.body.whole);
    assert_eq!(origin.received_text(), "");
}
