//! Looks after closed segments (packs them, removes those whose time is over), on a thread that gives way to all others: what is done here delays no record.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use serde_json::json;

use crate::audit::log::Disk;
use crate::audit::prints::Prints;
use crate::audit::record::Kind;
use crate::audit::retention::Retention;
use crate::audit::{pack, segment};
use crate::limits;
use crate::platform::process;

/// Wakes the keeper.
#[derive(Debug, Default)]
pub(super) struct Bell {
    rung: Mutex<bool>,
    ready: Condvar,
    closing: AtomicBool,
}

impl Bell {
    /// A segment was closed.
    pub(super) fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ready.notify_one();
    }

    /// Waits for a while, or until it rings; `false` when it is time to go.
    fn wait(&self) -> bool {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.ready.wait_timeout_while(rung, limits::AUDIT_KEEP, |rung| !*rung);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
        !self.closing.load(Ordering::Acquire)
    }
}

/// What it works on.
#[derive(Debug)]
pub(super) struct Chores {
    pub(super) directory: PathBuf,
    pub(super) disk: Arc<Disk>,
    pub(super) compress: bool,
    pub(super) retention: Retention,
    pub(super) prints: Option<Arc<Prints>>,
}

impl Chores {
    fn round(&mut self, bell: &Bell) -> io::Result<()> {
        if let Some(prints) = &self.prints
            && let Some(epoch) = prints.renew()?
        {
            let detail = json!({ "outcome": "fingerprint_epoch", "fingerprint_epoch": epoch.id() });
            self.retention.write(Kind::Config, detail)?;
        }
        self.retention.round(&bell.closing)?;
        let segments = segment::list(&self.directory)?;
        let Some((_open, closed)) = segments.split_last() else { return Ok(()) };
        for found in closed.iter().filter(|found| self.compress && !found.is_packed) {
            if !pack::pack(&self.directory, found, &self.disk, &bell.closing)? {
                break;
            }
        }
        Ok(())
    }
}

/// The thread's handle; waits for it when dropped.
#[derive(Debug)]
pub(super) struct Keeper {
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(super) fn start(mut chores: Chores, bell: Arc<Bell>) -> io::Result<Keeper> {
        let theirs = Arc::clone(&bell);
        let thread = thread::Builder::new().name("audit-keep".into()).spawn(move || {
            process::step_back();
            let mut said = false;
            loop {
                let done = chores.round(&theirs);
                if let (Err(error), false) = (&done, said) {
                    tracing::warn!("closed segments of the audit trail cannot be looked after: {error}");
                }
                said = done.is_err();
                if !theirs.wait() {
                    return;
                }
            }
        })?;
        Ok(Keeper { bell, thread: Some(thread) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.bell.closing.store(true, Ordering::Release);
        self.bell.ring();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the keeper of closed segments panicked; they stay as they are");
        }
    }
}
