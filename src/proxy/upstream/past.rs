//! The addresses that names have led to of late: large services answer each question with others of theirs.

use std::net::IpAddr;
use std::sync::Arc;

use quick_cache::sync::Cache;
use tokio::time::Instant;

use crate::limits;

/// By name, what was found and when it was found last.
pub(super) struct Past(Cache<Arc<str>, Arc<[(IpAddr, Instant)]>>);

impl Past {
    pub(super) fn new() -> Past {
        Past(Cache::new(limits::RESOLVE_CACHE))
    }

    /// A name leads there now.
    pub(super) fn note(&self, name: &Arc<str>, found: &[IpAddr]) {
        let now = Instant::now();
        let before = self.0.get(name);
        let earlier = before.iter().flat_map(|before| before.iter());
        let fresh = |(address, at): &&(IpAddr, Instant)| {
            !found.contains(address) && now.saturating_duration_since(*at) < limits::RESOLVE_PAST
        };
        let all = found.iter().map(|address| (*address, now)).chain(earlier.filter(fresh).copied());
        self.0.insert(Arc::clone(name), all.take(limits::RESOLVE_PAST_ADDRESSES).collect());
    }

    /// Whether a name has led there of late.
    pub(super) fn has_led(&self, name: &str, address: IpAddr) -> bool {
        self.0.get(name).is_some_and(|known| {
            known.iter().any(|(known, at)| *known == address && at.elapsed() < limits::RESOLVE_PAST)
        })
    }
}
