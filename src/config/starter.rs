//! The starter policy and the default destination groups: data in the public rule language.

use std::sync::Arc;

use super::raw::Raw;
use super::raw_rule::RawRule;
use super::source::Source;
use super::table::{Log, Table};

pub(super) const TEXT: &str = include_str!("starter.toml");

/// The starter policy as written.
#[derive(Debug, Default)]
pub(super) struct Starter {
    pub(super) rules: Vec<RawRule>,
    pub(super) groups: Vec<(String, Vec<String>)>,
}

impl Starter {
    pub(super) fn read(log: &Log) -> Starter {
        let source = Arc::new(Source { name: "starter policy".to_owned(), text: TEXT.to_owned() });
        let Some(raw) = Table::document(&source, log).map(Raw::read) else { return Starter::default() };
        let plain = |hosts: Vec<super::At<String>>| hosts.into_iter().map(|host| host.value).collect();
        let groups = raw.destinations.into_iter().map(|(name, hosts)| (name.value, plain(hosts)));
        Starter { rules: raw.rules, groups: groups.collect() }
    }
}
