//! Which bytes could begin one of many literals: four bytes looked up by their halves, in eight buckets.

/// For each of the first bytes of a literal, the buckets that its low and its high half belong to.
#[derive(Clone, Copy, Debug)]
pub(in crate::detect) struct Nibbles {
    pub(super) low: [[u8; 16]; PLACES],
    pub(super) high: [[u8; 16]; PLACES],
    /// Buckets whose literals stand anywhere; no word byte may precede those of the others.
    pub(super) free: u8,
    pub(super) sevens: Sevens,
}

/// The same by whole bytes of ASCII, in as many buckets again. With a bit less a digit would be one with a letter, and
/// what holds many digits full of possible literals.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sevens {
    /// A table for each half of ASCII.
    pub tables: [[[Table; 2]; PLACES]; BANKS],
    /// All ones where one of the first three bytes of a literal can be none of ASCII.
    pub high: u64,
    pub free: [u8; BANKS],
}

/// By the six lowest bits of a byte. Aligned, so that it is taken in one step.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Table(pub [u8; 64]);

/// Sets of buckets.
pub(super) const BANKS: usize = 2;

/// A literal that is looked for.
#[derive(Clone, Debug)]
pub(in crate::detect) struct Sought<'a> {
    /// At least three bytes, in lower case.
    pub text: &'a [u8],
    /// Whether a word byte before it rules it out.
    pub bound: bool,
    /// A bit for each byte that can stand behind it.
    pub next: [u64; 4],
}

/// Bytes of a literal that are looked up.
pub(super) const PLACES: usize = 4;
const BUCKETS: usize = 8;
/// So much of a text are beginnings of words, about.
const WORDS: f32 = 1.0 / 6.0;

/// Upper and lower case letters are one; what else becomes one is told apart later.
#[inline(always)]
pub(super) const fn folded(byte: u8) -> u8 {
    byte | 0x20
}

impl Default for Nibbles {
    fn default() -> Nibbles {
        let sevens = Sevens { tables: [[[Table([0; 64]); 2]; PLACES]; BANKS], high: 0, free: [0; BANKS] };
        Nibbles { low: [[0; 16]; PLACES], high: [[0; 16]; PLACES], free: 0, sevens }
    }
}

impl Nibbles {
    pub(in crate::detect) fn new<'a>(literals: impl Iterator<Item = Sought<'a>>) -> Nibbles {
        let (mut bound, mut free): (Vec<Sought<'_>>, Vec<Sought<'_>>) =
            literals.partition(|literal| literal.bound);
        let often = Often::new();
        let ways = [shared(&mut bound, &often), shared(&mut free, &often)];
        let mut nibbles = Nibbles::default();
        let [of_bound, of_free] = best(&ways, BUCKETS);
        for (bucket, group) in of_bound.iter().chain(of_free).enumerate() {
            nibbles.fill(1 << bucket, group);
        }
        nibbles.free = (0..of_free.len()).fold(0, |all, bucket| all | 1 << (of_bound.len() + bucket));
        let [of_bound, of_free] = best(&ways, BANKS * BUCKETS);
        bound.iter().for_each(|literal| nibbles.sevens.add(literal, of_bound, 0));
        free.iter().for_each(|literal| nibbles.sevens.add(literal, of_free, of_bound.len()));
        for bucket in of_bound.len()..of_bound.len() + of_free.len() {
            nibbles.sevens.free[bucket / BUCKETS] |= 1 << (bucket % BUCKETS);
        }
        nibbles
    }

    /// Puts the literals of a group into the bucket of a bit.
    fn fill(&mut self, bit: u8, group: &Group) {
        for (place, [low, high]) in group.0.iter().enumerate() {
            for half in 0..16 {
                // A byte is looked up as it stands, capital or small.
                let folded = half | usize::from(folded(0) >> 4);
                self.low[place][half] |= if low & 1 << half != 0 { bit } else { 0 };
                self.high[place][half] |= if high & 1 << folded != 0 { bit } else { 0 };
            }
        }
    }

    /// Buckets of which a literal could begin with these bytes.
    #[inline(always)]
    pub(super) fn buckets(&self, bytes: [u8; PLACES]) -> u8 {
        let look_up = |(place, byte): (usize, u8)| {
            self.low[place][usize::from(byte & 15)] & self.high[place][usize::from(byte >> 4)]
        };
        bytes.into_iter().enumerate().map(look_up).fold(u8::MAX, |all, one| all & one)
    }
}

