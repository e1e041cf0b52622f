//! Where each key's newest record is, in memory that does not grow with the keys' length and has a limit.
//!
//! Keys are told apart by 128 bits of a keyed hash, as Kafka tells them apart by MD5: nobody outside knows the seed, so nobody
//! can make two keys that meet. When it is full, compaction goes as far as it came and goes on from there the next time.

use std::hash::{DefaultHasher, Hasher};

use model::Offset;

/// A slot: hash and offset.
type Slot = (u64, u64, i64);
/// Slots of the first table.
const SLOTS_FIRST: usize = 1024;
/// How full a table may be, `log.cleaner.io.buffer.load.factor` (Kafka's default): 9 of 10.
const FULL_NUMERATOR: usize = 9;
const FULL_DENOMINATOR: usize = 10;
const FREE: i64 = -1;

/// See the module.
pub struct OffsetMap {
    slots: Vec<Slot>,
    len: usize,
    slots_max: usize,
    seed: u64,
}

impl OffsetMap {
    /// Without a key; it grows to `bytes_max`, and takes one key in any case.
    pub fn new(bytes_max: usize, seed: u64) -> OffsetMap {
        let slots_max = (bytes_max / size_of::<Slot>()).max(2);
        OffsetMap { slots: Vec::new(), len: 0, slots_max, seed }
    }

    /// Notes a key's newer record. False: there is no room for another key.
    #[must_use]
    pub fn put(&mut self, key: &[u8], offset: Offset) -> bool {
        if self.len + 1 > capacity(self.slots.len()) && self.slots.len() < self.slots_max {
            self.grow();
        }
        let hash = self.hash(key);
        let at = self.find(hash);
        if self.slots[at].2 == FREE {
            if self.len + 1 > capacity(self.slots.len()) {
                return false;
            }
            self.len += 1;
        }
        self.slots[at] = (hash.0, hash.1, offset.0);
        true
    }

    /// The newest record of a key, if it was noted.
    pub fn get(&self, key: &[u8]) -> Option<Offset> {
        if self.slots.is_empty() {
            return None;
        }
        let offset = self.slots[self.find(self.hash(key))].2;
        (offset != FREE).then_some(Offset(offset))
    }

    fn hash(&self, key: &[u8]) -> (u64, u64) {
        let half = |number: u64| {
            let mut hasher = DefaultHasher::new();
            hasher.write_u64(self.seed);
            hasher.write_u64(number);
            hasher.write(key);
            hasher.finish()
        };
        (half(0), half(1))
    }

    /// The slot of a hash, or the free one that it would take: there always is one.
    fn find(&self, hash: (u64, u64)) -> usize {
        let count = self.slots.len();
        let mut at = usize::try_from(hash.0 % count as u64).expect("below a count");
        loop {
            let (first, second, offset) = self.slots[at];
            if offset == FREE || (first, second) == hash {
                return at;
            }
            at = (at + 1) % count;
        }
    }

    fn grow(&mut self) {
        let slots = (self.slots.len() * 2).clamp(SLOTS_FIRST.min(self.slots_max), self.slots_max);
        let old = std::mem::replace(&mut self.slots, vec![(0, 0, FREE); slots]);
        for slot in old.into_iter().filter(|(.., offset)| *offset != FREE) {
            let at = self.find((slot.0, slot.1));
            self.slots[at] = slot;
        }
    }
}

/// Keys that so many slots take; one slot stays free, so that every search ends.
fn capacity(slots: usize) -> usize {
    (slots / FULL_DENOMINATOR * FULL_NUMERATOR).max(slots.saturating_sub(1).min(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_offset_of_every_key_is_kept_while_it_grows() {
        let mut map = OffsetMap::new(1 << 20, 7);
        for n in 0..20_000_i64 {
            assert!(map.put(&(n % 15_000).to_be_bytes(), Offset(n)));
        }
        for n in 0..15_000_i64 {
            let newest = if n < 5_000 { n + 15_000 } else { n };
            assert_eq!(map.get(&n.to_be_bytes()), Some(Offset(newest)));
        }
        assert_eq!(map.get(b"another"), None);
        assert_eq!(map.get(b""), None, "the empty key is a key like any other");
    }

    #[test]
    fn its_memory_has_a_limit_and_known_keys_still_move_when_it_is_reached() {
        let mut map = OffsetMap::new(100 * size_of::<Slot>(), 7);
        let taken = (0..1_000_i64).take_while(|n| map.put(&n.to_be_bytes(), Offset(*n))).count();
        assert_eq!((taken, map.slots.len()), (90, 100));
        assert!(map.put(&3_i64.to_be_bytes(), Offset(2_000)));
        assert_eq!(map.get(&3_i64.to_be_bytes()), Some(Offset(2_000)));
        let mut least = OffsetMap::new(0, 7);
        assert!(least.put(b"a", Offset(1)) && !least.put(b"b", Offset(2)), "there is always progress");
    }
}
