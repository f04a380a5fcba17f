//! CBOR and MessagePack: each string is a value of its own, with its key for a name; numbers are found and never edited.

use super::matrix::{CARD, MASKED, WRAPPINGS};
use super::wire::{setup, typed};
use super::*;

/// A text in either format.
fn text(value: &[u8], packed: bool) -> Vec<u8> {
    let length = value.len();
    let head: Vec<u8> = match (length, packed) {
        (..24, false) => vec![0x60 + length as u8],
        (_, false) => vec![0x78, length as u8],
        (..32, true) => vec![0xa0 + length as u8],
        (_, true) => vec![0xd9, length as u8],
    };
    [head, value.to_vec()].concat()
}

/// `{"id": 7, "customer": {KEY: VALUE, "city": "Ulm"}}`
fn around(key: &str, value: &[u8], packed: bool) -> Vec<u8> {
    let map = |count: u8| if packed { 0x80 + count } else { 0xa0 + count };
    let text = |value: &str| text(value.as_bytes(), packed);
    [
        &[map(2)],
        &*text("id"),
        &[7],
        &*text("customer"),
        &[map(2)],
        &*text(key),
        value,
        &*text("city"),
        &*text("Ulm"),
    ]
    .concat()
}

const TYPES: [(&str, bool); 7] = [
    ("application/cbor", false),
    ("application/senml+cbor; charset=x", false),
    ("Application/CBOR-seq", false),
    ("application/msgpack", true),
    ("application/x-msgpack", true),
    ("application/vnd.msgpack", true),
    ("application/vnd.api+msgpack", true),
];

#[test]
fn every_wrapping_in_their_strings_is_found_and_hidden_wherever_it_is_cut() {
    for (wrapping, wrap) in WRAPPINGS {
        for (media_type, packed) in [TYPES[0], TYPES[3]] {
            let body = |value: &str| around("card", &text(wrap(value).as_bytes(), packed), packed);
            let (body, expected) = (body(CARD), body(MASKED));
            let fields = [("content-type", media_type.as_bytes())];
            let setup = setup(Action::Redact);
            let engine = setup.engine();
            for cut in 0..body.len() {
                let (a, b) = body.split_at(cut);
                let inspector = Inspector::new(Arc::clone(&engine), setup.message.clone());
                let outcome = run(inspector, &typed(&fields), &[a, b]);
                let (out, expected) = (outcome.out.escape_ascii(), expected.escape_ascii());
                assert_eq!(out.to_string(), expected.to_string(), "{wrapping} in {media_type}, cut at {cut}");
                assert_eq!(
                    outcome.found("payment.pan").matched,
                    1,
                    "{wrapping} in {media_type}, cut at {cut}"
                );
            }
        }
    }
}

#[test]
fn what_their_heads_glue_to_a_value_is_none_of_it() {
    // The heads of texts of up to 23 bytes are letters, before a value and behind it.
    let rows = [
        ("ssn", SSN, "national-id.us-ssn"),
        ("note", "jane.doe@example.com", "contact.email"),
        ("iban", "DE89370400440532013000", "payment.iban"),
    ];
    for (media_type, packed) in TYPES {
        let fields = [("content-type", media_type.as_bytes())];
        for (key, value, detector) in rows {
            let setup = Setup::new(vec![on(detector, Action::Redact, 1)]);
            let of = |value: &str| around(key, &text(value.as_bytes(), packed), packed);
            let body = of(value);
            for length in [1, 9, body.len()] {
                let outcome = setup.run(&typed(&fields), &body.chunks(length).collect::<Vec<_>>());
                let found = outcome.found(detector);
                assert_eq!((found.matched, found.distinct), (1, 1), "{detector} in {media_type}");
                assert_eq!(found.at[0].path.as_deref(), Some(&*format!("$.customer.{key}")), "{media_type}");
                // It has as many bytes as before, all of them of the value.
                let changed = body.iter().zip(&outcome.out).filter(|(from, to)| from != to).count();
                assert_eq!(outcome.out.len(), body.len());
                assert!((4..=value.len()).contains(&changed), "{changed} of {value}");
                assert!(outcome.out.ends_with(&text(b"Ulm", packed)));
            }
        }
    }
}

#[test]
fn their_numbers_are_found_and_never_edited_nor_is_a_string_in_pieces() {
    let number: u64 = BARE.parse().unwrap();
    let (whole, fraction) = (number.to_be_bytes(), (number as f64).to_be_bytes());
    let pieces =
        [b"\x7f", &*text(&BARE.as_bytes()[..7], false), &text(&BARE.as_bytes()[7..], false), b"\xff"]
            .concat();
    let rows = [
        (0, [&[0x1b], &whole[..]].concat(), "number"),
        (0, [&[0xfb], &fraction[..]].concat(), "a fraction"),
        (0, pieces, "pieces"),
        (3, [&[0xcf], &whole[..]].concat(), "number"),
        (3, [&[0xd3], &whole[..]].concat(), "a signed number"),
        (3, [&[0xcb], &fraction[..]].concat(), "a fraction"),
    ];
    for (row, value, what) in rows {
        let (media_type, packed) = TYPES[row];
        let body = around("card", &value, packed);
        let fields = [("content-type", media_type.as_bytes())];
        for length in [1, 5, body.len()] {
            let chunks: Vec<_> = body.chunks(length).collect();
            let outcome = setup(Action::Alert).run(&typed(&fields), &chunks);
            let found = outcome.found("payment.pan");
            assert_eq!((found.matched, found.at[0].path.as_deref()), (1, Some("$.customer.card")), "{what}");
            let name = if packed { "msgpack" } else { "cbor" };
            assert!(found.at[0].carrier.contains(&name), "{:?}", found.at[0].carrier);
            assert_eq!(outcome.out, body);
            let outcome = setup(Action::Redact).run(&typed(&fields), &chunks);
            assert_eq!(outcome.decision.reason, Some(Reason::CannotRedact("number")), "{what}");
        }
    }
}
