//! Removes segments whose time is over, whole, oldest first, and never silently: a signed tombstone stays, and the trail
//! itself says so. A segment under a legal hold stays, and so does one that is not what was written.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::audit::desk::Desk;
use crate::audit::hold::{self, Hold, Recorded};
use crate::audit::line::Line;
use crate::audit::log::Disk;
use crate::audit::reader::{Lines, Next};
use crate::audit::record::Kind;
use crate::audit::sample::{self, Sampler};
use crate::audit::segment::{self, Found};
use crate::audit::text::hex;
use crate::audit::text_of::Text;
use crate::audit::tombstone::{self, Claim};
use crate::audit::walk::{Fault, Walk};
use crate::limits;

/// What is needed to remove segments.
#[derive(Debug)]
pub(super) struct Retention {
    pub(super) directory: PathBuf,
    pub(super) desk: Arc<Desk>,
    pub(super) disk: Arc<Disk>,
    /// How long records are kept.
    pub(super) keep: Duration,
    /// How long samples are kept, and what takes them.
    pub(super) samples: (Duration, Option<Arc<Sampler>>),
    /// Holds that the trail knows of and that have not ended.
    known: BTreeMap<String, Hold>,
    /// Segments that are not what was written: said once.
    damaged: Vec<u64>,
    /// Both clocks, as they last agreed; until when the wall clock is not believed.
    clocks: (Instant, Timestamp),
    doubted: Option<Instant>,
}

/// First and last time of a segment.
fn times(found: &Found) -> io::Result<Option<(Timestamp, Timestamp)>> {
    let mut lines = Lines::open(found)?;
    let Next::Line(first) = lines.next()? else {
        return Ok(None);
    };
    let last = Text::open(found)?.last_line()?;
    let time = |line: &[u8]| Line::parse(line).and_then(|line| line.time.parse::<Timestamp>().ok());
    Ok(time(first).zip(time(&last)))
}

impl Retention {
    /// `away`: how long nothing was written before this run.
    pub(super) fn new(
        directory: PathBuf,
        (desk, disk): (Arc<Desk>, Arc<Disk>),
        keep: Duration,
        away: Duration,
    ) -> Retention {
        Retention {
            directory,
            desk,
            disk,
            keep,
            samples: (limits::SAMPLE_RETENTION, None),
            known: BTreeMap::new(),
            damaged: Vec::new(),
            clocks: (Instant::now(), Timestamp::now()),
            // A machine that was off for long may also just have the wrong time.
            doubted: (away >= limits::RETENTION_AWAY).then(Instant::now),
        }
    }

    /// Whether the wall clock may be believed: not for a while after it was set.
    fn is_time_sure(&mut self, now: Timestamp) -> bool {
        let (steady, wall) = self.clocks;
        let expected = wall.checked_add(steady.elapsed()).unwrap_or(wall);
        self.clocks = (Instant::now(), now);
        if now.duration_since(expected).unsigned_abs() >= limits::CLOCK_STEP {
            self.doubted = Some(Instant::now());
        }
        self.doubted.is_none_or(|since| since.elapsed() >= limits::RETENTION_DOUBT)
    }

    /// Puts holds on record, and removes what is over.
    pub(super) fn round(&mut self, closing: &AtomicBool) -> io::Result<()> {
        let now = Timestamp::now();
        let sure = self.is_time_sure(now);
        self.record_holds(now)?;
        self.look_after_samples(now, sure)?;
        let segments = segment::list(&self.directory)?;
        let Some((_open, closed)) = segments.split_last() else { return Ok(()) };
        for found in closed.iter().filter(|_| sure) {
            if closing.load(Ordering::Relaxed) {
                break;
            }
            let Some((from, until)) = times(found)? else { continue };
            if until.checked_add(self.keep).map_or(true, |over| over > now) {
                break;
            }
            // Looked at again for each: a hold counts from the moment it is there.
            let (holds, broken) = hold::holds(&self.directory)?;
            let is_held = holds.iter().chain(self.known.values()).any(|hold| hold.covers(from, until));
            if !is_held && broken.is_empty() && !self.damaged.contains(&found.first) {
                self.remove(found, (from, until), now)?;
            }
        }
        Ok(())
    }

