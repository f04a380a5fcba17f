//! What observed rules would have done: added up from the records, with what to write to enforce them or to let pass
//! what they would have stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;

use super::audit::{is_heard, moment};
use super::{Failure, Output};
use crate::audit::Kind;
use crate::audit::query::{Facts, Field, Filter, Latest, search};
use crate::config::{self, Config};
use crate::inspect::Reason;
use crate::limits;
use crate::policy::{Action, Mode};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate audit would audit --since 7d
  tidegate audit would audit --config egress.toml --rule addresses-leave")]
pub(super) struct Args {
    /// The audit directory.
    directory: PathBuf,
    /// Not before: a time, a day (UTC), or so long ago (7d).
    #[arg(long, value_name = "TIME", value_parser = moment, default_value = "7d")]
    since: i64,
    /// One rule alone.
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// The configuration whose rules are spoken of; without it all that fired are.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Who sent something that would have been stopped, and where to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Way {
    pub(super) client: String,
    pub(super) host: String,
    pub(super) proven: bool,
    pub(super) direction: String,
}

/// What one rule would have done.
#[derive(Debug, Default)]
pub(super) struct Would {
    /// Messages by the action that was suspended.
    pub(super) actions: BTreeMap<String, u64>,
    pub(super) ways: BTreeMap<Way, Sum>,
    pub(super) last: String,
}

#[derive(Debug, Default)]
pub(super) struct Sum {
    pub(super) messages: u64,
    pub(super) identifiers: BTreeSet<String>,
}

impl Would {
    /// Messages that would have been stopped or altered.
    pub(super) fn bitten(&self) -> u64 {
        self.actions
            .iter()
            .filter(|(action, _)| **action != *Action::Alert.as_str())
            .map(|(_, count)| count)
            .sum()
    }
}

/// More of a record than is searched by.
#[derive(Deserialize)]
struct More {
    destination: Option<Proven>,
}

#[derive(Deserialize)]
struct Proven {
    #[serde(default)]
    proven: bool,
}

/// Which rules of a configuration are observed; of others nothing is known.
fn observed(config: Option<&Config>, rule: &str) -> bool {
    let Some(config) = config else { return true };
    let known = config.policy.rules.iter().find(|known| known.id == rule);
    known.is_some_and(|known| {
        let mode = known.mode.map_or(config.policy.mode, |own| own.min(config.policy.mode));
        mode == Mode::Observe || known.enforce_percent < 100
    })
}

/// Adds up the records from `since` on, by rule; what was refused by none is under the reason.
pub(super) fn gather(
    directory: &Path,
    since: i64,
    config: Option<&Config>,
) -> io::Result<BTreeMap<String, Would>> {
    let mut all: BTreeMap<String, Would> = BTreeMap::new();
    let mut latest = Latest::default();
    let filter = Filter { from: Some(since), ..Filter::default() };
    search(directory, &filter, &mut |line, facts| {
        if latest.tells(facts, line) {
            enter(&mut all, line, facts, config);
        }
        Ok(true)
    })?;
    for line in latest.rest() {
        Facts::parse(&line).iter().for_each(|facts| enter(&mut all, &line, facts, config));
    }
    Ok(all)
}

fn enter(all: &mut BTreeMap<String, Would>, line: &[u8], facts: &Facts<'_>, config: Option<&Config>) {
    let Some(would) = &facts.would else { return };
    let proven = serde_json::from_slice::<More>(line).ok().and_then(|more| more.destination);
    let mut names: Vec<&str> =
        facts.rules.iter().map(|rule| &**rule).filter(|rule| observed(config, rule)).collect();
    if names.is_empty() {
        names.extend(grounds(facts));
    }
    let client =
        facts.client.as_ref().and_then(|client| client.identity.as_deref().or(client.address.as_deref()));
    let way = Way {
        client: client.unwrap_or_default().to_owned(),
        host: facts.destination.as_ref().and_then(|to| to.host.as_deref()).unwrap_or_default().to_owned(),
        proven: proven.is_some_and(|to| to.proven),
        direction: facts.direction.as_deref().unwrap_or_default().to_owned(),
    };
    for name in names {
        let rule = all.entry(name.to_owned()).or_default();
        *rule.actions.entry(would.to_string()).or_default() += 1;
        rule.last = facts.time.to_string().max(std::mem::take(&mut rule.last));
        // Of more ways than anybody reads only the number is known.
        let way = match rule.ways.contains_key(&way) || rule.ways.len() < limits::WOULD_WAYS {
            true => way.clone(),
            false => {
                Way { client: "others".into(), host: String::new(), proven: false, direction: String::new() }
            }
        };
        let sum = rule.ways.entry(way).or_default();
        sum.messages += 1;
        sum.identifiers.extend(facts.findings.iter().map(|found| found.identifier.to_string()));
    }
}

