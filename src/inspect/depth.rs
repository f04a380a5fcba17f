//! What a text wears is undone and read too: a scan for each layer, its findings in terms of the text.

use std::sync::Arc;

use crate::decode::{
    self, Event, Framing, Kind, Layer, Legacy, MailHead, Objects, Origin, Packing, Wrapping,
};
use crate::detect::{Finding, Layout, Place, Scan, Under};
use crate::inspect::{Engine, SEARCHES, signed};
use crate::limits::{CHARSET_REACH, KEYWORD_REACH, LAYER_DEPTH};

/// Wrappings around a value at most: its layers, and a charset and protocol buffers that a run of base64 stands for.
const STEPS: usize = LAYER_DEPTH + 2;

/// The wrappings around a value, outermost first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Path {
    steps: [Option<(Wrapping, Option<Kind>)>; STEPS],
    /// Whether a signature covers what it was found in.
    signed: bool,
}

impl Path {
    pub(super) fn wrappings(&self) -> Vec<Wrapping> {
        self.steps.iter().flatten().map(|(wrapping, _)| *wrapping).collect()
    }

    /// How many there are.
    pub(super) fn depth(&self) -> usize {
        self.steps.iter().flatten().count()
    }

    /// Names for the record.
    pub(super) fn carriers(&self) -> impl Iterator<Item = &'static str> {
        self.steps.iter().flatten().filter_map(|(_, kind)| kind.map(Kind::as_str))
    }

    /// Whether it was found in what a run of base64 or the like stands for.
    pub(super) fn is_armoured(&self) -> bool {
        let is_run = |wrapping| matches!(wrapping, Wrapping::Base64 { .. } | Wrapping::Hex);
        self.steps.iter().flatten().any(|(wrapping, _)| is_run(*wrapping))
    }

    /// Why nothing can be written in its place, if so.
    pub(super) fn fixed(&self) -> Option<&'static str> {
        let is_number = self.steps.iter().flatten().any(|(_, kind)| matches!(kind, Some(Kind::Number(_))));
        self.signed.then_some("signed").or(is_number.then_some("number"))
    }

    pub(super) fn within(self, wrapping: Wrapping, kind: Option<Kind>) -> Path {
        let mut steps = [None; STEPS];
        let (first, inner) = (std::iter::once(Some((wrapping, kind))), self.steps);
        steps.iter_mut().zip(first.chain(inner)).for_each(|(to, from)| *to = from);
        Path { steps, ..self }
    }
}

/// A finding that was made below the surface, in offsets of the surface.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sunk {
    pub(super) finding: Finding,
    pub(super) path: Path,
}

/// One layer of a text, and what lies below it.
#[derive(Debug)]
pub(super) struct Depth {
    layer: Layer,
    stretch: Option<Stretch>,
    /// Layers that may still be undone below this one.
    left: usize,
    /// What a text that is base64 as a whole stands for.
    framing: Option<Framing>,
}

/// A stretch of text in which something is undone.
#[derive(Debug)]
struct Stretch {
    scan: Scan,
    below: Vec<Depth>,
    /// Findings that begin before this offset of the text above are those of a cut, or its own.
    from: u64,
    /// Undone findings, in offsets of the stretch.
    fresh: Vec<Finding>,
    sunk: Risen,
    /// What it stands under.
    under: Option<Arc<Under>>,
    /// Layers that may still be undone, itself included.
    left: usize,
    /// Whether nothing of a run was told yet.
    fresh_text: bool,
    /// Whether a signature covers it, as far as it tells.
    signed: bool,
    /// What of it may be the head of a mail.
    mail: MailHead,
    /// The last byte that was told.
    last: Option<u8>,
}

/// What comes up from below: findings, and where they stand.
#[derive(Debug, Default)]
pub(super) struct Risen {
    pub(super) found: Vec<Sunk>,
    pub(super) places: Vec<Place>,
    /// What runs of base64 hold that is packed.
    pub(super) packed: Vec<Armoured>,
    /// Where fields of protocol buffers end in a letter or digit, ascending.
    pub(super) seams: Vec<u64>,
    /// Where `+` stands for a space in a form, ascending: no number begins there, but where a whole field does.
    pub(super) spaces: Vec<u64>,
    /// Whether something that has ended is compressed in a way that is not known here.
    pub(super) unknown: bool,
    /// From which offsets on nothing is edited, and from which on it is again, ascending.
    pub(super) seals: Vec<(u64, Option<&'static str>)>,
}

/// What is told of something packed in a run of base64 or a part.
#[derive(Debug)]
pub(super) struct Armoured {
    pub(super) lane: Lane,
    pub(super) what: Packed,
}

/// What may be packed side by side in one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// A run of base64 as it stands.
    Plain,
    /// One with escapes undone above it, which may have been none of its own: another run may tell the same.
    Undone,
    /// The same with escapes undone twice, as of JSON in a form.
    Twice,
    /// A part of a multipart body.
    Part,
}