    /// Puts on record when samples could not be written, and removes those whose time is over, which is on record before.
    fn look_after_samples(&self, now: Timestamp, sure: bool) -> io::Result<()> {
        let (keep, sampler) = &self.samples;
        if let Some(sampler) = sampler {
            sampler.turn();
            if let Some((from, until, cause)) = sampler.outage() {
                let (from, until) = (format!("{from:.6}"), format!("{until:.6}"));
                let detail = json!({"control": "samples", "cause": cause, "from": from, "until": until});
                self.write(Kind::ControlFailure, detail)?;
            }
        }
        let before = now.checked_sub(*keep).unwrap_or(Timestamp::MIN);
        let over = if sure { sample::over(&self.directory, before)? } else { Vec::new() };
        if over.is_empty() {
            return Ok(());
        }
        let (holds, broken) = hold::holds(&self.directory)?;
        let held =
            |time: Timestamp| holds.iter().chain(self.known.values()).any(|hold| hold.covers(time, time));
        let over: Vec<_> = over.into_iter().filter(|(time, _)| broken.is_empty() && !held(*time)).collect();
        let (Some((first, _)), Some((last, _))) = (over.first(), over.last()) else { return Ok(()) };
        self.tell(json!({
            "action": "audit.sample_remove", "actor": "tidegate", "samples": over.len(),
            "reason": format!("retention {} s", keep.as_secs()),
            "first": format!("{first:.3}"), "last": format!("{last:.3}"),
        }))?;
        for (_, path) in &over {
            let bytes = fs::metadata(path)?.len();
            fs::remove_file(path)?;
            self.disk.give_back(bytes);
            if let Some(sampler) = sampler {
                sampler.give_back(bytes);
            }
        }
        Ok(())
    }

    fn record_holds(&mut self, now: Timestamp) -> io::Result<()> {
        let (holds, broken) = hold::holds(&self.directory)?;
        for id in &broken {
            tracing::error!(
                hold = id,
                "a file of a legal hold is none: nothing is removed while it is there"
            );
        }
        for hold in &holds {
            if hold.recorded == Recorded::Not {
                self.tell(json!({
                    "action": "audit.hold_add", "actor": hold.owner, "hold": hold.id, "reason": hold.reason,
                    "from": hold.from, "to": hold.to, "until": hold.until,
                }))?;
                hold::note(&self.directory, hold, Recorded::Added)?;
            }
            match hold.ends(now) {
                Some(end) if hold.recorded != Recorded::Ended => {
                    self.tell(json!({
                        "action": "audit.hold_end", "actor": end.by, "hold": hold.id, "reason": end.reason,
                        "weakens": "records of the hold may be removed when their time is over",
                    }))?;
                    hold::note(&self.directory, hold, Recorded::Ended)?;
                    self.known.remove(&hold.id);
                }
                Some(_) => drop(self.known.remove(&hold.id)),
                None => drop(
                    self.known.insert(hold.id.clone(), Hold { recorded: Recorded::Added, ..hold.clone() }),
                ),
            }
        }
        let gone = |id: &&String| !holds.iter().any(|hold| hold.id == **id) && !broken.contains(id);
        let gone: Vec<Hold> =
            self.known.keys().filter(gone).filter_map(|id| self.known.get(id)).cloned().collect();
        for hold in gone {
            tracing::error!(hold = hold.id, "the file of a legal hold was taken away; it is put back");
            self.tell(json!({ "action": "audit.hold_restore", "actor": "tidegate", "hold": hold.id }))?;
            hold::note(&self.directory, &hold, Recorded::Added)?;
        }
        Ok(())
    }

    /// Puts what was done on record, and waits until the disk has it.
    fn tell(&self, detail: Value) -> io::Result<()> {
        self.write(Kind::Admin, detail)
    }

