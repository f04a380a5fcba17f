//! Runs of base64 and hexadecimal digits: in each other, of UTF-16, of what is packed, and around the body.

use super::coded::noise;
use super::deflate::deflates;
use super::matrix::data_encoding_of;
use super::*;
use crate::decode::packing::{stored, zip};

pub(super) fn base64(bytes: &[u8]) -> String {
    data_encoding_of(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn percent(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}

fn utf16(text: &str, big_endian: bool) -> Vec<u8> {
    let bytes = |unit: u16| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() };
    text.encode_utf16().flat_map(bytes).collect()
}

pub(super) fn json(value: &str) -> String {
    format!(r#"{{"card":"{value}","n":1}}"#)
}

/// Ways to write a text in three layers at most.
fn written(text: &str) -> Vec<(&'static str, String)> {
    let base64_of = |text: &str| base64(text.as_bytes());
    let quoted = |text: &str| serde_json::to_string(&serde_json::json!({ "p": text })).unwrap();
    vec![
        ("base64 in base64", base64_of(&base64_of(text))),
        ("base64 in hex", hex(base64_of(text).as_bytes())),
        ("hex in base64", base64_of(&hex(text.as_bytes()))),
        ("hex as databases write it", format!("0x{}", hex(text.as_bytes()))),
        ("hex as programs write it", format!("0X{}", hex(text.as_bytes()).to_ascii_uppercase())),
        ("hex behind a backslash", format!("\\\\x{}", hex(text.as_bytes()))),
        ("hex before a mark", format!("{}-01", hex(text.as_bytes()))),
        ("hex before a letter", format!("/x_{}h", hex(text.as_bytes()))),
        ("hex behind other hex", format!("{}-{0}/{}+z", hex(b"nothing but words"), hex(text.as_bytes()))),
        (
            "hex before the rest of a number of its own",
            format!("00-0x{}-00f067aa0ba902b7-01", hex(text.as_bytes())),
        ),
        ("hex in hex", hex(hex(text.as_bytes()).as_bytes())),
        ("base64 in base64 in base64", base64_of(&base64_of(&base64_of(text)))),
        ("base64 in json in base64", base64_of(&quoted(&base64_of(text)))),
        ("percent in base64", base64_of(&percent(text.as_bytes()))),
        ("percent twice in base64", base64_of(&percent(text.as_bytes()).replace('%', "%25"))),
        ("base64 in percent in base64", base64_of(&percent(base64_of(text).as_bytes()))),
        ("base64 in percent", percent(base64_of(text).as_bytes())),
        ("UTF-16 in base64", base64(&utf16(text, false))),
        ("UTF-16 in base64, the other way round", base64(&utf16(text, true))),
        ("UTF-16 with a mark in base64", base64(&utf16(&format!("\u{feff}{text}"), false))),
        ("UTF-16 in hex", hex(&utf16(text, false))),
        ("UTF-16 in base64 in base64", base64_of(&base64(&utf16(text, false)))),
        ("UTF-16 in percent", percent(&utf16(text, false))),
        ("UTF-16 in percent where it must be", percent(&utf16(text, true)).replace("%34", "4")),
    ]
}

#[test]
fn a_run_is_read_behind_words_that_marks_join_to_it() {
    let plain = json(&PAN.replace(' ', ""));
    let long = format!(r#"{{"note":"{}","card":"{PAN}"}}"#, "all is well and fine here, ".repeat(40));
    let sum = "d41d8cd98f00b204e9800998ecf8427e";
    for before in [
        "/",
        "/x/",
        "token-",
        "id_",
        "sess-a-",
        "+",
        "https://shop.example/api/v1/items/",
        &format!("/{sum}/"),
        &format!("/a/{sum}/b-c_d/{sum}{sum}/e/"),
        &format!("{}-", "words_that/stand-before_it/".repeat(5)),
    ] {
        let packed = data_encoding_of(&gzip(long.as_bytes())).replace('+', "-").replace('/', "_");
        let runs = [base64(plain.as_bytes()), hex(plain.as_bytes()), base64(long.as_bytes()), packed];
        for run in runs.iter().map(|run| run.trim_end_matches('=')) {
            let body = format!(r#"{{"u":"{before}{run}"}}"#);
            for length in [1, 7, body.len()] {
                let outcome = Setup::new(vec![on("payment.pan", Action::Block, 1)])
                    .run(&super::plain(), &body.as_bytes().chunks(length).collect::<Vec<_>>());
                assert_eq!(outcome.last, Step::Stop, "{before} {run} in pieces of {length}");
            }
        }
    }
}

#[test]
fn what_is_signed_within_a_body_is_never_edited() {
    let url = |text: &str| {
        base64(text.as_bytes()).replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned()
    };
    let claims = format!(r#"{{"sub":"a","card":"{PAN}","n":1}}"#);
    let token = format!("{}.{}.c2lnbmF0dXJl", url(r#"{"alg":"RS256","typ":"JWT"}"#), url(&claims));
    let xml = |signature: &str| {
        format!("<Response>{signature}<Attribute Name=\"card\"><Value>{PAN}</Value></Attribute></Response>")
    };
    let mail = |more: &str| format!("From: a <a@b.test>\r\n{more}Subject: x\r\n\r\nmy card {PAN}\r\n");
    let signature = "<ds:Signature><ds:SignatureValue>c2ln</ds:SignatureValue></ds:Signature>";
    let (form, json) = ("application/x-www-form-urlencoded", "application/json");
    for (media_type, body, is_signed) in [
        (json, format!(r#"{{"id_token":"{token}"}}"#), true),
        (form, format!("assertion={token}&x=1"), true),
        (form, format!("SAMLResponse={}&x=1", percent(base64(xml(signature).as_bytes()).as_bytes())), true),
        ("text/xml", format!("<?xml version=\"1.0\"?>{}", xml(signature)), true),
        ("text/plain", format!("-----BEGIN PGP SIGNED MESSAGE-----\n\n{PAN}\n"), true),
        ("message/rfc822", mail("DKIM-Signature: v=1; b=c2ln\r\n\tbh=eA\r\n"), true),
        ("text/plain", mail("dkim-signature: v=1; b=c2ln\r\n"), true),
        (json, format!(r#"{{"raw":"{}"}}"#, url(&mail("DKIM-Signature: v=1; b=c2ln\r\n"))), true),
        ("message/rfc822", mail("X: DKIM-Signature: v=1\r\n"), false),
        (json, format!(r#"{{"raw":"{}"}}"#, url(&mail(""))), false),
        (json, format!(r#"{{"id_token":"x.{}.y"}}"#, url(&claims)), false),
        (form, format!("Response={}&x=1", base64(xml("").as_bytes())), false),
        ("text/xml", xml(""), false),
        ("text/plain", format!("not SignatureValue> {PAN}\n"), false),
    ] {
        let fields = [("content-type", media_type.as_bytes())];
        for length in [1, 13, body.len()] {
            let mut setup = Setup::new(vec![on("payment.pan", Action::Redact, 1)]);
            setup.hold = 1 << 20;
            let chunks = body.as_bytes().chunks(length).collect::<Vec<_>>();
            let outcome = setup.run(&Head { fields: &fields, ..plain() }, &chunks);
            let reason = is_signed.then_some(Reason::CannotRedact("signed"));
            assert_eq!(outcome.decision.reason, reason, "{body}");
            assert_eq!(outcome.decision.edits, u64::from(!is_signed), "{body}");
        }
    }
}

#[test]
fn digits_that_repeat_hold_nothing() {
    for run in ["3", "6", "33 ", "w", "0", "A", "eJ", "3d"] {
        for length in [250, 1000, 30_000] {
            let body = format!("a {} b", run.repeat(length / run.len()));
            let outcome =
                Setup::new(vec![on("payment.pan", Action::Block, 1)]).run(&plain(), &[body.as_bytes()]);
            assert_eq!((outcome.decision.action, outcome.decision.reason), (Action::Allow, None), "{run}");
        }
    }
}

#[test]
fn strings_in_a_binary_format_are_read_in_base64() {
    let pan = PAN.replace(' ', "");
    let of = |pieces: &[&[u8]]| pieces.concat();
    for bytes in [
        of(&[b"\0\0\0\0\x2a\x12bob smith\x20", pan.as_bytes(), b"\x0a12/28"]),
        of(&[b"\x83\xa4name\xa9bob smith\xa4card\xb0", pan.as_bytes(), b"\xa3exp\xa512/28"]),
        of(&[b"\x0a\x09bob smith\x12\x10", pan.as_bytes(), b"\x1a\x0512/28"]),
    ] {
        for run in [base64(&bytes), hex(&bytes)] {
            let body = format!(r#"{{"v":"{run}"}}"#);
            let outcome = Setup::new(vec![on("payment.pan", Action::Block, 1)])
                .run(&super::plain(), &[body.as_bytes()]);
            assert_eq!(outcome.last, Step::Stop, "{run}");
        }
    }
}

#[test]
fn runs_in_each_other_are_read_and_masked() {
    let mut setup = Setup::new(vec![on("payment.pan", Action::Redact, 1)]);
    setup.hold = 1 << 20;
    for (name, value) in written(&json(BARE)) {
        let body = format!(r#"{{"id":7,"data":"{value}","z":[]}}"#);
        let whole = setup.body(&body);
        assert_eq!(whole.found("payment.pan").matched, 1, "{name}: {body}");
        assert_eq!((whole.decision.edits, whole.out.len()), (1, body.len()), "{name}");
        let again = Setup::new(vec![on("payment.pan", Action::Alert, 1)]).body(whole.text());
        let cards = |found: &Found| &*found.identifier == "payment.pan";
        assert!(!again.decision.found.iter().any(cards), "{name}: {}", whole.text());
        // What can be told of it is the same, however it is cut.
        for length in [1, 7, 64] {
            let pieces = setup.run(&plain(), &body.as_bytes().chunks(length).collect::<Vec<_>>());
            assert_eq!(pieces.text(), whole.text(), "{name} in pieces of {length}");
        }
    }
}

#[test]
fn runs_go_on_over_lines_however_they_are_indented() {
    let lines = |digits: &str, length: usize, indent: &str, end: &str| -> String {
        let lines = digits.as_bytes().chunks(length).map(|line| std::str::from_utf8(line).unwrap());
        lines.map(|line| format!("{indent}{line}{end}")).collect()
    };
    let setup = |action| Setup { hold: 1 << 20, ..Setup::new(vec![on("payment.pan", action, 1)]) };
    // Wherever the value meets the end of a line.
    for before in [20, 25, 33, 38, 44, 50] {
        let text =
            |value: &str| format!("{} card: {value}, and some more text behind it", "w".repeat(before));
        let (held, masked) = (text(PAN), text("**** **** **** 6467"));
        for (length, indent, end) in
            [(76, "", "\n"), (76, "    ", "\n"), (64, "\t", "\r\n"), (60, "  ", "\n")]
        {
            let hexed = |text: &str| lines(&hex(text.as_bytes()), length, indent, end);
            let armoured = |text: &str| lines(&base64(text.as_bytes()), length, indent, end);
            for (body, expected) in [(hexed(&held), hexed(&masked)), (armoured(&held), armoured(&masked))] {
                let body = format!("begin\n{body}end\n");
                for length in [1, 7, 9000] {
                    let chunks: Vec<_> = body.as_bytes().chunks(length).collect();
                    let outcome = setup(Action::Redact).run(&plain(), &chunks);
                    assert_eq!(
                        outcome.text(),
                        format!("begin\n{expected}end\n"),
                        "{before} {indent:?} {length}"
                    );
                }
            }
        }
    }
    // A line of another kind behind a text is none of it.
    let text = base64(b"nothing but words, thirty of them.");
    let text = &text[..44];
    let (held, packed) = (json(BARE), super::gzip(format!("{} {BARE}", json("none")).as_bytes()));
    for next in [base64(&packed), hex(held.as_bytes()), format!("0x{}", hex(held.as_bytes()))] {
        let outcome = setup(Action::Block).body(&format!("{text}\n{next}\n"));
        assert_eq!(outcome.found("payment.pan").matched, 1, "{next}");
    }
}

#[test]
fn long_runs_among_escapes_are_read_whole() {
    let text = format!("{} card: {BARE}, and no more", noise(20_000));
    let packed = base64(&super::gzip(text.as_bytes()));
    // Between digits of a number it would stand for a space.
    let sums = |digits: &str| {
        let is_sum = |w: &[u8]| w[0].is_ascii_digit() && w[1] == b'+' && w[2].is_ascii_digit();
        digits.as_bytes().windows(3).filter(|w| is_sum(w)).count()
    };
    assert!(sums(&packed) > 0, "{packed}");
    let lines = |digits: &str, end: &str| -> String {
        let lines = digits.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap());
        lines.map(|line| format!("{line}{end}")).collect()
    };
    let form = |digits: &str| digits.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    // As an image of a disk, or a tar, has them.
    let zeros = ["??? ".repeat(99).as_bytes(), &[0; 4000], format!(" card: {BARE} ").as_bytes()].concat();
    let sparse = zip(&[stored("disk.img", &zeros)]);
    for (name, digits) in [("packed", packed), ("text", base64(text.as_bytes())), ("zeros", base64(&sparse))]
    {
        let bodies = [
            format!(r#"{{"id":7,"data":"{}"}}"#, digits.replace('/', "\\/")),
            format!(r#"{{"id":7,"data":"{}"}}"#, lines(&digits, "\\n")),
            format!(r#"{{"id":7,"data":"{}"}}"#, lines(&digits, "\\r\\n")),
            format!(r#"{{"id":7,"data":"read this:\n{digits}"}}"#),
            format!(r#"{{"id":7,"data":"\u0020{digits}"}}"#),
            format!("payload=%7B%22data%22%3A%22{}%22%7D", form(&digits)),
            format!(
                "payload=%7B%22data%22%3A%22{}%22%7D",
                form(&digits.replace('/', "\\/")).replace('\\', "%5C")
            ),
        ];
        for body in bodies {
            for length in [997, body.len()] {
                let chunks: Vec<_> = body.as_bytes().chunks(length).collect();
                let outcome = Setup::new(vec![on("payment.pan", Action::Block, 1)]).run(&plain(), &chunks);
                assert_eq!(outcome.last, Step::Stop, "{name} in pieces of {length}: {}", &body[..60]);
            }
        }
    }
    // What is a group of a number still is one.
    for number in ["4539+1488+0343+6467", "DE89+3704+0044+0532+0130+00"] {
        let rules = vec![on("payment.pan", Action::Block, 1), on("payment.iban", Action::Block, 1)];
        assert_eq!(Setup::new(rules).body(&format!("{{\"iban or card\":\"{number}\"}}")).last, Step::Stop);
    }
}

#[test]
fn runs_go_on_behind_line_ends_and_slashes_whatever_follows_them() {
    let lines = |digits: &str, end: &str| -> String {
        let lines = digits.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap());
        lines.map(|line| format!("{line}{end}")).collect()
    };
    let words = noise(30_000);
    let packed = |at: usize| {
        let [_, (_, zlib)] = deflates(&format!("{at} {} card: {BARE}", &words[at..at + 600]));
        base64(&zlib)
    };
    let one =
        |is: &dyn Fn(&[u8]) -> bool| (0..29_000).map(packed).find(|digits| is(digits.as_bytes())).unwrap();
    let at_line = |sign: u8| one(&move |digits| digits[76] == sign);
    let at_slash = |sign: u8| {
        one(&move |digits| {
            digits.iter().position(|&byte| byte == b'/').is_some_and(|at| digits[at + 1] == sign)
        })
    };
    let mut bodies = vec![at_slash(b'/').replace('/', "\\/"), at_slash(b'+').replace('/', "\\/")];
    for digits in [at_line(b'+'), at_line(b'/'), at_line(b'A')] {
        for end in ["\\n", "\\r\\n", "\\\\r\\\\n", "\\n  ", "\\r\\n\\t"] {
            bodies.push(lines(&digits, end));
            bodies.push(lines(&digits, end).replace('/', "\\/"));
        }
    }
    // A value that a line end parts.
    bodies.push(lines(
        &base64(format!("{} card {BARE} {}", "x".repeat(44), "y".repeat(90)).as_bytes()),
        "\\r\\n",
    ));
    for body in bodies.iter().map(|digits| format!(r#"{{"id":7,"data":"{digits}"}}"#)) {
        for length in [1, 61, body.len()] {
            let chunks: Vec<_> = body.as_bytes().chunks(length).collect();
            let outcome = Setup::new(vec![on("payment.pan", Action::Block, 1)]).run(&plain(), &chunks);
            assert_eq!(outcome.last, Step::Stop, "in pieces of {length}: {body}");
        }
    }
}

#[test]
fn what_is_packed_is_told_from_a_text_though_its_bytes_be_letters() {
    let [_, (_, page)] = deflates(&format!("BT /F1 12 Tf (card {BARE}) Tj ET"));
    let head = format!("1 0 obj\n<< /Filter /FlateDecode /Length {} >>\nstream\n", page.len());
    let pdf = |mark: &[u8]| [mark, head.as_bytes(), &page, b"\nendstream\nendobj\n%%EOF\n"].concat();
    let runs = [
        base64(&pdf(b"%PDF-1.7\n")),
        base64(&pdf(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")),
        // Short texts in fixed codes, most of whose bytes are letters of Latin-1.
        "eJxLL0pNzVNIzEtRyMwry89MTlXIzS9KVUhOLEpRMDE1tjQ0sbAwMDYxNjMxM1coyVfIL0pJLQIA3CoQqQ==".to_owned(),
        "eJxLTixKUTAxNbY0NLGwMDA2MTYzMTNXyMsvSVUoyElNLE5VyM0vSlXIzCvLz0xOBQAwdw5W".to_owned(),
    ];
    for run in &runs {
        for body in [run.clone(), format!(r#"{{"data":"{run}"}}"#), hex(run.as_bytes())] {
            for length in [1, 50, body.len()] {
                let chunks: Vec<_> = body.as_bytes().chunks(length).collect();
                let outcome = Setup::new(usual()).run(&plain(), &chunks);
                assert_eq!(outcome.last, Step::Stop, "in pieces of {length}: {body}");
                assert_eq!(outcome.found("payment.pan").matched, 1, "in pieces of {length}: {body}");
            }
        }
    }
    // What only might be packed is a text, and edited as one.
    let masking = Setup::new(vec![on("payment.pan", Action::Redact, 1)]);
    for (before, after) in
        [("{\"alg\":\"HS256\",\"card\":\"", "\"}"), ("<a><card>", "</card></a>"), ("card: ", "")]
    {
        let armoured = |value: &str| base64(format!("{before}{value}{after}").as_bytes());
        assert_eq!(masking.body(&armoured(PAN)).text(), armoured("**** **** **** 6467"));
    }
}

#[test]
fn masks_in_two_layers_are_still_of_both() {
    let setup = || Setup::new(vec![on("payment.pan", Action::Redact, 1)]);
    let masked = json("************6467");
    for (name, how) in [("base64", base64 as fn(&[u8]) -> String), ("hex", hex)] {
        let outcome = setup().body(&how(base64(json(BARE).as_bytes()).as_bytes()));
        assert_eq!(outcome.text(), how(base64(masked.as_bytes()).as_bytes()), "{name}");
        let outcome = setup().body(&how(&utf16(&json(BARE), false)));
        assert_eq!(outcome.text(), how(&utf16(&masked, false)), "{name} of UTF-16");
    }
}

#[test]
fn what_is_packed_in_a_run_of_hexadecimal_digits_or_in_two_runs_is_read() {
    let packed = gzip(format!("{}{}", json(BARE), filler(300)).as_bytes());
    for (name, value) in [
        ("hex", hex(&packed)),
        ("base64", base64(&packed)),
        ("base64 in base64", base64(base64(&packed).as_bytes())),
        ("hex in base64", base64(hex(&packed).as_bytes())),
    ] {
        let outcome = Setup::new(usual()).body(&format!(r#"{{"data":"{value}"}}"#));
        assert_eq!(outcome.last, Step::Stop, "{name}");
        assert_eq!(outcome.found("payment.pan").matched, 1, "{name}");
    }
}

#[test]
fn runs_around_a_body_are_read_as_those_in_it() {
    let runs = [
        ("base64", base64(json(BARE).as_bytes())),
        (
            "base64 for URLs",
            base64(json(BARE).as_bytes()).replace('+', "-").replace('/', "_").replace('=', ""),
        ),
        ("hex", hex(json(BARE).as_bytes())),
        ("two layers", base64(base64(json(BARE).as_bytes()).as_bytes())),
        ("UTF-16", base64(&utf16(&json(BARE), false))),
    ];
    for (name, run) in &runs {
        let escaped = run.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        let targets = [
            format!("/?d={escaped}"),
            format!("/x/y?a=1&d={escaped}&b=2"),
            format!("/x/{escaped}/y"),
            format!("/{escaped}"),
        ];
        for target in &targets {
            let outcome = Setup::new(usual()).run(&Head { target: Some(target), ..plain() }, &[]);
            assert_eq!(outcome.found("payment.pan").matched, 1, "{name} in {target}");
            assert_eq!(outcome.last, Step::Stop, "{name} in {target}");
        }
        for (field, value) in [
            ("cookie", format!("a=1; s={run}; b=2")),
            ("x-state", run.clone()),
            ("x-more", format!("v1 {run}")),
        ] {
            let fields: [(&str, &[u8]); 1] = [(field, value.as_bytes())];
            let outcome = Setup::new(usual()).run(&Head { fields: &fields, ..plain() }, &[]);
            assert_eq!(outcome.found("payment.pan").matched, 1, "{name} in {field}");
            // Hidden in its place, as long as before, and not to be found any more.
            let masking = Setup::new(vec![on("payment.pan", Action::Redact, 1)]);
            let outcome = masking.run(&Head { fields: &fields, ..plain() }, &[]);
            assert_eq!(outcome.last, Step::Release, "{name} in {field}");
            let mut line = value.clone().into_bytes();
            for edit in outcome.inspector.head_edits() {
                line[edit.start..edit.start + edit.replacement.len()].copy_from_slice(&edit.replacement);
            }
            assert_ne!(line, value.as_bytes(), "{name} in {field}");
            let fields: [(&str, &[u8]); 1] = [(field, &line)];
            let outcome = Setup::new(usual()).run(&Head { fields: &fields, ..plain() }, &[]);
            assert!(outcome.decision.found.is_empty(), "{name} in {field}");
        }
    }
}

#[test]
fn a_credential_in_its_place_is_not_taken_apart() {
    let card = "4539148803436467";
    for (field, scheme, text, counts) in [
        ("authorization", "Bearer", r#"{"email":"anna@shop-mail.com"}"#.to_owned(), false),
        ("authorization", "Bearer", format!(r#"{{"sub":"{card}"}}"#), false),
        ("authorization", "Bearer", format!(r#"{{"card":"{card}"}}"#), true),
        ("authorization", "Basic", format!("anna:{card}"), true),
        ("authorization", "basic", "anna:a-password-of-her-own".to_owned(), false),
        ("x-token", "Bearer", format!(r#"{{"sub":"{card}"}}"#), true),
    ] {
        let value = format!("{scheme} {}", base64(text.as_bytes()));
        let fields: [(&str, &[u8]); 1] = [(field, value.as_bytes())];
        let outcome = Setup::new(usual()).run(&Head { fields: &fields, ..plain() }, &[]);
        assert_eq!(outcome.last == Step::Stop, counts, "{field}: {scheme} {text}");
    }
    // Numbers of sessions are no IDs, unless something says so.
    for (text, counts) in [(r#"{"sid":"44051401359","n":1}"#, false), (r#"{"pesel":"44051401359"}"#, true)] {
        let value = format!("s={}", base64(text.as_bytes()));
        let fields: [(&str, &[u8]); 1] = [("cookie", value.as_bytes())];
        let outcome =
            Setup::new(vec![on("*", Action::Alert, 1)]).run(&Head { fields: &fields, ..plain() }, &[]);
        assert_eq!(!outcome.decision.found.is_empty(), counts, "{text}");
    }
}

#[test]
fn everyday_heads_hold_no_runs() {
    let fields: [(&str, &[u8]); 4] = [
        ("authorization", b"Bearer ya29.a0AfH6SMBx3kqJd9Vw0Zq8yTn5pLr2cXsUeWmGhIoKbNvQ"),
        ("cookie", b"_ga=GA1.2.1234567890.1700000000; sid=s%3AQmFzZTY0LW5vdC1yZWFsbHk.k3yQvT0pXw%2Fd9"),
        ("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("etag", b"\"33a64df551425fcc55e4d42a148795d9f25f89d4\""),
    ];
    let target = Some(
        "/api/v1/organisations/members/b5d40b3c-4a1b-4c7e-9a10-3d5e0e1f2a3b?cursor=eyJpZCI6MTIzNDV9&limit=50",
    );
    let outcome =
        Setup::new(vec![on("*", Action::Alert, 1)]).run(&Head { target, fields: &fields, ..plain() }, &[]);
    assert!(outcome.decision.found.is_empty(), "{:?}", outcome.decision.found);
}
