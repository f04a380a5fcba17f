//! The trail at its growing end: numbers, chains and writes records, all of a batch or none of it.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

use crate::audit::chain::{Hash, Tree, genesis, link};
use crate::audit::checkpoint::{self, Cause, Claim};
use crate::audit::epochs::Keys;
use crate::audit::keyring::Keyring;
use crate::audit::line::Stamp;
use crate::audit::recover::{End, Recovery, recover};
use crate::audit::segment::{self, Segment};
use crate::audit::signing::{PublicKey, Signer};
use crate::audit::{AuditConfig, OpenError, SyncPolicy, directory, pack, sample};
use crate::limits;
use crate::platform::disk;

/// Room that the trail takes and may take; shared with whoever asks.
#[derive(Debug)]
pub(super) struct Disk {
    pub(super) used: AtomicU64,
    pub(super) max: AtomicU64,
}

impl Disk {
    /// A file was taken away.
    pub(super) fn give_back(&self, bytes: u64) {
        let less = |used: u64| Some(used.saturating_sub(bytes));
        // Never `Err`: there is always a smaller number.
        let _ = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// How full the budget is, in percent, and how many alarms that raises.
    pub(super) fn alarms(&self) -> (u64, usize) {
        let (used, max) = (self.used.load(Ordering::Relaxed), self.max.load(Ordering::Relaxed));
        let percent = u128::from(used) * 100 / u128::from(max.max(1));
        let percent = u64::try_from(percent).unwrap_or(u64::MAX);
        (percent, limits::AUDIT_ALARMS.iter().filter(|alarm| percent >= **alarm).count())
    }
}

/// Why nothing was written. The trail is as it was.
#[derive(Debug)]
pub(super) enum WriteError {
    Budget {
        used: u64,
        max: u64,
    },
    Io(io::Error),
    /// What is written would be lost.
    Astray {
        path: PathBuf,
        what: String,
    },
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WriteError::Budget { used, max } => {
                write!(f, "the audit disk budget is spent: {used} of {max} bytes (audit.max_disk)")
            }
            WriteError::Io(error) => write!(f, "cannot write to the audit directory: {error}"),
            WriteError::Astray { path, what } => {
                write!(f, "{} {what} while records were written to it", path.display())
            }
        }
    }
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        WriteError::Io(error)
    }
}

/// What a write changes, and a failed one changes back.
#[derive(Clone, Debug)]
struct State {
    /// The last record.
    seq: u64,
    head: Hash,
    tree: Tree,
    /// The chain after the last checkpoint.
    checkpoint: Hash,
    /// Records since the last checkpoint.
    unsigned: u64,
    /// The last record, when it is a checkpoint.
    cause: Option<Cause>,
    /// The newest checkpoint's line, until someone asks for it.
    fresh: Option<Arc<str>>,
}

/// The growing end of a trail. One per directory, kept so by a lock.
#[derive(Debug)]
pub(super) struct Log {
    directory: PathBuf,
    _lock: File,
    /// Names the trail.
    id: String,
    signer: Signer,
    keys: Keys,
    /// The file of the signing key, if each is used for a time.
    keyring: Option<Keyring>,
    /// The trail has named a key whose files are not yet in their places.
    unsettled: bool,
    stamp: Stamp,
    segment_size: u64,
    sync: bool,
    segment: Segment,
    state: State,
    /// Lines of the batch being made, and the time that they say: one for all that is written at once.
    buffer: Vec<u8>,
    now: Timestamp,
    pub(super) disk: Arc<Disk>,
}

/// Whose room a write may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    /// A flow's record: leaves the reserve alone.
    Shared,
    /// The writer's own.
    Reserve,
}

/// Where to go on. When the list of keys beside the records is lost, the records lead to the key of the end, too.
fn take_up(path: &Path, mut keys: Keys) -> Result<(Keys, (Option<End>, Recovery)), OpenError> {
    let stuck = match recover(path, &keys) {
        Ok(recovered) => return Ok((keys, recovered)),
        Err(error) => error,
    };
    match keys.follow_records(path) {
        Ok(true) => {
            tracing::warn!("keys.jsonl was lost or cut; it is made again from the records");
            let recovered = recover(path, &keys)?;
            Ok((keys, recovered))
        }
        Ok(false) | Err(_) => Err(stuck),
    }
}

