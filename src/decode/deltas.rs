//! Strings that go on from one event of a stream to the next: what language models send word by word.

use std::ops::Range;

use crate::limits::{DELTA_DEPTH, DELTA_STRINGS};

/// A piece of a string that other events may go on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// What it belongs to: keys, places in arrays, and the `index` of whatever has one.
    pub path: String,
    /// In the line, without its quotes.
    pub range: Range<usize>,
}

/// How the lines of a stream are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// Server-sent events: `data: …`.
    Events,
    /// A document of JSON a line.
    Json,
    /// A letter or digit for what it is, a colon, and JSON: `0:"…"`.
    Parts,
    /// Lines of an array of answers, which ends with the last of them.
    Answers,
}

/// What the first bytes of a text tell of its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Stream(Lines),
    None,
    /// More of it tells.
    More,
}

/// Blanks that are waited for.
const BLANKS: usize = 128;

impl Lines {
    /// Whether a text that begins so is a stream of events, as nobody says of it.
    #[must_use]
    pub fn recognise(opening: &[u8]) -> Told {
        const FIELDS: [&[u8]; 5] = [b"data:", b"event:", b"id:", b"retry:", b":"];
        let opening = opening.strip_prefix(b"\xef\xbb\xbf").unwrap_or(opening);
        if FIELDS.iter().any(|field| opening.starts_with(field)) {
            return Told::Stream(Lines::Events);
        }
        let may_be_events = FIELDS.iter().any(|field| field.starts_with(opening));
        match (is_part(opening), are_answers(opening)) {
            (Some(true), _) => Told::Stream(Lines::Parts),
            (_, Some(true)) => Told::Stream(Lines::Answers),
            (Some(false), Some(false)) if !may_be_events => Told::None,
            _ => Told::More,
        }
    }
}

/// Whether a text begins as `0:"…"` does.
fn is_part(opening: &[u8]) -> Option<bool> {
    match opening {
        [kind, b':', b'"' | b'{' | b'[', ..] => Some(kind.is_ascii_digit() || kind.is_ascii_lowercase()),
        [kind] | [kind, b':'] if kind.is_ascii_digit() || kind.is_ascii_lowercase() => None,
        [] => None,
        _ => Some(false),
    }
}

/// Whether it begins as an array of answers of Gemini, which is sent piece by piece.
fn are_answers(opening: &[u8]) -> Option<bool> {
    let mut rest = opening;
    for sign in [b"[".as_slice(), b"{", b"\"candidates\""] {
        rest = rest.trim_ascii_start();
        match rest.strip_prefix(sign) {
            Some(behind) => rest = behind,
            None if sign.starts_with(rest) && opening.len() < BLANKS => return None,
            None => return Some(false),
        }
    }
    Some(true)
}

/// Keys whose strings are sent in pieces. Anything below `delta` is.
const KEYS: [&[u8]; 12] = [
    b"content",
    b"text",
    b"arguments",
    b"partial_json",
    b"response",
    b"completion",
    b"thinking",
    b"reasoning",
    b"reasoning_content",
    b"refusal",
    b"token",
    b"transcript",
];

/// What a patch appends in events, to whatever the one before named.
const APPENDED: &[u8] = b"v";

/// What a patch of JSON adds (RFC 6902), and what holds such patches.
const ADDED: &[u8] = b"value";
const PATCHES: &[u8] = b"ops";

/// Appends the pieces that a line holds.
pub fn deltas(lines: Lines, line: &[u8], out: &mut Vec<Delta>) {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let from = match lines {
        Lines::Json => 0,
        Lines::Events => {
            let Some(data) = line.strip_prefix(b"data:") else { return };
            line.len() - data.strip_prefix(b" ").unwrap_or(data).len()
        }
        Lines::Parts if is_part(line) == Some(true) => 2,
        Lines::Parts => return,
        Lines::Answers => return texts(line, out),
    };
    let Some(blanks) = line[from..].iter().position(|byte| !byte.is_ascii_whitespace()) else { return };
    let from = from + blanks;
    if line[from..].starts_with(b"[DONE]") {
        return;
    }
    let (frames, indexes, found) = (Vec::new(), Vec::new(), Vec::new());
    let mut walk = Walk { lines, line, at: from, frames, indexes, opened: 0, found };
    match line[from] {
        b'{' | b'[' => walk.run(),
        b'"' if lines != Lines::Json => walk.whole(),
        _ => {}
    }
    out.extend(walk.finish());
}

