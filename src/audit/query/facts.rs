//! What can be asked of a record, read from its line without a copy.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use jiff::Timestamp;
use serde::de::{self, Deserialize, Deserializer};

use crate::audit::line::Line;
use crate::audit::record::Kind;

/// A text that borrows from the line where nothing in it is escaped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// A field that records are looked up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    Kind,
    Action,
    Disclosure,
    Rule,
    Identifier,
    Client,
    Destination,
    Tenant,
    Direction,
}

impl Field {
    pub const ALL: [Field; 9] = [
        Field::Kind,
        Field::Action,
        Field::Disclosure,
        Field::Rule,
        Field::Identifier,
        Field::Client,
        Field::Destination,
        Field::Tenant,
        Field::Direction,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Field::Kind => "kind",
            Field::Action => "action",
            Field::Disclosure => "disclosure",
            Field::Rule => "rule",
            Field::Identifier => "identifier",
            Field::Client => "client",
            Field::Destination => "destination",
            Field::Tenant => "tenant",
            Field::Direction => "direction",
        }
    }
}

/// The fields of a record that are asked for. What an event does not have is empty.
#[derive(Debug, serde::Deserialize)]
pub struct Facts<'a> {
    pub seq: u64,
    #[serde(borrow)]
    pub time: Text<'a>,
    #[serde(borrow)]
    pub kind: Text<'a>,
    #[serde(borrow, default)]
    pub decision: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub flow: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub tenant: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub client: Option<Client<'a>>,
    #[serde(borrow, default)]
    pub destination: Option<Destination<'a>>,
    #[serde(borrow, default)]
    pub http: Option<Http<'a>>,
    #[serde(borrow, default)]
    pub direction: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub bytes: Option<Bytes<'a>>,
    #[serde(borrow, default)]
    pub findings: Vec<Finding<'a>>,
    #[serde(borrow, default)]
    pub rules: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub action: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub would: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub reason: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub disclosure: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub policy: Option<PolicyFacts<'a>>,
    /// The end of the same message tells all of it once more.
    #[serde(default)]
    pub interim: bool,
}

/// The policy that a message was decided under. Events name theirs as a text.
#[derive(Debug, Default)]
pub struct PolicyFacts<'a> {
    pub hash: Option<Text<'a>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for PolicyFacts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = PolicyFacts<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a policy")
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(PolicyFacts { hash: Some(Text(Cow::Borrowed(text))) })
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(PolicyFacts { hash: Some(Text(Cow::Owned(text.to_owned()))) })
            }
            fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok(PolicyFacts::default())
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut policy = PolicyFacts::default();
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    match &*key {
                        "hash" => policy.hash = map.next_value()?,
                        _ => {
                            map.next_value::<de::IgnoredAny>()?;
                        }
                    }
                }
                Ok(policy)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[derive(Debug, serde::Deserialize)]
pub struct Client<'a> {
    #[serde(borrow, default)]
    pub address: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub identity: Option<Text<'a>>,
}

#[derive(Debug, serde::Deserialize)]
pub struct Destination<'a> {
    #[serde(borrow, default)]
    pub host: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub group: Option<Text<'a>>,
    #[serde(default)]
    pub port: u16,
}

#[derive(Debug, serde::Deserialize)]
pub struct Http<'a> {
    #[serde(borrow, default)]
    pub method: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub path_template: Option<Text<'a>>,
    #[serde(default)]
    pub status: Option<u16>,
}

#[derive(Debug, serde::Deserialize)]
pub struct Bytes<'a> {
    #[serde(default)]
    pub seen: u64,
    #[serde(default)]
    pub inspected: u64,
    #[serde(borrow, default)]
    pub uninspected: Vec<Uninspected<'a>>,
    #[serde(default)]
    pub forwarded: u64,
}

#[derive(Debug, serde::Deserialize)]
pub struct Uninspected<'a> {
    #[serde(borrow)]
    pub reason: Text<'a>,
    pub bytes: u64,
}

#[derive(Debug, serde::Deserialize)]
pub struct Finding<'a> {
    #[serde(borrow)]
    pub identifier: Text<'a>,
    #[serde(default)]
    pub matched: u64,
    #[serde(default)]
    pub distinct: u64,
    #[serde(default)]
    pub forwarded: u64,
    #[serde(default)]
    pub withheld: u64,
    /// Rules that fired and name it.
    #[serde(borrow, default)]
    pub rules: Vec<Text<'a>>,
}

