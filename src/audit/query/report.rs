//! What happened in a period, added up from its records alone: two runs over the same records say the same, byte for
//! byte.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use jiff::Timestamp;

use crate::audit::chain::{Hash, sha256};
use crate::audit::clock::Clock;
use crate::audit::epochs::Keys;
use crate::audit::query::facts::{Facts, micros};
use crate::audit::query::filter::Filter;
use crate::audit::query::happened::{Happened, host_of};
use crate::audit::query::index::Index;
use crate::audit::query::latest::Latest;
use crate::audit::query::removed::{Graves, Removed, without};
use crate::audit::query::store::Store;
use crate::audit::query::unended::Unended;
use crate::audit::record::Kind;
use crate::audit::segment;
use crate::audit::signing::PublicKey;
use crate::audit::text::hex;
use crate::audit::verify::key_beside;
use crate::audit::walk::Walk;
use crate::audit::witnessed::{OtherLog, Outside, Witnessed};
use crate::limits;

/// A period, and a sample drawn from it.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    /// Microseconds since 1970: not before, and before.
    pub from: i64,
    pub until: i64,
    /// How many decisions are drawn for a tester, and what the draw depends on.
    pub sample: usize,
    pub seed: u64,
}

impl Period {
    /// Whether a log that a witness has seen may have records of this period.
    fn meets(&self, other: &OtherLog) -> bool {
        let (from, until) = (micros(&other.times.0), micros(&other.times.1));
        from.is_none_or(|from| from < self.until) && until.is_none_or(|until| until >= self.from)
    }
}

/// What a trail is held to besides itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trust<'a> {
    /// As in [`verify`](crate::audit::verify()).
    pub key: Option<&'a PublicKey>,
    /// What a witness kept; `None`: nobody was asked.
    pub witness: Option<Outside<'a>>,
}

/// What one value of a field came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    pub messages: u64,
    pub blocked: u64,
    pub redacted: u64,
    pub alerted: u64,
    /// Distinct values: in an identifier's sum its own, else all.
    pub values: u64,
    pub forwarded: u64,
}

/// What one message of the sample says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sampled {
    pub seq: u64,
    pub time: String,
    pub direction: String,
    pub action: String,
    pub disclosure: String,
    pub decision: String,
}

/// A period's records, added up.
#[derive(Clone, Debug)]
pub struct Summary {
    pub period: Period,
    pub log: Option<String>,
    pub key: String,
    /// The key lay beside the records: whoever could change them could change it, too.
    pub key_beside: bool,
    /// The earliest and the latest time of all records that the trail has.
    pub reach: Option<(String, String)>,
    /// The last of the period's records that a checkpoint signs for; of a period that is whole, the last.
    pub signed: u64,
    /// What a witness has seen: `None`: there was none; else the last record up to which it saw the same.
    pub witnessed: Option<Option<u64>>,
    /// Logs under a key of the trail that a witness has seen in this period besides.
    pub other_logs: Vec<OtherLog>,
    pub happened: Happened,
    pub nodes: BTreeSet<String>,
    /// First and last record of the period; records in it.
    pub first: Option<u64>,
    pub last: Option<u64>,
    pub records: u64,
    /// Sequences that should be there and are not.
    pub gaps: Vec<(u64, u64)>,
    /// Records that retention removed, each under a signed tombstone.
    pub removed: Vec<Removed>,
    /// The first thing that is wrong with the segments that hold the period.
    pub fault: Option<String>,
    /// The checkpoint that signs for the last record of the period.
    pub signed_by: Option<u64>,
    /// SHA-256 over the lines of the period, each with its newline.
    pub hash: Hash,
    pub kinds: BTreeMap<String, u64>,
    pub actions: BTreeMap<String, u64>,
    pub would: BTreeMap<String, u64>,
    pub disclosures: BTreeMap<String, u64>,
    pub rules: BTreeMap<String, Sum>,
    pub identifiers: BTreeMap<String, Sum>,
    pub destinations: BTreeMap<String, Sum>,
    pub clients: BTreeMap<String, Sum>,
    pub tenants: BTreeMap<String, Sum>,
    pub seen: u64,
    pub inspected: u64,
    pub forwarded: u64,
    pub uninspected: BTreeMap<String, u64>,
    /// Times in which a control did not work, as their records tell it; those beyond are counted.
    pub failures: Vec<(u64, String)>,
    pub more_failures: u64,
    /// What the clock did in the records that were read for the period.
    pub clock: Clock,
    /// Messages that began to leave in it and have no end on record.
    pub unended: Unended,
    /// Whether the self-tests of the period held, and those that did not.
    pub tests: (u64, u64),
    pub sample: Vec<Sampled>,
    pub messages: u64,
}

