//! What takes the place of values beside stars and tokens: labels, which change lengths, and encrypted numbers.

use super::*;
use crate::policy::MaskKind;
use crate::redact::{Ff1, decrypted};

fn setup(mask: MaskKind, media_type: &str) -> Setup {
    let rules = ["payment.pan", "national-id.us-ssn", "contact.email"];
    let rules = rules.map(|id| RuleSpec { mask, ..on(id, Action::Redact, 1) });
    let mut setup = Setup::new(rules.to_vec());
    setup.message.media_type = Some(media_type.into());
    setup
}

/// What becomes of a body in one piece whose length may change, and of it in two, wherever it is cut.
fn labelled(media_type: &str, body: &str) -> String {
    let setup = setup(MaskKind::Label, media_type);
    let resized = |chunks: &[&[u8]]| {
        let mut inspector = setup.inspector();
        inspector.may_resize();
        let outcome = run(inspector, &plain(), chunks);
        let length = outcome.inspector.new_length().unwrap_or(body.len() as u64);
        assert_eq!(outcome.out.len() as u64, length, "{body}");
        assert_eq!(outcome.decision.coverage.forwarded, length, "{body}");
        assert_eq!(outcome.decision.disclosure, Disclosure::Redacted, "{body}");
        outcome.text().to_owned()
    };
    let whole = resized(&[body.as_bytes()]);
    for cut in 1..body.len() {
        let (a, b) = body.as_bytes().split_at(cut);
        assert_eq!(resized(&[a, b]), whole, "cut at {cut}");
    }
    whole
}

