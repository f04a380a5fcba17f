//! Where records are written, by whoever sits there.
//!
//! A flow that finds the [`Desk`] free sits down and writes what waits, its own record and those of others, which
//! spares two thread switches a record; a flow that finds it taken leaves its record to whoever sits there. The writer
//! thread does what takes time: syncs, idle checkpoints, everything during an outage.
//!
//! Where several flows are ready at once, each leaves its record and comes back after the others' turn: the first to
//! come back writes all of them in one call.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::audit::queue::Taken;
use crate::audit::writer::{Shared, Worker};
use crate::limits;

/// Where records are written: one sits at it at a time.
#[derive(Debug)]
pub(super) struct Desk {
    /// Gone when the trail is closed.
    worker: Mutex<Option<Worker>>,
    shared: Arc<Shared>,
    /// Whether only the writer thread writes, since each write waits for the disk.
    slow: bool,
    /// For how many more writes flows leave their records to be gathered: renewed by each that holds several.
    gather: AtomicU32,
    /// Records queued, to try now and then whether gathering would bring any together.
    queued: AtomicU32,
}

/// Batches that a flow writes for others before it hands over to the writer thread.
const BATCHES_OF_A_FLOW: usize = 4;
/// Writes of a single record after which gathering is given up, and records between two tries of it.
const GATHER_PATIENCE: u32 = 32;
const GATHER_TRY: u32 = 64;

impl Desk {
    pub(super) fn new(worker: Worker, slow: bool) -> Desk {
        Desk {
            shared: Arc::clone(worker.shared()),
            worker: Mutex::new(Some(worker)),
            slow,
            gather: AtomicU32::new(0),
            queued: AtomicU32::new(0),
        }
    }

    /// Whether a record that was just queued is worth a moment's wait for others, to be written with them in one
    /// call. Where flows come one at a time there is nothing to wait for.
    pub(super) fn gathers(&self) -> bool {
        let tries = self.queued.fetch_add(1, Ordering::Relaxed).is_multiple_of(GATHER_TRY);
        !self.slow && (tries || self.gather.load(Ordering::Relaxed) > 0)
    }

    /// Notes whether gathering brings records together; `gathered`: the record to be written has waited for others.
    fn learn(&self, gathered: bool) {
        if self.shared.queue.waiting() > 1 {
            self.gather.store(GATHER_PATIENCE, Ordering::Relaxed);
        } else if gathered {
            // Two flows that count down at once do no harm.
            let left = self.gather.load(Ordering::Relaxed);
            self.gather.store(left.saturating_sub(1), Ordering::Relaxed);
        }
    }

    /// Sees to it that what was just queued is written: by this thread, by whoever sits at the desk, or by the
    /// writer thread. `gathered`: it has waited for others.
    pub(super) fn serve(&self, gathered: bool) {
        if self.slow {
            return self.shared.queue.call();
        }
        // Whoever sits there looks again at the queue after getting up, so nothing queued before is forgotten.
        while let Ok(mut seat) = self.worker.try_lock() {
            let Some(worker) = seat.as_mut().filter(|worker| !worker.is_out()) else {
                drop(seat);
                return self.shared.queue.call();
            };
            self.learn(gathered);
            let left = worker.drain(BATCHES_OF_A_FLOW);
            let failed = worker.is_out();
            drop(seat);
            if failed || left != Taken::Nothing {
                return self.shared.queue.call();
            }
            if self.shared.queue.is_empty() {
                return;
            }
        }
        if self.worker.is_poisoned() {
            self.shared.queue.call();
        }
    }

    /// Sits down for something else than records, which are written right after; `None` when the trail is closed.
    pub(super) fn sit<R>(&self, work: impl FnOnce(&mut Worker) -> R) -> Option<R> {
        let done = self.worker.lock().ok()?.as_mut().map(work);
        // Flows that came meanwhile left their records.
        self.shared.queue.call();
        done
    }

    /// The writer thread.
    pub(super) fn keep(&self) {
        loop {
            // A panic of whoever sat here leaves the log in doubt: the trail closes.
            let Ok(mut seat) = self.worker.lock() else { break };
            let Some(worker) = seat.as_mut() else { return };
            let Some(due) = worker.round() else {
                worker.finish();
                break;
            };
            let healthy = !worker.is_out();
            drop(seat);
            // A flow that came while this thread sat here left its record.
            if !healthy || self.shared.queue.is_empty() {
                // Flows write, too: what they wrote is synced a second later at most.
                self.shared.queue.wait(due.min(Instant::now() + limits::AUDIT_SYNC));
            }
        }
        *self.worker.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Audit;
    use crate::audit::tests::{config, key, message, temp};

    #[tokio::test]
    async fn records_are_gathered_where_flows_are_ready_together() {
        let folder = temp();
        let (audit, writer) = Audit::open(config(folder.path()), &key()).unwrap();
        let gather = &audit.desk.gather;
        // The writer thread may sit at the desk at any moment, for as long as the disk takes: then it writes, and
        // nothing is learnt. Hence the repetitions, each of which ends as soon as what is claimed has been seen.
        let together = async || {
            let flows: Vec<_> = (0..8)
                .map(|flow| {
                    let audit = audit.clone();
                    tokio::spawn(async move {
                        let mut seen = false;
                        for n in 0..32 {
                            let _permit = audit.submit(message(flow << 8 | n)).await.unwrap();
                            seen |= audit.desk.gather.load(Ordering::Relaxed) > 0;
                        }
                        seen
                    })
                })
                .collect();
            let mut seen = false;
            for flow in flows {
                seen |= flow.await.unwrap();
            }
            seen
        };
        let mut gathered = false;
        for _ in 0..100 {
            gathered = gathered || together().await;
        }
        assert!(gathered);
        // One flow alone has nobody to wait for.
        for n in 0..u64::from(100 * GATHER_PATIENCE) {
            if gather.load(Ordering::Relaxed) > 0 {
                let _permit = audit.submit(message(n)).await.unwrap();
            }
        }
        assert_eq!(gather.load(Ordering::Relaxed), 0);
        // A record that nobody waits for is written all the same, gathered or not.
        for patience in [0, u32::MAX] {
            gather.store(patience, Ordering::Relaxed);
            let at_once = (0..2 * GATHER_TRY).filter(|n| {
                drop(audit.submit(message(u64::from(*n))));
                let written = audit.stats().queued == 0;
                drop(audit.desk.worker.lock());
                written
            });
            assert!(at_once.count() > GATHER_TRY as usize, "{patience}");
        }
        writer.close();
    }
}