/// Adds up a period.
pub fn summarize(directory: &Path, period: Period, trust: Trust<'_>) -> io::Result<Summary> {
    let key = match trust.key {
        Some(key) => *key,
        None => key_beside(directory).map_err(|error| io::Error::other(error.to_string()))?,
    };
    let keys = Keys::read(directory, key)?;
    let mut summary = empty(period, &key);
    summary.key_beside = trust.key.is_none();
    summary.witnessed = trust.witness.map(|_| None);
    let mut gather = Gather {
        summary,
        end: 0,
        reach: None,
        was_inside: false,
        witnessed: Witnessed::read(trust.witness.unwrap_or_default(), &keys),
        hash: ring::digest::Context::new(&ring::digest::SHA256),
        draw: BTreeMap::new(),
        walk: Walk::new(keys),
        latest: Latest::default(),
        graves: Graves::read(directory)?,
    };
    let filter = Filter { from: Some(period.from), until: Some(period.until), ..Filter::default() };
    let segments = segment::list(directory)?;
    for (at, found) in segments.iter().enumerate() {
        let is_closed = at + 1 < segments.len();
        let mut store = Store::open(found)?;
        if is_closed {
            let (earliest, latest) = Index::of(&found.path, &mut store)?.times();
            gather.reach(earliest);
            gather.reach(latest);
            if !filter.overlaps(earliest, latest) {
                continue;
            }
        }
        gather.segment(found.first, &mut store, !is_closed)?;
    }
    gather.finish(directory, &filter)
}

fn empty(period: Period, key: &PublicKey) -> Summary {
    Summary {
        period,
        log: None,
        key: key.id(),
        key_beside: false,
        reach: None,
        signed: 0,
        witnessed: None,
        other_logs: Vec::new(),
        happened: Happened::default(),
        nodes: BTreeSet::new(),
        first: None,
        last: None,
        records: 0,
        gaps: Vec::new(),
        removed: Vec::new(),
        fault: None,
        signed_by: None,
        hash: sha256(b""),
        kinds: BTreeMap::new(),
        actions: BTreeMap::new(),
        would: BTreeMap::new(),
        disclosures: BTreeMap::new(),
        rules: BTreeMap::new(),
        identifiers: BTreeMap::new(),
        destinations: BTreeMap::new(),
        clients: BTreeMap::new(),
        tenants: BTreeMap::new(),
        seen: 0,
        inspected: 0,
        forwarded: 0,
        uninspected: BTreeMap::new(),
        failures: Vec::new(),
        more_failures: 0,
        clock: Clock::default(),
        unended: Unended::default(),
        tests: (0, 0),
        sample: Vec::new(),
        messages: 0,
    }
}

struct Gather {
    summary: Summary,
    hash: ring::digest::Context,
    /// The decisions drawn so far, by what the seed makes of their sequence.
    draw: BTreeMap<Hash, Sampled>,
    walk: Walk,
    latest: Latest,
    witnessed: Witnessed,
    /// The last record that was read.
    end: u64,
    /// The earliest and the latest time of the whole trail.
    reach: Option<(i64, i64)>,
    /// Whether the record before is one of the period.
    was_inside: bool,
    graves: Graves,
}

