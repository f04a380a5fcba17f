//! The starter policy and the default destination groups: data in the public rule language.

use std::sync::Arc;

use super::raw::{Lists, Raw};
use super::raw_rule::RawRule;
use super::source::Source;
use super::table::{Log, Table};

pub(super) const TEXT: &str = include_str!("starter.toml");

/// Groups and lists of fields that rules may name without defining them.
const PRESETS: &str = include_str!("presets.toml");

/// Name and hosts of a group.
pub(super) type Group = (String, Vec<String>);

/// The starter policy as written.
#[derive(Debug, Default)]
pub(super) struct Starter {
    pub(super) rules: Vec<RawRule>,
    pub(super) groups: Vec<Group>,
    pub(super) presets: Vec<Group>,
    pub(super) fields: Vec<Group>,
}

impl Starter {
    pub(super) fn read(log: &Log) -> Starter {
        let read = |name: &str, text: &str| {
            let source = Arc::new(Source { name: name.to_owned(), text: text.to_owned() });
            Table::document(&source, log).map(Raw::read).unwrap_or_default()
        };
        let (starter, presets) = (read("starter policy", TEXT), read("presets", PRESETS));
        Starter {
            rules: starter.rules,
            groups: groups(starter.destinations),
            presets: groups(presets.destinations),
            fields: groups(presets.fields),
        }
    }
}

fn groups(written: Lists) -> Vec<Group> {
    let plain = |hosts: Vec<super::At<String>>| hosts.into_iter().map(|host| host.value).collect();
    written.into_iter().map(|(name, hosts)| (name.value, plain(hosts))).collect()
}