/// It begins, goes on, ends; and where in the text that is known.
#[derive(Debug)]
pub(super) enum Packed {
    /// The last: where it stands, as the text above names it.
    Open(u64, Packing, Option<Box<Place>>),
    Text(Vec<u8>, u64),
    Close,
}

/// What the first line of the text above tells.
type Above<'l> = Option<&'l Arc<Layout>>;

/// What is known of a layer where its text arrives.
#[derive(Clone, Copy)]
struct Around<'l> {
    wrapping: Wrapping,
    /// Layers that may still be undone, itself included.
    left: usize,
    layout: Above<'l>,
    framing: Option<Framing>,
}

impl Depth {
    pub(super) fn new(engine: &Engine, wrapping: Wrapping, left: usize) -> Depth {
        Depth::of(Layer::new(wrapping, reach(engine)), left)
    }

    /// Escapes of a text that begins so; `form`: it is declared to be one.
    pub(super) fn of_escapes(engine: &Engine, opening: &[u8], form: bool) -> Depth {
        let layer = Layer::new(Wrapping::escapes(opening, form), reach(engine));
        Depth::of(if form { layer.declared() } else { layer }, LAYER_DEPTH)
    }

    /// Escapes of what stands in a query, whatever it begins with.
    pub(super) fn of_query(engine: &Engine) -> Depth {
        Depth::of(Layer::new(Wrapping::Form, reach(engine)).declared(), LAYER_DEPTH)
    }

    fn of(layer: Layer, left: usize) -> Depth {
        Depth { layer: layer.searched(SEARCHES), stretch: None, left, framing: None }
    }

    /// Parts that are texts of their own; `boundary`: what the head declares.
    pub(super) fn of_parts(boundaries: &[Box<[u8]>]) -> Depth {
        Depth::of(Layer::of_parts(boundaries), LAYER_DEPTH)
    }

    pub(super) fn of_charset(charset: Legacy) -> Depth {
        Depth::of(Layer::of_charset(charset), LAYER_DEPTH)
    }

    pub(super) fn of_protobuf(framing: Framing) -> Depth {
        Depth::of(Layer::of_protobuf(framing), LAYER_DEPTH)
    }

    pub(super) fn of_objects(objects: Objects) -> Depth {
        Depth::of(Layer::of_objects(objects), LAYER_DEPTH)
    }

    /// A text that is base64 as a whole, and stands for protocol buffers.
    pub(super) fn of_armoured(framing: Framing) -> Depth {
        Depth { framing: Some(framing), ..Depth::of(Layer::of_base64(), LAYER_DEPTH) }
    }

    /// Whether something is compressed in a way that is not known here.
    pub(super) fn is_unknown(&self) -> bool {
        let mut below = self.stretch.iter().flat_map(|stretch| &stretch.below);
        self.layer.is_unknown() || below.any(Depth::is_unknown)
    }

    /// The text goes on with `chunk`; appends to `out` what is certain below it.
    /// `layout`: what the first line of the text above tells.
    pub(super) fn push(&mut self, engine: &Engine, layout: Above<'_>, chunk: &[u8], out: &mut Risen) {
        let (around, stretch) = (self.around(layout), &mut self.stretch);
        self.layer.push(chunk, &mut |event| take(engine, around, stretch, event, out));
        self.forget();
    }

    /// The same of ASCII without any of [`MARKS`](crate::decode::MARKS); whether that was all.
    pub(super) fn pass(&mut self, chunk: &[u8]) -> bool {
        let passes = self.layer.passes_over();
        if passes {
            self.layer.pass(chunk);
            self.forget();
        }
        passes
    }

