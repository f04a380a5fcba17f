//! What differs between operating systems: disk space, descriptors and memory of this process.
//!
//! May import floors 0–3. Invariants: no `unsafe`, every call goes through rustix or `/proc`; what an operating
//! system does not tell is `None`, never a guess.

pub mod disk;
pub mod lock;
pub mod process;
pub mod socket;

/// Called first of all, before any thread: the place for settings that hold for the whole process.
pub fn tune() {}
