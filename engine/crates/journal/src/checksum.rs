//! The checksum over a commit's blocks, without reading again what came with a checksum of its own.
//!
//! A batch arrives with a CRC32C that was verified once, and most of a busy commit is batches. CRCs are linear: the CRC of two
//! pieces is the first one's, moved on by the second one's length, plus the second one's. To move on by n bytes is one
//! multiplication with x^8n, which for the batches of one producer is the same number over and over.

/// Bytes of a commit whose CRC32C is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Known {
    /// Where in the commit they begin.
    pub start: usize,
    /// Where they end.
    pub end: usize,
    /// Theirs.
    pub crc: u32,
}

/// To read less than this costs less than to calculate with it.
pub(crate) const KNOWN_BYTES_MIN: usize = 4096;

/// CRC32C of `blocks` from `from` on, behind bytes with the CRC `seed`. `known` is in the order of places.
pub(crate) fn checksum(seed: u32, blocks: &[u8], from: usize, known: &[Known]) -> u32 {
    let (mut crc, mut at) = (seed, from);
    let (mut length, mut power) = (0, ONE);
    for piece in known {
        crc = crc32c::crc32c_append(crc, &blocks[at..piece.start]);
        if piece.end - piece.start != length {
            length = piece.end - piece.start;
            power = power_of(length);
        }
        crc = times(power, crc) ^ piece.crc;
        at = piece.end;
    }
    crc32c::crc32c_append(crc, &blocks[at..])
}

/// The polynomial, its lowest power in the highest bit, as all of these.
const POLYNOMIAL: u32 = 0x82f6_3b78;
const ONE: u32 = 1 << 31;

/// x^8, x^16, x^32 ...: the n-th moves on by 2^n bytes.
const POWERS: [u32; 32] = {
    let mut powers = [ONE >> 8; 32];
    let mut n = 1;
    while n < powers.len() {
        powers[n] = times(powers[n - 1], powers[n - 1]);
        n += 1;
    }
    powers
};

/// What moves on by so many bytes, fewer than 2^32.
fn power_of(bytes: usize) -> u32 {
    let factors = POWERS.iter().enumerate().filter(|(n, _)| bytes >> n & 1 == 1);
    factors.fold(ONE, |power, (_, factor)| times(power, *factor))
}

/// The product modulo the polynomial.
const fn times(a: u32, mut b: u32) -> u32 {
    let mut product = 0;
    let mut bit = ONE;
    while bit != 0 {
        product ^= if a & bit == 0 { 0 } else { b };
        b = (b >> 1) ^ if b & 1 == 0 { 0 } else { POLYNOMIAL };
        bit >>= 1;
    }
    product
}

#[cfg(test)]
mod tests {
    use io::{Rng, SplitMix};

    use super::*;

    #[test]
    fn what_is_known_need_not_be_read() {
        let mut rng = SplitMix(7);
        for _ in 0..200 {
            let blocks: Vec<u8> = (0..20_000).map(|_| rng.next_u64() as u8).collect();
            let mut known = Vec::new();
            let mut at = 64;
            loop {
                let start = at + (rng.next_u64() % 300) as usize;
                let end = start + (rng.next_u64() % 3) as usize * (rng.next_u64() % 3_000) as usize;
                if end > blocks.len() {
                    break;
                }
                known.push(Known { start, end, crc: crc32c::crc32c(&blocks[start..end]) });
                at = end;
            }
            let seed = rng.next_u64() as u32;
            assert_eq!(checksum(seed, &blocks, 12, &known), crc32c::crc32c_append(seed, &blocks[12..]));
        }
    }

    #[test]
    fn what_is_known_wrongly_shows() {
        let blocks = vec![5; 10_000];
        let known = Known { start: 100, end: 9_000, crc: crc32c::crc32c(&blocks[100..9_000]) ^ 1 };
        assert_ne!(checksum(1, &blocks, 12, &[known]), crc32c::crc32c_append(1, &blocks[12..]));
    }
}