/// The texts that a line of an answer holds, whatever they stand in: it may be a line of many.
fn texts(line: &[u8], out: &mut Vec<Delta>) {
    const KEY: &[u8] = b"\"text\"";
    let mut at = 0;
    while let Some(key) = memchr::memmem::find(&line[at..], KEY) {
        at += key + KEY.len();
        let behind = line[at..].trim_ascii_start();
        let Some(string) = behind.strip_prefix(b":").map(<[u8]>::trim_ascii_start) else { continue };
        let Some(string) = string.strip_prefix(b"\"") else { continue };
        let from = line.len() - string.len();
        let mut walk = Walk {
            lines: Lines::Answers,
            line,
            at: from,
            frames: Vec::new(),
            indexes: Vec::new(),
            opened: 0,
            found: Vec::new(),
        };
        let Some(range) = walk.string() else { return };
        if out.len() < DELTA_STRINGS {
            at = range.end;
            out.push(Delta { path: ".text".to_owned(), range });
        } else {
            return;
        }
    }
}

/// An object or array that is open.
#[derive(Clone, Debug)]
struct Frame {
    number: usize,
    /// The key whose value comes or is read; of an array nothing.
    key: Option<Range<usize>>,
    is_object: bool,
    /// Values before this one.
    count: usize,
}

struct Walk<'a> {
    lines: Lines,
    line: &'a [u8],
    at: usize,
    frames: Vec<Frame>,
    /// The `index` of objects that have one.
    indexes: Vec<(usize, Range<usize>)>,
    opened: usize,
    /// Strings, and what was open around them.
    found: Vec<(Range<usize>, Vec<Frame>)>,
}

