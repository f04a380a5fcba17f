//! What is packed within a text: its members are read as texts of their own, and what they hold, to a bounded depth.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::depth::{self, Armoured, Lane, Path};
use super::fields::Declared;
use super::head;
use super::judge::{Judge, Whence};
use super::look::{Seen, shape};
use super::packed::{Packed, is_second};
use super::reading::is_unmarked;
use super::spots::{Stands, joined};
use super::text::Text;
use super::{Engine, Part};
use crate::decode::{DecodeError, Decoder, Framing, Member, Packing, Pages, Piece, Unpacked, Unpacker};
use crate::detect::{DetectorId, Finding};
use crate::limits::{ARCHIVE_DEPTH, DECODE_STEP, DECODE_WINDOW, PDF_STEP};

/// Whoever has the text above below `above` knows the member below `inner`, and no more.
#[derive(Clone, Copy, Debug)]
struct Mark {
    above: u64,
    inner: u64,
}

/// Looks for what is packed in one text, and reads it.
#[derive(Debug, Default)]
pub(super) struct Contents {
    unpacker: Unpacker,
    packed: Track,
    pages: Pages,
    shown: Track,
    /// What a run of base64 holds, in the text as it stands, below escapes and below two of them, and a part in a coding.
    armoured: [Track; 4],
    /// Takes the coding off that part.
    decoder: Option<Box<Decoder>>,
    /// Whether nobody here opens that part.
    unopened: bool,
    /// Whether what is compressed in the text are messages of protocol buffers.
    messages: bool,
    /// Where the text stands in the one above.
    under: Vec<u8>,
    /// Bytes of the text above.
    seen: u64,
    depth: usize,
    /// Nothing more can be told.
    spent: bool,
    /// Why, if what follows is not read.
    failed: Option<&'static str>,
    /// Findings that were made both above and in a member, or that may be: by whoever found them first.
    twice: VecDeque<(DetectorId, u64, u64)>,
    in_place: bool,
}

/// How far what one reader tells is known.
#[derive(Debug, Default)]
struct Track {
    member: Option<Box<Inside>>,
    /// Where all that came was told, while no member is open, or when it was opened.
    told: u64,
    marks: VecDeque<Mark>,
}

/// One member that is being read.
#[derive(Debug)]
struct Inside {
    text: Text,
    below: Contents,
    carrier: Vec<&'static str>,
    name: Vec<u8>,
    /// Where its bytes stand in the text above, if they do.
    place: Option<u64>,
    winners: Vec<Finding>,
    /// The end of the text, for whoever shows shapes of values.
    recent: VecDeque<u8>,
}

impl Contents {
    /// Of a body whose head says this.
    pub(super) fn of(declared: &Declared) -> Contents {
        let messages = declared.protobuf == Some(Framing::Frames);
        Contents { messages, unpacker: Unpacker::of_body(), ..Contents::default() }
    }

    /// Of what a run of digits stands for.
    pub(super) fn of_run() -> Contents {
        Contents { unpacker: Unpacker::of_run(), ..Contents::default() }
    }

