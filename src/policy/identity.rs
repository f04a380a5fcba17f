//! Whom an address stands for: an identity, its tenant, its environment.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;

use super::subject::{SubjectName, SubjectPattern};

/// One `[[identity]]` as configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentitySpec {
    pub name: String,
    /// Networks.
    pub clients: Vec<String>,
    /// In place of the listener's.
    pub tenant: Option<String>,
    pub environment: Option<String>,
    /// What its password is hashed to, where it proves itself by one.
    pub password: Option<String>,
    /// Names of certificates that stand for it.
    pub certificates: Vec<String>,
}

/// Who a client is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub name: Arc<str>,
    pub tenant: Option<Arc<str>>,
    pub environment: Option<Arc<str>>,
}

/// All identities.
#[derive(Debug, Default)]
pub(super) struct Directory {
    /// The narrowest network first.
    networks: Vec<(IpNet, Arc<Identity>)>,
    /// Those that prove themselves, by name, with the hash of the password.
    proven: HashMap<Arc<str>, (Arc<Identity>, Box<str>)>,
    /// Those that a certificate names, in the order of configuration.
    certified: Vec<(SubjectPattern, Arc<Identity>)>,
}

impl Directory {
    pub(super) fn compile(identities: &[IdentitySpec], complain: &mut dyn FnMut(String)) -> Directory {
        let mut networks: Vec<(IpNet, Arc<Identity>)> = Vec::new();
        let mut proven = HashMap::new();
        let mut certified: Vec<(SubjectPattern, Arc<Identity>)> = Vec::new();
        for spec in identities {
            let identity = Arc::new(Identity {
                name: spec.name.as_str().into(),
                tenant: spec.tenant.as_deref().map(Arc::from),
                environment: spec.environment.as_deref().map(Arc::from),
            });
            if let Some(hash) = &spec.password {
                proven.insert(Arc::clone(&identity.name), (Arc::clone(&identity), hash.as_str().into()));
            }
            for text in &spec.certificates {
                match SubjectPattern::parse(text) {
                    Ok(pattern) => match certified.iter().find(|(known, _)| *known == pattern) {
                        Some((_, other)) => complain(format!(
                            "certificates of `{text}` stand for both `{}` and `{}`",
                            other.name, identity.name
                        )),
                        None => certified.push((pattern, Arc::clone(&identity))),
                    },
                    Err(why) => complain(why),
                }
            }
            for text in &spec.clients {
                let network = IpNet::from_str(text).or_else(|_| IpAddr::from_str(text).map(IpNet::from));
                match network.map(|network| network.trunc()) {
                    Ok(network) => match networks.iter().find(|(known, _)| *known == network) {
                        Some((_, other)) => complain(format!(
                            "network {network} stands for both `{}` and `{}`",
                            other.name, identity.name
                        )),
                        None => networks.push((network, Arc::clone(&identity))),
                    },
                    Err(_) => complain(format!("`{text}` is not a network such as `10.0.0.0/8`")),
                }
            }
        }
        networks.sort_by_key(|(network, _)| Reverse(network.prefix_len()));
        Directory { networks, proven, certified }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.networks
            .iter()
            .map(|(_, identity)| &*identity.name)
            .chain(self.proven.keys().map(|name| &**name))
            .chain(self.certified.iter().map(|(_, identity)| &*identity.name))
    }

    /// Whom a certificate with these names stands for, and by which of them: the closest tells, of two as close the
    /// one that is configured first.
    pub(super) fn certified<'a>(
        &self,
        names: &'a [SubjectName],
    ) -> Option<(&Arc<Identity>, &'a SubjectName)> {
        let close = |pattern: &SubjectPattern| {
            let all = names.iter().filter_map(|name| Some((pattern.closeness(name)?, name)));
            all.reduce(|best, next| if next.0 > best.0 { next } else { best })
        };
        let all = self.certified.iter().filter_map(|(pattern, identity)| Some((close(pattern)?, identity)));
        let best = all.reduce(|best, next| if next.0.0 > best.0.0 { next } else { best });
        best.map(|((_, name), identity)| (identity, name))
    }

    pub(super) fn of(&self, client: IpAddr) -> Option<&Arc<Identity>> {
        let client = client.to_canonical();
        self.networks.iter().find(|(network, _)| network.contains(&client)).map(|(_, identity)| identity)
    }

    pub(super) fn named(&self, name: &str) -> Option<(&Arc<Identity>, &str)> {
        self.proven.get(name).map(|(identity, hash)| (identity, &**hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(name: &str, clients: &[&str]) -> IdentitySpec {
        let clients = clients.iter().map(|client| (*client).to_owned()).collect();
        IdentitySpec { name: name.to_owned(), clients, ..IdentitySpec::default() }
    }

    #[test]
    fn the_narrowest_network_tells() {
        let all = [spec("wide", &["10.0.0.0/8"]), spec("narrow", &["10.1.0.0/16", "2001:db8::/32"])];
        let directory = Directory::compile(&all, &mut |c| panic!("{c}"));
        let name = |ip: &str| directory.of(ip.parse().unwrap()).map(|identity| identity.name.to_string());
        assert_eq!(name("10.1.2.3").as_deref(), Some("narrow"));
        assert_eq!(name("::ffff:10.2.2.3").as_deref(), Some("wide"));
        assert_eq!(name("2001:db8::7").as_deref(), Some("narrow"));
        assert_eq!(name("192.0.2.1"), None);
    }

    #[test]
    fn the_closest_name_of_a_certificate_tells() {
        let of = |name: &str, certificates: &[&str]| IdentitySpec {
            certificates: certificates.iter().map(|text| (*text).to_owned()).collect(),
            ..spec(name, &[])
        };
        let all = [
            of("all", &["spiffe://c/*", "*.c.test"]),
            of("shop", &["spiffe://c/shop"]),
            of("web", &["w.c.test"]),
        ];
        let directory = Directory::compile(&all, &mut |c| panic!("{c}"));
        let who = |names: &[SubjectName]| {
            directory.certified(names).map(|(identity, name)| format!("{} {name}", identity.name))
        };
        let (uri, dns) =
            (|text: &str| SubjectName::Uri(text.into()), |text: &str| SubjectName::Dns(text.into()));
        assert_eq!(who(&[uri("spiffe://c/shop")]).as_deref(), Some("shop spiffe://c/shop"));
        assert_eq!(who(&[uri("spiffe://c/x"), dns("w.c.test")]).as_deref(), Some("web w.c.test"));
        assert_eq!(who(&[uri("spiffe://c/x")]).as_deref(), Some("all spiffe://c/x"));
        assert_eq!(who(&[uri("spiffe://d/x"), dns("w.d.test")]), None);
        assert_eq!(who(&[]), None);
        let mut complaints = Vec::new();
        Directory::compile(&[of("a", &["x.test", "a b"]), of("b", &["X.test"])], &mut |c| complaints.push(c));
        assert!(complaints[0].contains("no name of a certificate"), "{complaints:?}");
        assert!(complaints[1].contains("both `a` and `b`"), "{complaints:?}");
    }

    #[test]
    fn a_network_is_nobodys_twice() {
        let all = [spec("a", &["10.0.0.0/8", "x"]), spec("b", &["10.3.0.0/8"])];
        let mut complaints = Vec::new();
        Directory::compile(&all, &mut |c| complaints.push(c));
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints.iter().any(|c| c.contains("both `a` and `b`")));
    }
}
