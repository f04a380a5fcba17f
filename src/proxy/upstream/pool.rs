//! Idle connections to upstreams, kept for reuse within a number and an age.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use tokio::time::Instant;

use super::Asked;
use super::exchange::Live;
use super::lines::Lines;
use crate::flow::{Destination, FlowId};
use crate::limits;

/// Which connections may serve which requests: same place, same tenant, same trust.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) destination: Destination,
    tenant: Arc<str>,
    /// Roots and least TLS version, as [`crate::tls::UpstreamTls::id`] numbers them.
    trust: u64,
    /// Where a redirected connection was going.
    pub(super) via: Option<SocketAddr>,
    /// The one client connection whose requests it is for: it may have been authenticated as whoever is behind that.
    owner: Option<FlowId>,
    /// Of host and port, worked out once: a key is looked for more than once for each request.
    hash: u64,
}

impl Key {
    pub(super) fn new(
        destination: Destination,
        tenant: Arc<str>,
        trust: u64,
        via: Option<SocketAddr>,
        owner: Option<FlowId>,
    ) -> Arc<Self> {
        static KEYED: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        // Tenants and trusts are few: host and port tell almost all keys apart.
        let hash = KEYED.hash_one((&destination.host, destination.port));
        Arc::new(Key { destination, tenant, trust, via, owner, hash })
    }

    /// Whether anybody's requests go over its connections.
    pub(super) fn is_shared(&self) -> bool {
        self.owner.is_none()
    }

    /// Whether it is the one for this.
    fn is_for(&self, asked: &Asked<'_>, of_trust: u64) -> bool {
        let Key { destination, tenant, trust, via, owner, hash: _ } = self;
        *trust == of_trust
            && *via == asked.via
            && *owner == asked.owner
            && destination == asked.destination
            && tenant == asked.tenant
    }
}

/// The key that a client connection used last: most ask for one upstream, again and again.
#[derive(Debug, Default)]
pub(crate) struct Route(Mutex<Option<Arc<Key>>>);

impl Route {
    pub(super) fn key(&self, asked: &Asked<'_>, trust: u64, make: impl FnOnce() -> Arc<Key>) -> Arc<Key> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match last.as_ref().filter(|key| key.is_for(asked, trust)) {
            Some(key) => Arc::clone(key),
            None => Arc::clone(last.insert(make())),
        }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// Takes the hash that a key brings.
#[derive(Debug, Default)]
struct Brought(u64);

impl Hasher for Brought {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // No key brings anything but a number.
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[derive(Debug)]
struct Idle {
    live: Box<Live>,
    since: Instant,
}

/// What the pool holds and has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoolStats {
    pub(crate) idle: usize,
    pub(crate) reused: u64,
    /// Looked for and not found, so that a connection had to be made.
    pub(crate) missed: u64,
}

#[derive(Debug, Default)]
struct Shelves {
    by_key: HashMap<Arc<Key>, Vec<Idle>, BuildHasherDefault<Brought>>,
    total: usize,
}

#[derive(Debug)]
pub(super) struct Pool {
    /// Most connections kept.
    most: usize,
    shelves: Mutex<Shelves>,
    reused: AtomicU64,
    missed: AtomicU64,
}

impl Pool {
    pub(super) fn new(most: usize) -> Pool {
        Pool { most, shelves: Mutex::default(), reused: AtomicU64::new(0), missed: AtomicU64::new(0) }
    }

    /// The connection used last, if it is still good: the longest unused are left to age.
    pub(super) fn take(&self, key: &Arc<Key>) -> Option<Box<Live>> {
        while let Some(idle) = self.pop(key) {
            let Idle { mut live, since } = idle;
            if since.elapsed() < limits::POOL_IDLE && live.is_still_reusable() {
                self.reused.fetch_add(1, Ordering::Relaxed);
                live.reused = true;
                return Some(live);
            }
        }
        self.missed.fetch_add(1, Ordering::Relaxed);
        None
    }

    fn pop(&self, key: &Arc<Key>) -> Option<Idle> {
        let mut shelves = self.lock();
        // A shelf that is empty now will be used again in a moment; the sweep takes away those that are not.
        let idle = shelves.by_key.get_mut(key)?.pop();
        shelves.total -= usize::from(idle.is_some());
        idle
    }

    /// Keeps a connection that has just become idle, if there is room.
    pub(super) fn put(&self, live: Box<Live>) {
        let mut shelves = self.lock();
        if shelves.total >= self.most {
            return;
        }
        let idle = Idle { since: Instant::now(), live };
        match shelves.by_key.get_mut(&idle.live.key) {
            Some(shelf) if shelf.len() >= limits::POOL_PER_KEY => return,
            Some(shelf) => shelf.push(idle),
            None => {
                let key = Arc::clone(&idle.live.key);
                shelves.by_key.insert(key, vec![idle]);
            }
        }
        shelves.total += 1;
    }

    pub(super) fn stats(&self) -> PoolStats {
        PoolStats {
            idle: self.lock().total,
            reused: self.reused.load(Ordering::Relaxed),
            missed: self.missed.load(Ordering::Relaxed),
        }
    }

    pub(super) fn drop_stale(&self) {
        let mut stale = Vec::new();
        let mut shelves = self.lock();
        shelves.by_key.retain(|_, shelf| {
            stale.extend(shelf.extract_if(.., |idle| {
                idle.since.elapsed() >= limits::POOL_IDLE || !idle.live.is_reusable()
            }));
            !shelf.is_empty()
        });
        shelves.total -= stale.len();
        // Sockets are closed after the lock is.
        drop(shelves);
        drop(stale);
    }

    fn lock(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes idle connections that are too old, or that the other side has closed, until the pool is gone.
pub(super) async fn sweep(pool: Weak<Pool>, lines: Weak<Lines>) {
    loop {
        tokio::time::sleep(limits::POOL_SWEEP).await;
        match (pool.upgrade(), lines.upgrade()) {
            (Some(pool), Some(lines)) => {
                pool.drop_stale();
                lines.drop_stale();
            }
            (None, _) | (_, None) => return,
        }
    }
}
