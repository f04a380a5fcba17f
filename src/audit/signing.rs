//! Ed25519 keys: one signs (a trail's checkpoints, a pack), the other is all that a verifier needs.

use std::fmt;

use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use zeroize::Zeroizing;

use crate::audit::chain::sha256;
use crate::audit::text::hex;

/// What precedes the 32 secret bytes in PKCS#8 (RFC 8410, section 7): version 1, the form that OpenSSL reads.
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// What precedes the 32 public bytes in a SubjectPublicKeyInfo (RFC 8410, section 4).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const PEM_BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const PEM_END: &str = "-----END PUBLIC KEY-----";

/// A new signing key, as PKCS#8 (DER).
pub fn generate_signing_key() -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let mut seed = Zeroizing::new([0u8; 32]);
    SystemRandom::new().fill(seed.as_mut()).map_err(|_| KeyError("the system gives no random bytes"))?;
    let mut key = Zeroizing::new(Vec::with_capacity(PKCS8_PREFIX.len() + seed.len()));
    key.extend_from_slice(&PKCS8_PREFIX);
    key.extend_from_slice(seed.as_ref());
    Ok(key)
}

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyError(&'static str);

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for KeyError {}

/// Signs.
#[derive(Debug)]
pub struct Signer {
    pair: Ed25519KeyPair,
    public: PublicKey,
    id: String,
}

impl Signer {
    pub fn from_pkcs8(key: &[u8]) -> Result<Signer, KeyError> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key)
            .map_err(|_| KeyError("the signing key is not an Ed25519 key in PKCS#8 (DER)"))?;
        let mut public = [0; 32];
        public.copy_from_slice(pair.public_key().as_ref());
        let public = PublicKey(public);
        Ok(Signer { pair, public, id: public.id() })
    }

    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut out = [0; 64];
        out.copy_from_slice(self.pair.sign(message).as_ref());
        out
    }

    #[must_use]
    pub fn public(&self) -> PublicKey {
        self.public
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

/// The public half: whoever holds it can check a trail, and nothing more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Names the key in records: the first 128 bits of the SHA-256 of its SubjectPublicKeyInfo, hex.
    #[must_use]
    pub fn id(&self) -> String {
        sha256(&self.to_der()).first_chunk::<16>().map(|short| hex(short)).unwrap_or_default()
    }

    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn from_bytes(bytes: [u8; 32]) -> PublicKey {
        PublicKey(bytes)
    }

    #[must_use]
    pub fn to_pem(&self) -> String {
        format!("{PEM_BEGIN}\n{}\n{PEM_END}\n", base64(&self.to_der()))
    }

    /// Reads what [`to_pem`](Self::to_pem) or `openssl pkey -pubout` wrote.
    pub fn from_pem(text: &str) -> Result<PublicKey, KeyError> {
        let inner = text
            .split_once(PEM_BEGIN)
            .and_then(|(_, rest)| rest.split_once(PEM_END))
            .map(|(inner, _)| inner)
            .ok_or(KeyError("the public key is not a PEM public key"))?;
        let der = from_base64(inner).ok_or(KeyError("the public key is not valid base64"))?;
        der.strip_prefix(&SPKI_PREFIX)
            .and_then(|key| key.try_into().ok())
            .map(PublicKey)
            .ok_or(KeyError("the public key is not an Ed25519 key"))
    }

    fn to_der(self) -> Vec<u8> {
        [SPKI_PREFIX.as_slice(), &self.0].concat()
    }

    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for (position, shift) in [18u32, 12, 6, 0].into_iter().enumerate() {
            let letter = BASE64.get((bits >> shift & 0x3f) as usize).copied().unwrap_or(b'=');
            out.push(if position <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

/// Padded base64, white space ignored.
#[must_use]
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let padding = text.iter().rev().take_while(|b| **b == b'=').count();
    let marks = text.iter().filter(|b| **b == b'=').count();
    if !text.len().is_multiple_of(4) || padding > 2 || marks != padding {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    for quad in text.chunks(4) {
        let mut bits = 0u32;
        for letter in quad {
            let value = BASE64.iter().position(|b| b == letter).or((*letter == b'=').then_some(0))?;
            bits = bits << 6 | u32::try_from(value).ok()?;
        }
        out.extend(bits.to_be_bytes().into_iter().skip(1));
    }
    out.truncate(out.len() - padding);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8410, section 10.3 and 10.1: a private key in PKCS#8 version 1 and its public half.
    const RFC_SECRET: &str = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC";
    const RFC_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

    #[test]
    fn keys_are_those_of_the_rfc() {
        let signer = Signer::from_pkcs8(&from_base64(RFC_SECRET).unwrap()).unwrap();
        assert_eq!(signer.public().to_pem(), RFC_PUBLIC);
        assert_eq!(PublicKey::from_pem(RFC_PUBLIC).unwrap(), signer.public());
        assert_eq!(signer.id().len(), 32);
        assert_eq!(signer.id(), signer.public().id());
    }

    #[test]
    fn a_new_key_signs_and_only_its_public_half_agrees() {
        let (a, b) = (generate_signing_key().unwrap(), generate_signing_key().unwrap());
        assert_ne!(a, b);
        let (a, b) = (Signer::from_pkcs8(&a).unwrap(), Signer::from_pkcs8(&b).unwrap());
        let signature = a.sign(b"message");
        assert!(a.public().verifies(b"message", &signature));
        assert!(!b.public().verifies(b"message", &signature));
        assert!(!a.public().verifies(b"Message", &signature));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert!(Signer::from_pkcs8(b"").is_err());
        assert!(Signer::from_pkcs8(&[0x30; 48]).is_err());
        for text in ["", "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----", RFC_SECRET] {
            assert!(PublicKey::from_pem(text).is_err(), "{text}");
        }
        assert!(PublicKey::from_pem(&RFC_PUBLIC.replace("MCow", "MC!w")).is_err());
        assert!(PublicKey::from_pem(&RFC_PUBLIC.replace("MCow", "MC=w")).is_err());
    }

    #[test]
    fn base64_comes_back() {
        for length in 0..40u8 {
            let bytes: Vec<u8> = (0..length).map(|b| b.wrapping_mul(37)).collect();
            assert_eq!(from_base64(&base64(&bytes)), Some(bytes));
        }
        assert_eq!(base64(b"foobar"), "Zm9vYmFy");
        assert_eq!(base64(b"fooba"), "Zm9vYmE=");
    }
}
