//! What is told of archives, of what only begins like one, and of archives that lie.

use super::super::packing::*;
use super::*;
use crate::limits::DECODE_WINDOW;

/// What is told, in one line for each.
fn told(text: &[u8], cut: usize) -> (Vec<String>, Result<(), DecodeError>) {
    let (mut unpacker, mut out) = (Unpacker::new(), Vec::<String>::new());
    let mut take = |what: Unpacked<'_>| {
        match what {
            Unpacked::Open(member) => {
                let place = if member.in_place { " in place" } else { "" };
                out.push(format!("{} {}{place}:", member.carrier, String::from_utf8_lossy(member.name)));
            }
            Unpacked::Text(text, _) => out.last_mut().unwrap().push_str(&String::from_utf8_lossy(text)),
            Unpacked::Close => out.last_mut().unwrap().push('.'),
            Unpacked::Aside(text) if text.is_ascii() => {
                out.push(format!("aside {}", String::from_utf8_lossy(text)));
            }
            Unpacked::Aside(_) => {}
            Unpacked::Unread(error, bytes) => out.push(format!("{} {bytes}", error.as_str())),
            Unpacked::Unopened(_) => {}
        }
        ControlFlow::Continue(())
    };
    let mut result = Ok(());
    for piece in text.chunks(cut.max(1)) {
        result = result.and_then(|()| unpacker.push(piece, &mut take).map(|_| ()));
    }
    let result = result.and_then(|()| unpacker.finish(&mut take).map(|_| ()));
    (out, result)
}

/// The same, however the text is cut.
fn told_any(text: &[u8]) -> (Vec<String>, Result<(), DecodeError>) {
    let whole = told(text, text.len());
    for cut in [1, 2, 7, 100, 511] {
        assert_eq!(told(text, cut), whole, "cut {cut}");
    }
    whole
}

#[test]
fn members_of_a_zip_are_told_one_after_the_other() {
    let archive = zip(&[
        packed("a.txt", b"first"),
        stored("b.txt", b"second"),
        stored("folder/", b""),
        streamed("c.xml", b"third", true, false),
        streamed("d", b"fourth", false, false),
        streamed("e", b"fifth", true, true),
        streamed("f", b"sixth", false, true),
    ]);
    let expected = vec![
        "aside a.txt",
        "zip a.txt:first.",
        "aside b.txt",
        "zip b.txt in place:second.",
        "aside folder/",
        "aside c.xml",
        "zip c.xml:third.",
        "aside d",
        "zip d:fourth.",
        "aside e",
        "zip e:fifth.",
        "aside f",
        "zip f:sixth.",
        "aside a.txt",
        "aside b.txt",
        "aside folder/",
        "aside c.xml",
        "aside d",
        "aside e",
        "aside f",
        "aside end",
    ];
    assert_eq!(told_any(&archive), (expected.iter().map(|s| s.to_string()).collect(), Ok(())));
    // In the middle of something else, and once more behind it.
    let within = [b"--x\r\n\r\n".as_slice(), &archive, b"\r\n--x--", &archive].concat();
    let (twice, result) = told_any(&within);
    assert_eq!((twice.len(), result), (2 * expected.len(), Ok(())));
}

