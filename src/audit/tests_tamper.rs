//! Every way of tampering with a trail, at random places: each is found, and the right record is named.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

use super::tests::{check, config, key, message, public_key, run, seen, temp};
use super::*;
use proptest::prelude::*;

/// Segment names and their lines, each with its newline.
pub(super) type Trail = Vec<(String, Vec<Vec<u8>>)>;

struct Original {
    trail: Trail,
    /// What the witness was shown.
    heads: Vec<String>,
}

pub(super) fn read(directory: &Path) -> Trail {
    segment::list(directory)
        .unwrap()
        .into_iter()
        .map(|found| {
            let bytes = fs::read(&found.path).unwrap();
            let lines = bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
            (found.path.file_name().unwrap().to_str().unwrap().to_owned(), lines)
        })
        .collect()
}

pub(super) fn write(directory: &Path, trail: &Trail) {
    for (name, lines) in trail {
        fs::write(directory.join(name), lines.concat()).unwrap();
    }
}

/// A trail of several segments, made once.
fn original() -> &'static Original {
    static ORIGINAL: OnceLock<Original> = OnceLock::new();
    ORIGINAL.get_or_init(|| {
        let dir = temp();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heads);
        let config = AuditConfig { segment_size: 8 * 1024, ..config(dir.path()) };
        let witness: Witness = Box::new(move |line| kept.lock().unwrap().push(line.to_owned()));
        let (audit, writer) = Audit::open_with(config, &key(), witness).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for n in 0..60 {
                audit.submit(message(n)).await.map(drop).unwrap();
            }
        });
        writer.close();
        let trail = read(dir.path());
        assert!(trail.len() >= 5);
        assert_eq!(check(dir.path()).verdict(), Verdict::Whole);
        let heads = heads.lock().unwrap().clone();
        Original { trail, heads }
    })
}

fn verdict_of(trail: &Trail, witness: &[String]) -> Report {
    let dir = temp();
    write(dir.path(), trail);
    verify(dir.path(), Some(&public_key()), seen(witness), &mut |_| {}).unwrap()
}

/// A segment, and a line in it.
fn place() -> impl Strategy<Value = (usize, usize)> {
    let sizes: Vec<usize> = original().trail.iter().map(|(_, lines)| lines.len()).collect();
    (0..sizes.len()).prop_flat_map(move |segment| (Just(segment), 0..sizes[segment]))
}

fn seq_of(place: (usize, usize)) -> u64 {
    let before: usize = original().trail[..place.0].iter().map(|(_, lines)| lines.len()).sum();
    (before + place.1 + 1) as u64
}

fn last_seq() -> u64 {
    original().trail.iter().map(|(_, lines)| lines.len() as u64).sum()
}

