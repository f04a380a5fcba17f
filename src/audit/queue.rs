//! The bounded queue between all flows and the one log, and the ticket by which a flow waits for its record.
//!
//! One lock, held for a push or for moving a batch out: whoever holds the log takes hundreds at a time, and this
//! costs less than a channel.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::time::Sleep;

use crate::audit::desk::Desk;
use crate::audit::{AuditError, Permit};
use crate::limits;

/// A record on its way to the writer.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) body: Vec<u8>,
    pub(super) ticket: Arc<Ticket>,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    ready: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// The writer thread is wanted.
    called: bool,
    closed: bool,
}

/// What became of [`Queue::take`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Records,
    /// Nothing waits.
    Nothing,
    /// Nothing is left and nothing will come.
    Closed,
}

/// What waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Depth {
    pub(super) records: usize,
    /// How long the first in line has waited.
    pub(super) oldest: Duration,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing that runs under this lock can leave the queue half changed.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a record. Nobody is woken: whoever adds one sees to it that it is written.
    pub(super) fn push(&self, body: Vec<u8>, since: Instant) -> Result<Arc<Ticket>, AuditError> {
        let ticket = Arc::new(Ticket { since, slot: Mutex::default() });
        let entry = Entry { body, ticket: Arc::clone(&ticket) };
        let mut inner = self.lock();
        if inner.closed {
            return Err(AuditError::Closed);
        }
        let bytes = inner.bytes.saturating_add(entry.body.len());
        if inner.entries.len() >= limits::AUDIT_QUEUE || bytes > limits::AUDIT_QUEUE_BYTES {
            return Err(AuditError::QueueFull);
        }
        inner.bytes = bytes;
        inner.entries.push_back(entry);
        Ok(ticket)
    }

    /// Wakes the writer thread.
    pub(super) fn call(&self) {
        self.lock().called = true;
        self.ready.notify_one();
    }

    /// Waits until the writer thread is called, the queue is closed or `deadline` has come.
    pub(super) fn wait(&self, deadline: Instant) {
        let mut inner = self.lock();
        while !inner.called && !inner.closed {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            inner = self.ready.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        inner.called = false;
    }

    /// Moves up to a batch into `batch`.
    pub(super) fn take(&self, batch: &mut Vec<Entry>) -> Taken {
        let mut inner = self.lock();
        if inner.entries.is_empty() {
            return if inner.closed { Taken::Closed } else { Taken::Nothing };
        }
        let mut bytes = 0usize;
        while let Some(entry) = inner.entries.front() {
            bytes += entry.body.len();
            if batch.len() >= limits::AUDIT_BATCH || (bytes > limits::AUDIT_BATCH_BYTES && !batch.is_empty())
            {
                break;
            }
            inner.bytes = inner.bytes.saturating_sub(entry.body.len());
            batch.extend(inner.entries.pop_front());
        }
        Taken::Records
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting() == 0
    }

    /// Records that wait.
    pub(super) fn waiting(&self) -> usize {
        self.lock().entries.len()
    }

    /// Nothing more is accepted; what waits is still handed out.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.ready.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    pub(super) fn depth(&self) -> Depth {
        let inner = self.lock();
        Depth {
            records: inner.entries.len(),
            oldest: inner.entries.front().map(|entry| entry.ticket.since.elapsed()).unwrap_or_default(),
        }
    }
}

/// Shared by a waiting flow and the writer.
#[derive(Debug)]
pub(super) struct Ticket {
    /// When the record was submitted.
    since: Instant,
    slot: Mutex<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    phase: Phase,
    waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Queued,
    /// In the writer's hands: from here the record may reach the file.
    Taken,
    Done(Result<(), AuditError>),
    /// The flow gave up before the writer took the record: it is never written.
    Withdrawn,
}

impl Ticket {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writer is about to write this record; `false` when nobody wants it any more.
    pub(super) fn take(&self) -> bool {
        let mut slot = self.lock();
        match slot.phase {
            Phase::Queued => {
                slot.phase = Phase::Taken;
                true
            }
            Phase::Taken => true,
            Phase::Done(_) | Phase::Withdrawn => false,
        }
    }

