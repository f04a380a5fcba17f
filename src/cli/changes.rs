//! What a new configuration changes in the one in force, and what of it lets more pass: for the record of a reload.
//! Words and names of the configuration, never a value; a bounded number of them.

use super::pack_changes::weaker;
use crate::config::Config;
use crate::detect::Pack;
use crate::limits;
use crate::policy::{Action, Interceptions, Mode, Opaque, PolicySpec, RuleSpec};

/// What is different, in the order of the configuration.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// All of it.
    pub(super) changed: Vec<String>,
    /// What of it weakens.
    pub(super) weakens: Vec<String>,
}

impl Changes {
    pub(super) fn between(old: (&Config, &[Pack]), new: (&Config, &[Pack])) -> Changes {
        let ((old, old_packs), (new, new_packs)) = (old, new);
        let mut changes = Changes::default();
        changes.settings(old, new);
        changes.packs(old_packs, new_packs);
        changes.groups((&old.policy, &old.interceptions), (&new.policy, &new.interceptions));
        changes.rules(&old.policy.rules, &new.policy.rules);
        changes.ways(&old.interceptions, &new.interceptions);
        changes.others(&old.policy, &new.policy);
        changes.changed = bounded(changes.changed);
        changes.weakens = bounded(changes.weakens);
        changes
    }

    fn say(&mut self, weakens: bool, what: String) {
        if weakens {
            self.weakens.push(what.clone());
        }
        self.changed.push(what);
    }

    /// One setting whose order of strength is known.
    fn ordered<T: PartialOrd>(&mut self, key: &str, (old, was): (T, &str), (new, is): (T, &str)) {
        if old != new {
            self.say(new < old, format!("{key}: {was} to {is}"));
        }
    }

    /// A list, of which what is new or what is gone weakens.
    fn list(&mut self, key: &str, old: &[String], new: &[String], weakens: bool) {
        if old != new {
            self.say(weakens, format!("{key}: {}", difference(old, new)));
        }
    }

    fn settings(&mut self, old: &Config, new: &Config) {
        let (was, is) = (old.policy.mode, new.policy.mode);
        self.ordered("mode", (was, was.as_str()), (is, is.as_str()));
        let (was, is) = (old.policy.unlisted, new.policy.unlisted);
        self.ordered("egress.unlisted", (was, was.as_str()), (is, is.as_str()));
        let (was, is) = (old.inspect.undecodable, new.inspect.undecodable);
        self.ordered("inspect.undecodable", (was, was.as_str()), (is, is.as_str()));
        let (was, is) = (old.interceptions.opaque, new.interceptions.opaque);
        self.ordered("inspect.opaque", (strength(was), was.as_str()), (strength(is), is.as_str()));
        if old.inspect.hold != new.inspect.hold {
            self.say(false, format!("inspect.hold: {} to {}", old.inspect.hold, new.inspect.hold));
        }
        let names = |config: &Config| -> Vec<String> {
            config.pack_keys.iter().map(|key| key.value.display().to_string()).collect()
        };
        let (was, is) = (names(old), names(new));
        self.list("pack keys", &was, &is, is.is_empty() || gained(&was, &is));
    }

    fn packs(&mut self, old: &[Pack], new: &[Pack]) {
        for pack in new {
            match old.iter().find(|was| was.name == pack.name) {
                None => self.say(false, format!("pack {} new", pack.name)),
                Some(was) if was.hash != pack.hash => {
                    self.say(false, format!("pack {}: {} to {}", pack.name, was.version, pack.version));
                    let ids = |pack: &Pack| -> Vec<String> {
                        pack.definitions.iter().map(|detector| detector.id.get_ref().clone()).collect()
                    };
                    let (was, is) = (ids(was), ids(pack));
                    if lost(&was, &is) {
                        self.weakens.push(format!("pack {}: {}", pack.name, difference(&was, &is)));
                    }
                }
                Some(_) => {}
            }
        }
        for gone in old.iter().filter(|old| !new.iter().any(|new| new.name == old.name)) {
            self.say(true, format!("pack {} gone", gone.name));
        }
        // All is the same where no text is.
        let texts = |packs: &[Pack]| packs.iter().map(|pack| pack.hash.clone()).collect::<Vec<_>>();
        if texts(old) != texts(new) {
            weaker(old, new).into_iter().for_each(|what| self.say(true, what));
        }
    }

