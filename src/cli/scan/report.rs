//! Findings as lines for people, or as one JSON object a line.

use std::io::{self, Write};

use serde::Serialize;

use super::Format;
use super::text::Hit;
use crate::decode::Coding;
use crate::detect::Matcher;

pub(super) struct Report<'a> {
    format: Format,
    matcher: &'a Matcher,
    found: u64,
}

/// One line of `--format jsonl`.
#[derive(Serialize)]
struct Line<'a> {
    path: &'a str,
    detector: &'a str,
    start: u64,
    end: u64,
    /// What the offsets count in: the file, or the innermost text.
    base: &'a str,
    confidence: &'static str,
    carrier: Vec<&'static str>,
    masked: &'a str,
    fingerprint: String,
}

impl<'a> Report<'a> {
    pub(super) fn new(format: Format, matcher: &'a Matcher) -> Report<'a> {
        Report { format, matcher, found: 0 }
    }

    pub(super) fn found(&self) -> u64 {
        self.found
    }

    pub(super) fn hit(&mut self, hit: &Hit<'_>, output: &mut dyn Write) -> io::Result<()> {
        self.found += 1;
        let detector = &self.matcher.detector(hit.finding.detector).id;
        let confidence = hit.finding.confidence.as_str();
        match self.format {
            Format::Text => {
                let (path, context) = (hit.path.display(), &hit.context);
                writeln!(output, "{path}:{}:{}: {detector} {confidence}: {context}", hit.line, hit.column)
            }
            Format::Jsonl => {
                let carrier = hit.codings.iter().map(|coding| coding.as_str()).collect::<Vec<_>>();
                let line = Line {
                    path: &hit.path.to_string_lossy(),
                    detector,
                    start: hit.finding.start,
                    end: hit.finding.end,
                    base: hit.codings.last().map_or("file", |coding: &Coding| coding.as_str()),
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
}
