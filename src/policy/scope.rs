//! Which messages a rule looks at.

use std::borrow::Cow;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use super::hosts::{Groups, HostSet};
use super::{Action, Message, RuleSpec};
use crate::flow::{Direction, Scheme};

/// A client as a rule names it.
#[derive(Clone, Debug)]
pub(super) enum Client {
    Net(IpNet),
    /// A listener or an identity.
    Name(Box<str>),
}

/// `404`, or `4xx`.
#[derive(Clone, Copy, Debug)]
enum Status {
    Code(u16),
    Class(u16),
}

/// The conditions of one rule that concern the message. An empty list is no condition.
#[derive(Debug)]
pub(super) struct Scope {
    direction: Option<Direction>,
    /// `None`: all. A group without hosts matches nothing.
    destinations: Option<HostSet>,
    except: HostSet,
    clients: Vec<Client>,
    tenants: Vec<Box<str>>,
    environments: Vec<Box<str>>,
    methods: Vec<Box<str>>,
    paths: Vec<Box<str>>,
    media_types: Vec<Box<str>>,
    status: Vec<Status>,
    schemes: Vec<Scheme>,
    /// Whether a match works in the client's favour: what only the client claims then counts for nothing.
    grants: bool,
}

impl Scope {
    pub(super) fn compile(
        rule: &RuleSpec,
        groups: &Groups,
        complain: &mut dyn FnMut(&'static str, String),
    ) -> Scope {
        let destinations = groups.resolve(&rule.destinations, &mut |c| complain("destinations", c));
        let except = groups.resolve(&rule.except_destinations, &mut |c| complain("except_destinations", c));
        if rule.action == Action::Allow && rule.destinations.is_empty() {
            let why = "`allow` is an exemption and needs the destinations that it holds for".to_owned();
            complain("destinations", why);
        }
        if !rule.status.is_empty() && rule.direction == Some(Direction::Request) {
            complain("status", "a request has no status; set `direction = \"response\"`".to_owned());
        }
        let boxed = |words: &[String]| words.iter().map(|word| word.as_str().into()).collect();
        Scope {
            direction: rule.direction,
            destinations: (!rule.destinations.is_empty()).then_some(destinations),
            except,
            clients: clients(&rule.clients, &mut |c| complain("clients", c)),
            tenants: boxed(&rule.tenants),
            environments: boxed(&rule.environments),
            methods: boxed(&rule.methods),
            paths: each(&rule.paths, path_prefix, &mut |c| complain("paths", c)),
            media_types: each(&rule.media_types, media_type, &mut |c| complain("media_types", c)),
            status: each(&rule.status, status, &mut |c| complain("status", c)),
            schemes: each(&rule.schemes, scheme, &mut |c| complain("schemes", c)),
            grants: rule.action == Action::Allow,
        }
    }

    /// The hosts that it names; `None`: all.
    pub(super) fn destinations(&self) -> Option<&HostSet> {
        self.destinations.as_ref()
    }

    pub(super) fn clients(&self) -> &[Client] {
        &self.clients
    }

    pub(super) fn tenants(&self) -> &[Box<str>] {
        &self.tenants
    }

    pub(super) fn media_types(&self) -> &[Box<str>] {
        &self.media_types
    }

    /// Prefixes.
    pub(super) fn paths(&self) -> &[Box<str>] {
        &self.paths
    }

    pub(super) fn covers(&self, message: &Message) -> bool {
        self.misses(message).is_none()
    }

    /// The first key by which the rule does not look at a message.
    pub(super) fn misses(&self, message: &Message) -> Option<&'static str> {
        let unless = |fits: bool, key: &'static str| if fits { None } else { Some(key) };
        unless(self.direction.is_none_or(|direction| direction == message.direction), "direction")
            .or_else(|| unless(any(&self.schemes, |scheme| *scheme == message.destination.scheme), "schemes"))
            .or_else(|| unless(any(&self.tenants, |tenant| **tenant == *message.tenant), "tenants"))
            .or_else(|| {
                let environment = message.environment.as_deref();
                unless(any(&self.environments, |label| environment == Some(&**label)), "environments")
            })
            .or_else(|| {
                let method = &message.method;
                unless(any(&self.methods, |known| known.eq_ignore_ascii_case(method)), "methods")
            })
            .or_else(|| {
                let answered = |status: &Status| message.status.is_some_and(|code| status.matches(code));
                unless(any(&self.status, answered), "status")
            })
            .or_else(|| unless(any(&self.clients, |client| client.matches(message)), "clients"))
            .or_else(|| unless(self.covers_media_type(message), "media_types"))
            .or_else(|| unless(self.covers_destination(message), "destinations"))
            .or_else(|| unless(self.covers_path(&message.path), "paths"))
    }