    /// Takes what runs of base64 in the text hold.
    pub(super) fn sunk(
        &mut self,
        judge: &mut Judge,
        carrier: &[&'static str],
        found: impl Iterator<Item = Armoured>,
        packed: &mut Packed,
    ) {
        for Armoured { lane, what } in found {
            if self.spent || judge.blocks() {
                continue;
            }
            let [plain, undone, twice, part] = &mut self.armoured;
            let track = match lane {
                Lane::Plain => plain,
                Lane::Undone => undone,
                Lane::Twice => twice,
                Lane::Part => part,
            };
            let place = match &what {
                depth::Packed::Open(_, _, place) => place.as_deref(),
                depth::Packed::Text(..) | depth::Packed::Close => None,
            };
            let kinds = place.iter().flat_map(|place| place.kinds.iter().copied().flatten());
            let around: Vec<_> = carrier.iter().copied().chain(kinds).collect();
            let under = place.map_or(&[][..], |place| place.path.as_bytes());
            let source = Source { carrier: &around, under, depth: self.depth, messages: false };
            let both = (&mut self.twice, &mut self.in_place);
            let mut give = |what: Unpacked<'_>| {
                take(judge, &mut track.member, source, what, (&mut *both.0, &mut *both.1), packed)
            };
            let is_part = lane == Lane::Part;
            let mut known = None;
            let result = match &what {
                depth::Packed::Open(_, Packing::Unread(error), _) => Err(*error),
                depth::Packed::Open(_, Packing::Unopened, _) => {
                    self.unopened = true;
                    Ok(())
                }
                depth::Packed::Text(text, _) if is_part && self.unopened => {
                    packed.unopened(text.len() as u64);
                    Ok(())
                }
                depth::Packed::Open(at, packing, _) => {
                    track.told = *at;
                    track.marks.clear();
                    let mut open = Member { carrier: "base64", name: &[], markup: false, in_place: false };
                    if let Packing::Coded(codings) = packing {
                        self.decoder = Some(Box::new(Decoder::new(codings)));
                        open.carrier = codings.last().map_or("base64", |coding| coding.as_str());
                    }
                    let opened = give(Unpacked::Open(open));
                    if let Some((inside, unpacker)) = track.member.as_mut().zip(Unpacker::of(packing)) {
                        inside.below.unpacker = unpacker;
                    }
                    opened
                }
                depth::Packed::Text(text, at) => {
                    known = Some(*at);
                    match self.decoder.as_mut().filter(|_| is_part) {
                        None => give(Unpacked::Text(text, *at)),
                        Some(decoder) => decoded(decoder, text, *at, &mut give),
                    }
                }
                depth::Packed::Close => {
                    self.unopened &= !is_part;
                    let decoder = if is_part { self.decoder.take() } else { None };
                    give(Unpacked::Close).and(decoder.map_or(Ok(()), |mut decoder| decoder.finish()))
                }
            };
            if let Some(at) = known {
                track.mark(judge.engine(), at);
            }
            if let Err(error) = result {
                self.give_up(judge, error, packed);
            }
        }
    }

    /// Whether nothing is to be done about a bare piece of text.
    fn passes_over(&self) -> bool {
        let closed = self.packed.member.is_none() && self.shown.member.is_none();
        closed && self.unpacker.passes_over() && self.pages.passes_over()
    }

