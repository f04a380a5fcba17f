//! Sees that a file has changed which a reload reads.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What a file looked like: who wrote it, how much, when.
type Look = (u64, u64, i64, i64);

/// Files as they were at the last look.
#[derive(Debug, Default)]
pub(super) struct Watch {
    settled: Option<Vec<(PathBuf, Look)>>,
    last: Vec<(PathBuf, Look)>,
}

impl Watch {
    /// Whether they have changed, and changed no more since the look before: who writes them may not be done.
    pub(super) fn look<'a>(&mut self, paths: impl Iterator<Item = &'a Path>) -> bool {
        let now = look_at(paths);
        let is_still = now == self.last;
        self.last.clone_from(&now);
        match &self.settled {
            None => self.settled = Some(now),
            Some(known) if is_still && *known != now => {
                self.settled = Some(now);
                return true;
            }
            Some(_) => {}
        }
        false
    }
}

/// All files, those of folders too; one that is gone looks like nothing.
fn look_at<'a>(paths: impl Iterator<Item = &'a Path>) -> Vec<(PathBuf, Look)> {
    let mut looks = Vec::new();
    for path in paths {
        let inside = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
        for file in inside.chain([path.to_owned()]) {
            let look = fs::metadata(&file).map(|of| (of.ino(), of.len(), of.mtime(), of.mtime_nsec()));
            looks.push((file, look.unwrap_or_default()));
        }
    }
    looks.sort();
    looks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_once_and_when_it_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let (file, pack) = (folder.path().join("a.toml"), folder.path().join("packs"));
        fs::create_dir(&pack).unwrap();
        fs::write(&file, "one").unwrap();
        let mut watch = Watch::default();
        let mut look = || watch.look([file.as_path(), pack.as_path()].into_iter());
        assert!(!look() && !look());
        fs::write(&file, "second").unwrap();
        assert!(!look(), "it may still be written");
        assert!(look() && !look());
        fs::write(pack.join("p.toml"), "new").unwrap();
        assert!(!look() && look() && !look());
        fs::remove_file(&file).unwrap();
        assert!(!look() && look() && !look());
    }
}
