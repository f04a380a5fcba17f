//! Decisions to durable records, and a reader of them.
//!
//! May import floors 0–3 and `platform`. Invariants: `seq` has no gaps; a record is written to the operating system
//! before the bytes it speaks of leave; only this module makes a [`Permit`]; no record holds matched text.

mod chain;
mod checkpoint;
mod clock;
mod desk;
mod directory;
mod encode;
mod ends;
mod epochs;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod hold;
mod keep;
mod keyring;
mod line;
mod log;
mod pack;
mod prints;
pub mod query;
mod queue;
mod reader;
pub mod record;
mod recover;
mod retention;
mod sample;
mod segment;
mod signing;
mod spare;
mod sync;
mod text;
mod text_of;
mod tombstone;
mod verify;
mod walk;
mod witnessed;
mod writer;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_astray;
#[cfg(test)]
mod tests_classes;
#[cfg(test)]
mod tests_epochs;
#[cfg(test)]
mod tests_keep;
#[cfg(test)]
mod tests_retention;
#[cfg(test)]
mod tests_tamper;

pub(crate) use checkpoint::hands_over;
pub use hold::{End, Hold, HoldError, Recorded, add_hold, end_hold, holds};
pub use keyring::KeyEpochs;
pub use queue::Pending;
pub use reader::Reader;
pub use record::{Dialled, Draft, FlowFacts, Kind, MessageDraft, PackStamp, PackStamps};
pub use sample::{SampleConfig, SampleKey, SampleKeyError, SampleOpener, UnsealError, find_sample, unseal};
pub use signing::{KeyError, PublicKey, Signer, base64, from_base64, generate_signing_key};
pub use sync::Witness;
pub use verify::{Report, Verdict, verify};
pub use walk::Fault;
pub use witnessed::{OtherLog, Outside};

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use crate::limits;
use desk::Desk;
use keep::{Chores, Keeper};
use log::Log;
use prints::Prints;
use queue::Ticket;
use retention::Retention;
use sample::{Sampler, Scribe};
use sync::Syncer;
use writer::{Condition, Shared, Worker};

/// Leave to forward the end of a message. Only a written record gives one.
#[derive(Debug)]
#[must_use]
pub struct Permit(());

/// Why there is no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditError {
    /// The queue is full: the writer does not keep up.
    QueueFull,
    /// The disk is full, the budget is spent or the write failed.
    Unwritable,
    /// The writer has stopped.
    Closed,
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AuditError::QueueFull => "too many audit records wait to be written",
            AuditError::Unwritable => "the audit record cannot be written",
            AuditError::Closed => "the audit trail is closed",
        })
    }
}

impl std::error::Error for AuditError {}

/// When the disk is asked to keep what was written. A record is always with the operating system before the bytes
/// it speaks of leave: this is about power cuts, not about crashes of the gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncPolicy {
    /// Every second, and before a head is shown to the witness.
    #[default]
    Batch,
    /// Before each permit.
    Always,
}

/// How the trail is kept.
#[derive(Clone, Debug)]
pub struct AuditConfig {
    pub directory: PathBuf,
    pub node: String,
    pub segment_size: u64,
    pub max_disk: u64,
    /// Names this run of the gate in every record.
    pub boot: String,
    pub sync: SyncPolicy,
    /// Whether closed segments are packed.
    pub compress: bool,
    /// How long records are kept.
    pub retention: Duration,
    /// How long each signing key is used; `None`: for the life of the trail.
    pub key_epochs: Option<KeyEpochs>,
    /// How long each key of the records' fingerprints is used; `None`: they are shown as policy has them.
    pub print_epochs: Option<KeyEpochs>,
    /// What is sampled; `None`: nothing is.
    pub samples: Option<SampleConfig>,
    /// How long samples are kept, also those of an earlier run.
    pub sample_retention: Duration,
    /// What the `start` record says beside version, trail and key.
    pub start: Map<String, Value>,
}

impl AuditConfig {
    /// The contract's defaults.
    #[must_use]
    pub fn new(directory: PathBuf, node: String) -> AuditConfig {
        AuditConfig {
            directory,
            node,
            segment_size: limits::AUDIT_SEGMENT,
            max_disk: limits::AUDIT_DISK,
            boot: String::new(),
            sync: SyncPolicy::default(),
            compress: true,
            retention: limits::RETENTION,
            key_epochs: None,
            print_epochs: None,
            samples: None,
            sample_retention: limits::SAMPLE_RETENTION,
            start: Map::new(),
        }
    }
}