    /// A name that is only claimed earns nothing: it neither exempts nor falls under an exception. A rule that
    /// restricts does bite it, since claiming a restricted name is no way out either.
    fn covers_destination(&self, message: &Message) -> bool {
        let host = &message.destination.host;
        let named = self
            .destinations
            .as_ref()
            .is_none_or(|hosts| hosts.contains(host) && (message.proven || !self.grants));
        let excepted = self.except.contains(host) && (message.proven || self.grants);
        named && !excepted
    }

    /// Origins resolve dots and escapes before they route: a rule that restricts looks at both spellings, one
    /// that grants needs both.
    fn covers_path(&self, path: &str) -> bool {
        if self.paths.is_empty() {
            return true;
        }
        let resolved = resolve_path(path);
        let begins = |path: &str| self.paths.iter().any(|prefix| path.starts_with(&**prefix));
        if self.grants { begins(path) && begins(&resolved) } else { begins(path) || begins(&resolved) }
    }

    fn covers_media_type(&self, message: &Message) -> bool {
        if self.media_types.is_empty() {
            return true;
        }
        let Some(stated) = &message.media_type else { return false };
        let stated = stated.split(';').next().unwrap_or_default().trim();
        self.media_types.iter().any(|wanted| match wanted.strip_suffix('*') {
            Some(family) => {
                stated.get(..family.len()).is_some_and(|start| start.eq_ignore_ascii_case(family))
            }
            None => stated.eq_ignore_ascii_case(wanted),
        })
    }
}

