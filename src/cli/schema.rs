//! `tidegate schema`: the JSON Schema of the configuration.

use std::io::Write;

use super::{Failure, Output};
use crate::config;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  tidegate schema > tidegate.schema.json

Editors complete and check a configuration by it: with Taplo or Even Better TOML, `#:schema tidegate.schema.json` in the
first line of the file. `tidegate check` knows more: what must be there, and what goes with what.")]
pub(super) struct Args {}

pub(super) fn run(_: &Args, output: &mut Output) -> Result<(), Failure> {
    Ok(writeln!(output, "{:#}", config::schema())?)
}
