//! Values in what they wear: escapes, charsets, look-alikes; found, placed and hidden without breaking it.

use super::*;
use proptest::prelude::*;

/// How a text is written as something else.
type Code<'a> = &'a dyn Fn(&str) -> String;

/// Rules that mask cards, and national IDs without a threshold.
fn masking() -> Setup {
    let mut setup = Setup::new(vec![
        on("payment.pan", Action::Redact, 1),
        on("national-id.us-ssn", Action::Redact, 1),
        on("contact.email", Action::Redact, 1),
    ]);
    setup.hold = 1 << 20;
    setup
}

fn utf16(text: &str, big_endian: bool) -> Vec<u8> {
    text.encode_utf16()
        .flat_map(|unit| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() })
        .collect()
}

/// Each character of `value` by `how`.
fn each(value: &str, how: impl Fn(char) -> String) -> String {
    value.chars().map(how).collect()
}

fn json(value: &str) -> String {
    each(value, |c| format!("\\u{:04x}", u32::from(c)))
}

fn percent(value: &str) -> String {
    each(value, |c| format!("%{:02X}", u32::from(c)))
}

/// Digits of a mathematical alphabet, each as two escapes behind `lead`; stars as two of their own.
fn halves(value: &str, lead: &str) -> String {
    each(value, |c| match c.to_digit(10) {
        Some(digit) => format!("{lead}d835{lead}{:04x}", 0xdfe2 + digit),
        None => format!("{lead}{:04x}{lead}{:04x}", u32::from(c), u32::from(c)),
    })
}

/// What a value can be written as, the carrier named for it, and what its mask is written as.
fn written() -> Vec<(String, &'static str, Option<String>)> {
    let stars = "**** **** **** 6467";
    let digit = |c: char| if c == '*' { 0x2a } else { u32::from(c) };
    let wide = |value: &str| {
        each(value, |c| {
            if c == ' ' { ' '.into() } else { char::from_u32(0xff00 + digit(c) - 0x20).unwrap().into() }
        })
    };
    vec![
        (json(PAN), "json", Some(json(stars))),
        (json(PAN).replace('\\', "\\\\"), "json", Some(json(stars).replace('\\', "\\\\"))),
        (PAN.replace(' ', "\\u0020"), "json", Some(stars.replace(' ', "\\u0020"))),
        (PAN.replace(' ', "\\u00a0"), "json", Some(stars.replace(' ', "\\u00a0"))),
        (percent(PAN), "percent", Some(percent(stars))),
        (PAN.replace(' ', "%20"), "percent", Some(stars.replace(' ', "%20"))),
        (PAN.replace(' ', "%2520"), "percent", Some(stars.replace(' ', "%2520"))),
        (percent(PAN).replace('%', "%25"), "percent", Some(percent(stars).replace('%', "%25"))),
        (PAN.replace(' ', "+"), "form", Some(stars.replace(' ', "+"))),
        (PAN.replace(' ', "&nbsp;"), "entity", Some(stars.replace(' ', "&nbsp;"))),
        (PAN.replace(' ', "&ZeroWidthSpace;"), "entity", None),
        (PAN.replace(' ', "&NonBreakingSpace;"), "entity", Some(stars.replace(' ', "&NonBreakingSpace;"))),
        (PAN.replace(' ', "&lrm;"), "entity", None),
        (
            each(PAN, |c| format!("&#{};", u32::from(c))),
            "entity",
            Some(each(stars, |c| format!("&#{};", digit(c)))),
        ),
        (
            each(PAN, |c| format!("&#x{:x};", u32::from(c))),
            "entity",
            Some(each(stars, |c| format!("&#x{:x};", digit(c)))),
        ),
        (
            each(PAN, |c| format!("&#{:09};", u32::from(c))),
            "entity",
            Some(each(stars, |c| format!("&#{:09};", digit(c)))),
        ),
        (
            each(PAN, |c| format!("&#x{:060x};", u32::from(c))),
            "entity",
            Some(each(stars, |c| format!("&#x{:060x};", digit(c)))),
        ),
        (PAN.replace(' ', "&amp;#32;"), "entity", Some(stars.replace(' ', "&amp;#32;"))),
        (PAN.replace(' ', "\\u0026nbsp;"), "entity", Some(stars.replace(' ', "\\u0026nbsp;"))),
        (each(PAN, |c| format!("={:02X}", u32::from(c))), "quoted-printable", None),
        (PAN.replace("0343", "03=\r\n43"), "quoted-printable", Some(stars.replacen("** 6", "=\r\n** 6", 1))),
        (wide(PAN), "look-alike", Some(wide(stars))),
        (PAN.replace(' ', "\u{a0}"), "look-alike", Some(stars.replace(' ', "\u{a0}"))),
        (PAN.replace(' ', "\u{2011}"), "look-alike", Some(stars.replace(' ', "\u{2011}"))),
        (PAN.replace("88", "8\u{200b}8"), "look-alike", None),
        (each(BARE, |c| char::from_u32(0x660 + u32::from(c) - 0x30).unwrap().into()), "look-alike", None),
        (each(BARE, |c| char::from_u32(0x17e0 + u32::from(c) - 0x30).unwrap().into()), "look-alike", None),
        (each(BARE, |c| char::from_u32(0x1fbf0 + u32::from(c) - 0x30).unwrap().into()), "look-alike", None),
        (each(BARE, |c| format!("{c}\u{301}")), "look-alike", None),
        (each(BARE, |c| format!("{c}\u{fe0f}\u{20e3}")), "look-alike", None),
        (each(BARE, |c| format!("{c}\u{e0020}")), "look-alike", None),
        (PAN.replace(' ', "\u{2800}"), "look-alike", None),
        // Two halves of a character, in escapes of either kind, and twice.
        (halves(BARE, "\\u"), "json", None),
        (halves(BARE, "\\\\u"), "json", None),
        (halves(BARE, "%u"), "percent", None),
        (PAN.replace(' ', "=20"), "quoted-printable", None),
    ]
}