    /// The text ends with `chunk`.
    pub(super) fn last(&mut self, engine: &Engine, layout: Above<'_>, chunk: &[u8], out: &mut Risen) {
        if !self.layer.ends_plainly(chunk) {
            self.push(engine, layout, chunk, out);
            self.finish(engine, layout, out);
        }
    }

    /// The text has ended.
    pub(super) fn finish(&mut self, engine: &Engine, layout: Above<'_>, out: &mut Risen) {
        let (around, stretch) = (self.around(layout), &mut self.stretch);
        self.layer.finish(&mut |event| take(engine, around, stretch, event, out));
    }

    fn around<'l>(&self, layout: Above<'l>) -> Around<'l> {
        Around { wrapping: self.layer.wrapping(), left: self.left, layout, framing: self.framing }
    }

    /// Everything below that starts before this offset of the text is known.
    pub(super) fn settled(&self, engine: &Engine) -> u64 {
        let open = self.stretch.as_ref().map(|stretch| {
            let below = stretch.below.iter().map(|below| below.settled(engine)).min();
            self.layer.origin().start(stretch.scan.settled().min(below.unwrap_or(u64::MAX)))
        });
        open.unwrap_or_else(|| self.layer.looked().saturating_sub(engine.matcher.lag() as u64))
    }

    /// The same, after a close look: nothing is under way but what a look at the text itself sees, and an escape
    /// that has begun.
    pub(super) fn settled_exact(&self, engine: &Engine) -> u64 {
        let open = self.stretch.as_ref().map_or(u64::MAX, |stretch| {
            let below = stretch.below.iter().map(|below| below.settled_exact(engine)).min();
            let here = stretch.scan.settled_exact(&engine.matcher).max(stretch.scan.settled());
            self.layer.origin().start(here.min(below.unwrap_or(u64::MAX)))
        });
        open.min(self.layer.looked())
    }

    /// Memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        let below = self.stretch.iter().flat_map(|stretch| &stretch.below);
        self.layer.bytes() + below.map(Depth::bytes).sum::<usize>()
    }

    fn forget(&mut self) {
        if let Some(stretch) = &self.stretch {
            self.layer.forget(stretch.floor());
        }
    }

    /// What is still looked up begins here or later.
    fn floor(&self) -> u64 {
        match &self.stretch {
            Some(stretch) => self.layer.origin().start(stretch.floor()),
            None => self.layer.looked().saturating_sub(self.layer.reach() as u64),
        }
    }
}

impl Stretch {
    fn floor(&self) -> u64 {
        self.below.iter().map(Depth::floor).min().unwrap_or(u64::MAX).min(self.scan.settled())
    }
}

/// What is undone below a wrapping that may have `left` layers, itself included. Nothing opens before it is needed.
fn below(engine: &Engine, left: usize, framing: Option<Framing>) -> Vec<Depth> {
    let mut depths = Vec::new();
    depths.extend(framing.map(|framing| Depth::of(Layer::of_armoured_protobuf(framing), left)));
    if left > 1 {
        depths.extend([Wrapping::Escapes, Wrapping::Armour].map(|below| Depth::new(engine, below, left - 1)));
    }
    depths
}

/// How much around an escape is read once more: what can be part of a value with it, and what is judged with that.
fn reach(engine: &Engine) -> usize {
    2 * (engine.matcher.lag() + LOOK_BACK)
}

/// Bytes before a value that its judgement looks at.
const LOOK_BACK: usize = KEYWORD_REACH + 2;

/// What is packed, with the place that its name tells.
fn told(wrapping: Wrapping, layout: Above<'_>, packed: decode::Packed<'_>) -> Packed {
    match packed {
        decode::Packed::Open(at, packing, name) => {
            let place = match wrapping {
                Wrapping::Parts => std::str::from_utf8(name)
                    .ok()
                    .filter(|name| !name.is_empty())
                    .map(|name| Place::called(at, "multipart", name)),
                _ => Under::new(name.to_vec(), layout).place().cloned(),
            };
            Packed::Open(at, packing, place.map(Box::new))
        }
        decode::Packed::Text(text, at) => Packed::Text(text.to_vec(), at),
        decode::Packed::Close => Packed::Close,
    }
}

