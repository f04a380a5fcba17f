//! What was found in one message, and what became of it.

use std::sync::Arc;

use super::decision::{Found, Place};
use crate::detect::{Confidence, DetectorId, Finding, Matcher};
use crate::fingerprint::Fingerprint;
use crate::limits::{FINGERPRINTS_PER_FINDING, FINGERPRINTS_PER_MESSAGE, PLACES_PER_FINDING};
use crate::policy::{Counted, Disclosure};

/// The accounts of one message, one for each identifier found.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    accounts: Vec<Account>,
}

#[derive(Debug)]
struct Account {
    detector: DetectorId,
    confidence: Confidence,
    matched: u64,
    distinct: u64,
    forwarded: u64,
    edited: u64,
    suppressed: u64,
    at: Vec<Place>,
    fingerprints: Vec<Fingerprint>,
}

impl Account {
    fn new(detector: DetectorId) -> Account {
        Account {
            detector,
            confidence: Confidence::Low,
            matched: 0,
            distinct: 0,
            forwarded: 0,
            edited: 0,
            suppressed: 0,
            at: Vec::new(),
            fingerprints: Vec::new(),
        }
    }
}

impl Ledger {
    /// Enters one finding. Its place is made for new values, while there is room.
    pub(super) fn enter(
        &mut self,
        finding: &Finding,
        counted: Counted,
        exempt: bool,
        place: impl FnOnce() -> Place,
    ) {
        self.account(finding.detector, |account| {
            account.confidence = account.confidence.max(finding.confidence);
            account.matched += 1;
            account.suppressed += u64::from(exempt);
            if counted == Counted::New {
                account.distinct += 1;
                if account.fingerprints.len() < FINGERPRINTS_PER_FINDING {
                    account.fingerprints.push(finding.fingerprint);
                }
                if account.at.len() < PLACES_PER_FINDING {
                    let place = place();
                    if !account.at.contains(&place) {
                        account.at.push(place);
                    }
                }
            }
        });
    }

    /// A hit has left as it came.
    pub(super) fn left(&mut self, detector: DetectorId) {
        self.account(detector, |account| account.forwarded += 1);
    }

    /// A hit has been masked.
    pub(super) fn edited(&mut self, detector: DetectorId) {
        self.account(detector, |account| account.edited += 1);
    }

    fn account(&mut self, detector: DetectorId, change: impl FnOnce(&mut Account)) {
        if !self.accounts.iter().any(|account| account.detector == detector) {
            self.accounts.push(Account::new(detector));
        }
        if let Some(account) = self.accounts.iter_mut().find(|account| account.detector == detector) {
            change(account);
        }
    }

    /// Values masked in what has left.
    pub(super) fn edits(&self) -> u64 {
        self.accounts.iter().map(|account| account.edited).sum()
    }

    pub(super) fn disclosure(&self) -> Disclosure {
        let sum = |of: fn(&Account) -> u64| self.accounts.iter().map(of).sum::<u64>();
        let (matched, forwarded, edited) = (sum(|a| a.matched), sum(|a| a.forwarded), sum(|a| a.edited));
        match (matched, forwarded, edited) {
            (0, _, _) => Disclosure::None,
            (_, 0, 0) => Disclosure::Prevented,
            (_, 0, _) => Disclosure::Redacted,
            (matched, forwarded, _) if forwarded < matched => Disclosure::Partial,
            (_, _, _) => Disclosure::Disclosed,
        }
    }

    /// For the record, in pack order; fingerprints only where the decision calls for them.
    pub(super) fn found(
        &self,
        matcher: &Matcher,
        with_fingerprints: bool,
        rules: impl Fn(DetectorId, Confidence) -> Vec<Arc<str>>,
    ) -> Vec<Found> {
        let mut room = if with_fingerprints { FINGERPRINTS_PER_MESSAGE } else { 0 };
        let mut accounts: Vec<&Account> = self.accounts.iter().collect();
        accounts.sort_by_key(|account| account.detector);
        let mut found = Vec::with_capacity(accounts.len());
        for account in accounts {
            let fingerprints: Vec<_> = account.fingerprints.iter().copied().take(room).collect();
            room -= fingerprints.len();
            found.push(Found {
                identifier: Arc::from(matcher.detector(account.detector).id.as_str()),
                confidence: account.confidence,
                matched: account.matched,
                distinct: account.distinct,
                forwarded: account.forwarded,
                withheld: account.matched.saturating_sub(account.forwarded),
                suppressed: account.suppressed,
                at: account.at.clone(),
                fingerprints,
                rules: rules(account.detector, account.confidence),
            });
        }
        found
    }
}
