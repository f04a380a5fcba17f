//! Something packed that is being taken apart, and how long it may be something that only begins like it.

use std::ops::ControlFlow;

use super::{Halt, Sink, Took, Unpacked};
use crate::decode::DecodeError;
use crate::decode::deflate::Deflate;
use crate::decode::gzip::Gzip;
use crate::decode::signs::Sign;
use crate::decode::stream::{Doubt, run};
use crate::decode::tar::Tar;
use crate::decode::zip::Zip;
use crate::decode::zip_directory::Directory;
use crate::decode::zstd::Zstd;
use crate::limits::{ARCHIVE_PROOF, DECODE_WINDOW, INFLATER};

/// Room for text of what may be none: as much as proves it and the longest copy of deflate.
const DOUBTED_WINDOW: usize = 2 * ARCHIVE_PROOF as usize;

/// Something packed that is being taken apart.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) kind: Kind,
    /// Text that came out of it.
    pub(super) out: u64,
    /// Whether a member is open.
    pub(super) open: bool,
    /// Whether it began in the middle of the text.
    pub(super) within: bool,
    /// What it took since then, as long as it may be none.
    pub(super) kept: Vec<u8>,
    /// So long.
    pub(super) doubt: usize,
    /// What the last step took, also where it failed.
    pub(super) read: usize,
    /// Members of zip archives before it.
    pub(super) members: usize,
}

#[derive(Debug)]
pub(super) enum Kind {
    Zip(Box<Zip>),
    Tar(Box<Tar>),
    Gzip(Box<Gzip>, Vec<u8>),
    Zstd(Box<Zstd>, Vec<u8>),
    Deflate(Box<Deflate>, Vec<u8>),
}

impl Sign {
    /// `at`: where it begins; `directory`: members of zip archives before it; `spare`: what a stream right before it took.
    pub(super) fn kind(self, at: u64, directory: &mut Directory, spare: Option<Kind>) -> Kind {
        match (self, spare) {
            (Sign::Zip | Sign::ZipEntry | Sign::ZipEnd, _) => {
                Kind::Zip(Box::new(Zip::new(at, std::mem::take(directory))))
            }
            (Sign::Gzip, Some(Kind::Gzip(gzip, window))) => Kind::Gzip(Box::new(gzip.again()), window),
            (Sign::Zstd, Some(Kind::Zstd(zstd, window))) => Kind::Zstd(Box::new(zstd.again()), window),
            (Sign::Gzip, _) => Kind::Gzip(Box::new(Gzip::new()), Vec::new()),
            (Sign::Zstd, _) => Kind::Zstd(Box::new(Zstd::new()), Vec::new()),
        }
    }
}

impl Kind {
    /// Memory that it takes beside what is remembered of archives.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Kind::Zip(_) | Kind::Tar(_) => 0,
            Kind::Gzip(_, window) | Kind::Deflate(_, window) => INFLATER + window.len(),
            Kind::Zstd(zstd, window) => zstd.bytes() + window.len(),
        }
    }
}

impl Container {
    /// Whether it may be something that only begins like it.
    pub(super) fn may_be_chance(&self) -> bool {
        self.left_in_doubt().is_some()
    }

    /// How much longer it may be.
    pub(super) fn left_in_doubt(&self) -> Option<Doubt> {
        let bytes = self.doubt.saturating_sub(self.kept.len());
        let text = ARCHIVE_PROOF.saturating_sub(self.out);
        (self.within && bytes > 0 && text > 0).then_some(Doubt { bytes, text })
    }

    /// Whether it is a file of Zstandard from the beginning of the text.
    pub(super) fn is_a_file(&self) -> bool {
        !self.within && matches!(self.kind, Kind::Zstd(..))
    }

    pub(super) fn keep(&mut self, taken: &[u8]) {
        if self.may_be_chance() {
            self.kept.extend_from_slice(taken);
        } else if self.kept.capacity() > 0 {
            self.kept = Vec::new();
            self.within = false;
        }
    }

    /// One step over `text`, which begins at offset `at`.
    pub(super) fn step(
        &mut self,
        text: &[u8],
        at: u64,
        is_opaque: bool,
        sink: Sink<'_>,
    ) -> Result<Took, Halt> {
        let doubt = self.left_in_doubt();
        if let Kind::Gzip(_, window) | Kind::Zstd(_, window) | Kind::Deflate(_, window) = &mut self.kind {
            // What proves itself fits in little; runs that are short are many.
            let room = if doubt.is_some() { DOUBTED_WINDOW } else { DECODE_WINDOW };
            window.resize(room.max(window.len()), 0);
        }
        let (mut is_open, out) = (self.open, &mut self.out);
        let open = &mut self.open;
        let mut counted = |what: Unpacked<'_>| {
            match what {
                Unpacked::Open(_) => *open = true,
                Unpacked::Close => *open = false,
                Unpacked::Text(text, _) => {
                    *out += text.len() as u64;
                    return sink(Unpacked::Text(text, at));
                }
                Unpacked::Unread(..) if is_opaque => return ControlFlow::Continue(()),
                Unpacked::Aside(_) | Unpacked::Unread(..) | Unpacked::Unopened(_) => {}
            }
            sink(what)
        };
        let sink: Sink<'_> = &mut counted;
        self.read = 0;
        let read = &mut self.read;
        match &mut self.kind {
            // Byte by byte, too.
            Kind::Zip(zip) if doubt.is_some() => zip.step(text.get(..1).unwrap_or_default(), sink),
            Kind::Zip(zip) => zip.step(text, sink),
            Kind::Tar(tar) => tar.step(text, sink),
            Kind::Gzip(gzip, window) => {
                run("gzip", &mut is_open, text, read, doubt, window, sink, &mut |text, window, aside| {
                    if gzip.is_complete()
                        && gzip.has_begun()
                        && text.first().is_some_and(|next| *next != 0x1f)
                    {
                        return Err(DecodeError::Trailing);
                    }
                    let progress = gzip.step(text, window);
                    aside.extend_from_slice(gzip.aside());
                    progress
                })
            }
            Kind::Zstd(zstd, window) => {
                run("zstd", &mut is_open, text, read, doubt, window, sink, &mut |text, window, aside| {
                    let goes_on = matches!(text.first(), None | Some(0x28 | 0x50..=0x5f));
                    if zstd.is_complete() && zstd.has_begun() && !goes_on {
                        return Err(DecodeError::Trailing);
                    }
                    let progress = zstd.step(text, window);
                    aside.extend_from_slice(zstd.aside());
                    progress
                })
            }
            Kind::Deflate(deflate, window) => {
                run("deflate", &mut is_open, text, read, doubt, window, sink, &mut |text, window, _| {
                    deflate.step(text, window)
                })
            }
        }
    }

    /// Its members were none.
    pub(super) fn forget_members(&mut self) {
        if let Kind::Zip(zip) = &mut self.kind {
            zip.forget_members(self.members);
        }
    }

    /// Bytes that it took and that are none of its own.
    pub(super) fn unread(&mut self) -> Vec<u8> {
        match &mut self.kind {
            Kind::Zip(zip) => zip.unread(),
            Kind::Tar(_) | Kind::Gzip(..) | Kind::Zstd(..) | Kind::Deflate(..) => Vec::new(),
        }
    }
}
