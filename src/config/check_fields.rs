//! Fields that rules speak of: named lists put in their place, each word one that can be a field.

use crate::limits;
use crate::policy::{Action, check_field};

use super::raw::{Lists, Texts};
use super::raw_rule::RawRule;
use super::starter::Group;
use super::table::{Log, one_of};

/// What stands before the name of a list.
const LIST: &str = "of:";

/// The lists that rules may name: those of the configuration, and behind them the presets.
pub(super) struct FieldLists(Vec<Group>);

impl FieldLists {
    pub(super) fn new(written: Lists, presets: Vec<Group>, log: &Log) -> FieldLists {
        let mut lists: Vec<Group> = Vec::new();
        for (name, words) in written {
            for word in &words {
                if let Err(what) = check_field(&word.value) {
                    log.push(word.place.complain(what).expected(EXPECTED));
                }
            }
            lists.push((name.value, words.into_iter().map(|word| word.value).collect()));
        }
        for (name, words) in presets {
            if !lists.iter().any(|(known, _)| *known == name) {
                lists.push((name, words));
            }
        }
        FieldLists(lists)
    }

    /// The fields of one rule.
    pub(super) fn of(&self, written: &Texts, log: &Log) -> Vec<String> {
        let mut fields = Vec::new();
        for word in written.iter().flatten() {
            let Some(list) = word.value.strip_prefix(LIST) else {
                match check_field(&word.value) {
                    Ok(()) => fields.push(word.value.clone()),
                    Err(what) => log.push(word.place.complain(what).expected(EXPECTED)),
                }
                continue;
            };
            match self.0.iter().find(|(name, _)| name == list) {
                Some((_, words)) => fields.extend(words.iter().cloned()),
                None => {
                    let names = || self.0.iter().map(|(name, _)| name.as_str());
                    let complaint = word.place.complain(format!("there is no list of fields `{list}`"));
                    log.push(complaint.expected(one_of(&names().collect::<Vec<_>>())).meant(list, names()));
                }
            }
        }
        fields
    }
}

const EXPECTED: &str = "a key of a form or query, a part or a column (\"card[number]\"), a path of keys \
                        (\"$.card.number\", \"$..card.number\"), of elements (\"//card/number\"), or a list (\"of:stripe\")";

/// What fields and `at_most` may stand beside.
pub(super) fn check(rule: &RawRule, log: &Log) {
    let action = rule.action.as_ref().map(|action| action.value);
    if let Some(at_most) = &rule.at_most {
        if action.is_some_and(|action| action != Action::Allow) {
            let what = "only an exemption ends after so many values";
            log.push(
                at_most
                    .place
                    .complain(what)
                    .expected("at_most beside action = \"allow\"; others take at_least"),
            );
        }
        let most = u32::try_from(limits::DISTINCT_EXACT).unwrap_or(u32::MAX);
        if at_most.value > most {
            let what = format!("{} is out of range", at_most.value);
            log.push(at_most.place.complain(what).expected(format!("1 to {most}")));
        }
    }
    let Some(fields) = &rule.fields else { return };
    let place = fields.first().map_or(rule.place_of("fields"), |first| &first.place);
    if fields.is_empty() && action == Some(Action::Allow) {
        log.push(place.complain("names no field").expected(EXPECTED));
    }
    if fields.is_empty() {
        return;
    }
    if action == Some(Action::Redact) || rule.at_least_bytes.is_some() {
        let what = "fields narrow what is exempt, told of or blocked";
        log.push(place.complain(what).expected("action = \"allow\", \"alert\" or \"block\" beside fields"));
    }
}
