//! What happens to a stream whose two ends wait for each other: what is whole counts before it leaves.

use super::*;

/// Another number that passes every check.
const OTHER: &str = "4916338506082832";

/// What is done with a stream, and at the end what left of it.
enum Do {
    Push(&'static str),
    Pause,
    /// The end of a gRPC message is here.
    Rest,
}
use Do::{Pause, Push, Rest};

fn stream() -> Head<'static> {
    Head { target: None, fields: &[], length: None, coding: None, events: true }
}

/// Plays a script; a stream that stops is not played further, and one that does not is ended.
fn play(setup: &Setup, script: &[Do]) -> Outcome {
    let mut inspector = setup.inspector();
    let (mut out, mut all) = (Vec::new(), String::new());
    let mut last = inspector.head(&stream());
    for one in script {
        let recent = Bytes::from(all.clone());
        last = match one {
            Push(text) => {
                all.push_str(text);
                inspector.push(Bytes::from_static(text.as_bytes()))
            }
            Pause => inspector.pause(recent),
            Rest => inspector.rest(recent, false),
        };
        if last == Step::Stop {
            break;
        }
        drain(&mut inspector, &mut out);
    }
    let early = out.len();
    if last != Step::Stop {
        last = inspector.finish();
        drain(&mut inspector, &mut out);
    }
    let decision = inspector.decision();
    Outcome { last, early, out, inspector, decision }
}

fn cards(at_least: u32) -> Setup {
    let mut setup = Setup::new(vec![on("payment.pan", Action::Block, at_least)]);
    setup.message.media_type = Some("application/octet-stream".into());
    setup
}

#[test]
fn a_value_that_is_whole_at_a_pause_counts_with_all_before_it() {
    for at_rest in [|| Pause, || Rest] {
        let script =
            [Push("\u{1} pay 4539148803436467 \u{2} "), at_rest(), Push("pay 4916338506082832"), at_rest()];
        let outcome = play(&cards(2), &script);
        assert_eq!(outcome.last, Step::Stop);
        assert!(outcome.text().contains(BARE) && !outcome.text().contains(&OTHER[..6]), "{}", outcome.text());
        let found = outcome.found("payment.pan");
        assert_eq!((found.matched, found.distinct, found.forwarded, found.withheld), (2, 2, 1, 1));
        assert_eq!(outcome.decision.disclosure, Disclosure::Partial);
    }
}

#[test]
fn what_left_at_a_pause_is_on_record_once() {
    for at_rest in [|| Pause, || Rest] {
        let script = [
            Push("pay 4539148803436467"),
            at_rest(),
            Push(" and "),
            at_rest(),
            Push("pay 4916338506082832"),
            at_rest(),
            Push(" and 4539148803436467"),
            at_rest(),
        ];
        let outcome = play(&cards(3), &script);
        assert_eq!(outcome.last, Step::Release);
        assert_eq!(outcome.early, outcome.out.len(), "nobody is kept waiting");
        let found = outcome.found("payment.pan");
        assert_eq!((found.matched, found.distinct, found.forwarded, found.withheld), (3, 2, 3, 0));
        assert_eq!(outcome.decision.disclosure, Disclosure::Disclosed);
    }
}

#[test]
fn what_would_have_to_be_masked_does_not_leave_at_a_pause() {
    let mut setup = Setup::new(vec![on("payment.pan", Action::Redact, 1)]);
    setup.message.media_type = Some("application/octet-stream".into());
    let outcome = play(&setup, &[Push("\u{1} pay 4539148803436467"), Pause]);
    assert_eq!((outcome.last, outcome.text()), (Step::Stop, "\u{1} pay "));
    assert_eq!(outcome.decision.reason, Some(Reason::CannotRedact("archive")));
}

#[test]
fn wherever_a_stream_pauses_the_last_value_of_too_many_never_leaves_whole() {
    let text = format!("\u{1} pay {BARE} and card {OTHER} \u{2} ");
    for first in 0..=text.len() {
        for second in first..=text.len() {
            let mut inspector = cards(2).inspector();
            let (mut out, mut last) = (Vec::new(), inspector.head(&stream()));
            for (from, to) in [(0, first), (first, second), (second, text.len())] {
                if last != Step::Stop {
                    last = inspector.push(Bytes::copy_from_slice(&text.as_bytes()[from..to]));
                    drain(&mut inspector, &mut out);
                }
                if last != Step::Stop {
                    last = inspector.pause(Bytes::copy_from_slice(&text.as_bytes()[..to]));
                    drain(&mut inspector, &mut out);
                }
            }
            assert_eq!(last, Step::Stop, "paused at {first} and {second}");
            assert!(!String::from_utf8_lossy(&out).contains(OTHER), "paused at {first} and {second}");
        }
    }
}
