//! `tidegate posture`: what destinations negotiated with the running gate, and what somebody should look at.

use std::io::Write;
use std::path::PathBuf;

use serde_json::Value;

use super::ask::{Format, GateArg};
use super::audit::moment;
use super::{Failure, Output, posture_trail};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate posture --config egress.toml
  tidegate posture --format json | jq '.destinations[] | select(.notices != [])'
  tidegate posture --fail                 exits 1 when there is something to look at
  tidegate posture --audit audit --since 30d    of a period, from the records

For each destination since the gate started: the version, cipher and key exchange that were agreed on, until when its
certificate holds, handshakes that failed and why, and connections in clear text. Tunnels that pass unopened are not
among them: their terms are between the two ends. From records: requests by version and in clear text, of all the runs
of a period.")]
pub(super) struct Args {
    #[command(flatten)]
    gate: GateArg,
    /// The audit directory: what its records tell, in place of asking a running gate.
    #[arg(long, value_name = "DIR")]
    audit: Option<PathBuf>,
    /// With --audit, not before: a time, a day (UTC), or so long ago (7d).
    #[arg(long, value_name = "TIME", value_parser = moment, default_value = "7d", requires = "audit")]
    since: i64,
    /// With --audit, before this.
    #[arg(long, value_name = "TIME", value_parser = moment, requires = "audit")]
    until: Option<i64>,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Exits 1 when there is a notice.
    #[arg(long)]
    fail: bool,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let posture = match &args.audit {
        Some(directory) => posture_trail::gather(directory, args.since, args.until)
            .map_err(|error| Failure::file(directory, "cannot be read", &error))?,
        None => args.gate.ask("GET", "/api/v1/posture", None)?.granted()?,
    };
    let destinations = posture.get("destinations").and_then(Value::as_array).cloned().unwrap_or_default();
    match args.format {
        Format::Json => writeln!(output, "{posture}")?,
        Format::Text if destinations.is_empty() => writeln!(output, "no destination was connected to yet")?,
        Format::Text => {
            destinations.iter().try_for_each(|seen| writeln!(output, "{}", line(seen)))?;
        }
    }
    let noticed = destinations.iter().any(|seen| notices(seen).next().is_some());
    if args.fail && noticed {
        output.flush()?;
        return Err(Failure::no());
    }
    Ok(())
}

fn notices(seen: &Value) -> impl Iterator<Item = &str> {
    seen.get("notices").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// `api.example.com:443  TLSv1.3 TLS13_AES_128_GCM_SHA256 X25519, certificate until …  ! notice`.
fn line(seen: &Value) -> String {
    let text = |key: &str| seen.get(key).and_then(Value::as_str).unwrap_or_default();
    let port = seen.get("port").and_then(Value::as_u64).unwrap_or_default();
    let mut line = format!("{}:{port}", text("host"));
    let terms = [text("version"), text("cipher"), text("group")].join(" ");
    if !terms.trim().is_empty() {
        line.push_str(&format!("  {terms}"));
    }
    match text("certificate_expires") {
        "" => {}
        expires => line.push_str(&format!(", certificate until {expires}")),
    }
    for notice in notices(seen) {
        line.push_str(&format!("\n    ! {notice}"));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_one_line_and_one_more_for_each_notice() {
        let seen = serde_json::json!({
            "host": "a.example", "port": 443, "version": "TLSv1.2", "cipher": "C", "group": "X25519",
            "certificate_expires": "2027-01-01T00:00:00Z", "notices": ["TLS 1.2"],
        });
        let expected =
            "a.example:443  TLSv1.2 C X25519, certificate until 2027-01-01T00:00:00Z\n    ! TLS 1.2";
        assert_eq!(line(&seen), expected);
        let clear = serde_json::json!({ "host": "b", "port": 80, "notices": ["clear text"] });
        assert_eq!(line(&clear), "b:80\n    ! clear text");
    }
}
