//! A file beside a closed segment that says which of its records have which values, so that a question about millions
//! of records reads few of them.
//!
//! It is bound to its segment by length and head, made again whenever it does not fit, and never believed: what it
//! points at is read and looked at again, and nothing is proved with it. A rule, a destination and so on is a *term*
//! with the records that have it; a question is answered by sets of records, united within a field and cut across
//! fields.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::audit::chain::{Hash, sha256};
use crate::audit::query::facts::{Facts, Field};
use crate::audit::query::filter::Filter;
use crate::audit::query::store::Store;
use crate::audit::segment::{FILE_MODE, index_path};
use crate::platform::disk;

const MAGIC: &[u8; 8] = b"tgindex1";
/// Field bytes, in front of a term's text.
const FIELDS: [Field; 9] = Field::ALL;

/// What was found out about one segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Index {
    /// What it is bound to: bytes of text and the chain after the last line.
    bytes: u64,
    head: Hash,
    /// Of all times.
    earliest: i64,
    latest: i64,
    /// Lengths of lines, with their newline.
    lengths: Vec<u32>,
    times: Vec<i64>,
    /// Four bytes each of a record's decision and flow, hashed.
    ids: Vec<[u32; 2]>,
    /// Term to the records that have it, ascending.
    terms: BTreeMap<(u8, String), Vec<u32>>,
}

impl Index {
    /// The index of a closed segment: the one beside it if it fits, else a new one, kept if it can be.
    pub(super) fn of(path: &Path, store: &mut Store) -> io::Result<Index> {
        let (bytes, head) = (store.len(), store.head()?);
        let beside = index_path(path);
        if let Some(index) = disk::read_regular(&beside).ok().and_then(|file| Index::decode(&file))
            && (index.bytes, index.head) == (bytes, head)
        {
            return Ok(index);
        }
        let index = Index::build(store, bytes, head)?;
        // A reader who may not write does without.
        let _ = keep(&beside, &index.encode());
        Ok(index)
    }

    fn build(store: &mut Store, bytes: u64, head: Hash) -> io::Result<Index> {
        let mut index = Index {
            bytes,
            head,
            earliest: i64::MAX,
            latest: i64::MIN,
            lengths: Vec::new(),
            times: Vec::new(),
            ids: Vec::new(),
            terms: BTreeMap::new(),
        };
        store.each_line(&mut |line| {
            index.add(line);
            Ok(true)
        })?;
        Ok(index)
    }

    fn add(&mut self, line: &[u8]) {
        let ordinal = u32::try_from(self.lengths.len()).unwrap_or(u32::MAX);
        self.lengths.push(u32::try_from(line.len() + 1).unwrap_or(u32::MAX));
        let facts = Facts::parse(line);
        let time = facts.as_ref().and_then(Facts::micros).unwrap_or(self.latest.max(0));
        self.times.push(time);
        (self.earliest, self.latest) = (self.earliest.min(time), self.latest.max(time));
        let id = |text: Option<&str>| text.map_or(0, short_hash);
        self.ids.push(
            facts.as_ref().map_or([0; 2], |facts| [id(facts.decision.as_deref()), id(facts.flow.as_deref())]),
        );
        let Some(facts) = facts else { return };
        facts.values(|field, value| {
            // A term is known most of the time: no new text for it.
            let key = (field_byte(field), value);
            let known = self.terms.get_mut(&key as &dyn TermKey);
            match known {
                Some(records) if records.last() == Some(&ordinal) => {}
                Some(records) => records.push(ordinal),
                None => {
                    self.terms.insert((key.0, value.to_owned()), vec![ordinal]);
                }
            }
        });
    }

