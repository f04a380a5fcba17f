//! What was decided of one message, and on what grounds.

use std::sync::Arc;

use crate::detect::Confidence;
use crate::fingerprint::Fingerprint;
use crate::policy::{Action, Disclosure, RuleHit};

/// Where in a message a value stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    Target,
    Header,
    Body,
    Trailer,
}

impl Part {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Part::Target => "target",
            Part::Header => "header",
            Part::Body => "body",
            Part::Trailer => "trailer",
        }
    }
}

/// What was found of one identifier in one message.
#[derive(Clone, Debug)]
pub struct Found {
    pub identifier: Arc<str>,
    pub confidence: Confidence,
    /// Every hit.
    pub matched: u64,
    /// Different values.
    pub distinct: u64,
    /// Hits that left unedited.
    pub forwarded: u64,
    /// Hits that were masked or never left.
    pub withheld: u64,
    /// Hits exempted by an `allow` rule.
    pub suppressed: u64,
    pub at: Vec<Place>,
    pub fingerprints: Vec<Fingerprint>,
    /// Rules that fired and name it.
    pub rules: Vec<Arc<str>>,
}

/// One place of a finding, fit for a record: no client-supplied text that was not cleansed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub part: Part,
    /// Header name, query key; cleansed.
    pub path: Option<String>,
    /// Codings and carriers around it, outermost first.
    pub carrier: Vec<&'static str>,
    pub keyword: bool,
    pub validators: Vec<String>,
}

/// Why a message was refused or judged without a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The body cannot be read; the word says how: one of [`crate::decode::DecodeError`], or `partial`.
    Undecodable(&'static str),
    /// The edit that a redact rule asks for cannot be made here; the word says why.
    CannotRedact(&'static str),
    /// No memory could be reserved for what must wait.
    HeldBytes,
    /// Inspection failed; the flow is stopped.
    InspectorFailed,
    /// The destination is in no group and `[egress] unlisted` refuses it.
    Unlisted,
    /// An overlay stops it.
    Overlay,
}

impl Reason {
    /// Every word that a record's reason may begin with.
    pub const WORDS: [&str; 6] =
        ["undecodable", "cannot_redact", "held_bytes", "inspector_failed", "unlisted", "overlay"];

    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Reason::Undecodable(_) => "undecodable",
            Reason::CannotRedact(_) => "cannot_redact",
            Reason::HeldBytes => "held_bytes",
            Reason::InspectorFailed => "inspector_failed",
            Reason::Unlisted => "unlisted",
            Reason::Overlay => "overlay",
        }
    }

    /// The word that says more, where there is one.
    #[must_use]
    pub const fn detail(&self) -> Option<&'static str> {
        match self {
            Reason::Undecodable(word) | Reason::CannotRedact(word) => Some(word),
            Reason::HeldBytes | Reason::InspectorFailed | Reason::Unlisted | Reason::Overlay => None,
        }
    }
}

/// The coverage ledger of one message body, in wire bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    pub seen: u64,
    pub inspected: u64,
    pub uninspected: Vec<(&'static str, u64)>,
    pub forwarded_before_decision: u64,
    pub forwarded: u64,
}

impl Coverage {
    /// Of two bodies, one after the other.
    pub(crate) fn and(mut self, next: Coverage) -> Coverage {
        self.seen += next.seen;
        self.inspected += next.inspected;
        self.forwarded_before_decision += next.forwarded_before_decision;
        self.forwarded += next.forwarded;
        for (reason, bytes) in next.uninspected {
            match self.uninspected.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, sum)) => *sum += bytes,
                None => self.uninspected.push((reason, bytes)),
            }
        }
        self
    }
}

/// What was decided of one message, and on what grounds. Complete at the end of the message.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What was done.
    pub action: Action,
    /// What would have been done, were it not for `observe`.
    pub would: Option<Action>,
    pub reason: Option<Reason>,
    pub rules: Vec<RuleHit>,
    pub found: Vec<Found>,
    pub disclosure: Disclosure,
    pub coverage: Coverage,
    /// Values masked in what leaves.
    pub edits: u64,
}

impl Decision {
    /// The same decision of a message that was free to leave and went nowhere after all (its upstream could not be
    /// had): nothing of it was disclosed.
    #[must_use]
    pub fn undelivered(mut self) -> Decision {
        let mut any = false;
        for found in &mut self.found {
            found.withheld += std::mem::take(&mut found.forwarded);
            any |= found.matched > 0;
        }
        self.disclosure = if any { Disclosure::Prevented } else { Disclosure::None };
        self.coverage.forwarded = 0;
        self.coverage.forwarded_before_decision = 0;
        self.edits = 0;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_nowhere_disclosed_nothing() {
        let found = Found {
            identifier: "payment.pan".into(),
            confidence: Confidence::High,
            matched: 3,
            distinct: 2,
            forwarded: 2,
            withheld: 1,
            suppressed: 0,
            at: Vec::new(),
            fingerprints: Vec::new(),
            rules: Vec::new(),
        };
        let coverage = Coverage { seen: 10, inspected: 10, forwarded: 10, ..Coverage::default() };
        let decision = Decision {
            action: Action::Alert,
            would: None,
            reason: None,
            rules: Vec::new(),
            found: vec![found],
            disclosure: Disclosure::Partial,
            coverage,
            edits: 1,
        };
        let decision = decision.undelivered();
        assert_eq!((decision.found[0].forwarded, decision.found[0].withheld), (0, 3));
        assert_eq!(decision.disclosure, Disclosure::Prevented);
        assert_eq!((decision.coverage.seen, decision.coverage.forwarded, decision.edits), (10, 0, 0));
        let clean = Decision { found: Vec::new(), disclosure: Disclosure::None, ..decision };
        assert_eq!(clean.undelivered().disclosure, Disclosure::None);
    }
}
