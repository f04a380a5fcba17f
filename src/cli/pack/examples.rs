//! `tidegate pack test`: a pack's examples are its tests.

use std::io::Write;
use std::ops::Range;

use super::{Failure, Output, as_written};
use crate::cli::paint::{Ink, Paint};
use crate::config::{self, Complaint, PackSet};
use crate::detect::pack::{Definition, Example};
use crate::detect::{Confidence, DetectorId, Pack};
use crate::fingerprint::FingerprintKey;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Pack files or folders, or built-in names; without any: every built-in pack. Built-in packs stand beside them,
    /// as they would in a configuration.
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
}

/// Packs named on the command line, behind the built-in ones, and how many of the last are those named.
pub(super) fn beside_built_in(paths: &[String]) -> Result<(PackSet, usize), Failure> {
    let named = paths.iter().map(as_written).collect::<Vec<_>>();
    let built_in = Pack::built_in_names().iter().map(|&name| name.to_owned());
    let mut all = built_in.filter(|name| !named.contains(name)).collect::<Vec<_>>();
    let judged = if named.is_empty() { all.len() } else { named.len() };
    all.extend(named);
    Ok((config::packs_of(&all, None)?, judged))
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let (set, judged) = beside_built_in(&args.paths)?;
    let paint = Paint::stdout();
    let packs = set.matcher.packs();
    let (mut ran, mut failed) = (0, 0);
    for (index, pack) in packs.iter().enumerate().skip(packs.len() - judged) {
        let complaints = failures(&set, index);
        let examples = pack.definitions.iter().map(|definition| definition.examples.len()).sum::<usize>();
        ran += examples;
        failed += complaints.len();
        for complaint in &complaints {
            writeln!(output, "{}", shown(complaint, paint))?;
        }
        let word =
            if complaints.is_empty() { paint.with(Ink::Green, "ok") } else { paint.with(Ink::Red, "FAILED") };
        let (name, version, detectors) = (&pack.name, &pack.version, pack.definitions.len());
        writeln!(output, "{word}  {name} {version}: {detectors} detectors, {examples} examples")?;
    }
    if failed == 0 {
        return Ok(());
    }
    output.flush()?;
    Err(Failure::negative(format!("{failed} of {ran} examples do not come out as written")))
}

pub(super) fn shown(complaint: &Complaint, paint: Paint) -> String {
    if paint.is_on() { format!("{complaint:#}") } else { complaint.to_string() }
}

/// A complaint for each example of a pack that does not come out as written.
pub(super) fn failures(set: &PackSet, pack: usize) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (number, detector) in set.matcher.detectors().iter().enumerate().filter(|(_, d)| d.pack == pack) {
        let Some(id) = u16::try_from(number).ok().map(DetectorId) else { continue };
        let definitions = set.matcher.packs().get(pack).into_iter().flat_map(|pack| &pack.definitions);
        for definition in definitions.filter(|definition| definition.id() == detector.id) {
            for example in &definition.examples {
                if let Some(why) = failure(set, id, example.get_ref()) {
                    let part = finds(set, definition, example.span());
                    let message = format!("`{}` {why}", detector.id);
                    complaints.push(set.complain(&definition.file, part, &message).of_example());
                }
            }
        }
    }
    complaints
}

/// How what is found differs from what is written.
fn failure(set: &PackSet, detector: DetectorId, example: &Example) -> Option<String> {
    let text = &example.text;
    let all = set.matcher.find(&FingerprintKey::new(&[0; 32]), None, text.as_bytes());
    let own = all.iter().filter(|finding| finding.detector == detector);
    let found = own.map(|finding| {
        let part = usize::try_from(finding.start).ok().zip(usize::try_from(finding.end).ok());
        let value = part.and_then(|(start, end)| text.get(start..end)).unwrap_or("part of a character");
        (finding.confidence, value)
    });
    let (low, found) = found.partition::<Vec<_>, _>(|(confidence, _)| *confidence == Confidence::Low);
    let found = found.into_iter().map(|(_, value)| value).collect::<Vec<_>>();
    if found == example.finds {
        return None;
    }
    let quoted = |values: &[&str]| match values {
        [] => "nothing".to_owned(),
        values => values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", "),
    };
    let mut why = format!("finds {} in this example", quoted(&found));
    if low.iter().any(|(_, value)| example.finds.iter().any(|written| written == value)) {
        why.push_str(" at medium confidence or more; what is written is found at low confidence alone");
    }
    Some(why)
}

/// Where an example says what it finds.
fn finds(set: &PackSet, definition: &Definition, example: Range<usize>) -> Range<usize> {
    let text = set.files.iter().find_map(|files| files.text(&definition.file)).unwrap_or_default();
    let rest = text.get(example.start..).unwrap_or_default();
    // The key on a line of its own, before the next table begins.
    let line = rest.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line))
    });
    let found = line.skip(1).take_while(|(_, line)| !line.starts_with('[')).find(|(_, line)| {
        line.trim_start().strip_prefix("finds").is_some_and(|rest| rest.trim_start().starts_with('='))
    });
    found.map_or(example.clone(), |(at, line)| {
        let start = example.start + at;
        start..start + line.trim_end().len()
    })
}