/// What tampering must lead to: the fault's sequence.
fn found(trail: &Trail) -> u64 {
    let report = verdict_of(trail, &[]);
    assert_eq!(report.verdict(), Verdict::Tampered, "{report}");
    report.fault.unwrap().0.seq
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_flipped_bit((at, byte, bit) in (place(), any::<prop::sample::Index>(), 0u8..8)) {
        let mut trail = original().trail.clone();
        let line = &mut trail[at.0].1[at.1];
        let byte = byte.index(line.len());
        let ends_line = line[byte] == b'\n';
        line[byte] ^= 1 << bit;
        let newline = ends_line || line[byte] == b'\n';
        if ends_line && seq_of(at) + 1 >= last_seq() {
            // A torn tail, or the last checkpoint lost in the line before it: nothing signs for the end.
            let report = verdict_of(&trail, &[]);
            prop_assert_eq!(report.verdict(), Verdict::Unproven);
            prop_assert!(report.signed < last_seq());
        } else {
            // Where a line is split or two are joined, the next one may be the first that cannot be read.
            let seq = found(&trail);
            prop_assert!(seq == seq_of(at) || (newline && seq == seq_of(at) + 1), "{} for {}", seq, seq_of(at));
        }
    }

    #[test]
    fn a_deleted_line(at in place()) {
        let mut trail = original().trail.clone();
        trail[at.0].1.remove(at.1);
        if seq_of(at) == last_seq() {
            let report = verdict_of(&trail, &[]);
            prop_assert_eq!(report.verdict(), Verdict::Unproven);
            prop_assert!(report.signed < report.last);
        } else {
            prop_assert_eq!(found(&trail), seq_of(at));
        }
    }

    #[test]
    fn two_swapped_lines(a in place(), b in place()) {
        prop_assume!(a != b);
        let mut trail = original().trail.clone();
        let line = trail[a.0].1[a.1].clone();
        trail[a.0].1[a.1] = std::mem::replace(&mut trail[b.0].1[b.1], line);
        prop_assert_eq!(found(&trail), seq_of(a).min(seq_of(b)));
    }

    #[test]
    fn a_line_twice(from in place(), to in place()) {
        let mut trail = original().trail.clone();
        let line = trail[from.0].1[from.1].clone();
        trail[to.0].1.insert(to.1, line);
        let seq = found(&trail);
        // Put before or after itself it is the same trail, and the second is the one too many.
        let expected = if from == to || seq_of(from) + 1 == seq_of(to) && from.0 == to.0 {
            seq_of(from) + 1
        } else {
            seq_of(to)
        };
        prop_assert!(seq == expected || seq == seq_of(to), "{} for {}", seq, expected);
    }

    #[test]
    fn a_forged_line_that_follows_its_predecessor(at in place()) {
        let at = (at.0, at.1.max(1));
        let mut trail = original().trail.clone();
        // As good as a forger without the key can make it: sequence and chain are right.
        let seq = seq_of(at);
        let before = &trail[at.0].1[at.1 - 1];
        let before = &before[..before.len() - 1];
        let prev = text::from_hex(line::Line::parse(before).unwrap().prev).unwrap();
        let mut forged = Vec::new();
        line::Stamp::new("node-1", "boot-1")
            .begin(&mut forged, seq, jiff::Timestamp::UNIX_EPOCH, &chain::link(&prev, before));
        forged.extend_from_slice(b"\"kind\":\"end\"}\n");
        trail[at.0].1.insert(at.1, forged.clone());
        prop_assert!([seq, seq + 1].contains(&found(&trail)));
        // In place of the original.
        trail[at.0].1.remove(at.1 + 1);
        if seq == last_seq() {
            prop_assert_eq!(verdict_of(&trail, &[]).verdict(), Verdict::Unproven);
        } else {
            prop_assert!([seq, seq + 1].contains(&found(&trail)));
        }
    }

    #[test]
    fn a_changed_time_with_the_chain_made_good(at in place()) {
        let mut trail = original().trail.clone();
        let seq = seq_of(at);
        rechain(&mut trail, at, |line| {
            let text = String::from_utf8(line.to_vec()).unwrap();
            let year = text.find("\"time\":\"").unwrap() + "\"time\":\"".len();
            format!("{}1999{}", &text[..year], &text[year + 4..]).into_bytes()
        });
        // Without the key no checkpoint can be made good: the first one at or after it gives it away.
        let fault = found(&trail);
        prop_assert!(fault >= seq && fault <= next_checkpoint(seq), "{} for {}", fault, seq);
    }

    #[test]
    fn a_cut_tail(at in place(), bytes in 0usize..200) {
        let mut trail = original().trail.clone();
        trail.truncate(at.0 + 1);
        trail[at.0].1.truncate(at.1 + 1);
        let line = &mut trail[at.0].1[at.1];
        line.truncate(line.len() - bytes.min(line.len() - 1));
        prop_assume!(seq_of(at) != last_seq() || bytes > 0);
        let report = verdict_of(&trail, &[]);
        let at_checkpoint = report.last == report.signed && !report.torn && !report.successor_missing;
        prop_assert_eq!(report.verdict(), if at_checkpoint { Verdict::Whole } else { Verdict::Unproven });
        // The witness knows better in any case.
        let report = verdict_of(&trail, &original().heads);
        prop_assert_eq!(report.verdict(), Verdict::Tampered, "{}", &report);
        prop_assert_eq!(report.fault.unwrap().0.seq, report.last + 1);
    }

    #[test]
    fn a_missing_segment(gone in 0..original().trail.len()) {
        let mut trail = original().trail.clone();
        let lines = trail.remove(gone).1.len();
        let report = verdict_of(&trail, &[]);
        prop_assert_eq!(report.verdict(), Verdict::Unproven, "{}", &report);
        if gone == trail.len() {
            prop_assert!(report.successor_missing);
        } else {
            let first = seq_of((gone, 0));
            prop_assert_eq!(report.missing, vec![first..=first + lines as u64 - 1]);
        }
    }

    #[test]
    fn two_swapped_segments(a in 0..original().trail.len(), step in 1..original().trail.len()) {
        let b = (a + step) % original().trail.len();
        let (a, b) = (a.min(b), a.max(b));
        let mut trail = original().trail.clone();
        let lines = trail[a].1.clone();
        trail[a].1 = std::mem::replace(&mut trail[b].1, lines);
        prop_assert_eq!(found(&trail), seq_of((a, 0)));
    }
}

