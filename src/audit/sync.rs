//! Asks the disk to keep what was written, on a thread of its own: a slow disk delays no flow, and a head is shown
//! to the witness only when a power cut can no longer take back what it speaks of.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crate::limits;

/// Takes the line of each checkpoint that is safe on disk, to keep it where the writer cannot change it.
pub type Witness = Box<dyn FnMut(&str) + Send>;

/// One thing to be made safe.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) file: Arc<File>,
    /// A directory whose listing changed, too.
    pub(super) directory: Option<PathBuf>,
    /// Lines of checkpoints, for the witness.
    pub(super) checkpoints: Vec<Arc<str>>,
}

impl Request {
    fn run(&self) -> io::Result<()> {
        self.file.sync_data()?;
        match &self.directory {
            Some(directory) => File::open(directory)?.sync_all(),
            None => Ok(()),
        }
    }
}

/// What both threads see.
#[derive(Debug, Default)]
struct Shared {
    waiting: AtomicUsize,
    failing: AtomicBool,
    closing: AtomicBool,
    error: Mutex<Option<String>>,
}

pub(super) struct Syncer {
    requests: Option<Sender<Request>>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Syncer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Syncer").field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl Syncer {
    pub(super) fn start(witness: Witness) -> io::Result<Syncer> {
        let (requests, queue) = mpsc::channel();
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread =
            thread::Builder::new().name("audit-sync".into()).spawn(move || run(&queue, &theirs, witness))?;
        Ok(Syncer { requests: Some(requests), shared, thread: Some(thread) })
    }

    /// Whether nothing waits: only then is more asked for, so that requests cannot pile up behind a slow disk.
    pub(super) fn is_free(&self) -> bool {
        self.shared.waiting.load(Ordering::Acquire) == 0
    }

    pub(super) fn ask(&self, request: Request) {
        if let Some(requests) = &self.requests {
            self.shared.waiting.fetch_add(1, Ordering::AcqRel);
            // The other end lives until this one is dropped.
            let _ = requests.send(request);
        }
    }

    /// Why the disk does not keep what it was given, while that is so.
    pub(super) fn error(&self) -> Option<String> {
        if !self.shared.failing.load(Ordering::Acquire) {
            return None;
        }
        self.shared.error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Syncer {
    /// Waits for what was asked.
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Release);
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // A witness that panicked has said so itself.
            let _ = thread.join();
        }
    }
}

fn run(queue: &Receiver<Request>, shared: &Shared, mut witness: Witness) {
    for request in queue {
        while let Err(error) = request.run() {
            let text = format!("the disk does not keep the audit trail: {error}");
            if !shared.failing.load(Ordering::Acquire) {
                tracing::error!("{text}");
            }
            *shared.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
            shared.failing.store(true, Ordering::Release);
            if shared.closing.load(Ordering::Acquire) {
                return;
            }
            thread::sleep(limits::AUDIT_RETRY);
        }
        shared.failing.store(false, Ordering::Release);
        for line in &request.checkpoints {
            witness(line);
        }
        shared.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}