    /// A group that exempts weakens by what it gains, one that rules are written for by what it loses.
    fn groups(&mut self, old: (&PolicySpec, &Interceptions), new: (&PolicySpec, &Interceptions)) {
        let none = Vec::new();
        let of = |policy: &PolicySpec, name: &str| {
            policy.groups.iter().find(|(known, _)| known == name).map(|(_, hosts)| hosts.clone())
        };
        let mut names: Vec<&String> =
            old.0.groups.iter().chain(&new.0.groups).map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let (was, is) = (of(old.0, name), of(new.0, name));
            let (was, is) = (was.as_ref().unwrap_or(&none), is.as_ref().unwrap_or(&none));
            let exempts = |rule: &RuleSpec| {
                let list = if is_exemption(rule) { &rule.destinations } else { &rule.except_destinations };
                list.contains(name)
            };
            let binds = |rule: &RuleSpec| !is_exemption(rule) && rule.destinations.contains(name);
            let bypassed = new.1.bypasses.iter().any(|bypass| bypass.hosts().words().contains(name));
            let opened = new.1.listed.iter().any(|(_, hosts)| hosts.words().contains(name));
            let listed = new.0.unlisted > Action::Allow;
            let wider = listed || bypassed || new.0.rules.iter().any(exempts);
            let narrower = opened || new.0.rules.iter().any(binds);
            let weakens = (wider && gained(was, is)) || (narrower && lost(was, is));
            self.list(&format!("destinations.{name}"), was, is, weakens);
        }
    }

    fn rules(&mut self, old: &[RuleSpec], new: &[RuleSpec]) {
        for rule in new {
            let name = named(rule);
            match old.iter().find(|was| named(was) == name) {
                None => self.say(is_exemption(rule), format!("{name} new: {}", rule.action.as_str())),
                Some(was) => self.rule(&name, was, rule),
            }
        }
        for gone in old.iter().filter(|old| !new.iter().any(|new| named(new) == named(old))) {
            self.say(!is_exemption(gone), format!("{} gone: {}", named(gone), gone.action.as_str()));
        }
    }

    fn rule(&mut self, name: &str, old: &RuleSpec, new: &RuleSpec) {
        let (was, is) = (old.action, new.action);
        self.ordered(&format!("{name}: action"), (was, was.as_str()), (is, is.as_str()));
        let exempts = is_exemption(new);
        // What makes a rule narrower weakens, and what makes an exemption wider.
        let lists = [
            ("identifiers", &old.identifiers, &new.identifiers),
            ("destinations", &old.destinations, &new.destinations),
            ("clients", &old.clients, &new.clients),
            ("tenants", &old.tenants, &new.tenants),
            ("environments", &old.environments, &new.environments),
            ("methods", &old.methods, &new.methods),
            ("paths", &old.paths, &new.paths),
            ("media_types", &old.media_types, &new.media_types),
            ("status", &old.status, &new.status),
            ("schemes", &old.schemes, &new.schemes),
            ("fields", &old.fields, &new.fields),
        ];
        for (key, was, is) in lists {
            let weakens = if exempts { narrows(is, was) } else { narrows(was, is) };
            self.list(&format!("{name}: {key}"), was, is, weakens);
        }
        let (was, is) = (&old.except_destinations, &new.except_destinations);
        self.list(&format!("{name}: except_destinations"), was, is, gained(was, is) != exempts);
        let side = |rule: &RuleSpec| rule.direction.map_or("both", crate::flow::Direction::as_str);
        if old.direction != new.direction {
            let weakens = if exempts { old.direction.is_some() } else { new.direction.is_some() };
            self.say(weakens, format!("{name}: direction: {} to {}", side(old), side(new)));
        }
        let mode = |rule: &RuleSpec| rule.mode.unwrap_or(Mode::Enforce);
        let (was, is) = (mode(old), mode(new));
        self.ordered(&format!("{name}: mode"), (was, was.as_str()), (is, is.as_str()));
        for (key, was, is, weakens) in figures(old, new, exempts) {
            if was != is {
                self.say(weakens, format!("{name}: {key}: {was} to {is}"));
            }
        }
    }

    fn ways(&mut self, old: &Interceptions, new: &Interceptions) {
        let written = |ways: &Interceptions| -> Vec<(String, String)> {
            let shown = |bypass: &crate::policy::Bypass| {
                let hosts = bypass.hosts().words().iter().take(limits::RELOAD_WORDS);
                let hosts = hosts.map(String::as_str).collect::<Vec<_>>().join(", ");
                (format!("{bypass:?}"), format!("bypass of {hosts}, owner {}", bypass.grounds().owner))
            };
            ways.bypasses.iter().map(shown).collect()
        };
        let (was, is) = (written(old), written(new));
        for (_, name) in is.iter().filter(|(whole, _)| !was.iter().any(|(known, _)| known == whole)) {
            self.say(true, format!("{name}: new"));
        }
        for (_, name) in was.iter().filter(|(whole, _)| !is.iter().any(|(known, _)| known == whole)) {
            self.say(false, format!("{name}: gone"));
        }
        for (listener, hosts) in &new.listed {
            let key = format!("listener {listener}: intercept_destinations");
            match old.listed.iter().find(|(known, _)| known == listener) {
                None => self.say(true, format!("{key}: opens what is listed alone")),
                Some((_, was)) => {
                    self.list(&key, was.words(), hosts.words(), lost(was.words(), hosts.words()));
                }
            }
        }
        for (listener, _) in
            old.listed.iter().filter(|(old, _)| !new.listed.iter().any(|(new, _)| new == old))
        {
            self.say(false, format!("listener {listener}: opens everything"));
        }
    }

    fn others(&mut self, old: &PolicySpec, new: &PolicySpec) {
        let terms = |policy: &PolicySpec| -> Vec<String> {
            let shown = |to: &[String]| if to.is_empty() { "all".to_owned() } else { to.join(" ") };
            let one = |spec: &crate::policy::TransportSpec| {
                format!("{} at least {}", shown(&spec.destinations), spec.min_tls.as_str())
            };
            policy.transports.iter().map(one).collect()
        };
        let (was, is) = (terms(old), terms(new));
        self.list("transport", &was, &is, lost(&was, &is));
        for identity in &new.identities {
            match old.identities.iter().find(|was| was.name == identity.name) {
                None => self.say(false, format!("identity {} new", identity.name)),
                Some(was) if was != identity => {
                    self.say(false, format!("identity {} changed", identity.name))
                }
                Some(_) => {}
            }
        }
        let known = |name: &str| new.identities.iter().any(|identity| identity.name == name);
        for gone in old.identities.iter().filter(|old| !known(&old.name)) {
            self.say(false, format!("identity {} gone", gone.name));
        }
    }
}

