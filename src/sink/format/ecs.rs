//! Elastic Common Schema.

use serde_json::{Value, json};

use super::{Whole, pruned, severity};
use crate::audit::query::Facts;
use crate::policy::Action;

pub(super) fn event(record: &Whole, facts: &Facts<'_>) -> Value {
    let is_blocked = facts.action.as_deref() == Some(Action::Block.as_str());
    let kind = if facts.findings.is_empty() { "event" } else { "alert" };
    let (category, kinds) = if facts.is_message() {
        (json!(["network"]), json!(["connection", if is_blocked { "denied" } else { "allowed" }]))
    } else {
        (json!(["configuration"]), json!(["info"]))
    };
    let identifiers: Vec<&str> = facts.findings.iter().map(|found| &*found.identifier).collect();
    let rules: Vec<&str> = facts.rules.iter().map(|rule| &**rule).collect();
    let http = facts.http.as_ref();
    pruned(json!({
        "@timestamp": &*facts.time,
        "ecs": { "version": "8.11.0" },
        "event": {
            "kind": kind,
            "category": category,
            "type": kinds,
            "action": facts.action.as_deref().unwrap_or(&facts.kind),
            "outcome": if is_blocked { "failure" } else { "success" },
            "sequence": facts.seq,
            "id": facts.decision.as_deref(),
            "dataset": "tidegate.audit",
            "module": "tidegate",
            "provider": "tidegate",
            "severity": severity(facts),
            "reason": facts.reason.as_deref(),
        },
        "source": { "ip": facts.client.as_ref().and_then(|client| client.address.as_deref()) },
        "user": { "name": facts.client.as_ref().and_then(|client| client.identity.as_deref()) },
        "destination": {
            "domain": record.at("/destination/host"),
            "ip": record.at("/destination/address"),
            "port": record.at("/destination/port"),
        },
        "http": {
            "request": { "method": http.and_then(|http| http.method.as_deref()) },
            "response": { "status_code": http.and_then(|http| http.status) },
        },
        "url": { "domain": record.at("/destination/host"), "path": record.at("/http/path_template") },
        "rule": { "name": rules.first(), "ruleset": record.at("/policy/hash") },
        "tls": { "version": record.at("/protocol/tls_client") },
        "observer": { "hostname": record.at("/node"), "product": "Tidegate", "vendor": "Tidegate", "type": "dlp", "version": env!("CARGO_PKG_VERSION") },
        "organization": { "name": facts.tenant.as_deref() },
        "trace": { "id": facts.flow.as_deref() },
        "tidegate": {
            "kind": &*facts.kind,
            "direction": facts.direction.as_deref(),
            "disclosure": facts.disclosure.as_deref(),
            "identifiers": identifiers,
            "rules": rules,
            "would": facts.would.as_deref(),
            "bytes": record.at("/bytes"),
            "findings": record.at("/findings"),
        },
    }))
}