/// Changes a line and gives every later one the `prev` that follows: what a forger without the key can do.
fn rechain(trail: &mut Trail, at: (usize, usize), change: impl Fn(&[u8]) -> Vec<u8>) {
    let line = &mut trail[at.0].1[at.1];
    *line = change(line);
    let mut head: Option<chain::Hash> = None;
    for (segment, (_, lines)) in trail.iter_mut().enumerate() {
        for (index, line) in lines.iter_mut().enumerate() {
            if (segment, index) < at {
                continue;
            }
            let bytes = &line[..line.len() - 1];
            let stated = line::Line::parse(bytes).unwrap().prev.to_vec();
            let head_now = head.unwrap_or_else(|| text::from_hex(&stated).unwrap());
            let old = String::from_utf8(stated).unwrap();
            // In a checkpoint the head is said twice.
            let text = String::from_utf8(bytes.to_vec()).unwrap().replace(&old, &text::hex(&head_now));
            head = Some(chain::link(&head_now, text.as_bytes()));
            *line = format!("{text}\n").into_bytes();
        }
    }
}

fn next_checkpoint(seq: u64) -> u64 {
    let lines = original().trail.iter().flat_map(|(_, lines)| lines);
    lines
        .zip(1u64..)
        .skip(seq as usize - 1)
        .find(|(line, _)| line::Line::parse(&line[..line.len() - 1]).unwrap().kind == Kind::Checkpoint)
        .unwrap()
        .1
}

/// Another trail of the same length, under `key`.
fn another(key: &[u8]) -> Trail {
    let dir = temp();
    let config = AuditConfig { segment_size: 8 * 1024, ..config(dir.path()) };
    let (audit, writer) = Audit::open(config, key).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for n in 0..60 {
            audit.submit(message(n)).await.map(drop).unwrap();
        }
    });
    writer.close();
    read(dir.path())
}

#[test]
fn a_trail_made_with_another_key() {
    let other = another(&generate_signing_key().unwrap());
    let report = verdict_of(&other, &[]);
    assert_eq!((report.verdict(), report.unknown_key.unwrap().0), (Verdict::UnknownKey, 1));
    // Its tail after our beginning.
    let mut trail = original().trail.clone();
    trail[3] = other[3].clone();
    assert_eq!(found(&trail), seq_of((3, 0)));
}

#[test]
fn the_trail_of_another_site_under_the_same_key() {
    let other = another(&key());
    assert_eq!(verdict_of(&other, &[]).verdict(), Verdict::Whole);
    let report = verdict_of(&other, &original().heads);
    assert_eq!(report.verdict(), Verdict::Tampered);
    assert!(report.fault.unwrap().0.what.contains("never seen"));
    // One of its segments among ours, with the one before it gone.
    let mut trail = original().trail.clone();
    trail[3] = other[3].clone();
    trail.remove(2);
    let report = verdict_of(&trail, &[]);
    assert_eq!(report.verdict(), Verdict::Tampered, "{report}");
    assert!(report.fault.unwrap().0.what.contains("another trail"));
}

#[test]
fn a_history_rewritten_with_the_key_is_known_to_the_witness() {
    // The strongest forger has the key and the name of the trail: here, one who cuts and writes on.
    let dir = temp();
    let mut trail = original().trail.clone();
    trail.truncate(3);
    write(dir.path(), &trail);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(AuditConfig { segment_size: 8 * 1024, ..config(dir.path()) }, 60));
    assert_eq!(check(dir.path()).verdict(), Verdict::Whole);
    let report = verify(dir.path(), Some(&public_key()), seen(&original().heads), &mut |_| {}).unwrap();
    assert_eq!(report.verdict(), Verdict::Tampered, "{report}");
    assert!(report.fault.unwrap().0.what.contains("witness"));
}

