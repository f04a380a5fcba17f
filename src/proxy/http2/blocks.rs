//! Which streams carry a pseudo field where none may be: in trailers, or one of requests in a response.
//!
//! The engine leaves such fields out; RFC 9113, section 8.1, has a message that holds one be malformed. Header blocks are
//! read beside the engine (RFC 7541) as far as that takes: of each entry of the peer's table its size, and whether its name
//! is that of a pseudo field. No text is kept.

use std::collections::VecDeque;

use crate::limits;

/// What a field's name says of where it may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Usual,
    /// `:method`, `:path` and so on, and what is none of them and begins like one.
    OfRequests,
    /// `:status`, of an answer or of what comes before it.
    Final,
    Interim,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    name: Name,
    name_length: usize,
    size: usize,
}

/// What a peer's table holds, the newest first (RFC 7541, section 2.3.2).
#[derive(Debug)]
struct Table {
    entries: VecDeque<Entry>,
    size: usize,
    most: usize,
}

/// Lengths of the names of the static table (RFC 7541, appendix A), and the indices of `:status` in it; those before it are
/// of requests.
const LENGTHS: [usize; 61] = [
    10, 7, 7, 5, 5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 14, 15, 15, 13, 6, 27, 3, 5, 13, 13, 19, 16, 16, 14, 16, 13,
    12, 6, 4, 4, 6, 7, 4, 4, 8, 17, 13, 8, 19, 13, 4, 8, 12, 18, 19, 5, 7, 7, 11, 6, 10, 25, 17, 10, 4, 3,
    16,
];
const STATUS: std::ops::RangeInclusive<usize> = 8..=14;
/// Bytes that an entry counts beside its texts.
const OVERHEAD: usize = 32;

impl Table {
    fn name(&self, index: usize) -> Option<(Name, usize)> {
        if let Some(length) = index.checked_sub(1).and_then(|at| LENGTHS.get(at)) {
            let name = match index {
                _ if STATUS.contains(&index) => Name::Final,
                _ if index < *STATUS.start() => Name::OfRequests,
                _ => Name::Usual,
            };
            return Some((name, *length));
        }
        let entry = self.entries.get(index.checked_sub(1 + LENGTHS.len())?)?;
        Some((entry.name, entry.name_length))
    }

    fn add(&mut self, entry: Entry) {
        self.shrink(self.most.saturating_sub(entry.size));
        if entry.size <= self.most {
            self.size += entry.size;
            self.entries.push_front(entry);
        }
    }

    fn shrink(&mut self, to: usize) {
        while self.size > to {
            let Some(oldest) = self.entries.pop_back() else { return };
            self.size -= oldest.size;
        }
    }
}

/// A text of a block: its bytes, and whether they are in the code of appendix B.
#[derive(Clone, Copy)]
struct Text<'a> {
    bytes: &'a [u8],
    coded: bool,
}

impl<'a> Text<'a> {
    fn take(block: &mut &'a [u8]) -> Option<Text<'a>> {
        let coded = block.first()? & 0x80 != 0;
        let length = number(block, 7)?;
        let (bytes, rest) = block.split_at_checked(length)?;
        *block = rest;
        Some(Text { bytes, coded })
    }

    /// None when it is in no code.
    fn length(self) -> Option<usize> {
        if self.coded { symbols(self.bytes) } else { Some(self.bytes.len()) }
    }

    fn name(self) -> Name {
        // A code has one way to write a text, so that it can be told without being undone.
        let status: &[u8] = if self.coded { &[0xb8, 0x84, 0x8d, 0x36, 0xa3] } else { b":status" };
        let is_pseudo = |first: u8| if self.coded { first & 0xfe == 0xb8 } else { first == b':' };
        match self.bytes.first() {
            Some(_) if self.bytes == status => Name::Final,
            Some(first) if is_pseudo(*first) => Name::OfRequests,
            Some(_) | None => Name::Usual,
        }
    }

    /// Whether it is a status of what comes before an answer: it begins with 1.
    fn is_interim(self) -> bool {
        self.bytes.first().is_some_and(|first| if self.coded { first >> 3 == 1 } else { *first == b'1' })
    }
}

/// An integer whose first bits stand in a byte with others (RFC 7541, section 5.1).
fn number(block: &mut &[u8], bits: u32) -> Option<usize> {
    let (first, mut rest) = block.split_first()?;
    let most = (1_usize << bits) - 1;
    let mut value = usize::from(*first) & most;
    if value == most {
        for shift in [0, 7, 14, 21] {
            let (byte, behind) = rest.split_first()?;
            rest = behind;
            value += usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                *block = rest;
                return Some(value);
            }
        }
        return None;
    }
    *block = rest;
    Some(value)
}

