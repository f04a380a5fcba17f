//! The JSON Schema of a configuration, drawn by the readers themselves: what they ask a table for is what it may hold.

use std::cell::RefCell;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::raw::Raw;
use super::source::Source;
use super::table::{Log, Table};

/// JSON Schema (draft 2020-12) of the configuration file. What must be there depends on what else is, and is left to
/// `tidegate check`.
#[must_use]
pub fn schema() -> Value {
    let source = Arc::new(Source { name: String::new(), text: String::new() });
    // Whatever a reader misses in a table that holds nothing.
    let log = Log::default();
    let sketch = Sketch::default();
    Raw::read(Table::sketched(&source, &log, &sketch));
    let mut schema = sketch.0.take();
    if let Some(root) = schema.as_object_mut() {
        root.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        root.insert("title".to_owned(), json!("Tidegate configuration"));
    }
    schema
}

/// A schema as it grows, and where in it a table's own stands.
#[derive(Debug)]
pub(super) struct Sketch(RefCell<Value>);

impl Default for Sketch {
    fn default() -> Self {
        Sketch(RefCell::new(object()))
    }
}

impl Sketch {
    /// Adds a key to the table whose schema is at `pointer`; gives the pointer of its own.
    pub(super) fn add(&self, pointer: &str, key: &str, of: Value) -> String {
        if let Some(table) = self.0.borrow_mut().pointer_mut(pointer)
            && let Some(properties) = table.get_mut("properties").and_then(Value::as_object_mut)
        {
            properties.insert(key.to_owned(), of);
        }
        format!("{pointer}/properties/{key}")
    }
}

/// A table with no key yet.
pub(super) fn object() -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": Map::new() })
}

/// A string in a form that `pattern` holds to.
pub(super) fn form(expected: &str, pattern: &str) -> Value {
    json!({ "type": "string", "description": expected, "pattern": pattern })
}

/// A list of strings that are not empty.
pub(super) fn strings() -> Value {
    json!({ "type": "array", "items": item() })
}

/// A string that is not empty.
pub(super) fn item() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a schema says of a value: enough of the standard for what is drawn here.
    fn fits(schema: &Value, value: &Value) -> Result<(), String> {
        let at = |why: &str| Err(format!("{value}: {why} ({schema})"));
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            return if words.contains(value) { Ok(()) } else { at("no such word") };
        }
        match (schema["type"].as_str().unwrap(), value) {
            ("object", Value::Object(map)) => map.iter().try_for_each(|(key, value)| {
                match (schema["properties"].get(key), &schema["additionalProperties"]) {
                    (Some(of), _) => fits(of, value),
                    (None, of @ Value::Object(_)) => fits(of, value),
                    (None, _) => Err(format!("unknown key {key}")),
                }
            }),
            ("array", Value::Array(items)) => items.iter().try_for_each(|item| fits(&schema["items"], item)),
            ("string", Value::String(_)) | ("boolean", Value::Bool(_)) | ("integer", Value::Number(_)) => {
                Ok(())
            }
            _ => at("another type"),
        }
    }

    #[test]
    fn the_schema_takes_what_the_gate_takes_and_no_other_key_or_word() {
        let schema = schema();
        let read = |text: &str| -> Value { toml::from_str(text).unwrap() };
        for text in [crate::config::BUILT_IN, crate::config::starter::TEXT] {
            fits(&schema, &read(text)).unwrap();
        }
        for (text, fits_in) in [
            ("mode = \"observe\"", true),
            ("mode = \"off\"", false),
            ("[upstream]\nroots = [\"system\"]\nmin_tls = \"1.3\"", true),
            ("[upstream]\nmin_tls = 1.3", false),
            ("[[rule]]\nat_least = 3\nwindow = \"1h\"\naction = \"block\"", true),
            ("[[rule]]\nactions = \"block\"", false),
            ("[destinations]\nmine = [\"a.example\"]", true),
            ("[destinations]\nmine = \"a.example\"", false),
            ("[audit.sample]\nkey = \"k\"", true),
            ("[[upstream.destination]]\nhosts = [\"a.example\"]", true),
            ("[[upstream.destination]]\nhost = [\"a.example\"]", false),
        ] {
            assert_eq!(fits(&schema, &read(text)).is_ok(), fits_in, "{text}");
        }
    }
}