fn take(
    engine: &Engine,
    Around { wrapping, left, layout, framing }: Around<'_>,
    slot: &mut Option<Stretch>,
    event: Event<'_>,
    out: &mut Risen,
) {
    if let Event::Open(at, before) = event {
        let is_run = wrapping == Wrapping::Armour && !before.is_empty();
        let signed = is_run && signed::follows_header(&before);
        let under = is_run.then(|| Arc::new(Under::new(before, layout)));
        *slot = Some(Stretch {
            // Escapes stand in the midst of a text, and fields name no columns; other stretches are texts of their own.
            scan: match wrapping {
                Wrapping::Escapes | Wrapping::Form | Wrapping::Protobuf => Scan::within(),
                Wrapping::Charset(_) if at > CHARSET_REACH as u64 => Scan::within(),
                _ => Scan::new(),
            }
            .under(under.clone()),
            below: below(engine, left, framing),
            left,
            fresh_text: wrapping == Wrapping::Armour,
            signed,
            mail: MailHead::default(),
            last: None,
            // What begins earlier ends before it, and is found by a look at the text itself.
            from: at.saturating_sub(engine.matcher.lag() as u64),
            fresh: Vec::new(),
            sunk: Risen::default(),
            under,
        });
        return;
    }
    if let Event::Packed(packed) = event {
        let what = told(wrapping, layout, packed);
        let lane = if wrapping == Wrapping::Parts { Lane::Part } else { Lane::Plain };
        out.packed.push(Armoured { lane, what });
        return;
    }
    if let Event::Sealed(at, sealed) = event {
        out.seals.push((at, sealed));
        return;
    }
    let Some(stretch) = slot else { return };
    if wrapping.is_escapes() {
        stretch.scan.adopt(layout);
    }
    match event {
        Event::Open(..) | Event::Packed(_) | Event::Sealed(..) => {}
        Event::Text(text, origin) => {
            // A run is judged before any of it is told, by more than it takes to tell its charset.
            if std::mem::take(&mut stretch.fresh_text)
                && let Some(utf16) = decode::recognise(text, None)
            {
                stretch.below.push(Depth::new(engine, utf16, stretch.left.saturating_sub(1).max(1)));
            }
            stretch.look_for_signature(wrapping, text);
            stretch.note(wrapping, text, origin, out);
            stretch.scan.push(&engine.matcher, &engine.key, text, &mut stretch.fresh);
            for below in &mut stretch.below {
                below.push(engine, stretch.scan.layout(), text, &mut stretch.sunk);
            }
            stretch.rise(wrapping, origin, u64::MAX, out);
        }
        Event::Close { whole, origin } => {
            stretch.scan.finish(&engine.matcher, &engine.key, &mut stretch.fresh);
            for below in &mut stretch.below {
                below.finish(engine, stretch.scan.layout(), &mut stretch.sunk);
            }
            // What needs to know what follows the cut is found by a look at the text itself.
            out.unknown |= stretch.sunk.unknown || stretch.below.iter().any(Depth::is_unknown);
            let seen = stretch.scan.seen();
            let to =
                if whole { u64::MAX } else { origin.end(seen).saturating_sub(engine.matcher.lag() as u64) };
            stretch.rise(wrapping, origin, to, out);
            *slot = None;
        }
    }
}

/// Where fields end within `text`, the `end` of each, in the text above; `at`: where it begins.
fn seams(text: &[u8], end: u8, at: u64, origin: &Origin) -> impl Iterator<Item = u64> {
    let ends = memchr::memchr_iter(end, text).filter(|&end| {
        end.checked_sub(1).and_then(|last| text.get(last)).is_none_or(u8::is_ascii_alphanumeric)
    });
    let views = ends.map(move |end| at + end as u64);
    views
        .filter(|&view| matches!(origin.kind(view, view + 1), Some(Kind::Field(_))))
        .map(|view| origin.start(view))
}

/// Where in the form above a `+` stands for a space that does not begin a field; `at`: where `text` begins, `before`: what stands
/// before it.
fn spaces(text: &[u8], before: Option<u8>, at: u64, origin: &Origin) -> impl Iterator<Item = u64> {
    let is_within = move |space: &usize| match space.checked_sub(1) {
        Some(before) => text.get(before) != Some(&b'='),
        None => before.is_some_and(|before| before != b'='),
    };
    let views = memchr::memchr_iter(b' ', text).filter(is_within).map(move |space| at + space as u64);
    views.filter(|&view| origin.kind(view, view + 1) == Some(Kind::Plus)).map(|view| origin.start(view))
}

