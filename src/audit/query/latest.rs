//! Of each message the one record that tells all of it: what is added up counts no message twice and leaves none out.

use std::collections::HashMap;

use crate::audit::query::facts::Facts;
use crate::audit::record::Kind;
use crate::limits;

/// Messages of which only interim records have come so far.
#[derive(Debug, Default)]
pub struct Latest {
    lines: HashMap<String, (u64, Vec<u8>)>,
}

impl Latest {
    /// Whether this record tells a message as far as it will ever be told. One that is interim waits for its end.
    pub fn tells(&mut self, facts: &Facts<'_>, line: &[u8]) -> bool {
        if !facts.is_message() || &*facts.kind == Kind::Opening.as_str() {
            return false;
        }
        let id = facts.decision.as_deref().unwrap_or_default();
        if !facts.interim {
            self.lines.remove(id);
            return true;
        }
        // Each is a connection that is open, or broke off with its gate.
        if self.lines.len() >= limits::REPORT_OPEN && !self.lines.contains_key(id) {
            return true;
        }
        self.lines.insert(id.to_owned(), (facts.seq, line.to_vec()));
        false
    }

    /// The last of each message whose end has not come, in order.
    #[must_use]
    pub fn rest(self) -> Vec<Vec<u8>> {
        let mut rest: Vec<_> = self.lines.into_values().collect();
        rest.sort_by_key(|(seq, _)| *seq);
        rest.into_iter().map(|(_, line)| line).collect()
    }
}
