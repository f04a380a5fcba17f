//! Multipart bodies: what parts them, and how each part is written.

use super::matrix::data_encoding_of;
use super::wire::{part, setup, typed};
use super::*;

#[test]
fn the_charset_of_a_part_says_how_it_is_read() {
    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let card = format!("\u{20ac} card {PAN}");
    let nested = |inner: &[u8]| {
        [b"--in\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n", inner, b"\r\n--in--\r\n"].concat()
    };
    let (found, refused, clean) = ((None, true), (Some(Reason::Undecodable("charset")), true), (None, false));
    type Row<'a> = (&'a str, Vec<u8>, &'a (Option<Reason>, bool));
    let rows: Vec<Row<'_>> = vec![
        // Nothing but the header tells: its first characters are no ASCII.
        (
            "Content-Type: text/plain; charset=utf-16le\r\n",
            wide(&format!("\u{20ac}\u{20ac}\u{20ac}{card}")),
            &found,
        ),
        ("content-type:text/plain;CHARSET=\"UTF-16LE\"\r\n", wide(&card), &found),
        ("Content-Type: text/plain; charset=utf-8\r\n", card.clone().into_bytes(), &found),
        ("Content-Type: text/plain; charset=windows-1252\r\n", b"\x804 euro".to_vec(), &clean),
        ("Content-Type: text/plain; charset=utf-7\r\n", b"+ADQ-5 of them".to_vec(), &refused),
        ("Content-Type: application/json; x=y; charset=\"IBM037\"\r\n", vec![0xf4, 0xf5, 0xf3], &refused),
        (
            "Content-Type: text/plain; charset=EBCDIC-US\r\nContent-Transfer-Encoding: base64\r\n",
            b"9PXz".to_vec(),
            &refused,
        ),
        ("Content-Type: multipart/mixed; boundary=in\r\n", nested(b"+ADQ-5"), &refused),
        ("Content-Type: text/plain; charset=utf-7\r\n", Vec::new(), &clean),
        ("", b"<?xml version=\"1.0\" encoding=\"utf-7\"?><a>+ADQ-5</a>".to_vec(), &refused),
        ("", b"<?xml version=\"1.0\" encoding=\"utf-8\"?><a>+ADQ-5</a>".to_vec(), &clean),
    ];
    let fields = [("content-type", b"multipart/form-data; boundary=b7".as_slice())];
    for (header, text, expected) in rows {
        let body = part(header, &text);
        for length in [1, 7, body.len()] {
            let outcome = setup(Action::Block).run(&typed(&fields), &body.chunks(length).collect::<Vec<_>>());
            assert_eq!(
                (outcome.decision.reason.clone(), outcome.last == Step::Stop),
                *expected,
                "{header} in pieces of {length}"
            );
        }
    }
}

#[test]
fn parts_are_told_however_long_the_line_between_them_is() {
    let text: Vec<u8> = format!("card {PAN}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let body = |boundary: &str, blanks: usize, header: &str, text: &[u8]| {
        let (open, close) = (
            format!("--{boundary}{}\r\n{header}\r\n", " ".repeat(blanks)),
            format!("\r\n--{boundary}--\r\n"),
        );
        [open.as_bytes(), text, close.as_bytes()].concat()
    };
    let wide = "Content-Type: text/plain; charset=utf-16le\r\n";
    for (length, blanks) in
        [(1, 0), (70, 0), (148, 0), (149, 0), (200, 9), (3000, 0), (4, 151), (4, 160), (4, 9000)]
    {
        let boundary = "b".repeat(length);
        let nested = format!("Content-Type: multipart/mixed; boundary={boundary}\r\n");
        let inner = body(&boundary, blanks, wide, &text);
        for (declared, body) in [(&*boundary, inner.clone()), ("c", body("c", 0, &nested, &inner))] {
            let declared = format!("multipart/form-data; boundary={declared}");
            let fields = [("content-type", declared.as_bytes())];
            for size in [1, 7, body.len()] {
                let outcome =
                    setup(Action::Block).run(&typed(&fields), &body.chunks(size).collect::<Vec<_>>());
                assert_eq!(outcome.last, Step::Stop, "{length} and {blanks} blanks in pieces of {size}");
            }
        }
    }
}

