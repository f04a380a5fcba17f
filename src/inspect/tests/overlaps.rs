//! Values over and in each other: none hides what it covers, each counts, and masks over each other hide what either hides.

use super::*;
use crate::policy::MaskKind;

/// A text, and what must be found in it, in the order of its identifiers.
type Case<'a> = (&'a str, &'a [(&'a str, u64)]);

const CASES: &[Case<'_>] = &[
    (r#"{"card":"4716253098472014@shop-mail.com"}"#, &[("contact.email", 1), ("payment.pan", 1)]),
    (r#"{"to":"card.4716-2530-9847-2014@shop-mail.com"}"#, &[("contact.email", 1), ("payment.pan", 1)]),
    (r#"{"ssn":"536-90-4399@shop-mail.com"}"#, &[("contact.email", 1), ("national-id.us-ssn", 1)]),
    (
        r#"{"to":"4716253098472014@a-mail.com 4539148803436467@b-mail.com 5425231234567896@c-mail.com"}"#,
        &[("contact.email", 3), ("payment.pan", 3)],
    ),
    // Digits that pass a weak check are no number of anybody's in an address, unless a word says so.
    (r#"{"to":"44051401359@shop-mail.com"}"#, &[("contact.email", 1)]),
    (r#"{"pesel":"44051401359@shop-mail.com"}"#, &[("contact.email", 1), ("national-id.pl-pesel", 1)]),
    (";4716253098472014=25121010000012300000?", &[("payment.pan", 1), ("payment.track2", 1)]),
    // Numbers of one thing stay one: neither a card in parts, nor a number in an account's.
    (r#"{"card":"4716 2530 9847 2014"}"#, &[("payment.pan", 1)]),
    (r#"{"aadhaar or card":"4716 2530 9847 2014"}"#, &[("payment.pan", 1)]),
    (r#"{"iban":"DE89 3704 0044 0532 0130 00"}"#, &[("payment.iban", 1)]),
];

fn everything() -> Setup {
    Setup::new(vec![on("*", Action::Alert, 1)])
}

fn found(outcome: &Outcome) -> Vec<(&str, u64)> {
    let sure = outcome.decision.found.iter().filter(|found| found.confidence > Confidence::Low);
    let mut found: Vec<_> = sure.map(|found| (&*found.identifier, found.matched)).collect();
    found.sort_unstable();
    found
}

#[test]
fn what_covers_a_value_does_not_hide_it() {
    for (body, expected) in CASES {
        for cut in 1..body.len() {
            let (a, b) = body.as_bytes().split_at(cut);
            assert_eq!(found(&everything().run(&plain(), &[a, b])), *expected, "{body} cut at {cut}");
        }
        let fields: [(&str, &[u8]); 1] = [("x-note", body.as_bytes())];
        let outcome = everything().run(&Head { fields: &fields, ..plain() }, &[b""]);
        assert_eq!(found(&outcome), *expected, "{body} in a header");
    }
}

#[test]
fn what_a_token_says_inside_counts_beside_it() {
    let part = |text: &str| super::matrix::data_encoding_of(text.as_bytes()).replace('=', "");
    let token = [
        part(r#"{"alg":"HS256","typ":"JWT"}"#),
        part(r#"{"card":"4716253098472014","n":1}"#),
        "c2lnbmF0dXJlLW9mLWl0".into(),
    ];
    let packs = ["payment", "secrets"].map(|name| Pack::built_in(name).unwrap()).into();
    let matcher = Arc::new(Matcher::compile(packs).unwrap());
    let body = format!(r#"{{"token":"{}"}}"#, token.join("."));
    let outcome = everything().with(matcher).body(&body);
    assert_eq!(found(&outcome), [("payment.pan", 1), ("secrets.jwt", 1)], "{body}");
}

#[test]
fn masks_over_each_other_hide_what_either_hides() {
    let body = r#"{"card":"4716253098472014@shop-mail.com"}"#;
    let cases: [(&[&str], &str); 3] = [
        (&["payment.pan"], r#"{"card":"************2014@shop-mail.com"}"#),
        (&["contact.email"], r#"{"card":"****************@****-****.***"}"#),
        (&["payment.pan", "contact.email"], r#"{"card":"****************@****-****.***"}"#),
    ];
    for (identifiers, expected) in cases {
        let setup = || Setup::new(identifiers.iter().map(|id| on(id, Action::Redact, 1)).collect());
        for cut in 1..body.len() {
            let (a, b) = body.as_bytes().split_at(cut);
            let outcome = setup().run(&plain(), &[a, b]);
            assert_eq!((outcome.text(), outcome.decision.edits), (expected, identifiers.len() as u64));
        }
        let fields: [(&str, &[u8]); 1] = [("x-note", body.as_bytes())];
        let outcome = setup().run(&Head { fields: &fields, ..plain() }, &[b""]);
        let mut line = body.as_bytes().to_vec();
        for edit in outcome.inspector.head_edits() {
            line[edit.start..edit.start + edit.replacement.len()].copy_from_slice(&edit.replacement);
        }
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }
    // Past hold, where what is in front of a value may leave before it.
    let long = format!("{}{body}{}", filler(9000), filler(9000));
    let setup =
        Setup::new(vec![on("payment.pan", Action::Redact, 1), on("contact.email", Action::Redact, 1)]);
    let outcome = setup.run(&plain(), &long.as_bytes().chunks(7).collect::<Vec<_>>());
    assert_eq!(outcome.text(), format!("{}{}{}", filler(9000), cases[2].1, filler(9000)));
}

/// A pack of its own, in a family of its own: one bank's accounts, which are what `payment.iban` finds, too.
fn own_accounts(last: bool) -> Arc<Matcher> {
    let pack = r#"[pack]
name = "own"
version = "1.0.0"
[[detector]]
id = "own.account"
description = "an account of ours"
pattern = 'DE\d{2}(?: ?3704)(?: ?0044)(?: ?\d{4}){2} ?\d{2}'
normalize = "alnum-upper"
tier = "medium"
[[detector.example]]
text = "DE89 3704 0044 0532 0130 00"
finds = ["DE89 3704 0044 0532 0130 00"]
[[detector.example]]
text = "DE89"
finds = []
"#;
    let own = Pack::parse("own.toml", pack).unwrap();
    let mut packs = vec![Pack::built_in("payment").unwrap(), own];
    if !last {
        packs.reverse();
    }
    Arc::new(Matcher::compile(packs).unwrap())
}

const ACCOUNT: &str = r#"{"iban":"DE89 3704 0044 0532 0130 00"}"#;

#[test]
fn what_is_the_very_same_bytes_counts_for_every_rule_that_names_it() {
    const BOTH: &[&str] = &["own.account", "payment.iban"];
    let of = |identifiers: &[&str], action, at_least| RuleSpec {
        id: identifiers.concat(),
        identifiers: identifiers.iter().map(|id| (*id).to_owned()).collect(),
        at_least,
        ..rule("", action)
    };
    // The rules, what must come of them, and under which names it is recorded.
    type Case<'a> = (Vec<RuleSpec>, Action, &'a [&'a str]);
    let cases: [Case<'_>; 6] = [
        (vec![of(&["own.account"], Action::Block, 1)], Action::Block, BOTH),
        (vec![of(&["payment.iban"], Action::Block, 1)], Action::Block, &["payment.iban"]),
        (vec![of(&["own.*"], Action::Block, 1), of(&["payment.*"], Action::Alert, 1)], Action::Block, BOTH),
        (vec![of(&["*"], Action::Block, 1)], Action::Block, &["payment.iban"]),
        // One value under two names is one.
        (vec![of(BOTH, Action::Block, 2), of(&["own.account"], Action::Alert, 1)], Action::Alert, BOTH),
        (vec![of(&["own.account"], Action::Block, 2)], Action::Allow, BOTH),
    ];
    for (rules, action, named) in cases {
        for last in [true, false] {
            let setup = || Setup::new(rules.clone()).with(own_accounts(last));
            let outcome = setup().body(ACCOUNT);
            assert_eq!(outcome.decision.action, action, "{rules:?} {last}");
            let names = found(&outcome).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
            assert_eq!(names, named, "{rules:?} {last}");
            let fields: [(&str, &[u8]); 1] = [("x-note", ACCOUNT.as_bytes())];
            let outcome = setup().run(&Head { fields: &fields, ..plain() }, &[b""]);
            assert_eq!(outcome.decision.action, action, "{rules:?} {last} in a header");
        }
    }
    let setup = Setup::new(vec![]).with(own_accounts(true));
    setup.overlays.put(super::overlays::overlay(crate::policy::Effect::Block, &["own.account"]));
    assert_eq!(setup.body(ACCOUNT).decision.action, Action::Block, "an overlay");
}

#[test]
fn a_value_under_two_names_is_hidden_once_and_has_left_under_neither() {
    let masked = |id: &str, mask| RuleSpec { mask, ..on(id, Action::Redact, 1) };
    let stars = r#"{"iban":"**** **** **** **** **** **"}"#;
    for last in [true, false] {
        for rules in [
            vec![masked("own.account", MaskKind::Shape)],
            vec![masked("own.account", MaskKind::Shape), masked("payment.iban", MaskKind::Shape)],
        ] {
            let outcome = Setup::new(rules).with(own_accounts(last)).body(ACCOUNT);
            let left: u64 = outcome.decision.found.iter().map(|found| found.forwarded).sum();
            assert_eq!((outcome.text(), left), (stars, 0));
            assert_eq!(outcome.decision.disclosure, Disclosure::Redacted);
        }
        let token = |rules| Setup::new(rules).with(own_accounts(last)).body(ACCOUNT).text().to_owned();
        let own = token(vec![masked("own.account", MaskKind::Token)]);
        let iban = masked("payment.iban", MaskKind::Shape);
        assert_eq!(token(vec![masked("own.account", MaskKind::Token), iban]), own, "no stars in a token");
    }
}
