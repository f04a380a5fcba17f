//! What the exchanges of one connection say again and again: worked out once, while they say the same.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::flow::Direction;
use crate::inspect::{self, Engine};
use crate::limits;

/// Which of a connection's texts is meant; the last of each is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Host,
    Path,
    /// `Content-Type` as it came, and fit for a record.
    Type(Direction),
    ShownType(Direction),
}

const SLOTS: usize = 6;

impl Slot {
    const fn place(self) -> usize {
        match self {
            Slot::Host => 0,
            Slot::Path => 1,
            Slot::Type(Direction::Request) => 2,
            Slot::Type(Direction::Response) => 3,
            Slot::ShownType(Direction::Request) => 4,
            Slot::ShownType(Direction::Response) => 5,
        }
    }
}

/// A text as it came, and what came of it.
type Pair = (Arc<str>, Arc<str>);

/// The memory of one connection. What it knows holds under one engine only.
#[derive(Debug, Default)]
pub(super) struct Familiar(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    engine: Weak<Engine>,
    texts: [Option<Pair>; SLOTS],
    requests: inspect::Familiar,
    responses: inspect::Familiar,
}

impl Known {
    /// Forgets everything once rules and packs are others.
    fn under(&mut self, engine: &Arc<Engine>) -> &mut Known {
        if !std::ptr::eq(self.engine.as_ptr(), Arc::as_ptr(engine)) {
            *self = Known { engine: Arc::downgrade(engine), ..Known::default() };
        }
        self
    }
}

impl Familiar {
    fn with<T>(&self, engine: &Arc<Engine>, act: impl FnOnce(&mut Known) -> T) -> T {
        // Nothing that runs under this lock can leave it half changed: what panics there has looked at no more.
        act(self.0.lock().unwrap_or_else(PoisonError::into_inner).under(engine))
    }

    /// A text, and what `work` makes of it.
    pub(super) fn worked_out(
        &self,
        slot: Slot,
        engine: &Arc<Engine>,
        text: &str,
        work: impl FnOnce(&str) -> String,
    ) -> Pair {
        self.with(engine, |known| {
            let Some(place) = known.texts.get_mut(slot.place()) else { return fresh(text, work(text)) };
            if let Some(pair) = place.as_ref().filter(|(raw, _)| **raw == *text) {
                return pair.clone();
            }
            let pair = fresh(text, work(text));
            *place = (text.len() <= limits::FAMILIAR_TEXT).then(|| pair.clone());
            pair
        })
    }

    /// The same, made fit for a record.
    pub(super) fn cleansed(
        &self,
        slot: Slot,
        engine: &Arc<Engine>,
        text: &str,
        work: impl FnOnce(&str) -> String,
    ) -> Pair {
        self.worked_out(slot, engine, text, |text| engine.matcher.cleanse(&work(text)))
    }

    /// Lends what is known of heads in one direction. A look may take long: meanwhile others of the connection know nothing, and
    /// wait for nothing.
    pub(super) fn heads<T>(
        &self,
        direction: Direction,
        engine: &Arc<Engine>,
        act: impl FnOnce(&mut inspect::Familiar) -> T,
    ) -> T {
        let heads = |known: &mut Known, other: inspect::Familiar| {
            std::mem::replace(
                match direction {
                    Direction::Request => &mut known.requests,
                    Direction::Response => &mut known.responses,
                },
                other,
            )
        };
        let mut lent = self.with(engine, |known| heads(known, inspect::Familiar::default()));
        let done = act(&mut lent);
        self.with(engine, |known| heads(known, lent));
        done
    }
}

fn fresh(text: &str, made: String) -> Pair {
    let raw = Arc::from(text);
    let made = if made == text { Arc::clone(&raw) } else { made.into() };
    (raw, made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Action;
    use crate::proxy::websocket::fuzzing::engine;

    #[test]
    fn a_long_look_at_one_head_keeps_no_other_waiting() {
        let (familiar, engine) = (Familiar::default(), engine(64, Action::Block).unwrap());
        let heads = |act: &mut dyn FnMut()| familiar.heads(Direction::Request, &engine, |_| act());
        let mut looked = 0;
        heads(&mut || {
            heads(&mut || looked += 1);
            familiar.worked_out(Slot::Path, &engine, "/a", str::to_owned);
        });
        assert_eq!(looked, 1);
    }
}
