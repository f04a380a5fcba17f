//! The seam in front of hyper, on both sides: each raw head is checked before hyper sees a byte of it, and body
//! lengths are tracked so that it is known where the next head begins.
//!
//! hyper is lenient where two parsers may disagree (RFC 9112, section 11.2): it lets Transfer-Encoding win over
//! Content-Length, merges equal lengths, takes bare line feeds. What passes here has one reading.
//!
//! `section` and `chunked` are pure parsers, `framing` joins them into the sequence of messages on a connection,
//! `stream` puts that in front of a socket, `connect` reads a CONNECT head outside hyper. Bytes pass unchanged.

mod chunked;
mod connect;
mod framing;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod handle;
mod refusal;
mod section;
mod stream;

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use connect::connect_head;
pub(crate) use connect::{ConnectHead, ReadHeadError, read_connect};
pub(crate) use handle::GuardHandle;
pub(crate) use refusal::Refusal;
pub(crate) use stream::Guard;
