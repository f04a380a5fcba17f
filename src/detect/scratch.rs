//! What the scan of one stream keeps from region to region.

use std::ops::Range;

use super::columns::Told;
use super::context::Trail;
use super::listed::Listed;
use super::names::{Kept, Names, Place, Scope};
use crate::limits;

/// What one region leaves to the next of the same stream. Grows at the first finding or word, not before.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    /// Where detectors may start next: behind their last matches, as far as those reach past what is decided. In order
    /// of detectors.
    next: Vec<(u16, u64)>,
    pub(super) trail: Trail,
    pub(super) names: Names,
    /// The words of those names.
    pub(super) said: Vec<Said>,
    /// Where findings stand, while there is room to tell, and for how many more that is looked for.
    pub(super) places: Vec<Place>,
    pub(super) room: usize,
    pub(super) sought: usize,
    /// The columns that their headers tell, once the text's first line says that it is a table.
    pub(super) told: Option<Box<[Told]>>,
    /// The lists that name their columns.
    pub(super) listed: Listed,
    /// And those names of them that stand far before what is read.
    pub(super) kept: Kept,
}

/// A word of a name around a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    pub(super) word: u16,
    /// Which of the names it is a word of, and where it begins and ends in what that stands in.
    pub(super) name: usize,
    pub(super) place: (usize, usize),
    pub(super) scope: Scope,
    /// Whether the name is the value's own: only its own speaks against it.
    pub(super) own: bool,
}

impl Said {
    pub(super) fn place(&self) -> Range<usize> {
        self.place.0..self.place.1
    }
}

impl Scratch {
    pub(super) const fn new() -> Scratch {
        Scratch {
            next: Vec::new(),
            trail: Trail::new(),
            names: Names::new(),
            said: Vec::new(),
            places: Vec::new(),
            room: 0,
            sought: 0,
            told: None,
            listed: Listed::new(),
            kept: Kept::new(),
        }
    }

    /// One that tells where findings stand.
    pub(super) fn placing() -> Scratch {
        Scratch { room: limits::PLACES, sought: limits::PLACES_SOUGHT, ..Scratch::new() }
    }

    /// Forgets where those detectors may start next that may start at `decided`.
    fn forget_before(&mut self, decided: u64) {
        self.next.retain(|&(_, next)| next > decided);
    }

    /// Where a detector may start next.
    pub(super) fn next(&self, detector: u16) -> u64 {
        let place = self.next.binary_search_by_key(&detector, |&(known, _)| known);
        place.ok().and_then(|place| self.next.get(place)).map_or(0, |&(_, next)| next)
    }

    /// A detector's match ends at `end`.
    pub(super) fn ends(&mut self, detector: u16, end: u64) {
        match self.next.binary_search_by_key(&detector, |&(known, _)| known) {
            Ok(place) => self.next[place].1 = end,
            Err(place) => self.next.insert(place, (detector, end)),
        }
    }

    /// Lets go of what only the region that was read last was full of; all starts below `decided` are decided.
    pub(super) fn rest(&mut self, decided: u64) {
        self.forget_before(decided);
        self.next.shrink_to_fit();
        self.trail.rest();
        self.names.rest();
        self.said = Vec::new();
        self.kept.rest(decided);
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let named = self.names.bytes() + self.said.capacity() * size_of::<Said>();
        let told = self.told.as_ref().map_or(0, |told| told.len() * size_of::<Told>());
        self.next.capacity() * size_of::<(u16, u64)>()
            + self.trail.bytes()
            + named
            + told
            + self.listed.bytes()
            + self.kept.bytes()
    }
}
