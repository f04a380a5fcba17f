//! A coded body: its text is read, its wire bytes are what leaves, and marks join the two.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use super::Reason;
use super::head::{self, HeadHits};
use super::judge::{Becomes, Judge};
use super::reading::Reading;
use crate::decode::{Coding, DecodeError, Decoder, Encoder, Piece};
use crate::detect::DetectorId;
use crate::fingerprint::Fingerprint;
use crate::limits::DECODE_STEP;
use crate::redact::Chain;
use bytes::Bytes;

/// Whoever has the wire bytes below `wire` knows the text below `text`, and no more.
#[derive(Clone, Copy, Debug)]
struct Mark {
    wire: u64,
    text: u64,
}

/// The running decoder of a body.
#[derive(Debug)]
pub(super) struct Coded {
    codings: Vec<Coding>,
    decoder: Decoder,
    wire: u64,
    /// Whether nobody said that the body is coded.
    undeclared: bool,
    /// By offset, for what has not left.
    marks: VecDeque<Mark>,
}

impl Coded {
    pub(super) fn new(codings: Vec<Coding>, undeclared: bool) -> Coded {
        let decoder = Decoder::new(&codings);
        Coded { codings, decoder, wire: 0, undeclared, marks: VecDeque::new() }
    }

    /// The names of the codings, outermost first.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.codings.iter().rev().map(|coding| coding.as_str()).collect()
    }

    /// Decodes and reads `chunk`, and gives its text to `recoder`; what its codings carry beside the text goes to `asides`. Gives up once the judge
    /// blocks; an error tells how much was read before it.
    pub(super) fn push(
        &mut self,
        judge: &mut Judge,
        reading: &mut Reading,
        asides: &mut HeadHits,
        mut recoder: Option<&mut Recoder>,
        chunk: &[u8],
    ) -> Result<(), DecodeError> {
        for piece in chunk.chunks(DECODE_STEP) {
            if judge.blocks() {
                return Ok(());
            }
            self.decoder.push_all(piece, &mut |piece| {
                match piece {
                    Piece::Text(text) => {
                        (judge.steps)(&mut || reading.push(judge, text));
                        if let Some(recoder) = &mut recoder {
                            recoder.push(text);
                        }
                    }
                    Piece::Aside(aside) => head::aside(judge, aside, asides),
                }
                if judge.blocks() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            self.wire += piece.len() as u64;
            if recoder.is_some() || self.decoder.is_in_header() {
                // Of a header that is not whole nothing is known yet: none of it may leave. What is encoded anew does
                // not leave at all.
                continue;
            }
            self.mark(Mark { wire: self.wire, text: reading.seen() });
        }
        Ok(())
    }

    fn mark(&mut self, mark: Mark) {
        match self.marks.back_mut() {
            Some(last) if last.text == mark.text => *last = mark,
            Some(_) | None => self.marks.push_back(mark),
        }
    }

    /// The body has ended. Of what nobody called coded, a part may be all there is: an upload in pieces, a range.
    pub(super) fn finish(&mut self, judge: &mut Judge, asides: &mut HeadHits) -> Result<(), DecodeError> {
        self.decoder.pending().for_each(|aside| head::aside(judge, aside, asides));
        match self.decoder.finish() {
            Err(DecodeError::Truncated) if self.undeclared => Ok(()),
            result => result,
        }
    }

    /// Wire bytes that were read.
    pub(super) fn read(&self) -> u64 {
        self.wire
    }

    /// How far wire and text may leave, when the text may leave to `text` and the wire to `guard`.
    pub(super) fn limit(&mut self, reading: &Reading, text: u64, guard: u64) -> Option<(u64, u64)> {
        let mut text = text;
        loop {
            let fit = self.marks.partition_point(|mark| mark.text <= text && mark.wire <= guard);
            let mark = fit.checked_sub(1).and_then(|last| self.marks.get(last)).copied()?;
            let uncut = reading.uncut(mark.text);
            if uncut == mark.text {
                self.marks.drain(..fit);
                return Some((mark.wire, mark.text));
            }
            text = uncut;
        }
    }

    /// Memory that the decoder and the marks take.
    pub(super) fn bytes(&self) -> usize {
        self.decoder.bytes() + self.marks.capacity() * size_of::<Mark>()
    }

    /// Begins to encode the body anew, from its first byte on: `wire` is all that came so far. `reserve` is asked for
    /// the memory of what waits.
    pub(super) fn recode(
        &self,
        judge: &Judge,
        reading: &mut Reading,
        wire: &Chain,
        reserve: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Recoder, Reason> {
        let mut decoder = Decoder::new(&self.codings);
        let mut recoder = Recoder {
            text: Chain::new(),
            encoder: Encoder::new(&self.codings).map_err(|_| Reason::CannotRedact("framing"))?,
            fates: Vec::new(),
        };
        for chunk in wire.iter() {
            let mut result = Ok(());
            let decoded = decoder.push(chunk, &mut |piece| {
                recoder.push(piece);
                result = recoder.advance(judge, reading, reading.limit(judge), false);
                if result.is_ok() && !reserve(recoder.bytes()) {
                    result = Err(Reason::HeldBytes);
                }
                if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
            result?;
            decoded.map_err(|_| Reason::InspectorFailed)?;
        }
        Ok(recoder)
    }
}

/// A body that is encoded anew: its text waits here, masked where it has to be, until it is settled.
#[derive(Debug)]
pub(super) struct Recoder {
    text: Chain,
    encoder: Encoder,
    /// What became of hits: of which detector and value, and whether it was masked.
    fates: Vec<(DetectorId, Fingerprint, bool)>,
}

impl Recoder {
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.text.push(Bytes::copy_from_slice(piece));
    }

    /// Masks what is to be masked and encodes as far as nothing is open; `through`: so that its reader has all of it.
    pub(super) fn advance(
        &mut self,
        judge: &Judge,
        reading: &mut Reading,
        limit: u64,
        through: bool,
    ) -> Result<(), Reason> {
        let limit = reading.uncut(limit.min(self.text.end()));
        while let Some(hit) = reading.leave(limit) {
            let becomes = hit.becomes(judge);
            if becomes == Becomes::Edited {
                judge.edit_in(&mut self.text, &hit);
            }
            self.fates.push((hit.detector, hit.fingerprint, becomes != Becomes::Left));
        }
        let mut any = false;
        while let Some(piece) = self.text.pop(limit) {
            self.encoder.push(&piece).map_err(|_| Reason::InspectorFailed)?;
            any = true;
        }
        if any && through {
            self.encoder.push_through(&[]).map_err(|_| Reason::InspectorFailed)?;
        }
        Ok(())
    }

    /// What has been coded and may leave; with it, its hits are accounted for.
    pub(super) fn take(&mut self, judge: &mut Judge) -> Bytes {
        self.account(judge);
        Bytes::from(self.encoder.take())
    }

    fn account(&mut self, judge: &mut Judge) {
        for (detector, fingerprint, edited) in self.fates.drain(..) {
            if edited { judge.edited(detector) } else { judge.left(detector, fingerprint) }
        }
    }

    /// The end of the coded body; nothing of its text waits any more.
    pub(super) fn finish(mut self, judge: &mut Judge) -> Result<Bytes, Reason> {
        self.account(judge);
        self.encoder.finish().map(Bytes::from).map_err(|_| Reason::InspectorFailed)
    }

    /// Memory that waiting text and coded bytes take.
    pub(super) fn bytes(&self) -> usize {
        let waiting = usize::try_from(self.text.end() - self.text.start()).unwrap_or(usize::MAX);
        waiting.saturating_add(self.encoder.bytes())
    }
}
