//! `tidegate audit`: proves the trail, answers questions to it, and hands it on.

mod choose;
mod export;
mod hold;
mod query;
mod report;
mod sample;
mod tail;
mod verify;

use std::fs;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::ask::Format;
use super::{ConfigArg, Failure, Output, would};

use crate::audit::{Outside, PublicKey};
use crate::config;
pub(super) use choose::{is_heard, moment};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate audit verify audit --key audit-public.pem --witness heads.txt
  tidegate audit query audit --since 2h --action block --format table
  tidegate audit query audit --destination '*.crm.example' --identifier 'payment.*' --format csv
  tidegate audit tail audit --follow --action block
  tidegate audit report audit --from 2026-10-01 --to 2026-11-01 --format html --sample 25 --seed 7
  tidegate audit export audit --to evidence --since 2026-10-01 --until 2026-11-01 \\
      --sign-with certs/audit.key
  tidegate audit would audit --since 7d --config egress.toml
  tidegate audit prove audit 48151 > proof.json")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Exits 0 whole, 1 tampered (names the first bad record), 2 a missing segment or an unproven tail, 3 unknown key.
    Verify(verify::Args),
    /// Prints the records that match, as lines, a table or CSV.
    Query(query::Args),
    /// Prints the last records, and new ones as they come.
    Tail(tail::Args),
    /// Adds up a period: proof of its records, totals, coverage, controls, a sample for testers.
    Report(report::Args),
    /// What observed rules would have done, whose doing and where to, and what to write about it.
    Would(would::Args),
    /// Writes a folder of evidence that is checked without this program.
    Export(export::Args),
    /// Proves one record without showing the others.
    Prove(export::Prove),
    /// Legal holds: keep records beyond `audit.retention`.
    Hold(hold::Args),
    /// Makes the key pair of forensic samples.
    SampleKey(sample::KeyArgs),
    /// Opens the sample of a decision with the private key, and writes down who did and why.
    Unseal(sample::Args),
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    match &args.command {
        Command::Verify(args) => verify::run(args, output),
        Command::Query(args) => query::run(args, output),
        Command::Tail(args) => tail::run(args, output),
        Command::Report(args) => report::run(args, output),
        Command::Would(args) => would::run(args, output),
        Command::Export(args) => export::run(args, output),
        Command::Prove(args) => export::prove(args, output),
        Command::Hold(args) => hold::run(args, output),
        Command::SampleKey(args) => sample::make(args, output),
        Command::Unseal(args) => sample::open(args, output),
    }
}

/// Which public key to believe.
#[derive(Debug, clap::Args)]
struct KeyArg {
    /// The public key that signatures must be of (PEM), from a place that the gate cannot write. Without it the key
    /// beside the records is taken.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

impl KeyArg {
    fn read(&self) -> Result<Option<PublicKey>, Failure> {
        let read = |path: &PathBuf| {
            let text =
                fs::read_to_string(path).map_err(|error| Failure::file(path, "cannot be read", &error))?;
            PublicKey::from_pem(&text).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
        };
        self.key.as_ref().map(read).transpose()
    }
}

/// What was kept where the gate cannot write.
#[derive(Debug, clap::Args)]
struct WitnessArg {
    /// Checkpoint lines that were kept outside, one a line (`-`: standard input).
    #[arg(long, value_name = "FILE")]
    witness: Option<PathBuf>,
    /// Logs under the same key that are kept elsewhere. Any other one that the witness has seen counts as missing.
    #[arg(long, value_name = "LOG", value_delimiter = ',', requires = "witness")]
    other_logs: Vec<String>,
}

impl WitnessArg {
    /// The lines that the witness kept, where one is named.
    fn lines(&self) -> Result<Option<Vec<String>>, Failure> {
        let read = |path: &PathBuf| {
            let lines = |reader: &mut dyn BufRead| reader.lines().collect::<Result<Vec<_>, _>>();
            let read = match path.as_os_str() == "-" {
                true => lines(&mut io::stdin().lock()),
                false => fs::File::open(path).and_then(|file| lines(&mut io::BufReader::new(file))),
            };
            read.map_err(|error| Failure::file(path, "cannot be read", &error))
        };
        self.witness.as_ref().map(read).transpose()
    }

    fn held<'a>(&'a self, lines: &'a [String]) -> Outside<'a> {
        Outside { lines, other_logs: &self.other_logs }
    }
}

/// How words of operators are written down for good: values in them are masked, as in those of clients.
fn cleansing(config: &ConfigArg) -> Result<impl Fn(&str) -> String, Failure> {
    let matcher = config::packs(&config::read(config.config.as_deref())?)?.matcher;
    Ok(move |text: &str| matcher.cleanse(text))
}

/// An audit directory that cannot be read.
fn unreadable(directory: &Path) -> impl Fn(std::io::Error) -> Failure + '_ {
    |error| Failure::file(directory, "cannot be read", &error)
}
