//! What is packed: found wherever it is, never edited, never a way past.

use super::*;
use crate::decode::packing::{deflated, gzipped, member, packed, stored, streamed, tar_member, zip};
use proptest::prelude::*;

fn tar(members: &[Vec<u8>]) -> Vec<u8> {
    [members.concat(), vec![0; 1024]].concat()
}

fn text() -> Vec<u8> {
    format!("{}card {PAN}\n{}", filler(900), filler(700)).into_bytes()
}

fn multipart(part: &[u8]) -> Vec<u8> {
    let head = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n";
    [head.as_bytes(), part, b"\r\n--b--\r\n"].concat()
}

/// A document whose one page is this.
fn pdf(page: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut packed, page).unwrap();
    let packed = packed.finish().unwrap();
    [b"%PDF-1.7\n4 0 obj\n<</Filter/FlateDecode>>\nstream\n", packed.as_slice(), b"\nendstream\nendobj\n"]
        .concat()
}

/// Ways to pack a text, and the carriers that are named for them.
fn ways(text: &[u8]) -> Vec<(Vec<u8>, Vec<&'static str>)> {
    let document = format!("<w:p><w:r><w:t>{}</w:t></w:r></w:p>", String::from_utf8_lossy(text));
    let runs = document
        .replace(" 1488 ", " 14</w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t xml:space=\"preserve\">88 ");
    let between = |unseen: &str| {
        let parted = format!(" 14</w:t></w:r>{unseen}<w:r><w:t xml:space=\"preserve\">88 ");
        document.replace(" 1488 ", &parted)
    };
    let tracked = between("<w:del w:id=\"1\"><w:r><w:delText>999</w:delText></w:r></w:del>");
    let field = between("<w:r><w:instrText xml:space=\"preserve\"> PAGE 3 </w:instrText></w:r>");
    let deleted = format!(
        "<w:p><w:r><w:t>x</w:t></w:r><w:del><w:r><w:delText>{}</w:delText></w:r></w:del></w:p>",
        String::from_utf8_lossy(text)
    );
    let paged = format!("<text:p>{}</text:p>", String::from_utf8_lossy(text));
    let paged = paged.replace(" 1488 ", " 14<text:soft-page-break/>8<text:bookmark text:name=\"b\"/>8 ");
    vec![
        (zip(&[packed("word/document.xml", tracked.as_bytes())]), vec!["zip", "xml"]),
        (zip(&[packed("word/document.xml", field.as_bytes())]), vec!["zip", "xml"]),
        (zip(&[packed("word/document.xml", deleted.as_bytes())]), vec!["zip"]),
        (zip(&[packed("content.xml", paged.as_bytes())]), vec!["zip", "xml"]),
        (zip(&[packed("a", text)]), vec!["zip"]),
        (zip(&[stored("a", text)]), vec!["zip"]),
        (zip(&[streamed("a", text, true, false), packed("b", b"clean")]), vec!["zip"]),
        (zip(&[packed("word/document.xml", document.as_bytes())]), vec!["zip"]),
        (zip(&[packed("word/document.xml", runs.as_bytes())]), vec!["zip", "xml"]),
        (zip(&[packed("x.zip", &zip(&[packed("a", text)]))]), vec!["zip", "zip"]),
        (zip(&[stored("x.zip", &zip(&[packed("a", text)]))]), vec!["zip", "zip"]),
        (
            zip(&[packed("x.tar.gz", &gzipped(&tar(&[tar_member("a", b'0', text)])))]),
            vec!["zip", "gzip", "tar"],
        ),
        (
            zip(&[packed("x.tar", &tar(&[tar_member("a.gz", b'0', &gzipped(text))]))]),
            vec!["zip", "tar", "gzip"],
        ),
        (tar(&[tar_member("a.gz", b'0', &gzipped(text))]), vec!["tar", "gzip"]),
        (tar(&[tar_member("x.zip", b'0', &zip(&[packed("a", text)]))]), vec!["tar", "zip"]),
        (gzipped(&tar(&[tar_member("a.gz", b'0', &gzipped(text))])), vec!["gzip", "tar", "gzip"]),
        (multipart(&zip(&[packed("a", text)])), vec!["zip"]),
        (multipart(&gzipped(text)), vec!["gzip"]),
    ]
}

