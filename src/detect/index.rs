//! Detectors by the anchor that leads to them.

use std::sync::Arc;

use super::Confidence;
use super::anchor::{Anchor, GROUP_LEN, Prefix, RUN_LIMIT, is_separator};
use super::compiled::Compiled;
use super::context::Words;
use super::literal::Literals;
use super::pack::Boundary;
use super::shape::{DEAD, Shape};
use super::simd::Wanted;

#[derive(Debug, Default)]
pub(super) struct Index {
    pub wanted: Wanted,
    pub literals: Literals,
    /// Detectors that begin with a digit run, in pack order; bit `i` of the sets below is entry `i` here.
    pub leading: Vec<u16>,
    /// Words of 64 bits in each of the sets below.
    pub width: usize,
    /// By the length of a first group and the class of the byte behind it.
    by_group: Vec<u64>,
    /// Of those, the ones whose match can go on with that byte.
    going_on: Vec<u64>,
    follow: Follow,
    by_digits: Vec<u64>,
    by_lead: Vec<u64>,
    /// For each floor, those that only a word nearby can lift to it: always, and when they stand for digits alone.
    keyed: [[Vec<u64>; 2]; 3],
    /// For each word, those it speaks for.
    by_word: Vec<u64>,
    /// Detectors with something before their digit run, or that may start inside a group of digits.
    pub prefixed: Vec<Prefixed>,
    /// Fewest digits that any detector of either kind needs.
    pub least_leading: usize,
    pub least_prefixed: usize,
    /// For each two bytes, by their classes, a bit for each prefixed detector whose run they may stand before.
    prefix_pairs: Vec<u64>,
    prefix_class: Vec<u8>,
    prefix_classes: usize,
    /// By the length of a first group: the fewest digits that any detector needs to begin with it.
    pub least_by_group: [usize; GROUP_LEN + 1],
    pub at: Vec<At>,
    /// Those of `at` that stand around `%40` too.
    pub encoded: Vec<At>,
    pub word: Vec<Word>,
    pub unanchored: Vec<u16>,
    /// Bytes that can begin a match of an unanchored detector.
    pub unanchored_first: Vec<bool>,
    /// For each byte, the detectors whose matches can begin with it.
    by_first: Vec<Vec<u16>>,
}

#[derive(Debug)]
pub(super) struct Prefixed {
    pub detector: u16,
    pub digits: usize,
    pub before: usize,
    /// Whether a match can start inside the run.
    pub inside: bool,
    pub prefix: Prefix,
}

#[derive(Clone, Debug)]
pub(super) struct At {
    pub detector: u16,
    pub before: usize,
    pub class: Box<[bool; 256]>,
}

#[derive(Debug)]
pub(super) struct Word {
    pub detector: u16,
    pub length: usize,
    pub before: usize,
    pub mixed: bool,
    /// Behind a word byte no match starts.
    pub bound: bool,
}

/// Classes of bytes by what they let follow a first group of digits.
#[derive(Debug, Default)]
struct Follow {
    class: Vec<u8>,
    count: usize,
}

/// Stands for the owner of the literal `%40`, which is no detector's beginning.
pub(super) const ENCODED_AT: u16 = u16::MAX;

/// Leads of one, two and three digits.
const LEADS: usize = 10 + 100 + 1000;

