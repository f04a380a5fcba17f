//! `tidegate scan`: the gate's own detection over files, directories and standard input.

mod files;
mod report;
mod text;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::{ConfigArg, Failure, Output};
use crate::config::{self, keys};
use crate::detect::Confidence;

use files::{Files, Unread};
use report::Report;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate scan src/ fixtures/                    people: file:line:column, masked
  tidegate scan --format jsonl --fail dump.csv    pipelines: one object a finding, exit 1 when there is one
  kubectl logs app | tidegate scan -

gzip is read through; memory does not grow with what is read. Values are never printed, only their shape.
Directories are searched in order of names, symbolic links in them are not followed.")]
pub(super) struct Args {
    /// Files, directories, or `-` for standard input.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    config: ConfigArg,
    /// Packs to use instead of the configuration's: built-in names or files.
    #[arg(long = "pack", value_name = "PACK")]
    packs: Vec<String>,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// What the content is said to be. A hint: `application/gzip` is decoded even without its magic number,
    /// everything else is read as it is.
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// Findings of at least this confidence.
    #[arg(long, value_enum, default_value = "medium")]
    confidence: Least,
    /// Exit with 1 when anything is found.
    #[arg(long)]
    fail: bool,
    /// Fingerprint key of a deployment, so that fingerprints compare with its records; without it they compare
    /// within this run alone.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Jsonl,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Least {
    Low,
    Medium,
    High,
}

impl Least {
    fn confidence(self) -> Confidence {
        match self {
            Least::Low => Confidence::Low,
            Least::Medium => Confidence::Medium,
            Least::High => Confidence::High,
        }
    }
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let matcher = match args.packs.as_slice() {
        [] => config::matcher(&config::read(args.config.config.as_deref())?)?,
        packs => config::matcher_of(packs)?,
    };
    let key = match &args.key {
        Some(path) => keys::read_fingerprint_key(path)?,
        None => keys::random_fingerprint_key()?,
    };
    let is_gzip = |kind: &str| {
        matches!(kind.split(';').next().map(str::trim), Some("application/gzip" | "application/x-gzip"))
    };
    let files = Files {
        matcher: &matcher,
        key: &key,
        least: args.confidence.confidence(),
        gzip: args.content_type.as_deref().is_some_and(is_gzip),
    };
    let mut report = Report::new(args.format, &matcher);
    let mut unread = 0u64;
    for path in &args.paths {
        let mut tell = |path: &Path, why: &str| {
            unread += 1;
            eprintln!("tidegate: {}: {why}", path.display());
        };
        match files.path(path, &mut |hit| report.hit(hit, output), &mut tell) {
            Ok(()) => {}
            Err(Unread::Output(error)) => return Err(Failure::output(error)),
            Err(Unread::Input(why)) => tell(path, &why),
        }
    }
    output.flush()?;
    if args.fail && report.found() > 0 {
        return Err(Failure::no());
    }
    if unread > 0 {
        return Err(Failure::io(format!("{unread} of the inputs could not be read whole")));
    }
    Ok(())
}
