//! Where a value stands: what its text names it by goes to the record.

use super::*;

const BOUNDARY: &str = "--x7\r\nContent-Disposition: form-data; name=\"";

/// Bodies with a card number for `¤`, its carriers, and its place.
const PLACES: &[(&str, &[&str], Option<&str>)] = &[
    (r#"{"id":7,"customer":{"tags":["a",{"b":1}],"note":"card: ¤"}}"#, &["json"], Some("$.customer.note")),
    (r#"{"cards":["x","¤"]}"#, &["json"], Some("$.cards")),
    ("{\"a\":1}\n{\"b\":{\"c\":\"¤\"}}\n", &["json"], Some("$.b.c")),
    (r#"{"q":"{\"customer\":{\"card\":\"¤\"}}"}"#, &["json"], Some("$.q $.customer.card")),
    (r#"{"q":"{\"customer\":{\"card\":\"¤\",\"x\":\"\u00e9\"}}"}"#, &["json"], Some("$.q $.customer.card")),
    ("<a><p><![CDATA[{\"card\":\"¤\"}]]></p></a>", &["xml", "json"], Some("/a/p $.card")),
    ("a=1&p=%7B%22card%22%3A%22¤%22%7D", &["form", "json"], Some("p $.card")),
    ("customer:\n  card: ¤\n", &["yaml"], Some("$.customer.card")),
    (
        "<?xml version=\"1.0\"?>\n<order><id>7</id><card type=\"visa\">¤</card></order>",
        &["xml"],
        Some("/order/card"),
    ),
    ("<order><card number=\"¤\"/></order>", &["xml"], Some("/order/card/@number")),
    ("a=1&card=¤&b=2", &["form"], Some("card")),
    ("id;card number;name\n1;\"¤\";A\n2;;B\n", &["csv"], Some("column 2 \"card number\"")),
    ("see ¤, thanks", &[], None),
    // What a client names a field is masked where it holds a value itself, and not told where it may hide one.
    (r#"{"4000 0012 3456 7899":"¤"}"#, &["json"], Some("$[\"**** **** **** ****\"]")),
    (r#"{"a\u0062":"¤"}"#, &["json"], Some("$.ab")),
];

#[test]
fn a_finding_tells_where_it_stands() {
    let multipart = format!("{BOUNDARY}a\"\r\n\r\n1\r\n{BOUNDARY}note\"\r\n\r\n¤\r\n--x7--\r\n");
    let nested = format!("{BOUNDARY}doc\"; filename=\"d.json\"\r\n\r\n{{\"card\":\"¤\"}}\r\n--x7--\r\n");
    let mut rows = PLACES.to_vec();
    rows.push((&multipart, &["multipart"], Some("note")));
    rows.push((&nested, &["multipart", "json"], Some("doc $.card")));
    let watching = Setup::new(vec![on("payment.pan", Action::Alert, 1)]);
    for (body, carrier, path) in rows {
        let body = body.replace('¤', PAN);
        let mut told = Vec::new();
        for length in [1, 7, 9000] {
            let outcome = watching.run(&plain(), &body.as_bytes().chunks(length).collect::<Vec<_>>());
            let found = outcome.found("payment.pan");
            assert_eq!(found.at.last().unwrap().path.as_deref(), path, "{body}");
            assert_eq!(found.at.last().unwrap().carrier, carrier, "{body}");
            told.push(found.at.clone());
        }
        assert!(told.iter().all(|at| *at == told[0]), "{body}: {told:?}");
        let wire = gzip(body.as_bytes());
        let coded = watching.run(&gzip_head(), &[&wire]);
        assert_eq!(coded.found("payment.pan").at.last().unwrap().path.as_deref(), path, "{body}");
    }
}

#[test]
fn a_run_of_base64_stands_under_the_names_around_it() {
    let code = |text: &str| super::matrix::data_encoding_of(text.as_bytes());
    let wide = "x".repeat(3000);
    let hidden = format!("see this one, {PAN}, and bye");
    let rows = [
        (
            format!(r#"{{"a":1,"customer":{{"blob":"{}"}}}}"#, code(&hidden)),
            vec!["json", "base64"],
            Some("$.customer.blob"),
        ),
        (
            format!(r#"{{"blob":"{}"}}"#, code(&format!(r#"{{"note":{{"card":"{PAN}"}}}}"#))),
            vec!["base64", "json"],
            Some("$.blob $.note.card"),
        ),
        (format!("a=1&blob={}&b=2", code(&hidden)), vec!["form", "base64"], Some("blob")),
        (format!("id,blob,x\n1,{},y\n", code(&hidden)), vec!["csv", "base64"], Some("column 2 \"blob\"")),
        (format!("<a><blob>{}</blob></a>", code(&hidden)), vec!["xml", "base64"], Some("/a/blob")),
        (
            format!(
                "{BOUNDARY}doc\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--x7--\r\n",
                code(&hidden)
            ),
            vec!["multipart", "base64"],
            Some("doc"),
        ),
        // Further away than names are looked for.
        (format!(r#"{{"blob":" {wide} {}"}}"#, code(&hidden)), vec!["base64"], None),
    ];
    let watching = Setup::new(vec![on("payment.pan", Action::Alert, 1)]);
    for (body, carrier, path) in rows {
        for length in [1, 7, 100, 9000] {
            let outcome = watching.run(&plain(), &body.as_bytes().chunks(length).collect::<Vec<_>>());
            let at = &outcome.found("payment.pan").at[0];
            assert_eq!((at.path.as_deref(), &at.carrier), (path, &carrier), "{body} in pieces of {length}");
        }
    }
}

#[test]
fn names_around_a_run_of_base64_speak_for_what_is_in_it() {
    let code = |text: &str| super::matrix::data_encoding_of(text.as_bytes());
    let alert =
        Setup::new(vec![RuleSpec { confidence: Confidence::High, ..on("payment.pan", Action::Alert, 1) }]);
    let found = |body: &str, length: usize| {
        let outcome = alert.run(&plain(), &body.as_bytes().chunks(length).collect::<Vec<_>>());
        outcome.decision.found.iter().any(|found| found.confidence == Confidence::High)
    };
    let hidden = code(&format!("about that one there: {BARE} it is"));
    for length in [1, 50, 5000] {
        assert!(found(&format!("{{\"card_number\":\"{hidden}\"}}"), length));
        assert!(found(&format!("a=1&card_number={hidden}"), length));
        assert!(!found(&format!("{{\"reference\":\"{hidden}\"}}"), length));
    }
}

#[test]
fn places_are_told_of_a_few_findings_and_not_of_a_million() {
    let body: String = (0..3000).map(|n| format!("{{\"k{n}\":\"u{n}@example.com\"}}\n")).collect();
    let setup = Setup { hold: 1 << 20, ..Setup::new(vec![on("contact.email", Action::Alert, 1)]) };
    let outcome = setup.body(&body);
    let found = outcome.found("contact.email");
    assert_eq!((found.matched, found.at.len()), (3000, crate::limits::PLACES_PER_FINDING));
    assert_eq!(found.at[7].path.as_deref(), Some("$.k7"));
}
