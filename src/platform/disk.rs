//! How much room the file system below a path has, whether a file is still where it was, and files made whole or not at
//! all.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
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

/// For whatever opens a file to write to it: where a pipe stands in its place, that fails and does not wait for a reader.
pub const NO_WAIT: i32 = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();

/// Opens a file to be read, if it is a regular one: a pipe would be waited for, and a device may have no end.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(NO_WAIT).open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Err(io::Error::other(format!("{name} is no regular file")))
}

/// All that is in such a file.
pub fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_regular(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The same of a text.
pub fn read_regular_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read_regular(path)?).map_err(|_| io::Error::other("it is not UTF-8 text"))
}

/// Creates a file whole or not at all, never over an old one, and makes it last; its folder, too.
pub fn create(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let name = path.file_name().ok_or_else(|| io::Error::other("is not a file name"))?;
    // A process of the same number may have died over a draft: in containers each has the first one.
    let mut random = [0; 8];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut random)
        .map_err(|_| io::Error::other("the system gives no random bytes"))?;
    let draft = folder.join(format!(".{}.{:016x}", name.to_string_lossy(), u64::from_ne_bytes(random)));
    let write = |mut file: File| {
        file.write_all(bytes)?;
        file.sync_all()
    };
    let drafted = OpenOptions::new().write(true).create_new(true).mode(mode).open(&draft).and_then(write);
    // A link fails where a rename would replace.
    let result = drafted.and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    result.and(removed).and_then(|()| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_made_whole_once_and_leaves_no_draft() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/a.key");
        create(&path, b"one", 0o600).unwrap();
        assert_eq!(create(&path, b"two", 0o600).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path().join("keys")).unwrap().count(), 1);
        assert!(create(&path.join("below"), b"x", 0o600).is_err());
    }

    #[test]
    fn a_file_system_has_room_and_a_missing_path_is_an_error() {
        let here = space(Path::new(".")).unwrap();
        assert!(here.total >= here.available && here.total > 0);
        assert_eq!(space(Path::new("/no/such/path")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
