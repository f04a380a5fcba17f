//! Rules and destination groups: references resolved, the starter policy joined in.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use crate::detect::{Confidence, Pack};
use crate::flow::{Host, Scheme};
use crate::limits;
use crate::policy::{
    Action, IdentitySpec, MaskKind, Mode, Per, PolicySpec, Protection, RuleSpec, TransportSpec,
};
use crate::proxy::ListenerConfig;

use super::check::{listener_names, network};
use super::check_fields::{self, FieldLists};
use super::check_identity;
use super::compiled::sha256;
use super::packs::PackChoice;
use super::raw::{Lists, Texts};
use super::raw_rule::{RawIdentity, RawRule, RawSuppress, RawTransport, SCHEMES};
use super::source::{At, Place};
use super::starter::{self, Starter};
use super::table::{Log, one_of};
use super::units;

/// Shortest window: below it a rule would count hardly more than a flow.
const MIN_WINDOW: Duration = Duration::from_secs(1);
/// Longest id of a rule.
const RULE_ID_BYTES: usize = 128;

/// What rules refer to.
pub(super) struct Scene<'a> {
    pub(super) mode: Mode,
    pub(super) unlisted: Action,
    pub(super) starter: bool,
    /// The configuration's text; the policy is named by its hash.
    pub(super) text: &'a str,
    pub(super) listeners: &'a [ListenerConfig],
    pub(super) packs: &'a [At<PackChoice>],
    /// Relative paths stand against it.
    pub(super) folder: &'a Path,
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

/// What was written of a policy.
pub(super) struct Written {
    pub(super) rules: Vec<RawRule>,
    pub(super) suppressions: Vec<RawSuppress>,
    pub(super) destinations: Lists,
    pub(super) fields: Lists,
    pub(super) identities: Vec<RawIdentity>,
    pub(super) transports: Vec<RawTransport>,
}

pub(super) fn check(written: Written, scene: &Scene<'_>, log: &Log) -> (PolicySpec, Vec<Origin>) {
    let starter = Starter::read(log);
    let mut groups = groups(written.destinations, &starter, log);
    let mut all = Vec::new();
    let mut texts = vec![scene.text];
    if scene.starter {
        texts.push(starter::TEXT);
        all.extend(starter.rules.into_iter().filter_map(|rule| covered(rule, scene.packs)));
    }
    all.extend(written.rules);
    let named: HashSet<String> = all
        .iter()
        .flat_map(|rule| [&rule.destinations, &rule.except_destinations])
        .chain(written.suppressions.iter().map(|raw| &raw.destinations))
        .chain(written.transports.iter().map(|raw| &raw.destinations))
        .flat_map(|list| list.iter().flatten().map(|name| name.value.clone()))
        .collect();
    let presets: Vec<String> = starter.presets.iter().map(|(name, _)| name.clone()).collect();
    let built_in = starter.groups.into_iter().map(|group| (scene.starter, group));
    for (always, (name, hosts)) in built_in.chain(starter.presets.into_iter().map(|group| (false, group))) {
        if (always || named.contains(&name)) && !groups.iter().any(|(known, _)| *known == name) {
            groups.push((name, hosts));
        }
    }
    let identities = check_identity::check(written.identities, scene.folder, log);
    let fields = FieldLists::new(written.fields, starter.fields, log);
    let checker =
        Checker { scene, groups: &groups, presets: &presets, identities: &identities, fields: &fields, log };
    let mut ids = HashSet::new();
    let mut specs = Vec::new();
    let mut origins = Vec::new();
    for rule in all {
        if let Some(id) = rule.id.as_ref().filter(|id| !ids.insert(id.value.clone())) {
            let what = format!("another rule is already named `{}`", id.value);
            log.push(id.place.complain(what).expected("a name of its own"));
        }
        if let Some(id) = rule.id.as_ref().filter(|id| !is_plain_id(&id.value)) {
            let what = format!("`{}` is not a rule's id", id.value.escape_debug());
            let expected = format!("letters, digits, `-`, `_` and `.`, {RULE_ID_BYTES} at most");
            log.push(id.place.complain(what).expected(expected));
        }
        let (spec, origin) = checker.rule(rule);
        specs.push(spec);
        origins.push(origin);
    }
    for raw in written.suppressions {
        let (spec, origin) = checker.suppression(raw);
        specs.push(spec);
        origins.push(origin);
    }
    let transports = written.transports.into_iter().map(|raw| checker.transport(raw)).collect();
    let spec = PolicySpec {
        mode: scene.mode,
        groups,
        rules: specs,
        unlisted: scene.unlisted,
        identities,
        transports,
        hash: sha256(texts),
    };
    (spec, origins)
}

