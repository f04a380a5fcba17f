//! Checkpoints: records by which the writer signs for everything before them.
//!
//! The signature stands at the end of the line and covers every byte before it, under a domain of its own. So a
//! checkpoint line proves itself: printed elsewhere, as it is, it is a witness that cannot be unsaid.

use serde::Deserialize;

use crate::audit::chain::Hash;
use crate::audit::record::Kind;
use crate::audit::signing::{PublicKey, Signer};
use crate::audit::text::{from_hex, hex, push_hex, push_number, push_string};

/// Version of the trail's format, in every checkpoint.
pub(super) const FORMAT: u64 = 1;
/// Keeps these signatures from meaning anything elsewhere.
const DOMAIN: &[u8] = b"tidegate.audit.checkpoint.v1\0";
const SIGNATURE: &[u8] = b",\"signature\":\"";

/// What a checkpoint was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// First line of a segment: where it takes over.
    Open,
    /// The gate has started.
    Start,
    /// [`CHECKPOINT_RECORDS`](crate::limits::CHECKPOINT_RECORDS) were written.
    Records,
    /// A busy second has passed.
    Busy,
    /// [`CHECKPOINT_IDLE`](crate::limits::CHECKPOINT_IDLE) has passed.
    Idle,
    /// The next checkpoint is signed by another key, which this one names.
    Handover,
    /// Last line of a segment: the next one takes over.
    Rotation,
    /// The gate has stopped.
    Stop,
}

impl Cause {
    const ALL: [Cause; 8] = [
        Cause::Open,
        Cause::Start,
        Cause::Records,
        Cause::Busy,
        Cause::Idle,
        Cause::Handover,
        Cause::Rotation,
        Cause::Stop,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Cause::Open => "open",
            Cause::Start => "start",
            Cause::Records => "records",
            Cause::Busy => "busy",
            Cause::Idle => "idle",
            Cause::Handover => "handover",
            Cause::Rotation => "rotation",
            Cause::Stop => "stop",
        }
    }
}

/// What is signed for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim<'a> {
    pub(super) cause: Cause,
    /// Names the trail.
    pub(super) log: &'a str,
    /// First sequence of the segment.
    pub(super) segment: u64,
    /// Records before this one.
    pub(super) size: u64,
    /// Merkle root over the segment's records before this one.
    pub(super) root: Hash,
    /// The chain after them.
    pub(super) head: Hash,
    /// The chain after the checkpoint before this one; zeros for the first.
    pub(super) previous: Hash,
    /// The key that signs from now on.
    pub(super) next: Option<PublicKey>,
}

/// Ends the line that starts at `start` of `out` and already holds its opening fields.
pub(super) fn push(out: &mut Vec<u8>, start: usize, claim: &Claim<'_>, signer: &Signer) {
    out.extend_from_slice(b"\"kind\":");
    push_string(out, Kind::Checkpoint.as_str());
    out.extend_from_slice(b",\"format\":");
    push_number(out, FORMAT);
    out.extend_from_slice(b",\"cause\":");
    push_string(out, claim.cause.as_str());
    out.extend_from_slice(b",\"log\":");
    push_string(out, claim.log);
    out.extend_from_slice(b",\"segment\":");
    push_number(out, claim.segment);
    out.extend_from_slice(b",\"size\":");
    push_number(out, claim.size);
    for (name, hash) in [("root", &claim.root), ("head", &claim.head), ("previous", &claim.previous)] {
        out.extend_from_slice(format!(",\"{name}\":\"").as_bytes());
        push_hex(out, hash);
        out.push(b'"');
    }
    out.extend_from_slice(b",\"key\":");
    push_string(out, signer.id());
    if let Some(next) = &claim.next {
        out.extend_from_slice(b",\"next_key\":\"");
        push_hex(out, next.as_bytes());
        out.push(b'"');
    }
    let signature = signer.sign(&message(out.get(start..).unwrap_or_default()));
    out.extend_from_slice(SIGNATURE);
    push_hex(out, &signature);
    out.extend_from_slice(b"\"}");
}

/// Whether a checkpoint's line names another key. In a JSON string every quote is escaped.
pub(crate) fn hands_over(line: &str) -> bool {
    line.contains(",\"cause\":\"handover\",")
}

fn message(signed: &[u8]) -> Vec<u8> {
    [DOMAIN, signed].concat()
}

/// A checkpoint as it was read; nothing in it is to be believed before [`Checkpoint::is_signed_by`].
#[derive(Debug)]
pub(super) struct Checkpoint<'a> {
    pub(super) seq: u64,
    pub(super) cause: Cause,
    pub(super) log: String,
    pub(super) segment: u64,
    pub(super) root: Hash,
    pub(super) head: Hash,
    pub(super) previous: Hash,
    pub(super) key: String,
    /// The key that signs from now on: of a hand-over, and of nothing else.
    pub(super) next: Option<PublicKey>,
    signed: &'a [u8],
    signature: [u8; 64],
}

