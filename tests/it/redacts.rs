//! What a redact rule names leaves masked: same length, same type, and everything around it untouched.

use std::io::Read;
use std::time::Duration;

use tidegate::flow::Direction;
use tidegate::policy::{Action, MaskKind, RuleSpec};

use crate::harness::client::get;
use crate::harness::origin::respond;
use crate::harness::{Client, Origin, SSN, Setup, World, only, request_rule, rule};

fn setup() -> Setup {
    Setup { rules: vec![request_rule("ssn", &["national-id.us-ssn"], Action::Redact)], ..Setup::default() }
}

#[tokio::test]
async fn a_social_security_number_arrives_masked_in_json_that_parses() {
    let world = World::start(setup()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    let body = format!("{{\"name\":\"Jo\",\"ssn\":\"{SSN}\",\"n\":[1,2.5]}}");
    let response = client.post(&origin, "/v1/people", body.as_bytes()).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.field("tidegate-redacted"), Some("1"));
    let decision = response.field("tidegate-decision").unwrap().to_owned();

    let received = origin.received_text();
    let (head, sent) = received.split_once("\r\n\r\n").unwrap();
    assert!(head.to_ascii_lowercase().contains(&format!("content-length: {}", body.len())), "{head}");
    assert_eq!(sent.len(), body.len());
    let json: serde_json::Value = serde_json::from_str(sent).unwrap();
    assert_eq!(json["name"], "Jo");
    assert_eq!(json["n"], serde_json::json!([1, 2.5]));
    let masked = json["ssn"].as_str().unwrap();
    assert_eq!(masked.len(), SSN.len());
    assert!(!masked.contains("1845") && !masked.contains("536"), "{masked}");

    let records = world.records().await;
    let record = only(&records, "decision", "request");
    assert_eq!(record["decision"], decision.as_str());
    assert_eq!((&record["action"], &record["disclosure"]), (&"redact".into(), &"redacted".into()));
}

#[tokio::test]
async fn a_label_says_what_was_there_and_lengths_follow_in_both_directions() {
    let rules =
        vec![RuleSpec { mask: MaskKind::Label, ..rule("ssn", &["national-id.us-ssn"], Action::Redact) }];
    // What begins to stream keeps its length.
    let world = World::start(Setup { rules, hold_idle: Duration::from_secs(3600), ..Setup::default() }).await;
    let origin = Origin::start(&world, "origin.test", |conn| {
        conn.serve(|_| {
            let body = format!("<p>{SSN}</p>");
            respond("200 OK", "text/html", body.as_bytes())
        })
    })
    .await;
    let mut client = Client::tunnel(&world, &origin).await;
    let body = format!("{{\"ssn\":\"{SSN}\",\"n\":1}}");
    let expected = r#"{"ssn":"[REDACTED:national-id.us-ssn]","n":1}"#;
    for target in [format!("/a?ssn={SSN}"), "/b".to_owned()] {
        let response = client.post(&origin, &target, body.as_bytes()).await;
        assert_eq!(response.body.bytes, b"<p>[REDACTED:national-id.us-ssn]</p>");
        assert_eq!(response.field("content-length"), Some(&*response.body.bytes.len().to_string()));
    }
    let received = origin.received_text();
    // Two whole requests on one connection: the framing held. Targets keep their length.
    assert!(received.starts_with("POST /a?ssn=***-**-**** HTTP/1.1"), "{received}");
    assert_eq!(received.matches(expected).count(), 2, "{received}");
    assert_eq!(
        received.to_ascii_lowercase().matches(&format!("content-length: {}", expected.len())).count(),
        2
    );
    let record = world.records().await.into_iter().find(|record| record["direction"] == "request").unwrap();
    assert_eq!(record["bytes"]["seen"], body.len());
    assert_eq!(record["bytes"]["forwarded"], expected.len());
}

