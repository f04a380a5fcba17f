//! The admin listener: health, metrics and version of a running gate, and an API to change what holds, for probes,
//! scrapers, programs and people.
//!
//! May import every floor but `config` and `cli`. Invariants: it answers only requests whose Host is its own
//! (a page in a browser cannot reach it by a name of its choosing); nothing is changed, and off loopback nothing is
//! told, without the token; it is never reachable through the proxy, whose address guard knows its address.

mod access;
mod api;
mod health;
mod metrics;
mod pages;
mod server;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

pub use api::{Actor, Api, Control, Keeper, KeeperConfig, KeptError, Unloaded};
pub use health::{Check, Health, Level, Loaded};
pub use metrics::Meter;

use access::Access;
use pages::Pages;

/// What the admin listener is started with.
pub struct AdminConfig {
    pub address: SocketAddr,
    pub token: Zeroizing<String>,
    pub health: Arc<Health>,
    pub meter: Meter,
    /// What answers below `/api`.
    pub api: Option<Arc<Api>>,
}

impl fmt::Debug for AdminConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminConfig").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A running admin listener; it ends when this is dropped.
#[derive(Debug)]
pub struct Admin {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Admin {
    /// Binds the address and starts to answer on the current runtime.
    pub async fn start(config: AdminConfig) -> io::Result<Admin> {
        let listener = TcpListener::bind(config.address).await?;
        let address = listener.local_addr()?;
        let access = Access::new(config.address.ip(), &config.token);
        let pages = Arc::new(Pages::new(access, config.health, config.meter, config.api));
        let task = tokio::spawn(server::serve(listener, pages));
        Ok(Admin { address, task })
    }

    /// The bound address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests;
