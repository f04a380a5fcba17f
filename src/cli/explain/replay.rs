//! A recorded decision gone through again: what each rule of a policy makes of what the record says.

use std::io::Write;
use std::net::IpAddr;
use std::path::Path;

use serde_json::Value;

use super::{Failure, Output};
use crate::config::{self, Compiled};
use crate::detect::{Confidence, DetectorId};
use crate::flow::{ClientAddr, Destination, Direction, Scheme};
use crate::limits;
use crate::policy::{Message, Mode, Outcome, Recorded, Replayed};

/// Says for each record of a decision whether it comes out the same once more.
pub(super) fn run(records: &[Value], file: Option<&Path>, output: &mut Output) -> Result<(), Failure> {
    let decisions = records.iter().filter(|record| text(record, "/kind") == "decision");
    let decisions: Vec<&Value> = decisions.collect();
    if decisions.is_empty() {
        return Ok(());
    }
    let (_, compiled) = config::load(file)?;
    for record in decisions {
        one(record, &compiled, output)?;
    }
    Ok(())
}

fn one(record: &Value, compiled: &Compiled, output: &mut Output) -> Result<(), Failure> {
    let hash = compiled.policy.hash();
    let short = hash.get(..limits::RECORD_HASH).unwrap_or(hash);
    let same = text(record, "/policy/hash") == short;
    let under = if same { "the policy that decided it" } else { "another policy than decided it" };
    writeln!(output, "\nreplayed under {under} ({short})")?;
    let Some(message) = message(record) else {
        writeln!(output, "  the record tells of no message that rules look at")?;
        return Ok(());
    };
    let recorded: Vec<String> =
        record.pointer("/rules").and_then(Value::as_array).into_iter().flatten().map(shown).collect();
    let replayed = compiled.policy.replay(&message, &found(record, compiled));
    let mut differs = Vec::new();
    for rule in &replayed {
        let fired = recorded.iter().any(|id| **id == *rule.id);
        if rule.outcome.fires().is_some_and(|fires| fires != fired) {
            differs.push(&*rule.id);
        }
        if fired || !matches!(rule.outcome, Outcome::Elsewhere(_) | Outcome::Counts { counted: 0, .. }) {
            writeln!(output, "  {}", line(rule, fired))?;
        }
    }
    let elsewhere = replayed.iter().filter(|rule| matches!(rule.outcome, Outcome::Elsewhere(_))).count();
    writeln!(output, "  {elsewhere} of {} rules do not look at this message", replayed.len())?;
    let gone: Vec<&str> = recorded
        .iter()
        .map(String::as_str)
        .filter(|id| !replayed.iter().any(|rule| *rule.id == **id))
        .collect();
    differs.extend(gone);
    match differs.as_slice() {
        [] => writeln!(output, "  it comes out as it is recorded")?,
        ids => writeln!(output, "  it comes out otherwise: {}", ids.join(", "))?,
    }
    Ok(())
}

fn line(rule: &Replayed, fired: bool) -> String {
    let (id, action) = (&rule.id, rule.action.as_str());
    let mode = match rule.mode {
        Mode::Enforce => "",
        Mode::Observe => ", observed",
    };
    let recorded = if fired { "fired" } else { "did not fire" };
    match rule.outcome {
        Outcome::Elsewhere(key) => {
            format!("{id} ({action}{mode}) {recorded}: does not look here, by `{key}`")
        }
        Outcome::Counts { counted, at_least } => {
            format!(
                "{id} ({action}{mode}) {recorded}: counts {counted} different values, fires at {at_least}"
            )
        }
        Outcome::Unknown("window") => {
            format!("{id} ({action}{mode}) {recorded}: counts over flows, which one record does not tell")
        }
        Outcome::Unknown(_) => {
            format!(
                "{id} ({action}{mode}) {recorded}: goes by fields or a number of values, which depend on the text"
            )
        }
    }
}

/// The message as rules saw it, as far as the record says.
fn message(record: &Value) -> Option<Message> {
    let scheme = if record.pointer("/protocol/tls_client").is_some_and(|tls| !tls.is_null()) {
        Scheme::Https
    } else {
        Scheme::Http
    };
    let time: jiff::Timestamp = text(record, "/time").parse().ok()?;
    let optional = |pointer: &str| Some(text(record, pointer)).filter(|text| !text.is_empty());
    // What was refused before a connection was made had the name that one would have been verified for.
    let dialled = record.pointer("/destination/address").is_some_and(|address| !address.is_null());
    let proven = record.pointer("/destination/proven") == Some(&Value::Bool(true));
    Some(Message {
        direction: [Direction::Request, Direction::Response]
            .into_iter()
            .find(|direction| direction.as_str() == text(record, "/direction"))?,
        destination: Destination {
            scheme,
            host: text(record, "/destination/host").parse().ok()?,
            port: record.pointer("/destination/port")?.as_u64().and_then(|port| u16::try_from(port).ok())?,
        },
        proven: proven || (!dialled && scheme == Scheme::Https),
        client: ClientAddr { ip: text(record, "/client/address").parse::<IpAddr>().ok()?, port: 0 },
        identity: optional("/client/identity").map(Into::into),
        listener: text(record, "/protocol/listener").into(),
        tenant: text(record, "/tenant").into(),
        environment: None,
        method: text(record, "/http/method").into(),
        path: text(record, "/http/path_template").into(),
        media_type: optional("/http/content_type").map(Into::into),
        // A refusal's own status is no response's.
        status: match text(record, "/direction").as_str() {
            "response" => record.pointer("/http/status")?.as_u64().and_then(|code| u16::try_from(code).ok()),
            _ => None,
        },
        now_ms: u64::try_from(time.as_millisecond()).unwrap_or_default(),
    })
}

fn found(record: &Value, compiled: &Compiled) -> Vec<Recorded> {
    let findings = record.pointer("/findings").and_then(Value::as_array).into_iter().flatten();
    let read = |found: &Value| {
        let id = found.get("identifier")?.as_str()?;
        let detector =
            (0..).map(DetectorId).zip(compiled.matcher.detectors()).find(|(_, known)| known.id == id)?.0;
        let number = |key: &str| found.get(key).and_then(Value::as_u64).unwrap_or_default();
        let confidence =
            [Confidence::Low, Confidence::Medium, Confidence::High].into_iter().find(|confidence| {
                Some(confidence.as_str()) == found.get("confidence").and_then(Value::as_str)
            })?;
        let exempt = number("suppressed") > 0 && number("suppressed") == number("matched");
        Some(Recorded { detector, confidence, distinct: number("distinct"), exempt })
    };
    findings.filter_map(read).collect()
}

fn text(record: &Value, pointer: &str) -> String {
    record.pointer(pointer).map(shown).unwrap_or_default()
}

fn shown(value: &Value) -> String {
    value.as_str().map(str::to_owned).unwrap_or_default()
}
