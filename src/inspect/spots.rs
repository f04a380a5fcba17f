//! In which fields of a message a finding stands, for rules that speak of fields.

use std::collections::VecDeque;

use super::depth::Path;
use super::judge::Judge;
use crate::detect::{Finding, Place};
use crate::limits;
use crate::policy::{Naming, Spot};

/// How a finding stands in its text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stands<'a> {
    /// As the text itself names it.
    pub(super) here: Option<&'a Place>,
    /// As it is named below what the text wears.
    pub(super) below: Option<&'a Place>,
    /// What it wears.
    pub(super) path: Path,
}

/// Two names, one in the other.
pub(super) fn joined(outer: &[u8], inner: &[u8]) -> Vec<u8> {
    let blank: &[u8] = if outer.is_empty() || inner.is_empty() { b"" } else { b" " };
    [outer, blank, inner].concat()
}

/// The fields of a form that rules speak of, as its reader will part them: by `&` and `=` that are written as such.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// Whether the message is such a form; unknown until its first byte.
    wanted: Option<bool>,
    seen: u64,
    key: Vec<u8>,
    in_value: bool,
    values: VecDeque<Value>,
}

#[derive(Debug)]
struct Value {
    from: u64,
    /// Nothing: it has not ended.
    to: Option<u64>,
    key: Box<str>,
}

impl Keys {
    /// The text goes on with `piece`.
    pub(super) fn push(&mut self, judge: &Judge, piece: &[u8]) {
        let is_form = || judge.looks_at_fields() && declared(judge) == Some(Naming::Form);
        if !*self.wanted.get_or_insert_with(is_form) {
            return;
        }
        let mut rest = piece;
        while !rest.is_empty() {
            rest = if self.in_value { self.value(rest) } else { self.name(judge, rest) };
        }
    }

    fn name<'a>(&mut self, judge: &Judge, text: &'a [u8]) -> &'a [u8] {
        let end = memchr::memchr2(b'=', b'&', text);
        let (name, rest) = text.split_at_checked(end.unwrap_or(text.len())).unwrap_or((text, &[]));
        self.seen += name.len() as u64;
        // What is too long to be a field is kept as such.
        let room = (limits::FIELD_LEN + 1).saturating_sub(self.key.len());
        self.key.extend(name.iter().take(room));
        let Some((mark, rest)) = rest.split_first() else { return rest };
        self.seen += 1;
        if *mark == b'=' {
            self.in_value = true;
            let key = std::str::from_utf8(&self.key).ok().filter(|key| key.len() <= limits::FIELD_LEN);
            if let Some(key) = key.filter(|key| judge.names_key(key)) {
                // The oldest is long behind: what would stand in it counts as if it stood anywhere.
                if self.values.len() == limits::FORM_FIELDS {
                    self.values.pop_front();
                }
                self.values.push_back(Value { from: self.seen, to: None, key: key.into() });
            }
        }
        self.key.clear();
        rest
    }

    fn value<'a>(&mut self, text: &'a [u8]) -> &'a [u8] {
        let end = memchr::memchr(b'&', text);
        let (value, rest) = text.split_at_checked(end.unwrap_or(text.len())).unwrap_or((text, &[]));
        self.seen += value.len() as u64;
        let Some((_, rest)) = rest.split_first() else { return rest };
        if let Some(last) = self.values.back_mut() {
            last.to.get_or_insert(self.seen);
        }
        self.seen += 1;
        self.in_value = false;
        rest
    }

    fn of(&self, finding: &Finding) -> Option<&str> {
        let holds =
            |value: &&Value| value.from <= finding.start && value.to.is_none_or(|to| finding.end <= to);
        self.values.iter().find(holds).map(|value| &*value.key)
    }

    /// All names of a finding.
    pub(super) fn spots<'a>(&'a self, judge: &Judge, finding: &Finding, stands: Stands<'a>) -> Vec<Spot<'a>> {
        let mut spots = Vec::new();
        if !judge.looks_at_fields() {
            return spots;
        }
        let declared = declared(judge);
        if let Some(place) = stands.here
            && let Some(naming) = naming(place)
        {
            // The keys of forms are told by what follows.
            let own = declared == Some(naming) && naming != Naming::Form && stands.path.depth() == 0;
            spots.push(Spot { naming, path: &place.path, exact: own && !place.quoted });
        }
        if let Some(place) = stands.below
            && let Some(naming) = naming(place)
        {
            spots.push(Spot { naming, path: &place.path, exact: false });
        }
        if let Some(path) = self.of(finding) {
            let exact = stands.path.wrappings().iter().all(|wrapping| wrapping.is_escapes());
            spots.push(Spot { naming: Naming::Form, path, exact });
        }
        spots
    }
}

/// A part that holds a text with names of its own has two of them: neither is that of the value.
fn naming(place: &Place) -> Option<Naming> {
    match place.kinds {
        [Some(word), None] if place.within == 0 => Naming::of_carrier(word),
        [_, _] => None,
    }
}

fn declared(judge: &Judge) -> Option<Naming> {
    judge.message().media_type.as_deref().and_then(Naming::of_media_type)
}
