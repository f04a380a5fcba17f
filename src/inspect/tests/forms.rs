//! Forms, where `+` stands for a space: found as they are read, hidden where they are written, by declaration and by shape.

use super::*;

const TYPES: [&[(&str, &[u8])]; 3] = [
    &[("content-type", b"application/x-www-form-urlencoded")],
    &[("content-type", b"Application/X-WWW-Form-URLencoded; charset=UTF-8")],
    &[],
];

fn redacting() -> Setup {
    let mut setup = Setup::new(
        ["payment.pan", "national-id.*", "contact.email"]
            .iter()
            .map(|id| on(id, Action::Redact, 1))
            .collect(),
    );
    setup.hold = 1 << 20;
    setup
}

#[test]
fn a_value_among_words_is_hidden_in_a_form() {
    let cases = [
        ("note=my+ssn+is+536-90-4399%2C+please", "note=my+ssn+is+***-**-****%2C+please"),
        ("note=ssn+536-90-4399+ok&a=1+2", "note=ssn+***-**-****+ok&a=1+2"),
        (
            "x=card+4716+2530+9847+2014+mail+anna.b%40shop-mail.com",
            "x=card+****+****+****+2014+mail+****.*%40****-****.***",
        ),
        ("x=card+4716+2530+9847+2014&b=", "x=card+****+****+****+2014&b="),
        ("a=b&x=Aadhaar+2345+6789+0124", "a=b&x=Aadhaar+****+****+****"),
        ("x=%7B%22ssn%22%3A+%22536-90-4399%22%7D", "x=%7B%22ssn%22%3A+%22***-**-****%22%7D"),
        // A plus that is one.
        ("to=anna%2Bb%40shop-mail.com&x=y+z", "to=****%2B*%40****-****.***&x=y+z"),
    ];
    for (body, expected) in cases {
        for fields in TYPES {
            for cut in 1..body.len() {
                let (a, b) = body.as_bytes().split_at(cut);
                let outcome = redacting().run(&Head { fields, ..plain() }, &[a, b]);
                assert_eq!(outcome.text(), expected, "cut at {cut} {fields:?}");
            }
            let outcome = redacting().run(&Head { fields, ..plain() }, &[body.as_bytes()]);
            assert_eq!(outcome.text(), expected, "whole {fields:?}");
        }
    }
}

#[test]
fn a_space_is_no_plus_of_a_telephone_number() {
    let mut setup = Setup::new(vec![on("contact.phone", Action::Block, 1)]);
    setup.hold = 1 << 20;
    let cases = [
        ("q=order+27863172940", false),
        ("a=b&note=call+me+4915112345678+", false),
        ("a=b&note=call+me+%2B4915112345678", true),
        ("a=b&To=+4915112345678&x=1", true),
    ];
    for (body, stops) in cases {
        for fields in &TYPES[..2] {
            for cut in 1..body.len() {
                let (a, b) = body.as_bytes().split_at(cut);
                let outcome = setup.run(&Head { fields, ..plain() }, &[a, b]);
                assert_eq!(outcome.last == Step::Stop, stops, "{body} cut at {cut}");
            }
        }
    }
}

#[test]
fn words_of_two_are_read_in_a_form() {
    let mut setup = Setup::new(vec![on("secrets.private-key", Action::Block, 1)]);
    setup.secrets = true;
    for fields in TYPES {
        let outcome = setup.run(&Head { fields, ..plain() }, &[b"k=-----BEGIN+PRIVATE+KEY-----%0AMII"]);
        assert_eq!(outcome.last, Step::Stop, "{fields:?}");
    }
    // What such words stand beside is as sure as beside spaces.
    for (form, text) in [
        ("a=b&note=card+number+4716253098472014+x", "a=b&note=card number 4716253098472014 x"),
        ("card+number=4716253098472014", "card number=4716253098472014"),
        (
            "n=pass+port+no+social+security+number+536904399",
            "n=pass port no social security number 536904399",
        ),
    ] {
        let sure = |body: &str| {
            let outcome = Setup::new(vec![on("*", Action::Alert, 1)]).body(body);
            outcome
                .decision
                .found
                .iter()
                .map(|f| (f.identifier.to_string(), f.confidence))
                .collect::<Vec<_>>()
        };
        assert_eq!(sure(form), sure(text), "{form}");
        assert!(!sure(form).is_empty());
    }
}

#[test]
fn a_plus_of_no_form_stays_one() {
    // An address keeps what stands before its plus, a number its sign; a label alone makes no form.
    for (body, declared, expected) in [
        ("{\"to\":\"anna+b@shop-mail.com\"}", true, "{\"to\":\"****+*@****-****.***\"}"),
        ("{\"to\":\"anna+b@shop-mail.com\"}", false, "{\"to\":\"****+*@****-****.***\"}"),
        ("see a=b, anna+b@shop-mail.com", false, "see a=b, ****+*@****-****.***"),
        ("a=b c, anna+b@shop-mail.com", false, "a=b c, ****+*@****-****.***"),
    ] {
        let fields = if declared { TYPES[0] } else { TYPES[2] };
        let outcome = redacting().run(&Head { fields, ..plain() }, &[body.as_bytes()]);
        assert_eq!(outcome.text(), expected);
    }
    // Base64 under a key, its pluses as they are and escaped: of a form either may be meant.
    let text = format!("~~>>??>> {{\"card\":\"{BARE}\"}}");
    let armoured = super::matrix::data_encoding_of(text.as_bytes());
    assert!(armoured.contains('+'), "{armoured}");
    for body in [format!("d={armoured}"), format!("a=b+c&d={}", armoured.replace('+', "%2B"))] {
        let outcome = redacting().run(&Head { fields: TYPES[0], ..plain() }, &[body.as_bytes()]);
        assert_eq!(outcome.found("payment.pan").matched, 1, "{body}");
        assert_eq!(outcome.decision.edits, 1, "{body}");
    }
}
