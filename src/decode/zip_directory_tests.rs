//! Archives whose directory and members tell different stories, and those that only look as if they did.

use std::ops::ControlFlow;

use crate::decode::packing::*;
use crate::decode::{DecodeError, Unpacked, Unpacker};

const TEXT: &[u8] = b"some text, some more text, some more text";

/// What is read of a text, or why it is refused, however it is cut.
fn read(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let cuts = [text.len(), 1, 13].map(|cut| {
        let (mut unpacker, mut out) = (Unpacker::new(), Vec::new());
        let mut take = |what: Unpacked<'_>| {
            if let Unpacked::Text(text, _) = what {
                out.extend_from_slice(text);
            }
            ControlFlow::Continue(())
        };
        for piece in text.chunks(cut.max(1)) {
            let _ = unpacker.push(piece, &mut take)?;
        }
        let _ = unpacker.finish(&mut take)?;
        Ok(out)
    });
    assert!(cuts.iter().all(|other| *other == cuts[0]), "{cuts:?}");
    cuts.into_iter().next().unwrap()
}

fn word(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap().to_le_bytes()
}

/// A member whose header says that its packed bytes stand there as they are.
fn liar() -> Vec<u8> {
    let data = deflated(TEXT);
    let length = u32::try_from(data.len()).unwrap();
    member("a", 0, 0, &data, (length, length))
}

/// The entry that tells what the liar holds.
fn truth(at: usize) -> Vec<u8> {
    let data = deflated(TEXT);
    let honest = member("a", 0, 8, &data, (u32::try_from(data.len()).unwrap(), 41));
    entry(&honest, at)
}

fn closed(members: &[u8], entries: &[Vec<u8>]) -> Vec<u8> {
    [members, &entries.concat(), &end(entries, members.len())].concat()
}

#[test]
fn a_directory_that_tells_another_story_is_refused() {
    let (a, b) = (packed("a", TEXT), stored("b", b"more"));
    let both = [a.clone(), b.clone()].concat();
    let entries = [entry(&a, 0), entry(&b, a.len())];
    let changed = |at: usize, byte: u8| {
        let mut entries = entries.to_vec();
        entries[0][at] ^= byte;
        closed(&both, &entries)
    };
    let ended = |at: usize, bytes: &[u8]| {
        let mut archive = closed(&both, &entries);
        let from = archive.len() - 25 + at;
        archive[from..from + bytes.len()].copy_from_slice(bytes);
        archive
    };
    let nested = stored("n", &a);
    let long_comment = [closed(&both, &entries), end(&[], 0)].concat();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("stored, and packed in the directory", closed(&liar(), &[truth(0)])),
        ("behind a gap", closed(&[liar(), vec![7; 9]].concat(), &[truth(0)])),
        ("behind a gap that has no end", [liar(), vec![7; 9]].concat()),
        ("in an upload", multipart(&closed(&liar(), &[truth(0)]))),
        ("behind another archive", {
            let first = zip(std::slice::from_ref(&a));
            closed(&[first.clone(), liar()].concat(), &[truth(first.len())])
        }),
        ("empty, with bytes in a gap", {
            let header = member("a", 0, 0, b"", (0, 0));
            closed(&[header, deflated(TEXT)].concat(), &[truth(0)])
        }),
        ("another method", changed(10, 8)),
        ("a password", changed(8, 1)),
        ("a coded length", changed(20, 1)),
        ("a length", changed(24, 1)),
        ("a place", changed(42, 1)),
        ("one member left out", closed(&both, &entries[..1])),
        ("the first left out", closed(&both, &entries[1..])),
        ("one member told twice", closed(&both, &[entries.as_slice(), &entries[..1]].concat())),
        ("one more", closed(&both, &[entries.as_slice(), &[entry(&b, 3)]].concat())),
        ("a member in a member", closed(&nested, &[entry(&nested, 0), entry(&a, 31)])),
        ("a count", ended(10, &[1])),
        ("a length of the directory", ended(12, &[1])),
        ("a place of the directory", ended(16, &word(both.len() - 1))),
        ("an end in the comment", {
            let mut archive = long_comment;
            let at = archive.len() - 50 + 20;
            archive[at] = 28;
            archive
        }),
    ];
    for (what, archive) in cases {
        assert_eq!(read(&archive), Err(DecodeError::Directory), "{what}");
    }
}