#[tokio::test]
async fn target_and_headers_are_masked_in_place() {
    let world = World::start(setup()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    let request = format!(
        "GET /search?ssn={SSN}&page=2 HTTP/1.1\r\nHost: {}\r\nX-Ssn: {SSN}\r\nX-Kept: 7\r\n\r\n",
        origin.authority()
    );
    let response = client.exchange(request).await;
    assert_eq!(response.status, 200);
    let received = origin.received_text();
    assert!(!received.contains("1845"), "{received}");
    let line = received.lines().next().unwrap();
    assert!(line.starts_with("GET /search?ssn=") && line.ends_with("&page=2 HTTP/1.1"), "{line}");
    assert_eq!(line.len(), format!("GET /search?ssn={SSN}&page=2 HTTP/1.1").len());
    assert!(received.contains("x-kept: 7"), "{received}");
}

#[tokio::test]
async fn an_edited_response_promises_nothing_of_its_old_bytes() {
    let rules = vec![RuleSpec {
        direction: Some(Direction::Response),
        ..rule("ssn", &["national-id.us-ssn"], Action::Redact)
    }];
    let world = World::start(Setup { rules, ..Setup::default() }).await;
    let origin = Origin::start(&world, "origin.test", |conn| {
        conn.serve(|request| {
            let body = match request.head.line.contains("/ssn") {
                true => format!("{{\"ssn\":\"{SSN}\"}}"),
                false => "{}".to_owned(),
            };
            format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: \"v1\"\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .into_bytes()
        })
    })
    .await;
    let mut client = Client::tunnel(&world, &origin).await;
    let edited = client.exchange(get(&origin, "/ssn")).await;
    assert!(!String::from_utf8_lossy(&edited.body.bytes).contains("1845"));
    assert_eq!(edited.field("tidegate-redacted"), Some("1"));
    assert_eq!(edited.field("etag"), Some("W/\"v1\""));
    assert_eq!(edited.field("content-length"), Some(&*edited.body.bytes.len().to_string()));
    let clean = client.exchange(get(&origin, "/clean")).await;
    assert_eq!(clean.field("etag"), Some("\"v1\""));
    assert_eq!(clean.field("tidegate-redacted"), None);
}

#[tokio::test]
async fn a_body_under_a_digest_is_stopped_rather_than_broken() {
    let world = World::start(setup()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    let body = format!("{{\"ssn\":\"{SSN}\"}}");
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Digest: sha-256=:eA==:\r\n\
         Content-Length: {}\r\n\r\n",
        origin.authority(),
        body.len()
    );
    let response = client.exchange(head + &body).await;
    assert_eq!(response.status, 403);
    assert!(response.json()["detail"].as_str().unwrap().contains("signed"), "{response:?}");
    assert_eq!(origin.received_text(), "");
}

#[tokio::test]
async fn a_coded_response_is_masked_inside_its_coding() {
    let rules = vec![rule("ssn", &["national-id.us-ssn"], Action::Redact)];
    let world = World::start(Setup { rules, ..Setup::default() }).await;
    let origin = Origin::start(&world, "origin.test", |conn| {
        conn.serve(|_| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            std::io::Write::write_all(&mut encoder, format!("{{\"ssn\":\"{SSN}\",\"kept\":1}}").as_bytes())
                .unwrap();
            let coded = encoder.finish().unwrap();
            let plain = respond("200 OK", "application/json", &coded);
            let head_end = plain.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
            [&plain[..head_end], b"\r\nContent-Encoding: gzip", &plain[head_end..]].concat()
        })
    })
    .await;
    let mut client = Client::tunnel(&world, &origin).await;
    let response = client.exchange(get(&origin, "/")).await;
    assert_eq!(response.status, 200);
    let plain = match response.field("content-encoding") {
        Some(coding) => {
            assert_eq!(coding, "gzip");
            let mut plain = String::new();
            flate2::read::GzDecoder::new(response.body.bytes.as_slice()).read_to_string(&mut plain).unwrap();
            plain
        }
        None => String::from_utf8(response.body.bytes.clone()).unwrap(),
    };
    assert!(!plain.contains("1845"), "{plain}");
    let json: serde_json::Value = serde_json::from_str(&plain).unwrap();
    assert_eq!(json["kept"], 1);
    assert!(response.body.whole);
}

