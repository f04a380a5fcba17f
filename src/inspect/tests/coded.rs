//! Bodies under a coding, and bodies that must not be edited.

use super::*;

#[test]
fn a_clean_gzip_body_leaves_as_it_came() {
    let wire = gzip(filler(5000).as_bytes());
    let outcome = Setup::new(usual()).run(&gzip_head(), &[&wire]);
    assert_eq!((outcome.out.as_slice(), outcome.inspector.new_length()), (wire.as_slice(), None));
    let Decision { coverage, .. } = &outcome.decision;
    assert_eq!((coverage.seen, coverage.inspected), (wire.len() as u64, wire.len() as u64));
}

#[test]
fn a_held_gzip_body_is_encoded_anew_when_it_is_edited() {
    let text = format!("{{\"ssn\":\"{SSN}\",\"x\":\"{}\",\"again\":\"{SSN}\"}}", filler(70_000));
    let wire = gzip(text.as_bytes());
    assert!(wire.len() < HOLD);
    for chunk in [1, 7, wire.len()] {
        let chunks: Vec<&[u8]> = wire.chunks(chunk).collect();
        let outcome = Setup::new(usual()).run(&gzip_head(), &chunks);
        assert_eq!((outcome.last, outcome.decision.action), (Step::Release, Action::Redact));
        assert_eq!(outcome.inspector.new_length(), Some(outcome.out.len() as u64));
        assert_eq!(String::from_utf8(gunzip(&outcome.out)).unwrap(), text.replace(SSN, "***-**-****"));
        assert_eq!((outcome.decision.edits, outcome.decision.disclosure), (2, Disclosure::Redacted));
        assert_eq!(outcome.found("national-id.us-ssn").at[0].carrier, ["gzip", "json"]);
    }
}

/// A gzip member whose header has `fields` as `flags` announce them.
fn member(flags: u8, fields: &[u8], text: &str) -> Vec<u8> {
    let plain = gzip(text.as_bytes());
    let (head, rest) = plain.split_at(10);
    let mut wire = head.to_vec();
    wire[3] = flags;
    [wire, fields.to_vec(), rest.to_vec()].concat()
}

#[test]
fn the_header_of_a_coding_carries_nothing_past() {
    let name = |value: &str| format!("{value}\0").into_bytes();
    let extra = |value: &str| [&[u8::try_from(value.len()).unwrap(), 0][..], value.as_bytes()].concat();
    let in_second = [gzip(b"one "), member(8, &name(BARE), "two")].concat();
    let stop = |reason| (Step::Stop, Action::Block, reason);
    let cases = [
        (member(8, &name(BARE), "x"), stop(None)),
        (member(16, &name(BARE), "x"), stop(None)),
        (member(4, &extra(BARE), "x"), stop(None)),
        (in_second, stop(None)),
        (member(8, &name(SSN), "x"), stop(Some(Reason::CannotRedact("coding_header")))),
        (member(8, &name("report.json"), "x"), (Step::Release, Action::Allow, None)),
    ];
    for (wire, (last, action, reason)) in cases {
        for chunk in [1, 3, wire.len()] {
            let chunks: Vec<&[u8]> = wire.chunks(chunk).collect();
            let outcome = Setup::new(usual()).run(&gzip_head(), &chunks);
            assert_eq!((outcome.last, outcome.decision.action), (last, action), "{chunk}");
            assert_eq!(outcome.decision.reason, reason);
            assert_eq!(outcome.out.is_empty(), last == Step::Stop);
        }
    }
    let alerted = member(8, &name("eve@contoso.com"), "x");
    let outcome = Setup::new(usual()).run(&gzip_head(), &[&alerted]);
    assert_eq!((outcome.out, outcome.decision.disclosure), (alerted, Disclosure::Disclosed));
    assert_eq!(outcome.decision.found[0].at[0].path.as_deref(), Some("coding_header"));
}

/// A member of gzip with a field that holds `extra`.
fn with_extra(extra: &[u8], text: &[u8]) -> Vec<u8> {
    let plain = gzip(text);
    let length = u16::try_from(extra.len()).unwrap().to_le_bytes();
    [&plain[..3], b"\x04", &plain[4..10], &length, extra, &plain[10..]].concat()
}

