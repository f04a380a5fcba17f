//! Charsets of one or two bytes a character, as a head, a part or XML declares them.

use encoding_rs::{BIG5, EUC_KR, Encoding, GB18030, SHIFT_JIS, WINDOWS_1251, WINDOWS_1253};

use super::wire::{part, setup, typed};
use super::*;

fn run_as(setup: &Setup, media_type: &str, body: &[u8], length: usize) -> Outcome {
    let fields = [("content-type", media_type.as_bytes())];
    setup.run(&typed(&fields), &body.chunks(length).collect::<Vec<_>>())
}

fn encoded(encoding: &'static Encoding, text: &str) -> Vec<u8> {
    let (wire, _, is_lossy) = encoding.encode(text);
    assert!(!is_lossy, "{text}");
    wire.into_owned()
}

/// Lengths of pieces.
fn cuts(body: &[u8]) -> [usize; 4] {
    [1, 7, 64, body.len()]
}

#[test]
fn names_and_words_are_read_in_the_charset_that_is_declared() {
    let far = "1;Иванов;\r\n".repeat(300);
    let rows = [
        (
            WINDOWS_1251,
            "text/csv; charset=windows-1251",
            format!("номер;прізвище;РНОКПП\r\n{far}2;Петров;1557713776\r\n"),
            "national-id.ua-rnokpp",
        ),
        (
            WINDOWS_1251,
            "application/xml",
            "<?xml version=\"1.0\" encoding=\"windows-1251\"?><а><РНОКПП>1557713776</РНОКПП></а>".to_owned(),
            "national-id.ua-rnokpp",
        ),
        (
            SHIFT_JIS,
            "text/plain; charset=Shift_JIS",
            "個人番号: 378082077408".to_owned(),
            "national-id.jp-my-number",
        ),
        (
            WINDOWS_1253,
            "text/plain;charset=\"ISO-8859-7\"",
            format!("{}Α.Φ.Μ. 090000045 ΑΦΜ: 090000045", "x ".repeat(4000)),
            "national-id.gr-afm",
        ),
    ];
    for (encoding, media_type, text, identifier) in rows {
        let body = encoded(encoding, &text);
        let alert = Setup::new(vec![on(identifier, Action::Alert, 1)]);
        for length in cuts(&body) {
            let outcome = run_as(&alert, media_type, &body, length);
            assert_eq!(outcome.decision.action, Action::Alert, "{text}");
            assert_eq!(outcome.out, body);
        }
        // Nothing else speaks for the value.
        let outcome = run_as(&alert, "text/plain", &body.replace_xml(), body.len());
        assert_eq!(outcome.decision.action, Action::Allow, "{text}");
        // The same of a part.
        let header = format!("Content-Type: {media_type}\r\n");
        let body = part(&header, &body);
        for length in cuts(&body) {
            let outcome = run_as(&alert, "multipart/form-data; boundary=b7", &body, length);
            assert_eq!(outcome.decision.action, Action::Alert, "{text}");
        }
    }
}

trait WithoutDeclaration {
    fn replace_xml(&self) -> Vec<u8>;
}

impl WithoutDeclaration for Vec<u8> {
    /// The text without what it declares itself.
    fn replace_xml(&self) -> Vec<u8> {
        let end = memchr::memmem::find(self, b"?>").map_or(0, |at| at + 2);
        self[end..].to_vec()
    }
}

#[test]
fn wide_digits_of_a_charset_are_found_and_masked_in_as_many_bytes() {
    let wide = |text: &str| -> String {
        let digit = |c: char| char::from_u32(0xff10 + c.to_digit(10)?);
        text.chars().map(|c| digit(c).unwrap_or(c)).collect()
    };
    let bare = PAN.replace(' ', "");
    for (encoding, charset) in
        [(SHIFT_JIS, "Shift_JIS"), (EUC_KR, "euc-kr"), (GB18030, "gbk"), (BIG5, "big5")]
    {
        let text = |value: &str| format!("before 中 {value} 中 card");
        let body = encoded(encoding, &text(&wide(&bare)));
        let shown = encoded(encoding, &wide(&bare[12..]));
        let parts = encoded(encoding, &text("\n"));
        let at = memchr::memchr(b'\n', &parts).unwrap();
        let expected = [&parts[..at], b"**".repeat(12).as_slice(), &shown, &parts[at + 1..]].concat();
        let media_type = format!("text/plain; charset={charset}");
        for length in cuts(&body) {
            let outcome = run_as(&setup(Action::Redact), &media_type, &body, length);
            assert_eq!(outcome.out, expected, "{charset} in pieces of {length}");
            assert_eq!(outcome.found("payment.pan").at[0].carrier, [charset.to_lowercase()]);
        }
        let header = format!("Content-Type: {media_type}\r\n");
        let outcome =
            run_as(&setup(Action::Redact), "multipart/form-data; boundary=b7", &part(&header, &body), 64);
        assert_eq!(outcome.out, part(&header, &expected), "{charset}");
    }
}

#[test]
fn what_is_ascii_reads_the_same_under_any_charset() {
    let text = format!("{}{{\"card\":\"{PAN}\"}}{}", "plain ".repeat(2000), " plain".repeat(900));
    for charset in ["utf-8", "windows-1251", "shift_jis", "gb18030"] {
        let media_type = format!("application/json; charset={charset}");
        for length in [7, 5000, text.len()] {
            let outcome = run_as(&setup(Action::Redact), &media_type, text.as_bytes(), length);
            assert_eq!(outcome.text(), text.replace(PAN, "**** **** **** 6467"), "{charset}");
            assert_eq!(outcome.found("payment.pan").at[0].carrier, ["json"]);
        }
    }
}
