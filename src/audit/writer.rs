//! The one holder of sequence, chain and file: takes batches from the queue, writes each in one call, and only then
//! lets the flows go on. What cannot be written is refused, and writing is tried again until it works.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::audit::AuditError;
use crate::audit::checkpoint::{self, Cause};
use crate::audit::encode;
use crate::audit::epochs::Keys;
use crate::audit::keep::Bell;
use crate::audit::log::{Disk, Log, WriteError};
use crate::audit::queue::{Entry, Queue, Taken};
use crate::audit::record::Kind;
use crate::audit::recover::Recovery;
use crate::audit::spare;
use crate::audit::sync::{Request, Syncer};
use crate::audit::tombstone;
use crate::limits;

/// Whether records can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Writable,
    /// A write has just failed; what waits may still be written.
    Retrying,
    /// Everything is refused.
    Down,
    Closed,
}

/// What the writer and everyone else see.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) queue: Queue,
    pub(super) disk: Arc<Disk>,
    pub(super) bell: Arc<Bell>,
    condition: AtomicU8,
    /// The last record.
    pub(super) seq: AtomicU64,
    /// Records refused that no record tells of yet.
    pub(super) refused: AtomicU64,
    /// Records refused since the start.
    pub(super) refused_total: AtomicU64,
    pub(super) error: Mutex<Option<String>>,
    /// What the `stop` record will say.
    pub(super) goodbye: Mutex<Map<String, Value>>,
    opened: Instant,
    /// Milliseconds from `opened` to the last checkpoint.
    signed_ms: AtomicU64,
}

impl Shared {
    pub(super) fn new(log: &Log) -> Shared {
        Shared {
            queue: Queue::default(),
            disk: Arc::clone(&log.disk),
            bell: Arc::default(),
            condition: AtomicU8::new(Condition::Writable as u8),
            seq: AtomicU64::new(log.seq()),
            refused: AtomicU64::new(0),
            refused_total: AtomicU64::new(0),
            error: Mutex::new(None),
            goodbye: Mutex::default(),
            opened: Instant::now(),
            signed_ms: AtomicU64::new(0),
        }
    }

    pub(super) fn condition(&self) -> Condition {
        let now = self.condition.load(Ordering::Acquire);
        [Condition::Writable, Condition::Retrying, Condition::Down]
            .into_iter()
            .find(|condition| *condition as u8 == now)
            .unwrap_or(Condition::Closed)
    }

    pub(super) fn refuse(&self, records: u64) {
        self.refused.fetch_add(records, Ordering::Relaxed);
        self.refused_total.fetch_add(records, Ordering::Relaxed);
    }

    fn set(&self, condition: Condition) {
        self.condition.store(condition as u8, Ordering::Release);
    }

    pub(super) fn since_checkpoint(&self) -> Duration {
        self.opened.elapsed().saturating_sub(Duration::from_millis(self.signed_ms.load(Ordering::Relaxed)))
    }

    fn note_error(&self, text: String) {
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }
}

/// A time in which nothing can be written.
#[derive(Debug)]
struct Outage {
    since: Instant,
    began: Timestamp,
    cause: String,
}

/// What is needed to write.
#[derive(Debug)]
pub(super) struct Worker {
    shared: Arc<Shared>,
    log: Log,
    syncer: Syncer,
    batch: Vec<Entry>,
    /// When what was written since the last sync is to be made safe.
    sync_due: Option<Instant>,
    /// The newest checkpoint that the witness has not seen, after those that handed over a key: each of them is shown.
    unshown: Vec<Arc<str>>,
    /// Since when no next signing key could be made.
    keyless: Option<Timestamp>,
    signed_at: Instant,
    /// When the file being written was seen where it belongs.
    looked_at: Instant,
    outage: Option<Outage>,
    /// How many of the disk alarms hold.
    alarms: usize,
}

