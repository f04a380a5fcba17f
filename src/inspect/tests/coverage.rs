//! The coverage ledger: every reason for which a byte may pass unread, each with a body that gives it.

use super::*;
use crate::decode::DecodeError;
use crate::decode::packing::{deflated, end, member, packed, zip};

/// A body with the coding that its head declares.
type Body = (Option<&'static str>, Vec<u8>);

/// A body that cannot be read for this reason. A new reason needs one.
fn unreadable(error: DecodeError) -> Body {
    let (whole, data) = (gzip(filler(3000).as_bytes()), deflated(b"hello"));
    let length = u32::try_from(data.len()).unwrap();
    let archive = |member: Vec<u8>| zip(&[member]);
    match error {
        DecodeError::UnknownCoding => (Some("rot13"), b"uryyb".to_vec()),
        DecodeError::Charset => {
            (None, b"--b7\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n+ADQ-5\r\n--b7--\r\n".to_vec())
        }
        DecodeError::Boundary => {
            let inner = "Content-Type: multipart/mixed; boundary=a; boundary=b\r\n\r\n--a\r\n\r\nx\r\n--a--";
            (None, format!("--b7\r\n{inner}\r\n--b7--\r\n").into_bytes())
        }
        DecodeError::Broken => {
            let mut broken = whole;
            broken[40] ^= 0xff;
            (Some("gzip"), broken)
        }
        DecodeError::Mislabelled => (Some("gzip"), b"{\"not\":\"gzip\"}".to_vec()),
        DecodeError::Trailing => (Some("gzip"), [whole.as_slice(), b"garbage"].concat()),
        DecodeError::Truncated => (Some("gzip"), whole[..whole.len() - 3].to_vec()),
        DecodeError::Ratio => (Some("br"), encode(&[Coding::Brotli], &vec![0; 20 << 20])),
        // A window of 2 GiB (RFC 8878, section 3.1.1.1.2).
        DecodeError::Window => (Some("zstd"), b"\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00a".to_vec()),
        DecodeError::Size => {
            let mut name = whole[..10].to_vec();
            name[3] = 8;
            name.resize(crate::limits::GZIP_HEADER + 20, b'n');
            (Some("gzip"), name)
        }
        DecodeError::Depth => {
            (None, (0..8).fold(b"deep".to_vec(), |inner, _| zip(&[packed("x.zip", &inner)])))
        }
        DecodeError::Encrypted => (None, archive(member("a", 1, 8, &data, (length, 5)))),
        DecodeError::Method => (None, archive(member("a", 0, 14, &data, (length, 5)))),
        // More beginnings of something packed than chance makes.
        DecodeError::Members => (None, b"a\x1f\x8b\x08\xff".repeat(1200)),
        DecodeError::Lengths => (None, archive(member("a", 0, 8, &data, (length, 4)))),
        DecodeError::Directory => {
            let member = packed("a", b"a member that the directory leaves out");
            (None, [member.as_slice(), &end(&[], member.len())].concat())
        }
    }
}

fn all() -> Vec<DecodeError> {
    use DecodeError::*;
    vec![
        UnknownCoding,
        Charset,
        Boundary,
        Broken,
        Mislabelled,
        Trailing,
        Truncated,
        Ratio,
        Window,
        Size,
        Depth,
        Encrypted,
        Method,
        Members,
        Lengths,
        Directory,
    ]
}

#[test]
fn every_reason_is_refused_with_its_word_or_said_with_its_bytes() {
    for error in all() {
        let (word, (coding, wire)) = (error.as_str(), unreadable(error));
        let parts: [(&str, &[u8]); 1] = [("content-type", b"multipart/form-data; boundary=b7")];
        let is_part = matches!(error, DecodeError::Charset | DecodeError::Boundary);
        let fields = if is_part { &parts[..] } else { plain().fields };
        let head = Head { coding, fields, ..plain() };
        let whole = |rules| Setup { hold: 1 << 20, ..Setup::new(rules) };
        let refused = whole(usual()).run(&head, &[&wire]);
        assert_eq!(refused.decision.reason, Some(Reason::Undecodable(word)));
        assert_eq!((refused.last, refused.out.len()), (Step::Stop, 0), "{word}");
        for length in [wire.len(), 1000] {
            let mut allowing = whole(vec![on("payment.pan", Action::Alert, 1)]);
            allowing.undecodable = Action::Allow;
            let outcome = allowing.run(&head, &wire.chunks(length).collect::<Vec<_>>());
            let coverage = &outcome.decision.coverage;
            assert_eq!((outcome.last, &outcome.out), (Step::Release, &wire), "{word}");
            assert_eq!((coverage.seen, coverage.forwarded), (wire.len() as u64, wire.len() as u64), "{word}");
            let said = |(why, bytes): &(&str, u64)| *why == word && *bytes > 0;
            assert!(coverage.uninspected.iter().any(said), "{word}: {coverage:?}");
            let unread: u64 = coverage.uninspected.iter().map(|(_, bytes)| *bytes).sum();
            assert_eq!(coverage.inspected + unread, coverage.seen, "{word}: {coverage:?}");
        }
    }
}

#[test]
fn a_part_of_a_coding_and_what_follows_a_stop_are_unread() {
    let mut partial = Setup::new(usual());
    partial.message.direction = Direction::Response;
    partial.message.status = Some(206);
    partial.undecodable = Action::Allow;
    let wire = gzip(b"some text");
    let coverage = partial.run(&gzip_head(), &[&wire]).decision.coverage;
    assert_eq!((coverage.inspected, coverage.uninspected), (0, vec![("partial", wire.len() as u64)]));
    // A coded body is not decoded any further once it is stopped.
    let text = format!("card {PAN}, {}", filler(4 << 20));
    let wire = [gzip(text.as_bytes()), gzip(text.as_bytes())].concat();
    let outcome = Setup::new(usual()).run(&gzip_head(), &[&wire]);
    let coverage = &outcome.decision.coverage;
    let unread = coverage.seen - coverage.inspected;
    assert!(outcome.last == Step::Stop && unread > 0, "{coverage:?}");
    assert_eq!(coverage.uninspected, [("stopped", unread)]);
}
