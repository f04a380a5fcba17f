//! `tidegate explain`: why a text, a file or a recorded decision came out as it did, stage by stage, masked.

mod decision;
mod replay;
mod text;

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;

use super::packs::PacksArg;
use super::{Failure, Output};
use crate::config;
use crate::decode::{Coding, Decoder};
use crate::limits;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate explain 'card: 4539 1488 0343 6467'               every stage of what is found, and the near misses
  tidegate explain --detector payment.pan ticket.txt         one detector, near misses in full
  tidegate explain --audit audit 0199a8d2-6f1c-7c3e-8b5d-2f6f0a1b2c3d
                                                             a decision of the records
  tidegate explain --config egress.toml 0199a8d2-6f1c-7c3e-8b5d-2f6f0a1b2c3d
                                                             the same, gone through again under these rules
  pbpaste | tidegate explain -                               standard input

What the argument is, is told from it: an id of the records, a file that exists, else a text; --as says it outright.
Values are never printed, only their shape; keywords are. The first MiB of a file is explained, gzip taken off.")]
pub(super) struct Args {
    /// A text, a file, `-` for standard input, or the id of a decision.
    #[arg(value_name = "TEXT|FILE|DECISION")]
    what: String,
    /// What the argument is.
    #[arg(long = "as", value_enum)]
    kind: Option<Kind>,
    /// Detectors to follow, near misses in full: an id, or a pattern such as `payment.*`.
    #[arg(long, value_name = "GLOB")]
    detector: Option<String>,
    /// Where the records are; without it the configuration's audit directory.
    #[arg(long, value_name = "DIR")]
    audit: Option<PathBuf>,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    packs: PacksArg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Text,
    File,
    Decision,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let kind = args.kind.unwrap_or_else(|| guess(&args.what));
    let bytes = match kind {
        Kind::Decision => {
            let configured = || {
                let config = config::read(args.packs.config_file().map(PathBuf::as_path))?;
                Ok::<_, Failure>(config.audit.directory)
            };
            let directory = args.audit.clone().map_or_else(configured, Ok)?;
            let file = args.packs.config_file().map(PathBuf::as_path);
            return decision::run(&args.what, &directory, args.format, file, output);
        }
        Kind::File => read(Path::new(&args.what))?,
        Kind::Text => args.what.clone().into_bytes(),
    };
    if args.kind.is_none() && kind == Kind::Text && looks_like_path(&args.what) {
        let what = if Path::new(&args.what).exists() { "is no file" } else { "there is no such file" };
        eprintln!("tidegate: {what}: explained as a text (--as text says so, --as file asks for the file)");
    }
    let whole = bytes.len() <= limits::EXPLAIN_BYTES;
    let text = bytes.get(..limits::EXPLAIN_BYTES).unwrap_or(&bytes);
    let set = args.packs.open()?;
    let matcher = Arc::new(set.matcher);
    let explained = text::Explained::new(&matcher, text, args.detector.as_deref())?;
    if explained.detectors() == 0 {
        let glob = args.detector.as_deref().unwrap_or_default();
        return Err(Failure::usage(format!("no pack in use has a detector `{glob}`")));
    }
    match args.format {
        Format::Text => explained.print(whole, output)?,
        Format::Json => explained.json(whole, output)?,
    }
    Ok(())
}

fn guess(what: &str) -> Kind {
    let parts = what.split('-').map(str::len).collect::<Vec<_>>();
    let is_id = parts == [8, 4, 4, 4, 12] && what.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    if what == "-" || Path::new(what).is_file() {
        Kind::File
    } else if is_id {
        Kind::Decision
    } else {
        Kind::Text
    }
}

/// Whether a text may have been meant as the path of a file.
fn looks_like_path(what: &str) -> bool {
    let has_ending = || {
        let ending = Path::new(what).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        (1..=5).contains(&ending.len()) && ending.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    let is_word = !what.is_empty() && !what.contains(|c: char| c.is_whitespace() || "@?&=:".contains(c));
    is_word
        && (Path::new(what).exists()
            || what.contains('/')
            || has_ending() && !what.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}

/// A little more than is explained, so that it is known whether there is more.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| Failure::file(path, "cannot be read", &error);
    let most = limits::EXPLAIN_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    match path.as_os_str() == "-" {
        true => io::stdin().lock().take(most).read_to_end(&mut bytes),
        false => File::open(path).map_err(failed)?.take(most).read_to_end(&mut bytes),
    }
    .map_err(failed)?;
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut text = Vec::new();
    let mut keep = |piece: &[u8]| {
        text.extend_from_slice(piece);
        if text.len() > limits::EXPLAIN_BYTES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    Decoder::new(&[Coding::Gzip])
        .push(&bytes, &mut keep)
        .map_err(|error| Failure::io(format!("{}: {error}", path.display())))?;
    Ok(text)
}