#[derive(Deserialize)]
struct Fields {
    seq: u64,
    prev: String,
    kind: String,
    format: u64,
    cause: String,
    log: String,
    segment: u64,
    size: u64,
    root: String,
    head: String,
    previous: String,
    key: String,
    next_key: Option<String>,
}

impl<'a> Checkpoint<'a> {
    /// Reads a line; `None` when it is not a checkpoint, or one that contradicts itself.
    pub(super) fn parse(line: &'a [u8]) -> Option<Checkpoint<'a>> {
        let fields: Fields = serde_json::from_slice(line).ok()?;
        let tail = SIGNATURE.len() + 128 + "\"}".len();
        let (signed, rest) = line.split_at_checked(line.len().checked_sub(tail)?)?;
        let signature = rest.strip_prefix(SIGNATURE)?.strip_suffix(b"\"}")?;
        let consistent = fields.kind == Kind::Checkpoint.as_str()
            && fields.format == FORMAT
            && fields.prev == fields.head
            && fields.seq.checked_sub(1) == Some(fields.size);
        consistent.then_some(())?;
        let cause = Cause::ALL.into_iter().find(|cause| cause.as_str() == fields.cause)?;
        let next = match &fields.next_key {
            Some(key) => Some(PublicKey::from_bytes(from_hex(key.as_bytes())?)),
            None => None,
        };
        (next.is_some() == (cause == Cause::Handover)).then_some(())?;
        Some(Checkpoint {
            seq: fields.seq,
            cause,
            log: fields.log,
            segment: fields.segment,
            root: from_hex(fields.root.as_bytes())?,
            head: from_hex(fields.head.as_bytes())?,
            previous: from_hex(fields.previous.as_bytes())?,
            key: fields.key,
            next,
            signed,
            signature: from_hex(signature)?,
        })
    }

    pub(super) fn is_signed_by(&self, key: &PublicKey) -> bool {
        key.verifies(&message(self.signed), &self.signature)
    }
}

/// A new name for a trail: 128 random bits.
pub(super) fn new_log_id() -> Option<String> {
    let mut id = [0; 16];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut id).ok()?;
    Some(hex(&id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::line::{Line, Stamp};
    use crate::audit::signing::generate_signing_key;

    fn line(signer: &Signer, cause: Cause, next: Option<PublicKey>) -> Vec<u8> {
        let mut out = b"before\n".to_vec();
        let start = out.len();
        Stamp::new("n", "b").begin(&mut out, 8, jiff::Timestamp::UNIX_EPOCH, &[3; 32]);
        let claim = Claim {
            cause,
            log: "00ff",
            segment: 5,
            size: 7,
            root: [2; 32],
            head: [3; 32],
            previous: [4; 32],
            next,
        };
        push(&mut out, start, &claim, signer);
        out.split_off(start)
    }

    #[test]
    fn what_is_claimed_is_read_back_and_signed() {
        let signer = Signer::from_pkcs8(&generate_signing_key().unwrap()).unwrap();
        let line = line(&signer, Cause::Idle, None);
        assert_eq!(Line::parse(&line).unwrap().kind, Kind::Checkpoint);
        let read = Checkpoint::parse(&line).unwrap();
        assert!(read.is_signed_by(&signer.public()));
        assert_eq!((read.seq, read.segment, read.cause), (8, 5, Cause::Idle));
        assert_eq!((read.root, read.head, read.previous), ([2; 32], [3; 32], [4; 32]));
        assert_eq!((read.log.as_str(), read.key.as_str()), ("00ff", signer.id()));
    }

    #[test]
    fn no_bit_of_the_line_can_change() {
        let signer = Signer::from_pkcs8(&generate_signing_key().unwrap()).unwrap();
        let next = Signer::from_pkcs8(&generate_signing_key().unwrap()).unwrap().public();
        let line = line(&signer, Cause::Handover, Some(next));
        assert_eq!(Checkpoint::parse(&line).unwrap().next, Some(next));
        for at in 0..line.len() {
            for bit in 0..8 {
                let mut changed = line.clone();
                changed[at] ^= 1 << bit;
                let passes = Checkpoint::parse(&changed).is_some_and(|c| c.is_signed_by(&signer.public()));
                assert!(!passes, "byte {at} bit {bit}");
            }
        }
    }

    #[test]
    fn only_a_hand_over_names_a_key() {
        let signer = Signer::from_pkcs8(&generate_signing_key().unwrap()).unwrap();
        assert!(Checkpoint::parse(&line(&signer, Cause::Handover, None)).is_none());
        assert!(Checkpoint::parse(&line(&signer, Cause::Idle, Some(signer.public()))).is_none());
    }
}