#[test]
fn what_cannot_be_read_of_a_zip_is_said() {
    let data = deflated(b"hello");
    let length = u32::try_from(data.len()).unwrap();
    let cases: [(Vec<u8>, &str); 11] = [
        (member("a", 0, 8, &data, (0, 0)), "lengths"),
        (member("a", 1, 8, &data, (length, 5)), "encrypted 7"),
        (member("a", 0, 14, &data, (length, 5)), "method 7"),
        (member("a", 0, 99, &data, (length, 5)), "method 7"),
        (member("a", 0, 8, &data, (length, 4)), "lengths"),
        (member("a", 0, 8, &data, (length - 1, 5)), "lengths"),
        (member("a", 0, 8, &[data.clone(), b"xx".to_vec()].concat(), (length + 2, 5)), "lengths"),
        (member("a", 0, 8, &[data.clone(), b"xx".to_vec()].concat(), (length + 2, 7)), "lengths"),
        (member("a", 0, 8, b"\xff\xff\xff\xff", (4, 5)), "broken"),
        ([packed("aPK\x03\x04", b"x")].concat(), "lengths"),
        ([member("a", 8, 8, &data, (0, 0)), vec![7; 30]].concat(), "lengths"),
    ];
    for (archive, expected) in cases {
        let (out, result) = told_any(&archive);
        let error = result.err().map(|error| error.as_str().to_owned());
        assert!(
            out.iter().any(|line| line == expected) || error.as_deref() == Some(expected),
            "{expected}: {out:?} {error:?}"
        );
    }
    // What follows a member that was passed over is read.
    let archive = [member("a", 1, 8, &data, (length, 5)), packed("b", b"text")].concat();
    assert_eq!(told_any(&archive).0.last().unwrap(), "zip b:text.");
    // A part of an archive is read as far as it goes.
    let archive = [packed("a", b"first"), packed("b", &b"second ".repeat(50))].concat();
    for end in 0..archive.len() {
        assert_eq!(told(&archive[..end], 64).1, Ok(()), "{end}");
    }
}

#[test]
fn what_shows_of_files_in_other_archives_is_torn_and_no_fault() {
    let packed_text = gzipped(&b"no two lines are alike ".repeat(200));
    let torn = [&packed_text[..packed_text.len() - 20], &[0xff; 40]].concat();
    let data = deflated(b"hello");
    let length = u32::try_from(data.len()).unwrap();
    let odd = member("a", 0, 8, &data, (length, 4));
    let locked = member("a", 1, 8, &data, (length, 5));
    for head in OPAQUE {
        for part in [&torn, &odd, &locked] {
            let text = [head, b"0123".as_slice(), part, &packed("b", b"text"), b"more"].concat();
            assert_eq!(told_any(&text).1, Ok(()), "{head:?}");
            // As the text itself, and in any other, it is one.
            let text = [b"x", &**part, &packed("b", b"text"), b"more"].concat();
            let (out, result) = told_any(&text);
            assert!(result.is_err() || out.iter().any(|line| line.starts_with("encrypted")), "{out:?}");
        }
        // What is whole is read.
        let text = [head, b"0123".as_slice(), &zip(&[packed("a", b"text")])].concat();
        assert!(told_any(&text).0.contains(&"zip a:text.".to_owned()));
    }
}

#[test]
fn what_only_begins_like_something_is_text() {
    let zip = zip(&[packed("a", b"text")]);
    for noise in [
        b"x PK\x03\x04 and so on".to_vec(),
        b"x \x1f\x8b\x08 and so on".to_vec(),
        b"x \x1f\x8b\x08\0\0\0\0\0\0\0 and so on".to_vec(),
        b"x \x28\xb5\x2f\xfd and so on".to_vec(),
        b"\x1f\x8b\x08".repeat(50),
        b"x PK\x03\x04".to_vec(),
        b"x PK\x03\x04PK\x03\x04".to_vec(),
        b"x PK\x01\x02".to_vec(),
        [b"x PK\x03\x04".as_slice(), &[0xff; 26]].concat(),
        b"x PK\x03\x04 and what is written here is no header".repeat(3000),
        [b"x".to_vec(), member("q", 0, 8, b"\xff\xff\xff\xff", (4, 5))].concat(),
    ] {
        let text = [b"y".as_slice(), &noise, b" ", &zip].concat();
        let (out, result) = told_any(&text);
        assert_eq!(result, Ok(()), "{noise:?}");
        assert_eq!(out[out.len() - 3..], ["zip a:text.", "aside a", "aside end"], "{noise:?}");
    }
    // A stub right before the archive, as the text begins.
    let (out, result) = told_any(&[b"PK\x03\x04".as_slice(), &zip].concat());
    assert_eq!(
        (out, result),
        (["aside a", "zip a:text.", "aside a", "aside end"].map(str::to_owned).into(), Ok(()))
    );
    let (_, result) = told(&b"x\x1f\x8b\x08\xff".repeat(5000), 100);
    assert_eq!(result, Err(DecodeError::Members));
}