/// Thresholds and the like: key, before, after, whether it weakens.
fn figures(old: &RuleSpec, new: &RuleSpec, exempts: bool) -> [(&'static str, String, String, bool); 8] {
    let shown = |value: Option<u64>| value.map_or_else(|| "none".to_owned(), |value| value.to_string());
    let most = |rule: &RuleSpec| rule.at_most.map(u64::from);
    let window = |rule: &RuleSpec| rule.window.map(|window| window.as_secs());
    let end = |rule: &RuleSpec| rule.expires_ms.unwrap_or(u64::MAX);
    let time = |rule: &RuleSpec| {
        let at = rule.expires_ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms.cast_signed()).ok());
        at.map_or_else(|| "never".to_owned(), |at| at.to_string())
    };
    let raised = |old: Option<u64>, new: Option<u64>| new.unwrap_or(0) > old.unwrap_or(0);
    let widened = |old: Option<u64>, new: Option<u64>| new.unwrap_or(u64::MAX) > old.unwrap_or(u64::MAX);
    let outlives = if exempts { end(new) > end(old) } else { end(new) < end(old) };
    let sure = if exempts { new.confidence < old.confidence } else { new.confidence > old.confidence };
    [
        ("confidence", old.confidence.as_str().to_owned(), new.confidence.as_str().to_owned(), sure),
        ("at_least", old.at_least.to_string(), new.at_least.to_string(), new.at_least > old.at_least),
        (
            "at_least_bytes",
            shown(old.at_least_bytes),
            shown(new.at_least_bytes),
            raised(old.at_least_bytes, new.at_least_bytes),
        ),
        ("at_most", shown(most(old)), shown(most(new)), widened(most(old), most(new))),
        // Another count, of which nobody can say that it is as strict.
        ("per", old.per.as_str().to_owned(), new.per.as_str().to_owned(), true),
        ("window_s", shown(window(old)), shown(window(new)), window(new) < window(old)),
        (
            "enforce_percent",
            old.enforce_percent.to_string(),
            new.enforce_percent.to_string(),
            new.enforce_percent < old.enforce_percent,
        ),
        ("expires", time(old), time(new), outlives),
    ]
}

