//! `tidegate reload`: has a running gate read its configuration again.

use std::io::Write;

use serde_json::Value;

use super::ask::{Format, GateArg};
use super::{Failure, Output};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate reload --config egress.toml

Policy and packs are exchanged all at once, or not at all: of a bad file the complaints are shown, and nothing changes.
Flows under way end under what they began with. SIGHUP does the same; [reload] watch = true does it by itself.
Exits 78 when the configuration is wrong, 69 when no gate answers.")]
pub(super) struct Args {
    #[command(flatten)]
    gate: GateArg,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let answer = args.gate.ask("POST", "/api/v1/reload", None)?;
    if let Some(complaints) = answer.body.get("complaints").and_then(Value::as_array) {
        if args.format == Format::Json {
            writeln!(output, "{}", answer.body)?;
            output.flush()?;
        }
        let texts = complaints.iter().filter_map(|complaint| complaint.get("text").and_then(Value::as_str));
        let texts: Vec<&str> = texts.collect();
        return Err(Failure::configuration(format!(
            "the gate refuses the configuration, and nothing has changed\n{}",
            texts.join("\n")
        )));
    }
    let loaded = answer.granted()?;
    if args.format == Format::Json {
        writeln!(output, "{loaded}")?;
        return Ok(());
    }
    let policy = loaded.get("policy").and_then(Value::as_str).unwrap_or_default();
    writeln!(output, "in force: policy {}", policy.get(..12).unwrap_or(policy))?;
    let waiting = loaded.get("waiting").and_then(Value::as_array).into_iter().flatten();
    let waiting: Vec<&str> = waiting.filter_map(Value::as_str).collect();
    if !waiting.is_empty() {
        writeln!(output, "changed, but needs a restart: {}", waiting.join(", "))?;
    }
    Ok(())
}