impl Index {
    pub(super) fn build(compiled: &[Compiled], words: &Words) -> Index {
        let mut index = Index {
            unanchored_first: vec![false; 256],
            least_by_group: [usize::MAX; GROUP_LEN + 1],
            least_leading: usize::MAX,
            least_prefixed: usize::MAX,
            by_first: vec![Vec::new(); 256],
            ..Index::default()
        };
        let (mut leading, mut arms, mut literals) = (Vec::new(), Vec::new(), Vec::new());
        for (number, detector) in (0u16..).zip(compiled) {
            for (byte, list) in index.by_first.iter_mut().enumerate() {
                if detector.first[byte] {
                    list.push(number);
                }
            }
            for anchor in &detector.anchors {
                match anchor {
                    Anchor::Digits { digits, before: 0, first_group, prefix }
                        if detector.boundary != Boundary::None =>
                    {
                        let digits = (*digits).max(detector.least_digits());
                        index.leading.push(number);
                        index.least_leading = index.least_leading.min(digits);
                        for group in (0..=GROUP_LEN).filter(|group| first_group & (1 << group) != 0) {
                            let least = &mut index.least_by_group[group];
                            *least = (*least).min(digits);
                        }
                        arms.push(prefix.arm.clone().unwrap_or_else(|| Arc::clone(&detector.shape)));
                        leading.push(digits);
                    }
                    Anchor::Literal(texts) => {
                        let bound = detector.boundary == Boundary::Word;
                        literals.extend(texts.iter().map(|text| (text.clone(), number, bound)));
                    }
                    other => index.add(number, detector, other),
                }
            }
        }
        if !index.encoded.is_empty() {
            literals.push((b"%40".to_vec(), ENCODED_AT, false));
        }
        index.literals = Literals::build(literals);
        index.fill_prefixes(compiled);
        if !index.leading.is_empty() || !index.prefixed.is_empty() {
            index.wanted.want_digits(index.least_leading, index.prefix_anywhere());
        }
        index.wanted.at = !index.at.is_empty();
        index.fill_sets(compiled, &leading, &arms, words);
        index
    }

    fn add(&mut self, number: u16, detector: &Compiled, anchor: &Anchor) {
        match anchor {
            Anchor::Digits { digits, before, prefix, .. } => {
                let inside = *before == 0 || prefix.inside;
                self.least_prefixed = self.least_prefixed.min(*digits);
                self.prefixed.push(Prefixed {
                    detector: number,
                    digits: *digits,
                    before: *before,
                    inside,
                    prefix: (**prefix).clone(),
                });
            }
            Anchor::At { before, class, encoded } => {
                let at = At { detector: number, before: *before, class: class.clone() };
                self.encoded.extend(encoded.then(|| at.clone()));
                self.at.push(at);
            }
            Anchor::Word { length, before, mixed } => {
                let bound = detector.boundary == Boundary::Word;
                let (length, before, mixed) = (*length, *before, *mixed);
                self.word.push(Word { detector: number, length, before, mixed, bound });
                self.wanted.want_word(length, mixed);
            }
            Anchor::None => {
                self.unanchored.push(number);
                let all = self.unanchored_first.iter_mut();
                all.zip(detector.first.iter()).for_each(|(all, one)| *all |= *one);
            }
            Anchor::Literal(_) => {}
        }
    }

    fn fill_sets(&mut self, compiled: &[Compiled], digits: &[usize], arms: &[Arc<Shape>], words: &Words) {
        let leading = &self.leading.clone();
        let width = leading.len().div_ceil(64);
        let set = |keep: &dyn Fn(usize) -> bool| {
            let mut bits = vec![0u64; width];
            (0..leading.len()).filter(|&i| keep(i)).for_each(|i| bits[i / 64] |= 1 << (i % 64));
            bits
        };
        let detector = |i: usize| &compiled[usize::from(leading[i])];
        self.fill_groups(compiled, arms, &set);
        self.by_digits = (0..=RUN_LIMIT).flat_map(|left| set(&|i| digits[i] <= left)).collect();
        self.by_lead = leads()
            .flat_map(|lead| {
                set(&|i| {
                    lead.iter()
                        .try_fold(Shape::START, |state, &digit| match arms[i].step(state, b'0' + digit) {
                            DEAD => None,
                            to => Some(to),
                        })
                        .is_some()
                })
            })
            .collect();
        self.keyed = [Confidence::Low, Confidence::Medium, Confidence::High]
            .map(|floor| [set(&|i| detector(i).keyed(floor).0), set(&|i| detector(i).keyed(floor).1)]);
        self.by_word = words.positive().flat_map(|owners| set(&|i| owners.contains(&leading[i]))).collect();
        self.width = width;
    }