/// What an earlier start left where there may be no records now.
pub(super) fn left_behind(config: &AuditConfig) -> Option<PathBuf> {
    let prints = config.print_epochs.as_ref().map(|epochs| epochs.file.clone());
    let left = [Some(config.directory.join(directory::PUBLIC_KEY_FILE)), prints];
    left.into_iter().flatten().find(|path| path.metadata().is_ok_and(|found| found.len() > 0))
}

/// A trail begins anew. Whether that is right the gate cannot know: it may be the first, or one in another directory.
fn say_if_second(directory: &Path, left: Option<&Path>) {
    if let Some(left) = left {
        tracing::warn!(
            "a trail begins in {}, which holds no records, though {} is there from an earlier start: if that one \
             wrote records here, they were moved or removed, and only a witness can tell which",
            directory.display(),
            left.display()
        );
    }
}

/// Whether a trail that ends with record `last` may be gone on with under a key.
fn signs_on(path: &Path, keys: &Keys, signer: &Signer, last: u64) -> Result<(), OpenError> {
    let from = keys.handed_over();
    if from > last {
        let what =
            format!("ends with record {last}, but record {from} handed over its key: the trail was cut");
        return Err(OpenError::new(path, what));
    }
    let (asked, given) = (keys.last(), signer.public());
    if asked == given {
        return Ok(());
    }
    Err(OpenError::new(
        path,
        format!(
            "the trail here belongs to the key {}, but the signing key given is {}; \
             restore that key or begin a new trail in another directory",
            asked.id(),
            given.id()
        ),
    ))
}

impl Log {
    /// Takes the directory for itself and goes on where the last run ended.
    pub(super) fn open(config: &AuditConfig, signer: Signer) -> Result<(Log, Recovery), OpenError> {
        let path = &config.directory;
        let at = |error: io::Error| OpenError::new(path, format!("cannot be written to: {error}"));
        let left = left_behind(config);
        let (lock, first) = directory::claim(path, &signer.public())?;
        let keys = Keys::read(path, first).map_err(at)?;
        pack::tidy(path).map_err(at)?;
        let (keys, (last, recovery)) = take_up(path, keys)?;
        let mut keyring = config.key_epochs.as_ref().map(Keyring::new);
        let keys = last.as_ref().map_or(keys, |(walk, _)| walk.keys.clone());
        let signer = match &mut keyring {
            Some(keyring) => keyring.recover(signer, &keys.last()).map_err(|error| {
                OpenError::new(path, format!("the next signing key cannot be taken up: {error}"))
            })?,
            None => signer,
        };
        signs_on(path, &keys, &signer, last.as_ref().map_or(0, |(walk, _)| walk.seq))?;
        // A crash may have come between naming a key in the trail and beside it.
        if keys.handed_over() > 0 {
            keys.keep(path).map_err(at)?;
        }
        let lock = (lock, keys, keyring);
        let mut log = match last {
            Some((walk, segment)) => {
                let id = walk.log.unwrap_or_default();
                let state = State {
                    seq: walk.seq,
                    head: walk.head,
                    tree: walk.tree,
                    checkpoint: walk.checkpoint.unwrap_or_default(),
                    unsigned: walk.seq.saturating_sub(walk.signed),
                    cause: walk.cause,
                    fresh: None,
                };
                Log::assemble(config, signer, lock, id, state, segment)
            }
            None => {
                say_if_second(path, left.as_deref().filter(|_| recovery.torn.is_empty()));
                let id = checkpoint::new_log_id().ok_or_else(|| {
                    OpenError::new(path, "the system gives no random bytes to name the trail")
                })?;
                let state = State {
                    seq: 0,
                    head: genesis(&id),
                    tree: Tree::default(),
                    checkpoint: [0; 32],
                    unsigned: 0,
                    cause: None,
                    fresh: None,
                };
                Log::assemble(config, signer, lock, id, state, Segment::create(path, 1).map_err(at)?)
            }
        };
        log.weigh().map_err(at)?;
        if log.segment.bytes == 0 {
            log.sign(Cause::Open).map_err(|error| OpenError::new(path, error.to_string()))?;
        }
        Ok((log, recovery))
    }

