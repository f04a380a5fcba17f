//! Rules by the destinations that they name: of a thousand vendors' rules, a message meets those of its own.

use std::borrow::Cow;
use std::collections::HashMap;

use super::compile::Rule;
use super::hosts::canonical;
use crate::flow::Host;
use crate::limits;

/// Where each rule of a policy is to be looked for. Rules are numbers, in configuration order.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Those that any destination may meet.
    general: Vec<usize>,
    exact: HashMap<Host, Vec<usize>>,
    /// By `.x` of `*.x`.
    below: HashMap<Box<str>, Vec<usize>>,
}

impl Index {
    pub(super) fn of(rules: &[Rule]) -> Index {
        let mut index = Index::default();
        for (number, rule) in rules.iter().enumerate() {
            let named = rule.scope.destinations().filter(|hosts| hosts.len() <= limits::INDEXED_HOSTS);
            let Some(hosts) = named else {
                index.general.push(number);
                continue;
            };
            for host in hosts.exact() {
                index.exact.entry(host.clone()).or_default().push(number);
            }
            for suffix in hosts.suffixes() {
                index.below.entry(suffix.into()).or_default().push(number);
            }
        }
        index
    }

    /// Every rule that may look at messages to `host`, in configuration order; the rest of its scope is still to be asked.
    pub(super) fn candidates(&self, host: &Host) -> Cow<'_, [usize]> {
        let canonical = canonical(host.clone());
        let mut named: Vec<usize> = self.exact.get(&canonical).into_iter().flatten().copied().collect();
        if let (Host::Name(name), false) = (host, self.below.is_empty()) {
            let suffixes = name.match_indices('.').filter_map(|(at, _)| name.get(at..));
            named.extend(suffixes.filter_map(|suffix| self.below.get(suffix)).flatten());
        }
        if named.is_empty() {
            return Cow::Borrowed(&self.general);
        }
        named.extend(&self.general);
        named.sort_unstable();
        named.dedup();
        Cow::Owned(named)
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::tally::tests::detectors;
    use crate::policy::tests::{message, rule};
    use crate::policy::{Action, Message, Policy, PolicySpec, RuleSpec};

    #[test]
    fn whatever_covers_a_message_is_a_candidate_and_foreign_vendors_are_none() {
        let lists: [&[&str]; 8] = [
            &[],
            &["a.example"],
            &["*.example"],
            &["*.b.example", "a.example"],
            &["group"],
            &["192.0.2.1"],
            &["c.example", "*.c.example"],
            &["empty"],
        ];
        let rules = lists.iter().enumerate().map(|(number, list)| RuleSpec {
            destinations: list.iter().map(|word| (*word).to_owned()).collect(),
            ..rule(&format!("r{number}"), Action::Block)
        });
        let large = (0..crate::limits::INDEXED_HOSTS + 1).map(|number| format!("h{number}.example"));
        let groups = vec![
            ("group".to_owned(), vec!["a.example".to_owned(), "*.x.example".to_owned()]),
            ("empty".to_owned(), vec![]),
            ("large".to_owned(), large.collect()),
        ];
        let last = RuleSpec { destinations: vec!["large".to_owned()], ..rule("large", Action::Block) };
        let rules: Vec<RuleSpec> = rules.chain([last]).collect();
        let policy =
            Policy::compile_for(PolicySpec { rules, groups, ..PolicySpec::default() }, &detectors(1))
                .unwrap();
        let cases: [(&str, &[usize]); 8] = [
            ("a.example", &[0, 1, 2, 3, 4, 8]),
            ("A.Example.", &[0, 1, 2, 3, 4, 8]),
            ("z.b.example", &[0, 2, 3, 8]),
            ("y.x.example", &[0, 2, 4, 8]),
            ("::ffff:192.0.2.1", &[0, 5, 8]),
            ("d.c.example", &[0, 2, 6, 8]),
            ("h7.example", &[0, 2, 8]),
            ("other.test", &[0, 8]),
        ];
        for (host, expected) in cases {
            let mut message: Message = message();
            message.destination.host = host.parse().unwrap();
            let candidates = policy.index.candidates(&message.destination.host);
            assert_eq!(*candidates, *expected, "{host}");
            let covering = policy.rules.iter().enumerate().filter(|(_, rule)| rule.scope.covers(&message));
            for (number, _) in covering {
                assert!(candidates.contains(&number), "{host}: rule {number} is missed");
            }
        }
    }
}
