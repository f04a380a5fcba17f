//! WebSocket (RFC 6455): messages are inspected as they pass, in both directions.
//!
//! `opening` reads and writes the handshake, `compression` what it says of permessage-deflate (RFC 7692), `frame` is a
//! pure parser of frames, `lane` carries the messages of one direction through an inspector, `codec` through their
//! compression; `track` keeps its records, `relay` joins two of them and ends them, `session` hands them over. Invariants:
//! a frame leaves as it came unless its message is edited or outgrows hold; nothing of a message leaves before it may; who
//! is stopped is told so (1008) at both ends.

mod codec;
mod compression;
mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing;
mod lane;
#[cfg(test)]
mod lane_tests;
mod opening;
mod relay;
mod session;
mod text;
mod track;

pub(super) use opening::{Opening, accepts, answer, is_extended, narrow_offer, proof};
pub(super) use session::{Asked, Handover, Session, Switched};