impl Worker {
    /// Writes what a run begins with.
    pub(super) fn begin(
        log: &mut Log,
        recovery: &Recovery,
        mut detail: Map<String, Value>,
    ) -> Result<(), WriteError> {
        if recovery.cut_off.is_some() || !recovery.torn.is_empty() {
            let torn: Vec<Value> = recovery
                .torn
                .iter()
                .map(|torn| json!({"file": torn.file, "bytes": torn.bytes, "sha256": torn.sha256}))
                .collect();
            let recovered = json!({"after": recovery.cut_off, "torn": torn});
            log.append_own(&event(Kind::Recovered, recovered))?;
        }
        detail.insert("version".into(), env!("CARGO_PKG_VERSION").into());
        detail.insert("log".into(), log.id().into());
        detail.insert("key".into(), log.key_id().into());
        detail.insert("public_key".into(), log.public_key().into());
        log.append_own(&encode::event(Kind::Start, &detail))?;
        log.sign(Cause::Start)
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Whether nothing can be written just now.
    pub(super) fn is_out(&self) -> bool {
        self.outage.is_some()
    }

    pub(super) fn new(shared: Arc<Shared>, log: Log, syncer: Syncer) -> Worker {
        let mut worker = Worker {
            shared,
            log,
            syncer,
            batch: Vec::with_capacity(limits::AUDIT_BATCH),
            sync_due: None,
            unshown: Vec::new(),
            keyless: None,
            signed_at: Instant::now(),
            looked_at: Instant::now(),
            outage: None,
            alarms: 0,
        };
        worker.written();
        if worker.log.is_key_due()
            && let Err(error) = worker.change_key()
        {
            worker.fail(error.to_string());
        }
        worker.ask_sync();
        worker
    }

    /// Writes what waits, up to `most` batches; whether nothing is left.
    pub(super) fn drain(&mut self, most: usize) -> Taken {
        for _ in 0..most {
            let taken = self.shared.queue.take(&mut self.batch);
            if taken != Taken::Records || self.outage.is_some() {
                return taken;
            }
            self.commit();
            if self.outage.is_some() {
                return Taken::Records;
            }
        }
        if self.shared.queue.is_empty() { Taken::Nothing } else { Taken::Records }
    }

    /// One round of the writer thread; when the next is due, or `None` when the queue is closed and empty.
    pub(super) fn round(&mut self) -> Option<Instant> {
        let Some(outage) = &self.outage else {
            if self.drain(usize::MAX) == Taken::Closed {
                return None;
            }
            self.upkeep();
            return Some(if self.outage.is_some() { Instant::now() } else { self.deadline() });
        };
        let closed = self.shared.queue.is_closed();
        if self.batch.is_empty() || closed || outage.since.elapsed() >= limits::AUDIT_WAIT {
            self.shared.set(Condition::Down);
            self.refuse_all();
            if closed {
                return None;
            }
            self.probe();
        } else {
            self.commit();
        }
        Some(Instant::now() + limits::AUDIT_RETRY)
    }

    fn deadline(&self) -> Instant {
        let idle = self.signed_at + limits::CHECKPOINT_IDLE;
        self.sync_due.map_or(idle, |sync| sync.min(idle))
    }

    /// Writes the batch and lets its flows go on; a batch that cannot be written stays for the next try.
    fn commit(&mut self) {
        let before = self.batch.len();
        self.batch.retain(|entry| entry.ticket.take());
        self.shared.refuse((before - self.batch.len()) as u64);
        if self.batch.is_empty() {
            return;
        }
        match self.write_batch() {
            Ok(()) => {
                for entry in self.batch.drain(..) {
                    entry.ticket.complete(Ok(()));
                    spare::give_back(entry.body);
                }
                if self.outage.take().is_some() {
                    self.shared.set(Condition::Writable);
                }
            }
            Err(error) => {
                self.batch.iter().for_each(|entry| entry.ticket.put_back());
                self.fail(error.to_string());
            }
        }
    }

    /// Looks from time to time, and at each try during an outage, whether the file being written is still where it
    /// was: a file without a name takes every record, and keeps none.
    fn look(&mut self) -> Result<(), WriteError> {
        if self.outage.is_none() && self.looked_at.elapsed() < limits::AUDIT_LOOK {
            return Ok(());
        }
        self.log.look()?;
        self.looked_at = Instant::now();
        Ok(())
    }

    fn write_batch(&mut self) -> Result<(), WriteError> {
        self.look()?;
        if self.log.is_segment_full() {
            self.rotate()?;
        }
        let bodies = self.batch.iter().map(|entry| entry.body.as_slice());
        let mut result = self.log.append(bodies);
        if matches!(result, Err(WriteError::Budget { .. })) {
            // Someone may have made room since it was last counted.
            self.log.weigh()?;
            result = self.log.append(self.batch.iter().map(|entry| entry.body.as_slice()));
        }
        result.inspect(|()| self.written())
    }

    fn rotate(&mut self) -> Result<(), WriteError> {
        let full = self.log.file();
        self.log.rotate()?;
        let directory = Some(self.log.directory().to_owned());
        self.syncer.ask(Request { file: full, directory, checkpoints: Vec::new() });
        self.written();
        self.shared.bell.ring();
        // Old segments may have been taken away; if it cannot be told, the count so far holds.
        let _ = self.log.weigh();
        Ok(())
    }

    /// Takes note of what was just written.
    fn written(&mut self) {
        if let Some(line) = self.log.take_checkpoint() {
            if self.unshown.last().is_some_and(|last| !checkpoint::hands_over(last)) {
                self.unshown.pop();
            }
            self.unshown.push(line);
            self.signed_at = Instant::now();
            let ms = self.shared.opened.elapsed().as_millis();
            self.shared.signed_ms.store(u64::try_from(ms).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        self.shared.seq.store(self.log.seq(), Ordering::Relaxed);
        self.sync_due.get_or_insert_with(|| Instant::now() + limits::AUDIT_SYNC);
        let (percent, alarms) = self.shared.disk.alarms();
        if alarms > self.alarms {
            tracing::warn!(percent, "the audit directory fills its disk budget (audit.max_disk)");
        }
        self.alarms = alarms;
    }

    fn ask_sync(&mut self) {
        self.sync_due = None;
        let checkpoints = std::mem::take(&mut self.unshown);
        self.syncer.ask(Request { file: self.log.file(), directory: None, checkpoints });
    }

    /// What is to be done from time to time: checkpoints, syncs.
    fn upkeep(&mut self) {
        if self.outage.is_some() {
            return;
        }
        if let Some(error) = self.syncer.error() {
            return self.fail(error);
        }
        if let Err(error) = self.look() {
            return self.fail(error.to_string());
        }
        if self.log.is_key_due()
            && let Err(error) = self.change_key()
        {
            return self.fail(error.to_string());
        }
        let now = Instant::now();
        let idle = now.duration_since(self.signed_at) >= limits::CHECKPOINT_IDLE;
        let due = idle || self.sync_due.is_some_and(|due| now >= due);
        if !due {
            return;
        }
        if let Err(error) = self.tell_of_strays() {
            return self.fail(error.to_string());
        }
        let busy = self.log.unsigned() >= limits::CHECKPOINT_BUSY;
        if idle || busy {
            if let Err(error) = self.log.sign(if idle { Cause::Idle } else { Cause::Busy }) {
                return self.fail(error.to_string());
            }
            self.written();
        }
        if self.syncer.is_free() {
            self.ask_sync();
        } else {
            // The disk is slow; what it has is not yet safe, and asking again would not help.
            self.sync_due = Some(now + limits::AUDIT_SYNC);
        }
    }

    /// Writes a record of the trail's own upkeep and signs for it; the file to be synced.
    pub(super) fn note(&mut self, kind: Kind, detail: &Map<String, Value>) -> io::Result<Arc<File>> {
        let written =
            self.log.append_own(&encode::event(kind, detail)).and_then(|()| self.log.sign(Cause::Busy));
        self.written();
        written.map_err(|error| io::Error::other(error.to_string()))?;
        Ok(self.log.file())
    }

    /// The keys of the trail, as they are now.
    pub(super) fn keys(&self) -> Keys {
        self.log.keys().clone()
    }

    /// Signs for a removed segment, after the last record there is.
    pub(super) fn sign_for(&self, claim: &dyn Fn(u64) -> tombstone::Claim) -> io::Result<String> {
        claim(self.log.seq()).sign(self.log.signer())
    }

    /// Hands over to the next signing key. Where none can be made, the one in use signs on, which is on record.
    fn change_key(&mut self) -> Result<(), WriteError> {
        let now = Timestamp::now();
        let (cause, from, until) = match self.log.next_key() {
            Ok(next) => {
                self.log.hand_over(next)?;
                self.written();
                let Some(from) = self.keyless.take() else { return Ok(()) };
                ("the signing key is changed again".to_owned(), from, Some(now))
            }
            Err(error) => {
                if self.keyless.is_some() {
                    return Ok(());
                }
                tracing::error!("the next signing key of the audit trail cannot be made: {error}");
                self.keyless = Some(now);
                (format!("the next signing key cannot be made: {error}"), now, None)
            }
        };
        let detail = json!({
            "control": "signing_key",
            "cause": cause,
            "from": format!("{from:.6}"),
            "until": until.map(|until| format!("{until:.6}")),
        });
        self.log.append_own(&event(Kind::ControlFailure, detail))?;
        self.written();
        Ok(())
    }

    fn fail(&mut self, cause: String) {
        self.shared.note_error(cause.clone());
        if self.outage.is_none() {
            tracing::error!("audit records cannot be written, flows will be refused: {cause}");
            self.shared.set(Condition::Retrying);
            self.outage = Some(Outage { since: Instant::now(), began: Timestamp::now(), cause });
        }
    }

    fn refuse_all(&mut self) {
        loop {
            self.shared.refuse(self.batch.len() as u64);
            self.batch.drain(..).for_each(|entry| entry.ticket.complete(Err(AuditError::Unwritable)));
            if self.shared.queue.take(&mut self.batch) != Taken::Records {
                return;
            }
        }
    }

    /// Tries whether records can be written again, with one that tells of the outage.
    fn probe(&mut self) {
        let Some(outage) = &self.outage else { return };
        if let Err(error) = self.log.look() {
            return self.shared.note_error(error.to_string());
        }
        if self.syncer.error().is_some() || self.log.weigh().is_err() {
            return;
        }
        if let Some(lacking) = self.log.lacks() {
            return self.shared.note_error(format!("{}; {lacking}", outage.cause));
        }
        let (cause, began) = (outage.cause.clone(), outage.began);
        match self.tell_of_refusals(&cause, Some(began)) {
            Ok(()) => {
                self.outage = None;
                self.shared.set(Condition::Writable);
                tracing::info!("audit records can be written again");
            }
            Err(error) => self.shared.note_error(error.to_string()),
        }
    }

    /// Tells of records that were refused though the disk took others: the queue was full, or they were too long.
    fn tell_of_strays(&mut self) -> Result<(), WriteError> {
        if self.shared.refused.load(Ordering::Relaxed) == 0 {
            return Ok(());
        }
        self.tell_of_refusals("records could not be queued", None)
    }

    /// A control that failed is itself on record: why, between which times, and what it cost.
    fn tell_of_refusals(&mut self, cause: &str, began: Option<Timestamp>) -> Result<(), WriteError> {
        let refused = self.shared.refused.load(Ordering::Relaxed);
        let detail = json!({
            "control": "audit",
            "cause": cause,
            "from": began.map(|began| format!("{began:.6}")),
            "until": format!("{:.6}", Timestamp::now()),
            "refused": refused,
        });
        self.log.append_own(&event(Kind::ControlFailure, detail))?;
        self.shared.refused.fetch_sub(refused, Ordering::Relaxed);
        self.written();
        Ok(())
    }

    /// Says goodbye and waits until the disk has it.
    pub(super) fn finish(&mut self) {
        let said = self.shared.goodbye.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let stop = encode::event(Kind::Stop, &said);
        let told = self.log.look().and_then(|()| self.tell_of_strays());
        match told.and_then(|()| self.log.append_own(&stop)).and_then(|()| self.log.sign(Cause::Stop)) {
            Ok(()) => self.written(),
            Err(error) => tracing::error!("the audit trail could not be closed: {error}"),
        }
        self.ask_sync();
    }
}

impl Drop for Worker {
    /// Also when the thread panicked: nobody waits for a writer that is gone.
    fn drop(&mut self) {
        self.shared.queue.close();
        self.shared.set(Condition::Closed);
        loop {
            self.batch.drain(..).for_each(|entry| entry.ticket.complete(Err(AuditError::Closed)));
            if self.shared.queue.take(&mut self.batch) != Taken::Records {
                return;
            }
        }
    }
}

fn event(kind: Kind, detail: Value) -> Vec<u8> {
    match detail {
        Value::Object(detail) => encode::event(kind, &detail),
        other => encode::event(kind, &Map::from_iter([("detail".to_owned(), other)])),
    }
}
