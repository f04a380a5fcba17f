//! How far a sink has delivered: one small file beside the records.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The last record that was acknowledged.
#[derive(Debug)]
pub(super) struct Cursor {
    path: PathBuf,
    pub(super) seq: u64,
}

impl Cursor {
    /// The place that was kept, or `begin` for a sink that never had one.
    pub(super) fn open(directory: &Path, name: &str, begin: u64) -> Cursor {
        let path = directory.join(format!("sink-{name}.cursor"));
        let kept = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
        Cursor { path, seq: kept.unwrap_or(begin) }
    }

    /// Keeps a new place, whole or not at all. A place that cannot be kept means that records are sent twice.
    pub(super) fn keep(&mut self, seq: u64) -> io::Result<()> {
        self.seq = seq;
        let new = self.path.with_extension("cursor.new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        writeln!(file, "{seq}")?;
        fs::rename(&new, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_kept_and_a_broken_one_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let mut cursor = Cursor::open(dir.path(), "siem", 7);
        assert_eq!(cursor.seq, 7);
        cursor.keep(12).unwrap();
        assert_eq!(Cursor::open(dir.path(), "siem", 7).seq, 12);
        assert_eq!(Cursor::open(dir.path(), "other", 7).seq, 7);
        fs::write(dir.path().join("sink-siem.cursor"), "x").unwrap();
        assert_eq!(Cursor::open(dir.path(), "siem", 7).seq, 7);
    }
}
