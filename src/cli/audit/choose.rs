//! Which records a command is about, and how they are shown.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::PossibleValuesParser;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Failure;
use crate::audit::Kind;
use crate::audit::query::{COLUMNS, Facts, Field, Filter, Pattern, csv_row, row, search_sound};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Choice {
    /// Not before: a time (2026-11-26T08:00:00Z), a day (2026-11-26, UTC), or so long ago (90s, 15m, 2h, 7d).
    #[arg(long, visible_alias = "from", value_name = "TIME", value_parser = moment)]
    since: Option<i64>,
    /// Before: written as for `--since`.
    #[arg(long, visible_alias = "to-time", value_name = "TIME", value_parser = moment)]
    until: Option<i64>,
    /// Not before this sequence.
    #[arg(long, value_name = "SEQ")]
    from_seq: Option<u64>,
    /// What kind of record.
    #[arg(long, value_parser = PossibleValuesParser::new(Kind::ALL.map(Kind::as_str)))]
    kind: Vec<String>,
    #[arg(long, value_parser = ["allow", "alert", "redact", "block"])]
    action: Vec<String>,
    #[arg(long, value_parser = ["none", "prevented", "redacted", "partial", "disclosed"])]
    disclosure: Vec<String>,
    /// A rule that fired (`x*`: begins with x).
    #[arg(long)]
    rule: Vec<String>,
    /// An identifier that was found (`payment.*`).
    #[arg(long)]
    identifier: Vec<String>,
    /// An address, a network (192.0.2.0/24) or an identity.
    #[arg(long, value_parser = client)]
    client: Vec<String>,
    /// A host (`*.example.com`: below it) or a group.
    #[arg(long)]
    destination: Vec<String>,
    #[arg(long)]
    tenant: Vec<String>,
    #[arg(long, value_parser = ["request", "response"])]
    direction: Vec<String>,
    /// The id of a decision or of a flow.
    #[arg(long, value_name = "ID")]
    decision: Vec<String>,
}

impl Choice {
    /// What is asked for, before a time that another name gives where `--until` gives none.
    pub(super) fn filter_to(&self, to: Option<i64>) -> Result<Filter, Failure> {
        Choice { until: self.until.or(to), ..self.clone() }.filter()
    }

    pub(super) fn filter(&self) -> Result<Filter, Failure> {
        if self.since.zip(self.until).is_some_and(|(since, until)| since >= until) {
            return Err(Failure::usage("--since must be before --until"));
        }
        let given = [
            (Field::Kind, &self.kind),
            (Field::Action, &self.action),
            (Field::Disclosure, &self.disclosure),
            (Field::Rule, &self.rule),
            (Field::Identifier, &self.identifier),
            (Field::Client, &self.client),
            (Field::Destination, &self.destination),
            (Field::Tenant, &self.tenant),
            (Field::Direction, &self.direction),
        ];
        let given = given.into_iter().filter(|(_, texts)| !texts.is_empty());
        let read = |(field, texts): (Field, &Vec<String>)| {
            (field, texts.iter().map(|text| Pattern::read(field, text)).collect())
        };
        Ok(Filter {
            from: self.since,
            until: self.until,
            from_seq: self.from_seq,
            fields: given.map(read).collect(),
            ids: self.decision.iter().map(|id| id.to_ascii_lowercase()).collect(),
        })
    }
}

impl Choice {
    /// Names that no record bears, whatever else is asked for: they may be spelled wrong.
    pub(super) fn unheard(&self, directory: &Path) -> io::Result<Vec<String>> {
        let mut unheard = Vec::new();
        for (field, what, texts) in
            [(Field::Rule, "rule", &self.rule), (Field::Identifier, "identifier", &self.identifier)]
        {
            for text in texts {
                if !is_heard(directory, field, text)? {
                    unheard.push(format!("no record names the {what} `{text}`"));
                }
            }
        }
        Ok(unheard)
    }
}

/// Whether any record has this in that field.
pub(in crate::cli) fn is_heard(directory: &Path, field: Field, text: &str) -> io::Result<bool> {
    let mut heard = false;
    let filter = Filter { fields: vec![(field, vec![Pattern::read(field, text)])], ..Filter::default() };
    search_sound(directory, &filter, &mut |_, _| {
        heard = true;
        Ok(false)
    })?;
    Ok(heard)
}

/// What begins like a network must be one.
fn client(text: &str) -> Result<String, String> {
    let address = text.split('/').next().unwrap_or_default();
    let is_network = text.contains('/') && address.parse::<std::net::IpAddr>().is_ok();
    match is_network && text.parse::<ipnet::IpNet>().is_err() {
        true => Err("a network such as 192.0.2.0/24 or 2001:db8::/32".to_owned()),
        false => Ok(text.to_owned()),
    }
}

/// Microseconds since 1970 of a time as people write it.
pub(in crate::cli) fn moment(text: &str) -> Result<i64, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_microsecond());
    }
    if let Some(time) = text.parse::<Date>().ok().and_then(|date| date.to_zoned(TimeZone::UTC).ok()) {
        return Ok(time.timestamp().as_microsecond());
    }
    ago(text)
        .and_then(|ago| Timestamp::now().checked_sub(ago).ok())
        .map(Timestamp::as_microsecond)
        .ok_or_else(|| "a time such as 2026-11-26T08:00:00Z, 2026-11-26, 15m, 2h or 7d".to_owned())
}

fn ago(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let count = text.strip_suffix(unit)?.parse::<u64>().ok()?;
    count.checked_mul(seconds).map(Duration::from_secs)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// The records, one a line, exactly as they were written.
    Jsonl,
    Table,
    /// With a header; safe to open in a spreadsheet.
    Csv,
}

/// Columns of a table, as indexes into all there are, with their widths.
const TABLE: [(usize, usize); 8] = [(0, 9), (1, 27), (2, 10), (3, 8), (4, 6), (5, 9), (6, 15), (7, 0)];

impl Format {
    pub(super) fn head(self, output: &mut dyn Write) -> io::Result<()> {
        match self {
            Format::Jsonl => Ok(()),
            Format::Table => table_row(&COLUMNS, output, "identifiers"),
            Format::Csv => output.write_all(csv_row(COLUMNS).as_bytes()),
        }
    }

    pub(super) fn record(self, line: &[u8], facts: &Facts<'_>, output: &mut dyn Write) -> io::Result<()> {
        match self {
            Format::Jsonl => {
                output.write_all(line)?;
                output.write_all(b"\n")
            }
            Format::Table => {
                let row = row(facts);
                let last = row.get(11).cloned().unwrap_or_default();
                table_row(&row.each_ref().map(String::as_str), output, &last)
            }
            Format::Csv => {
                let row = row(facts);
                output.write_all(csv_row(row.iter().map(String::as_str)).as_bytes())
            }
        }
    }
}

fn table_row(cells: &[&str], output: &mut dyn Write, last: &str) -> io::Result<()> {
    let mut line = String::new();
    for (column, width) in TABLE {
        let cell = cells.get(column).copied().unwrap_or_default();
        line.push_str(&format!("{cell:width$}  "));
    }
    line.push_str(last);
    writeln!(output, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_do() {
        assert_eq!(moment("1970-01-02"), Ok(86_400_000_000));
        assert_eq!(moment("1970-01-01T00:00:01.5Z"), Ok(1_500_000));
        let hour = moment("1h").unwrap();
        let now = Timestamp::now().as_microsecond();
        assert!((3_599_000_000..=3_601_000_000).contains(&(now - hour)));
        for bad in ["", "h", "yesterday", "1w", "-1h", "1é"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }
}
