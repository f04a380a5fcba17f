//! The streaming engine: joins detection, decoding, policy and redaction for one message.
//!
//! May import floors 0–2. Invariants: bytes leave in order, each once; what leaves minus the edits equals what came;
//! a message that fits hold is decided whole; a stopped inspector never releases again.
//!
//! A message goes through in this order: `head` looks around the body, `body` reads it (`coded` through its
//! codings; at a `glance`, when it came whole and there is nothing in it), `reading`, `text` and `depth` make findings of it, `judge` counts them and knows the decision, `hold` keeps
//! the bytes until they are settled, `ledger` notes what became of each value.

mod ahead;
mod armoured;
mod aside;
mod body;
mod cleanse;
mod coded;
mod contents;
mod decision;
mod depth;
mod familiar;
mod fields;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod glance;
mod head;
mod held;
mod hold;
mod inspector;
mod joined;
mod judge;
mod ledger;
mod look;
mod packed;
mod percent;
mod reading;
mod resting;
mod signed;
mod spots;
mod text;
mod threads;

pub use crate::policy::RuleHit;
pub use decision::{Coverage, Decision, Found, Part, Place, Reason};
pub use familiar::Familiar;
pub use held::{HeldBytes, Reservation};
pub use inspector::Inspector;
pub use look::{Look, Seen};
pub use threads::Threads;

use std::sync::Arc;

use crate::decode::Searches;
use crate::detect::{DetectorId, Matcher, first_run, kinds};
use crate::fingerprint::FingerprintKey;
use crate::policy::{Action, Board, Budgets, Interceptions, Policy};

/// The searches of this machine.
pub(crate) const SEARCHES: Searches = Searches { runs: first_run, kinds };

/// What one flow is judged under; swapped as a whole on reload.
#[derive(Debug)]
pub struct Engine {
    pub matcher: Arc<Matcher>,
    pub policy: Arc<Policy>,
    /// Which tunnels are opened; beside the policy, so that no flow is judged by parts of two.
    pub interceptions: Arc<Interceptions>,
    pub key: FingerprintKey,
    /// Most bytes of a message that wait for its decision.
    pub hold: usize,
    /// What is done with bodies that cannot be read: `Block` or `Allow`.
    pub undecodable: Action,
    /// What rules with a window count in, together.
    pub budgets: Arc<dyn Budgets>,
    /// What is laid over the policy for a time; the same one whatever is reloaded.
    pub overlays: Arc<Board>,
    /// Bytes that all flows together may still hold.
    pub held: Arc<HeldBytes>,
}

impl Engine {
    /// Whether rules or overlays count what `other` finds and not what `first` does.
    fn tells_apart(&self, first: DetectorId, other: DetectorId) -> bool {
        let detector = |id| self.matcher.detector(id);
        self.policy.tells_apart(first, other) || self.overlays.tells_apart(detector(first), detector(other))
    }
}

/// Runs a step of a look, of which one message may need many: whoever calls can let other work go on meanwhile.
pub type Steps = fn(&mut dyn FnMut());

/// What the proxy does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Bring more.
    Wait,
    /// [`Inspector::next_released`] has bytes, or the message is over.
    Release,
    /// Nothing more leaves; [`Inspector::decision`] says why.
    Stop,
}

/// A head as the inspector sees it.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Path and query of a request; `None` for responses.
    pub target: Option<&'a str>,
    /// Field names in lower case, values as they came.
    pub fields: &'a [(&'a str, &'a [u8])],
    /// `Content-Length`, when stated; lets a message be known to fit hold, and guards its last byte.
    pub length: Option<u64>,
    /// `Content-Encoding` values joined by commas, when present.
    pub coding: Option<&'a str>,
    /// A declared stream of events: released to the settled offset as it comes, up to the last byte.
    pub events: bool,
}

/// A same-length replacement in a head. Applied by the proxy before the head leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadEdit {
    /// `None`: the target; else the index into [`Head::fields`].
    pub field: Option<usize>,
    pub start: usize,
    pub replacement: Vec<u8>,
}

impl HeadEdit {
    /// What it keeps of the bytes that came, an earlier one of the same field may hide.
    fn deepen(&mut self, came: &[u8], earlier: &HeadEdit) {
        if self.field != earlier.field {
            return;
        }
        for (index, (byte, came)) in self.replacement.iter_mut().zip(came).enumerate() {
            let place = (self.start + index).checked_sub(earlier.start);
            if let Some(hidden) = place.and_then(|place| earlier.replacement.get(place))
                && byte == came
            {
                *byte = *hidden;
            }
        }
    }
}

#[cfg(test)]
mod tests;
