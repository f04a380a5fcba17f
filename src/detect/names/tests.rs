//! What names a value, by carrier; and the same whether it is looked up alone or on the way.

use proptest::prelude::*;

use super::{Absent, Layout, Names};

/// The place of the `¤` in a text, as people read it.
fn place(text: &str) -> String {
    let at = text.find('¤').unwrap();
    look(text.replacen('¤', "", 1).as_bytes(), at)
}

#[test]
fn what_is_known_to_be_yaml_needs_no_second_line() {
    for (text, expected) in [
        ("card: 4539", "yaml $.card"),
        ("'card no': '4539", "yaml $[\"card no\"]"),
        ("customer: {id: 7, card: 4539", "yaml $.customer.card"),
        ("- a\n- 4539", ""),
    ] {
        let mut names = Names::new();
        let layout = Layout::of_yaml();
        names.look(text.as_bytes(), text.len() - 4, &layout);
        assert_eq!(spelled(&names, text.as_bytes(), &layout), expected, "{text}");
    }
}

fn look(text: &[u8], at: usize) -> String {
    let layout = Layout::of(text);
    let layout = layout.as_ref().unwrap_or_else(|| Layout::plain());
    let mut names = Names::new();
    names.look(text, at, layout);
    spelled(&names, text, layout)
}

fn spelled(names: &Names, text: &[u8], layout: &Layout) -> String {
    names.place(0, text, layout).map_or_else(String::new, |place| {
        let kinds: Vec<_> = place.kinds.iter().copied().flatten().collect();
        format!("{} {}", kinds.join("+"), place.path)
    })
}