impl Gather {
    /// The trail reaches to this time: a clock that was set puts the ends into neither its first record nor its last.
    fn reach(&mut self, micros: i64) {
        let (earliest, latest) = self.reach.unwrap_or((micros, micros));
        self.reach = Some((earliest.min(micros), latest.max(micros)));
    }

    fn segment(&mut self, first: u64, store: &mut Store, is_last: bool) -> io::Result<()> {
        if let Err(fault) = self.graves.bury(&mut self.walk, first) {
            self.summary.fault.get_or_insert_with(|| format!("record {} {}", fault.seq, fault.what));
        }
        self.walk.enter(first);
        let mut is_whole = self.summary.fault.is_none();
        store.each_line(&mut |line| {
            let walked = |walk: &mut Walk, witnessed: &mut Witnessed| {
                walk.line(line).and_then(|()| witnessed.compare(walk))
            };
            if is_whole && let Err(fault) = walked(&mut self.walk, &mut self.witnessed) {
                self.summary.fault = Some(format!("record {} {}", fault.seq, fault.what));
                is_whole = false;
            }
            self.line(line, is_last);
            Ok(true)
        })?;
        if is_whole && let Err(fault) = self.walk.finish() {
            self.summary.fault = Some(format!("record {} {}", fault.seq, fault.what));
        }
        if let Some((seq, key)) = &self.walk.unknown_key {
            self.summary.fault.get_or_insert_with(|| format!("record {seq} is signed by another key, {key}"));
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8], is_last: bool) {
        let Some(facts) = Facts::parse(line) else { return };
        let (period, at) = (self.summary.period, facts.micros());
        let is_inside = at.is_some_and(|at| (period.from..period.until).contains(&at));
        if is_last {
            self.end = facts.seq;
            at.into_iter().for_each(|at| self.reach(at));
        }
        // Into the period and out of it a step back is one of the period's.
        if is_inside || self.was_inside {
            self.summary.clock.tell(facts.seq, &facts.time);
        } else {
            self.summary.clock.pass(&facts.time);
        }
        self.was_inside = is_inside;
        match Kind::from_word(facts.kind.as_bytes()) {
            Some(Kind::Opening) if is_inside => self.summary.unended.open(line),
            Some(kind) => self.summary.unended.go_on(kind, line),
            None => {}
        }
        let is_checkpoint = &*facts.kind == Kind::Checkpoint.as_str();
        if !is_inside {
            if is_checkpoint && self.summary.last.is_some() && self.summary.signed_by.is_none() {
                self.summary.signed_by = Some(facts.seq);
            }
            return;
        }
        self.hash.update(line);
        self.hash.update(b"\n");
        let summary = &mut self.summary;
        if let Some(last) = summary.last.filter(|last| facts.seq > last + 1) {
            summary.gaps.push((last + 1, facts.seq - 1));
        }
        summary.first.get_or_insert(facts.seq);
        summary.last = Some(facts.seq);
        // A later checkpoint inside the period signs for itself and all before it.
        summary.signed_by = is_checkpoint.then_some(facts.seq);
        summary.records += 1;
        *summary.kinds.entry(facts.kind.to_string()).or_default() += 1;
        if facts.is_message() {
            if self.latest.tells(&facts, line) {
                self.message(&facts);
            }
        } else {
            self.event(&facts, line);
        }
    }