    fn assemble(
        config: &AuditConfig,
        signer: Signer,
        (lock, keys, keyring): (File, Keys, Option<Keyring>),
        id: String,
        state: State,
        segment: Segment,
    ) -> Log {
        Log {
            directory: config.directory.clone(),
            _lock: lock,
            id,
            signer,
            keys,
            keyring,
            unsettled: false,
            stamp: Stamp::new(&config.node, &config.boot),
            segment_size: config.segment_size,
            sync: config.sync == SyncPolicy::Always,
            segment,
            state,
            buffer: Vec::new(),
            now: Timestamp::now(),
            disk: Arc::new(Disk { used: AtomicU64::new(0), max: AtomicU64::new(config.max_disk) }),
        }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn key_id(&self) -> &str {
        self.signer.id()
    }

    pub(super) fn public_key(&self) -> String {
        self.signer.public().to_pem()
    }

    /// The last record's sequence.
    pub(super) fn seq(&self) -> u64 {
        self.state.seq
    }

    /// Records that no checkpoint covers yet.
    pub(super) fn unsigned(&self) -> u64 {
        self.state.unsigned
    }

    pub(super) fn file(&self) -> Arc<File> {
        Arc::clone(&self.segment.file)
    }

    /// Whether the file being written is still the one that will be read.
    pub(super) fn look(&self) -> Result<(), WriteError> {
        let Some(what) = self.segment.astray() else { return Ok(()) };
        Err(WriteError::Astray { path: self.segment.path.clone(), what })
    }

    /// The newest checkpoint's line, once.
    pub(super) fn take_checkpoint(&mut self) -> Option<Arc<str>> {
        self.state.fresh.take()
    }

    /// Counts again what the directory holds: someone may have made room.
    pub(super) fn weigh(&mut self) -> io::Result<()> {
        let used = segment::bytes_in(&self.directory)?.saturating_add(sample::bytes_in(&self.directory)?);
        self.disk.used.store(used, Ordering::Relaxed);
        Ok(())
    }

    /// What room is lacking for another try after an outage: with room for one record alone the next would fail.
    pub(super) fn lacks(&self) -> Option<String> {
        let (used, max) = (self.disk.used.load(Ordering::Relaxed), self.disk.max.load(Ordering::Relaxed));
        let free = disk::space(&self.directory).map_or(u64::MAX, |space| space.available);
        let (left, kept) = (max.saturating_sub(used), 2 * limits::AUDIT_RESERVE);
        let batch = limits::AUDIT_BATCH_BYTES as u64;
        if left < kept {
            let (left, kept) = (left >> 10, kept >> 10);
            return Some(format!("audit.max_disk leaves {left} KiB, and {kept} KiB are needed to go on"));
        }
        let (has, needs) = (free >> 10, batch >> 10);
        (free < batch).then(|| format!("the disk has {has} KiB free, and {needs} KiB are needed to go on"))
    }

    /// Whether the current segment has reached its size. The next append goes to a new one, and the old file is
    /// no longer reachable from here: it is to be synced first.
    pub(super) fn is_segment_full(&self) -> bool {
        self.segment.bytes >= self.segment_size
    }

    /// Ends the segment with a checkpoint and begins the next with another.
    pub(super) fn rotate(&mut self) -> Result<(), WriteError> {
        self.settle()?;
        // A try that failed half way has written the first already.
        if self.state.cause != Some(Cause::Rotation) {
            self.sign(Cause::Rotation)?;
        }
        let next = Segment::create(&self.directory, self.state.seq + 1)?;
        let full = std::mem::replace(&mut self.segment, next);
        let tree = std::mem::take(&mut self.state.tree);
        let opened = self.sign(Cause::Open);
        if opened.is_err() {
            let failed = std::mem::replace(&mut self.segment, full);
            self.state.tree = tree;
            // Empty, or holding a part of a line that nobody was promised.
            let _ = std::fs::remove_file(failed.path);
        }
        opened
    }

    /// Writes the bodies as records, in one call.
    pub(super) fn append<'a>(&mut self, bodies: impl Iterator<Item = &'a [u8]>) -> Result<(), WriteError> {
        let before = self.state.clone();
        self.buffer.clear();
        self.now = Timestamp::now();
        for body in bodies {
            self.push_record(body);
            if self.state.unsigned >= limits::CHECKPOINT_RECORDS {
                self.push_checkpoint(Cause::Records, None);
            }
        }
        self.write(before, Room::Shared)
    }