#[test]
fn what_stands_beside_what_stands_beside_something_is_looked_at_to_a_depth() {
    for (levels, reason) in [(2, None), (20, Some(Reason::Undecodable("depth")))] {
        let card = format!("\u{e9} card {PAN}");
        let nested = (0..levels).fold(card.into_bytes(), |inner, _| with_extra(&inner, b""));
        let body = with_extra(&nested, noise(300).as_bytes());
        let setup = Setup::new(vec![on("payment.pan", Action::Block, 1)]);
        for length in [97, body.len()] {
            let outcome = setup.run(&gzip_head(), &body.chunks(length).collect::<Vec<_>>());
            let told = (outcome.decision.action, outcome.decision.reason.clone());
            assert_eq!(told, (Action::Block, reason.clone()), "{levels}");
        }
    }
}

#[test]
fn a_skippable_frame_carries_nothing_past_whatever_it_is_written_in() {
    let zstd = |text: &str| encode(&[Coding::Zstd], text.as_bytes());
    let frame = |data: &[u8]| {
        let length = u32::try_from(data.len()).unwrap().to_le_bytes();
        [b"\x5a\x2a\x4d\x18", &length[..], data].concat()
    };
    let card = format!("{{\"card\":\"{PAN}\"}} {}", noise(600));
    let wide: Vec<u8> = card.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let secret: [Vec<u8>; 5] = [
        card.clone().into_bytes(),
        [b"\xff\xfe", &wide[..]].concat(),
        gzip(card.as_bytes()),
        zstd(&card),
        encode(&[Coding::Deflate], card.as_bytes()),
    ];
    // Those of parallel compressors, and a seek table.
    let table: Vec<u8> = (0..9000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let clean: [Vec<u8>; 3] = [7u32.to_le_bytes().to_vec(), table, Vec::new()];
    let cases = secret.iter().map(|data| (data, true)).chain(clean.iter().map(|data| (data, false)));
    for (data, is_found) in cases {
        let (frame, text) = (frame(data), zstd(&noise(3000)));
        let mut wires = vec![[&frame[..], &text].concat(), [&text[..], &frame, &text].concat()];
        // The body ends within the frame: a part may be all there is.
        let broken = [&text[..], b"\x50\x2a\x4d\x18\xff\x3f\0\0", data].concat();
        wires.push(broken);
        for (wire, coding) in wires.iter().flat_map(|wire| [(wire, Some("zstd")), (wire, None)]) {
            for length in [97, wire.len()] {
                let mut setup = Setup::new(vec![on("payment.pan", Action::Block, 1)]);
                (setup.hold, setup.undecodable) = (1 << 20, Action::Allow);
                let chunks: Vec<_> = wire.chunks(length).collect();
                let outcome = setup.run(&Head { coding, ..plain() }, &chunks);
                let expected = if is_found { Action::Block } else { Action::Allow };
                assert_eq!(
                    outcome.decision.action,
                    expected,
                    "{coding:?} {}",
                    data[..8.min(data.len())].escape_ascii()
                );
            }
        }
    }
}

#[test]
fn a_header_amid_a_stream_leaves_only_once_it_is_known() {
    let early = [gzip(noise(60_000).as_bytes()), member(8, format!("{BARE}\0").as_bytes(), "x")].concat();
    let chunks: Vec<&[u8]> = early.chunks(1).collect();
    let outcome = Setup::new(usual()).run(&gzip_head(), &chunks);
    assert_eq!(outcome.last, Step::Stop);
    assert!(outcome.inspector.is_streaming() && !outcome.out.is_empty());
    let digits = &BARE.as_bytes()[..6];
    assert!(!outcome.out.windows(digits.len()).any(|window| window == digits));
}

/// Text that deflate cannot shrink to nothing.
pub(super) fn noise(length: usize) -> String {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'g' + (state >> 24) as u8 % 16)
    };
    (0..length).map(|at| if at % 16 == 15 { ' ' } else { next() }).collect()
}

