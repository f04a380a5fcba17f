//! What upstreams speak, remembered for a while: it is what their clients are offered.

use std::fmt;
use std::sync::Arc;

use quick_cache::sync::Cache;
use tokio::time::Instant;

use super::pool::Key;
use crate::limits;
use crate::proxy::exchange::Spoken;

/// Bounded in number and age; an upstream that is not known is asked again.
pub(super) struct Choices(Cache<Arc<Key>, (Spoken, Instant)>);

impl Choices {
    pub(super) fn new() -> Choices {
        Choices(Cache::new(limits::ALPN_CACHE))
    }

    pub(super) fn get(&self, key: &Arc<Key>) -> Option<Spoken> {
        let (spoken, at) = self.0.get(key)?;
        (at.elapsed() < limits::ALPN_LIFE).then_some(spoken)
    }

    pub(super) fn learn(&self, key: &Arc<Key>, spoken: Spoken) {
        self.0.insert(Arc::clone(key), (spoken, Instant::now()));
    }
}

impl fmt::Debug for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Choices").field(&self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Destination, Scheme};

    fn key(number: usize) -> Arc<Key> {
        let host = format!("h{number}.example").parse().unwrap();
        Key::new(Destination { scheme: Scheme::Https, host, port: 443 }, "default".into(), 1, None, None)
    }

    #[tokio::test(start_paused = true)]
    async fn choices_are_forgotten_after_a_while_and_bounded() {
        let choices = Choices::new();
        choices.learn(&key(0), Spoken::Http2);
        assert_eq!(choices.get(&key(0)), Some(Spoken::Http2));
        choices.learn(&key(0), Spoken::Http1);
        assert_eq!(choices.get(&key(0)), Some(Spoken::Http1));
        tokio::time::advance(limits::ALPN_LIFE).await;
        assert_eq!(choices.get(&key(0)), None);
        (0..3 * limits::ALPN_CACHE).for_each(|number| choices.learn(&key(number), Spoken::Http1));
        assert!(choices.0.len() <= limits::ALPN_CACHE);
    }
}