/// It stands in replies, header fields, records, metrics and on terminals.
fn is_plain_id(id: &str) -> bool {
    id.len() <= RULE_ID_BYTES && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
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

fn groups(written: Lists, starter: &Starter, log: &Log) -> Vec<(String, Vec<String>)> {
    let shipped = starter.groups.iter().chain(&starter.presets).map(|(name, _)| name.clone());
    let known: HashSet<String> = written.iter().map(|(name, _)| name.value.clone()).chain(shipped).collect();
    let mut groups = Vec::new();
    for (name, hosts) in written {
        if name.value.contains('.') {
            let complaint = name.place.complain(format!("a group may not be named `{}`", name.value));
            log.push(complaint.expected("a name without dots, so that no host is mistaken for a group"));
        }
        for host in hosts.iter().filter(|host| !is_host_pattern(&host.value)) {
            log.push(not_a_host(host));
        }
        // Taken for a host of one label it would match nothing, and what was to be exempt would not be.
        for group in hosts.iter().filter(|host| known.contains(&host.value)) {
            let what = format!("`{}` is a group, and a group holds hosts alone", group.value);
            log.push(group.place.complain(what).expected("its hosts; a rule may name several groups"));
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
    presets: &'a [String],
    identities: &'a [IdentitySpec],
    fields: &'a FieldLists,
    log: &'a Log,
}

impl Checker<'_> {
    fn rule(&self, rule: RawRule) -> (RuleSpec, Origin) {
        self.counting(&rule);
        self.exemption(&rule);
        self.masking(&rule);
        for list in [&rule.destinations, &rule.except_destinations] {
            self.each(list, |text| self.destination(text));
        }
        self.each(&rule.clients, |text| self.client(text));
        self.each(&rule.tenants, |text| self.tenant(text));
        self.each(&rule.environments, |text| self.environment(text));
        self.each(&rule.methods, |text| self.method(text));
        self.each(&rule.paths, |text| self.path(text));
        self.each(&rule.media_types, |text| self.media_type(text));
        self.each(&rule.status, |text| self.status(text));
        self.each(&rule.schemes, |text| self.scheme(text));
        self.applicable(&rule);
        check_fields::check(&rule, self.log);
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
            fields: self.fields.of(&rule.fields, self.log),
            at_most: rule.at_most.map(|values| values.value),
            confidence: rule.confidence.map_or(Confidence::Medium, |confidence| confidence.value),
            at_least: rule.at_least.map_or(1, |count| count.value),
            at_least_bytes: rule.at_least_bytes.map(|bytes| bytes.value),
            per: rule.per.map_or(Per::Flow, |per| per.value),
            window: rule.window.map(|window| window.value),
            enforce_percent: rule.enforce_percent.map_or(100, |share| share.value),
            mask: rule.mask.map_or(MaskKind::Shape, |mask| mask.value),
            environments: plain(rule.environments),
            expires_ms: rule.grounds.expires_ms.map(|at| at.value),
            owner: rule.grounds.owner.map(|owner| owner.value),
            reason: rule.grounds.reason.map(|reason| reason.value),
            mode: rule.mode.map(|mode| mode.value),
        };
        (spec, origin)
    }

    /// A suppression is an exemption of one identifier, with its grounds.
    fn suppression(&self, raw: RawSuppress) -> (RuleSpec, Origin) {
        self.each(&raw.destinations, |text| self.destination(text));
        if let Some(at) = raw.destinations.as_ref().filter(|list| list.is_empty()).map(|_| &raw.place) {
            log_empty(self.log, at);
        }
        let identifier = raw.identifier.clone().into_iter().collect::<Vec<_>>();
        let ids: Vec<&str> = identifier.iter().map(|id| id.value.as_str()).collect();
        let spec = RuleSpec {
            destinations: plain(raw.destinations),
            expires_ms: raw.grounds.expires_ms.map(|at| at.value),
            owner: raw.grounds.owner.map(|owner| owner.value),
            reason: raw.grounds.reason.map(|reason| reason.value),
            confidence: Confidence::Low,
            ..RuleSpec::new(&raw.place.key, &ids, Action::Allow)
        };
        (spec, Origin { place: raw.place, keys: raw.keys, identifiers: identifier })
    }

    fn transport(&self, raw: RawTransport) -> TransportSpec {
        self.each(&raw.destinations, |text| self.destination(text));
        TransportSpec {
            destinations: plain(raw.destinations),
            min_tls: raw.min_tls.map_or(Protection::Tls12, |least| least.value),
        }
    }

    fn environment(&self, text: &At<String>) -> Option<super::Complaint> {
        let known = || self.identities.iter().filter_map(|identity| identity.environment.as_deref());
        (!known().any(|label| label == text.value)).then(|| {
            let complaint = text.place.complain(format!("no identity has the environment `{}`", text.value));
            complaint.expected(one_of(&known().collect::<Vec<_>>())).meant(&text.value, known())
        })
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

    /// Only what is redacted is masked.
    fn masking(&self, rule: &RawRule) {
        let redacts = rule.action.as_ref().is_none_or(|action| action.value == Action::Redact);
        if let Some(mask) = rule.mask.as_ref().filter(|_| !redacts) {
            let what = "only what is redacted is masked";
            self.log.push(mask.place.complain(what).expected("action = \"redact\" beside a mask"));
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
        if let Some(share) = &rule.enforce_percent {
            let what = "an exemption holds for all or for none";
            self.log
                .push(share.place.complain(what).expected("no enforce_percent beside action = \"allow\""));
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
        let own = || self.groups.iter().map(|(name, _)| name.as_str());
        let groups = || own().chain(self.presets.iter().map(String::as_str));
        if own().any(|name| name == text.value) {
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
        let identities = || self.identities.iter().map(|identity| identity.name.as_str());
        let listeners = || self.scene.listeners.iter().map(|listener| &*listener.name);
        let known = listeners().chain(identities()).any(|name| name == text.value);
        (!known && network(&text.value).is_none()).then(|| {
            let complaint = text
                .place
                .complain(format!("`{}` is neither a network, an identity nor a listener", text.value));
            let expected = format!(
                "a CIDR such as \"10.0.0.0/8\", an [[identity]], or a listener: {}",
                listener_names(self.scene.listeners)
            );
            complaint.expected(expected).meant(&text.value, listeners().chain(identities()))
        })
    }

    fn tenant(&self, text: &At<String>) -> Option<super::Complaint> {
        let tenants = || {
            let served = self.scene.listeners.iter().map(|listener| &*listener.tenant);
            served.chain(self.identities.iter().filter_map(|identity| identity.tenant.as_deref()))
        };
        (!tenants().any(|known| *known == *text.value)).then(|| {
            let complaint =
                text.place.complain(format!("no listener or identity serves tenant `{}`", text.value));
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

fn log_empty(log: &Log, place: &Place) {
    log.push(
        place
            .complain("names no destination")
            .expected("destinations = [\"…\"]: what goes there is suppressed, nothing else"),
    );
}

pub(super) fn plain(texts: Texts) -> Vec<String> {
    texts.unwrap_or_default().into_iter().map(|text| text.value).collect()
}
