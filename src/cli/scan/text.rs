//! One text, scanned as a stream: each finding that counts, with its line and a masked look at it.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::cli::masked;
use crate::decode::{Coding, Kind};
use crate::detect::{Confidence, DetectorId, Finding, Matcher};
use crate::inspect::{Engine, Look, Seen};
use crate::limits;

/// A finding and where it stands.
#[derive(Debug)]
pub(super) struct Hit<'a> {
    pub(super) path: &'a Path,
    pub(super) codings: &'a [Coding],
    /// What it is packed in and wears in the text, outermost first.
    pub(super) carrier: Vec<&'static str>,
    /// How many of them its offsets count behind.
    pub(super) base: usize,
    /// The member that it stands in, if it does; then there is no line.
    pub(super) member: String,
    pub(super) finding: Finding,
    /// 1-based.
    pub(super) line: u64,
    /// 1-based, in bytes.
    pub(super) column: u64,
    /// The value's shape: every letter and digit is `#`.
    pub(super) masked: String,
    /// The value's shape among the words around it, those that could be values masked too.
    pub(super) context: String,
}

/// Which findings are asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) least: Confidence,
    /// Of these detectors alone; others do not even overlap them.
    pub(super) detectors: Option<&'a [DetectorId]>,
    /// Whether each comes with what stands around it.
    pub(super) excerpts: bool,
}

pub(super) struct TextScan<'a> {
    path: &'a Path,
    codings: &'a [Coding],
    engine: Arc<Engine>,
    wanted: Wanted<'a>,
    look: Look,
    /// Why something was not read.
    unread: Option<&'static str>,
    window: Window,
    /// What was found and is not told yet: what stands behind it may be a value, too.
    untold: VecDeque<Seen>,
}

impl<'a> TextScan<'a> {
    pub(super) fn new(
        path: &'a Path,
        codings: &'a [Coding],
        engine: Arc<Engine>,
        wanted: Wanted<'a>,
    ) -> TextScan<'a> {
        let look = Look::new(Arc::clone(&engine), wanted.detectors.map(<[DetectorId]>::to_vec));
        let (window, untold) = (Window::default(), VecDeque::new());
        TextScan { path, codings, engine, wanted, look, unread: None, window, untold }
    }

    pub(super) fn push(
        &mut self,
        chunk: &[u8],
        on_hit: &mut dyn FnMut(&Hit<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        self.window.push(chunk);
        self.look.push(chunk);
        let settled = self.look.settled();
        self.report(settled, on_hit)
    }

    /// The text has ended; a word for what of it could not be read.
    pub(super) fn finish(
        &mut self,
        on_hit: &mut dyn FnMut(&Hit<'_>) -> io::Result<()>,
    ) -> io::Result<Option<&'static str>> {
        self.look.finish();
        self.report(u64::MAX, on_hit)?;
        Ok(self.unread)
    }

    fn report(&mut self, settled: u64, on_hit: &mut dyn FnMut(&Hit<'_>) -> io::Result<()>) -> io::Result<()> {
        let (mut all, unread) = self.look.take();
        self.unread = self.unread.or(unread.first().copied());
        all.sort_by_key(|seen| (seen.member.is_none(), seen.finding.start));
        for seen in all {
            if seen.member.is_none() {
                self.window.hide(&seen.finding);
            }
            if seen.finding.confidence >= self.wanted.least {
                self.untold.push_back(seen);
            }
        }
        let is_sure = |seen: &Seen| {
            seen.member.is_some() || seen.finding.end.saturating_add(limits::SCAN_CONTEXT as u64) <= settled
        };
        while self.untold.front().is_some_and(is_sure) {
            let Some(seen) = self.untold.pop_front() else { break };
            on_hit(&self.hit(seen))?;
        }
        let here = self.untold.iter().filter(|seen| seen.member.is_none());
        let untold = here.map(|seen| seen.finding.start);
        let first = untold.fold(settled, u64::min);
        self.window.forget(first.saturating_sub(masked::AROUND as u64));
        Ok(())
    }

    fn hit(&mut self, seen: Seen) -> Hit<'a> {
        let (path, codings, finding) = (self.path, self.codings, seen.finding);
        let (carrier, base) = (seen.carrier, seen.base);
        if let Some((member, shape)) = seen.member {
            let masked = String::from_utf8_lossy(&shape).into_owned();
            let context = masked.clone();
            return Hit {
                path,
                codings,
                carrier,
                base,
                member,
                finding,
                line: 0,
                column: 0,
                masked,
                context,
            };
        }
        let (line, mut column) = self.window.place(finding.start);
        let wide = carrier.contains(&Kind::Utf16.as_str());
        if wide {
            column = column.div_ceil(2);
        }
        let masked = masked::shape(&plain(self.window.slice(finding.start, finding.end), wide));
        let context = match self.wanted.excerpts {
            true => self.window.context(&self.engine.matcher, &finding, wide),
            false => String::new(),
        };
        let member = String::new();
        Hit { path, codings, carrier, base, member, finding, line, column, masked, context }
    }
}

