//! Which tunnels are opened: all of them, but for what a listener leaves alone and what a bypass exempts.

use std::fmt;
use std::sync::Arc;

use ipnet::IpNet;

use super::hosts::{Groups, HostSet};
use crate::flow::{ClientAddr, Host};
use crate::limits;

/// What is done with bytes in a tunnel that are neither TLS nor HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Opaque {
    #[default]
    Block,
    /// Scanned as they are, both ways.
    Inspect,
    /// Passed on unread, and recorded as that.
    Allow,
}

impl Opaque {
    pub const ALL: [Opaque; 3] = [Opaque::Block, Opaque::Inspect, Opaque::Allow];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Opaque::Block => "block",
            Opaque::Inspect => "inspect",
            Opaque::Allow => "allow",
        }
    }
}

/// Hosts as a configuration names them: patterns and groups.
#[derive(Clone, Default)]
pub struct Hosts {
    words: Vec<String>,
    set: HostSet,
}

impl fmt::Debug for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.words).finish()
    }
}

/// By what was written: groups are compared where they are written.
impl PartialEq for Hosts {
    fn eq(&self, other: &Hosts) -> bool {
        self.words == other.words
    }
}

impl Eq for Hosts {}

impl Hosts {
    /// All complaints at once, each naming the word it is about.
    pub fn compile(words: &[String], groups: &[(String, Vec<String>)]) -> Result<Hosts, Vec<String>> {
        // What is wrong with a group is complained of where groups are compiled.
        let groups = Groups::compile(groups, &mut |_| {});
        let mut complaints = Vec::new();
        let set = groups.resolve(words, &mut |complaint| complaints.push(complaint));
        if complaints.is_empty() { Ok(Hosts { words: words.to_vec(), set }) } else { Err(complaints) }
    }

    #[must_use]
    pub fn contains(&self, host: &Host) -> bool {
        self.set.contains(host)
    }

    /// As they were written, for people.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }
}

/// One `[[bypass]]`.
#[derive(Clone, Debug)]
pub struct Bypass {
    hosts: Hosts,
    clients: Clients,
    grounds: Grounds,
    /// Seconds since the Unix epoch; from here on it is as if it were not written.
    expires: i64,
}

/// Why a tunnel was not opened, for its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grounds {
    pub reason: Arc<str>,
    pub owner: Arc<str>,
}

impl Bypass {
    #[must_use]
    pub fn new(hosts: Hosts, clients: Clients, grounds: Grounds, expires: i64) -> Bypass {
        Bypass { hosts, clients, grounds, expires }
    }

    #[must_use]
    pub fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    #[must_use]
    pub fn grounds(&self) -> &Grounds {
        &self.grounds
    }

    #[must_use]
    pub fn expires(&self) -> i64 {
        self.expires
    }

    fn covers(&self, asked: &Asked<'_>) -> bool {
        asked.now < self.expires
            && self.hosts.contains(asked.host)
            && self.clients.contain(asked.client, asked.listener)
    }
}

/// Whom a bypass is for; empty: everybody.
#[derive(Clone, Debug, Default)]
pub struct Clients {
    pub networks: Vec<IpNet>,
    /// Names of listeners: whoever connects there.
    pub listeners: Vec<String>,
}

impl Clients {
    fn contain(&self, client: ClientAddr, listener: &str) -> bool {
        let all = self.networks.is_empty() && self.listeners.is_empty();
        all || self.networks.iter().any(|network| network.contains(&client.ip.to_canonical()))
            || self.listeners.iter().any(|name| name == listener)
    }
}

/// What a client asks for with its first TLS message.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The name in its hello, which is also where its tunnel goes.
    pub host: &'a Host,
    pub client: ClientAddr,
    pub listener: &'a str,
    /// Whether the hello hides, or could hide, another name than the one it shows.
    pub veiled: bool,
    /// Seconds since the Unix epoch.
    pub now: i64,
}

/// What is done with a tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interception {
    /// It is opened and inspected.
    Intercept,
    /// It passes unopened, for a reason that its record names.
    Bypass(Grounds),
    /// It passes unopened: its listener opens what it lists, and this host is not listed.
    NotListed,
}

/// Which tunnels of which listeners are opened.
#[derive(Clone, Debug, Default)]
pub struct Interceptions {
    pub bypasses: Vec<Bypass>,
    /// Listeners that open listed hosts alone, by name.
    pub listed: Vec<(Arc<str>, Hosts)>,
    pub opaque: Opaque,
}

impl Interceptions {
    /// A hello that may hide its name is opened, whatever name it shows: what is exempt is a host, not a claim.
    #[must_use]
    pub fn decide(&self, asked: &Asked<'_>) -> Interception {
        if asked.veiled {
            return Interception::Intercept;
        }
        if let Some(bypass) = self.bypasses.iter().find(|bypass| bypass.covers(asked)) {
            return Interception::Bypass(bypass.grounds.clone());
        }
        let listed = self.listed.iter().find(|(listener, _)| **listener == *asked.listener);
        match listed {
            Some((_, hosts)) if !hosts.contains(asked.host) => Interception::NotListed,
            Some(_) | None => Interception::Intercept,
        }
    }

