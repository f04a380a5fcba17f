//! Columns of tables with separators, read backwards: which one a place lies in, counted from its row's beginning.

/// The column of the last place that was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) struct Row {
    at: usize,
    found: Option<Found>,
}

/// Where the row begins, the column, and whether that is of a quoted field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    start: usize,
    column: usize,
    quoted: bool,
}

impl Default for Row {
    fn default() -> Row {
        Row::NONE
    }
}

impl Row {
    /// No place was asked about.
    pub(in crate::detect) const NONE: Row = Row { at: usize::MAX, found: None };

    pub(in crate::detect) fn column(&self) -> Option<usize> {
        self.found.map(|found| found.column)
    }

    /// Tells the column of `at`, from what stands in `from..at`.
    pub(in crate::detect) fn advance(&mut self, text: &[u8], from: usize, at: usize, delimiter: u8) {
        let found = self.column_of(text, from, at, delimiter);
        *self = Row { at, found };
    }

    fn column_of(&self, text: &[u8], from: usize, at: usize, delimiter: u8) -> Option<Found> {
        let (mut i, mut columns, mut quoted) = (at, 0, false);
        // Logs name their fields with blanks between, and some part them with tabs.
        let parts = |byte: u8| byte == delimiter || delimiter == b' ' && byte == b'\t';
        loop {
            if i == self.at {
                // From here on the way is known.
                let known = self.found.filter(|found| found.start > from)?;
                let column = known.column + if known.quoted { 0 } else { columns };
                return Some(Found { column, quoted: quoted || known.quoted, ..known });
            }
            if i <= from {
                return None;
            }
            i -= 1;
            match text[i] {
                b'\n' => return Some(Found { start: i + 1, column: columns, quoted }),
                byte if parts(byte) => {
                    columns += 1;
                    if i > from && text[i - 1] == b'"' {
                        i = opening(text, from, i - 1, delimiter)?.unwrap_or(i);
                    }
                }
                // The place is inside a quoted field.
                b'"' if i > from && (parts(text[i - 1]) || text[i - 1] == b'\n') => {
                    (columns, quoted) = (0, true);
                }
                _ => {}
            }
        }
    }
}

/// The quote that opens the field which `close` ends: behind a separator, with whole pairs between. `Some(None)` where a
/// quote between is half of no pair: then quotes are text like any other, and a field that begins with one goes as far
/// as the next separator. `None` where what is looked at does not tell.
fn opening(text: &[u8], from: usize, close: usize, delimiter: u8) -> Option<Option<usize>> {
    let parts = |byte: u8| byte == delimiter || byte == b'\n';
    let mut to = close;
    loop {
        let at = from + memchr::memrchr(b'"', &text[from..to])?;
        let before = at.checked_sub(1).filter(|&before| before >= from).map(|before| text[before])?;
        if parts(before) {
            return Some(Some(at));
        }
        if before != b'"' {
            let field = from + text[from..close].iter().rposition(|&byte| parts(byte))? + 1;
            return Some((text[field] == b'"').then_some(field));
        }
        to = at - 1;
    }
}