/// Bytes for people: of UTF-16 without the half that is empty where letters are of ASCII.
fn plain(bytes: &[u8], wide: bool) -> Cow<'_, [u8]> {
    if wide {
        bytes.iter().copied().filter(|&byte| byte != 0).collect::<Vec<_>>().into()
    } else {
        bytes.into()
    }
}

/// The last of a text: what is not decided yet and a little before it.
#[derive(Debug, Default)]
struct Window {
    /// Offset of the first byte.
    start: u64,
    bytes: Vec<u8>,
    /// The same with what was found in it hidden.
    shown: Vec<u8>,
    /// Lines are counted up to here.
    counted: u64,
    newlines: u64,
    line_start: u64,
}

impl Window {
    fn push(&mut self, chunk: &[u8]) {
        self.bytes.extend_from_slice(chunk);
        self.shown.extend_from_slice(chunk);
    }

    fn span(&self, start: u64, end: u64) -> Range<usize> {
        let index = |offset: u64| usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let end = index(end).min(self.bytes.len());
        index(start).min(end)..end
    }

    fn slice(&self, start: u64, end: u64) -> &[u8] {
        self.bytes.get(self.span(start, end)).unwrap_or_default()
    }

    fn hide(&mut self, finding: &Finding) {
        let span = self.span(finding.start, finding.end);
        masked::hide(&mut self.shown, span);
    }

    fn count_to(&mut self, offset: u64) {
        if offset <= self.counted {
            return;
        }
        let (counted, fresh) = (self.counted, self.slice(self.counted, offset));
        let (mut newlines, mut last) = (0, None);
        for at in memchr::memchr_iter(b'\n', fresh) {
            (newlines, last) = (newlines + 1, Some(at));
        }
        self.newlines += newlines;
        self.line_start = last.map_or(self.line_start, |at| counted + at as u64 + 1);
        self.counted = offset;
    }

    /// Line and column of an offset; offsets come in order.
    fn place(&mut self, offset: u64) -> (u64, u64) {
        self.count_to(offset);
        (self.newlines + 1, offset.saturating_sub(self.line_start) + 1)
    }

    /// Gives up what lies before an offset.
    fn forget(&mut self, offset: u64) {
        let end = self.start + self.bytes.len() as u64;
        let offset = offset.min(end);
        self.count_to(offset);
        let gone = usize::try_from(offset.saturating_sub(self.start)).unwrap_or(0).min(self.bytes.len());
        self.bytes.drain(..gone);
        self.shown.drain(..gone);
        self.start += gone as u64;
    }