#[test]
fn what_parts_a_body_is_read_in_one_way_or_not_at_all() {
    let coded = encode(&[Coding::Deflate], format!("card {PAN}, {}", filler(300)).as_bytes());
    let within = |boundary: &str, header: &str, inner: &[u8]| {
        let (open, close) = (format!("--{boundary}\r\n{header}\r\n"), format!("\r\n--{boundary}--\r\n"));
        [b"a preamble\r\n", open.as_bytes(), inner, close.as_bytes()].concat()
    };
    let deflated = |boundary: &str| within(boundary, "Content-Encoding: deflate\r\n", &coded);
    let padded = |length: usize| {
        within("b7", &format!("X: {}\r\nContent-Encoding: deflate\r\n", "a".repeat(length)), &coded)
    };
    let nested = |levels: usize| {
        (0..levels).rev().fold(coded.clone(), |inner, level| {
            let more = format!("Content-Type: multipart/mixed; boundary=b7{}\r\n", level + 1);
            let header = if level + 1 == levels { "Content-Encoding: deflate\r\n" } else { &more };
            let boundary = if level == 0 { "b7".to_owned() } else { format!("b7{level}") };
            within(&boundary, header, &inner)
        })
    };
    let (found, unclear) = (None, Some(Reason::Undecodable("boundary")));
    let folded = within(
        "b7",
        "Content-Disposition: form-data;\r\n\tname=f\r\nContent-Encoding:\r\n deflate\r\n",
        &coded,
    );
    let quoted =
        within("b7", "Content-Type: text/plain; x=\"; charset=utf-8\"; charset=\"utf-7\"\r\n", b"+ADQ-5");
    let twice = within(
        "b7",
        "Content-Type: text/plain; charset=utf-7\r\nContent-Type: text/plain; charset=utf-8\r\n",
        b"+ADQ-5",
    );
    let rows: Vec<(&str, Vec<u8>, Option<Reason>)> = vec![
        ("boundary=b7", deflated("b7"), found.clone()),
        ("x=\u{e9}; boundary=b7", deflated("b7"), found.clone()),
        ("x=\"a;b\"; boundary=\"b7\"", deflated("b7"), found.clone()),
        ("boundary=fake; boundary=b7", deflated("b7"), unclear.clone()),
        ("boundary=b7; boundary=fake", deflated("b7"), unclear.clone()),
        ("x=\"; boundary=fake; y=\"; boundary=b7", deflated("b7"), unclear.clone()),
        ("boundary=\"b;7\"", deflated("b;7"), unclear.clone()),
        ("boundary*=us-ascii''b7", deflated("b7"), unclear.clone()),
        ("boundary*0=b; boundary*1=7", deflated("b7"), unclear.clone()),
        // Some part values at a comma, others do not.
        ("boundary=b7, text/plain", deflated("b7"), found.clone()),
        ("boundary=b7, text/plain", deflated("b7, text/plain"), found.clone()),
        ("boundary=b7,multipart/form-data; boundary=b7", deflated("b7"), found.clone()),
        ("boundary=\"b,7\"", deflated("b,7"), found.clone()),
        ("boundary=b7, text/plain", within("b7", "", b"x\n--b7, text/plain\n\n1"), unclear.clone()),
        ("boundary=b7, text/plain", within("b7, text/plain", "", b"x\n--b7\n\n1"), unclear.clone()),
        ("boundary=b7, multipart/form-data; boundary=b8", deflated("b7"), unclear.clone()),
        ("boundary=b7\ntext/plain", deflated("b7"), found.clone()),
        ("x=y\ntext/plain; boundary=b7", deflated("b7"), found.clone()),
        ("x=y\nmultipart/mixed; boundary=b7", deflated("b7"), found.clone()),
        ("boundary=b7\nmultipart/form-data; boundary=b8", deflated("b7"), unclear),
        ("boundary=b7", twice, Some(Reason::Undecodable("charset"))),
        // One may begin like the one in it.
        (
            "boundary=b77",
            [within("b77", "Content-Type: multipart/mixed; boundary=b7\r\n", b""), deflated("b77")].concat(),
            found.clone(),
        ),
        ("boundary=b7", folded, found.clone()),
        ("boundary=b7", quoted, Some(Reason::Undecodable("charset"))),
        ("boundary=b7", padded(4000), found.clone()),
        ("boundary=b7", padded(9000), Some(Reason::Undecodable("size"))),
        ("boundary=b7", nested(5), found),
        ("boundary=b7", nested(6), Some(Reason::Undecodable("depth"))),
    ];
    rows.iter().for_each(|(parameters, body, reason)| stops_for(parameters, body, reason.as_ref()));
}