#[test]
fn signatures_in_programs_that_read_archives_are_none() {
    // As a compiler lays them out: what is compared with, then what is done about it.
    let code = b"....................\x7fELF\x81\xbc\x24PK\x03\x04H\x8bt$ \x0f\x85\xc1\x02\0\0\x0f\xb7\x84$\xba\x01\0\0\x0f\xb7\x8c$\xbc\x01\0\0H\x8b\x94";
    let end = |count: u16, length: u32, offset: u32| {
        let numbers = [length.to_le_bytes(), offset.to_le_bytes()].concat();
        [b"PK\x05\x06H\x8d\x05+".as_slice(), &[7, 0], &count.to_le_bytes(), &numbers, &[9, 0]].concat()
    };
    let rest = [b"=PK\x05\x06 and more text".as_slice(), &[b'.'; 60]].concat();
    for (count, length, offset, result) in [
        // Before the text begins, and fewer bytes than entries take.
        (1, 60, 60, Ok(())),
        (1, 0x178_985, 0, Ok(())),
        (2, 91, 0, Ok(())),
        (0, 45, 0, Ok(())),
        // Here there may be entries.
        (1, 50, 0, Err(DecodeError::Directory)),
        (1, 46, 7, Err(DecodeError::Directory)),
    ] {
        let text = [code.as_slice(), &end(count, length, offset), &rest].concat();
        assert_eq!(read(&text).map(|_| ()), result, "{count} {length} {offset}");
    }
    // The same behind a whole archive in a program: one is passed over where no reader finds entries.
    let whole = zip(&[packed("a", TEXT), stored("b", b"more")]);
    let length = u32::try_from(whole.len()).unwrap();
    for (count, length, offset, result) in [
        (0, 0x378b_0000, 0x5369_0000, Ok(())),
        (3, 60, 0, Ok(())),
        (1, 46, length - 46, Err(DecodeError::Directory)),
        (0, 0, 0, Err(DecodeError::Directory)),
    ] {
        let text = [whole.as_slice(), &[b'.'; 40], &end(count, length, offset), &rest].concat();
        let result = if result.is_ok() { Ok(45) } else { result.map(|()| 0) };
        assert_eq!(read(&text).map(|text| text.len()), result, "{count} {length} {offset}");
    }
    // Not while a member awaits its directory.
    let text = [packed("a", TEXT).as_slice(), &end(0, 0x378b_0000, 0x5369_0000), &rest].concat();
    assert_eq!(read(&text), Err(DecodeError::Directory));
    // Two entries that a program writes.
    let entries =
        b"PK\x01\x02\xc6\x84\x24\xa4\x06\0\0\0\xb9PK\x01\x02\x89\x8c\x24\x9c\x06\0\0\xc7\x84\x24\xa0\x06\0\0";
    let text = [code.as_slice(), entries, &rest[8..], &end(1, 0x178_985, 0), &rest].concat();
    assert_eq!(read(&text).map(|_| ()), Ok(()));
    // What stands behind one is looked at.
    let a = packed("a", TEXT);
    let behind = [code.as_slice(), &end(1, 60, 60), &zip(std::slice::from_ref(&a))].concat();
    assert_eq!(read(&behind).map(|text| text.len()), Ok(41));
    let lying = closed(&[code.as_slice(), &end(1, 60, 60), &a].concat(), &[entry(&a, 9)]);
    assert_eq!(read(&lying), Err(DecodeError::Directory));
}

fn multipart(part: &[u8]) -> Vec<u8> {
    [b"--b\r\n\r\n", part, b"\r\n--b--\r\n"].concat()
}

