//! All accounts of a process: bounded in memory, tenant by tenant, and written down for the next one.

use std::collections::HashMap;
use std::fmt;

use super::budget::{Account, Standing, Terms, Value};
use super::volume::Volume;
use super::window::Window;

/// Time between two searches for accounts that have run empty, in milliseconds.
const SWEEP_MS: u64 = 1_000;
/// What two clocks may differ by though neither was set: they are read one after the other.
const SAME_MS: u64 = 1_000;
const MAGIC: &[u8; 16] = b"tidegate.budget1";

#[derive(Debug)]
enum Entry {
    Values(Window),
    Bytes(Volume),
}

impl Entry {
    fn bytes(&self) -> usize {
        match self {
            Entry::Values(window) => window.bytes(),
            Entry::Bytes(volume) => volume.bytes(),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Entry::Values(window) => window.is_empty(),
            Entry::Bytes(volume) => volume.is_empty(),
        }
    }

    fn age(&mut self, now: u64) {
        match self {
            Entry::Values(window) => window.age(now),
            Entry::Bytes(volume) => volume.expire(volume.terms(), now),
        }
    }
}

/// What one tenant takes.
#[derive(Debug, Default)]
struct Share {
    bytes: usize,
    swept: u64,
}

#[derive(Debug)]
pub(super) struct Store {
    entries: HashMap<Account, Entry>,
    shares: HashMap<u64, Share>,
    room: usize,
    tenants: usize,
    /// Times that something could not be kept.
    refused: u64,
    changed: bool,
}

/// Why written accounts cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// It is something else, or another version's.
    Format,
    Truncated,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StoreError::Format => "is not a snapshot of budgets that this version reads",
            StoreError::Truncated => "ends in the middle",
        })
    }
}

impl std::error::Error for StoreError {}

impl Store {
    pub(super) fn new(room: usize) -> Store {
        Store {
            entries: HashMap::new(),
            shares: HashMap::new(),
            room,
            tenants: 1,
            refused: 0,
            changed: false,
        }
    }

    pub(super) fn share_among(&mut self, tenants: usize) {
        self.tenants = tenants.max(1);
    }

    pub(super) fn usage(&mut self) -> (usize, u64) {
        (self.shares.values().map(|share| share.bytes).sum(), self.refused)
    }

    pub(super) fn reserve(&mut self, account: Account, terms: Terms, value: Value, now: u64) -> Standing {
        let known = matches!(self.entries.get(&account), Some(Entry::Values(window)) if window.holds(value));
        if !known && !self.has_room(account.tenant, now) {
            self.refused += 1;
            return Standing::Full;
        }
        self.change(
            account,
            || Entry::Values(Window::default()),
            |entry| match entry {
                Entry::Values(window) => {
                    window.reserve(value, terms, now);
                    Standing::Counts(window.count())
                }
                // The rule counted bytes until it was changed.
                Entry::Bytes(_) => Standing::Full,
            },
        )
    }

    pub(super) fn release(&mut self, account: Account, terms: Terms, value: Value, left: bool, now: u64) {
        self.changed |= left;
        self.change(
            account,
            || Entry::Values(Window::default()),
            |entry| {
                if let Entry::Values(window) = entry {
                    if left {
                        window.settle(value, terms, now);
                    }
                    window.release(value);
                }
            },
        );
        self.drop_empty(account);
    }

    pub(super) fn reserve_bytes(&mut self, account: Account, terms: Terms, bytes: u64, now: u64) -> Standing {
        if !self.entries.contains_key(&account) && !self.has_room(account.tenant, now) {
            self.refused += 1;
            return Standing::Full;
        }
        self.change(
            account,
            || Entry::Bytes(Volume::default()),
            |entry| match entry {
                Entry::Bytes(volume) => {
                    volume.reserve(bytes, terms, now);
                    Standing::Counts(volume.count())
                }
                Entry::Values(_) => Standing::Full,
            },
        )
    }

    pub(super) fn release_bytes(&mut self, account: Account, terms: Terms, held: u64, left: u64, now: u64) {
        self.changed |= left > 0;
        self.change(
            account,
            || Entry::Bytes(Volume::default()),
            |entry| {
                if let Entry::Bytes(volume) = entry {
                    volume.release(held, left, terms, now);
                }
            },
        );
        self.drop_empty(account);
    }

