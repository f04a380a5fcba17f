//! Locks that keep processes off each other's files, for as long as they live.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// How often a lock is tried for, and how long apart.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub tries: u32,
    pub pause: Duration,
}

/// Takes a lock file, which is made if need be, until what is returned is closed; `None`: another process has it. Those that
/// take it `shared` have it together.
pub fn take(path: &Path, mode: u32, shared: bool, patience: Patience) -> io::Result<Option<File>> {
    let lock = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(mode)
        .custom_flags(super::disk::NO_WAIT)
        .open(path)?;
    let attempt = || if shared { lock.try_lock_shared() } else { lock.try_lock() };
    let mut tried = attempt();
    for _ in 0..patience.tries {
        // A program that was just started holds the files of its parent for a moment, and so does one that ends.
        if !matches!(tried, Err(TryLockError::WouldBlock)) {
            break;
        }
        thread::sleep(patience.pause);
        tried = attempt();
    }
    match tried {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_it_alone_or_several_share_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let patience = Patience { tries: 0, pause: Duration::ZERO };
        let take = |shared| take(&path, 0o600, shared, patience).unwrap();
        let alone = take(false).unwrap();
        assert!(take(false).is_none() && take(true).is_none());
        drop(alone);
        let (first, second) = (take(true).unwrap(), take(true).unwrap());
        assert!(take(false).is_none());
        drop((first, second));
        assert!(take(false).is_some());
    }
}