    /// The text goes on with `piece`; `bare`: without any of [`MARKS`](crate::decode::MARKS), in ASCII.
    pub(super) fn push(
        &mut self,
        judge: &mut Judge,
        carrier: &[&'static str],
        piece: &[u8],
        bare: bool,
        packed: &mut Packed,
    ) {
        if self.depth == 0 {
            packed.taken += piece.len() as u64;
        }
        if let Some(word) = self.failed.filter(|_| self.depth == 0) {
            packed.miss(word, piece.len() as u64);
        }
        if self.spent {
            return;
        }
        if bare && self.passes_over() {
            self.unpacker.pass(piece);
            self.pages.pass(piece.len());
            self.seen += piece.len() as u64;
            self.packed.mark(judge.engine(), self.seen);
            self.shown.mark(judge.engine(), self.seen);
            return;
        }
        for piece in piece.chunks(DECODE_STEP) {
            let result = self.read(judge, carrier, piece, packed);
            self.seen += piece.len() as u64;
            if let Err(error) = result {
                self.give_up(judge, error, packed);
                return;
            }
            if judge.blocks() {
                return;
            }
            let (engine, seen) = (judge.engine(), self.seen);
            if !self.unpacker.is_in_header() {
                self.packed.mark(engine, seen);
            }
            self.shown.mark(engine, seen);
        }
    }

    /// The text ends with `piece`.
    pub(super) fn last(
        &mut self,
        judge: &mut Judge,
        carrier: &[&'static str],
        piece: &[u8],
        bare: bool,
        packed: &mut Packed,
    ) {
        self.unpacker.is_whole(piece);
        self.push(judge, carrier, piece, bare, packed);
        self.finish(judge, carrier, packed);
    }

    /// Gives `piece` to both readers.
    fn read(
        &mut self,
        judge: &mut Judge,
        carrier: &[&'static str],
        piece: &[u8],
        packed: &mut Packed,
    ) -> Result<(), DecodeError> {
        let source = Source { carrier, under: &self.under, depth: self.depth, messages: self.messages };
        let (twice, in_place) = (&mut self.twice, &mut self.in_place);
        let mut failed = None;
        let member = &mut self.packed.member;
        let result = self.unpacker.push(piece, &mut |what| {
            failed = take(judge, member, source, what, (twice, in_place), packed).err();
            let goes_on = failed.is_none() && !judge.blocks();
            if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        failed.map_or(result.map(|_| ()), Err)?;
        let (member, pages, steps) = (&mut self.shown.member, &mut self.pages, judge.steps);
        let at_once = if pages.passes_over() { piece.len() } else { PDF_STEP };
        for piece in piece.chunks(at_once.max(1)) {
            let (out, mut result) = (packed.out, Ok(()));
            steps(&mut || {
                result = pages.push(piece, &mut |what| {
                    failed = take(judge, member, source, what, (twice, in_place), packed).err();
                    let goes_on = failed.is_none() && !judge.blocks();
                    if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                });
            });
            failed.map_or(result, Err)?;
            // What shows nothing takes its time as well.
            packed.out = packed.out.max(out + pages.inflated());
            packed.within_ratio()?;
            if judge.blocks() {
                break;
            }
        }
        Ok(())
    }

    /// What follows is not read, which is refused or said.
    fn give_up(&mut self, judge: &mut Judge, error: DecodeError, packed: &mut Packed) {
        let [plain, undone, twice, part] = &mut self.armoured;
        for track in [&mut self.packed, &mut self.shown, plain, undone, twice, part] {
            if let Some(mut member) = track.member.take() {
                member.finish(judge, packed, &mut self.twice);
            }
        }
        packed.miss(error.as_str(), 1);
        judge.unreadable(error.as_str());
        self.spent = true;
        self.failed = Some(error.as_str());
    }

    /// The text has ended.
    pub(super) fn finish(&mut self, judge: &mut Judge, carrier: &[&'static str], packed: &mut Packed) {
        if self.spent {
            return;
        }
        let source = Source { carrier, under: &self.under, depth: self.depth, messages: self.messages };
        let (twice, in_place) = (&mut self.twice, &mut self.in_place);
        let mut failed = None;
        let member = &mut self.packed.member;
        let result = self.unpacker.finish(&mut |what| {
            failed = take(judge, member, source, what, (twice, in_place), packed).err();
            if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let member = &mut self.shown.member;
        let result = failed.map_or(result.map(|_| ()), Err).and_then(|()| {
            self.pages.finish(&mut |what| {
                failed = take(judge, member, source, what, (twice, in_place), packed).err();
                if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
        });
        if let Err(error) = failed.map_or(result, Err) {
            self.give_up(judge, error, packed);
        }
        self.spent = true;
    }

    /// Whether the text is something packed itself.
    pub(super) fn is_packed(&self) -> bool {
        self.unpacker.is_packed()
    }

    /// Everything that stands below this offset of the text above is known. `exactly`: after a close look.
    pub(super) fn settled(&self, engine: &Engine, exactly: bool) -> u64 {
        if self.spent {
            return u64::MAX;
        }
        let packed = if self.unpacker.is_idle() { u64::MAX } else { self.packed.settled(engine, exactly) };
        let shown = if self.pages.is_open() { self.shown.settled(engine, exactly) } else { u64::MAX };
        let open = self.armoured.iter().filter(|track| track.member.is_some());
        let armoured = open.map(|track| track.settled(engine, exactly)).min();
        packed.min(shown).min(armoured.unwrap_or(u64::MAX))
    }

    /// Whether a finding of the text above is one of a member that stands in place, which has counted.
    pub(super) fn has_counted(&mut self, finding: &Finding) -> bool {
        self.in_place && is_second(&mut self.twice, finding.detector, finding.start, finding.end)
    }

    /// Memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.unpacker.bytes()
            + self.pages.bytes()
            + self.packed.bytes()
            + self.shown.bytes()
            + self.armoured.iter().map(Track::bytes).sum::<usize>()
    }
}

impl Track {
    fn mark(&mut self, engine: &Engine, seen: u64) {
        let Some(member) = &self.member else {
            self.told = seen;
            self.marks.clear();
            return;
        };
        let settled = member.settled(engine, false);
        self.marks.push_back(Mark { above: seen, inner: member.text.seen() });
        // Those that lie behind the one that is asked for are never asked for again.
        while self.marks.get(1).is_some_and(|next| next.inner <= settled) {
            self.marks.pop_front();
        }
    }

    fn settled(&self, engine: &Engine, exactly: bool) -> u64 {
        let Some(member) = &self.member else { return self.told };
        let settled = member.settled(engine, exactly);
        let known = self.marks.partition_point(|mark| mark.inner <= settled);
        known.checked_sub(1).and_then(|last| self.marks.get(last)).map_or(self.told, |mark| mark.above)
    }

    fn bytes(&self) -> usize {
        let member = self.member.as_ref().map_or(0, |member| member.text.bytes() + member.below.bytes());
        self.marks.len() * size_of::<Mark>() + member
    }
}

/// Takes the coding off what is told of a part, piece by piece.
fn decoded(
    decoder: &mut Decoder,
    text: &[u8],
    at: u64,
    give: &mut dyn FnMut(Unpacked<'_>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let mut failed = Ok(());
    let result = decoder.push_all(text, &mut |piece| {
        failed = give(match piece {
            Piece::Text(piece) => Unpacked::Text(piece, at),
            Piece::Aside(piece) => Unpacked::Aside(piece),
        });
        if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    failed.and(result.map(|_| ()))
}

/// Where something packed stands.
#[derive(Clone, Copy)]
struct Source<'a> {
    carrier: &'a [&'static str],
    /// What the text above names it by.
    under: &'a [u8],
    depth: usize,
    /// Whether what is compressed are messages of protocol buffers.
    messages: bool,
}

type Twice<'a> = (&'a mut VecDeque<(DetectorId, u64, u64)>, &'a mut bool);

/// Takes what the unpacker tells.
fn take(
    judge: &mut Judge,
    member: &mut Option<Box<Inside>>,
    source: Source<'_>,
    what: Unpacked<'_>,
    (twice, in_place): Twice<'_>,
    packed: &mut Packed,
) -> Result<(), DecodeError> {
    match what {
        Unpacked::Open(new) => {
            if source.depth == ARCHIVE_DEPTH {
                return Err(DecodeError::Depth);
            }
            *in_place |= new.in_place;
            *member = Some(Box::new(Inside::new(&new, source)));
        }
        Unpacked::Text(text, at) => {
            let Some(inside) = member else { return Ok(()) };
            if inside.place == Some(u64::MAX) {
                inside.place = Some(at);
            }
            if inside.place.is_none() {
                packed.out += text.len() as u64;
                packed.within_ratio()?;
                if judge.nested > 0 && packed.out > judge.room {
                    return Err(DecodeError::Size);
                }
            }
            (judge.steps)(&mut || inside.push(judge, text, packed, twice));
        }
        Unpacked::Close => {
            if let Some(mut inside) = member.take() {
                inside.finish(judge, packed, twice);
            }
        }
        Unpacked::Aside(text) => {
            for (detector, confidence, fingerprint) in head::beside(judge, text) {
                packed.add(detector, confidence, fingerprint, true);
            }
        }
        Unpacked::Unopened(bytes) => packed.unopened(bytes),
        Unpacked::Unread(error, bytes) => {
            packed.miss(error.as_str(), bytes.max(1));
            judge.unreadable(error.as_str());
        }
    }
    Ok(())
}

/// Text whose shape is kept: values of the longest piece that is told at once.
const SHAPES: usize = 2 * DECODE_WINDOW;

impl Inside {
    fn new(member: &Member<'_>, source: Source<'_>) -> Inside {
        let is_message = source.messages && matches!(member.carrier, "gzip" | "zstd");
        let declared = Declared { protobuf: is_message.then_some(Framing::Message), ..Declared::default() };
        let name = joined(source.under, member.name);
        // What has no name of its own stands where it was found.
        let under = if member.name.is_empty() { name.clone() } else { Vec::new() };
        Inside {
            text: if is_message { Text::new(&declared) } else { Text::of_member(member.markup) },
            below: Contents { depth: source.depth + 1, under, ..Contents::default() },
            carrier: source.carrier.iter().copied().chain([member.carrier]).collect(),
            name,
            place: member.in_place.then_some(u64::MAX),
            winners: Vec::new(),
            recent: VecDeque::new(),
        }
    }

    fn push(
        &mut self,
        judge: &mut Judge,
        text: &[u8],
        packed: &mut Packed,
        twice: &mut VecDeque<(DetectorId, u64, u64)>,
    ) {
        let bare = is_unmarked(text);
        self.text.push(judge.engine(), text, bare);
        if judge.gathers() {
            // A shape: which characters stand where is all that is kept.
            self.recent.extend(text.iter().map(|byte| shape(*byte)));
            let more = self.recent.len().saturating_sub(SHAPES);
            self.recent.drain(..more);
        }
        self.below.push(judge, &self.carrier, text, bare, packed);
        self.below.sunk(judge, &self.carrier, self.text.packed(), packed);
        let settled = self.text.settled(judge.engine());
        self.settle(judge, settled, packed, twice);
    }

    /// Everything in it below this offset is known.
    fn settled(&self, engine: &Engine, exactly: bool) -> u64 {
        let settled = if exactly { self.text.settled_exact(engine) } else { self.text.settled(engine) };
        self.text.limit(settled).min(self.below.settled(engine, exactly))
    }

    fn finish(
        &mut self,
        judge: &mut Judge,
        packed: &mut Packed,
        twice: &mut VecDeque<(DetectorId, u64, u64)>,
    ) {
        self.text.finish(judge.engine());
        self.below.sunk(judge, &self.carrier, self.text.packed(), packed);
        self.below.finish(judge, &self.carrier, packed);
        self.settle(judge, u64::MAX, packed, twice);
    }

    fn gather(&self, judge: &mut Judge, finding: Finding, path: &Path, is_first: bool) {
        if !is_first {
            return;
        }
        let begin = self.text.seen().saturating_sub(self.recent.len() as u64);
        let at = |offset: u64| usize::try_from(offset.saturating_sub(begin)).unwrap_or(usize::MAX);
        let (from, to) = (at(finding.start), at(finding.end));
        let value = self.recent.iter().skip(from).take(to.saturating_sub(from)).copied().collect();
        let name = judge.engine().matcher.cleanse(&String::from_utf8_lossy(&self.name));
        let carrier = self.carrier.iter().copied().chain(path.carriers()).collect();
        judge.gather(Seen { finding, carrier, base: self.carrier.len(), member: Some((name, value)) });
    }

    /// Counts what is certain.
    fn settle(
        &mut self,
        judge: &mut Judge,
        settled: u64,
        packed: &mut Packed,
        twice: &mut VecDeque<(DetectorId, u64, u64)>,
    ) {
        if !self.text.has_findings() {
            return;
        }
        let engine = Arc::clone(judge.engine());
        let mut exempt = |finding: &Finding, _: Stands<'_>| judge.exempts(finding, &[]);
        self.text.resolve(&engine, settled, &mut exempt, &mut self.winners);
        let mut winners = std::mem::take(&mut self.winners);
        for finding in winners.drain(..) {
            let path = self.text.path(&finding);
            let is_first = self.place.is_none_or(|place| {
                !is_second(twice, finding.detector, place + finding.start, place + finding.end)
            }) && !self.below.has_counted(&finding);
            if judge.gathers() {
                self.gather(judge, finding, &path, is_first);
                continue;
            }
            let mut exempt = judge.exempts(&finding, &[]);
            if is_first {
                // The elements of an office document tell nobody anything.
                let place = self.text.place(&finding).filter(|_| !self.text.is_markup());
                let kinds = place.iter().flat_map(|place| place.kinds.iter().copied().flatten());
                let mut carrier: Vec<_> =
                    self.carrier.iter().copied().chain(kinds).chain(path.carriers()).collect();
                carrier.dedup();
                let own = place.as_ref().map_or(&[][..], |place| place.path.as_bytes());
                let name = joined(&self.name, own);
                let name = (!name.is_empty()).then_some(name.as_slice());
                exempt = judge.count(
                    &finding,
                    Whence { part: Part::Body, path: name, family: None, carrier: &carrier },
                    &[],
                );
            }
            let asked = (!exempt).then_some(finding.confidence);
            packed.add(finding.detector, asked, finding.fingerprint, is_first);
        }
        self.winners = winners;
        self.text.forget_paths(settled);
    }
}