/// The writing end that all flows share.
#[derive(Clone, Debug)]
pub struct Audit {
    shared: Arc<Shared>,
    desk: Arc<Desk>,
    prints: Option<Arc<Prints>>,
    samples: Option<Arc<Sampler>>,
}

/// How the trail is doing.
#[derive(Clone, Debug)]
pub struct AuditStats {
    /// Records that wait, and how long the first of them has.
    pub queued: usize,
    pub lag: Duration,
    /// Sequence of the last record.
    pub seq: u64,
    pub disk_bytes: u64,
    pub max_disk: u64,
    /// How many of [`limits::AUDIT_ALARMS`] hold.
    pub disk_alarms: usize,
    pub since_checkpoint: Duration,
    /// Records refused that no record tells of yet.
    pub refused: u64,
    /// Records refused since the start.
    pub refused_total: u64,
    /// Samples asked for since the start, by what came of them; none where none are taken.
    pub samples: Vec<(&'static str, u64)>,
    /// The last thing that went wrong, even if it is over.
    pub last_error: Option<String>,
}

impl Audit {
    /// Recovers what is there, starts the writer thread and records `start`.
    pub fn open(config: AuditConfig, signing_key_pkcs8: &[u8]) -> Result<(Audit, Writer), OpenError> {
        Audit::open_with(config, signing_key_pkcs8, Box::new(|_| {}))
    }

    /// As [`open`](Self::open); each checkpoint's line goes to `witness`, too, once it is safe on disk.
    pub fn open_with(
        config: AuditConfig,
        signing_key_pkcs8: &[u8],
        witness: Witness,
    ) -> Result<(Audit, Writer), OpenError> {
        let at = |what: String| OpenError::new(&config.directory, what);
        let signer = Signer::from_pkcs8(signing_key_pkcs8).map_err(|error| at(error.to_string()))?;
        let (mut log, recovery) = Log::open(&config, signer)?;
        let prints = config.print_epochs.as_ref().map(|epochs| {
            let failed = |error| {
                OpenError::new(&epochs.file, format!("the key of fingerprints cannot be used: {error}"))
            };
            Prints::open(epochs).map(Arc::new).map_err(failed)
        });
        let prints = prints.transpose()?;
        let mut start = config.start.clone();
        if let Some(prints) = &prints {
            start.insert("fingerprint_epoch".to_owned(), prints.now().id().into());
        }
        let (samples, scribe) = sampling(&config, &log)?.unzip();
        if let Some(samples) = &samples {
            start.insert("sample_key".to_owned(), samples.key_id().into());
        }
        Worker::begin(&mut log, &recovery, start).map_err(|error| at(error.to_string()))?;
        let thread_failed = |error: io::Error| at(format!("the audit writer cannot be started: {error}"));
        let syncer = Syncer::start(witness).map_err(thread_failed)?;
        let shared = Arc::new(Shared::new(&log));
        let worker = Worker::new(Arc::clone(&shared), log, syncer);
        let desk = Arc::new(Desk::new(worker, config.sync == SyncPolicy::Always));
        let kept = Arc::clone(&desk);
        let thread =
            thread::Builder::new().name("audit".into()).spawn(move || kept.keep()).map_err(thread_failed)?;
        let mut retention = Retention::new(
            config.directory.clone(),
            (Arc::clone(&desk), Arc::clone(&shared.disk)),
            config.retention,
            recovery.away,
        );
        retention.samples = (config.sample_retention, samples.clone());
        let chores = Chores {
            directory: config.directory.clone(),
            disk: Arc::clone(&shared.disk),
            compress: config.compress,
            retention,
            prints: prints.clone(),
        };
        let keeper = Keeper::start(chores, Arc::clone(&shared.bell)).map_err(thread_failed)?;
        let shared_too = Arc::clone(&shared);
        let writer =
            Writer { shared: shared_too, keeper: Some(keeper), thread: Some(thread), _scribe: scribe };
        Ok((Audit { shared, desk, prints, samples }, writer))
    }

    /// Queues a record. It is written even if the answer is not awaited.
    pub fn submit(&self, draft: Draft) -> Pending {
        match &draft {
            Draft::Message(message) => self.submit_message(message),
            Draft::Event { kind, detail } => self.queue(*kind, || encode::event(*kind, detail)),
        }
    }

    /// The same for the record of a message, which only lends its draft.
    pub fn submit_message(&self, message: &MessageDraft) -> Pending {
        self.queue(message.kind, || {
            let mut body = encode::message(message, self.prints.as_deref());
            if let Some(said) = self.samples.as_ref().and_then(|samples| samples.take(message)) {
                body.extend_from_slice(said.as_bytes());
            }
            body
        })
    }

