//! What the first line of a text tells of all that follows: the columns of a table, the boundary of parts.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use super::{Name, Scope};
use crate::limits;

/// What is kept of a text's first line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// The line of a table, without its end; or the boundary's.
    row: Box<[u8]>,
    cells: Box<[Range<u32>]>,
    delimiter: Option<u8>,
    /// Whether lines stand above the row that are none.
    below: bool,
    /// Whether it is known to be YAML.
    yaml: bool,
}

impl Layout {
    /// One of which nothing is known.
    #[must_use]
    pub fn plain() -> &'static Layout {
        static PLAIN: LazyLock<Layout> = LazyLock::new(Layout::default);
        &PLAIN
    }

    /// That of a whole text.
    #[must_use]
    pub fn of(text: &[u8]) -> Option<Layout> {
        let beginning = text.get(..=limits::HEADER_ROW).unwrap_or(text);
        memchr::memchr(b'\n', beginning)?;
        let mut gathering = Gathering::default();
        gathering.push(beginning);
        gathering.layout.map(|layout| Layout::clone(&layout))
    }

    fn of_line(line: &[u8]) -> Option<Layout> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        if line.starts_with(b"--") {
            let fits =
                (3..=limits::BOUNDARY).contains(&line.len()) && line.iter().any(u8::is_ascii_alphanumeric);
            return fits.then(|| Layout { row: line.into(), ..Layout::default() });
        }
        let delimiter = delimiter(line)?;
        Some(Layout {
            row: line.into(),
            cells: cells(line, delimiter)?.into(),
            delimiter: Some(delimiter),
            ..Layout::default()
        })
    }

    /// That of a log, by the line that names its fields.
    fn of_fields(line: &[u8]) -> Option<Layout> {
        let line = line.trim_ascii_end();
        let named = begins_as_fields(line)?;
        let rest = &line[named..];
        let start = named + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let delimiter = if line[start..].contains(&b'\t') { b'\t' } else { b' ' };
        let mut at = start;
        let cells = line[start..].split(|byte| *byte == delimiter).map(|field| {
            let first = at;
            at += field.len() + 1;
            first as u32..(first + field.len()) as u32
        });
        let cells: Box<[Range<u32>]> = cells.take(limits::COLUMNS).collect();
        let fits = cells.iter().all(|cell| is_name(&line[cell.start as usize..cell.end as usize]));
        (fits && cells.len() > 1).then(|| Layout {
            row: line.into(),
            cells,
            delimiter: Some(delimiter),
            ..Layout::default()
        })
    }

    /// That of a text which is known to be YAML, whatever its first line is.
    pub(super) fn of_yaml() -> Arc<Layout> {
        static YAML: LazyLock<Arc<Layout>> =
            LazyLock::new(|| Arc::new(Layout { yaml: true, ..Layout::default() }));
        Arc::clone(&YAML)
    }

    pub(super) fn is_yaml(&self) -> bool {
        self.yaml
    }

    /// The names of its columns, in order; none of one that a title above them may stand in.
    pub(in crate::detect) fn headers(&self) -> impl Iterator<Item = &[u8]> {
        let text = |cell: &Range<u32>| self.row.get(cell.start as usize..cell.end as usize);
        let first = usize::from(self.below);
        let told = move |(column, cell)| if column < first { None } else { text(cell) };
        self.cells.iter().enumerate().map(move |cell| told(cell).unwrap_or_default())
    }

    /// Whether its names are those of a table without doubt.
    fn is_table(&self) -> bool {
        let sentence = self.delimiter == Some(b',') && memchr::memmem::find(&self.row, b", ").is_some();
        self.cells.len() > 2 && !sentence
    }

    /// What parts the fields of its rows.
    pub(in crate::detect) fn delimiter(&self) -> Option<u8> {
        self.delimiter
    }

    pub(in crate::detect) fn row(&self) -> &[u8] {
        &self.row
    }

    /// The line that parts its parts.
    pub(super) fn boundary(&self) -> Option<&[u8]> {
        (self.delimiter.is_none() && !self.row.is_empty()).then_some(&*self.row)
    }

    /// The header of a column; of none that a title above it may stand in.
    pub(super) fn cell(&self, column: usize) -> Option<Name> {
        if self.below && column == 0 {
            return None;
        }
        let cell = self.cells.get(column)?;
        let name = Name::of(Scope::CsvHeader, cell.start as usize..cell.end as usize);
        Some(Name { column, in_row: true, ..name })
    }
}

/// The beginning of a text, until its first line has ended.
#[derive(Clone, Debug, Default)]
pub(in crate::detect) struct Gathering {
    line: Vec<u8>,
    /// Whether the row of names has ended, or there is none.
    over: bool,
    /// Lines above that have ended.
    above: u8,
    layout: Option<Arc<Layout>>,
}

impl Gathering {
    /// Of a text whose beginning lies elsewhere.
    pub(in crate::detect) fn elsewhere() -> Gathering {
        Gathering { over: true, ..Gathering::default() }
    }

