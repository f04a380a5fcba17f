//! Records proved one by one, many at once: of each segment one walk, one tree, one checkpoint.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde_json::json;

use crate::audit::OpenError;
use crate::audit::chain::{Hash, Levels};
use crate::audit::epochs::Keys;
use crate::audit::query::store::Store;
use crate::audit::segment::{self, Found};
use crate::audit::text::hex;
use crate::audit::walk::Walk;

/// Proofs and the checkpoints that they lead to, one a line.
#[derive(Debug, Default)]
pub(super) struct Subset {
    pub(super) proofs: Vec<u8>,
    pub(super) checkpoints: Vec<u8>,
    /// Records that no checkpoint signs for yet.
    pub(super) unsigned: Vec<u64>,
}

/// Proves records, given by their sequences, ascending.
pub(super) fn subset(directory: &Path, keys: &Keys, seqs: &[u64]) -> Result<Subset, OpenError> {
    let unreadable = |error: io::Error| OpenError::new(directory, format!("cannot be read: {error}"));
    let segments = segment::list(directory).map_err(unreadable)?;
    let mut subset = Subset::default();
    for (at, found) in segments.iter().enumerate() {
        let next = segments.get(at + 1).map_or(u64::MAX, |next| next.first);
        let from = seqs.partition_point(|seq| *seq < found.first);
        let until = seqs.partition_point(|seq| *seq < next);
        let asked = seqs.get(from..until).unwrap_or_default();
        if !asked.is_empty() {
            subset.segment(found, keys, asked)?;
        }
    }
    Ok(subset)
}

impl Subset {
    fn segment(&mut self, found: &Found, keys: &Keys, asked: &[u64]) -> Result<(), OpenError> {
        let mut walk = Walk::new(keys.clone());
        walk.enter(found.first);
        let mut lines: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
        let mut leaves: Vec<Hash> = Vec::new();
        // The last checkpoint, how many leaves it signs for, and its line.
        let (mut sealed, mut fault) = (None, None);
        let mut take = |line: &[u8]| {
            if let Err(wrong) = walk.line(line) {
                fault = Some(format!("record {} {}", wrong.seq, wrong.what));
                return Ok(false);
            }
            if walk.cause.is_some() && walk.signed == walk.seq {
                sealed = Some((walk.seq, leaves.len(), line.to_vec()));
            }
            if asked.binary_search(&walk.seq).is_ok() {
                lines.insert(walk.seq, line.to_vec());
            }
            leaves.push(walk.head);
            Ok(true)
        };
        let read = Store::open(found).and_then(|mut store| store.each_line(&mut take));
        read.map_err(|error| OpenError::new(&found.path, format!("cannot be read: {error}")))?;
        if let Some(fault) = fault.or_else(|| walk.finish().err().map(|wrong| wrong.what)) {
            return Err(OpenError::new(
                &found.path,
                format!("{fault}: nothing in its segment can be proved"),
            ));
        }
        let Some((seal, size, checkpoint)) = sealed else {
            self.unsigned.extend(lines.keys());
            return Ok(());
        };
        leaves.truncate(size);
        let levels = Levels::new(leaves);
        for (seq, line) in &lines {
            let record = String::from_utf8_lossy(line);
            let proof = if *seq < seal {
                let index = usize::try_from(seq - found.first).unwrap_or(usize::MAX);
                let path: Vec<String> = levels.path(index).iter().map(|hash| hex(hash)).collect();
                json!({ "record": record, "index": index, "size": size, "path": path, "checkpoint": seal })
            } else if *seq == seal {
                // Its own signature is the proof.
                json!({ "record": record, "checkpoint": seal })
            } else {
                self.unsigned.push(*seq);
                continue;
            };
            self.proofs.extend_from_slice(format!("{proof}\n").as_bytes());
        }
        self.checkpoints.extend_from_slice(&checkpoint);
        self.checkpoints.push(b'\n');
        Ok(())
    }
}