#[test]
fn a_value_is_found_in_whatever_it_wears_and_hidden_in_it() {
    for (value, carrier, masked) in written() {
        for (before, after) in
            [("{\"card\": \"", "\", \"n\": 1}"), ("", ""), ("x card ", " \\n y %41 &amp; \u{e9}")]
        {
            let body = [before, &value, after].concat();
            let outcome = masking().body(&body);
            assert_eq!(outcome.decision.action, Action::Redact, "{body}");
            let found = outcome.found("payment.pan");
            assert_eq!((found.matched, found.distinct), (1, 1), "{body}");
            assert_eq!(found.at[0].carrier.last(), Some(&carrier), "{body}");
            assert_eq!(outcome.out.len(), body.len(), "{body}");
            assert!(
                outcome.text().starts_with(before) && outcome.text().ends_with(after),
                "{}",
                outcome.text()
            );
            if let Some(masked) = &masked {
                assert_eq!(outcome.text().to_lowercase(), [before, masked, after].concat().to_lowercase());
            }
            let again = Setup::new(vec![on("payment.pan", Action::Alert, 1)]).body(outcome.text());
            assert_eq!(again.decision.action, Action::Allow, "{}", outcome.text());
        }
    }
}

#[test]
fn a_machine_readable_zone_is_found_behind_the_entities_that_xml_wants() {
    const ZONE: &str =
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10";
    let setup = || Setup::new(vec![on("travel.mrz-td3", Action::Redact, 1)]).with(compile(&["travel"]));
    for (before, after) in
        [("<mrz>", "</mrz>\n"), ("", ""), ("<p>if a &lt; b &amp;&amp; c&lt;d:</p><dd>", "</dd>")]
    {
        let body = [before, &ZONE.replace('<', "&lt;"), after].concat();
        let outcome = setup().body(&body);
        assert_eq!(outcome.found("travel.mrz-td3").matched, 1, "{body}");
        assert!(outcome.text().starts_with(before) && outcome.text().ends_with(after), "{}", outcome.text());
        assert!(!outcome.text().contains("L898902C36"), "{}", outcome.text());
    }
}

#[test]
fn a_sign_before_a_value_takes_none_of_its_digits() {
    // `=40` is an `@` of quoted-printable, `%40` one of a URL, where an address stands there.
    for value in ["4093 5020 0149 9", "4003 9085 8788 5080 126", "4054 6940 9911 8639 323"] {
        for gap in ["\u{a0}", "\u{2013}", "\u{2009}", "\u{2011}"] {
            for before in ["card=", "a=1&card=", "card: =", "card:", "card >"] {
                let body = format!("{before}{}&b=2", value.replace(' ', gap));
                let outcome = masking().body(&body);
                assert_eq!(outcome.found("payment.pan").matched, 1, "{body}");
            }
        }
    }
    for host in ["corp-mail.com", "163.com", "1and1.com", "4-you.com"] {
        for (before, after) in
            [("to: caf\u{e9} john.doe=40", ""), ("john.doe=40", " and more"), ("x=3Djohn.doe=40", "\n")]
        {
            let body = [before, host, after].concat();
            assert_eq!(masking().body(&body).found("contact.email").matched, 1, "{body}");
        }
    }
}

