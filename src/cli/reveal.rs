//! `tidegate reveal`: the values behind numbers that a rule with `mask = "ff1"` encrypted.

use std::io::{Read, Write};

use super::packs::detector;
use super::{ConfigArg, Failure, Output};
use crate::config::{self, keys};
use crate::detect::Detector;
use crate::fingerprint::FingerprintKey;
use crate::limits;
use crate::redact::{Ff1, decrypted};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate reveal payment.pan 1535352390171351
  tidegate reveal --tenant shop --config egress.toml payment.pan - < numbers     one a line

Only numbers that this deployment's fingerprint key encrypted, for this identifier and tenant, come back. What is printed
are values in clear text.")]
pub(super) struct Args {
    /// The identifier, such as `payment.pan`.
    identifier: String,
    /// An encrypted number, or `-` for standard input, one a line.
    number: String,
    /// The tenant whose message it stood in.
    #[arg(long, default_value = "default")]
    tenant: String,
    #[command(flatten)]
    config: ConfigArg,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let config = config::read(args.config.config.as_deref())?;
    let set = config::packs(&config)?;
    let id = detector(&set, &args.identifier)?;
    let key = keys::read_fingerprint_key(&config.fingerprint_key)?;
    let mut input = String::new();
    if args.number == "-" {
        std::io::stdin().lock().take(limits::REVEAL_INPUT).read_to_string(&mut input)?;
    } else {
        input.clone_from(&args.number);
    }
    let numbers = input.lines().map(str::trim).filter(|line| !line.is_empty());
    for (count, number) in numbers.enumerate() {
        let value = revealed(&key, &args.tenant, set.matcher.detector(id), number);
        let Some(value) = value else {
            output.flush()?;
            let what = format!("number {}: nothing of `{}` was encrypted to it", count + 1, args.identifier);
            return Err(Failure::negative(what));
        };
        writeln!(output, "{value}")?;
    }
    Ok(())
}

fn revealed(key: &FingerprintKey, tenant: &str, detector: &Detector, number: &str) -> Option<String> {
    let ff1 = Ff1::new(key.form(tenant));
    let mut passes = |digits: &[u8]| detector.passes(digits);
    let value = decrypted(&ff1, detector.id.as_bytes(), number.as_bytes(), &mut passes)?;
    String::from_utf8(value).ok()
}
