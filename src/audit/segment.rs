//! The files of a trail: their names, and appending to the last one so that a failed write leaves nothing behind.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;

use crate::platform::disk;

/// Records may name clients and destinations: the owner alone reads them.
pub(super) const FILE_MODE: u32 = 0o600;

/// A link laid in the directory must not lead records elsewhere.
const NO_LINKS: i32 = OFlags::NOFOLLOW.bits().cast_signed();

/// A segment as found in the directory.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Sequence of its first record.
    pub(super) first: u64,
    pub(super) path: PathBuf,
    /// What it takes on disk.
    pub(super) bytes: u64,
    pub(super) is_packed: bool,
}

impl Found {
    /// Where it is when it is packed.
    pub(super) fn packed_path(&self) -> PathBuf {
        if self.is_packed { self.path.clone() } else { beside(&self.path, PACKED) }
    }
}

/// What a packed segment's name ends with.
const PACKED: &str = "zst";

/// The index beside a segment.
pub(super) fn index_path(segment: &Path) -> PathBuf {
    let name = segment.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split('.').next().unwrap_or_default();
    segment.with_file_name(format!("{stem}.index"))
}

/// The same name with one more ending.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

pub(super) fn name(first: u64) -> String {
    format!("segment-{first:020}.jsonl")
}

/// The sequence in a segment's name, and whether it is packed; `None` for other files.
fn first_of(name: &str) -> Option<(u64, bool)> {
    let (name, is_packed) = match name.strip_suffix(".zst") {
        Some(name) => (name, true),
        None => (name, false),
    };
    let digits = name.strip_prefix("segment-")?.strip_suffix(".jsonl")?;
    let plain = digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| Some((digits.parse().ok()?, is_packed)))?
}

/// All segments, in order. Of one that is there twice (a crash came between packing it and taking it away) the text as
/// it was written is what counts.
pub(super) fn list(directory: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let Some((first, is_packed)) = entry.file_name().to_str().and_then(first_of) else { continue };
        match entry.metadata() {
            Ok(metadata) => {
                found.push(Found { first, path: entry.path(), bytes: metadata.len(), is_packed });
            }
            // Packed between listing and looking: under its other name it is not listed yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_packed => {
                let path = beside(&entry.path(), PACKED);
                let bytes = fs::metadata(&path)?.len();
                found.push(Found { first, path, bytes, is_packed: true });
            }
            Err(error) => return Err(error),
        }
    }
    found.sort_by_key(|segment| (segment.first, segment.is_packed));
    found.dedup_by_key(|segment| segment.first);
    Ok(found)
}

/// Bytes that the directory's files take.
pub(super) fn bytes_in(directory: &Path) -> io::Result<u64> {
    let mut total = 0u64;
    for entry in fs::read_dir(directory)? {
        match entry?.metadata() {
            Ok(metadata) if metadata.is_file() => total = total.saturating_add(metadata.len()),
            Ok(_) => {}
            // Taken away between listing and looking: it takes no room.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(total)
}

/// The segment being written.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) first: u64,
    pub(super) path: PathBuf,
    pub(super) file: Arc<File>,
    /// Bytes that hold whole records.
    pub(super) bytes: u64,
    /// Whether bytes of a failed write may follow them.
    torn: bool,
}

impl Segment {
    /// A new, empty file. One left over from a try that failed is taken if it is empty.
    pub(super) fn create(directory: &Path, first: u64) -> io::Result<Segment> {
        let path = directory.join(name(first));
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(FILE_MODE)
            .custom_flags(NO_LINKS | disk::NO_WAIT)
            .open(&path)?;
        if file.metadata()?.len() != 0 {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a segment of this name holds records"));
        }
        Ok(Segment { first, path, file: Arc::new(file), bytes: 0, torn: false })
    }

    /// An existing file whose first `bytes` bytes are whole records; what follows is cut off.
    pub(super) fn resume(found: &Found, bytes: u64) -> io::Result<Segment> {
        let file =
            OpenOptions::new().append(true).custom_flags(NO_LINKS | disk::NO_WAIT).open(&found.path)?;
        file.set_len(bytes)?;
        Ok(Segment { first: found.first, path: found.path.clone(), file: Arc::new(file), bytes, torn: false })
    }

    /// Appends all of `bytes` in one call, or nothing; `sync` waits until the disk has it, too.
    pub(super) fn append(&mut self, bytes: &[u8], sync: bool) -> io::Result<()> {
        if self.torn {
            self.cut()?;
        }
        let written = (&*self.file).write_all(bytes);
        match written.and_then(|()| if sync { self.file.sync_data() } else { Ok(()) }) {
            Ok(()) => {
                self.bytes += bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                // Soon, so that a crash finds few records that were refused; and again before the next write.
                self.torn = true;
                let _ = self.cut();
                Err(error)
            }
        }
    }

    /// What became of the file, if its path no longer leads to it or it holds less than was written: what is added
    /// then is lost.
    pub(super) fn astray(&self) -> Option<String> {
        disk::astray(fs::symlink_metadata(&self.path), &self.file, self.bytes)
    }

    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.bytes)?;
        self.torn = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_their_sequences() {
        assert_eq!(name(7), "segment-00000000000000000007.jsonl");
        assert_eq!(first_of(&name(u64::MAX)), Some((u64::MAX, false)));
        for other in [
            "segment-7.jsonl",
            "segment-00000000000000000007.jsonl.zst.new",
            "segment-0000000000000000000x.jsonl",
            "torn-7.bin",
            "audit.pub",
        ] {
            assert_eq!(first_of(other), None, "{other}");
        }
    }

    #[test]
    fn only_segments_are_listed_and_everything_is_weighed() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [
            (name(12), "twelve"),
            (name(3), "three"),
            (format!("{}.zst", name(3)), "3"),
            (format!("{}.zst", name(2)), "packed"),
            ("note.txt".into(), "x"),
        ] {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let firsts: Vec<_> =
            list(dir.path()).unwrap().iter().map(|s| (s.first, s.bytes, s.is_packed)).collect();
        assert_eq!(firsts, [(2, 6, true), (3, 5, false), (12, 6, false)]);
        assert_eq!(bytes_in(dir.path()).unwrap(), 19);
    }

    #[test]
    fn a_segment_is_made_once_and_only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let mut segment = Segment::create(dir.path(), 1).unwrap();
        assert_eq!(fs::metadata(&segment.path).unwrap().permissions().mode() & 0o777, FILE_MODE);
        Segment::create(dir.path(), 1).unwrap();
        segment.append(b"one\n", false).unwrap();
        assert_eq!(Segment::create(dir.path(), 1).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), dir.path().join(name(1))).unwrap();
        assert!(Segment::create(dir.path(), 1).is_err());
        assert!(!dir.path().join("elsewhere").exists());
    }

    #[test]
    fn what_a_failed_write_left_is_cut_before_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let mut segment = Segment::create(dir.path(), 1).unwrap();
        segment.append(b"one\n", false).unwrap();
        (&*segment.file).write_all(b"half of tw").unwrap();
        segment.torn = true;
        segment.append(b"two\n", true).unwrap();
        assert_eq!(fs::read(&segment.path).unwrap(), b"one\ntwo\n");
    }
}