    fn message(&mut self, facts: &Facts<'_>) {
        let summary = &mut self.summary;
        summary.messages += 1;
        let action = facts.action.as_deref().unwrap_or_default();
        for (counts, word) in [
            (&mut summary.actions, Some(action)),
            (&mut summary.would, facts.would.as_deref()),
            (&mut summary.disclosures, facts.disclosure.as_deref()),
        ] {
            if let Some(word) = word {
                *counts.entry(word.to_owned()).or_default() += 1;
            }
        }
        summary.happened.message(facts);
        self.covered(facts);
        let summary = &mut self.summary;
        let one = Sum {
            messages: 1,
            blocked: u64::from(action == "block"),
            redacted: u64::from(action == "redact"),
            alerted: u64::from(action == "alert"),
            values: facts.findings.iter().map(|found| found.distinct).sum(),
            forwarded: facts.findings.iter().map(|found| found.forwarded).sum(),
        };
        for rule in &facts.rules {
            let named = || facts.findings.iter().filter(|found| found.rules.contains(rule));
            let own = Sum {
                values: named().map(|found| found.distinct).sum(),
                forwarded: named().map(|found| found.forwarded).sum(),
                ..one
            };
            add(&mut summary.rules, rule, own);
        }
        for found in &facts.findings {
            let own = Sum { values: found.distinct, forwarded: found.forwarded, ..one };
            add(&mut summary.identifiers, &found.identifier, own);
        }
        let host =
            facts.destination.as_ref().and_then(|destination| destination.host.as_deref()).map(host_of);
        let client = facts.client.as_ref();
        let client = client.and_then(|client| client.identity.as_deref().or(client.address.as_deref()));
        for (sums, name) in [
            (&mut summary.destinations, host),
            (&mut summary.clients, client),
            (&mut summary.tenants, facts.tenant.as_deref()),
        ] {
            if let Some(name) = name {
                add(sums, name, one);
            }
        }
        self.draw(facts);
    }

    /// Counts what was seen, and what of it nobody looked at.
    fn covered(&mut self, facts: &Facts<'_>) {
        let (summary, Some(bytes)) = (&mut self.summary, &facts.bytes) else { return };
        summary.seen += bytes.seen;
        summary.inspected += bytes.inspected;
        summary.forwarded += bytes.forwarded;
        for part in &bytes.uninspected {
            *summary.uninspected.entry(part.reason.to_string()).or_default() += part.bytes;
        }
    }

    /// Keeps the decisions whose hash under the seed is lowest: every decision of the period has the same chance, and
    /// whoever knows the seed draws the same ones.
    fn draw(&mut self, facts: &Facts<'_>) {
        let period = self.summary.period;
        if period.sample == 0 {
            return;
        }
        let rank = sha256(format!("tidegate.sample.v1 {} {}", period.seed, facts.seq).as_bytes());
        if self.draw.len() >= period.sample
            && self.draw.last_key_value().is_some_and(|(last, _)| rank > *last)
        {
            return;
        }
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let sampled = Sampled {
            seq: facts.seq,
            time: facts.time.to_string(),
            direction: text(facts.direction.as_deref()),
            action: text(facts.action.as_deref()),
            disclosure: text(facts.disclosure.as_deref()),
            decision: text(facts.decision.as_deref()),
        };
        self.draw.insert(rank, sampled);
        if self.draw.len() > period.sample {
            self.draw.pop_last();
        }
    }

    fn event(&mut self, facts: &Facts<'_>, line: &[u8]) {
        #[derive(serde::Deserialize)]
        struct Event {
            #[serde(default)]
            node: Option<String>,
            #[serde(default)]
            log: Option<String>,
            #[serde(default)]
            control: Option<String>,
            #[serde(default)]
            cause: Option<String>,
            #[serde(default)]
            from: Option<String>,
            #[serde(default)]
            until: Option<String>,
            #[serde(default)]
            passed: Option<bool>,
        }
        self.summary.happened.event(facts, line);
        let Ok(event) = serde_json::from_slice::<Event>(line) else { return };
        let summary = &mut self.summary;
        summary.nodes.extend(event.node);
        if let Some(log) = event.log {
            summary.log.get_or_insert(log);
        }
        let kind = &*facts.kind;
        if kind == Kind::ControlFailure.as_str() && summary.failures.len() >= limits::REPORT_ROWS {
            summary.more_failures += 1;
        } else if kind == Kind::ControlFailure.as_str() {
            let text = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
            let span = match (event.from, event.until) {
                (Some(from), Some(until)) => format!(" ({from} to {until})"),
                (Some(from), None) => format!(" (from {from})"),
                (None, Some(until)) => format!(" (until {until})"),
                (None, None) => String::new(),
            };
            summary
                .failures
                .push((facts.seq, format!("{}: {}{span}", text(event.control), text(event.cause))));
        }
        if kind == Kind::ControlTest.as_str() {
            match event.passed {
                Some(true) => summary.tests.0 += 1,
                Some(false) | None => summary.tests.1 += 1,
            }
        }
    }