    fn queue(&self, kind: Kind, body: impl FnOnce() -> Vec<u8>) -> Pending {
        match self.enqueue(kind, body) {
            Ok(ticket) if self.desk.gathers() => Pending::gathering(ticket, Arc::clone(&self.desk)),
            Ok(ticket) => {
                self.desk.serve(false);
                Pending::waiting(ticket)
            }
            Err(error) => {
                // After the end nothing is left that could tell of it.
                self.shared.refuse(u64::from(error != AuditError::Closed));
                Pending::refused(error)
            }
        }
    }

    fn enqueue(&self, kind: Kind, body: impl FnOnce() -> Vec<u8>) -> Result<Arc<Ticket>, AuditError> {
        let since = Instant::now();
        match self.shared.condition() {
            Condition::Writable | Condition::Retrying => {}
            Condition::Down => return Err(AuditError::Unwritable),
            Condition::Closed => return Err(AuditError::Closed),
        }
        if kind == Kind::Checkpoint {
            tracing::error!("a checkpoint was submitted; only the writer makes them");
            return Err(AuditError::Unwritable);
        }
        let body = body();
        if body.len() > limits::RECORD_BYTES {
            tracing::error!(bytes = body.len(), "an audit record is too long to be written");
            return Err(AuditError::Unwritable);
        }
        self.shared.queue.push(body, since)
    }

    /// Whether records can be written now (readiness).
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.shared.condition() == Condition::Writable
    }

    /// Why the gate stops, for the `stop` record.
    pub fn goodbye(&self, said: Map<String, Value>) {
        *self.shared.goodbye.lock().unwrap_or_else(PoisonError::into_inner) = said;
    }

    /// Changes the disk budget; one that was spent is looked at again at once.
    pub fn set_max_disk(&self, bytes: u64) {
        self.shared.disk.max.store(bytes, Ordering::Relaxed);
    }

    /// For metrics and readiness; takes no lock that a write holds.
    #[must_use]
    pub fn stats(&self) -> AuditStats {
        let shared = &self.shared;
        let depth = shared.queue.depth();
        AuditStats {
            queued: depth.records,
            lag: depth.oldest,
            seq: shared.seq.load(Ordering::Relaxed),
            disk_bytes: shared.disk.used.load(Ordering::Relaxed),
            max_disk: shared.disk.max.load(Ordering::Relaxed),
            disk_alarms: shared.disk.alarms().1,
            since_checkpoint: shared.since_checkpoint(),
            refused: shared.refused.load(Ordering::Relaxed),
            refused_total: shared.refused_total.load(Ordering::Relaxed),
            samples: self.samples.as_ref().map(|samples| samples.outcomes()).unwrap_or_default(),
            last_error: shared.error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

/// What takes samples, if the configuration asks for them.
fn sampling(config: &AuditConfig, log: &Log) -> Result<Option<(Arc<Sampler>, Scribe)>, OpenError> {
    let start = |samples: &SampleConfig| {
        Sampler::start(samples, &config.directory, &config.node, Arc::clone(&log.disk)).map_err(|error| {
            OpenError::new(&samples.key, format!("samples cannot be sealed to this key: {error}"))
        })
    };
    config.samples.as_ref().map(start).transpose()
}

/// Whether a directory holds records of an earlier run; an error when that cannot be known.
pub fn has_records(directory: &Path) -> io::Result<bool> {
    match segment::list(directory) {
        Ok(segments) => Ok(segments.iter().any(|segment| segment.bytes > 0)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The writer thread's handle: joins it after a last checkpoint.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    keeper: Option<Keeper>,
    thread: Option<JoinHandle<()>>,
    _scribe: Option<Scribe>,
}

impl Writer {
    /// Writes what waits, records `stop`, signs a last checkpoint, and waits for the thread and the disk. Blocks.
    pub fn close(self) {
        drop(self);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.keeper = None;
        self.shared.queue.close();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the audit writer panicked; its last records may be unsigned");
        }
    }
}

/// Why a trail cannot be opened.
#[derive(Debug)]
pub struct OpenError {
    pub path: PathBuf,
    pub message: String,
}

impl OpenError {
    fn new(path: &Path, message: impl Into<String>) -> OpenError {
        OpenError { path: path.to_owned(), message: message.into() }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "audit trail {}: {}", self.path.display(), self.message)
    }
}

impl std::error::Error for OpenError {}