/// A body of several parts is stopped: for what is found, or for a reason. Lines of `parameters` are fields of their own.
fn stops_for(parameters: &str, body: &[u8], reason: Option<&Reason>) {
    let kind = format!("multipart/form-data; {parameters}");
    let fields: Vec<_> = kind.lines().map(|line| ("content-type", line.as_bytes())).collect();
    for length in [1, 7, 1000, body.len()] {
        let chunks: Vec<_> = body.chunks(length).collect();
        let outcome = setup(Action::Block).run(&typed(&fields), &chunks);
        let told = (outcome.last, outcome.decision.reason.as_ref());
        assert_eq!(told, (Step::Stop, reason), "{kind} in pieces of {length}");
    }
}

#[test]
fn parts_in_a_coding_are_read_or_refused() {
    let fields = [("content-type", b"multipart/form-data; boundary=b7".as_slice())];
    let text = format!("{}card {PAN}, thanks", filler(600));
    let (deflate, brotli) = (&[Coding::Deflate][..], &[Coding::Brotli][..]);
    for (name, codings) in [
        ("deflate", deflate),
        ("br", brotli),
        ("gzip", &[Coding::Gzip]),
        ("Zstd", &[Coding::Zstd]),
        ("deflate, br", &[Coding::Deflate, Coding::Brotli]),
    ] {
        let header = format!("Content-Type: text/plain\r\nContent-Encoding: {name}\r\n");
        let coded = encode(codings, text.as_bytes());
        let body = part(&header, &coded);
        let outermost = codings.last().unwrap().as_str();
        // What tells by its first bytes is found where it stands.
        let (carrier, path) = match outermost {
            "gzip" | "zstd" => (vec![outermost], None),
            _ => (vec!["multipart", outermost], Some("upload")),
        };
        for length in [1, 7, body.len()] {
            let chunks: Vec<_> = body.chunks(length).collect();
            let outcome = setup(Action::Alert).run(&typed(&fields), &chunks);
            let found = outcome.found("payment.pan");
            assert_eq!(
                (found.distinct, &found.at[0].carrier, found.at[0].path.as_deref()),
                (1, &carrier, path),
                "{name} in pieces of {length}"
            );
            assert_eq!(outcome.out, body);
            let outcome = setup(Action::Redact).run(&typed(&fields), &chunks);
            assert_eq!(outcome.decision.reason, Some(Reason::CannotRedact("archive")), "{name}");
            // Past hold nothing of it leaves either before it is known.
            let mut streaming = setup(Action::Block);
            streaming.hold = 1;
            let outcome = streaming.run(&typed(&fields), &chunks);
            assert!(outcome.last == Step::Stop && outcome.out.len() < body.len(), "{name}");
        }
        // Clean ones pass as they are.
        let body = part(&header, &encode(codings, filler(3000).as_bytes()));
        let outcome = setup(Action::Redact).run(&typed(&fields), &[&body]);
        assert_eq!((outcome.out == body, outcome.decision.action), (true, Action::Allow), "{name}");
    }
    let brotli = encode(brotli, text.as_bytes());
    let base64 = data_encoding_of(&brotli);
    for (header, bytes, word) in [
        ("Content-Encoding: rot13\r\n", &brotli[..], "unknown_coding"),
        ("Content-Transfer-Encoding: x-uuencode\r\n", b"M=&AI<R!I<R!T97AT", "unknown_coding"),
        (
            "Content-Encoding: br\r\nContent-Transfer-Encoding: base64\r\n",
            base64.as_bytes(),
            "unknown_coding",
        ),
        ("Content-Encoding: br\r\n", &brotli[..brotli.len() - 9], "truncated"),
        ("Content-Encoding: deflate\r\n", b"\x78\x9cnothing of the kind", "broken"),
    ] {
        let body = part(header, bytes);
        let outcome = setup(Action::Alert).run(&typed(&fields), &[&body]);
        let reason = outcome.decision.reason;
        assert_eq!(reason, Some(Reason::Undecodable(word)), "{header}");
    }
    for header in ["base64 (all of it)", "(x) BASE64", "base64; x=y"] {
        let header = format!("Content-Transfer-Encoding: {header}\r\n");
        let body = part(&header, data_encoding_of(text.as_bytes()).as_bytes());
        let outcome = setup(Action::Block).run(&typed(&fields), &[&body]);
        assert_eq!(outcome.last, Step::Stop, "{header}");
    }
    for word in ["7bit", "8-Bit", "binary", "(none)", "utf-8"] {
        let body = part(&format!("Content-Transfer-Encoding: {word}\r\n"), PAN.as_bytes());
        assert_eq!(setup(Action::Redact).run(&typed(&fields), &[&body]).decision.edits, 1, "{word}");
    }
    // Nothing to undo.
    let body = part("Content-Encoding: identity\r\n", PAN.as_bytes());
    assert_eq!(setup(Action::Redact).run(&typed(&fields), &[&body]).decision.edits, 1);
}

