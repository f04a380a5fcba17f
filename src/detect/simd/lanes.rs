//! Four words of bits worked on as one.

/// How many words.
pub(super) const LANES: usize = 4;

/// What every level does in its own way; shifts are of each word by itself.
pub(super) trait Lanes: Copy {
    fn load(words: &[u64; LANES]) -> Self;
    fn store(self) -> [u64; LANES];
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    /// Without the bits of another.
    fn without(self, other: Self) -> Self;
    /// All ones in each word that is the same as another's.
    fn same(self, other: Self) -> Self;
    /// By 64 bits at most.
    fn left(self, bits: u32) -> Self;
    /// By 64 bits at most.
    fn right(self, bits: u32) -> Self;

    #[inline(always)]
    fn all(word: u64) -> Self {
        Self::load(&[word; LANES])
    }

    /// The bits from bit `start` on of these words, each of which another stands behind.
    #[inline(always)]
    fn from(self, behind: Self, start: u32) -> Self {
        self.right(start).or(behind.left(u64::BITS - start))
    }

    /// The bits one before, where another word stands before each.
    #[inline(always)]
    fn before(self, before: Self) -> Self {
        self.left(1).or(before.right(u64::BITS - 1))
    }
}

impl Lanes for [u64; LANES] {
    #[inline(always)]
    fn load(words: &[u64; LANES]) -> Self {
        *words
    }

    #[inline(always)]
    fn store(self) -> [u64; LANES] {
        self
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        std::array::from_fn(|i| self[i] & other[i])
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        std::array::from_fn(|i| self[i] | other[i])
    }

    #[inline(always)]
    fn without(self, other: Self) -> Self {
        std::array::from_fn(|i| self[i] & !other[i])
    }

    #[inline(always)]
    fn same(self, other: Self) -> Self {
        std::array::from_fn(|i| if self[i] == other[i] { u64::MAX } else { 0 })
    }

    #[inline(always)]
    fn left(self, bits: u32) -> Self {
        self.map(|word| word.checked_shl(bits).unwrap_or(0))
    }

    #[inline(always)]
    fn right(self, bits: u32) -> Self {
        self.map(|word| word.checked_shr(bits).unwrap_or(0))
    }
}