    /// Whether a tenant may take more. Nothing that counts is ever thrown out for it.
    fn has_room(&mut self, tenant: u64, now: u64) -> bool {
        let most = self.room / self.tenants;
        let share = self.shares.entry(tenant).or_default();
        if share.bytes < most {
            return true;
        }
        if share.swept.saturating_add(SWEEP_MS) > now {
            return false;
        }
        share.swept = now;
        self.sweep(tenant, now);
        self.shares.get(&tenant).is_none_or(|share| share.bytes < most)
    }

    fn sweep(&mut self, tenant: u64, now: u64) {
        let mut bytes = 0;
        self.entries.retain(|account, entry| {
            if account.tenant != tenant {
                return true;
            }
            entry.age(now);
            let stays = !entry.is_empty();
            bytes += if stays { entry.bytes() } else { 0 };
            stays
        });
        self.shares.entry(tenant).or_default().bytes = bytes;
    }

    fn change<T>(
        &mut self,
        account: Account,
        fresh: impl FnOnce() -> Entry,
        change: impl FnOnce(&mut Entry) -> T,
    ) -> T {
        let mut before = 0;
        let entry = match self.entries.entry(account) {
            std::collections::hash_map::Entry::Occupied(entry) => {
                before = entry.get().bytes();
                entry.into_mut()
            }
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(fresh()),
        };
        let result = change(entry);
        let after = entry.bytes();
        let share = self.shares.entry(account.tenant).or_default();
        share.bytes = (share.bytes + after).saturating_sub(before);
        result
    }

    fn drop_empty(&mut self, account: Account) {
        if self.entries.get(&account).is_some_and(Entry::is_empty)
            && let Some(entry) = self.entries.remove(&account)
            && let Some(share) = self.shares.get_mut(&account.tenant)
        {
            share.bytes = share.bytes.saturating_sub(entry.bytes());
        }
    }

    /// Everything that has left and still counts, if anything changed since the last call. `date` is what others call
    /// `now`.
    pub(super) fn encode(&mut self, now: u64, date: u64) -> Option<Vec<u8>> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        let tenants: Vec<u64> = self.shares.keys().copied().collect();
        tenants.into_iter().for_each(|tenant| self.sweep(tenant, now));
        let mut out = MAGIC.to_vec();
        for (account, entry) in &self.entries {
            let (kind, terms, pairs): (u8, Terms, Vec<(u64, u64)>) = match entry {
                Entry::Values(window) => {
                    (0, window.terms(), window.settled().map(|(value, at)| (value.0, at)).collect())
                }
                Entry::Bytes(volume) => {
                    (1, volume.terms(), volume.settled().map(|(at, bytes)| (bytes, at)).collect())
                }
            };
            out.push(kind);
            out.extend_from_slice(&account.tenant.to_be_bytes());
            out.extend_from_slice(&account.id.to_be_bytes());
            for number in [terms.at_least, terms.window_ms, pairs.len() as u64] {
                out.extend_from_slice(&number.to_be_bytes());
            }
            for (what, at) in pairs {
                out.extend_from_slice(&what.to_be_bytes());
                out.extend_from_slice(&moved(at, now, date).to_be_bytes());
            }
        }
        Some(out)
    }

    /// Takes over what was written, beside what is there. What lies in the future was written under a clock that was
    /// ahead, and counts from now on.
    pub(super) fn decode(&mut self, bytes: &[u8], now: u64, date: u64) -> Result<(), StoreError> {
        let mut rest = bytes.strip_prefix(MAGIC).ok_or(StoreError::Format)?;
        while let Some((&kind, after)) = rest.split_first() {
            rest = after;
            let tenant = number(&mut rest)?;
            let id = u128::from(number(&mut rest)?) << 64 | u128::from(number(&mut rest)?);
            let terms = Terms { at_least: number(&mut rest)?, window_ms: number(&mut rest)? };
            let (account, pairs) = (Account { tenant, id }, number(&mut rest)?);
            for _ in 0..pairs {
                let (what, at) = (number(&mut rest)?, moved(number(&mut rest)?, date, now).min(now));
                match kind {
                    0 => {
                        self.change(
                            account,
                            || Entry::Values(Window::default()),
                            |entry| {
                                if let Entry::Values(window) = entry {
                                    window.settle(Value(what), terms, at);
                                }
                            },
                        );
                    }
                    1 => {
                        self.change(
                            account,
                            || Entry::Bytes(Volume::default()),
                            |entry| {
                                if let Entry::Bytes(volume) = entry {
                                    volume.expire(terms, 0);
                                    volume.add(at, what);
                                }
                            },
                        );
                    }
                    _ => return Err(StoreError::Format),
                }
            }
        }
        let tenants: Vec<u64> = self.shares.keys().copied().collect();
        tenants.into_iter().for_each(|tenant| self.sweep(tenant, now));
        Ok(())
    }
}

