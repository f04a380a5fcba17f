//! What retention took out of a period: the signed tombstones that stand in its place, and whether the trail tells of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use jiff::Timestamp;

use crate::audit::epochs::Keys;
use crate::audit::query::facts::Field;
use crate::audit::query::filter::{Filter, Pattern};
use crate::audit::query::search::search;
use crate::audit::record::Kind;
use crate::audit::segment;
use crate::audit::tombstone::{self, Tombstone};
use crate::audit::verify::removal;
use crate::audit::walk::{Fault, Walk};

/// Records of a period that are gone, and what stands for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The first of them names the tombstone's file.
    pub first: u64,
    pub last: u64,
    pub reason: String,
    /// When they were removed.
    pub time: String,
    /// SHA-256 of the tombstone's line, which the trail's record of the removal names.
    pub tombstone: String,
}

/// All tombstones of a trail.
pub(super) struct Graves(BTreeMap<u64, Option<Tombstone>>);

impl Graves {
    pub(super) fn read(directory: &Path) -> io::Result<Graves> {
        tombstone::list(directory).map(Graves)
    }

    /// Steps over what was removed right before segment `first`, so that the chain is proved across it.
    pub(super) fn bury(&self, walk: &mut Walk, first: u64) -> Result<(), Fault> {
        let mut next = if walk.seq > 0 { walk.seq + 1 } else { self.begins(first) };
        while next < first {
            let Some(Some(tombstone)) = self.0.get(&next).filter(|found| fits(found, first)) else {
                return Ok(());
            };
            walk.bury(tombstone)?;
            next = walk.seq + 1;
        }
        Ok(())
    }

    /// The first record of the removed segments that lead up to segment `first` without a gap.
    fn begins(&self, first: u64) -> u64 {
        let mut begins = first;
        for (from, found) in self.0.range(..first).rev() {
            match found {
                Some(tombstone) if tombstone.claim.last + 1 == begins => begins = *from,
                _ => break,
            }
        }
        begins
    }

    /// What was removed of the period, and the first thing that is wrong with what stands for it.
    pub(super) fn finish(
        self,
        directory: &Path,
        filter: &Filter,
        keys: &Keys,
    ) -> io::Result<(Vec<Removed>, Option<String>)> {
        let (mut removed, mut fault) = (Vec::new(), None);
        let first = segment::list(directory)?.first().map_or(0, |found| found.first);
        let mut told = None;
        for (number, found) in self.0 {
            let Some(tombstone) = found else {
                fault.get_or_insert_with(|| format!("record {number} has a tombstone that was changed"));
                continue;
            };
            if !touches(&tombstone, filter) {
                continue;
            }
            if !tombstone.is_signed(keys) {
                let what =
                    format!("record {number} has a tombstone that is not signed by the key of its time");
                fault.get_or_insert(what);
                continue;
            }
            let told = match &mut told {
                Some(told) => told,
                none => none.insert(removals(directory)?),
            };
            // Unless the record of it is gone itself.
            if tombstone.claim.at + 1 >= first && !told.contains(&tombstone.id()) {
                let what =
                    format!("record {number} has a tombstone, but the trail has no record of its removal");
                fault.get_or_insert(what);
                continue;
            }
            let (id, claim) = (tombstone.id(), tombstone.claim);
            removed.push(Removed {
                first: claim.first,
                last: claim.last,
                reason: claim.reason,
                time: claim.time,
                tombstone: id,
            });
        }
        Ok((removed, fault))
    }
}

fn fits(found: &Option<Tombstone>, first: u64) -> bool {
    found.as_ref().is_some_and(|tombstone| tombstone.claim.last < first)
}

/// Whether some of the records that were removed may have been of the period.
fn touches(tombstone: &Tombstone, filter: &Filter) -> bool {
    let micros = |text: &str| text.parse::<Timestamp>().map(Timestamp::as_microsecond);
    match (micros(&tombstone.claim.from), micros(&tombstone.claim.until)) {
        (Ok(from), Ok(until)) => filter.overlaps(from, until),
        _ => true,
    }
}

/// The tombstones that the trail has a record of.
fn removals(directory: &Path) -> io::Result<BTreeSet<String>> {
    let admin = vec![(Field::Kind, vec![Pattern::Exact(Kind::Admin.as_str().to_owned())])];
    let mut told = BTreeSet::new();
    search(directory, &Filter { fields: admin, ..Filter::default() }, &mut |line, _| {
        told.extend(removal(line));
        Ok(true)
    })?;
    Ok(told)
}

/// What is left of gaps when records that were removed are taken out of them.
pub(super) fn without(gaps: Vec<(u64, u64)>, removed: &[Removed]) -> Vec<(u64, u64)> {
    let mut left = gaps;
    for gone in removed {
        let cut = |(from, to): (u64, u64)| {
            let before = (from < gone.first).then(|| (from, to.min(gone.first - 1)));
            let after = (to > gone.last).then(|| (from.max(gone.last + 1), to));
            before.into_iter().chain(after)
        };
        left = left.into_iter().flat_map(cut).collect();
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_is_no_gap() {
        let gone = |first, last| Removed {
            first,
            last,
            reason: String::new(),
            time: String::new(),
            tombstone: String::new(),
        };
        for (removed, left) in [
            (vec![], vec![(5, 9), (20, 30)]),
            (vec![gone(5, 9)], vec![(20, 30)]),
            (vec![gone(1, 6)], vec![(7, 9), (20, 30)]),
            (vec![gone(7, 7), gone(21, 40)], vec![(5, 6), (8, 9), (20, 20)]),
            (vec![gone(5, 9), gone(20, 25), gone(26, 30)], vec![]),
            (vec![gone(10, 19)], vec![(5, 9), (20, 30)]),
        ] {
            assert_eq!(without(vec![(5, 9), (20, 30)], &removed), left, "{removed:?}");
        }
    }
}
