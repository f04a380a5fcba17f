//! `tidegate selftest`: asks the running gate to prove itself, and says what came of it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::thread;
use std::time::Instant;

use ring::rand::{SecureRandom, SystemRandom};
use serde_json::Value;

use super::ask::Format;
use super::rehearse::REQUEST;
use super::{ConfigArg, Failure, Output};
use crate::audit::Kind;
use crate::audit::query::follow;
use crate::config;
use crate::limits;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate selftest --config egress.toml
  tidegate selftest --format json | jq '.cases[] | select(.passed | not)'

The gate that runs with this configuration sends synthetic identifiers through its own listener, TLS and policy to a
receiver of its own, and a clean message that must pass. Nothing leaves the machine. The outcome is printed, and stands
in the trail as a control_test. [selftest] in the configuration repeats it on a schedule.")]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArg,
    /// `json`: the record of the test.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let config = config::read(args.config.config.as_deref())?;
    let directory = &config.audit.directory;
    let failed = |error: std::io::Error| Failure::file(directory, "cannot be read", &error);
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Failure::unavailable("the system gives no random bytes"))?;
    let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut records = follow(directory).map_err(failed)?;
    let path = directory.join(REQUEST);
    let asked = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let asked = asked.and_then(|mut file| writeln!(file, "{token}"));
    asked.map_err(|error| Failure::file(&path, "cannot be written", &error))?;
    let deadline = Instant::now() + limits::SELFTEST_TIME + limits::SELFTEST_LOOK * 2;
    while Instant::now() < deadline {
        let Some(line) = records.next_line().map_err(failed)? else {
            thread::sleep(limits::TAIL_LOOK);
            continue;
        };
        let Ok(record) = serde_json::from_slice::<Value>(line) else { continue };
        let is_ours = record.get("kind").and_then(Value::as_str) == Some(Kind::ControlTest.as_str())
            && record.get("request").and_then(Value::as_str) == Some(&token);
        if is_ours {
            match args.format {
                Format::Text => say(&record, output)?,
                Format::Json => writeln!(output, "{record}")?,
            }
            if record.get("passed") == Some(&Value::Bool(true)) {
                return Ok(());
            }
            output.flush()?;
            return Err(Failure::no());
        }
    }
    // Nobody may take it later on, when nobody waits for it.
    let _ = fs::remove_file(&path);
    Err(Failure::unavailable("no gate took the request; is one running with this configuration?"))
}

fn say(record: &Value, output: &mut Output) -> io::Result<()> {
    for case in record.get("cases").and_then(Value::as_array).into_iter().flatten() {
        let text =
            |key: &str| case.get(key).map_or_else(String::new, |value| value.to_string().replace('"', ""));
        let verdict = if case.get("passed") == Some(&Value::Bool(true)) { "ok    " } else { "FAILED" };
        let what = match (text("why"), text("arrived").as_str()) {
            (why, _) if !why.is_empty() => why,
            (_, "true") => format!("arrived, answered {}", text("status")),
            _ => format!("did not arrive, answered {}", text("status")),
        };
        writeln!(output, "{verdict}  {:<20} {what}", text("case"))?;
    }
    if let Some(cause) = record.get("cause").and_then(Value::as_str) {
        writeln!(output, "FAILED  {cause}")?;
    }
    let seq = record.get("seq").map_or_else(String::new, Value::to_string);
    let passed = record.get("passed") == Some(&Value::Bool(true));
    writeln!(output, "{}: record {seq}", if passed { "passed" } else { "failed" })
}
