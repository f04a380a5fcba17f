//! `tidegate audit query`: the records that match.

use std::io::Write;
use std::path::PathBuf;

use super::choose::{Choice, Format, moment};
use super::{Failure, Output, unreadable};
use crate::audit::query::search_sound;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The audit directory.
    directory: PathBuf,
    #[command(flatten)]
    choice: Choice,
    /// The same as --until, beside --from.
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "until")]
    to: Option<i64>,
    #[arg(long, value_enum, default_value = "jsonl")]
    format: Format,
    /// Stops after so many.
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
    limit: u64,
    /// Prints how many there are, and nothing else.
    #[arg(long)]
    count: bool,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let mut said = Ok(());
    let mut taken = 0;
    if !args.count {
        args.format.head(output)?;
    }
    let (_, damaged) = search_sound(&args.directory, &args.choice.filter_to(args.to)?, &mut |line, facts| {
        if taken >= args.limit {
            return Ok(false);
        }
        taken += 1;
        if !args.count {
            said = args.format.record(line, facts, output);
        }
        Ok(said.is_ok() && taken < args.limit)
    })
    .map_err(unreadable(&args.directory))?;
    said?;
    if args.count {
        writeln!(output, "{taken}")?;
    }
    output.flush()?;
    if taken == 0 {
        for word in args.choice.unheard(&args.directory).map_err(unreadable(&args.directory))? {
            eprintln!("tidegate: {word}");
        }
    }
    if damaged.is_empty() {
        return Ok(());
    }
    let places = damaged.join("; ");
    Err(Failure::io(format!("{places}; its records are not searched further, those of other segments are")))
}
