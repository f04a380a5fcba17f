//! Bodies as they are: decided whole, streamed, idle, abandoned.

use super::*;

#[test]
fn what_fits_hold_is_decided_whole() {
    let setup = Setup::new(usual());
    let body = |value: &str| format!("{{\"a\":1,\"v\":\"{value}\"}}");
    let cases: [(&str, String, Action, Disclosure); 5] = [
        ("clean", body("nothing"), Action::Allow, Disclosure::None),
        ("block", body(PAN), Action::Block, Disclosure::Prevented),
        ("redact", body(SSN), Action::Redact, Disclosure::Redacted),
        ("alert", body("jane.doe@example.com"), Action::Alert, Disclosure::Disclosed),
        (
            "strongest",
            body(&format!("jane.doe@example.com {SSN} {PAN}")),
            Action::Block,
            Disclosure::Prevented,
        ),
    ];
    for (name, body, action, disclosure) in cases {
        let outcome = setup.body(&body);
        let Decision { coverage, .. } = &outcome.decision;
        assert_eq!((outcome.decision.action, outcome.decision.disclosure), (action, disclosure), "{name}");
        assert_eq!((coverage.seen, coverage.inspected), (body.len() as u64, body.len() as u64), "{name}");
        assert_eq!(coverage.forwarded, outcome.out.len() as u64, "{name}");
        assert_eq!((outcome.early, coverage.forwarded_before_decision), (0, 0), "{name}");
        assert!(!outcome.inspector.is_streaming(), "{name}");
        match action {
            Action::Block => assert!(outcome.out.is_empty() && outcome.last == Step::Stop, "{name}"),
            Action::Redact => assert_eq!(outcome.text(), body.replace(SSN, "***-**-****"), "{name}"),
            Action::Allow | Action::Alert => assert_eq!(outcome.text(), body, "{name}"),
        }
    }
}

#[test]
fn a_decision_tells_rules_counts_and_places() {
    let setup = Setup::new(usual());
    let outcome = setup.body(&format!("mail a.b@example.com A.B@example.com ssn {SSN}, {SSN_2}"));
    let names: Vec<_> = outcome.decision.rules.iter().map(|rule| &*rule.id).collect();
    assert_eq!(names, ["redact-national-id.us-ssn", "alert-contact.email"]);
    let mail = outcome.found("contact.email");
    assert_eq!((mail.matched, mail.distinct, mail.forwarded, mail.withheld), (2, 1, 2, 0));
    assert_eq!(mail.fingerprints.len(), 1);
    let ssn = outcome.found("national-id.us-ssn");
    assert_eq!((ssn.matched, ssn.distinct, ssn.forwarded, ssn.withheld), (2, 2, 0, 2));
    assert_eq!(ssn.confidence, Confidence::High);
    assert!(ssn.at[0].keyword && ssn.at[0].part == Part::Body && ssn.at[0].path.is_none());
    assert_eq!((outcome.decision.edits, outcome.decision.disclosure), (2, Disclosure::Partial));
}

#[test]
fn a_bare_number_stays_a_number() {
    let setup = Setup::new(vec![on("payment.pan", Action::Redact, 1)]);
    let outcome = setup.body(&format!("{{\"card\":{BARE},\"n\":[{BARE}, \"{BARE}\"]}}"));
    let value: serde_json::Value = serde_json::from_slice(&outcome.out).unwrap();
    let card = value["card"].as_u64().unwrap();
    assert!(card % 10_000 == 6467 && card != BARE.parse::<u64>().unwrap());
    assert_eq!(value["n"][0].as_u64(), Some(card));
    assert_eq!(value["n"][1], "************6467");
    assert_eq!(outcome.found("payment.pan").distinct, 1);
    let again = Setup::new(vec![on("payment.pan", Action::Block, 1)]).body(outcome.text());
    assert_eq!(again.decision.disclosure, Disclosure::None);
}

