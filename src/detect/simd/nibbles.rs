//! Which bytes could begin one of many literals: four bytes looked up by their halves, in eight buckets.

/// For each of the first bytes of a literal, the buckets that its low and its high half belong to.
#[derive(Clone, Copy, Debug)]
pub(in crate::detect) struct Nibbles {
    pub(super) low: [[u8; 16]; PLACES],
    pub(super) high: [[u8; 16]; PLACES],
    /// Buckets whose literals stand anywhere; no word byte may precede those of the others.
    pub(super) free: u8,
}

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
        Nibbles { low: [[0; 16]; PLACES], high: [[0; 16]; PLACES], free: 0 }
    }
}

impl Nibbles {
    pub(in crate::detect) fn new<'a>(literals: impl Iterator<Item = Sought<'a>>) -> Nibbles {
        let (bound, free): (Vec<Sought<'_>>, Vec<Sought<'_>>) = literals.partition(|literal| literal.bound);
        let often = Often::new();
        let (bound, free) = (shared(bound, &often), shared(free, &often));
        // As many buckets for either as leave least.
        let costs = (0..bound.len().max(1)).flat_map(|b| {
            let (bound, free) = (&bound, &free);
            (0..free.len().max(1)).filter(move |f| b + f + 2 <= BUCKETS).map(move |f| {
                let cost = |ways: &[Way], nth: usize| ways.get(nth).map_or(0.0, |way| way.passes);
                (cost(bound, b) * WORDS + cost(free, f), b, f)
            })
        });
        let best = costs.min_by(|a, b| a.0.total_cmp(&b.0));
        let mut nibbles = Nibbles::default();
        let Some((_, b, f)) = best else { return nibbles };
        let of = |ways: &[Way], nth: usize| ways.get(nth).map(|way| way.groups.clone()).unwrap_or_default();
        let (bound, free) = (of(&bound, b), of(&free, f));
        for (bucket, group) in bound.iter().chain(&free).enumerate() {
            nibbles.fill(1 << bucket, group);
        }
        nibbles.free = (0..free.len()).fold(0, |all, bucket| all | 1 << (bound.len() + bucket));
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
                match literal.text.get(place) {
                    Some(&byte) => add(byte),
                    None if place == literal.text.len() => {
                        let follows =
                            |byte: &u8| literal.next[usize::from(byte >> 6)] >> (byte & 63) & 1 != 0;
                        (0..=u8::MAX).filter(follows).for_each(add);
                    }
                    None => *halves = [u16::MAX; 2],
                }
            }
        }
        group
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
            let [first, last] = low.to_le_bytes();
            let highs = self.0.iter().enumerate().filter(|(h, _)| high >> h & 1 != 0);
            highs.map(|(_, [a, b])| a[usize::from(first)] + b[usize::from(last)]).sum::<f32>()
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
fn shared(mut literals: Vec<Sought<'_>>, often: &Often) -> Vec<Way> {
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
        if groups.len() < BUCKETS {
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
