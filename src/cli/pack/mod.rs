//! `tidegate pack`: what packs hold, whether they keep their word, who signed them.

mod examples;
mod lint;
mod list;
mod show;
mod sign;

use clap::{Subcommand, ValueEnum};

use super::packs::{PacksArg, as_written, detector};
use super::{Failure, Output};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate pack list                                every detector in use: tier, anchor, confidence, tags
  tidegate pack list --pack payment --pack my.toml  and with a pack of your own, which replaces by id
  tidegate pack show payment.pan                    pattern, checks with their standards, keywords, examples, cost
  tidegate pack test my.toml                        runs the examples: file:line of each that fails, exit 1
  tidegate pack lint my.toml                        what is slow, unanchored, never matching or out of reach
  tidegate pack keygen packs                        packs.key (yours alone) and packs.pub
  tidegate pack sign --key packs.key my.toml        writes my.toml.sig; with `pack_keys = [\"packs.pub\"]` in the
                                                    configuration nothing else is accepted

A pack is a TOML file, or a folder whose .toml files make one pack.")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists packs and detectors in use, and what replaces what.
    List(list::Args),
    /// Shows one detector, or one pack, in full.
    Show(show::Args),
    /// Runs the examples of packs; exit 1 when one does not come out as written.
    Test(examples::Args),
    /// Says what is slow, unanchored, never matching or out of reach; exit 1 for errors, 0 for warnings alone.
    Lint(lint::Args),
    /// Makes a key pair for signing packs: NAME.key (mode 0600) and NAME.pub.
    Keygen(sign::KeygenArgs),
    /// Signs a pack: one line of base64 (Ed25519, 64 bytes) in PATH.sig.
    Sign(sign::Args),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    match &args.command {
        Command::List(args) => list::run(args, output),
        Command::Show(args) => show::run(args, output),
        Command::Test(args) => examples::run(args, output),
        Command::Lint(args) => lint::run(args, output),
        Command::Keygen(args) => sign::keygen(args, output),
        Command::Sign(args) => sign::run(args, output),
    }
}
