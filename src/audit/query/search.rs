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

/// As [`search`], but a segment that was damaged does not hide the others: what is wrong with each is said.
pub fn search_sound(
    directory: &Path,
    filter: &Filter,
    take: &mut dyn FnMut(&[u8], &Facts<'_>) -> io::Result<bool>,
) -> io::Result<(Searched, Vec<String>)> {
    let mut damaged = Vec::new();
    let mut skip = |found: &Found, error: io::Error| match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            damaged.push(format!("{}: {error}", found.path.display()));
            Ok(())
        }
        _ => Err(error),
    };
    let searched = each(directory, filter, take, &mut skip)?;
    Ok((searched, damaged))
}

/// Hands each record that matches to `take`, in order, until it has enough (`false`).
pub fn search(
    directory: &Path,
    filter: &Filter,
    take: &mut dyn FnMut(&[u8], &Facts<'_>) -> io::Result<bool>,
) -> io::Result<Searched> {
    each(directory, filter, take, &mut |_, error| Err(error))
}

/// `failed` says whether a segment that cannot be read is an end.
fn each(
    directory: &Path,
    filter: &Filter,
    take: &mut dyn FnMut(&[u8], &Facts<'_>) -> io::Result<bool>,
    failed: &mut dyn FnMut(&Found, io::Error) -> io::Result<()>,
) -> io::Result<Searched> {
    let segments = segment::list(directory)?;
    let mut searched = Searched::default();
    for (at, found) in segments.iter().enumerate() {
        let next = segments.get(at + 1).map(|next| next.first);
        if next.is_some_and(|next| filter.from_seq.is_some_and(|from| from >= next)) {
            continue;
        }
        searched.segments += 1;
        match one(found, next.is_some(), filter, &mut searched, take) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => failed(found, error)?,
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
