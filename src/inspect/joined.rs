//! Strings that a stream of events sends in pieces, read as if they came in one.

use std::ops::Range;

use super::Engine;
use super::depth::{Path, Sunk};
use crate::decode::{Delta, Lines, Origin, Told, Wrapping, deltas, escape_at};
use crate::detect::{Finding, Place, Scan};
use crate::limits::{DELTA_GAP, DELTA_LINE, DELTA_PATHS};

/// A finding whose value stands in several pieces; the finding itself is that of the first.
#[derive(Debug)]
pub(super) struct Spread {
    pub(super) sunk: Sunk,
    pub(super) place: Option<Place>,
    /// The pieces behind the first.
    pub(super) more: Vec<Range<u64>>,
}

/// The strings of one stream.
#[derive(Debug)]
pub(super) struct Joined {
    /// `None`: its first bytes do not tell yet.
    lines: Option<Lines>,
    /// The line that has not ended, unless it is too long to be read.
    line: Vec<u8>,
    too_long: bool,
    /// Where it begins.
    start: u64,
    seen: u64,
    streams: Vec<Stream>,
    pieces: Vec<Delta>,
}

/// One string so far.
#[derive(Debug)]
struct Stream {
    path: String,
    scan: Scan,
    origin: Origin,
    /// Where its last piece ended.
    last: u64,
    text: Vec<u8>,
    fresh: Vec<Finding>,
}

impl Joined {
    /// `lines`: what the head says.
    pub(super) fn new(lines: Option<Lines>) -> Joined {
        Joined {
            lines,
            line: Vec::new(),
            too_long: false,
            start: 0,
            seen: 0,
            streams: Vec::new(),
            pieces: Vec::new(),
        }
    }

    /// Whether it is a stream at all: after some bytes that is known. What came until then is kept.
    pub(super) fn push(&mut self, engine: &Engine, chunk: &[u8], out: &mut Vec<Spread>) -> bool {
        let lines = match self.lines {
            Some(lines) => lines,
            None => {
                self.line.extend_from_slice(chunk.get(..chunk.len().min(DELTA_LINE)).unwrap_or_default());
                let lines = match Lines::recognise(&self.line) {
                    Told::Stream(lines) => lines,
                    Told::None => return false,
                    Told::More => {
                        self.seen += chunk.len() as u64;
                        return true;
                    }
                };
                self.line.truncate(self.line.len() - chunk.len().min(DELTA_LINE));
                *self.lines.insert(lines)
            }
        };
        let mut rest = chunk;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (piece, behind) = rest.split_at_checked(end + 1).unwrap_or((rest, &[]));
            self.keep(piece);
            self.seen += piece.len() as u64;
            self.end_line(engine, lines, out);
            rest = behind;
        }
        self.keep(rest);
        self.seen += rest.len() as u64;
        true
    }

    fn keep(&mut self, piece: &[u8]) {
        self.too_long |= self.line.len() + piece.len() > DELTA_LINE;
        if self.too_long {
            self.line.clear();
        } else {
            self.line.extend_from_slice(piece);
        }
    }

    fn end_line(&mut self, engine: &Engine, lines: Lines, out: &mut Vec<Spread>) {
        let mut pieces = std::mem::take(&mut self.pieces);
        let line = std::mem::take(&mut self.line);
        deltas(lines, line.strip_suffix(b"\n").unwrap_or(&line), &mut pieces);
        for delta in pieces.drain(..) {
            let at = self.start + delta.range.start as u64;
            let text = line.get(delta.range.clone()).unwrap_or_default();
            if let Some(stream) = self.stream(engine, &delta.path, out) {
                stream.go_on(engine, text, at, out);
            }
        }
        self.pieces = pieces;
        self.line = line;
        self.line.clear();
        self.too_long = false;
        self.start = self.seen;
        let start = self.start;
        let forgotten = |stream: &mut Stream| start.saturating_sub(stream.last) > DELTA_GAP;
        for mut stream in self.streams.extract_if(.., forgotten) {
            stream.finish(engine, out);
        }
    }

    /// The string that a path names. Where there are too many the one ends that went on least lately.
    fn stream(&mut self, engine: &Engine, path: &str, out: &mut Vec<Spread>) -> Option<&mut Stream> {
        let known = self.streams.iter().position(|stream| stream.path == path);
        let at = known.unwrap_or_else(|| {
            let oldest = self.streams.iter().enumerate().min_by_key(|(_, stream)| stream.last);
            if let Some((oldest, _)) = oldest.filter(|_| self.streams.len() == DELTA_PATHS) {
                self.streams.swap_remove(oldest).finish(engine, out);
            }
            self.streams.push(Stream::new(path));
            self.streams.len() - 1
        });
        self.streams.get_mut(at)
    }

    /// The text has ended.
    pub(super) fn finish(&mut self, engine: &Engine, out: &mut Vec<Spread>) {
        if let Some(lines) = self.lines.filter(|_| !self.line.is_empty()) {
            self.end_line(engine, lines, out);
        }
        for mut stream in self.streams.drain(..) {
            stream.finish(engine, out);
        }
    }

    /// Everything that starts below is known.
    pub(super) fn settled(&self, engine: &Engine, exactly: bool) -> u64 {
        let line = if self.line.is_empty() { u64::MAX } else { self.start };
        let open = self.streams.iter().map(|stream| stream.settled(engine, exactly)).min();
        line.min(open.unwrap_or(u64::MAX))
    }

    /// Memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        let streams =
            self.streams.iter().map(|stream| stream.path.len() + stream.origin.bytes() + size_of::<Stream>());
        self.line.capacity() + streams.sum::<usize>()
    }
}