#[test]
fn thresholds_count_distinct_values() {
    let setup = Setup::new(usual());
    let same = setup.body(&format!("{SSN}, {SSN}, {SSN}, {SSN}"));
    assert_eq!((same.decision.action, same.decision.edits), (Action::Redact, 4));
    let three = setup.body(&format!("{SSN}, {SSN_2}, 601-22-4455"));
    assert_eq!((three.decision.action, three.decision.disclosure), (Action::Block, Disclosure::Prevented));
}

#[test]
fn an_exemption_lets_pass_and_is_recorded() {
    let mut rules = usual();
    rules.push(RuleSpec {
        destinations: vec!["api.example.com".into()],
        ..on("payment.pan", Action::Allow, 1)
    });
    let mut setup = Setup::new(rules);
    let outcome = setup.body(PAN);
    assert_eq!((outcome.decision.action, outcome.text()), (Action::Allow, PAN));
    let pan = outcome.found("payment.pan");
    assert_eq!((pan.matched, pan.suppressed, pan.forwarded, pan.distinct), (1, 1, 1, 1));
    assert_eq!(outcome.decision.rules.len(), 1);
    setup.message.proven = false;
    assert_eq!(setup.body(PAN).decision.action, Action::Block, "a claimed name earned an exemption");
}

#[test]
fn observe_alters_nothing_and_says_what_it_would_have_done() {
    for (body, would) in [(PAN, Action::Block), (SSN, Action::Redact), ("a.b@example.com", Action::Alert)] {
        let outcome = Setup::new(usual()).observe().body(body);
        assert_eq!((outcome.text(), outcome.decision.action), (body, Action::Allow));
        assert_eq!(
            (outcome.decision.would, outcome.decision.disclosure),
            (Some(would), Disclosure::Disclosed)
        );
    }
}

#[test]
fn past_hold_a_message_streams_and_a_late_block_stops_it() {
    let setup = Setup::new(usual());
    let early = format!("a.b@example.com {} ", filler(3 * HOLD));
    let late = format!("{} card {PAN} {}", filler(HOLD), filler(HOLD));
    let outcome = setup.run(&plain(), &[early.as_bytes(), late.as_bytes()]);
    assert_eq!(outcome.last, Step::Stop);
    assert!(outcome.inspector.is_streaming());
    let sent = outcome.out.len();
    assert!(sent > 2 * HOLD && early.as_bytes().starts_with(&outcome.out));
    let Decision { coverage, disclosure, .. } = &outcome.decision;
    assert_eq!((coverage.forwarded, coverage.forwarded_before_decision), (sent as u64, sent as u64));
    assert_eq!(*disclosure, Disclosure::Partial);
    assert_eq!(outcome.found("payment.pan").withheld, 1);
    assert_eq!(outcome.found("contact.email").forwarded, 1);
}

#[test]
fn a_redact_threshold_that_trips_late_edits_all_that_has_not_left() {
    let setup = Setup::new(vec![on("national-id.us-ssn", Action::Redact, 2)]);
    let chunks = [
        format!("ssn {SSN} {}", filler(3 * HOLD)),
        format!("{} ssn {SSN}, {SSN_2} {}", filler(100), filler(3 * HOLD)),
        format!("ssn {SSN}"),
    ];
    let outcome = setup.run(&plain(), &chunks.each_ref().map(|chunk| chunk.as_bytes()));
    let whole = chunks.concat();
    let (first, rest) = whole.split_at(chunks[0].len());
    let hidden = rest.replace(SSN, "***-**-****").replace(SSN_2, "***-**-****");
    assert!(outcome.text() == [first, &hidden].concat());
    let ssn = outcome.found("national-id.us-ssn");
    assert_eq!((ssn.forwarded, ssn.withheld, outcome.decision.edits), (1, 3, 3));
    assert_eq!(outcome.decision.disclosure, Disclosure::Partial);
}

