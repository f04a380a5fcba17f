//! A folder to hand on: segments, checkpoints, public key, a manifest of hashes, and a program of its own that checks
//! them without this one.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::audit::epochs::Keys;
use crate::audit::query::facts::Facts;
use crate::audit::query::filter::Filter;
use crate::audit::query::index::Index;
use crate::audit::query::search::search;
use crate::audit::query::settle::settle;
use crate::audit::query::store::Store;
use crate::audit::query::subset::subset;
use crate::audit::record::Kind;
use crate::audit::segment::{self, FILE_MODE, Found};
use crate::audit::signing::Signer;
use crate::audit::text::hex;
use crate::audit::verify::{key_beside, verify};
use crate::audit::{OpenError, Outside, PublicKey, chain, tombstone};

/// What is said before a manifest is signed: such a signature means nothing else.
const DOMAIN: &[u8] = b"tidegate.audit.bundle.v1\0";
const CHECKER: &str = include_str!("verify.py");
const STEPS: &str = include_str!("bundle.md");

/// What goes into a bundle, and where it goes.
#[derive(Debug)]
pub struct Bundle<'a> {
    pub directory: &'a Path,
    /// A folder that is not there yet.
    pub to: &'a Path,
    /// Records outside its time are left out by whole segments; those that match stand apart once more.
    pub filter: &'a Filter,
    pub key: Option<&'a PublicKey>,
    /// Leaves the other records out: each of those that match is proved by itself.
    pub only_matching: bool,
    /// Signs the manifest.
    pub signer: Option<&'a Signer>,
}

struct Writing<'a> {
    to: &'a Path,
    files: Vec<Value>,
}

impl Writing<'_> {
    /// Writes a file and notes it for the manifest.
    fn put(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.to.join(name);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        self.files.push(json!({ "file": name, "bytes": bytes.len(), "sha256": hex(&chain::sha256(bytes)) }));
        Ok(())
    }
}

/// What a bundle has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    pub records: u64,
    /// Those of them that match the filter.
    pub matched: u64,
    /// Records that match and are not in it: the first, the last, how many. No checkpoint signs for them yet.
    pub left_out: Option<(u64, u64, u64)>,
}

