//! One readable text, scanned as it comes, as it is and below what it wears: findings that count, and how far nothing
//! can change any more.

use std::collections::HashMap;
use std::ops::Range;

use super::depth::{Armoured, Depth, Path, Risen, Sunk};
use super::fields::Declared;
use super::joined::{Joined, Spread};
use super::spots::Stands;
use crate::decode::{Legacy, Lines, OPENING, Told, Wrapping, recognise};
use crate::detect::{DetectorId, Finding, Place, Scan};
use crate::inspect::Engine;
use crate::limits::{LAYER_DEPTH, PROTOBUF_SEAMS};
use crate::policy::Overlap;

/// The scan of a text, and the choice among what overlaps in it.
#[derive(Debug, Default)]
pub(super) struct Text {
    scan: Scan,
    overlap: Overlap,
    /// Found, and not yet compared with each other.
    fresh: Vec<Finding>,
    sunk: Risen,
    /// Where values stand that are not passed on yet, by where they begin: as the text itself says, and as what is
    /// undone does.
    places: HashMap<u64, Place>,
    undone: HashMap<u64, Place>,
    /// How those were written that are being compared and do not stand there as they are.
    paths: HashMap<(DetectorId, u64, u64), Path>,
    depth: Below,
    declared: Declared,
    /// Whether it is what stands between tags.
    markup: bool,
    /// Strings that events send in pieces; nothing where the text is no stream of them.
    joined: Option<Box<Joined>>,
    unjoined: bool,
    /// Whether what has ended held something of the kind that [`Text::is_unknown`] tells.
    unknown: bool,
    spread: Vec<Spread>,
    /// The further pieces of values that stand in several.
    more: HashMap<(DetectorId, u64, u64), Vec<Range<u64>>>,
}

/// Seals that are kept before those are looked for that nobody asks about.
const SEALS: usize = 16;

/// Whether a text that begins so tells what layers it has.
fn is_told(opening: &[u8]) -> bool {
    opening.len() >= OPENING && Legacy::is_told(opening)
}

/// The layers below the text.
#[derive(Debug)]
enum Below {
    /// Its first bytes do not tell yet.
    Fresh(Vec<u8>),
    Known(Vec<Depth>),
}

impl Default for Below {
    fn default() -> Below {
        Below::Fresh(Vec::new())
    }
}

impl Text {
    /// `declared`: what the head says.
    pub(super) fn new(declared: &Declared) -> Text {
        let scan = if declared.yaml { Scan::of_yaml() } else { Scan::default() };
        Text { scan, declared: declared.clone(), ..Text::default() }
    }

