//! What a pack author can say, and what comes of it.

use super::region::How;
use super::simd::Level;
use super::{Confidence, Label, Matcher, Pack, Scan, Scope};
use crate::fingerprint::FingerprintKey;

fn matcher(detectors: &str) -> Matcher {
    let text = format!("[pack]\nname = \"t\"\nversion = \"1.0.0\"\n{detectors}");
    let packs = vec![Pack::parse("t.toml", &text).unwrap_or_else(|e| panic!("{e:#?}"))];
    Matcher::compile(packs).unwrap_or_else(|e| panic!("{e:#?}"))
}

fn detector(name: &str, body: &str) -> String {
    format!(
        "[[detector]]\nid = \"t.{name}\"\ndescription = \"d\"\n{body}\n\
         [[detector.example]]\ntext = \"a\"\nfinds = [\"a\"]\n[[detector.example]]\ntext = \"b\"\nfinds = []\n"
    )
}

/// Findings as `name:text:confidence`, the same at every level and in every cut.
fn findings(matcher: &Matcher, label: Option<&str>, text: &str) -> Vec<String> {
    let key = FingerprintKey::new(&[1; 32]);
    let spell = |found: &[super::Finding]| -> Vec<String> {
        let one = |f: &super::Finding| {
            let name = matcher.detector(f.detector).id.trim_start_matches("t.").to_owned();
            format!("{name}:{}:{}", &text[f.start as usize..f.end as usize], f.confidence.as_str())
        };
        found.iter().map(one).collect()
    };
    let named = label.map(|name| Label { scope: Scope::Header, name: name.as_bytes(), outer: &[] });
    let whole = spell(&matcher.find(&key, named, text.as_bytes()));
    for level in Level::all() {
        let how = How { level, key: Some(&key), floor: matcher.floor };
        assert_eq!(spell(&matcher.find_at(how, named, text.as_bytes())), whole, "{level:?}");
    }
    if label.is_none() {
        for cut in 0..=text.len() {
            let (mut scan, mut out) = (Scan::new(), Vec::new());
            scan.push(matcher, &key, &text.as_bytes()[..cut], &mut out);
            assert!(out.iter().all(|f| f.start < scan.settled()));
            scan.push(matcher, &key, &text.as_bytes()[cut..], &mut out);
            scan.finish(matcher, &key, &mut out);
            assert_eq!(spell(&out), whole, "cut at {cut} of {text:?}");
        }
    }
    whole
}

#[test]
fn a_group_named_value_is_the_finding() {
    let cvv = matcher(&detector(
        "cvv",
        "pattern = '(?i:cvv2?|security code)[\"'': =]{1,4}(?P<value>\\d{3,4})'\ntier = \"medium\"\nboundary = \"word\"\ninvalidators = [\"all-same\"]"
            .replace("''", "\\x27")
            .as_str(),
    ));
    for (text, found) in [
        ("cvv: 123", &["cvv:123:medium"][..]),
        ("\"CVV2\":\"1234\"", &["cvv:1234:medium"]),
        ("Security Code=042, cvv 777", &["cvv:042:medium"]),
        ("cvv: 12345 xcvv: 123 cvv: 12a", &[]),
    ] {
        assert_eq!(findings(&cvv, None, text), found, "{text}");
    }
    let url = matcher(&detector(
        "password",
        "pattern = '[a-z]{3,9}://[a-z]{1,9}:(?P<value>[a-z0-9]{3,20})@[a-z.]{3,20}'\ntier = \"medium\"",
    ));
    let text = "see http://joe:s3cret@db.example and http://joe@db.example";
    assert_eq!(findings(&url, None, text), ["password:s3cret:medium"]);
}

#[test]
fn what_stands_around_a_match_can_rule_it_out() {
    let mail = matcher(&detector(
        "mail",
        "pattern = '[a-z.]{1,20}@[a-z.]{3,20}'\ntier = \"strong\"\n[detector.exclude]\nbefore = '://(?:[a-z]{1,9}:)?'\nafter = ':[a-z]'",
    ));
    for (text, found) in [
        ("to a@b.example:", &["mail:a@b.example:high"][..]),
        ("a@b.example: hi", &["mail:a@b.example:high"]),
        ("ssh://a@b.example", &[]),
        ("ssh://joe:a@b.example", &[]),
        ("git a@b.example:repo", &[]),
    ] {
        assert_eq!(findings(&mail, None, text), found, "{text}");
    }
}

