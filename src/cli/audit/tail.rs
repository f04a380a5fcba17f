//! `tidegate audit tail`: the last records, and those that come.

use std::collections::VecDeque;
use std::io::Write;
use std::path::PathBuf;
use std::thread;

use super::choose::{Choice, Format};
use super::{Failure, Output, unreadable};
use crate::audit::query::{Facts, follow, search};
use crate::limits;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The audit directory.
    directory: PathBuf,
    #[command(flatten)]
    choice: Choice,
    #[arg(long, value_enum, default_value = "jsonl")]
    format: Format,
    /// How many of the last records.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    lines: usize,
    /// Goes on with new ones until it is ended.
    #[arg(short, long)]
    follow: bool,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let filter = args.choice.filter()?;
    let failed = unreadable(&args.directory);
    let mut last: VecDeque<Vec<u8>> = VecDeque::new();
    // Before the search, so that nothing falls between the two; what both see is told apart by its sequence.
    let mut followed = follow(&args.directory).map_err(&failed)?;
    let mut seen = 0;
    search(&args.directory, &filter, &mut |line, facts| {
        seen = facts.seq;
        last.push_back(line.to_vec());
        if last.len() > args.lines {
            last.pop_front();
        }
        Ok(true)
    })
    .map_err(&failed)?;
    args.format.head(output)?;
    for line in &last {
        if let Some(facts) = Facts::parse(line) {
            args.format.record(line, &facts, output)?;
        }
    }
    output.flush()?;
    if !args.follow {
        return Ok(());
    }
    loop {
        match followed.next_line().map_err(&failed)? {
            Some(line) => {
                let facts = Facts::parse(line).filter(|facts| facts.seq > seen && filter.matches(facts));
                if let Some(facts) = facts {
                    args.format.record(line, &facts, output)?;
                }
            }
            None => {
                output.flush()?;
                thread::sleep(limits::TAIL_LOOK);
            }
        }
    }
}
