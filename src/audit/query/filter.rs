//! Which records are asked for.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::audit::query::facts::{Facts, Field};

/// One way for a field to have the value asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    Exact(String),
    /// `payment.*`
    Prefix(String),
    /// `*.example.com`: any depth below it, not the name itself.
    Suffix(String),
    Network(IpNet),
}

impl Pattern {
    /// Reads what a user wrote: a network for clients, `x*` and `*x` for the rest.
    #[must_use]
    pub fn read(field: Field, text: &str) -> Pattern {
        if field == Field::Client
            && let Ok(network) = text.parse::<IpNet>()
        {
            return Pattern::Network(network);
        }
        match (text.strip_prefix('*'), text.strip_suffix('*')) {
            (Some(rest), _) => Pattern::Suffix(rest.to_owned()),
            (None, Some(rest)) => Pattern::Prefix(rest.to_owned()),
            (None, None) => Pattern::Exact(text.to_owned()),
        }
    }

    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        match self {
            Pattern::Exact(text) => text == value,
            Pattern::Prefix(text) => value.starts_with(text.as_str()),
            Pattern::Suffix(text) => value.ends_with(text.as_str()) && value.len() > text.len(),
            Pattern::Network(network) => {
                value.parse::<IpAddr>().is_ok_and(|address| network.contains(&address))
            }
        }
    }
}

/// All that is given must hold; of several values of one field, one.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Microseconds since 1970: not before, and before.
    pub from: Option<i64>,
    pub until: Option<i64>,
    /// Not before this sequence.
    pub from_seq: Option<u64>,
    pub fields: Vec<(Field, Vec<Pattern>)>,
    /// A decision or a flow.
    pub ids: Vec<String>,
}

impl Filter {
    #[must_use]
    pub fn is_in_time(&self, micros: i64) -> bool {
        self.from.is_none_or(|from| micros >= from) && self.until.is_none_or(|until| micros < until)
    }

    /// Whether a time between these two could be asked for.
    #[must_use]
    pub fn overlaps(&self, earliest: i64, latest: i64) -> bool {
        self.from.is_none_or(|from| latest >= from) && self.until.is_none_or(|until| earliest < until)
    }

    #[must_use]
    pub fn matches(&self, facts: &Facts<'_>) -> bool {
        if self.from_seq.is_some_and(|from| facts.seq < from) {
            return false;
        }
        if (self.from.is_some() || self.until.is_some())
            && !facts.micros().is_some_and(|micros| self.is_in_time(micros))
        {
            return false;
        }
        let has_id = |text: &str| self.ids.iter().any(|id| id == text);
        if !self.ids.is_empty() && !facts.decision.iter().chain(&facts.flow).any(|id| has_id(id)) {
            return false;
        }
        self.fields.iter().all(|(field, patterns)| {
            let mut found = false;
            facts.values(|of, value| {
                found |= of == *field && patterns.iter().any(|pattern| pattern.matches(value));
            });
            found
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_what_they_say() {
        let cases = [
            (Field::Identifier, "payment.*", "payment.pan", true),
            (Field::Identifier, "payment.pan", "payment.pan2", false),
            (Field::Destination, "*.example.com", "a.b.example.com", true),
            (Field::Destination, "*.example.com", ".example.com", false),
            (Field::Client, "192.0.2.0/24", "192.0.2.7", true),
            (Field::Client, "192.0.2.0/24", "192.0.3.7", false),
            (Field::Client, "2001:db8::/32", "2001:db8::7", true),
            (Field::Client, "192.0.2.7", "192.0.2.7", true),
            (Field::Destination, "192.0.2.0/24", "192.0.2.7", false),
        ];
        for (field, pattern, value, expected) in cases {
            assert_eq!(Pattern::read(field, pattern).matches(value), expected, "{pattern} {value}");
        }
    }
}
