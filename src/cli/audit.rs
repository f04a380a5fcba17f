//! `tidegate audit`: proves the trail.

use std::fs;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;

use clap::Subcommand;

use super::{Failure, Output};
use crate::audit::{self, PublicKey, Verdict};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate audit verify audit
  tidegate audit verify audit --key audit-public.pem --witness heads.txt")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Exits 0 whole, 1 tampered (names the first bad record), 2 a missing segment or an unproven tail, 3 unknown key.
    Verify(Verify),
}

#[derive(Debug, clap::Args)]
struct Verify {
    /// The audit directory.
    directory: PathBuf,
    /// The public key that signatures must be of (PEM), from a place that the gate cannot write. Without it the key
    /// beside the records is taken.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Checkpoint lines that were kept outside, one a line (`-`: standard input).
    #[arg(long, value_name = "FILE")]
    witness: Option<PathBuf>,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    match &args.command {
        Command::Verify(args) => verify(args, output),
    }
}

fn verify(args: &Verify, output: &mut Output) -> Result<(), Failure> {
    let key = args.key.as_ref().map(|path| {
        let text = fs::read_to_string(path).map_err(|error| Failure::file(path, "cannot be read", &error))?;
        PublicKey::from_pem(&text).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
    });
    let key = key.transpose()?;
    let witness = args.witness.as_ref().map(|path| {
        let lines = |reader: &mut dyn BufRead| reader.lines().collect::<Result<Vec<_>, _>>();
        let read = match path.as_os_str() == "-" {
            true => lines(&mut io::stdin().lock()),
            false => fs::File::open(path).and_then(|file| lines(&mut io::BufReader::new(file))),
        };
        read.map_err(|error| Failure::file(path, "cannot be read", &error))
    });
    let witness = witness.transpose()?.unwrap_or_default();
    let report = audit::verify(&args.directory, key.as_ref(), &witness, &mut |_| {}).map_err(Failure::io)?;
    writeln!(output, "{report}")?;
    match report.verdict() {
        Verdict::Whole => Ok(()),
        verdict @ (Verdict::Tampered | Verdict::Unproven | Verdict::UnknownKey) => {
            output.flush()?;
            Err(Failure::answered(verdict.exit_code()))
        }
    }
}
