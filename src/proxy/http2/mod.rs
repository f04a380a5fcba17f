//! HTTP/2 on both sides: what a client's connection and an upstream's share.
//!
//! May import what `proxy` may. Invariants: a frame that a peer is not entitled to never reaches the protocol engine;
//! a byte gives its window back when it is taken for inspection, so that no stream stalls its connection; a body that
//! is cut ends in RST_STREAM, never in END_STREAM.

mod blocks;
mod breach;
mod budget;
mod duplex;
mod frames;
mod gather;
mod grant;
mod interim;
mod pump;
mod received;
mod server;
mod unread;
mod unsent;
mod width;

pub(super) use breach::Breach;
pub(super) use budget::Budget;
pub(super) use duplex::Duplex;
pub(super) use frames::{FrameGuard, FrameHandle, Greeting};
pub(super) use gather::Gathered;
pub(super) use interim::Interim;
pub(super) use pump::{Pump, PumpError};
pub(super) use received::Received;
pub(super) use server::serve;
pub(super) use width::Width;

use crate::limits;

/// Bounds that both roles are told.
macro_rules! bounded {
    ($builder:expr, $streams:expr, $window:expr, $all:expr) => {
        $builder
            .initial_window_size($window)
            .initial_connection_window_size($all)
            .max_concurrent_streams($streams)
            .max_header_list_size(limits::H2_HEAD_BYTES)
            .max_frame_size(limits::H2_FRAME_BYTES)
            .max_send_buffer_size(limits::H2_SEND_BUFFER)
            .max_concurrent_reset_streams(limits::H2_RESET_STREAMS)
            .max_pending_accept_reset_streams(limits::H2_RESET_STREAMS)
            .max_local_error_reset_streams(Some(limits::H2_STREAM_ERRORS))
    };
}

/// A server's settings: extended CONNECT is how a WebSocket comes over HTTP/2 (RFC 8441).
fn server() -> h2::server::Builder {
    let mut builder = h2::server::Builder::new();
    // It grows with what waits.
    let all = limits::H2_UNREAD_EACH as u32;
    bounded!(builder, limits::H2_STREAMS, limits::H2_STREAM_WINDOW, all).enable_connect_protocol();
    builder
}

/// A client's settings: nothing is pushed to it.
pub(super) fn client() -> h2::client::Builder {
    let mut builder = h2::client::Builder::new();
    let (streams, window) = (limits::H2_UPSTREAM_STREAMS, limits::H2_UPSTREAM_WINDOW);
    bounded!(builder, streams, window, window * streams).enable_push(false);
    builder
}