fn is_exemption(rule: &RuleSpec) -> bool {
    rule.action == Action::Allow
}

/// A rule's id; suppressions have none but their place, and are known by what they say.
fn named(rule: &RuleSpec) -> String {
    if !rule.id.starts_with("suppress[") {
        return format!("rule {}", rule.id);
    }
    let list =
        |words: &[String]| words.iter().take(limits::RELOAD_WORDS).cloned().collect::<Vec<_>>().join(", ");
    format!("suppression of {} at {}", list(&rule.identifiers), list(&rule.destinations))
}

const fn strength(opaque: Opaque) -> u8 {
    match opaque {
        Opaque::Allow => 0,
        Opaque::Inspect => 1,
        Opaque::Block => 2,
    }
}

fn gained(old: &[String], new: &[String]) -> bool {
    new.iter().any(|word| !old.contains(word))
}

fn lost(old: &[String], new: &[String]) -> bool {
    gained(new, old)
}

/// Whether a list that means "all" when it is empty holds less than before.
fn narrows(old: &[String], new: &[String]) -> bool {
    let all = |list: &[String]| list.is_empty() || list.iter().any(|word| word == "*");
    !all(new) && (all(old) || lost(old, new))
}

/// `+new -gone`.
fn difference(old: &[String], new: &[String]) -> String {
    let more = new.iter().filter(|word| !old.contains(word)).map(|word| format!("+{word}"));
    let less = old.iter().filter(|word| !new.contains(word)).map(|word| format!("-{word}"));
    let mut words: Vec<String> = more.chain(less).collect();
    if words.is_empty() {
        return "another order".to_owned();
    }
    let all = words.len();
    words.truncate(limits::RELOAD_WORDS);
    if all > words.len() {
        words.push(format!("and {} more", all - words.len()));
    }
    words.join(" ")
}