#[test]
fn the_last_byte_waits_for_the_decision() {
    let body = format!("{} %\n", filler(3 * HOLD));
    for length in [None, Some(body.len() as u64)] {
        let mut inspector = Setup::new(usual()).inspector();
        inspector.head(&Head { length, ..plain() });
        assert_eq!(inspector.push(Bytes::from(body.clone())), Step::Release);
        let mut out = Vec::new();
        drain(&mut inspector, &mut out);
        assert!(out.len() < body.len());
        inspector.idle();
        drain(&mut inspector, &mut out);
        // The sign of the end waits where nobody knows which byte is the last.
        assert_eq!(out.len(), length.map_or(body.len(), |_| body.len() - 1));
        assert_eq!(inspector.finish(), Step::Release);
        drain(&mut inspector, &mut out);
        assert_eq!(out, body.as_bytes());
    }
}

#[test]
fn idle_releases_what_is_settled_and_no_part_of_a_value() {
    let mut inspector = Setup::new(usual()).inspector();
    inspector.head(&plain());
    assert_eq!(inspector.push(Bytes::from_static(b"progress: 1 %\n")), Step::Wait);
    assert!(inspector.next_released().is_none() && !inspector.is_streaming());
    assert_eq!(inspector.idle(), Step::Release);
    let mut out = Vec::new();
    drain(&mut inspector, &mut out);
    assert_eq!(out, b"progress: 1 %\n");
    assert!(inspector.is_streaming());
    assert_eq!(inspector.idle(), Step::Wait);
    // A value under way stays whole.
    assert_eq!(inspector.push(Bytes::from(format!(" {}", &PAN[..12]))), Step::Wait);
    assert_eq!(inspector.idle(), Step::Release);
    drain(&mut inspector, &mut out);
    assert_eq!(out, b"progress: 1 %\n ");
    assert_eq!(inspector.push(Bytes::from(PAN[12..].to_owned())), Step::Wait);
    assert_eq!(inspector.finish(), Step::Stop);
    assert!(inspector.next_released().is_none());
}

#[test]
fn a_head_without_a_body_leaves_when_it_idles() {
    let mut inspector = Setup::new(usual()).inspector();
    let fields: [(&str, &[u8]); 1] = [("x-note", SSN.as_bytes())];
    inspector.head(&Head { fields: &fields, ..plain() });
    assert_eq!(inspector.idle(), Step::Release);
    assert_eq!(inspector.head_edits()[0].replacement, b"***-**-****");
    assert_eq!((inspector.finish(), inspector.decision().edits), (Step::Release, 1));
}

#[test]
fn events_leave_as_they_come() {
    let mut inspector = Setup::new(usual()).inspector();
    inspector.head(&Head { events: true, ..plain() });
    for event in ["data: hello\n\n", "data: {}\n\n"] {
        assert_eq!(inspector.push(Bytes::from(event)), Step::Release, "{event}");
        let mut out = Vec::new();
        drain(&mut inspector, &mut out);
        assert_eq!(out, event.as_bytes());
    }
    assert!(inspector.is_streaming());
    let event = format!("data: {PAN}\n\n{}", filler(2 * HOLD));
    assert_eq!(inspector.push(Bytes::from(event)), Step::Stop);
    assert!(inspector.next_released().is_none());
}