#[test]
fn the_plural_of_a_word_names_a_list_and_not_all_that_is_somewhere_in_it() {
    let line = matcher(&detector(
        "line",
        "pattern = '6\\d{8}'\ntier = \"medium\"\nboundary = \"digit\"\n\
         [detector.keywords]\nany = [\"cell\", \"line number\"]\nbefore = 12\nafter = 4",
    ));
    let far = "0".repeat(40).replace('0', "text ");
    for (text, confidence) in [
        ("{\"cells\":[\"612345678\"]}".to_owned(), "high"),
        ("cells: 612345678".to_owned(), "high"),
        (format!("{{\"cell\":[{{\"a\":\"{far}\",\"source\":[\"{far}612345678\"]}}]}}"), "high"),
        (format!("{{\"line_numbers\":[{{\"a\":\"{far}\",\"b\":[\"{far}612345678\"]}}]}}"), "high"),
        (format!("{{\"cells\":[{{\"a\":\"{far}\",\"source\":[\"{far}612345678\"]}}]}}"), "medium"),
    ] {
        assert_eq!(findings(&line, None, &text), [format!("line:612345678:{confidence}")], "{text}");
    }
}

#[test]
fn what_stands_around_a_value_lowers_it_under_a_name_of_its_own() {
    let pan = matcher(&detector(
        "pan",
        "pattern = '4\\d{15}'\nvalidators = [\"luhn\"]\ntier = \"strong\"\nbare = \"medium\"\nboundary = \"digit\"\n\
         [detector.keywords]\nany = [\"card\"]\nbefore = 40\nafter = 20\n\
         [detector.exclude]\nunless_named = { before = '0x|[a-f]', after = '[a-f]' }\nbefore = '[.]'",
    ));
    for (text, found) in [
        ("4539148803436467", &["medium"][..]),
        ("0x4539148803436467 4539148803436467abcd", &[]),
        ("hash 0x4539148803436467 of a card", &[]),
        ("card: x, hash: 0x4539148803436467", &[]),
        ("{\"card\":1,\"id\":\"0x4539148803436467\"}", &[]),
        ("{\"card\":{\"id\":\"0x4539148803436467\"}}", &[]),
        ("{\"card_number\":\"0x4539148803436467\"}", &["medium"]),
        ("{\"card_number\":\"4539148803436467abcd\"}", &["medium"]),
        ("{\"card_number\":\"0.4539148803436467\"}", &[]),
        ("card=abc4539148803436467&x=y", &["medium"]),
        ("a;card;b\n1;4539148803436467abc;2\n", &["medium"]),
        ("<card>4539148803436467abc</card>", &["medium"]),
        ("my card #0x4539148803436467", &["medium"]),
        ("my card is 0x4539148803436467", &[]),
        ("my card  abcdef4539148803436467", &["medium"]),
    ] {
        let expected: Vec<_> = found.iter().map(|sure| format!("pan:4539148803436467:{sure}")).collect();
        assert_eq!(findings(&pan, None, text), expected, "{text}");
    }
    assert_eq!(findings(&pan, Some("x-card"), "abc4539148803436467"), ["pan:4539148803436467:medium"]);
    assert_eq!(findings(&pan, Some("x-hash"), "abc4539148803436467"), [""; 0]);
    // What is in doubt speaks for nothing beside it.
    let number = detector(
        "number",
        "pattern = 'n\\d{4}'\ntier = \"weak\"\n[detector.beside]\nany = [\"t.pan\"]\nbefore = 40\nafter = 40",
    );
    let doubted = detector(
        "pan",
        "pattern = '4\\d{15}'\ntier = \"strong\"\nboundary = \"digit\"\n[detector.exclude]\nunless_named = { before = '0x' }",
    );
    let both = matcher(&[number, doubted].concat());
    assert_eq!(findings(&both, None, "n1234 0x4539148803436467"), ["number:n1234:low"]);
}

