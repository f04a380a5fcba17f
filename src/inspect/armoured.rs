//! Runs of base64 and hexadecimal digits in what stands around a body: looked into as those of a body are.

use super::depth::{self, Depth, Lane, Path, Risen};
use super::judge::Judge;
use super::look::{self, Look};
use crate::decode::{Wrapping, is_unarmoured};
use crate::detect::{Finding, first_run};
use crate::limits::LAYER_DEPTH;

/// A value that stands in a run of a text, and what it wears there.
pub(super) struct Armoured {
    pub(super) finding: Finding,
    pub(super) path: Path,
    /// What it is packed in, of a run that holds something packed: the finding covers all of the run.
    pub(super) packed: Option<&'static str>,
}

/// What runs of a text hold.
#[derive(Default)]
pub(super) struct Held {
    pub(super) found: Vec<Armoured>,
    /// How much may still be unpacked.
    pub(super) room: u64,
    /// Why something in one cannot be read.
    pub(super) unread: Option<&'static str>,
}

/// Whether a look into runs of `text` is worth its while.
pub(super) fn may_hold(text: &[u8]) -> bool {
    !is_unarmoured(text, first_run)
}

/// What runs of `text` hold, which stands under `name`. `plus` stands for a space in queries.
/// `room`: so much may be unpacked.
pub(super) fn look(judge: &Judge, name: Option<&[u8]>, text: &[u8], plus: bool, room: u64) -> Held {
    let engine = judge.engine();
    // Words of a name count for what stands under it, as in a body.
    let mut line = name.map_or_else(Vec::new, |name| [name, b"="].concat());
    let from = line.len() as u64;
    line.extend_from_slice(text);
    let escapes =
        if plus { Depth::of_query(engine) } else { Depth::new(engine, Wrapping::Escapes, LAYER_DEPTH) };
    let (mut risen, mut held) = (Risen::default(), Held { room, ..Held::default() });
    for mut depth in [escapes, Depth::new(engine, Wrapping::Armour, LAYER_DEPTH)] {
        depth.last(engine, None, &line, &mut risen);
        unpack(judge, risen.packed.drain(..), &mut held);
    }
    let found = risen.found.into_iter().filter(|sunk| sunk.path.is_armoured() && sunk.finding.start >= from);
    let found = found.map(|sunk| Armoured { finding: sunk.finding, path: sunk.path, packed: None });
    held.found.extend(found);
    for Armoured { finding, .. } in &mut held.found {
        (finding.start, finding.end) = (finding.start.saturating_sub(from), finding.end.saturating_sub(from));
    }
    // The deepest first.
    held.found.sort_by_key(|armoured| (armoured.packed.is_none(), std::cmp::Reverse(armoured.path.depth())));
    held
}

/// Looks into what runs hold that is packed, one lane behind the other.
fn unpack(judge: &Judge, told: impl Iterator<Item = depth::Armoured>, held: &mut Held) {
    let told: Vec<_> = told.collect();
    for lane in [Lane::Plain, Lane::Undone, Lane::Twice] {
        let (mut bytes, mut start, mut end) = (Vec::new(), 0, 0);
        for depth::Armoured { what, .. } in told.iter().filter(|told| told.lane == lane) {
            match what {
                depth::Packed::Open(at, ..) => (bytes, start, end) = (Vec::new(), *at, *at),
                depth::Packed::Text(text, at) => {
                    bytes.extend_from_slice(text);
                    end = *at;
                }
                depth::Packed::Close => held.look(judge, &bytes, start, end),
            }
        }
    }
}

impl Held {
    /// What stands between these offsets is packed in `bytes`.
    fn look(&mut self, judge: &Judge, bytes: &[u8], start: u64, end: u64) {
        let (seen, unread) = Look::into_run(judge, bytes, &mut self.room);
        self.unread = self.unread.or(unread.first().copied());
        for look::Seen { mut finding, carrier, member, .. } in seen {
            if member.is_some() {
                (finding.start, finding.end) = (start, end);
                let packed = carrier.first().copied();
                self.found.push(Armoured { finding, path: Path::default(), packed });
            }
        }
    }
}
