//! What waits for something, and the tokens that name it across shards.

use model::ShardId;

/// Names a waiting request (and one of its parts) wherever the answer comes from: 8 bits shard, 16 generation, 16 part, 24 slot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Token(pub u64);

/// Requests that may wait in one shard at a time.
pub const WAITS_MAX: usize = 1 << 24;
/// Partitions that one waiting request may name.
pub const PARTS_MAX: usize = 1 << 16;

impl Token {
    fn new(shard: ShardId, generation: u16, slot: u32) -> Token {
        let shard = u8::try_from(shard.0).expect("a node has at most 256 shards");
        Token(u64::from(shard) << 56 | u64::from(generation) << 40 | u64::from(slot))
    }

    /// The token of one part of the request.
    #[must_use]
    pub fn part(self, part: usize) -> Token {
        let part = u16::try_from(part).expect("requests with more parts are refused");
        Token(self.0 & !(0xffff << 24) | u64::from(part) << 24)
    }

    /// The shard where the request waits.
    #[must_use]
    pub fn shard(self) -> ShardId {
        ShardId((self.0 >> 56) as u16)
    }

    /// Which part of it.
    #[must_use]
    pub fn part_number(self) -> usize {
        (self.0 >> 24 & 0xffff) as usize
    }

    fn generation(self) -> u16 {
        (self.0 >> 40 & 0xffff) as u16
    }

    fn slot(self) -> usize {
        (self.0 & 0xff_ffff) as usize
    }
}

/// Waiting requests by token. A token of a request that is gone finds nothing.
pub struct Waits<T> {
    shard: ShardId,
    entries: Vec<(u16, Option<T>)>,
    free: Vec<u32>,
}

impl<T> Waits<T> {
    /// Nothing waits.
    #[must_use]
    pub fn new(shard: ShardId) -> Waits<T> {
        Waits { shard, entries: Vec::new(), free: Vec::new() }
    }

    /// Adds a request and names it.
    pub fn insert(&mut self, wait: T) -> Token {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.entries.push((0, None));
            u32::try_from(self.entries.len() - 1).expect("connections bound what waits")
        });
        let entry = &mut self.entries[slot as usize];
        entry.1 = Some(wait);
        Token::new(self.shard, entry.0, slot)
    }

    /// The request, if it still waits.
    pub fn get(&mut self, token: Token) -> Option<&mut T> {
        let (generation, wait) = self.entries.get_mut(token.slot())?;
        if *generation == token.generation() { wait.as_mut() } else { None }
    }

    /// Takes the request out, if it still waits.
    pub fn remove(&mut self, token: Token) -> Option<T> {
        let (generation, wait) = self.entries.get_mut(token.slot())?;
        if *generation != token.generation() {
            return None;
        }
        let wait = wait.take()?;
        *generation = generation.wrapping_add(1);
        self.free.push(u32::try_from(token.slot()).expect("24 bits"));
        Some(wait)
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tokens of all that wait.
    pub fn tokens(&self) -> impl Iterator<Item = Token> {
        self.entries.iter().enumerate().filter(|(_, (_, wait))| wait.is_some()).map(
            |(slot, (generation, _))| {
                Token::new(self.shard, *generation, u32::try_from(slot).expect("24 bits"))
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_a_request_that_is_gone_finds_nothing() {
        let mut waits = Waits::new(ShardId(3));
        let first = waits.insert("first");
        assert_eq!((first.shard(), first.part(7).part_number()), (ShardId(3), 7));
        assert_eq!(waits.get(first.part(7)), Some(&mut "first"));
        assert_eq!(waits.remove(first), Some("first"));
        let second = waits.insert("second");
        assert_eq!(second.slot(), first.slot());
        assert_eq!(waits.get(first), None);
        assert_eq!(waits.remove(first), None);
        assert_eq!(waits.tokens().collect::<Vec<_>>(), [second]);
        assert_eq!(waits.len(), 1);
    }
}