/// Lengths and place of eight bytes, in the header, in the entry and at the end.
fn wide() -> Vec<u8> {
    let data = deflated(TEXT);
    let long = |number: usize| (number as u64).to_le_bytes();
    let mut local = member("a", 0, 8, &[], (u32::MAX, u32::MAX));
    local[28] = 20;
    local.extend([&[1, 0, 16, 0], long(TEXT.len()).as_slice(), &long(data.len())].concat());
    local.extend(&data);
    let mut entry = entry(&member("a", 0, 8, &[], (u32::MAX, u32::MAX)), 0);
    entry[30] = 28;
    entry[42..46].copy_from_slice(&[255; 4]);
    entry.extend([&[1, 0, 24, 0], long(TEXT.len()).as_slice(), &long(data.len()), &long(0)].concat());
    let mut out = [local.clone(), entry.clone()].concat();
    out.extend([b"PK\x06\x06".as_slice(), &long(44), &[45, 0, 45, 0], &[0; 8]].concat());
    out.extend([long(1), long(1), long(entry.len()), long(local.len())].concat());
    out.extend([b"PK\x06\x07".as_slice(), &[0; 16]].concat());
    let mut end = end(&[entry], 0);
    end[8..20].copy_from_slice(&[255; 12]);
    out.extend(end);
    out
}

#[test]
fn archives_that_writers_make_are_read() {
    let (a, b) = (packed("a", TEXT), stored("b", b"more"));
    let whole = zip(&[a.clone(), b.clone()]);
    let prefix = b"#!/bin/sh\nexec unzip\n";
    let (gap, both) = (vec![7; 9], [a.clone(), b.clone()].concat());
    let unknown = member("s", 8, 0, b"text of no length", (0, 0));
    let mut stated = entry(&stored("s", b"text of no length"), 0);
    stated[8] = 8;
    let cases: Vec<(&str, Vec<u8>, usize)> = vec![
        ("plainly", whole.clone(), 45),
        ("in an upload", multipart(&whole), 45),
        ("behind a prefix that nobody counts", [prefix.as_slice(), &whole].concat(), 45),
        (
            "behind a prefix that counts",
            {
                let members = [a.clone(), b.clone()];
                [prefix.as_slice(), &both, &directory(&members, prefix.len())].concat()
            },
            45,
        ),
        ("in another order", closed(&both, &[entry(&b, a.len()), entry(&a, 0)]), 45),
        (
            "a block before the directory",
            closed(&[both.clone(), gap.clone()].concat(), &[entry(&a, 0), entry(&b, a.len())]),
            45,
        ),
        (
            "a gap between members",
            closed(&[a.clone(), gap.clone(), b.clone()].concat(), &[entry(&a, 0), entry(&b, a.len() + 9)]),
            45,
        ),
        ("two archives", [whole.clone(), whole.clone()].concat(), 90),
        (
            "members appended behind the first directory",
            {
                let first = zip(std::slice::from_ref(&a));
                closed(&[first.clone(), b.clone()].concat(), &[entry(&a, 0), entry(&b, first.len())])
            },
            45,
        ),
        (
            "stored to an unknown length",
            closed(&[unknown.clone(), a.clone()].concat(), &[stated, entry(&a, unknown.len())]),
            41,
        ),
        ("numbers of eight bytes", wide(), 41),
        (
            "the last part of one",
            {
                let entries = [entry(&packed("z", TEXT), 0), entry(&b, 100)];
                [b.clone(), entries.concat(), end(&entries, 100 + b.len())].concat()
            },
            4,
        ),
        ("none at all", end(&[], 0), 0),
    ];
    for (what, archive, length) in cases {
        assert_eq!(read(&archive).map(|text| text.len()), Ok(length), "{what}");
    }
    // An upload in pieces ends anywhere.
    for length in 0..whole.len() {
        assert!(read(&whole[..length]).is_ok(), "{length}");
    }
}