#[test]
fn a_value_is_named_by_what_it_stands_in() {
    let far = format!("{{\"customer\":{{\"text\":\"{}\",\"card\":\"¤4539\"}}}}", "x".repeat(2000));
    let rows = [
        (r#"{"card":"¤4539"}"#, "json $.card"),
        (r#"{"card": ¤4539}"#, "json $.card"),
        (
            r#"{"a":1,"customer":{"x":[1,2,{"y":"}"}],"note":"see, \"my: card\" ¤4539"}}"#,
            "json $.customer.note",
        ),
        (r#"{"cards":["1", "¤4539"]}"#, "json $.cards"),
        (r#"{"cards":[1, ¤4539]}"#, "json $.cards"),
        ("{\n  \"customer\" : {\n    \"card no\" :\n      ¤4539", "json $.customer[\"card no\"]"),
        ("{\"a\":1}\n{\"b\":¤2}\n", "json $.b"),
        (r#"{"payload":"{"card":"¤4539"}"}"#, "json $.payload $.card"),
        ("data: {\"delta\":{\"text\":\"¤4539", "json $.delta.text"),
        (far.as_str(), "json $..card"),
        (r#"{"4539\u0031":"¤4"}"#, "json $.…"),
        ("<order><id>7</id><card type=\"x\"><number>¤4539", "xml /order/card/number"),
        ("<order>\n<card br='1' number='¤4539'", "xml /order/card/@number"),
        ("<ssn><meta>x</meta><link>y</link><v>¤1", "xml /ssn/v"),
        ("<div><p>x<p>y</div><b>¤1", "xml /b"),
        ("<td>a<br>b</td><ns2:td>¤1", "xml /td"),
        ("a=1&note=¤4539", "form note"),
        ("dn: uid=1\nssn:: ¤4539", "form ssn"),
        ("see ssn:: ¤4539", ""),
        ("||name||card||\n|A|¤4539|\n", "csv column 3 \"card\""),
        ("a=1&note=see+my+card%3A+¤4539", "form note"),
        ("/path?card=¤4539", "form card"),
        ("name,card no,city\nA,1,B\nC,¤4539,D", "csv column 2 \"card no\""),
        ("name;card\r\n\"A;\r\nB\";¤4539\r\n", "csv column 2 \"card\""),
        ("name;card;x\r\nA;\"see; ¤4539\";7\r\n", "csv column 2 \"card\""),
        ("\u{feff}\"name\"\t\"card\"\nA\t¤4539\n", "csv column 2 \"card\""),
        ("\u{feff}card;name\n¤4539;A\n", "csv column 1 \"card\""),
        ("\"card no\",\"sum paid\"\n\"¤4539\",\"7\"\n", "csv column 1 \"card no\""),
        ("created,card no\n7,¤4539\n", "csv column 2 \"card no\""),
        ("tag,card,x\nW/\"1\",¤4539,7\n", "csv column 2 \"card\""),
        ("x,tag,card\n\"a, b\",W/\"1\",¤4539\n", "csv column 3 \"card\""),
        ("x,tag,card\na,\"W/\"1\"\",¤4539\n", "csv column 3 \"card\""),
        ("name,card no,city\nA,1,B,2,¤5", ""),
        ("name,¤4539", ""),
        // Other signs between fields, and lines above the names of columns.
        ("name^card no^city\nA^1^B\nC^¤4539^D", "csv column 2 \"card no\""),
        ("name\u{1f}card\u{1f}city\nC\u{1f}¤4539\u{1f}D", "csv column 2 \"card\""),
        ("name~card\nC~¤4539", ""),
        ("sep=;\nname;card;n\nA;1\nB;¤4539", "csv column 2 \"card\""),
        ("SEP=\t\r\nname\tcard\tn\r\nB\t¤4539", "csv column 2 \"card\""),
        ("# export\n# rows: 6\nid\tcard\tcity\n1\t¤4539\tx", "csv column 2 \"card\""),
        ("May,,,\nPeriod: 2026-11,,,\n,,,\nid,name,card,x\n1,A,¤4539", "csv column 3 \"card\""),
        ("May,,,\nPeriod: ¤4539,,,\n,,,\nid,name,card,x\n1,A,7", ""),
        ("# export\nHi, it is\nmy, ¤4539", ""),
        ("Dear team, my card is here.\nAnd, ¤4539", ""),
        ("Dear team, my card\nAnd, ¤4539", ""),
        ("--x1\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n¤4539", "multipart note"),
        (
            "--x1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x1\r\nContent-Disposition: form-data; name=\"b\"; filename=\"c\"\r\nContent-Type: application/json\r\n\r\n{\"card\":¤1",
            "multipart+json b $.card",
        ),
        (
            "--x1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n<no> {\"k\": \r\n--x1\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n¤1",
            "multipart b",
        ),
        ("<table><tr><th>a</th></tr></table>\n<td>¤4539", "xml /td"),
        ("just text, ¤4539", ""),
        ("it is: ¤4539", ""),
        ("card <¤4539", ""),
    ];
    for (text, expected) in rows {
        assert_eq!(place(text), expected, "{text}");
    }
}

#[test]
fn a_value_in_a_list_is_named_by_its_column() {
    let rows = [
        ("INSERT INTO people (id, `card no`, x) VALUES (1, '¤4539', 2)", "sql column \"card no\""),
        (
            "insert into t(a,\"b\",[c]) values\n('x, it''s)', '(', 7),\n(2, 'a\\'(', ¤4539)",
            "sql column \"c\"",
        ),
        ("INSERT INTO t (a, b) VALUES (1, 2); select ¤4539", ""),
        ("the values (1, ¤4539", ""),
        (
            "CREATE TABLE IF NOT EXISTS `a`.`t` (\n  `id` int(11) NOT NULL,\n  b decimal(3, 2),\n  \"card\" text\n);\nINSERT INTO t VALUES (1,2,'a'),\n(2,3,'¤4539')",
            "sql column \"card\"",
        ),
        ("CREATE TABLE t (id int, card text);\nINSERT INTO u VALUES (1,'¤4539')", ""),
        ("CREATE TABLE t (id int, card text);\nINSERT INTO t VALUES (1,2,'¤4539')", ""),
        (r#"[["id","card no"],[1,"¤4539"]]"#, "json column \"card no\""),
        (r#"[["id","card no"], [1, "a, b"], [2, ¤4539]]"#, "json column \"card no\""),
        (r#"{"columns":["card","n"],"rows":[["¤4539",1]]}"#, "json $.rows"),
        (r#"[[1, 2],[3, ¤4539]]"#, ""),
        ("Hi,\n\nid;card no\n1;x\n2;\"a;b\"\n3;¤4539", "csv column 2 \"card no\""),
        ("Hi,\nid;card no\n1;x\n3;¤4539", ""),
        // Below a title, and in a grid.
        ("Members of May\r\nid;card no\r\n1;x\r\n3;¤4539", "csv column 2 \"card no\""),
        ("Members\nid,name,card no\n3,x,¤4539", "csv column 3 \"card no\""),
        ("Members\nid, name, card no\n3, x, ¤4539", ""),
        ("Members\nid,card no\n3,¤4539", ""),
        ("Members\n\tid\n\t¤4539", ""),
        ("\tid\n\t¤4539", ""),
        ("Record\nname | x\ncard no | ¤4539", "form card no"),
        ("Hi, card:\tx@y.z, so\nmy ¤4539, see", ""),
        (",card no\n1,¤4539", "csv column 2 \"card no\""),
        ("Members\nid;card no;see: x\n3;¤4539", ""),
        ("Members; all\nid;card no\n3;¤4539", "csv column 2 \"all\""),
        (
            "x\n\n+----+---------+\n| id | card no |\n+====+=========+\n| 1  | 2       |\n+----+---------+\n| 3  | ¤4539",
            "csv column 3 \"card no\"",
        ),
        ("SET NAMES utf8;\nINSERT INTO t (id, ssn) VALUES (1, '¤4539'", "sql column \"ssn\""),
        ("-- Dump 10.13\nINSERT INTO t (id, ssn) VALUES (1, '¤4539'", "sql column \"ssn\""),
        ("--x1\n{\"id\":1,\"ssn\":\"¤4539", "json $.ssn"),
        ("COPY public.people (id, ssn, n) FROM stdin;\n1\t2\t3\n4\t¤4539\t5", "sql column \"ssn\""),
        ("COPY public.people (id, ssn, n) FROM stdin;\n1\t2\t3\n\\.\n4\t¤4539\t5", ""),
        // Below a fence that says what it holds, and below a colon.
        ("Hi,\nsort it\n```csv\nid,card no\n1,x\n3,¤4539", "csv column 2 \"card no\""),
        ("Hi,\nsort it\n```csv\r\nid,card no\r\n1,x\r\n3,¤4539", "csv column 2 \"card no\""),
        ("Hi,\nsort it\n```a b\nid,card no\n1,x\n3,¤4539", ""),
        ("Hi,\nsort these:\nid,name,card no\n1,A,x\n3,B,¤4539", "csv column 3 \"card no\""),
        ("Hi,\nsort these:\nid;card no\n1;x\n3;¤4539", "csv column 2 \"card no\""),
        ("Hi,\nsort these:\nplease, my, card no\nis, at last, ¤4539", ""),
        ("Hi,\nsort these:\nid,card no\n3,¤4539", ""),
        // The same in a string.
        ("{\"a\":\"Hi.\n\nid,card no\n1,x\n3,¤4539", "csv column 2 \"card no\""),
        ("{\"a\":\"Hi\nsort it:\n```csv\nid,card no\n1,x\n3,¤4539", "csv column 2 \"card no\""),
        ("{\"a\":\"Hi, you\nsort it\n3,¤4539", ""),
        ("{\"a\":\"x\",\n\n\"id\",\"card\",\n\"b\":\"¤4539", "json $.b"),
    ];
    for (text, expected) in rows {
        assert_eq!(place(text), expected, "{text}");
    }
}

#[test]
fn an_element_of_a_row_is_named_by_its_column() {
    for (text, expected) in [
        (r#"{"columns":["id","card"],"index":[0,1],"data":[[1,"¤4539"]]}"#, "card"),
        (r#"{"columnnames":["id","card"],"columntypes":["int","text"],"columnvalues":[1,"¤4539"]}"#, "card"),
        (r#"{"fields":["id","card"],"values":[1,"¤4539"]}"#, "card"),
        (r#"{"tags":["id","card"],"values":[1,"¤4539"]}"#, "values"),
        (r#"{"columns":["id","card"],"n":["x"],"index":[0,1],"data":[[1,"¤4539"]]}"#, "data"),
        (r#"{"columns":["id","card"],"n":[0],"index":[0,1],"data":[[1,"¤4539"]]}"#, "data"),
        (r#"{"meta":[{"name":"id","type":"a"},{"name":"card"}],"data":[[1,"2"],[1,"¤4539"]]}"#, "card"),
        (r#"{"x":{"rowType":[{"name":"id"},{"name": "card"}]},"data":[["1","¤4539"]]}"#, "card"),
        (r#"{"meta":[{"name":"card"}],"data":[["1","¤4539"]]}"#, "data"),
        (r#"{"meta":[{"name":"id"},{"title":"card"}],"data":[["1","¤4539"]]}"#, "data"),
    ] {
        let (at, whole) = (text.find('¤').unwrap(), text.replacen('¤', "", 1));
        let mut names = Names::new();
        names.look(whole.as_bytes(), at, Layout::plain());
        let first = names.list.first().map(|name| name.text(whole.as_bytes(), Layout::plain()));
        assert_eq!(first, Some(expected.as_bytes()), "{text}");
    }
}

#[test]
fn a_value_is_named_by_what_blanks_and_bars_put_it_under() {
    let rows = [
        (
            "Payroll\n\nNAME            Card no           City\nJürgen          ¤4539",
            "csv column 2 \"Card no\"",
        ),
        ("Name    Card no   x\nAnna    1         2\nJürgen  ¤4539      2", "csv column 2 \"Card no\""),
        ("see\nID  CARD NO CITY\n--- ------- ----\n1   ¤4539", "csv column 2 \"CARD NO\""),
        ("==  ======= ====\nid  Card no x\n==  ======= ====\n1   ¤4539", "csv column 2 \"Card no\""),
        ("#Version: 1.0\n#Fields: date x-card cs-uri\n2026-11-28 ¤4539 /", "csv column 2 \"x-card\""),
        ("#Version: 1.0\n#Fields: date x-card cs-uri\n2026-11-28\t¤4539\t/", "csv column 2 \"x-card\""),
        ("{|\n! Name !! Card no\n|-\n| Anna || ¤4539", "csv column 2 \"Card no\""),
        ("Name    Card no   x\nAnna  ¤4539", ""),
        ("Name    Card no\nAnna               ¤4539", ""),
        ("Name    Card no\nAnna my ¤4539", ""),
        ("Your order   confirmed\n¤4539", ""),
        ("Your order   confirmed\nsee          ¤4539", "csv column 2 \"confirmed\""),
        ("Name    Card no   x\nAnna      ¤4539", ""),
        ("Card no   Name\n--------- -----\n¤4539", "csv column 1 \"Card no\""),
        ("27.11.2026 see  Card no\nit              ¤4539", ""),
        ("db=> select\n  id  |  card no\n------+---------\n  1   | ¤4539", "csv column 2 \"card no\""),
        ("-[ RECORD 1 ]-+--\nid            | 7\ncard no       | ¤4539", "form card no"),
        ("| id      | 7    |\n| card no | ¤4539", "form card no"),
        ("x | card no | ¤4539", ""),
        ("   City  Card no\n0  Bonn     1234\n1  Köln     ¤4539  x", "csv column 2 \"Card no\""),
        ("   City  Card no\n0  Bonn     1234\n1  Köln    ¤4539  x", ""),
    ];
    for (text, expected) in rows {
        assert_eq!(place(text), expected, "{text}");
    }
}

#[test]
fn texts_in_texts_attributes_and_yaml_name_a_value() {
    let rows = [
        (r#"{"a":1,"p":"{\"id\":7,\"b\":{\"card\":\"¤4539"#, "json $.p $.b.card"),
        (r#"{"a":{"p":"{\"b\":[1,{\"card\": ¤4539"#, "json $.a.p $.b.card"),
        (r#"{"p":"{\n  \"x\" : \"}\\\"\",\n  \"card\" : \"¤4539"#, "json $.p $.card"),
        (r#"{"p":"{\"q\":\"{\\\"card\\\":\\\"¤4539"#, "json $.p $.q $.card"),
        (r#"{"p":["{\"card\":\"¤4539"#, "json $.p $.card"),
        (r#"{"p":"he said \"pay\": ¤4539"#, "json $.p $.pay"),
        (r#"{"p":"he said \"pay\" with ¤4539"#, "json $.p"),
        ("a=1&p={\"b\":{\"card\":\"¤4539", "form+json p $.b.card"),
        ("<o><p><![CDATA[{\"card\":\"¤4539", "xml+json /o/p $.card"),
        ("<o><p>\n {\"card\":\"¤4539", "xml+json /o/p $.card"),
        ("<Attribute Name=\"ssn\" Kind='x'><a:Value>¤4539", "xml /Attribute/Value"),
        ("{card: '¤4539'}", "json $.card"),
        ("pay({a: 1, b: {card: ¤4539", "json $.b.card"),
        ("{'a': 1, 'card': '¤4539'", "json $.card"),
        ("see (x), card: ¤4539", ""),
        ("a: 1\ncustomer:\n  id: 7\n\n  # note\n  card: ¤4539", "yaml $.customer.card"),
        ("customer:\n  card: '¤4539'", "yaml $.customer.card"),
        ("customer:\n  cards:\n  - 1\n  - ¤4539", "yaml $.customer.cards"),
        ("customer:\n  - name: a\n    x:\n      y: 1\n    card: \"¤4539", "yaml $.customer.card"),
        ("customer:\n- card no: 1\n  card: ¤4539", "yaml $.customer.card"),
        ("customer:\n  note: |\n    see\n    this: ¤4539", "yaml $.customer.note.this"),
        ("customer: {id: 7, card: ¤4539", "json $.card"),
        ("top:\n  customer: {id: 7, card: ¤4539", "yaml $.top.customer.card"),
        ("card: ¤4539", ""),
        ("From: a\nTo: ¤4539", ""),
    ];
    for (text, expected) in rows {
        assert_eq!(place(text), expected, "{text}");
    }
}

/// Pieces of documents, whole and broken.
fn documents() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("{\"a\":".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just("}".to_owned()),
        Just("},".to_owned()),
        Just("\"note\":\"see, \\\"it\\\\\",".to_owned()),
        Just("\"k\":12,".to_owned()),
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just("\n".to_owned()),
        Just(",".to_owned()),
        Just(": ".to_owned()),
        Just("<b>".to_owned()),
        Just("<c x='1'>".to_owned()),
        Just("</b>".to_owned()),
        Just("<br>".to_owned()),
        Just(">".to_owned()),
        Just("a=b&".to_owned()),
        Just("p={\"q\":\"{\\\"card\\\":\\\"".to_owned()),
        Just("\\\"".to_owned()),
        Just("\\\\\\\"".to_owned()),
        Just("\n  customer:\n    - id: ".to_owned()),
        Just("\n    card: '".to_owned()),
        Just("{card: ".to_owned()),
        Just("<![CDATA[".to_owned()),
        Just("\"x,\"\"y\",".to_owned()),
        Just("INSERT INTO t (a, b) VALUES (1, '".to_owned()),
        Just("\n\nName    Card no   x\n".to_owned()),
        Just("\n----- -----+----\n".to_owned()),
        Just("        ".to_owned()),
        Just(" | ".to_owned()),
        Just("\n- name: card\n  value: ".to_owned()),
        Just("<input name=\"card\" value=\"".to_owned()),
        Just("COPY t (a, b) FROM stdin;\n".to_owned()),
        Just("<table><tr><th>n</th><th><b>card</b></th></tr><tr><td>".to_owned()),
        Just("--x1\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n".to_owned()),
        "[a-z0-9 ]{1,40}",
    ];
    let first = prop_oneof![Just(""), Just("id,card,name\n"), Just("--x1\r\n"), Just("[")];
    (first, proptest::collection::vec(piece, 0..300))
        .prop_map(|(first, pieces)| (first.to_owned() + &pieces.concat()).into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// What was learnt at one place changes nothing at a later one, nor does what lies out of reach.
    #[test]
    fn names_depend_on_the_text_alone(text in documents(), steps in proptest::collection::vec(1usize..60, 0..200)) {
        let layout = Layout::of(&text);
        let layout = layout.as_ref().unwrap_or_else(|| Layout::plain());
        let (mut names, mut at) = (Names::new(), 0);
        for step in steps {
            at += step;
            if at > text.len() {
                break;
            }
            names.look(&text, at, layout);
            let mut fresh = Names::new();
            fresh.look(&text, at, layout);
            prop_assert_eq!((&names.list, names.rooted), (&fresh.list, fresh.rooted), "at {}", at);
            if let Some(cut) = at.checked_sub(crate::limits::NAMES_REACH + 2) {
                let mut fresh = Names::new();
                fresh.look(&text[cut..], at - cut, layout);
                prop_assert_eq!(spelled(&names, &text, layout), spelled(&fresh, &text[cut..], layout), "cut, at {}", at);
            }
        }
    }
}

#[test]
fn what_lies_across_two_looks_is_met() {
    let text = b"from stdin, and more";
    for (from, to) in [(0, 9), (1, 9), (5, 20), (9, 20)] {
        let mut absent = Absent::NONE;
        let mut is =
            |from, to| absent.is(10, text, (from, to), |text| memchr::memmem::find(text, b"from stdin"));
        assert!(is(from, to), "{from}..{to}");
        assert!(is(9, 20), "behind {from}..{to}");
        assert!(!is(0, 20), "around {from}..{to}");
    }
}

/// The names around the `¤` in a text, innermost first.
fn names(text: &str) -> Vec<String> {
    let at = text.find('¤').unwrap();
    let text = text.replacen('¤', "", 1);
    let mut names = Names::new();
    names.look(text.as_bytes(), at, Layout::plain());
    names.list.iter().map(|name| text[name.range.clone()].to_owned()).collect()
}

#[test]
fn what_says_only_that_a_value_follows_leaves_the_name_to_its_neighbour() {
    let rows = [
        ("<a><input id=\"f1\" name=\"ssn\" class='x y' value=\"¤", vec!["value", "ssn", "input", "a"]),
        ("<input id=\"ssn\" value=\"¤", vec!["value", "ssn", "input"]),
        ("<label for=f1>SSN</label>\n<input id=\"f1\" value=\"¤", vec!["value", "SSN", "input"]),
        ("<label>SSN</LABEL><input name=\"x\" value=\"¤", vec!["value", "x", "input"]),
        ("<label>SSN</label> of <input id=\"f1\" value=\"¤", vec!["value", "f1", "input"]),
        ("<label></label><input id=\"f1\" value=\"¤", vec!["value", "f1", "input"]),
        ("<label>SSN</label><input name=\"field_17\" value=\"¤", vec!["value", "SSN", "input"]),
        (
            "<label>x <b>*</b></label>\n<div class=\"c\"><input id=\"f\" value=\"¤",
            vec!["value", "x <b>*</b>", "input", "div"],
        ),
        ("<label>x</label><p>y</p><input id=\"f\" value=\"¤", vec!["value", "f", "input"]),
        ("<card name=\"visa\" nr=\"¤", vec!["nr", "card"]),
        ("<span id='ssn'>¤", vec!["span", "ssn"]),
        ("env:\n  - name: \"SSN\"\n    value: ¤", vec!["value", "SSN", "env"]),
        ("env:\n  - kind: SSN\n    value: ¤", vec!["value", "env"]),
        ("env:\n  - name: SSN\n    other: ¤", vec!["other", "env"]),
        ("env:\n  - name: SSN\n    x: 1\n    value: ¤", vec!["value", "env"]),
    ];
    for (text, expected) in rows {
        assert_eq!(names(text), expected, "{text}");
    }
}

#[test]
fn a_row_begins_where_the_names_of_columns_and_other_rows_end() {
    // A text with a value, and what of it speaks of that row.
    let rows = [
        ("id,ssn\n7,¤4539", Some("7,")),
        ("id,ssn\n7,1\n8,\"¤4539", Some("8,\"")),
        ("ssn,id\n¤4539,7", Some("")),
        ("ssn,id\n\"¤4539\",7", Some("\"")),
        ("ssn,id\nsee ¤4539", None),
        ("id,ssn\nyour ssn:\n¤4539, x", None),
        ("| id | ssn |\n|---|---|\n| 7 | ¤4539", Some("| 7 | ")),
        ("INSERT INTO t (id, ssn) VALUES (7, ¤4539", Some(") VALUES (7, ")),
        ("[[\"id\",\"ssn\"],[7,¤4539", Some("],[7,")),
        ("{\"ssn\":1,\n\"id\":¤4539", None),
        ("ssn and\nid: ¤4539", None),
    ];
    for (text, expected) in rows {
        let at = text.find('¤').unwrap();
        let text = text.replacen('¤', "", 1);
        let layout = Layout::of(text.as_bytes()).unwrap_or_default();
        let mut names = Names::new();
        names.look(text.as_bytes(), at, &layout);
        let start = names.row(text.as_bytes(), 0, &(at..at + 4));
        assert_eq!(start.map(|start| &text[start..at]), expected, "{text}");
    }
}

#[test]
fn a_cell_of_html_has_the_header_of_its_column() {
    let head = "<table class=x><thead><tr><th>id</th>\n<th scope=col><b>Card no</b></th></tr></thead><tbody>";
    let rows = [
        ("<tr><td>7</td><td>¤4539", vec!["td", "Card no", "tr", "tbody", "table"]),
        (
            "<tr><td>7</td><td>8</td></tr>\n<tr><td>7</td><td align=left>¤4539",
            vec!["td", "Card no", "tr", "tbody", "table"],
        ),
        ("<tr><td>¤4539", vec!["td", "id", "tr", "tbody", "table"]),
        ("<tr><td>7</td><td>8</td><td>¤4539", vec!["td", "tr", "tbody", "table"]),
        ("<tr><th></th></tr></table><table><tr><th></th></tr><tr><td>¤4539", vec!["td", "tr", "table"]),
    ];
    for (row, expected) in rows {
        assert_eq!(names(&format!("{head}{row}")), expected, "{row}");
    }
}

#[test]
fn a_first_row_of_names_heads_tables_without_headers() {
    let own = |text: &str| names(text).get(1).cloned().unwrap_or_default();
    for (text, expected) in [
        ("<table><tr><td>id</td><td><b>Card no</b></td><td>x</td></tr>\n<tr><td>7</td><td>¤4539", "Card no"),
        ("<table><tr><td>id</td><td>Card no</td></tr><tr><td>7</td><td>¤4539", "tr"),
        ("<table><tr><td>id</td><td>Card no</td><td>71</td></tr><tr><td>7</td><td>¤4539", "tr"),
        (
            "<w:tbl><w:tblPr/><w:tr><w:tc><w:tcPr><w:tcW/></w:tcPr><w:p><w:t>id</w:t></w:p></w:tc><w:tc><w:p><w:t>Card no</w:t></w:p></w:tc><w:tc><w:t>x</w:t></w:tc></w:tr><w:tr><w:tc><w:t>7</w:t></w:tc><w:tc><w:p><w:t>¤4539",
            "Card no",
        ),
        (
            "<table:table><table:table-row><table:table-cell><text:p>id</text:p></table:table-cell><table:table-cell><text:p>Card no</text:p></table:table-cell><table:table-cell><text:p>x</text:p></table:table-cell></table:table-row><table:table-row><table:table-cell><text:p>7</text:p></table:table-cell><table:table-cell><text:p>¤4539",
            "Card no",
        ),
        (
            "<sheetData><row r=\"1\"><c t=\"inlineStr\"><is><t>id</t></is></c><c><is><t>Card no</t></is></c><c><is><t>x</t></is></c></row><row r=\"2\"><c><v>7</v></c><c r=\"B2\"><v>¤4539",
            "Card no",
        ),
    ] {
        assert_eq!(own(text), expected, "{text}");
    }
}

#[test]
fn what_stands_beside_a_value_names_it() {
    for (text, expected) in [
        (r#"{"type":{"text":"SSN"},"value":"¤4539"}"#, vec!["value", "SSN"]),
        (r#"{"type":{"text":"SSN"},"value":"¤4539","system":"urn:ssn"}"#, vec!["value", "urn:ssn"]),
        ("<tr><td>SSN</td><td>¤4539</td>", vec!["td", "SSN", "tr"]),
        ("Duplicate entry '¤4539' for key 'users.ssn'", vec!["users.ssn"]),
    ] {
        assert_eq!(names(text), expected, "{text}");
    }
}

#[test]
fn a_value_is_named_by_what_stands_around_it_for_its_kind() {
    for (text, is_named) in [
        (r#"{"key":"user.ssn","value":{"stringValue":"¤7"}}"#, true),
        (r#"{"value":{"stringValue":"¤7"},"key":"user.ssn"}"#, false),
        (r#"{"key":"user.ssn","sum":{"stringValue":"¤7"}}"#, false),
        (r#"{"key":"user.ssn","value":{"amount":"¤7"}}"#, false),
        (
            r#"<Attribute FriendlyName="ssn" Name="urn:oid:1.2"><AttributeValue>¤7</AttributeValue></Attribute>"#,
            true,
        ),
        (r#"<Attribute Name="ssn" FriendlyName="x"><AttributeValue>¤7</AttributeValue></Attribute>"#, true),
        ("a=1&id_type=ssn&id_number=¤7", true),
    ] {
        let (at, whole) = (text.find('¤').unwrap(), text.replacen('¤', "", 1));
        let mut names = Names::new();
        names.look(whole.as_bytes(), at, Layout::plain());
        let all = names.list.iter().map(|name| name.text(whole.as_bytes(), Layout::plain()));
        let all: Vec<_> = all.map(String::from_utf8_lossy).collect();
        let named = all.iter().any(|name| name.ends_with("ssn"));
        assert_eq!(named, is_named, "{text} {all:?}");
    }
}
