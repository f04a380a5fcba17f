//! What is no fault in a configuration, but somebody should know.

use crate::policy::Action;

use super::Config;

impl Config {
    /// A sentence for each thing that somebody should look at, at `now` (seconds since the Unix epoch).
    #[must_use]
    pub fn warnings(&self, now: i64) -> Vec<String> {
        let rules = &self.policy.rules;
        let ended = |ms: Option<u64>| ms.is_some_and(|ms| i64::try_from(ms / 1000).is_ok_and(|at| at <= now));
        let mut warnings = Vec::new();
        if self.packs.is_empty() {
            warnings.push("no pack is in use: nothing is looked for".to_owned());
        } else if !rules.iter().any(|rule| rule.action != Action::Allow && !ended(rule.expires_ms)) {
            warnings.push("no rule is in force: nothing that is found is told of or stopped".to_owned());
        }
        if self.policy.unlisted == Action::Block && !self.groups_named {
            warnings.push(
                "egress.unlisted = \"block\", and [destinations] names nobody: all but the built-in groups is \
                 refused"
                    .to_owned(),
            );
        }
        warnings.extend(self.interceptions.terms(now).warnings(now));
        warnings.extend(rules.iter().filter(|rule| ended(rule.expires_ms)).map(|rule| {
            let what = if rule.action == Action::Allow { "exemption" } else { "rule" };
            format!("{what} `{}` has ended and does nothing", rule.id)
        }));
        warnings
    }
}

#[cfg(test)]
mod tests {
    use crate::config::read_text;

    #[test]
    fn what_does_nothing_is_said() {
        const RULE: &str = "[[rule]]\nid = \"cards\"\nidentifiers = [\"payment.pan\"]\n";
        let rule = |rest: &str| format!("{RULE}{rest}");
        let table: [(&str, String, &[&str]); 8] = [
            ("the starter policy", String::new(), &[]),
            ("no pack", "packs = []".to_owned(), &["no pack is in use"]),
            ("no rule", "starter = false".to_owned(), &["no rule is in force"]),
            ("nobody is listed", "[egress]\nunlisted = \"block\"".to_owned(), &["egress.unlisted = "]),
            (
                "somebody is",
                "[egress]\nunlisted = \"block\"\n[destinations]\ncrm = [\"crm.example\"]".to_owned(),
                &[],
            ),
            ("a rule", rule("action = \"block\""), &[]),
            (
                "a rule that has ended",
                rule("action = \"block\"\nexpires = 2020-01-01"),
                &["no rule is in force", "rule `cards` has ended"],
            ),
            (
                "an exemption that has ended, alone",
                rule("action = \"allow\"\ndestinations = [\"a.example\"]\nexpires = 2020-01-01"),
                &["no rule is in force", "exemption `cards` has ended"],
            ),
        ];
        for (what, text, expected) in table {
            let warnings = read_text("t.toml", &text, "/".as_ref()).unwrap().warnings(1_800_000_000);
            assert_eq!(warnings.len(), expected.len(), "{what}: {warnings:?}");
            for (warning, expected) in warnings.iter().zip(expected) {
                assert!(warning.starts_with(expected), "{what}: {warning}");
            }
        }
    }
}
