//! A sample in its file: one JSON object that tells which decision it belongs to and which key opens it, and nothing else.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::hpke;
use super::key::{SampleKey, SampleOpener};
use crate::audit::signing::{base64, from_base64};

/// What the sealing is bound to, besides the decision.
const PURPOSE: &[u8] = b"tidegate.sample.v1";
/// How it is sealed, for those who open it with other means.
const SUITE: &str = "RFC 9180 base, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305";

/// What is sealed: the values as they count, without anything that stood around them.
#[derive(Debug, Serialize)]
pub(super) struct Content<'a> {
    pub(super) decision: &'a str,
    pub(super) node: &'a str,
    pub(super) tenant: &'a str,
    pub(super) direction: &'a str,
    pub(super) destination: &'a str,
    pub(super) values: Vec<Value<'a>>,
}

#[derive(Serialize)]
pub(super) struct Value<'a> {
    pub(super) identifier: &'a str,
    pub(super) value: &'a str,
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Value").field("identifier", &self.identifier).finish_non_exhaustive()
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Form {
    sample: String,
    suite: String,
    /// Who can open it.
    key: String,
    decision: String,
    enc: String,
    sealed: String,
}

/// The bytes of a sample's file.
pub(super) fn seal(key: &SampleKey, id: &str, content: &Content<'_>) -> Option<Vec<u8>> {
    // Room for all of it, so that no copy is left behind by growth.
    let room = content.values.iter().map(|value| 6 * value.value.len() + value.identifier.len() + 64);
    let room =
        room.sum::<usize>() + 6 * (content.node.len() + content.tenant.len() + content.destination.len());
    let mut plain = Zeroizing::new(Vec::with_capacity(room + 512));
    serde_json::to_writer(&mut *plain, content).ok()?;
    let (enc, sealed) = hpke::seal(key.as_bytes(), PURPOSE, &bound(content.decision), plain)?;
    let form = Form {
        sample: String::from_utf8_lossy(PURPOSE).into_owned(),
        suite: SUITE.to_owned(),
        key: id.to_owned(),
        decision: content.decision.to_owned(),
        enc: base64(&enc),
        sealed: base64(&sealed),
    };
    let mut bytes = serde_json::to_vec(&form).ok()?;
    bytes.push(b'\n');
    Some(bytes)
}

fn bound(decision: &str) -> Vec<u8> {
    [PURPOSE, b"\0", decision.as_bytes()].concat()
}

/// Why a sample is not opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnsealError {
    /// The file is none of a sample.
    NoSample,
    /// It was sealed to another key, which it names.
    OtherKey(String),
    /// It was changed, or it is another decision's.
    Changed,
}

impl fmt::Display for UnsealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnsealError::NoSample => f.write_str("the file is not that of a sample"),
            UnsealError::OtherKey(id) => write!(f, "the sample is sealed to the key {id}"),
            UnsealError::Changed => f.write_str("the sample is not what was sealed"),
        }
    }
}

impl std::error::Error for UnsealError {}

/// What is in a sample's file, as JSON; `decision`: the one whose record names it.
pub fn unseal(
    opener: &SampleOpener,
    decision: &str,
    bytes: &[u8],
) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
    let form: Form = serde_json::from_slice(bytes).map_err(|_| UnsealError::NoSample)?;
    let enc = from_base64(&form.enc).and_then(|enc| <[u8; 32]>::try_from(enc).ok());
    let (Some(enc), Some(sealed)) = (enc, from_base64(&form.sealed)) else {
        return Err(UnsealError::NoSample);
    };
    if form.sample.as_bytes() != PURPOSE || sealed.len() < hpke::TAG {
        return Err(UnsealError::NoSample);
    }
    if form.key != opener.public().id() {
        return Err(UnsealError::OtherKey(form.key));
    }
    hpke::open(&opener.0, &enc, PURPOSE, &bound(decision), &sealed).ok_or(UnsealError::Changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_opens_for_its_decision_with_its_key_and_unchanged() {
        let (opener, other) = (SampleOpener::generate().unwrap(), SampleOpener::generate().unwrap());
        let value = Value { identifier: "payment.pan", value: "4539148803436467" };
        assert!(!format!("{value:?}").contains("4539"));
        let content = Content {
            decision: "d1",
            node: "n",
            tenant: "t",
            direction: "request",
            destination: "crm.example",
            values: vec![value],
        };
        let bytes = seal(&opener.public(), &opener.public().id(), &content).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(!text.contains("4539") && !text.contains("payment") && text.contains("\"d1\""));
        let opened = unseal(&opener, "d1", &bytes).unwrap();
        let opened: serde_json::Value = serde_json::from_slice(&opened).unwrap();
        assert_eq!(opened["values"][0]["value"], "4539148803436467");
        assert_eq!(unseal(&other, "d1", &bytes), Err(UnsealError::OtherKey(opener.public().id())));
        let claimed = text.replace(&opener.public().id(), &other.public().id());
        assert_eq!(unseal(&other, "d1", claimed.as_bytes()), Err(UnsealError::Changed));
        assert_eq!(unseal(&opener, "d2", &bytes), Err(UnsealError::Changed), "another decision's");
        assert_eq!(unseal(&opener, "d1", b"{}"), Err(UnsealError::NoSample));
        let broken = text.replace("tidegate.sample.v1", "x");
        assert_eq!(unseal(&opener, "d1", broken.as_bytes()), Err(UnsealError::NoSample));
    }
}
