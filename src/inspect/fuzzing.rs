//! Whole bodies through the engine: whatever they hold and however they are coded and cut, what leaves is what came but for
//! the edits.

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::{Engine, Head, HeldBytes, Inspector, Step};
use crate::decode::{Coding, Decoder, Encoder};
use crate::detect::{Matcher, Pack};
use crate::fingerprint::FingerprintKey;
use crate::flow::{Destination, Direction, Host, Scheme};
use crate::limits::HELD_BYTES;
use crate::policy::{Action, LocalBudgets, Message, Policy, PolicySpec, RuleSpec};

const CODINGS: [Coding; 4] = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];
/// Held whole, whatever an input holds.
const WHOLE: usize = 1 << 24;

/// What never changes: cards are masked.
fn rules() -> Option<&'static (Arc<Matcher>, Arc<Policy>)> {
    static RULES: OnceLock<Option<(Arc<Matcher>, Arc<Policy>)>> = OnceLock::new();
    let made = || {
        let matcher = Matcher::compile(vec![Pack::built_in("payment")?]).ok()?;
        let rule = RuleSpec::new("cards", &["payment.pan"], Action::Redact);
        let spec = PolicySpec { rules: vec![rule], ..PolicySpec::default() };
        let policy = Policy::compile(spec, &matcher).ok()?;
        Some((Arc::new(matcher), Arc::new(policy)))
    };
    RULES.get_or_init(made).as_ref()
}

fn inspector(hold: usize, direction: Direction) -> Option<Inspector> {
    let (matcher, policy) = rules()?;
    let key = || FingerprintKey::new(&[1; 32]);
    let engine = Engine {
        matcher: Arc::clone(matcher),
        policy: Arc::clone(policy),
        interceptions: Arc::default(),
        key: key(),
        hold,
        undecodable: Action::Allow,
        budgets: Arc::new(LocalBudgets::new(key(), 1 << 20, Box::new(|| 0))),
        overlays: Arc::default(),
        held: Arc::new(HeldBytes::new(HELD_BYTES)),
    };
    let host = Host::Name("a.example".into());
    let message = Message::to(Destination { scheme: Scheme::Https, host, port: 443 }, direction);
    Some(Inspector::new(Arc::new(engine), message))
}

/// What left of a body, and whether it left whole.
struct Left {
    bytes: Vec<u8>,
    whole: bool,
    edits: u64,
    recoded: bool,
}

fn through<'a>(
    mut inspector: Inspector,
    coding: Option<&str>,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    events: bool,
) -> Left {
    let head = Head { target: None, fields: &[], length: None, coding, events };
    let (mut step, mut bytes, mut came) = (inspector.head(&head), Vec::new(), 0);
    let mut drain = |inspector: &mut Inspector| {
        while let Some(piece) = inspector.next_released() {
            bytes.extend_from_slice(&piece);
        }
    };
    for piece in pieces {
        if step != Step::Stop {
            came += piece.len() as u64;
            step = inspector.push(Bytes::copy_from_slice(piece));
            drain(&mut inspector);
        }
    }
    if step != Step::Stop {
        step = inspector.finish();
        drain(&mut inspector);
    }
    let decision = inspector.decision();
    let unread: u64 = decision.coverage.uninspected.iter().map(|(_, bytes)| *bytes).sum();
    assert_eq!(decision.coverage.seen, came, "bytes were not seen");
    assert_eq!(decision.coverage.inspected + unread, came, "bytes are in no column of the ledger");
    let recoded = inspector.is_recoded() || inspector.new_length().is_some();
    Left { bytes, whole: step == Step::Release, edits: decision.edits, recoded }
}

fn encoded(codings: &[Coding], text: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = Encoder::new(codings).ok()?;
    encoder.push(text).ok()?;
    encoder.finish().ok()
}

fn decoded(codings: &[Coding], wire: &[u8]) -> Option<Vec<u8>> {
    let (mut decoder, mut text) = (Decoder::new(codings), Vec::new());
    let mut take = |piece: &[u8]| {
        text.extend_from_slice(piece);
        ControlFlow::Continue(())
    };
    decoder.push(wire, &mut take).ok()?;
    decoder.finish().ok()?;
    Some(text)
}

/// `kind` chooses the stack of codings, `how` the direction, the hold, and whether it is a stream of events. `cut` cuts
/// any bytes into pieces.
pub(crate) fn body(kind: u8, how: u8, text: &[u8], cut: &dyn Fn(&[u8]) -> Vec<Vec<u8>>) {
    let stack: Vec<Coding> = (0..3)
        .filter_map(|at| {
            CODINGS.get(usize::from(kind >> (2 * at + 2) & 3)).filter(|_| kind & 3 > at).copied()
        })
        .collect();
    let names: Vec<&str> = stack.iter().map(|coding| coding.as_str()).collect();
    let names = names.join(", ");
    let coding = (!stack.is_empty()).then_some(names.as_str());
    let direction = if how & 1 == 0 { Direction::Request } else { Direction::Response };
    let (events, hold) = (how & 2 != 0, 1 + 16 * usize::from(how >> 2));
    let run = |hold: usize, coding: Option<&str>, bytes: &[u8], events: bool| {
        let pieces = cut(bytes);
        Some(through(inspector(hold, direction)?, coding, pieces.iter().map(Vec::as_slice), events))
    };
    // The bytes themselves under that coding: most often they are none of it.
    let (Some(raw), Some(plain), Some(wire)) =
        (run(hold, coding, text, events), run(WHOLE, None, text, false), encoded(&stack, text))
    else {
        return;
    };
    if !raw.recoded && raw.edits == 0 {
        assert!(text.starts_with(&raw.bytes), "what nobody edited was changed");
        assert!(!raw.whole || raw.bytes.len() == text.len(), "bytes were lost");
    }
    assert!(!plain.whole || plain.bytes.len() == text.len(), "a mask took other room");
    assert!(plain.edits > 0 || !plain.whole || plain.bytes == text, "what was not edited was changed");
    let Some(coded) = run(hold, coding, &wire, events) else { return };
    if !coded.whole {
        return;
    }
    assert!(
        coded.recoded || stack.is_empty() || coded.bytes == wire,
        "a body that was not edited was changed"
    );
    let left = decoded(&stack, &coded.bytes);
    assert!(left.is_some(), "what leaves is not of its coding");
    if let Some(left) = left.filter(|_| plain.whole) {
        assert!(left == plain.bytes, "codings made a difference");
        assert_eq!(coded.edits, plain.edits);
    }
}