#[test]
fn a_coded_stream_that_no_rule_may_edit_passes_as_it_came() {
    let setup = Setup::new(vec![on("payment.pan", Action::Block, 1)]);
    let clean = gzip(noise(60_000).as_bytes());
    assert!(clean.len() > 3 * HOLD);
    let chunks: Vec<&[u8]> = clean.chunks(1000).collect();
    let outcome = setup.run(&gzip_head(), &chunks);
    assert_eq!(outcome.out, clean);
    assert!(outcome.early > clean.len() / 2 && outcome.inspector.is_streaming());
    assert!(!outcome.inspector.is_recoded());

    let text = [noise(40_000), format!(" {PAN} "), noise(20_000)].concat();
    let wire = gzip(text.as_bytes());
    let chunks: Vec<&[u8]> = wire.chunks(1000).collect();
    let outcome = setup.run(&gzip_head(), &chunks);
    assert_eq!((outcome.last, &outcome.decision.reason), (Step::Stop, &None));
    assert!(!outcome.out.is_empty() && wire.starts_with(&outcome.out));
    assert_eq!(outcome.decision.disclosure, Disclosure::Prevented);
    // What has left does not tell the value.
    assert!(known(&[Coding::Gzip], &outcome.out).len() <= 40_001, "the value was disclosed");
}

/// What whoever has the first bytes of a stream knows of its text.
fn known(codings: &[Coding], wire: &[u8]) -> Vec<u8> {
    let (mut decoder, mut text) = (Decoder::new(codings), Vec::new());
    let _ = decoder.push(wire, &mut |piece| {
        text.extend_from_slice(piece);
        ControlFlow::Continue(())
    });
    text
}

#[test]
fn a_coded_stream_that_may_be_edited_is_encoded_anew_from_its_first_byte() {
    use Coding::{Brotli, Deflate, Gzip, Zstd};
    let setup = Setup::new(usual());
    let text = [noise(40_000), format!(" {SSN} "), noise(30_000), format!(" {SSN} "), noise(20_000)].concat();
    let stacks: [(&str, &[Coding]); 5] = [
        ("gzip", &[Gzip]),
        ("deflate", &[Deflate]),
        ("br", &[Brotli]),
        ("zstd", &[Zstd]),
        ("br, gzip", &[Brotli, Gzip]),
    ];
    for (name, codings) in stacks {
        let wire = encode(codings, text.as_bytes());
        assert!(wire.len() > 3 * HOLD, "{name}");
        for (events, length) in [(false, 100), (false, 9000), (true, 1000)] {
            let chunks: Vec<&[u8]> = wire.chunks(length).collect();
            let outcome = setup.run(&Head { coding: Some(name), events, ..plain() }, &chunks);
            assert_eq!((outcome.last, outcome.decision.action), (Step::Release, Action::Redact), "{name}");
            assert!(outcome.inspector.is_recoded() && outcome.inspector.new_length().is_none());
            // Zstd codes 128 KiB at a time unless its readers want each piece.
            let least = if name == "zstd" && !events { 0 } else { wire.len() / 3 };
            assert!(outcome.early >= least, "{name}: nothing left before the end");
            let left = String::from_utf8(known(codings, &outcome.out)).unwrap();
            assert_eq!(left, text.replace(SSN, "***-**-****"), "{name}");
            assert_eq!((outcome.decision.edits, outcome.decision.disclosure), (2, Disclosure::Redacted));
            assert_eq!(outcome.decision.coverage.inspected, wire.len() as u64);
        }
        // A stream that breaks once its first part has left in another coding cannot go on as it came.
        let mut broken = wire.clone();
        broken.truncate(wire.len() - 1);
        let mut allowing = Setup::new(usual());
        allowing.undecodable = Action::Allow;
        let chunks: Vec<&[u8]> = broken.chunks(1000).collect();
        let outcome = allowing.run(&Head { coding: Some(name), ..plain() }, &chunks);
        assert_eq!(outcome.decision.reason, Some(Reason::Undecodable("truncated")), "{name}");
    }
}

#[test]
fn a_block_in_a_stream_that_is_encoded_anew_discloses_nothing() {
    let text = [noise(40_000), format!(" {PAN} "), noise(20_000)].concat();
    let wire = encode(&[Coding::Brotli], text.as_bytes());
    let chunks: Vec<&[u8]> = wire.chunks(1000).collect();
    let outcome = Setup::new(usual()).run(&Head { coding: Some("br"), ..plain() }, &chunks);
    assert_eq!((outcome.last, outcome.decision.disclosure), (Step::Stop, Disclosure::Prevented));
    assert!(outcome.inspector.is_recoded() && !outcome.out.is_empty());
    assert!(known(&[Coding::Brotli], &outcome.out).len() <= 40_001);
    assert_eq!(outcome.decision.coverage.forwarded, outcome.out.len() as u64);
}