    /// Writes one record of the writer's own.
    pub(super) fn append_own(&mut self, body: &[u8]) -> Result<(), WriteError> {
        let before = self.state.clone();
        self.buffer.clear();
        self.now = Timestamp::now();
        self.push_record(body);
        self.write(before, Room::Reserve)
    }

    /// Writes a checkpoint.
    pub(super) fn sign(&mut self, cause: Cause) -> Result<(), WriteError> {
        let before = self.state.clone();
        self.buffer.clear();
        self.now = Timestamp::now();
        self.push_checkpoint(cause, None);
        self.write(before, Room::Reserve)
    }

    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(super) fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Signs with another key from now on, which nothing names.
    #[cfg(test)]
    pub(super) fn sign_as(&mut self, signer: Signer) {
        self.signer = signer;
    }

    /// Whether the signing key has had its time.
    pub(super) fn is_key_due(&self) -> bool {
        self.keyring.as_ref().is_some_and(Keyring::is_due)
    }

    /// Makes the next signing key.
    pub(super) fn next_key(&mut self) -> io::Result<Signer> {
        match &mut self.keyring {
            Some(keyring) => keyring.prepare(),
            None => Err(io::Error::other("the signing key has no file")),
        }
    }

    /// Names the next signing key in the trail, signed by the one in use, which is then overwritten.
    pub(super) fn hand_over(&mut self, next: Signer) -> Result<(), WriteError> {
        let before = self.state.clone();
        self.buffer.clear();
        self.now = Timestamp::now();
        self.push_checkpoint(Cause::Handover, Some(next.public()));
        self.write(before, Room::Reserve)?;
        if let Some(line) = &self.state.fresh {
            self.keys.follow(line.as_bytes());
        }
        self.signer = next;
        self.unsettled = true;
        self.settle()
    }

    /// Brings the files of the keys to what the trail says: only when it is safe on disk.
    fn settle(&mut self) -> Result<(), WriteError> {
        if !self.unsettled {
            return Ok(());
        }
        self.segment.file.sync_data()?;
        self.keys.keep(&self.directory)?;
        if let Some(keyring) = &mut self.keyring {
            keyring.take_up()?;
        }
        self.unsettled = false;
        Ok(())
    }

    fn push_record(&mut self, body: &[u8]) {
        let start = self.begin_line();
        self.buffer.extend_from_slice(body);
        self.buffer.push(b'}');
        self.end_line(start);
        self.state.unsigned += 1;
        self.state.cause = None;
    }

    fn push_checkpoint(&mut self, cause: Cause, next: Option<PublicKey>) {
        let start = self.begin_line();
        let claim = Claim {
            cause,
            log: &self.id,
            segment: self.segment.first,
            size: self.state.seq,
            root: self.state.tree.root(),
            head: self.state.head,
            previous: self.state.checkpoint,
            next,
        };
        checkpoint::push(&mut self.buffer, start, &claim, &self.signer);
        let line = self.buffer.get(start..).map(String::from_utf8_lossy).unwrap_or_default();
        self.state.fresh = Some(Arc::from(line));
        self.end_line(start);
        self.state.checkpoint = self.state.head;
        self.state.unsigned = 0;
        self.state.cause = Some(cause);
    }