    /// Of a text that is known to be YAML.
    pub(in crate::detect) fn yaml() -> Gathering {
        Gathering { layout: Some(Layout::of_yaml()), ..Gathering::elsewhere() }
    }

    /// Takes what was found where the text begins.
    pub(in crate::detect) fn adopt(&mut self, layout: Option<&Arc<Layout>>) {
        if self.layout.is_none() {
            self.layout = layout.cloned();
        }
    }

    pub(in crate::detect) fn layout(&self) -> Option<&Arc<Layout>> {
        self.layout.as_ref()
    }

    /// The same, for whoever reads by it.
    pub(in crate::detect) fn known(&self) -> &Layout {
        self.layout.as_deref().unwrap_or_else(|| Layout::plain())
    }

    /// The text goes on with `chunk`; the line that ends in it is known before anything behind it is looked at.
    #[inline]
    pub(in crate::detect) fn push(&mut self, chunk: &[u8]) {
        if !self.over {
            self.gather(chunk);
        }
    }

    #[cold]
    fn gather(&mut self, chunk: &[u8]) {
        let mut chunk = chunk;
        while !self.over {
            let end = memchr::memchr(b'\n', chunk);
            let piece = &chunk[..end.unwrap_or(chunk.len())];
            let unfit = |byte: &u8| matches!(byte, b'{' | b'}' | b'<' | b'>' | b'=' | b'&' | 0);
            let unfit = piece.iter().any(unfit) && !self.is_boundary(piece) && !self.is_separator(piece);
            if unfit || self.line.len() + piece.len() > limits::HEADER_ROW {
                self.over = true;
                self.line = Vec::new();
                return;
            }
            self.line.extend_from_slice(piece);
            let Some(end) = end else { return };
            self.end_line();
            chunk = &chunk[end + 1..];
        }
    }

    /// A line has ended: the row of names, or one that may stand above it.
    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let is_title = self.above < TITLES && (is_title(&line) || is_directive(&line));
        let layout = Layout::of_line(&line);
        let below = self.above > 0;
        let layout = match layout {
            _ if begins_as_fields(&line).is_some() => Layout::of_fields(&line),
            // A title with its rest of the row empty is the table's only name where nothing better follows.
            _ if is_title || begins_as_separator(&line) => None,
            Some(layout) if below && !layout.is_table() => None,
            layout => layout.map(|layout| Layout { below, ..layout }),
        };
        self.over = !is_title;
        self.above += 1;
        self.layout = layout.map(Arc::new);
    }

    /// Whether a first line says what parts the fields of the table below it, for spreadsheets: `sep=;`.
    fn is_separator(&self, piece: &[u8]) -> bool {
        let begun = self.line.iter().chain(piece);
        self.line.len() + piece.len() <= SEPARATOR.len() + 2
            && begun.zip(SEPARATOR).all(|(byte, own)| byte.eq_ignore_ascii_case(own))
    }

    fn is_boundary(&self, piece: &[u8]) -> bool {
        let dashes = self.line.iter().chain(piece).take(2).filter(|&&byte| byte == b'-').count();
        dashes == (self.line.len() + piece.len()).min(2)
    }
}

/// The fields of a line that names columns, within it, and what parts them.
pub(super) fn header(line: &[u8]) -> Option<(u8, Vec<Range<u32>>)> {
    let unfit = |byte: &u8| matches!(byte, b'{' | b'}' | b'<' | b'>' | b'=' | b'&' | 0);
    let delimiter = delimiter(line).filter(|_| !line.iter().any(unfit))?;
    cells(line, delimiter).map(|cells| (delimiter, cells))
}

/// What says how fields are parted.
const SEPARATOR: &[u8] = b"sep=";

/// Most lines above the names of columns.
const TITLES: u8 = 8;

fn begins_as_separator(line: &[u8]) -> bool {
    line.get(..SEPARATOR.len()).is_some_and(|begun| begun.eq_ignore_ascii_case(SEPARATOR))
}

/// Whether a line can stand above the names of columns: what it says stands in its first field, and all others are empty; or
/// it is a comment, or says what parts the fields.
fn is_title(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii_end();
    if begins_as_separator(line) {
        return line.len() <= SEPARATOR.len() + 1;
    }
    let bare = line.iter().rev().take_while(|byte| matches!(byte, b',' | b';' | b'"')).count();
    let said = &line[..line.len() - bare];
    let is_alone = bare > 1 && !said.iter().any(|byte| matches!(byte, b',' | b';' | b'\t'));
    is_alone || line.starts_with(b"# ") && delimiter(line).is_none()
}

/// Where the names begin in the line of a log that names its fields: `#Fields: date time` of W3C's, `#fields\tts\tuid` of Zeek's.
fn begins_as_fields(line: &[u8]) -> Option<usize> {
    const FIELDS: &[u8] = b"#fields";
    let begins = line.get(..FIELDS.len())?.eq_ignore_ascii_case(FIELDS);
    let colon = usize::from(line.get(FIELDS.len()) == Some(&b':'));
    let blank = line.get(FIELDS.len() + colon);
    (begins && matches!(blank, Some(b' ' | b'\t'))).then_some(FIELDS.len() + colon)
}

