//! One direction of a WebSocket: its messages go through an inspector, one after the other, under one count.
//!
//! Knows no sockets and no clocks: bytes go in, and what may leave comes out, in whole frames only, so that another frame
//! can always follow.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::codec::Codec;
use super::compression::Compression;
use super::frame::{self, Fault, Head, Kind};
use super::text::Utf8;
use crate::inspect::{Decision, Engine, Inspector, Reason, Reservation, Step, Threads};
use crate::limits;
use crate::policy::{Action, Message as Terms};
use crate::proxy::steps;

/// Why a lane goes no further.
#[derive(Debug)]
pub(super) enum Halt {
    /// By a decision.
    Stopped(Box<Decision>),
    /// Its frames are none.
    Fault(Fault),
}

/// How a message is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Plain,
    /// Through its compression.
    Inflated,
    /// Not at all: it passes as it is.
    Unread,
}

/// The message that is under way.
#[derive(Debug)]
struct Message {
    kind: Kind,
    form: Form,
    mask: Option<[u8; 4]>,
    /// How it was cut, while it may leave so.
    frames: Option<Vec<Head>>,
    /// Its compressed bytes, while they may leave as they came.
    coded: Option<BytesMut>,
    /// A frame of it has been written.
    begun: bool,
    wire: u64,
    text: u64,
}

/// The state of one direction.
#[derive(Debug)]
pub(super) struct Lane {
    engine: Arc<Engine>,
    /// Whether its frames are masked: a client's are.
    masked: bool,
    inspector: Inspector,
    codec: Option<Codec>,
    message: Option<Message>,
    /// The frame that is under way, and how much of it has come.
    frame: Option<(Head, u64)>,
    utf8: Utf8,
    /// Strings that go on from message to message.
    threads: Threads,
    /// The message under way, while it may go on with one of them.
    said: Option<Vec<u8>>,
    /// Pays for what is kept of a message beside the inspector, and for what lasts.
    kept: Reservation,
    lasting: Reservation,
    /// Values masked in earlier messages.
    edits: u64,
    closed: bool,
}

impl Lane {
    pub(super) fn new(engine: &Arc<Engine>, terms: Terms, masked: bool, how: Option<Compression>) -> Lane {
        let (kept, lasting) =
            (Reservation::new(&engine.held, &terms), Reservation::new(&engine.held, &terms));
        let mut inspector = Inspector::new(Arc::clone(engine), terms);
        inspector.next_message();
        inspector.in_steps(steps::step);
        Lane {
            engine: Arc::clone(engine),
            masked,
            inspector,
            codec: how.map(Codec::new),
            message: None,
            frame: None,
            utf8: Utf8::default(),
            threads: Threads::default(),
            said: None,
            kept,
            lasting,
            edits: 0,
            closed: false,
        }
    }

    /// Whether a message is under way.
    pub(super) fn is_within(&self) -> bool {
        self.message.is_some()
    }

    /// Whether its sender has said that it ends; what comes after that is nothing.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// The strongest action that was asked for so far.
    pub(super) fn strongest(&self) -> Action {
        self.inspector.strongest()
    }

    /// The overlays that had a part in it.
    pub(super) fn overlays(&self) -> Option<Arc<str>> {
        self.inspector.overlays()
    }

    /// What is known of all messages so far.
    pub(super) fn decision(&self) -> Decision {
        self.inspector.decision()
    }

    /// Nothing more will come, or may leave.
    pub(super) fn end(&mut self) {
        self.inspector.abandon();
        self.kept.release();
        self.lasting.release();
    }

    /// Nothing has come for a while: what is settled of a message may leave.
    pub(super) fn idle(&mut self, out: &mut BytesMut) -> Result<(), Halt> {
        let step = self.inspector.idle();
        self.stepped(step, out)
    }

