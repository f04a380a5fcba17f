//! Finds records: by index in closed segments, by reading in the one that grows.

use std::io;
use std::path::Path;

use crate::audit::query::facts::Facts;
use crate::audit::query::filter::Filter;
use crate::audit::query::index::Index;
use crate::audit::query::store::Store;
use crate::audit::segment::{self, Found};

/// What a search has looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Searched {
    pub segments: usize,
    /// Records that were read, and of them those that matched.
    pub read: u64,
    pub matched: u64,
}

/// Hands each record that matches to `take`, in order, until it has enough (`false`).
pub fn search(
    directory: &Path,
    filter: &Filter,
    take: &mut dyn FnMut(&[u8], &Facts<'_>) -> io::Result<bool>,
) -> io::Result<Searched> {
    let segments = segment::list(directory)?;
    let mut searched = Searched::default();
    for (at, found) in segments.iter().enumerate() {
        let next = segments.get(at + 1).map(|next| next.first);
        if next.is_some_and(|next| filter.from_seq.is_some_and(|from| from >= next)) {
            continue;
        }
        searched.segments += 1;
        if !one(found, next.is_some(), filter, &mut searched, take)? {
            break;
        }
    }
    Ok(searched)
}

/// Whether more is wanted.
fn one(
    found: &Found,
    is_closed: bool,
    filter: &Filter,
    searched: &mut Searched,
    take: &mut dyn FnMut(&[u8], &Facts<'_>) -> io::Result<bool>,
) -> io::Result<bool> {
    let mut store = Store::open(found)?;
    let mut more = true;
    let mut look = |line: &[u8], searched: &mut Searched| -> io::Result<bool> {
        searched.read += 1;
        let Some(facts) = Facts::parse(line).filter(|facts| filter.matches(facts)) else { return Ok(true) };
        searched.matched += 1;
        more = take(line, &facts)?;
        Ok(more)
    };
    if !is_closed {
        store.each_line(&mut |line| look(line, searched))?;
        return Ok(more);
    }
    let index = Index::of(&found.path, &mut store)?;
    let mut line = Vec::new();
    for (offset, length) in index.candidates(filter) {
        store.read(offset, length, &mut line)?;
        if !look(line.strip_suffix(b"\n").unwrap_or(&line), searched)? {
            break;
        }
    }
    Ok(more)
}
