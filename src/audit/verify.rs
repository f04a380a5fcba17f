//! Proves a trail whole, or names the first record that is not what was written. Needs the files and the public
//! key, nothing else; reads each byte once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::audit::OpenError;
use crate::audit::checkpoint::Cause;
use crate::audit::clock::Clock;
use crate::audit::directory::PUBLIC_KEY_FILE;
use crate::audit::epochs::Keys;
use crate::audit::query::Unended;
use crate::audit::reader::{Lines, Next};
use crate::audit::record::Kind;
use crate::audit::segment::{self, Found};
use crate::audit::signing::PublicKey;
use crate::audit::tombstone::{self, Claim, Tombstone};
use crate::audit::walk::{Fault, Walk};
use crate::audit::witnessed::{OtherLog, Outside, Witnessed};
use crate::limits;
use crate::platform::disk;

/// Removed segments that a report names one by one.
const REMOVED_SHOWN: usize = 20;

/// Other logs that a report names one by one.
const LOGS_SHOWN: usize = 20;

/// The answer in one word. Stronger ones hide weaker ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Whole,
    /// A segment is missing, or the last records are not signed for.
    Unproven,
    /// A checkpoint is signed by a key other than the one given.
    UnknownKey,
    Tampered,
}

impl Verdict {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Verdict::Whole => "whole",
            Verdict::Unproven => "unproven",
            Verdict::UnknownKey => "unknown key",
            Verdict::Tampered => "tampered",
        }
    }

    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Verdict::Whole => 0,
            Verdict::Tampered => 1,
            Verdict::Unproven => 2,
            Verdict::UnknownKey => 3,
        }
    }
}

/// What was found out about a trail.
#[derive(Clone, Debug)]
pub struct Report {
    /// The trail's name, when it has a checkpoint.
    pub log: Option<String>,
    /// The key that signatures were checked with, and whether it came from the directory itself: then whoever could
    /// change the records could change the key, too.
    pub key: PublicKey,
    pub key_beside_records: bool,
    /// Keys that signed one after the other, the first of them `key`.
    pub keys: usize,
    pub segments: usize,
    pub records: u64,
    pub checkpoints: u64,
    pub bytes: u64,
    /// The last record that was reached.
    pub last: u64,
    /// What is wrong first, and the file it was seen in.
    pub fault: Option<(Fault, PathBuf)>,
    /// Records that were removed, each with why and when, signed for.
    pub removed: Vec<(RangeInclusive<u64>, String, String)>,
    /// Records whose segments are not there.
    pub missing: Vec<RangeInclusive<u64>>,
    /// The last segment says that another follows, which is not there.
    pub successor_missing: bool,
    /// Every record up to here is signed for.
    pub signed: u64,
    /// The last record that there was when somebody asked, and that a gate at work has signed for since: what it wrote
    /// meanwhile is not asked about.
    pub asked: Option<u64>,
    /// Times of the first and the last record that were reached.
    pub times: Option<(String, String)>,
    /// The earliest and the latest of all times, and whether the clock went back.
    pub clock: Clock,
    /// Messages that began to leave and have no end on record.
    pub unended: Unended,
    /// Whether the gate said goodbye: the last records are a `stop` and its checkpoint.
    pub stopped: bool,
    /// The file ends inside a line.
    pub torn: bool,
    /// The first checkpoint of another key, and that key.
    pub unknown_key: Option<(u64, String)>,
    /// Every record up to here was witnessed outside; `None` without a witness that speaks of this trail.
    pub witnessed: Option<u64>,
    /// Lines of the witness that prove nothing: of another key, or no checkpoints.
    pub witness_ignored: usize,
    /// Logs that the witness has seen besides, under a key of this trail.
    pub other_logs: Vec<OtherLog>,
}

impl Report {
    /// Whether all that was asked about is signed for.
    fn is_signed(&self) -> bool {
        let whole = !self.torn && self.signed == self.last;
        whole || self.asked.is_some_and(|asked| self.signed >= asked)
    }

    /// Whether every record that the witness speaks of is here, or somebody knows where it is.
    fn has_all_logs(&self) -> bool {
        self.other_logs.iter().all(|other| other.is_known)
    }

    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.fault.is_some() {
            Verdict::Tampered
        } else if self.unknown_key.is_some() {
            Verdict::UnknownKey
        } else if self.missing.is_empty() && !self.successor_missing && self.is_signed() {
            if self.records > 0 && self.has_all_logs() { Verdict::Whole } else { Verdict::Unproven }
        } else {
            Verdict::Unproven
        }
    }
}

