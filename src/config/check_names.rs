//! What sinks and self-tests name of other parts: rules, tenants, identifiers. A misspelt name would match nothing,
//! and nobody would miss what never comes.

use std::collections::BTreeSet;

use crate::audit::query::{Field, Pattern};
use crate::detect::Matcher;
use crate::policy::PolicySpec;
use crate::proxy::ListenerConfig;

use super::compiled::unknown_identifier;
use super::raw::Texts;
use super::raw_sink::{RawSelftest, RawSink};
use super::source::{At, Complaint};
use super::table::{Log, one_of};

/// Names as written, before what they refer to is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    rules: Vec<At<String>>,
    tenants: Vec<At<String>>,
    /// Patterns of sinks: `x*`, `*x`, or one identifier.
    identifiers: Vec<At<String>>,
    /// What a self-test sends: one identifier each.
    tested: Vec<At<String>>,
}

impl Names {
    pub(super) fn of(sinks: &[RawSink], selftest: &RawSelftest) -> Names {
        let all = |of: fn(&RawSink) -> &Texts| sinks.iter().flat_map(of).flatten().cloned().collect();
        Names {
            rules: all(|sink| &sink.rules),
            tenants: all(|sink| &sink.tenants),
            identifiers: all(|sink| &sink.identifiers),
            tested: selftest.identifiers.clone().unwrap_or_default(),
        }
    }

    /// Complains of rules and tenants that there are none of.
    pub(super) fn check(&self, policy: &PolicySpec, listeners: &[ListenerConfig], log: &Log) {
        let rules: BTreeSet<&str> = policy.rules.iter().map(|rule| rule.id.as_str()).collect();
        // A pattern may mean overlays, which have names of their own.
        let named = |text: &&At<String>| !text.value.contains('*');
        for text in unmatched(&self.rules, Field::Rule, &rules).filter(named) {
            let complaint = text.place.complain(format!("there is no rule `{}`", text.value));
            log.push(complaint.expected(listed(&rules)).meant(&text.value, rules.iter().copied()));
        }
        let served = listeners.iter().map(|listener| &*listener.tenant);
        let tenants: BTreeSet<&str> = served
            .chain(policy.identities.iter().filter_map(|identity| identity.tenant.as_deref()))
            .collect();
        for text in unmatched(&self.tenants, Field::Tenant, &tenants) {
            let what = format!("no listener or identity serves tenant `{}`", text.value);
            let complaint = text.place.complain(what).expected(listed(&tenants));
            log.push(complaint.meant(&text.value, tenants.iter().copied()));
        }
    }

    /// Complains of identifiers that no pack in use has.
    pub(super) fn identifiers(&self, matcher: &Matcher) -> Vec<Complaint> {
        let known: BTreeSet<&str> = matcher.detectors().iter().map(|detector| detector.id.as_str()).collect();
        let tested = self.tested.iter().filter(|text| !known.contains(text.value.as_str()));
        let tested = tested.map(|text| {
            let complaint = text.place.complain(format!("no pack in use finds `{}`", text.value));
            let complaint = complaint.expected("identifiers of `tidegate pack list`, each by itself");
            complaint.meant(&text.value, known.iter().copied())
        });
        let filtered = unmatched(&self.identifiers, Field::Identifier, &known);
        tested.chain(filtered.map(|text| unknown_identifier(text, matcher))).collect()
    }
}

/// What is written and matches nothing that there is.
fn unmatched<'a>(
    written: &'a [At<String>],
    field: Field,
    known: &BTreeSet<&str>,
) -> impl Iterator<Item = &'a At<String>> {
    written.iter().filter(move |text| {
        let pattern = Pattern::read(field, &text.value);
        !known.iter().any(|name| pattern.matches(name))
    })
}

fn listed(known: &BTreeSet<&str>) -> String {
    let known: Vec<&str> = known.iter().copied().collect();
    format!("{}, or a pattern such as `x*`", one_of(&known))
}
