//! Strings that the messages of a WebSocket send in pieces, read as if they came in one.
//!
//! A message goes to its reader as soon as it is whole, so that the first pieces of a value have left when its last one
//! comes. The message that would make it whole is judged with what it completes.

use std::sync::Arc;

use super::inspector::Inspector;
use super::{Engine, Look, Reason, Seen, Step};
use crate::decode::{Delta, Lines, deltas, escape_at};
use crate::limits::{THREAD_GAP, THREAD_PATHS, THREAD_TAIL};

/// The ends of the strings of one direction.
#[derive(Debug, Default)]
pub struct Threads {
    tails: Vec<Tail>,
    /// Messages so far.
    count: u64,
    pieces: Vec<Delta>,
}

#[derive(Debug)]
struct Tail {
    path: String,
    text: Vec<u8>,
    /// The message that it went on with last.
    last: u64,
}

impl Threads {
    /// What a message completes of the strings that it goes on with.
    fn push(&mut self, engine: &Arc<Engine>, message: &[u8]) -> Vec<Seen> {
        // Outside of its strings a line's end says nothing.
        let line: Vec<u8> = message.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }).collect();
        let mut pieces = std::mem::take(&mut self.pieces);
        deltas(Lines::Json, &line, &mut pieces);
        self.count += 1;
        let (mut seen, now) = (Vec::new(), self.count);
        self.tails.retain(|tail| now - tail.last <= THREAD_GAP);
        for Delta { path, range } in pieces.drain(..) {
            let piece = line.get(range).unwrap_or_default();
            if let Some(tail) = self.tail(&path) {
                tail.go_on(engine, piece, now, &mut seen);
            }
        }
        self.pieces = pieces;
        seen
    }

    /// The string that a path names. Where there are too many the one ends that went on least lately.
    fn tail(&mut self, path: &str) -> Option<&mut Tail> {
        let known = self.tails.iter().position(|tail| tail.path == path);
        let at = known.unwrap_or_else(|| {
            let oldest = self.tails.iter().enumerate().min_by_key(|(_, tail)| tail.last).map(|(at, _)| at);
            if let Some(oldest) = oldest.filter(|_| self.tails.len() >= THREAD_PATHS) {
                self.tails.swap_remove(oldest);
            }
            self.tails.push(Tail { path: path.to_owned(), text: Vec::new(), last: 0 });
            self.tails.len() - 1
        });
        self.tails.get_mut(at)
    }

    /// Memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.tails.iter().map(|tail| size_of::<Tail>() + tail.path.len() + tail.text.capacity()).sum()
    }
}

impl Tail {
    /// Its next piece, as it stands in JSON.
    fn go_on(&mut self, engine: &Arc<Engine>, piece: &[u8], now: u64, seen: &mut Vec<Seen>) {
        let before = self.text.len();
        let mut from = 0;
        while let Some(byte) = piece.get(from) {
            match escape_at(piece, from).filter(|_| *byte == b'\\') {
                Some(escape) => {
                    self.text.extend_from_slice(escape.out());
                    from += escape.len.max(1);
                }
                None => {
                    self.text.push(*byte);
                    from += 1;
                }
            }
        }
        self.last = now;
        if before > 0 && self.text.len() > before {
            let mut look = Look::new(Arc::clone(engine), None);
            look.push(&self.text);
            look.finish();
            let before = before as u64;
            let completes = |seen: &Seen| {
                let finding = &seen.finding;
                seen.base == 0 && finding.start < before && finding.end > before
            };
            seen.extend(look.take().0.into_iter().filter(completes));
        }
        self.text.drain(..self.text.len().saturating_sub(THREAD_TAIL));
    }
}

impl Inspector {
    /// A message that is whole goes on with strings of earlier ones: what it completes counts, and a mask could no longer
    /// take its place.
    pub fn continues(&mut self, threads: &mut Threads, message: &[u8]) -> Step {
        self.guarded(|this| {
            let engine = Arc::clone(this.judge.engine());
            let mut seen = Vec::new();
            for one in threads.push(&engine, message) {
                if let Some(counted) = this.judge.count_ahead(&one.finding) {
                    seen.push((one, counted));
                }
            }
            let edits = |seen: &Seen| this.judge.edits(seen.finding.detector, seen.finding.confidence);
            if seen.iter().any(|(seen, _)| edits(seen)) {
                this.judge.refuse(Reason::CannotRedact("pieces"));
            }
            let stop = this.verdict();
            this.judge.enter(&seen, stop.is_none());
            stop.unwrap_or(Step::Wait)
        })
    }
}
