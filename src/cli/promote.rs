//! `tidegate promote`: an observed rule is enforced, after a look at what it would have done.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::audit::moment;
use super::would::{Would, gather, show};
use super::{Failure, Output};
use crate::config::{self, Config};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate promote addresses-leave --config egress.toml             refused when it would have stopped a message of late
  tidegate promote addresses-leave --config egress.toml --at-most 20
  tidegate promote addresses-leave --config egress.toml --print     the changed file, on standard output

Nothing but the rule's `mode` (or `enforce_percent`) changes in the file; a running gate takes it up on SIGHUP.")]
pub(super) struct Args {
    /// The rule.
    #[arg(value_name = "ID")]
    rule: String,
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// How far back the records are looked at: a time, a day (UTC), or so long ago.
    #[arg(long, value_name = "TIME", value_parser = moment, default_value = "7d")]
    since: i64,
    /// Messages that it may have stopped or altered since then.
    #[arg(long, value_name = "N", default_value_t = 0)]
    at_most: u64,
    /// Promotes it however many those are.
    #[arg(long)]
    yes: bool,
    /// Prints the changed file and leaves the one there is as it is.
    #[arg(long)]
    print: bool,
    /// Where the records are; without it the configuration's audit directory.
    #[arg(long, value_name = "DIR")]
    audit: Option<PathBuf>,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let config = config::read(Some(&args.config))?;
    let changed = config.promoted(&args.rule).map_err(Failure::negative)?;
    // What the gate would refuse must not be written.
    let folder = args.config.parent().unwrap_or(Path::new(""));
    config::load_text(&args.config.display().to_string(), &changed, folder)?;
    if args.print {
        return output.write_all(changed.as_bytes()).map_err(Failure::output);
    }
    let bitten = review(args, &config, output)?;
    if bitten > args.at_most && !args.yes {
        return Err(Failure::negative(format!(
            "rule `{}` would have stopped or altered {bitten} messages, more than {}: not promoted; \
             `--at-most {bitten}` or `--yes` promotes it all the same",
            args.rule, args.at_most
        )));
    }
    write(&args.config, &changed)
        .map_err(|error| Failure::file(&args.config, "cannot be written", &error))?;
    writeln!(output, "{}: rule `{}` is enforced from the next reload on", args.config.display(), args.rule)?;
    Ok(())
}

/// Shows what the rule would have done of late; how many messages that are.
fn review(args: &Args, config: &Config, output: &mut Output) -> Result<u64, Failure> {
    let directory = args.audit.as_ref().unwrap_or(&config.audit.directory);
    if !directory.exists() {
        return Err(Failure::negative(format!(
            "{}: there are no records of what it would have done; `--audit` names another folder",
            directory.display()
        )));
    }
    let all = gather(directory, args.since, Some(config))
        .map_err(|error| Failure::file(directory, "cannot be read", &error))?;
    match all.get(&args.rule) {
        Some(would) => show(&args.rule, would, output)?,
        None => writeln!(output, "{}: would have done nothing", args.rule)?,
    }
    Ok(all.get(&args.rule).map_or(0, Would::bitten))
}

/// In place of the old one, whole or not at all, readable by whoever could read that.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let draft = path.with_file_name(name);
    fs::write(&draft, text)?;
    fs::set_permissions(&draft, fs::metadata(path)?.permissions())?;
    fs::rename(&draft, path)
}