#[test]
fn compressed_runs_are_told_wherever_they_begin() {
    let long = "some text, some more text. ".repeat(4000);
    let zstd = {
        let mut encoder = crate::decode::Encoder::new(&[crate::decode::Coding::Zstd]).unwrap();
        encoder.push(long.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let (twice, gzip) = ([gzipped(b"ab"), gzipped(b"cd")].concat(), gzipped(long.as_bytes()));
    for (coded, expected) in [
        (zstd, format!("zstd :{long}.")),
        (gzip, format!("gzip :{long}.")),
        (twice, "gzip :abcd.".to_owned()),
    ] {
        for before in ["", "--x\r\n\r\n"] {
            let text = [before.as_bytes(), &coded, b"\r\n--x--"].concat();
            assert_eq!(told_any(&text), (vec![expected.clone()], Ok(())));
        }
    }
}

#[test]
fn a_stream_right_behind_another_is_told_as_by_itself() {
    let zstd = |text: &[u8]| {
        let mut encoder = crate::decode::Encoder::new(&[crate::decode::Coding::Zstd]).unwrap();
        encoder.push(text).unwrap();
        encoder.finish().unwrap()
    };
    let long = "some text, some more text. ".repeat(4000);
    let broken = b"\x28\xb5\x2f\xfd\x00\x58\xff\xff\xff";
    // What came before leaves nothing behind: whole ones, broken ones, far ones.
    let far = [b'.'; 2 * SPARED];
    let pieces: [(&[u8], Option<String>); 9] = [
        (&zstd(b"one"), Some("zstd :one.".to_owned())),
        (&gzipped(b"two"), Some("gzip :two.".to_owned())),
        (broken, None),
        (&zstd(long.as_bytes()), Some(format!("zstd :{long}."))),
        (b"\x1f\x8b\x08\x00 no gzip", None),
        (&gzipped(long.as_bytes()), Some(format!("gzip :{long}."))),
        (&far, None),
        (&zstd(b"three"), Some("zstd :three.".to_owned())),
        (&gzipped(b"four"), Some("gzip :four.".to_owned())),
    ];
    for order in [[0, 1, 2, 3, 4, 5, 6, 7, 8], [3, 7, 0, 2, 5, 8, 4, 1, 6], [5, 1, 8, 6, 4, 1, 7, 2, 0]] {
        let text: Vec<u8> = order.iter().flat_map(|at| [pieces[*at].0, b" , "].concat()).collect();
        let expected: Vec<String> = order.iter().filter_map(|at| pieces[*at].1.clone()).collect();
        let (told, result) = told_any(&text);
        let told: Vec<String> =
            told.into_iter().filter(|told| *told != "zstd :." && *told != "gzip :.").collect();
        assert_eq!((told, result), (expected, Ok(())), "{order:?}");
    }
}

#[test]
fn members_of_a_tar_are_told_one_after_the_other() {
    let record = b"16 size=0000005\n".to_vec();
    let archive = [
        tar_member("pax", b'x', &record),
        {
            let mut member = tar_header("a.txt", b'0', 0);
            member.extend(b"hello");
            member.resize(1024, 0);
            member
        },
        tar_member("folder/", b'5', b""),
        tar_member("b", 0, &[b'b'; 512]),
        vec![0; 1024],
    ]
    .concat();
    let expected = [
        "aside pax".to_owned(),
        "tar pax in place:16 size=0000005\n.".to_owned(),
        "aside a.txt".to_owned(),
        "tar a.txt in place:hello.".to_owned(),
        "aside folder/".to_owned(),
        "aside b".to_owned(),
        format!("tar b in place:{}.", "b".repeat(512)),
    ];
    assert_eq!(told_any(&archive), (expected.to_vec(), Ok(())));
    assert_eq!(told_any(&vec![0; 2000]), (vec![], Ok(())));
    assert_eq!(told_any(b"{\"a\":1}"), (vec![], Ok(())));
}

#[test]
fn what_stands_in_place_says_where() {
    let inner = stored("b", b"text");
    let archive = [stored("a", &[b'x'; 600]), tar_member("n", b'0', &inner)].concat();
    for cut in [archive.len(), 1, 100] {
        let mut unpacker = Unpacker::new();
        let mut check = |what: Unpacked<'_>| {
            if let Unpacked::Text(text, at) = what {
                let at = usize::try_from(at).unwrap();
                assert_eq!(text, &archive[at..at + text.len()]);
            }
            ControlFlow::Continue(())
        };
        for piece in archive.chunks(cut) {
            let _ = unpacker.push(piece, &mut check).unwrap();
        }
    }
}

#[test]
fn what_follows_a_signature_is_a_header_or_none_at_one_look() {
    let header = &packed("a", b"text")[4..30];
    let changed = |at: usize, byte: u8| {
        let mut header = header.to_vec();
        header[at] = byte;
        header
    };
    let cases = [
        (header.to_vec(), false),
        (header[..25].to_vec(), false),
        (changed(0, 63), false),
        (changed(0, 100), true),
        (changed(3, 0x80), true),
        (changed(4, 21), true),
        (changed(4, 93), false),
        (changed(5, 1), true),
        ([b"PK\x03\x04".as_slice(), header].concat(), true),
        (b"PK\x03\x04".to_vec(), true),
        (b"P".to_vec(), false),
        (header[..3].to_vec(), false),
    ];
    for (behind, none) in cases {
        assert_eq!(zip::is_no_header(&behind), none, "{behind:?}");
    }
}

/// Text that shrinks little, without a byte that begins anything.
fn noise(length: u32) -> Vec<u8> {
    (0..length).map(|n| b'a' + (n.wrapping_mul(2_654_435_761) >> 28) as u8).collect()
}

#[test]
fn files_of_zstd_that_ask_for_more_memory_are_unopened() {
    // A window of 128 MiB (RFC 8878, section 3.1.1.1.2), and a frame that needs a dictionary.
    for begin in [b"\x28\xb5\x2f\xfd\x00\x88".as_slice(), b"\x28\xb5\x2f\xfd\x01\x00\x07"] {
        let text = [begin, b"\x01\x00\x00", b" and my card 4539148803436467 ", &noise(4000)].concat();
        for cut in [1, 7, text.len()] {
            let (mut unpacker, mut unopened) = (Unpacker::new(), Vec::new());
            let mut take = |what: Unpacked<'_>| {
                match what {
                    Unpacked::Unopened(bytes) => unopened.push(bytes),
                    Unpacked::Text(..) | Unpacked::Unread(..) => panic!("{what:?}"),
                    Unpacked::Open(_) | Unpacked::Close | Unpacked::Aside(_) => {}
                }
                ControlFlow::Continue(())
            };
            for piece in text.chunks(cut) {
                unpacker.push(piece, &mut take).unwrap().continue_value().unwrap();
            }
            unpacker.finish(&mut take).unwrap().continue_value().unwrap();
            assert_eq!(unopened, [text.len() as u64], "cut {cut}");
        }
    }
}