/// Whether a line is another of those that stand above it: `#Version: 1.0`, `#separator \x09`.
fn is_directive(line: &[u8]) -> bool {
    const ZEEK: [&[u8]; 6] =
        [b"separator", b"set_separator", b"empty_field", b"unset_field", b"path", b"open"];
    let Some(rest) = line.strip_prefix(b"#").filter(|_| begins_as_fields(line).is_none()) else {
        return false;
    };
    let name =
        rest.iter().take_while(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_')).count();
    let (name, behind) = rest.split_at(name);
    name.len() > 1 && behind.starts_with(b": ")
        || ZEEK.contains(&name) && matches!(behind.first(), Some(b' ' | b'\t'))
}

/// What parts the fields of a header row.
fn delimiter(line: &[u8]) -> Option<u8> {
    let count = |delimiter: u8| line.iter().filter(|&&byte| byte == delimiter).count();
    let rare = [b'^', b'~', 0x01, 0x1f].into_iter().find(|&delimiter| count(delimiter) > 1);
    let most = [b'\t', b';', b'|', b','].into_iter().max_by_key(|&delimiter| count(delimiter))?;
    if count(most) > 0 { Some(most) } else { rare }
}

/// The fields of a header row: names, and not a sentence with commas.
fn cells(line: &[u8], delimiter: u8) -> Option<Vec<Range<u32>>> {
    let (mut cells, mut start, mut fields) = (Vec::new(), 0, 0usize);
    for end in memchr::memchr_iter(delimiter, line).chain([line.len()]) {
        let field = &line[start..end];
        let inner = field.trim_ascii();
        let inner = inner.strip_prefix(b"\"").and_then(|inner| inner.strip_suffix(b"\"")).unwrap_or(inner);
        // Jira sets two bars where rows have one.
        let between = fields % 2 == 1 && line.starts_with(b"||") && delimiter == b'|';
        fields += 1;
        if between && inner.is_empty() {
            start = end + 1;
            continue;
        }
        if !is_name(inner) || cells.len() == limits::COLUMNS {
            return None;
        }
        // Where it is within the line: it was only cut at both ends.
        let first = start + memchr::memmem::find(field, inner).unwrap_or(0);
        cells.push(first as u32..(first + inner.len()) as u32);
        start = end + 1;
    }
    let spoken = cells.iter().any(|cell| line[cell.start as usize..cell.end as usize].contains(&b' '));
    // Two names with blanks in them, and a comma and another between, are more likely a sentence.
    let apart = memchr::memmem::find(line, b", ").is_some();
    let enough = if spoken && apart && delimiter == b',' { 2 } else { 1 };
    // A salutation ends with a comma, too.
    let greeting = line.trim_ascii_end().ends_with(b",") && cells.len() == 2;
    // A statement ends with a semicolon, and tabs indent lines.
    let named = cells.iter().filter(|cell| !cell.is_empty()).count();
    let alone =
        named == 1 && (delimiter == b'\t' || delimiter == b';' && line.trim_ascii_end().ends_with(b";"));
    (named > 0 && !greeting && !alone && cells.len() > enough).then_some(cells)
}

/// Whether a column may be called so; none is called by a number, or a sentence.
pub(super) fn is_name(cell: &[u8]) -> bool {
    let words = cell.split(|&byte| byte == b' ').count();
    let begins =
        cell.first().is_none_or(|&byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'#' | 0x80..));
    let unfit = |byte: &u8| matches!(byte, b'"' | b'\t' | b'@');
    let fits = cell.len() <= limits::NAME_LEN && words <= HEADER_WORDS && !cell.iter().any(unfit);
    let count = |mark: u8| cell.iter().filter(|&&byte| byte == mark).count();
    begins && fits && count(b'(') == count(b')')
}

/// Words in the name of a column; a sentence has more.
const HEADER_WORDS: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_names_is_told_however_the_text_is_cut() {
        let texts = [
            ("sep=;\nname;card;n\n", 3),
            ("sep=;,,\nname,card,n\n", 0),
            ("sep=;;;\nname;card;n\n", 0),
            ("May,,,\n# x\nname,card,n\n", 3),
            ("a=1,,\nname,card,n\n", 0),
            ("name,card,n\nA,1,2\n", 3),
            ("--x1,a\nname,card,n\n", 0),
            ("#Software: A, B\n#Version: 1.0\n#Fields: date cs-username x-ssn\n", 3),
            ("#separator \\x09\n#path\thttp\n#fields\tts\tuid\tssn\n#types\ttime\tstring\tstring\n", 3),
            ("#id,ssn,n\n1,2,3\n", 3),
            ("#Fields: ssn\n1\n", 0),
        ];
        for (text, names) in texts {
            for cut in 0..text.len() {
                let mut gathering = Gathering::default();
                let (first, rest) = text.as_bytes().split_at(cut);
                gathering.push(first);
                gathering.push(rest);
                let told = gathering.layout().map_or(0, |layout| layout.headers().count());
                assert_eq!(told, names, "{text:?} cut at {cut}");
            }
        }
    }
}