/// What a message would have been stopped for other than a rule; behind it an `end` says how the flow ended.
fn grounds<'a>(facts: &'a Facts<'_>) -> Option<&'a str> {
    let reason = facts.reason.as_deref()?;
    if &*facts.kind == Kind::Decision.as_str() {
        return Some(reason);
    }
    let first = reason.split("; ").next()?;
    let word = first.split(':').next()?;
    (facts.rules.is_empty() || Reason::WORDS.contains(&word)).then_some(first)
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let config = args.config.as_deref().map(|file| config::read(Some(file))).transpose()?;
    let unreadable = |error: io::Error| Failure::file(&args.directory, "cannot be read", &error);
    let mut all = gather(&args.directory, args.since, config.as_ref()).map_err(unreadable)?;
    if let Some(rule) = &args.rule {
        all.retain(|name, _| name == rule);
    }
    if let Some(rule) = args.rule.as_deref().filter(|_| all.is_empty()) {
        known(rule, args, config.as_ref())?;
    }
    if all.is_empty() {
        writeln!(output, "nothing would have been done that was not done")?;
    }
    for (index, (name, would)) in all.iter().enumerate() {
        if index > 0 {
            writeln!(output)?;
        }
        show(name, would, output)?;
        hints(name, would, args, output)?;
    }
    Ok(())
}

/// Of a name that is spelled wrong nothing can be said, not even that it would have done nothing.
fn known(rule: &str, args: &Args, config: Option<&Config>) -> Result<(), Failure> {
    let Some(config) = config else {
        let heard = is_heard(&args.directory, Field::Rule, rule);
        if !heard.map_err(|error| Failure::file(&args.directory, "cannot be read", &error))? {
            eprintln!(
                "tidegate: no record names the rule `{rule}`; --config FILE tells whether there is one"
            );
        }
        return Ok(());
    };
    let ids = || config.policy.rules.iter().map(|rule| rule.id.as_str());
    match ids().any(|id| id == rule) {
        true => Ok(()),
        false => Err(Failure::usage(format!(
            "no rule is called `{rule}`; there are {}",
            ids().collect::<Vec<_>>().join(", ")
        ))),
    }
}

/// What a rule would have done, whose doing and where to.
pub(super) fn show(name: &str, would: &Would, output: &mut Output) -> io::Result<()> {
    let actions = would.actions.iter().map(|(action, count)| format!("{count} × {action}"));
    writeln!(output, "{name}: would be {}", actions.collect::<Vec<_>>().join(", "))?;
    let mut ways: Vec<(&Way, &Sum)> = would.ways.iter().collect();
    ways.sort_by_key(|(_, sum)| std::cmp::Reverse(sum.messages));
    for (way, sum) in ways.iter().take(limits::WOULD_SHOWN) {
        let identifiers = sum.identifiers.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let Way { client, host, direction, .. } = way;
        writeln!(output, "  {:>6}  {client} → {host} ({direction}): {identifiers}", sum.messages)?;
    }
    if ways.len() > limits::WOULD_SHOWN {
        writeln!(output, "  … and {} more", ways.len() - limits::WOULD_SHOWN)?;
    }
    Ok(())
}

/// What to type or to write: to enforce the rule, and to let pass what goes to each destination.
fn hints(name: &str, would: &Would, args: &Args, output: &mut Output) -> io::Result<()> {
    let file = args.config.as_ref().map_or_else(|| "FILE".to_owned(), |file| file.display().to_string());
    writeln!(output, "\n# to enforce it: tidegate promote {name} --config {file}")?;
    let mut hosts: BTreeMap<(&str, &str, bool), BTreeSet<&str>> = BTreeMap::new();
    for (way, sum) in would.ways.iter().filter(|(way, _)| !way.host.is_empty()) {
        let key = (way.host.as_str(), way.direction.as_str(), way.proven);
        hosts.entry(key).or_default().extend(sum.identifiers.iter().map(String::as_str));
    }
    for ((host, direction, proven), identifiers) in hosts.into_iter().take(limits::WOULD_SHOWN) {
        if !proven || identifiers.is_empty() {
            writeln!(output, "# {host}: its name was not proven, and no exemption holds for such")?;
            continue;
        }
        writeln!(output, "# to let it pass to {host}:\n{}", exemption(name, host, direction, &identifiers))?;
    }
    Ok(())
}

/// An exemption as it is written: for three months, and somebody has to answer for it.
fn exemption(rule: &str, host: &str, direction: &str, identifiers: &BTreeSet<&str>) -> String {
    let plain = |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let days = i64::try_from(limits::WOULD_EXEMPT.as_secs()).unwrap_or_default();
    let ends = Timestamp::from_second(Timestamp::now().as_second() + days).unwrap_or_default();
    let expires = ends.to_zoned(jiff::tz::TimeZone::UTC).date();
    let id = format!("{}-{}-{direction}", plain(rule), plain(host));
    let list = identifiers.iter().map(|id| quoted(id)).collect::<Vec<_>>().join(", ");
    format!(
        "[[rule]]\nid = {}\nidentifiers = [{list}]\naction = \"allow\"\ndirection = {}\ndestinations = [{}]\n\
         owner = \"somebody\"\nreason = \"why this may leave\"\nexpires = {expires}\n",
        quoted(&id),
        quoted(direction),
        quoted(host),
    )
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push('?'),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
