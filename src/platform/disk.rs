//! How much room the file system below a path has, and whether a file is still where it was.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Bytes of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    pub total: u64,
    /// What an unprivileged process may still use.
    pub available: u64,
}

/// Asks the file system that holds `path`.
pub fn space(path: &Path) -> io::Result<Space> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(Space {
        total: stat.f_blocks.saturating_mul(stat.f_frsize),
        available: stat.f_bavail.saturating_mul(stat.f_frsize),
    })
}

/// What became of an open file, by what is `found` at its path, if that is another one or holds less than the `bytes` that
/// it had: what is added then is lost.
pub fn astray(found: io::Result<Metadata>, file: &File, bytes: u64) -> Option<String> {
    let found = match found {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Some("was moved or removed".into());
        }
        Err(error) => return Some(format!("cannot be looked at ({error})")),
    };
    let open = match file.metadata() {
        Ok(open) => open,
        Err(error) => return Some(format!("cannot be looked at ({error})")),
    };
    if (found.dev(), found.ino()) != (open.dev(), open.ino()) || open.nlink() == 0 {
        return Some("was replaced by another file".into());
    }
    let has = open.len();
    (has < bytes).then(|| format!("was cut to {has} of {bytes} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_has_room_and_a_missing_path_is_an_error() {
        let here = space(Path::new(".")).unwrap();
        assert!(here.total >= here.available && here.total > 0);
        assert_eq!(space(Path::new("/no/such/path")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