    /// Takes what has come; `out` gets what may leave. Bytes that are not taken are to come again, with more behind them.
    pub(super) fn feed(&mut self, bytes: &mut BytesMut, out: &mut BytesMut) -> Result<(), Halt> {
        while !self.closed {
            if let Some((head, at)) = self.frame {
                if bytes.is_empty() {
                    return Ok(());
                }
                let left = usize::try_from(head.length - at).unwrap_or(usize::MAX);
                let piece = bytes.split_to(left.min(bytes.len()));
                let end = at + piece.len() as u64;
                self.frame = (end < head.length).then_some((head, end));
                self.payload(head, at, piece, out)?;
                self.after(head, out)?;
                continue;
            }
            let Some((head, length)) = Head::read(bytes, self.masked).map_err(Halt::Fault)? else {
                return Ok(());
            };
            if head.kind.is_control() {
                let whole = length + usize::try_from(head.length).unwrap_or(usize::MAX);
                if bytes.len() < whole {
                    return Ok(());
                }
                self.control(head, length, &bytes.split_to(whole), out)?;
                continue;
            }
            drop(bytes.split_to(length));
            self.begin(head)?;
            self.frame = (head.length > 0).then_some((head, 0));
            self.after(head, out)?;
        }
        bytes.clear();
        Ok(())
    }

    /// The head of a frame of a message.
    fn begin(&mut self, head: Head) -> Result<(), Halt> {
        let first = head.kind != Kind::Continuation;
        if first == self.message.is_some() || (head.compressed && !first) {
            return Err(Halt::Fault(Fault::Sequence));
        }
        if head.compressed && self.codec.is_none() {
            return Err(Halt::Fault(Fault::Reserved));
        }
        if first {
            let form = if head.compressed { Form::Inflated } else { Form::Plain };
            self.message = Some(Message {
                kind: head.kind,
                form,
                mask: head.mask,
                frames: Some(Vec::new()),
                coded: head.compressed.then(BytesMut::new),
                begun: false,
                wire: 0,
                text: 0,
            });
            self.said = (head.kind == Kind::Text).then(Vec::new);
            if let Some(word) = self.codec.as_ref().and_then(Codec::broken).filter(|_| head.compressed) {
                self.unreadable(word)?;
            }
        }
        if let Some(message) = &mut self.message {
            match &mut message.frames {
                Some(frames) if frames.len() < limits::WEBSOCKET_FRAMES => frames.push(head),
                Some(_) | None => message.frames = None,
            }
        }
        Ok(())
    }

    fn payload(&mut self, head: Head, at: u64, mut piece: BytesMut, out: &mut BytesMut) -> Result<(), Halt> {
        if let Some(key) = head.mask {
            frame::mask(key, at, &mut piece);
        }
        let Some(message) = &mut self.message else { return Ok(()) };
        message.wire += piece.len() as u64;
        match message.form {
            Form::Plain => {
                message.text += piece.len() as u64;
                if message.kind == Kind::Text && !self.utf8.push(&piece) {
                    return Err(Halt::Fault(Fault::Text));
                }
                say(&mut self.said, &piece);
                let step = self.inspector.push(piece.freeze());
                self.stepped(step, out)
            }
            Form::Inflated => self.inflate(&piece, false, out),
            Form::Unread => {
                let step = self.inspector.push(piece.freeze());
                self.stepped(step, out)
            }
        }
    }

