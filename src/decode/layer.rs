//! One layer of a text undone as it comes: escapes where there are some, with their surroundings; a charset; base64.

use super::DecodeError;
use super::coding::Coding;
use super::escape::{Active, Escape, Kind, Kinds, Unit, plain_kinds, unit, unit_of_form};
use super::form::{self, Form};
use super::legacy::{self, Legacy};
use super::markup::Markup;
use super::objects::{self, Objects};
use super::origin::Origin;
use super::parts::{Parts, Step};
use super::protobuf::{Framing, Protobuf};
use super::{amid, armour, utf16};
use crate::limits::{CHARSET_REACH, LAYER_GLANCE, LAYER_STEP};

#[path = "layer_runs.rs"]
mod runs;

/// What is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wrapping {
    /// Escapes of every kind, and characters that look like others.
    Escapes,
    /// The same of a form: `+` stands for a space.
    Form,
    Utf16 {
        big_endian: bool,
    },
    /// Another charset, from its first character on that is no ASCII.
    Charset(Legacy),
    /// The tags between character data.
    Markup,
    /// Runs of base64 or hexadecimal digits, as a layer looks for them.
    Armour,
    /// Parts of a multipart body that are texts of their own.
    Parts,
    /// Quoted-printable that such a part is declared to be.
    Quoted,
    /// Strings and numbers of protocol buffers.
    Protobuf,
    /// What CBOR or MessagePack is in JSON.
    Objects(Objects),
    /// A run of base64: of the bytes that the first digits stand for `lead` are others', and `trail` of the last.
    Base64 {
        lead: u8,
        trail: u8,
    },
    Hex,
}

impl Wrapping {
    /// Those of a text, or of a form, that begins so.
    #[must_use]
    pub fn escapes(opening: &[u8], form: bool) -> Wrapping {
        if form::begins(opening, form) { Wrapping::Form } else { Wrapping::Escapes }
    }

    /// Whether it is escapes, of a form or not.
    #[must_use]
    pub fn is_escapes(self) -> bool {
        matches!(self, Wrapping::Escapes | Wrapping::Form)
    }
}

/// Where a layer stands in runs of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    /// Between them, or where one may begin.
    Seeking,
    /// In one that stands for no text.
    Skipping,
    /// In one that does, so many digits into its line.
    In(Kind, usize),
}

