//! Values in lists longer than names are looked for.

use super::{chunked, key, matcher_cached, sorted};
use crate::detect::{Confidence, Finding, Scan};

/// Lists of sixty rows, each with a number under its name.
fn long_lists() -> Vec<String> {
    let value = |n: u64| 412_345_000 + n * 17;
    let rows = |row: &dyn Fn(u64) -> String| (0..60).map(row).collect::<String>();
    vec![
        format!(
            "INSERT INTO t (id, name, ssn, n) VALUES {};\n",
            rows(&|n| format!("({n}, 'x (y), z', '{}', 1),\n", value(n)))
        ),
        format!(
            "COPY t (id, name, ssn, n) FROM stdin;\n{}\\.\n",
            rows(&|n| format!("{n}\tx; y\t{}\t{}\n", value(n), "w ".repeat(n as usize % 40)))
        ),
        format!(
            "{{\"columns\":[\"id\",\"ssn\",\"n\"],\"rows\":[{}[]]}}\n",
            rows(&|n| format!("[{n},\"{}\",{{\"a\":[1,2]}}],", value(n)))
        ),
        // Its first row is no list of names, where that is out of sight.
        format!(
            "{{\"columns\":[\"id\",\"{}\",\"ssn\"],\"rows\":[{}[]]}}\n",
            "x".repeat(60),
            rows(&|n| format!("[\"x{n}\",\"y\",\"{}\"],", value(n)))
        ),
        format!(
            "{{\"values\":[[\"id\",\"ssn\",\"n\"]{}]}}\n",
            rows(&|n| format!(",[{n},{},\"x, y\"]", value(n)))
        ),
        format!(
            "<table><tr><th>Id</th><th>SSN</th></tr>\n{}</table>\n",
            rows(&|n| format!("<tr><td>{n}</td><td><b>{}</b></td></tr>\n", value(n)))
        ),
        format!("Dear all,\n\nid,name,ssn,n\n{}\nBest\n", rows(&|n| format!("{n},\"x, y\",{},\n", value(n)))),
        format!(
            "x\n\n id | ssn       | n\n----+-----------+---\n{}\n",
            rows(&|n| format!(" {n} | {} | 1\n", value(n)))
        ),
        format!(
            "report\n\nId      SSN          City\n{}\n",
            rows(&|n| format!("{n:<7} {}    x\n", value(n)))
        ),
        format!(
            "{{\"schema\":{{\"fields\":[{{\"name\":\"id\",\"type\":\"STRING\"}},{{\"name\":\"ssn\",\"type\":\"STRING\"}}]}},\"rows\":[{}]}}\n",
            rows(&|n| format!("{{\"f\":[{{\"v\":\"{n}\"}},{{\"v\":\"{}\"}}]}},\n", value(n)))
        ),
        format!("{{\"csv\":\"id,ssn,n\n{}\",\"n\":\"1\"}}\n", rows(&|n| format!("{n},{},x\n", value(n)))),
        format!(
            "{{\"csv\": \"\"id\";\"ssn\"\n{}\",\"n\":\"1\"}}\n",
            rows(&|n| format!("\"{n}; x\";\"{}\"\n", value(n)))
        ),
        format!("{{\"name\":[\"x\"],\"ssn\":[{}0],\"n\":1}}\n", rows(&|n| format!("\"{}\", ", value(n)))),
    ]
}

/// The names of columns are kept of lists whose rows go on far behind them.
#[test]
fn a_column_keeps_its_name_in_long_lists() {
    let lists = long_lists();
    let matcher = matcher_cached();
    let ssn = |found: &Finding| matcher.detector(found.detector).id == "national-id.us-ssn";
    for list in &lists {
        // What follows is in no such column.
        let after: String = (0..20).map(|n| format!("x {n}, y, 4{n:02}220033, 1\n")).collect();
        let text = format!("{list}{after}");
        let whole = matcher.find(&key(), None, text.as_bytes());
        let sure: Vec<_> = whole.iter().filter(|f| ssn(f) && f.confidence > Confidence::Low).collect();
        assert_eq!(sure.len(), 60, "{}", &text[..60]);
        assert!(sure.iter().all(|f| f.start < list.len() as u64), "{}", &text[..60]);
        for size in [1, 64, 100, 333, 640, 1024, 2000] {
            let cuts = vec![size; text.len() / size];
            assert_eq!(sorted(chunked(matcher, text.as_bytes(), &cuts)), whole, "{size}: {}", &text[..60]);
        }
    }
    let (mut scan, mut out) = (Scan::new(), Vec::new());
    for piece in lists.concat().as_bytes().chunks(700) {
        scan.push(matcher, &key(), piece, &mut out);
        let held = scan.carry.capacity() + scan.scratch.bytes();
        assert!(held <= 4096, "a stream holds {held} bytes");
    }
}

/// The same of numbers that are written in several ways, which are judged last.
#[test]
fn telephones_keep_the_name_of_their_column() {
    let rows: String = (0..60).map(|n| format!("({n}, '020 7946 {}'),\n", 1000 + n)).collect();
    let text = format!("INSERT INTO t (id, phone) VALUES {rows};\n");
    let found = matcher_cached().find(&key(), None, text.as_bytes());
    let sure = found.iter().filter(|f| f.confidence > Confidence::Low && f.keyword);
    assert_eq!(sure.count(), 60);
}
