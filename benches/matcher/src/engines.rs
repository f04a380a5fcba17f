//! The engines: the product's matcher and those of general use, each over the same stream of chunks.

use std::collections::HashMap;

use matcher_peers::detect::pack::Definition;
use matcher_peers::detect::{Finding, Matcher, Scan};
use matcher_peers::fingerprint::FingerprintKey;
use regex::bytes::{RegexSet, RegexSetBuilder};

use crate::vectorscan::Vectorscan;

/// What a proxy pushes at once.
pub const CHUNK: usize = 16 << 10;
/// What a chunked search without state must read twice: the longest match.
const OVERLAP: usize = 512;

pub trait Engine {
    fn name(&self) -> &'static str;
    /// Hits of one whole stream.
    fn scan(&mut self, text: &[u8]) -> u64;
}

pub struct Tidegate {
    pub matcher: Matcher,
    key: FingerprintKey,
    pub found: Vec<Finding>,
}

impl Tidegate {
    pub fn new(matcher: Matcher) -> Tidegate {
        Tidegate { matcher, key: FingerprintKey::new(&[3; 32]), found: Vec::new() }
    }
}

impl Engine for Tidegate {
    fn name(&self) -> &'static str {
        "tidegate"
    }

    fn scan(&mut self, text: &[u8]) -> u64 {
        self.found.clear();
        tidegate_scan_once(&self.matcher, &self.key, text, &mut self.found);
        self.found.len() as u64
    }
}

/// One stream; a name of its own, so that valgrind can count here alone.
#[inline(never)]
#[unsafe(no_mangle)]
pub fn tidegate_scan_once(matcher: &Matcher, key: &FingerprintKey, text: &[u8], found: &mut Vec<Finding>) {
    let mut scan = Scan::new();
    for chunk in text.chunks(CHUNK) {
        scan.push(matcher, key, chunk, found);
    }
    scan.finish(matcher, key, found);
}

pub struct Scanned {
    name: &'static str,
    pub set: Vectorscan,
}

impl Scanned {
    pub fn new(name: &'static str, patterns: &[String], starts: bool) -> Result<Scanned, String> {
        Ok(Scanned { name, set: Vectorscan::compile(patterns, starts)? })
    }
}

impl Engine for Scanned {
    fn name(&self) -> &'static str {
        self.name
    }

    fn scan(&mut self, text: &[u8]) -> u64 {
        self.set.scan(text, CHUNK)
    }
}

/// `RegexSet` tells which patterns match somewhere in a chunk, and no more. Its automaton grows with what it reads and
/// falls back to a slow search when the cache is full, so every text has a large one of its own.
pub struct Set {
    set: RegexSet,
    by_text: HashMap<*const u8, RegexSet>,
}

impl Set {
    pub fn new(patterns: &[String]) -> Result<Set, regex::Error> {
        let set = RegexSetBuilder::new(patterns)
            .unicode(false)
            .size_limit(256 << 20)
            .dfa_size_limit(256 << 20)
            .build()?;
        Ok(Set { set, by_text: HashMap::new() })
    }
}

impl Engine for Set {
    fn name(&self) -> &'static str {
        "regex-set"
    }

    fn scan(&mut self, text: &[u8]) -> u64 {
        let set = self.by_text.entry(text.as_ptr()).or_insert_with(|| self.set.clone());
        let mut hits = 0;
        let mut from = 0;
        while from < text.len() {
            let end = text.len().min(from + CHUNK);
            hits += set.matches(&text[from.saturating_sub(OVERLAP)..end]).iter().count() as u64;
            from = end;
        }
        hits
    }
}

/// A pattern as other engines write it: the group of a value has no name there.
pub fn pattern_of(definition: &Definition) -> String {
    definition.pattern.get_ref().replace("(?P<value>", "(?:")
}
