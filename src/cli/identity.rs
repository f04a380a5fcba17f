//! `tidegate identity`: hashes passwords of clients for the configuration.

use std::io::{Read, Write};

use clap::Subcommand;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::{Failure, Output};
use crate::limits;
use crate::proxy::PasswordHash;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate identity hash < password.txt         one line, for `password` of an [[identity]]
  printf %s \"$PASSWORD\" | tidegate identity hash > billing.password")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Reads a password from standard input, up to the end of its line, and prints what it is hashed to.
    Hash,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    match args.command {
        Command::Hash => {
            let mut text = Zeroizing::new(Vec::new());
            let most = limits::PASSWORD_LEN as u64 + 2;
            std::io::stdin().lock().take(most).read_to_end(&mut text).map_err(Failure::io)?;
            let line = text.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
            if line.is_empty() || line.len() > limits::PASSWORD_LEN {
                let most = limits::PASSWORD_LEN;
                return Err(Failure::usage(format!(
                    "expected a password of 1 to {most} bytes on standard input"
                )));
            }
            let mut salt = [0; 16];
            let random = SystemRandom::new().fill(&mut salt);
            random.map_err(|_| Failure::unavailable("the system gives no random bytes"))?;
            let hash = PasswordHash::make(line, &salt, limits::PASSWORD_ITERATIONS);
            writeln!(output, "{hash}").map_err(Failure::output)
        }
    }
}
