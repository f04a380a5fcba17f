//! How much may leave over time: accounts of distinct values and of bytes that messages share, behind one trait.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::store::{Store, StoreError};
use super::{Message, Per};
use crate::fingerprint::{Fingerprint, FingerprintKey};

/// A value as accounts know it: a keyed hash under a key of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(pub u64);

/// One rule's count for one client, tenant or destination; names are known as keyed hashes only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Account {
    pub(super) tenant: u64,
    pub(super) id: u128,
}

/// What a rule asks of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    pub at_least: u64,
    pub window_ms: u64,
}

/// How an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Different values, or bytes, within the window, with what is on its way.
    Counts(u64),
    /// There is no room to tell: to be taken for a threshold that is met.
    Full,
}

impl Standing {
    #[must_use]
    pub fn meets(self, at_least: u64) -> bool {
        match self {
            Standing::Counts(count) => count >= at_least,
            Standing::Full => true,
        }
    }
}

/// Where windows are counted. A message reserves what it holds, so that two of them cannot both slip below a
/// threshold, and says later what of it left: only that stays.
pub trait Budgets: fmt::Debug + Send + Sync {
    fn account(&self, tenant: &str, rule: &str, subject: &str) -> Account;

    fn value(&self, fingerprint: Fingerprint) -> Value;

    /// A message holds `value`; how the account stands with it.
    fn reserve(&self, account: Account, terms: Terms, value: Value) -> Standing;

    /// The message lets go of `value`, which has `left`, or did not.
    fn release(&self, account: Account, terms: Terms, value: Value, left: bool);

    /// A message holds `bytes` more (fewer when it lets go of them).
    fn reserve_bytes(&self, account: Account, terms: Terms, bytes: u64) -> Standing;

    /// The message lets go of `held` bytes, of which `left` have left.
    fn release_bytes(&self, account: Account, terms: Terms, held: u64, left: u64);
}

/// Tells the time, in milliseconds since the Unix epoch or any other moment.
pub type Clock = Box<dyn Fn() -> u64 + Send + Sync>;

/// Accounts in this process, bounded in memory.
pub struct LocalBudgets {
    key: FingerprintKey,
    clock: Clock,
    /// What time it is for other processes, if `clock` does not say that.
    calendar: Option<Clock>,
    store: Mutex<Store>,
}

impl fmt::Debug for LocalBudgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalBudgets").finish_non_exhaustive()
    }
}

impl LocalBudgets {
    /// `room`: most bytes that all accounts may take. The key must outlive every window: under another one, what was
    /// counted before is not recognised.
    #[must_use]
    pub fn new(key: FingerprintKey, room: usize, clock: Clock) -> LocalBudgets {
        LocalBudgets { key, clock, calendar: None, store: Mutex::new(Store::new(room)) }
    }

    /// Time in snapshots is told by `calendar`, which may be set at any moment: windows are counted by the other clock,
    /// and what was counted under a wrong date counts neither longer nor shorter.
    #[must_use]
    pub fn dated_by(self, calendar: Clock) -> LocalBudgets {
        LocalBudgets { calendar: Some(calendar), ..self }
    }

    /// Tenants that share the room in equal parts.
    pub fn share_among(&self, tenants: usize) {
        self.with(|store, _| store.share_among(tenants));
    }

    /// Everything that has left, as bytes for [`LocalBudgets::restore`]; `None` when nothing changed since the last
    /// time.
    #[must_use]
    pub fn snapshot(&self) -> Option<Vec<u8>> {
        self.with(|store, now| store.encode(now, self.date(now)))
    }

    /// Takes over what an earlier process wrote.
    pub fn restore(&self, bytes: &[u8]) -> Result<(), StoreError> {
        self.with(|store, now| store.decode(bytes, now, self.date(now)))
    }

    /// Bytes that accounts take, and how often one could not be kept.
    #[must_use]
    pub fn usage(&self) -> (usize, u64) {
        self.with(|store, _| store.usage())
    }

    fn with<T>(&self, work: impl FnOnce(&mut Store, u64) -> T) -> T {
        let now = (self.clock)();
        // A panic inside leaves counts that are at worst too high for a while.
        work(&mut self.store.lock().unwrap_or_else(PoisonError::into_inner), now)
    }

    fn date(&self, now: u64) -> u64 {
        self.calendar.as_ref().map_or(now, |calendar| calendar())
    }

    fn hash(&self, family: &str, text: &[u8]) -> u128 {
        u128::from_be_bytes(*self.key.of(family, text).as_bytes())
    }
}

/// The half of a keyed hash that is kept.
fn half(hash: u128) -> u64 {
    u64::try_from(hash >> 64).unwrap_or_default()
}

impl Budgets for LocalBudgets {
    fn account(&self, tenant: &str, rule: &str, subject: &str) -> Account {
        let name = [tenant, rule, subject].join("\0");
        Account {
            tenant: half(self.hash("budget.tenant", tenant.as_bytes())),
            id: self.hash("budget.account", name.as_bytes()),
        }
    }

    fn value(&self, fingerprint: Fingerprint) -> Value {
        Value(half(self.hash("budget.value", fingerprint.as_bytes())))
    }

    fn reserve(&self, account: Account, terms: Terms, value: Value) -> Standing {
        self.with(|store, now| store.reserve(account, terms, value, now))
    }

