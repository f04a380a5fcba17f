//! Random bodies under random stacks of codings, cut anywhere, held or streaming, in both directions: what leaves is what
//! came but for the values.

use super::property::{bodies, chunks, redacting, summary};
use super::*;
use crate::limits::CODING_DEPTH;
use proptest::prelude::*;

fn stacks() -> impl Strategy<Value = Vec<Coding>> {
    let coding = prop::sample::select(vec![Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd]);
    prop::collection::vec(coding, 0..=CODING_DEPTH)
}

fn names(codings: &[Coding]) -> String {
    codings.iter().map(|coding| coding.as_str()).collect::<Vec<_>>().join(", ")
}

fn decode(codings: &[Coding], wire: &[u8]) -> Vec<u8> {
    let (mut decoder, mut text) = (Decoder::new(codings), Vec::new());
    decoder
        .push(wire, &mut |piece| {
            text.extend_from_slice(piece);
            ControlFlow::Continue(())
        })
        .unwrap();
    decoder.finish().unwrap();
    text
}

/// Where the values stand that `redacting` masks.
fn values(body: &[u8]) -> Vec<std::ops::Range<usize>> {
    let found = matcher().find(&FingerprintKey::new(&[7; 32]), None, body);
    found.iter().map(|value| value.start as usize..value.end as usize).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_leaves_is_what_came_but_for_the_values_under_any_codings(
        body in bodies(), stack in stacks(), cuts in prop::collection::vec(1usize..300, 1..6), hold in 1usize..2000,
        response in any::<bool>(), events in any::<bool>(),
    ) {
        let mut setup = Setup::new(redacting());
        setup.message.direction = if response { Direction::Response } else { Direction::Request };
        setup.hold = 1 << 20;
        let plainly = setup.body(&body);
        setup.hold = hold;
        let (name, wire) = (names(&stack), encode(&stack, body.as_bytes()));
        let head = Head { coding: (!stack.is_empty()).then_some(&*name), events, ..plain() };
        let outcome = setup.run(&head, &chunks(&wire, &cuts));
        prop_assert_eq!(outcome.last, Step::Release);
        let text = decode(&stack, &outcome.out);
        prop_assert_eq!(String::from_utf8_lossy(&text), String::from_utf8_lossy(&plainly.out));
        prop_assert_eq!(summary(&outcome.decision), summary(&plainly.decision));
        // The edits are the whole difference.
        prop_assert_eq!(text.len(), body.len());
        let values = values(body.as_bytes());
        for (at, (left, came)) in text.iter().zip(body.as_bytes()).enumerate() {
            prop_assert!(left == came || values.iter().any(|value| value.contains(&at)), "{} changed", at);
        }
        let Decision { coverage, edits, .. } = &outcome.decision;
        prop_assert_eq!((coverage.seen, coverage.inspected), (wire.len() as u64, wire.len() as u64));
        prop_assert!(*edits > 0 || text == body.as_bytes());
        if let Some(length) = outcome.inspector.new_length() {
            prop_assert_eq!(length, outcome.out.len() as u64);
        } else if !outcome.inspector.is_recoded() {
            prop_assert_eq!(outcome.out.len(), wire.len());
        }
    }

    #[test]
    fn a_body_that_no_rule_may_edit_leaves_byte_for_byte_under_any_codings(
        bytes in prop::collection::vec(any::<u8>(), 0..3000), words in "[a-z ,]{0,2000}", stack in stacks(),
        cuts in prop::collection::vec(20usize..900, 1..6), hold in 1usize..3000, events in any::<bool>(),
    ) {
        let mut setup = Setup::new(vec![on("payment.pan", Action::Block, 1)]);
        setup.hold = hold;
        let body = [words.as_bytes(), &bytes].concat();
        let (name, wire) = (names(&stack), encode(&stack, &body));
        let head = Head { coding: (!stack.is_empty()).then_some(&*name), events, ..plain() };
        let outcome = setup.run(&head, &chunks(&wire, &cuts));
        prop_assert_eq!(outcome.last, Step::Release);
        prop_assert_eq!(outcome.out, wire);
    }
}
