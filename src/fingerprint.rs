//! A keyed hash of a value: two values can be compared and counted, never read back.

#[path = "fingerprint/jar.rs"]
mod jar;

use std::fmt;
use std::sync::Arc;

use ring::hmac;

pub use jar::Jar;

/// HMAC-SHA-256 of (identifier, normalised value), cut to 128 bits (RFC 2104, section 5).
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// The first 128 bits of a keyed hash.
    #[must_use]
    pub fn from_tag(tag: &[u8]) -> Fingerprint {
        Fingerprint(tag.first_chunk().copied().unwrap_or_default())
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is hashed is put together where it is no longer than this, as it nearly always is.
const AT_ONCE: usize = 128;

/// The deployment's secret key for fingerprints. Without it a fingerprint tells nothing, not even by trying
/// every card number (PCI DSS 4.0.1, 3.5.1.1).
#[derive(Clone)]
pub struct FingerprintKey(hmac::Key, Option<Arc<Jar>>);

impl FingerprintKey {
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        FingerprintKey(hmac::Key::new(hmac::HMAC_SHA256, secret), None)
    }

    /// The same key, beside which the values that a jar wants are kept for a moment.
    #[must_use]
    pub fn with_jar(self, jar: Arc<Jar>) -> Self {
        FingerprintKey(self.0, Some(jar))
    }

    /// Whether values are kept beside it.
    #[must_use]
    pub fn keeps_values(&self) -> bool {
        self.1.is_some()
    }

    /// The fingerprint of `normalised` under `identifier`; the identifier is part of what is hashed, so that
    /// equal digits of two identifiers do not compare equal.
    #[must_use]
    pub fn of(&self, identifier: &str, normalised: &[u8]) -> Fingerprint {
        let fingerprint = self.hash(identifier, normalised);
        if let Some(jar) = &self.1 {
            jar.offer(identifier, fingerprint, normalised);
        }
        fingerprint
    }

    fn hash(&self, identifier: &str, normalised: &[u8]) -> Fingerprint {
        let parts = [&b"tidegate.fingerprint.v1\0"[..], identifier.as_bytes(), b"\0", normalised];
        let mut room = [0; AT_ONCE];
        let mut length = 0;
        for part in parts {
            if let Some(slot) = room.get_mut(length..length + part.len()) {
                slot.copy_from_slice(part);
            }
            length += part.len();
        }
        if let Some(whole) = room.get(..length) {
            return Fingerprint::from_tag(hmac::sign(&self.0, whole).as_ref());
        }
        let mut context = hmac::Context::with_key(&self.0);
        parts.into_iter().for_each(|part| context.update(part));
        Fingerprint::from_tag(context.sign().as_ref())
    }
}

impl FingerprintKey {
    /// Bytes for the token of a value, known by its fingerprint. Another domain than fingerprints: a token tells nothing
    /// to whoever has those.
    #[must_use]
    pub fn token(&self, tenant: &str, value: &Fingerprint, round: u8) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"tidegate.token.v1\0");
        context.update(tenant.as_bytes());
        context.update(b"\0");
        context.update(value.as_bytes());
        context.update(&[round]);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.sign().as_ref());
        bytes
    }

    /// The key under which a tenant's values are encrypted in their own form.
    #[must_use]
    pub fn form(&self, tenant: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"tidegate.form.v1\0");
        context.update(tenant.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.sign().as_ref());
        bytes
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_only_under_one_key_and_identifier() {
        let key = FingerprintKey::new(&[7; 32]);
        let other = FingerprintKey::new(&[8; 32]);
        assert_eq!(key.of("a", b"1"), key.of("a", b"1"));
        assert_ne!(key.of("a", b"1"), key.of("b", b"1"));
        assert_ne!(key.of("a", b"1"), key.of("a", b"2"));
        assert_ne!(key.of("a", b"1"), other.of("a", b"1"));
        assert_eq!(key.of("a", b"1").to_string().len(), 32);
        assert_eq!(format!("{key:?}"), "FingerprintKey(..)");
    }
}