    /// The value's shape among its neighbours on the line.
    fn context(&self, matcher: &Matcher, finding: &Finding, wide: bool) -> String {
        let reach = masked::AROUND as u64;
        let shown =
            |start: u64, end: u64| plain(self.shown.get(self.span(start, end)).unwrap_or_default(), wide);
        let before = shown(finding.start.saturating_sub(reach), finding.start);
        let value = shown(finding.start, finding.end);
        let after = shown(finding.end, finding.end.saturating_add(reach));
        let span = before.len()..before.len() + value.len();
        masked::context(matcher, &[before, value, after].concat(), span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::scan::looking;
    use crate::detect::Pack;
    use crate::fingerprint::FingerprintKey;

    const WANTED: Wanted<'_> = Wanted { least: Confidence::Medium, detectors: None, excerpts: true };

    fn hits(text: &[u8], chunk: usize) -> Vec<(String, u64, u64, u64, u64, String, String)> {
        let packs = ["payment", "contact"].map(|name| Pack::built_in(name).unwrap());
        let matcher = Arc::new(Matcher::compile(packs.into()).unwrap());
        let engine = looking(&matcher, FingerprintKey::new(&[1; 32])).unwrap();
        let mut scan = TextScan::new(Path::new("t"), &[], engine, WANTED);
        let mut hits = Vec::new();
        let mut on_hit = |hit: &Hit<'_>| {
            let id = matcher.detector(hit.finding.detector).id.clone();
            let Finding { start, end, .. } = hit.finding;
            hits.push((id, start, end, hit.line, hit.column, hit.masked.clone(), hit.context.clone()));
            Ok(())
        };
        for piece in text.chunks(chunk) {
            scan.push(piece, &mut on_hit).unwrap();
        }
        scan.finish(&mut on_hit).unwrap();
        hits
    }

    #[test]
    fn findings_are_placed_and_masked_however_the_text_is_cut() {
        let mut text = "first line\nsecond \t line\n".repeat(300);
        let start = text.len() as u64;
        text.push_str("customer card 4539 1488 0343 6467, mail ann@shop.example\nand 4539148803436467\n");
        let whole = hits(text.as_bytes(), text.len());
        assert_eq!(whole.len(), 3, "{whole:?}");
        let (id, from, to, line, column, masked, context) = whole.first().unwrap();
        assert_eq!((id.as_str(), *from - start, *to - from), ("payment.pan", 14, 19));
        assert_eq!((*line, *column, masked.as_str()), (601, 15, "#### #### #### ####"));
        assert!(context.starts_with("customer card #### #### #### ####, mail "), "{context}");
        assert!(!context.contains("ann") && !context.contains("shop"), "{context}");
        for chunk in [1, 7, 64, 1000] {
            let cut = hits(text.as_bytes(), chunk);
            let places = |hits: &[(String, u64, u64, u64, u64, String, String)]| {
                hits.iter()
                    .map(|hit| (hit.0.clone(), hit.1, hit.2, hit.3, hit.4, hit.5.clone()))
                    .collect::<Vec<_>>()
            };
            assert_eq!(places(&cut), places(&whole), "chunk {chunk}");
        }
    }

    #[test]
    fn no_byte_of_a_value_is_shown_even_beside_another() {
        let text = b"4539148803436467 5500005555555559 ann@shop.example 4111-1111-1111-1111\n";
        for chunk in [1, 16, 100] {
            for hit in hits(text, chunk) {
                let shown = format!("{} {}", hit.5, hit.6);
                assert!(!shown.bytes().any(|b| b.is_ascii_digit()), "{shown}");
                assert!(!shown.contains("ann") && !shown.contains("shop"), "{shown}");
            }
        }
    }

    #[test]
    fn of_a_value_that_the_excerpt_cuts_nothing_is_shown() {
        let cases = [
            (
                "card 4539148803436467 and then we write margaretthatcher@shop.example",
                vec!["margaret", "thatch"],
            ),
            ("to margaretthatcher@corpmail.example zzzz card 4539148803436467", vec!["corpmail", "mail"]),
            // Below what it wears.
            ("card 4539148803436467 and then we write margaret%74hatcher%40shop.example", vec!["margaret"]),
            ("card 4539148803436467 and then see bWFyZ2FyZXR0aGF0Y2hlckBzaG9wLmV4YW1wbGU= ok", vec!["WFyZ"]),
        ];
        for (text, parts) in cases {
            let whole = hits(text.as_bytes(), text.len());
            assert!(whole.iter().any(|hit| hit.0 == "payment.pan"), "{whole:?}");
            for chunk in [1, 7, 30, text.len()] {
                for hit in hits(text.as_bytes(), chunk) {
                    assert!(!parts.iter().any(|part| hit.6.contains(part)), "{chunk}: {hit:?}");
                    assert!(hit.0 != "payment.pan" || hit.6.contains("card "), "{hit:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_kept_does_not_grow_with_the_text() {
        let packs = vec![Pack::built_in("payment").unwrap()];
        let matcher = Arc::new(Matcher::compile(packs).unwrap());
        let engine = looking(&matcher, FingerprintKey::new(&[1; 32])).unwrap();
        let mut scan = TextScan::new(Path::new("t"), &[], engine, WANTED);
        for _ in 0..200 {
            scan.push(&[b'x'; 8192], &mut |_| Ok(())).unwrap();
        }
        for kept in [&scan.window.bytes, &scan.window.shown] {
            assert!(kept.capacity() < 128 * 1024, "{}", kept.capacity());
        }
    }
}