impl Report {
    fn say_clock(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(first), Some((earliest, latest))) = (&self.clock.first_back, &self.clock.span) else {
            return Ok(());
        };
        let times = if self.clock.back == 1 { "once" } else { "several times" };
        writeln!(f, "the clock went back {times}, first {first}: times reach from {earliest} to {latest}")
    }

    fn say_unended(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.unended.count();
        if count == 0 {
            return Ok(());
        }
        let messages = if count == 1 { "message was" } else { "messages were" };
        writeln!(f, "{count} {messages} under way as the gate died; how much of each left is unknown:")?;
        for begun in self.unended.lost.iter().take(limits::UNENDED_SHOWN) {
            let (seq, time, direction, to) = (begun.seq, &begun.time, &begun.direction, &begun.destination);
            writeln!(f, "  {direction} of record {seq}, {time}, {to}")?;
        }
        match count.saturating_sub(limits::UNENDED_SHOWN as u64) {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more"),
        }
    }

    fn say_other_logs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for other in self.other_logs.iter().take(LOGS_SHOWN) {
            match other.is_known {
                true => writeln!(f, "seen outside, and kept elsewhere: {other}")?,
                false => writeln!(f, "seen outside, and not here: {other}")?,
            }
        }
        if self.other_logs.len() > LOGS_SHOWN {
            writeln!(f, "and {} more logs", self.other_logs.len() - LOGS_SHOWN)?;
        }
        if !self.has_all_logs() {
            writeln!(f, "where a log is kept elsewhere, verify it there and name it here (--other-logs)")?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} records in {} segments, {} checkpoints, {} bytes",
            self.verdict().as_str(),
            self.records,
            self.segments,
            self.checkpoints,
            self.bytes
        )?;
        if let Some((first, last)) = &self.times {
            let end = if self.stopped { "it ends with a stop" } else { "it does not end with a stop" };
            writeln!(f, "from {first} to {last}; {end}")?;
        }
        self.say_clock(f)?;
        self.say_unended(f)?;
        if let Some((fault, path)) = &self.fault {
            writeln!(f, "record {} {} ({})", fault.seq, fault.what, path.display())?;
        }
        if let Some((seq, key)) = &self.unknown_key {
            writeln!(
                f,
                "record {seq} is signed by the key {key}, which is not the one given, {}",
                self.key.id()
            )?;
        }
        for (range, reason, time) in self.removed.iter().take(REMOVED_SHOWN) {
            let (first, last) = (range.start(), range.end());
            writeln!(f, "removed by {reason}: records {first} to {last}, signed, {time}")?;
        }
        if self.removed.len() > REMOVED_SHOWN {
            writeln!(f, "and {} more removed segments, each signed", self.removed.len() - REMOVED_SHOWN)?;
        }
        for range in &self.missing {
            writeln!(f, "records {} to {} are missing with their segment", range.start(), range.end())?;
        }
        if self.successor_missing && self.fault.is_none() {
            writeln!(f, "the segment that begins with record {} is missing", self.last + 1)?;
        }
        if self.torn && self.verdict() != Verdict::Whole {
            writeln!(f, "the last line is torn; the gate puts it aside when it starts again")?;
        }
        if self.signed < self.last && self.fault.is_none() {
            let meanwhile = if self.is_signed() { ", written while this was asked" } else { "" };
            let (first, last) = (self.signed + 1, self.last);
            writeln!(f, "records {first} to {last} are not signed for yet{meanwhile}")?;
        }
        match self.witnessed {
            // What is wrong with it was said.
            Some(seq) if self.fault.is_some() => writeln!(f, "witnessed outside up to record {seq}")?,
            Some(seq) if seq >= self.last => writeln!(f, "all of it is witnessed outside")?,
            Some(seq) => writeln!(f, "nothing outside has witnessed the records since {}", seq + 1)?,
            None => writeln!(
                f,
                "nothing outside has witnessed any record: whoever holds the signing key, or cuts the trail at a \
                 checkpoint, would not be noticed"
            )?,
        }
        self.say_other_logs(f)?;
        if self.witness_ignored > 0 {
            writeln!(f, "{} lines of the witness do not speak of this trail", self.witness_ignored)?;
        }
        let source = if self.key_beside_records {
            ", found beside the records: compare it with your own copy"
        } else {
            ""
        };
        write!(f, "key {}{source}", self.key.id())?;
        match self.keys {
            0 | 1 => Ok(()),
            keys => write!(f, "\nlater keys: {}, each named by the one before", keys - 1),
        }
    }
}

