//! `tidegate exec -- CMD`: a command that trusts and uses the proxy.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::{ConfigArg, Failure, env};
use crate::config;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate exec -- curl https://example.com/
  tidegate exec --config egress.toml -- npm install

The command takes this one's place: its exit code is the command's (127: there is none of
that name, 126: it cannot be run). The variables are those of `tidegate env`.")]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArg,
    /// The command and its arguments.
    #[arg(required = true, trailing_var_arg = true, value_name = "CMD")]
    command: Vec<OsString>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let config = config::read(args.config.config.as_deref())?;
    let variables = env::variables(&config)?;
    let (program, arguments) =
        args.command.split_first().ok_or_else(|| Failure::configuration("there is no command to run"))?;
    // It returns only when the command could not take over.
    let error = Command::new(program).args(arguments).envs(variables).exec();
    Err(Failure::command(format!("{}: cannot be run: {error}", program.display()), &error))
}
