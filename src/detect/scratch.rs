//! What the scan of one stream keeps from region to region.

use super::context::Trail;
use super::names::{Names, Place, Scope};
use crate::limits;

/// What one region leaves to the next of the same stream. Grows at the first finding or word, not before.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    /// Where detectors may start next: behind their last matches, as far as those reach past what is decided.
    pub(super) next: Vec<(u16, u64)>,
    pub(super) trail: Trail,
    pub(super) names: Names,
    /// The words of those names.
    pub(super) said: Vec<Said>,
    /// Where findings stand, while there is room to tell.
    pub(super) places: Vec<Place>,
    pub(super) room: usize,
}

/// A word of a name around a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    pub(super) word: u16,
    pub(super) scope: Scope,
    /// Whether the name is the value's own: only its own speaks against it.
    pub(super) own: bool,
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
        }
    }

    /// One that tells where findings stand.
    pub(super) fn placing() -> Scratch {
        Scratch { room: limits::PLACES, ..Scratch::new() }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let named = self.names.bytes() + self.said.capacity() * size_of::<Said>();
        self.next.capacity() * size_of::<(u16, u64)>() + self.trail.bytes() + named
    }
}