/// Checks the trail in `directory`. Without `key`, the one beside the records is taken. `outside` holds lines that a
/// witness kept; `progress` is told how many bytes each step has read.
///
/// ```
/// use tidegate::audit::{Audit, AuditConfig, Outside, Verdict, generate_signing_key, verify};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let directory = folder.path().join("audit");
/// // A trail begins with `start`; closing it writes `stop` and signs for everything.
/// let key = generate_signing_key()?;
/// let (_audit, writer) = Audit::open(AuditConfig::new(directory.clone(), "egress-1".into()), &key)?;
/// writer.close();
/// let report = verify(&directory, None, Outside::default(), &mut |_| {})?;
/// assert_eq!(report.verdict(), Verdict::Whole);
///
/// // One word of one record changed: the record is named.
/// let segment = directory.join("segment-00000000000000000001.jsonl");
/// let records = std::fs::read_to_string(&segment)?;
/// std::fs::write(&segment, records.replace("\"kind\":\"stop\"", "\"kind\":\"shot\""))?;
/// let report = verify(&directory, None, Outside::default(), &mut |_| {})?;
/// assert_eq!(report.verdict(), Verdict::Tampered);
/// let (fault, file) = report.fault.ok_or("no fault")?;
/// println!("record {} {} in {}", fault.seq, fault.what, file.display());
/// # Ok(())
/// # }
/// ```
pub fn verify(
    directory: &Path,
    key: Option<&PublicKey>,
    outside: Outside<'_>,
    progress: &mut dyn FnMut(u64),
) -> Result<Report, OpenError> {
    let (key, key_beside_records) = match key {
        Some(key) => (*key, false),
        None => (key_beside(directory)?, true),
    };
    let failed = |error: io::Error| OpenError::new(directory, format!("cannot be read: {error}"));
    let keys = Keys::read(directory, key).map_err(failed)?;
    let segments = segment::list(directory).map_err(failed)?;
    let mut check = Check {
        witnessed: Witnessed::read(outside, &keys),
        walk: Walk::new(keys),
        tombstones: tombstone::list(directory).map_err(failed)?,
        removed: Vec::new(),
        doubtful: None,
        stone: None,
        told: BTreeSet::new(),
        first: segments.first().map_or(0, |found| found.first),
        missing: Vec::new(),
        torn: false,
        records: 0,
        bytes: 0,
        times: None,
        clock: Clock::default(),
        unended: Unended::default(),
        said_stop: false,
    };
    let mut fault = None;
    for (index, found) in segments.iter().enumerate() {
        let last = index + 1 == segments.len();
        match check.segment(found, last, progress) {
            Ok(()) => {}
            Err(Stop::Fault(wrong)) => {
                fault = Some((wrong, check.seen_in(directory, &found.path)));
                break;
            }
            Err(Stop::Io(error)) => {
                return Err(OpenError::new(&found.path, format!("cannot be read: {error}")));
            }
        }
    }
    if fault.is_none() {
        let end = segments.last().map_or(directory, |found| &found.path);
        fault = check.end().err().map(|wrong| (wrong, check.seen_in(directory, end)));
    }
    Ok(Report {
        key,
        key_beside_records,
        keys: check.walk.keys.count(),
        segments: segments.len(),
        records: check.records,
        checkpoints: check.walk.checkpoints,
        bytes: check.bytes,
        last: check.walk.seq,
        successor_missing: check.walk.cause == Some(Cause::Rotation),
        signed: check.walk.signed,
        asked: None,
        stopped: check.walk.cause == Some(Cause::Stop) && check.said_stop,
        times: check.times,
        clock: check.clock,
        unended: check.unended,
        torn: check.torn,
        unknown_key: check.walk.unknown_key,
        witnessed: check.witnessed.through,
        witness_ignored: check.witnessed.ignored,
        other_logs: check.witnessed.others,
        log: check.walk.log,
        removed: check.removed.iter().map(Removed::shown).collect(),
        missing: check.missing,
        fault,
    })
}

