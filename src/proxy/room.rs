//! How the process's descriptors are shared out, so that clients cannot take those of upstreams or of the trail.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits;

/// Shares of the descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shares {
    pub(super) clients: usize,
    /// Idle upstream connections.
    pub(super) idle: usize,
}

impl Shares {
    /// Of what a process with this limit has; `None` is no limit.
    pub(super) fn of(limit: Option<u64>) -> Shares {
        let share = |percent: u64, most: usize| match limit {
            Some(limit) => {
                usize::try_from(limit.saturating_mul(percent) / 100).unwrap_or(most).clamp(1, most)
            }
            None => most,
        };
        Shares {
            clients: share(limits::DESCRIPTORS_CLIENTS, Semaphore::MAX_PERMITS),
            idle: share(limits::DESCRIPTORS_IDLE, limits::POOL_TOTAL),
        }
    }
}

/// Seats for client connections: who has none is not accepted yet, and waits in the kernel's queue.
#[derive(Debug)]
pub(super) struct Room {
    seats: Arc<Semaphore>,
    clients: usize,
    warned: Mutex<Option<Instant>>,
}

impl Room {
    pub(super) fn new(shares: Shares) -> Room {
        Room {
            seats: Arc::new(Semaphore::new(shares.clients)),
            clients: shares.clients,
            warned: Mutex::default(),
        }
    }

    /// A seat, once one is free; given back when it is dropped. `None` never happens while the gate lives.
    pub(super) async fn seat(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(seat) = Arc::clone(&self.seats).try_acquire_owned() {
            return Some(seat);
        }
        if self.may_warn(Instant::now()) {
            let clients = self.clients;
            tracing::warn!(
                clients,
                "as many clients are connected as descriptors allow; others wait (ulimit -n)"
            );
        }
        Arc::clone(&self.seats).acquire_owned().await.ok()
    }

    fn may_warn(&self, now: Instant) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let recently = warned.is_some_and(|at| now.duration_since(at) < limits::ROOM_WARNING);
        if !recently {
            *warned = Some(now);
        }
        !recently
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_leave_a_reserve_at_every_limit() {
        for limit in [64, 256, 1024, 20_000, 1 << 20] {
            let Shares { clients, idle } = Shares::of(Some(limit));
            let taken = (2 * clients + idle) as u64;
            assert!(taken <= limit * 90 / 100, "{limit}");
            assert!(clients >= 1 && (1..=limits::POOL_TOTAL).contains(&idle));
        }
        assert_eq!(Shares::of(None), Shares { clients: Semaphore::MAX_PERMITS, idle: limits::POOL_TOTAL });
        assert_eq!(Shares::of(Some(1)), Shares { clients: 1, idle: 1 });
    }

    #[tokio::test]
    async fn a_seat_given_back_is_the_next_ones() {
        let room = Arc::new(Room::new(Shares { clients: 1, idle: 1 }));
        let seat = room.seat().await.unwrap();
        let waiting = tokio::spawn({
            let room = Arc::clone(&room);
            async move { room.seat().await.is_some() }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(seat);
        assert!(waiting.await.unwrap());
        let now = Instant::now();
        assert!(!room.may_warn(now) && room.may_warn(now + limits::ROOM_WARNING));
    }
}
