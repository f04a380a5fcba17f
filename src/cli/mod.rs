//! The command line: one file a subcommand, exit codes that scripts can rely on.
//!
//! May import every floor. Invariants: what a command answers goes to standard output, what went wrong to standard
//! error; exit codes are those of `Failure` in every command; a closed pipe is an end, not an error.

mod ask;
mod audit;
mod changes;
mod check;
mod completions;
mod controls;
mod cost;
mod demo;
mod destinations;
mod env;
mod exec;
mod explain;
mod failure;
mod heads;
mod identity;
mod issuer;
mod live;
mod locks;
mod logs;
mod man;
mod masked;
mod outlet;
mod output;
mod overlay;
mod pack;
mod pack_changes;
mod packs;
mod paint;
mod posture;
mod posture_trail;
mod promote;
mod rehearse;
mod reload;
mod reveal;
mod run;
mod running;
mod sample;
mod scan;
mod schema;
mod selftest;
mod watch;
mod windows;
mod would;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub(crate) use failure::Failure;
pub(crate) use output::Output;

/// An inline DLP egress proxy: stops or redacts card numbers, emails and national IDs on their way out, and records
/// every decision.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, propagate_version = true, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Start here:
  tidegate demo                        see it work: one process, no network
  tidegate run                         an explicit proxy on 127.0.0.1:8080, starter policy
  tidegate check --print-default       the built-in configuration, commented

Exit codes: 0 done, 1 the answer is no, 64 usage, 69 unavailable, 74 input or output, 78 invalid configuration.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the proxy.
    Run(run::Args),
    /// Shows the main job on this machine, with no network.
    Demo(demo::Args),
    /// Checks configuration, packs, keys and ports: all complaints at once.
    Check(check::Args),
    /// Looks for identifiers in files, directories or standard input.
    Scan(scan::Args),
    /// Lists, shows, tests, checks and signs packs.
    Pack(pack::Args),
    /// Says why a text, a file or a recorded decision came out as it did, stage by stage.
    Explain(explain::Args),
    /// Prints valid synthetic values of an identifier.
    Sample(sample::Args),
    /// Prints the values behind numbers that a rule with `mask = "ff1"` encrypted.
    Reveal(reveal::Args),
    /// Proves the audit trail.
    Audit(Box<audit::Args>),
    /// Asks the running gate to prove itself: synthetic identifiers through its listener, TLS and policy.
    Selftest(selftest::Args),
    /// Overrides for a time in the running gate: blocks, throttles, allows.
    Overlay(overlay::Args),
    /// Shows what destinations negotiated with the running gate: TLS, certificates, clear text.
    Posture(posture::Args),
    /// Has the running gate read its configuration again.
    Reload(reload::Args),
    /// Makes and shows the authority that clients trust.
    Issuer(issuer::Args),
    /// Enforces a rule that is observed, after a look at what it would have done.
    Promote(promote::Args),
    /// Hashes passwords of clients.
    Identity(identity::Args),
    /// Prints the variables that make a client trust and use the proxy.
    Env(env::Args),
    /// Runs a command that trusts and uses the proxy.
    Exec(exec::Args),
    /// Prints a completion script for a shell.
    Completions(completions::Args),
    /// Prints the manual page.
    Man(man::Args),
    /// Prints the JSON Schema of the configuration, for editors.
    Schema(schema::Args),
}

/// Which configuration a command speaks of.
#[derive(Clone, Debug, clap::Args)]
struct ConfigArg {
    /// Configuration file; without it the built-in configuration holds, relative to the working directory.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Reads the command line, does what it says and tells how it went.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, not errors. When they cannot be printed there is nobody to tell.
            let _ = error.print();
            return if error.use_stderr() { failure::USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    let mut output = Output::stdout();
    let done = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Demo(args) => demo::run(&args, &mut output),
        Command::Check(args) => check::run(&args, &mut output),
        Command::Scan(args) => scan::run(&args, &mut output),
        Command::Pack(args) => pack::run(&args, &mut output),
        Command::Explain(args) => explain::run(&args, &mut output),
        Command::Sample(args) => sample::run(&args, &mut output),
        Command::Reveal(args) => reveal::run(&args, &mut output),
        Command::Audit(args) => audit::run(&args, &mut output),
        Command::Selftest(args) => selftest::run(&args, &mut output),
        Command::Overlay(args) => overlay::run(&args, &mut output),
        Command::Posture(args) => posture::run(&args, &mut output),
        Command::Reload(args) => reload::run(&args, &mut output),
        Command::Issuer(args) => issuer::run(&args, &mut output),
        Command::Promote(args) => promote::run(&args, &mut output),
        Command::Identity(args) => identity::run(&args, &mut output),
        Command::Env(args) => env::run(&args, &mut output),
        Command::Exec(args) => exec::run(&args),
        Command::Completions(args) => completions::run(&args, &mut output),
        Command::Man(args) => man::run(&args, &mut output),
        Command::Schema(args) => schema::run(&args, &mut output),
    };
    let done = done.and_then(|()| output.flush().map_err(Failure::output));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_teaches() {
        Cli::command().debug_assert();
        for command in Cli::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            assert!(command.get_after_help().is_some(), "{} shows no example", command.get_name());
        }
    }

    /// Help is wrapped at so many columns, also within quotes: a command beyond them could not be pasted.
    const COLUMNS: usize = 100;

    fn too_long(command: &clap::Command) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let lines =
            help.lines().filter(|line| line.starts_with("  tidegate") || line.starts_with("      --"));
        // What stands apart behind a command says what it does.
        let is_long = |line: &&str| {
            let typed = line.trim_start();
            let apart = typed.find("  ").unwrap_or(typed.len());
            line[..line.len() - typed.len() + apart].chars().count() > COLUMNS
        };
        let mut long: Vec<String> = lines.filter(is_long).map(str::to_owned).collect();
        command.get_subcommands().for_each(|inner| long.extend(too_long(inner)));
        long
    }

    #[test]
    fn examples_can_be_pasted() {
        assert_eq!(too_long(&Cli::command()), Vec::<String>::new());
    }
}
