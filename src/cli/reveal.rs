//! `tidegate reveal`: the values behind numbers that a rule with `mask = "ff1"` encrypted.

use std::io::{Read, Write};

use super::packs::detector;
use super::{ConfigArg, Failure, Output};
use crate::config::{self, keys};
use crate::detect::{DetectorId, Matcher};
use crate::fingerprint::FingerprintKey;
use crate::limits;
use crate::redact::{Ff1, decrypted, encrypted};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate reveal payment.pan 1535352390171351
  tidegate reveal --tenant shop --config egress.toml payment.pan - < numbers     one a line

A number comes back when what it decrypts to is encrypted to it again, under this deployment's fingerprint key, for this
identifier and tenant and with the packs in use. About one in ten of the numbers that were never encrypted passes that too,
and so does one of another tenant: ask for those that stood in a message alone. Of numbers without an answer the
place is said and the others are gone on with; then it exits 1. What is printed are values in clear text.")]
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
    let mut strangers = 0u64;
    for (count, number) in numbers.enumerate() {
        match revealed(&key, &args.tenant, &set.matcher, id, number) {
            Some(value) => writeln!(output, "{value}")?,
            None => {
                strangers += 1;
                // In the order of the numbers, wherever both go.
                output.flush()?;
                eprintln!(
                    "tidegate: number {}: nothing of `{}` was encrypted to it",
                    count + 1,
                    args.identifier
                );
            }
        }
    }
    output.flush()?;
    if strangers > 0 { Err(Failure::no()) } else { Ok(()) }
}

/// The value that is encrypted to this number here: a way back there is from others, too.
fn revealed(
    key: &FingerprintKey,
    tenant: &str,
    matcher: &Matcher,
    id: DetectorId,
    number: &str,
) -> Option<String> {
    let (ff1, detector) = (Ff1::new(key.form(tenant)), matcher.detector(id));
    let mut passes = |digits: &[u8]| detector.passes(digits);
    let value = decrypted(&ff1, detector.id.as_bytes(), number.as_bytes(), &mut passes)?;
    let mut is_quiet = |text: &[u8]| matcher.is_quiet(b"", text);
    let again = encrypted(&ff1, detector.id.as_bytes(), &value, &mut passes, &mut is_quiet)?;
    (again == number.as_bytes()).then(|| String::from_utf8(value).ok())?
}
