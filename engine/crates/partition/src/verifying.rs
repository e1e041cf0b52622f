//! Producers whose transaction is being verified (KIP-890): the coordinator is asked before a transaction's first batch.
//!
//! Whoever asks gets a guard, and appends with it. A marker takes the guard away: else an answer given before the transaction
//! was aborted would let a batch of it in afterwards, and nothing would ever end that one (Kafka's `VerificationGuard`).

use std::collections::BTreeMap;

use batch::Header;
use model::limits::{VERIFICATION_MS_MAX, VERIFYING_PER_PARTITION_MAX};

use crate::spec::Now;

const NS_PER_MS: u64 = 1_000_000;
/// From this age on nobody waits any more for what the coordinator says.
const OVER_NS: u64 = 2 * VERIFICATION_MS_MAX * NS_PER_MS;

/// Shows that a verification was begun here and that no marker has come since.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Guard(u64);

#[derive(Debug)]
struct Entry {
    guard: Guard,
    epoch: i16,
    /// The smallest that asked: a later batch must not go before it, or it would be out of order for ever.
    lowest_sequence: i32,
    /// When a batch last asked.
    asked_ns: u64,
}

/// Those of a partition.
#[derive(Debug, Default)]
pub struct Verifying {
    by_id: BTreeMap<i64, Entry>,
    given: u64,
    /// The newest guard that had to go for another one.
    gave_way: Option<Guard>,
}

impl Verifying {
    /// A producer's batch waits for a verification. `None`: too many do, it has to come again. Whoever waits already goes
    /// first: would he give way, of many that come at once none might ever get through.
    pub fn begin(&mut self, header: &Header, now: Now) -> Option<Guard> {
        let asked_ns = now.monotonic_ns;
        if let Some(entry) = self.by_id.get_mut(&header.producer_id) {
            if header.producer_epoch > entry.epoch {
                (entry.epoch, entry.lowest_sequence) = (header.producer_epoch, header.base_sequence);
            } else if header.producer_epoch == entry.epoch {
                entry.lowest_sequence = entry.lowest_sequence.min(header.base_sequence);
            }
            entry.asked_ns = asked_ns;
            return Some(entry.guard);
        }
        if self.by_id.len() >= VERIFYING_PER_PARTITION_MAX {
            let over = |entry: &Entry| asked_ns.saturating_sub(entry.asked_ns) >= OVER_NS;
            let (id, entry) = self.by_id.iter().min_by_key(|(_, entry)| entry.asked_ns)?;
            let (id, guard) = over(entry).then_some((*id, entry.guard))?;
            self.by_id.remove(&id);
            self.gave_way = self.gave_way.max(Some(guard));
        }
        self.given += 1;
        let guard = Guard(self.given);
        let (epoch, lowest_sequence) = (header.producer_epoch, header.base_sequence);
        self.by_id.insert(header.producer_id, Entry { guard, epoch, lowest_sequence, asked_ns });
        Some(guard)
    }

    /// Whether a guard that does not hold may have given way to another one, so that it says nothing of its transaction.
    #[must_use]
    pub fn may_have_given_way(&self, guard: Guard) -> bool {
        self.gave_way >= Some(guard)
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

    fn at(ms: u64) -> Now {
        Now { monotonic_ns: ms * NS_PER_MS, wall_ms: 0 }
    }

    #[test]
    fn a_guard_holds_until_the_transaction_begins_or_ends() {
        let mut verifying = Verifying::default();
        let guard = verifying.begin(&header(7, 0, 0), at(0)).expect("room");
        assert_eq!(verifying.begin(&header(7, 0, 4), at(0)), Some(guard), "one for all that ask");
        assert!(
            verifying.holds(7, Some(guard)) && !verifying.holds(8, Some(guard)) && !verifying.holds(7, None)
        );
        verifying.end(7);
        assert!(!verifying.holds(7, Some(guard)));
        let next = verifying.begin(&header(7, 0, 0), at(0)).expect("room");
        assert!(next != guard && !verifying.holds(7, Some(guard)), "an old one never counts again");
    }

    #[test]
    fn what_waits_longer_goes_first_within_its_epoch() {
        let mut verifying = Verifying::default();
        verifying.begin(&header(7, 0, 5), at(0));
        assert!(verifying.is_behind(&header(7, 0, 6)) && !verifying.is_behind(&header(7, 0, 5)));
        verifying.begin(&header(7, 0, 3), at(0));
        assert!(verifying.is_behind(&header(7, 0, 5)));
        verifying.begin(&header(7, 1, 9), at(0));
        assert!(!verifying.is_behind(&header(7, 1, 9)));
        assert!(!verifying.is_behind(&header(8, 0, 9)));
    }

    #[test]
    fn those_that_wait_go_first_when_there_are_too_many() {
        let mut verifying = Verifying::default();
        let many = VERIFYING_PER_PARTITION_MAX as i64;
        let begun: Vec<Guard> =
            (0..many).map(|id| verifying.begin(&header(id, 0, 0), at(0)).expect("room")).collect();
        assert_eq!(verifying.begin(&header(many, 0, 0), at(1)), None);
        assert!(verifying.holds(0, Some(begun[0])));
        verifying.end(5);
        assert!(verifying.begin(&header(many, 0, 0), at(1)).is_some());
        assert!(!verifying.may_have_given_way(begun[5]), "its transaction has begun, or ended");
        // The others ask again; nobody waits for the first one.
        for id in 1..many {
            verifying.begin(&header(id, 0, 1), at(VERIFICATION_MS_MAX));
        }
        let late = at(2 * VERIFICATION_MS_MAX);
        assert!(verifying.begin(&header(many + 1, 0, 0), late).is_some());
        assert!(!verifying.holds(0, Some(begun[0])) && verifying.may_have_given_way(begun[0]));
        assert_eq!(verifying.begin(&header(many + 2, 0, 0), late), None);
    }
}