#[test]
fn a_member_goes_on_where_a_piece_ends_as_the_window_is_full() {
    // A byte of it takes a byte, so that every length of text is that of some piece.
    let mut state = 1u64;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let text: Vec<u8> = (0..3 * DECODE_WINDOW).map(|_| byte()).collect();
    let archive = zip(&[packed("a", &text)]);
    let mut is_full = false;
    let about = |window: usize| window * archive.len() / text.len();
    for cut in about(DECODE_WINDOW) - 300..about(DECODE_WINDOW) + 300 {
        let (first, rest) = archive.split_at(cut);
        let mut unpacker = Unpacker::new();
        for piece in [first, rest] {
            let mut out = 0;
            let taken = unpacker.push(piece, &mut |what| {
                out += if let Unpacked::Text(text, _) = what { text.len() } else { 0 };
                ControlFlow::Continue(())
            });
            assert_eq!(taken, Ok(ControlFlow::Continue(())), "cut at {cut}");
            is_full |= out == DECODE_WINDOW;
        }
    }
    assert!(is_full);
}

#[test]
fn zstd_in_the_midst_of_a_text_is_read_however_its_blocks_end() {
    // Blocks of 128 KiB, of which each fills the window some times and no more.
    let text = noise(3 << 17);
    let mut encoder = crate::decode::Encoder::new(&[crate::decode::Coding::Zstd]).unwrap();
    encoder.push(&text).unwrap();
    let wire = [b"before ".as_slice(), &encoder.finish().unwrap(), b" behind"].concat();
    for cut in [1, 4096, wire.len()] {
        let (out, result) = told(&wire, cut);
        assert_eq!((out.len(), result), (1, Ok(())), "cut {cut}");
        assert!(out[0] == format!("zstd :{}.", std::str::from_utf8(&text).unwrap()), "cut {cut}");
    }
}

