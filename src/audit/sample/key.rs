//! The two halves of a key for samples: one seals in the gate, the other opens elsewhere. The forms of RFC 8410, which
//! OpenSSL reads and writes as well.

use std::fmt;

use ring::rand::{SecureRandom, SystemRandom};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use crate::audit::chain::sha256;
use crate::audit::signing::{base64, from_base64};
use crate::audit::text::hex;

/// What precedes the 32 secret bytes in PKCS#8, version 1 (RFC 8410, section 7).
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20];
/// What precedes the 32 public bytes in a SubjectPublicKeyInfo (RFC 8410, section 4).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00];

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleKeyError(&'static str);

impl fmt::Display for SampleKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for SampleKeyError {}

/// The half that seals, and nothing more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SampleKey([u8; 32]);

impl SampleKey {
    /// Reads what [`to_pem`](Self::to_pem) or `openssl pkey -pubout` wrote.
    pub fn from_pem(text: &str) -> Result<SampleKey, SampleKeyError> {
        let der = inside(text, "PUBLIC KEY").ok_or(SampleKeyError("is not a PEM public key"))?;
        der.strip_prefix(&SPKI_PREFIX)
            .and_then(|key| key.try_into().ok())
            .map(SampleKey)
            .ok_or(SampleKeyError("is not an X25519 key"))
    }

    #[must_use]
    pub fn to_pem(&self) -> String {
        around("PUBLIC KEY", &base64(&self.to_der()))
    }

    /// Names the key in records: the first 128 bits of the SHA-256 of its SubjectPublicKeyInfo, hex.
    #[must_use]
    pub fn id(&self) -> String {
        sha256(&self.to_der()).first_chunk::<16>().map(|short| hex(short)).unwrap_or_default()
    }

    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn to_der(self) -> Vec<u8> {
        [SPKI_PREFIX.as_slice(), &self.0].concat()
    }
}

impl fmt::Debug for SampleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SampleKey({})", self.id())
    }
}

/// The half that opens.
pub struct SampleOpener(pub(super) StaticSecret);

impl SampleOpener {
    /// A new one.
    pub fn generate() -> Result<SampleOpener, SampleKeyError> {
        let mut secret = Zeroizing::new([0u8; 32]);
        let filled = SystemRandom::new().fill(secret.as_mut());
        filled.map_err(|_| SampleKeyError("the system gives no random bytes"))?;
        Ok(SampleOpener(StaticSecret::from(*secret)))
    }

    /// Reads what [`to_pem`](Self::to_pem) or `openssl genpkey -algorithm X25519` wrote.
    pub fn from_pem(text: &str) -> Result<SampleOpener, SampleKeyError> {
        let der = inside(text, "PRIVATE KEY").map(Zeroizing::new);
        let der = der.ok_or(SampleKeyError("is not a PEM private key"))?;
        der.strip_prefix(&PKCS8_PREFIX)
            .and_then(|secret| <[u8; 32]>::try_from(secret).ok())
            .map(|secret| SampleOpener(StaticSecret::from(secret)))
            .ok_or(SampleKeyError("is not an X25519 key"))
    }

    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        let der = Zeroizing::new([PKCS8_PREFIX.as_slice(), self.0.as_bytes()].concat());
        let text = Zeroizing::new(base64(&der));
        Zeroizing::new(around("PRIVATE KEY", &text))
    }

    /// The other half.
    #[must_use]
    pub fn public(&self) -> SampleKey {
        SampleKey(PublicKey::from(&self.0).to_bytes())
    }
}

impl fmt::Debug for SampleOpener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SampleOpener({})", self.public().id())
    }
}

fn around(label: &str, base64: &str) -> String {
    format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n")
}

fn inside(text: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (inner, _) = rest.split_once(&format!("-----END {label}-----"))?;
    from_base64(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_halves_survive_their_files_and_tell_nothing() {
        let opener = SampleOpener::generate().unwrap();
        let again = SampleOpener::from_pem(&opener.to_pem()).unwrap();
        assert_eq!(again.public(), opener.public());
        assert_eq!(SampleKey::from_pem(&opener.public().to_pem()), Ok(opener.public()));
        assert_eq!(format!("{opener:?}"), format!("SampleOpener({})", opener.public().id()));
        assert_ne!(SampleOpener::generate().unwrap().public(), opener.public());
    }

    #[test]
    fn keys_of_openssl_are_read_and_others_refused() {
        // openssl genpkey -algorithm X25519, and openssl pkey -pubout of it.
        let private = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEIIBXmR7vjx8a8Y9KlJHRahzjM/aV1NuOONp1l1xEeOD7\n-----END PRIVATE KEY-----\n";
        let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEAQxDul9iMwfCIpVdsd6sM9cOseX89lROcbIS1QpxZZio=\n-----END PUBLIC KEY-----\n";
        let opener = SampleOpener::from_pem(private).unwrap();
        assert_eq!(opener.public().to_pem(), public);
        assert_eq!(*opener.to_pem(), private);
        let signing = crate::audit::tests::public_key().to_pem();
        for wrong in [signing.as_str(), "", private] {
            assert!(SampleKey::from_pem(wrong).is_err(), "{wrong}");
        }
        assert!(SampleOpener::from_pem(public).is_err());
    }
}