/// How long the codes of appendix B are, and what those of that length stay below, their first bit first: the codes of each
/// length follow each other, and those of the one before.
const BELOW: [(usize, u64); 21] = [
    (5, 0x50000000),
    (6, 0xb8000000),
    (7, 0xf8000000),
    (8, 0xfe000000),
    (10, 0xff400000),
    (11, 0xffa00000),
    (12, 0xffc00000),
    (13, 0xfff00000),
    (14, 0xfff80000),
    (15, 0xfffe0000),
    (19, 0xfffe6000),
    (20, 0xfffee000),
    (21, 0xffff4800),
    (22, 0xffffb000),
    (23, 0xffffea00),
    (24, 0xfffff600),
    (25, 0xfffff800),
    (26, 0xfffffbc0),
    (27, 0xfffffe20),
    (28, 0xfffffff0),
    (30, 0x100000000),
];

/// What stays below no code but that of the end.
const END: u64 = 0xffff_fffc;

/// How many symbols a text in the code of appendix B has; none when it is not (RFC 7541, section 5.2).
fn symbols(text: &[u8]) -> Option<usize> {
    let (mut bytes, mut bits, mut have, mut count) = (text.iter(), 0_u64, 0_usize, 0);
    loop {
        while have <= 32 {
            let Some(byte) = bytes.next() else { break };
            bits = bits << 8 | u64::from(*byte);
            have += 8;
        }
        // Behind the end there is nothing but ones, as in the padding: no symbol is made of them.
        let window =
            if have >= 32 { bits >> (have - 32) } else { (bits << (32 - have)) | ((1 << (32 - have)) - 1) };
        let window = window & u64::from(u32::MAX);
        let length =
            BELOW.iter().find(|(_, below)| window < *below).map_or(usize::MAX, |(length, _)| *length);
        if length > have {
            // Less than a byte, of ones, fills the last one.
            let padding = (1_u64 << have.min(8)) - 1;
            return (have < 8 && bits & padding == padding).then_some(count);
        }
        // The code's own end is no symbol.
        if window >= END {
            return None;
        }
        have -= length;
        count += 1;
    }
}

/// Reads the header blocks of one direction.
#[derive(Debug)]
pub(super) struct Blocks {
    is_client: bool,
    table: Table,
    /// The block that is under way, and whose it is.
    block: Vec<u8>,
    stream: u32,
    /// Flags of the frame that it began with, and where in it the frame that is under way began.
    flags: u8,
    from: usize,
    is_last: bool,
    /// The youngest stream that a client has opened.
    youngest: u32,
    /// Streams whose answer has begun.
    answered: Vec<u32>,
    /// Something could not be read: the connection ends.
    lost: bool,
}

/// What came of a block, or of a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    Well,
    /// It is one that may not be, of this stream.
    Malformed(u32),
    /// It cannot be read, nor what would come after it.
    Unreadable,
}

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 0x20;

impl Blocks {
    pub(super) fn new(is_client: bool) -> Blocks {
        let table = Table { entries: VecDeque::new(), size: 0, most: limits::H2_TABLE };
        let (block, answered) = (Vec::new(), Vec::new());
        Blocks {
            is_client,
            table,
            block,
            stream: 0,
            flags: 0,
            from: 0,
            is_last: false,
            youngest: 0,
            answered,
            lost: false,
        }
    }

    /// A HEADERS frame begins, or a CONTINUATION of the one before.
    pub(super) fn begin(&mut self, stream: u32, flags: u8, is_first: bool) {
        if is_first {
            self.block.clear();
            (self.stream, self.flags) = (stream, flags);
        }
        self.is_last = flags & END_HEADERS != 0;
        self.from = self.block.len();
    }

    /// What comes of it.
    pub(super) fn take(&mut self, payload: &[u8]) {
        if !self.lost {
            self.block.extend_from_slice(payload);
        }
    }

    /// The frame has ended.
    pub(super) fn end(&mut self) -> Block {
        if self.lost {
            return Block::Well;
        }
        if self.from == 0 && self.strip().is_none() {
            // The engine has a word for it.
            self.lost = true;
            return Block::Well;
        }
        if !self.is_last {
            return Block::Well;
        }
        let mut block = std::mem::take(&mut self.block);
        let seen = self.read(&block);
        block.clear();
        if block.capacity() <= limits::H2_BLOCK_KEPT {
            self.block = block;
        }
        match seen {
            Some(seen) if self.judge(seen) => Block::Malformed(self.stream),
            Some(_) => Block::Well,
            None => {
                self.lost = true;
                Block::Unreadable
            }
        }
    }

    /// Takes off what a frame of HEADERS has around its block.
    fn strip(&mut self) -> Option<()> {
        let mut front = 0;
        if self.flags & PADDED != 0 {
            let padding = usize::from(*self.block.first()?);
            self.block.truncate(self.block.len().checked_sub(padding)?);
            front += 1;
        }
        front += if self.flags & PRIORITY != 0 { 5 } else { 0 };
        if front > self.block.len() {
            return None;
        }
        self.block.drain(..front);
        Some(())
    }

