//! Runs of base64 and hexadecimal digits in what stands around a body: looked into as those of a body are.

use super::depth::{Depth, Path, Risen};
use crate::decode::{Wrapping, is_unarmoured};
use crate::detect::{Finding, first_run};
use crate::inspect::Engine;
use crate::limits::LAYER_DEPTH;

/// A value that stands in a run of a text, and what it wears there.
pub(super) struct Armoured {
    pub(super) finding: Finding,
    pub(super) path: Path,
}

/// Whether a look into runs of `text` is worth its while.
pub(super) fn may_hold(text: &[u8]) -> bool {
    !is_unarmoured(text, first_run)
}

/// What runs of `text` hold, which stands under `name`. `plus` stands for a space in queries.
pub(super) fn look(engine: &Engine, name: Option<&[u8]>, text: &[u8], plus: bool) -> Vec<Armoured> {
    // Words of a name count for what stands under it, as in a body.
    let mut line = name.map_or_else(Vec::new, |name| [name, b"="].concat());
    let from = line.len() as u64;
    line.extend_from_slice(text);
    let escapes =
        if plus { Depth::of_query(engine) } else { Depth::new(engine, Wrapping::Escapes, LAYER_DEPTH) };
    let mut risen = Risen::default();
    for mut depth in [escapes, Depth::new(engine, Wrapping::Armour, LAYER_DEPTH)] {
        depth.last(engine, None, &line, &mut risen);
    }
    let found = risen.found.into_iter().filter(|sunk| sunk.path.is_armoured() && sunk.finding.start >= from);
    let mut found: Vec<_> = found.map(|sunk| Armoured { finding: sunk.finding, path: sunk.path }).collect();
    for Armoured { finding, .. } in &mut found {
        (finding.start, finding.end) = (finding.start - from, finding.end - from);
    }
    // The deepest first.
    found.sort_by_key(|armoured| std::cmp::Reverse(armoured.path.depth()));
    found
}
