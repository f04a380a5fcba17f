//! OCSF 1.6: Data Security Finding (2006), HTTP Activity (4002), Application Lifecycle (6002), Base Event (0).

use serde_json::{Value, json};

use super::{Whole, pruned};
use crate::audit::Kind;
use crate::audit::query::Facts;
use crate::policy::{Action, Disclosure};

pub(super) fn event(record: &Whole, facts: &Facts<'_>) -> Value {
    let mut event = if facts.is_message() && !facts.findings.is_empty() {
        hit(record, facts)
    } else if facts.is_message() {
        access(record, facts)
    } else {
        other(facts)
    };
    if let Value::Object(event) = &mut event {
        event.extend([
            ("time".to_owned(), json!(facts.micros().unwrap_or_default().div_euclid(1000))),
            ("metadata".to_owned(), metadata(record, facts)),
            (
                "unmapped".to_owned(),
                json!({ "kind": &*facts.kind, "disclosure": facts.disclosure.as_deref() }),
            ),
        ]);
    }
    pruned(event)
}

fn metadata(record: &Whole, facts: &Facts<'_>) -> Value {
    json!({
        "version": "1.6.0",
        "product": { "name": "Tidegate", "vendor_name": "Tidegate", "version": env!("CARGO_PKG_VERSION") },
        "log_name": "audit",
        "loggers": [{ "name": record.text("/node") }],
        "uid": format!("{}/{}", record.text("/node"), facts.seq),
        "sequence": facts.seq,
        "profiles": ["security_control"],
    })
}

/// Numbers of class, category and activity.
fn class(class: u32, category: u32, activity: u32) -> Value {
    json!({
        "class_uid": class,
        "category_uid": category,
        "activity_id": activity,
        "type_uid": class * 100 + activity,
    })
}

fn with(mut event: Value, more: Value) -> Value {
    if let (Value::Object(event), Value::Object(more)) = (&mut event, more) {
        event.extend(more);
    }
    event
}

fn is(text: Option<&str>, word: &str) -> bool {
    text == Some(word)
}

/// The profile of a security control: allowed, denied, observed or modified.
fn control(facts: &Facts<'_>) -> Value {
    let action = facts.action.as_deref();
    let (action, disposition) = if is(action, Action::Block.as_str()) {
        (2, 2)
    } else if is(action, Action::Redact.as_str()) {
        (4, 11)
    } else if is(action, Action::Alert.as_str()) {
        (3, 17)
    } else {
        (1, 1)
    };
    let left = is(facts.disclosure.as_deref(), Disclosure::Disclosed.as_str())
        || is(facts.disclosure.as_deref(), Disclosure::Partial.as_str());
    let severity = match (facts.findings.is_empty(), left) {
        (true, _) => 1,
        (false, true) => 4,
        (false, false) => 3,
    };
    json!({
        "action_id": action,
        "disposition_id": disposition,
        "severity_id": severity,
        "src_endpoint": { "ip": facts.client.as_ref().and_then(|client| client.address.as_deref()) },
        "firewall_rule": facts.rules.first().map(|rule| json!({ "name": &**rule })),
    })
}

fn destination(record: &Whole) -> Value {
    json!({
        "hostname": record.at("/destination/host"),
        "ip": record.at("/destination/address"),
        "port": record.at("/destination/port"),
    })
}

fn hit(record: &Whole, facts: &Facts<'_>) -> Value {
    let identifiers: Vec<&str> = facts.findings.iter().map(|found| &*found.identifier).collect();
    let first = identifiers.first().copied().unwrap_or_default();
    // Personal, financial, security: the categories of data classification.
    let category = if first.starts_with("payment.") {
        3
    } else if first.starts_with("secrets.") {
        6
    } else {
        1
    };
    let confidence = match record.text("/findings/0/confidence") {
        "high" => 3,
        "medium" => 2,
        "low" => 1,
        _ => 0,
    };
    let title = format!("{} {}", identifiers.join(", "), facts.action.as_deref().unwrap_or("allow"));
    let own = json!({
        "is_alert": !is(facts.action.as_deref(), Action::Allow.as_str()),
        "status_id": 1,
        "confidence_id": confidence,
        "dst_endpoint": destination(record),
        "finding_info": {
            "uid": facts.decision.as_deref(),
            "title": title,
            "types": identifiers,
            "created_time": facts.micros().unwrap_or_default().div_euclid(1000),
            "product_uid": "tidegate",
        },
        "data_security": {
            "category_id": category,
            "detection_system_id": 2,
            "data_lifecycle_state_id": 2,
            "detection_pattern": identifiers.join(", "),
            "policy": { "name": facts.rules.first().map(|rule| rule.to_string()), "uid": record.at("/policy/hash") },
        },
    });
    with(with(class(2006, 2, 1), control(facts)), own)
}

fn access(record: &Whole, facts: &Facts<'_>) -> Value {
    let http = facts.http.as_ref();
    let method = http.and_then(|http| http.method.as_deref()).unwrap_or_default();
    let activity = match method {
        "CONNECT" => 1,
        "DELETE" => 2,
        "GET" => 3,
        "HEAD" => 4,
        "OPTIONS" => 5,
        "POST" => 6,
        "PUT" => 7,
        "TRACE" => 8,
        "PATCH" => 9,
        _ => 99,
    };
    let bytes = record.at("/bytes/seen");
    let traffic = match facts.direction.as_deref() {
        Some("response") => json!({ "bytes_in": bytes }),
        _ => json!({ "bytes_out": bytes }),
    };
    let own = json!({
        "dst_endpoint": destination(record),
        "http_request": {
            "http_method": (activity != 99).then_some(method),
            "url": { "hostname": record.at("/destination/host"), "port": record.at("/destination/port"), "path": record.at("/http/path_template") },
            "uid": facts.flow.as_deref(),
        },
        "http_response": http.and_then(|http| http.status).map(|code| json!({ "code": code })),
        "tls": { "version": record.at("/protocol/tls_client") },
        "traffic": traffic,
        "status_detail": facts.reason.as_deref(),
    });
    with(with(class(4002, 4, activity), control(facts)), own)
}

fn other(facts: &Facts<'_>) -> Value {
    let kind = &*facts.kind;
    let app = json!({ "app": { "name": "Tidegate", "vendor_name": "Tidegate" }, "severity_id": 1 });
    if kind == Kind::Start.as_str() {
        return with(class(6002, 6, 3), app);
    }
    if kind == Kind::Stop.as_str() {
        return with(class(6002, 6, 4), app);
    }
    let severity = if kind == Kind::ControlFailure.as_str() { 4 } else { 1 };
    with(class(0, 0, 99), json!({ "severity_id": severity, "activity_name": kind }))
}