/// What a layer tells.
#[derive(Debug)]
pub enum Event<'a> {
    /// Something is undone at this offset of the text above: a stretch of text begins around it. Of runs of digits it is
    /// told what stands before them.
    Open(u64, Vec<u8>),
    /// A run of base64 holds something packed: it begins, goes on with what is told before this offset, ends.
    Packed(Packed<'a>),
    /// The stretch goes on with this, in one piece with what was told before.
    Text(&'a [u8], &'a Origin),
    /// It ends; `whole`: where the text above ends, too.
    Close { whole: bool, origin: &'a Origin },
    /// Why nothing of the text above is edited from this offset on, if so.
    Sealed(u64, Option<&'static str>),
}

/// What is told of something packed in a run of base64 or a part, and where in the text above that is known.
#[derive(Clone, Debug)]
pub enum Packed<'a> {
    /// With what stands before it, or what its part is called.
    Open(u64, Packing, &'a [u8]),
    Text(&'a [u8], u64),
    Close,
}

/// How something is packed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Packing {
    /// As its first bytes tell.
    #[default]
    Told,
    /// The same on a line behind other digits, of a picture for example: that it breaks off is no fault.
    Torn,
    /// In these codings, the last outermost.
    Coded(Vec<Coding>),
    /// In a way that is not read here, and why.
    Unread(DecodeError),
    /// In one that nobody here opens, which is no fault.
    Unopened,
}

/// Looks for a run of digits that may be base64, from the beginning of a text: where the first begins that is long
/// enough, or where one begins that reaches the end.
pub(super) type Seek = fn(&[u8]) -> Result<usize, usize>;

/// How a text is looked through, many bytes at a time.
#[derive(Clone, Copy, Debug)]
pub struct Searches {
    pub runs: Seek,
    pub kinds: Kinds,
}

impl Searches {
    /// Their plain twins, which find the same.
    pub const PLAIN: Searches = Searches { runs: |text| armour::seek(text, 0), kinds: plain_kinds };
}

type Sink<'a> = &'a mut dyn FnMut(Event<'_>);

/// The running state of one layer. Where stretches begin and end depends on the text alone, not on how it is cut.
#[derive(Debug)]
pub struct Layer {
    wrapping: Wrapping,
    /// How much around an escape belongs to its stretch.
    reach: usize,
    /// The end of the text so far.
    text: Vec<u8>,
    /// Offset of `text[0]`.
    base: u64,
    /// What of `text` was looked at.
    done: usize,
    /// Where the open stretch ends unless another escape comes before.
    open: Option<u64>,
    /// Whether the last escape stands for a digit of base64 and nothing else has come since: what may be packed in them
    /// is read whole, however far the next escape is.
    in_digits: bool,
    run: Run,
    /// Where the run began that is passed over, and where the last long line of digits ended.
    skipped: u64,
    line_end: Option<u64>,
    /// Whether the run that is packed stands right behind such a line.
    torn: bool,
    /// How often another run was looked for in the one that stands here.
    tried: u8,
    /// Where a form is one.
    form: Form,
    searches: Searches,
    markup: Markup,
    parts: Option<Box<Parts>>,
    /// Why what stands here is never edited, if so.
    sealed: Option<&'static str>,
    protobuf: Option<Box<Protobuf>>,
    objects: Option<Box<objects::Reader>>,
    /// Whether the run, or the part, is something packed.
    packed: bool,
    /// Whether all of the text is base64, in one piece or several.
    whole: bool,
    /// The end of what came before the chunk that is being read, of a text in which runs of digits are looked for.
    before: Vec<u8>,
    /// The chunk's offset.
    seen: u64,
    view: Vec<u8>,
    origin: Origin,
}

impl Layer {
    #[must_use]
    pub fn new(wrapping: Wrapping, reach: usize) -> Layer {
        Layer {
            wrapping,
            reach: if wrapping.is_escapes() { reach } else { 0 },
            run: Run::Seeking,
            skipped: 0,
            line_end: None,
            torn: false,
            tried: 0,
            form: Form::new(false),
            searches: Searches::PLAIN,
            markup: Markup::default(),
            parts: None,
            sealed: None,
            protobuf: None,
            objects: None,
            packed: false,
            whole: false,
            before: Vec::new(),
            seen: 0,
            text: Vec::new(),
            base: 0,
            done: 0,
            open: None,
            in_digits: false,
            view: Vec::new(),
            origin: Origin::default(),
        }
    }

    /// Has the text looked through by other searches that find the same.
    #[must_use]
    pub fn searched(self, searches: Searches) -> Layer {
        Layer { searches, ..self }
    }

    /// Of a text that is declared to be a form.
    #[must_use]
    pub fn declared(self) -> Layer {
        Layer { form: Form::new(true), ..self }
    }

    /// The parts of a multipart body; `boundaries`: what its head declares, of which the body has one.
    #[must_use]
    pub fn of_parts(boundaries: &[Box<[u8]>]) -> Layer {
        Layer { parts: Some(Box::new(Parts::new(boundaries))), ..Layer::new(Wrapping::Parts, 0) }
    }

    #[must_use]
    pub fn of_charset(charset: Legacy) -> Layer {
        Layer { reach: CHARSET_REACH, ..Layer::new(Wrapping::Charset(charset), 0) }
    }

    #[must_use]
    pub fn of_protobuf(framing: Framing) -> Layer {
        Layer { protobuf: Some(Box::new(Protobuf::new(framing))), ..Layer::new(Wrapping::Protobuf, 0) }
    }

    #[must_use]
    pub fn of_objects(objects: Objects) -> Layer {
        let reader = objects::Reader::new(objects);
        Layer { objects: Some(Box::new(reader)), ..Layer::new(Wrapping::Objects(objects), 0) }
    }

    /// Protocol buffers in a text that is base64 as a whole.
    #[must_use]
    pub fn of_armoured_protobuf(framing: Framing) -> Layer {
        let protobuf = Protobuf::new(framing).alone();
        Layer { protobuf: Some(Box::new(protobuf)), ..Layer::new(Wrapping::Protobuf, 0) }
    }

    /// A text that is base64 as a whole, whatever it stands for.
    #[must_use]
    pub fn of_base64() -> Layer {
        Layer { whole: true, ..Layer::new(Wrapping::Armour, 0) }
    }

    /// Whether something is compressed in a way that is not known here.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.protobuf.as_ref().is_some_and(|protobuf| protobuf.is_unknown())
    }

    #[must_use]
    pub fn wrapping(&self) -> Wrapping {
        self.wrapping
    }

    /// How much around an escape is told with it.
    #[must_use]
    pub fn reach(&self) -> usize {
        self.reach
    }

    /// How much of what was looked at is kept.
    fn kept(&self) -> usize {
        if self.wrapping.is_escapes() { self.reach.max(amid::REACH) } else { self.reach }
    }

    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Forgets where what lies before `view` came from.
    pub fn forget(&mut self, view: u64) {
        self.origin.forget(view);
    }

    /// Everything before this offset was looked at; an escape may begin here.
    #[must_use]
    pub fn looked(&self) -> u64 {
        self.base + self.done as u64
    }

    /// Memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.capacity() + self.view.capacity() + self.before.capacity() + self.origin.bytes()
    }

    /// Whether nothing is undone any more if the text ends with `chunk`.
    #[must_use]
    pub fn ends_plainly(&self, chunk: &[u8]) -> bool {
        self.is_idle()
            && match self.wrapping {
                Wrapping::Escapes | Wrapping::Form => self.first_active(chunk) == chunk.len(),
                Wrapping::Armour => {
                    !self.whole && self.run == Run::Seeking && (self.searches.runs)(chunk).is_err()
                }
                Wrapping::Charset(_) => chunk.is_ascii(),
                Wrapping::Markup
                | Wrapping::Utf16 { .. }
                | Wrapping::Base64 { .. }
                | Wrapping::Hex
                | Wrapping::Parts
                | Wrapping::Quoted
                | Wrapping::Protobuf
                | Wrapping::Objects(_) => false,
            }
    }

    /// Whether all that came was looked at, and nothing is under way.
    fn is_idle(&self) -> bool {
        self.open.is_none() && self.done == self.text.len()
    }

    /// Whether nothing is to be done about what comes next but to keep the end of it, if it is of ASCII without any of
    /// [`MARKS`](super::MARKS).
    #[must_use]
    pub fn passes_over(&self) -> bool {
        (self.wrapping.is_escapes() || matches!(self.wrapping, Wrapping::Charset(_))) && self.is_idle()
    }

    /// The text goes on with `chunk`, which is [passed over](Self::passes_over).
    pub fn pass(&mut self, chunk: &[u8]) {
        self.follow(chunk);
        self.keep(chunk);
    }

    /// The text goes on with `chunk`.
    pub fn push(&mut self, chunk: &[u8], sink: Sink<'_>) {
        if self.wrapping == Wrapping::Armour && !self.whole {
            return self.push_armour(chunk, sink);
        }
        self.follow(chunk);
        let mut rest = chunk;
        while !rest.is_empty() {
            let mut step = LAYER_STEP;
            if self.is_idle() && self.wrapping.is_escapes() {
                let passed = self.first_active(rest);
                self.keep(rest.get(..passed).unwrap_or_default());
                rest = rest.get(passed..).unwrap_or_default();
                // Where they are rare, most stand for nothing.
                step = if passed < LAYER_GLANCE { LAYER_STEP } else { LAYER_GLANCE };
            }
            let (piece, behind) = rest.split_at(step.min(rest.len()));
            self.text.extend_from_slice(piece);
            self.walk(false, sink);
            rest = behind;
        }
    }

    /// Where anything may be undone in `chunk`, while nothing is under way.
    fn first_active(&self, chunk: &[u8]) -> usize {
        Active::new(self.searches.kinds).next(chunk, 0, false)
    }

    fn follow(&mut self, chunk: &[u8]) {
        if self.wrapping == Wrapping::Form {
            self.form.push(chunk, self.base + self.text.len() as u64);
        }
    }

    /// The text has ended.
    pub fn finish(&mut self, sink: Sink<'_>) {
        self.walk(true, sink);
        self.flush(sink);
        if self.open.is_some() {
            self.close(sink);
        }
    }

    /// Nothing in `chunk` is of interest but as the surroundings of what may follow.
    fn keep(&mut self, chunk: &[u8]) {
        let end = self.base + (self.text.len() + chunk.len()) as u64;
        let kept = self.kept();
        match chunk.len().checked_sub(kept) {
            Some(skip) => {
                self.text.clear();
                self.text.extend_from_slice(&chunk[skip..]);
            }
            None => {
                self.text.extend_from_slice(chunk);
                // Moved rarely: what is kept may grow to twice of what is needed.
                let more = self.text.len().saturating_sub(kept);
                if more > kept {
                    self.text.drain(..more);
                }
            }
        }
        self.base = end - self.text.len() as u64;
        self.done = self.text.len();
    }

    fn walk(&mut self, last: bool, sink: Sink<'_>) {
        self.walk_above(&[], last, sink);
    }

    /// `chunk`: what is being read, where runs of digits are looked for.
    fn walk_above(&mut self, chunk: &[u8], last: bool, sink: Sink<'_>) {
        match self.wrapping {
            Wrapping::Escapes | Wrapping::Form => self.escapes(last, sink),
            Wrapping::Utf16 { big_endian } => self.utf16(big_endian, last, sink),
            Wrapping::Charset(charset) => self.charset(charset, last, sink),
            Wrapping::Markup => self.tags(sink),
            Wrapping::Parts => self.in_parts(last, sink),
            Wrapping::Protobuf | Wrapping::Objects(_) => self.fields(last, sink),
            Wrapping::Armour if self.whole => self.digits_alone(last, sink),
            Wrapping::Armour | Wrapping::Base64 { .. } | Wrapping::Hex | Wrapping::Quoted => {
                self.armour(chunk, last, sink)
            }
        }
        self.flush(sink);
        let keep_from = self.done.saturating_sub(self.kept());
        self.text.drain(..keep_from);
        self.base += keep_from as u64;
        self.done -= keep_from;
    }

    fn escapes(&mut self, last: bool, sink: Sink<'_>) {
        let mut active = Active::new(self.searches.kinds);
        loop {
            let at = active.next(&self.text, self.done, self.open.is_some());
            self.literal(at, sink);
            if at == self.text.len() {
                return;
            }
            let is_form = self.wrapping == Wrapping::Form && self.form.holds(self.base + at as u64);
            match if is_form { unit_of_form(&self.text, at, last) } else { unit(&self.text, at, last) } {
                Unit::Open => return,
                Unit::Literal(length) => self.literal(self.text.len().min(at + length), sink),
                Unit::Escape(escape) => {
                    let is_digit = |byte: &u8| armour::is_digit(*byte);
                    let telling = match escape.telling {
                        true => self.is_written(at, &escape, last),
                        false => Some(false),
                    };
                    let Some(telling) = telling else { return };
                    if telling {
                        self.begin(at, sink);
                        self.open = Some(self.base + (at + escape.len + self.reach) as u64);
                        self.in_digits = true;
                    }
                    self.in_digits &= escape.out().iter().all(is_digit);
                    if self.open.is_some() {
                        self.view.extend_from_slice(escape.out());
                        self.origin.add(escape.out().len(), escape.len, Some(escape.kind));
                    }
                    self.done = at + escape.len;
                }
            }
        }
    }

    /// Whether an escape stands amid what is written. `None`: what follows tells.
    fn is_written(&self, at: usize, escape: &Escape, last: bool) -> Option<bool> {
        let least = if escape.kind == Kind::LookAlike { amid::LEAST_ALIKE } else { amid::LEAST };
        let before = self.text.get(..at).unwrap_or_default();
        amid::is_written(before, self.text.get(at + escape.len..).unwrap_or_default(), least, last)
    }

    /// Opens a stretch around the escape at `at`, unless one is open.
    fn begin(&mut self, at: usize, sink: Sink<'_>) {
        self.begin_behind(Vec::new(), at, sink);
    }

    /// `before`: what stands before it.
    fn begin_behind(&mut self, before: Vec<u8>, at: usize, sink: Sink<'_>) {
        if self.open.is_none() {
            let from = at.saturating_sub(self.reach);
            let offset = self.base + from as u64;
            self.origin = Origin::at(offset);
            self.view.clear();
            let begin = self.base + at as u64;
            let packing = self.parts.as_ref().and_then(|parts| parts.packing());
            if self.packed {
                let called = self.parts.as_ref().map_or(&*before, |parts| parts.label().as_bytes());
                let own = if self.torn { Packing::Torn } else { Packing::Told };
                sink(Event::Packed(Packed::Open(begin, packing.cloned().unwrap_or(own), called)));
            } else {
                sink(Event::Open(begin, before));
            }
            self.view.extend_from_slice(&self.text[from..at]);
            self.origin.literal(at - from);
        }
    }

    /// Takes the text up to `to` for itself. The open stretch may end in it.
    fn literal(&mut self, to: usize, sink: Sink<'_>) {
        if let Some(end) = self.open {
            let end = usize::try_from(self.end(end, to).saturating_sub(self.base)).unwrap_or(usize::MAX);
            let until = to.min(end.max(self.done));
            self.view.extend_from_slice(&self.text[self.done..until]);
            self.origin.literal(until - self.done);
            if to >= end {
                self.flush(sink);
                self.open = None;
                sink(Event::Close { whole: false, origin: &self.origin });
            }
        }
        self.done = to;
    }

    /// Where the open stretch ends, which is told as `end`, as far as the text up to `to` tells.
    fn end(&mut self, end: u64, to: usize) -> u64 {
        if !self.in_digits {
            return end;
        }
        let text = self.text.get(self.done..to).unwrap_or_default();
        let digits = armour::digits(text);
        if digits == text.len() {
            return u64::MAX;
        }
        self.in_digits = false;
        let end = end.max(self.base + (self.done + digits + self.reach) as u64);
        self.open = Some(end);
        end
    }

    fn utf16(&mut self, big_endian: bool, last: bool, sink: Sink<'_>) {
        self.begin(0, sink);
        self.open = Some(u64::MAX);
        while let Some((length, escape)) = utf16::unit(&self.text[self.done..], big_endian, last) {
            self.view.extend_from_slice(escape.out());
            self.origin.add(escape.out().len(), length, Some(Kind::Utf16));
            self.done += length;
        }
    }

    fn charset(&mut self, charset: Legacy, last: bool, sink: Sink<'_>) {
        if self.open.is_none() {
            self.done += legacy::ascii(&self.text[self.done..]);
            if self.done == self.text.len() {
                return;
            }
            self.begin(self.done, sink);
            self.open = Some(u64::MAX);
        }
        self.done += charset.tell(&self.text[self.done..], last, &mut self.view, &mut self.origin);
    }

    fn tags(&mut self, sink: Sink<'_>) {
        self.begin(0, sink);
        self.open = Some(u64::MAX);
        self.markup.walk(&self.text[self.done..], &mut self.view, &mut self.origin);
        self.done = self.text.len();
    }

    fn fields(&mut self, last: bool, sink: Sink<'_>) {
        self.begin(0, sink);
        self.open = Some(u64::MAX);
        let text = self.text.get(self.done..).unwrap_or_default();
        if let Some(objects) = &mut self.objects {
            self.done += objects.walk(text, last, &mut self.view, &mut self.origin);
        } else if let Some(protobuf) = &mut self.protobuf {
            self.done += protobuf.walk(text, last, &mut self.view, &mut self.origin);
        }
    }

    fn in_parts(&mut self, last: bool, sink: Sink<'_>) {
        let Some(mut parts) = self.parts.take() else { return };
        loop {
            if std::mem::replace(&mut self.sealed, parts.sealed()) != parts.sealed() {
                sink(Event::Sealed(self.looked(), self.sealed));
            }
            let rest = self.text.get(self.done..).unwrap_or_default();
            match parts.step(rest, last) {
                Step::Wait | Step::Pass(0) => break,
                Step::Ask => {}
                Step::Pass(length) => self.done += length,
                Step::Open => {
                    self.packed = parts.packing().is_some();
                    // What it is packed as is asked for.
                    let parts = self.parts.insert(parts);
                    let name = parts.label().to_owned();
                    self.begin(self.done, sink);
                    self.open = Some(u64::MAX);
                    self.origin.name(&name);
                    return self.in_parts(last, sink);
                }
                Step::Tell(length, whole) => {
                    let text = rest.get(..length).unwrap_or_default();
                    let read = parts.tell(text, whole, &mut self.view, &mut self.origin);
                    if read == 0 {
                        break;
                    }
                    self.done += read;
                }
                Step::Close => self.close(sink),
            }
        }
        self.parts = Some(parts);
    }

    fn close(&mut self, sink: Sink<'_>) {
        self.flush(sink);
        self.open = None;
        match std::mem::take(&mut self.packed) {
            true => sink(Event::Packed(Packed::Close)),
            false => sink(Event::Close { whole: true, origin: &self.origin }),
        }
    }

    fn flush(&mut self, sink: Sink<'_>) {
        if !self.view.is_empty() {
            match self.packed {
                true => {
                    sink(Event::Packed(Packed::Text(&self.view, self.looked())));
                    let told = self.origin.view();
                    self.origin.forget(told);
                }
                false => sink(Event::Text(&self.view, &self.origin)),
            }
            self.view.clear();
        }
    }
}