impl Sevens {
    /// Puts a literal into the bucket of the first of the groups that it is in, counted from `first`.
    fn add(&mut self, literal: &Sought<'_>, groups: &[Group], first: usize) {
        let own = Group::of(std::slice::from_ref(literal));
        let Some(bucket) = groups.iter().position(|group| group.holds(&own)) else { return };
        let (bank, bit) = ((first + bucket) / BUCKETS, 1 << ((first + bucket) % BUCKETS));
        for (place, tables) in self.tables[bank].iter_mut().enumerate() {
            literal.each_byte(place, |byte| {
                self.high |= if place < 3 && !byte.is_ascii() { u64::MAX } else { 0 };
                // A byte is looked up as it stands, capital or small.
                for byte in [byte, folded(byte), byte.to_ascii_uppercase()] {
                    tables[usize::from(byte) / 64 % 2].0[usize::from(byte) % 64] |= bit;
                }
            });
        }
    }
}

impl Sought<'_> {
    /// The bytes that can stand at one of the first places.
    fn each_byte(&self, place: usize, add: impl FnMut(u8)) {
        match self.text.get(place) {
            Some(&byte) => std::iter::once(byte).for_each(add),
            None if place == self.text.len() => {
                let follows = |byte: &u8| self.next[usize::from(byte >> 6)] >> (byte & 63) & 1 != 0;
                (0..=u8::MAX).filter(follows).for_each(add);
            }
            None => (0..=u8::MAX).for_each(add),
        }
    }
}

/// As many buckets for those that no word byte may precede, and for the others, as leave least.
fn best([bound, free]: &[Vec<Way>; 2], buckets: usize) -> [&[Group]; 2] {
    let costs = (0..bound.len().max(1)).flat_map(|b| {
        (0..free.len().max(1)).filter(move |f| b + f + 2 <= buckets).map(move |f| {
            let cost = |ways: &[Way], nth: usize| ways.get(nth).map_or(0.0, |way| way.passes);
            (cost(bound, b) * WORDS + cost(free, f), b, f)
        })
    });
    let (b, f) = costs.min_by(|a, b| a.0.total_cmp(&b.0)).map_or((0, 0), |(_, b, f)| (b, f));
    [(bound, b), (free, f)].map(|(ways, nth)| ways.get(nth).map_or(&[][..], |way| &way.groups))
}

/// The halves, as bits, of the first bytes of some literals.
#[derive(Clone, Copy)]
struct Group([[u16; 2]; PLACES]);

impl Group {
    fn of(literals: &[Sought<'_>]) -> Group {
        let mut group = Group([[0; 2]; PLACES]);
        for literal in literals {
            for (place, halves) in group.0.iter_mut().enumerate() {
                let mut add = |byte: u8| {
                    halves[0] |= 1 << (folded(byte) & 15);
                    halves[1] |= 1 << (folded(byte) >> 4);
                };
                if place > literal.text.len() {
                    *halves = [u16::MAX; 2];
                } else {
                    literal.each_byte(place, &mut add);
                }
            }
        }
        group
    }

    fn holds(&self, other: &Group) -> bool {
        let all = self.0.as_flattened().iter().zip(other.0.as_flattened());
        all.fold(true, |holds, (ours, theirs)| holds && theirs & !ours == 0)
    }

    fn joined(&self, other: &Group) -> Group {
        let mut group = *self;
        for (ours, theirs) in group.0.iter_mut().zip(other.0) {
            ours[0] |= theirs[0];
            ours[1] |= theirs[1];
        }
        group
    }
}

/// How often a text holds bytes: by their high half, and each half of the low ones.
struct Often(Vec<[[f32; 256]; 2]>);

/// Small letters from frequent to rare, as languages in Latin letters and names in code have them.
const LETTERS: &[u8; 26] = b"etaoinsrcldpumhgfbyvwkxjqz";

impl Often {
    fn new() -> Often {
        let chance = |byte: u8| match LETTERS.iter().position(|&letter| letter == byte) {
            Some(rank) => 0.09 * 0.88f32.powi(rank as i32),
            None if byte == b' ' => 0.08,
            None if byte.is_ascii_digit() => 0.015,
            None if byte.is_ascii_graphic() => 0.008,
            None => 0.001,
        };
        let sums = |high: u8| {
            let sum = |part: u8, bits: usize| {
                let low = (0..8).filter(|low| bits >> low & 1 != 0);
                low.map(|low: u8| chance(high << 4 | part << 3 | low)).sum()
            };
            [0, 1].map(|part| std::array::from_fn(|bits| sum(part, bits)))
        };
        Often((0..16).map(sums).collect())
    }

