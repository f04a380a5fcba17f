//! Frames as HTTP/2 has them: what a message may not hold is refused stream by stream, and what is joined stays whole.

use http::Request;
use serde_json::json;
use tidegate::limits;
use tidegate::policy::Action;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::floods::{farewell, frame, get};
use crate::harness::client::{connector_offering, name};
use crate::harness::{Client, H2Client, H2Origin, SSN, Setup, World, rule, soon};

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// What came of a stream: what it was reset with, or that it ended.
fn outcome(mut frames: &[u8], wanted: u32) -> Option<Result<(), u32>> {
    while let [a, b, c, kind, flags, s, t, u, v, rest @ ..] = frames {
        let (payload, behind) = rest.split_at_checked(u32::from_be_bytes([0, *a, *b, *c]) as usize)?;
        if u32::from_be_bytes([*s, *t, *u, *v]) == wanted {
            match kind {
                3 => return Some(Err(u32::from_be_bytes(payload.try_into().unwrap()))),
                0 | 1 if flags & END_STREAM != 0 => return Some(Ok(())),
                _ => {}
            }
        }
        frames = behind;
    }
    None
}

#[tokio::test]
async fn a_pseudo_field_in_trailers_resets_its_stream_alone() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::agreeable(&world, "origin.test").await;
    let authority = origin.authority();
    let tcp = Client::connect(&world, &authority).await;
    let mut tls = connector_offering(&world.issuer, &["h2"]).connect(name(origin.name), tcp).await.unwrap();
    let begun = |stream: u32, trailers: &[u8]| {
        // `:method: POST`, and `:path` in the peer's table.
        let length = u8::try_from(authority.len()).unwrap();
        let block = [&[0x83, 0x87, 0x44, 2][..], b"/x", &[1, length], authority.as_bytes()].concat();
        [
            frame(1, END_HEADERS, stream, &block),
            frame(0, 0, stream, b"{}"),
            frame(1, END_HEADERS | END_STREAM, stream, trailers),
        ]
        .concat()
    };
    let cases: [(&[u8], bool); 5] = [
        (b"\x00\x05x-sum\x017", true),
        (b"\x04\x02/y", false),
        (b"\xbe", false),
        (b"\x00\x05x-sum\x017\x88", false),
        (b"\x00\x05x-sum\x017", true),
    ];
    let mut sent = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(4, 0, 0, &[])].concat();
    for (number, (trailers, _)) in (0..).zip(cases) {
        sent.extend(begun(2 * number + 1, trailers));
    }
    let last = 2 * cases.len() as u32 + 1;
    sent.extend(get(last, &authority));
    tls.write_all(&sent).await.unwrap();
    let (mut read, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    let streams = || (0..=cases.len() as u32).map(|number| 2 * number + 1);
    while streams().any(|stream| outcome(&read, stream).is_none()) {
        let length = soon("frames", tls.read(&mut buffer)).await.unwrap();
        assert!(length > 0, "the connection ended");
        read.extend_from_slice(&buffer[..length]);
    }
    for (stream, (trailers, is_well)) in streams().zip(cases) {
        let expected = if is_well { Ok(()) } else { Err(1) };
        assert_eq!(outcome(&read, stream), Some(expected), "{}", trailers.escape_ascii());
    }
    assert_eq!(outcome(&read, last), Some(Ok(())));
    assert_eq!(origin.got().len(), 3, "what is malformed goes nowhere");
}

#[tokio::test]
async fn what_breaks_the_protocol_is_told_by_its_code() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::agreeable(&world, "origin.test").await;
    let authority = origin.authority();
    let (settings, whole) = (frame(4, 0, 0, &[]), END_HEADERS | END_STREAM);
    let cases = [
        ("h2_greeting", 1, frame(6, 0, 0, &[1; 8])),
        ("h2_frame_size", 6, [&settings[..], &frame(6, 0, 0, &[1; 6])].concat()),
        ("h2_frame_size", 6, [&settings[..], &frame(4, 1, 0, &[0; 6])].concat()),
        ("h2_window", 3, [&settings[..], &frame(4, 0, 0, &[0, 4, 0x80, 0, 0, 0])].concat()),
        ("h2_header_block", 9, [&settings[..], &frame(1, whole, 1, &[0x82, 0xbe])].concat()),
        ("h2_header_block", 9, [&settings[..], &frame(1, 1, 1, &[0x82]), &frame(9, 4, 1, &[0x80])].concat()),
    ];
    for (why, code, sent) in &cases {
        let tcp = Client::connect(&world, &authority).await;
        let mut tls =
            connector_offering(&world.issuer, &["h2"]).connect(name(origin.name), tcp).await.unwrap();
        // What stands behind it goes nowhere.
        tls.write_all(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &sent[..], &get(3, &authority)].concat())
            .await
            .unwrap();
        let mut read = Vec::new();
        let _ = soon("the end", tls.read_to_end(&mut read)).await;
        assert_eq!(farewell(&read), Some(*code), "{why}");
    }
    assert_eq!(origin.streams(), 0);
    let records = world.records().await;
    let told: Vec<_> =
        records.iter().filter(|record| record["kind"] == "end").map(|record| &record["reason"]).collect();
    assert_eq!(told, cases.map(|(why, ..)| why), "each is on record");
}

