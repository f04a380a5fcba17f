//! Accepts connections: one task each, as many as descriptors allow.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, gauge};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::ListenerConfig;
use super::connection;
use super::shared::{Shared, Stage};
use crate::flow::ClientAddr;
use crate::{limits, telemetry};

/// Accepts until the gate drains.
pub(super) async fn accept(shared: Arc<Shared>, listener: Arc<ListenerConfig>, socket: TcpListener) {
    let mut stage = shared.stage.subscribe();
    let name = listener.name.to_string();
    let accepted = counter!(telemetry::CONNECTIONS, "listener" => name.clone());
    let open = gauge!(telemetry::CONNECTIONS_OPEN, "listener" => name);
    let mut pause = limits::ACCEPT_PAUSE;
    loop {
        let accept = async { (shared.room.seat().await, socket.accept().await) };
        let (seat, next) = tokio::select! {
            next = accept => next,
            () = ended(&mut stage, Stage::Draining) => return,
        };
        match next {
            Ok((tcp, peer)) => {
                pause = limits::ACCEPT_PAUSE;
                accepted.increment(1);
                let gauge = open.clone();
                let shared = Arc::clone(&shared);
                let listener = Arc::clone(&listener);
                let entered = shared.connections.enter();
                tokio::spawn(async move {
                    gauge.increment(1);
                    let counted = Counted(gauge);
                    serve(shared, listener, tcp, peer).await;
                    drop((counted, entered, seat));
                });
            }
            Err(error) if is_passing(&error) => {}
            Err(error) => {
                shared.meters.accept_errors.increment(1);
                tracing::warn!(listener = %listener.name, %error, "connections cannot be accepted; trying again");
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = ended(&mut stage, Stage::Draining) => return,
                }
                pause = next_pause(pause);
            }
        }
    }
}

async fn serve(shared: Arc<Shared>, listener: Arc<ListenerConfig>, tcp: TcpStream, peer: SocketAddr) {
    // Small writes must not wait for acknowledgements of earlier ones.
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%error, "client left before it was served");
        return;
    }
    let client = ClientAddr { ip: peer.ip().to_canonical(), port: peer.port() };
    connection::serve(shared, listener, tcp, client).await;
}

/// Ready once the gate's life has come to `stage`.
pub(super) async fn ended(watch: &mut watch::Receiver<Stage>, stage: Stage) {
    // The sender lives in what every connection shares: it can't be gone.
    let _ = watch.wait_for(|now| *now >= stage).await;
}

/// The connection failed, not the listener.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

fn next_pause(pause: Duration) -> Duration {
    (pause * 2).min(limits::ACCEPT_PAUSE_MAX)
}

/// Takes one off the gauge however the connection ends.
struct Counted(metrics::Gauge);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        let mut pause = limits::ACCEPT_PAUSE;
        for _ in 0..20 {
            pause = next_pause(pause);
        }
        assert_eq!(pause, limits::ACCEPT_PAUSE_MAX);
        assert!(limits::ACCEPT_PAUSE > Duration::ZERO);
    }
}
