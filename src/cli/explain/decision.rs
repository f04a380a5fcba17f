//! A recorded decision, told from its records alone.

use std::io::{self, Write};
use std::path::Path;

use serde_json::Value;

use super::{Failure, Format, Output, replay};
use crate::audit::Reader;
use crate::cli::paint::{Ink, Paint, Rows};

/// Prints every record that speaks of a decision, or of a flow, of that id.
/// With a configuration each decision is gone through again under its rules.
pub(super) fn run(
    id: &str,
    directory: &Path,
    format: Format,
    config: Option<&Path>,
    output: &mut Output,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::file(directory, "cannot be read", &error);
    let id = id.to_ascii_lowercase();
    let finder = memchr::memmem::Finder::new(id.as_bytes());
    let mut reader = Reader::open(directory).map_err(failed)?;
    let mut records = Vec::new();
    while let Some(line) = reader.next_line().map_err(failed)? {
        if finder.find(line).is_none() {
            continue;
        }
        let Ok(record) = serde_json::from_slice::<Value>(line) else { continue };
        if ["decision", "flow"].iter().any(|key| record.get(key).and_then(Value::as_str) == Some(&id)) {
            records.push(record);
        }
    }
    if records.is_empty() {
        let directory = directory.display();
        return Err(Failure::negative(format!(
            "{directory}: no record of `{id}`; `--audit` names another folder, `--as text` reads it as a text"
        )));
    }
    match format {
        Format::Json => writeln!(output, "{:#}", Value::Array(records))?,
        Format::Text => {
            for (index, record) in records.iter().enumerate() {
                if index > 0 {
                    writeln!(output)?;
                }
                Told { record, paint: Paint::stdout() }.print(output)?;
            }
            if config.is_some() {
                replay::run(&records, config, output)?;
            }
        }
    }
    Ok(())
}

/// Rows without those that have nothing to say.
struct Filled<'a>(Rows<'a>);

impl Filled<'_> {
    fn line(&mut self, name: &str, text: String) -> io::Result<()> {
        if text.trim().is_empty() { Ok(()) } else { self.0.line(name, text) }
    }
}

struct Told<'a> {
    record: &'a Value,
    paint: Paint,
}

/// What each word of the records means.
const DISCLOSURE: [(&str, &str); 5] = [
    ("none", "nothing was found"),
    ("prevented", "there were matches, none of them left"),
    ("redacted", "all that left were edited"),
    ("partial", "some left as they were"),
    ("disclosed", "all left as they were"),
];