/// Whether one of `wanted` holds, or nothing is wanted.
fn any<T>(wanted: &[T], holds: impl FnMut(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(holds)
}

impl Client {
    pub(super) fn matches(&self, message: &Message) -> bool {
        match self {
            Client::Net(net) => net.contains(&message.client.ip.to_canonical()),
            Client::Name(name) => *message.listener == **name || message.identity.as_deref() == Some(&**name),
        }
    }
}

impl Status {
    fn matches(self, code: u16) -> bool {
        match self {
            Status::Code(wanted) => wanted == code,
            Status::Class(wanted) => wanted == code / 100,
        }
    }
}

/// Clients as rules name them.
pub(super) fn clients(words: &[String], complain: &mut dyn FnMut(String)) -> Vec<Client> {
    each(words, client, complain)
}

/// Reads each word, and complains of those that cannot be read.
fn each<T>(
    words: &[String],
    read: impl Fn(&str) -> Result<T, String>,
    complain: &mut dyn FnMut(String),
) -> Vec<T> {
    words.iter().filter_map(|word| read(word).map_err(&mut *complain).ok()).collect()
}

fn client(word: &str) -> Result<Client, String> {
    if let Ok(ip) = IpAddr::from_str(word) {
        return Ok(Client::Net(IpNet::from(ip.to_canonical())));
    }
    if let Ok(net) = IpNet::from_str(word) {
        return Ok(Client::Net(net));
    }
    let looks_like_net = word.contains('/') && word.starts_with(|c: char| c.is_ascii_digit() || c == ':');
    if word.is_empty() || looks_like_net {
        return Err(format!(
            "`{word}` is neither a network such as `10.0.0.0/8`, nor a listener or identity"
        ));
    }
    Ok(Client::Name(word.into()))
}

fn path_prefix(word: &str) -> Result<Box<str>, String> {
    if word.starts_with('/') {
        Ok(word.into())
    } else {
        Err(format!("path prefix `{word}` must start with `/`"))
    }
}

fn media_type(word: &str) -> Result<Box<str>, String> {
    let is_token = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    match word.split_once('/') {
        Some((family, kind)) if is_token(family) && (kind == "*" || is_token(kind)) => Ok(word.into()),
        Some(_) | None => {
            Err(format!("`{word}` is not a media type; expected `application/json` or `text/*`"))
        }
    }
}

fn status(word: &str) -> Result<Status, String> {
    let bad = || format!("`{word}` is not a status; expected `404` or `4xx`");
    if let Some(class) = word.strip_suffix("xx") {
        return match class.parse() {
            Ok(class @ 1..=5) => Ok(Status::Class(class)),
            Ok(_) | Err(_) => Err(bad()),
        };
    }
    match word.parse() {
        Ok(code @ 100..=599) => Ok(Status::Code(code)),
        Ok(_) | Err(_) => Err(bad()),
    }
}

fn scheme(word: &str) -> Result<Scheme, String> {
    [Scheme::Http, Scheme::Https]
        .into_iter()
        .find(|scheme| scheme.as_str() == word)
        .ok_or_else(|| format!("`{word}` is not a scheme; expected `http` or `https`"))
}

/// The path as an origin is likely to read it: escapes undone, dot segments and empty segments resolved
/// (RFC 3986, section 5.2.4).
pub(super) fn resolve_path(path: &str) -> Cow<'_, str> {
    let path = path.split('?').next().unwrap_or_default();
    if !path.contains('%') && !path.contains("//") && !path.contains("/.") && !path.contains('\\') {
        return Cow::Borrowed(path);
    }
    let decoded = unescape(path);
    let mut segments: Vec<&str> = Vec::new();
    for segment in decoded.split(['/', '\\']) {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    let slash = if decoded.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    Cow::Owned(format!("/{}{slash}", segments.join("/")))
}

fn unescape(path: &str) -> String {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = after
            .first_chunk::<2>()
            .filter(|pair| byte == b'%' && pair.iter().all(u8::is_ascii_hexdigit))
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match escaped {
            Some(byte) => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::tests::{message, rule};

    /// A message changed in one way, and whether the rule covers it.
    type Case<'a> = (&'a dyn Fn(&mut Message), bool);

    /// A rule changed in one way, asked for each message.
    fn covers(change: impl Fn(&mut RuleSpec), cases: &[Case<'_>]) {
        let groups =
            Groups::compile(&[("partners".into(), vec!["*.partner.example".into()])], &mut |c| panic!("{c}"));
        let mut spec = rule("r", Action::Block);
        change(&mut spec);
        let scope = Scope::compile(&spec, &groups, &mut |key, c| panic!("{key}: {c}"));
        for (index, (adjust, expected)) in cases.iter().enumerate() {
            let mut message = message();
            adjust(&mut message);
            assert_eq!(scope.covers(&message), *expected, "case {index} of {spec:?}");
        }
    }

    fn to(host: &'static str, proven: bool) -> impl Fn(&mut Message) {
        move |message| {
            message.destination.host = host.parse().unwrap();
            message.proven = proven;
        }
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_name_counts_in_favour_only_when_proven() {
        let partner = words(&["partners"]);
        // Restricting: bites the name, proven or claimed.
        covers(
            |rule| rule.destinations = partner.clone(),
            &[
                (&to("a.partner.example", true), true),
                (&to("a.partner.example", false), true),
                (&to("partner.example", true), false),
            ],
        );
        // An exception: only for the proven name.
        covers(
            |rule| rule.except_destinations = partner.clone(),
            &[
                (&to("a.partner.example", true), false),
                (&to("a.partner.example", false), true),
                (&to("other.example", true), true),
            ],
        );
        // An exemption: only for the proven name; its exceptions hold even when claimed.
        covers(
            |rule| {
                rule.action = Action::Allow;
                rule.destinations = partner.clone();
                rule.except_destinations = words(&["x.partner.example"]);
            },
            &[
                (&to("a.partner.example", true), true),
                (&to("a.partner.example", false), false),
                (&to("x.partner.example", true), false),
                (&to("x.partner.example", false), false),
            ],
        );
    }

    #[test]
    fn a_group_without_hosts_matches_nothing() {
        let groups = Groups::compile(&[("none".into(), vec![])], &mut |c| panic!("{c}"));
        let mut spec = rule("r", Action::Block);
        spec.destinations = words(&["none"]);
        let scope = Scope::compile(&spec, &groups, &mut |key, c| panic!("{key}: {c}"));
        assert!(!scope.covers(&message()));
    }

    #[test]
    fn each_condition_narrows() {
        covers(
            |rule| rule.direction = Some(Direction::Response),
            &[(&|_| (), false), (&|m| m.direction = Direction::Response, true)],
        );
        covers(
            |rule| rule.clients = words(&["10.0.0.0/8", "192.0.2.9", "billing", "apps"]),
            &[
                (&|_| (), true),
                (&|m| m.listener = "other".into(), false),
                (&|m| (m.listener, m.identity) = ("other".into(), Some("billing".into())), true),
                (&|m| (m.listener, m.client.ip) = ("other".into(), "10.1.2.3".parse().unwrap()), true),
                (&|m| (m.listener, m.client.ip) = ("other".into(), "::ffff:10.1.2.3".parse().unwrap()), true),
                (&|m| (m.listener, m.client.ip) = ("other".into(), "192.0.2.9".parse().unwrap()), true),
            ],
        );
        covers(|rule| rule.tenants = words(&["a"]), &[(&|_| (), false), (&|m| m.tenant = "a".into(), true)]);
        covers(
            |rule| rule.methods = words(&["PUT", "post"]),
            &[(&|_| (), true), (&|m| m.method = "GET".into(), false)],
        );
        covers(
            |rule| rule.media_types = words(&["application/json", "text/*"]),
            &[
                (&|_| (), true),
                (&|m| m.media_type = Some("Application/JSON; charset=utf-8".into()), true),
                (&|m| m.media_type = Some("TEXT/csv".into()), true),
                (&|m| m.media_type = Some("application/xml".into()), false),
                (&|m| m.media_type = Some("t".into()), false),
                (&|m| m.media_type = None, false),
            ],
        );
        covers(
            |rule| rule.status = words(&["4xx", "500"]),
            &[
                (&|_| (), false),
                (&|m| m.status = Some(404), true),
                (&|m| m.status = Some(500), true),
                (&|m| m.status = Some(503), false),
            ],
        );
        covers(
            |rule| rule.schemes = words(&["http"]),
            &[(&|_| (), false), (&|m| m.destination.scheme = Scheme::Http, true)],
        );
    }

    #[test]
    fn spelling_a_path_differently_is_no_way_around() {
        let paths = [
            "/up/x",
            "/./up/x",
            "//up/x",
            "/%75p/x",
            "/a/../up/x",
            "/a/%2e%2e/up/x",
            "/a\\..\\up/x",
            "/up/../x",
        ];
        let at = |path: &'static str| move |message: &mut Message| message.path = path.into();
        for path in paths {
            covers(|rule| rule.paths = words(&["/up/"]), &[(&at(path), true)]);
        }
        covers(|rule| rule.paths = words(&["/up/"]), &[(&at("/down"), false), (&at("/down?/up/"), false)]);
        let allow = |rule: &mut RuleSpec| {
            rule.action = Action::Allow;
            rule.destinations = words(&["api.example.com"]);
            rule.paths = words(&["/up/"]);
        };
        covers(allow, &[(&at("/up/x"), true), (&at("/up/../x"), false), (&at("/x/../up/"), false)]);
    }

    #[test]
    fn bad_words_are_explained_under_their_key() {
        type Bad<'a> = (&'a str, &'a dyn Fn(&mut RuleSpec));
        let cases: [Bad<'_>; 9] = [
            ("destinations", &|r| r.destinations = words(&["https://x"])),
            ("destinations", &|r| r.action = Action::Allow),
            ("except_destinations", &|r| r.except_destinations = words(&["partnrs"])),
            ("clients", &|r| r.clients = words(&["10.0.0.0/33"])),
            ("paths", &|r| r.paths = words(&["up"])),
            ("media_types", &|r| r.media_types = words(&["json"])),
            ("status", &|r| r.status = words(&["6xx"])),
            ("schemes", &|r| r.schemes = words(&["ftp"])),
            ("status", &|r| (r.status, r.direction) = (words(&["4xx"]), Some(Direction::Request))),
        ];
        for (key, change) in cases {
            let mut spec = rule("r", Action::Block);
            change(&mut spec);
            let mut complaints = Vec::new();
            let _ = Scope::compile(&spec, &Groups::default(), &mut |key, _| complaints.push(key));
            assert_eq!(complaints, [key], "{spec:?}");
        }
    }
}
