//! Values in the columns of a table: what a detector finds behind `name:` it finds as well below a header `name`.
//!
//! Most detectors need no help for that: their values are found by their own form, and the header speaks for them. This
//! is for those whose pattern holds the name, and so tells a value by it alone.

use super::compiled::{Compiled, Match, boundary_after};
use super::names::{Layout, Row};
use super::shape::{DEAD, Shape};
use crate::limits;

/// A column by number, and a detector whose values its header names.
pub(super) type Told = (u16, u16);

/// The columns of a table that are called what one of the detectors asks for.
pub(super) fn told(compiled: &[Compiled], named: &[u16], layout: &Layout) -> Box<[Told]> {
    told_by(compiled, named, layout.headers())
}

/// The same of a list's headers, in order.
pub(super) fn told_by<'h>(
    compiled: &[Compiled],
    named: &[u16],
    headers: impl Iterator<Item = &'h [u8]>,
) -> Box<[Told]> {
    let mut told = Vec::new();
    for (column, header) in (0u16..).zip(headers) {
        let written = [header, b":"].concat();
        let is_told = |number: &u16| names(&compiled[usize::from(*number)], &written);
        told.extend(named.iter().copied().filter(is_told).map(|number| (column, number)));
    }
    told.into()
}

/// Whether a name with its `:` is all that a detector wants before a value.
fn names(detector: &Compiled, written: &[u8]) -> bool {
    (0..written.len()).any(|at| detector.can_start(written, at) && is_named(detector, &written[at..]))
}

/// Whether all of what is written is what a detector wants before a value.
pub(super) fn is_named(detector: &Compiled, written: &[u8]) -> bool {
    let prefix = detector.parts.as_ref().filter(|parts| parts.suffix.is_none());
    let prefix = prefix.and_then(|parts| parts.prefix.as_ref());
    prefix.is_some_and(|prefix| prefix.run(written).holds(written.len()))
}

/// How much of a text can begin a name that a detector wants before its values, where it wants one.
pub(super) fn may_name(detector: &Compiled, text: &[u8]) -> Option<usize> {
    let parts = detector.parts.as_ref().filter(|parts| parts.suffix.is_none())?;
    let prefix = parts.prefix.as_ref()?;
    let mut state = Shape::START;
    let ends = |byte: &u8| {
        state = prefix.step(state, *byte);
        state == DEAD
    };
    Some(text.iter().position(ends).unwrap_or(text.len()))
}

/// Calls `hit` for every match that begins in `from..to` with a cell of one of the columns.
pub(super) fn each(
    compiled: &[Compiled],
    told: &[Told],
    layout: &Layout,
    text: &[u8],
    (from, to): (usize, usize),
    mut hit: impl FnMut(u16, Match),
) {
    let Some(delimiter) = layout.delimiter() else { return };
    let mut row = Row::NONE;
    // A blank, a sign and a quote may stand between what parts the cells and the value: `, '123'`, `,="123"`.
    let first = from.saturating_sub(1 + BEFORE_CELL);
    // Logs name their fields with blanks between, and some part them with tabs.
    let other = if delimiter == b' ' { b'\t' } else { delimiter };
    for parted in memchr::memchr3_iter(delimiter, other, b'\n', &text[first..to]) {
        let cell = first + parted + 1;
        let rest = text.get(cell..).unwrap_or_default();
        // What bars part is set in blanks below a rule alone, which lists are told by.
        let led = |byte: &&u8| {
            matches!(byte, b'"' | b'\'' | b'=') || **byte == b' ' && !matches!(delimiter, b'|' | b' ')
        };
        let at = cell + rest.iter().take(BEFORE_CELL).take_while(led).count();
        if at < from || at >= to {
            continue;
        }
        row.advance(text, at.saturating_sub(limits::NAMES_REACH), at, delimiter);
        let Some(column) = row.column() else { continue };
        for &(_, number) in told.iter().filter(|(own, _)| usize::from(*own) == column) {
            let is_end = |byte: u8| byte == delimiter || matches!(byte, b'\r' | b'\n' | b'"' | b'\'' | b' ');
            if let Some(found) = in_cell(&compiled[usize::from(number)], text, at, is_end) {
                hit(number, found);
            }
        }
    }
}