impl Told<'_> {
    /// The value under a JSON pointer as text; empty when it is missing or null.
    fn at(&self, pointer: &str) -> String {
        shown(self.record.pointer(pointer))
    }

    fn print(&self, output: &mut Output) -> Result<(), Failure> {
        let paint = self.paint;
        let kind = self.at("/kind");
        let title = format!("{kind} {}", self.at("/decision"));
        writeln!(
            output,
            "{}  record {}, {}",
            paint.with(Ink::Bold, title),
            self.at("/seq"),
            self.at("/time")
        )?;
        let rows = &mut Filled(Rows { output, paint });
        self.print_message(rows)?;
        self.print_decision(&kind, rows)?;
        Ok(())
    }

    /// What was looked at, and what was found in it.
    fn print_message(&self, rows: &mut Filled<'_>) -> io::Result<()> {
        let paint = self.paint;
        let ends = [
            ("client", self.at("/client/address")),
            ("identity", self.at("/client/identity")),
            ("listener", self.at("/protocol/listener")),
            ("tenant", self.at("/tenant")),
        ];
        rows.line(
            "message",
            [self.at("/direction"), self.at("/http/method"), self.at("/http/path_template")].join(" "),
        )?;
        rows.line("flow", self.at("/flow"))?;
        rows.line("from", named(&ends))?;
        let proven = if self.at("/destination/proven") == "true" { "name proven" } else { "name not proven" };
        let host = format!("{}:{}", self.at("/destination/host"), self.at("/destination/port"));
        let to = [("address", self.at("/destination/address")), ("group", self.at("/destination/group"))];
        if host != ":" {
            rows.line("to", format!("{host}, {proven} {}", named(&to)).trim_end().to_owned())?;
        }
        let read = [("seen", self.at("/bytes/seen")), ("inspected", self.at("/bytes/inspected"))];
        rows.line("bytes", named(&read))?;
        for part in self.list("/bytes/uninspected") {
            rows.line(
                "unread",
                format!("{} bytes: {}", shown(part.get("bytes")), shown(part.get("reason"))),
            )?;
        }
        for found in self.list("/findings") {
            let count = |key: &str| (key.to_owned(), shown(found.get(key)));
            let counts = ["matched", "distinct", "forwarded", "withheld", "suppressed"].map(count);
            let counts = counts.iter().map(|(key, n)| format!("{n} {key}")).collect::<Vec<_>>().join(", ");
            let (id, confidence) = (shown(found.get("identifier")), shown(found.get("confidence")));
            rows.line("found", format!("{} {confidence}: {counts}", paint.with(Ink::Red, id)))?;
            for place in found.get("at").and_then(Value::as_array).into_iter().flatten() {
                rows.line("", place_of(place))?;
            }
        }
        Ok(())
    }

    /// What came of it.
    fn print_decision(&self, kind: &str, rows: &mut Filled<'_>) -> io::Result<()> {
        let paint = self.paint;
        let rules = self.list("/rules").map(|rule| shown(Some(rule))).collect::<Vec<_>>().join(", ");
        rows.line(
            "rules",
            if rules.is_empty() && kind == "decision" { "none fired".to_owned() } else { rules },
        )?;
        rows.line("mode", self.at("/mode"))?;
        let would = Some(self.at("/would")).filter(|would| !would.is_empty());
        let would = would.map_or_else(String::new, |would| format!(" (in enforce it would be {would})"));
        rows.line("action", format!("{}{would}", paint.with(Ink::Bold, self.at("/action"))))?;
        rows.line("reason", self.at("/reason"))?;
        let disclosure = self.at("/disclosure");
        let meaning =
            DISCLOSURE.iter().find(|(word, _)| *word == disclosure).map_or("", |(_, meaning)| meaning);
        rows.line("disclosure", format!("{disclosure}: {meaning}").trim_end_matches(": ").to_owned())?;
        let left = [
            ("before the decision", self.at("/bytes/forwarded_before_decision")),
            ("in all", self.at("/bytes/forwarded")),
        ];
        rows.line("forwarded", named(&left))?;
        let packs = self
            .list("/packs")
            .map(|pack| format!("{} {}", shown(pack.get("name")), shown(pack.get("version"))));
        rows.line("packs", packs.collect::<Vec<_>>().join(", "))?;
        rows.line("policy", self.at("/policy/hash"))?;
        rows.line("overlay", self.at("/overlay"))?;
        rows.line("trace", self.at("/traceparent"))?;
        let spent =
            [("inspect µs", self.at("/latency_us/inspect")), ("hold µs", self.at("/latency_us/hold"))];
        rows.line("spent", named(&spent))?;
        Ok(())
    }

    fn list(&self, pointer: &str) -> impl Iterator<Item = &Value> {
        self.record.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
    }
}

/// `name value, name value` of those that are there.
fn named(pairs: &[(&str, String)]) -> String {
    let there = pairs.iter().filter(|(_, value)| !value.is_empty());
    there.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn place_of(place: &Value) -> String {
    let list = |key: &str| {
        let items = place.get(key).and_then(Value::as_array).into_iter().flatten();
        items.map(|item| shown(Some(item))).collect::<Vec<_>>().join(", ")
    };
    let keyword = place.get("keyword").and_then(Value::as_bool).unwrap_or(false);
    let details = [
        ("in", list("carrier")),
        ("passed", list("validators")),
        ("with", if keyword { "a keyword near".to_owned() } else { String::new() }),
    ];
    let place = format!("{} {}", shown(place.get("part")), shown(place.get("path")));
    [place.trim().to_owned(), named(&details)].join(": ").trim_end_matches(": ").to_owned()
}
