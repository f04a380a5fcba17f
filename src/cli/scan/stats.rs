//! `--stats`: what each detector did and cost. A slow path of its own beside the scan: every detector alone, counted
//! at every stage and timed, over the same text.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crate::cli::cost;
use crate::detect::trace::Tally;
use crate::detect::{DetectorId, Finding, Matcher, Scan};
use crate::fingerprint::FingerprintKey;
use crate::limits;

/// Text kept around what is decided: the longest match, and what is looked at around it and around what stands there.
const AROUND: usize = 4 * limits::MATCH_LEN;
/// Starts decided at once.
const BLOCK: usize = 256 * 1024;

/// Counts of all texts.
pub(super) struct Stats<'a> {
    matcher: &'a Matcher,
    key: FingerprintKey,
    each: Vec<Each>,
    bytes: u64,
}

struct Each {
    id: DetectorId,
    alone: Option<Matcher>,
    tally: Tally,
    spent: Duration,
}

/// Where one text stands.
pub(super) struct Text {
    buffer: Vec<u8>,
    /// Starts before are decided.
    decided: usize,
    /// For each detector, where it may start again, and its scan alone.
    each: Vec<(usize, Scan)>,
    found: Vec<Finding>,
}

impl<'a> Stats<'a> {
    pub(super) fn new(matcher: &'a Matcher, wanted: &dyn Fn(DetectorId) -> bool) -> Stats<'a> {
        let numbers = (0u16..).zip(matcher.detectors());
        let each = numbers.filter(|(number, _)| wanted(DetectorId(*number))).map(|(number, detector)| {
            let pack = matcher.packs().get(detector.pack);
            let alone = pack.and_then(|pack| {
                let definition = pack.definitions.iter().find(|definition| definition.id() == detector.id);
                definition.and_then(|definition| cost::alone(pack, definition))
            });
            Each { id: DetectorId(number), alone, tally: Tally::default(), spent: Duration::ZERO }
        });
        Stats { matcher, key: FingerprintKey::new(&[0; 32]), each: each.collect(), bytes: 0 }
    }

    pub(super) fn text(&self) -> Text {
        let each = self.each.iter().map(|_| (0, Scan::new())).collect();
        Text { buffer: Vec::new(), decided: 0, each, found: Vec::new() }
    }

    pub(super) fn push(&mut self, text: &mut Text, chunk: &[u8]) {
        self.bytes += chunk.len() as u64;
        for (each, (_, scan)) in self.each.iter_mut().zip(&mut text.each) {
            if let Some(alone) = &each.alone {
                let from = Instant::now();
                scan.push(alone, &self.key, chunk, &mut text.found);
                each.spent += from.elapsed();
                text.found.clear();
            }
        }
        text.buffer.extend_from_slice(chunk);
        if text.buffer.len() - text.decided >= BLOCK + AROUND {
            self.decide(text, text.buffer.len() - AROUND);
        }
    }

    pub(super) fn finish(&mut self, mut text: Text) {
        let end = text.buffer.len();
        self.decide(&mut text, end);
    }

    fn decide(&mut self, text: &mut Text, to: usize) {
        for (each, (next, _)) in self.each.iter_mut().zip(&mut text.each) {
            let starts = text.decided..to;
            let tally = self.matcher.trace(each.id, &text.buffer, starts, next, &mut |_| {});
            each.tally.add(&tally);
        }
        let gone = to.saturating_sub(AROUND);
        text.buffer.drain(..gone);
        text.decided = to - gone;
        text.each.iter_mut().for_each(|(next, _)| *next = next.saturating_sub(gone));
    }

    /// A table, the dearest first; detectors that came to nothing and cost little are one line together.
    pub(super) fn print(&self, output: &mut dyn Write) -> io::Result<()> {
        let per_byte = |each: &Each| each.spent.as_secs_f64() * 1e9 / (self.bytes.max(1) as f64);
        let mut rows = self.each.iter().collect::<Vec<_>>();
        rows.sort_by(|a, b| per_byte(b).total_cmp(&per_byte(a)));
        let id = |each: &Each| self.matcher.detector(each.id).id.as_str();
        let width = rows.iter().map(|each| id(each).len()).max().unwrap_or(0);
        writeln!(
            output,
            "{:width$} {:>11} {:>9} {:>9} {:>10} {:>12} {:>9} {:>9} {:>9}",
            "detector",
            "candidates",
            "matches",
            "boundary",
            "validators",
            "invalidators",
            "excluded",
            "findings",
            "ns/byte"
        )?;
        for each in rows {
            let Tally { candidates, shaped, boundary, validators, invalidators, excluded, findings } =
                each.tally;
            writeln!(
                output,
                "{:width$} {candidates:>11} {shaped:>9} {boundary:>9} {validators:>10} {invalidators:>12} \
                 {excluded:>9} {findings:>9} {:>9.3}",
                id(each),
                per_byte(each)
            )?;
        }
        writeln!(
            output,
            "{} bytes. Candidates: places that a detector's anchor leads to; matches of its pattern there were \
             refused by boundary,\nvalidators, invalidators and exclusions, or are findings (of any confidence, \
             overlapping ones too). ns/byte: this\ndetector alone; together they cost far less than the sum, since \
             they share one pass.",
            self.bytes
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_those_of_the_whole_text_however_it_is_cut() {
        let set = crate::config::packs_of(&["payment".to_owned(), "contact".to_owned()], None).unwrap();
        let line = "card 4539 1488 0343 6467, order 4539148803436468, ann@shop.example, 1234567812345670;\n";
        let text = line.repeat(8000);
        let mut counted = Vec::new();
        for chunk in [text.len(), 1000, 64 * 1024 - 1] {
            let mut stats = Stats::new(&set.matcher, &|_| true);
            let mut one = stats.text();
            text.as_bytes().chunks(chunk).for_each(|chunk| stats.push(&mut one, chunk));
            stats.finish(one);
            counted.push(stats.each.iter().map(|each| each.tally.clone()).collect::<Vec<_>>());
            assert_eq!(stats.bytes, text.len() as u64);
            let mut table = Vec::new();
            stats.print(&mut table).unwrap();
            assert!(String::from_utf8(table).unwrap().contains("payment.pan"));
        }
        assert!(counted.windows(2).all(|pair| pair[0] == pair[1]), "{counted:?}");
        let pan = set.matcher.detectors().iter().position(|d| d.id == "payment.pan").unwrap();
        let tally = &counted[0][pan];
        assert_eq!(tally.findings, 8000);
        assert!(tally.validators >= 8000, "{tally:?}");
    }
}