#[test]
fn labels_stand_where_there_is_room_for_them() {
    let (json, form) = ("application/json", "application/x-www-form-urlencoded");
    for (media_type, body, expected) in [
        (
            json,
            format!(r#"{{"card":"{PAN}","ssn":"{SSN}"}}"#),
            r#"{"card":"[REDACTED:payment.pan]","ssn":"[REDACTED:national-id.us-ssn]"}"#,
        ),
        // The tag that parts it stays, and what takes the place of its digits is digits.
        (
            "text/html",
            format!("<p>my card <b>{}</b>{} ok</p>", &BARE[..8], &BARE[8..]),
            "<p>my card <b>22222222</b>22226467 ok</p>",
        ),
        // As a number, stars' way: another number.
        (
            json,
            format!(r#"{{"card":{BARE},"mail":"jane.doe@example.com"}}"#),
            r#"{"card":2222222222226467,"mail":"[REDACTED:contact.email]"}"#,
        ),
        (
            json,
            format!(r#"{{"card":"\u0034{}","n":1}}"#, &PAN[1..]),
            r#"{"card":"[REDACTED:payment.pan]","n":1}"#,
        ),
        (
            json,
            format!(r#"{{"p":"{{\"card\":\"{PAN}\"}}"}}"#),
            r#"{"p":"{\"card\":\"[REDACTED:payment.pan]\"}"}"#,
        ),
        (form, format!("a=1&card={BARE}&b=2"), "a=1&card=%5BREDACTED%3Apayment.pan%5D&b=2"),
        (form, "mail=jane.doe%40example.com".to_owned(), "mail=%5BREDACTED%3Acontact.email%5D"),
        (
            "text/xml",
            format!("<a b='{PAN}'><![CDATA[{PAN}]]></a>"),
            "<a b='[REDACTED:payment.pan]'><![CDATA[[REDACTED:payment.pan]]]></a>",
        ),
        ("text/plain", format!("see {PAN}. Bye"), "see [REDACTED:payment.pan]. Bye"),
        // Nothing says that there is room.
        ("application/yaml", format!("card: '{PAN}'"), "card: '**** **** **** 6467'"),
        ("application/octet-stream", format!("see {PAN}"), ""),
        // In base64 what follows would move.
        (
            "text/plain",
            "see ".to_owned() + &super::matrix::data_encoding_of(format!("card {PAN} it is").as_bytes()),
            "see Y2FyZCAqKioqICoqKiogKioqKiA2NDY3IGl0IGlz",
        ),
    ] {
        if expected.is_empty() {
            assert_eq!(setup(MaskKind::Label, media_type).body(&body).last, Step::Stop);
        } else {
            assert_eq!(labelled(media_type, &body), expected, "{media_type} {body}");
        }
    }
}

#[test]
fn labels_keep_the_length_where_nobody_would_tell_it() {
    let stars = format!("see {}", "**** **** **** 6467");
    let body = format!("see {PAN}");
    let mut setup = setup(MaskKind::Label, "text/plain");
    // Whoever passes it on did not say that it tells lengths.
    assert_eq!(setup.body(&body).text(), stars);
    let resized = |setup: &Setup, head: &Head<'_>, body: &str| {
        let mut inspector = setup.inspector();
        inspector.may_resize();
        run(inspector, head, &[body.as_bytes()])
    };
    // A piece of something, an event stream, past hold.
    let fields: &[(&str, &[u8])] = &[("content-range", b"bytes 0-22/200")];
    assert_eq!(resized(&setup, &Head { fields, ..plain() }, &body).text(), stars);
    assert_eq!(resized(&setup, &Head { events: true, ..plain() }, &body).text(), stars);
    let long = format!("{body} {}", filler(2 * HOLD));
    let outcome = resized(&setup, &plain(), &long);
    assert!(outcome.text().starts_with(&stars) && outcome.out.len() == long.len());
    assert_eq!(outcome.inspector.new_length(), None);
    setup.message.status = Some(206);
    assert_eq!(resized(&setup, &plain(), &body).text(), stars);
    setup.message.status = Some(200);
    assert_eq!(resized(&setup, &plain(), &body).text(), "see [REDACTED:payment.pan]");
}

#[test]
fn labels_go_into_a_coded_body_that_is_whole() {
    let mut inspector = setup(MaskKind::Label, "application/json").inspector();
    inspector.may_resize();
    let outcome = run(inspector, &gzip_head(), &[&gzip(format!("{{\"card\":\"{PAN}\"}}").as_bytes())]);
    assert_eq!(outcome.inspector.new_length(), Some(outcome.out.len() as u64));
    assert_eq!(gunzip(&outcome.out), br#"{"card":"[REDACTED:payment.pan]"}"#);
}

#[test]
fn encrypted_numbers_are_numbers_of_nobody_and_come_back() {
    let mut setup = setup(MaskKind::Ff1, "application/json");
    setup.message.tenant = "shop".into();
    let inspector = setup.inspector();
    let engine = Arc::clone(inspector.engine());
    let detector = engine.matcher.detectors().iter().find(|detector| detector.id == "payment.pan").unwrap();
    let back = |text: &str, tenant: &str| {
        let ff1 = Ff1::new(engine.key.form(tenant));
        let value = decrypted(&ff1, b"payment.pan", text.as_bytes(), &mut |digits| detector.passes(digits));
        value.map(|value| String::from_utf8(value).unwrap())
    };
    let out = setup.body(&format!(
        "{{\"card\":{BARE},\"text\":\"{PAN}\",\"ssn\":\"{SSN}\",\"m\":\"jane@example.com\"}}"
    ));
    assert_eq!(out.decision.disclosure, Disclosure::Redacted);
    let document: serde_json::Value = serde_json::from_str(out.text()).unwrap();
    let (number, text) = (document["card"].as_u64().unwrap().to_string(), document["text"].as_str().unwrap());
    assert_eq!((number.len(), text.replace(' ', "")), (16, number.clone()));
    assert_eq!((back(&number, "shop").as_deref(), back(text, "shop").as_deref()), (Some(BARE), Some(PAN)));
    assert_ne!(back(&number, "other").as_deref(), Some(BARE));
    // What no last digit checks is hidden as ever.
    assert_eq!((&document["ssn"], &document["m"]), (&"***-**-****".into(), &"****@*******.***".into()));
    let again = setup.body(&format!("card {number}, or {text}")).decision;
    assert_eq!((again.action, again.edits), (Action::Allow, 0), "{:?}", again.found);
    // So it goes for nearly all.
    let mut back_again = 0;
    for body in 0..40 {
        let body = format!("45391488{:07}", body * 99_991);
        let card = (0..10)
            .map(|last| format!("{body}{last}"))
            .find(|card| detector.passes(card.as_bytes()))
            .unwrap();
        let out = setup.body(&format!("[\"{card}\"]"));
        back_again += usize::from(back(&out.text()[2..18], "shop").as_ref() == Some(&card));
    }
    assert!(back_again >= 38, "{back_again}");
}