#[test]
fn a_longer_word_against_a_value_takes_the_place_of_one_for_it_that_is_a_part_of_it() {
    let number = matcher(&detector(
        "number",
        "pattern = '\\d{9}'\ntier = \"medium\"\nbare = \"medium\"\nboundary = \"digit\"\n\
         [detector.keywords]\nany = [\"tax id\", \"number\"]\nbefore = 40\nafter = 20\n\
         [detector.exclude]\nkeywords = [\"federal tax id\"]",
    ));
    for (text, sure) in [
        ("912345678", "medium"),
        ("tax id 912345678", "high"),
        ("federal tax id 912345678", "low"),
        ("federal tax id, tax id: 912345678", "high"),
        ("number and federal tax id 912345678", "high"),
        ("{\"federalTaxId\":912345678}", "low"),
        ("{\"tax_id\":912345678}", "high"),
        ("{\"federal_tax\":{\"id\":912345678}}", "medium"),
        ("{\"federal_tax_id\":{\"number\":912345678}}", "high"),
        ("a;federal tax id;b\n1;912345678;2\n", "low"),
        ("912345678 (federal tax id)", "low"),
    ] {
        assert_eq!(findings(&number, None, text), [format!("number:912345678:{sure}")], "{text}");
    }
    assert_eq!(findings(&number, Some("federal-tax-id"), "912345678"), ["number:912345678:low"]);
}

#[test]
fn what_directly_surrounds_a_match_may_make_it_medium_and_no_less() {
    let keyword = "[detector.keywords]\nany = [\"to\"]\nbefore = 20\nafter = 0\n";
    let lower = "[detector.exclude]\nlower = { before = '(?:by|19[0-9]{2}),? {0,2}<', after = '> et al' }";
    let mail = |tier: &str, words: &str| {
        let body = format!("pattern = '[a-z]{{1,9}}@[a-z]{{1,9}}[.]de'\ntier = \"{tier}\"\n{words}{lower}");
        matcher(&detector("mail", &body))
    };
    let (strong, medium, worded) = (mail("strong", ""), mail("medium", ""), mail("strong", keyword));
    for (text, sure) in [
        ("<jane@doe.de>", ["high", "medium", "high"]),
        ("by <jane@doe.de>", ["medium", "medium", "medium"]),
        ("1998, <jane@doe.de>", ["medium", "medium", "medium"]),
        ("1998, to <jane@doe.de>", ["high", "medium", "high"]),
        ("to 1998 <jane@doe.de>", ["medium", "medium", "high"]),
        ("<jane@doe.de> et al", ["medium", "medium", "medium"]),
        ("by  <jane@doe.de> et al", ["medium", "medium", "medium"]),
        ("by   <jane@doe.de> and others", ["high", "medium", "high"]),
    ] {
        for (matcher, sure) in [&strong, &medium, &worded].into_iter().zip(sure) {
            assert_eq!(findings(matcher, None, text), [format!("mail:jane@doe.de:{sure}")], "{text}");
        }
    }
}

#[test]
fn another_finding_nearby_raises_by_one_step() {
    let both = [
        detector(
            "pan",
            "pattern = '4\\d{15}'\nvalidators = [\"luhn\"]\ntier = \"strong\"\nboundary = \"digit\"",
        ),
        detector(
            "expiry",
            "pattern = 'exp[: =](?P<value>\\d\\d/\\d\\d)'\ntier = \"weak\"\n[detector.beside]\nany = [\"t.pan\"]\nbefore = 40\nafter = 40",
        ),
    ];
    let matcher = matcher(&both.concat());
    for (text, expiry) in [
        ("4539148803436467 exp=12/27", "expiry:12/27:medium"),
        ("exp=12/27 for 4539148803436467", "expiry:12/27:medium"),
        ("4539148803436468 exp=12/27", "expiry:12/27:low"),
        ("exp=12/27", "expiry:12/27:low"),
    ] {
        assert!(findings(&matcher, None, text).contains(&expiry.to_owned()), "{text}");
    }
}

