//! Values kept for a moment beside their fingerprints, for the one place that may seal them to a key kept elsewhere.
//!
//! Only what the operator named is ever taken in, and nothing at all unless samples are asked for.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use super::Fingerprint;

type Values = HashMap<Fingerprint, Zeroizing<Box<[u8]>>>;

/// Bounded, forgotten soon, and readable by fingerprint alone.
pub struct Jar {
    inner: Mutex<Inner>,
    /// Values kept in one turn, and the longest that is kept.
    most: usize,
    longest: usize,
}

#[derive(Default)]
struct Inner {
    wanted: HashSet<Box<str>>,
    barred: HashSet<Box<str>>,
    /// What came since the last turn, and since the one before.
    young: Values,
    old: Values,
}

impl Jar {
    /// Keeps so many values in one turn at most, and none that is longer.
    #[must_use]
    pub fn new(most: usize, longest: usize) -> Jar {
        Jar { inner: Mutex::default(), most, longest }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing that runs under this lock can leave the jar half changed.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on values of these identifiers are taken in, but never those of the barred ones.
    pub fn want<'a>(
        &self,
        wanted: impl IntoIterator<Item = &'a str>,
        barred: impl IntoIterator<Item = &'a str>,
    ) {
        let barred: HashSet<Box<str>> = barred.into_iter().map(Into::into).collect();
        let wanted = wanted.into_iter().map(Into::into).filter(|id| !barred.contains(id)).collect();
        *self.lock() = Inner { wanted, barred, ..Inner::default() };
    }

    pub(super) fn offer(&self, identifier: &str, fingerprint: Fingerprint, value: &[u8]) {
        let mut inner = self.lock();
        if !inner.wanted.contains(identifier) || value.len() > self.longest {
            return;
        }
        if inner.young.len() >= self.most && !inner.young.contains_key(&fingerprint) {
            inner.turn();
        }
        inner.young.entry(fingerprint).or_insert_with(|| Zeroizing::new(value.into()));
    }

    /// The value behind a fingerprint, as far as it is still known.
    #[must_use]
    pub fn value(&self, fingerprint: &Fingerprint) -> Option<Zeroizing<Vec<u8>>> {
        let inner = self.lock();
        let value = inner.young.get(fingerprint).or_else(|| inner.old.get(fingerprint))?;
        Some(Zeroizing::new(value.to_vec()))
    }

    #[must_use]
    pub fn wants(&self, identifier: &str) -> bool {
        self.lock().wanted.contains(identifier)
    }

    #[must_use]
    pub fn bars(&self, identifier: &str) -> bool {
        self.lock().barred.contains(identifier)
    }

    /// Forgets what has been there for a turn.
    pub fn turn(&self) {
        self.lock().turn();
    }
}

impl Inner {
    fn turn(&mut self) {
        self.old = std::mem::take(&mut self.young);
    }
}

impl fmt::Debug for Jar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jar(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fingerprint::FingerprintKey;

    #[test]
    fn what_is_wanted_is_kept_for_two_turns_and_the_barred_never() {
        let jar = Arc::new(Jar::new(100, 16));
        let key = FingerprintKey::new(&[7; 32]).with_jar(Arc::clone(&jar));
        let early = key.of("payment.pan", b"1");
        assert!(jar.value(&early).is_none(), "nothing is asked for");
        jar.want(["payment.pan", "payment.cvv"], ["payment.cvv"]);
        let (pan, cvv, mail) =
            (key.of("payment.pan", b"1"), key.of("payment.cvv", b"123"), key.of("contact.email", b"a@b"));
        assert_eq!(pan, FingerprintKey::new(&[7; 32]).of("payment.pan", b"1"), "the same with and without");
        assert_eq!(**jar.value(&pan).unwrap(), *b"1");
        assert!(jar.value(&cvv).is_none() && jar.value(&mail).is_none());
        assert!(jar.bars("payment.cvv") && !jar.wants("payment.cvv") && jar.wants("payment.pan"));
        let _ = key.of("payment.pan", &[b'1'; 17]);
        assert_eq!(jar.lock().young.len(), 1);
        jar.turn();
        assert!(jar.value(&pan).is_some());
        jar.turn();
        assert!(jar.value(&pan).is_none());
        assert_eq!(format!("{jar:?}"), "Jar(..)");
    }

    #[test]
    fn it_never_holds_more_than_two_fills() {
        let jar = Arc::new(Jar::new(100, 16));
        let key = FingerprintKey::new(&[7; 32]).with_jar(Arc::clone(&jar));
        jar.want(["a"], []);
        for n in 0..300usize {
            let _ = key.of("a", &n.to_be_bytes());
        }
        let inner = jar.lock();
        assert!(inner.young.len() <= 100usize && inner.old.len() <= 100usize);
        let last = key.0.clone();
        drop(inner);
        let newest = FingerprintKey(last, None).of("a", &299usize.to_be_bytes());
        assert!(jar.value(&newest).is_some());
    }
}
