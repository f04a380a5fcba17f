//! The directory of a trail: made, locked, and the public key laid beside the records.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::audit::OpenError;
use crate::audit::segment::FILE_MODE;
use crate::audit::signing::PublicKey;
use crate::limits;
use crate::platform::disk;
use crate::platform::lock::{self, Patience};

/// The public key, for whoever has no better source.
pub(super) const PUBLIC_KEY_FILE: &str = "audit.pub";
const LOCK_FILE: &str = "audit.lock";
/// Others may not even list the directory.
const DIRECTORY_MODE: u32 = 0o700;

/// Makes the directory if need be and takes it for this process, until the file returned is closed. With it comes the
/// first key of the trail: the one published, or else `key`.
pub(super) fn claim(directory: &Path, key: &PublicKey) -> Result<(File, PublicKey), OpenError> {
    let at = |error: io::Error| OpenError::new(directory, format!("cannot be written to: {error}"));
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory).map_err(at)?;
    if fs::metadata(directory).map_err(at)?.mode() & 0o022 != 0 {
        tracing::warn!(directory = %directory.display(), "others than the owner may change the audit directory");
    }
    let path = directory.join(LOCK_FILE);
    let patience = Patience { tries: limits::LOCK_TRIES, pause: limits::LOCK_PAUSE };
    let lock = match lock::take(&path, FILE_MODE, false, patience) {
        Ok(Some(lock)) => lock,
        Ok(None) => {
            return Err(OpenError::new(directory, "is in use: another process writes its audit trail here"));
        }
        Err(error) => return Err(at(error)),
    };
    let first = publish(directory, key)?;
    Ok((lock, first))
}

/// Writes the public key once; the one that is there.
fn publish(directory: &Path, key: &PublicKey) -> Result<PublicKey, OpenError> {
    let path = directory.join(PUBLIC_KEY_FILE);
    match disk::read_regular_text(&path) {
        // Empty: a crash came between making and filling it.
        Ok(text) if text.is_empty() => {}
        Ok(text) => {
            return PublicKey::from_pem(&text).map_err(|error| OpenError::new(&path, error.to_string()));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(OpenError::new(&path, format!("cannot be read: {error}"))),
    }
    let write = || {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(FILE_MODE)
            .custom_flags(disk::NO_WAIT)
            .open(&path)?;
        file.write_all(key.to_pem().as_bytes())?;
        file.sync_all()
    };
    write().map_err(|error| OpenError::new(&path, format!("cannot be written: {error}")))?;
    Ok(*key)
}
