//! Forensic samples: the values of a decision, sealed to a public key whose private half is kept elsewhere. Off unless
//! asked for; the trail holds only the SHA-256 of the sealed bytes.
//!
//! CVV and track data are in none: a message that holds any of it has no sample at all.

mod hpke;
mod key;
mod sealed;
mod store;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;
use std::{fs, io};

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::audit::chain::sha256;
use crate::audit::log::Disk;
use crate::audit::record::{Kind, MessageDraft};
use crate::audit::text::hex;
use crate::fingerprint::Jar;
use crate::inspect::{Decision, Found};
use crate::limits;
use crate::policy::Action;

pub use key::{SampleKey, SampleKeyError, SampleOpener};
use sealed::{Content, Value};
pub use sealed::{UnsealError, unseal};
use store::Trouble;
pub use store::find as find_sample;
pub(super) use store::{bytes_in, over};

/// What is sampled, and to whom it is sealed.
#[derive(Clone, Debug)]
pub struct SampleConfig {
    /// The public key (PEM).
    pub key: PathBuf,
    /// As written: ids, `payment.*`; what the packs in use have of them is what the jar wants.
    pub identifiers: Vec<String>,
    /// Of messages that were decided so.
    pub actions: Vec<Action>,
    /// Room for all of them together, within that of the trail.
    pub max_size: u64,
    /// Where values are between being found and the decision.
    pub jar: Arc<Jar>,
}

/// Why there is no sample of a decision, in a word of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    /// The message holds CVV or track data.
    Sensitive,
    /// The values are no longer in memory: the message took too long.
    Gone,
    /// The room for samples is spent, or the trail needs it.
    Full,
    /// Too many wait to be written.
    Busy,
    /// The folder cannot be written.
    Unwritable,
}

impl Missing {
    const ALL: [Missing; 5] =
        [Missing::Sensitive, Missing::Gone, Missing::Full, Missing::Busy, Missing::Unwritable];

    const fn as_str(self) -> &'static str {
        match self {
            Missing::Sensitive => "sensitive",
            Missing::Gone => "gone",
            Missing::Full => "full",
            Missing::Busy => "busy",
            Missing::Unwritable => "unwritable",
        }
    }
}

/// A sealed sample on its way to its file.
struct Job {
    name: String,
    bytes: Vec<u8>,
}

/// Takes samples.
#[derive(Debug)]
pub(super) struct Sampler {
    config: SampleConfig,
    key: SampleKey,
    id: String,
    node: String,
    send: SyncSender<Option<Job>>,
    /// What the folder holds.
    room: Arc<Room>,
    disk: Arc<Disk>,
    trouble: Arc<Trouble>,
    /// When values were last forgotten.
    turned: Mutex<Instant>,
    outcomes: Outcomes,
}

/// How many samples were asked for, by what came of them.
#[derive(Debug, Default)]
struct Outcomes {
    kept: AtomicU64,
    /// In the order of [`Missing::ALL`].
    missing: [AtomicU64; Missing::ALL.len()],
}

/// Files and bytes of all samples.
#[derive(Debug, Default)]
struct Room {
    files: AtomicU64,
    bytes: AtomicU64,
}

impl Room {
    fn give_back(&self, files: u64, bytes: u64) {
        for (held, by) in [(&self.files, files), (&self.bytes, bytes)] {
            // Never `Err`: there is always a smaller number.
            let _ =
                held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| Some(held.saturating_sub(by)));
        }
    }
}

/// The thread that writes samples; it writes what waits before it ends.
#[derive(Debug)]
pub(super) struct Scribe {
    send: SyncSender<Option<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Scribe {
    fn drop(&mut self) {
        // Only a thread that is gone already takes nothing.
        let _ = self.send.send(None);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the writer of samples panicked; the last of them may be missing");
        }
    }
}

impl Sampler {
    /// `trail`: the audit directory, which has the folder of samples in it.
    pub(super) fn start(
        config: &SampleConfig,
        trail: &std::path::Path,
        node: &str,
        disk: Arc<Disk>,
    ) -> io::Result<(Arc<Sampler>, Scribe)> {
        let text = fs::read_to_string(&config.key)?;
        let key = SampleKey::from_pem(&text).map_err(io::Error::other)?;
        let folder = store::open(trail)?;
        let (files, bytes) = store::weigh(&folder)?;
        let room = Arc::new(Room { files: files.into(), bytes: bytes.into() });
        let trouble = Arc::new(Trouble::default());
        let (send, jobs) = sync_channel::<Option<Job>>(limits::SAMPLE_QUEUE);
        let (theirs, disks) = (Arc::clone(&trouble), Arc::clone(&disk));
        let thread = thread::Builder::new().name("audit-samples".into()).spawn(move || {
            while let Ok(Some(job)) = jobs.recv() {
                match store::write(&folder, &job.name, &job.bytes) {
                    Ok(()) => {
                        disks.used.fetch_add(job.bytes.len() as u64, Ordering::Relaxed);
                        theirs.end();
                    }
                    Err(error) => theirs.begin(&job.name, &error),
                }
            }
        })?;
        let scribe = Scribe { send: send.clone(), thread: Some(thread) };
        let (config, id, node) = (config.clone(), key.id(), node.to_owned());
        let turned = Mutex::new(Instant::now());
        let outcomes = Outcomes::default();
        let sampler = Sampler { config, key, id, node, send, room, disk, trouble, turned, outcomes };
        Ok((Arc::new(sampler), scribe))
    }