    fn finish(mut self, directory: &Path, filter: &Filter) -> io::Result<Summary> {
        for line in std::mem::take(&mut self.latest).rest() {
            Facts::parse(&line).iter().for_each(|facts| self.message(facts));
        }
        let mut summary = self.summary;
        let text = |micros| Timestamp::from_microsecond(micros).map(|time| format!("{time:.6}"));
        summary.reach =
            self.reach.and_then(|(earliest, latest)| Some((text(earliest).ok()?, text(latest).ok()?)));
        if summary.witnessed.is_some() {
            summary.witnessed = Some(self.witnessed.through);
            let cut = (self.walk.seq >= self.end).then(|| self.witnessed.end(&self.walk).err()).flatten();
            let cut = cut.map(|fault| format!("record {} {}", fault.seq, fault.what));
            summary.fault = summary.fault.or(cut);
            summary.other_logs = self.witnessed.others;
            summary.other_logs.retain(|other| summary.period.meets(other));
        }
        summary.signed = self.walk.signed.min(summary.last.unwrap_or(0));
        let (removed, fault) = self.graves.finish(directory, filter, &self.walk.keys)?;
        summary.gaps = without(summary.gaps, &removed);
        summary.removed = removed;
        summary.fault = summary.fault.or(fault);
        summary.hash.copy_from_slice(self.hash.finish().as_ref());
        summary.sample = self.draw.into_values().collect();
        summary.sample.sort_by_key(|sampled| sampled.seq);
        Ok(summary)
    }
}

/// A sum more for `name`. Names come from clients, so their number is bounded; the rest share one line.
fn add(sums: &mut BTreeMap<String, Sum>, name: &str, one: Sum) {
    let is_named = sums.len() < limits::REPORT_NAMES || sums.contains_key(name);
    let name = if is_named { name } else { OTHERS };
    if !sums.contains_key(name) {
        sums.insert(name.to_owned(), Sum::default());
    }
    if let Some(sum) = sums.get_mut(name) {
        sum.add(&one);
    }
}

impl Sum {
    pub(super) fn add(&mut self, one: &Sum) {
        self.messages += one.messages;
        self.blocked += one.blocked;
        self.redacted += one.redacted;
        self.alerted += one.alerted;
        self.values += one.values;
        self.forwarded += one.forwarded;
    }
}

/// What is said of names beyond the bound; no host or rule has such a name.
const OTHERS: &str = "(others)";

impl Summary {
    /// Whether the period's records are all there, unchanged and signed for.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let is_there = self.signed_by.is_some() || (self.records == 0 && !self.removed.is_empty());
        let has_all_logs = self.other_logs.iter().all(|other| other.is_known);
        self.fault.is_none() && self.gaps.is_empty() && is_there && has_all_logs
    }

    /// Records of the period that no checkpoint signs for.
    #[must_use]
    pub fn unsigned(&self) -> Option<(u64, u64)> {
        let (first, last) = (self.first?, self.last?);
        let is_known = self.fault.is_none() && self.signed < last;
        is_known.then(|| (first.max(self.signed + 1), last))
    }

    /// Whether the trail ends before the period does: more may come.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        let end = self.reach.as_ref().and_then(|(_, last)| micros(last));
        end.is_none_or(|end| end < self.period.until)
    }

    /// Whether a witness has seen every record of the period that is signed for.
    #[must_use]
    pub fn is_witnessed(&self) -> bool {
        self.witnessed.flatten().is_some_and(|seq| seq >= self.signed)
    }

    pub(super) fn hash_text(&self) -> String {
        hex(&self.hash)
    }
}

/// A time of a period as a person reads it.
pub(super) fn shown(micros: i64) -> String {
    Timestamp::from_microsecond(micros).map_or_else(|_| micros.to_string(), |time| format!("{time:.0}"))
}
