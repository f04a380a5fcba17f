//! What all connections of a gate share, and how its life ends.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use tokio::sync::{Notify, watch};

use super::doorkeeper::Doorkeeper;
use super::meters::Meters;
use super::pinned::Pinned;
use super::room::Room;
use super::upstream::Upstreams;
use crate::audit::{Audit, PackStamp, PackStamps};
use crate::flow::FlowId;
use crate::inspect::Engine;
use crate::limits;
use crate::tls::Leaves;

/// How far the end of the gate has come; it only ever moves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Running,
    /// Nothing new is accepted; what is under way may end.
    Draining,
    /// What is still under way is dropped, with a record.
    Cut,
}

/// One for all connections.
pub(super) struct Shared {
    engine: Arc<ArcSwap<Engine>>,
    edition: ArcSwap<Edition>,
    pub(super) leaves: Arc<ArcSwap<Leaves>>,
    pub(super) audit: Audit,
    pub(super) upstreams: Arc<Upstreams>,
    pub(super) hold_idle: Duration,
    pub(super) ids: Ids,
    pub(super) meters: Meters,
    pub(super) room: Room,
    pub(super) pinned: Pinned,
    pub(super) doorkeeper: Doorkeeper,
    pub(super) stage: watch::Sender<Stage>,
    /// The version of the overlays in force, for what has to notice a change without a byte.
    pub(super) overlaid: watch::Sender<u64>,
    pub(super) connections: Arc<Open>,
    pub(super) flows: Arc<Open>,
}

impl Shared {
    pub(super) fn new(
        engine: Arc<ArcSwap<Engine>>,
        leaves: Arc<ArcSwap<Leaves>>,
        audit: Audit,
        upstreams: Arc<Upstreams>,
        hold_idle: Duration,
        room: Room,
    ) -> Shared {
        let edition = ArcSwap::from_pointee(Edition::of(engine.load_full()));
        Shared {
            engine,
            edition,
            leaves,
            audit,
            upstreams,
            hold_idle,
            ids: Ids::default(),
            meters: Meters::new(),
            room,
            pinned: Pinned::default(),
            doorkeeper: Doorkeeper::default(),
            stage: watch::Sender::new(Stage::Running),
            overlaid: watch::Sender::new(0),
            connections: Arc::default(),
            flows: Arc::default(),
        }
    }

    /// The rules that a flow which begins now is judged under, to its end.
    pub(super) fn edition(&self) -> Arc<Edition> {
        let engine = self.engine.load();
        let known = self.edition.load();
        if Arc::ptr_eq(&known.engine, &engine) {
            return Arc::clone(&known);
        }
        let fresh = Arc::new(Edition::of(Arc::clone(&engine)));
        self.edition.store(Arc::clone(&fresh));
        fresh
    }

    /// Looks for changes of the overlays until the gate ends.
    pub(super) async fn watch_overlays(&self) {
        let mut stage = self.stage.subscribe();
        loop {
            let version = self.engine.load().overlays.version();
            self.overlaid.send_if_modified(|known| std::mem::replace(known, version) != version);
            let look = tokio::time::sleep(limits::OVERLAY_LOOK);
            tokio::select! {
                () = look => {}
                _ = stage.wait_for(|stage| *stage == Stage::Cut) => return,
            }
        }
    }

    pub(super) fn measure(&self) {
        let engine = self.engine.load();
        let leaves = self.leaves.load().stats();
        self.meters.take_over(&engine.held, self.flows.count(), self.upstreams.pool_stats(), leaves);
    }

    pub(super) fn stage(&self) -> Stage {
        *self.stage.borrow()
    }
}

/// An engine with what each record says of it, worked out once.
#[derive(Debug)]
pub(super) struct Edition {
    pub(super) engine: Arc<Engine>,
    pub(super) policy_hash: Arc<str>,
    pub(super) packs: Arc<PackStamps>,
}

impl Edition {
    fn of(engine: Arc<Engine>) -> Edition {
        let stamp = |pack: &crate::detect::Pack| PackStamp {
            name: pack.name.clone(),
            version: pack.version.clone(),
            hash: short(&pack.hash).to_owned(),
        };
        let stamps: Vec<PackStamp> = engine.matcher.packs().iter().map(stamp).collect();
        Edition {
            policy_hash: short(engine.policy.hash()).into(),
            packs: Arc::new(PackStamps::new(&stamps)),
            engine,
        }
    }
}

/// A hash as records of messages say it; the records `start` and `config` say it whole.
fn short(hash: &str) -> &str {
    hash.get(..limits::RECORD_HASH).unwrap_or(hash)
}

/// Makes identifiers that are unique and time-ordered; nothing depends on their being hard to guess, so that
/// a keyed hash of a counter serves instead of a system call for each.
#[derive(Debug, Default)]
pub(super) struct Ids {
    secret: RandomState,
    count: AtomicU64,
}

impl Ids {
    pub(super) fn next(&self) -> FlowId {
        self.next_at(unix_ms())
    }

    /// For who has just looked at the clock.
    pub(super) fn next_at(&self, now_ms: u64) -> FlowId {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut hasher = self.secret.build_hasher();
        hasher.write_u64(count);
        let mut random = [0u8; 10];
        let (low, high) = random.split_at_mut(8);
        low.copy_from_slice(&hasher.finish().to_ne_bytes());
        // Two that hash alike still differ here.
        high.iter_mut().zip(count.to_le_bytes()).for_each(|(to, from)| *to = from);
        FlowId::new(now_ms, random)
    }
}

/// Milliseconds since the Unix epoch.
pub(super) fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// Counts what is open, and tells when nothing is.
#[derive(Debug, Default)]
pub(super) struct Open {
    count: AtomicUsize,
    none: Notify,
}

impl Open {
    pub(super) fn enter(self: &Arc<Self>) -> Entered {
        self.count.fetch_add(1, Ordering::Relaxed);
        Entered(Arc::clone(self))
    }

    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Waits until nothing is open, for at most `wait`.
    pub(super) async fn none(&self, wait: Duration) {
        let none = async {
            loop {
                let told = self.none.notified();
                if self.count() == 0 {
                    return;
                }
                told.await;
            }
        };
        // Whether the wait ended it or not is read off the count.
        let _ = tokio::time::timeout(wait, none).await;
    }
}

/// Something that is open until this is dropped.
#[derive(Debug)]
pub(super) struct Entered(Arc<Open>);

impl Drop for Entered {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.none.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn identifiers_differ_and_are_version_7() {
        let ids = Ids::default();
        let many: HashSet<_> = (0..10_000).map(|_| ids.next()).collect();
        assert_eq!(many.len(), 10_000);
        assert_eq!(ids.next().to_string().as_bytes()[14], b'7');
        assert_eq!(ids.next_at(1_764_000_000_123).unix_ms(), 1_764_000_000_123);
    }

    #[tokio::test]
    async fn the_last_to_leave_is_noticed() {
        let open = Arc::new(Open::default());
        let entered = [open.enter(), open.enter()];
        let waiting = tokio::spawn({
            let open = Arc::clone(&open);
            async move { open.none(Duration::from_secs(60)).await }
        });
        drop(entered);
        waiting.await.unwrap();
        assert_eq!(open.count(), 0);
    }
}
