//! Sets of hosts as configuration names them: exact names, `*.x`, addresses, groups.

use std::collections::HashSet;
use std::sync::Arc;

use super::suggest;
use crate::flow::Host;

/// Exact hosts and suffixes.
#[derive(Clone, Debug, Default)]
pub(super) struct HostSet {
    exact: HashSet<Host>,
    /// `.x` of `*.x`, lower case.
    suffixes: Vec<Box<str>>,
}

impl HostSet {
    /// Adds one pattern; the error says what is wrong with it.
    pub(super) fn add(&mut self, pattern: &str) -> Result<(), String> {
        let (name, any_below) = pattern.strip_prefix("*.").map_or((pattern, false), |name| (name, true));
        let bad = |why: &dyn std::fmt::Display| {
            format!(
                "`{pattern}` is not a host ({why}); expected `api.example.com`, `*.example.com` or an address"
            )
        };
        match name.parse::<Host>().map_err(|error| bad(&error))? {
            Host::Name(name) if any_below => self.suffixes.push(format!(".{name}").into_boxed_str()),
            Host::Ip(_) if any_below => return Err(bad(&"nothing stands below an address")),
            host @ (Host::Name(_) | Host::Ip(_)) => {
                self.exact.insert(canonical(host));
            }
        }
        Ok(())
    }

    pub(super) fn exact(&self) -> impl Iterator<Item = &Host> {
        self.exact.iter()
    }

    /// `.x` of each `*.x`.
    pub(super) fn suffixes(&self) -> impl Iterator<Item = &str> {
        self.suffixes.iter().map(|suffix| &**suffix)
    }

    pub(super) fn len(&self) -> usize {
        self.exact.len() + self.suffixes.len()
    }

    /// As they would be written.
    pub(super) fn patterns(&self) -> Vec<String> {
        let exact = self.exact.iter().map(Host::to_string);
        let mut all: Vec<String> =
            exact.chain(self.suffixes.iter().map(|below| format!("*{below}"))).collect();
        all.sort();
        all
    }

    fn extend(&mut self, other: &HostSet) {
        self.exact.extend(other.exact.iter().cloned());
        self.suffixes.extend(other.suffixes.iter().cloned());
    }

    pub(super) fn contains(&self, host: &Host) -> bool {
        match host {
            Host::Name(name) => {
                self.exact.contains(host) || self.suffixes.iter().any(|suffix| name.ends_with(&**suffix))
            }
            Host::Ip(_) => self.exact.contains(&canonical(host.clone())),
        }
    }
}

/// An IPv4 address is the same one when it is written as an IPv6 one.
pub(super) fn canonical(host: Host) -> Host {
    match host {
        Host::Ip(ip) => Host::Ip(ip.to_canonical()),
        name @ Host::Name(_) => name,
    }
}

/// The named groups of `[destinations]`, in configuration order.
#[derive(Debug, Default)]
pub(super) struct Groups(Vec<(Arc<str>, HostSet)>);

impl Groups {
    pub(super) fn compile(groups: &[(String, Vec<String>)], complain: &mut dyn FnMut(String)) -> Groups {
        let mut compiled = Groups::default();
        for (name, patterns) in groups {
            if name.is_empty() || name.contains(['.', ':', '*']) {
                complain(format!(
                    "group name `{name}` could be taken for a host; use letters, digits and dashes"
                ));
            }
            if compiled.get(name).is_some() {
                complain(format!("group `{name}` is defined twice"));
            }
            let mut hosts = HostSet::default();
            for pattern in patterns {
                if let Err(why) = hosts.add(pattern) {
                    complain(format!("group `{name}`: {why}"));
                }
            }
            compiled.0.push((Arc::from(name.as_str()), hosts));
        }
        compiled
    }

    fn get(&self, name: &str) -> Option<&HostSet> {
        self.0.iter().find(|(group, _)| **group == *name).map(|(_, hosts)| hosts)
    }

    pub(super) fn of(&self, host: &Host) -> Option<&Arc<str>> {
        self.0.iter().find(|(_, hosts)| hosts.contains(host)).map(|(name, _)| name)
    }

    /// The hosts that a rule's list of patterns and group names stands for.
    pub(super) fn resolve(&self, words: &[String], complain: &mut dyn FnMut(String)) -> HostSet {
        let mut hosts = HostSet::default();
        for word in words {
            if let Some(group) = self.get(word) {
                hosts.extend(group);
            } else if !word.contains(['.', ':', '*']) && word != "localhost" {
                let hint = suggest::hint(word, self.0.iter().map(|(name, _)| &**name));
                complain(format!("no group `{word}` in [destinations]{hint}"));
            } else if let Err(why) = hosts.add(word) {
                complain(why);
            }
        }
        hosts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(patterns: &[&str]) -> HostSet {
        let mut hosts = HostSet::default();
        patterns.iter().for_each(|pattern| hosts.add(pattern).unwrap());
        hosts
    }

    #[test]
    fn patterns_match_any_depth_below_and_not_the_name_itself() {
        let hosts = set(&["api.Stripe.com", "*.adyen.com", "192.0.2.1", "[2001:db8::1]"]);
        let cases = [
            ("api.stripe.com", true),
            ("API.stripe.COM.", true),
            ("x.api.stripe.com", false),
            ("adyen.com", false),
            ("a.adyen.com", true),
            ("a.b.adyen.com", true),
            ("evil-adyen.com", false),
            ("adyen.com.evil.example", false),
            ("192.0.2.1", true),
            ("::ffff:192.0.2.1", true),
            ("192.0.2.2", false),
            ("2001:db8::1", true),
        ];
        for (host, expected) in cases {
            assert_eq!(hosts.contains(&host.parse().unwrap()), expected, "{host}");
        }
    }

    #[test]
    fn bad_patterns_are_explained() {
        for pattern in
            ["", "*", "*.", "https://x.example", "x.example:443", "a/b", "*.192.0.2.1", "a..b", "*.*.x"]
        {
            let why = HostSet::default().add(pattern).unwrap_err();
            assert!(why.contains("expected"), "{why}");
        }
    }

    #[test]
    fn groups_are_found_in_order_and_misspellings_are_named() {
        let mut complaints = Vec::new();
        let groups = Groups::compile(
            &[
                ("payment-processors".into(), vec!["api.stripe.com".into()]),
                ("vendors".into(), vec!["*.stripe.com".into(), "bad host".into()]),
                ("vendors".into(), vec![]),
                ("a.b".into(), vec![]),
            ],
            &mut |complaint| complaints.push(complaint),
        );
        assert_eq!(complaints.len(), 3, "{complaints:?}");
        assert_eq!(groups.of(&"api.stripe.com".parse().unwrap()).map(|g| &**g), Some("payment-processors"));
        assert_eq!(groups.of(&"x.stripe.com".parse().unwrap()).map(|g| &**g), Some("vendors"));
        assert_eq!(groups.of(&"stripe.com".parse().unwrap()), None);

        let mut complaints = Vec::new();
        let words = ["payment-procesors".to_owned(), "vendors".to_owned(), "a.example".to_owned()];
        let hosts = groups.resolve(&words, &mut |complaint| complaints.push(complaint));
        assert_eq!(
            complaints,
            ["no group `payment-procesors` in [destinations]; did you mean `payment-processors`"]
        );
        assert!(hosts.contains(&"y.stripe.com".parse().unwrap()));
        assert!(hosts.contains(&"a.example".parse().unwrap()));
    }
}
