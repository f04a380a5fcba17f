//! Checks lines in order: chain, sequence, tree and signatures. Used before writing goes on, and by `verify`.

use crate::audit::chain::{Hash, Tree, genesis, link};
use crate::audit::checkpoint::{Cause, Checkpoint};
use crate::audit::epochs::Keys;
use crate::audit::line::Line;
use crate::audit::record::Kind;
use crate::audit::signing::PublicKey;
use crate::audit::text::{from_hex, hex_hash};
use crate::audit::tombstone::Tombstone;

/// The first thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The record that was changed, removed or put in the wrong place.
    pub seq: u64,
    /// What is wrong with it, said of "record SEQ".
    pub what: String,
}

fn fault<T>(seq: u64, what: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { seq, what: what.into() })
}

/// Where a walk stands, after the last line it took.
#[derive(Debug)]
pub(super) struct Walk {
    /// The key that signs here, of those that are known.
    key: PublicKey,
    key_id: String,
    pub(super) keys: Keys,
    /// The last record.
    pub(super) seq: u64,
    pub(super) head: Hash,
    pub(super) tree: Tree,
    /// First sequence of the segment, and the chain before it.
    pub(super) segment: u64,
    pub(super) base: Hash,
    /// The trail's name, once a checkpoint gave it.
    pub(super) log: Option<String>,
    /// The chain after the last checkpoint.
    pub(super) checkpoint: Option<Hash>,
    /// Everything up to here is signed for.
    pub(super) signed: u64,
    /// The last line's kind.
    pub(super) kind: Option<Kind>,
    /// The last line, when it was a checkpoint.
    pub(super) cause: Option<Cause>,
    pub(super) checkpoints: u64,
    /// The first checkpoint, when a key other than the one given signed the trail, and that key's id.
    pub(super) unknown_key: Option<(u64, String)>,
    /// The key of the first checkpoint.
    trail_key: Option<String>,
    start: Start,
    suspect: Option<Suspect>,
}

/// What the next line must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// Any record.
    Within,
    /// The opening checkpoint of a segment that follows the one before.
    Follows,
    /// An opening checkpoint; what came before it is not known.
    Adrift,
}

/// A line that does not follow the one before it: one of the two was changed, and the next line tells which.
#[derive(Debug)]
struct Suspect {
    seq: u64,
    /// The chain after the line, if its own `prev` is true.
    after: Hash,
}

impl Walk {
    pub(super) fn new(keys: Keys) -> Walk {
        let key = keys.at(1);
        Walk {
            key_id: key.id(),
            key,
            keys,
            seq: 0,
            head: [0; 32],
            tree: Tree::default(),
            segment: 0,
            base: [0; 32],
            log: None,
            checkpoint: None,
            signed: 0,
            kind: None,
            cause: None,
            checkpoints: 0,
            unknown_key: None,
            trail_key: None,
            start: Start::Adrift,
            suspect: None,
        }
    }

    /// The next line begins a segment; `first` is not the next record when a segment is missing before it.
    pub(super) fn enter(&mut self, first: u64) {
        let follows = self.seq > 0 && first == self.seq + 1;
        if !follows {
            self.seq = first.saturating_sub(1);
            self.checkpoint = None;
            self.sign_with(self.keys.at(first));
            let is_known = self.unknown_key.is_none() && self.trail_key.is_some();
            self.trail_key = is_known.then(|| self.key_id.clone());
        }
        self.start = if follows { Start::Follows } else { Start::Adrift };
        self.segment = first;
        self.base = self.head;
        self.tree = Tree::default();
    }

    /// Steps over a removed segment; what is said of it is signed and follows the last line.
    pub(super) fn bury(&mut self, tombstone: &Tombstone) -> Result<(), Fault> {
        let claim = &tombstone.claim;
        let wrong = |what: &str| fault(claim.first, format!("has a tombstone that {what}"));
        if !tombstone.is_signed(&self.keys) {
            return wrong("is not signed by the key of its time");
        }
        if self.log.as_ref().is_some_and(|log| *log != claim.log) {
            return wrong("belongs to another trail");
        }
        // Behind what is missing nothing is known of the chain.
        let follows = self.seq > 0 && self.seq + 1 == claim.first;
        let before = if claim.first == 1 { Some(genesis(&claim.log)) } else { follows.then_some(self.head) };
        if before.is_some_and(|before| before != tombstone.before) {
            return wrong("does not follow the record before it");
        }
        (self.seq, self.head, self.signed) = (claim.last, tombstone.after, claim.last);
        (self.checkpoint, self.cause) = (Some(tombstone.after), Some(Cause::Rotation));
        self.log.get_or_insert_with(|| claim.log.clone());
        self.sign_with(self.keys.at(claim.last + 1));
        self.trail_key = Some(self.key_id.clone());
        Ok(())
    }

