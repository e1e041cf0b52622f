//! Randomness: the operating system's for the real node, a seeded one for the simulator.

/// Where the engine gets random numbers. Nothing else in the workspace draws them.
pub trait Rng: Send {
    /// 64 random bits.
    fn next_u64(&mut self) -> u64;

    /// A number below `bound`, which must not be 0.
    fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0);
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, and the same sequence for the same seed on every machine.
#[derive(Clone, Debug)]
pub struct SplitMix(pub u64);

impl Rng for SplitMix {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Bits from the operating system's generator.
#[derive(Debug, Default)]
pub struct OsRng;

impl Rng for OsRng {
    #[allow(clippy::disallowed_types)] // `io` is where files are opened
    fn next_u64(&mut self) -> u64 {
        use std::io::Read;
        let mut bytes = [0_u8; 8];
        std::fs::File::open("/dev/urandom")
            .and_then(|mut file| file.read_exact(&mut bytes))
            .expect("/dev/urandom can be read");
        u64::from_le_bytes(bytes)
    }
}
