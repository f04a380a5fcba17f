//! What stands for a segment that was removed: its place in the chain, its root and the reason, signed. So a trail is
//! proved across what is gone, and what is gone without one is missing.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::audit::chain::{Hash, sha256};
use crate::audit::epochs::Keys;
use crate::audit::segment::FILE_MODE;
use crate::audit::signing::Signer;
use crate::audit::text::{from_hex, hex};
use crate::limits;
use crate::platform::disk;

const DOMAIN: &[u8] = b"tidegate.audit.tombstone.v1\0";
const VERSION: &str = "tidegate.audit.tombstone.v1";
const SIGNATURE: &str = ",\"signature\":\"";

/// What is signed for, in words and hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claim {
    pub(super) tombstone: String,
    pub(super) log: String,
    /// First and last record of the segment.
    pub(super) first: u64,
    pub(super) last: u64,
    /// The chain before and after them, and the Merkle root over all of them.
    pub(super) before: String,
    pub(super) after: String,
    pub(super) root: String,
    /// Bytes of text.
    pub(super) bytes: u64,
    /// First and last time.
    pub(super) from: String,
    pub(super) until: String,
    pub(super) reason: String,
    /// When it was removed, and the last record of the trail then.
    pub(super) time: String,
    pub(super) at: u64,
    pub(super) key: String,
}

/// A tombstone as it was read: its line, and what the line claims.
#[derive(Clone, Debug)]
pub(super) struct Tombstone {
    pub(super) line: String,
    pub(super) claim: Claim,
    pub(super) before: Hash,
    pub(super) after: Hash,
}

impl Claim {
    /// The line that signs for it.
    pub(super) fn sign(mut self, signer: &Signer) -> io::Result<String> {
        VERSION.clone_into(&mut self.tombstone);
        signer.id().clone_into(&mut self.key);
        let text = serde_json::to_string(&self)?;
        let signed = text.strip_suffix('}').unwrap_or(&text);
        let signature = signer.sign(&[DOMAIN, signed.as_bytes()].concat());
        Ok(format!("{signed}{SIGNATURE}{}\"}}", hex(&signature)))
    }
}

impl Tombstone {
    /// Reads a line; nothing in it is to be believed before [`is_signed`](Self::is_signed).
    pub(super) fn parse(line: &str) -> Option<Tombstone> {
        let claim: Claim = serde_json::from_str(line).ok()?;
        let consistent = claim.tombstone == VERSION && claim.first <= claim.last && claim.last <= claim.at;
        consistent.then_some(())?;
        let (before, after) = (from_hex(claim.before.as_bytes())?, from_hex(claim.after.as_bytes())?);
        Some(Tombstone { line: line.to_owned(), before, after, claim })
    }

    /// Whether the key that was in force when the segment was removed signed for it.
    pub(super) fn is_signed(&self, keys: &Keys) -> bool {
        let parts = self.line.rsplit_once(SIGNATURE);
        let key = keys.at(self.claim.at + 1);
        parts.is_some_and(|(signed, rest)| {
            let signature = rest.strip_suffix("\"}").and_then(|text| from_hex(text.as_bytes()));
            let message = [DOMAIN, signed.as_bytes()].concat();
            key.id() == self.claim.key
                && signature.is_some_and(|signature| key.verifies(&message, &signature))
        })
    }

    /// How the trail's record of the removal names it.
    pub(super) fn id(&self) -> String {
        hex(&sha256(self.line.as_bytes()))
    }
}

/// The name of the tombstone of a segment.
pub(super) fn name(first: u64) -> String {
    format!("segment-{first:020}.tombstone")
}

fn first_of(name: &str) -> Option<u64> {
    name.strip_prefix("segment-")?.strip_suffix(".tombstone")?.parse().ok()
}

/// All tombstones by their first record; a file that holds none is `None`.
pub(super) fn list(directory: &Path) -> io::Result<BTreeMap<u64, Option<Tombstone>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let Some(first) = entry.file_name().to_str().and_then(first_of) else { continue };
        let fits = entry.metadata()?.len() <= limits::TOMBSTONE_BYTES;
        let text = if fits { disk::read_regular_text(&entry.path()).ok() } else { None };
        let tombstone = text.and_then(|text| Tombstone::parse(text.trim_end()));
        found.insert(first, tombstone.filter(|tombstone| tombstone.claim.first == first));
    }
    Ok(found)
}

/// Writes a tombstone, whole or not at all; how many bytes it takes.
pub(super) fn keep(directory: &Path, first: u64, line: &str) -> io::Result<u64> {
    let path = directory.join(name(first));
    let draft = directory.join(format!("{}.new", name(first)));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(FILE_MODE)
        .custom_flags(disk::NO_WAIT)
        .open(&draft)?;
    writeln!(file, "{line}")?;
    file.sync_all()?;
    fs::rename(&draft, &path)?;
    File::open(directory)?.sync_all()?;
    Ok(line.len() as u64 + 1)
}
