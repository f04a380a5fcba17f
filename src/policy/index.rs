//! Rules by what they ask of a message: of a thousand vendors' or teams' rules, a message meets those of its own.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use ipnet::IpNet;

use super::Message;
use super::compile::Rule;
use super::hosts::canonical;
use super::scope::{Client, resolve_path};
use crate::flow::Host;
use crate::limits;

/// Rules are numbers, in configuration order.
type Filed<K> = HashMap<K, Vec<usize>>;

/// Where each rule of a policy is to be looked for: under the first of its keys by which it can be told from others.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Those that any message may meet.
    general: Vec<usize>,
    exact: Filed<Host>,
    /// By `.x` of `*.x`.
    below: Filed<Box<str>>,
    networks: Filed<IpNet>,
    /// The families and lengths of these, each once.
    network_kinds: Vec<(bool, u8)>,
    /// Identities and listeners.
    clients: Filed<Box<str>>,
    tenants: Filed<Box<str>>,
    /// Lower case.
    media_types: Filed<Box<str>>,
    /// By `x/` of `x/*`, lower case.
    families: Filed<Box<str>>,
    paths: Filed<Box<str>>,
    /// The lengths of these, each once.
    path_lengths: Vec<usize>,
}

fn file<K: Eq + Hash>(map: &mut Filed<K>, key: K, number: usize) {
    map.entry(key).or_default().push(number);
}

impl Index {
    pub(super) fn of(rules: &[Rule]) -> Index {
        let mut index = Index::default();
        for (number, rule) in rules.iter().enumerate() {
            if !index.put(number, rule) {
                index.general.push(number);
            }
        }
        index.network_kinds.sort_unstable();
        index.network_kinds.dedup();
        index.path_lengths.sort_unstable();
        index.path_lengths.dedup();
        index
    }

    /// Files a rule, unless every message may meet it.
    fn put(&mut self, number: usize, rule: &Rule) -> bool {
        let scope = &rule.scope;
        if let Some(hosts) = scope.destinations().filter(|hosts| hosts.len() <= limits::INDEXED_HOSTS) {
            hosts.exact().for_each(|host| file(&mut self.exact, host.clone(), number));
            hosts.suffixes().for_each(|suffix| file(&mut self.below, suffix.into(), number));
            return true;
        }
        for client in scope.clients() {
            match client {
                Client::Net(network) => {
                    self.network_kinds.push((is_v6(network.addr()), network.prefix_len()));
                    file(&mut self.networks, network.trunc(), number);
                }
                Client::Name(name) => file(&mut self.clients, name.clone(), number),
            }
        }
        if !scope.clients().is_empty() {
            return true;
        }
        scope.tenants().iter().for_each(|tenant| file(&mut self.tenants, tenant.clone(), number));
        if !scope.tenants().is_empty() {
            return true;
        }
        for wanted in scope.media_types() {
            let wanted = wanted.to_ascii_lowercase();
            match wanted.strip_suffix('*') {
                Some(family) => file(&mut self.families, family.into(), number),
                None => file(&mut self.media_types, wanted.into(), number),
            }
        }
        if !scope.media_types().is_empty() {
            return true;
        }
        for prefix in scope.paths() {
            self.path_lengths.push(prefix.len());
            file(&mut self.paths, prefix.clone(), number);
        }
        !scope.paths().is_empty()
    }

    /// Every rule that may look at a message, in configuration order; the rest of its scope is still to be asked.
    pub(super) fn candidates(&self, message: &Message) -> Cow<'_, [usize]> {
        let mut named: Vec<usize> = Vec::new();
        let mut add = |found: Option<&Vec<usize>>| named.extend(found.into_iter().flatten());
        let host = &message.destination.host;
        if !self.exact.is_empty() {
            add(self.exact.get(&canonical(host.clone())));
        }
        if let (Host::Name(name), false) = (host, self.below.is_empty()) {
            let suffixes = name.match_indices('.').filter_map(|(at, _)| name.get(at..));
            suffixes.for_each(|suffix| add(self.below.get(suffix)));
        }
        let client = message.client.ip.to_canonical();
        for (_, length) in self.network_kinds.iter().filter(|(v6, _)| *v6 == is_v6(client)) {
            add(IpNet::new(client, *length).ok().and_then(|network| self.networks.get(&network.trunc())));
        }
        if !self.clients.is_empty() {
            add(self.clients.get(&*message.listener));
            add(message.identity.as_ref().and_then(|identity| self.clients.get(&**identity)));
        }
        if !self.tenants.is_empty() {
            add(self.tenants.get(&*message.tenant));
        }
        if let (Some(stated), false) =
            (&message.media_type, self.media_types.is_empty() && self.families.is_empty())
        {
            let stated = stated.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            add(self.media_types.get(stated.as_str()));
            let family = stated.find('/').and_then(|at| stated.get(..=at));
            add(family.and_then(|family| self.families.get(family)));
        }
        if !self.path_lengths.is_empty() {
            let (path, resolved) = (&*message.path, resolve_path(&message.path));
            for length in &self.path_lengths {
                let begins = |path: &str| path.get(..*length).and_then(|prefix| self.paths.get(prefix));
                add(begins(path));
                add(begins(&resolved));
            }
        }
        if named.is_empty() {
            return Cow::Borrowed(&self.general);
        }
        named.extend(&self.general);
        named.sort_unstable();
        named.dedup();
        Cow::Owned(named)
    }

    /// All rules for every message: what the index is held to.
    #[cfg(test)]
    pub(super) fn of_none(rules: &[Rule]) -> Index {
        Index { general: (0..rules.len()).collect(), ..Index::default() }
    }
}

