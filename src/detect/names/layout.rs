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
        let end = memchr::memchr(b'\n', beginning)?;
        let mut gathering = Gathering::default();
        gathering.push(&text[..=end]);
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
            yaml: false,
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

    /// The names of its columns.
    pub(in crate::detect) fn headers(&self) -> impl Iterator<Item = &[u8]> {
        let text = |cell: &Range<u32>| self.row.get(cell.start as usize..cell.end as usize);
        self.cells.iter().map(move |cell| text(cell).unwrap_or_default())
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

    /// The header of a column.
    pub(super) fn cell(&self, column: usize) -> Option<Name> {
        let cell = self.cells.get(column)?;
        let name = Name::of(Scope::CsvHeader, cell.start as usize..cell.end as usize);
        Some(Name { column, in_row: true, ..name })
    }
}

/// The beginning of a text, until its first line has ended.
#[derive(Clone, Debug, Default)]
pub(in crate::detect) struct Gathering {
    line: Vec<u8>,
    /// Whether the line has ended, or tells nothing.
    over: bool,
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
        let end = memchr::memchr(b'\n', chunk);
        let piece = &chunk[..end.unwrap_or(chunk.len())];
        let unfit = piece.iter().any(|byte| matches!(byte, b'{' | b'}' | b'<' | b'>' | b'=' | b'&' | 0));
        if unfit && !self.is_boundary(piece) || self.line.len() + piece.len() > limits::HEADER_ROW {
            self.over = true;
            self.line = Vec::new();
            return;
        }
        self.line.extend_from_slice(piece);
        if end.is_some() {
            self.over = true;
            self.layout = Layout::of_line(&std::mem::take(&mut self.line)).map(Arc::new);
        }
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

/// What parts the fields of a header row.
fn delimiter(line: &[u8]) -> Option<u8> {
    let count = |delimiter: u8| line.iter().filter(|&&byte| byte == delimiter).count();
    let most = [b'\t', b';', b'|', b','].into_iter().max_by_key(|&delimiter| count(delimiter))?;
    (count(most) > 0).then_some(most)
}

/// The fields of a header row: names, and not a sentence with commas.
fn cells(line: &[u8], delimiter: u8) -> Option<Vec<Range<u32>>> {
    let (mut cells, mut start) = (Vec::new(), 0);
    for end in memchr::memchr_iter(delimiter, line).chain([line.len()]) {
        let field = &line[start..end];
        let inner = field.trim_ascii();
        let inner = inner.strip_prefix(b"\"").and_then(|inner| inner.strip_suffix(b"\"")).unwrap_or(inner);
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
