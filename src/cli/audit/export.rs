//! `tidegate audit export` and `prove`: evidence that is checked without this program.

use std::io::Write;
use std::path::PathBuf;

use super::choose::Choice;
use super::{Failure, KeyArg, Output};
use crate::audit::query::{self, Bundle, Exported};
use crate::config::keys;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The audit directory.
    directory: PathBuf,
    /// The folder to write; it must not be there yet.
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// Leaves the other records out: each that matches comes with a proof of its own, and the rest stays at home.
    #[arg(long)]
    only_matching: bool,
    /// A private key (such as the gate's `certs/audit.key`) that signs the list of files.
    #[arg(long, value_name = "FILE")]
    sign_with: Option<PathBuf>,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    key: KeyArg,
}

#[derive(Debug, clap::Args)]
pub(super) struct Prove {
    /// The audit directory.
    directory: PathBuf,
    /// The record's sequence.
    seq: u64,
    #[command(flatten)]
    key: KeyArg,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let key = args.key.read()?;
    let signer = args.sign_with.as_ref().map(|path| keys::read_signing_key(path)).transpose()?;
    let filter = args.choice.filter()?;
    let bundle = Bundle {
        directory: &args.directory,
        to: &args.to,
        filter: &filter,
        key: key.as_ref(),
        only_matching: args.only_matching,
        signer: signer.as_ref(),
    };
    let Exported { records, matched, left_out } = query::export(&bundle).map_err(Failure::io)?;
    let to = args.to.display();
    writeln!(output, "{to}: {records} records, {matched} of them asked for; python3 {to}/verify.py {to}")?;
    let Some((first, last, count)) = left_out else { return Ok(()) };
    output.flush()?;
    Err(Failure::unproven(format!(
        "records {first} to {last} are not signed for and were left out, {count} of them asked for; a gate at work \
         signs within two seconds, one that is started again at once: export again then"
    )))
}

pub(super) fn prove(args: &Prove, output: &mut Output) -> Result<(), Failure> {
    let key = args.key.read()?;
    let proof = query::prove(&args.directory, args.seq, key.as_ref()).map_err(Failure::negative)?;
    output.write_all(proof.as_bytes())?;
    Ok(())
}
