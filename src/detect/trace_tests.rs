//! The slow path finds what the engine finds, of every pack and of their examples broken and run together.

use super::*;
use crate::detect::Pack;
use crate::fingerprint::FingerprintKey;

fn matcher() -> Matcher {
    let packs = Pack::built_in_names().iter().map(|name| Pack::built_in(name).unwrap());
    Matcher::compile(packs.collect()).unwrap()
}

/// (detector, start, end, confidence) by the engine and by the traces.
type Seen = Vec<(u16, usize, usize, Confidence)>;

fn both(matcher: &Matcher, text: &[u8], cut: usize) -> (Seen, Seen) {
    let found = matcher.find(&FingerprintKey::new(&[0; 32]), None, text);
    let engine = found.iter().map(|f| (f.detector.0, f.start as usize, f.end as usize, f.confidence));
    let mut engine = engine.collect::<Seen>();
    let mut traced = Seen::new();
    for number in 0..matcher.detectors().len() as u16 {
        let mut next = 0;
        let mut visit = |trace: Trace| {
            if let Outcome::Found(judged) = &trace.outcome {
                traced.push((number, trace.value.start, trace.value.end, judged.confidence));
                assert_eq!(judged.steps.last().unwrap().1, judged.confidence);
                assert!(trace.checks.iter().all(Asked::is_fine));
            }
        };
        let (a, b) = (0..cut, cut..text.len());
        let mut tally = matcher.trace(DetectorId(number), text, a, &mut next, &mut visit);
        tally.add(&matcher.trace(DetectorId(number), text, b, &mut next, &mut visit));
        let Tally { candidates, shaped, boundary, validators, invalidators, excluded, findings } = tally;
        assert!(candidates >= shaped);
        assert_eq!(shaped, boundary + validators + invalidators + excluded + findings);
    }
    engine.sort_unstable_by_key(|seen| (seen.0, seen.1, seen.2));
    traced.sort_unstable_by_key(|seen| (seen.0, seen.1, seen.2));
    (engine, traced)
}

#[test]
fn traces_come_out_as_the_engine_does() {
    let matcher = matcher();
    let examples = matcher.packs().iter().flat_map(|p| &p.definitions).flat_map(|d| &d.examples);
    let texts = examples.map(|e| e.get_ref().text.clone()).collect::<Vec<_>>();
    let mut compared = 0;
    let together = texts.chunks(3).map(|texts| texts.join(" "));
    let broken = texts.iter().enumerate().map(|(n, text)| {
        let digit = (0..=9).map(|d| char::from(b'0' + d)).nth(n % 10).unwrap();
        text.replacen(digit, "7", 1 + n % 2)
    });
    for text in texts.iter().cloned().chain(together).chain(broken) {
        let (engine, traced) = both(&matcher, text.as_bytes(), text.len() / 2);
        assert_eq!(engine, traced, "{text}");
        compared += engine.len();
    }
    assert!(compared > 2 * texts.len() / 2, "{compared} findings of {} texts", texts.len());
}

#[test]
fn a_name_far_above_is_told() {
    let matcher = matcher();
    let rows: String = (0..70).map(|n| format!("({n}, 'x y z', '4123450{n:02}', 1),\n")).collect();
    let text = format!("INSERT INTO t (id, name, ssn, n) VALUES {rows};");
    let (engine, traced) = both(&matcher, text.as_bytes(), 500);
    assert_eq!(engine, traced);
    let ssn = matcher.detectors().iter().position(|d| d.id == "national-id.us-ssn").unwrap() as u16;
    let mut words = Vec::new();
    matcher.trace(DetectorId(ssn), text.as_bytes(), 1200..text.len(), &mut 0, &mut |trace| {
        if let Outcome::Found(judged) = trace.outcome {
            words.extend(judged.words.into_iter().map(|(place, _)| text[place].to_owned()));
        }
    });
    assert!(words.len() > 5 && words.iter().all(|word| word == "ssn"), "{words:?}");
}