#[test]
fn signed_chunks_are_read_and_never_edited() {
    let framed =
        |text: &str| format!("{:x};chunk-signature={}\r\n{text}\r\n0\r\n\r\n", text.len(), "0".repeat(64));
    let streaming: [(&str, &[u8]); 1] = [("x-amz-content-sha256", b"STREAMING-UNSIGNED-PAYLOAD-TRAILER")];
    let heads = [
        Head { coding: Some("aws-chunked"), ..plain() },
        Head { fields: &streaming, ..plain() },
        Head { fields: &streaming, coding: Some("aws-chunked"), ..plain() },
    ];
    for head in heads {
        // The value is cut by the framing.
        let (start, end) = PAN.split_at(7);
        let cut = format!("{:x}\r\n{start}\r\n{:x}\r\n{end}\r\n0\r\n\r\n", start.len(), end.len());
        let outcome = Setup::new(usual()).run(&head, &[cut.as_bytes()]);
        assert_eq!((outcome.last, outcome.decision.reason.clone()), (Step::Stop, None));
        assert_eq!(outcome.found("payment.pan").at[0].carrier, ["aws-chunked"]);
        let clean = framed("nothing here");
        assert_eq!(Setup::new(usual()).run(&head, &[clean.as_bytes()]).text(), clean);
        let outcome = Setup::new(usual()).run(&head, &[framed(SSN).as_bytes()]);
        assert_eq!(outcome.decision.reason, Some(Reason::CannotRedact("signed")));
    }
}

#[test]
fn what_a_store_gives_back_is_read_as_it_is_unless_it_is_framed() {
    let streaming: [(&str, &[u8]); 1] = [("x-amz-content-sha256", b"STREAMING-UNSIGNED-PAYLOAD-TRAILER")];
    let heads = [
        Head { coding: Some("aws-chunked"), ..plain() },
        Head { fields: &streaming, ..plain() },
        Head { coding: Some("aws-chunked"), fields: &streaming, ..plain() },
    ];
    let mut response = Setup::new(usual());
    response.message.direction = Direction::Response;
    response.message.status = Some(200);
    let zipped = gzip(filler(100).as_bytes());
    let mut clean: Vec<Vec<u8>> =
        ["", "h", "hello", "12", "12\r", "4a;b", "{\"a\":1}", "2026-11-29\r\nrows\r\n", "\r\nx", "1\nx"]
            .map(|text| text.as_bytes().to_vec())
            .into();
    clean.extend([filler(9000).into_bytes(), zipped.clone(), "f".repeat(3000).into_bytes()]);
    let (start, end) = PAN.split_at(7);
    let framed = format!("{:x}\r\n{start}\r\n{:x}\r\n{end}\r\n0\r\n\r\n", start.len(), end.len());
    let found = [PAN.to_owned(), format!("{PAN}\r\n"), format!("card {PAN}"), format!("1;{PAN}"), framed];
    for head in &heads {
        for cut in [1, 2, 5, 4000] {
            for body in &clean {
                let outcome = response.run(head, &body.chunks(cut).collect::<Vec<_>>());
                assert_eq!((outcome.last, &outcome.out), (Step::Release, body), "{body:?}");
                assert_eq!(outcome.decision.coverage.inspected, body.len() as u64);
            }
            for body in &found {
                let outcome = response.run(head, &body.as_bytes().chunks(cut).collect::<Vec<_>>());
                assert_eq!((outcome.last, outcome.out.len()), (Step::Stop, 0), "{body}");
            }
        }
    }
    // What is not framed may be edited.
    let outcome = response.run(&heads[0], &[SSN.as_bytes()]);
    assert_eq!((outcome.last, outcome.text()), (Step::Release, "***-**-****"));
    // Another coding stays what it is.
    let both = Head { coding: Some("aws-chunked,gzip"), ..plain() };
    assert_eq!(response.run(&both, &[&zipped]).out, zipped);
    let hidden = gzip(PAN.as_bytes());
    assert_eq!(response.run(&both, &[&hidden]).last, Step::Stop);
    // A piece is of the body as it stands.
    response.message.status = Some(206);
    assert_eq!(response.run(&heads[0], &[b"piece"]).text(), "piece");
    assert_eq!(response.run(&both, &[&zipped]).last, Step::Stop);
    // A request is framed, or not readable.
    assert_eq!(Setup::new(usual()).run(&heads[0], &[b"hello"]).last, Step::Stop);
}

