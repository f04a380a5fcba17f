//! Overlays that come and go while a message is under way.

use super::*;
use crate::policy::{Effect, Overlay, OverlaySpec};

pub(super) fn overlay(effect: Effect, identifiers: &[&str]) -> Vec<Arc<Overlay>> {
    let spec = OverlaySpec {
        id: "ov-1".into(),
        effect,
        destinations: vec!["api.example.com".into()],
        clients: vec![],
        tenants: vec![],
        identifiers: identifiers.iter().map(|id| (*id).to_owned()).collect(),
        actor: "a".into(),
        owner: None,
        reason: None,
        since_ms: 0,
        expires_ms: None,
    };
    vec![Arc::new(Overlay::compile(spec).unwrap())]
}

/// Pushes chunk by chunk; before chunk `at` the overlays become `then`. What left, and how it ended.
fn changing(setup: &Setup, chunks: &[String], at: usize, then: &[Arc<Overlay>]) -> (Vec<u8>, Step, Decision) {
    let (mut inspector, mut out) = (setup.inspector(), Vec::new());
    let mut step = inspector.head(&plain());
    for (number, chunk) in chunks.iter().enumerate() {
        if number == at {
            setup.overlays.put(then.to_vec());
        }
        step = inspector.push(Bytes::from(chunk.clone()));
        if step == Step::Stop {
            break;
        }
        drain(&mut inspector, &mut out);
    }
    if at == chunks.len() {
        setup.overlays.put(then.to_vec());
    }
    if step != Step::Stop {
        step = inspector.finish();
        drain(&mut inspector, &mut out);
    }
    (out, step, inspector.decision())
}

#[test]
fn wherever_a_block_comes_nothing_behind_it_leaves() {
    let chunks: Vec<String> = (0..12).map(|number| format!("{number:>4} {}", filler(1000))).collect();
    let whole = chunks.concat().into_bytes();
    for at in 0..=chunks.len() {
        let setup = Setup::new(vec![]);
        let (out, step, decision) = changing(&setup, &chunks, at, &overlay(Effect::Block, &[]));
        assert_eq!((step, decision.action), (Step::Stop, Action::Block), "{at}");
        assert_eq!(decision.reason, Some(Reason::Overlay));
        assert!(whole.starts_with(&out) && out.len() <= at * 1005, "{at}: {}", out.len());
        assert_eq!(decision.rules[0].id.as_ref(), "overlay:ov-1");
    }
}

#[test]
fn a_value_stops_its_message_whether_it_comes_before_the_overlay_or_after() {
    let mut chunks: Vec<String> = (0..8).map(|_| filler(1000)).collect();
    chunks[3] = format!("card {PAN} {}", filler(1000));
    for at in 0..chunks.len() {
        let setup = Setup::new(vec![on("payment.pan", Action::Alert, 1)]);
        let (_, step, decision) = changing(&setup, &chunks, at, &overlay(Effect::Block, &["payment.*"]));
        assert_eq!((step, decision.action), (Step::Stop, Action::Block), "{at}");
        let setup = Setup::new(vec![on("payment.pan", Action::Alert, 1)]);
        let (_, step, decision) = changing(&setup, &chunks, at, &overlay(Effect::Block, &["contact.*"]));
        assert_eq!((step, decision.action), (Step::Release, Action::Alert), "{at}");
    }
}

#[test]
fn what_loosens_holds_from_the_beginning_of_a_message_to_its_end() {
    let chunks: Vec<String> = vec![filler(1000), format!("card {PAN} "), filler(1000)];
    for effect in [Effect::Allow, Effect::Observe] {
        // It comes too late for a message under way, and stays for one that began under it.
        for (before, then, stopped) in
            [(vec![], overlay(effect, &[]), true), (overlay(effect, &[]), vec![], false)]
        {
            let setup = Setup::new(vec![on("payment.pan", Action::Block, 1)]);
            setup.overlays.put(before);
            let (out, step, decision) = changing(&setup, &chunks, 1, &then);
            assert_eq!(step == Step::Stop, stopped, "{effect:?}");
            assert_eq!(out.is_empty(), stopped);
            let would = (!stopped && effect == Effect::Observe).then_some(Action::Block);
            assert_eq!(decision.would, would, "{effect:?}");
        }
    }
}
