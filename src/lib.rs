//! Tidegate: an inline DLP egress proxy. The modules are floors; each may import only from lower ones.
//!
//! | floor | modules | may know |
//! |---|---|---|
//! | 0 | `flow`, `limits`, `fingerprint`, `telemetry` | std, ring |
//! | 1 | `detect`, `decode` | floor 0 |
//! | 2 | `policy`, `redact` | floors 0–1 |
//! | 3 | `inspect` | floors 0–2 |
//! | 4 | `audit`, `tls`, `platform` | floors 0–3 |
//! | 5 | `proxy`, `sink` | floors 0–4 |
//! | 6 | `admin`, `config`, `cli` | all |

pub mod fingerprint;
pub mod flow;
pub mod limits;
pub mod telemetry;

pub mod decode;
pub mod detect;

pub mod policy;
pub mod redact;

pub mod inspect;

pub mod audit;
pub mod platform;
pub mod tls;

pub mod proxy;
pub mod sink;

pub mod admin;
pub mod cli;
pub mod config;

#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
