//! Targets, fields, cookies and trailers.

use super::*;

/// Applies head edits as the proxy does.
fn edited(text: &str, edits: &[HeadEdit], field: Option<usize>) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for edit in edits.iter().filter(|edit| edit.field == field) {
        bytes[edit.start..edit.start + edit.replacement.len()].copy_from_slice(&edit.replacement);
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn targets_are_inspected_and_masked_in_place() {
    let rules = || {
        vec![
            on("national-id.us-ssn", Action::Redact, 1),
            on("contact.email", Action::Redact, 1),
            RuleSpec { confidence: Confidence::Low, ..on("payment.pan", Action::Redact, 1) },
        ]
    };
    let cases = [
        ("/a/b?x=1", "/a/b?x=1"),
        ("/u/536-90-4399/x", "/u/***-**-****/x"),
        ("/u?ssn=536-90-4399&y=2", "/u?ssn=***-**-****&y=2"),
        ("/u?a=jane.doe%40example.com", "/u?a=****.***%40*******.***"),
        ("/u?a=x%20jane@example.com", "/u?a=x%20****@*******.***"),
        ("/u?a=jane%2540example.com;b=1", "/u?a=****%2540*******.***;b=1"),
        ("/u?a=jane%252540example.com;b=1", "/u?a=****%252540*******.***;b=1"),
        ("/u?ssn=%3536-90-4399", "/u?ssn=%2A**-**-****"),
        ("/u?536-90-4399=1", "/u?***-**-****=1"),
        ("/jane.doe%40example.com", "/****.***%40*******.***"),
        (
            "/c?j={\"c\":\"4539\\u00201488\\u00200343\\u00206467\"}",
            "/c?j={\"c\":\"****\\u0020****\\u0020****\\u00206467\"}",
        ),
        ("/c?card=4539+1488+0343+6467", "/c?card=****+****+****+6467"),
        ("/c?card=4539%201488%200343%206467", "/c?card=****%20****%20****%206467"),
    ];
    for (target, expected) in cases {
        let outcome = Setup::new(rules()).run(&Head { target: Some(target), ..plain() }, &[]);
        assert_eq!(outcome.last, Step::Release, "{target}");
        assert_eq!(edited(target, outcome.inspector.head_edits(), None), expected, "{target}");
        let edits = u64::from(target != expected);
        assert_eq!(outcome.decision.edits, edits, "{target}");
    }
    let outcome =
        Setup::new(rules()).run(&Head { target: Some("/u?mail=a.b%40example.com"), ..plain() }, &[]);
    let place = &outcome.found("contact.email").at[0];
    assert_eq!((place.part, place.path.as_deref()), (Part::Target, Some("mail")));
    assert_eq!(place.carrier, ["percent"]);
}

#[test]
fn what_keeps_a_target_out_of_caches_is_no_card() {
    for (target, found) in [
        ("/ads?iu=%2F1%2Fx&cb=4539148803436467", false),
        ("/ads?correlator=4539148803436467&sz=1", false),
        ("/a;ord=4539148803436467?", false),
        ("/a?rnd=4539148803436467", false),
        ("/a?n=4539148803436467", true),
        ("/a?cb_card=4539148803436467", true),
        ("/a?card=4539148803436467&cb=1", true),
    ] {
        let setup = Setup::new(vec![on("payment.pan", Action::Redact, 1)]);
        let outcome = setup.run(&Head { target: Some(target), ..plain() }, &[]);
        assert_eq!(!outcome.inspector.head_edits().is_empty(), found, "{target}");
    }
}

#[test]
fn fields_are_inspected_and_masked_where_they_may_be() {
    let cases: [(&str, &str, Result<&str, &str>); 9] = [
        ("x-customer", "id 536-90-4399", Ok("id ***-**-****")),
        ("cookie", "a=1; ssn=536-90-4399; b=2", Ok("a=1; ssn=***-**-****; b=2")),
        ("set-cookie", "ssn=536-90-4399; Path=/", Ok("ssn=***-**-****; Path=/")),
        ("referer", "https://x.example/?q=%3536-90-4399", Ok("https://x.example/?q=%2A**-**-****")),
        ("authorization", "Custom 536-90-4399", Err("credentials")),
        ("host", "536-90-4399.example.com", Err("host")),
        ("content-type", "text/plain; x=536-90-4399", Err("framing")),
        ("x-536-90-4399", "1", Err("field_name")),
        ("x-api-key", "536-90-4399", Ok("***-**-****")),
    ];
    for (name, value, expected) in cases {
        let fields: [(&str, &[u8]); 2] = [("accept", b"*/*"), (name, value.as_bytes())];
        let outcome = Setup::new(usual()).run(&Head { fields: &fields, ..plain() }, &[]);
        match expected {
            Ok(expected) => {
                assert_eq!(outcome.last, Step::Release, "{name}");
                assert_eq!(edited(value, outcome.inspector.head_edits(), Some(1)), expected, "{name}");
            }
            Err(word) => {
                assert_eq!(outcome.last, Step::Stop, "{name}");
                assert_eq!(outcome.decision.reason, Some(Reason::CannotRedact(word)), "{name}");
            }
        }
    }
    let fields: [(&str, &[u8]); 1] = [("cookie", b"x=1; session=536-90-4399")];
    let outcome = Setup::new(usual()).run(&Head { fields: &fields, ..plain() }, &[]);
    assert_eq!(outcome.found("national-id.us-ssn").at[0].path.as_deref(), Some("cookie.session"));
    let signed: [(&str, &[u8]); 2] = [("signature-input", b"s=()"), ("x-a", SSN.as_bytes())];
    let outcome = Setup::new(usual()).run(&Head { fields: &signed, ..plain() }, &[]);
    assert_eq!(outcome.decision.reason, Some(Reason::CannotRedact("signed")));
}

#[test]
fn head_and_body_share_one_count() {
    let setup = Setup::new(vec![on("national-id.us-ssn", Action::Block, 2)]);
    let fields: [(&str, &[u8]); 1] = [("x-a", SSN.as_bytes())];
    let head = Head { fields: &fields, ..plain() };
    assert_eq!(setup.run(&head, &[SSN.as_bytes()]).last, Step::Release);
    assert_eq!(setup.run(&head, &[SSN_2.as_bytes()]).last, Step::Stop);
}

#[test]
fn a_redact_rule_that_trips_in_the_body_reaches_back_to_a_held_head() {
    let setup = Setup::new(vec![on("national-id.us-ssn", Action::Redact, 2)]);
    let fields: [(&str, &[u8]); 1] = [("x-a", SSN.as_bytes())];
    let outcome = setup.run(&Head { fields: &fields, ..plain() }, &[SSN_2.as_bytes()]);
    assert_eq!((outcome.inspector.head_edits().len(), outcome.text()), (1, "***-**-****"));
    let fields: [(&str, &[u8]); 1] = [("authorization", SSN.as_bytes())];
    let outcome = setup.run(&Head { fields: &fields, ..plain() }, &[SSN_2.as_bytes()]);
    assert_eq!(outcome.decision.reason, Some(Reason::CannotRedact("credentials")));
}

#[test]
fn trailers_count_and_are_masked() {
    let mut inspector = Setup::new(usual()).inspector();
    inspector.head(&plain());
    inspector.push(Bytes::from_static(b"body"));
    let trailers: [(&str, &[u8]); 2] = [("grpc-status", b"0"), ("grpc-message", SSN.as_bytes())];
    assert_eq!(inspector.trailers(&trailers), Step::Wait);
    assert_eq!(inspector.finish(), Step::Release);
    let expected = HeadEdit { field: Some(1), start: 0, replacement: b"***-**-****".to_vec() };
    assert_eq!(inspector.trailer_edits(), [expected]);

    let mut inspector = Setup::new(usual()).inspector();
    inspector.push(Bytes::from_static(b"body"));
    assert_eq!(inspector.trailers(&[("x", PAN.as_bytes())]), Step::Stop);
    assert!(inspector.next_released().is_none());
}

#[test]
fn a_digest_in_the_trailers_stops_an_edit_of_the_body() {
    for (name, announced, stops) in [
        ("x-amz-checksum-crc32", true, true),
        ("x-amz-checksum-crc32", false, true),
        ("content-digest", false, true),
        ("grpc-status", true, false),
        ("server-timing", false, false),
    ] {
        for (body, edits) in [(SSN, true), ("nothing", false)] {
            for filler in ["", &filler(2 * HOLD)] {
                let mut inspector = Setup::new(usual()).inspector();
                let fields: [(&str, &[u8]); 1] = [("trailer", name.as_bytes())];
                inspector.head(&Head { fields: if announced { &fields } else { &[] }, ..plain() });
                let mut last = inspector.push(Bytes::from(format!("{body} {filler}")));
                if last != Step::Stop {
                    inspector.trailers(&[(name, b"AAAA")]);
                    last = inspector.finish();
                }
                let case = format!("{name}, announced {announced}, {body}, {} bytes", filler.len());
                assert_eq!(last == Step::Stop, stops && edits, "{case}");
                let reason = inspector.decision().reason;
                assert_eq!(reason, (stops && edits).then_some(Reason::CannotRedact("signed")), "{case}");
            }
        }
    }
}

#[test]
fn a_credential_in_its_own_place_is_recorded_and_never_acted_on() {
    let token = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
    let setup = |action| {
        let rules = vec![RuleSpec { identifiers: vec!["tag:credential".into()], ..rule("secret", action) }];
        Setup { secrets: true, ..Setup::new(rules) }
    };
    let bearer = format!("Bearer {token}");
    for action in [Action::Alert, Action::Redact, Action::Block] {
        for name in ["authorization", "x-api-key"] {
            let fields: [(&str, &[u8]); 1] = [(name, bearer.as_bytes())];
            let outcome = setup(action).run(&Head { fields: &fields, ..plain() }, &[]);
            assert_eq!((outcome.last, outcome.decision.action), (Step::Release, Action::Allow), "{name}");
            outcome.found("secrets.github-token");
            for found in &outcome.decision.found {
                assert_eq!((found.matched, found.suppressed, found.forwarded), (1, 1, 1), "{found:?}");
                assert_eq!(found.at[0].carrier, ["credential_in_place"]);
            }
        }
        let fields: [(&str, &[u8]); 1] = [("x-note", bearer.as_bytes())];
        assert_eq!(setup(action).run(&Head { fields: &fields, ..plain() }, &[]).decision.action, action);
    }
}

type Fields<'a> = &'a [(&'a str, &'a [u8])];

#[test]
fn what_earlier_heads_held_changes_no_answer() {
    let setup = Setup::new(vec![on("national-id.us-ssn", Action::Redact, 1)]);
    let (engine, mut familiar) = (Arc::clone(setup.inspector().engine()), Familiar::default());
    let clean: [(&str, &[u8]); 3] = [("accept", b"*/*"), ("x-note", b"a"), ("cookie", b"a=1")];
    let noted: [(&str, &[u8]); 3] = [("accept", b"*/*"), ("x-note", b"536-90-4399"), ("cookie", b"a=1")];
    let named: [(&str, &[u8]); 1] = [("x-536-90-4399", b"*/*")];
    let escaped = "/u?ssn=%3536-90-4399";
    let heads: [(&str, Fields<'_>); 5] =
        [("/u", &clean), ("/u", &noted), (escaped, &clean), ("/u", &named), ("/536-90-4399", &noted)];
    // Twice, so that each comes after every other and after itself.
    for (target, fields) in heads.iter().chain(&heads) {
        let head = Head { target: Some(target), fields, ..plain() };
        let [mut known, mut fresh] = [(), ()].map(|()| Inspector::new(Arc::clone(&engine), message()));
        assert_eq!(known.head_among(&head, &mut familiar), fresh.head(&head), "{target}");
        assert_eq!(known.finish(), fresh.finish(), "{target}");
        assert_eq!(known.head_edits(), fresh.head_edits(), "{target}");
        let found = |inspector: &Inspector| format!("{:?}", inspector.decision().found);
        assert_eq!(found(&known), found(&fresh), "{target}");
    }
}

#[test]
fn what_is_packed_in_a_head_is_unpacked_to_a_bound_and_in_steps() {
    thread_local!(static STEPS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) });
    let packed = runs::base64(&gzip(&b"nothing of interest ".repeat(5000)));
    let plain_fields: Vec<_> = (0..90).map(|_| ("x-state", b"4539 and so on".as_slice())).collect();
    // Bytes that it is unpacked to are 100,000 a field.
    for (count, word) in [(1, None), (2, None), (3, Some("size")), (90, Some("size"))] {
        let fields: Vec<_> = (0..count).map(|_| ("x-state", packed.as_bytes())).collect();
        let mut inspector = Setup::new(usual()).inspector();
        inspector.in_steps(|act| {
            STEPS.set(STEPS.get() + 1);
            act();
        });
        STEPS.set(0);
        inspector.head(&Head { fields: &fields, ..plain() });
        assert!(STEPS.get() >= count, "{count}");
        let reason = word.map(Reason::Undecodable);
        assert_eq!(inspector.decision().reason, reason, "{count}");
        // A trailer has what is left.
        let mut inspector = Setup::new(usual()).inspector();
        inspector.head(&Head { fields: &fields[..1], ..plain() });
        inspector.trailers(&fields);
        inspector.finish();
        assert_eq!(
            inspector.decision().reason,
            Some(Reason::Undecodable("size")).filter(|_| count > 1),
            "{count}"
        );
    }
    let outcome = Setup::new(usual()).run(&Head { fields: &plain_fields, ..plain() }, &[]);
    assert_eq!(outcome.decision.reason, None);
}