    fn sign_with(&mut self, key: PublicKey) {
        self.key = key;
        self.key_id = key.id();
    }

    /// Takes a line, without its newline.
    pub(super) fn line(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let seq = self.seq + 1;
        let line = Line::parse(bytes).filter(|line| line.seq == seq);
        self.resolve(line.as_ref())?;
        let Some(line) = line else {
            return match Line::parse(bytes) {
                Some(other) => fault(seq, format!("is not there; in its place stands record {}", other.seq)),
                None => fault(seq, "is not a record"),
            };
        };
        let is_checkpoint = line.kind == Kind::Checkpoint;
        if self.start != Start::Within && !is_checkpoint {
            return fault(seq, "should open its segment with a checkpoint");
        }
        (self.cause, self.kind) = (None, Some(line.kind));
        if is_checkpoint {
            self.check(bytes)?;
        } else if line.prev != hex_hash(&self.head) {
            let Some(stated) = from_hex(line.prev) else {
                return fault(seq, "was changed");
            };
            self.suspect = Some(Suspect { seq, after: link(&stated, bytes) });
        }
        self.start = Start::Within;
        self.seq = seq;
        self.head = link(&self.head, bytes);
        self.tree.push(self.head);
        if is_checkpoint {
            self.checkpoint = Some(self.head);
            self.checkpoints += 1;
        }
        Ok(())
    }

    /// Whether the head is that of the lines as they were written, as far as can be told.
    pub(super) fn is_sure(&self) -> bool {
        self.suspect.is_none()
    }

    /// No more lines come.
    pub(super) fn finish(&mut self) -> Result<(), Fault> {
        self.resolve(None)
    }

    /// The line after a suspect names its predecessor's hash: if that is what the suspect hashes to, the suspect
    /// is intact and the record before it was changed.
    fn resolve(&mut self, next: Option<&Line<'_>>) -> Result<(), Fault> {
        match (self.suspect.take(), next) {
            (None, _) => Ok(()),
            (Some(suspect), Some(next)) if next.prev != hex_hash(&suspect.after) => {
                fault(suspect.seq, "was changed")
            }
            (Some(suspect), _) => fault(suspect.seq.saturating_sub(1).max(1), "was changed"),
        }
    }

    fn check(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let seq = self.seq + 1;
        let Some(claim) = Checkpoint::parse(bytes) else {
            return fault(seq, "is a checkpoint that was changed");
        };
        if claim.key != self.key_id
            && let Some(at) = self.keys.past(&claim.key, seq)
        {
            let key = claim.key;
            return fault(
                seq,
                format!("is signed by the key {key}, which record {at} has handed over: rolled back"),
            );
        }
        if self.trail_key.as_ref().is_some_and(|key| *key != claim.key) {
            return fault(seq, format!("is signed by another key, {}", claim.key));
        }
        let known = claim.key == self.key_id;
        if known && !claim.is_signed_by(&self.key) {
            return fault(seq, "is a checkpoint whose signature is wrong");
        }
        if self.start == Start::Adrift {
            if seq == 1 && claim.head != genesis(&claim.log) {
                return fault(seq, "does not begin its trail");
            }
            self.head = claim.head;
            self.base = claim.head;
        } else if claim.head != self.head {
            // Signed and right in itself: what it speaks of was changed.
            return fault(self.seq.max(1), "was changed");
        }
        if (claim.cause == Cause::Open) != (self.start != Start::Within) || claim.segment != self.segment {
            return fault(seq, "is a checkpoint of another place");
        }
        if self.log.as_ref().is_some_and(|log| *log != claim.log) {
            return fault(seq, format!("belongs to another trail, {}", claim.log));
        }
        if claim.root != self.tree.root() {
            return fault(seq, "is a checkpoint over other records");
        }
        if self.checkpoint.is_some_and(|previous| previous != claim.previous) {
            return fault(seq, "does not follow the checkpoint before it");
        }
        if known {
            self.signed = seq;
        } else if self.unknown_key.is_none() {
            self.unknown_key = Some((seq, claim.key.clone()));
        }
        self.trail_key.get_or_insert(claim.key);
        if let Some(next) = claim.next {
            self.trail_key = Some(next.id());
            if known {
                self.keys.follow(bytes);
                self.sign_with(next);
            }
        }
        self.cause = Some(claim.cause);
        self.log = Some(claim.log);
        Ok(())
    }
}
