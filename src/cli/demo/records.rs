//! The demo's records, one readable line each.

use std::fmt;
use std::path::Path;

use serde_json::Value;

use crate::audit::Reader;
use crate::cli::Failure;

/// One record of the trail.
pub(super) struct Record(Value);

pub(super) fn read(directory: &Path) -> Result<Vec<Record>, Failure> {
    let failed = |error: std::io::Error| Failure::file(directory, "cannot be read", &error);
    let mut reader = Reader::open(directory).map_err(failed)?;
    let mut records = Vec::new();
    while let Some(line) = reader.next_line().map_err(failed)? {
        let value = serde_json::from_slice(line);
        records.push(Record(value.map_err(|error| Failure::io(format!("a record is not JSON: {error}")))?));
    }
    Ok(records)
}

impl Record {
    pub(super) fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// Responses of the demo hold nothing; their records would hide the others.
    pub(super) fn is_shown(&self) -> bool {
        self.text("/kind") != "decision" || self.text("/direction") == "request"
    }

    fn names<'a>(&'a self, list: &str, key: &'a str) -> impl Iterator<Item = &'a str> {
        let items = self.0.get(list).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(move |item| item.get(key).unwrap_or(item).as_str())
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seq = self.0.get("seq").and_then(Value::as_u64).unwrap_or_default();
        let kind = self.text("/kind");
        write!(f, "{seq:>3}  {kind}")?;
        if kind != "decision" {
            return Ok(());
        }
        let (action, disclosure) = (self.text("/action"), self.text("/disclosure"));
        write!(f, "  {action:<7} {disclosure:<10} {}", self.text("/destination/host"))?;
        for identifier in self.names("findings", "identifier") {
            write!(f, "  {identifier}")?;
        }
        for rule in self.names("rules", "id") {
            write!(f, "  by {rule}")?;
        }
        Ok(())
    }
}