#[test]
fn digits_alone_may_be_worth_less_and_words_lift_them() {
    let id = |extra: &str| {
        detector(
            "id",
            &format!(
                "pattern = '\\d{{10}}|\\d{{6}}-\\d{{4}}'\ntier = \"medium\"\nboundary = \"number\"\nbare = \"low\"\n[detector.keywords]\nany = [\"kt\", \"kennitala\"]\nbefore = 30\nafter = 10\n{extra}"
            ),
        )
    };
    let rows = [
        ("call 1201743399 now", "low"),
        ("120174-3399", "medium"),
        ("kennitala: 1201743399", "high"),
        ("1201743399 (kt)", "high"),
        ("kt = 120174-3399", "high"),
        ("kt                                     1201743399", "low"),
    ];
    let all = matcher(&id(""));
    let medium = matcher(&id("")).reporting(Confidence::Medium);
    for (text, confidence) in rows {
        let found = findings(&all, None, text);
        assert!(found.len() == 1 && found[0].ends_with(confidence), "{text}: {found:?}");
        let expected = if confidence == "low" { Vec::new() } else { found };
        assert_eq!(findings(&medium, None, text), expected, "{text}");
    }
    assert_eq!(findings(&medium, Some("x-kennitala"), "1201743399"), ["id:1201743399:high"]);
    let required = matcher(&id("required = true")).reporting(Confidence::Medium);
    assert_eq!(findings(&required, None, "120174-3399"), [""; 0]);
    assert_eq!(findings(&required, None, "kt 120174-3399").len(), 1);
}

#[test]
fn what_follows_the_digits_makes_them_more_than_digits() {
    let id = detector(
        "id",
        "pattern = '\\d{9}[ -]?[A-Z]{2}\\d|\\d{12}'\ntier = \"strong\"\nboundary = \"word\"\nbare = \"low\"\n[detector.keywords]\nany = [\"cc\"]\nbefore = 20",
    );
    let matcher = matcher(&id).reporting(Confidence::Medium);
    for (text, found) in [
        ("x 152473944 ZZ0 y", &["id:152473944 ZZ0:high"][..]),
        ("x 152473944ZZ0 y", &["id:152473944ZZ0:high"]),
        ("x 152473944000 y", &[]),
        ("cc 152473944000 y", &["id:152473944000:high"]),
    ] {
        assert_eq!(findings(&matcher, None, text), found, "{text}");
    }
}

#[test]
fn alternatives_of_any_kind_are_all_found() {
    let matcher = matcher(&detector(
        "any",
        "pattern = '[a-z]{1,9}@[a-z]{2,9}|abc-[a-z]{2}|\\d{3}-\\d{6}'\ntier = \"strong\"",
    ));
    assert_eq!(
        findings(&matcher, None, "x joe@host y abc-de z 123-456789"),
        ["any:joe@host:high", "any:abc-de:high", "any:123-456789:high"]
    );
}

#[test]
fn words_count_in_the_scopes_that_a_detector_names() {
    let of = |scope: &str| {
        let pack = detector(
            "id",
            &format!(
                "pattern = '\\d{{9}}'\ntier = \"weak\"\nboundary = \"digit\"\n[detector.keywords]\nany = [\"ssn\"]\nbefore = 4\nrequired = true\n{scope}\n[detector.exclude]\nkeywords = [\"order\"]"
            ),
        );
        [matcher(&pack), matcher(&pack).reporting(Confidence::Medium)]
    };
    let far = "x".repeat(300);
    let part =
        "--b\r\nContent-Disposition: form-data; name=\"ssn\"\r\nContent-Type: text/plain\r\n\r\n123456782";
    let rows = [
        ("json-path", format!("{{\"ssn\":{{\"text\":\"{far}\",\"v\":[1,123456782]}}}}")),
        ("csv-header", format!("id,ssn,n\n7,123456782,{far}\n")),
        ("xml-name", format!("<ssn><x>{far}</x><v>123456782</v></ssn>")),
        ("xml-name", "<a ssn=\"123456782\">".to_owned()),
        ("form-key", format!("a={far}&ssn=see+it+123456782&b=")),
        ("multipart-name", part.to_owned()),
        ("near", "ssn 123456782".to_owned()),
    ];
    let [all, medium] = of("");
    for (scope, text) in &rows {
        assert_eq!(findings(&all, None, text), ["id:123456782:medium"], "{text}");
        assert_eq!(findings(&medium, None, text), ["id:123456782:medium"], "{text}");
        for (other, _) in rows.iter().filter(|(other, _)| other != scope && *other != "near") {
            let [all, medium] = of(&format!("scope = [\"{other}\"]"));
            assert_eq!(findings(&all, None, text), ["id:123456782:low"], "{other} of {text}");
            assert!(findings(&medium, None, text).is_empty(), "{other} of {text}");
        }
        let [_, only] = of(&format!("scope = [\"{scope}\"]"));
        assert_eq!(findings(&only, None, text).len(), 1, "{scope} of {text}");
    }
    let text = "[pack]\nname = \"t\"\nversion = \"1.0.0\"\n".to_owned()
        + &detector(
            "a",
            "pattern = 'a'\ntier = \"weak\"\n[detector.keywords]\nany = [\"b\"]\nscope = [\"jsonpath\"]",
        );
    let errors = Pack::parse("t.toml", &text).unwrap_err();
    assert!(errors[0].message.contains("json-path") && errors[0].line == 11, "{errors:?}");
}

