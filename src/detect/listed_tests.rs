//! Values of lists, whose columns are named once.

use crate::detect::{Confidence, Matcher, Pack, Scan};
use crate::fingerprint::FingerprintKey;

const PACK: &str = r#"
[pack]
name = "t"
version = "1.0.0"
[[detector]]
id = "t.code"
description = "a code by its name"
pattern = '(?i:code)["\x27\])]{0,5}(?:[:=] ?| is )["\x27]?(?P<value>\d{3,4})'
boundary = "digit"
tier = "medium"
severity = "low"
[[detector.example]]
text = 'code: 123'
finds = ["123"]
[[detector.example]]
text = 'code 123'
finds = []
"#;

fn matcher() -> Matcher {
    Matcher::compile(vec![Pack::parse("t.toml", PACK).unwrap()]).unwrap()
}

fn found(text: &str) -> Vec<&str> {
    let found = matcher().find(&FingerprintKey::new(&[0; 32]), None, text.as_bytes());
    found.iter().map(|f| &text[f.start as usize..f.end as usize]).collect()
}

#[test]
fn a_list_is_read_under_the_names_of_its_columns() {
    let lists: &[(&str, &[&str])] = &[
        // Lines below names and dashes, as clients of databases print them.
        (
            "=> select\n id | code\n----+------\n  1 | 123\n  2 |  456 \n(2 rows)\n\n 3 | 789\n",
            &["123", "456"],
        ),
        (" id | card code \n----+-----------\n  1 |       123\n  2 | 4567     \n", &["123", "4567"]),
        ("=> select\n id | code\n  1 | 123\n", &[]),
        (" id | code\n  1 | 123\n", &[]),
        (r#"{"code":{"number":"123","verified":7890},"code":{"nr":"456"}}"#, &["123"]),
        // Tuples.
        ("INSERT INTO t (n, code) VALUES (1, '123'), (222, \"0456\"),\n\t(3, 789);", &["123", "0456", "789"]),
        ("insert into t (`code`,\"n\") values\n('123','456')", &["123"]),
        ("INSERT t ([card code], n) VALUES (321, 1)", &["321"]),
        (
            "insert into t (a, code) values ('it''s (a, 1)', 123), ('a\\', b', 456), (f(1, 2), 789)",
            &["123", "456", "789"],
        ),
        ("insert into t (a, code) values (1, 123) on conflict (a, 456)", &["123"]),
        ("insert into t (a, code) values (1, 12), (2, 12345), (3, '123 4'), (4, 'x 123')", &["123"]),
        ("insert into t (a, codes) values (1, 123)", &[]),
        ("select (a, code) from (1, 123)", &[]),
        // What a dump holds.
        ("COPY t (n, code) FROM stdin;\n1\t123\n222\t0456\n\\.\n3\t789\n", &["123", "0456"]),
        ("COPY t (code) FROM stdin WITH (FORMAT text);\n123\n\nSee 456\n", &["123"]),
        // Cells.
        (
            "<table class=\"a\"><tr><th>N</th><th><b>Code</b></th></tr><tr><td>111</td><td>123</td></tr>\n<tr><td>2<td><i>456</i></table><td>789",
            &["123", "456"],
        ),
        (
            "<tr><th>Code</th><th>N</th></tr><tr><td>x</td><td>111</td></tr><TR><TD align=left> 123 </TD></TR>",
            &["123"],
        ),
        // Lines.
        ("| N | **Code** |\n|---|:--:|\n| 111 | 123 |\n| 2 | 456 |\n\n| 3 | 789 |", &["123", "456"]),
        ("| N | Code |\n| 111 | 123 |", &[]),
        // Arrays.
        (r#"[["n","code"],[111,"123"],[2,456,{"a":[789,1]}],["x\",123",789]]"#, &["123", "456", "789"]),
        (
            r#"{"columns":["code","n"], "rows": [ ["123",1], [null,222], [456, 3] ], "n":["789"]}"#,
            &["123", "456"],
        ),
        (r#"{"names":["code","n"],"other":[1,2],"x":[[123]]}"#, &[]),
        // One name for all of them.
        (r#"{"code":["123",456, "x, 789", [1, 777], "012"],"n":["789"]}"#, &["123", "456", "012"]),
        ("{'codes': [123, 456], 'n': [789]}", &["123", "456"]),
        ("code: [123,\n  456]\nn: 789", &["123", "456"]),
        ("codes:\n  - 123\n  - \"456\"\n  - 78\nn:\n  - 789", &["123", "456"]),
        (
            r#"{"code":{"type":"x","value":"123","n":{"value":"789"}},"b":{"value":"789"},"card_code": {"value": 456}}"#,
            &["123", "456"],
        ),
        // A table within a text.
        ("See below.\n\nn,code\n111,123\n222,\"456\"\n\n333,789\n", &["123", "456"]),
        ("as agreed:\r\n\r\nn\tcode\r\n111\t123\r\n", &["123"]),
        ("```\ncode;n\n123;111\n```", &["123"]),
        ("I said so,\nmy code, and\nx, 123\n", &[]),
    ];
    for (text, expected) in lists {
        assert_eq!(found(text), *expected, "{text}");
    }
}

#[test]
fn cut_anywhere_the_same_is_found() {
    let rows = |open: &str, between: &str, close: &str| {
        let row = |n: usize| format!("{open}{}{between}{}{close}", n % 1000, 100 + n % 900);
        (0..400).map(row).collect::<String>()
    };
    let texts = [
        format!("x; insert into t (n, code) values {} ; code: 1234", rows("(", ",'", "'),\n")),
        format!(
            "<p>x</p><table><tr><th>n<th>Code</tr>\n{}</table> code: 1234",
            rows("<tr><td>", "</td><td>", "</td></tr>\n")
        ),
        format!("[[\"n\",\"code\"],{}] code: 1234", rows("[", ", \"", "\"],")),
        format!("a\n\n| n | code |\n|---|---|\n{}\ncode: 1234", rows("| ", " | ", " |\n")),
        format!("{{\"codes\":[1{}],\"code\": 1234}}", rows(", {\"x\":", "},\"", "\"")),
        format!("codes:{}\n\ncode: 1234", rows("\n  - x", "\n  - ", "")),
        format!("x\n\nn,code\n{}\ncode: 1234", rows("", ",", "\n")),
        format!("copy t (n, code) from stdin;\n{}\\.\ncode: 1234", rows("", "\t", "\n")),
    ];
    let (matcher, key) = (matcher(), FingerprintKey::new(&[0; 32]));
    for text in texts {
        let whole = matcher.find(&key, None, text.as_bytes());
        assert_eq!(whole.len(), 401, "{}", &text[..40]);
        assert!(whole.iter().all(|f| f.confidence == Confidence::Medium));
        for size in [1, 7, 64, 300, 1111, 5000] {
            let (mut scan, mut out) = (Scan::new(), Vec::new());
            for chunk in text.as_bytes().chunks(size) {
                scan.push(&matcher, &key, chunk, &mut out);
                let settled = scan.settled_exact(&matcher);
                assert!(settled <= scan.seen());
                assert_eq!(whole.iter().filter(|f| f.start < settled).count(), out.len(), "{size}");
            }
            scan.finish(&matcher, &key, &mut out);
            let places =
                |all: &[crate::detect::Finding]| all.iter().map(|f| (f.start, f.end)).collect::<Vec<_>>();
            assert_eq!(places(&out), places(&whole), "{size}");
        }
    }
}

#[test]
fn what_stands_where_a_name_is_wanted_may_be_of_any_length() {
    for length in [1, 300, 500, 511, 512, 513, 700, 1000, 5000] {
        let long = format!("code {}", "x code".repeat(length / 6));
        for (before, after) in [
            ("<table><tr><th>code</th><th>", "</th></tr><tr><td>123</td><td>456</td></tr></table>"),
            ("<tr><td>code</td><td>", "</td></tr><tr><td>123</td></tr>"),
            ("insert into t (code, \"", "\") values (123, 456)"),
            ("[[\"code\",\"", "\"],[123,456]]"),
            ("n,", ",code\n1,2,123\n"),
            ("| code | ", " |\n|---|---|\n| 123 | 456 |\n"),
            ("COPY t (code, ", ") FROM stdin;\n123\t456\n"),
        ] {
            let text = [before, &long, after].concat();
            let found = found(&text);
            assert!(found.len() <= 2, "{before} {length}");
        }
    }
}
