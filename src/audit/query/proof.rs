//! One record proved without the others: its line, a path of hashes, and a signed checkpoint that has their root.

use std::io;
use std::path::Path;

use serde_json::json;

use crate::audit::chain::Levels;
use crate::audit::checkpoint::Checkpoint;
use crate::audit::epochs::Keys;
use crate::audit::query::store::Store;
use crate::audit::segment;
use crate::audit::text::hex;
use crate::audit::verify::key_beside;
use crate::audit::walk::Walk;
use crate::audit::{OpenError, PublicKey};

/// The proof of record `seq` as JSON, which says in words what a third party computes. `key`: as in
/// [`verify`](crate::audit::verify()).
pub fn prove(directory: &Path, seq: u64, key: Option<&PublicKey>) -> Result<String, OpenError> {
    let at = |path: &Path, what: String| OpenError::new(path, what);
    let unreadable = |error: io::Error| at(directory, format!("cannot be read: {error}"));
    let key = match key {
        Some(key) => *key,
        None => key_beside(directory)?,
    };
    let segments = segment::list(directory).map_err(unreadable)?;
    let found = segments.iter().rev().find(|found| found.first <= seq);
    let found = found.ok_or_else(|| at(directory, format!("has no record {seq}")))?;
    let keys = Keys::read(directory, key).map_err(unreadable)?;
    let mut walk = Walk::new(keys);
    walk.enter(found.first);
    let (mut leaves, mut record, mut checkpoint, mut fault) = (Vec::new(), None, None, None);
    let mut take = |line: &[u8]| {
        if let Err(wrong) = walk.line(line) {
            fault = Some(format!("record {} {}", wrong.seq, wrong.what));
            return Ok(false);
        }
        if walk.seq > seq && walk.cause.is_some() {
            checkpoint = Some(line.to_vec());
            return Ok(false);
        }
        if walk.seq == seq {
            record = Some(line.to_vec());
        }
        leaves.push(walk.head);
        Ok(true)
    };
    Store::open(found).and_then(|mut store| store.each_line(&mut take)).map_err(unreadable)?;
    if let Some(fault) = fault {
        return Err(at(&found.path, format!("{fault}: nothing after it can be proved")));
    }
    let record = record.ok_or_else(|| at(directory, format!("has no record {seq}")))?;
    let Some(checkpoint) = checkpoint else {
        // The last line of a closed segment is a checkpoint: its own signature is the proof.
        let what = match Checkpoint::parse(&record) {
            Some(_) => format!("record {seq} is a checkpoint: its own signature proves it"),
            None => format!("record {seq} is not signed for yet"),
        };
        return Err(at(&found.path, what));
    };
    let index = usize::try_from(seq - found.first).unwrap_or(usize::MAX);
    let size = leaves.len();
    let path: Vec<String> = Levels::new(leaves).path(index).iter().map(|hash| hex(hash)).collect();
    let text = |line: &[u8]| String::from_utf8_lossy(line).into_owned();
    let keys: Vec<String> = walk.keys.lines_before(walk.seq).map(text).collect();
    let proof = json!({
        "proof": "tidegate.audit.proof.v1",
        "record": text(&record),
        "index": index,
        "size": size,
        "path": path,
        "checkpoint": text(&checkpoint),
        "public_key": key.to_pem(),
        "keys": keys,
        "how": [
            "leaf = SHA-256(0x00, the record's `prev` as 32 bytes, length of the record as 8 bytes big-endian, the record)",
            "root = the leaf led up `path` as in RFC 9162, 2.1.3.2, with inner nodes SHA-256(0x01, left, right)",
            "root must be the checkpoint's `root`, its `segment` plus `index` the record's `seq`",
            "signature = Ed25519 of \"tidegate.audit.checkpoint.v1\", 0x00, the checkpoint up to `,\"signature\":` by the public key, or the last `next_key` of `keys`: checkpoints of which each is signed by the key before it",
            "take the public key from a place of your own, not from here"
        ],
    });
    Ok(format!("{proof:#}\n"))
}
