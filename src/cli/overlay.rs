//! `tidegate overlay`: overrides for a time, in a gate that runs: the way to stop something at once.

use std::io::Write;

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::ask::{Format, GateArg};
use super::{Failure, Output};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate overlay add block --to api.vendor.example --reason 'key leaked'
  tidegate overlay add block --from 10.1.7.4                            a client
  tidegate overlay add block --identifier 'payment.*' --for 2h          whatever holds a card number
  tidegate overlay add block --everything                               the kill switch
  tidegate overlay add throttle --to '*.export.example' --bytes-per-second 65536
  tidegate overlay add allow --to crm.example.com --identifier contact.email \\
      --owner crm-team --reason 'migration, ticket 417' --for 4h
  tidegate overlay list
  tidegate overlay remove ov-1c2d3e4f

An overlay is in force within a second, also for what is under way, and survives a restart. The policy below it, and
its hash, stay as they are. What tightens needs nobody's leave; what loosens (allow, observe) needs --owner, --reason
and --for of at most 24 hours. Each change, and each decision that an overlay had a part in, is in the trail.
Exits 69 when no gate answers.")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Puts an overlay in force.
    Add(Box<Add>),
    /// Lists the overlays in force.
    List {
        #[command(flatten)]
        gate: GateArg,
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Takes an overlay off.
    Remove {
        /// As `list` shows it.
        id: String,
        #[command(flatten)]
        gate: GateArg,
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Effect {
    /// Nothing passes; with --identifier: nothing that holds one.
    Block,
    /// So much passes, and no more.
    Throttle,
    /// What is found is exempt (--to is needed).
    Allow,
    /// Rules are recorded and not enforced.
    Observe,
}

#[derive(Debug, clap::Args)]
struct Add {
    effect: Effect,
    /// A host, `*.example.com`, or a group; again for more.
    #[arg(long = "to", value_name = "HOST")]
    destinations: Vec<String>,
    /// A network, an address, an identity or a listener; again for more.
    #[arg(long = "from", value_name = "CLIENT")]
    clients: Vec<String>,
    #[arg(long = "tenant", value_name = "TENANT")]
    tenants: Vec<String>,
    /// An identifier, `payment.*` or `tag:pci`; again for more.
    #[arg(long = "identifier", value_name = "ID")]
    identifiers: Vec<String>,
    /// All traffic; must be said, and nothing beside it.
    #[arg(long)]
    everything: bool,
    #[arg(long, value_name = "N")]
    bytes_per_second: Option<u64>,
    #[arg(long, value_name = "N")]
    requests_per_minute: Option<u64>,
    /// How long it holds: 90s, 30m, 4h, 7d.
    #[arg(long = "for", value_name = "TIME")]
    ttl: Option<String>,
    /// Until when it holds: 2027-01-31T18:00:00Z.
    #[arg(long, value_name = "TIME", conflicts_with = "ttl")]
    until: Option<String>,
    /// Who answers for it.
    #[arg(long)]
    owner: Option<String>,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    gate: GateArg,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

impl Add {
    fn body(&self) -> Value {
        let effect = match self.effect {
            Effect::Block => "block",
            Effect::Throttle => "throttle",
            Effect::Allow => "allow",
            Effect::Observe => "observe",
        };
        json!({
            "effect": effect,
            "everything": self.everything,
            "destinations": self.destinations,
            "clients": self.clients,
            "tenants": self.tenants,
            "identifiers": self.identifiers,
            "bytes_per_second": self.bytes_per_second,
            "requests_per_minute": self.requests_per_minute,
            "ttl": self.ttl,
            "expires": self.until,
            "owner": self.owner,
            "reason": self.reason,
        })
    }
}

const PATH: &str = "/api/v1/overlays";

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    match &args.command {
        Command::Add(add) => {
            let made = add.gate.ask("POST", PATH, Some(&add.body()))?.granted()?;
            one("in force", &made, add.format, output)
        }
        Command::List { gate, format } => {
            let all = gate.ask("GET", PATH, None)?.granted()?;
            let overlays = all.get("overlays").and_then(Value::as_array).cloned().unwrap_or_default();
            match format {
                Format::Json => writeln!(output, "{}", json!(overlays))?,
                Format::Text if overlays.is_empty() => writeln!(output, "no overlay is in force")?,
                Format::Text => {
                    overlays.iter().try_for_each(|overlay| writeln!(output, "{}", line(overlay)))?
                }
            }
            Ok(())
        }
        Command::Remove { id, gate, format } => {
            let known = |c: char| c.is_ascii_alphanumeric() || c == '-';
            if id.is_empty() || !id.chars().all(known) {
                return Err(Failure::usage(format!(
                    "`{id}` is no overlay; `tidegate overlay list` shows them"
                )));
            }
            let gone = gate.ask("DELETE", &format!("{PATH}/{id}"), None)?.granted()?;
            one("removed", &gone, *format, output)
        }
    }
}

fn one(what: &str, overlay: &Value, format: Format, output: &mut Output) -> Result<(), Failure> {
    match format {
        Format::Json => writeln!(output, "{overlay}")?,
        Format::Text => writeln!(output, "{what}: {}", line(overlay))?,
    }
    Ok(())
}

/// `ov-1c2d3e4f  block to api.vendor.example, until …, by alice: key leaked`.
fn line(overlay: &Value) -> String {
    let text = |key: &str| overlay.get(key).and_then(Value::as_str).unwrap_or_default();
    let list = |key: &str| {
        let words = overlay.get(key).and_then(Value::as_array).into_iter().flatten();
        words.filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
    };
    let mut line = format!("{}  {}", text("id"), text("effect"));
    let lists = [("destinations", "to"), ("clients", "from"), ("tenants", "of"), ("identifiers", "holding")];
    let named = lists.map(|(key, word)| (list(key), word));
    for (words, word) in named.iter().filter(|(words, _)| !words.is_empty()) {
        line.push_str(&format!(" {word} {words}"));
    }
    if named.iter().all(|(words, _)| words.is_empty()) {
        line.push_str(" everything");
    }
    for (key, unit) in [("bytes_per_second", "bytes a second"), ("requests_per_minute", "requests a minute")]
    {
        if let Some(rate) = overlay.get(key).and_then(Value::as_u64) {
            line.push_str(&format!(", {rate} {unit}"));
        }
    }
    match text("expires") {
        "" => line.push_str(", until removed"),
        expires => line.push_str(&format!(", until {expires}")),
    }
    line.push_str(&format!(", by {}", text("actor")));
    match text("reason") {
        "" => {}
        reason => line.push_str(&format!(": {reason}")),
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlay_is_one_line() {
        let block = json!({
            "id": "ov-1", "effect": "block", "destinations": ["a.example", "b.example"], "clients": ["apps"],
            "expires": null, "actor": "alice", "reason": "key leaked",
        });
        assert_eq!(
            line(&block),
            "ov-1  block to a.example, b.example from apps, until removed, by alice: key leaked"
        );
        let slow = json!({
            "id": "ov-2", "effect": "throttle", "bytes_per_second": 7, "expires": "2027-01-31T18:00:00Z",
            "actor": "bob",
        });
        assert_eq!(
            line(&slow),
            "ov-2  throttle everything, 7 bytes a second, until 2027-01-31T18:00:00Z, by bob"
        );
    }
}