    /// Fills the table of first groups and what may stand behind them.
    fn fill_groups(&mut self, compiled: &[Compiled], arms: &[Arc<Shape>], set: &SetOf<'_>) {
        // For each detector and length, what each byte behind means; the last is the end of the text.
        let follows: Vec<Vec<[Behind; 257]>> = self
            .leading
            .iter()
            .zip(arms)
            .map(|(&i, arm)| follow(arm, compiled[usize::from(i)].boundary))
            .collect();
        let column =
            |byte: usize| move |table: &Vec<[Behind; 257]>| table.iter().map(|f| f[byte]).collect::<Vec<_>>();
        let mut classes: Vec<(usize, Vec<Vec<Behind>>)> = Vec::new();
        self.follow.class = (0..257)
            .map(|byte| {
                let this: Vec<Vec<Behind>> = follows.iter().map(column(byte)).collect();
                let known = classes.iter().position(|(_, other)| *other == this);
                known.unwrap_or_else(|| {
                    classes.push((byte, this));
                    classes.len() - 1
                }) as u8
            })
            .collect();
        self.follow.count = classes.len();
        let table = |wanted: &dyn Fn(Behind) -> bool| -> Vec<u64> {
            (0..=GROUP_LEN)
                .flat_map(|group| classes.iter().map(move |(byte, _)| (group, *byte)))
                .flat_map(|(group, byte)| set(&|i| wanted(follows[i][group][byte])))
                .collect()
        };
        self.by_group = table(&|behind| behind != Behind::Nothing);
        self.going_on = table(&|behind| behind == Behind::More);
    }

    /// Fills the table of what may stand before the runs of prefixed detectors.
    fn fill_prefixes(&mut self, compiled: &[Compiled]) {
        let mut pairs = vec![0u64; 1 << 16];
        for (i, prefixed) in self.prefixed.iter().enumerate() {
            // Past the last bit detectors share it.
            let bit = 1 << i.min(63);
            if prefixed.inside {
                // A match that can begin with a digit can stand behind any bytes.
                pairs.iter_mut().for_each(|pair| *pair |= bit);
            } else {
                compiled[usize::from(prefixed.detector)]
                    .shape
                    .pairs_before_digit(|a, b| pairs[usize::from(a) << 8 | usize::from(b)] |= bit);
            }
        }
        // Bytes that stand with the same others are of one class.
        let mut classes: Vec<u8> = Vec::new();
        let alike = |x: usize, y: usize| {
            pairs[x << 8..][..256] == pairs[y << 8..][..256]
                && (0..256).all(|o| pairs[o << 8 | x] == pairs[o << 8 | y])
        };
        self.prefix_class = (0..256)
            .map(|byte| {
                let known = classes.iter().position(|&class| alike(usize::from(class), byte));
                known.unwrap_or_else(|| {
                    classes.push(byte as u8);
                    classes.len() - 1
                }) as u8
            })
            .collect();
        let sets = classes.iter().flat_map(|&a| classes.iter().map(move |&b| (a, b)));
        self.prefix_pairs = sets.map(|(a, b)| pairs[usize::from(a) << 8 | usize::from(b)]).collect();
        self.prefix_classes = classes.len();
    }

    /// Whether the digits of a prefixed detector's match can stand behind something else than a letter, a digit or a
    /// separator.
    fn prefix_anywhere(&self) -> bool {
        let odd = |b: u8| !b.is_ascii_alphanumeric() && !is_separator(b);
        (0..=u8::MAX).filter(|&b| odd(b)).any(|b| (0..=u8::MAX).any(|a| self.prefix(a, b) != 0))
    }

    /// The prefixed detectors whose match can have its digits behind these two bytes, a bit each.
    #[inline(always)]
    pub(super) fn prefix(&self, a: u8, b: u8) -> u64 {
        let class = |byte: u8| usize::from(self.prefix_class[usize::from(byte)]);
        self.prefix_pairs[class(a) * self.prefix_classes + class(b)]
    }

    /// The sets of leading detectors whose first digit group can be this long, with this byte behind it, and of those
    /// whose match can go on with it.
    #[inline(always)]
    pub(super) fn by_group(&self, group: usize, follow: Option<&u8>) -> (&[u64], &[u64]) {
        let class = self.follow.class[follow.map_or(256, |&byte| usize::from(byte))];
        let from = (group.min(GROUP_LEN) * self.follow.count + usize::from(class)) * self.width;
        let set = from..from + self.width;
        (&self.by_group[set.clone()], &self.going_on[set])
    }