fn alerting() -> Setup {
    Setup::new(vec![on("payment.pan", Action::Alert, 1)])
}

#[test]
fn a_value_is_found_once_in_whatever_it_is_packed_in() {
    for (body, carrier) in ways(&text()) {
        for cut in [body.len(), 1000, 97] {
            let chunks: Vec<_> = body.chunks(cut).collect();
            let outcome = alerting().run(&plain(), &chunks);
            assert_eq!(outcome.decision.action, Action::Alert, "{carrier:?}");
            let found = outcome.found("payment.pan");
            assert_eq!((found.matched, found.distinct, found.forwarded), (1, 1, 1), "{carrier:?} {cut}");
            let named = &found.at[0].carrier;
            // What stands in place may have been seen there first.
            assert!(
                named.is_empty() || carrier.starts_with(named) || *named == carrier,
                "{named:?} {carrier:?}"
            );
            assert_eq!(outcome.out, body, "{carrier:?}");
        }
    }
}

#[test]
fn nothing_packed_is_edited_and_nothing_of_it_leaves_before_it_is_known() {
    for (body, carrier) in ways(&text()) {
        let redacting = Setup::new(vec![on("payment.pan", Action::Redact, 1)]);
        let outcome = redacting.run(&plain(), &[&body]);
        assert_eq!(outcome.decision.reason, Some(Reason::CannotRedact("archive")), "{carrier:?}");
        let mut small = Setup::new(vec![on("payment.pan", Action::Block, 1)]);
        small.hold = 64;
        for cut in [body.len(), 300, 40] {
            let chunks: Vec<_> = body.chunks(cut).collect();
            let outcome = small.run(&plain(), &chunks);
            assert_eq!(outcome.last, Step::Stop, "{carrier:?}");
            assert_eq!(outcome.decision.disclosure, Disclosure::Prevented, "{carrier:?}");
            // Whatever left does not hold the value, however it is read.
            let left = alerting().run(&plain(), &[&outcome.out]);
            assert_eq!(
                left.decision.found.len(),
                0,
                "{carrier:?} {cut}: {} of {}",
                outcome.out.len(),
                body.len()
            );
        }
    }
}

#[test]
fn names_and_comments_are_looked_at() {
    let name = format!("scan-{BARE}.txt");
    for body in [zip(&[packed(&name, b"clean")]), tar(&[tar_member(&name, b'0', b"clean")])] {
        let outcome = alerting().run(&plain(), &[&body]);
        assert_eq!(outcome.decision.action, Action::Alert);
        assert_eq!(outcome.found("payment.pan").distinct, 1);
    }
}