    /// The write failed and nothing of it is in the file: the flow may withdraw again.
    pub(super) fn put_back(&self) {
        let mut slot = self.lock();
        if slot.phase == Phase::Taken {
            slot.phase = Phase::Queued;
        }
    }

    pub(super) fn complete(&self, result: Result<(), AuditError>) {
        let mut slot = self.lock();
        if matches!(slot.phase, Phase::Done(_) | Phase::Withdrawn) {
            return;
        }
        slot.phase = Phase::Done(result);
        let waker = slot.waker.take();
        drop(slot);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn give_up(&self) {
        let mut slot = self.lock();
        slot.phase = match slot.phase {
            Phase::Queued => Phase::Withdrawn,
            // Whether it reaches the file is not known; not known counts as refused.
            Phase::Taken => Phase::Done(Err(AuditError::Unwritable)),
            done @ (Phase::Done(_) | Phase::Withdrawn) => done,
        };
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<(), AuditError>> {
        let mut slot = self.lock();
        match slot.phase {
            Phase::Done(result) => Poll::Ready(result),
            Phase::Withdrawn => Poll::Ready(Err(AuditError::Unwritable)),
            Phase::Queued | Phase::Taken => {
                match &mut slot.waker {
                    Some(waker) => waker.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
        }
    }
}

/// A permit on its way; ready once the record is written, or refused after [`limits::AUDIT_WAIT`].
///
/// Dropping it withdraws nothing: the record is written all the same. Awaited on a tokio runtime with a timer.
#[derive(Debug)]
pub struct Pending(State);

#[derive(Debug)]
enum State {
    Refused(AuditError),
    /// Nobody has been asked to write it yet.
    Gathering {
        ticket: Arc<Ticket>,
        desk: Arc<Desk>,
        yielded: bool,
    },
    Waiting {
        ticket: Arc<Ticket>,
        deadline: Option<Pin<Box<Sleep>>>,
    },
}

impl Pending {
    pub(super) fn refused(error: AuditError) -> Pending {
        Pending(State::Refused(error))
    }

    pub(super) fn waiting(ticket: Arc<Ticket>) -> Pending {
        Pending(State::Waiting { ticket, deadline: None })
    }

    /// The record waits until the other flows that are ready now have queued theirs, or until this is dropped.
    pub(super) fn gathering(ticket: Arc<Ticket>, desk: Arc<Desk>) -> Pending {
        Pending(State::Gathering { ticket, desk, yielded: false })
    }

    /// Since when the record waits, or has; `None` for one that was refused at once.
    #[must_use]
    pub fn since(&self) -> Option<Instant> {
        match &self.0 {
            State::Refused(_) => None,
            State::Gathering { ticket, .. } | State::Waiting { ticket, .. } => Some(ticket.since),
        }
    }

    /// Sees to it that a record which was left to gather others is written.
    fn send(&mut self) {
        if let State::Gathering { ticket, desk, .. } = &self.0 {
            let (ticket, desk) = (Arc::clone(ticket), Arc::clone(desk));
            self.0 = State::Waiting { ticket, deadline: None };
            desk.serve(true);
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.send();
    }
}

impl Future for Pending {
    type Output = Result<Permit, AuditError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let State::Gathering { ticket, yielded, .. } = &mut self.0 {
            if let Poll::Ready(result) = ticket.poll(cx) {
                // Another flow has written it along with its own.
                self.0 = State::Waiting { ticket: Arc::clone(ticket), deadline: None };
                return Poll::Ready(result.map(|()| Permit(())));
            }
            if !std::mem::replace(yielded, true) {
                // Comes back when all that is ready on this thread has had its turn.
                return pin!(tokio::task::yield_now()).poll(cx).map(|()| Err(AuditError::Unwritable));
            }
            self.send();
        }
        let (ticket, deadline) = match &mut self.0 {
            State::Refused(error) => return Poll::Ready(Err(*error)),
            State::Waiting { ticket, deadline } => (ticket, deadline),
            State::Gathering { .. } => return Poll::Ready(Err(AuditError::Unwritable)),
        };
        if let Poll::Ready(result) = ticket.poll(cx) {
            return Poll::Ready(result.map(|()| Permit(())));
        }
        let deadline = deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(limits::AUDIT_WAIT)));
        if deadline.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        ticket.give_up();
        // The writer may have been done just before.
        ticket.poll(cx).map(|result| result.map(|()| Permit(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(queue: &Queue, body: Vec<u8>) -> Result<Arc<Ticket>, AuditError> {
        queue.push(body, Instant::now())
    }

    fn ticket() -> Arc<Ticket> {
        Arc::new(Ticket { since: Instant::now(), slot: Mutex::default() })
    }

    #[test]
    fn the_queue_is_bounded_in_records_and_in_bytes() {
        let queue = Queue::default();
        for _ in 0..limits::AUDIT_QUEUE {
            push(&queue, vec![b'x'; 8]).unwrap();
        }
        assert_eq!(push(&queue, vec![]).unwrap_err(), AuditError::QueueFull);
        assert_eq!(queue.depth().records, limits::AUDIT_QUEUE);
        let mut batch = Vec::new();
        assert_eq!(queue.take(&mut batch), Taken::Records);
        assert_eq!(batch.len(), limits::AUDIT_BATCH);

        let queue = Queue::default();
        push(&queue, vec![0; limits::AUDIT_QUEUE_BYTES]).unwrap();
        assert_eq!(push(&queue, vec![0]).unwrap_err(), AuditError::QueueFull);
        batch.clear();
        // One that alone passes a batch's bytes is still handed out.
        assert_eq!(queue.take(&mut batch), Taken::Records);
        assert_eq!(batch.len(), 1);
        push(&queue, vec![0]).unwrap();
    }

    #[test]
    fn a_closed_queue_is_emptied_first() {
        let queue = Queue::default();
        push(&queue, vec![1]).unwrap();
        queue.close();
        assert_eq!(push(&queue, vec![2]).unwrap_err(), AuditError::Closed);
        let mut batch = Vec::new();
        assert_eq!(queue.take(&mut batch), Taken::Records);
        assert_eq!(queue.take(&mut batch), Taken::Closed);
        assert_eq!(queue.take(&mut batch), Taken::Closed);
        assert_eq!(batch.len(), 1);
    }

    #[test]
    fn a_sleeping_writer_is_woken_by_a_call_and_by_the_close() {
        for wake in [Queue::call, Queue::close] {
            let queue = Arc::new(Queue::default());
            let sleeper = Arc::clone(&queue);
            let thread = std::thread::spawn(move || sleeper.wait(Instant::now() + Duration::from_secs(30)));
            wake(&queue);
            let began = Instant::now();
            thread.join().unwrap();
            assert!(began.elapsed() < Duration::from_secs(20));
        }
        assert_eq!(Queue::default().take(&mut Vec::new()), Taken::Nothing);
    }

    #[tokio::test]
    async fn a_record_that_nobody_takes_is_withdrawn_after_the_wait() {
        let ticket = ticket();
        assert_eq!(Pending::waiting(Arc::clone(&ticket)).await.unwrap_err(), AuditError::Unwritable);
        assert!(!ticket.take(), "a refused record is never written");
    }

    #[tokio::test]
    async fn a_write_that_hangs_is_a_refusal_even_if_it_ends_well_later() {
        let ticket = ticket();
        assert!(ticket.take());
        assert_eq!(Pending::waiting(Arc::clone(&ticket)).await.unwrap_err(), AuditError::Unwritable);
        ticket.complete(Ok(()));
        assert_eq!(Pending::waiting(ticket).await.unwrap_err(), AuditError::Unwritable);
    }

    #[tokio::test]
    async fn completion_wakes_whoever_polled_last() {
        let ticket = ticket();
        let waiter = tokio::spawn(Pending::waiting(Arc::clone(&ticket)));
        tokio::task::yield_now().await;
        assert!(ticket.take());
        ticket.put_back();
        assert!(ticket.take());
        ticket.complete(Ok(()));
        assert!(waiter.await.unwrap().is_ok());
    }
}