#[test]
fn a_name_of_its_own_speaks_against_a_value_and_those_around_it_do_not() {
    let pan = detector(
        "pan",
        "pattern = '\\d{16}'\ntier = \"medium\"\n[detector.keywords]\nany = [\"card\"]\nbefore = 2\n[detector.exclude]\nkeywords = [\"order\"]",
    );
    let matcher = matcher(&pan);
    let rows = [
        ("{\"order_id\": 4539148803436467}", "low"),
        ("{\"order\":{\"number\": 4539148803436467}}", "medium"),
        ("{\"card\":{\"order_id\": 4539148803436467}}", "high"),
        ("id,order_id\n1,4539148803436467\n", "low"),
        ("id,ref\n1,4539148803436467\n", "medium"),
        ("order=4539148803436467", "low"),
    ];
    for (text, confidence) in rows {
        assert_eq!(findings(&matcher, None, text), [format!("pan:4539148803436467:{confidence}")], "{text}");
    }
}

#[test]
fn what_stands_around_can_tell_every_byte_from_every_other() {
    let pairs: Vec<String> = (0..=255u8).map(|b| format!("\\x{b:02x}\\x{:02x}", b.wrapping_add(1))).collect();
    for (side, text) in [("after", &b"123456789.."[..]), ("before", b"..123456789")] {
        let around = pairs.join("|");
        let matcher = matcher(&detector(
            "id",
            &format!(
                "pattern = '\\d{{9}}'\ntier = \"medium\"\nboundary = \"digit\"\n[detector.exclude]\n{side} = '{around}'"
            ),
        ));
        let key = FingerprintKey::new(&[1; 32]);
        let at = if side == "after" { 9 } else { 0 };
        for first in (0..=255u8).filter(|b| !b.is_ascii_digit()) {
            for (second, found) in [(first.wrapping_add(1), 0), (first.wrapping_add(2), 1)] {
                if second.is_ascii_digit() {
                    continue;
                }
                let mut text = text.to_vec();
                text[at..at + 2].copy_from_slice(&[first, second]);
                assert_eq!(matcher.find(&key, None, &text).len(), found, "{side} {first:02x} {second:02x}");
            }
        }
    }
}

#[test]
fn packs_say_what_competes_with_what() {
    let pack = |name: &str, family: &str, detectors: &str| {
        let text = format!("[pack]\nname = \"{name}\"\nversion = \"1.0.0\"\n{family}\n{detectors}");
        Pack::parse("t.toml", &text.replace("t.", &format!("{name}."))).unwrap_or_else(|e| panic!("{e:#?}"))
    };
    let badge = |family: &str| {
        let body =
            format!("pattern = '\\d{{16}}=\\d{{4}}'\nboundary = \"none\"\ntier = \"medium\"\n{family}");
        detector("badge", &body)
    };
    let (key, text) = (FingerprintKey::new(&[1; 32]), b"card 4539148803436467=2812");
    for (family, own, compete) in [
        ("family = \"number\"", "", true),
        ("", "family = \"number\"", true),
        ("family = \"number\"", "family = \"badge\"", false),
        ("", "", false),
    ] {
        let packs = vec![Pack::built_in("payment").unwrap(), pack("mine", family, &badge(own))];
        let matcher = Matcher::compile(packs).unwrap();
        let found = matcher.find(&key, None, text);
        let [one, other] = &found[..] else { panic!("{found:?}") };
        let (first, second) = (matcher.family(one), matcher.family(other));
        assert_eq!(first.is(second), compete, "{family} {own}");
        assert_eq!(first.hides(one, second, other), compete, "{family} {own}");
    }
}

