//! `tidegate man`: the manual page, every subcommand with its options.

use std::io::Write;

use clap::CommandFactory;
use clap_mangen::Man;

use super::{Cli, Failure, Output};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tidegate man | man -l -")]
pub(super) struct Args {}

pub(super) fn run(_: &Args, output: &mut Output) -> Result<(), Failure> {
    let mut command = Cli::command();
    command.build();
    Man::new(command.clone()).render(output)?;
    sections(&command, "TIDEGATE", output)?;
    Ok(())
}

/// A section for each subcommand, and for those below it.
fn sections(command: &clap::Command, above: &str, output: &mut Output) -> std::io::Result<()> {
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        let page = Man::new(subcommand.clone());
        let name = format!("{above} {}", subcommand.get_name().to_uppercase());
        writeln!(output, ".SH \"{name}\"")?;
        page.render_description_section(output)?;
        page.render_synopsis_section(output)?;
        page.render_options_section(output)?;
        page.render_extra_section(output)?;
        sections(subcommand, &name, output)?;
    }
    Ok(())
}
