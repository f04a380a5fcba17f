//! Where fields of protocol buffers meet: the tag of the next is no part of a value.

use super::*;

fn field(number: u8, value: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, value.len() as u8][..], value].concat()
}

#[test]
fn the_tag_behind_a_string_completes_no_value() {
    // Fifteen digits, of which the tag of a further field 6 makes a card.
    let digits = b"453914880343007";
    let fields = [("content-type", b"application/x-protobuf".as_slice())];
    let run = |body: &[u8], length: usize| {
        Setup::new(vec![on("payment.pan", Action::Redact, 1)])
            .run(&Head { fields: &fields, ..plain() }, &body.chunks(length).collect::<Vec<_>>())
    };
    let plain = [field(6, digits), field(6, digits), field(6, b"x")].concat();
    // What stands near an escape is read once more.
    let near = [field(1, b"a%20b"), plain.clone(), field(1, b"\\u0041")].concat();
    assert!(plain.windows(17).any(|bytes| bytes.starts_with(digits) && bytes.ends_with(b"2\x0f")));
    for body in [plain, near] {
        for length in [1, 2, 17, body.len()] {
            let outcome = run(&body, length);
            assert!(outcome.decision.found.is_empty() && outcome.out == body, "in pieces of {length}");
        }
    }
    // The same digits in a string of their own are one.
    let whole = [digits.as_slice(), b"2"].concat();
    let body = [field(6, &whole), field(6, digits)].concat();
    for length in [1, 17, body.len()] {
        let outcome = run(&body, length);
        assert_eq!(outcome.found("payment.pan").matched, 1, "in pieces of {length}");
        assert!(outcome.out.len() == body.len() && !outcome.out.windows(16).any(|bytes| bytes == whole));
    }
}