    /// Reads compressed bytes; `last`: the message ends with them.
    fn inflate(&mut self, piece: &[u8], last: bool, out: &mut BytesMut) -> Result<(), Halt> {
        let (Some(message), Some(codec)) = (&mut self.message, &mut self.codec) else { return Ok(()) };
        if let Some(coded) =
            message.coded.as_mut().filter(|coded| coded.len() + piece.len() <= self.engine.hold)
        {
            coded.extend_from_slice(piece);
            if !self.kept.cover(coded.len()) {
                self.inspector.refuse(Reason::HeldBytes);
                return Err(self.stop());
            }
        } else {
            message.coded = None;
        }
        let (mut step, mut is_text) = (Step::Wait, true);
        let (inspector, utf8, kind) = (&mut self.inspector, &mut self.utf8, message.kind);
        let said = &mut self.said;
        let mut take = |text: Vec<u8>| {
            is_text = kind != Kind::Text || utf8.push(&text);
            say(said, &text);
            let (mut text, mut pushed) = (Bytes::from(text), Step::Wait);
            steps::step(&mut || pushed = inspector.push(std::mem::take(&mut text)));
            step = match (pushed, step) {
                (Step::Stop, _) => Step::Stop,
                (Step::Release, _) | (Step::Wait, Step::Release) => Step::Release,
                (Step::Wait, Step::Wait | Step::Stop) => Step::Wait,
            };
            if step == Step::Stop || !is_text { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let read = codec.inflate(piece, last, message.wire, &mut message.text, &mut take);
        if !is_text {
            return Err(Halt::Fault(Fault::Text));
        }
        self.stepped(step, out)?;
        self.pay()?;
        match read {
            Ok(()) => Ok(()),
            Err(word) => self.unreadable(word),
        }
    }

    /// Pays for what lasts from message to message.
    fn pay(&mut self) -> Result<(), Halt> {
        let codec = self.codec.as_ref().map_or(0, Codec::bytes);
        if self.lasting.cover(codec + self.threads.bytes()) {
            return Ok(());
        }
        self.inspector.refuse(Reason::HeldBytes);
        Err(self.stop())
    }

    /// The message under way cannot be read: it is refused, or passes as it is.
    fn unreadable(&mut self, word: &'static str) -> Result<(), Halt> {
        if self.inspector.cannot_read(word) == Step::Stop {
            return Err(self.stop());
        }
        let Some(message) = &mut self.message else { return Ok(()) };
        let Some(coded) = message.coded.take().filter(|_| !message.begun) else {
            // Its beginning left in another form, or is gone: there is nothing that the rest could pass on as.
            self.inspector.refuse(Reason::Undecodable(word));
            return Err(self.stop());
        };
        // What was read of it counts as having left; then all of it passes unread.
        message.form = Form::Unread;
        self.utf8 = Utf8::default();
        if self.inspector.finish() == Step::Stop {
            return Err(self.stop());
        }
        while self.inspector.next_released().is_some() {}
        self.inspector.next_message();
        let steps = [self.inspector.cannot_read(word), self.inspector.push(coded.freeze())];
        self.kept.release();
        if steps.contains(&Step::Stop) { Err(self.stop()) } else { Ok(()) }
    }

    fn stepped(&mut self, step: Step, out: &mut BytesMut) -> Result<(), Halt> {
        match step {
            Step::Wait => Ok(()),
            Step::Release => self.outgrow(out),
            Step::Stop => Err(self.stop()),
        }
    }

    /// A message leaves hold before its end: it is cut anew, into what may leave.
    fn outgrow(&mut self, out: &mut BytesMut) -> Result<(), Halt> {
        if let Some(message) = &mut self.message {
            (message.frames, message.coded) = (None, None);
        }
        self.kept.release();
        while let Some(text) = self.inspector.next_released() {
            if !text.is_empty() {
                self.write(&text, false, out)?;
            }
        }
        Ok(())
    }

    /// What follows from the end of a frame, if it has come.
    fn after(&mut self, head: Head, out: &mut BytesMut) -> Result<(), Halt> {
        if self.frame.is_none() && head.last { self.finish(out) } else { Ok(()) }
    }

    /// The message has ended.
    fn finish(&mut self, out: &mut BytesMut) -> Result<(), Halt> {
        if self.message.as_ref().is_some_and(|message| message.form == Form::Inflated) {
            self.inflate(&[], true, out)?;
        }
        if !self.utf8.end() {
            return Err(Halt::Fault(Fault::Text));
        }
        if let Some(said) = self.said.take().filter(|said| !said.is_empty()) {
            if self.inspector.continues(&mut self.threads, &said) == Step::Stop {
                return Err(self.stop());
            }
            self.pay()?;
        }
        if self.inspector.finish() == Step::Stop {
            return Err(self.stop());
        }
        let edits = self.inspector.edits();
        let edited = edits > std::mem::replace(&mut self.edits, edits);
        let recoding = self.codec.as_ref().is_some_and(Codec::is_recoding);
        let Some(message) = &mut self.message else { return Ok(()) };
        let frames = message.frames.take().filter(|_| !message.begun);
        match (frames, message.form, message.coded.take()) {
            (Some(frames), Form::Plain, _) => {
                let inspector = &mut self.inspector;
                recut(&frames, std::iter::from_fn(|| inspector.next_released()), out);
            }
            (Some(frames), Form::Inflated, Some(coded)) if !edited && !recoding => {
                while self.inspector.next_released().is_some() {}
                recut(&frames, std::iter::once(coded.freeze()), out);
            }
            (_, Form::Plain | Form::Inflated | Form::Unread, _) => {
                let mut text = BytesMut::new();
                while let Some(piece) = self.inspector.next_released() {
                    text.extend_from_slice(&piece);
                }
                self.write(&text, true, out)?;
            }
        }
        if let Some(codec) = self.codec.as_mut().filter(|_| self.message.is_some()) {
            codec.ended();
        }
        self.pay()?;
        self.message = None;
        self.kept.release();
        // What this one took is given back before the next one comes.
        self.inspector.next_message();
        Ok(())
    }

    /// Writes a part of the message as a frame of its own.
    fn write(&mut self, text: &[u8], last: bool, out: &mut BytesMut) -> Result<(), Halt> {
        let Some(message) = &mut self.message else { return Ok(()) };
        let deflated = match (message.form, &mut self.codec) {
            (Form::Inflated, Some(codec)) => match codec.deflate(text, last) {
                Ok(deflated) => deflated,
                Err(error) => {
                    self.inspector.refuse(Reason::Undecodable(error.as_str()));
                    return Err(self.stop());
                }
            },
            (Form::Plain | Form::Inflated | Form::Unread, _) => None,
        };
        let head = Head {
            last,
            compressed: (deflated.is_some() || message.form == Form::Unread) && !message.begun,
            kind: if message.begun { Kind::Continuation } else { message.kind },
            mask: message.mask,
            length: 0,
        };
        message.begun = true;
        frame::write(head, deflated.as_deref().unwrap_or(text), out);
        Ok(())
    }

    /// A frame between those of messages: what it holds is inspected, too.
    fn control(&mut self, head: Head, length: usize, raw: &[u8], out: &mut BytesMut) -> Result<(), Halt> {
        let mut payload = BytesMut::from(raw.get(length..).unwrap_or_default());
        if let Some(key) = head.mask {
            frame::mask(key, 0, &mut payload);
        }
        if head.kind == Kind::Close {
            frame::check_close(&payload).map_err(Halt::Fault)?;
            self.closed = true;
        }
        let before = self.inspector.edits();
        let Some(text) = self.inspector.aside(payload.freeze()) else { return Err(self.stop()) };
        // What was masked in it was not masked in the message that is under way.
        self.edits += self.inspector.edits() - before;
        frame::write(head, &text, out);
        Ok(())
    }

    fn stop(&self) -> Halt {
        Halt::Stopped(Box::new(self.decision()))
    }
}

/// Keeps what a message says, while it may be one of a stream of small documents.
fn say(said: &mut Option<Vec<u8>>, text: &[u8]) {
    let Some(all) = said else { return };
    let opens = match all.is_empty() {
        true => {
            text.iter().find(|byte| !byte.is_ascii_whitespace()).is_none_or(|first| b"{[".contains(first))
        }
        false => true,
    };
    if opens && all.len() + text.len() <= limits::DELTA_LINE {
        all.extend_from_slice(text);
    } else {
        *said = None;
    }
}

/// Writes frames as they were cut, with what is in them now: as much as there was.
fn recut(frames: &[Head], mut pieces: impl Iterator<Item = Bytes>, out: &mut BytesMut) {
    let mut piece = Bytes::new();
    for head in frames {
        head.write(out);
        let mut at = 0;
        while at < head.length {
            if piece.is_empty() {
                let Some(next) = pieces.next() else { return };
                piece = next;
                continue;
            }
            let left = usize::try_from(head.length - at).unwrap_or(usize::MAX);
            let part = piece.split_to(left.min(piece.len()));
            let start = out.len();
            out.extend_from_slice(&part);
            if let (Some(key), Some(written)) = (head.mask, out.get_mut(start..)) {
                frame::mask(key, at, written);
            }
            at += part.len() as u64;
        }
    }
}
