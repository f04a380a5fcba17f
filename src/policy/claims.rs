//! What one message holds of the accounts that it counts against, until it is known what left.

use std::collections::HashMap;
use std::sync::Arc;

use super::budget::{Account, Budgets, Standing, Terms, Value};
use crate::fingerprint::Fingerprint;
use crate::limits::BUDGET_CLAIMS;

/// Lets go of everything when it is dropped: of what left as left, of the rest as if it had never been.
#[derive(Debug)]
pub(super) struct Claims {
    budgets: Arc<dyn Budgets>,
    values: HashMap<Value, Claim>,
    /// How many of them.
    count: usize,
    bytes: Vec<Volume>,
}

#[derive(Debug, Default)]
struct Claim {
    left: bool,
    accounts: Vec<(Account, Terms)>,
}

#[derive(Debug)]
struct Volume {
    account: Account,
    terms: Terms,
    held: u64,
}

impl Claims {
    pub(super) fn new(budgets: Arc<dyn Budgets>) -> Claims {
        Claims { budgets, values: HashMap::new(), count: 0, bytes: Vec::new() }
    }

    /// How `account` stands with this value in it.
    pub(super) fn reserve(&mut self, account: Account, terms: Terms, fingerprint: Fingerprint) -> Standing {
        let value = self.budgets.value(fingerprint);
        let is_held = |claim: &Claim| claim.accounts.iter().any(|(held, _)| *held == account);
        if self.values.get(&value).is_some_and(is_held) {
            // Asked again for what it has: nothing new.
            return Standing::Counts(0);
        }
        if self.count >= BUDGET_CLAIMS {
            return Standing::Full;
        }
        let standing = self.budgets.reserve(account, terms, value);
        if standing != Standing::Full {
            self.values.entry(value).or_default().accounts.push((account, terms));
            self.count += 1;
        }
        standing
    }

    /// How `account` stands with `bytes` more.
    pub(super) fn reserve_bytes(&mut self, account: Account, terms: Terms, bytes: u64) -> Standing {
        let standing = self.budgets.reserve_bytes(account, terms, bytes);
        if standing != Standing::Full {
            match self.bytes.iter_mut().find(|volume| volume.account == account) {
                Some(volume) => volume.held = volume.held.saturating_add(bytes),
                None => self.bytes.push(Volume { account, terms, held: bytes }),
            }
        }
        standing
    }

    /// A value has left as it came.
    pub(super) fn left(&mut self, fingerprint: Fingerprint) {
        if !self.values.is_empty()
            && let Some(claim) = self.values.get_mut(&self.budgets.value(fingerprint))
        {
            claim.left = true;
        }
    }

    /// Nothing more will leave: lets go of all, `bytes` of the body having left.
    pub(super) fn settle(&mut self, bytes: u64) {
        self.count = 0;
        for (value, claim) in std::mem::take(&mut self.values) {
            for (account, terms) in claim.accounts {
                self.budgets.release(account, terms, value, claim.left);
            }
        }
        for Volume { account, terms, held } in std::mem::take(&mut self.bytes) {
            self.budgets.release_bytes(account, terms, held, bytes);
        }
    }

    /// Nothing of the message left after all.
    pub(super) fn forgo(&mut self) {
        self.values.values_mut().for_each(|claim| claim.left = false);
        self.settle(0);
    }
}

impl Drop for Claims {
    fn drop(&mut self) {
        // Whoever forgot to tell has, at worst, let all of it leave.
        let held = self.bytes.iter().map(|volume| volume.held).max().unwrap_or(0);
        self.settle(held);
    }
}
