//! What becomes of closed segments: packed, they say the same, and no crash in between costs a record.

use std::fs;
use std::path::Path;

use super::query::{Bundle, Filter, export, follow_from, prove};
use super::tests::{check, config, key, message, pack_all, public_key, records, run, temp};
use super::*;

/// A closed trail of several segments.
async fn trail() -> tempfile::TempDir {
    let dir = temp();
    run(AuditConfig { segment_size: 8 * 1024, ..config(dir.path()) }, 60).await;
    assert!(segment::list(dir.path()).unwrap().len() > 4);
    dir
}

/// Whatever the commands answer, in one text.
fn answers(directory: &Path) -> String {
    let report = check(directory).to_string();
    let followed = || {
        let mut follow = follow_from(directory, 20).unwrap();
        let mut text = String::new();
        while let Some(line) = follow.next_line().unwrap() {
            text.push_str(std::str::from_utf8(line).unwrap());
        }
        text
    };
    let to = temp();
    let folder = to.path().join("bundle");
    let bundle = Bundle {
        directory,
        to: &folder,
        filter: &Filter::default(),
        key: None,
        only_matching: false,
        signer: None,
    };
    let exported = export(&bundle).unwrap();
    let manifest = fs::read_to_string(folder.join("manifest.json")).unwrap();
    let proof = prove(directory, 25, Some(&public_key())).unwrap();
    format!("{report}{:?}{}{exported:?}{manifest}{proof}", records(directory), followed())
}

#[tokio::test]
async fn a_packed_trail_answers_as_the_plain_one_does_and_takes_less() {
    let dir = trail().await;
    let (before, size) = (answers(dir.path()), segment::bytes_in(dir.path()).unwrap());
    assert!(pack_all(dir.path()) > 3);
    assert_eq!(answers(dir.path()), before);
    assert_eq!(segment::list(dir.path()).unwrap().iter().filter(|found| !found.is_packed).count(), 1);
    let packed = segment::bytes_in(dir.path()).unwrap();
    assert!(packed < size / 2, "{packed} of {size}");
    // And goes on.
    run(config(dir.path()), 3).await;
    assert_eq!(check(dir.path()).verdict(), Verdict::Whole);
}

#[tokio::test]
async fn the_keeper_packs_what_is_closed_and_the_budget_knows() {
    let dir = temp();
    let config = AuditConfig { segment_size: 8 * 1024, compress: true, ..config(dir.path()) };
    let (audit, writer) = Audit::open(config, &key()).unwrap();
    for n in 0..60 {
        audit.submit(message(n)).await.map(drop).unwrap();
    }
    let plain = || segment::list(dir.path()).unwrap().iter().filter(|found| !found.is_packed).count();
    while plain() > 1 {
        std::thread::yield_now();
    }
    let used = || audit.stats().disk_bytes;
    // The last file is taken away before it is no longer counted.
    while used() > segment::bytes_in(dir.path()).unwrap() {
        std::thread::yield_now();
    }
    assert_eq!(used(), segment::bytes_in(dir.path()).unwrap());
    tokio::task::spawn_blocking(|| writer.close()).await.unwrap();
    assert_eq!(check(dir.path()).verdict(), Verdict::Whole);
}

