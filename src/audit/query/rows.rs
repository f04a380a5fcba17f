//! Records as rows of a table.

use crate::audit::query::facts::Facts;

/// Names of the columns.
pub const COLUMNS: Columns = [
    "seq",
    "time",
    "kind",
    "direction",
    "action",
    "disclosure",
    "client",
    "destination",
    "method",
    "path",
    "status",
    "identifiers",
    "rules",
    "tenant",
    "decision",
    "reason",
];

pub type Columns = [&'static str; 16];

/// One record under [`COLUMNS`].
#[must_use]
pub fn row(facts: &Facts<'_>) -> [String; 16] {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let http = facts.http.as_ref();
    let found: Vec<String> =
        facts.findings.iter().map(|found| format!("{}×{}", &*found.identifier, found.distinct)).collect();
    let rules: Vec<&str> = facts.rules.iter().map(|rule| &**rule).collect();
    let destination = facts.destination.as_ref().and_then(|destination| {
        destination.host.as_deref().map(|host| format!("{host}:{}", destination.port))
    });
    [
        facts.seq.to_string(),
        facts.time.to_string(),
        facts.kind.to_string(),
        text(facts.direction.as_deref()),
        text(facts.action.as_deref()),
        text(facts.disclosure.as_deref()),
        text(
            facts.client.as_ref().and_then(|client| client.identity.as_deref().or(client.address.as_deref())),
        ),
        destination.unwrap_or_default(),
        text(http.and_then(|http| http.method.as_deref())),
        text(http.and_then(|http| http.path_template.as_deref())),
        http.and_then(|http| http.status).map_or_else(String::new, |status| status.to_string()),
        found.join(" "),
        rules.join(" "),
        text(facts.tenant.as_deref()),
        text(facts.decision.as_deref()),
        text(facts.reason.as_deref()),
    ]
}

/// A row of CSV (RFC 4180) that is safe to open in a spreadsheet: a cell that one would take for a formula begins
/// with an apostrophe.
#[must_use]
pub fn csv_row<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let mut row = String::new();
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            row.push(',');
        }
        let formula =
            cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '|', '%', '＝', '＋', '－', '＠']);
        let mark = if formula { "'" } else { "" };
        if formula || cell.contains([',', '"', '\n', '\r', ';', '\'']) {
            row.push('"');
            row.push_str(mark);
            row.push_str(&cell.replace('"', "\"\""));
            row.push('"');
        } else {
            row.push_str(cell);
        }
    }
    row.push_str("\r\n");
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        let cases = [
            (&["a", "b c"][..], "a,b c\r\n"),
            (&["=1+1"], "\"'=1+1\"\r\n"),
            (&["+1", "-2", "@x", "\t=x"], "\"'+1\",\"'-2\",\"'@x\",\"'\t=x\"\r\n"),
            (&["a\"b", "x,y", "l\nm"], "\"a\"\"b\",\"x,y\",\"l\nm\"\r\n"),
        ];
        for (cells, expected) in cases {
            assert_eq!(csv_row(cells.iter().copied()), expected);
        }
    }
}