#[test]
fn where_no_rule_acts_an_event_leaves_whole_whatever_it_may_hold() {
    let alerts = || Setup::new(vec![on("payment.*", Action::Alert, 1), on("contact.*", Action::Alert, 1)]);
    let observed = Setup::new(usual()).observe();
    for setup in [alerts(), observed] {
        let mut inspector = setup.inspector();
        inspector.head(&Head { events: true, ..plain() });
        for event in ["data: 1764421800123\n\n".to_owned(), format!("id: 1764421800123\ndata: {BARE}\n\n")] {
            assert_eq!(inspector.push(Bytes::from(event.clone())), Step::Release, "{event}");
            let mut out = Vec::new();
            drain(&mut inspector, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), event);
        }
        assert_eq!(inspector.finish(), Step::Release);
        let decision = inspector.decision();
        assert!(decision.found.iter().any(|found| &*found.identifier == "payment.pan"));
    }
    // A rule that may still stop it waits for what follows.
    let mut inspector = Setup::new(vec![on("payment.pan", Action::Block, 1)]).inspector();
    inspector.head(&Head { events: true, ..plain() });
    inspector.push(Bytes::from(format!("data: {}", &BARE[..13])));
    let mut out = Vec::new();
    drain(&mut inspector, &mut out);
    assert!(out.len() <= 6, "{}", String::from_utf8_lossy(&out));
}

#[test]
fn a_clean_chunk_is_never_copied() {
    let chunk = Bytes::from(filler(100));
    let mut inspector = Setup::new(usual()).inspector();
    inspector.head(&plain());
    inspector.push(chunk.clone());
    inspector.finish();
    assert_eq!(inspector.next_released().unwrap().as_ptr(), chunk.as_ptr());

    let big = Bytes::from(filler(3 * HOLD));
    let mut inspector = Setup::new(usual()).inspector();
    inspector.push(big.clone());
    let piece = inspector.next_released().unwrap();
    assert_eq!(piece.as_ptr(), big.as_ptr());
    assert!(inspector.next_released().is_none());
}

#[test]
fn unlisted_destinations_are_refused_before_anything_leaves() {
    for (unlisted, last) in [(Action::Block, Step::Stop), (Action::Alert, Step::Release)] {
        let mut setup = Setup::new(vec![]);
        setup.spec.unlisted = unlisted;
        let outcome = setup.body("hello");
        assert_eq!((outcome.last, outcome.decision.action), (last, unlisted));
        assert_eq!(outcome.decision.reason, Some(Reason::Unlisted));
        // A rule that asks for more is the reason.
        let mut ruled = Setup::new(usual());
        ruled.spec.unlisted = unlisted;
        let decision = ruled.body(PAN).decision;
        assert_eq!(decision.action, Action::Block);
        assert_eq!(decision.reason.is_none(), unlisted == Action::Alert);
        let observed = Setup { spec: PolicySpec { mode: Mode::Observe, ..setup.spec }, ..Setup::new(vec![]) };
        let decision = observed.body("hello").decision;
        assert_eq!((decision.action, decision.would), (Action::Allow, Some(unlisted)));
    }
}

#[test]
fn what_takes_a_coding_off_is_reserved_with_its_body() {
    for (capacity, step) in [(64 << 10, Step::Stop), (1 << 20, Step::Wait)] {
        let mut setup = Setup::new(usual());
        setup.capacity = capacity;
        let mut inspector = setup.inspector();
        let held = Arc::clone(&inspector.engine().held);
        inspector.head(&gzip_head());
        let wire = gzip(b"nothing to see here");
        assert_eq!(inspector.push(Bytes::from(wire)), step, "{capacity}");
        let (least, most) = (crate::limits::DECODE_WINDOW + crate::limits::INFLATER, capacity);
        match step {
            Step::Stop => assert_eq!(inspector.decision().reason, Some(Reason::HeldBytes)),
            Step::Wait | Step::Release => assert!((least..most).contains(&held.used())),
        }
        drop(inspector);
        assert_eq!(held.used(), 0);
    }
}