/// A time by one clock as the other has it, where each shows what it shows now.
fn moved(at: u64, from: u64, to: u64) -> u64 {
    match from.abs_diff(to) {
        0..SAME_MS => at,
        ahead if to > from => at.saturating_add(ahead),
        behind => at.saturating_sub(behind),
    }
}

fn number(rest: &mut &[u8]) -> Result<u64, StoreError> {
    let (number, after) = rest.split_first_chunk().ok_or(StoreError::Truncated)?;
    *rest = after;
    Ok(u64::from_be_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Terms = Terms { at_least: 1_000, window_ms: 3_600_000 };

    fn account(tenant: u64, id: u128) -> Account {
        Account { tenant, id }
    }

    fn leave(store: &mut Store, account: Account, value: u64, now: u64) -> Standing {
        let standing = store.reserve(account, HOUR, Value(value), now);
        if standing != Standing::Full {
            store.release(account, HOUR, Value(value), true, now);
        }
        standing
    }

    #[test]
    fn a_full_store_says_so_and_forgets_nothing_that_counts() {
        let mut store = Store::new(64 * 1024);
        let mut kept = 0;
        while leave(&mut store, account(1, kept), 7, 0) != Standing::Full {
            kept += 1;
        }
        assert!(kept > 100, "{kept}");
        assert_eq!(store.usage().1, 1);
        // Known values still count, and time makes room.
        assert_eq!(leave(&mut store, account(1, 0), 7, 1), Standing::Counts(1));
        assert_eq!(leave(&mut store, account(1, 0), 8, 3_599_999), Standing::Full);
        assert_eq!(leave(&mut store, account(1, 5), 8, 3_602_000), Standing::Counts(1));
    }

    #[test]
    fn one_tenants_accounts_crowd_out_nobody_elses() {
        let mut store = Store::new(64 * 1024);
        store.share_among(2);
        let mut id = 0;
        while leave(&mut store, account(1, id), 7, 0) != Standing::Full {
            id += 1;
        }
        assert_eq!(leave(&mut store, account(2, 1), 7, 0), Standing::Counts(1));
    }

    #[test]
    fn what_left_outlives_the_process_and_what_was_under_way_does_not() {
        let mut store = Store::new(1 << 20);
        for value in 1..=300 {
            leave(&mut store, account(1, 1), value, value * 10);
        }
        store.reserve(account(1, 1), HOUR, Value(999), 5_000);
        store.reserve_bytes(account(1, 2), HOUR, 500, 5_000);
        store.release_bytes(account(1, 2), HOUR, 500, 400, 5_000);
        let bytes = store.encode(5_000, 5_000).unwrap();
        assert_eq!(store.encode(5_000, 5_000), None, "nothing has changed");

        let mut next = Store::new(1 << 20);
        next.decode(&bytes, 6_000, 6_000).unwrap();
        assert_eq!(leave(&mut next, account(1, 1), 1, 6_000), Standing::Counts(300));
        assert_eq!(next.reserve_bytes(account(1, 2), HOUR, 1, 6_000), Standing::Counts(401));
        let mut late = Store::new(1 << 20);
        late.decode(&bytes, 3_601_000, 3_601_000).unwrap();
        assert_eq!(late.reserve(account(1, 1), HOUR, Value(999), 3_601_000), Standing::Counts(201));

        assert_eq!(next.decode(&bytes[..bytes.len() - 3], 0, 0), Err(StoreError::Truncated));
        assert_eq!(next.decode(b"something else", 0, 0), Err(StoreError::Format));
    }

    #[test]
    fn ten_thousand_clients_at_a_hundred_destinations_fit_their_room() {
        let room = crate::limits::BUDGET_BYTES;
        let mut store = Store::new(room);
        for client in 0..10_000 {
            for destination in 0..100 {
                let standing = leave(&mut store, account(1, client), destination + 1, 10);
                assert_eq!(standing, Standing::Counts(destination + 1));
            }
        }
        assert!(store.usage().0 < room, "{}", store.usage().0);
    }
}
