//! Overlays that slow traffic down: requests are refused until their time comes, bytes leave at a rate.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::time::{Sleep, sleep};

use crate::policy::{Laid, Limit, Overlay};

/// Where the time of all meters begins.
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

fn now_us() -> u64 {
    u64::try_from(BEGAN.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// Whether one more request may pass; else which overlay has it wait, and how long.
pub(super) fn take_request(laid: &Laid) -> Result<(), (Arc<str>, Duration)> {
    for overlay in laid.throttles() {
        if let Some(Err(wait)) = overlay.meter().map(|meter| meter.take_request(now_us())) {
            return Err((Arc::clone(&overlay.spec().id), wait));
        }
    }
    Ok(())
}

/// Whether any of them counts bytes.
pub(super) fn slows(laid: &Laid) -> bool {
    laid.throttles()
        .any(|overlay| matches!(overlay.meter().map(|meter| meter.limit()), Some(Limit::BytesPerSecond(_))))
}

/// What a message that leaves at a rate has ready.
#[derive(Debug, Default)]
pub(super) struct Slowly {
    waiting: Bytes,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Slowly {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Something more is ready; only when nothing is.
    pub(super) fn put(&mut self, bytes: Bytes) {
        self.waiting = bytes;
    }

    /// As much of it as may leave now; empty when there is nothing.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, laid: &Laid) -> Poll<Bytes> {
        loop {
            if let Some(timer) = &mut self.timer {
                ready!(timer.as_mut().poll(cx));
                self.timer = None;
            }
            let mut granted = self.waiting.len() as u64;
            let mut wait = None;
            for meter in laid.throttles().filter_map(|overlay: &Arc<Overlay>| overlay.meter()) {
                match meter.take_bytes(granted, now_us()) {
                    Ok(less) => granted = less,
                    Err(until) => {
                        wait = Some(until);
                        break;
                    }
                }
            }
            match wait {
                // A timer counts milliseconds.
                Some(wait) => self.timer = Some(Box::pin(sleep(wait.max(Duration::from_millis(1))))),
                None => {
                    let granted = usize::try_from(granted).unwrap_or(usize::MAX).min(self.waiting.len());
                    return Poll::Ready(self.waiting.split_to(granted));
                }
            }
        }
    }
}