const fn is_v6(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(_))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::detect::Confidence;
    use crate::flow::Direction;
    use crate::policy::tally::tests::{detectors, value};
    use crate::policy::tests::{budgets, message, rule};
    use crate::policy::{Action, Policy, PolicySpec, RuleSpec, Tally};

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
            let candidates = policy.index.candidates(&message);
            assert_eq!(*candidates, *expected, "{host}");
            let covering = policy.rules.iter().enumerate().filter(|(_, rule)| rule.scope.covers(&message));
            for (number, _) in covering {
                assert!(candidates.contains(&number), "{host}: rule {number} is missed");
            }
        }
    }

    fn some<T: Clone + std::fmt::Debug + 'static>(
        from: &[T],
        most: usize,
    ) -> impl Strategy<Value = Vec<T>> + use<T> {
        proptest::collection::vec(proptest::sample::select(from.to_vec()), 0..=most)
    }

    const HOSTS: [&str; 6] = ["a.example", "*.example", "*.b.example", "192.0.2.1", "group", "z.b.example"];
    const CLIENTS: [&str; 7] =
        ["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32", "10.1.2.3", "apps", "billing", "0.0.0.0/0"];
    const TYPES: [&str; 4] = ["application/json", "Text/*", "text/HTML", "image/*"];
    const PATHS: [&str; 4] = ["/", "/v1/", "/v1/users", "/\u{e9}/"];

    fn any_rule() -> impl Strategy<Value = RuleSpec> {
        let action =
            proptest::sample::select(vec![Action::Alert, Action::Redact, Action::Block, Action::Allow]);
        let scope = (
            some(&HOSTS, 2),
            some(&CLIENTS, 2),
            some(&["a", "default"], 1),
            some(&TYPES, 2),
            some(&PATHS, 2),
        );
        let counts = (
            some(&["pack.d0", "pack.d1", "*"], 1),
            1u32..4,
            some(&[Direction::Request, Direction::Response], 1),
        );
        (action, scope, counts).prop_map(
            |(action, (hosts, clients, tenants, types, paths), (ids, at_least, way))| {
                let texts = |all: Vec<&str>| all.into_iter().map(str::to_owned).collect::<Vec<_>>();
                let exempts = action == Action::Allow;
                let hosts = if exempts && hosts.is_empty() { vec!["a.example"] } else { hosts };
                RuleSpec {
                    identifiers: if ids.is_empty() { texts(vec!["pack.d0"]) } else { texts(ids) },
                    destinations: texts(hosts),
                    clients: texts(clients),
                    tenants: texts(tenants),
                    media_types: texts(types),
                    paths: texts(paths),
                    direction: way.first().copied(),
                    at_least: if exempts { 1 } else { at_least },
                    ..rule("", action)
                }
            },
        )
    }

    fn any_message() -> impl Strategy<Value = Message> {
        let select = |all: &[&'static str]| proptest::sample::select(all.to_vec());
        (
            select(&["a.example", "q.example", "z.b.example", "::ffff:192.0.2.1", "other.test"]),
            select(&["10.1.2.3", "::ffff:10.9.0.1", "2001:db8::1", "198.51.100.1"]),
            some(&["billing", "x"], 1),
            select(&["a", "default"]),
            select(&["apps", "other"]),
            some(&["application/json; charset=utf-8", " TEXT/html", "text/plain", "text", "image/png"], 1),
            select(&["/", "/v1/users/7", "/v1/../v2", "/v2/%2e%2e/v1/x", "/\u{e9}/x", "/\u{20ac}", ""]),
            proptest::bool::ANY,
        )
            .prop_map(|(host, client, identity, tenant, listener, kind, path, proven)| {
                let mut message = message();
                message.destination.host = host.parse().unwrap();
                message.client.ip = client.parse().unwrap();
                message.identity = identity.first().map(|name| (*name).into());
                message.tenant = tenant.into();
                message.listener = listener.into();
                message.media_type = kind.first().map(|kind| (*kind).into());
                message.path = path.into();
                message.proven = proven;
                message
            })
    }

    proptest! {
        /// The indexed judge and one that asks every rule decide the same.
        #[test]
        fn whatever_the_rules_and_the_message_the_index_changes_no_decision(
            rules in proptest::collection::vec(any_rule(), 0..12),
            message in any_message(),
            findings in proptest::collection::vec((0u16..2, 0u32..4), 1..6),
        ) {
            let rules: Vec<_> = rules.into_iter().enumerate()
                .map(|(number, rule)| RuleSpec { id: format!("r{number}"), ..rule }).collect();
            let groups = vec![("group".to_owned(), vec!["q.example".to_owned(), "*.b.example".to_owned()])];
            let spec = PolicySpec { rules, groups, ..PolicySpec::default() };
            let indexed = Policy::compile_for(spec.clone(), &detectors(2)).unwrap();
            let mut naive = Policy::compile_for(spec, &detectors(2)).unwrap();
            naive.index = Index::of_none(&naive.rules);
            let judged = |policy: &Policy| {
                let mut tally = Tally::new(policy, &budgets().0, &message);
                for (detector, number) in &findings {
                    tally.count(policy, &value(*detector, *number, Confidence::High), &[]);
                }
                let fired: Vec<_> = tally.fired(policy).map(|hit| hit.id.to_string()).collect();
                (tally.action(), fired, tally.may_redact(policy))
            };
            prop_assert_eq!(judged(&indexed), judged(&naive));
        }
    }
}