#[test]
fn a_mask_takes_the_place_of_two_halves_of_a_character() {
    let outcome = masking().body(&format!("{{\"card\": \"{}\"}}", halves(BARE, "\\u")));
    let masked = halves("************", "\\u") + &halves("6467", "\\u");
    assert_eq!(outcome.text(), format!("{{\"card\": \"{masked}\"}}"));
    serde_json::from_slice::<serde_json::Value>(&outcome.out).unwrap();
}

#[test]
fn addresses_with_letters_of_other_alphabets_are_hidden_whole() {
    for body in [
        "{\"a\":\"john.d\u{f6}e@corp-mail.com\"}",
        "{\"a\":\"john.d\\u00f6e@corp-mail.com\"}",
        "mail j\u{f6}hn@ex\u{e4}mple.com, caf\u{e9} \u{e0} @home",
        "to: \u{160}imun.d@corp-mail.com",
        "to: a.j%C3%B6rg%40corp-mail.com",
    ] {
        let outcome = masking().body(body);
        assert_eq!(outcome.found("contact.email").matched, 1, "{body}");
        assert_eq!(outcome.out.len(), body.len(), "{body}");
        let left = outcome.text();
        let name = ["john", "e@", "hn@", "imun", "rg%", "ex", "mple", "\u{f6}", "\u{160}", "00f6"];
        assert!(!name.iter().any(|part| left.contains(part)), "{left}");
        assert!(left.contains("caf\u{e9} \u{e0} @home") || !body.contains("caf"), "{left}");
    }
}

#[test]
fn what_is_escaped_stays_a_document_of_its_type() {
    let body =
        format!("{{\"card\":\"{}\",\"note\":\"{}\"}}", json(PAN), PAN.replace(' ', "\\/").replace('/', "t"));
    let outcome = masking().body(&body);
    let value: serde_json::Value = serde_json::from_slice(&outcome.out).unwrap();
    assert_eq!(value["card"], "**** **** **** 6467");
    let inner = format!("{{\"card\":\"{}\"}}", json(PAN));
    let body = serde_json::to_string(&serde_json::json!({ "payload": inner })).unwrap();
    let outcome = masking().body(&body);
    let value: serde_json::Value = serde_json::from_slice(&outcome.out).unwrap();
    let value: serde_json::Value = serde_json::from_str(value["payload"].as_str().unwrap()).unwrap();
    assert_eq!(value["card"], "**** **** **** 6467");
}

#[test]
fn utf_16_is_read_with_a_mark_by_its_label_and_by_its_shape() {
    let json = format!("{{\"name\":\"J\u{e9}r\u{f4}me \u{1f600}\",\"card\":\"{PAN}\",\"ssn\":\"{SSN}\"}}");
    let masked = json.replace(PAN, "**** **** **** 6467").replace(SSN, "***-**-****");
    let label: [(&str, &[u8]); 1] = [("content-type", b"application/json; charset=\"UTF-16LE\"")];
    for big_endian in [false, true] {
        for (mark, fields) in
            [("\u{feff}", &[][..]), ("", &[]), ("", if big_endian { &[][..] } else { &label })]
        {
            let wire = utf16(&format!("{mark}{json}"), big_endian);
            for length in [1, 3, 7, 9000] {
                let outcome =
                    masking().run(&Head { fields, ..plain() }, &wire.chunks(length).collect::<Vec<_>>());
                assert_eq!(
                    outcome.out,
                    utf16(&format!("{mark}{masked}"), big_endian),
                    "{big_endian} {length}"
                );
                assert_eq!(outcome.found("payment.pan").at[0].carrier, ["utf-16", "json"]);
                assert_eq!(outcome.found("payment.pan").at[0].path.as_deref(), Some("$.card"));
                assert_eq!(outcome.decision.edits, 2);
            }
        }
    }
    // Escapes below the charset.
    let wire = utf16(&format!("{{\"card\":\"{}\"}}", PAN.replace(' ', "\\u00a0")), false);
    let outcome = masking().run(&plain(), &[&wire]);
    assert_eq!(outcome.found("payment.pan").at[0].carrier, ["utf-16", "json"]);
    let expected = utf16(&"{\"card\":\"**** **** **** 6467\"}".replace("* ", "*\\u00a0"), false);
    assert_eq!(outcome.out, expected);
}