#[test]
fn held_memory_is_reserved_and_given_back() {
    let mut setup = Setup::new(usual());
    setup.capacity = 3 * crate::limits::HELD_QUANTUM;
    setup.hold = 1 << 20;
    let mut inspector = setup.inspector();
    let held = Arc::clone(&inspector.engine().held);
    inspector.head(&plain());
    assert_eq!(inspector.push(Bytes::from(filler(5000))), Step::Wait);
    assert_eq!(held.used(), 2 * crate::limits::HELD_QUANTUM);
    assert_eq!(inspector.push(Bytes::from(filler(8000))), Step::Stop);
    assert_eq!(inspector.decision().reason, Some(Reason::HeldBytes));
    assert_eq!((held.used(), inspector.next_released()), (0, None));

    // Single bytes pay for what they take.
    let mut inspector = setup.inspector();
    let steps =
        (0..1000).map(|_| inspector.push(Bytes::from_static(b" "))).filter(|step| *step == Step::Stop);
    assert!(steps.count() > 0);

    // A stream holds no more than its lag; what has left is given back.
    let mut streaming = Setup::new(usual());
    streaming.capacity = 1 << 20;
    let mut inspector = streaming.inspector();
    let held = Arc::clone(&inspector.engine().held);
    for _ in 0..100 {
        assert_ne!(inspector.push(Bytes::from(filler(3 * HOLD))), Step::Stop);
        drain(&mut inspector, &mut Vec::new());
    }
    assert!(held.used() <= 5 * crate::limits::HELD_QUANTUM);
    inspector.finish();
    drain(&mut inspector, &mut Vec::new());
    assert_eq!(held.used(), 0);
}

#[test]
fn what_a_reader_does_not_take_stays_paid_for() {
    let mut setup = Setup::new(usual());
    setup.hold = 16 * crate::limits::HELD_QUANTUM;
    let mut inspector = setup.inspector();
    let held = Arc::clone(&inspector.engine().held);
    inspector.head(&plain());
    let (mut came, mut step) = (0, Step::Wait);
    while step == Step::Wait {
        let chunk = filler(crate::limits::HELD_QUANTUM);
        came += chunk.len();
        step = inspector.push(Bytes::from(chunk));
    }
    assert_eq!(step, Step::Release);
    assert!(held.used() >= came - crate::limits::HELD_QUANTUM, "{} of {came}", held.used());
    let mut least = held.used();
    while let Some(piece) = inspector.next_released() {
        came -= piece.len();
        assert!(held.used() <= least && held.used() <= came + 8 * crate::limits::HELD_QUANTUM);
        least = held.used();
    }
    assert!(least <= 5 * crate::limits::HELD_QUANTUM, "what has left is given back as it leaves");
    // Bytes that go right through ask for nothing.
    inspector.push(Bytes::from(filler(3 * HOLD)));
    assert!(held.used() <= 5 * crate::limits::HELD_QUANTUM);
}

#[test]
fn a_panic_stops_the_message_for_good() {
    let mut inspector = Setup::new(usual()).inspector();
    let held = Arc::clone(&inspector.engine().held);
    inspector.head(&plain());
    inspector.push(Bytes::from(filler(3 * HOLD)));
    inspector.panic_next = true;
    assert_eq!(inspector.push(Bytes::from_static(b"x")), Step::Stop);
    assert_eq!(inspector.push(Bytes::from_static(b"x")), Step::Stop);
    assert_eq!((inspector.idle(), inspector.finish()), (Step::Stop, Step::Stop));
    assert_eq!((inspector.next_released(), held.used()), (None, 0));
    assert_eq!(inspector.decision().reason, Some(Reason::InspectorFailed));
    assert_eq!(inspector.decision().action, Action::Block);
}

#[test]
fn an_abandoned_message_releases_nothing_more() {
    let mut inspector = Setup::new(usual()).inspector();
    inspector.head(&plain());
    inspector.push(Bytes::from(format!("a.b@example.com {}", filler(1000))));
    inspector.abandon();
    assert_eq!((inspector.next_released(), inspector.finish()), (None, Step::Stop));
    let decision = inspector.decision();
    assert_eq!((decision.action, decision.disclosure), (Action::Alert, Disclosure::Prevented));
    assert_eq!(decision.coverage.forwarded, 0);
}
