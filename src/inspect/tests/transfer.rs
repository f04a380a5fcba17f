//! Parts of multipart bodies are read as their headers declare, however their lines are broken.

use super::matrix::data_encoding_of;
use super::*;
use crate::decode::packing;

const TYPE: [(&str, &[u8]); 1] = [("content-type", b"multipart/mixed; boundary=B")];

fn part(header: &str, text: &str) -> Vec<u8> {
    format!("--B\r\n{header}\r\n\r\n{text}\r\n--B--\r\n").into_bytes()
}

fn masking() -> Setup {
    let mut setup = Setup::new(vec![on("payment.pan", Action::Redact, 1)]);
    setup.hold = 1 << 20;
    setup
}

/// The outcome of a body, which is the same in whatever pieces it comes.
fn run_any(setup: &Setup, body: &[u8]) -> Outcome {
    let head = Head { fields: &TYPE, ..plain() };
    let whole = setup.run(&head, &[body]);
    for length in [1, 7, 100] {
        let pieces = setup.run(&head, &body.chunks(length).collect::<Vec<_>>());
        let same = (pieces.last, &pieces.out, &pieces.decision.reason);
        assert_eq!(same, (whole.last, &whole.out, &whole.decision.reason), "in pieces of {length}");
        assert_eq!(pieces.decision.found.len(), whole.decision.found.len(), "in pieces of {length}");
    }
    whole
}

/// Ways to write digits of base64 that RFC 2045 allows.
fn ways(digits: &str) -> Vec<String> {
    let lines = |length: usize, end: &str| -> String {
        let lines = digits.as_bytes().chunks(length).map(|line| std::str::from_utf8(line).unwrap());
        lines.collect::<Vec<_>>().join(end)
    };
    vec![
        lines(76, "\r\n"),
        lines(70, "\r\n"),
        lines(75, "\n"),
        lines(32, "\r\n"),
        lines(5, "\n"),
        lines(1, "\r\n"),
        lines(7, "!"),
        lines(61, " \r\n\t\u{e9}"),
        format!("{}\r\n{}", &digits[..76], digits[76..].replace('N', "\r\nN")),
        format!("\r\n {digits}"),
    ]
}

#[test]
fn base64_is_read_as_declared_whatever_stands_between_its_digits() {
    let text = |value: &str| format!("{} card {value} {}", "x".repeat(40), "y".repeat(120));
    let (held, masked) = (ways(&data_encoding_of(text(PAN).as_bytes())), text("**** **** **** 6467"));
    let masked = ways(&data_encoding_of(masked.as_bytes()));
    for field in ["Content-Transfer-Encoding: base64", "content-transfer-encoding:BASE64 ; x=y"] {
        for (held, masked) in held.iter().zip(&masked) {
            let outcome = run_any(&masking(), &part(field, held));
            let name = format!("{field} {held}");
            assert_eq!(outcome.found("payment.pan").matched, 1, "{name}");
            // A line that is broken before some letter is broken elsewhere once the letters are others.
            if held.len() == masked.len() && !held.contains("\r\nN") {
                assert_eq!(
                    String::from_utf8_lossy(&outcome.out),
                    String::from_utf8_lossy(&part(field, masked))
                );
            }
            let again = run_any(&Setup::new(usual()), &outcome.out);
            assert_eq!(again.last, Step::Release, "{name}");
        }
    }
    // Padding in the midst of it, and no more of it than there is.
    let two = format!("{}\r\n{}", data_encoding_of(b"a card, which is:"), data_encoding_of(PAN.as_bytes()));
    assert_eq!(
        run_any(&Setup::new(usual()), &part("Content-Transfer-Encoding: base64", &two)).last,
        Step::Stop
    );
    for text in ["", "=", "Q", "QQ=", "!!!!", "QUJD\r\n\r\nQ"] {
        let outcome = run_any(&Setup::new(usual()), &part("Content-Transfer-Encoding: base64", text));
        assert_eq!(outcome.last, Step::Release, "{text}");
    }
}

#[test]
fn what_is_packed_in_declared_base64_is_looked_into() {
    let text = format!("{} card {PAN}\n", super::coded::noise(300));
    let zip = packing::zip(&[packing::packed("a.txt", text.as_bytes())]);
    for (name, packed) in [("zip", zip), ("gzip", gzip(text.as_bytes()))] {
        for held in ways(&data_encoding_of(&packed)).into_iter().filter(|held| !held.contains("\r\nN")) {
            let body = part("Content-Transfer-Encoding: base64", &held);
            assert_eq!(run_any(&Setup::new(usual()), &body).last, Step::Stop, "{name}: {held}");
            let outcome = run_any(&masking(), &body);
            assert_eq!(outcome.decision.reason, Some(Reason::CannotRedact("archive")), "{name}: {held}");
            let seen = run_any(&Setup::new(vec![on("payment.pan", Action::Alert, 1)]), &body);
            assert_eq!((seen.found("payment.pan").distinct, seen.out == body), (1, true), "{name}: {held}");
        }
    }
}

#[test]
fn quoted_printable_is_read_as_declared() {
    let field = "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable";
    for (held, masked) in [
        ("Karte: 4539=A01488=A00343=A06467 bitte", "Karte: ****=A0****=A0****=A06467 bitte"),
        ("Karte \"=34539148803436467\" bitte", "Karte \"=2A***********6467\" bitte"),
        ("Karte \"453914880343646=37\" bitte", "Karte \"************646=37\" bitte"),
        ("Karte \"45391488=  \r\n03436467\" bitte", "Karte \"********=  \r\n****6467\" bitte"),
        ("Karte \"4539148803436467\" bitte=", "Karte \"************6467\" bitte="),
        ("a=b =zz =4 \"4539148803436467\"", "a=b =zz =4 \"************6467\""),
    ] {
        let outcome = run_any(&masking(), &part(field, held));
        assert_eq!(outcome.found("payment.pan").matched, 1, "{held}");
        assert_eq!(String::from_utf8_lossy(&outcome.out), String::from_utf8_lossy(&part(field, masked)));
    }
}