#[test]
fn what_directly_surrounds_a_match_may_make_it_low_where_no_word_speaks_for_it() {
    let body = "pattern = '4\\d{5}'\ntier = \"strong\"\n[detector.keywords]\nany = [\"card\"]\nbefore = 20\nafter = 0\n\
                [detector.exclude]\nlow = { before = 'no ', after = '[.]0' }";
    let matcher = matcher(&detector("number", body));
    for (text, sure) in [
        ("411111", "medium"),
        ("411111.0", "low"),
        ("411111.5", "medium"),
        ("no 411111", "low"),
        ("card: 411111.00", "high"),
    ] {
        assert_eq!(findings(&matcher, None, text), [format!("number:411111:{sure}")], "{text}");
    }
}

#[test]
fn groups_of_a_longer_row_are_low_where_no_word_speaks_for_them() {
    let body = "pattern = '4\\d{3}(?:[ -]\\d{4}){3}'\nvalidators = [\"luhn\"]\ntier = \"strong\"\nboundary = \"digit\"\n\
                [detector.keywords]\nany = [\"card\"]\nbefore = 20\nafter = 0\n\
                [detector.exclude]\nlonger = '[ -]\\d{4}(?:[ -]\\d{3})?'";
    let matcher = matcher(&detector("number", body));
    for (around, sign, sure) in [
        ("@", " ", "high"),
        ("17 250 @ 1127 123", " ", "high"),
        ("@ 2026-11-29", " ", "high"),
        ("@ 12.50", " ", "high"),
        ("@ 1127 123 17", " ", "low"),
        ("@ 73", " ", "low"),
        ("@ 50 euros", " ", "medium"),
        ("1 2 3 @", " ", "low"),
        ("x @\n17", " ", "high"),
        ("@-1127", "-", "high"),
        ("@-73", "-", "low"),
        ("7-@", "-", "low"),
        ("l@z", "-", "low"),
        ("@ 73", "-", "high"),
        ("card @ 73", " ", "high"),
        ("@ 4539 1488 0343 6467 1", " ", "high"),
    ] {
        let number = ["4716", "2530", "9847", "2014"].join(sign);
        let text = around.replace('@', &number);
        let found = findings(&matcher, None, &text);
        let own = format!("number:{number}:{sure}");
        assert!(found.contains(&own), "{text}: {found:?}");
    }
}

#[test]
fn a_name_that_denies_a_weak_value_outweighs_words_before_it() {
    let body = "pattern = '[2-9]\\d{9}'\ntier = \"weak\"\nboundary = \"digit\"\n[detector.keywords]\nany = [\"mobile\", \"call me\"]\nbefore = 40\nafter = 0\n\
                [detector.exclude]\nkeywords = [\"app id\", \"order\"]";
    let matcher = matcher(&detector("phone", body));
    for (text, sure) in [
        (r#"{"mobile":{"app_id":"4155552671"}}"#, "low"),
        (r#"{"mobile":{"number":"4155552671"}}"#, "medium"),
        (r#"{"order":"call me at 4155552671"}"#, "medium"),
    ] {
        assert_eq!(findings(&matcher, None, text), [format!("phone:4155552671:{sure}")], "{text}");
    }
}

#[test]
fn what_a_member_beside_a_value_calls_it_outweighs_names_around_both() {
    let body = |word: &str| {
        format!(
            "pattern = '4\\d{{9}}'\ntier = \"weak\"\nboundary = \"digit\"\n[detector.keywords]\nany = [\"{word}\"]\nbefore = 0\nafter = 0"
        )
    };
    let both = [detector("generic", &body("id number")), detector("oib", &body("oib"))];
    let matcher = matcher(&both.concat());
    let found = findings(&matcher, None, r#"{"id_numbers":[{"type":"oib","value":"4824605249"}]}"#);
    assert!(found.contains(&"oib:4824605249:medium".to_owned()), "{found:?}");
    let found = findings(&matcher, None, r#"{"id_numbers":[{"type":"x","value":"4824605249"}]}"#);
    assert!(found.contains(&"generic:4824605249:medium".to_owned()), "{found:?}");
}
