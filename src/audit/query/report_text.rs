//! A summary as JSON, Markdown or HTML.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::audit::query::removed::Removed;
use crate::audit::query::report::{Sum, Summary, shown};
use crate::audit::query::unended::Begun;
use crate::audit::witnessed::OtherLog;
use crate::limits;

/// What a record of this trail can be evidence for. Whether a control is met is for others to say.
const CONTROLS: [(&str, &str, &str); 12] = [
    ("SOC 2", "CC6.1, CC6.6", "which destinations were reached, with names proven by verified TLS"),
    ("SOC 2", "CC6.7", "what was kept from leaving in transit, message by message"),
    ("SOC 2", "CC7.1–7.4", "control failures, self-tests, alerts and what was done about each message"),
    ("ISO/IEC 27001:2022", "A.8.12", "data leakage prevention: findings, actions and disclosure"),
    ("ISO/IEC 27001:2022", "A.8.15, A.8.16", "a chained, signed log without gaps, and what was seen in it"),
    ("ISO/IEC 27001:2022", "A.5.24–5.28", "records kept as evidence: sequence, hash, signature, witness"),
    ("PCI DSS 4.0.1", "3.4.1, 3.5.1.1", "no card number is in a record; fingerprints are keyed hashes"),
    ("PCI DSS 4.0.1", "4.2.1", "TLS versions on both sides of every flow"),
    (
        "PCI DSS 4.0.1",
        "10.2–10.7",
        "who, what, when and outcome; integrity, retention and failures of the log itself",
    ),
    ("PCI DSS 4.0.1", "12.10.7", "card numbers where they were not expected, with time and destination"),
    ("GDPR", "Art. 33, 34", "whether and how much personal data left: disclosure of each message"),
    ("NIS2", "Art. 23", "times and extent of what was seen, for an early warning"),
];