    pub(super) fn write(&self, kind: Kind, detail: Value) -> io::Result<()> {
        let detail = match detail {
            Value::Object(detail) => detail,
            other => Map::from_iter([("detail".to_owned(), other)]),
        };
        let written = self.desk.sit(|worker| worker.note(kind, &detail));
        let file = written.ok_or_else(|| io::Error::other("the trail is closed"))??;
        file.sync_data()
    }

    /// The walk over a whole segment: what is signed for must be what is there.
    fn walk(&self, found: &Found) -> io::Result<Result<Walk, Fault>> {
        let keys = self.desk.sit(|worker| worker.keys());
        let mut walk = Walk::new(keys.ok_or_else(|| io::Error::other("the trail is closed"))?);
        walk.enter(found.first);
        let mut lines = Lines::open(found)?;
        let fault = |walk: &Walk, what: &str| Ok(Err(Fault { seq: walk.seq + 1, what: what.to_owned() }));
        loop {
            match lines.next()? {
                Next::Line(line) => {
                    if let Err(wrong) = walk.line(line) {
                        return Ok(Err(wrong));
                    }
                }
                Next::Torn(_) | Next::TooLong => return fault(&walk, "is not whole"),
                Next::End if walk.signed != walk.seq => return fault(&walk, "is missing: a signature"),
                Next::End => return Ok(walk.finish().map(|()| walk)),
            }
        }
    }

    fn remove(
        &mut self,
        found: &Found,
        (from, until): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> io::Result<()> {
        let walk = match self.walk(found)? {
            Ok(walk) => walk,
            Err(Fault { seq, what }) => {
                let cause = format!("record {seq} {what}: its segment is kept although its time is over");
                tracing::error!("{cause}");
                self.write(
                    Kind::ControlFailure,
                    json!({"control": "retention", "cause": cause, "from": format!("{now:.6}"), "until": null}),
                )?;
                self.damaged.push(found.first);
                return Ok(());
            }
        };
        let reason = format!("retention {} days", self.keep.as_secs() / 86_400);
        let claim = |at: u64| Claim {
            tombstone: String::new(),
            log: walk.log.clone().unwrap_or_default(),
            first: found.first,
            last: walk.seq,
            before: hex(&walk.base),
            after: hex(&walk.head),
            root: hex(&walk.tree.root()),
            bytes: Text::open(found).and_then(|text| text.len()).unwrap_or_default(),
            from: format!("{from:.6}"),
            until: format!("{until:.6}"),
            reason: reason.clone(),
            time: format!("{now:.6}"),
            at,
            key: String::new(),
        };
        let line = self.desk.sit(|worker| worker.sign_for(&claim));
        let line = line.ok_or_else(|| io::Error::other("the trail is closed"))??;
        let bytes = tombstone::keep(&self.directory, found.first, &line)?;
        self.disk.used.fetch_add(bytes, Ordering::Relaxed);
        self.tell(json!({
            "action": "audit.remove", "actor": "tidegate", "reason": reason, "first": found.first, "last": walk.seq,
            "root": hex(&walk.tree.root()), "tombstone": hex(&crate::audit::chain::sha256(line.as_bytes())),
        }))?;
        for path in [found.path.clone(), found.packed_path(), segment::index_path(&found.path)] {
            let bytes = fs::metadata(&path).map_or(0, |metadata| metadata.len());
            match fs::remove_file(&path) {
                Ok(()) => self.disk.give_back(bytes),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        tracing::info!(first = found.first, last = walk.seq, "records were removed: {reason}");
        File::open(&self.directory)?.sync_all()
    }

    /// The wall clock as it was a moment ago.
    #[cfg(test)]
    pub(super) fn set_clock(&mut self, wall: Timestamp) {
        self.clocks.1 = wall;
    }

    #[cfg(test)]
    pub(super) fn trust_clock(&mut self) {
        self.doubted = None;
    }
}
