//! What was kept outside: the lines of a witness, held to a trail as it is walked.

use std::collections::{BTreeMap, btree_map};
use std::iter::Peekable;

use crate::audit::chain::{Hash, link};
use crate::audit::checkpoint::Checkpoint;
use crate::audit::epochs::Keys;
use crate::audit::walk::{Fault, Walk};

/// What was kept outside.
#[derive(Default)]
pub(super) struct Witnessed {
    /// Heads by trail and sequence: the witness of one gate may have seen more than one trail.
    trails: BTreeMap<String, BTreeMap<u64, Hash>>,
    /// Those of this trail that are still ahead, once it is known which it is.
    ahead: Option<Peekable<btree_map::IntoIter<u64, Hash>>>,
    /// The last record that was compared and found equal.
    pub(super) through: Option<u64>,
    pub(super) ignored: usize,
}

impl Witnessed {
    /// Keeps what is signed by the key; the rest proves nothing. What surrounds a record in a line (a log
    /// collector's prefix) is skipped.
    pub(super) fn read(lines: &[String], mut keys: Keys) -> Witnessed {
        let mut witnessed = Witnessed::default();
        for line in lines {
            let record = line.find("{\"seq\":").and_then(|at| line.get(at..)).unwrap_or_default().trim_end();
            let checkpoint = Checkpoint::parse(record.as_bytes());
            let checkpoint =
                checkpoint.filter(|checkpoint| checkpoint.is_signed_by(&keys.at(checkpoint.seq)));
            match checkpoint {
                Some(checkpoint) => {
                    let head = link(&checkpoint.head, record.as_bytes());
                    // What the witness knows of keys does not depend on what lies beside the records.
                    keys.follow(record.as_bytes());
                    witnessed.trails.entry(checkpoint.log).or_default().insert(checkpoint.seq, head);
                }
                None => witnessed.ignored += usize::from(!line.trim().is_empty()),
            }
        }
        witnessed
    }

    pub(super) fn compare(&mut self, walk: &Walk) -> Result<(), Fault> {
        let (None, Some(log)) = (&self.ahead, &walk.log) else {
            return self.compare_next(walk);
        };
        match self.trails.remove(log) {
            Some(kept) => self.ahead = Some(kept.into_iter().peekable()),
            None if self.trails.is_empty() => self.ahead = Some(BTreeMap::new().into_iter().peekable()),
            None => {
                let what = format!("belongs to the trail {log}, which the witness has never seen");
                return Err(Fault { seq: walk.seq, what });
            }
        }
        self.ignored += self.trails.values().map(BTreeMap::len).sum::<usize>();
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
            None => self.trails.values().filter_map(|kept| kept.last_key_value()).map(|(seq, _)| *seq).max(),
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
