//! Which key signs when: the first is published beside the records, each later one is named by a checkpoint that the one
//! before it signed. Those checkpoints are kept once more beside the segments, so that a key can be followed over
//! segments that are gone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::audit::checkpoint::Checkpoint;
use crate::audit::reader::{Lines, Next};
use crate::audit::segment::{self, FILE_MODE};
use crate::audit::signing::PublicKey;
use crate::platform::disk;

/// The checkpoints that hand over, one a line.
const KEYS_FILE: &str = "keys.jsonl";

/// What such a checkpoint says.
const HANDOVER: &[u8] = b"\"cause\":\"handover\"";

/// The keys of a trail, in order.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    first: PublicKey,
    /// The record that handed over, the key that it named, and its line.
    later: Vec<(u64, PublicKey, Vec<u8>)>,
}

impl Keys {
    /// Those of a trail of which the first key alone is known.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn of(first: PublicKey) -> Keys {
        Keys { first, later: Vec::new() }
    }

    /// Reads the hand-overs kept beside the records of a trail whose first key is `first`. What is not signed by the
    /// key before it ends the list: it proves nothing, and neither does what comes after it.
    pub(super) fn read(directory: &Path, first: PublicKey) -> io::Result<Keys> {
        let mut keys = Keys { first, later: Vec::new() };
        let text = match disk::read_regular(&directory.join(KEYS_FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(keys),
            Err(error) => return Err(error),
        };
        for line in text.split(|b| *b == b'\n') {
            if !keys.follow(line) {
                break;
            }
        }
        Ok(keys)
    }

    /// Follows the hand-overs in the records themselves, where the list beside them is lost; whether it led further.
    pub(super) fn follow_records(&mut self, directory: &Path) -> io::Result<bool> {
        let before = self.later.len();
        for found in segment::list(directory)? {
            let mut lines = Lines::open(&found)?;
            while let Next::Line(line) = lines.next()? {
                // Few lines are checkpoints, and of those few hand over.
                if memchr::memmem::find(line, HANDOVER).is_some() {
                    self.follow(line);
                }
            }
        }
        Ok(self.later.len() > before)
    }

    /// Takes a line if it hands over from the last key known; whether it did.
    pub(super) fn follow(&mut self, line: &[u8]) -> bool {
        let Some(claim) = Checkpoint::parse(line) else { return false };
        let Some(next) = claim.next else { return false };
        let follows = claim.seq > self.handed_over() && claim.is_signed_by(&self.last());
        if follows {
            self.later.push((claim.seq, next, line.to_vec()));
        }
        follows
    }

    /// The key that signs a record.
    pub(super) fn at(&self, seq: u64) -> PublicKey {
        let epoch = self.later.iter().rev().find(|(from, ..)| *from < seq);
        epoch.map_or(self.first, |(_, key, _)| *key)
    }

    pub(super) fn last(&self) -> PublicKey {
        self.later.last().map_or(self.first, |(_, key, _)| *key)
    }

    /// The record that handed over last; 0 when none has.
    pub(super) fn handed_over(&self) -> u64 {
        self.later.last().map_or(0, |(seq, ..)| *seq)
    }

    /// The record at which a key was handed over, if it was before `seq`.
    pub(super) fn past(&self, id: &str, seq: u64) -> Option<u64> {
        let ended = |(at, (from, ..)): (usize, &(u64, PublicKey, Vec<u8>))| {
            let key =
                at.checked_sub(1).and_then(|at| self.later.get(at)).map_or(self.first, |(_, key, _)| *key);
            (*from < seq && key.id() == id).then_some(*from)
        };
        self.later.iter().enumerate().find_map(ended)
    }

    /// All of them, the first one first.
    pub(super) fn all(&self) -> impl Iterator<Item = PublicKey> {
        std::iter::once(self.first).chain(self.later.iter().map(|(_, key, _)| *key))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.later.len() + 1
    }

    /// The lines that hand over before a record.
    pub(super) fn lines_before(&self, seq: u64) -> impl Iterator<Item = &[u8]> {
        self.later.iter().filter(move |(from, ..)| *from < seq).map(|(.., line)| line.as_slice())
    }

    /// All lines, as they are kept.
    pub(super) fn text(&self) -> Vec<u8> {
        self.later.iter().flat_map(|(.., line)| [line.as_slice(), b"\n"]).collect::<Vec<_>>().concat()
    }

    /// Keeps them beside the records, whole or not at all.
    pub(super) fn keep(&self, directory: &Path) -> io::Result<()> {
        let path = directory.join(KEYS_FILE);
        let draft = directory.join(format!("{KEYS_FILE}.new"));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(FILE_MODE)
            .custom_flags(disk::NO_WAIT)
            .open(&draft)?;
        file.write_all(&self.text())?;
        file.sync_all()?;
        fs::rename(&draft, &path)?;
        File::open(directory)?.sync_all()
    }
}
