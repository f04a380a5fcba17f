//! Whatever the bytes and however they are cut.

use super::*;
use proptest::prelude::*;

/// Bodies of words, values and separators.
pub(super) fn bodies() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        PAN,
        BARE,
        SSN,
        SSN_2,
        "601-22-4455",
        "a.b@example.com",
        "c@example.org",
        "lorem",
        "\":\"",
        "{\"ssn\":",
        ",",
        "\n",
        "card ",
        "12",
        "-",
        "4539 1488",
        " 0343 6467",
    ]);
    prop::collection::vec((word, 0usize..60), 0..60)
        .prop_map(|parts| parts.into_iter().map(|(word, gap)| format!("{word}{}", " ".repeat(gap))).collect())
}

/// One to nine letters that no value and no packing is made of, and what parts them from the next.
fn clean_word(drawn: u64) -> impl Iterator<Item = char> {
    let letters = (0..1 + drawn % 9).map(move |i| char::from(b'g' + (drawn >> (8 + 5 * i) & 31) as u8 % 20));
    letters.chain([[' ', '\n', ','][(drawn >> 4 & 15) as usize % 3]])
}

pub(super) fn chunks<'a>(body: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let (mut rest, mut out) = (body, Vec::new());
    for cut in cuts.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, after) = rest.split_at((*cut).min(rest.len()));
        out.push(chunk);
        rest = after;
    }
    out.push(rest);
    out
}

pub(super) fn summary(decision: &Decision) -> impl PartialEq + std::fmt::Debug + use<> {
    let found: Vec<_> = decision
        .found
        .iter()
        .map(|f| {
            (f.identifier.clone(), f.confidence, f.matched, f.distinct, f.forwarded, f.withheld, f.suppressed)
        })
        .collect();
    (
        decision.action,
        decision.would,
        decision.reason.clone(),
        decision.rules.clone(),
        found,
        decision.disclosure,
        decision.edits,
    )
}

/// Whole bodies: plain text, beginnings of what is packed or worn, and values in such.
fn wholes() -> impl Strategy<Value = Vec<u8>> {
    let worn = [
        "\\u0034539148803436467",
        "4539%201488%200343%206467",
        "4539&nbsp;1488&#32;0343 6467",
        "x=\\n\\t\\\"",
        "a+b=c&d=%2e",
        "NDUzOTE0ODgwMzQzNjQ2Nw==",
        "34353339313438383033343336343637",
        "TheQuickBrownFoxJumpsOverTheLazyDog",
        "data: {\"delta\":\"4539 1488\"}\n\ndata: {\"delta\":\" 0343 6467\"}\n\n",
        "--b\r\n\r\n",
        "%PDF-1.7\n",
        "PK\u{3}\u{4}",
        "\u{ff14}539148803436467",
        "{\"note\":\"words\",\"n\":12345,\"at\":\"2026-11-23T06:01:02Z\"}",
        " ",
        PAN,
        "card,email\n",
        "<a>",
    ];
    let mut parts: Vec<Vec<u8>> = worn.iter().map(|part| part.as_bytes().to_vec()).collect();
    parts.extend([
        b"\x1f\x8b\x08".to_vec(),
        gzip(BARE.as_bytes()),
        b"\x28\xb5\x2f\xfd".to_vec(),
        b"\xe9\xff".to_vec(),
    ]);
    parts.push(BARE.bytes().flat_map(|byte| [byte, 0]).collect());
    prop::collection::vec(prop::sample::select(parts), 0..5).prop_map(|parts| parts.concat())
}

pub(super) fn redacting() -> Vec<RuleSpec> {
    vec![
        on("payment.pan", Action::Redact, 1),
        on("national-id.us-ssn", Action::Redact, 1),
        on("contact.email", Action::Alert, 2),
    ]
}

/// How many values that were edited are found again. The digits that a mask keeps may begin another one with what follows.
fn found_again(out: &[u8], body: &str) -> usize {
    let counted = |text: &[u8]| {
        let matcher = matcher();
        let mut found = matcher.find(&FingerprintKey::new(&[7; 32]), None, text);
        found.retain(|value| {
            let id = &*matcher.detector(value.detector).id;
            value.confidence > Confidence::Low && ["payment.pan", "national-id.us-ssn"].contains(&id)
        });
        found
    };
    let edited = counted(body.as_bytes());
    let is_edited = |value: &Finding| edited.iter().any(|one| one.fingerprint == value.fingerprint);
    counted(out).iter().filter(|value| is_edited(value)).count()
}