    /// How far the bypasses are in their lives at `now`, in seconds since the Unix epoch.
    #[must_use]
    pub fn terms(&self, now: i64) -> BypassTerms<'_> {
        let mut terms = BypassTerms::default();
        for bypass in &self.bypasses {
            match bypass.expires.saturating_sub(now) {
                ..=0 => terms.expired.push(bypass),
                left if left <= limits::BYPASS_WARNING.as_secs().cast_signed() => terms.expiring.push(bypass),
                _ => terms.in_force.push(bypass),
            }
        }
        terms
    }

    /// Whether any tunnel could pass unopened on this listener: if none can, no hello needs to be read for it.
    #[must_use]
    pub fn may_bypass(&self, listener: &str) -> bool {
        !self.bypasses.is_empty() || self.listed.iter().any(|(name, _)| **name == *listener)
    }
}

/// Bypasses by what is left of their lives.
#[derive(Clone, Debug, Default)]
pub struct BypassTerms<'a> {
    pub in_force: Vec<&'a Bypass>,
    /// In force, but not for long: somebody must decide.
    pub expiring: Vec<&'a Bypass>,
    pub expired: Vec<&'a Bypass>,
}

impl BypassTerms<'_> {
    /// A sentence for each bypass that somebody should look at.
    #[must_use]
    pub fn warnings(&self, now: i64) -> Vec<String> {
        let shown = |bypass: &Bypass| {
            format!("bypass of {} (owner: {})", bypass.hosts.words.join(", "), bypass.grounds.owner)
        };
        let soon = self.expiring.iter().map(|bypass| {
            let days = bypass.expires.saturating_sub(now) / 86_400;
            format!("{} expires in {days} days", shown(bypass))
        });
        let over = self
            .expired
            .iter()
            .map(|bypass| format!("{} has expired: its hosts are intercepted", shown(bypass)));
        soon.chain(over).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn hosts(words: &[&str]) -> Hosts {
        let groups = vec![("banks".to_owned(), vec!["*.bank.example".to_owned()])];
        Hosts::compile(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), &groups).unwrap()
    }

    fn bypass(words: &[&str], clients: Clients) -> Bypass {
        let grounds = Grounds { reason: "pinned".into(), owner: "payments".into() };
        Bypass::new(hosts(words), clients, grounds, 10 * DAY)
    }

    #[test]
    fn a_bypass_covers_its_hosts_for_its_clients_until_it_expires() {
        let tills =
            Clients { networks: vec!["10.0.0.0/8".parse().unwrap()], listeners: vec!["tills".to_owned()] };
        let ways = Interceptions {
            bypasses: vec![bypass(&["*.pin.example"], tills), bypass(&["banks"], Clients::default())],
            ..Interceptions::default()
        };
        let cases = [
            ("a.pin.example", "10.1.2.3", "apps", false, 0, true),
            ("a.pin.example", "192.0.2.1", "apps", false, 0, false),
            ("a.pin.example", "192.0.2.1", "tills", false, 0, true),
            ("pin.example", "10.1.2.3", "apps", false, 0, false),
            ("a.pin.example", "10.1.2.3", "apps", true, 0, false),
            ("a.pin.example", "10.1.2.3", "apps", false, 10 * DAY - 1, true),
            ("a.pin.example", "10.1.2.3", "apps", false, 10 * DAY, false),
            ("www.bank.example", "192.0.2.1", "apps", false, 0, true),
        ];
        for (host, ip, listener, veiled, now, bypassed) in cases {
            let host: Host = host.parse().unwrap();
            let client = ClientAddr { ip: ip.parse().unwrap(), port: 1 };
            let decided = ways.decide(&Asked { host: &host, client, listener, veiled, now });
            assert_eq!(decided != Interception::Intercept, bypassed, "{host} {ip} {listener} {veiled} {now}");
        }
        assert!(ways.may_bypass("any"));
    }

    #[test]
    fn a_bypass_is_warned_of_in_time() {
        let ways = Interceptions {
            bypasses: vec![bypass(&["banks"], Clients::default())],
            ..Interceptions::default()
        };
        let at = |now: i64| {
            let terms = ways.terms(now);
            (terms.in_force.len(), terms.expiring.len(), terms.expired.len(), terms.warnings(now))
        };
        assert_eq!(at(-5 * DAY), (1, 0, 0, vec![]));
        let (0, 1, 0, soon) = at(-4 * DAY) else { panic!("expiring") };
        assert_eq!(soon, ["bypass of banks (owner: payments) expires in 14 days"]);
        let (0, 0, 1, over) = at(10 * DAY) else { panic!("expired") };
        assert!(over[0].contains("has expired"), "{over:?}");
    }

    #[test]
    fn a_listener_that_opens_what_it_lists_leaves_the_rest() {
        let ways = Interceptions {
            listed: vec![("pilot".into(), hosts(&["banks", "a.example"]))],
            ..Interceptions::default()
        };
        let decide = |host: &str, listener: &str, veiled| {
            let host: Host = host.parse().unwrap();
            let client = ClientAddr { ip: [10, 0, 0, 1].into(), port: 1 };
            ways.decide(&Asked { host: &host, client, listener, veiled, now: 0 })
        };
        assert_eq!(decide("a.example", "pilot", false), Interception::Intercept);
        assert_eq!(decide("b.example", "pilot", false), Interception::NotListed);
        assert_eq!(decide("b.example", "pilot", true), Interception::Intercept);
        assert_eq!(decide("b.example", "apps", false), Interception::Intercept);
        assert!(ways.may_bypass("pilot") && !ways.may_bypass("apps"));
    }

    #[test]
    fn unknown_groups_and_bad_hosts_are_complaints() {
        let words = ["bank".to_owned(), "a b".to_owned(), "ok.example".to_owned()];
        let complaints = Hosts::compile(&words, &[("banks".to_owned(), vec![])]).unwrap_err();
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints[0].contains("did you mean `banks`"), "{complaints:?}");
    }
}
