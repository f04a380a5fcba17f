//! A coded body: its text is read, its wire bytes are what leaves, and marks join the two.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use super::Reason;
use super::head::{self, HeadHits};
use super::judge::Judge;
use super::reading::Reading;
use super::text::Text;
use crate::decode::{Coding, DecodeError, Decoder, Encoder, Piece};
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
    /// By offset, for what has not left.
    marks: VecDeque<Mark>,
}

impl Coded {
    pub(super) fn new(codings: Vec<Coding>) -> Coded {
        let decoder = Decoder::new(&codings);
        Coded { codings, decoder, wire: 0, marks: VecDeque::new() }
    }

    /// The names of the codings, outermost first.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.codings.iter().rev().map(|coding| coding.as_str()).collect()
    }

    /// Decodes and reads `chunk`; what its codings carry beside the text goes to `asides`. Gives up once the judge
    /// blocks; an error tells how much was read before it.
    pub(super) fn push(
        &mut self,
        judge: &mut Judge,
        reading: &mut Reading,
        asides: &mut HeadHits,
        chunk: &[u8],
    ) -> Result<(), DecodeError> {
        for piece in chunk.chunks(DECODE_STEP) {
            if judge.blocks() {
                return Ok(());
            }
            self.decoder.push_all(piece, &mut |piece| {
                match piece {
                    Piece::Text(text) => reading.push(judge, text),
                    Piece::Aside(aside) => head::aside(judge, aside, asides),
                }
                if judge.blocks() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            self.wire += piece.len() as u64;
            if self.decoder.is_in_header() {
                // Of a header that is not whole nothing is known yet: none of it may leave.
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

    pub(super) fn finish(&mut self) -> Result<(), DecodeError> {
        self.decoder.finish()
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

    /// Memory that the marks take.
    pub(super) fn bytes(&self) -> usize {
        self.marks.len() * size_of::<Mark>()
    }

    /// Reads the whole body once more, from its held wire bytes, and encodes it with what is to be edited masked.
    /// `reserve` is asked for the memory of the new body as it grows.
    pub(super) fn transcode(
        &self,
        judge: &Judge,
        wire: &Chain,
        reserve: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Transcoded, Reason> {
        let mut pass = Pass {
            judge,
            text: Text::new(),
            chain: Chain::new(),
            encoder: Encoder::new(&self.codings),
            edits: 0,
        };
        let mut decoder = Decoder::new(&self.codings);
        for chunk in wire.iter() {
            let mut result = Ok(());
            let decoded = decoder.push(chunk, &mut |piece| {
                pass.text.push(judge.engine(), piece);
                pass.chain.push(Bytes::copy_from_slice(piece));
                result = pass.advance(pass.text.settled());
                if result.is_ok() && !reserve(pass.encoder.len()) {
                    result = Err(Reason::HeldBytes);
                }
                if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
            result?;
            decoded.map_err(|_| Reason::InspectorFailed)?;
        }
        pass.text.finish(judge.engine());
        pass.advance(u64::MAX)?;
        let body = pass.encoder.finish().map_err(|_| Reason::InspectorFailed)?;
        if !reserve(body.len()) {
            return Err(Reason::HeldBytes);
        }
        Ok(Transcoded { body, edits: pass.edits })
    }
}

/// A body encoded anew.
#[derive(Debug)]
pub(super) struct Transcoded {
    pub(super) body: Vec<u8>,
    pub(super) edits: u64,
}

/// The second reading of a coded body.
struct Pass<'a> {
    judge: &'a Judge,
    text: Text,
    chain: Chain,
    encoder: Encoder,
    edits: u64,
}

impl Pass<'_> {
    /// Masks what is certain below `settled` and encodes as far as nothing is open.
    fn advance(&mut self, settled: u64) -> Result<(), Reason> {
        let mut winners = Vec::new();
        self.text.resolve(settled, &mut |detector| self.judge.exempts(detector), &mut winners);
        for hit in winners.iter().filter(|hit| self.judge.edits(hit.detector, hit.confidence)) {
            self.judge.edit_in(&mut self.chain, hit.detector, hit.start, hit.end);
            self.edits += 1;
        }
        let limit = self.text.limit(settled);
        while let Some(piece) = self.chain.pop(limit) {
            self.encoder.push(&piece).map_err(|_| Reason::InspectorFailed)?;
        }
        Ok(())
    }
}
