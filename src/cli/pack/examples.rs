//! `tidegate pack test`: a pack's examples are its tests.

use std::io::Write;

use super::{Failure, Output, as_written};
use crate::cli::paint::{Ink, Paint};
use crate::config::{self, Complaint, PackSet};
use crate::detect::Pack;

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
        let complaints = set.failures(index);
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
