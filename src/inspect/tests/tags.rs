//! Tags and comments in the midst of a number: it is found, and masked without a byte of them changed.

use super::*;

/// Ways to write a card number that a page shows as one, each with its mask.
const SHOWN: &[(&str, &str)] = &[
    ("4539<b></b>148803436467", "****<b></b>********6467"),
    ("4539<!-- -->1488<!-- 1 > 2 -->0343<!---->6467", "****<!-- -->****<!-- 1 > 2 -->****<!---->6467"),
    (
        "<span>no 4539</span><span class=\"n\">14880343</span>6467",
        "<span>no ****</span><span class=\"n\">********</span>6467",
    ),
    ("<B>no 4539</B> <I>1488</I> <u>0343</u> 6467", "<B>no ****</B> <I>****</I> <u>****</u> 6467"),
    ("4539 <strong>1488 0343</strong> 6467", "**** <strong>**** ****</strong> 6467"),
    ("4539-<em>1488</em>-0343-6467", "****-<em>****</em>-****-6467"),
    (
        "4<wbr>5<wbr>3<wbr>9<wbr>1<wbr/>488<wbr>0343<wbr>6467",
        "*<wbr>*<wbr>*<wbr>*<wbr>*<wbr/>***<wbr>****<wbr>6467",
    ),
    ("4539<b>&#49;488</b>0343646<i>7</i>", "****<b>&#42;***</b>****646<i>7</i>"),
    (
        "4539<b></b><!-- x --><i title='>'></i>148803436467",
        "****<b></b><!-- x --><i title='>'></i>********6467",
    ),
];

/// What a page shows apart, or what is none.
const APART: &[&str] = &[
    "<td>4539</td><td>1488</td><td>0343</td><td>6467</td>",
    "<li>4539<li>1488<li>0343<li>6467",
    "<p>4539</p><p>1488</p><p>0343</p><p>6467</p>",
    "4539<br>1488<br/>0343<br>6467",
    "<div>45391488</div><div>03436467</div>",
    "<a href=\"/1\">4539</a><a>1488</a><a>0343</a><a>6467</a>",
    "<n>4539</n><n>14880343</n><n>6467</n>",
    "<b>4539</b>, <b>1488</b>, <b>0343</b>, <b>6467</b>",
    "<b>4539</b>\n<b>1488</b>\n<b>0343</b>\n<b>6467</b>",
    "4539 < 1488 && 0343 > 6467",
];

fn page(value: &str) -> String {
    let more = "<p>x</p>".repeat(20);
    format!("<!DOCTYPE html><html><body class=\"a b\"><p>card {value} thanks</p>{more}</body></html>")
}

#[test]
fn a_number_with_tags_in_it_is_found_and_masked_between_them() {
    let redacting = || Setup::new(vec![on("payment.pan", Action::Redact, 1)]);
    let note = |value: &str| format!("<?xml version=\"1.0\"?><note>card {value}</note>");
    for (value, masked) in SHOWN {
        for (body, expected) in [
            (page(value), page(masked)),
            (note(value), note(masked)),
            (format!("card {value}"), format!("card {masked}")),
        ] {
            let outcome = redacting().body(&body);
            assert_eq!(outcome.text(), expected, "{body}");
            assert_eq!(outcome.found("payment.pan").matched, 1, "{body}");
            for length in [1, 3, 40] {
                let pieces: Vec<_> = body.as_bytes().chunks(length).collect();
                let pieces = redacting().run(&plain(), &pieces);
                assert_eq!(pieces.text(), expected, "{body} in pieces of {length}");
            }
            assert_eq!(Setup::new(usual()).body(&body).last, Step::Stop, "{body}");
        }
        let json = serde_json::to_string(&serde_json::json!({ "html": page(value) })).unwrap();
        assert_eq!(Setup::new(usual()).body(&json).last, Step::Stop, "{json}");
    }
}

#[test]
fn past_the_hold_nothing_of_it_leaves() {
    let filler = "<p class=\"x\">some words and 12 <b>34</b> numbers</p>".repeat(60);
    let (value, masked) = SHOWN[1];
    let (body, expected) =
        (format!("{filler}card {value}{filler}"), format!("{filler}card {masked}{filler}"));
    for length in [7, 100, 1500] {
        let mut setup = Setup::new(vec![on("payment.pan", Action::Redact, 1)]);
        setup.hold = 512;
        let pieces: Vec<_> = body.as_bytes().chunks(length).collect();
        assert_eq!(setup.run(&plain(), &pieces).text(), expected, "in pieces of {length}");
    }
}

#[test]
fn what_a_page_shows_apart_is_not_joined() {
    for value in APART {
        let body = page(value);
        let outcome = Setup::new(vec![on("payment.*", Action::Block, 1)]).body(&body);
        assert_eq!((outcome.last, outcome.text()), (Step::Release, body.as_str()), "{value}");
    }
}