#[test]
fn utf_32_is_read_like_utf_16() {
    let json = format!("{{\"card\":\"{PAN}\",\"ssn\":\"{}\"}}", SSN.replace('-', "\\u002d"));
    let masked = json
        .replace(PAN, "**** **** **** 6467")
        .replace("536\\u002d90\\u002d4399", "***\\u002d**\\u002d****");
    let write = |is_big: bool, text: &str| -> Vec<u8> {
        let order = if is_big { u32::to_be_bytes } else { u32::to_le_bytes };
        text.chars().flat_map(|c| order(c.into())).collect()
    };
    let label: &[(&str, &[u8])] = &[("content-type", b"text/plain; charset=UTF_32LE")];
    let texts = [
        (false, "", &[][..]),
        (true, "", &[]),
        (false, "\u{feff}", &[]),
        (true, "\u{feff}", &[]),
        (false, "\u{e9}\u{1f600}", label),
    ];
    for (is_big, start, fields) in texts {
        let wire = write(is_big, &format!("{start}{json}"));
        for length in [1, 3, 7, 9000] {
            let outcome =
                masking().run(&Head { fields, ..plain() }, &wire.chunks(length).collect::<Vec<_>>());
            assert_eq!(outcome.out, write(is_big, &format!("{start}{masked}")), "{start:?} {length}");
            assert_eq!(outcome.decision.edits, 2);
        }
    }
}

#[test]
fn bytes_that_are_no_text_never_stop_the_matcher() {
    let latin = [b"caf\xe9 card ", PAN.replace(' ', "\u{1}").as_bytes()].concat();
    let latin: Vec<u8> = latin.into_iter().map(|byte| if byte == 1 { 0xa0 } else { byte }).collect();
    let outcome = masking().run(&plain(), &[&latin]);
    assert_eq!(outcome.found("payment.pan").matched, 1);
    let torn = [b"\xff\xfe\xc3\x28 \xf0\x9f card ", PAN.as_bytes(), b" \xe2\x80"].concat();
    for length in [1, 2, 500] {
        let outcome = masking().run(&plain(), &torn.chunks(length).collect::<Vec<_>>());
        assert_eq!(outcome.found("payment.pan").matched, 1);
    }
}

#[test]
fn an_escape_that_swallows_a_digit_hides_nothing() {
    for body in
        [format!("x%{BARE} y"), format!("\\u{BARE}"), format!("pan={BARE}&a=b"), format!("a&#{BARE} b")]
    {
        let outcome = masking().body(&body);
        assert_eq!(outcome.found("payment.pan").matched, 1, "{body}");
        assert!(!outcome.text().contains(BARE), "{body}");
    }
}

#[test]
fn a_plain_value_near_an_escape_counts_once_and_as_it_is() {
    let body = format!(
        "{{\"a\":\"line\\nnext\",\"card\":\"{PAN}\",\"b\":\"\\u0041\",\"mail\":\"x\\njane@example.com\"}}"
    );
    let outcome = masking().body(&body);
    let card = outcome.found("payment.pan");
    assert_eq!((card.matched, card.at[0].carrier.as_slice()), (1, &["json"][..]));
    // The letter of an escape is no part of the address behind it.
    assert!(outcome.text().contains("x\\n"), "{}", outcome.text());
    assert_eq!(outcome.found("contact.email").matched, 1);
}

/// Bodies of values in all they wear, plain words and half escapes.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let mut words: Vec<Vec<u8>> = written().into_iter().map(|(value, ..)| value.into_bytes()).collect();
    for word in [
        PAN,
        BARE,
        SSN,
        " ",
        "\"",
        "card ",
        "\\",
        "\\u",
        "%",
        "%4",
        "&",
        "&#",
        "=",
        "+",
        "\u{e9}",
        "\n",
        "4539",
        "lorem ipsum ",
    ] {
        words.push(word.as_bytes().to_vec());
    }
    words.push(base64(&format!("a card {PAN}"), false).into_bytes());
    words.push(base64(&format!("and more text, and a card {PAN}, and so on"), true).into_bytes());
    words.extend([b"\xc2".to_vec(), b"\xe2\x80".to_vec(), b"\xa0".to_vec()]);
    let part = (prop::sample::select(words), 0usize..900);
    prop::collection::vec(part, 0..14).prop_map(|parts| {
        parts
            .into_iter()
            .flat_map(|(word, gap)| [word, vec![b'-'; gap.saturating_sub(60)]].concat())
            .collect()
    })
}