    fn begin_line(&mut self) -> usize {
        let start = self.buffer.len();
        self.stamp.begin(&mut self.buffer, self.state.seq + 1, self.now, &self.state.head);
        start
    }

    fn end_line(&mut self, start: usize) {
        let line = self.buffer.get(start..).unwrap_or_default();
        self.state.head = link(&self.state.head, line);
        self.state.tree.push(self.state.head);
        self.state.seq += 1;
        self.buffer.push(b'\n');
    }

    fn write(&mut self, before: State, room: Room) -> Result<(), WriteError> {
        let result = self
            .settle()
            .and_then(|()| self.within_budget(room))
            .and_then(|()| Ok(self.segment.append(&self.buffer, self.sync)?));
        match &result {
            Ok(()) => {
                self.disk.used.fetch_add(self.buffer.len() as u64, Ordering::Relaxed);
            }
            Err(_) => self.state = before,
        }
        result
    }

    fn within_budget(&self, room: Room) -> Result<(), WriteError> {
        let max = self.disk.max.load(Ordering::Relaxed);
        let allowed = match room {
            Room::Shared => max.saturating_sub(limits::AUDIT_RESERVE),
            Room::Reserve => max,
        };
        let used = self.disk.used.load(Ordering::Relaxed);
        if used.saturating_add(self.buffer.len() as u64) > allowed {
            return Err(WriteError::Budget { used, max });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::tests::{check, config, key, records, temp};
    use crate::audit::{Kind, Verdict, encode};

    fn body() -> Vec<u8> {
        encode::event(Kind::Heartbeat, &serde_json::Map::new())
    }

    #[test]
    fn a_full_disk_changes_nothing_and_leaves_no_gap() {
        let dir = temp();
        let signer = Signer::from_pkcs8(&key()).unwrap();
        let (mut log, _) = Log::open(&config(dir.path()), signer).unwrap();
        let body = body();
        log.append([body.as_slice()].into_iter()).unwrap();
        let before = (log.seq(), log.state.head, log.disk.used.load(Ordering::Relaxed));

        let good = log.file();
        log.segment.file = Arc::new(File::options().append(true).open("/dev/full").unwrap());
        for _ in 0..3 {
            let error = log.append([body.as_slice(); 5].into_iter()).unwrap_err();
            assert!(error.to_string().starts_with("cannot write to the audit directory"), "{error}");
            assert!(log.sign(Cause::Idle).is_err());
            assert!(log.rotate().is_err());
        }
        assert_eq!((log.seq(), log.state.head, log.disk.used.load(Ordering::Relaxed)), before);

        log.segment.file = good;
        log.append([body.as_slice(); 2].into_iter()).unwrap();
        log.rotate().unwrap();
        log.append([body.as_slice(); 2].into_iter()).unwrap();
        log.sign(Cause::Stop).unwrap();
        let report = check(dir.path());
        assert_eq!((report.verdict(), report.segments), (Verdict::Whole, 2), "{report}");
        assert_eq!(records(dir.path()).iter().filter(|record| record["kind"] == "heartbeat").count(), 5);
    }

    #[test]
    fn a_rotation_that_fails_half_way_is_taken_up_again() {
        let dir = temp();
        let signer = Signer::from_pkcs8(&key()).unwrap();
        let (mut log, _) = Log::open(&config(dir.path()), signer).unwrap();
        // Where the next segment belongs stands something else.
        let obstacle = dir.path().join(segment::name(log.seq() + 2));
        std::fs::create_dir(&obstacle).unwrap();
        for _ in 0..3 {
            assert!(log.rotate().is_err());
        }
        std::fs::remove_dir(&obstacle).unwrap();
        log.rotate().unwrap();
        log.sign(Cause::Stop).unwrap();
        let causes: Vec<_> =
            records(dir.path()).iter().map(|r| r["cause"].as_str().unwrap().to_owned()).collect();
        assert_eq!(causes, ["open", "rotation", "open", "stop"]);
        assert_eq!(check(dir.path()).verdict(), Verdict::Whole);
    }
}
