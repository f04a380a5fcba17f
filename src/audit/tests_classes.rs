//! Ten ways of tampering, each at many random places: all are found, and the record is named. `TAMPER` says how many places
//! (`tests/tamper/run`: 10,000).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::checkpoint::Cause;
use super::keyring::KeyEpochs;
use super::tests::{config, key, message, public_key, temp};
use super::tests_tamper::{Trail, read, write};
use super::*;

/// Numbers drawn from a seed (splitmix64).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count as u64).unwrap()
    }

    /// A segment, and a line in it.
    fn place(&mut self, trail: &Trail) -> (usize, usize) {
        let all: usize = trail.iter().map(|(_, lines)| lines.len()).sum();
        place_of(trail, self.below(all) as u64 + 1)
    }
}

fn place_of(trail: &Trail, seq: u64) -> (usize, usize) {
    let mut left = usize::try_from(seq).unwrap() - 1;
    for (segment, (_, lines)) in trail.iter().enumerate() {
        if left < lines.len() {
            return (segment, left);
        }
        left -= lines.len();
    }
    panic!("there is no record {seq}");
}

fn seq_of(trail: &Trail, place: (usize, usize)) -> u64 {
    let before: usize = trail[..place.0].iter().map(|(_, lines)| lines.len()).sum();
    (before + place.1 + 1) as u64
}

/// A trail whose key is handed over twice, over several segments.
fn made() -> Trail {
    let folder = temp();
    let file = folder.path().join("audit.key");
    std::fs::write(&file, key()).unwrap();
    let epochs = KeyEpochs { file, epoch: Duration::from_secs(3600) };
    let directory = folder.path().join("audit");
    let config = AuditConfig { segment_size: 6 * 1024, key_epochs: Some(epochs), ..config(&directory) };
    let (mut log, _) = Log::open(&config, Signer::from_pkcs8(&key()).unwrap()).unwrap();
    for n in 0..60u64 {
        let Draft::Message(draft) = message(n) else { unreachable!() };
        log.append([encode::message(&draft, None).as_slice()].into_iter()).unwrap();
        if n % 20 == 15 {
            let next = log.next_key().unwrap();
            log.hand_over(next).unwrap();
        }
        if n % 7 == 0 {
            log.sign(Cause::Busy).unwrap();
        }
        if log.is_segment_full() {
            log.rotate().unwrap();
        }
    }
    log.sign(Cause::Stop).unwrap();
    let trail = read(&directory);
    assert!(trail.len() > 4);
    trail
}

fn ours() -> &'static Trail {
    static TRAIL: OnceLock<Trail> = OnceLock::new();
    TRAIL.get_or_init(made)
}

/// Another site's, under the same first key.
fn theirs() -> &'static Trail {
    static TRAIL: OnceLock<Trail> = OnceLock::new();
    TRAIL.get_or_init(made)
}

/// Gives every line from a place on the `prev` that follows, and checkpoints a signature by `signer`, if there is one.
fn rechain(trail: &mut Trail, at: (usize, usize), signer: Option<&Signer>) {
    let mut head: Option<chain::Hash> = None;
    for (segment, (_, lines)) in trail.iter_mut().enumerate() {
        for (index, line) in lines.iter_mut().enumerate() {
            if (segment, index) < at {
                continue;
            }
            let bytes = &line[..line.len() - 1];
            let stated = String::from_utf8(line::Line::parse(bytes).unwrap().prev.to_vec()).unwrap();
            let now = head.unwrap_or_else(|| text::from_hex(stated.as_bytes()).unwrap());
            // In a checkpoint the head is said twice.
            let mut text = String::from_utf8(bytes.to_vec()).unwrap().replace(&stated, &text::hex(&now));
            if let (Some(signer), Some(at)) = (signer, text.find(",\"key\":\"")) {
                text.truncate(at);
                text.push_str(&format!(",\"key\":\"{}\"", signer.id()));
                let message = [b"tidegate.audit.checkpoint.v1\0", text.as_bytes()].concat();
                text.push_str(&format!(",\"signature\":\"{}\"}}", text::hex(&signer.sign(&message))));
            }
            head = Some(chain::link(&now, text.as_bytes()));
            *line = format!("{text}\n").into_bytes();
        }
    }
}

fn with_time(line: &[u8], year: &str) -> Vec<u8> {
    let text = String::from_utf8(line.to_vec()).unwrap();
    let at = text.find("\"time\":\"").unwrap() + "\"time\":\"".len();
    format!("{}{year}{}", &text[..at], &text[at + 4..]).into_bytes()
}

/// Changes a trail at a random place; the first record that is not what was written.
type Class = fn(&mut Trail, &mut Draw) -> u64;

