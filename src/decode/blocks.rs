//! A long text kept in Zstandard frames of bounded size with a table of them at the end, so that any part of it can be
//! read without the rest. It is the seekable format of Zstandard's contributions: `zstd -d` reads it, too.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom, Write};

use zstd::bulk::{Compressor, Decompressor};

use crate::limits::BLOCK_TEXT;

const LEVEL: i32 = 6;
/// A skippable frame (RFC 8878, section 3.1.2), and what ends it here.
const SKIPPABLE: u32 = 0x184D_2A5E;
const SEEKABLE: u32 = 0x8F92_EAB1;
/// Of an entry (both sizes of a frame), and of what follows the entries (their number, flags, the mark).
const ENTRY: usize = 8;
const FOOTER: usize = 9;

/// Writes a text, block by block.
pub struct BlockWriter<W> {
    out: W,
    frames: Compressor<'static>,
    /// Sizes packed and as text.
    table: Vec<(u32, u32)>,
}

impl<W> fmt::Debug for BlockWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockWriter").field("blocks", &self.table.len()).finish_non_exhaustive()
    }
}

impl<W: Write> BlockWriter<W> {
    pub fn new(out: W) -> io::Result<BlockWriter<W>> {
        let mut frames = Compressor::new(LEVEL)?;
        frames.set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(true))?;
        Ok(BlockWriter { out, frames, table: Vec::new() })
    }

    /// Writes the next part of the text, of [`BLOCK_TEXT`] bytes at most; how many bytes it takes packed.
    pub fn block(&mut self, text: &[u8]) -> io::Result<u64> {
        if text.is_empty() {
            return Ok(0);
        }
        if text.len() > BLOCK_TEXT {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a block is longer than any may be"));
        }
        let frame = self.frames.compress(text)?;
        self.out.write_all(&frame)?;
        let size = |bytes: usize| u32::try_from(bytes).map_err(io::Error::other);
        self.table.push((size(frame.len())?, size(text.len())?));
        Ok(frame.len() as u64)
    }

    /// Writes the table; how many bytes it takes.
    pub fn finish(mut self) -> io::Result<(W, u64)> {
        let count = u32::try_from(self.table.len()).map_err(io::Error::other)?;
        let mut end = Vec::with_capacity(8 + self.table.len() * ENTRY + FOOTER);
        let length = self.table.len() * ENTRY + FOOTER;
        end.extend_from_slice(&SKIPPABLE.to_le_bytes());
        end.extend_from_slice(&u32::try_from(length).map_err(io::Error::other)?.to_le_bytes());
        for (packed, text) in &self.table {
            end.extend_from_slice(&packed.to_le_bytes());
            end.extend_from_slice(&text.to_le_bytes());
        }
        end.extend_from_slice(&count.to_le_bytes());
        end.push(0);
        end.extend_from_slice(&SEEKABLE.to_le_bytes());
        self.out.write_all(&end)?;
        Ok((self.out, end.len() as u64))
    }
}

/// One block: where it is, and where its text stands.
#[derive(Clone, Copy, Debug)]
struct Block {
    at: u64,
    packed: usize,
    from: u64,
    text: usize,
}

/// Reads a text that [`BlockWriter`] wrote, from any place on.
pub struct Blocks<R> {
    file: R,
    frames: Decompressor<'static>,
    table: Vec<Block>,
    text: u64,
    /// The block that was read last, and its text.
    held: Option<u64>,
    packed: Vec<u8>,
    block: Vec<u8>,
}

impl<R> fmt::Debug for Blocks<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocks").field("blocks", &self.table.len()).finish_non_exhaustive()
    }
}

fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk::<4>()?))
}

impl<R: Read + Seek> Blocks<R> {
    /// Reads the table. It must describe the whole file, byte for byte.
    pub fn open(mut file: R) -> io::Result<Blocks<R>> {
        let no_table = || broken("the packed text has no table of its blocks");
        let bytes = file.seek(SeekFrom::End(0))?;
        let mut footer = [0; FOOTER];
        file.seek(SeekFrom::Start(bytes.checked_sub(FOOTER as u64).ok_or_else(no_table)?))?;
        file.read_exact(&mut footer)?;
        let is_one = footer[4] == 0 && number(&footer, 5) == Some(SEEKABLE);
        let count = number(&footer, 0).filter(|_| is_one).ok_or_else(no_table)?;
        let length = u64::from(count) * ENTRY as u64 + FOOTER as u64;
        let start = bytes.checked_sub(length + 8).ok_or_else(no_table)?;
        file.seek(SeekFrom::Start(start))?;
        let mut table = vec![0; usize::try_from(length + 8).map_err(io::Error::other)?];
        file.read_exact(&mut table)?;
        if number(&table, 0) != Some(SKIPPABLE) || number(&table, 4).map(u64::from) != Some(length) {
            return Err(no_table());
        }
        let (mut at, mut from, mut blocks) = (0u64, 0u64, Vec::new());
        for entry in table[8..table.len() - FOOTER].chunks_exact(ENTRY) {
            let (packed, text) =
                (number(entry, 0).unwrap_or(0) as usize, number(entry, 4).unwrap_or(0) as usize);
            // What does not shrink grows by little.
            if text == 0 || text > BLOCK_TEXT || packed > BLOCK_TEXT + BLOCK_TEXT / 16 {
                return Err(broken("the table of the packed text names a block of a size that none has"));
            }
            blocks.push(Block { at, packed, from, text });
            (at, from) = (at + packed as u64, from + text as u64);
        }
        if at != start {
            return Err(broken("the table of the packed text does not fit its blocks"));
        }
        Ok(Blocks {
            file,
            frames: Decompressor::new()?,
            table: blocks,
            text: from,
            held: None,
            packed: Vec::new(),
            block: Vec::new(),
        })
    }