    fn release(&self, account: Account, terms: Terms, value: Value, left: bool) {
        self.with(|store, now| store.release(account, terms, value, left, now));
    }

    fn reserve_bytes(&self, account: Account, terms: Terms, bytes: u64) -> Standing {
        self.with(|store, now| store.reserve_bytes(account, terms, bytes, now))
    }

    fn release_bytes(&self, account: Account, terms: Terms, held: u64, left: u64) {
        self.with(|store, now| store.release_bytes(account, terms, held, left, now));
    }
}

/// Whom a rule counts for in this message. An IPv6 client stands for its /64, and names that are only claimed all
/// stand for one: claiming another earns no fresh account.
pub(super) fn subject(per: Per, message: &Message) -> String {
    match per {
        Per::Flow | Per::Tenant => String::new(),
        Per::Client => match &message.identity {
            Some(identity) => format!("identity {identity}"),
            None => format!("address {}", message.client.key()),
        },
        Per::Destination if message.proven => message.destination.host.to_string(),
        Per::Destination => "unproven".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    const DAY_MS: u64 = 86_400_000;
    const HOUR: Terms = Terms { at_least: 10, window_ms: 3_600_000 };

    /// A process that began at `began`, by a calendar that is set as the test likes.
    struct Process {
        budgets: LocalBudgets,
        steady: Arc<AtomicU64>,
        calendar: Arc<AtomicU64>,
    }

    impl Process {
        fn begin(began: u64) -> Process {
            let (steady, calendar) = (Arc::new(AtomicU64::new(began)), Arc::new(AtomicU64::new(began)));
            let clock = |time: &Arc<AtomicU64>| -> Clock {
                let time = Arc::clone(time);
                Box::new(move || time.load(Ordering::Relaxed))
            };
            let budgets = LocalBudgets::new(FingerprintKey::new(&[7; 32]), 1 << 20, clock(&steady));
            Process { budgets: budgets.dated_by(clock(&calendar)), steady, calendar }
        }

        fn next(&self, began: u64) -> Process {
            let next = Process::begin(began);
            next.budgets.restore(&self.budgets.snapshot().unwrap()).unwrap();
            next
        }

        fn wait(&self, ms: u64) {
            self.steady.fetch_add(ms, Ordering::Relaxed);
            self.calendar.fetch_add(ms, Ordering::Relaxed);
        }

        /// Values that count beside one that does not leave.
        fn others(&self) -> u64 {
            let account = self.budgets.account("t", "r", "c");
            let Standing::Counts(count) = self.budgets.reserve(account, HOUR, Value(0)) else { panic!() };
            self.budgets.release(account, HOUR, Value(0), false);
            count - 1
        }

        /// Bytes that count.
        fn bytes(&self) -> u64 {
            let account = self.budgets.account("t", "b", "c");
            let Standing::Counts(count) = self.budgets.reserve_bytes(account, HOUR, 0) else { panic!() };
            count
        }

        fn leaves(&self, value: u64) {
            let (values, bytes) = (self.budgets.account("t", "r", "c"), self.budgets.account("t", "b", "c"));
            self.budgets.reserve(values, HOUR, Value(value));
            self.budgets.release(values, HOUR, Value(value), true);
            self.budgets.reserve_bytes(bytes, HOUR, 100);
            self.budgets.release_bytes(bytes, HOUR, 100, 100);
        }
    }

    #[test]
    fn a_clock_that_was_ahead_keeps_no_window_full_in_this_process_or_the_next() {
        let began = 1_000 * DAY_MS;
        let process = Process::begin(began);
        process.leaves(1);
        process.calendar.fetch_add(10 * DAY_MS, Ordering::Relaxed);
        process.leaves(2);
        let wrong = process.next(began + 10 * DAY_MS);
        assert_eq!((wrong.others(), wrong.bytes()), (2, 200));
        wrong.leaves(3);
        // Set right between the end of one process and the beginning of another.
        let right = wrong.next(began);
        assert_eq!((right.others(), right.bytes()), (3, 300), "a clock set back forgets nothing");
        right.wait(HOUR.window_ms - 1);
        assert_eq!((right.others(), right.bytes()), (3, 300));
        right.wait(HOUR.window_ms / 60 + 1);
        assert_eq!((right.others(), right.bytes()), (0, 0));
        // And under way.
        process.calendar.fetch_sub(10 * DAY_MS, Ordering::Relaxed);
        process.leaves(4);
        assert_eq!((process.others(), process.bytes()), (3, 300));
        process.wait(HOUR.window_ms + HOUR.window_ms / 60);
        assert_eq!((process.others(), process.bytes()), (0, 0));
    }

    #[test]
    fn a_clock_set_back_and_right_again_forgets_nothing() {
        let began = 1_000 * DAY_MS;
        let process = Process::begin(began);
        process.leaves(1);
        process.calendar.fetch_sub(10 * DAY_MS, Ordering::Relaxed);
        process.leaves(2);
        process.calendar.fetch_add(10 * DAY_MS, Ordering::Relaxed);
        process.wait(60_000);
        assert_eq!((process.others(), process.bytes()), (2, 200));
        let next = process.next(began + 60_000);
        assert_eq!((next.others(), next.bytes()), (2, 200));
        next.wait(HOUR.window_ms - 60_000);
        assert_eq!(next.others(), 0);
    }
}