#[test]
fn what_nobody_opens_passes_and_is_said_to_be_unread() {
    let signs: [&[u8]; 16] = [
        b"7z\xbc\xaf\x27\x1c\0\x04",
        b"\xfd7zXZ\0\0\x04",
        b"BZh91AY&SY",
        b"BZh1\x17rE8P\x90",
        b"Rar!\x1a\x07\x01\0",
        b"LZIP\x01\x0c",
        b"\x1f\x9d\x90",
        b"]\0\0\x80\0",
        b"\x60\xea\x29\0",
        b"MSCF\0\0\0\0",
        b"\x04\x22\x4d\x18d@",
        b"\x02\x21\x4c\x18",
        b"\xff\x06\0\0sNaPpY",
        b"\x89LZO\0\r\n\x1a\n",
        b"ARROW1\0\0",
        b"\x93NUMPY\x01\0",
    ];
    let parted: [(&str, &[u8]); 1] = [("content-type", b"multipart/form-data; boundary=b")];
    for sign in signs {
        let rest: Vec<u8> = (0..4000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
        let file = [sign, &rest].concat();
        let in_base64 = format!("{{\"file\":\"{}\"}}", super::runs::base64(&file)).into_bytes();
        let bodies = [
            (file.clone(), plain()),
            (multipart(&file), Head { fields: &parted, ..plain() }),
            (multipart(&file), plain()),
            (zip(&[packed("a", &file), packed("b", b"clean")]), plain()),
            (gzipped(&file), gzip_head()),
            (in_base64, plain()),
        ];
        for (body, head) in bodies {
            for length in [97, body.len()] {
                let setup = Setup { hold: 1 << 20, ..Setup::new(usual()) };
                let outcome = setup.run(&head, &body.chunks(length).collect::<Vec<_>>());
                let (decision, name) = (&outcome.decision, sign.escape_ascii());
                assert_eq!((decision.action, &decision.reason), (Action::Allow, &None), "{name}");
                assert_eq!(outcome.out, body, "{name}");
                let coverage = &decision.coverage;
                let unread: u64 = coverage.uninspected.iter().map(|(_, bytes)| *bytes).sum();
                assert!(matches!(coverage.uninspected[..], [("unopened", 900..)]), "{name} {coverage:?}");
                assert_eq!(coverage.inspected + unread, coverage.seen, "{name}");
            }
        }
    }
    // What only looks like one is text.
    for text in ["BZhang wrote 7z and Rar! again", "LZIP, MSCF and sNaPpY", "BZh9"] {
        let coverage = alerting().run(&plain(), &[text.as_bytes()]).decision.coverage;
        assert_eq!((coverage.inspected, coverage.uninspected), (text.len() as u64, vec![]), "{text}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_or_said() {
    let data = deflated(b"hello");
    let length = u32::try_from(data.len()).unwrap();
    let nested = (0..8).fold(b"deep".to_vec(), |inner, _| zip(&[packed("x.zip", &inner)]));
    let zeros = zip(&[packed("zeros", &vec![0; 20 << 20])]);
    let cases: [(Vec<u8>, &str); 7] = [
        (zip(&[member("a", 1, 8, &data, (length, 5))]), "encrypted"),
        (multipart(&zip(&[member("a", 1, 8, &data, (length, 5))])), "encrypted"),
        (zip(&[member("a", 0, 14, &data, (length, 5))]), "method"),
        (zip(&[member("a", 0, 8, &data, (length, 4))]), "lengths"),
        (nested, "depth"),
        (zeros, "ratio"),
        // Nothing of it is shown.
        (pdf(&b"a b ".repeat(5 << 20)), "ratio"),
    ];
    for (body, word) in cases {
        let outcome = alerting().run(&plain(), &[&body]);
        assert_eq!(outcome.decision.reason, Some(Reason::Undecodable(word)));
        let mut allowing = alerting();
        allowing.undecodable = Action::Allow;
        let outcome = allowing.run(&plain(), &[&body]);
        assert_eq!((outcome.decision.action, &outcome.out), (Action::Allow, &body), "{word}");
        let coverage = &outcome.decision.coverage;
        assert!(
            coverage.uninspected.iter().any(|(why, bytes)| *why == word && *bytes > 0),
            "{word}: {coverage:?}"
        );
        let missed: u64 = coverage.uninspected.iter().map(|(_, bytes)| *bytes).sum();
        assert_eq!(coverage.inspected + missed, coverage.seen, "{word}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn cuts_change_nothing(way in 0usize..14, cuts in prop::collection::vec(1usize..400, 1..12), hold in 1usize..3000) {
        let (body, _) = ways(&text()).swap_remove(way);
        let (mut chunks, mut rest, mut at) = (Vec::new(), body.as_slice(), 0);
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(cuts[at % cuts.len()].min(rest.len()));
            chunks.push(chunk);
            rest = after;
            at += 1;
        }
        let mut setup = alerting();
        setup.hold = hold;
        let outcome = setup.run(&plain(), &chunks);
        let found = outcome.found("payment.pan");
        prop_assert_eq!((found.matched, found.distinct, found.forwarded), (1, 1, 1));
        prop_assert_eq!(&outcome.out, &body);
    }
}