/// Most bytes between what parts the cells and a value.
const BEFORE_CELL: usize = 2;

/// The value that fills the cell which begins at `at`, whose end is one of such bytes.
pub(super) fn in_cell(
    detector: &Compiled,
    text: &[u8],
    at: usize,
    is_end: impl Fn(u8) -> bool,
) -> Option<Match> {
    let value = &detector.parts.as_ref()?.value;
    let mut ends = value.run(&text[at..]);
    for _ in 0..limits::VALUE_TRIES {
        let end = at + ends.pop_longest()?;
        let fills = text.get(end).is_none_or(|&byte| is_end(byte));
        let fits = fills && boundary_after(detector.boundary, text, end) && detector.holds(&text[at..end]);
        if fits {
            return Some(Match { start: at, end, value: at..end, in_doubt: false });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::detect::{Confidence, Matcher, Pack, Scan};
    use crate::fingerprint::FingerprintKey;

    const PACK: &str = r#"
[pack]
name = "t"
version = "1.0.0"
[[detector]]
id = "t.code"
description = "a code by its name"
pattern = '(?i:code)["\x27]?(?:[:=] ?| is )["\x27]?(?P<value>\d{3,4})'
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
    fn a_column_is_read_under_its_header() {
        let rows: [(&str, &[&str]); 12] = [
            ("name,card code,n\nA,123,456\n\"B, C\",\"7890\",1\nD,12,345\n", &["123", "7890"]),
            ("name;Code;n\r\nA;123;456\r\nB;x 123;1\r\nC;999;", &["123", "999"]),
            ("a\tcode\tb\tcode\n1\t234\t345\t456\n", &["234", "456"]),
            ("a\tcode\tb\n1\tsee code: 987\t345\n", &["987"]),
            (
                "name, code, n\nA, 123, 456\nB, '234', 5\nC,\"345\",6\nD,=\"456\",7\n",
                &["123", "234", "345", "456"],
            ),
            ("name^code^n\nA^123^456\n", &["123"]),
            ("sep=;\nname;code;n\nA;123;456\n", &["123"]),
            ("name,zip,n\nA,123,456\n", &[]),
            ("name,codes,n\nA,123,456\n", &[]),
            ("name,code,n\nA,12345,456\n", &[]),
            (
                "name,code,n\nA,W/\"x\",456\nA,\"W/\"x\"\",456\nB,W/\"y\",12\nC,567,W/\"z\"\nW/\"z\",678,1\n",
                &["567", "678"],
            ),
            ("Dear all, here is the code as it was agreed on, bye\nA,123,456\n", &[]),
        ];
        for (text, expected) in rows {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn cut_anywhere_the_same_is_found() {
        let row = |n: usize| format!("\"x, {n}\",{},see code: {},{}\n", 100 + n % 900, n % 1000 + 1000, n);
        let title = "May,,,\n# all\n1234,,,\n";
        let rows = (0..400).map(row).collect::<String>();
        let tables = [format!("name,code,note,n\n{rows}"), format!("{title}code,code,note,n\n{rows}")];
        tables.iter().for_each(|text| is_same_however_cut(text));
    }

    fn is_same_however_cut(text: &str) {
        let (matcher, key) = (matcher(), FingerprintKey::new(&[0; 32]));
        let whole = matcher.find(&key, None, text.as_bytes());
        assert_eq!(whole.len(), 800);
        assert!(whole.iter().all(|f| f.confidence == Confidence::Medium));
        for size in [1, 7, 64, 300, 1111, 5000] {
            let (mut scan, mut out) = (Scan::new(), Vec::new());
            for chunk in text.as_bytes().chunks(size) {
                scan.push(&matcher, &key, chunk, &mut out);
                assert!(scan.settled_exact(&matcher) <= scan.seen());
            }
            scan.finish(&matcher, &key, &mut out);
            let places =
                |all: &[crate::detect::Finding]| all.iter().map(|f| (f.start, f.end)).collect::<Vec<_>>();
            assert_eq!(places(&out), places(&whole), "{size}");
        }
    }
}