    /// The names of one block.
    fn read(&mut self, mut block: &[u8]) -> Option<Seen> {
        let (mut seen, mut is_begun) = (Seen::default(), false);
        while let Some(first) = block.first() {
            let (bits, is_kept) = match first {
                0x80.. => {
                    let (name, _) = self.table.name(number(&mut block, 7)?)?;
                    seen.add(name);
                    is_begun = true;
                    continue;
                }
                0x40.. => (6, true),
                // The table's size changes in front of all fields, or not.
                0x20.. if is_begun => return None,
                0x20.. => {
                    self.table.most = number(&mut block, 5).filter(|most| *most <= limits::H2_TABLE)?;
                    self.table.shrink(self.table.most);
                    continue;
                }
                0.. => (4, false),
            };
            is_begun = true;
            let (name, name_length) = match number(&mut block, bits)? {
                0 => {
                    let text = Text::take(&mut block)?;
                    (text.name(), if is_kept { text.length()? } else { 0 })
                }
                index => self.table.name(index)?,
            };
            let value = Text::take(&mut block)?;
            let name = match name {
                Name::Final | Name::Interim if value.is_interim() => Name::Interim,
                Name::Final | Name::Interim => Name::Final,
                Name::Usual | Name::OfRequests => name,
            };
            seen.add(name);
            if is_kept {
                self.table.add(Entry { name, name_length, size: OVERHEAD + name_length + value.length()? });
            }
        }
        Some(seen)
    }

    /// Whether a block is one that may not be.
    fn judge(&mut self, seen: Seen) -> bool {
        if self.is_client {
            // What comes on a stream that was opened before are trailers. Another head is refused by the engine.
            let is_wrong = self.stream <= self.youngest && (seen.of_requests || seen.status());
            self.youngest = self.youngest.max(self.stream);
            return is_wrong;
        }
        let is_answered = self.answered.contains(&self.stream);
        if self.flags & END_STREAM != 0 {
            self.ended(self.stream);
        } else if seen.is_final && !is_answered {
            self.answered.push(self.stream);
            if self.answered.len() > limits::H2_ANSWERED {
                self.answered.remove(0);
            }
        }
        seen.of_requests || (is_answered && seen.status())
    }

    /// A stream has come to its end.
    pub(super) fn ended(&mut self, stream: u32) {
        if let Some(at) = self.answered.iter().position(|answered| *answered == stream) {
            self.answered.swap_remove(at);
        }
    }
}

/// Which pseudo fields a block has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    of_requests: bool,
    is_final: bool,
    is_interim: bool,
}

impl Seen {
    fn add(&mut self, name: Name) {
        match name {
            Name::Usual => {}
            Name::OfRequests => self.of_requests = true,
            Name::Final => self.is_final = true,
            Name::Interim => self.is_interim = true,
        }
    }

    fn status(self) -> bool {
        self.is_final || self.is_interim
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(pair).collect()
    }

    fn block(blocks: &mut Blocks, stream: u32, flags: u8, payload: &[u8]) -> Option<u32> {
        blocks.begin(stream, flags | END_HEADERS, true);
        blocks.take(payload);
        match blocks.end() {
            Block::Malformed(stream) => Some(stream),
            Block::Well | Block::Unreadable => None,
        }
    }

    /// RFC 7541, appendix C: what the table counts after each block, plain (C.3, C.5) and coded (C.4, C.6).
    #[test]
    fn a_table_is_followed_as_the_standard_shows_it() {
        let requests = [
            (["828684410f7777772e6578616d706c652e636f6d", "828684418cf1e3c2e5f23a6ba0ab90f4ff"], 57),
            (["828684be58086e6f2d6361636865", "828684be5886a8eb10649cbf"], 110),
            (
                [
                    "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
                    "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
                ],
                164,
            ),
        ];
        for way in 0..2 {
            let mut blocks = Blocks::new(true);
            for (n, (hex, size)) in requests.iter().enumerate() {
                assert_eq!(block(&mut blocks, 2 * n as u32 + 1, END_STREAM, &bytes(hex[way])), None);
                assert_eq!((blocks.table.size, blocks.lost), (*size, false));
            }
        }
        let responses = [
            (
                [
                    "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54\
                     6e1768747470733a2f2f7777772e6578616d706c652e636f6d",
                    "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
                ],
                222,
            ),
            (["4803333037c1c0bf", "4883640effc1c0bf"], 222),
            (
                [
                    "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a\
                     4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
                    "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af\
                     27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
                ],
                215,
            ),
        ];
        for way in 0..2 {
            let mut blocks = Blocks::new(false);
            blocks.table.most = 256;
            for (n, (hex, size)) in responses.iter().enumerate() {
                assert_eq!(block(&mut blocks, 2 * n as u32 + 1, 0, &bytes(hex[way])), None);
                assert_eq!((blocks.table.size, blocks.lost), (*size, false), "{n}");
            }
        }
    }