#[test]
fn a_part_whose_checksums_cover_its_text_is_never_edited_and_others_are() {
    let fields = [("content-type", b"multipart/form-data; boundary=b7".as_slice())];
    let card = format!("card {PAN}, thanks");
    let image = [b"\x89PNG\r\n\x1a\n\0\0\0\x20tEXtComment\0", card.as_bytes(), b"\0\xff\xfe"].concat();
    let masked = card.replace(PAN, "**** **** **** 6467");
    let mail = |more: &str| format!("From: a\r\n{more}Subject: b\r\n\r\n{card}");
    let (signed, plain) = (mail("DKIM-Signature: v=1; b=x\r\n"), mail(""));
    let long = mail(&format!("X-Long: y\r\n{}", " z\r\n".repeat(3000)));
    let (archive, signature) = (Some("archive"), Some("signed"));
    for (header, text, sealed) in [
        ("Content-Type: image/png\r\n", &image[..], archive),
        ("Content-Type: application/octet-stream\r\n", &image, archive),
        ("", &image, archive),
        ("Content-Type: audio/mpeg; x=y\r\n", card.as_bytes(), archive),
        (
            "Content-Type: image/png\r\nContent-Transfer-Encoding: quoted-printable\r\n",
            card.as_bytes(),
            archive,
        ),
        ("Content-Type: application/octet-stream\r\n", card.as_bytes(), None),
        ("Content-Type: image/svg+xml\r\n", card.as_bytes(), None),
        ("Content-Type: text/plain\r\n", card.as_bytes(), None),
        ("Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\n", card.as_bytes(), signature),
        ("content-type: text/plain\r\nContent-Digest: sha-256=:x:\r\n", card.as_bytes(), signature),
        ("Content-Type: message/rfc822\r\n", signed.as_bytes(), signature),
        ("Content-Type: message/rfc822\r\n", long.as_bytes(), signature),
        ("Content-Type: message/rfc822\r\n", plain.as_bytes(), None),
    ] {
        let body = part(header, text);
        // Behind it and before it a text is edited, as long as nothing in it is.
        let clean = part(
            header,
            &text.iter().map(|b| if b.is_ascii_digit() { b'x' } else { *b }).collect::<Vec<_>>(),
        );
        let around = |word: &str| {
            let head = "--b7\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n";
            let clean = String::from_utf8_lossy(&clean).replace("last", word);
            format!("{head}{word}\r\n{clean}")
        };
        for length in [1, 7, body.len()] {
            let outcome =
                setup(Action::Redact).run(&typed(&fields), &body.chunks(length).collect::<Vec<_>>());
            match sealed {
                Some(why) => assert_eq!(outcome.decision.reason, Some(Reason::CannotRedact(why)), "{header}"),
                None => assert_eq!(outcome.text(), String::from_utf8_lossy(&body).replace(&card, &masked)),
            }
            let (body, edited) = (around(&card), around(&masked));
            let chunks = body.as_bytes().chunks(length).collect::<Vec<_>>();
            let outcome = setup(Action::Redact).run(&typed(&fields), &chunks);
            assert_eq!(String::from_utf8_lossy(&outcome.out), edited, "{header} in pieces of {length}");
        }
    }
}

#[test]
fn a_boundary_that_is_missing_or_odd_hides_nothing() {
    let bodies = [
        format!("a preamble, {PAN}\r\n--b7\r\n\r\nx\r\n--b7--\r\n"),
        format!("--other\r\n\r\n{PAN}\r\n--other--\r\n"),
        format!("--b7\r\nContent-Type: text/plain; charset=utf-16\r\n{PAN}"),
        format!("--b7\n\n{PAN}\n--b7--"),
        format!("--b7\r\n\r\n--b7 x\r\n{PAN}\r\n--b77\r\n--b7--\r\n an epilogue"),
        format!("--b7--\r\n{PAN}"),
        PAN.to_owned(),
    ];
    for body in bodies {
        for media_type in
            ["multipart/form-data; boundary=b7", "multipart/mixed", "multipart/form-data; boundary=\"\""]
        {
            let fields = [("content-type", media_type.as_bytes())];
            for length in [1, 13, body.len()] {
                let outcome = setup(Action::Redact)
                    .run(&typed(&fields), &body.as_bytes().chunks(length).collect::<Vec<_>>());
                assert_eq!(outcome.text(), body.replace(PAN, "**** **** **** 6467"), "{media_type}");
            }
        }
    }
}
