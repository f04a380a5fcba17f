//! `tidegate audit verify`: whole, or what is wrong first.

use std::fs;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Failure, Format, KeyArg, Output, unreadable};
use crate::audit::{self, Report, Verdict};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The audit directory.
    directory: PathBuf,
    #[command(flatten)]
    key: KeyArg,
    /// Checkpoint lines that were kept outside, one a line (`-`: standard input).
    #[arg(long, value_name = "FILE")]
    witness: Option<PathBuf>,
    /// Answers 2 unless a witness has seen every record up to the last checkpoint.
    #[arg(long, requires = "witness")]
    require_witness: bool,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let key = args.key.read()?;
    let witness = witness(args.witness.as_deref())?;
    let mut progress = Progress { shown: io::stderr().is_terminal(), bytes: 0, said: 0 };
    // A gate at work signs within two seconds: what it wrote just now is no tail that anybody cut.
    let settled = audit::query::settle(&args.directory).map_err(unreadable(&args.directory))?;
    let report = audit::verify(&args.directory, key.as_ref(), &witness, &mut |bytes| progress.add(bytes));
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
        "key": report.key.id(),
        "key_beside_records": report.key_beside_records,
        "keys": report.keys,
    })
}

/// The lines that a witness kept.
pub(super) fn witness(path: Option<&Path>) -> Result<Vec<String>, Failure> {
    let witness = path.map(|path| {
        let lines = |reader: &mut dyn BufRead| reader.lines().collect::<Result<Vec<_>, _>>();
        let read = match path.as_os_str() == "-" {
            true => lines(&mut io::stdin().lock()),
            false => fs::File::open(path).and_then(|file| lines(&mut io::BufReader::new(file))),
        };
        read.map_err(|error| Failure::file(path, "cannot be read", &error))
    });
    Ok(witness.transpose()?.unwrap_or_default())
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
