//! Which bytes could begin one of many literals: four bytes looked up by their halves, in eight buckets.

/// For each of the first bytes of a literal, the buckets that its low and its high half belong to.
#[derive(Clone, Copy, Debug)]
pub(in crate::detect) struct Nibbles {
    pub(super) low: [[u8; 16]; PLACES],
    pub(super) high: [[u8; 16]; PLACES],
}

/// Bytes of a literal that are looked up.
pub(super) const PLACES: usize = 4;
const BUCKETS: usize = 8;

/// Buckets whose literals stand anywhere; no word byte may precede those of the others.
pub(super) const FREE: u8 = 0b1111_0000;
const BOUND_BUCKETS: usize = 4;

/// Upper and lower case letters are one; what else becomes one is told apart later.
#[inline(always)]
pub(super) const fn folded(byte: u8) -> u8 {
    byte | 0x20
}

impl Default for Nibbles {
    fn default() -> Nibbles {
        Nibbles { low: [[0; 16]; PLACES], high: [[0; 16]; PLACES] }
    }
}

impl Nibbles {
    /// `literals`: at least three bytes each, and whether a word byte before one rules it out.
    pub(in crate::detect) fn new<'a>(literals: impl Iterator<Item = (&'a [u8], bool)>) -> Nibbles {
        let (mut bound, mut free): (Vec<&[u8]>, Vec<&[u8]>) = (Vec::new(), Vec::new());
        literals.for_each(|(text, is_bound)| if is_bound { bound.push(text) } else { free.push(text) });
        let mut nibbles = Nibbles::default();
        nibbles.fill(&mut bound, 0, BOUND_BUCKETS);
        nibbles.fill(&mut free, BOUND_BUCKETS, BUCKETS - BOUND_BUCKETS);
        nibbles
    }

    /// Shares the literals out among buckets so that few others pass.
    fn fill(&mut self, texts: &mut Vec<&[u8]>, first: usize, buckets: usize) {
        texts.sort_unstable();
        // Literals that differ late are one to begin with.
        let alike = |a: &&[u8], b: &&[u8]| a.get(..2) == b.get(..2);
        let groups = joined(texts.chunk_by(alike).map(Group::of).collect(), buckets);
        for (bucket, group) in groups.iter().enumerate() {
            let bit = 1 << (first + bucket);
            for (place, [low, high]) in group.0.iter().enumerate() {
                for half in 0..16 {
                    // A byte is looked up as it stands, capital or small.
                    let folded = half | usize::from(folded(0) >> 4);
                    self.low[place][half] |= if low & 1 << half != 0 { bit } else { 0 };
                    self.high[place][half] |= if high & 1 << folded != 0 { bit } else { 0 };
                }
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
    fn of(texts: &[&[u8]]) -> Group {
        let mut group = Group([[0; 2]; PLACES]);
        for text in texts {
            for (place, halves) in group.0.iter_mut().enumerate() {
                match text.get(place).map(|&byte| folded(byte)) {
                    Some(byte) => {
                        halves[0] |= 1 << (byte & 15);
                        halves[1] |= 1 << (byte >> 4);
                    }
                    // A short literal may be followed by anything.
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

    /// How often a text passes, about: letters are most of it, digits and the rest some.
    fn passes(&self) -> f64 {
        let often = |high: u16, low: u32| match high {
            6 | 7 => f64::from(low) * 0.7 / 32.0,
            3 => f64::from(low) * 0.15 / 16.0,
            2 => f64::from(low) * 0.15 / 16.0,
            _ => f64::from(low) * 0.05 / 16.0,
        };
        self.0
            .iter()
            .map(|[low, high]| {
                let highs = (0..16).filter(|h| high & 1 << h != 0);
                highs.map(|h| often(h, low.count_ones())).sum::<f64>()
            })
            .product()
    }
}

/// Joins the pair that then lets least more through, again and again until `buckets` are left.
fn joined(mut groups: Vec<Group>, buckets: usize) -> Vec<Group> {
    let mut passes: Vec<f64> = groups.iter().map(Group::passes).collect();
    let cost = |groups: &[Group], passes: &[f64], i: usize, j: usize| {
        groups[i].joined(&groups[j]).passes() - passes[i] - passes[j]
    };
    // For each group its best partner among those behind it.
    let best = |groups: &[Group], passes: &[f64], i: usize| {
        (i + 1..groups.len())
            .map(|j| (cost(groups, passes, i, j), j))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap_or((f64::INFINITY, i))
    };
    let mut partner: Vec<(f64, usize)> = (0..groups.len()).map(|i| best(&groups, &passes, i)).collect();
    while groups.len() > buckets {
        let Some(i) = (0..groups.len()).min_by(|&a, &b| partner[a].0.total_cmp(&partner[b].0)) else { break };
        let j = partner[i].1;
        groups[i] = groups[i].joined(&groups[j]);
        passes[i] = groups[i].passes();
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
    groups
}
