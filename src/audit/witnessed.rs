//! What was kept outside: the lines of a witness, held to a trail as it is walked.

use std::collections::{BTreeMap, btree_map};
use std::fmt;
use std::iter::Peekable;

use serde_json::{Value, json};

use crate::audit::chain::{Hash, link};
use crate::audit::checkpoint::Checkpoint;
use crate::audit::epochs::Keys;
use crate::audit::line::Line;
use crate::audit::signing::PublicKey;
use crate::audit::walk::{Fault, Walk};

/// What a trail is held to besides itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outside<'a> {
    /// Lines that a witness kept.
    pub lines: &'a [String],
    /// Logs of the same key that the witness may have seen and that are kept elsewhere.
    pub other_logs: &'a [String],
}

/// A log that a witness has seen, signed by a key of the trail and not the trail itself: one that was begun before it
/// and is gone, or one that lies elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherLog {
    pub log: String,
    /// The last record that was signed for.
    pub last: u64,
    /// When the first and the last of the heads seen were signed.
    pub times: (String, String),
    /// Somebody said that there is such a log.
    pub is_known: bool,
}

impl OtherLog {
    /// For programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "trail": self.log, "last": self.last, "first_time": self.times.0, "last_time": self.times.1,
            "kept_elsewhere": self.is_known,
        })
    }
}

impl fmt::Display for OtherLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "records 1 to {} of the log {}, signed by a key of this trail ", self.last, self.log)?;
        let (from, until) = &self.times;
        write!(f, "from {from} to {until}")
    }
}

/// One log that the witness has seen.
struct Kept {
    /// As for the trail itself, and as its own heads hand them over.
    keys: Keys,
    /// Later keys that its heads name, by id.
    named: BTreeMap<String, PublicKey>,
    heads: BTreeMap<u64, Hash>,
    /// Heads that the key of another time signed: they prove nothing of the trail itself.
    out_of_time: usize,
    seen: OtherLog,
}

/// What was kept outside.
#[derive(Default)]
pub(super) struct Witnessed {
    /// By their names: the witness of one gate may have seen more than one trail.
    trails: BTreeMap<String, Kept>,
    /// Heads of this trail that are still ahead, once it is known which it is.
    ahead: Option<Peekable<btree_map::IntoIter<u64, Hash>>>,
    /// The last record that was compared and found equal.
    pub(super) through: Option<u64>,
    pub(super) ignored: usize,
    /// The others, once it is known which the trail is.
    pub(super) others: Vec<OtherLog>,
}

impl Witnessed {
    /// Keeps what is signed by the key; the rest proves nothing. What surrounds a record in a line (a log
    /// collector's prefix) is skipped.
    pub(super) fn read(outside: Outside<'_>, keys: &Keys) -> Witnessed {
        let mut witnessed = Witnessed::default();
        let own: BTreeMap<String, PublicKey> = keys.all().map(|key| (key.id(), key)).collect();
        for line in outside.lines {
            let record = line.find("{\"seq\":").and_then(|at| line.get(at..)).unwrap_or_default().trim_end();
            let is_taken = Checkpoint::parse(record.as_bytes())
                .is_some_and(|checkpoint| witnessed.take(checkpoint, record.as_bytes(), keys, &own));
            witnessed.ignored += usize::from(!is_taken && !line.trim().is_empty());
        }
        for kept in witnessed.trails.values_mut() {
            kept.seen.is_known = outside.other_logs.contains(&kept.seen.log);
        }
        witnessed
    }

    /// Takes a head that a key of the trail signed, or one that its own log named; whether it is such a head.
    fn take(
        &mut self,
        head: Checkpoint<'_>,
        record: &[u8],
        keys: &Keys,
        own: &BTreeMap<String, PublicKey>,
    ) -> bool {
        let before = self.trails.get(&head.log);
        let of_its_time = before.map_or(keys, |kept| &kept.keys).at(head.seq);
        let is_of_its_time = of_its_time.id() == head.key;
        let known = || own.get(&head.key).or_else(|| before?.named.get(&head.key)).copied();
        let key = if is_of_its_time { Some(of_its_time) } else { known() };
        if !key.is_some_and(|key| head.is_signed_by(&key)) {
            return false;
        }
        let time = Line::parse(record).map(|line| line.time.to_owned()).unwrap_or_default();
        let kept = self.trails.entry(head.log.clone()).or_insert_with(|| Kept {
            keys: keys.clone(),
            named: BTreeMap::new(),
            heads: BTreeMap::new(),
            out_of_time: 0,
            seen: OtherLog { log: head.log, last: 0, times: (time.clone(), String::new()), is_known: false },
        });
        if head.seq > kept.seen.last {
            (kept.seen.last, kept.seen.times.1) = (head.seq, time);
        }
        if let Some(next) = head.next {
            kept.named.insert(next.id(), next);
        }
        if is_of_its_time {
            // What the witness knows of keys does not depend on what lies beside the records.
            kept.keys.follow(record);
            kept.heads.insert(head.seq, link(&head.head, record));
        } else {
            kept.out_of_time += 1;
        }
        true
    }

    pub(super) fn compare(&mut self, walk: &Walk) -> Result<(), Fault> {
        let (None, Some(log)) = (&self.ahead, &walk.log) else {
            return self.compare_next(walk);
        };
        let own = self.trails.remove(log);
        self.others = std::mem::take(&mut self.trails).into_values().map(|kept| kept.seen).collect();
        if own.is_none() && self.others.iter().any(|other| !other.is_known) {
            let what = format!("belongs to the trail {log}, which the witness has never seen");
            return Err(Fault { seq: walk.seq, what });
        }
        self.ignored += own.as_ref().map_or(0, |kept| kept.out_of_time);
        self.ahead = Some(own.map(|kept| kept.heads).unwrap_or_default().into_iter().peekable());
        self.compare_next(walk)
    }

    fn compare_next(&mut self, walk: &Walk) -> Result<(), Fault> {
        let Some(ahead) = &mut self.ahead else { return Ok(()) };
        // Those of missing segments have nothing to be compared with.
        while ahead.next_if(|(seq, _)| *seq < walk.seq).is_some() {}
        let Some((_, head)) = ahead.next_if(|(seq, _)| *seq == walk.seq && walk.is_sure()) else {
            return Ok(());
        };
        if head == walk.head {
            self.through = Some(walk.seq);
            return Ok(());
        }
        let first = self.through.unwrap_or(0) + 1;
        Err(Fault {
            seq: first,
            what: format!("or a later one up to {} is not what a witness has seen", walk.seq),
        })
    }

    pub(super) fn end(&mut self, walk: &Walk) -> Result<(), Fault> {
        let last = match self.ahead.take() {
            Some(ahead) => ahead.last().map(|(seq, _)| seq),
            // Not one checkpoint was reached.
            None => {
                let unknown = self.trails.values().filter(|kept| !kept.seen.is_known);
                unknown.map(|kept| kept.seen.last).max()
            }
        };
        match last {
            Some(seq) if seq > walk.seq => Err(Fault {
                seq: walk.seq + 1,
                what: format!("is not there, though a witness has seen the trail up to record {seq}"),
            }),
            _ => Ok(()),
        }
    }
}
