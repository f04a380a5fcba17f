//! Rules and destination groups: references resolved, the starter policy joined in.

use std::collections::HashSet;
use std::time::Duration;

use crate::detect::{Confidence, Pack};
use crate::flow::{Host, Scheme};
use crate::limits;
use crate::policy::{Action, Mode, Per, PolicySpec, RuleSpec};
use crate::proxy::ListenerConfig;

use super::check::{listener_names, network};
use super::compiled::sha256;
use super::packs::PackChoice;
use super::raw::{Lists, Texts};
use super::raw_rule::{RawRule, SCHEMES};
use super::source::{At, Place};
use super::starter::{self, Starter};
use super::table::{Log, one_of};
use super::units;

/// Shortest window: below it a rule would count hardly more than a flow.
const MIN_WINDOW: Duration = Duration::from_secs(1);

/// What rules refer to.
pub(super) struct Scene<'a> {
    pub(super) mode: Mode,
    pub(super) unlisted: Action,
    pub(super) starter: bool,
    /// The configuration's text; the policy is named by its hash.
    pub(super) text: &'a str,
    pub(super) listeners: &'a [ListenerConfig],
    pub(super) packs: &'a [At<PackChoice>],
}

/// Where a rule of the policy was written, for complaints made when it is compiled.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) place: Place,
    pub(super) keys: Vec<(String, Place)>,
    pub(super) identifiers: Vec<At<String>>,
}

impl Origin {
    /// Where `key` stands, else where the rule begins.
    pub(super) fn place_of(&self, key: &str) -> &Place {
        self.keys.iter().find(|(name, _)| name == key).map_or(&self.place, |(_, place)| place)
    }
}

pub(super) fn check(
    rules: Vec<RawRule>,
    destinations: Lists,
    scene: &Scene<'_>,
    log: &Log,
) -> (PolicySpec, Vec<Origin>) {
    let starter = Starter::read(log);
    let mut all = Vec::new();
    let mut texts = vec![scene.text];
    if scene.starter {
        texts.push(starter::TEXT);
        all.extend(starter.rules.into_iter().filter_map(|rule| covered(rule, scene.packs)));
    }
    all.extend(rules);
    let mut groups = groups(destinations, log);
    for (name, hosts) in starter.groups {
        let wanted = scene.starter || all.iter().any(|rule| names_group(rule, &name));
        if wanted && !groups.iter().any(|(known, _)| *known == name) {
            groups.push((name, hosts));
        }
    }
    let checker = Checker { scene, groups: &groups, log };
    let mut ids = HashSet::new();
    let mut specs = Vec::new();
    let mut origins = Vec::new();
    for rule in all {
        if let Some(id) = rule.id.as_ref().filter(|id| !ids.insert(id.value.clone())) {
            let what = format!("another rule is already named `{}`", id.value);
            log.push(id.place.complain(what).expected("a name of its own"));
        }
        let (spec, origin) = checker.rule(rule);
        specs.push(spec);
        origins.push(origin);
    }
    let spec =
        PolicySpec { mode: scene.mode, groups, rules: specs, unlisted: scene.unlisted, hash: sha256(texts) };
    (spec, origins)
}

/// A starter rule cut to the identifiers of the packs in use; `None` when nothing is left of it.
fn covered(mut rule: RawRule, packs: &[At<PackChoice>]) -> Option<RawRule> {
    let in_use = |id: &str| {
        let pack = id.split('.').next().unwrap_or(id);
        // A pack file may bring any name: its own rules are the user's to write.
        packs.iter().any(|choice| choice.value == PackChoice::BuiltIn(pack_name(pack)))
    };
    let identifiers = rule.identifiers.as_mut()?;
    identifiers.retain(|id| in_use(&id.value));
    (!identifiers.is_empty()).then_some(rule)
}

/// The built-in pack of that name; an empty name when there is none.
fn pack_name(name: &str) -> &'static str {
    Pack::built_in_names().iter().find(|known| **known == name).copied().unwrap_or("")
}

fn names_group(rule: &RawRule, group: &str) -> bool {
    let lists = [&rule.destinations, &rule.except_destinations];
    lists.into_iter().flatten().flatten().any(|name| name.value == group)
}

fn groups(written: Lists, log: &Log) -> Vec<(String, Vec<String>)> {
    let mut groups = Vec::new();
    for (name, hosts) in written {
        if name.value.contains('.') {
            let complaint = name.place.complain(format!("a group may not be named `{}`", name.value));
            log.push(complaint.expected("a name without dots, so that no host is mistaken for a group"));
        }
        for host in hosts.iter().filter(|host| !is_host_pattern(&host.value)) {
            log.push(not_a_host(host));
        }
        groups.push((name.value, hosts.into_iter().map(|host| host.value).collect()));
    }
    groups
}

