//! A small generator with a fixed seed (xorshift64*), so that texts are the same in every run.

pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng(seed | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        // The upper bits are the better ones.
        (self.next() >> 11) % n
    }

    pub fn word(&mut self) -> String {
        (0..2 + self.below(8)).map(|_| (b'a' + self.below(26) as u8) as char).collect()
    }
}
