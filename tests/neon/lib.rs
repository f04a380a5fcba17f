//! Floors 0 and 1 of the product from their own sources: what is tested is what ships.

#![allow(unfulfilled_lint_expectations)]

#[path = "../../src/detect/mod.rs"]
pub mod detect;
#[path = "../../src/fingerprint.rs"]
pub mod fingerprint;
#[path = "../../src/limits.rs"]
pub mod limits;