#[tokio::test]
async fn what_goes_on_behind_its_end_is_told_so() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::start(&world, "origin.test", |mut exchange| async move {
        exchange.read().await;
        std::future::pending::<()>().await;
    })
    .await;
    let authority = origin.authority();
    let length = u8::try_from(authority.len()).unwrap();
    let block = [&[0x83, 0x87, 0x84, 1, length][..], authority.as_bytes()].concat();
    let (post, data) = (frame(1, END_HEADERS, 1, &block), frame(0, END_STREAM, 1, b"{}"));
    let trailers = frame(1, END_HEADERS | END_STREAM, 1, b"\x00\x05x-sum\x017");
    // Each while its answer is still awaited.
    let cases = [
        ("DATA behind a head", get(1, &authority), frame(0, 0, 1, b"more")),
        ("a head behind a head", get(1, &authority), get(1, &authority)),
        ("DATA behind DATA", [&post[..], &data].concat(), data.clone()),
        ("trailers behind DATA", [&post[..], &data].concat(), trailers.clone()),
        ("DATA behind trailers", [&post[..], &trailers].concat(), data.clone()),
    ];
    for (number, (what, message, more)) in cases.iter().enumerate() {
        let tcp = Client::connect(&world, &authority).await;
        let mut tls =
            connector_offering(&world.issuer, &["h2"]).connect(name(origin.name), tcp).await.unwrap();
        tls.write_all(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &frame(4, 0, 0, &[])[..], message].concat())
            .await
            .unwrap();
        soon("a request", async {
            while origin.got().len() <= number {
                tokio::task::yield_now().await;
            }
        })
        .await;
        // What may still be said of a stream that has ended.
        let (window, priority) = (frame(8, 0, 1, &[0, 0, 0, 9]), frame(2, 0, 1, &[0; 5]));
        tls.write_all(&[&window[..], &priority, more].concat()).await.unwrap();
        let mut read = Vec::new();
        let _ = soon("the end", tls.read_to_end(&mut read)).await;
        assert_eq!(farewell(&read), Some(5), "{what}");
    }
    let records = world.records().await;
    let told = records.iter().filter(|record| record["reason"] == "h2_stream_closed").count();
    assert_eq!(told, cases.len(), "{records:#?}");
}

#[tokio::test]
async fn masks_do_not_cut_a_body_into_many_frames() {
    let rules = vec![rule("numbers", &["national-id.us-ssn"], Action::Redact)];
    let world = World::start(Setup { rules, ..Setup::default() }).await;
    let rows: Vec<_> = (0..2000).map(|row| json!({"row": row, "ssn": SSN})).collect();
    let body = json!(rows).to_string();
    let origin = H2Origin::start(&world, "origin.test", move |mut exchange| {
        let body = body.clone();
        async move {
            exchange.read().await;
            exchange.reply(200, body.as_bytes());
        }
    })
    .await;
    let client = H2Client::to(&world, &origin).await;
    let request = Request::get(format!("https://{}/", origin.authority())).body(()).unwrap();
    let mut sender = soon("room for a stream", client.sender.clone().ready()).await.unwrap();
    let (response, _) = sender.send_request(request, true).unwrap();
    let mut body = soon("a response", response).await.unwrap().into_body();
    let (mut frames, mut all) = (0, Vec::new());
    while let Some(chunk) = soon("a frame", body.data()).await {
        let chunk = chunk.unwrap();
        body.flow_control().release_capacity(chunk.len()).unwrap();
        all.extend_from_slice(&chunk);
        frames += 1;
    }
    let text = String::from_utf8(all).unwrap();
    assert_eq!(text.matches("***-**-****").count(), 2000);
    assert!(!text.contains(SSN));
    // A frame holds what is joined, or a good part of it where that ended with the window.
    assert!(frames <= 2 * text.len() / limits::H2_JOINED + 4, "{frames} frames of {} bytes", text.len());
}
