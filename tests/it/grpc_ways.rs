//! A call of gRPC meets the same decisions whatever way it comes.

use bytes::Bytes;
use http::Request;
use serde_json::json;

use crate::harness::h2::answer;
use crate::harness::{PAN, SSN, messages, request_actions, soon};
use crate::ways::{HERE, Sender, Speaks, Way, connected, meetings, said, world};

/// Makes a clean call, one with a value that is masked, and one with a value that stops it.
pub async fn calls(way: Way) {
    let (world, origin) = world(way, Speaks::Http2).await;
    let authority = format!("origin.test:{}", origin.port());
    let scheme = if way.tls().0 { "https" } else { "http" };
    let texts = ["two boxes".to_owned(), format!("ssn {SSN} "), format!("card {PAN} ")];
    for (text, status) in texts.iter().zip([None, None, Some("7")]) {
        let Sender::Http2(client) = connected(&world, &origin, way, Speaks::Http2).await else {
            panic!("{way:?}")
        };
        let request = Request::post(format!("{scheme}://{authority}/pkg.Service/Method"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        let message = [&[0], &length[..], text.as_bytes()].concat();
        let mut sender = soon("room for a stream", client.sender.clone().ready()).await.unwrap();
        let (response, mut stream) = sender.send_request(request.body(()).unwrap(), false).unwrap();
        stream.send_data(Bytes::from(message), true).unwrap();
        let answer = answer(response).await;
        assert_eq!(
            (answer.status, answer.field("grpc-status")),
            (200, status),
            "{way:?}: {text}: {answer:?}"
        );
    }
    assert!(origin.has_seen("two boxes") && origin.has_seen("***-**-****"), "{way:?}");
    assert!(!origin.has_seen(SSN) && !origin.has_seen(PAN), "{way:?}");
    let records = world.records().await;
    assert_eq!(request_actions(&records), ["allow", "redact", "block"], "{way:?}: {records:#?}");
    // What is counted is what a body without frames counts.
    let all = messages(&records);
    // One that takes its time has a record of its beginning, too.
    let decided = all.iter().filter(|r| r["direction"] == "request" && r["kind"] == "decision");
    let findings: Vec<_> = decided.map(|r| said(r)["findings"].clone()).collect();
    let expected = [json!([]), json!([["national-id.us-ssn", 1, 0, 1]]), json!([["payment.pan", 1, 0, 1]])];
    assert_eq!(findings, expected, "{way:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_meets_the_same_decisions_on_every_way() {
    let mut met = 0;
    for way in HERE.into_iter().filter(|way| meetings(*way).contains(&(Speaks::Http2, Speaks::Http2))) {
        calls(way).await;
        met += 1;
    }
    assert_eq!(met, 5);
}