    /// Places of the records that may match, as (offset, length), ascending.
    pub(super) fn candidates(&self, filter: &Filter) -> Vec<(u64, u32)> {
        if self.lengths.is_empty() || !filter.overlaps(self.earliest, self.latest) {
            return Vec::new();
        }
        let mut left = Set::full(self.lengths.len());
        for (field, patterns) in &filter.fields {
            let mut found = Set::empty(self.lengths.len());
            for ((byte, text), records) in self.terms.range((field_byte(*field), String::new())..) {
                if *byte != field_byte(*field) {
                    break;
                }
                if patterns.iter().any(|pattern| pattern.matches(text)) {
                    records.iter().for_each(|record| found.put(*record));
                }
            }
            left.cut(&found);
        }
        let ids: Vec<u32> = filter.ids.iter().map(|id| short_hash(id)).collect();
        let timed = filter.from.is_some() || filter.until.is_some();
        let mut places = Vec::new();
        let mut offset = 0;
        for (ordinal, ((length, time), own)) in
            self.lengths.iter().zip(&self.times).zip(&self.ids).enumerate()
        {
            let asked = left.has(ordinal)
                && (!timed || filter.is_in_time(*time))
                && (ids.is_empty() || own.iter().any(|id| ids.contains(id)));
            if asked {
                places.push((offset, *length));
            }
            offset += u64::from(*length);
        }
        places
    }

    /// First and last time.
    pub(super) fn times(&self) -> (i64, i64) {
        (self.earliest, self.latest)
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        for number in [self.bytes, self.earliest.cast_unsigned(), self.latest.cast_unsigned()] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.head);
        push(&mut out, self.lengths.len() as u64);
        self.lengths.iter().for_each(|length| push(&mut out, u64::from(*length)));
        let mut before = 0i64;
        for time in &self.times {
            let step = time.wrapping_sub(before);
            push(&mut out, ((step << 1) ^ (step >> 63)).cast_unsigned());
            before = *time;
        }
        self.ids.iter().flatten().for_each(|id| out.extend_from_slice(&id.to_le_bytes()));
        push(&mut out, self.terms.len() as u64);
        for ((field, text), records) in &self.terms {
            out.push(*field);
            push(&mut out, text.len() as u64);
            out.extend_from_slice(text.as_bytes());
            push(&mut out, records.len() as u64);
            let mut before = 0;
            for record in records {
                push(&mut out, u64::from(record - before));
                before = *record;
            }
        }
        let hash = sha256(&out);
        out.extend_from_slice(&hash);
        out
    }

    /// `None` for anything but what [`encode`](Self::encode) wrote.
    pub(super) fn decode(file: &[u8]) -> Option<Index> {
        let (body, hash) = file.split_at_checked(file.len().checked_sub(32)?)?;
        (sha256(body) == *hash).then_some(())?;
        let mut rest = Reading(body.strip_prefix(MAGIC)?);
        let [bytes, earliest, latest] = [rest.fixed()?, rest.fixed()?, rest.fixed()?];
        let head = *rest.take(32)?.first_chunk::<32>()?;
        // Each record takes a byte at least: a count beyond that is made up.
        let count = usize::try_from(rest.number()?).ok().filter(|count| *count <= body.len())?;
        let mut lengths = Vec::with_capacity(count);
        for _ in 0..count {
            lengths.push(u32::try_from(rest.number()?).ok()?);
        }
        let (mut times, mut time) = (Vec::with_capacity(count), 0i64);
        for _ in 0..count {
            let step = rest.number()?;
            time = time.wrapping_add((step >> 1).cast_signed() ^ -((step & 1).cast_signed()));
            times.push(time);
        }
        let ids = rest.take(count.checked_mul(8)?)?.as_chunks::<8>().0.iter();
        let ids = ids.map(|[a, b, c, d, e, f, g, h]| {
            [u32::from_le_bytes([*a, *b, *c, *d]), u32::from_le_bytes([*e, *f, *g, *h])]
        });
        let ids = ids.collect();
        let mut terms = BTreeMap::new();
        for _ in 0..rest.number()? {
            let field = *rest.take(1)?.first()?;
            let length = usize::try_from(rest.number()?).ok()?;
            let text = str::from_utf8(rest.take(length)?).ok()?.to_owned();
            let having = usize::try_from(rest.number()?).ok().filter(|having| *having <= count)?;
            let (mut records, mut record) = (Vec::with_capacity(having), 0u32);
            for _ in 0..having {
                record = record.checked_add(u32::try_from(rest.number()?).ok()?)?;
                records.push(record);
            }
            terms.insert((field, text), records);
        }
        let (earliest, latest) = (earliest.cast_signed(), latest.cast_signed());
        rest.0.is_empty().then_some(Index { bytes, head, earliest, latest, lengths, times, ids, terms })
    }
}

