//! `tidegate audit verify`: whole, or what is wrong first.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Failure, Format, KeyArg, Output, WitnessArg, unreadable};
use crate::audit::query::Begun;
use crate::audit::{self, OtherLog, Report, Verdict};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The audit directory.
    directory: PathBuf,
    #[command(flatten)]
    key: KeyArg,
    #[command(flatten)]
    outside: WitnessArg,
    /// Answers 2 unless a witness has seen every record up to the last checkpoint.
    #[arg(long, requires = "witness")]
    require_witness: bool,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let key = args.key.read()?;
    let lines = args.outside.lines()?.unwrap_or_default();
    let outside = args.outside.held(&lines);
    let mut progress = Progress { shown: io::stderr().is_terminal(), bytes: 0, said: 0 };
    // A gate at work signs within two seconds: what it wrote just now is no tail that anybody cut.
    let settled = audit::query::settle(&args.directory).map_err(unreadable(&args.directory))?;
    let report = audit::verify(&args.directory, key.as_ref(), outside, &mut |bytes| progress.add(bytes));
    progress.end();
    let mut report = report.map_err(Failure::io)?;
    report.asked = settled;
    let unwitnessed = args.require_witness && report.witnessed.is_none_or(|seq| seq < report.signed);
    match args.format {
        Format::Json => writeln!(output, "{}", json(&report, unwitnessed))?,
        Format::Text => writeln!(output, "{report}")?,
    }
    match report.verdict() {
        Verdict::Whole if unwitnessed => {
            if args.format == Format::Text {
                let signed = report.signed;
                writeln!(output, "not witnessed: a witness was required for every record up to {signed}")?;
            }
            output.flush()?;
            Err(Failure::answered(Verdict::Unproven.exit_code()))
        }
        Verdict::Whole => Ok(()),
        verdict @ (Verdict::Tampered | Verdict::Unproven | Verdict::UnknownKey) => {
            output.flush()?;
            Err(Failure::answered(verdict.exit_code()))
        }
    }
}

/// The report for programs.
fn json(report: &Report, unwitnessed: bool) -> Value {
    let range = |range: &std::ops::RangeInclusive<u64>| json!([range.start(), range.end()]);
    json!({
        "verdict": report.verdict().as_str(),
        "trail": report.log,
        "records": report.records,
        "segments": report.segments,
        "checkpoints": report.checkpoints,
        "bytes": report.bytes,
        "first_time": report.times.as_ref().map(|(first, _)| first),
        "last_time": report.times.as_ref().map(|(_, last)| last),
        "earliest_time": report.clock.span.as_ref().map(|(earliest, _)| earliest),
        "latest_time": report.clock.span.as_ref().map(|(_, latest)| latest),
        "clock_went_back": report.clock.back,
        "clock_first_went_back": report.clock.first_back.as_ref().map(|step| {
            json!({ "seq": step.seq, "from": step.from, "to": step.to })
        }),
        "unended": report.unended.lost.iter().map(Begun::to_json).collect::<Value>(),
        "more_unended": report.unended.more,
        "under_way": report.unended.under_way(),
        "last": report.last,
        "signed": report.signed,
        "stopped": report.stopped,
        "torn": report.torn,
        "fault": report.fault.as_ref().map(|(fault, file)| {
            json!({ "seq": fault.seq, "what": fault.what, "file": file.display().to_string() })
        }),
        "missing": report.missing.iter().map(range).collect::<Value>(),
        "removed": report.removed.iter().map(|(records, reason, time)| {
            json!({ "records": range(records), "reason": reason, "time": time })
        }).collect::<Value>(),
        "unknown_key": report.unknown_key.as_ref().map(|(seq, key)| json!({ "seq": seq, "key": key })),
        "witnessed": report.witnessed,
        "witness_ignored": report.witness_ignored,
        "witness_missing": unwitnessed,
        "other_logs": report.other_logs.iter().map(OtherLog::to_json).collect::<Value>(),
        "key": report.key.id(),
        "key_beside_records": report.key_beside_records,
        "keys": report.keys,
    })
}

/// How far it is, on a terminal.
struct Progress {
    shown: bool,
    bytes: u64,
    said: u64,
}

impl Progress {
    /// Bytes between two signs of life.
    const STEP: u64 = 64 << 20;

    fn add(&mut self, bytes: u64) {
        self.bytes += bytes;
        if self.shown && self.bytes - self.said >= Progress::STEP {
            self.said = self.bytes;
            eprint!("\r{} MiB checked", self.bytes >> 20);
        }
    }

    fn end(&self) {
        if self.said > 0 {
            eprintln!();
        }
    }
}
