//! The TLS that a listener speaks itself, and who a client's certificate proves it to be.

use std::sync::Arc;

use tokio::time::timeout;

use super::meters;
use super::peer::{Ended, Peer, Proof};
use super::sniff::Prefixed;
use super::wire::Wire;
use crate::flow::Side;
use crate::limits;
use crate::policy::SubjectName;
use crate::tls::{self, Known, ListenerTls, NotAccepted};

/// Shakes hands under the listener's own certificate. Who comes with one of its own is that from here on.
pub(super) async fn greet(
    peer: &mut Peer,
    io: Prefixed<Wire>,
    own: &ListenerTls,
) -> Option<tls::ClientStream<Prefixed<Wire>>> {
    let policy = Arc::clone(&peer.shared.edition().engine.policy);
    let known: Known = Arc::new({
        let policy = Arc::clone(&policy);
        move |names: &[SubjectName]| policy.certified(names).is_some()
    });
    let (identity, leaves) = (own.identity(), peer.shared.leaves.load_full());
    let accepted = match timeout(limits::HANDSHAKE_TIMEOUT, identity.accept(io, &leaves, known)).await {
        Ok(Ok(accepted)) => accepted,
        Ok(Err(NotAccepted { error, names })) => {
            not_greeted(peer, tls::client_fault(&error), &names);
            return None;
        }
        Err(_) => {
            not_greeted(peer, "timeout", &[]);
            return None;
        }
    };
    let names = accepted.names.unwrap_or_default();
    if let Some((_, name)) = policy.certified(&names) {
        peer.certificate = Some(peer.cleanse(&name.to_string()).into());
        peer.proven = Some(Proof::Certificate(names.into()));
    }
    peer.tls = Some(tls::version_str(accepted.stream.get_ref().1.protocol_version()));
    Some(accepted.stream)
}

/// The client has its alert; whoever looks after the gate learns which certificate it was.
fn not_greeted(peer: &Peer, reason: &'static str, names: &[SubjectName]) {
    meters::handshake_failed(Side::Client, reason);
    let ended = Ended::because(reason);
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let ended = match names.is_empty() {
        true => ended,
        false => ended.saying(format!("{reason}: {}", names.join(", "))),
    };
    drop(peer.ended(ended));
}
