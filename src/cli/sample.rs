//! `tidegate sample`: valid synthetic values, to try things with.

use std::io::Write;

use clap::ValueEnum;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;

use super::packs::{PacksArg, detector};
use super::{Failure, Output};
use crate::detect::sample::Sampler;
use crate::limits;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate sample payment.pan
  tidegate sample -n 100 --seed 7 national-id.us-ssn        the same values each time
  tidegate sample --in-text payment.pan | tidegate scan -   in a text in which they are found
  tidegate sample --pack my.toml my.ticket                  of a pack of your own

Values are made up: the right form, ranges and check digits, nothing more. Some may belong to somebody by chance.")]
pub(super) struct Args {
    /// The identifier, such as `payment.pan`.
    identifier: String,
    /// How many.
    #[arg(short, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    n: u32,
    /// Draws the same values for the same number.
    #[arg(long)]
    seed: Option<u64>,
    /// Each in a text in which it is found: alone, or with what it needs around it.
    #[arg(long)]
    in_text: bool,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    packs: PacksArg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    /// One object a line: `value`, and a `text` in which it is found.
    Jsonl,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let set = args.packs.open()?;
    let id = detector(&set, &args.identifier)?;
    let mut sampler = Sampler::new(&set.matcher, id, args.seed.map_or_else(seed, Ok)?);
    for drawn in 0..args.n {
        let sample = sampler.draw(limits::SAMPLE_TRIES).map_err(|none| {
            let refused =
                none.refused.first().map_or_else(String::new, |(why, _)| format!("; mostly: {why}"));
            let (id, tries) = (&args.identifier, none.tries);
            Failure::negative(match drawn {
                0 => format!("`{id}`: no value was found in {tries} tries{refused}"),
                n => format!("`{id}`: after {n} values no further one was found in {tries} tries"),
            })
        });
        if sample.is_err() {
            output.flush()?;
        }
        let sample = sample?;
        match args.format {
            Format::Jsonl => writeln!(output, "{}", json!({ "value": sample.value, "text": sample.text }))?,
            Format::Text if args.in_text => writeln!(output, "{}", sample.text)?,
            Format::Text => writeln!(output, "{}", sample.value)?,
        }
    }
    Ok(())
}

fn seed() -> Result<u64, Failure> {
    let mut bytes = [0; 8];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| Failure::unavailable("the system gives no random bytes"))?;
    Ok(u64::from_le_bytes(bytes))
}
