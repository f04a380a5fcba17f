//! How a connection to a destination must be protected at least.

use super::hosts::{Groups, HostSet};
use crate::flow::Host;

/// How a connection is protected, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protection {
    Cleartext,
    Tls12,
    Tls13,
}

impl Protection {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Protection::Cleartext => "cleartext",
            Protection::Tls12 => "1.2",
            Protection::Tls13 => "1.3",
        }
    }

    /// What a connection of this TLS version has; `None`: clear text. A version that is not known is taken for the
    /// oldest that the gate speaks.
    #[must_use]
    pub fn of(tls: Option<&str>) -> Protection {
        match tls {
            None => Protection::Cleartext,
            Some("TLSv1.3") => Protection::Tls13,
            Some(_) => Protection::Tls12,
        }
    }
}

/// One `[[transport]]` as configured.
#[derive(Clone, Debug)]
pub struct TransportSpec {
    /// Host patterns or group names; empty: all.
    pub destinations: Vec<String>,
    pub min_tls: Protection,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Transports(Vec<(Option<HostSet>, Protection)>);

impl Transports {
    pub(super) fn compile(
        specs: &[TransportSpec],
        groups: &Groups,
        complain: &mut dyn FnMut(String),
    ) -> Transports {
        let compile = |spec: &TransportSpec| {
            let hosts = groups.resolve(&spec.destinations, complain);
            ((!spec.destinations.is_empty()).then_some(hosts), spec.min_tls)
        };
        Transports(specs.iter().map(compile).collect())
    }

    /// The strongest that any of them asks for.
    pub(super) fn least(&self, host: &Host) -> Protection {
        let holds = |hosts: &Option<HostSet>| hosts.as_ref().is_none_or(|hosts| hosts.contains(host));
        let asked = self.0.iter().filter(|(hosts, _)| holds(hosts)).map(|(_, least)| *least);
        asked.max().unwrap_or(Protection::Cleartext)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_that_is_asked_for_holds() {
        let spec = |destinations: &[&str], min_tls| TransportSpec {
            destinations: destinations.iter().map(|host| (*host).to_owned()).collect(),
            min_tls,
        };
        let specs = [
            spec(&["*.a.example"], Protection::Tls13),
            spec(&[], Protection::Tls12),
            spec(&["b.a.example"], Protection::Tls12),
        ];
        let transports = Transports::compile(&specs, &Groups::default(), &mut |c| panic!("{c}"));
        assert_eq!(transports.least(&"b.a.example".parse().unwrap()), Protection::Tls13);
        assert_eq!(transports.least(&"c.example".parse().unwrap()), Protection::Tls12);
        assert_eq!(Transports::default().least(&"c.example".parse().unwrap()), Protection::Cleartext);
        assert_eq!(Protection::of(Some("TLSv1.2")), Protection::Tls12);
        assert_eq!(Protection::of(None), Protection::Cleartext);
    }
}