/// Whole or not at all.
fn keep(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension(format!("index.{}", std::process::id()));
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&new)?;
        file.write_all(bytes)?;
        fs::rename(&new, path)
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&new);
    })
}

fn field_byte(field: Field) -> u8 {
    FIELDS.iter().position(|known| *known == field).and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
}

fn short_hash(text: &str) -> u32 {
    let [a, b, c, d, ..] = sha256(text.as_bytes());
    u32::from_le_bytes([a, b, c, d]).max(1)
}

/// Lets a term be looked up by a borrowed text.
trait TermKey {
    fn key(&self) -> (u8, &str);
}

impl TermKey for (u8, String) {
    fn key(&self) -> (u8, &str) {
        (self.0, &self.1)
    }
}

impl TermKey for (u8, &str) {
    fn key(&self) -> (u8, &str) {
        (self.0, self.1)
    }
}

impl<'a> std::borrow::Borrow<dyn TermKey + 'a> for (u8, String) {
    fn borrow(&self) -> &(dyn TermKey + 'a) {
        self
    }
}

impl PartialEq for dyn TermKey + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for dyn TermKey + '_ {}

impl PartialOrd for dyn TermKey + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for dyn TermKey + '_ {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// A set of a segment's records, one bit each.
struct Set(Vec<u64>);

impl Set {
    fn empty(records: usize) -> Set {
        Set(vec![0; records.div_ceil(64)])
    }

    fn full(records: usize) -> Set {
        Set(vec![u64::MAX; records.div_ceil(64)])
    }

    fn put(&mut self, record: u32) {
        if let Some(word) = self.0.get_mut(record as usize / 64) {
            *word |= 1 << (record % 64);
        }
    }

    fn has(&self, record: usize) -> bool {
        self.0.get(record / 64).is_some_and(|word| word >> (record % 64) & 1 == 1)
    }

    fn cut(&mut self, other: &Set) {
        self.0.iter_mut().zip(&other.0).for_each(|(own, other)| *own &= other);
    }
}

/// Seven bits a byte, the lowest first.
fn push(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

struct Reading<'a>(&'a [u8]);

impl<'a> Reading<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn fixed(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(*self.take(8)?.first_chunk::<8>()?))
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_kept_is_read_back_and_a_changed_one_is_not() {
        let index = Index {
            bytes: 12_345,
            head: [7; 32],
            earliest: -5,
            latest: i64::MAX,
            lengths: vec![900, 1, 70_000],
            times: vec![-5, i64::MAX, 3],
            ids: vec![[1, 2], [0, 0], [u32::MAX, 9]],
            terms: BTreeMap::from([((0, "a".to_owned()), vec![0, 2]), ((8, "é".to_owned()), vec![1])]),
        };
        let file = index.encode();
        assert_eq!(Index::decode(&file), Some(index));
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 4;
            assert_eq!(Index::decode(&changed), None, "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn anything_else_is_no_index(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), signed in any::<bool>()) {
            let mut file = MAGIC.to_vec();
            file.append(&mut bytes);
            if signed {
                let hash = sha256(&file);
                file.extend_from_slice(&hash);
            }
            // Whatever it says, it is read within bounds.
            let _ = Index::decode(&file);
        }

        #[test]
        fn numbers_come_back(number in any::<u64>()) {
            let mut out = Vec::new();
            push(&mut out, number);
            prop_assert_eq!(Reading(&out).number(), Some(number));
        }
    }
}