fn base64(text: &str, safe: bool) -> String {
    let digits = if safe { b"-_" } else { b"+/" };
    let digit = |value: u32| match value {
        0..=25 => b'A' + value as u8,
        26..=51 => b'a' + value as u8 - 26,
        52..=61 => b'0' + value as u8 - 52,
        _ => digits[value as usize - 62],
    };
    let mut out = String::new();
    for triple in text.as_bytes().chunks(3) {
        let word = (0..3).fold(0u32, |word, at| word << 8 | u32::from(*triple.get(at).unwrap_or(&0)));
        out.extend((0..=triple.len()).map(|at| char::from(digit(word >> (18 - 6 * at) & 63))));
        if !safe {
            out.push_str(&"=="[..3 - triple.len()]);
        }
    }
    out
}

#[test]
fn base64_and_hexadecimal_runs_are_looked_into_and_encoded_anew() {
    let stars = "**** **** **** 6467";
    for lead in 0..4 {
        for tail in 0..4 {
            let text = |pan: &str| format!("{}card {pan}{}", &"abc"[..lead.min(3)], &" xyz"[..tail]);
            let lines = |text: &str| -> String {
                let coded =
                    base64(&format!("{}{text}", "some words to fill a line with, then ".repeat(2)), false);
                coded.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line) + "\r\n").collect()
            };
            let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
            let escaped =
                |text: &str| base64(&format!("{{\"v\":\"{}\"}}", text.replace(' ', "\\u0020")), true);
            let cases: [(&str, Code<'_>, &[&str]); 5] = [
                ("base64", &|text| base64(text, false), &["json", "base64"]),
                ("base64url", &|text| base64(text, true), &["json", "base64"]),
                ("lines", &lines, &["json", "base64"]),
                ("hex", &hex, &["json", "hex"]),
                ("escapes in it", &escaped, &["base64", "json"]),
            ];
            for (name, code, carrier) in cases {
                let body = |pan: &str| format!("{{\"data\": \"{}\", \"n\": 1}}", code(&text(pan)));
                let wire = body(PAN);
                for length in [1, 5, 5000] {
                    let chunks: Vec<&[u8]> = wire.as_bytes().chunks(length).collect();
                    let outcome = masking().run(&plain(), &chunks);
                    assert_eq!(outcome.text(), body(stars), "{name} {lead} {tail} {length}");
                    assert_eq!(outcome.found("payment.pan").at[0].carrier, carrier, "{name}");
                }
            }
        }
    }
}

#[test]
fn runs_that_stand_for_no_text_are_left_alone() {
    let bodies = [
        "{\"sha\":\"da39a3ee5e6b4b0d3255bfef95601890afd80709da39a3ee5e6b4b0d3255bfef95601890\"}".to_owned(),
        format!("data:image/png;base64,iVBORw0KGgo{}", "AAAANSUhEUgAAAAEAAAABCAYAAAAf".repeat(40)),
    ];
    for body in bodies {
        assert_eq!(masking().body(&body).decision.disclosure, Disclosure::None, "{body}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_chunking_finds_and_hides_the_same(
        body in bodies(), cuts in prop::collection::vec(1usize..700, 1..5), hold in 1usize..3000,
    ) {
        let whole = masking().run(&plain(), &[&body]);
        prop_assert_eq!(whole.out.len(), body.len());
        for hold in [1 << 20, hold] {
            let mut setup = masking();
            setup.hold = hold;
            let (mut rest, mut chunks) = (body.as_slice(), Vec::new());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (chunk, after) = rest.split_at((*cut).min(rest.len()));
                chunks.push(chunk);
                rest = after;
            }
            let cut = setup.run(&plain(), &chunks);
            prop_assert_eq!(String::from_utf8_lossy(&cut.out), String::from_utf8_lossy(&whole.out));
            prop_assert_eq!(cut.decision.edits, whole.decision.edits);
            prop_assert_eq!(cut.decision.disclosure, whole.decision.disclosure);
        }
    }
}
