//! Text and spans to text: what hides a value, and how edits are laid over a chain of bytes.
//!
//! May import floors 0–1. Invariants: nothing but a label changes a length; a masked value is never found again;
//! bytes that no edit touches are passed on as they are, not copied.

pub mod ff1;
pub mod label;
pub mod mask;
pub mod preserve;
pub mod splice;
pub mod token;

pub use ff1::Ff1;
pub use label::label;
pub use mask::{as_scalar, mask};
pub use preserve::{decrypted, encrypted};
pub use splice::Chain;
pub use token::token;
