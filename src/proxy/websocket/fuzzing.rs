//! Frames under arbitrary bytes: what leaves, and why no more does, does not depend on how bytes are cut.

use std::mem::discriminant;
use std::sync::{Arc, OnceLock};

use bytes::BytesMut;

use super::compression::Compression;
use super::frame::{self, Head};
use super::lane::{Halt, Lane};
use crate::detect::{Matcher, Pack};
use crate::fingerprint::FingerprintKey;
use crate::flow::{Destination, Direction, Host, Scheme};
use crate::inspect::{Engine, HeldBytes};
use crate::policy::{Action, LocalBudgets, Message, Policy, PolicySpec, RuleSpec};

/// An engine that masks social security numbers and stops card numbers.
pub(in crate::proxy) fn engine(hold: usize, undecodable: Action) -> Option<Arc<Engine>> {
    static MATCHER: OnceLock<Option<Arc<Matcher>>> = OnceLock::new();
    let matcher = MATCHER.get_or_init(|| {
        let packs = ["payment", "national-id"].iter().filter_map(|name| Pack::built_in(name)).collect();
        Matcher::compile(packs).ok().map(Arc::new)
    });
    let matcher = matcher.clone()?;
    let rules = vec![
        RuleSpec::new("stop", &["payment.pan"], Action::Block),
        RuleSpec::new("mask", &["national-id.us-ssn"], Action::Redact),
    ];
    let policy = Policy::compile(PolicySpec { rules, ..PolicySpec::default() }, &matcher).ok()?;
    let key = FingerprintKey::new(&[7; 32]);
    Some(Arc::new(Engine {
        matcher,
        policy: Arc::new(policy),
        budgets: Arc::new(LocalBudgets::new(key.clone(), 1 << 20, Box::new(|| 0))),
        key,
        hold,
        undecodable,
        held: Arc::new(HeldBytes::new(1 << 24)),
        interceptions: Arc::default(),
        overlays: Arc::default(),
    }))
}

pub(super) fn terms() -> Message {
    let host = Host::Name("chat.example".into());
    Message::to(Destination { scheme: Scheme::Https, host, port: 443 }, Direction::Request)
}

/// What left a lane, and how it ended.
fn passed<'a>(mut lane: Lane, pieces: impl IntoIterator<Item = &'a [u8]>) -> (BytesMut, Option<Halt>) {
    let (mut waiting, mut out) = (BytesMut::new(), BytesMut::new());
    for piece in pieces {
        waiting.extend_from_slice(piece);
        if let Err(halt) = lane.feed(&mut waiting, &mut out) {
            return (out, Some(halt));
        }
    }
    (out, None)
}

/// Whatever came, whole frames leave.
fn are_frames(mut bytes: &[u8], masked: bool) -> bool {
    while !bytes.is_empty() {
        let Ok(Some((head, length))) = Head::read(bytes, masked) else { return false };
        let whole = length + usize::try_from(head.length).unwrap_or(usize::MAX);
        let Some(rest) = bytes.get(whole..) else { return false };
        bytes = rest;
    }
    true
}

/// Frames of one kind of end: whole, in pieces and byte by byte they end alike, and what leaves are frames.
pub(crate) fn frames(kind: u8, text: &[u8], pieces: &[&[u8]]) {
    frame::heads(text);
    let Some(engine) = engine(1 << 16, Action::Block) else { return };
    let masked = kind & 1 != 0;
    let how = (kind & 2 != 0).then_some(Compression { bits: 15, forgets: kind & 4 != 0 });
    let lane = || Lane::new(&engine, terms(), masked, how);
    let (whole, halt) = passed(lane(), [text]);
    assert!(are_frames(&whole, masked), "what left is no frames");
    for (out, ended) in [passed(lane(), pieces.iter().copied()), passed(lane(), text.chunks(1))] {
        assert_eq!(out, whole);
        // Where what is packed is neither text nor packed well, it depends on the pieces which is seen first.
        let kind = |halt: &Option<Halt>| halt.as_ref().map(|halt| how.is_none().then(|| discriminant(halt)));
        assert_eq!(kind(&ended), kind(&halt));
    }
}