/// The first of many, each of a length that a record has room for.
fn bounded(mut words: Vec<String>) -> Vec<String> {
    let all = words.len();
    words.truncate(limits::RELOAD_CHANGES);
    for word in &mut words {
        if word.chars().count() > limits::RELOAD_CHANGE_CHARS {
            *word = word.chars().take(limits::RELOAD_CHANGE_CHARS).chain(['…']).collect();
        }
    }
    if all > words.len() {
        words.push(format!("and {} more", all - words.len()));
    }
    words
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const RULE: &str = "[[rule]]\nid = \"cards\"\nidentifiers = [\"payment.pan\"]\naction = \"block\"\n";
    const CRM: &str = "[destinations]\ncrm = [\"crm.example\"]\n";

    fn changes(old: &str, new: &str) -> Changes {
        let load = |text: &str| crate::config::load_text("t.toml", text, Path::new("/")).unwrap();
        let ((old, before), (new, after)) = (load(old), load(new));
        Changes::between((&old, before.matcher.packs()), (&new, after.matcher.packs()))
    }

    #[test]
    fn what_weakens_is_told_from_what_does_not() {
        let allow = "[[rule]]\nid = \"x\"\nidentifiers = [\"payment.pan\"]\naction = \"allow\"\ndestinations = [\"crm\"]\n";
        let bypass = "[[bypass]]\nhosts = [\"pinned.example\"]\nreason = \"pins\"\nowner = \"me\"\nexpires = 2030-01-01\n";
        let suppress = "[[suppress]]\nidentifier = \"contact.email\"\ndestinations = [\"crm.example\"]\nreason = \"r\"\nowner = \"o\"\nexpires = 2030-01-01\n";
        let with = |more: &str| format!("{RULE}{more}");
        // Forwards it weakens, backwards it does not.
        let cases = [
            (with(""), format!("mode = \"observe\"\n{RULE}"), "mode: enforce to observe"),
            (with("[egress]\nunlisted = \"block\""), with(""), "egress.unlisted: block to allow"),
            (with(""), with("[inspect]\nundecodable = \"allow\""), "inspect.undecodable: block to allow"),
            (with(""), with("[inspect]\nopaque = \"inspect\""), "inspect.opaque: block to inspect"),
            (
                format!("packs = [\"payment\", \"contact\"]\n{RULE}"),
                format!("packs = [\"payment\"]\n{RULE}"),
                "pack contact gone",
            ),
            (with(""), "starter = false\n".to_owned(), "rule cards gone: block"),
            (with(""), RULE.replace("block", "alert"), "rule cards: action: block to alert"),
            (with(""), with("at_least = 3"), "rule cards: at_least: 1 to 3"),
            (with("confidence = \"low\""), with(""), "rule cards: confidence: low to medium"),
            (with(""), with("mode = \"observe\""), "rule cards: mode: enforce to observe"),
            (with(""), with("enforce_percent = 10"), "rule cards: enforce_percent: 100 to 10"),
            (with(""), with("destinations = [\"a.example\"]"), "rule cards: destinations: +a.example"),
            (
                with(""),
                with("except_destinations = [\"a.example\"]"),
                "rule cards: except_destinations: +a.example",
            ),
            (with(""), with("direction = \"request\""), "rule cards: direction: both to request"),
            (
                RULE.replace("\"payment.pan\"", "\"payment.pan\", \"payment.iban\""),
                with(""),
                "rule cards: identifiers: -payment.iban",
            ),
            (with(CRM), format!("{RULE}{allow}{CRM}"), "rule x new: allow"),
            (
                format!("{RULE}{allow}{CRM}"),
                format!("{RULE}{allow}[destinations]\ncrm = [\"crm.example\", \"b.example\"]\n"),
                "destinations.crm: +b.example",
            ),
            (with(""), with(bypass), "bypass of pinned.example, owner me: new"),
            (with(""), with(suppress), "suppression of contact.email at crm.example new: allow"),
        ];
        for (old, new, said) in &cases {
            let forwards = changes(old, new);
            assert!(forwards.weakens.iter().any(|word| word == said), "{said} in {forwards:?}");
            assert!(forwards.weakens.iter().all(|word| forwards.changed.contains(word)));
            let back = changes(new, old);
            assert!(back.weakens.is_empty() && !back.changed.is_empty(), "{said} back: {back:?}");
            assert_eq!(changes(new, new), Changes::default());
        }
    }

    #[test]
    fn many_changes_are_counted_and_long_ones_cut() {
        let rules = |count: usize| -> String {
            (0..count).map(|n| RULE.replace("cards", &format!("cards-{n}"))).collect()
        };
        let gone = changes(&rules(limits::RELOAD_CHANGES + 8), &rules(1));
        assert_eq!(gone.weakens.len(), limits::RELOAD_CHANGES + 1);
        assert_eq!(gone.weakens.last().unwrap(), "and 7 more");
        let long = changes(RULE, &RULE.replace("cards", &"c".repeat(60)).replace("payment.pan", "*"));
        assert!(long.changed.iter().all(|word| word.chars().count() <= limits::RELOAD_CHANGE_CHARS + 1));
        let hosts: Vec<String> = (0..9).map(|n| format!("{}.example", "h".repeat(50 + n))).collect();
        let narrower = changes(RULE, &format!("{RULE}destinations = {hosts:?}\n"));
        let said = narrower.weakens.first().unwrap();
        assert!(said.chars().count() == limits::RELOAD_CHANGE_CHARS + 1 && said.ends_with('…'), "{said}");
    }
}
