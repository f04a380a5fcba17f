//! The names around a finding, spelled for people: a path of keys, a column, a field.

use super::{Layout, Name, Names, Scope};
use crate::limits;

/// Where in its text a finding stands, as the text itself names it. What a client wrote has not been cleansed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Offset of the value.
    pub start: u64,
    /// What names it: `json`, `yaml`, `csv`, `sql`, `xml`, `form`, `multipart`, outermost first.
    pub kinds: [Option<&'static str>; 2],
    pub path: String,
    /// How many charsets and runs of base64 are around the text that names it.
    pub within: usize,
    /// Whether what looks like its names may be quoted: something around it quotes without escapes.
    pub quoted: bool,
}

impl Place {
    /// That of a value at `start` that stands under a name in something of this kind.
    #[must_use]
    pub fn called(start: u64, kind: &'static str, name: &str) -> Place {
        let path = shown(name.as_bytes()).unwrap_or("…").to_owned();
        Place { start, kinds: [Some(kind), None], path, within: 0, quoted: false }
    }

    /// The same place, in something of this kind that has a name.
    #[must_use]
    pub fn under(self, kind: &'static str, name: &str) -> Place {
        let outer = Place::called(self.start, kind, name);
        let inner = self.kinds.into_iter().flatten().next_back();
        Place { kinds: [Some(kind), inner], path: format!("{} {}", outer.path, self.path), ..self }
    }

    /// That of a string of JSON, by its path: `.choices[0].delta.content`.
    #[must_use]
    pub fn json(start: u64, path: &str) -> Option<Place> {
        let path = format!("$.{}", path.trim_start_matches('.'));
        shown(path.as_bytes())?;
        Some(Place { start, kinds: [Some("json"), None], path, within: 0, quoted: false })
    }
}

/// A name as it is shown. One that could hide something from whoever cleanses it is not.
fn shown(name: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(name).ok()?;
    let plain = |c: char| c.is_alphabetic() || c.is_ascii_alphanumeric() || " _-.:@#$/()[]".contains(c);
    (name.len() <= limits::NAME_LEN && name.chars().all(plain)).then_some(name)
}

impl Names {
    /// The place of a finding at `start`; nothing where nothing names it.
    pub(in crate::detect) fn place(&self, start: u64, text: &[u8], layout: &Layout) -> Option<Place> {
        // The keys around an array say where its elements stand, whatever heads their column.
        let keyed = self.list.get(1).filter(|key| key.scope == Scope::JsonPath);
        let own = self.list.first().filter(|own| own.list != "json" || keyed.is_none()).or(keyed)?;
        let spelled = |name: &Name| shown(name.text(text, layout)).unwrap_or("…").to_owned();
        let part = self.list.last().filter(|name| name.scope == Scope::MultipartName);
        let of = |scope| self.list.iter().rev().filter(move |name| name.scope == scope && !name.called);
        let elements = |rooted: bool| {
            let step = |name: &Name| format!("/{}{}", if name.attribute { "@" } else { "" }, spelled(name));
            let steps: String = of(Scope::XmlName).map(step).collect();
            format!("{}{steps}", if rooted { "" } else { "/" })
        };
        let (kind, path) = match own.scope {
            Scope::JsonPath => {
                let mut path = format!("${}", if self.rooted { "" } else { "." });
                for (nth, key) in of(Scope::JsonPath).enumerate() {
                    // A text in a string of another has a path of its own.
                    path.push_str(if key.inner && nth > 0 { " $" } else { "" });
                    path.push_str(&json_step(&spelled(key)));
                }
                (Some(if self.yaml { "yaml" } else { "json" }), path)
            }
            Scope::XmlName => (Some("xml"), elements(self.rooted)),
            Scope::CsvHeader if own.list != "csv" => (Some(own.list), format!("column \"{}\"", spelled(own))),
            Scope::CsvHeader => (Some("csv"), format!("column {} \"{}\"", own.column + 1, spelled(own))),
            Scope::FormKey => (Some("form"), spelled(own)),
            Scope::MultipartName | Scope::Near | Scope::Url | Scope::Header => (None, String::new()),
        };
        // What a text of JSON stands in.
        let around = self.list.last().filter(|_| own.scope == Scope::JsonPath);
        let (around, path) = match around.map(|name| (name.scope, name)) {
            Some((Scope::FormKey, key)) => (Some("form"), format!("{} {path}", spelled(key))),
            Some((Scope::XmlName, _)) => (Some("xml"), format!("{} {path}", elements(self.outer_rooted))),
            Some(_) | None => (None, path),
        };
        let (outer, path) = match part {
            Some(part) if path.is_empty() => (Some("multipart"), spelled(part)),
            Some(part) => (Some("multipart"), format!("{} {path}", spelled(part))),
            None => (around, path),
        };
        Some(Place {
            start,
            kinds: if outer.is_some() { [outer, kind] } else { [kind, None] },
            path,
            within: 0,
            quoted: (own.scope == Scope::XmlName || own.scope == Scope::CsvHeader && !own.in_row)
                && self.is_quoted(text)
                || self.list.iter().any(|key| key.inner),
        })
    }
}

impl Names {
    /// Whether a section of XML that is not read as markup begins in what was looked at.
    fn is_quoted(&self, text: &[u8]) -> bool {
        let at = self.at().unwrap_or_default();
        let before = text.get(at.saturating_sub(limits::NAMES_REACH)..at).unwrap_or_default();
        [&b"<![CDATA["[..], b"<!--"].iter().any(|mark| memchr::memmem::find(before, mark).is_some())
    }
}

fn json_step(key: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '…' | '$');
    if key.chars().all(is_plain) { format!(".{key}") } else { format!("[\"{key}\"]") }
}