    /// Bytes of text.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.text
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text == 0
    }

    /// What stands at a place of the text, as much as one block has of it; nothing past its end.
    pub fn read_at(&mut self, room: &mut [u8], at: u64) -> io::Result<usize> {
        let index = self.table.partition_point(|block| block.from + block.text as u64 <= at);
        let Some(block) = self.table.get(index).copied() else { return Ok(0) };
        if self.held != Some(block.from) {
            self.held = None;
            self.packed.resize(block.packed, 0);
            self.file.seek(SeekFrom::Start(block.at))?;
            self.file.read_exact(&mut self.packed)?;
            self.block.clear();
            self.block.reserve_exact(BLOCK_TEXT);
            self.frames
                .decompress_to_buffer(&self.packed, &mut self.block)
                .map_err(|_| broken("a block of the packed text was changed"))?;
            if self.block.len() != block.text {
                return Err(broken("a block of the packed text has another size than the table says"));
            }
            self.held = Some(block.from);
        }
        let from = usize::try_from(at - block.from).map_err(io::Error::other)?;
        let taken = room.len().min(self.block.len() - from);
        room[..taken].copy_from_slice(&self.block[from..from + taken]);
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn packed(blocks: &[Vec<u8>]) -> Vec<u8> {
        let mut writer = BlockWriter::new(Vec::new()).unwrap();
        let mut bytes = 0;
        for block in blocks {
            bytes += writer.block(block).unwrap();
        }
        let (out, table) = writer.finish().unwrap();
        assert_eq!(out.len() as u64, bytes + table);
        out
    }

    fn all(file: &[u8]) -> io::Result<Vec<u8>> {
        let mut blocks = Blocks::open(Cursor::new(file))?;
        let (mut text, mut room) = (Vec::new(), [0; 777]);
        loop {
            match blocks.read_at(&mut room, text.len() as u64)? {
                0 => return Ok(text),
                read => text.extend_from_slice(&room[..read]),
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_part_is_read_back(
            blocks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..900), 0..8),
            at in any::<prop::sample::Index>(), length in 0usize..400,
        ) {
            let (file, text) = (packed(&blocks), blocks.concat());
            prop_assert_eq!(&all(&file).unwrap(), &text);
            // What every tool of Zstandard makes of it.
            prop_assert_eq!(zstd::stream::decode_all(&file[..]).unwrap(), text.clone());
            let mut reader = Blocks::open(Cursor::new(&file)).unwrap();
            prop_assert_eq!((reader.len(), reader.is_empty()), (text.len() as u64, text.is_empty()));
            let at = at.index(text.len() + 1);
            let mut room = vec![0; length];
            let read = reader.read_at(&mut room, at as u64).unwrap();
            prop_assert_eq!(&room[..read], &text[at..at + read]);
            prop_assert!(read > 0 || length == 0 || at == text.len());
        }

        #[test]
        fn a_changed_file_says_so_or_says_the_same(
            blocks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 1..5),
            at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<bool>(),
        ) {
            let text = blocks.concat();
            let mut file = packed(&blocks);
            let at = at.index(file.len());
            if cut { file.truncate(at) } else { file[at] ^= 1 << bit }
            if let Ok(read) = all(&file) {
                prop_assert!(!cut && read == text);
            }
        }
    }

    #[test]
    fn a_block_has_a_largest_size() {
        let mut writer = BlockWriter::new(Vec::new()).unwrap();
        assert!(writer.block(&vec![b'x'; BLOCK_TEXT + 1]).is_err());
        let random: Vec<u8> =
            (0..BLOCK_TEXT as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
        assert_eq!(all(&packed(&[random.clone(), vec![0; BLOCK_TEXT]])).unwrap()[..BLOCK_TEXT], random[..]);
    }
}
