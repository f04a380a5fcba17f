//! One destination of the gate's own: while a self-test runs, a name that nobody else knows leads to its receiver.
//!
//! The name is the test's mark, drawn anew for each run. Whoever guessed it could reach nothing but that receiver; to
//! policy it is a destination like any other, so that it changes no decision.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::flow::Host;
use crate::tls::UpstreamTls;

/// Where a rehearsal is given, while there is one.
#[derive(Debug, Default)]
pub struct Rehearsal(Mutex<Option<Stage>>);

#[derive(Clone, Debug)]
struct Stage {
    host: Host,
    address: SocketAddr,
    tls: Arc<UpstreamTls>,
}

impl Rehearsal {
    /// Until what is returned is dropped, `host` is at `address`, proven by `tls`.
    pub fn open(self: &Arc<Self>, host: Host, address: SocketAddr, tls: Arc<UpstreamTls>) -> Opened {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Stage { host, address, tls });
        Opened(Arc::clone(self))
    }

    /// Asked when a connection is dialled, which is rare beside requests.
    pub(super) fn stage(&self, host: &Host) -> Option<(SocketAddr, Arc<UpstreamTls>)> {
        let stage = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        stage.filter(|stage| stage.host == *host).map(|stage| (stage.address, stage.tls))
    }
}

/// Ends a rehearsal.
#[derive(Debug)]
pub struct Opened(Arc<Rehearsal>);

impl Drop for Opened {
    fn drop(&mut self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