    /// How often a text passes, about.
    fn passes(&self, group: &Group) -> f32 {
        let place = |&[low, high]: &[u16; 2]| {
            let [first, last] = low.to_le_bytes().map(usize::from);
            let (mut left, mut sum) = (high, 0.0);
            while let Some([a, b]) = self.0.get(left.trailing_zeros() as usize) {
                left &= left - 1;
                sum += a[first] + b[last];
            }
            sum
        };
        group.0.iter().map(place).product()
    }
}

/// One way to share literals out among buckets, and how often a text passes.
struct Way {
    groups: Vec<Group>,
    passes: f32,
}

/// Ways to share literals out, among one bucket, two and so on.
fn shared(literals: &mut [Sought<'_>], often: &Often) -> Vec<Way> {
    literals.sort_unstable_by_key(|literal| literal.text);
    // Literals that differ late are one to begin with.
    let alike = |a: &Sought<'_>, b: &Sought<'_>| a.text.get(..2) == b.text.get(..2);
    joined(literals.chunk_by(alike).map(Group::of).collect(), often)
}

/// Joins the pair that then lets least more through, again and again; tells of what is left when there are few.
fn joined(mut groups: Vec<Group>, often: &Often) -> Vec<Way> {
    let mut ways = Vec::new();
    let mut passes: Vec<f32> = groups.iter().map(|group| often.passes(group)).collect();
    let cost = |groups: &[Group], passes: &[f32], i: usize, j: usize| {
        often.passes(&groups[i].joined(&groups[j])) - passes[i] - passes[j]
    };
    // For each group its best partner among those behind it.
    let best = |groups: &[Group], passes: &[f32], i: usize| {
        (i + 1..groups.len())
            .map(|j| (cost(groups, passes, i, j), j))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap_or((f32::INFINITY, i))
    };
    let mut partner: Vec<(f32, usize)> = (0..groups.len()).map(|i| best(&groups, &passes, i)).collect();
    while !groups.is_empty() {
        if groups.len() < BANKS * BUCKETS {
            ways.push(Way { groups: groups.clone(), passes: passes.iter().sum() });
        }
        let Some(i) = (0..groups.len()).min_by(|&a, &b| partner[a].0.total_cmp(&partner[b].0)) else { break };
        let j = partner[i].1;
        if i == j {
            break;
        }
        groups[i] = groups[i].joined(&groups[j]);
        passes[i] = often.passes(&groups[i]);
        groups.swap_remove(j);
        passes.swap_remove(j);
        partner.swap_remove(j);
        let last = groups.len();
        for (k, known) in partner.iter_mut().enumerate() {
            let stale = k == i || k == j || [i, j, last].contains(&known.1) || known.1 >= groups.len();
            if stale {
                *known = best(&groups, &passes, k);
            } else if k < i {
                let new = cost(&groups, &passes, k, i);
                if new < known.0 {
                    *known = (new, i);
                }
            }
        }
    }
    ways.reverse();
    ways
}