impl<'a> Facts<'a> {
    /// Reads a line; `None` when it is no record. An event whose own fields have other forms keeps what every record
    /// has.
    #[must_use]
    pub fn parse(line: &'a [u8]) -> Option<Facts<'a>> {
        if let Ok(facts) = serde_json::from_slice(line) {
            return Some(facts);
        }
        let line = Line::parse(line)?;
        Some(Facts {
            seq: line.seq,
            time: Text(Cow::Borrowed(line.time)),
            kind: Text(Cow::Borrowed(line.kind.as_str())),
            decision: None,
            flow: None,
            tenant: None,
            client: None,
            destination: None,
            http: None,
            direction: None,
            bytes: None,
            findings: Vec::new(),
            rules: Vec::new(),
            action: None,
            would: None,
            reason: None,
            disclosure: None,
            policy: None,
            interim: false,
        })
    }

    /// Microseconds since 1970; `None` when it is no time.
    #[must_use]
    pub fn micros(&self) -> Option<i64> {
        micros(&self.time)
    }

    /// Whether it speaks of a message of a flow.
    #[must_use]
    pub fn is_message(&self) -> bool {
        [Kind::Decision, Kind::Opening, Kind::End].iter().any(|kind| kind.as_str() == &*self.kind)
    }

    /// The host and the group of the destination, the address and the identity of the client: each is a value that
    /// the record can be found by.
    pub fn values(&self, mut each: impl FnMut(Field, &str)) {
        each(Field::Kind, &self.kind);
        for (field, text) in [
            (Field::Action, &self.action),
            (Field::Disclosure, &self.disclosure),
            (Field::Tenant, &self.tenant),
            (Field::Direction, &self.direction),
        ] {
            text.iter().for_each(|text| each(field, text));
        }
        if let Some(client) = &self.client {
            client.address.iter().chain(&client.identity).for_each(|text| each(Field::Client, text));
        }
        if let Some(destination) = &self.destination {
            destination.host.iter().chain(&destination.group).for_each(|text| each(Field::Destination, text));
        }
        self.rules.iter().for_each(|rule| each(Field::Rule, rule));
        self.findings.iter().for_each(|found| each(Field::Identifier, &found.identifier));
    }
}

/// A record's time. Its one form is read by hand: an index asks for each of millions.
pub(super) fn micros(time: &str) -> Option<i64> {
    let bytes = time.as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        bytes.get(from..to)?.iter().try_fold(0i64, |n, digit| {
            let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
            Some(n * 10 + i64::from(digit))
        })
    };
    let plain = bytes.len() == 27
        && [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (26, b'Z')]
            .iter()
            .all(|(at, mark)| bytes.get(*at) == Some(mark));
    if !plain {
        return time.parse::<Timestamp>().ok().map(Timestamp::as_microsecond);
    }
    let date = jiff::civil::Date::new(
        i16::try_from(number(0, 4)?).ok()?,
        i8::try_from(number(5, 7)?).ok()?,
        i8::try_from(number(8, 10)?).ok()?,
    )
    .ok()?;
    let days = i64::from(date.since(jiff::civil::date(1970, 1, 1)).ok()?.get_days());
    let seconds = (number(11, 13)? * 60 + number(14, 16)?) * 60 + number(17, 19)?;
    Some((days * 86_400 + seconds) * 1_000_000 + number(20, 26)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_calendar_has_them() {
        for text in
            ["1970-01-01T00:00:00.000000Z", "2026-11-26T11:52:03.000001Z", "2028-02-29T23:59:59.999999Z"]
        {
            assert_eq!(micros(text), Some(text.parse::<Timestamp>().unwrap().as_microsecond()), "{text}");
        }
        for bad in ["", "2026-13-01T00:00:00.000000Z", "2026-11-26T11:52:03.00000xZ"] {
            assert_eq!(micros(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_event_of_another_form_keeps_what_every_record_has() {
        let prev = "0".repeat(64);
        let line = format!(
            r#"{{"seq":4,"time":"2026-11-26T11:52:03.000001Z","node":"n","boot":"b","prev":"{prev}","kind":"admin","client":"x"}}"#
        );
        let facts = Facts::parse(line.as_bytes()).unwrap();
        assert_eq!((facts.seq, &*facts.kind, facts.is_message()), (4, "admin", false));
        assert!(Facts::parse(b"{}").is_none());
    }
}
