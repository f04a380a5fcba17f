//! A text through the stages: what is found and how surely, and what let the near misses go.

use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::cli::packs::fits;
use crate::cli::paint::{Ink, Paint, Rows};
use crate::cli::scan::looking;
use crate::cli::{Failure, masked};
use crate::detect::pack::Definition;
use crate::detect::trace::{Asked, Judged, Outcome, Rejection, Tally, Trace};
use crate::detect::{DetectorId, Finding, Matcher};
use crate::fingerprint::FingerprintKey;
use crate::inspect::{Look, Seen};
use crate::limits;
use crate::policy::Overlap;

/// A text and all that its detectors say of it.
pub(super) struct Explained<'a> {
    matcher: &'a Matcher,
    text: &'a [u8],
    /// The same with all that is found in it hidden.
    shown: Vec<u8>,
    /// Near misses are told in full.
    in_full: bool,
    detectors: usize,
    tally: Tally,
    traces: Vec<Trace>,
    /// Of overlapping findings, those that count, by start; and how long the longest is.
    counted: Vec<Finding>,
    longest: u64,
    /// What is found below escapes, runs of digits and what is packed.
    worn: Vec<Seen>,
    /// Where lines begin.
    lines: Vec<usize>,
}

impl<'a> Explained<'a> {
    pub(super) fn new(
        matcher: &'a Arc<Matcher>,
        text: &'a [u8],
        glob: Option<&str>,
    ) -> Result<Explained<'a>, Failure> {
        let counted = counted(matcher, text);
        let (shown, worn) = shown(matcher, text)?;
        let is_asked =
            |seen: &Seen| glob.is_none_or(|glob| fits(glob, &matcher.detector(seen.finding.detector).id));
        let mut explained = Explained {
            matcher,
            text,
            shown,
            in_full: glob.is_some(),
            detectors: 0,
            tally: Tally::default(),
            traces: Vec::new(),
            longest: counted.iter().map(|finding| finding.end - finding.start).max().unwrap_or_default(),
            counted,
            worn: worn.into_iter().filter(is_asked).collect(),
            lines: [0].into_iter().chain(memchr::memchr_iter(b'\n', text).map(|end| end + 1)).collect(),
        };
        for (number, detector) in (0u16..).zip(matcher.detectors()) {
            if glob.is_some_and(|glob| !fits(glob, &detector.id)) {
                continue;
            }
            explained.detectors += 1;
            let mut own: Vec<Trace> = Vec::new();
            let mut keep = |trace: Trace| own.push(trace);
            let tally = matcher.trace(DetectorId(number), text, 0..text.len(), &mut 0, &mut keep);
            explained.tally.add(&tally);
            explained.traces.extend(telling(own));
        }
        explained
            .traces
            .sort_by_key(|trace| (trace.value.start, matches!(trace.outcome, Outcome::Rejected(_))));
        Ok(explained)
    }

    pub(super) fn detectors(&self) -> usize {
        self.detectors
    }

    fn definition(&self, trace: &Trace) -> Option<&'a Definition> {
        let known = self.matcher.detector(trace.detector);
        let pack = self.matcher.packs().get(known.pack)?;
        pack.definitions.iter().find(|definition| definition.id() == known.id)
    }

    /// Whether a finding counts, or the one that counts in its place.
    fn place(&self, trace: &Trace) -> Result<(), Option<&Finding>> {
        let span = trace.value.start as u64..trace.value.end as u64;
        let own = |finding: &&Finding| finding.detector == trace.detector && finding.start == span.start;
        // None of the others reaches as far as here.
        let from = self.counted.partition_point(|finding| finding.start + self.longest < span.start);
        let near = || self.counted.iter().skip(from).take_while(|finding| finding.start < span.end);
        match near().find(own) {
            Some(_) => Ok(()),
            None => Err(near().find(|finding| span.start < finding.end)),
        }
    }

    /// Whether what counts first is the same bytes as another thing, with which it does not compete.
    fn is_twin(&self, trace: &Trace, other: &Finding) -> bool {
        let same = (other.start, other.end) == (trace.value.start as u64, trace.value.end as u64);
        same && !self.matcher.family(other).is(self.matcher.detector(trace.detector).family)
    }

    fn bytes(&self, span: &Range<usize>) -> &'a [u8] {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// Line and column in bytes, each from 1.
    fn line_and_column(&self, at: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|&begin| begin <= at);
        let begin = line.checked_sub(1).and_then(|last| self.lines.get(last)).copied().unwrap_or_default();
        (line, at - begin + 1)
    }

    fn context(&self, span: &Range<usize>) -> String {
        let from = span.start.saturating_sub(masked::AROUND);
        let to = (span.end + masked::AROUND).min(self.text.len());
        let around = self.shown.get(from..to).unwrap_or_default();
        masked::context(self.matcher, around, span.start - from..span.end - from)
    }

    /// A keyword as it stands in the text, and on which side.
    /// What is said where no word counts: none of this detector's stands near, or those that do belong to other values.
    fn without_words(&self, trace: &Trace) -> String {
        let keywords = self.definition(trace).and_then(|definition| definition.keywords.as_ref());
        let Some(keywords) = keywords.map(|keywords| keywords.get_ref()) else {
            return "none near".to_owned();
        };
        let (start, end) = (trace.whole.start, trace.whole.end);
        let near =
            start.saturating_sub(keywords.before)..end.saturating_add(keywords.after).min(self.text.len());
        let near = self.bytes(&near).to_ascii_lowercase();
        let near = String::from_utf8_lossy(&near);
        let stands = |word: &&String| near.contains(&word.to_lowercase());
        match keywords.any.iter().find(stands) {
            Some(word) => {
                format!("none that counts: `{word}` is near, and names another value or is a part of a word")
            }
            None => "none near".to_owned(),
        }
    }

    fn words(&self, trace: &Trace, judged: &Judged) -> Vec<(String, bool, &'static str)> {
        let word = |(span, speaks_for): &(Range<usize>, bool)| {
            let side = if span.end <= trace.value.start { "before" } else { "behind" };
            (String::from_utf8_lossy(self.bytes(span)).into_owned(), *speaks_for, side)
        };
        judged.words.iter().map(word).collect()
    }

    pub(super) fn json(&self, whole: bool, output: &mut dyn Write) -> io::Result<()> {
        let places = self.traces.iter().map(|trace| self.place_json(trace)).collect::<Vec<_>>();
        let Tally { candidates, shaped, findings, .. } = self.tally;
        let all = json!({
            "bytes": self.text.len(), "whole": whole, "detectors": self.detectors,
            "candidates": candidates, "matches": shaped, "findings": findings, "counted": self.counted.len(),
            "places": places, "below": self.worn.iter().map(|seen| self.below(seen)).collect::<Vec<_>>(),
        });
        writeln!(output, "{all:#}")
    }

    /// What stands below the surface: where in the text, unless it is packed.
    fn below(&self, seen: &Seen) -> Value {
        let at = usize::try_from(seen.finding.start).ok().filter(|_| seen.base == 0);
        let place = at.map(|at| self.line_and_column(at));
        json!({
            "detector": self.matcher.detector(seen.finding.detector).id,
            "confidence": seen.finding.confidence.as_str(), "carrier": seen.carrier,
            "start": at, "line": place.map(|place| place.0), "column": place.map(|place| place.1),
        })
    }

    fn place_json(&self, trace: &Trace) -> Value {
        let (line, column) = self.line_and_column(trace.value.start);
        let asked = |asked: &Asked| {
            let role = if asked.must_pass { "validator" } else { "invalidator" };
            json!({ "name": asked.name, "role": role, "passes": asked.passes })
        };
        let mut place = json!({
            "detector": self.matcher.detector(trace.detector).id,
            "start": trace.value.start, "end": trace.value.end, "line": line, "column": column,
            "masked": masked::shape(self.bytes(&trace.value)), "context": self.context(&trace.value),
            "anchors": self.matcher.facts(trace.detector).anchors, "ends": trace.ends,
            "checks": trace.checks.iter().map(asked).collect::<Vec<_>>(),
        });
        let more = match &trace.outcome {
            Outcome::Rejected(rejection) => json!({ "found": false, "rejected": rejection.to_string() }),
            Outcome::Found(judged) => {
                let words = self.words(trace, judged);
                let word = |(word, speaks_for, side): &(String, bool, &str)| json!({ "word": word, "speaks": if *speaks_for { "for" } else { "against" }, "side": side });
                let step = |(why, confidence): &(&str, crate::detect::Confidence)| json!({ "why": why, "confidence": confidence.as_str() });
                json!({
                    "found": true, "confidence": judged.confidence.as_str(), "beside": judged.beside,
                    "keywords": words.iter().map(word).collect::<Vec<_>>(),
                    "steps": judged.steps.iter().map(step).collect::<Vec<_>>(),
                    "counts": self.place(trace).is_ok(),
                })
            }
        };
        if let (Value::Object(place), Value::Object(more)) = (&mut place, more) {
            place.extend(more);
        }
        place
    }

    pub(super) fn print(&self, whole: bool, output: &mut dyn Write) -> io::Result<()> {
        let paint = Paint::stdout();
        let Tally { candidates, shaped, findings, .. } = self.tally;
        let length = self.text.len();
        writeln!(
            output,
            "{length} bytes, {} detectors: {candidates} candidates by their anchors, {shaped} match a pattern, \
             {findings} found, {} of them count",
            self.detectors,
            self.counted.len()
        )?;
        if !whole {
            writeln!(output, "only the first {length} bytes are explained")?;
        }
        self.print_worn(paint, output)?;
        let (found, missed): (Vec<_>, Vec<_>) =
            self.traces.iter().partition(|trace| matches!(trace.outcome, Outcome::Found(_)) || self.in_full);
        for trace in found {
            self.print_stages(trace, paint, output)?;
        }
        if !missed.is_empty() {
            writeln!(output, "\n{}", paint.with(Ink::Bold, "near misses"))?;
        }
        // Of one long number there would be a line for each detector of a shorter one.
        let is_part = |trace: &&Trace| matches!(&trace.outcome, Outcome::Rejected(why) if why.is_boundary());
        let (parts, missed): (Vec<_>, Vec<_>) = missed.into_iter().partition(is_part);
        for trace in missed {
            let Outcome::Rejected(rejection) = &trace.outcome else { continue };
            let (line, column) = self.line_and_column(trace.value.start);
            let id = &self.matcher.detector(trace.detector).id;
            let shape = cut(&masked::shape(self.bytes(&trace.value)));
            writeln!(output, "  {line}:{column}  {id}  {shape}  {}", paint.with(Ink::Yellow, rejection))?;
        }
        if !parts.is_empty() {
            let parts = parts.len();
            writeln!(
                output,
                "  {parts} more are only parts of something longer; `--detector` names those of one"
            )?;
        }
        Ok(())
    }

    /// What flows and `scan` find, too, and whose stages would be those of another text.
    fn print_worn(&self, paint: Paint, output: &mut dyn Write) -> io::Result<()> {
        if self.worn.is_empty() {
            return Ok(());
        }
        writeln!(
            output,
            "\n{}",
            paint.with(Ink::Bold, "found below what the text wears (its stages are not told)")
        )?;
        for seen in &self.worn {
            let at = usize::try_from(seen.finding.start).ok().filter(|_| seen.base == 0);
            let place = at.map_or_else(
                || "packed".to_owned(),
                |at| {
                    let (line, column) = self.line_and_column(at);
                    format!("{line}:{column}")
                },
            );
            let id = &self.matcher.detector(seen.finding.detector).id;
            let (confidence, carrier) = (seen.finding.confidence.as_str(), seen.carrier.join(" > "));
            writeln!(output, "  {place}  {id}  {}  in {carrier}", paint.with(Ink::Cyan, confidence))?;
        }
        Ok(())
    }

    fn print_stages(&self, trace: &Trace, paint: Paint, output: &mut dyn Write) -> io::Result<()> {
        let (line, column) = self.line_and_column(trace.value.start);
        let id = &self.matcher.detector(trace.detector).id;
        let shape = cut(&masked::shape(self.bytes(&trace.value)));
        writeln!(output, "\n{}  {line}:{column}  {shape}", paint.with(Ink::Bold, id))?;
        let rows = &mut Rows { output, paint };
        rows.line("context", self.context(&trace.value))?;
        rows.line("anchor", self.matcher.facts(trace.detector).anchors.join("; or "))?;
        let length = trace.whole.len();
        rows.line(
            "shape",
            format_args!("the pattern matches {length} bytes here; it could end in {} ways", trace.ends),
        )?;
        let about = self.definition(trace).map_or("", |definition| definition.boundary.about());
        let touched = match &trace.outcome {
            Outcome::Rejected(why @ (Rejection::BoundaryBefore | Rejection::BoundaryAfter)) => Some(why),
            Outcome::Rejected(_) | Outcome::Found(_) => None,
        };
        match touched {
            Some(why) => rows.line("boundary", format_args!("{}; {about}", paint.with(Ink::Red, why)))?,
            None => rows.line("boundary", format_args!("free; {about}"))?,
        }
        for (name, must_pass) in [("validators", true), ("invalidators", false)] {
            let asked = trace.checks.iter().filter(|asked| asked.must_pass == must_pass);
            let said = asked.map(|asked| {
                let word = if asked.passes { "passes" } else { "fails" };
                let ink = if asked.is_fine() { Ink::Green } else { Ink::Red };
                format!("{} {}", asked.name, paint.with(ink, word))
            });
            let said = said.collect::<Vec<_>>();
            if !said.is_empty() {
                rows.line(name, said.join(", "))?;
            }
        }
        match &trace.outcome {
            Outcome::Rejected(rejection) => {
                rows.line("so", paint.with(Ink::Yellow, format!("not found: {rejection}")))
            }
            Outcome::Found(judged) => self.print_judged(trace, judged, rows),
        }
    }

    fn print_judged(&self, trace: &Trace, judged: &Judged, rows: &mut Rows<'_>) -> io::Result<()> {
        let paint = rows.paint;
        let words = self.words(trace, judged).into_iter().map(|(word, speaks_for, side)| {
            format!("`{word}` {side} speaks {}", if speaks_for { "for it" } else { "against it" })
        });
        let words = words.collect::<Vec<_>>();
        rows.line("keywords", if words.is_empty() { self.without_words(trace) } else { words.join(", ") })?;
        for (index, (why, confidence)) in judged.steps.iter().enumerate() {
            let name = if index == 0 { "confidence" } else { "" };
            rows.line(
                name,
                format_args!("{} {why}", paint.with(Ink::Cyan, format!("{:6}", confidence.as_str()))),
            )?;
        }
        let so = format!("found, {} confidence", judged.confidence.as_str());
        let so = match self.place(trace) {
            Ok(()) => so,
            Err(Some(other)) if self.is_twin(trace, other) => {
                let other = &self.matcher.detector(other.detector).id;
                format!(
                    "{so}; {other} is the very same bytes: it counts for rules that do not name that, too"
                )
            }
            Err(Some(other)) => {
                let other = &self.matcher.detector(other.detector).id;
                format!(
                    "{so}; does not count: {other} covers it and is surer, longer, checked or earlier in the packs"
                )
            }
            Err(None) => format!("{so}; does not count"),
        };
        rows.line("so", paint.with(Ink::Green, so))
    }
}