#[test]
fn what_programs_compare_with_signatures_hides_nothing() {
    let archive = zip(&[packed("a", b"first")]);
    let expected = vec!["aside a", "zip a:first.", "aside a", "aside end"];
    // A jump where the version would be, and lengths of a name that the code behind it goes on for.
    let member =
        b"=PK\x03\x04\x0f\x85\x4f\x04\0\0I\x8d\x86\0\x07\0\0I\x89\x86\x20\x07\0\0\x0f\xb7\x86\x5a\x10\0";
    // The same for fields that would be beside a name.
    let beside = [&member[..27], &[1, 0, 0, 0x4c, b'\x8d', 0, 0, 9, 9, 0xff, 0xff]].concat();
    // A header of zstd, with a block of 33,928 bytes.
    let frame = b"\x81\xf9\x28\xb5\x2f\xfd\x74\x2a\xc7\x44\x24\x04";
    for code in [member.as_slice(), &beside, frame] {
        let text = [code, &[0; 9], &noise(9000), &archive, &noise(40_000)].concat();
        for cut in [1, 100, text.len()] {
            let (mut out, result) = told(&text, cut);
            // What began, and was none, brought nothing.
            out.retain(|line| line != "zstd :.");
            assert_eq!(out, expected, "cut {cut}");
            assert_eq!(result, Ok(()), "cut {cut}");
        }
    }
    // A header that asks for a name of a file, however long, is one.
    let named = [b"x".as_slice(), &zip(&[stored(&"n".repeat(9000), b"first")])].concat();
    assert!(told(&named, 100).0.iter().any(|line| line.ends_with("in place:first.")));
}

#[test]
fn a_text_of_headers_that_hold_each_other_is_passed_over_header_by_header() {
    let archive = zip(&[packed("a", b"first")]);
    let fields = b"\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\0\0stream\n\n";
    let local = [b"PK\x03\x04".as_slice(), fields].concat();
    let entry = [b"PK\x01\x02\x14\0".as_slice(), fields, b"and others of a comment"].concat();
    for unit in [local.clone(), [local.repeat(2), entry.clone()].concat(), [local, entry.repeat(30)].concat()]
    {
        let text = [unit.repeat(130_000 / unit.len()), vec![b' '; 70_000], archive.clone()].concat();
        for cut in [7, 4096, text.len()] {
            let (out, result) = told(&text, cut);
            assert_eq!(result, Ok(()), "cut {cut}");
            assert_eq!(out, ["aside a", "zip a:first.", "aside a", "aside end"], "cut {cut}");
        }
    }
}