/// `a.example`, `*.a.example` or an address.
fn is_host_pattern(text: &str) -> bool {
    let name = text.strip_prefix("*.");
    match (name, name.unwrap_or(text).parse::<Host>()) {
        (_, Ok(Host::Name(_))) | (None, Ok(Host::Ip(_))) => true,
        (Some(_), Ok(Host::Ip(_))) | (_, Err(_)) => false,
    }
}

fn not_a_host(text: &At<String>) -> super::Complaint {
    let complaint = text.place.complain(format!("`{}` is not a host", text.value));
    complaint.expected(
        "a host such as \"api.example.com\", \"*.example.com\" (any depth, not itself) or an address",
    )
}

struct Checker<'a> {
    scene: &'a Scene<'a>,
    groups: &'a [(String, Vec<String>)],
    log: &'a Log,
}

impl Checker<'_> {
    fn rule(&self, rule: RawRule) -> (RuleSpec, Origin) {
        self.counting(&rule);
        self.exemption(&rule);
        for list in [&rule.destinations, &rule.except_destinations] {
            self.each(list, |text| self.destination(text));
        }
        self.each(&rule.clients, |text| self.client(text));
        self.each(&rule.tenants, |text| self.tenant(text));
        self.each(&rule.methods, |text| self.method(text));
        self.each(&rule.paths, |text| self.path(text));
        self.each(&rule.media_types, |text| self.media_type(text));
        self.each(&rule.status, |text| self.status(text));
        self.each(&rule.schemes, |text| self.scheme(text));
        self.applicable(&rule);
        let origin = Origin {
            place: rule.place,
            keys: rule.keys,
            identifiers: rule.identifiers.clone().unwrap_or_default(),
        };
        let spec = RuleSpec {
            id: rule.id.map_or_else(String::new, |id| id.value),
            identifiers: plain(rule.identifiers),
            action: rule.action.map_or(Action::Alert, |action| action.value),
            direction: rule.direction.and_then(|direction| direction.value),
            destinations: plain(rule.destinations),
            except_destinations: plain(rule.except_destinations),
            clients: plain(rule.clients),
            tenants: plain(rule.tenants),
            methods: plain(rule.methods),
            paths: plain(rule.paths),
            media_types: plain(rule.media_types),
            status: plain(rule.status),
            schemes: plain(rule.schemes),
            confidence: rule.confidence.map_or(Confidence::Medium, |confidence| confidence.value),
            at_least: rule.at_least.map_or(1, |count| count.value),
            at_least_bytes: rule.at_least_bytes.map(|bytes| bytes.value),
            per: rule.per.map_or(Per::Flow, |per| per.value),
            window: rule.window.map(|window| window.value),
            enforce_percent: 100,
            expires_ms: None,
            mode: rule.mode.map(|mode| mode.value),
        };
        (spec, origin)
    }

    fn each(&self, list: &Texts, check: impl Fn(&At<String>) -> Option<super::Complaint>) {
        for complaint in list.iter().flatten().filter_map(check) {
            self.log.push(complaint);
        }
    }

    /// What a threshold counts, and over what.
    fn counting(&self, rule: &RawRule) {
        let over_flows = rule.per.as_ref().filter(|per| per.value != Per::Flow);
        match (over_flows, &rule.window) {
            (None, Some(window)) => {
                let what = "a window needs to know over what it counts";
                self.log.push(
                    window.place.complain(what).expected("per = \"client\", \"tenant\" or \"destination\""),
                );
            }
            (Some(per), None) => {
                let what = "what is counted over flows needs a window";
                self.log.push(per.place.complain(what).expected("window = \"1h\""));
            }
            (Some(_), Some(window)) if !(MIN_WINDOW..=limits::WINDOW_MAX).contains(&window.value) => {
                let what = format!("{} is out of range", units::show_duration(window.value));
                let range = [MIN_WINDOW, limits::WINDOW_MAX].map(units::show_duration).join(" to ");
                self.log.push(window.place.complain(what).expected(range));
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        let Some(bytes) = &rule.at_least_bytes else { return };
        let complain = |what: &str, expected: &str| {
            self.log.push(bytes.place.complain(what).expected(expected));
        };
        if over_flows.is_none() {
            complain("bytes are counted over flows", "per and window beside it");
        }
        if rule.at_least.is_some() || rule.identifiers.is_some() {
            complain("a rule counts values or bytes", "no identifiers and no at_least beside at_least_bytes");
        }
        if rule.action.as_ref().is_some_and(|action| matches!(action.value, Action::Redact | Action::Allow)) {
            complain("bytes can be told of or stopped", "action = \"alert\" or \"block\"");
        }
    }

    /// An `allow` rule exempts named destinations and counts nothing.
    fn exemption(&self, rule: &RawRule) {
        if rule.action.as_ref().is_none_or(|action| action.value != Action::Allow) {
            return;
        }
        if rule.destinations.as_ref().is_none_or(Vec::is_empty) {
            let what = "an exemption must name its destinations";
            let expected = "destinations = [\"…\"]: action = \"allow\" exempts what goes there, nothing else";
            self.log.push(rule.place_of("destinations").complain(what).expected(expected));
        }
        let counts = [rule.at_least.as_ref().map(|at| &at.place), rule.window.as_ref().map(|at| &at.place)];
        for place in counts.into_iter().flatten() {
            let what = "an exemption takes no threshold";
            self.log
                .push(place.complain(what).expected("no at_least, per or window beside action = \"allow\""));
        }
    }

    /// Keys that could never match together.
    fn applicable(&self, rule: &RawRule) {
        let request =
            rule.direction.as_ref().filter(|way| way.value == Some(crate::flow::Direction::Request));
        if let (Some(_), Some(first)) = (request, rule.status.iter().flatten().next()) {
            let what = "a request has no status: this rule would never match";
            self.log.push(first.place.complain(what).expected("direction = \"response\", or no status"));
        }
    }

    fn destination(&self, text: &At<String>) -> Option<super::Complaint> {
        let groups = || self.groups.iter().map(|(name, _)| name.as_str());
        if groups().any(|name| name == text.value) {
            return None;
        }
        if !is_host_pattern(&text.value) {
            return Some(not_a_host(text).meant(&text.value, groups()));
        }
        let is_group_like = !text.value.contains(['.', ':']) && text.value != "localhost";
        is_group_like.then(|| {
            let complaint = text.place.complain(format!("there is no group `{}`", text.value));
            let known = one_of(&groups().collect::<Vec<_>>());
            let expected = format!("a host, or a group of [destinations]: {known}");
            complaint.expected(expected).meant(&text.value, groups())
        })
    }

    fn client(&self, text: &At<String>) -> Option<super::Complaint> {
        let known = self.scene.listeners.iter().any(|listener| *listener.name == *text.value);
        (!known && network(&text.value).is_none()).then(|| {
            let complaint =
                text.place.complain(format!("`{}` is neither a network nor a listener", text.value));
            let expected = format!(
                "a CIDR such as \"10.0.0.0/8\", or a listener: {}",
                listener_names(self.scene.listeners)
            );
            complaint
                .expected(expected)
                .meant(&text.value, self.scene.listeners.iter().map(|known| &*known.name))
        })
    }

    fn tenant(&self, text: &At<String>) -> Option<super::Complaint> {
        let tenants = || self.scene.listeners.iter().map(|listener| &*listener.tenant);
        (!tenants().any(|known| *known == *text.value)).then(|| {
            let complaint = text.place.complain(format!("no listener serves tenant `{}`", text.value));
            complaint.expected(one_of(&tenants().collect::<Vec<_>>())).meant(&text.value, tenants())
        })
    }

    fn method(&self, text: &At<String>) -> Option<super::Complaint> {
        let is_token =
            text.value.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"-_".contains(&b));
        (!is_token).then(|| {
            let complaint = text.place.complain(format!("`{}` is not a method", text.value));
            complaint.expected("a method in capitals, such as \"POST\"")
        })
    }

    fn path(&self, text: &At<String>) -> Option<super::Complaint> {
        (!text.value.starts_with('/')).then(|| {
            let complaint = text.place.complain(format!("`{}` is not a path", text.value));
            complaint.expected("a prefix that begins with a slash, such as \"/v1/\"")
        })
    }

    fn media_type(&self, text: &At<String>) -> Option<super::Complaint> {
        let parts =
            text.value.split('/').filter(|part| !part.is_empty() && !part.contains([' ', ';'])).count();
        (parts != 2).then(|| {
            let complaint = text.place.complain(format!("`{}` is not a media type", text.value));
            complaint.expected("a media type without parameters, such as \"application/json\"")
        })
    }

    fn status(&self, text: &At<String>) -> Option<super::Complaint> {
        let class =
            text.value.strip_suffix("xx").is_some_and(|class| matches!(class, "1" | "2" | "3" | "4" | "5"));
        let code = text.value.parse::<u16>().is_ok_and(|code| (100..600).contains(&code));
        (!class && !code).then(|| {
            let complaint = text.place.complain(format!("`{}` is not a status", text.value));
            complaint.expected("a class such as \"4xx\", or a code such as \"503\"")
        })
    }

    fn scheme(&self, text: &At<String>) -> Option<super::Complaint> {
        let known = SCHEMES.map(Scheme::as_str);
        (!known.contains(&text.value.as_str())).then(|| {
            let complaint = text.place.complain(format!("unknown word `{}`", text.value));
            complaint.expected(one_of(&known)).meant(&text.value, known)
        })
    }
}

fn plain(texts: Texts) -> Vec<String> {
    texts.unwrap_or_default().into_iter().map(|text| text.value).collect()
}