/// Writes a bundle of what is signed for.
pub fn export(bundle: &Bundle<'_>) -> Result<Exported, OpenError> {
    let key = match bundle.key {
        Some(key) => *key,
        None => key_beside(bundle.directory)?,
    };
    let settled = settle(bundle.directory)
        .map_err(|error| OpenError::new(bundle.directory, format!("cannot be read: {error}")))?;
    // Whatever the answer is: a trail that was changed is evidence, too.
    let mut report = verify(bundle.directory, Some(&key), Outside::default(), &mut |_| {})?;
    report.asked = settled;
    let failed = |error: io::Error| OpenError::new(bundle.to, format!("cannot be written: {error}"));
    let make = |path: PathBuf| DirBuilder::new().mode(0o700).create(path);
    make(bundle.to.to_owned()).and_then(|()| make(bundle.to.join("records"))).map_err(failed)?;
    let mut writing = Writing { to: bundle.to, files: Vec::new() };
    let mut copied = Copied::default();
    let segments = segment::list(bundle.directory).map_err(failed)?;
    for (at, found) in segments.iter().enumerate().filter(|_| !bundle.only_matching) {
        copied.segment(found, at + 1 < segments.len(), bundle.filter, &mut writing).map_err(failed)?;
    }
    let mut selected: Vec<(u64, Vec<u8>)> = Vec::new();
    search(bundle.directory, bundle.filter, &mut |line, facts| {
        // What a gate wrote while this was made was not asked for.
        if facts.seq <= copied.last.max(report.last) {
            selected.push((facts.seq, line.to_vec()));
        }
        Ok(true)
    })
    .map_err(failed)?;
    let keys = Keys::read(bundle.directory, key).map_err(failed)?;
    let mut put = |name: &str, bytes: &[u8]| writing.put(name, bytes).map_err(failed);
    let mut left_out: Vec<u64>;
    if bundle.only_matching {
        let seqs: Vec<u64> = selected.iter().map(|(seq, _)| *seq).collect();
        let subset = subset(bundle.directory, &keys, &seqs)?;
        put("proofs.jsonl", &subset.proofs)?;
        copied.checkpoints = subset.checkpoints;
        left_out = subset.unsigned;
        selected.retain(|(seq, _)| left_out.binary_search(seq).is_err());
        let ends = [selected.first(), selected.last()].map(|line| line.map_or(0, |(seq, _)| *seq));
        (copied.records, [copied.first, copied.last]) = (selected.len() as u64, ends);
    } else {
        left_out = selected.iter().map(|(seq, _)| *seq).filter(|seq| *seq > copied.last).collect();
        selected.retain(|(seq, _)| *seq <= copied.last);
    }
    // What came after a settled record came while this was made.
    left_out.retain(|seq| settled.is_none_or(|settled| *seq <= settled));
    let selection: Vec<u8> =
        selected.iter().flat_map(|(_, line)| line.iter().copied().chain([b'\n'])).collect();
    put("selection.jsonl", &selection)?;
    put("checkpoints.jsonl", &copied.checkpoints)?;
    put("audit.pub", key.to_pem().as_bytes())?;
    put("tombstones.jsonl", &tombstones(bundle.directory).map_err(failed)?)?;
    put("keys.jsonl", &keys.text())?;
    put("verified.txt", format!("{report}\n").as_bytes())?;
    put("verify.py", CHECKER.as_bytes())?;
    put("README.md", STEPS.as_bytes())?;
    let manifest = json!({
        "bundle": "tidegate.audit.bundle.v1",
        "log": report.log,
        "key": key.id(),
        "verdict": report.verdict().as_str(),
        "records": { "first": copied.first, "last": copied.last, "count": copied.records },
        "files": writing.files,
    });
    let manifest = format!("{manifest:#}\n");
    writing.put("manifest.json", manifest.as_bytes()).map_err(failed)?;
    if let Some(signer) = bundle.signer {
        let signature = signer.sign(&[DOMAIN, manifest.as_bytes()].concat());
        let signature = json!({ "key": signer.id(), "public_key": signer.public().to_pem(), "signature": hex(&signature) });
        writing.put("manifest.sig", format!("{signature:#}\n").as_bytes()).map_err(failed)?;
    }
    fs::File::open(bundle.to).and_then(|folder| folder.sync_all()).map_err(failed)?;
    let left_out = left_out.first().zip(left_out.last()).map(|(a, b)| (*a, *b, left_out.len() as u64));
    Ok(Exported { records: copied.records, matched: selected.len() as u64, left_out })
}

/// The lines that stand for removed segments, in order.
fn tombstones(directory: &Path) -> io::Result<Vec<u8>> {
    let all = tombstone::list(directory)?.into_values().flatten();
    Ok(all.flat_map(|tombstone| format!("{}\n", tombstone.line).into_bytes()).collect())
}

#[derive(Default)]
struct Copied {
    first: u64,
    last: u64,
    records: u64,
    checkpoints: Vec<u8>,
}

impl Copied {
    /// Copies a segment that may hold something of the filter's time; of one that still grows, what is signed for.
    fn segment(
        &mut self,
        found: &Found,
        is_closed: bool,
        filter: &Filter,
        writing: &mut Writing<'_>,
    ) -> io::Result<()> {
        let mut store = Store::open(found)?;
        if is_closed {
            let (earliest, latest) = Index::of(&found.path, &mut store)?.times();
            if !filter.overlaps(earliest, latest) {
                return Ok(());
            }
        }
        let (mut text, mut kept, mut checkpoints, mut last) = (Vec::new(), (0, 0, 0), Vec::new(), 0);
        let mut records = 0;
        store.each_line(&mut |line| {
            text.extend_from_slice(line);
            text.push(b'\n');
            records += 1;
            let Some(facts) = Facts::parse(line) else { return Ok(true) };
            last = facts.seq;
            if &*facts.kind == Kind::Checkpoint.as_str() {
                checkpoints.extend_from_slice(line);
                checkpoints.push(b'\n');
                kept = (text.len(), last, records);
            }
            Ok(true)
        })?;
        let (bytes, last, records) = if is_closed { (text.len(), last, records) } else { kept };
        if records == 0 {
            return Ok(());
        }
        text.truncate(bytes);
        if self.records == 0 {
            self.first = found.first;
        }
        self.last = last;
        self.records += records;
        self.checkpoints.append(&mut checkpoints);
        writing.put(&format!("records/{}", segment::name(found.first)), &text)
    }
}
