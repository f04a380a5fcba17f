//! Tokens in the place of values: the same for the same value, in the form of it, wherever it stands.

use super::*;
use crate::policy::MaskKind;

fn setup() -> Setup {
    Setup::new(vec![RuleSpec { mask: MaskKind::Token, ..on("payment.pan", Action::Redact, 1) }])
}

fn out(setup: &Setup, body: &str) -> String {
    let outcome = setup.body(body);
    assert_eq!(outcome.decision.edits, 1, "{body}");
    outcome.text().to_owned()
}

#[test]
fn a_value_has_one_token_however_it_is_written() {
    let setup = setup();
    let token = out(&setup, &format!("{{\"card\":\"{BARE}\"}}"))[9..25].to_owned();
    assert!(token.bytes().all(|byte| byte.is_ascii_digit()) && token != BARE, "{token}");
    let spaced = format!("{} {} {} {}", &token[..4], &token[4..8], &token[8..12], &token[12..]);
    // As text, as a number, spaced, dashed, in a form, under escapes, in base64, past hold.
    for (body, expected) in [
        (format!("see {BARE}, thanks"), format!("see {token}, thanks")),
        (format!("{{\"card\":{BARE}}}"), format!("{{\"card\":{token}}}")),
        (format!("see {PAN}."), format!("see {spaced}.")),
        (format!("card={}&b=1", PAN.replace(' ', "-")), format!("card={}&b=1", spaced.replace(' ', "-"))),
        (
            format!("{{\"c\":\"\\u0034{}\"}}", &BARE[1..]),
            format!("{{\"c\":\"\\u003{}{}\"}}", &token[..1], &token[1..]),
        ),
        (
            format!("{}{BARE} {}", filler(9000), filler(9000)),
            format!("{}{token} {}", filler(9000), filler(9000)),
        ),
    ] {
        assert_eq!(out(&setup, &body), expected);
    }
    // It is no value any more.
    assert!(setup.body(&format!("see {token}")).decision.found.is_empty());
    // Another value, and another tenant, have others.
    let mut other = super::tokens::setup();
    other.message.tenant = "other".into();
    assert_ne!(out(&other, &format!("see {BARE}, thanks")), format!("see {token}, thanks"));
    assert!(!out(&setup, "see 4000001234567899, thanks").contains(&token));
}

#[test]
fn a_token_stands_in_heads_too_and_stars_where_rules_differ() {
    let setup = setup();
    let target = format!("/pay?card={BARE}");
    let head = Head { target: Some(&target), ..plain() };
    let outcome = setup.run(&head, &[b"{}"]);
    let edit = &outcome.inspector.head_edits()[0];
    let body = out(&setup, &format!("see {BARE}, thanks"));
    assert_eq!(body.as_bytes()[4..20], edit.replacement[..]);
    let mut rules = setup.spec.rules.clone();
    rules.push(RuleSpec { id: "stars".into(), ..on("payment.*", Action::Redact, 1) });
    assert_eq!(out(&Setup::new(rules), &format!("\"{BARE}\"")), "\"************6467\"");
}