    /// The set of leading detectors that this many digits are enough for.
    #[inline(always)]
    pub(super) fn by_digits(&self, left: usize) -> &[u64] {
        let from = left.min(RUN_LIMIT) * self.width;
        &self.by_digits[from..from + self.width]
    }

    /// The set of leading detectors that can begin with the first digits of a group, at most three of them.
    #[inline(always)]
    pub(super) fn by_lead(&self, group: &[u8]) -> &[u64] {
        let digit = |b: u8| usize::from(b.wrapping_sub(b'0') & 15);
        let lead = match *group {
            [a, b, c, ..] => 110 + digit(a) * 100 + digit(b) * 10 + digit(c),
            [a, b] => 10 + digit(a) * 10 + digit(b),
            [a] => digit(a),
            [] => return &[],
        };
        let from = lead * self.width;
        self.by_lead.get(from..from + self.width).unwrap_or_default()
    }

    /// The sets of leading detectors that need a word nearby: always, and when they stand for digits alone.
    #[inline(always)]
    pub(super) fn keyed(&self, floor: Confidence) -> &[Vec<u64>; 2] {
        &self.keyed[floor as usize]
    }

    /// The set of leading detectors that a word speaks for.
    #[inline(always)]
    pub(super) fn by_word(&self, word: u16) -> &[u64] {
        let from = usize::from(word) * self.width;
        &self.by_word[from..from + self.width]
    }

    /// Detectors whose matches can begin with this byte.
    pub(super) fn by_first(&self, byte: u8) -> &[u16] {
        &self.by_first[usize::from(byte)]
    }

    pub(super) fn size(&self) -> usize {
        let sets = 2 * self.by_group.len() + self.by_digits.len() + self.by_lead.len() + self.by_word.len();
        sets * 8
            + self.literals.size()
            + self.at.len() * 300
            + self.by_first.iter().map(|l| l.len() * 2 + 24).sum::<usize>()
    }
}

/// Gives the set of the leading detectors that a question is true of.
type SetOf<'a> = dyn Fn(&dyn Fn(usize) -> bool) -> Vec<u64> + 'a;

/// What a byte behind a first group of digits is to a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behind {
    /// It can't stand there.
    Nothing,
    /// A match can end before it.
    End,
    /// A match can go on with it.
    More,
}

/// For each length of a first group, what each byte behind it is; the last is the end of the text.
fn follow(shape: &Shape, boundary: Boundary) -> Vec<[Behind; 257]> {
    let mut states = vec![Shape::START];
    let mut table = vec![[Behind::Nothing; 257]; GROUP_LEN + 1];
    for length in 1..=shape.max_len {
        let digits = states.iter().flat_map(|&state| (b'0'..=b'9').map(move |b| (state, b)));
        let mut next: Vec<u16> =
            digits.map(|(state, b)| shape.step(state, b)).filter(|&to| to != DEAD).collect();
        next.sort_unstable();
        next.dedup();
        states = next;
        if states.is_empty() {
            break;
        }
        let follow = &mut table[length.min(GROUP_LEN)];
        let ends = states.iter().any(|&state| shape.accepts(state));
        if ends {
            follow[256] = Behind::End;
        }
        for byte in (0..=255u8).filter(|b| !b.is_ascii_digit()) {
            let word = byte.is_ascii_alphanumeric() || byte == b'_';
            if states.iter().any(|&state| shape.step(state, byte) != DEAD) {
                follow[usize::from(byte)] = Behind::More;
            } else if ends
                && !(word && boundary == Boundary::Word)
                && follow[usize::from(byte)] != Behind::More
            {
                follow[usize::from(byte)] = Behind::End;
            }
        }
    }
    table
}

/// Every lead in the order of the table.
fn leads() -> impl Iterator<Item = Vec<u8>> {
    let digits =
        |n: usize, count: u32| (0..count).rev().map(move |p| (n / 10usize.pow(p) % 10) as u8).collect();
    (0..LEADS).map(move |i| match i {
        0..10 => digits(i, 1),
        10..110 => digits(i - 10, 2),
        _ => digits(i - 110, 3),
    })
}