    #[test]
    fn pseudo_fields_are_known_however_they_are_written() {
        // Each is what trailers hold, behind a head that puts `:path: /x` and `x: y` in the table.
        let head = bytes("82 87 84 44022f78 40 0178 0179");
        for (trailers, wrong) in [
            ("85", true),
            ("88", true),
            ("bf", true),
            ("be", false),
            ("0e0130", true),
            ("04022f79", true),
            ("1f0100", false),
            ("00 05 3a70617468 0179", true),
            ("00 84 b958d33f 0179", true),
            ("00 85 b8848d36a3 03 323030", true),
            ("7e0179", false),
            ("40 0161 0162 bf", false),
            ("40 0161 0162 c0", true),
            ("", false),
            ("20 3fe11f", false),
        ] {
            let mut blocks = Blocks::new(true);
            assert_eq!(block(&mut blocks, 1, 0, &head), None);
            let got = block(&mut blocks, 1, END_STREAM, &bytes(trailers));
            assert_eq!((got.is_some(), blocks.lost), (wrong, false), "{trailers}");
            // A head on the next stream is one all the same.
            assert_eq!(block(&mut blocks, 3, END_STREAM, &bytes("828784")), None, "{trailers}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        for (unreadable, why) in [
            ("80", "index nought"),
            ("be", "an index past the table"),
            ("7e0161", "a name past the table"),
            ("3fffff07", "a size past what was allowed"),
            ("8220", "a size behind a field"),
            ("7fffffffffffffffffff010161", "a number without end"),
            ("007f6162", "a text that is longer than its block"),
            ("00", "a field without its texts"),
            ("4084ffffffff0161", "the end of the code within a text"),
            ("40821fff0161", "padding of more than seven bits"),
            ("4081180161", "padding that is not of ones"),
        ] {
            let mut blocks = Blocks::new(true);
            blocks.begin(1, END_STREAM | END_HEADERS, true);
            blocks.take(&bytes(unreadable));
            assert_eq!(blocks.end(), Block::Unreadable, "{why}");
        }
    }

    #[test]
    fn answers_are_told_from_what_comes_before_and_behind_them() {
        let early = bytes("08 03 313033");
        let (answer, none) = (bytes("88"), bytes("00 0161 0162"));
        let mut blocks = Blocks::new(false);
        for (stream, flags, payload, wrong) in [
            (1, 0, &early, false),
            (1, 0, &early, false),
            (1, 0, &answer, false),
            (1, END_STREAM, &none, false),
            (3, 0, &answer, false),
            (3, END_STREAM, &answer, true),
            (5, END_STREAM, &answer, false),
            (7, 0, &answer, false),
            (7, END_STREAM, &early, true),
            (9, 0, &early, false),
            (9, END_STREAM, &answer, false),
            (11, 0, &bytes("88 84"), true),
        ] {
            assert_eq!(
                block(&mut blocks, stream, flags, payload).is_some(),
                wrong,
                "{stream} {payload:02x?}"
            );
        }
        blocks.ended(11);
        assert_eq!(blocks.answered, Vec::<u32>::new());
        for stream in 0..10_000 {
            block(&mut blocks, 2 * stream + 13, 0, &answer);
        }
        assert_eq!(blocks.answered.len(), limits::H2_ANSWERED);
    }

    #[test]
    fn frames_are_joined_and_bared_and_nothing_breaks_it() {
        let head = bytes("828784 44022f78");
        let padded = [&[3, 0, 0, 0, 1, 9][..], &head, &[0; 3]].concat();
        let mut blocks = Blocks::new(true);
        assert_eq!(block(&mut blocks, 1, PADDED | PRIORITY, &padded), None);
        assert_eq!((blocks.table.size, blocks.lost), (39, false));
        blocks.begin(1, END_STREAM, true);
        blocks.take(&[0, 5]);
        assert_eq!(blocks.end(), Block::Well);
        blocks.begin(1, END_HEADERS, false);
        blocks.take(b":path\x01y");
        assert_eq!(blocks.end(), Block::Malformed(1));
        // What is no block ends it, and panics nowhere.
        let mut state = 1_u32;
        let mut next = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        for round in 0..20_000 {
            let mut blocks = Blocks::new(round % 2 == 0);
            for _ in 0..3 {
                let junk: Vec<u8> = (0..round % 40).map(|_| next()).collect();
                let flags = next();
                block(&mut blocks, 1, flags, &junk);
                assert!(blocks.table.size <= limits::H2_TABLE);
            }
        }
    }
}