impl Stream {
    fn new(path: &str) -> Stream {
        Stream {
            path: path.to_owned(),
            scan: Scan::within(),
            origin: Origin::at(0),
            last: 0,
            text: Vec::new(),
            fresh: Vec::new(),
        }
    }

    /// Its next piece, which stands at `at`.
    fn go_on(&mut self, engine: &Engine, piece: &[u8], at: u64, out: &mut Vec<Spread>) {
        self.origin.jump(at);
        self.text.clear();
        let mut from = 0;
        while from < piece.len() {
            let rest = piece.get(from..).unwrap_or_default();
            let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
            self.text.extend_from_slice(rest.get(..plain).unwrap_or_default());
            self.origin.literal(plain);
            from += plain;
            if let Some(escape) = (from < piece.len()).then(|| escape_at(piece, from)).flatten() {
                self.text.extend_from_slice(escape.out());
                self.origin.add(escape.out().len(), escape.len, Some(escape.kind));
                from += escape.len;
            } else if from < piece.len() {
                self.text.push(b'\\');
                self.origin.literal(1);
                from += 1;
            }
        }
        self.last = at + piece.len() as u64;
        self.scan.push(&engine.matcher, &engine.key, &self.text, &mut self.fresh);
        self.rise(out);
    }

    fn finish(&mut self, engine: &Engine, out: &mut Vec<Spread>) {
        self.scan.finish(&engine.matcher, &engine.key, &mut self.fresh);
        self.rise(out);
    }

    fn settled(&self, engine: &Engine, exactly: bool) -> u64 {
        let settled = self.scan.settled();
        let open = if exactly { self.scan.settled_exact(&engine.matcher).max(settled) } else { settled };
        if open < self.scan.seen() { self.origin.start(open) } else { u64::MAX }
    }

    /// Tells what was found in terms of the text around the pieces.
    fn rise(&mut self, out: &mut Vec<Spread>) {
        for mut finding in self.fresh.drain(..) {
            let mut pieces = self.origin.pieces(finding.start, finding.end).into_iter();
            let Some(first) = pieces.next() else { continue };
            let kind = self.origin.kind(finding.start, finding.end);
            let path = if kind.is_some() {
                Path::default().within(Wrapping::Escapes, kind)
            } else {
                Path::default()
            };
            (finding.start, finding.end) = (first.start, first.end);
            let keys = self.path.split('#').map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit()));
            let place = (!self.path.is_empty())
                .then(|| Place::json(first.start, &keys.collect::<String>()))
                .flatten();
            out.push(Spread { sunk: Sunk { finding, path }, place, more: pieces.collect() });
        }
        drop(self.scan.places());
        self.origin.forget(self.scan.settled());
    }
}
