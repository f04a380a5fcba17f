//! Who a client proves to be, by a name and a password (RFC 7617, in Proxy-Authorization).
//!
//! A password that was right once is known again by a keyed hash of it; any other costs what it was hashed for, a few
//! at a time, and an address that goes on guessing is not listened to for a while.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Instant;

use http::HeaderValue;
use ring::hmac;
use ring::rand::SystemRandom;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::password::PasswordHash;
use crate::audit::from_base64;
use crate::flow::ClientAddr;
use crate::limits;
use crate::policy::{Identity, Policy};

/// Whether clients must say who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authentication {
    #[default]
    None,
    /// By a name and a password.
    Basic,
}

impl Authentication {
    pub const ALL: [Authentication; 2] = [Authentication::None, Authentication::Basic];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Authentication::None => "none",
            Authentication::Basic => "basic",
        }
    }
}

/// Why nobody was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// Nothing was said, or nothing that could be read.
    Unsaid,
    Wrong,
    /// Too many wrong ones came from there.
    TooMany,
}

impl Unknown {
    /// The word in records and metrics.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Unknown::Unsaid => "unauthenticated",
            Unknown::Wrong => "wrong_credentials",
            Unknown::TooMany => "too_many_wrong_credentials",
        }
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unknown::Unsaid => "this proxy asks for a name and a password (Proxy-Authorization: Basic)",
            Unknown::Wrong => "the name or the password is wrong",
            Unknown::TooMany => "too many wrong passwords came from this address; try again in a minute",
        })
    }
}

/// What is compared with when nobody has the name that was given: that takes as long.
static NOBODY: LazyLock<PasswordHash> =
    LazyLock::new(|| PasswordHash::make(b"", &[0; 16], limits::PASSWORD_ITERATIONS));

/// What all connections share.
pub(super) struct Doorkeeper {
    /// Of this process alone: what it makes is of no use to anybody else.
    key: Option<hmac::Key>,
    known: quick_cache::sync::Cache<[u8; 32], ()>,
    /// Wrong ones of late, by whoever sent them.
    wrong: Mutex<HashMap<IpAddr, (u32, Instant)>>,
    at_once: Semaphore,
}

impl Default for Doorkeeper {
    fn default() -> Doorkeeper {
        Doorkeeper {
            key: hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok(),
            known: quick_cache::sync::Cache::new(limits::PASSWORDS_KNOWN),
            wrong: Mutex::default(),
            at_once: Semaphore::new(limits::PASSWORDS_AT_ONCE),
        }
    }
}

impl Doorkeeper {
    /// Whom the field of a request names and proves.
    pub(super) async fn recognise(
        &self,
        policy: &Policy,
        from: ClientAddr,
        field: Option<&HeaderValue>,
    ) -> Result<Arc<Identity>, Unknown> {
        let said = field.and_then(read).ok_or(Unknown::Unsaid)?;
        let (name, password) = said.split();
        let found = std::str::from_utf8(name).ok().and_then(|name| policy.identity(name));
        let (who, hash) = match found {
            Some((who, hash)) => (Some(who), PasswordHash::parse(hash).map_err(|_| Unknown::Wrong)?),
            None => (None, NOBODY.clone()),
        };
        // It speaks of the hash too: a password that was changed is not known.
        let tag = self.key.as_ref().map(|key| {
            let mut context = hmac::Context::with_key(key);
            for part in [hash.to_string().as_bytes(), name, password] {
                context.update(&(part.len() as u64).to_be_bytes());
                context.update(part);
            }
            context.sign()
        });
        let tag = tag.as_ref().and_then(|tag| <[u8; 32]>::try_from(tag.as_ref()).ok());
        if let (Some(who), Some(tag)) = (who, &tag)
            && self.known.get(tag).is_some()
        {
            return Ok(Arc::clone(who));
        }
        let from = from.key();
        if self.guesses(from) {
            return Err(Unknown::TooMany);
        }
        let Ok(_turn) = self.at_once.acquire().await else { return Err(Unknown::Wrong) };
        // Whoever guesses opens many connections at once: those that waited are counted with the rest.
        if self.guesses(from) {
            return Err(Unknown::TooMany);
        }
        let is_right =
            tokio::task::spawn_blocking(move || hash.matches(said.split().1)).await.unwrap_or(false);
        match who.filter(|_| is_right) {
            Some(who) => {
                tag.into_iter().for_each(|tag| self.known.insert(tag, ()));
                Ok(Arc::clone(who))
            }
            None => {
                self.was_wrong(from);
                Err(Unknown::Wrong)
            }
        }
    }

