//! Producers whose transaction is being verified (KIP-890): the coordinator is asked before a transaction's first batch.
//!
//! Whoever asks gets a guard, and appends with it. A marker takes the guard away: else an answer given before the transaction
//! was aborted would let a batch of it in afterwards, and nothing would ever end that one (Kafka's `VerificationGuard`).

use std::collections::BTreeMap;

use batch::Header;
use model::limits::VERIFYING_PER_PARTITION_MAX;

/// Shows that a verification was begun here and that no marker has come since.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Guard(u64);

#[derive(Debug)]
struct Entry {
    guard: Guard,
    epoch: i16,
    /// The smallest that asked: a later batch must not go before it, or it would be out of order for ever.
    lowest_sequence: i32,
}

/// Those of a partition.
#[derive(Debug, Default)]
pub struct Verifying {
    by_id: BTreeMap<i64, Entry>,
    given: u64,
}

impl Verifying {
    /// A producer's batch waits for a verification.
    pub fn begin(&mut self, header: &Header) -> Guard {
        if let Some(entry) = self.by_id.get_mut(&header.producer_id) {
            if header.producer_epoch > entry.epoch {
                (entry.epoch, entry.lowest_sequence) = (header.producer_epoch, header.base_sequence);
            } else if header.producer_epoch == entry.epoch {
                entry.lowest_sequence = entry.lowest_sequence.min(header.base_sequence);
            }
            return entry.guard;
        }
        if self.by_id.len() >= VERIFYING_PER_PARTITION_MAX {
            let oldest = self.by_id.iter().min_by_key(|(_, entry)| entry.guard).map(|(id, _)| *id);
            oldest.map(|id| self.by_id.remove(&id));
        }
        self.given += 1;
        let guard = Guard(self.given);
        let (epoch, lowest_sequence) = (header.producer_epoch, header.base_sequence);
        self.by_id.insert(header.producer_id, Entry { guard, epoch, lowest_sequence });
        guard
    }

    /// Whether a batch comes with the guard that holds.
    #[must_use]
    pub fn holds(&self, id: i64, guard: Option<Guard>) -> bool {
        guard.is_some() && self.by_id.get(&id).map(|entry| entry.guard) == guard
    }

    /// Whether an earlier batch still waits.
    #[must_use]
    pub fn is_behind(&self, header: &Header) -> bool {
        self.by_id.get(&header.producer_id).is_some_and(|entry| header.base_sequence > entry.lowest_sequence)
    }

    /// The producer's transaction has begun here, or ended.
    pub fn end(&mut self, id: i64) {
        self.by_id.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(id: i64, epoch: i16, sequence: i32) -> Header {
        let bytes = batch::Builder::new().producer(id, epoch, sequence).transactional();
        Header::read(&bytes.finish(batch::Codec::None)).expect("our own")
    }

    #[test]
    fn a_guard_holds_until_the_transaction_begins_or_ends() {
        let mut verifying = Verifying::default();
        let guard = verifying.begin(&header(7, 0, 0));
        assert_eq!(verifying.begin(&header(7, 0, 4)), guard, "one for all that ask");
        assert!(
            verifying.holds(7, Some(guard)) && !verifying.holds(8, Some(guard)) && !verifying.holds(7, None)
        );
        verifying.end(7);
        assert!(!verifying.holds(7, Some(guard)));
        let next = verifying.begin(&header(7, 0, 0));
        assert!(next != guard && !verifying.holds(7, Some(guard)), "an old one never counts again");
    }

    #[test]
    fn what_waits_longer_goes_first_within_its_epoch() {
        let mut verifying = Verifying::default();
        verifying.begin(&header(7, 0, 5));
        assert!(verifying.is_behind(&header(7, 0, 6)) && !verifying.is_behind(&header(7, 0, 5)));
        verifying.begin(&header(7, 0, 3));
        assert!(verifying.is_behind(&header(7, 0, 5)));
        verifying.begin(&header(7, 1, 9));
        assert!(!verifying.is_behind(&header(7, 1, 9)));
        assert!(!verifying.is_behind(&header(8, 0, 9)));
    }

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let mut verifying = Verifying::default();
        let guards: Vec<Guard> =
            (0..=VERIFYING_PER_PARTITION_MAX as i64).map(|id| verifying.begin(&header(id, 0, 0))).collect();
        assert!(!verifying.holds(0, Some(guards[0])) && verifying.holds(1, Some(guards[1])));
    }
}