impl Walk<'_> {
    fn run(&mut self) {
        while let Some(&byte) = self.line.get(self.at) {
            self.at += 1;
            match byte {
                b'{' | b'[' => {
                    if self.frames.len() == DELTA_DEPTH {
                        return;
                    }
                    self.opened += 1;
                    let number = self.opened;
                    self.frames.push(Frame { number, key: None, is_object: byte == b'{', count: 0 });
                }
                b'}' | b']' if self.frames.pop().is_none() => return,
                b',' => {
                    if let Some(top) = self.frames.last_mut() {
                        (top.key, top.count) = (None, top.count + 1);
                    }
                }
                b'"' => {
                    let Some(string) = self.string() else { return };
                    self.take(string);
                }
                b'0'..=b'9' => self.number(),
                _ => {}
            }
        }
    }

    /// An event that is one string and nothing else.
    fn whole(&mut self) {
        self.at += 1;
        if let Some(string) = self.string()
            && self.line[self.at..].iter().all(u8::is_ascii_whitespace)
        {
            self.found.push((string, Vec::new()));
        }
    }

    /// The string whose quote was just read.
    fn string(&mut self) -> Option<Range<usize>> {
        let from = self.at;
        loop {
            let end = self.at + memchr::memchr2(b'"', b'\\', self.line.get(self.at..)?)?;
            if self.line[end] == b'"' {
                self.at = end + 1;
                return Some(from..end);
            }
            self.at = end + 2;
        }
    }

    fn take(&mut self, string: Range<usize>) {
        let Some(top) = self.frames.last_mut() else { return };
        if top.is_object && top.key.is_none() {
            top.key = Some(string);
            return;
        }
        let keys = || self.frames.iter().filter_map(|frame| frame.key.clone()).map(|key| &self.line[key]);
        let own = self.frames.iter().rev().find_map(|frame| frame.key.clone()).map(|key| &self.line[key]);
        let is_patch = self.lines == Lines::Events && self.frames.len() == 1 && own == Some(APPENDED);
        let goes_on = is_patch
            || own.is_some_and(|own| KEYS.contains(&own))
            || keys().any(|key| key == b"delta")
            || own == Some(ADDED) && keys().any(|key| key == PATCHES);
        if goes_on && self.found.len() < DELTA_STRINGS {
            self.found.push((string, self.frames.clone()));
        }
    }

    fn number(&mut self) {
        let from = self.at - 1;
        let rest = self.line.get(from..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at = from + length;
        if let Some(top) = self.frames.last()
            && top.key.clone().is_some_and(|key| &self.line[key] == b"index")
        {
            self.indexes.push((top.number, from..from + length));
        }
    }

    fn finish(self) -> Vec<Delta> {
        let spelled = |range: &Range<usize>| String::from_utf8_lossy(&self.line[range.clone()]).into_owned();
        let found = self.found.iter().map(|(range, frames)| {
            let mut path = String::new();
            for frame in frames {
                // An index beside a token counts tokens, which all go on with one text.
                let counts = frame.key.as_ref().is_some_and(|key| self.line[key.clone()] == *b"token");
                let own = self.indexes.iter().filter(|(number, _)| *number == frame.number && !counts);
                for (_, index) in own {
                    path.push_str(&format!("#{}", spelled(index)));
                }
                match &frame.key {
                    Some(key) => path.push_str(&format!(".{}", spelled(key))),
                    None => path.push_str(&format!("[{}]", frame.count)),
                }
            }
            Delta { path, range: range.clone() }
        });
        found.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_told_with_what_they_belong_to() {
        type Row = (Lines, &'static str, &'static [(&'static str, &'static str)]);
        let rows: &[Row] = &[
            (
                Lines::Events,
                r#"data: {"id":"x","choices":[{"index":1,"delta":{"role":"a","content":"4\"5"}}]}"#,
                &[(".choices[0]#1.delta.role", "a"), (".choices[0]#1.delta.content", "4\\\"5")],
            ),
            (
                Lines::Events,
                "data:{\"type\":\"d\",\"delta\":{\"text\":\"hi\"},\"index\":0}\r",
                &[("#0.delta.text", "hi")],
            ),
            (
                Lines::Events,
                r#"data: {"type":"response.output_text.delta","delta":"hi"}"#,
                &[(".delta", "hi")],
            ),
            (
                Lines::Events,
                r#"data:{"index":7,"token":{"id":9,"text":" 45","special":false},"generated_text":null}"#,
                &[(".token.text", " 45")],
            ),
            (Lines::Events, r#"data:  " 4\"5" "#, &[("", " 4\\\"5")]),
            (Lines::Events, r#"data: "torn"#, &[]),
            (Lines::Events, r#"data: "4","5""#, &[]),
            (Lines::Events, r#"data: {"p":"/message/parts/0","o":"append","v":" 45"}"#, &[(".v", " 45")]),
            (Lines::Events, r#"data: {"v":"39"}"#, &[(".v", "39")]),
            (Lines::Events, r#"data: {"values":[{"k":"a","v":"39"}]}"#, &[]),
            (Lines::Json, r#"{"k":"a","v":"39"}"#, &[]),
            (Lines::Json, r#""39""#, &[]),
            (Lines::Events, "data: ", &[]),
            (Lines::Events, "data: word", &[]),
            (
                Lines::Events,
                r#"data: {"ops":[{"op":"add","path":"/streamed_output/-","value":"47"}],"value":"x"}"#,
                &[(".ops[0].value", "47")],
            ),
            (Lines::Parts, r#"0:"4\"7""#, &[("", r#"4\"7"#)]),
            (Lines::Parts, r#"d:{"finishReason":"stop"}"#, &[]),
            (Lines::Parts, r#"g:{"text":"47"}"#, &[(".text", "47")]),
            (Lines::Parts, "word", &[]),
            (Lines::Answers, r#"            "text": "4\"7","#, &[(".text", "4\\\"7")]),
            (
                Lines::Answers,
                r#",{"candidates":[{"content":{"parts":[{"text":"4"},{"text" : "7"}]}}]}"#,
                &[(".text", "4"), (".text", "7")],
            ),
            (Lines::Answers, r#"  "role": "model", "text": 7, "text": "torn"#, &[]),
            (Lines::Events, "data: [DONE]", &[]),
            (Lines::Events, "event: delta", &[]),
            (Lines::Json, r#"{"response":"4","done":false,"n":[1,2]}"#, &[(".response", "4")]),
            (Lines::Json, r#"{"user":"4539","id":"7"}"#, &[]),
            (Lines::Json, r#"{"text":"torn"#, &[]),
            (Lines::Json, "]}{\"text\":\"x\"}", &[]),
        ];
        for (lines, line, expected) in rows {
            let mut found = Vec::new();
            deltas(*lines, line.as_bytes(), &mut found);
            let found: Vec<_> = found.iter().map(|d| (d.path.as_str(), &line[d.range.clone()])).collect();
            assert_eq!(found, *expected, "{line}");
        }
    }

    #[test]
    fn a_stream_of_events_is_known_by_its_first_bytes() {
        for (opening, known) in [
            ("data: {", Told::Stream(Lines::Events)),
            ("ev", Told::More),
            ("", Told::More),
            (": ping", Told::Stream(Lines::Events)),
            ("{\"a\"", Told::None),
            ("evening", Told::None),
            ("0", Told::More),
            ("0:", Told::More),
            ("0:\"a", Told::Stream(Lines::Parts)),
            ("0:3", Told::None),
            ("f:{\"messageId\"", Told::Stream(Lines::Parts)),
            ("[", Told::More),
            ("[{\n  \"cand", Told::More),
            ("[{\n  \"candidates\": [", Told::Stream(Lines::Answers)),
            ("[{\"candidate\":", Told::None),
            ("[1,2]", Told::None),
        ] {
            assert_eq!(Lines::recognise(opening.as_bytes()), known, "{opening}");
        }
    }
}