pub(super) fn key_beside(directory: &Path) -> Result<PublicKey, OpenError> {
    let path = directory.join(PUBLIC_KEY_FILE);
    let text = disk::read_regular_text(&path)
        .map_err(|error| OpenError::new(&path, format!("cannot be read: {error}")))?;
    PublicKey::from_pem(&text).map_err(|error| OpenError::new(&path, error.to_string()))
}

enum Stop {
    Fault(Fault),
    Io(io::Error),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Stop::Fault(fault)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Io(error)
    }
}

/// The time of a line that the walk has taken.
fn time_of(line: &[u8]) -> Option<&str> {
    let rest = line.strip_prefix(b"{\"seq\":")?;
    let (_, rest) = rest.split_at_checked(rest.iter().position(|b| *b == b',')? + 1)?;
    let time = rest.strip_prefix(b"\"time\":\"")?;
    std::str::from_utf8(time.split(|b| *b == b'"').next()?).ok()
}

/// A packed text that cannot be unpacked was changed; all else that cannot be read is no answer at all.
fn unreadable(found: &Found, seq: u64, error: io::Error) -> Stop {
    let damaged = [io::ErrorKind::InvalidData, io::ErrorKind::UnexpectedEof].contains(&error.kind());
    if found.is_packed && damaged {
        return Stop::Fault(Fault {
            seq,
            what: format!("or a later one of its segment was changed: {error}"),
        });
    }
    Stop::Io(error)
}

struct Check {
    walk: Walk,
    witnessed: Witnessed,
    /// By their first record.
    tombstones: BTreeMap<u64, Option<Tombstone>>,
    removed: Vec<Removed>,
    /// A removed segment whose tombstone names a key that is not known.
    doubtful: Option<u64>,
    /// The tombstone that is being looked at: what is wrong is wrong with it.
    stone: Option<u64>,
    /// Tombstones that the trail has a record of.
    told: BTreeSet<String>,
    /// The first record that is there.
    first: u64,
    missing: Vec<RangeInclusive<u64>>,
    torn: bool,
    records: u64,
    bytes: u64,
    times: Option<(String, String)>,
    clock: Clock,
    unended: Unended,
    /// Whether the record before the last checkpoint was a `stop`.
    said_stop: bool,
}

impl Check {
    /// The file that a fault was seen in, where the segment at hand is `path`.
    fn seen_in(&self, directory: &Path, path: &Path) -> PathBuf {
        self.stone.map_or_else(|| path.to_owned(), |first| directory.join(tombstone::name(first)))
    }

    fn segment(&mut self, found: &Found, is_last: bool, progress: &mut dyn FnMut(u64)) -> Result<(), Stop> {
        self.enter(found.first)?;
        let mut lines = match Lines::open(found) {
            Ok(lines) => lines,
            Err(error) => return Err(unreadable(found, self.walk.seq + 1, error)),
        };
        let mut taken = 0;
        let wrong = |seq: u64, what: &str| Err(Stop::Fault(Fault { seq, what: what.into() }));
        loop {
            let next = lines.next().map_err(|error| unreadable(found, self.walk.seq + 1, error));
            match next? {
                Next::Line(line) => {
                    self.walk.line(line)?;
                    self.witnessed.compare(&self.walk)?;
                    match self.walk.kind {
                        Some(Kind::Admin) => self.told.extend(removal(line)),
                        Some(Kind::Checkpoint) => {}
                        other => self.said_stop = other == Some(Kind::Stop),
                    }
                    self.reached(line);
                    taken += 1;
                    self.records += 1;
                    let bytes = line.len() as u64 + 1;
                    self.bytes += bytes;
                    progress(bytes);
                }
                Next::Torn(_) if is_last => {
                    self.torn = true;
                    return Ok(());
                }
                Next::Torn(_) => return wrong(self.walk.seq + 1, "is torn, though a segment follows"),
                Next::TooLong => {
                    return wrong(self.walk.seq + 1, "is longer than any that the gate writes");
                }
                Next::End if taken == 0 && !is_last => {
                    return wrong(found.first, "is not there: its segment is empty");
                }
                Next::End => {
                    self.torn |= taken == 0;
                    return Ok(());
                }
            }
        }
    }

