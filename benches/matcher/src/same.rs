//! The matcher against itself over real files: every level of the processor, and every way of cutting, finds the same.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use matcher_peers::detect::{Confidence, Level, Matcher, Pack, Scan};
use matcher_peers::fingerprint::FingerprintKey;

use crate::corpora;
use crate::engines::CHUNK;
use crate::options::Options;

/// Most bytes read of one file.
const MOST: usize = 16 << 20;
/// Pushes that are gathered before they are looked at.
const SMALL: usize = 777;

/// One way to read a text.
struct Way<'m> {
    name: String,
    matcher: &'m Matcher,
    chunk: usize,
}

/// Reads all files below the paths in every way. With `list` tells the digest of each file's findings, so that two
/// builds can be compared.
pub fn run(options: &Options, packs: &[Pack], planted: &[String]) -> ExitCode {
    let matchers: Vec<(Level, Confidence, Matcher)> = Level::all()
        .into_iter()
        .flat_map(|level| [(level, Confidence::Low), (level, Confidence::Medium)])
        .map(|(level, floor)| {
            let matcher = Matcher::compile(packs.to_vec()).expect("packs compile");
            (level, floor, matcher.reporting(floor).reading_at(level))
        })
        .collect();
    let mut texts = Texts { files: options.same.iter().map(PathBuf::from).collect() };
    let mut tally = Tally::default();
    for name in &options.corpora {
        if let Some(corpus) = corpora::make(name, 1 << 20, planted) {
            tally.text(options.list, corpus.name, &corpus.text, &matchers);
        }
    }
    while let Some((path, text)) = texts.next() {
        tally.text(options.list, &path.display().to_string(), &text, &matchers);
    }
    println!(
        "{} texts, {:.1} MiB, {} findings, {} texts with differences, digest {:016x}",
        tally.texts,
        tally.bytes as f64 / f64::from(1 << 20),
        tally.findings,
        tally.differ,
        tally.digest
    );
    if tally.differ > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

#[derive(Default)]
struct Tally {
    texts: usize,
    bytes: usize,
    findings: usize,
    differ: usize,
    digest: u64,
}

impl Tally {
    fn text(&mut self, list: bool, name: &str, text: &[u8], matchers: &[(Level, Confidence, Matcher)]) {
        let mut digests = 0;
        for floor in [Confidence::Low, Confidence::Medium] {
            let mut ways = Vec::new();
            for (level, _, matcher) in matchers.iter().filter(|(_, of, _)| *of == floor) {
                ways.push(Way { name: format!("{level:?}"), matcher, chunk: CHUNK });
            }
            if let Some((level, _, matcher)) = matchers.iter().rfind(|(_, of, _)| *of == floor) {
                ways.push(Way { name: format!("{level:?} in small pieces"), matcher, chunk: SMALL });
                ways.push(Way { name: format!("{level:?} at once"), matcher, chunk: usize::MAX });
            }
            let found: Vec<(usize, u64, u64)> = ways.iter().map(|way| read(way, text)).collect();
            for (way, other) in
                ways.iter().zip(&found).filter(|(_, o)| (o.0, o.1) != (found[0].0, found[0].1))
            {
                self.differ += 1;
                eprintln!("{name}: {} from {floor:?} up differs: {} and {}", way.name, other.0, found[0].0);
            }
            let (count, _, digest) = found.first().copied().unwrap_or_default();
            self.findings += count;
            digests ^= digest.rotate_left(floor as u32);
        }
        (self.texts, self.bytes) = (self.texts + 1, self.bytes + text.len());
        self.digest = self.digest.rotate_left(1) ^ digests;
        if list {
            println!("{digests:016x} {name}");
        }
    }
}

/// How much is found, a digest of it, and one that minds what names it too. Of names only the first are told, and which
/// those are depends on how the text is cut.
fn read(way: &Way<'_>, text: &[u8]) -> (usize, u64, u64) {
    let key = FingerprintKey::new(&[3; 32]);
    let (mut scan, mut found, mut places) = (Scan::new(), Vec::new(), Vec::new());
    for chunk in text.chunks(way.chunk) {
        scan.push(way.matcher, &key, chunk, &mut found);
        places.extend(scan.places());
    }
    scan.finish(way.matcher, &key, &mut found);
    places.extend(scan.places());
    let mut digest = DefaultHasher::new();
    for found in &found {
        let id = &way.matcher.detector(found.detector).id;
        (id, found.start, found.end, found.confidence, found.keyword).hash(&mut digest);
        format!("{:?}", found.fingerprint).hash(&mut digest);
    }
    let findings = digest.finish();
    places.iter().for_each(|place| (place.start, &place.path).hash(&mut digest));
    (found.len(), findings, digest.finish())
}

/// Files below some paths, in order.
struct Texts {
    files: Vec<PathBuf>,
}

impl Texts {
    fn next(&mut self) -> Option<(PathBuf, Vec<u8>)> {
        while let Some(path) = self.files.pop() {
            let Ok(kind) = std::fs::symlink_metadata(&path) else { continue };
            if kind.is_dir() {
                self.files.extend(entries(&path));
            } else if kind.is_file()
                && let Ok(mut text) = std::fs::read(&path)
            {
                text.truncate(MOST);
                return Some((path, text));
            }
        }
        None
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = std::fs::read_dir(folder).into_iter().flatten();
    let mut entries: Vec<PathBuf> = read.flatten().map(|entry| entry.path()).collect();
    entries.sort_unstable_by(|a, b| b.cmp(a));
    entries
}
