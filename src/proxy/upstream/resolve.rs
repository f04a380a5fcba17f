//! Names to addresses: the fixed table first, then the system's resolver within a time.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::UpstreamError;
use crate::flow::Host;
use crate::limits;

#[derive(Debug)]
pub(super) struct Resolver {
    fixed: HashMap<Arc<str>, Vec<IpAddr>>,
}

impl Resolver {
    pub(super) fn new(fixed: HashMap<Arc<str>, Vec<IpAddr>>) -> Self {
        Resolver { fixed }
    }

    /// All addresses of a host, in the resolver's order; at least one.
    pub(super) async fn resolve(&self, host: &Host, port: u16) -> Result<Vec<SocketAddr>, UpstreamError> {
        let name = match host {
            Host::Ip(ip) => return Ok(vec![SocketAddr::new(*ip, port)]),
            Host::Name(name) => name,
        };
        let fault =
            |reason: String, timed_out| UpstreamError::Resolve { host: host.clone(), reason, timed_out };
        if let Some(fixed) = self.fixed.get(&**name) {
            return Ok(fixed.iter().map(|ip| SocketAddr::new(*ip, port)).collect());
        }
        let lookup = tokio::time::timeout(limits::RESOLVE_TIMEOUT, tokio::net::lookup_host((&**name, port)));
        let found: Vec<SocketAddr> = match lookup.await {
            Ok(Ok(found)) => found.collect(),
            Ok(Err(error)) => return Err(fault(error.to_string(), false)),
            Err(_) => {
                return Err(fault(format!("no answer within {} s", limits::RESOLVE_TIMEOUT.as_secs()), true));
            }
        };
        if found.is_empty() {
            return Err(fault("name has no address".to_owned(), false));
        }
        Ok(found)
    }
}