impl Stretch {
    /// Notes where, in the text above, no value ends or begins.
    fn note(&mut self, wrapping: Wrapping, text: &[u8], origin: &Origin, out: &mut Risen) {
        let at = self.scan.seen();
        match wrapping {
            Wrapping::Protobuf => out.seams.extend(seams(text, b'\n', at, origin)),
            Wrapping::Objects(_) => out.seams.extend(seams(text, b'"', at, origin)),
            Wrapping::Form => {
                out.spaces.extend(spaces(text, self.last, at, origin));
                self.last = text.last().copied().or(self.last);
            }
            _ => {}
        }
    }

    fn look_for_signature(&mut self, wrapping: Wrapping, text: &[u8]) {
        if wrapping == Wrapping::Armour && !self.signed {
            self.mail.push(text);
            self.signed = signed::is_told(text) || self.mail.is_signed() == Some(true);
        }
    }

    /// Tells what was found in terms of the text above.
    fn rise(&mut self, wrapping: Wrapping, origin: &Origin, to: u64, out: &mut Risen) {
        let (from, under) = (self.from, self.under.clone());
        let above = || under.as_ref().and_then(|under| under.place());
        self.sunk.seams.clear();
        self.sunk.spaces.clear();
        let around = match wrapping {
            Wrapping::Parts => Some("multipart"),
            Wrapping::Protobuf => Some("protobuf"),
            _ => None,
        };
        let is_text = around.is_none() && !wrapping.is_escapes();
        for Armoured { lane, what } in self.sunk.packed.drain(..) {
            let what = match what {
                Packed::Open(at, packing, place) => {
                    let name = around.zip(origin.called(at));
                    let place = match (place, name, above()) {
                        (Some(place), Some((kind, name)), _) => Some(Box::new(place.under(kind, name))),
                        (None, Some((kind, name)), _) => Some(Box::new(Place::called(at, kind, name))),
                        (None, None, Some(place)) => Some(Box::new(place.clone())),
                        (place, None, _) => place,
                    };
                    Packed::Open(origin.start(at), packing, place)
                }
                Packed::Text(text, at) => Packed::Text(text, origin.start(at)),
                Packed::Close => Packed::Close,
            };
            // Of two ways down to the same run one is gone: a lane holds one at a time.
            let lane = match (lane, wrapping.is_escapes(), wrapping == Wrapping::Armour) {
                (Lane::Twice, true, _) | (Lane::Undone | Lane::Twice, _, true) => continue,
                (Lane::Undone, true, _) => Lane::Twice,
                (_, true, _) => Lane::Undone,
                (lane, false, _) => lane,
            };
            out.packed.push(Armoured { lane, what });
        }
        let first = out.places.len();
        // What is undone further knows better, and is told last.
        for mut place in self.scan.places().chain(self.sunk.places.drain(..)) {
            let view = place.start;
            place.start = origin.start(view);
            place.within += usize::from(is_text);
            if let (Some(kind), Some(name)) = (around, origin.called(view)) {
                place = place.under(kind, name);
            }
            if let Some(around) = above() {
                place.path = format!("{} {}", around.path, place.path);
            }
            if place.start >= from && place.start < to {
                out.places.push(place);
            }
        }
        let here = self.fresh.drain(..).map(|finding| Sunk { finding, path: Path::default() });
        for Sunk { mut finding, path } in here.chain(self.sunk.found.drain(..)) {
            let (start, end) = (finding.start, finding.end);
            let (kind, wrapping) = (origin.kind(start, end), origin.worn(wrapping, start, end));
            (finding.start, finding.end) = (origin.start(start), origin.end(end));
            if finding.start < from || finding.start >= to {
                continue;
            }
            let is_named = out.places.iter().skip(first).any(|place| place.start == finding.start);
            match (around, origin.called(start), above()) {
                _ if is_named => {}
                (Some(around), Some(name), _) => {
                    out.places.push(Place::called(finding.start, around, name));
                }
                (_, _, Some(place)) => out.places.push(Place { start: finding.start, ..place.clone() }),
                (_, _, None) => {}
            }
            let path = path.within(wrapping, kind);
            out.found.push(Sunk { finding, path: Path { signed: path.signed || self.signed, ..path } });
        }
    }
}
