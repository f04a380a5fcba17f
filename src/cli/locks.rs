//! What a gate has for itself besides its trail: the folder of its state and the file of its signing key. A second gate there
//! would write over overlays and windows, and wipe the key that the first one signs with.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::Failure;
use crate::config::Config;
use crate::limits;
use crate::platform::lock::{self, Patience};

/// Held until the gate has ended.
#[derive(Debug)]
pub(super) struct Locks {
    _held: Vec<File>,
}

impl Locks {
    /// Takes both, or says what another process has.
    pub(super) fn take(config: &Config) -> Result<Locks, Failure> {
        let state = &config.state.directory;
        let made = DirBuilder::new().recursive(true).mode(0o700).create(state);
        let state = match made {
            Ok(()) => one(&state.join("lock"), false, || {
                format!(
                    "{}: another process keeps its overlays and windows here; give each gate a folder of its own \
                     ([state] directory)",
                    state.display()
                )
            })?,
            // What cannot be written there says so when it is.
            Err(_) => None,
        };
        // Who never puts a new key in its place may share it with others who do not.
        let (key, keeps) = (&config.audit_key, config.audit.key_epochs.is_none());
        let key = one(&lock_of(key), keeps, || {
            format!(
                "{}: another process signs with this key, and the one would wipe what the other signs with when a new key takes \
                 its place; give each gate a key of its own ([audit] key)",
                key.display()
            )
        })?;
        Ok(Locks { _held: state.into_iter().chain(key).collect() })
    }
}

/// Beside the key, which is no file that stays.
fn lock_of(key: &Path) -> PathBuf {
    let mut name = key.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    key.with_file_name(name)
}

/// One lock; none where the file system takes no such file.
fn one(path: &Path, shared: bool, taken: impl FnOnce() -> String) -> Result<Option<File>, Failure> {
    let patience = Patience { tries: limits::LOCK_TRIES, pause: limits::LOCK_PAUSE };
    match lock::take(path, 0o600, shared, patience) {
        Ok(Some(file)) => Ok(Some(file)),
        Ok(None) => Err(Failure::io(taken())),
        Err(error) => {
            tracing::warn!(file = %path.display(), %error, "cannot be locked: a second gate here would not be noticed");
            Ok(None)
        }
    }
}