/// What a client sends under a coding, and how it is read again.
type Coder = (&'static str, fn(&[u8]) -> Vec<u8>, fn(&[u8]) -> Vec<u8>);

const CODERS: [Coder; 3] = [
    (
        "gzip",
        |plain| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            std::io::Write::write_all(&mut encoder, plain).unwrap();
            encoder.finish().unwrap()
        },
        |coded| {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(coded).read_to_end(&mut plain).unwrap();
            plain
        },
    ),
    (
        "br",
        |plain| {
            let mut coded = Vec::new();
            brotli::CompressorReader::new(plain, 4096, 5, 22).read_to_end(&mut coded).unwrap();
            coded
        },
        |coded| {
            let mut plain = Vec::new();
            brotli::Decompressor::new(coded, 4096).read_to_end(&mut plain).unwrap();
            plain
        },
    ),
    ("zstd", |plain| zstd::encode_all(plain, 3).unwrap(), |coded| zstd::decode_all(coded).unwrap()),
];

/// Words that no coding shrinks to nothing.
fn varied(length: usize) -> String {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'g' + (state >> 24) as u8 % 16)
    };
    (0..length).map(|at| if at % 16 == 15 { ' ' } else { next() }).collect()
}

#[tokio::test]
async fn a_coded_upload_past_hold_is_encoded_anew_and_framed_anew() {
    let world = World::start(Setup { hold: 16 * 1024, ..setup() }).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    for (name, encode, decode) in CODERS {
        let text =
            format!("{{\"a\":\"{}\",\"ssn\":\"{SSN}\",\"b\":\"{}\"}}", varied(100_000), varied(60_000));
        let coded = encode(text.as_bytes());
        assert!(coded.len() > 40_000, "{name}");
        let mut request = format!(
            "POST /{name} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Encoding: {name}\r\n\
             Content-Length: {}\r\n\r\n",
            origin.authority(),
            coded.len()
        )
        .into_bytes();
        request.extend_from_slice(&coded);
        let response = client.exchange(request).await;
        assert_eq!(response.status, 200, "{name}");
        let received = origin.received();
        let line = format!("POST /{name} ");
        let begin = received.windows(line.len()).position(|w| w == line.as_bytes()).unwrap();
        let message = &received[begin..];
        let end = message.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&message[..end]).to_ascii_lowercase();
        assert!(head.contains("transfer-encoding: chunked") && !head.contains("content-length"), "{head}");
        assert!(head.contains(&format!("content-encoding: {name}")), "{head}");
        let plain = String::from_utf8(decode(&unchunked(&message[end + 4..]))).unwrap();
        assert_eq!(plain.len(), text.len(), "{name}");
        assert!(!plain.contains("1845"), "{name}");
        let json: serde_json::Value = serde_json::from_str(&plain).unwrap();
        assert_eq!(json["a"].as_str().unwrap(), varied(100_000));
    }
}

/// The data of a chunked body.
fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    loop {
        let end = body.windows(2).position(|w| w == b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return data;
        }
        data.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 4 + size..];
    }
}

#[tokio::test]
async fn a_value_is_masked_in_the_escapes_that_it_wears() {
    let world = World::start(setup()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    let escaped: String = SSN.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    let body = format!("{{\"ssn\":\"{escaped}\",\"kept\":\"\\u00e9\"}}");
    let response = client.post(&origin, "/v1/people", body.as_bytes()).await;
    assert_eq!((response.status, response.field("tidegate-redacted")), (200, Some("1")));
    let received = origin.received_text();
    let (_, sent) = received.split_once("\r\n\r\n").unwrap();
    assert_eq!(sent.len(), body.len());
    let json: serde_json::Value = serde_json::from_str(sent).unwrap();
    assert_eq!(json["kept"], "\u{e9}");
    assert_eq!(json["ssn"], "***-**-****");
    let records = world.records().await;
    let record = only(&records, "decision", "request");
    assert_eq!(record["findings"][0]["at"][0]["carrier"], serde_json::json!(["json"]));
}