#[test]
fn snappy_is_read_and_never_edited() {
    let head = Head { coding: Some("snappy"), ..plain() };
    // A literal each, the value cut by their heads.
    let block = |pieces: &[&str]| {
        let text: usize = pieces.iter().map(|piece| piece.len()).sum();
        let literals =
            pieces.iter().map(|piece| [&[(piece.len() as u8 - 1) << 2], piece.as_bytes()].concat());
        [vec![text as u8], literals.collect::<Vec<_>>().concat()].concat()
    };
    let (start, end) = PAN.split_at(7);
    let outcome = Setup::new(usual()).run(&head, &[&block(&[start, end])]);
    assert_eq!((outcome.last, outcome.decision.reason.clone()), (Step::Stop, None));
    assert_eq!(outcome.found("payment.pan").at[0].carrier, ["snappy"]);
    let clean = block(&["http_requests_total", "GET"]);
    assert_eq!(Setup::new(usual()).run(&head, &[&clean]).out, clean);
    let outcome = Setup::new(usual()).run(&head, &[&block(&[SSN])]);
    assert_eq!(outcome.decision.reason, Some(Reason::CannotRedact("framing")));
    assert!(outcome.out.is_empty());
    // A clean one passes as it came, however long.
    let long = |text: &str| {
        let length = [text.len() as u8 | 0x80, (text.len() >> 7) as u8 | 0x80, (text.len() >> 14) as u8];
        let literals =
            text.as_bytes().chunks(60).map(|piece| [&[(piece.len() as u8 - 1) << 2], piece].concat());
        [length.to_vec(), literals.collect::<Vec<_>>().concat()].concat()
    };
    let clean = long(&noise(60_000));
    let run = |wire: &[u8]| Setup::new(usual()).run(&head, &wire.chunks(1000).collect::<Vec<_>>());
    let outcome = run(&clean);
    assert_eq!((outcome.last, outcome.decision.reason.clone()), (Step::Release, None));
    assert!(outcome.out == clean && !outcome.inspector.is_recoded());
    let outcome = run(&long(&format!("{} {SSN} ", noise(60_000))));
    assert_eq!(outcome.decision.reason, Some(Reason::CannotRedact("framing")));
}

#[test]
fn a_coding_that_nobody_declared_is_looked_into() {
    for coding in [Coding::Gzip, Coding::Zstd] {
        for length in [1, 3, 5000] {
            let run =
                |setup: &Setup, wire: &[u8]| setup.run(&plain(), &wire.chunks(length).collect::<Vec<_>>());
            let wire = encode(&[coding], format!("{} {PAN}", noise(3000)).as_bytes());
            let outcome = run(&Setup::new(usual()), &wire);
            assert_eq!((outcome.last, outcome.decision.action), (Step::Stop, Action::Block));
            assert_eq!(outcome.found("payment.pan").at[0].carrier, [coding.as_str()]);
            let outcome = run(&Setup::new(usual()), &encode(&[coding], SSN.as_bytes()));
            assert_eq!(outcome.decision.reason, Some(Reason::CannotRedact("archive")));
            // A part of a file is all there is to see, and passes; one that goes on as something else does not.
            let clean = encode(&[coding], noise(3000).as_bytes());
            let part = &clean[..clean.len() / 2];
            assert_eq!(run(&Setup::new(usual()), part).out, part);
            let more = [clean.as_slice(), b"and more"].concat();
            assert_eq!(
                run(&Setup::new(usual()), &more).decision.reason,
                Some(Reason::Undecodable("trailing"))
            );
        }
    }
    for short in ["", "\x1f", "PK"] {
        assert_eq!(Setup::new(usual()).body(short).text(), short);
    }
}