/// The text with all that is found in it hidden, below what it wears, too; and what is found there.
fn shown(matcher: &Arc<Matcher>, text: &[u8]) -> Result<(Vec<u8>, Vec<Seen>), Failure> {
    let mut shown = text.to_vec();
    let mut look = Look::new(looking(matcher, FingerprintKey::new(&[0; 32]))?, None);
    look.push(text);
    look.finish();
    let seen = look.take().0;
    let worn = seen.iter().filter(|seen| seen.member.is_none()).map(|seen| seen.finding);
    for finding in matcher.find(&FingerprintKey::new(&[0; 32]), None, text).into_iter().chain(worn) {
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
        masked::hide(&mut shown, at(finding.start)..at(finding.end));
    }
    Ok((shown, seen.into_iter().filter(|seen| !seen.carrier.is_empty()).collect()))
}

/// Of overlapping findings one counts, as in a flow.
fn counted(matcher: &Matcher, text: &[u8]) -> Vec<Finding> {
    let mut all = matcher.find(&FingerprintKey::new(&[0; 32]), None, text);
    let (mut overlap, mut counted) = (Overlap::default(), Vec::new());
    overlap.add(&mut all);
    overlap.resolve(
        u64::MAX,
        &|finding| matcher.family(finding),
        &|_, _| false,
        &mut |_| false,
        &mut counted,
    );
    counted
}

/// Traces of one detector without those that say again, at the next byte, what was said of the one before.
fn telling(own: Vec<Trace>) -> Vec<Trace> {
    let found = |trace: &Trace| matches!(trace.outcome, Outcome::Found(_));
    // One begins behind the other.
    let spans = own.iter().filter(|trace| found(trace)).map(|trace| trace.whole.clone()).collect::<Vec<_>>();
    let mut kept: Vec<Trace> = Vec::new();
    for trace in own {
        let overlaps = |other: &Range<usize>| other.start < trace.whole.end && trace.whole.start < other.end;
        let said = kept.last().is_some_and(|last| !found(last) && overlaps(&last.whole));
        let near = || spans.get(spans.partition_point(|span| span.end <= trace.whole.start));
        if found(&trace) || !(said || near().is_some_and(overlaps)) {
            kept.push(trace);
        }
    }
    kept
}

/// Enough of a long value to know it by.
fn cut(shape: &str) -> String {
    if shape.chars().count() <= limits::EXPLAIN_SHAPE {
        return shape.to_owned();
    }
    shape.chars().take(limits::EXPLAIN_SHAPE).chain(['…']).collect()
}
