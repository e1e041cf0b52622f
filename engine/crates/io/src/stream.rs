//! Copies that leave the processor's caches alone.

/// Copies to memory that this core will not look at soon. A plain copy first fetches what it overwrites, here from the cache
/// of whatever core served the disk last; where the processor can, this one does not.
///
/// # Panics
/// If the lengths differ.
pub fn copy(to: &mut [u8], from: &[u8]) {
    assert_eq!(to.len(), from.len(), "a copy of the same size");
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_sfence, _mm_stream_si128};
        const UNIT: usize = 64;
        let head = to.as_ptr().align_offset(UNIT).min(to.len());
        let whole = (to.len() - head) / UNIT * UNIT;
        to[..head].copy_from_slice(&from[..head]);
        let (units, tail) = to[head..].split_at_mut(whole);
        let (source, rest) = from[head..].split_at(whole);
        for (to, from) in units.chunks_exact_mut(UNIT).zip(source.chunks_exact(UNIT)) {
            // SAFETY: both are 64 bytes, and the first begins on a boundary of as many. SSE2 is part of x86-64.
            #[allow(unsafe_code)]
            unsafe {
                let (to, from) = (to.as_mut_ptr().cast::<__m128i>(), from.as_ptr().cast::<__m128i>());
                let (a, b) = (_mm_loadu_si128(from), _mm_loadu_si128(from.add(1)));
                let (c, d) = (_mm_loadu_si128(from.add(2)), _mm_loadu_si128(from.add(3)));
                _mm_stream_si128(to, a);
                _mm_stream_si128(to.add(1), b);
                _mm_stream_si128(to.add(2), c);
                _mm_stream_si128(to.add(3), d);
            }
        }
        // SAFETY: as above. Such stores are in no order with others before this.
        #[allow(unsafe_code)]
        unsafe {
            _mm_sfence();
        }
        tail.copy_from_slice(rest);
    }
    #[cfg(not(target_arch = "x86_64"))]
    to.copy_from_slice(from);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_over_whatever_the_alignment() {
        let from: Vec<u8> = (0..1_000_u16).map(|n| (n * 7 + n / 256) as u8).collect();
        for (begin, len) in
            (0..70).flat_map(|begin| [0, 1, 63, 64, 65, 127, 500, 900].map(|len| (begin, len)))
        {
            let mut to = vec![0; 1_000];
            copy(&mut to[begin..begin + len], &from[70 - begin..70 - begin + len]);
            assert_eq!(to[begin..begin + len], from[70 - begin..70 - begin + len]);
            assert!(to[..begin].iter().chain(&to[begin + len..]).all(|byte| *byte == 0));
        }
    }
}