#[tokio::test]
async fn a_crash_at_any_step_of_packing_costs_nothing() {
    let dir = trail().await;
    let first = segment::list(dir.path()).unwrap().remove(0);
    let (packed, text) = (first.packed_path(), fs::read(&first.path).unwrap());
    let draft = segment::beside(&packed, "new");
    pack_all(dir.path());
    let whole = fs::read(&packed).unwrap();
    // What may be there after a crash: a part of the draft, all of it, both files, the packed one alone.
    type Bytes<'a> = Option<&'a [u8]>;
    let states: [(&str, Bytes<'_>, Bytes<'_>, bool); 5] = [
        ("half a draft", Some(&whole[..whole.len() / 2]), None, true),
        ("a whole draft", Some(&whole), None, true),
        ("both files", None, Some(&whole), true),
        ("both, the packed one of something else", None, Some(&whole[..whole.len() - 3]), true),
        ("the packed one alone", None, Some(&whole), false),
    ];
    for (state, draft_is, packed_is, plain) in states {
        for (path, bytes) in
            [(&draft, draft_is), (&packed, packed_is), (&first.path, plain.then_some(&text[..]))]
        {
            match bytes {
                Some(bytes) => fs::write(path, bytes).unwrap(),
                None => drop(fs::remove_file(path)),
            }
        }
        assert_eq!(check(dir.path()).verdict(), Verdict::Whole, "{state}");
        Audit::open(AuditConfig { compress: false, ..config(dir.path()) }, &key()).unwrap().1.close();
        assert!(!draft.exists(), "{state}");
        let disk = log::Disk { used: 1_000_000.into(), max: u64::MAX.into() };
        for found in
            segment::list(dir.path()).unwrap().iter().filter(|found| found.first == 1 && !found.is_packed)
        {
            while !pack::pack(dir.path(), found, &disk, &false.into()).unwrap() {}
        }
        assert!(packed.exists() && !first.path.exists() && !draft.exists(), "{state}");
        assert_eq!(check(dir.path()).verdict(), Verdict::Whole, "{state}");
    }
}

#[tokio::test]
async fn a_packed_last_segment_is_unpacked_to_go_on() {
    let dir = trail().await;
    pack_all(dir.path());
    // A power cut took the open segment, whose first line was never safe.
    let last = segment::list(dir.path()).unwrap().pop().unwrap();
    fs::remove_file(&last.path).unwrap();
    run(config(dir.path()), 2).await;
    let report = check(dir.path());
    assert_eq!(report.verdict(), Verdict::Whole, "{report}");
    assert!(records(dir.path()).iter().any(|record| record["kind"] == "recovered"));
}

#[tokio::test]
async fn packing_leaves_room_for_records() {
    let dir = trail().await;
    let found = segment::list(dir.path()).unwrap().remove(0);
    let used = segment::bytes_in(dir.path()).unwrap();
    for (max, is_packed) in [(used + 1_000_000, false), (used + 10_000_000, true)] {
        let disk = log::Disk { used: used.into(), max: max.into() };
        assert_eq!(pack::pack(dir.path(), &found, &disk, &false.into()).unwrap(), is_packed);
        assert_eq!(disk.used.into_inner(), segment::bytes_in(dir.path()).unwrap());
        assert_eq!(found.path.exists(), !is_packed);
    }
    // Nor is it gone on with when the gate stops.
    let found = segment::list(dir.path()).unwrap().remove(1);
    let disk = log::Disk { used: 0.into(), max: u64::MAX.into() };
    assert!(!pack::pack(dir.path(), &found, &disk, &true.into()).unwrap());
    assert!(found.path.exists() && !found.packed_path().exists());
}

#[tokio::test]
async fn a_packed_segment_that_was_changed_is_tampered_with_wherever_it_was() {
    let dir = trail().await;
    pack_all(dir.path());
    let second = segment::list(dir.path()).unwrap().remove(1);
    let whole = fs::read(&second.path).unwrap();
    let text = |found| {
        let mut text = Vec::new();
        std::io::Read::read_to_end(&mut text_of::Text::open(found)?, &mut text).map(|_| text)
    };
    let before = text(&second).unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        fs::write(&second.path, &changed).unwrap();
        let report = check(dir.path());
        match report.verdict() {
            Verdict::Tampered => {
                let fault = report.fault.unwrap().0;
                assert!(fault.seq >= second.first && fault.what.contains("was changed"), "{at}: {fault:?}");
            }
            // Bits that Zstandard does not heed: the records are what they were.
            _ => assert_eq!(text(&second).unwrap(), before, "{at}"),
        }
    }
}