/// One part of a report: a heading, facts, a table.
struct Section {
    title: &'static str,
    facts: Vec<(&'static str, String)>,
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Section {
    fn new(title: &'static str) -> Section {
        Section { title, facts: Vec::new(), head: Vec::new(), rows: Vec::new() }
    }

    fn fact(mut self, name: &'static str, value: impl ToString) -> Section {
        self.facts.push((name, value.to_string()));
        self
    }

    fn table(mut self, head: &[&'static str], rows: Vec<Vec<String>>) -> Section {
        self.head = head.to_vec();
        self.rows = rows;
        self
    }
}

impl Summary {
    /// The query that makes this report again.
    #[must_use]
    pub fn query(&self) -> String {
        let mut query = format!(
            "tidegate audit report DIR --from {} --to {}",
            shown(self.period.from),
            shown(self.period.until)
        );
        if self.period.sample > 0 {
            let _ = write!(query, " --sample {} --seed {}", self.period.sample, self.period.seed);
        }
        query
    }

    fn integrity(&self) -> &'static str {
        if self.records == 0 && self.removed.is_empty() {
            "not proven: there are no records in this period"
        } else if self.is_whole() && self.removed.is_empty() {
            "whole: no gap, no change, signed for"
        } else if self.is_whole() {
            "whole, but for what retention removed: no gap, no change, signed for"
        } else {
            "not proven"
        }
    }

    fn gaps(&self) -> String {
        let gaps: Vec<String> = self.gaps.iter().map(|(from, to)| format!("{from} to {to}")).collect();
        if gaps.is_empty() { "none".to_owned() } else { format!("records {} are missing", gaps.join(", ")) }
    }

    /// From when to when there are records at all, and whether more may come.
    fn reach(&self) -> String {
        let Some((first, last)) = &self.reach else { return "there are no records".to_owned() };
        let more = if self.is_unfinished() {
            "; it ends before the period does: this is not the last word"
        } else {
            ""
        };
        format!("{first} to {last}{more}")
    }

    fn unsigned_text(&self) -> String {
        self.unsigned().map_or_else(
            || "none".to_owned(),
            |(first, last)| format!("{first} to {last}; all before are signed for"),
        )
    }

    fn witness_text(&self) -> String {
        let Some(seen) = self.witnessed else {
            return "nobody was asked (--witness FILE): that the end was cut off would not be noticed"
                .to_owned();
        };
        match seen {
            None => "a witness was asked and has seen none of these records".to_owned(),
            Some(seq) if self.is_witnessed() => format!("seen outside up to record {seq}"),
            Some(seq) => format!("seen outside up to record {seq} alone"),
        }
    }

    fn other_logs_text(&self) -> String {
        let told = |other: &OtherLog| match other.is_known {
            true => format!("kept elsewhere: {other}"),
            false => format!("not here: {other}"),
        };
        let told: Vec<String> = self.other_logs.iter().take(limits::REPORT_ROWS).map(told).collect();
        match (self.witnessed, told.is_empty()) {
            (None, _) => "nobody was asked".to_owned(),
            (Some(_), true) => "none seen in this period".to_owned(),
            (Some(_), false) => told.join("; "),
        }
    }

    fn key_text(&self) -> String {
        let beside =
            if self.key_beside { ", found beside the records: compare it with your own copy" } else { "" };
        format!("{}{beside}", self.key)
    }

    /// Tombstones by the number in their file's name.
    fn removals(&self) -> Vec<Vec<String>> {
        let row = |gone: &Removed| {
            let records = format!("{} to {}", gone.first, gone.last);
            let under = format!("removed under tombstone {}", gone.first);
            vec![records, under, gone.reason.clone(), gone.time.clone(), gone.tombstone.clone()]
        };
        let more = self.removed.len().saturating_sub(limits::REPORT_ROWS) as u64;
        let more = more_rows(more)
            .map(|said| [said, String::new(), String::new(), String::new(), String::new()].to_vec());
        self.removed.iter().take(limits::REPORT_ROWS).map(row).chain(more).collect()
    }

    fn proof(&self) -> [Section; 2] {
        let optional =
            |number: Option<u64>| number.map_or_else(|| "none".to_owned(), |number| number.to_string());
        let nodes: Vec<&str> = self.nodes.iter().map(String::as_str).collect();
        let head = ["records", "proof", "reason", "removed at", "SHA-256 of the tombstone"];
        [
            Section::new("Period and proof")
                .fact("Query", self.query())
                .fact("From", shown(self.period.from))
                .fact("To (not included)", shown(self.period.until))
                .fact("The trail reaches from", self.reach())
                .fact("Clock", self.clock_text())
                .fact("Trail", self.log.as_deref().unwrap_or("unknown"))
                .fact("Nodes", nodes.join(", "))
                .fact("First record", optional(self.first))
                .fact("Last record", optional(self.last))
                .fact("Records", self.records)
                .fact("Gaps", self.gaps())
                .fact("Integrity", self.integrity())
                .fact("First fault", self.fault.as_deref().unwrap_or("none"))
                .fact("Signed for by checkpoint", optional(self.signed_by))
                .fact("Not signed for", self.unsigned_text())
                .fact("Witness", self.witness_text())
                .fact("Other logs of its key", self.other_logs_text())
                .fact("Signing key", self.key_text())
                .fact("SHA-256 of the period's lines", self.hash_text()),
            Section::new("Removed by retention")
                .fact("Segments of records", self.removed.len())
                .table(&head, self.removals()),
        ]
    }

    fn sections(&self) -> Vec<Section> {
        let mut sections = Vec::from(self.proof());
        sections.push(
            Section::new("Totals")
                .fact("Messages", self.messages)
                .table(&["what", "word", "records"], self.totals()),
        );
        for (title, sums) in [
            ("By rule", &self.rules),
            ("By identifier", &self.identifiers),
            ("By destination", &self.destinations),
            ("By client", &self.clients),
            ("By tenant", &self.tenants),
        ] {
            let head =
                ["name", "messages", "blocked", "redacted", "alerted", "distinct values", "values that left"];
            sections.push(Section::new(title).table(&head, sum_rows(sums)));
        }
        sections.push(self.unended());
        let missed: Vec<Vec<String>> =
            self.uninspected.iter().map(|(reason, bytes)| vec![reason.clone(), bytes.to_string()]).collect();
        sections.push(
            Section::new("Coverage")
                .fact("Body bytes seen", self.seen)
                .fact("Body bytes inspected", self.inspected)
                .fact("Body bytes forwarded", self.forwarded)
                .table(&["not inspected because", "bytes"], missed),
        );
        for (title, head, rows) in self.happened.tables() {
            sections.push(Section::new(title).table(head, rows));
        }
        let failures = self.failures.iter().map(|(seq, text)| vec![seq.to_string(), text.clone()]);
        let more = more_rows(self.more_failures).map(|said| vec![String::new(), said]);
        let failures = failures.chain(more).collect();
        sections.push(
            Section::new("Controls")
                .fact("Self-tests passed", self.tests.0)
                .fact("Self-tests failed", self.tests.1)
                .table(&["record", "control failure"], failures),
        );
        let produced: Vec<Vec<String>> = CONTROLS
            .iter()
            .map(|(framework, control, what)| [*framework, *control, *what].map(str::to_owned).to_vec())
            .collect();
        sections.push(
            Section::new("Produces evidence for")
                .fact("Note", "whether a control is met is for its owner and the auditor to say")
                .table(&["framework", "control", "what these records show"], produced),
        );
        if self.period.sample > 0 {
            let head = ["record", "time", "direction", "action", "disclosure", "decision"];
            let rows = self.sample.iter().map(|s| {
                let seq = s.seq.to_string();
                [&seq, &s.time, &s.direction, &s.action, &s.disclosure, &s.decision]
                    .map(Clone::clone)
                    .to_vec()
            });
            sections.push(Section::new("Sample").fact("Seed", self.period.seed).table(&head, rows.collect()));
        }
        sections
    }

    /// Messages whose gate died as they were under way.
    fn unended(&self) -> Section {
        let row = |begun: &Begun| {
            let Begun { seq, time, direction, destination, client } = begun;
            let left = "unknown".to_owned();
            vec![seq.to_string(), time.clone(), direction.clone(), destination.clone(), client.clone(), left]
        };
        let more = more_rows(self.unended.more).map(|said| {
            let mut row = vec![String::new(); 6];
            row.splice(3..4, [said]);
            row
        });
        let rows = self.unended.lost.iter().map(row).chain(more).collect();
        let head = ["opening", "time", "direction", "destination", "client", "how much of it left"];
        Section::new("Messages without an end on record")
            .fact("Cut off as their gate died", self.unended.count())
            .fact("Not ended in the records that were read", self.unended.under_way())
            .table(&head, rows)
    }

    fn clock_text(&self) -> String {
        match &self.clock.first_back {
            None => "never went back in the records of this period".to_owned(),
            Some(first) if self.clock.back == 1 => format!("went back {first}"),
            Some(first) => format!("went back {} times, first {first}", self.clock.back),
        }
    }

    fn totals(&self) -> Vec<Vec<String>> {
        let parts = [
            ("kind", &self.kinds),
            ("action", &self.actions),
            ("would have been", &self.would),
            ("disclosure", &self.disclosures),
        ];
        let rows = parts.into_iter().flat_map(|(what, counts)| {
            counts.iter().map(move |(word, count)| vec![what.to_owned(), word.clone(), count.to_string()])
        });
        rows.collect()
    }

    fn integrity_json(&self) -> Value {
        let removed = |gone: &Removed| {
            json!({
                "first": gone.first, "last": gone.last, "reason": gone.reason, "time": gone.time,
                "tombstone": gone.tombstone,
            })
        };
        json!({
            "whole": self.is_whole(),
            "gaps": self.gaps,
            "removed": self.removed.iter().map(removed).collect::<Value>(),
            "fault": self.fault,
            "signed_by": self.signed_by,
            "unsigned": self.unsigned(),
            "unfinished": self.is_unfinished(),
            "reach": self.reach,
            "clock_went_back": self.clock.back,
            "clock_first_went_back": self.clock.first_back.as_ref().map(|step| {
                json!({ "seq": step.seq, "from": step.from, "to": step.to })
            }),
            "witness": self.witnessed.map(|seen| json!({ "seen": seen, "all": self.is_witnessed() })),
            "other_logs": self.other_logs.iter().map(OtherLog::to_json).collect::<Value>(),
            "key_beside_records": self.key_beside,
            "sha256": self.hash_text(),
        })
    }

    #[must_use]
    pub fn to_json(&self) -> String {
        let sums = |sums: &BTreeMap<String, Sum>| -> Value {
            let one = |(name, sum): (&String, &Sum)| {
                json!({
                    "name": name, "messages": sum.messages, "blocked": sum.blocked, "redacted": sum.redacted,
                    "alerted": sum.alerted, "distinct": sum.values, "forwarded": sum.forwarded,
                })
            };
            ranked(sums).0.into_iter().map(one).collect()
        };
        let more = |sums: &BTreeMap<String, Sum>| ranked(sums).1.len();
        let sampled = |s: &super::Sampled| {
            json!({
                "seq": s.seq, "time": s.time, "direction": s.direction, "action": s.action,
                "disclosure": s.disclosure, "decision": s.decision,
            })
        };
        let control = |(framework, control, what): &(&str, &str, &str)| json!({ "framework": framework, "control": control, "shows": what });
        let report = json!({
            "report": "tidegate.audit.report.v1",
            "query": self.query(),
            "from": shown(self.period.from),
            "to": shown(self.period.until),
            "log": self.log,
            "nodes": self.nodes,
            "key": self.key,
            "sequence": { "first": self.first, "last": self.last, "records": self.records },
            "integrity": self.integrity_json(),
            "totals": {
                "messages": self.messages,
                "kinds": self.kinds,
                "actions": self.actions,
                "would": self.would,
                "disclosure": self.disclosures,
            },
            "rules": sums(&self.rules),
            "identifiers": sums(&self.identifiers),
            "destinations": sums(&self.destinations),
            "clients": sums(&self.clients),
            "tenants": sums(&self.tenants),
            "more_rules": more(&self.rules),
            "more_identifiers": more(&self.identifiers),
            "more_destinations": more(&self.destinations),
            "more_clients": more(&self.clients),
            "more_tenants": more(&self.tenants),
            "unended": self.unended.lost.iter().map(Begun::to_json).collect::<Value>(),
            "more_unended": self.unended.more,
            "under_way": self.unended.under_way(),
            "coverage": {
                "seen": self.seen,
                "inspected": self.inspected,
                "forwarded": self.forwarded,
                "uninspected": self.uninspected,
            },
            "happened": self.happened.to_json(),
            "controls": {
                "tests": { "passed": self.tests.0, "failed": self.tests.1 },
                "failures": self.failures.iter().map(|(seq, text)| json!({ "seq": seq, "what": text })).collect::<Value>(),
                "more_failures": self.more_failures,
            },
            "produces_evidence_for": CONTROLS.iter().map(control).collect::<Value>(),
            "sample": { "seed": self.period.seed, "decisions": self.sample.iter().map(sampled).collect::<Value>() },
        });
        format!("{report:#}\n")
    }

    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut out = "# Tidegate audit report\n".to_owned();
        for section in self.sections() {
            let _ = write!(out, "\n## {}\n\n", section.title);
            for (name, value) in &section.facts {
                let _ = writeln!(out, "- {name}: {}", plain_markdown(value));
            }
            if section.head.is_empty() {
                continue;
            }
            if section.rows.is_empty() {
                out.push_str("\n(nothing)\n");
                continue;
            }
            let _ =
                write!(out, "\n| {} |\n|{}\n", section.head.join(" | "), " --- |".repeat(section.head.len()));
            for row in &section.rows {
                let cells: Vec<String> = row.iter().map(|cell| plain_markdown(cell)).collect();
                let _ = writeln!(out, "| {} |", cells.join(" | "));
            }
        }
        out
    }

    #[must_use]
    pub fn to_html(&self) -> String {
        let mut out = HTML_HEAD.to_owned();
        for section in self.sections() {
            let _ = writeln!(out, "<h2>{}</h2>", escaped(section.title));
            if !section.facts.is_empty() {
                out.push_str("<dl>\n");
                for (name, value) in &section.facts {
                    let _ = writeln!(out, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value));
                }
                out.push_str("</dl>\n");
            }
            if section.head.is_empty() {
                continue;
            }
            if section.rows.is_empty() {
                out.push_str("<p>(nothing)</p>\n");
                continue;
            }
            let cells = |tag: &str, cells: &mut dyn Iterator<Item = &str>| {
                cells.fold(String::new(), |row, cell| row + &format!("<{tag}>{}</{tag}>", escaped(cell)))
            };
            let _ = writeln!(out, "<table>\n<tr>{}</tr>", cells("th", &mut section.head.iter().copied()));
            for row in &section.rows {
                let _ = writeln!(out, "<tr>{}</tr>", cells("td", &mut row.iter().map(String::as_str)));
            }
            out.push_str("</table>\n");
        }
        out.push_str("</body>\n</html>\n");
        out
    }
}