/// The heads of a log that was there before the original, under the same key, and its name.
fn before() -> &'static (Vec<String>, String) {
    static BEFORE: OnceLock<(Vec<String>, String)> = OnceLock::new();
    BEFORE.get_or_init(|| {
        let heads: Vec<String> = another(&key())
            .into_iter()
            .flat_map(|(_, lines)| lines)
            .map(|line| String::from_utf8(line).unwrap())
            .filter(|line| line.contains("\"kind\":\"checkpoint\""))
            .collect();
        let log = checkpoint::Checkpoint::parse(heads[0].trim_end().as_bytes()).unwrap().log;
        (heads, log)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_trail_begun_anew_is_not_whole_without_the_one_before(
        some in prop::sample::subsequence(before().0.clone(), 1..before().0.len()),
        at in 0..original().heads.len(),
    ) {
        let mut lines = original().heads.clone();
        lines.splice(at..at, some.iter().cloned());
        let report = verdict_of(&original().trail, &lines);
        prop_assert_eq!(report.verdict(), Verdict::Unproven, "{}", &report);
        prop_assert_eq!((report.witnessed, report.witness_ignored), (Some(last_seq()), 0));
        let last = checkpoint::Checkpoint::parse(some[some.len() - 1].trim_end().as_bytes()).unwrap().seq;
        let said = format!("seen outside, and not here: records 1 to {last} of the log {}, ", before().1);
        prop_assert!(report.to_string().contains(&said), "{}", report);
    }
}

#[test]
fn another_log_of_the_same_key_may_be_kept_elsewhere() {
    let (heads, log) = before();
    let dir = temp();
    write(dir.path(), &original().trail);
    let lines = [heads.clone(), original().heads.clone()].concat();
    let verdict = |lines: &[String], other_logs: &[String]| {
        verify(dir.path(), Some(&public_key()), Outside { lines, other_logs }, &mut |_| {}).unwrap()
    };
    let own = verdict_of(&original().trail, &[]).log.unwrap();
    let report = verdict(&lines, std::slice::from_ref(&own));
    assert_eq!(report.verdict(), Verdict::Unproven, "{report}");
    let report = verdict(&lines, &[log.clone(), own]);
    assert_eq!((report.verdict(), report.witnessed), (Verdict::Whole, Some(last_seq())), "{report}");
    assert!(report.to_string().contains("seen outside, and kept elsewhere: records 1 to"), "{report}");
    // Known to be elsewhere or not: the witness has not seen this one.
    let report = verdict(heads, std::slice::from_ref(log));
    assert_eq!((report.verdict(), report.witnessed), (Verdict::Whole, None), "{report}");
    // Whoever can write to the witness, but has no key of the trail, names no log.
    let foreign = another(&generate_signing_key().unwrap()).into_iter().flat_map(|(_, lines)| lines);
    let foreign: Vec<_> = foreign.map(|line| String::from_utf8(line).unwrap()).collect();
    let report = verdict(&[original().heads.clone(), foreign.clone()].concat(), &[]);
    assert_eq!((report.verdict(), report.witness_ignored), (Verdict::Whole, foreign.len()), "{report}");
}

#[test]
fn a_witness_may_be_wrapped_and_mixed() {
    let mut lines: Vec<String> =
        original().heads.iter().map(|line| format!("Nov 23 06:17:57 host gate[7]: {line}\r")).collect();
    lines.push("something else".into());
    lines.push(String::new());
    lines.push(original().heads[0].replace("\"size\":", "\"size\":1"));
    let report = verdict_of(&original().trail, &lines);
    assert_eq!(report.verdict(), Verdict::Whole, "{report}");
    assert_eq!((report.witnessed, report.witness_ignored), (Some(last_seq()), 2));
    let report = verdict_of(&original().trail, &original().heads[..1]);
    assert!(report.to_string().contains("nothing outside has witnessed the records since 4"), "{report}");
    let report = verdict_of(&original().trail, &[]);
    assert!(report.to_string().contains("nothing outside has witnessed any record"), "{report}");
}

#[test]
fn an_empty_or_unreadable_directory_is_not_whole() {
    let dir = temp();
    assert_eq!(check(dir.path()).verdict(), Verdict::Unproven);
    let error = verify(dir.path(), None, Outside::default(), &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("audit.pub"), "{error}");
    let error =
        verify(&dir.path().join("none"), Some(&public_key()), Outside::default(), &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("cannot be read"), "{error}");
}