    /// Names the key in records.
    pub(super) fn key_id(&self) -> &str {
        &self.id
    }

    /// A sample was removed.
    pub(super) fn give_back(&self, bytes: u64) {
        self.room.give_back(1, bytes);
    }

    /// When none could be written, until now, and why; once, and then the next is tried.
    pub(super) fn outage(&self) -> Option<(Timestamp, Timestamp, String)> {
        self.trouble.take()
    }

    /// Values that were found long ago are forgotten.
    pub(super) fn turn(&self) {
        let mut turned = self.turned.lock().unwrap_or_else(PoisonError::into_inner);
        if turned.elapsed() >= limits::SAMPLE_TURN {
            self.config.jar.turn();
            *turned = Instant::now();
        }
    }

    /// Takes the sample of a decision, if there is to be one: what its record says of it, as a field to append.
    pub(super) fn take(&self, draft: &MessageDraft) -> Option<String> {
        let decision = draft.decision.as_ref()?;
        if draft.kind != Kind::Decision || !self.config.actions.contains(&decision.action) {
            return None;
        }
        let jar = &self.config.jar;
        let wanted = |found: &&Found| found.suppressed < found.matched && jar.wants(&found.identifier);
        let wanted: Vec<&Found> = decision.found.iter().filter(wanted).collect();
        if wanted.is_empty() {
            return None;
        }
        Some(match self.seal(draft, decision, &wanted) {
            Ok((hash, values)) => {
                self.outcomes.kept.fetch_add(1, Ordering::Relaxed);
                format!(r#","sample":{{"sha256":"{hash}","key":"{}","values":{values}}}"#, self.id)
            }
            Err(missing) => {
                let counts = Missing::ALL.iter().zip(&self.outcomes.missing);
                for (_, count) in counts.filter(|(each, _)| **each == missing) {
                    count.fetch_add(1, Ordering::Relaxed);
                }
                format!(r#","sample":{{"not_kept":"{}"}}"#, missing.as_str())
            }
        })
    }

    /// How many samples were asked for since the start, by what their records say came of them.
    pub(super) fn outcomes(&self) -> Vec<(&'static str, u64)> {
        let missing = Missing::ALL.iter().map(|missing| missing.as_str()).zip(&self.outcomes.missing);
        let all = [("kept", &self.outcomes.kept)].into_iter().chain(missing);
        all.map(|(outcome, count)| (outcome, count.load(Ordering::Relaxed))).collect()
    }

    fn seal(
        &self,
        draft: &MessageDraft,
        decision: &Decision,
        wanted: &[&Found],
    ) -> Result<(String, usize), Missing> {
        let jar = &self.config.jar;
        if decision.found.iter().any(|found| jar.bars(&found.identifier)) {
            return Err(Missing::Sensitive);
        }
        if self.trouble.is_open() {
            return Err(Missing::Unwritable);
        }
        let taken = wanted.iter().flat_map(|found| {
            let prints = found.fingerprints.iter().take(limits::FINGERPRINTS_PER_FINDING);
            prints.filter_map(|print| Some((&*found.identifier, jar.value(print)?)))
        });
        let taken: Vec<(&str, Zeroizing<Vec<u8>>)> = taken.take(limits::FINGERPRINTS_PER_MESSAGE).collect();
        let values = taken.iter().filter_map(|(identifier, value)| {
            std::str::from_utf8(value).ok().map(|value| Value { identifier, value })
        });
        let id = draft.decision_id.to_string();
        let content = Content {
            decision: &id,
            node: &self.node,
            tenant: &draft.flow.tenant,
            direction: draft.direction.as_str(),
            destination: &draft.flow.host,
            values: values.collect(),
        };
        let count = content.values.len();
        if count == 0 {
            return Err(Missing::Gone);
        }
        let bytes = sealed::seal(&self.key, &self.id, &content).ok_or(Missing::Unwritable)?;
        let length = bytes.len() as u64;
        if !self.reserve(length) {
            return Err(Missing::Full);
        }
        let hash = hex(&sha256(&bytes));
        let name = store::name(Timestamp::now(), &hash);
        if self.send.try_send(Some(Job { name, bytes })).is_err() {
            self.room.give_back(1, length);
            return Err(Missing::Busy);
        }
        Ok((hash, count))
    }

    /// Whether there is room for one more; records come first.
    fn reserve(&self, bytes: u64) -> bool {
        let within = |most: u64, by: u64| move |held: u64| held.checked_add(by).filter(|sum| *sum <= most);
        let (room, max) = (&self.room, self.config.max_size);
        if bytes > limits::SAMPLE_BYTES || self.disk.alarms().1 > 0 {
            return false;
        }
        let counted =
            room.files.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within(limits::SAMPLE_FILES, 1));
        let held = room.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within(max, bytes));
        match (counted, held) {
            (Ok(_), Ok(_)) => true,
            (counted, held) => {
                room.give_back(u64::from(counted.is_ok()), if held.is_ok() { bytes } else { 0 });
                false
            }
        }
    }
}

#[cfg(test)]
mod tests;
