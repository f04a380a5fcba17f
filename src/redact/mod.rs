//! Text and spans to text: what hides a value, and how edits are laid over a chain of bytes.
//!
//! May import floors 0–1. Invariants: an edit never changes a length; a masked value is never found again;
//! bytes that no edit touches are passed on as they are, not copied.

pub mod mask;
pub mod splice;
pub mod token;

pub use mask::mask;
pub use splice::Chain;
pub use token::token;
