//! The windows of rules from one process to the next: a file written in the background, and at the end.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use super::Failure;
use crate::fingerprint::{Fingerprint, FingerprintKey};
use crate::limits;
use crate::policy::LocalBudgets;

const FILE: &str = "windows";
/// What the file's seal is a fingerprint of.
const SEAL: &str = "windows.file";

/// Keeps the file of one gate's windows.
pub(super) struct Windows {
    pub(super) budgets: Arc<LocalBudgets>,
    /// Dropped to end the thread, which then writes once more.
    running: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Windows {
    /// Takes over what the last process wrote, and goes on from there.
    pub(super) fn open(directory: &Path, key: &FingerprintKey, tenants: usize) -> Result<Windows, Failure> {
        let budgets = LocalBudgets::new(key.clone(), limits::BUDGET_BYTES, Box::new(steady()));
        let budgets = Arc::new(budgets.dated_by(Box::new(now_ms)));
        budgets.share_among(tenants);
        let file = directory.join(FILE);
        if let Some(bytes) = read(&file).map_err(|error| Failure::file(&file, "cannot be read", &error))? {
            let wrong = |why: &str| {
                let file = file.display();
                Failure::configuration(format!(
                    "{file}: {why}; move it away to begin with empty windows, which forget what left before"
                ))
            };
            let (tag, body) = bytes
                .split_at_checked(size_of::<Fingerprint>())
                .ok_or_else(|| wrong("ends in the middle"))?;
            if key.of(SEAL, body).as_bytes() != tag {
                return Err(wrong("was not written under this [state] key, or was changed since"));
            }
            budgets.restore(body).map_err(|error| wrong(&error.to_string()))?;
        }
        let (running, ended) = mpsc::channel();
        let keeper = Keeper { budgets: Arc::clone(&budgets), key: key.clone(), file };
        let thread = thread::Builder::new().name("windows".to_owned()).spawn(move || {
            loop {
                let told = ended.recv_timeout(limits::BUDGET_SNAPSHOT);
                keeper.write();
                match told {
                    Ok(()) | Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        });
        let thread =
            thread.map_err(|error| Failure::unavailable(format!("a thread cannot be started: {error}")))?;
        Ok(Windows { budgets, running: Some(running), thread: Some(thread) })
    }
}

impl Drop for Windows {
    fn drop(&mut self) {
        self.running = None;
        if let Some(thread) = self.thread.take() {
            // It has said what went wrong, if anything did.
            let _ = thread.join();
        }
    }
}

struct Keeper {
    budgets: Arc<LocalBudgets>,
    key: FingerprintKey,
    file: PathBuf,
}

impl Keeper {
    fn write(&self) {
        let Some(body) = self.budgets.snapshot() else { return };
        let seal = self.key.of(SEAL, &body);
        if let Err(error) = replace(&self.file, &[seal.as_bytes(), &body]) {
            // The windows go on in memory: a crash would lose them.
            tracing::error!(file = %self.file.display(), %error, "the windows of rules cannot be written down");
        }
    }
}

fn read(file: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file for its owner alone, whole or not at all.
pub(super) fn replace(file: &Path, parts: &[&[u8]]) -> io::Result<()> {
    if let Some(directory) = file.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    let draft = file.with_extension("new");
    let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    parts.iter().try_for_each(|part| out.write_all(part))?;
    out.sync_all()?;
    fs::rename(&draft, file)
}

/// Milliseconds by a clock that nobody sets, and that goes on while the machine sleeps. It begins at the time of day, so
/// that the past has its place before it.
fn steady() -> impl Fn() -> u64 + Send + Sync + 'static {
    let since_boot = || {
        let now = clock_gettime(ClockId::Boottime);
        let (seconds, nanos) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec));
        seconds.unwrap_or_default() * 1_000 + nanos.unwrap_or_default() / 1_000_000
    };
    let (began, boot) = (now_ms(), since_boot());
    move || began.saturating_add(since_boot().saturating_sub(boot))
}

/// Milliseconds since the Unix epoch.
fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::*;
    use crate::policy::{Budgets, Standing, Terms};

    fn key(byte: u8) -> FingerprintKey {
        FingerprintKey::new(&[byte; 32])
    }

    fn leave(windows: &Windows, value: &[u8]) -> Standing {
        let terms = Terms { at_least: 10, window_ms: 3_600_000 };
        let account = windows.budgets.account("t", "r", "c");
        let value = windows.budgets.value(key(1).of("", value));
        let standing = windows.budgets.reserve(account, terms, value);
        windows.budgets.release(account, terms, value, true);
        standing
    }

    #[test]
    fn they_go_on_where_the_last_process_left_them() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("state");
        let windows = Windows::open(&directory, &key(2), 1).unwrap();
        leave(&windows, b"a");
        leave(&windows, b"b");
        drop(windows);
        let mode = fs::metadata(directory.join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let windows = Windows::open(&directory, &key(2), 1).unwrap();
        assert_eq!(leave(&windows, b"a"), Standing::Counts(2));
    }

    #[test]
    fn a_crash_loses_no_more_than_the_time_between_two_writings() {
        let folder = tempfile::tempdir().unwrap();
        let windows = Windows::open(folder.path(), &key(2), 1).unwrap();
        leave(&windows, b"a");
        // Its end never comes: what the thread wrote by itself is all that stays.
        let began = std::time::Instant::now();
        while !folder.path().join(FILE).exists() {
            assert!(began.elapsed() < limits::BUDGET_SNAPSHOT + Duration::from_secs(20));
            thread::sleep(Duration::from_millis(20));
        }
        let next = Windows::open(folder.path(), &key(2), 1).unwrap();
        assert_eq!(leave(&next, b"b"), Standing::Counts(2));
        std::mem::forget(windows);
    }

    #[test]
    fn a_file_that_was_changed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        leave(&Windows::open(folder.path(), &key(2), 1).unwrap(), b"a");
        assert!(Windows::open(folder.path(), &key(3), 1).is_err(), "another key");
        let file = folder.path().join(FILE);
        let mut bytes = fs::read(&file).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&file, &bytes).unwrap();
        assert!(Windows::open(folder.path(), &key(2), 1).is_err(), "changed");
        fs::write(&file, b"short").unwrap();
        assert!(Windows::open(folder.path(), &key(2), 1).is_err(), "cut");
    }
}