#[test]
fn the_stage_that_let_a_near_miss_go_is_named() {
    let matcher = matcher();
    let of = |id: &str, text: &str| {
        let number = matcher.detectors().iter().position(|d| d.id == id).unwrap() as u16;
        let mut outcomes = Vec::new();
        matcher.trace(DetectorId(number), text.as_bytes(), 0..text.len(), &mut 0, &mut |trace| {
            outcomes.push(trace.outcome);
        });
        outcomes
    };
    let rejected = |id: &str, text: &str| match of(id, text).first() {
        Some(Outcome::Rejected(rejection)) => Some(*rejection),
        _ => None,
    };
    assert_eq!(rejected("payment.pan", "4539148803436468"), Some(Rejection::Validator("luhn")));
    assert_eq!(rejected("payment.pan", "45391488034364671234567"), Some(Rejection::BoundaryAfter));
    assert_eq!(rejected("payment.pan", "4539148803436467"), None);
    let Some(Outcome::Found(judged)) = of("payment.pan", "order, card 4539148803436467").pop() else {
        panic!("not found")
    };
    let said = judged.words.iter().map(|(_, speaks_for)| *speaks_for).collect::<Vec<_>>();
    assert_eq!((said.as_slice(), judged.confidence), (&[false, true][..], Confidence::High));
    assert_eq!(judged.steps.first(), Some(&("digits alone", Confidence::Medium)));
}

#[test]
fn what_an_id_is_part_of_does_not_speak_for_it() {
    let matcher = matcher();
    for (text, confidence) in [
        (
            r#"{"card":{"brand":"visa","country":"US","last4":"1234","network_transaction_id":"4539148803436467"}}"#,
            Confidence::Medium,
        ),
        (
            r#"{"card":{"brand":"visa","country":"US","networkName":"x","last4":"1234","id":"4539148803436467"}}"#,
            Confidence::High,
        ),
        (
            r#"{"user":{"brand":"visa","country":"US","networkName":"x","last4":"1234","card_id":"4539148803436467"}}"#,
            Confidence::High,
        ),
    ] {
        let (engine, traced) = both(&matcher, text.as_bytes(), 0);
        assert_eq!(engine, traced, "{text}");
        let found = matcher.find(&FingerprintKey::new(&[0; 32]), None, text.as_bytes());
        assert_eq!(found.iter().map(|found| found.confidence).collect::<Vec<_>>(), [confidence], "{text}");
    }
}

#[test]
fn a_long_run_costs_no_more_than_short_ones() {
    let matcher = matcher();
    let of_kind = |is_kind: &dyn Fn(&Anchor) -> bool| {
        let all = (0u16..).zip(&matcher.compiled);
        let first = all.into_iter().find(|(_, one)| one.anchors.iter().any(is_kind));
        DetectorId(first.unwrap().0)
    };
    let words = of_kind(&|anchor| matches!(anchor, Anchor::Word { mixed: true, .. }));
    let digits = of_kind(&|anchor| matches!(anchor, Anchor::Digits { .. }));
    let texts: [(DetectorId, &dyn Fn(usize) -> String); 3] = [
        (words, &|length| "a".repeat(length)),
        (words, &|length| format!("{}1{}", "a".repeat(length / 2), "a".repeat(length / 2))),
        (digits, &|length| "4539148803436468 ".repeat(length / 17)),
    ];
    for (detector, text) in texts {
        let quickest = |times: usize, length: usize| {
            let text = text(length);
            let once = || {
                let from = std::time::Instant::now();
                for _ in 0..times {
                    matcher.trace(detector, text.as_bytes(), 0..text.len(), &mut 0, &mut |_| {});
                }
                from.elapsed()
            };
            (0..3).map(|_| once()).min().unwrap()
        };
        let (short, long) = (quickest(32, 1 << 12), quickest(1, 1 << 17));
        // What looks at all of a run from each of its places takes 32 times as long.
        assert!(long < 8 * short, "{} {long:?} {short:?}", &text(40));
    }
}