    /// Keeps the times of the first and the last record, and what has begun and not ended.
    fn reached(&mut self, line: &[u8]) {
        match self.walk.kind {
            Some(Kind::Opening) => self.unended.open(line),
            Some(kind) => self.unended.go_on(kind, line),
            None => {}
        }
        let Some(time) = time_of(line) else { return };
        let (_, last) = self.times.get_or_insert_with(|| (time.to_owned(), String::new()));
        last.clear();
        last.push_str(time);
        self.clock.tell(self.walk.seq, time);
    }

    /// Compares where a segment says it begins with where the one before it ended.
    fn enter(&mut self, first: u64) -> Result<(), Fault> {
        let next = self.walk.seq + 1;
        if first < next {
            return Err(Fault { seq: first, what: "stands in two segments".into() });
        }
        if first > next {
            if self.records > 0 && self.walk.cause != Some(Cause::Rotation) {
                self.walk.finish()?;
                return Err(Fault {
                    seq: next,
                    what: "is not there, and the segment before it was not closed".into(),
                });
            }
            self.bury(first)?;
            let next = self.walk.seq + 1;
            if first > next {
                self.missing.push(next..=first - 1);
            }
        }
        self.walk.enter(first);
        Ok(())
    }

    /// Steps over the segments that were removed before record `first`.
    fn bury(&mut self, first: u64) -> Result<(), Fault> {
        self.walk.finish()?;
        while self.walk.seq + 1 < first {
            let next = self.walk.seq + 1;
            // Those behind a tombstone that is gone speak for themselves.
            let Some(at) = self.tombstones.range(next..first).next().map(|(at, _)| *at) else {
                return Ok(());
            };
            if at > next {
                self.missing.push(next..=at - 1);
            }
            self.stone = Some(at);
            let Some(tombstone) = self.tombstones.remove(&at).flatten() else {
                return Err(Fault { seq: at, what: "has a tombstone that was changed".into() });
            };
            if tombstone.claim.last >= first {
                return Err(Fault { seq: at, what: "has a tombstone for more than is gone".into() });
            }
            // Changed, or of a trail under another key: the first checkpoint will tell.
            let known = self.walk.keys.at(tombstone.claim.at + 1).id() == tombstone.claim.key;
            if !known && self.walk.checkpoints == 0 {
                self.doubtful = Some(at);
                self.stone = None;
                return Ok(());
            }
            self.walk.bury(&tombstone)?;
            self.stone = None;
            self.removed.push(Removed { id: tombstone.id(), claim: tombstone.claim });
        }
        Ok(())
    }

    /// Each removal is on record, unless that record is gone itself.
    fn removals(&mut self) -> Result<(), Fault> {
        if let Some(seq) = self.doubtful.filter(|_| self.walk.unknown_key.is_none()) {
            self.stone = Some(seq);
            return Err(Fault {
                seq,
                what: "has a tombstone that is not signed by the key of its time".into(),
            });
        }
        let untold =
            |removed: &&Removed| removed.claim.at + 1 >= self.first && !self.told.contains(&removed.id);
        match self.removed.iter().find(untold).filter(|_| self.missing.is_empty()) {
            None => Ok(()),
            Some(removed) => {
                let seq = removed.claim.first;
                self.stone = Some(seq);
                Err(Fault { seq, what: "has a tombstone, but the trail has no record of its removal".into() })
            }
        }
    }

    fn end(&mut self) -> Result<(), Fault> {
        self.walk.finish()?;
        self.removals()?;
        self.witnessed.end(&self.walk)
    }
}

/// A segment that was removed, and how the trail names its tombstone.
struct Removed {
    id: String,
    claim: Claim,
}

impl Removed {
    fn shown(&self) -> (RangeInclusive<u64>, String, String) {
        let claim = &self.claim;
        (claim.first..=claim.last, claim.reason.clone(), claim.time.clone())
    }
}

/// The tombstone that a record of a removal names.
pub(super) fn removal(line: &[u8]) -> Option<String> {
    let record: serde_json::Value = serde_json::from_slice(line).ok()?;
    let is_removal = record.get("action").is_some_and(|action| action == "audit.remove");
    record.get("tombstone").filter(|_| is_removal)?.as_str().map(str::to_owned)
}
