//! Keeps what a TLS session has encrypted from leaving piece by piece.
//!
//! A session takes a few records before it wants to be rid of them. Whoever writes many small things sends them off
//! together instead of in a system call each, without a copy of its own.

use tokio::net::TcpStream;

use super::ahead::Ahead;
use super::sniff::Prefixed;
use super::wire::Wire;
use crate::tls::{ClientStream, UpstreamStream};

/// A connection on which what is written can wait for more.
pub(super) trait Corked {
    /// While it is corked, what is written stays in it as far as there is room, and nothing wakes whoever is told to wait:
    /// whoever corks takes the cork out before it waits.
    fn cork(&mut self, corked: bool);

    /// Makes room for so many bytes to wait.
    fn widen(&mut self, room: usize);
}

impl Corked for ClientStream<Prefixed<Wire>> {
    fn cork(&mut self, corked: bool) {
        self.get_mut().0.get_mut().cork(corked);
    }

    fn widen(&mut self, room: usize) {
        self.get_mut().1.set_buffer_limit(Some(room));
    }
}

impl Corked for Prefixed<ClientStream<Prefixed<Wire>>> {
    fn cork(&mut self, corked: bool) {
        self.get_mut().cork(corked);
    }

    fn widen(&mut self, room: usize) {
        self.get_mut().widen(room);
    }
}

impl Corked for UpstreamStream<Ahead<TcpStream>> {
    fn cork(&mut self, corked: bool) {
        self.get_mut().0.cork(corked);
    }

    fn widen(&mut self, room: usize) {
        self.get_mut().1.set_buffer_limit(Some(room));
    }
}

/// In clear text there is nowhere to wait.
impl Corked for Prefixed<Wire> {
    fn cork(&mut self, _: bool) {}

    fn widen(&mut self, _: usize) {}
}
