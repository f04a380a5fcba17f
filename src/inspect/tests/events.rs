//! Values that a stream of events sends in pieces: found as if they came in one, before the last piece leaves.

use super::*;
use crate::detect::Confidence;
use proptest::prelude::*;

/// How providers write an event with a piece of text, and the type of their stream.
type Event = (&'static str, fn(&str) -> String);

const EVENTS: &[Event] = &[
    ("text/event-stream", |text| {
        format!(
            "data: {{\"id\":\"c1\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"
        )
    }),
    ("text/event-stream; charset=utf-8", |text| {
        format!(
            "event: content_block_delta\r\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\r\n\r\n"
        )
    }),
    ("text/event-stream", |text| {
        format!("data: {{\"type\":\"response.output_text.delta\",\"delta\":\"{text}\"}}\n\n")
    }),
    ("text/event-stream", |text| {
        format!(
            "data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{{\"index\":0,\"function\":{{\"arguments\":\"{text}\"}}}}]}}}}]}}\n\n"
        )
    }),
    ("application/x-ndjson", |text| {
        format!("{{\"model\":\"m\",\"message\":{{\"content\":\"{text}\"}},\"done\":false}}\n")
    }),
    ("text/event-stream", |text| {
        format!("data: {{\"p\":\"/message/content/parts/0\",\"o\":\"append\",\"v\":\"{text}\"}}\n\n")
    }),
    ("text/event-stream", |text| format!("data: \"{text}\"\n\n")),
    ("text/event-stream", |text| {
        format!(
            "data: {{\"ops\":[{{\"op\":\"add\",\"path\":\"/streamed_output/-\",\"value\":\"{text}\"}}]}}\n\n"
        )
    }),
    // Recognised by its shape.
    ("text/plain; charset=utf-8", |text| format!("0:\"{text}\"\n")),
    ("application/json; charset=UTF-8", |text| {
        format!(
            "[{{\n  \"candidates\": [{{\n    \"content\": {{ \"parts\": [{{\n      \"text\": \"{text}\"\n    }}]}}\n  }}]\n}}]\n"
        )
    }),
    ("application/octet-stream; x", |text| format!("data: {{\"delta\":{{\"text\":\"{text}\"}}}}\n\n")),
];

fn stream(kind: &str, chunks: &[Vec<u8>]) -> Outcome {
    let fields: [(&str, &[u8]); 1] = [("content-type", kind.as_bytes())];
    let head = Head { fields: &fields, events: true, ..plain() };
    let setup = Setup::new(vec![on("payment.pan", Action::Redact, 1)]);
    setup.run(&head, &chunks.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// Cuts a text into pieces of these lengths, over and over.
fn cut<'t>(text: &'t str, lengths: &[usize]) -> Vec<&'t str> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, behind) = rest.split_at((*length).min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

#[test]
fn a_value_over_several_events_is_found_and_masked_in_each() {
    let said = format!("Sure, the card is {PAN}, and that is all.");
    let masked = said.replace(PAN, "**** **** **** 6467");
    for (kind, event) in EVENTS {
        for lengths in [&[1][..], &[3], &[5, 2], &[20], &[7, 11], &[19, 4], &[60]] {
            let wire: Vec<Vec<u8>> =
                cut(&said, lengths).into_iter().map(|text| event(text).into_bytes()).collect();
            let expected: String = cut(&masked, lengths).into_iter().map(event).collect();
            let outcome = stream(kind, &wire);
            assert_eq!(outcome.text(), expected, "{kind} {lengths:?}");
            let found = outcome.found("payment.pan");
            assert_eq!(
                (found.matched, found.distinct, found.confidence),
                (1, 1, Confidence::High),
                "{lengths:?}"
            );
            let is_told = found.at[0].path.as_deref().is_some_and(|path| path.starts_with("$."));
            assert_eq!(is_told, event("").contains('{'), "{:?}", found.at);
            assert_eq!((outcome.decision.edits, outcome.decision.disclosure), (1, Disclosure::Redacted));
            // However the events are cut.
            let whole = wire.concat();
            for length in [1, 13, 100] {
                let chunks: Vec<Vec<u8>> = whole.chunks(length).map(<[u8]>::to_vec).collect();
                let cut = stream(kind, &chunks);
                assert_eq!(cut.text(), expected, "{kind} {lengths:?} {length}");
                assert_eq!(cut.decision.found[0].matched, 1);
            }
        }
    }
}

#[test]
fn escapes_in_pieces_stay_escapes() {
    let event = EVENTS[0].1;
    let wire: Vec<Vec<u8>> = ["card \\u0034539\\u0020", "1488 ", "0343\\u00a0", "6467\\n\\\"ok\\\""]
        .iter()
        .map(|text| event(text).into_bytes())
        .collect();
    let outcome = stream("text/event-stream", &wire);
    let expected: String = ["card \\u002a***\\u0020", "**** ", "****\\u00a0", "6467\\n\\\"ok\\\""]
        .iter()
        .map(|text| event(text))
        .collect();
    assert_eq!(outcome.text(), expected);
}

#[test]
fn a_value_of_escapes_alone_is_masked_whole_and_what_is_between_stays() {
    let event = EVENTS[0].1;
    let escaped = |text: &str| text.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect::<String>();
    for (pan, mask) in [
        (PAN.to_owned(), "**** **** **** 6467".to_owned()),
        (BARE.replace("88", "8\u{200b}8"), "*******\u{200b}*****6467".to_owned()),
    ] {
        for cut in [1, 5, 16] {
            let split = |text: &str| {
                let at = text.char_indices().nth(cut).unwrap().0;
                [&text[..at], &text[at..]].map(|text| event(&escaped(text)))
            };
            let outcome = stream("text/event-stream", &split(&pan).map(String::into_bytes));
            assert_eq!(outcome.text(), split(&mask).concat(), "{cut}");
        }
    }
}

#[test]
fn strings_side_by_side_are_read_apart() {
    let event = |index: usize, text: &str| {
        format!("data: {{\"choices\":[{{\"index\":{index},\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
            .into_bytes()
    };
    let pieces: Vec<&str> = cut(PAN, &[4]);
    let wire: Vec<Vec<u8>> = pieces.iter().flat_map(|text| [event(0, text), event(1, "12 ab")]).collect();
    let outcome = stream("text/event-stream", &wire);
    let masked: Vec<&str> = cut("**** **** **** 6467", &[4]);
    let expected: Vec<u8> =
        masked.iter().flat_map(|text| [event(0, text), event(1, "12 ab")]).flatten().collect();
    assert_eq!(outcome.text().as_bytes(), expected);
    // Records of different things do not go on with each other.
    let lines =
        ["{\"user\":\"4539 1488\"}\n", "{\"user\":\" 0343 6467\"}\n"].map(|line| line.as_bytes().to_vec());
    let found = stream("application/x-ndjson", &lines).decision.found;
    assert!(found.iter().all(|found| &*found.identifier != "payment.pan"), "{found:?}");
}

#[test]
fn an_event_that_begins_no_value_leaves_at_once_and_one_that_does_waits() {
    let (kind, event) = EVENTS[0];
    let fields: [(&str, &[u8]); 1] = [("content-type", kind.as_bytes())];
    let setup = Setup::new(vec![on("payment.pan", Action::Block, 1)]);
    let mut inspector = setup.inspector();
    inspector.head(&Head { fields: &fields, events: true, ..plain() });
    let mut out = Vec::new();
    let mut sent = Vec::new();
    // What ends in a letter might go on as an address.
    for text in ["Hello ", "there, "] {
        let event = event(text);
        sent.extend_from_slice(event.as_bytes());
        assert_eq!(inspector.push(Bytes::from(event)), Step::Release, "{text}");
        drain(&mut inspector, &mut out);
        assert_eq!(out, sent, "{text}");
    }
    for text in [" 4539", " 1488", " 0343"] {
        inspector.push(Bytes::from(event(text)));
        drain(&mut inspector, &mut out);
    }
    let left = String::from_utf8(out.clone()).unwrap();
    assert!(!left.contains("4539") && !left.contains("1488"), "{left}");
    inspector.push(Bytes::from(event(" 6467")));
    inspector.push(Bytes::from(event(".")));
    drain(&mut inspector, &mut out);
    assert_eq!(inspector.finish(), Step::Stop);
    drain(&mut inspector, &mut out);
    assert!(!String::from_utf8(out).unwrap().contains("4539"));
    assert_eq!(inspector.decision().disclosure, Disclosure::Prevented);
}

#[test]
fn a_string_that_never_goes_on_holds_nothing_for_ever() {
    let (kind, event) = EVENTS[0];
    let fields: [(&str, &[u8]); 1] = [("content-type", kind.as_bytes())];
    let setup = Setup { capacity: 1 << 18, ..Setup::new(vec![on("payment.pan", Action::Block, 1)]) };
    let mut inspector = setup.inspector();
    inspector.head(&Head { fields: &fields, events: true, ..plain() });
    let mut out = Vec::new();
    inspector.push(Bytes::from(event("card 4539 1488")));
    for number in 0..4000 {
        let other = format!("data: {{\"delta\":{{\"k{}\":\"word\"}}}}\n\n", number % 100);
        assert_ne!(inspector.push(Bytes::from(other)), Step::Stop, "{number}");
        drain(&mut inspector, &mut out);
    }
    assert!(out.len() > 60_000, "{}", out.len());
}

/// Streams of whole and broken events around pieces of values.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof![
        Just("4539 1488"),
        Just(" 0343 6467"),
        Just("4539"),
        Just("14880343"),
        Just("6467 "),
        Just("\\u0034539"),
        Just("card "),
        Just("jane@exa"),
        Just("mple.com "),
        Just("x\\"),
        Just("\\\""),
    ];
    let event = (text, 0usize..5).prop_map(|(text, kind)| match kind {
        0 => format!("data: {{\"delta\":{{\"text\":\"{text}\"}}}}\n\n"),
        1 => format!("data: {{\"index\":1,\"delta\":{{\"text\":\"{text}\"}}}}\r\n\r\n"),
        2 => format!("data: {text}\n\n"),
        3 => format!("event: x\nid: {text}\n\n"),
        _ => format!("data: {{\"delta\":{{\"text\":\"{text}"),
    });
    proptest::collection::vec(event, 0..40).prop_map(|events| events.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_chunking_of_a_stream_finds_and_hides_the_same(
        body in streams(), cuts in proptest::collection::vec(1usize..90, 1..6),
    ) {
        let pieces = |cuts: &[usize]| -> Vec<Vec<u8>> {
            let (mut pieces, mut rest) = (Vec::new(), body.as_slice());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, behind) = rest.split_at((*cut).min(rest.len()));
                pieces.push(piece.to_vec());
                rest = behind;
            }
            pieces
        };
        let whole = stream("text/event-stream", &pieces(&[usize::MAX]));
        let cut = stream("text/event-stream", &pieces(&cuts));
        prop_assert_eq!(&whole.out, &cut.out);
        prop_assert_eq!(whole.out.len(), body.len());
        let matched = |outcome: &Outcome| outcome.decision.found.iter().map(|found| found.matched).collect::<Vec<_>>();
        prop_assert_eq!(matched(&whole), matched(&cut));
        // Nothing but what was masked differs.
        let differ = whole.out.iter().zip(&body).filter(|(a, b)| a != b);
        prop_assert!(whole.decision.edits > 0 || differ.count() == 0);
    }
}
