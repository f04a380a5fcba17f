//! Calls of gRPC-Web over real sockets, in bytes and in base64: values are masked in place both ways, refused before they
//! left, and what cannot be read or edited stops the call.

use tidegate::policy::Action;

use crate::harness::client::post;
use crate::harness::origin::respond;
use crate::harness::{Client, Origin, PAN, SSN, Setup, World, only, request_rule, rule};

const TYPES: [&str; 2] = ["application/grpc-web+proto", "application/grpc-web-text+proto"];
const MASKED: &str = "***-**-****";

/// A frame: flag, length, bytes.
fn frame(flag: u8, bytes: &[u8]) -> Vec<u8> {
    [&[flag], &u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

/// A string in field 1.
fn text(value: &str) -> Vec<u8> {
    [&[0x0a, u8::try_from(value.len()).unwrap()], value.as_bytes()].concat()
}

/// Frames as a type of body has them; pieces of base64 each have an end of their own.
fn written(media_type: &str, frames: &[Vec<u8>]) -> Vec<u8> {
    match media_type.contains("text") {
        true => frames.iter().flat_map(|frame| base64(frame).into_bytes()).collect(),
        false => frames.concat(),
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let quad = |three: &[u8]| {
        let word = (0..3).fold(0u32, |word, at| word << 8 | u32::from(*three.get(at).unwrap_or(&0)));
        let digit = |at: usize| match at > three.len() {
            true => '=',
            false => char::from(DIGITS[(word >> (18 - 6 * at)) as usize & 63]),
        };
        (0..4).map(digit).collect::<String>()
    };
    bytes.chunks(3).map(quad).collect()
}

fn call(value: &str) -> Vec<Vec<u8>> {
    vec![frame(0, &text("clean")), frame(0, &text(&format!("ssn {value} it is")))]
}

/// What an origin says: a message and its trailers, which are a frame too.
fn answer(value: &str) -> Vec<Vec<u8>> {
    let trailers = format!("grpc-status: 0\r\ngrpc-message: for ssn {value}\r\n");
    vec![frame(0, &text(&format!("got ssn {value}"))), frame(0x80, trailers.as_bytes())]
}

#[tokio::test]
async fn values_are_masked_inside_frames_and_trailers_in_both_directions() {
    for media_type in TYPES {
        let rules = vec![rule("ssn", &["national-id.us-ssn"], Action::Redact)];
        let world = World::start(Setup { rules, ..Setup::default() }).await;
        let origin = Origin::start(&world, "origin.test", move |conn| {
            conn.serve(move |_| respond("200 OK", media_type, &written(media_type, &answer(SSN))))
        })
        .await;
        let mut client = Client::tunnel(&world, &origin).await;
        let body = written(media_type, &call(SSN));
        client.send(post(&origin, "/pkg.Service/Method", media_type, &body)).await;
        let response = client.response().await;
        assert_eq!(response.status, 200, "{media_type}");
        assert_eq!(response.body.bytes, written(media_type, &answer(MASKED)), "{media_type}");
        let received = origin.received();
        assert!(received.ends_with(&written(media_type, &call(MASKED))), "{media_type}");
        let records = world.records().await;
        for (direction, matched) in [("request", 1), ("response", 2)] {
            let record = only(&records, "decision", direction);
            assert_eq!(
                (&record["action"], &record["disclosure"], &record["findings"][0]["matched"]),
                (&"redact".into(), &"redacted".into(), &matched.into()),
                "{media_type} {record:#}"
            );
        }
    }
}

#[tokio::test]
async fn what_must_not_leave_is_refused_before_any_of_it_did() {
    let varint = |mut number: u64| {
        let mut out = vec![0x10];
        while number > 0x7f {
            out.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
            number >>= 7;
        }
        [out, vec![u8::try_from(number).unwrap()]].concat()
    };
    let card = [text("card"), varint(PAN.parse().unwrap())].concat();
    let rows = [
        ("a string", Action::Block, frame(0, &text(&format!("card {PAN}"))), None),
        // A number has no mask that is one of the same length on the wire.
        ("a number", Action::Redact, frame(0, &card), Some("number")),
        (
            "a compression that nobody names",
            Action::Alert,
            frame(1, b"\x00\x01\x02\x03\x04"),
            Some("unknown"),
        ),
    ];
    for media_type in TYPES {
        for (name, action, bad, word) in &rows {
            let rules = vec![request_rule("pan", &["payment.pan"], *action)];
            let world = World::start(Setup { rules, ..Setup::default() }).await;
            let origin = Origin::agreeable(&world, "origin.test").await;
            let mut client = Client::tunnel(&world, &origin).await;
            let body = written(media_type, &[frame(0, &text("clean")), bad.clone()]);
            client.send(post(&origin, "/pkg.Service/Method", media_type, &body)).await;
            let response = client.response().await;
            assert_eq!(response.status, 403, "{media_type}, {name}");
            assert_eq!(origin.received_text(), "", "{media_type}, {name}");
            let records = world.records().await;
            let record = only(&records, "decision", "request");
            assert_eq!(
                (&record["action"], &record["bytes"]["forwarded"]),
                (&"block".into(), &0.into()),
                "{name}"
            );
            let reason = record["reason"].as_str().unwrap_or_default();
            assert!(word.is_none_or(|word| reason.contains(word)), "{media_type}, {name}: {reason}");
        }
    }
}
