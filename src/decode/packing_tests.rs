//! Archives made by hand, for tests.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};

pub(crate) fn deflated(text: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn gzipped(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// A local header and what follows it. `lengths`: coded and plain, as they are stated.
pub(crate) fn member(name: &str, flags: u16, method: u16, data: &[u8], lengths: (u32, u32)) -> Vec<u8> {
    let mut out = b"PK\x03\x04\x14\0".to_vec();
    out.extend(flags.to_le_bytes());
    out.extend(method.to_le_bytes());
    out.extend([0; 8]);
    out.extend(lengths.0.to_le_bytes());
    out.extend(lengths.1.to_le_bytes());
    out.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
    out.extend([0, 0]);
    out.extend(name.as_bytes());
    out.extend(data);
    out
}

pub(crate) fn packed(name: &str, text: &[u8]) -> Vec<u8> {
    let data = deflated(text);
    let lengths = (u32::try_from(data.len()).unwrap(), u32::try_from(text.len()).unwrap());
    member(name, 0, 8, &data, lengths)
}

pub(crate) fn stored(name: &str, text: &[u8]) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap();
    member(name, 0, 0, text, (length, length))
}

pub(crate) fn streamed(name: &str, text: &[u8], signed: bool, wide: bool) -> Vec<u8> {
    let data = deflated(text);
    let mut out = member(name, 8, 8, &data, (0, 0));
    if signed {
        out.extend(b"PK\x07\x08");
    }
    out.extend([1, 2, 3, 4]);
    for length in [data.len(), text.len()] {
        let length = (length as u64).to_le_bytes();
        out.extend(&length[..if wide { 8 } else { 4 }]);
    }
    out
}

/// An archive of members, with its directory.
pub(crate) fn zip(members: &[Vec<u8>]) -> Vec<u8> {
    [members.concat(), directory(members, 0)].concat()
}

/// The directory of an archive that begins with these members, `before` bytes into its file.
pub(crate) fn directory(members: &[Vec<u8>], before: usize) -> Vec<u8> {
    let (mut entries, mut at) = (Vec::new(), before);
    for member in members {
        entries.push(entry(member, at));
        at += member.len();
    }
    [entries.concat(), end(&entries, at)].concat()
}

/// The entry for a member at this offset.
pub(crate) fn entry(member: &[u8], at: usize) -> Vec<u8> {
    let name = &member[30..30 + usize::from(member[26])];
    let mut out = b"PK\x01\x02\x14\0".to_vec();
    out.extend(&member[4..18]);
    out.extend(lengths(member));
    out.extend(&member[26..28]);
    out.extend([0; 12]);
    out.extend(u32::try_from(at).unwrap().to_le_bytes());
    out.extend(name);
    out
}

/// The end of a directory that begins at `at`, with a comment.
pub(crate) fn end(entries: &[Vec<u8>], at: usize) -> Vec<u8> {
    let (count, length) = (u16::try_from(entries.len()).unwrap(), entries.concat().len());
    let mut out = b"PK\x05\x06\0\0\0\0".to_vec();
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(u32::try_from(length).unwrap().to_le_bytes());
    out.extend(u32::try_from(at).unwrap().to_le_bytes());
    out.extend([3, 0]);
    out.extend(b"end");
    out
}

/// Coded and plain length of a member, from its header or from behind it.
fn lengths(member: &[u8]) -> Vec<u8> {
    if member[6] & 8 == 0 || member[18..22] != [0; 4] {
        return member[18..26].to_vec();
    }
    let data = member.len() - 30 - usize::from(member[26]);
    for (width, behind) in [(4, 12), (4, 16), (8, 20), (8, 24)] {
        let stated = &member[member.len() - 2 * width..];
        let coded = u32::from_le_bytes(stated[..4].try_into().unwrap());
        if coded as usize + behind == data {
            return [&stated[..4], &stated[width..width + 4]].concat();
        }
    }
    member[18..26].to_vec()
}

pub(crate) fn tar_header(name: &str, kind: u8, length: usize) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{length:011o}").as_bytes());
    header[148..156].copy_from_slice(b"        ");
    header[156] = kind;
    header[257..263].copy_from_slice(b"ustar\0");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    header
}

pub(crate) fn tar_member(name: &str, kind: u8, text: &[u8]) -> Vec<u8> {
    let mut out = tar_header(name, kind, text.len());
    out.extend(text);
    out.resize(out.len().div_ceil(512) * 512, 0);
    out
}
