//! `tidegate audit hold`: keeps records beyond their time.

use std::io::Write;
use std::path::PathBuf;

use clap::Subcommand;
use jiff::Timestamp;

use serde_json::{Value, json};

use super::choose::moment;
use super::{ConfigArg, Failure, Format, Output, cleansing, unreadable};
use crate::audit::{End, Hold, HoldError, Recorded, add_hold, end_hold, holds};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A hold counts from the moment it is added: no segment with a record in its time is removed, however
old it is. The running gate puts it on record within a minute, a gate that is down at its next
start; so it does with the end. What is said goes on record for good: values in the reason are
masked, and an id that holds one is refused; who asks is written as said.

Examples:
  tidegate audit hold add audit --id case-17 --owner legal@example.com \\
      --reason 'litigation, case 17' --from 2026-01-01 --to 2026-04-01
  tidegate audit hold list audit
  tidegate audit hold remove audit case-17 --by legal@example.com --reason settled")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Adds a hold under an id that none has had.
    Add(Add),
    /// Prints all holds, ended ones included.
    List {
        /// The audit directory.
        directory: PathBuf,
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Ends a hold; what was held is removed when its time is over.
    Remove(Remove),
}

#[derive(Debug, clap::Args)]
struct Add {
    /// The audit directory.
    directory: PathBuf,
    #[arg(long)]
    id: String,
    #[arg(long)]
    reason: String,
    /// Who answers for it.
    #[arg(long)]
    owner: String,
    /// Holds records from this time or day (UTC) on; without it, from the first.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<i64>,
    /// Holds records before this time or day (UTC); without it, all that come.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to: Option<i64>,
    /// The hold ends by itself then.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<i64>,
    #[command(flatten)]
    config: ConfigArg,
}

#[derive(Debug, clap::Args)]
struct Remove {
    /// The audit directory.
    directory: PathBuf,
    id: String,
    /// Who ends it.
    #[arg(long)]
    by: String,
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    config: ConfigArg,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    match &args.command {
        Command::Add(args) => add(args, output),
        Command::List { directory, format } => {
            let (holds, broken) = holds(directory).map_err(unreadable(directory))?;
            let now = Timestamp::now();
            if *format == Format::Json {
                writeln!(output, "{}", json(&holds, &broken, now))?;
                return Ok(());
            }
            for hold in &holds {
                let time = |time: Option<Timestamp>, none: &str| {
                    time.map_or(none.to_owned(), |time| format!("{time:.0}"))
                };
                writeln!(
                    output,
                    "{}: {}; records from {} to {}, until {}; {}: {}",
                    hold.id,
                    hold.state(now),
                    time(hold.from, "the first"),
                    time(hold.to, "the last"),
                    time(hold.until, "it is removed"),
                    hold.owner,
                    hold.reason
                )?;
            }
            for id in broken {
                writeln!(output, "{id}: its file is none of a hold: nothing is removed while it is there")?;
            }
            Ok(())
        }
        Command::Remove(args) => {
            let cleanse = cleansing(&args.config)?;
            let end = End { time: Timestamp::now(), by: args.by.clone(), reason: cleanse(&args.reason) };
            end_hold(&args.directory, &args.id, end).map_err(failure(&args.directory))?;
            writeln!(output, "{}: ends when the gate has recorded it", args.id)?;
            Ok(())
        }
    }
}

fn add(args: &Add, output: &mut Output) -> Result<(), Failure> {
    let time = |micros: Option<i64>| micros.and_then(|micros| Timestamp::from_microsecond(micros).ok());
    if args.from.zip(args.to).is_some_and(|(from, to)| from >= to) {
        return Err(Failure::usage("--from must be before --to"));
    }
    if time(args.until).is_some_and(|until| until <= Timestamp::now()) {
        return Err(Failure::usage("--until is over: such a hold would hold nothing"));
    }
    let cleanse = cleansing(&args.config)?;
    // It is what the hold is asked for by, and its file's name.
    if cleanse(&args.id) != args.id {
        return Err(Failure::usage(
            "the id holds what looks like a value, and would be on record: take another one",
        ));
    }
    let hold = Hold {
        id: args.id.clone(),
        reason: cleanse(&args.reason),
        owner: args.owner.clone(),
        from: time(args.from),
        to: time(args.to),
        until: time(args.until),
        added: Timestamp::now(),
        end: None,
        recorded: Recorded::Not,
    };
    add_hold(&args.directory, &hold).map_err(failure(&args.directory))?;
    writeln!(output, "{}: in force; the gate puts it on record", args.id)?;
    Ok(())
}

/// All holds for programs.
fn json(holds: &[Hold], broken: &[String], now: Timestamp) -> Value {
    let one = |hold: &Hold| {
        json!({
            "id": hold.id, "state": hold.state(now), "owner": hold.owner, "reason": hold.reason,
            "from": hold.from, "to": hold.to, "until": hold.until, "added": hold.added,
            "ended": hold.end.as_ref().map(|end| json!({ "time": end.time, "by": end.by, "reason": end.reason })),
        })
    };
    json!({ "holds": holds.iter().map(one).collect::<Value>(), "unreadable": broken })
}

fn failure(directory: &std::path::Path) -> impl Fn(HoldError) -> Failure + '_ {
    move |error| match error {
        HoldError::Io(error) => Failure::file(directory, "cannot be changed", &error),
        HoldError::Wrong(what) => Failure::usage(what),
    }
}