    /// What runs of base64 hold that is packed.
    pub(super) fn packed(&mut self) -> std::vec::Drain<'_, Armoured> {
        self.sunk.packed.drain(..)
    }

    /// Whether something in it is compressed in a way that is not known here.
    pub(super) fn is_unknown(&self) -> bool {
        let is_told = self.declared.protobuf.is_some() || self.declared.armoured.is_some();
        self.unknown || self.sunk.unknown || is_told && self.layers().any(Depth::is_unknown)
    }

    /// Joins what events send in pieces.
    fn join(&mut self, engine: &Engine, piece: &[u8], ends: bool) {
        if self.joined.is_none() {
            let may_be = self.declared.lines.is_some() || Lines::recognise(piece) != Told::None;
            if self.unjoined || piece.is_empty() || !may_be {
                self.unjoined |= !piece.is_empty();
                return;
            }
        }
        let joined = self.joined.get_or_insert_with(|| Box::new(Joined::new(self.declared.lines)));
        if !joined.push(engine, piece, &mut self.spread) {
            (self.joined, self.unjoined) = (None, true);
            return;
        }
        if ends {
            joined.finish(engine, &mut self.spread);
            self.joined = None;
        }
        for Spread { sunk, place: at, more } in self.spread.drain(..) {
            if let Some(at) = at {
                self.undone.insert(at.start, at);
            }
            if !more.is_empty() {
                self.more.insert(place(&sunk.finding), more);
            }
            self.sunk.found.push(sunk);
        }
    }

    /// The further pieces of a finding that counts.
    pub(super) fn more(&mut self, finding: &Finding) -> Vec<Range<u64>> {
        if self.more.is_empty() { Vec::new() } else { self.more.remove(&place(finding)).unwrap_or_default() }
    }

    /// A member of an archive; `markup`: of an office document.
    pub(super) fn of_member(markup: bool) -> Text {
        Text { markup, ..Text::default() }
    }

    /// Whether it is what stands between tags.
    pub(super) fn is_markup(&self) -> bool {
        self.markup
    }

    /// The text goes on with `piece`; `bare`: without any of [`MARKS`](crate::decode::MARKS), in ASCII.
    pub(super) fn push(&mut self, engine: &Engine, piece: &[u8], bare: bool) {
        self.scan.push(&engine.matcher, &engine.key, piece, &mut self.fresh);
        self.join(engine, piece, false);
        match &mut self.depth {
            Below::Known(layers) => {
                for layer in layers {
                    if !(bare && layer.pass(piece)) {
                        layer.push(engine, self.scan.layout(), piece, &mut self.sunk);
                    }
                }
            }
            Below::Fresh(opening) if opening.is_empty() && is_told(piece) => self.begin(engine, piece),
            Below::Fresh(opening) => {
                opening.extend_from_slice(piece);
                if is_told(opening) {
                    let opening = std::mem::take(opening);
                    self.begin(engine, &opening);
                }
            }
        }
        self.locate();
    }

    /// Notes where findings stand.
    fn locate(&mut self) {
        if self.sunk.seals.len() > SEALS {
            let first = self.overlap.first_start().unwrap_or(u64::MAX).min(self.first_fresh());
            self.unseal(first.min(self.scan.settled()));
        }
        if !self.sunk.seams.is_empty() || !self.sunk.spaces.is_empty() {
            let needed = self.first_fresh().min(self.scan.settled()).saturating_sub(PROTOBUF_SEAMS);
            for places in [&mut self.sunk.seams, &mut self.sunk.spaces] {
                let behind = places.partition_point(|place| *place < needed);
                places.drain(..behind);
            }
        }
        for place in self.scan.places() {
            self.places.entry(place.start).or_insert(place);
        }
        for place in self.sunk.places.drain(..) {
            self.undone.insert(place.start, place);
        }
    }

    /// The text ends with `piece`.
    pub(super) fn last(&mut self, engine: &Engine, piece: &[u8], bare: bool) {
        match &self.depth {
            Below::Fresh(opening) if !opening.is_empty() || piece.len() < OPENING => {
                self.push(engine, piece, bare);
                return self.finish(engine);
            }
            Below::Fresh(_) => self.depth = Below::Known(self.below(engine, piece)),
            Below::Known(_) => {}
        }
        self.scan.last(&engine.matcher, &engine.key, piece, &mut self.fresh);
        self.join(engine, piece, true);
        if let Below::Known(layers) = &mut self.depth {
            for mut layer in layers.drain(..) {
                if !(bare && layer.pass(piece)) {
                    layer.last(engine, self.scan.layout(), piece, &mut self.sunk);
                }
                self.unknown |= layer.is_unknown();
            }
        }
        self.locate();
    }

    /// The layers of a text that begins so.
    fn below(&self, engine: &Engine, opening: &[u8]) -> Vec<Depth> {
        let utf16 = recognise(opening, self.declared.charset.as_deref());
        let armour = match self.declared.armoured {
            Some(framing) => Depth::of_armoured(framing),
            None => Depth::new(engine, Wrapping::Armour, LAYER_DEPTH),
        };
        let mut layers = vec![Depth::of_escapes(engine, opening, self.declared.form), armour];
        let charset = Legacy::declared(opening, self.declared.charset.as_deref());
        layers.extend(charset.filter(|_| utf16.is_none()).map(Depth::of_charset));
        layers.extend(utf16.map(|utf16| Depth::new(engine, utf16, LAYER_DEPTH)));
        layers.extend(self.markup.then(|| Depth::new(engine, Wrapping::Markup, LAYER_DEPTH)));
        let boundaries = &self.declared.boundaries;
        layers.extend(
            (!boundaries.is_empty() || opening.starts_with(b"--")).then(|| Depth::of_parts(boundaries)),
        );
        layers.extend(self.declared.protobuf.map(Depth::of_protobuf));
        layers.extend(self.declared.objects.map(Depth::of_objects));
        layers
    }

    fn begin(&mut self, engine: &Engine, opening: &[u8]) {
        let mut layers = self.below(engine, opening);
        for layer in &mut layers {
            layer.push(engine, self.scan.layout(), opening, &mut self.sunk);
        }
        self.depth = Below::Known(layers);
    }

    pub(super) fn finish(&mut self, engine: &Engine) {
        self.scan.finish(&engine.matcher, &engine.key, &mut self.fresh);
        self.join(engine, &[], true);
        if let Below::Fresh(opening) = &mut self.depth {
            let opening = std::mem::take(opening);
            self.begin(engine, &opening);
        }
        if let Below::Known(layers) = &mut self.depth {
            for layer in layers.drain(..) {
                let mut layer = layer;
                layer.finish(engine, self.scan.layout(), &mut self.sunk);
                self.unknown |= layer.is_unknown();
            }
        }
        self.locate();
    }

    /// Bytes of text so far.
    pub(super) fn seen(&self) -> u64 {
        self.scan.seen()
    }

    /// Everything that starts below is known.
    pub(super) fn settled(&self, engine: &Engine) -> u64 {
        let below = self.layers().map(|layer| layer.settled(engine)).min();
        let joined = self.joined.as_ref().map_or(u64::MAX, |joined| joined.settled(engine, false));
        self.scan.settled().min(below.unwrap_or_default()).min(joined)
    }

    /// The same, after a close look.
    pub(super) fn settled_exact(&self, engine: &Engine) -> u64 {
        let below = self.layers().map(|layer| layer.settled_exact(engine)).min();
        let here = self.scan.settled_exact(&engine.matcher).max(self.scan.settled());
        let joined = self.joined.as_ref().map_or(u64::MAX, |joined| joined.settled(engine, true));
        here.min(below.unwrap_or_default()).min(joined).max(self.settled(engine))
    }

    fn layers(&self) -> impl Iterator<Item = &Depth> {
        let layers: &[Depth] = match &self.depth {
            Below::Known(layers) => layers,
            Below::Fresh(_) => &[],
        };
        layers.iter()
    }

    /// Memory that the layers take.
    pub(super) fn bytes(&self) -> usize {
        let joined = self.joined.as_ref().map_or(0, |joined| joined.bytes());
        let seams = (self.sunk.seams.capacity() + self.sunk.spaces.capacity()) * size_of::<u64>();
        self.layers().map(Depth::bytes).sum::<usize>() + joined + seams
    }

    /// Whether something was found that has not been passed on.
    pub(super) fn has_findings(&self) -> bool {
        !self.fresh.is_empty() || !self.sunk.found.is_empty() || !self.overlap.is_empty()
    }

    /// Appends to `out` the findings that count, given that everything starting below `settled` is known.
    pub(super) fn resolve(
        &mut self,
        engine: &Engine,
        settled: u64,
        exempt: &mut dyn FnMut(&Finding, Stands<'_>) -> bool,
        out: &mut Vec<Finding>,
    ) {
        if !self.has_findings() {
            return;
        }
        self.uncut();
        self.compare();
        // Whatever overlaps a finding that ends below is known, too.
        let mut ready: Vec<Finding> = self.fresh.extract_if(.., |finding| finding.end <= settled).collect();
        for Sunk { finding, path } in self.sunk.found.extract_if(.., |sunk| sunk.finding.end <= settled) {
            self.paths.insert(place(&finding), path);
            ready.push(finding);
        }
        self.overlap.add(&mut ready);
        let limit = self.first_fresh().min(settled);
        let (here, below, paths) = (&self.places, &self.undone, &self.paths);
        let mut exempt = |finding: &Finding| {
            let path = paths.get(&place(finding)).copied().unwrap_or_default();
            let (here, below) = (here.get(&finding.start), below.get(&finding.start));
            exempt(finding, Stands { here, below, path })
        };
        let family = |finding: &Finding| {
            let is_within = paths.get(&place(finding)).is_some_and(|path| path.is_armoured());
            engine.matcher.family(finding).within(is_within)
        };
        let apart = |first, other| engine.tells_apart(first, other);
        self.overlap.resolve(limit, &family, &apart, &mut exempt, out);
    }

    /// What has one byte more than a field of a binary format, the first of what announces the next, is no value; nor is what
    /// begins with the space of a form.
    fn uncut(&mut self) {
        let Risen { seams, spaces, found, .. } = &mut self.sunk;
        if !spaces.is_empty() {
            self.fresh.retain(|finding| spaces.binary_search(&finding.start).is_err());
        }
        if seams.is_empty() {
            return;
        }
        let is_cut = |finding: &Finding| seams.binary_search(&finding.end.saturating_sub(1)).is_ok();
        self.fresh.retain(|finding| !is_cut(finding));
        // What is undone around it reads the same; the fields themselves end where they do.
        let is_of_fields = |step: &Wrapping| matches!(step, Wrapping::Protobuf | Wrapping::Objects(_));
        let of_fields = |sunk: &Sunk| sunk.path.wrappings().iter().any(is_of_fields);
        found.retain(|sunk| !is_cut(&sunk.finding) || of_fields(sunk));
    }

    /// Of one detector's finds that overlap the deepest counts: what it was written as explains what else was seen.
    fn compare(&mut self) {
        if self.sunk.found.is_empty() {
            return;
        }
        // Finds of one look at one detector's values are apart, so that neighbours are all that need be compared.
        let order = |finding: &Finding| (finding.detector, finding.start);
        self.fresh.sort_by_key(order);
        self.sunk.found.sort_by_key(|sunk| (order(&sunk.finding), sunk.path.depth()));
        let overlaps =
            |a: &Finding, b: &Finding| a.detector == b.detector && a.start < b.end && b.start < a.end;
        let mut kept: Vec<Sunk> = Vec::with_capacity(self.sunk.found.len());
        let mut explained = vec![false; self.fresh.len()];
        for sunk in self.sunk.found.drain(..) {
            let mut is_plain = false;
            let behind = self.fresh.partition_point(|here| {
                (here.detector, here.start) < (sunk.finding.detector, sunk.finding.end)
            });
            let near = self.fresh.iter_mut().zip(&mut explained).take(behind).rev();
            for (here, explained) in near.take_while(|(here, _)| overlaps(here, &sunk.finding)) {
                if (here.start, here.end) == (sunk.finding.start, sunk.finding.end) {
                    // It stands there as it is; what surrounds it may be clearer below.
                    here.confidence = here.confidence.max(sunk.finding.confidence);
                    here.keyword |= sunk.finding.keyword;
                    is_plain = true;
                } else {
                    *explained = true;
                }
            }
            match kept.last_mut().filter(|last| overlaps(&last.finding, &sunk.finding)) {
                _ if is_plain => {}
                Some(last) if sunk.path.depth() > last.path.depth() => *last = sunk,
                Some(_) => {}
                None => kept.push(sunk),
            }
        }
        self.sunk.found = kept;
        let mut explained = explained.into_iter();
        self.fresh.retain(|_| !explained.next().unwrap_or_default());
    }

    /// Why the part that a finding that counts stands in is never edited, if so.
    pub(super) fn sealed(&self, finding: &Finding) -> Option<&'static str> {
        self.sunk.seals.iter().rev().find(|(from, _)| *from <= finding.start)?.1
    }

    /// How a finding that counts is written.
    pub(super) fn path(&mut self, finding: &Finding) -> Path {
        self.paths.remove(&place(finding)).unwrap_or_default()
    }

    /// Where a finding that counts stands, as the text names it. What is undone knows better.
    pub(super) fn place(&mut self, finding: &Finding) -> Option<Place> {
        self.undone.get(&finding.start).or_else(|| self.places.get(&finding.start)).cloned()
    }

    /// How one of them stands that is written so.
    pub(super) fn stands(&self, finding: &Finding, path: Path) -> Stands<'_> {
        Stands { here: self.places.get(&finding.start), below: self.undone.get(&finding.start), path }
    }

    /// Forgets how and where findings stood that lost, or were passed on.
    pub(super) fn forget_paths(&mut self, settled: u64) {
        if !self.places.is_empty() || !self.undone.is_empty() {
            let first = self.overlap.first_start().unwrap_or(u64::MAX).min(self.first_fresh());
            self.places.retain(|start, _| *start >= settled.min(first));
            self.undone.retain(|start, _| *start >= settled.min(first));
        }
        if !self.more.is_empty() {
            self.more.retain(|(_, _, end), _| *end > settled);
        }
        if !self.paths.is_empty() {
            self.paths.retain(|(_, _, end), _| *end > settled);
        }
    }

    /// Forgets seals that no finding asks about any more.
    fn unseal(&mut self, settled: u64) {
        let seals = &mut self.sunk.seals;
        let needed = seals.partition_point(|(from, _)| *from <= settled).saturating_sub(1);
        seals.drain(..needed);
    }

    /// How far the text may leave: no undecided finding reaches below.
    pub(super) fn limit(&self, settled: u64) -> u64 {
        let first = self.overlap.first_start().unwrap_or(u64::MAX);
        first.min(self.first_fresh()).min(settled)
    }

    fn first_fresh(&self) -> u64 {
        let here = self.fresh.iter().map(|finding| finding.start).min();
        let below = self.sunk.found.iter().map(|sunk| sunk.finding.start).min();
        here.unwrap_or(u64::MAX).min(below.unwrap_or(u64::MAX))
    }
}

fn place(finding: &Finding) -> (DetectorId, u64, u64) {
    (finding.detector, finding.start, finding.end)
}
