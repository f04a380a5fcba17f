//! `tidegate audit report`: a period, added up.

use std::io::Write;
use std::path::PathBuf;

use clap::ValueEnum;

use super::choose::moment;
use super::{Failure, KeyArg, Output, WitnessArg, unreadable};
use crate::audit::query::{Period, Trust, settle, summarize};
use crate::limits;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The audit directory.
    directory: PathBuf,
    /// Not before: a time or a day (UTC). Say the days themselves, and a second run says the same, byte for byte.
    #[arg(long, visible_alias = "since", value_name = "TIME", value_parser = moment)]
    from: i64,
    /// Before.
    #[arg(long, visible_alias = "until", value_name = "TIME", value_parser = moment)]
    to: i64,
    #[arg(long, value_enum, default_value = "markdown")]
    format: Format,
    /// Draws so many decisions for a tester.
    #[arg(long, value_name = "N", default_value_t = 0)]
    sample: usize,
    /// What the draw depends on: whoever has it draws the same ones.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    key: KeyArg,
    #[command(flatten)]
    outside: WitnessArg,
    /// Answers 1 unless a witness has seen every record that is signed for.
    #[arg(long, requires = "witness")]
    require_witness: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Markdown,
    Html,
    Json,
}

/// Prints the report; its answer is "no" when the period is not proven whole.
pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    if args.from >= args.to {
        return Err(Failure::usage("--from must be before --to"));
    }
    if args.sample > limits::REPORT_SAMPLE {
        return Err(Failure::usage(format!("--sample draws {} at most", limits::REPORT_SAMPLE)));
    }
    let period = Period { from: args.from, until: args.to, sample: args.sample, seed: args.seed };
    let key = args.key.read()?;
    let lines = args.outside.lines()?;
    // Of a gate at work what was written just now is waited for.
    settle(&args.directory).map_err(unreadable(&args.directory))?;
    let trust = Trust { key: key.as_ref(), witness: lines.as_deref().map(|lines| args.outside.held(lines)) };
    let summary = summarize(&args.directory, period, trust).map_err(unreadable(&args.directory))?;
    let text = match args.format {
        Format::Markdown => summary.to_markdown(),
        Format::Html => summary.to_html(),
        Format::Json => summary.to_json(),
    };
    output.write_all(text.as_bytes())?;
    output.flush()?;
    if summary.is_whole() && args.require_witness && !summary.is_witnessed() {
        return Err(Failure::negative(
            "the records of this period are whole, but no witness has seen them all",
        ));
    }
    if summary.is_whole() {
        return Ok(());
    }
    Err(Failure::negative("the records of this period are not proven whole; the report says what is missing"))
}