const HTML_HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
<title>Tidegate audit report</title>\n<style>body{font:15px/1.5 sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse}th,td{border:1px solid #bbb;padding:.2rem .6rem;text-align:left}\
dt{font-weight:bold}dd{margin:0 0 .3rem 1rem;overflow-wrap:anywhere}</style>\n</head>\n<body>\n<h1>Tidegate audit report</h1>\n";

/// A sum and what it is of.
type Named<'a> = (&'a String, &'a Sum);

/// Those first of which most values left, then those with most that was blocked, then with most messages; of equals the
/// first in the alphabet. What is beyond the rows of a table comes apart.
fn ranked(sums: &BTreeMap<String, Sum>) -> (Vec<Named<'_>>, Vec<Named<'_>>) {
    let mut ranked: Vec<_> = sums.iter().collect();
    ranked.sort_by_key(|(_, sum)| Reverse((sum.forwarded, sum.blocked, sum.messages)));
    let more = ranked.split_off(ranked.len().min(limits::REPORT_ROWS));
    (ranked, more)
}

/// What is said of rows that a table has no room for.
fn more_rows(more: u64) -> Option<String> {
    (more > 0).then(|| format!("and {more} more"))
}

fn sum_rows(sums: &BTreeMap<String, Sum>) -> Vec<Vec<String>> {
    let row = |(name, sum): (&String, &Sum)| {
        let numbers = [sum.messages, sum.blocked, sum.redacted, sum.alerted, sum.values, sum.forwarded];
        std::iter::once(name.clone()).chain(numbers.map(|number| number.to_string())).collect()
    };
    let (ranked, more) = ranked(sums);
    let mut rest = Sum::default();
    more.iter().for_each(|(_, sum)| rest.add(sum));
    let rest = more_rows(more.len() as u64).map(|said| row((&said, &rest)));
    ranked.into_iter().map(row).chain(rest).collect()
}

/// Text that Markdown leaves as it is, in a cell and outside.
fn plain_markdown(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '\\' | '|' | '*' | '_' | '`' | '[' | ']' | '<' | '>' | '#' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// Hostile text as both forms show it.
#[cfg(test)]
pub(super) fn plain(text: &str) -> (String, String) {
    (plain_markdown(text), escaped(text))
}
