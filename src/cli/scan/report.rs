//! Findings as lines for people, or as one JSON object a line.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::Format;
use super::text::Hit;
use crate::audit::base64;
use crate::cli::paint::{Ink, Paint};
use crate::detect::{Confidence, Matcher};

#[derive(Clone, Copy)]
pub(super) struct Report<'a> {
    pub(super) format: Format,
    pub(super) matcher: &'a Matcher,
    pub(super) paint: Paint,
}

/// One line of `--format jsonl`.
#[derive(Serialize)]
struct Line<'a> {
    path: &'a str,
    /// The name as it is, in base64, where `path` is no more than like it.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
    detector: &'a str,
    start: u64,
    end: u64,
    /// What the offsets count in: the file, or the innermost text.
    base: &'a str,
    /// What its member of an archive is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<&'a str>,
    confidence: &'static str,
    carrier: Vec<&'static str>,
    masked: &'a str,
    fingerprint: String,
}

impl Report<'_> {
    pub(super) fn hit(&self, hit: &Hit<'_>, output: &mut dyn Write) -> io::Result<()> {
        let detector = &self.matcher.detector(hit.finding.detector).id;
        let confidence = hit.finding.confidence.as_str();
        match self.format {
            Format::Text => {
                let paint = self.paint;
                let ink = match hit.finding.confidence {
                    Confidence::High => Ink::Red,
                    Confidence::Medium => Ink::Yellow,
                    Confidence::Low => Ink::Dim,
                };
                let place = match hit.line {
                    // A member of an archive, where lines say little.
                    0 => self.shown(&format!("{}!{}", hit.path.display(), hit.member)),
                    _ => self.shown(&hit.path.to_string_lossy()),
                };
                let line = match hit.line {
                    0 => paint.with(Ink::Green, format_args!("byte {}", hit.finding.start)).to_string(),
                    line => format!("{}:{}", paint.with(Ink::Green, line), hit.column),
                };
                writeln!(
                    output,
                    "{}:{line}: {} {}: {}",
                    paint.with(Ink::Magenta, place),
                    paint.with(Ink::Bold, detector),
                    paint.with(ink, confidence),
                    self.marked(hit)
                )
            }
            Format::Jsonl => {
                let codings = hit.codings.iter().map(|coding| coding.as_str());
                let carrier = codings.chain(hit.carrier.iter().copied()).collect::<Vec<_>>();
                let base = carrier.get(..hit.codings.len() + hit.base).unwrap_or_default().join("/");
                let line = Line {
                    path: &hit.path.to_string_lossy(),
                    path_bytes: not_text(hit.path),
                    detector,
                    start: hit.finding.start,
                    end: hit.finding.end,
                    base: if base.is_empty() { "file" } else { &base },
                    member: (!hit.member.is_empty()).then_some(hit.member.as_str()),
                    confidence,
                    carrier,
                    masked: &hit.masked,
                    fingerprint: hit.finding.fingerprint.to_string(),
                };
                serde_json::to_writer(&mut *output, &line)?;
                output.write_all(b"\n")
            }
        }
    }

    /// Why something was not read, for people.
    pub(super) fn unread(&self, path: &str, why: &str) -> String {
        format!("{}: {why}", self.shown(path))
    }

    /// A path for people: nothing in it steers a terminal, and values in it are masked.
    fn shown(&self, path: &str) -> String {
        if !self.matcher.is_quiet(&[], path.as_bytes()) {
            return self.matcher.cleanse(path);
        }
        let plain = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
        path.chars().map(plain).collect()
    }

    /// The context with the value's shape set off.
    fn marked(&self, hit: &Hit<'_>) -> String {
        match hit.context.split_once(hit.masked.as_str()).filter(|_| self.paint.is_on()) {
            Some((before, after)) => format!("{before}{}{after}", self.paint.with(Ink::Red, &hit.masked)),
            None => hit.context.clone(),
        }
    }
}

/// A path that is no UTF-8, in base64.
fn not_text(path: &Path) -> Option<String> {
    path.to_str().is_none().then(|| base64(path.as_os_str().as_encoded_bytes()))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;
    use crate::detect::Pack;

    #[test]
    fn names_that_are_no_text_are_told_apart() {
        let path = |bytes| Path::new(OsStr::from_bytes(bytes));
        assert_eq!(not_text(path(b"a/b\xff.txt")).as_deref(), Some("YS9i/y50eHQ="));
        assert_eq!(not_text(path(b"a/b\xfe.txt")).as_deref(), Some("YS9i/i50eHQ="));
        assert_eq!(not_text(path("a/é.txt".as_bytes())), None);
    }

    #[test]
    fn a_path_that_could_not_be_read_is_masked() {
        let matcher = Matcher::compile(vec![Pack::built_in("payment").unwrap()]).unwrap();
        let report = Report { format: Format::Text, matcher: &matcher, paint: Paint::stdout() };
        for (path, said) in [
            ("cards/card-4539148803436467.gz", "cards/card-****************.gz: why"),
            ("a/b\u{1b}c.txt", "a/b\\u{1b}c.txt: why"),
        ] {
            assert_eq!(report.unread(path, "why"), said);
        }
    }
}
