//! `tidegate audit verify`: whole, or what is wrong first.

use std::fs;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;

use super::{Failure, KeyArg, Output};
use crate::audit::{self, Verdict};

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
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let key = args.key.read()?;
    let witness = args.witness.as_ref().map(|path| {
        let lines = |reader: &mut dyn BufRead| reader.lines().collect::<Result<Vec<_>, _>>();
        let read = match path.as_os_str() == "-" {
            true => lines(&mut io::stdin().lock()),
            false => fs::File::open(path).and_then(|file| lines(&mut io::BufReader::new(file))),
        };
        read.map_err(|error| Failure::file(path, "cannot be read", &error))
    });
    let witness = witness.transpose()?.unwrap_or_default();
    let mut progress = Progress { shown: io::stderr().is_terminal(), bytes: 0, said: 0 };
    let report = audit::verify(&args.directory, key.as_ref(), &witness, &mut |bytes| progress.add(bytes));
    progress.end();
    let report = report.map_err(Failure::io)?;
    writeln!(output, "{report}")?;
    match report.verdict() {
        Verdict::Whole if args.require_witness && report.witnessed.is_none_or(|seq| seq < report.signed) => {
            writeln!(
                output,
                "not witnessed: a witness was required for every record up to {}",
                report.signed
            )?;
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