const CLASSES: [(&str, Class); 10] = [
    ("one flipped bit", |trail, draw| {
        let at = draw.place(trail);
        let line = &mut trail[at.0].1[at.1];
        let byte = draw.below(line.len());
        line[byte] ^= 1 << draw.below(8);
        seq_of(trail, at)
    }),
    ("a record deleted", |trail, draw| {
        let at = draw.place(trail);
        let seq = seq_of(trail, at);
        trail[at.0].1.remove(at.1);
        seq
    }),
    ("two records swapped", |trail, draw| {
        let (a, mut b) = (draw.place(trail), draw.place(trail));
        while a == b {
            b = draw.place(trail);
        }
        let line = trail[a.0].1[a.1].clone();
        trail[a.0].1[a.1] = std::mem::replace(&mut trail[b.0].1[b.1], line);
        seq_of(trail, a.min(b))
    }),
    ("a record duplicated", |trail, draw| {
        let (from, to) = (draw.place(trail), draw.place(trail));
        let line = trail[from.0].1[from.1].clone();
        let seq = seq_of(trail, to);
        trail[to.0].1.insert(to.1, line);
        // Before itself it is the same trail, and the second is the one too many.
        seq + u64::from(from == to)
    }),
    ("a record inserted that follows its predecessor", |trail, draw| {
        let at = draw.place(trail);
        let at = (at.0, at.1.max(1));
        let before = &trail[at.0].1[at.1 - 1];
        let before = &before[..before.len() - 1];
        let prev = text::from_hex(line::Line::parse(before).unwrap().prev).unwrap();
        let (seq, head) = (seq_of(trail, at), chain::link(&prev, before));
        let mut forged = Vec::new();
        let now = jiff::Timestamp::from_second(1_800_000_000).unwrap();
        line::Stamp::new("node-1", "boot-1").begin(&mut forged, seq, now, &head);
        forged.extend_from_slice(b"\"kind\":\"end\"}\n");
        trail[at.0].1.insert(at.1, forged);
        seq
    }),
    ("a segment replaced by another site's", |trail, draw| {
        let segment = draw.below(trail.len());
        trail[segment].1 = theirs()[segment.min(theirs().len() - 1)].1.clone();
        seq_of(trail, (segment, 0))
    }),
    ("a tail chained anew without the key", |trail, draw| {
        let at = draw.place(trail);
        let line = String::from_utf8(trail[at.0].1[at.1].clone()).unwrap();
        trail[at.0].1[at.1] = line.replace("\"node-1\"", "\"node-2\"").into_bytes();
        rechain(trail, at, None);
        seq_of(trail, at)
    }),
    ("a tail signed with a key that was handed over", |trail, draw| {
        let handed = trail
            .iter()
            .flat_map(|(_, lines)| lines)
            .position(|line| checkpoint::hands_over(std::str::from_utf8(line).unwrap()));
        let last = seq_of(trail, (trail.len(), 0)) - 1;
        let first = handed.unwrap() as u64 + 2;
        let seq = first + draw.next() % (last - first + 1);
        let at = place_of(trail, seq);
        trail[at.0].1[at.1] = with_time(&trail[at.0].1[at.1], "2031");
        rechain(trail, at, Some(&Signer::from_pkcs8(&key()).unwrap()));
        seq
    }),
    ("another site's log from a segment on", |trail, draw| {
        let segment = draw.below(trail.len() - 1) + 1;
        let seq = seq_of(trail, (segment, 0));
        trail.truncate(segment);
        trail.extend(theirs().iter().skip(segment).cloned());
        seq
    }),
    ("a time changed", |trail, draw| {
        let at = draw.place(trail);
        trail[at.0].1[at.1] = with_time(&trail[at.0].1[at.1], "1999");
        seq_of(trail, at)
    }),
];

#[test]
fn each_class_is_found_wherever_it_is() {
    let places = std::env::var("TAMPER").map_or(60, |text| text.parse().unwrap());
    let last = seq_of(ours(), (ours().len(), 0)) - 1;
    let one = |(at, (name, class)): (usize, &(&str, Class))| {
        let mut draw = Draw(at as u64 + 1);
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for _ in 0..places {
            let mut trail = ours().clone();
            let seq = class(&mut trail, &mut draw);
            let dir = temp();
            write(dir.path(), &trail);
            let report = verify(dir.path(), Some(&public_key()), Outside::default(), &mut |_| {}).unwrap();
            let answer = match (report.verdict(), &report.fault) {
                (Verdict::Tampered, Some((fault, _))) if fault.seq == seq => "that record",
                // Where a line is broken in two, or its successor is the first that contradicts it.
                (Verdict::Tampered, Some((fault, _))) if fault.seq == seq + 1 => "the next",
                // A chain made good is given away by the next signature.
                (Verdict::Tampered, Some((fault, _))) if fault.seq > seq && fault.seq <= seq + 40 => {
                    "a later one"
                }
                // Where two trails meet, either may be the wrong one.
                (Verdict::Tampered, Some((fault, _))) if fault.seq + 1 == seq => "the one before",
                // The very end: nothing signs for it any longer.
                (Verdict::Unproven, None) if report.signed < last && seq + 1 >= last => "an unproven end",
                _ => "MISSED",
            };
            *counts.entry(answer).or_default() += 1;
            assert!(answer != "MISSED", "{name}: record {seq}: {report}");
        }
        let shown: Vec<String> = counts.iter().map(|(answer, count)| format!("{answer} {count}")).collect();
        println!("{name}: {places} places, {places} found (named: {})", shown.join(", "));
    };
    std::thread::scope(|scope| {
        for class in CLASSES.iter().enumerate() {
            scope.spawn(move || one(class));
        }
    });
}
