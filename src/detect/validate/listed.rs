//! Membership in a list that is kept as text, one entry a line.

/// A list, looked up by a table that is made when the program is built.
pub(super) struct List {
    text: &'static [u8],
    /// Where the line begins whose hash leads here, from 1; 0 for none. What is taken moves on to the next.
    slots: [u16; SLOTS],
}

/// More than twice as many as lines.
const SLOTS: usize = 4096;

const fn slot(hash: u32) -> usize {
    (hash.wrapping_mul(0x9E37_79B1) >> 20) as usize % SLOTS
}

/// A word's hash with one byte more (FNV-1a).
const fn mixed(hash: u32, byte: u8) -> u32 {
    (hash ^ byte as u32).wrapping_mul(0x0100_0193)
}

const SEED: u32 = 0x811c_9dc5;

impl List {
    /// The lines of a text.
    pub(super) const fn new(text: &'static str) -> List {
        let text = text.as_bytes();
        assert!(text.len() < u16::MAX as usize);
        let mut slots = [0; SLOTS];
        let (mut start, mut at, mut lines, mut hash) = (0, 0, 0, SEED);
        while at <= text.len() {
            if at < text.len() && text[at] != b'\n' {
                hash = mixed(hash, text[at]);
            } else {
                if at > start {
                    let mut place = slot(hash);
                    while slots[place] != 0 {
                        place = (place + 1) % SLOTS;
                    }
                    slots[place] = start as u16 + 1;
                    lines += 1;
                }
                (start, hash) = (at + 1, SEED);
            }
            at += 1;
        }
        assert!(lines * 2 < SLOTS);
        List { text, slots }
    }

    pub(super) fn holds(&self, word: &[u8]) -> bool {
        if word.is_empty() || word.contains(&b'\n') {
            return false;
        }
        let mut place = slot(word.iter().fold(SEED, |hash, &byte| mixed(hash, byte)));
        while let Some(start) = usize::from(self.slots[place]).checked_sub(1) {
            let line = &self.text[start..];
            if line.starts_with(word) && line.get(word.len()).is_none_or(|&end| end == b'\n') {
                return true;
            }
            place = (place + 1) % SLOTS;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::List;

    #[test]
    fn every_line_is_found_and_nothing_else() {
        static LIST: List = List::new(include_str!("tlds.txt"));
        let text = include_str!("tlds.txt");
        for line in text.lines() {
            assert!(LIST.holds(line.as_bytes()), "{line}");
            for other in [format!("{line}-"), line[1..].to_owned() + "\u{7f}"] {
                assert!(!LIST.holds(other.as_bytes()), "{other}");
            }
        }
        assert!(!LIST.holds(b"") && !LIST.holds(b"\n") && !LIST.holds(b"\xff"));
        let (first, second) = text.split_once('\n').unwrap();
        let both = format!("{first}\n{}", second.lines().next().unwrap());
        assert!(!LIST.holds(both.as_bytes()));
    }
}
