//! `tidegate audit sample-key` and `unseal`: the key that opens forensic samples, and its use, which is written down first.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{ConfigArg, Failure, Output, cleansing, unreadable};
use crate::audit::query::{Filter, search};
use crate::audit::{find_sample, unseal};
use crate::config::keys;

#[derive(Debug, clap::Args)]
pub(super) struct KeyArgs {
    /// What the files are called: NAME.key and NAME.pub. Existing files are never overwritten.
    #[arg(value_name = "NAME", default_value = "sample")]
    name: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Who opened what, when and why is written to the statement before anything is shown; without it nothing is. Values in the
reason are masked.
Example:
  tidegate audit unseal audit 019a4f… --key sample.key --by anna@example.com \\
      --reason 'incident 12, with the DPO'")]
pub(super) struct Args {
    /// The audit directory, or a copy of it.
    directory: PathBuf,
    /// The decision whose sample is wanted.
    decision: String,
    /// The private key (PEM, mode 0600).
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Who opens it.
    #[arg(long)]
    by: String,
    #[arg(long)]
    reason: String,
    /// One line for each sample that was opened is appended here.
    #[arg(long, value_name = "FILE", default_value = "unsealed.jsonl")]
    statement: PathBuf,
    #[command(flatten)]
    config: ConfigArg,
}

pub(super) fn make(args: &KeyArgs, output: &mut Output) -> Result<(), Failure> {
    let suffixed = |suffix: &str| {
        let mut name = args.name.clone().into_os_string();
        name.push(suffix);
        PathBuf::from(name)
    };
    let (key, public) = (suffixed(".key"), suffixed(".pub"));
    let id = keys::make_sample_pair(&key, &public)?;
    writeln!(output, "key     {}   opens samples: take it away from this machine", key.display())?;
    writeln!(output, "public  {}   [audit.sample] key = \"{}\"", public.display(), public.display())?;
    writeln!(output, "id      {id}")?;
    Ok(())
}

/// Prints what is in the sample that a decision's record names.
pub(super) fn open(args: &Args, output: &mut Output) -> Result<(), Failure> {
    if [&args.by, &args.reason].iter().any(|text| text.trim().is_empty()) {
        return Err(Failure::usage("who opens a sample, and why, must be said: --by, --reason"));
    }
    let opener = keys::read_sample_opener(&args.key)?;
    let (seq, hash) = named(args)?;
    let bytes = find_sample(&args.directory, &hash).map_err(unreadable(&args.directory))?;
    let bytes = bytes.ok_or_else(|| {
        let what = format!("record {seq} names the sample {hash}, which is not there (retention, or a copy)");
        Failure::negative(what)
    })?;
    if keys::sha256(&bytes) != hash {
        return Err(Failure::negative(format!("the sample is not the one that record {seq} names")));
    }
    let content =
        unseal(&opener, &args.decision, &bytes).map_err(|error| Failure::negative(error.to_string()))?;
    let cleanse = cleansing(&args.config)?;
    let line = json!({
        "time": format!("{:.6}", Timestamp::now()), "by": args.by, "reason": cleanse(&args.reason), "seq": seq,
        "decision": args.decision, "sample": hash, "key": opener.public().id(),
    });
    state(&args.statement, &line)
        .map_err(|error| Failure::file(&args.statement, "cannot be written: nothing is shown", &error))?;
    output.write_all(&content)?;
    writeln!(output)?;
    Ok(())
}

/// What a record says of its sample.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Named {
    decision: String,
    sample: Option<Sample>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Sample {
    sha256: Option<String>,
    not_kept: Option<String>,
}

/// Sequence and hash that the decision's record has.
fn named(args: &Args) -> Result<(u64, String), Failure> {
    let filter = Filter { ids: vec![args.decision.clone()], ..Filter::default() };
    let (mut found, mut missing) = (None, None);
    search(&args.directory, &filter, &mut |line, facts| {
        let record: Named = serde_json::from_slice(line).unwrap_or_default();
        if let (true, Some(sample)) = (record.decision == args.decision, record.sample) {
            found = sample.sha256.map(|hash| (facts.seq, hash)).or(found.take());
            missing = sample.not_kept.or(missing.take());
        }
        Ok(true)
    })
    .map_err(unreadable(&args.directory))?;
    found.ok_or_else(|| {
        Failure::negative(match missing {
            Some(why) => format!("no sample was kept of this decision: {why}"),
            None => "no record of this decision names a sample".to_owned(),
        })
    })
}

/// Appends a line, and waits until the disk has it.
fn state(path: &Path, line: &Value) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    writeln!(file, "{line}")?;
    file.sync_all()
}
