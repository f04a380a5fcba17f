//! `tidegate scan`: the gate's own detection over files, directories and standard input.

mod files;
mod order;
mod progress;
mod report;
mod stats;
mod text;
mod walk;

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use clap::ValueEnum;

use super::packs::{PacksArg, fits};
use super::paint::Paint;
use super::{Failure, Output};
use crate::config::{PackSet, keys};
use crate::detect::{Confidence, DetectorId, Matcher};
use crate::fingerprint::FingerprintKey;
use crate::inspect::{Engine, HeldBytes};
use crate::limits;
use crate::policy::{Action, LocalBudgets, Mode, Policy, PolicySpec};

use files::{Ends, Files};
use progress::{Progress, readable};
use report::Report;
use stats::Stats;
use text::Wanted;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate scan src/ fixtures/                    people: file:line:column, masked
  tidegate scan --format jsonl --fail dump.csv    pipelines: one object a finding, exit 1 when there is one
  tidegate scan --detector 'payment.*' --confidence low logs/
  tidegate scan --pack my.toml --stats logs/      what each detector did and cost, on standard error
  kubectl logs app | tidegate scan -

Every file is read, whatever its name or kind; gzip is read through, archives are looked into; memory does not grow with what is read. Values
are never printed, only their shape; a path is printed as it is in JSON lines alone (one that is no UTF-8 in `path_bytes`,
base64). Findings come in the order of paths, then names, however many threads there are.
Directories are searched to their end, symbolic links in them are not followed. Exits 1 with --fail when anything is
found, 74 when something could not be read.")]
pub(super) struct Args {
    /// Files, directories, or `-` for standard input.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    packs: PacksArg,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// What the content is said to be. A hint: `application/gzip` is decoded even without its magic number,
    /// everything else is read as it is.
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// Findings of at least this confidence.
    #[arg(long, value_enum, default_value = "medium")]
    confidence: Least,
    /// Findings of these detectors alone: an id, or a pattern such as `payment.*`; may be given several times.
    #[arg(long = "detector", value_name = "GLOB")]
    detectors: Vec<String>,
    /// Exit with 1 when anything is found.
    #[arg(long)]
    fail: bool,
    /// Counts what each detector did, stage by stage, and times it alone: a slow second look at every byte, with one
    /// thread. The table goes to standard error.
    #[arg(long)]
    stats: bool,
    /// Files read at once; at most, and without it, one a processor.
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
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
    let PackSet { matcher, .. } = args.packs.open()?;
    // What nobody asks for costs nothing.
    let matcher = Arc::new(matcher.reporting(args.confidence.confidence()));
    let key = match &args.key {
        Some(path) => keys::read_fingerprint_key(path)?,
        None => keys::random_fingerprint_key()?,
    };
    let chosen = chosen(&args.detectors, &matcher)?;
    let progress = Progress::new(true);
    let stats = args.stats.then(|| {
        let wanted = |id| chosen.as_ref().is_none_or(|chosen| chosen.contains(&id));
        Mutex::new(Stats::new(&matcher, &wanted))
    });
    let files = Files {
        engine: looking(&matcher, key)?,
        wanted: Wanted {
            least: args.confidence.confidence(),
            detectors: chosen.as_deref(),
            excerpts: args.format == Format::Text,
        },
        gzip: args.content_type.as_deref().is_some_and(is_gzip),
        report: Report { format: args.format, matcher: &matcher, paint: Paint::stdout() },
        progress: &progress,
        stats,
        ends: Ends::default(),
    };
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = if args.stats { 1 } else { args.threads.map_or(cores, |n| n.get().min(cores)) };
    let written = files.scan(&args.paths, threads, output).and_then(|()| output.flush());
    match written {
        // Who reads no further still asks whether anything was found.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe && args.fail && progress.so_far().2 > 0 => {
            Err(Failure::no())
        }
        Err(error) => Err(Failure::output(error)),
        Ok(()) => ended(args, files, &progress),
    }
}

/// The gate's engine, with no rule.
pub(super) fn looking(matcher: &Arc<Matcher>, key: FingerprintKey) -> Result<Arc<Engine>, Failure> {
    let spec = PolicySpec { mode: Mode::Observe, ..PolicySpec::default() };
    let policy =
        Policy::compile(spec, matcher).map_err(|_| Failure::usage("no policy without rules".to_owned()))?;
    let budgets = LocalBudgets::new(key.clone(), 0, Box::new(|| 0));
    Ok(Arc::new(Engine {
        matcher: Arc::clone(matcher),
        policy: Arc::new(policy),
        key,
        budgets: Arc::new(budgets),
        hold: limits::HOLD,
        undecodable: Action::Allow,
        interceptions: Arc::default(),
        overlays: Arc::default(),
        held: Arc::new(HeldBytes::new(0)),
    }))
}

/// Says what remains to be said, on standard error, and how to exit.
fn ended(args: &Args, files: Files<'_>, progress: &Progress) -> Result<(), Failure> {
    let (read, bytes, found, seconds) = progress.so_far();
    if let Some(stats) = files.stats {
        let stats = stats.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut table =
            format!("\n{read} files, {}, {found} findings, {seconds:.2} s\n", readable(bytes)).into_bytes();
        stats.print(&mut table)?;
        eprint!("{}", String::from_utf8_lossy(&table));
    }
    let special = files.ends.special.load(Ordering::Relaxed);
    if special > 0 {
        eprintln!("tidegate: {special} symbolic links or special files in folders were not followed");
    }
    let unread = files.ends.unread.load(Ordering::Relaxed);
    match (args.fail && found > 0, unread) {
        (true, _) => Err(Failure::no()),
        (false, 0) => Ok(()),
        (false, unread) => Err(Failure::io(format!("{unread} of the inputs could not be read whole"))),
    }
}

/// Detectors that the patterns name; `None` without patterns.
fn chosen(globs: &[String], matcher: &Matcher) -> Result<Option<Vec<DetectorId>>, Failure> {
    if globs.is_empty() {
        return Ok(None);
    }
    let detectors = || (0u16..).zip(matcher.detectors());
    if let Some(nothing) = globs.iter().find(|glob| !detectors().any(|(_, known)| fits(glob, &known.id))) {
        return Err(Failure::usage(format!(
            "no pack in use has a detector `{nothing}`; `tidegate pack list` names all"
        )));
    }
    let fit = detectors().filter(|(_, known)| globs.iter().any(|glob| fits(glob, &known.id)));
    Ok(Some(fit.map(|(number, _)| DetectorId(number)).collect()))
}

fn is_gzip(kind: &str) -> bool {
    matches!(kind.split(';').next().map(str::trim), Some("application/gzip" | "application/x-gzip"))
}