#[test]
fn a_charset_that_cannot_be_read_is_undecodable_and_no_other_is() {
    for (kind, refused) in [
        ("text/plain; charset=utf-7", true),
        ("application/json;charset=\"IBM037\"", true),
        ("text/csv; charset=windows-1252", false),
        ("text/csv; charset=utf-8; charset=windows-1252", false),
        // Whoever reads it in another way goes by another one.
        ("text/plain; x=\u{e9}; charset=utf-7", true),
        ("text/plain; charset=utf-8; charset=utf-7", true),
        ("text/plain; x=\"; charset=utf-8; y=\"; charset=utf-7", true),
        ("text/plain; x=\"; charset=utf-7; y=\"; charset=utf-8", true),
        ("text/plain; charset*=us-ascii''utf-7", true),
    ] {
        let fields: [(&str, &[u8]); 1] = [("content-type", kind.as_bytes())];
        let outcome = Setup::new(usual()).run(&Head { fields: &fields, ..plain() }, &[b"+ADQ-5 \xf4\xf5"]);
        let reason = outcome.decision.reason;
        assert_eq!(reason, refused.then_some(Reason::Undecodable("charset")), "{kind}");
        // Without a body there is nothing to read.
        assert_eq!(Setup::new(usual()).run(&Head { fields: &fields, ..plain() }, &[]).decision.reason, None);
    }
    let declared =
        |charset: &str| format!("<?xml version='1.0' encoding='{charset}'?><a>+ADQ-5</a>").into_bytes();
    for (body, refused) in [
        (declared("UTF-7"), true),
        (declared("ibm037"), true),
        (declared("utf-8"), false),
        (declared("shift_jis"), false),
        (b"\x4c\x6f\xa7\x94\x93\x40\xa5\x85\x99".to_vec(), true),
        (gzip(&declared("utf-7")), true),
    ] {
        for length in [1, 7, body.len()] {
            let chunks: Vec<_> = body.chunks(length).collect();
            let reason = Setup::new(usual()).run(&plain(), &chunks).decision.reason;
            assert_eq!(reason, refused.then_some(Reason::Undecodable("charset")), "{}", body.escape_ascii());
        }
    }
    let twice: [(&str, &[u8]); 2] =
        [("content-type", b"text/plain"), ("content-type", b"text/plain; charset=utf-7")];
    let outcome = Setup::new(usual()).run(&Head { fields: &twice, ..plain() }, &[b"+ADQ-5"]);
    assert_eq!(outcome.decision.reason, Some(Reason::Undecodable("charset")));
    let parted: [(&str, &[u8]); 2] =
        [("content-type", b"multipart/mixed; boundary=a"), ("content-type", b"multipart/mixed; boundary=b")];
    let outcome = Setup::new(usual()).run(&Head { fields: &parted, ..plain() }, &[b"--a\r\n\r\nx\r\n--a--"]);
    assert_eq!(outcome.decision.reason, Some(Reason::Undecodable("boundary")));
}

#[test]
fn a_stream_of_zlib_that_nobody_declared_is_looked_into() {
    let zlib = |text: &str| encode(&[Coding::Deflate], text.as_bytes());
    let run = |wire: &[u8], length: usize| {
        Setup::new(usual()).run(&plain(), &wire.chunks(length).collect::<Vec<_>>())
    };
    for length in [1, 3, 5000] {
        for text in [format!("{{\"card\":\"{PAN}\"}}"), format!("{} {PAN}", noise(3000))] {
            let outcome = run(&zlib(&text), length);
            assert_eq!((outcome.last, outcome.decision.action), (Step::Stop, Action::Block), "{length}");
            assert_eq!(outcome.found("payment.pan").at[0].carrier[0], "deflate");
        }
        assert_eq!(
            run(&zlib(&format!("my ssn is {SSN}, thanks")), length).decision.reason,
            Some(Reason::CannotRedact("archive"))
        );
        // Clean ones, parts of them, and what only begins like one pass as they are.
        let clean = zlib(&noise(3000));
        let passing = [
            &clean[..],
            &clean[..clean.len() / 2],
            &clean[..1],
            b"x",
            b"x^2 + y^2",
            b"x\x9cnothing of the kind",
        ];
        for wire in passing {
            assert_eq!(run(wire, length).out, wire, "{}", wire.escape_ascii());
        }
    }
    // What stands behind what only begins like one is read as it stands.
    let text = format!("x^ {} {PAN}", noise(100));
    assert_eq!(run(text.as_bytes(), 5000).last, Step::Stop);
}

