//! Questions to a trail: records by their values, a report for a period, a bundle to hand on.
//!
//! Reads files alone, beside a writer at work or without one. Invariant: what is answered was read from the records
//! themselves; an index only says where to look.

mod bundle;
mod facts;
mod filter;
mod follow;
mod happened;
mod index;
mod latest;
mod proof;
mod removed;
mod report;
mod report_text;
mod rows;
mod search;
mod settle;
mod store;
mod subset;
mod unended;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_live;
#[cfg(test)]
mod tests_report;

pub use bundle::{Bundle, Exported, export};
pub use facts::{Facts, Field};
pub use filter::{Filter, Pattern};
pub use follow::{Follow, follow, follow_from};
pub use happened::{Change, Happened, InForce, Unopened};
pub use latest::Latest;
pub use proof::prove;
pub use removed::Removed;
pub use report::{Period, Sampled, Sum, Summary, Trust, summarize};
pub use rows::{COLUMNS, Columns, csv_row, row};
pub use search::{Searched, search, search_sound};
pub use settle::settle;
pub use unended::{Begun, Unended};