    /// Whether too many wrong ones came from an address of late.
    fn guesses(&self, from: IpAddr) -> bool {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.get(&from).is_some_and(|(count, since)| {
            *count >= limits::PASSWORDS_WRONG && since.elapsed() < limits::PASSWORDS_WRONG_WITHIN
        })
    }

    fn was_wrong(&self, from: IpAddr) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.len() >= limits::PASSWORDS_ADDRESSES && !wrong.contains_key(&from) {
            wrong.retain(|_, (_, since)| since.elapsed() < limits::PASSWORDS_WRONG_WITHIN);
            // All are fresh: whoever has guessed least is let off.
            let least = wrong.iter().min_by_key(|(_, (count, _))| *count).map(|(address, _)| *address);
            if let Some(least) = least.filter(|_| wrong.len() >= limits::PASSWORDS_ADDRESSES) {
                wrong.remove(&least);
            }
        }
        let (count, since) = wrong.entry(from).or_insert_with(|| (0, Instant::now()));
        if since.elapsed() >= limits::PASSWORDS_WRONG_WITHIN {
            (*count, *since) = (0, Instant::now());
        }
        *count = count.saturating_add(1);
    }
}

/// A name and a password, `:` between them.
struct Said(Zeroizing<Vec<u8>>);

impl Said {
    fn split(&self) -> (&[u8], &[u8]) {
        let colon = self.0.iter().position(|byte| *byte == b':').unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at_checked(colon).unwrap_or_default();
        (name, rest.get(1..).unwrap_or_default())
    }
}

fn read(field: &HeaderValue) -> Option<Said> {
    let (scheme, rest) = field.to_str().ok()?.trim().split_once(' ')?;
    let said = from_base64(rest.trim()).map(Zeroizing::new)?;
    (scheme.eq_ignore_ascii_case("basic") && said.contains(&b':')).then_some(Said(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_read() {
        let said = |text: &'static str| read(&HeaderValue::from_static(text));
        let split = |said: Said| {
            let (name, password) = said.split();
            (String::from_utf8_lossy(name).into_owned(), String::from_utf8_lossy(password).into_owned())
        };
        assert_eq!(split(said("Basic Zm9vOmJhcg==").unwrap()), ("foo".to_owned(), "bar".to_owned()));
        assert_eq!(
            split(said("basic  Zm9vOmJhcjpiYXo= ").unwrap()),
            ("foo".to_owned(), "bar:baz".to_owned())
        );
        for text in ["", "Basic", "Basic x", "Bearer Zm9vOmJhcg==", "Basic Zm9v"] {
            assert!(said(text).is_none(), "{text}");
        }
    }

    #[test]
    fn whoever_guesses_is_not_listened_to_and_memory_is_bounded() {
        let door = Doorkeeper::default();
        let block = |ip: IpAddr| ClientAddr { ip, port: 0 }.key();
        let guesser: IpAddr = "2001:db8::1".parse().unwrap();
        for _ in 0..limits::PASSWORDS_WRONG {
            assert!(!door.guesses(block(guesser)));
            door.was_wrong(block(guesser));
        }
        assert!(door.guesses(block("2001:db8::ffff".parse().unwrap())));
        assert!(!door.guesses(block("2001:db8:0:1::1".parse().unwrap())));
        for number in 0..2 * limits::PASSWORDS_ADDRESSES as u32 {
            door.was_wrong(IpAddr::V4(number.into()));
        }
        assert!(door.wrong.lock().unwrap().len() <= limits::PASSWORDS_ADDRESSES);
        assert!(door.guesses(block(guesser)));
    }
}