#[test]
fn what_cannot_be_read_is_refused_or_passes_unread_and_recorded() {
    let whole = gzip(b"some text");
    let broken = [whole.clone(), b"garbage".to_vec()].concat();
    let truncated = whole[..whole.len() - 3].to_vec();
    let cases: [(&str, Option<&str>, &[u8]); 5] = [
        ("trailing", Some("gzip"), &broken),
        ("truncated", Some("gzip"), &truncated),
        ("unknown_coding", Some("rot13"), b"uryyb"),
        ("depth", Some("gzip,gzip,gzip,gzip"), b"x"),
        ("mislabelled", Some("gzip"), b"{\"not\":\"gzip\"}"),
    ];
    for (word, coding, wire) in cases {
        let head = Head { coding, ..plain() };
        let setup = Setup::new(usual());
        let outcome = setup.run(&head, &[wire]);
        assert_eq!(outcome.last, Step::Stop, "{word}");
        assert_eq!(outcome.decision.reason, Some(Reason::Undecodable(word)));
        assert!(outcome.out.is_empty());

        let observed = Setup::new(usual()).observe().run(&head, &[wire]);
        let decision = &observed.decision;
        assert_eq!((decision.action, decision.would), (Action::Allow, Some(Action::Block)), "{word}");
        assert_eq!(observed.out, wire, "{word}");

        let mut allowing = Setup::new(usual());
        allowing.undecodable = Action::Allow;
        let allowed = allowing.run(&head, &[wire]);
        let coverage = &allowed.decision.coverage;
        assert_eq!((allowed.out.as_slice(), allowed.decision.would), (wire, None), "{word}");
        let unread: u64 = coverage.uninspected.iter().map(|(_, bytes)| bytes).sum();
        assert_eq!(coverage.inspected + unread, wire.len() as u64, "{word}");
        if word != "truncated" {
            assert_eq!(coverage.uninspected[0].0, word);
        }
    }
    // Without a body there is nothing to decode.
    let head = Head { coding: Some("rot13"), ..plain() };
    assert_eq!(Setup::new(usual()).run(&head, &[]).last, Step::Release);
    let mut partial = Setup::new(usual());
    partial.message.direction = Direction::Response;
    partial.message.status = Some(206);
    let outcome = partial.run(&gzip_head(), &[&whole]);
    assert_eq!(outcome.decision.reason, Some(Reason::Undecodable("partial")));
}

#[test]
fn what_is_found_before_a_coding_breaks_still_counts() {
    let mut wire = gzip(format!("{PAN} {}", noise(3000)).as_bytes());
    let end = wire.len() - 1;
    wire[end] ^= 1;
    let mut setup = Setup::new(usual());
    setup.undecodable = Action::Allow;
    let outcome = setup.run(&gzip_head(), &[&wire]);
    assert_eq!((outcome.last, outcome.decision.reason), (Step::Stop, None));
}

#[test]
fn packed_and_signed_bodies_are_never_edited() {
    let body = format!("x {SSN} y");
    let zipped = format!("PK\x03\x04 {body}");
    type Fields<'a> = &'a [(&'a str, &'a [u8])];
    let cases: [(&str, &str, Fields<'_>, &str); 5] = [
        ("application/octet-stream", &body, &[], "archive"),
        ("text/plain", &zipped, &[], "archive"),
        ("application/vnd.npm.install-v1+json", &body, &[], "package_index"),
        ("text/plain", &body, &[("content-digest", b"sha-256=:x:")], "signed"),
        ("text/plain", &body, &[("authorization", b"AWS4-HMAC-SHA256 x")], "signed"),
    ];
    for (media_type, body, fields, word) in cases {
        for hold in [HOLD, 4] {
            let mut setup = Setup::new(usual());
            setup.message.media_type = Some(media_type.into());
            setup.hold = hold;
            let outcome = setup.run(&Head { fields, ..plain() }, &[body.as_bytes()]);
            assert_eq!(outcome.decision.reason, Some(Reason::CannotRedact(word)), "{media_type}");
            assert_eq!(
                (outcome.decision.action, outcome.decision.disclosure),
                (Action::Block, Disclosure::Prevented)
            );
        }
    }
}
