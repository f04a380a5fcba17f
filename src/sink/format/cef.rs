//! ArcSight Common Event Format.

use serde_json::Value;

use super::{Whole, severity};
use crate::audit::query::Facts;

pub(super) fn event(record: &Whole, facts: &Facts<'_>) -> String {
    let action = facts.action.as_deref();
    let class = action.map_or_else(|| facts.kind.to_string(), |action| format!("{}:{action}", &*facts.kind));
    let identifiers: Vec<&str> = facts.findings.iter().map(|found| &*found.identifier).collect();
    let name = match (identifiers.is_empty(), action) {
        (false, Some(action)) => format!("{} {action}", identifiers.join(", ")),
        (_, Some(action)) => format!("{} {action}", &*facts.kind),
        (_, None) => facts.kind.to_string(),
    };
    let number = |value: Value| value.as_u64().map(|number| number.to_string()).unwrap_or_default();
    let rules: Vec<&str> = facts.rules.iter().map(|rule| &**rule).collect();
    let millis = facts.micros().unwrap_or_default().div_euclid(1000).to_string();
    let (seq, port, bytes) =
        (facts.seq.to_string(), number(record.at("/destination/port")), number(record.at("/bytes/seen")));
    let (identifiers, rules) = (identifiers.join(" "), rules.join(" "));
    let extension = [
        ("rt", millis.as_str()),
        ("externalId", &seq),
        ("dvchost", record.text("/node")),
        ("act", action.unwrap_or_default()),
        ("src", record.text("/client/address")),
        ("suser", record.text("/client/identity")),
        ("dst", record.text("/destination/address")),
        ("dhost", record.text("/destination/host")),
        ("dpt", &port),
        ("requestMethod", record.text("/http/method")),
        ("request", record.text("/http/path_template")),
        ("out", &bytes),
        ("reason", facts.reason.as_deref().unwrap_or_default()),
        ("cs1Label", "identifiers"),
        ("cs1", &identifiers),
        ("cs2Label", "rules"),
        ("cs2", &rules),
        ("cs3Label", "disclosure"),
        ("cs3", facts.disclosure.as_deref().unwrap_or_default()),
        ("cs4Label", "decision"),
        ("cs4", facts.decision.as_deref().unwrap_or_default()),
        ("cs5Label", "tenant"),
        ("cs5", facts.tenant.as_deref().unwrap_or_default()),
    ];
    let mut out = format!(
        "CEF:0|Tidegate|Tidegate|{}|{}|{}|{}|",
        env!("CARGO_PKG_VERSION"),
        header(&class),
        header(&name),
        severity(facts)
    );
    // A label says what its value is; without the value it says nothing.
    let mut first = true;
    for (at, (key, value)) in extension.iter().enumerate() {
        let is_label = key.ends_with("Label");
        let is_said = if is_label {
            extension.get(at + 1).is_some_and(|(_, of)| !of.is_empty())
        } else {
            !value.is_empty()
        };
        if is_said {
            out.push_str(if first { "" } else { " " });
            first = false;
            out.push_str(key);
            out.push('=');
            out.push_str(&extended(value));
        }
    }
    out
}

fn header(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace(['\n', '\r'], " ")
}

fn extended(text: &str) -> String {
    text.replace('\\', "\\\\").replace('=', "\\=").replace('\n', "\\n").replace('\r', "\\r")
}