#[test]
fn what_a_mask_keeps_may_begin_another_number() {
    let body = "4539 1488 0343 6467 4539 1488 0343 64674539 1488 0343 6467";
    let outcome = Setup::new(redacting()).body(body);
    assert_eq!(outcome.text(), "**** **** **** 6467 4539 1488 0343 64674539 1488 0343 6467");
    assert_eq!((found_again(&outcome.out, body), found_again(body.as_bytes(), body)), (0, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_chunking_of_a_held_message_gives_the_same(
        body in bodies(), cuts in prop::collection::vec(1usize..40, 1..6), coded in any::<bool>(), block in any::<bool>(),
    ) {
        let mut setup = Setup::new(if block { usual() } else { redacting() });
        setup.hold = 1 << 20;
        let (head, wire) = if coded { (gzip_head(), gzip(body.as_bytes())) } else { (plain(), body.into_bytes()) };
        let whole = setup.run(&head, &[&wire]);
        let mut inspector = setup.inspector();
        inspector.head(&head);
        for chunk in chunks(&wire, &cuts) {
            inspector.push(Bytes::copy_from_slice(chunk));
            prop_assert!(inspector.next_released().is_none());
        }
        inspector.finish();
        let mut out = Vec::new();
        drain(&mut inspector, &mut out);
        // How deflate cuts its blocks depends on the pieces it was given; the text does not.
        if whole.inspector.new_length().is_some() {
            prop_assert_eq!(gunzip(&out), gunzip(&whole.out));
        } else {
            prop_assert_eq!(&out, &whole.out);
        }
        if whole.last == Step::Release {
            prop_assert_eq!(summary(&inspector.decision()), summary(&whole.decision));
        } else {
            prop_assert_eq!(inspector.decision().action, whole.decision.action);
            prop_assert!(out.is_empty());
        }
    }

    #[test]
    fn a_body_that_comes_whole_is_read_as_in_pieces(body in wholes()) {
        let mut setup = Setup::new(usual());
        setup.undecodable = Action::Allow;
        let whole = setup.run(&plain(), &[&body]);
        let mut inspector = setup.inspector();
        inspector.head(&plain());
        let (mut out, first) = (Vec::new(), body.len().min(1));
        for chunk in [&body[..first], &body[first..]] {
            inspector.push(Bytes::copy_from_slice(chunk));
        }
        inspector.finish();
        drain(&mut inspector, &mut out);
        prop_assert_eq!(&out, &whole.out);
        // What stops is not counted to its end.
        if whole.last == Step::Stop {
            prop_assert_eq!(inspector.decision().action, whole.decision.action);
            return Ok(());
        }
        prop_assert_eq!(summary(&inspector.decision()), summary(&whole.decision));
        prop_assert_eq!(&inspector.decision().coverage.uninspected, &whole.decision.coverage.uninspected);
    }

    #[test]
    fn any_chunking_of_a_stream_gives_the_same(
        body in bodies(), cuts in prop::collection::vec(1usize..200, 1..6), hold in 1usize..300, idle in any::<bool>(),
    ) {
        let mut setup = Setup::new(redacting());
        setup.hold = 1 << 20;
        let whole = setup.body(&body);
        setup.hold = hold;
        let mut inspector = setup.inspector();
        inspector.head(&plain());
        let mut out = Vec::new();
        let chunks = chunks(body.as_bytes(), &cuts);
        for (number, chunk) in chunks.iter().enumerate() {
            let chunk = Bytes::copy_from_slice(chunk);
            let is_last = number + 1 == chunks.len() && !idle;
            let step = if is_last { inspector.push_last(chunk) } else { inspector.push(chunk) };
            prop_assert_ne!(step, Step::Stop);
            drain(&mut inspector, &mut out);
            if idle {
                inspector.idle();
                drain(&mut inspector, &mut out);
            }
            // Where it pauses, the sign of its end is what waits.
            prop_assert!(idle || out.is_empty() || out.len() < body.len());
        }
        prop_assert_eq!(inspector.finish(), Step::Release);
        drain(&mut inspector, &mut out);
        prop_assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&whole.out));
        prop_assert_eq!(summary(&inspector.decision()), summary(&whole.decision));
        prop_assert_eq!(inspector.decision().coverage.forwarded, body.len() as u64);
    }

    #[test]
    fn what_leaves_is_what_came_but_for_the_values(body in bodies()) {
        let outcome = Setup::new(redacting()).body(&body);
        prop_assert_eq!(outcome.out.len(), body.len());
        let changed = outcome.out.iter().zip(body.as_bytes()).filter(|(out, came)| out != came);
        for (out, came) in changed {
            prop_assert!(came.is_ascii_digit() && (*out == b'*' || out.is_ascii_digit()));
        }
        prop_assert_eq!(found_again(&outcome.out, &body), 0, "{}", outcome.text());
    }

    #[test]
    fn a_stopped_message_never_releases_again(
        before in bodies(), after in bodies(), cuts in prop::collection::vec(1usize..300, 1..6), hold in 1usize..2000,
        coded in any::<bool>(),
    ) {
        let mut setup = Setup::new(usual());
        setup.hold = hold;
        // Nothing that could stand around it proves it to be a part of something else.
        let body = [before.as_str(), " card ", PAN, ", ", &after].concat();
        let (head, wire) = if coded { (gzip_head(), gzip(body.as_bytes())) } else { (plain(), body.clone().into_bytes()) };
        let mut inspector = setup.inspector();
        inspector.head(&head);
        let (mut out, mut stopped) = (Vec::new(), false);
        for chunk in chunks(&wire, &cuts) {
            let step = inspector.push(Bytes::copy_from_slice(chunk));
            prop_assert!(!stopped || step == Step::Stop);
            stopped |= step == Step::Stop;
            let left = out.len();
            drain(&mut inspector, &mut out);
            prop_assert!(!stopped || out.len() == left);
        }
        let step = inspector.finish();
        prop_assert_eq!(step, Step::Stop);
        prop_assert!(inspector.next_released().is_none());
        let decision = inspector.decision();
        prop_assert_eq!(decision.action, Action::Block);
        prop_assert_eq!(decision.coverage.forwarded, out.len() as u64);
        if !coded {
            let values = matcher().find(&FingerprintKey::new(&[7; 32]), None, body.as_bytes());
            for value in values.iter().filter(|value| value.confidence > Confidence::Low) {
                let is_pan = *matcher().detector(value.detector).id == *"payment.pan";
                prop_assert!(!is_pan || value.end > out.len() as u64);
            }
            prop_assert!(out.len() <= before.len() + " card ".len());
            prop_assert!(wire.len() > hold || out.is_empty());
        }
        let pan = decision.found.iter().find(|found| &*found.identifier == "payment.pan");
        prop_assert_eq!(pan.map_or(0, |pan| pan.forwarded), 0);
    }

    #[test]
    fn a_clean_coded_body_is_passed_on_byte_for_byte(
        body in prop::collection::vec(any::<u64>(), 0..1500), cuts in prop::collection::vec(1usize..3000, 1..6),
        hold in 1usize..2500, events in any::<bool>(),
    ) {
        let text: String = body.into_iter().flat_map(clean_word).collect();
        let wire = gzip(text.as_bytes());
        let mut setup = Setup::new(vec![on("payment.pan", Action::Block, 1)]);
        setup.hold = hold;
        let outcome = setup.run(&Head { events, ..gzip_head() }, &chunks(&wire, &cuts));
        prop_assert_eq!(outcome.last, Step::Release);
        prop_assert_eq!(outcome.out, wire.clone());
        // Where a rule could ask for an edit, the text is the same in any case.
        let mut setup = Setup::new(usual());
        setup.hold = hold;
        let outcome = setup.run(&Head { events, ..gzip_head() }, &chunks(&wire, &cuts));
        prop_assert_eq!(outcome.last, Step::Release);
        prop_assert_eq!(gunzip(&outcome.out), text.into_bytes());
        prop_assert_eq!(outcome.decision.disclosure, Disclosure::None);
    }

    #[test]
    fn any_head_is_inspected_without_harm(target in "/[ -~]{0,80}", name in "[a-z0-9%-]{1,20}", value in prop::collection::vec(any::<u8>(), 0..80)) {
        let fields: [(&str, &[u8]); 2] = [(&name, &value), ("cookie", &value)];
        let outcome = Setup::new(redacting()).run(&Head { target: Some(&target), fields: &fields, ..plain() }, &[]);
        for edit in outcome.inspector.head_edits() {
            let text = edit.field.map_or(target.as_bytes(), |index| fields[index].1);
            prop_assert!(edit.start + edit.replacement.len() <= text.len());
        }
    }
}
