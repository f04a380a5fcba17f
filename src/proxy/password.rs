//! Passwords of clients as they are kept: hashed so that trying one takes its time.

use std::fmt;
use std::num::NonZeroU32;

use ring::pbkdf2::{self, PBKDF2_HMAC_SHA256};

use crate::audit::{base64, from_base64};
use crate::limits;

/// PBKDF2 (RFC 8018) with HMAC-SHA-256, written in PHC's form: `$pbkdf2-sha256$i=600000$SALT$HASH`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    iterations: NonZeroU32,
    salt: Vec<u8>,
    hash: [u8; 32],
}

const NAME: &str = "pbkdf2-sha256";

impl PasswordHash {
    /// Hashes a password. The salt is the caller's: random, and used once.
    #[must_use]
    pub fn make(password: &[u8], salt: &[u8], iterations: u32) -> PasswordHash {
        let iterations = NonZeroU32::new(iterations).unwrap_or(NonZeroU32::MIN);
        let mut hash = [0; 32];
        pbkdf2::derive(PBKDF2_HMAC_SHA256, iterations, salt, password, &mut hash);
        PasswordHash { iterations, salt: salt.to_vec(), hash }
    }

    /// Reads what [`fmt::Display`] writes; the message says what is wrong.
    pub fn parse(text: &str) -> Result<PasswordHash, &'static str> {
        const FORM: &str = "not a hashed password";
        let mut parts = text.strip_prefix('$').ok_or(FORM)?.split('$');
        let (Some(NAME), Some(cost), Some(salt), Some(hash), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(FORM);
        };
        let iterations =
            cost.strip_prefix("i=").and_then(|count| count.parse::<NonZeroU32>().ok()).ok_or(FORM)?;
        if iterations.get() > limits::PASSWORD_ITERATIONS_MAX {
            return Err("more iterations than a client could wait for");
        }
        let salt = unpadded(salt).filter(|salt| salt.len() >= 8).ok_or(FORM)?;
        let hash = unpadded(hash).and_then(|hash| hash.try_into().ok()).ok_or(FORM)?;
        Ok(PasswordHash { iterations, salt, hash })
    }

    /// Whether trying one takes too little time to be kept in a file.
    #[must_use]
    pub fn is_cheap(&self) -> bool {
        self.iterations.get() < limits::PASSWORD_ITERATIONS_MIN
    }

    /// Takes as long as it was hashed for, whatever the answer.
    #[must_use]
    pub fn matches(&self, password: &[u8]) -> bool {
        pbkdf2::verify(PBKDF2_HMAC_SHA256, self.iterations, &self.salt, password, &self.hash).is_ok()
    }
}

fn unpadded(text: &str) -> Option<Vec<u8>> {
    let padding = (4 - text.len() % 4) % 4;
    from_base64(&format!("{text}{}", "=".repeat(padding)))
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |bytes: &[u8]| base64(bytes).trim_end_matches('=').to_owned();
        write!(f, "${NAME}$i={}${}${}", self.iterations, plain(&self.salt), plain(&self.hash))
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_comes_back_and_knows_its_password_alone() {
        for length in 8..20 {
            let salt = vec![7; length];
            let hash = PasswordHash::make(b"open sesame", &salt, 3);
            let read = PasswordHash::parse(&hash.to_string()).unwrap();
            assert_eq!(read, hash);
            assert!(read.matches(b"open sesame") && !read.matches(b"open sesam") && !read.matches(b""));
            assert!(read.is_cheap() && !format!("{read:?}").contains("sha"));
        }
    }

    #[test]
    fn what_is_no_hash_is_said_to_be_none() {
        let good = PasswordHash::make(b"x", &[7; 16], limits::PASSWORD_ITERATIONS).to_string();
        assert!(!PasswordHash::parse(&good).unwrap().is_cheap());
        let bad = [
            String::new(),
            "secret".to_owned(),
            good[1..].to_owned(),
            good.replace("sha256", "sha1"),
            good.replace("i=600000", "i=0"),
            good.replace("i=600000", "i=4000000000"),
            good.replace("i=600000", "600000"),
            format!("{good}$"),
            good[..good.len() - 4].to_owned(),
        ];
        for text in bad {
            assert!(PasswordHash::parse(&text).is_err(), "{text}");
        }
    }
}
