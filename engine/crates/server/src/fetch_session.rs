//! Fetch sessions (KIP-227): what a client fetches is remembered, so that it sends and gets only what changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::limits::FETCH_SESSIONS_MAX;
use model::{Epoch, ErrorCode, Offset, PartitionIndex, ShardId, TopicId};

/// Kafka spreads sessions over so many maps by their ids, and fails at an id beyond the last one.
const KAFKA_SHARDS: i32 = 8;

/// The epoch of a request that opens a session.
const NEW: i32 = 0;
/// The epoch of a request that wants none.
const NONE: i32 = -1;

/// A session unused for this long may make room for another (Kafka's number).
const SESSION_IDLE_NS: u64 = 120_000_000_000;

/// A partition as a session names it: by name up to version 12, by id from 13 on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PartitionKey {
    /// Topic name and partition.
    Named(Arc<str>, PartitionIndex),
    /// Topic id and partition.
    WithId(TopicId, PartitionIndex),
}

/// What a client wants of a partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// Where it reads on.
    pub offset: Offset,
    /// How much of it; less than 0 is an error if there is any.
    pub bytes_max: i32,
    /// The leader epoch it knows, or -1.
    pub current_epoch: Epoch,
    /// The epoch of the last record it has, or -1.
    pub last_fetched_epoch: Epoch,
}

/// A partition of a session: what is wanted, and what the client was last told.
#[derive(Clone, Debug)]
struct Cached {
    key: PartitionKey,
    wanted: Wanted,
    told_high_watermark: Offset,
    told_log_start: Offset,
}

/// Invariant: `order` and `partitions` name the same entries.
struct Session {
    /// The epoch that the next request must carry.
    epoch: i32,
    by_id: bool,
    used_ns: u64,
    /// Entries by turn: those that gave data go to the end, so that none starves.
    order: BTreeMap<u64, Cached>,
    partitions: BTreeMap<PartitionKey, u64>,
    next_turn: u64,
}

impl Session {
    fn put(&mut self, key: PartitionKey, wanted: Wanted) {
        if let Some(turn) = self.partitions.get(&key) {
            self.order.get_mut(turn).expect("the invariant").wanted = wanted;
            return;
        }
        let cached =
            Cached { key: key.clone(), wanted, told_high_watermark: Offset(-1), told_log_start: Offset(-1) };
        self.order.insert(self.next_turn, cached);
        self.partitions.insert(key, self.next_turn);
        self.next_turn += 1;
    }

    fn forget(&mut self, key: &PartitionKey) {
        if let Some(turn) = self.partitions.remove(key) {
            self.order.remove(&turn);
        }
    }
}

/// How a request is to be answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Use {
    /// The session id of the answer; 0 is none.
    pub id: i32,
    /// Whether only what changed is told.
    pub incremental: bool,
}

/// What a session asks to be remembered after an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Told {
    /// High watermark in the answer; -1 with an error, so that the partition is told again once it is healthy.
    pub high_watermark: Offset,
    /// Log start in the answer.
    pub log_start: Offset,
    /// Whether it had records.
    pub had_data: bool,
}

/// The sessions of a shard.
pub struct FetchSessions {
    shard: ShardId,
    sessions: BTreeMap<i32, Session>,
    opened: u32,
}

impl FetchSessions {
    /// None yet.
    #[must_use]
    pub fn new(shard: ShardId) -> FetchSessions {
        FetchSessions { shard, sessions: BTreeMap::new(), opened: 0 }
    }

    /// Finds, opens or closes the session of a request; `fetched` and `forgotten` are the request's lists.
    ///
    /// Errors are the request's (top-level): `FETCH_SESSION_ID_NOT_FOUND`, `INVALID_FETCH_SESSION_EPOCH`,
    /// `FETCH_SESSION_TOPIC_ID_ERROR`, and `UNKNOWN_SERVER_ERROR` for an id that no broker gives.
    pub fn step(
        &mut self,
        now_ns: u64,
        (id, epoch): (i32, i32),
        by_id: bool,
        fetched: &[(PartitionKey, Wanted)],
        forgotten: &[PartitionKey],
    ) -> Result<Use, ErrorCode> {
        if !(0..KAFKA_SHARDS).contains(&(id / (i32::MAX / KAFKA_SHARDS))) {
            return Err(ErrorCode::UNKNOWN_SERVER_ERROR);
        }
        if epoch == NEW || epoch == NONE {
            self.sessions.remove(&id);
            let nameless = |(key, _): &(PartitionKey, Wanted)| matches!(key, PartitionKey::WithId(id, _) if id.0 == [0; 16]);
            if epoch == NEW && fetched.iter().any(nameless) {
                return Err(ErrorCode::UNKNOWN_SERVER_ERROR); // Kafka cannot remember it
            }
            let opened = if epoch == NEW { self.open(now_ns, by_id, fetched) } else { 0 };
            return Ok(Use { id: opened, incremental: false });
        }
        let session = self.sessions.get_mut(&id).ok_or(ErrorCode::FETCH_SESSION_ID_NOT_FOUND)?;
        if session.epoch != epoch {
            return Err(ErrorCode::INVALID_FETCH_SESSION_EPOCH);
        }
        if session.by_id != by_id {
            return Err(ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR);
        }
        session.epoch = if epoch == i32::MAX { 1 } else { epoch + 1 };
        session.used_ns = now_ns;
        for (key, wanted) in fetched {
            session.put(key.clone(), *wanted);
        }
        for key in forgotten {
            session.forget(key);
        }
        if session.partitions.is_empty() {
            self.sessions.remove(&id);
            return Ok(Use { id: 0, incremental: false });
        }
        Ok(Use { id, incremental: true })
    }

    fn open(&mut self, now_ns: u64, by_id: bool, fetched: &[(PartitionKey, Wanted)]) -> i32 {
        if !self.make_room(now_ns) {
            return 0;
        }
        // Unlike the ids of a process that ran before: those answer "not found" rather than another's data.
        let mut id = 0;
        while id <= 0 || self.sessions.contains_key(&id) {
            self.opened = self.opened.wrapping_add(1);
            let mixed = (now_ns ^ u64::from(self.opened) << 40 ^ u64::from(self.shard.0) << 56)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15);
            id = (mixed >> 33) as i32 % (i32::MAX / KAFKA_SHARDS * KAFKA_SHARDS);
        }
        let mut session = Session {
            epoch: 1,
            by_id,
            used_ns: now_ns,
            order: BTreeMap::new(),
            partitions: BTreeMap::new(),
            next_turn: 0,
        };
        for (key, wanted) in fetched {
            session.put(key.clone(), *wanted);
        }
        self.sessions.insert(id, session);
        id
    }

    /// Closes a session that was opened for a request which came to nothing.
    pub fn close(&mut self, id: i32) {
        self.sessions.remove(&id);
    }

    fn make_room(&mut self, now_ns: u64) -> bool {
        if self.sessions.len() < FETCH_SESSIONS_MAX {
            return true;
        }
        let oldest = self.sessions.iter().min_by_key(|(_, session)| session.used_ns);
        let Some((id, session)) = oldest else { return true };
        if now_ns.saturating_sub(session.used_ns) < SESSION_IDLE_NS {
            return false;
        }
        let id = *id;
        self.sessions.remove(&id);
        true
    }

    /// Everything that a session fetches, in its order of turns.
    #[must_use]
    pub fn wanted(&self, id: i32) -> Vec<(PartitionKey, Wanted)> {
        let session = self.sessions.get(&id);
        session.map_or_else(Vec::new, |session| {
            session.order.values().map(|cached| (cached.key.clone(), cached.wanted)).collect()
        })
    }

    /// Remembers what the client is told of a partition; gives whether an incremental answer must name it.
    pub fn tell(&mut self, id: i32, key: &PartitionKey, told: Told, failed: bool) -> bool {
        let Some(session) = self.sessions.get_mut(&id) else { return true };
        let Some(turn) = session.partitions.get(key).copied() else { return true };
        let cached = session.order.get_mut(&turn).expect("the invariant");
        let changed =
            cached.told_high_watermark != told.high_watermark || cached.told_log_start != told.log_start;
        cached.told_high_watermark = if failed { Offset(-1) } else { told.high_watermark };
        cached.told_log_start = told.log_start;
        if told.had_data {
            let cached = session.order.remove(&turn).expect("the invariant");
            session.order.insert(session.next_turn, cached);
            session.partitions.insert(key.clone(), session.next_turn);
            session.next_turn += 1;
        }
        changed || failed || told.had_data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: i32) -> PartitionKey {
        PartitionKey::WithId(TopicId([1; 16]), PartitionIndex(n))
    }

    fn wanted(offset: i64) -> Wanted {
        Wanted {
            offset: Offset(offset),
            bytes_max: 1,
            current_epoch: Epoch::NONE,
            last_fetched_epoch: Epoch::NONE,
        }
    }

    fn told(high_watermark: i64, had_data: bool) -> Told {
        Told { high_watermark: Offset(high_watermark), log_start: Offset(0), had_data }
    }

    fn opened() -> (FetchSessions, i32) {
        let mut sessions = FetchSessions::new(ShardId(0));
        let fetched: Vec<_> = (0..3).map(|n| (key(n), wanted(0))).collect();
        let used = sessions.step(1, (0, 0), true, &fetched, &[]).expect("a new session");
        assert!(!used.incremental && used.id > 0);
        (sessions, used.id)
    }

    #[test]
    fn a_session_remembers_changes_and_forgets_what_it_is_told_to() {
        let (mut sessions, id) = opened();
        let used = sessions.step(2, (id, 1), true, &[(key(1), wanted(9))], &[key(0)]);
        assert_eq!(used, Ok(Use { id, incremental: true }));
        assert_eq!(sessions.wanted(id), [(key(1), wanted(9)), (key(2), wanted(0))]);
    }

    #[test]
    fn epochs_rise_by_one_and_wrap_to_one() {
        let (mut sessions, id) = opened();
        assert_eq!(sessions.step(2, (id, 2), true, &[], &[]), Err(ErrorCode::INVALID_FETCH_SESSION_EPOCH));
        assert_eq!(sessions.step(2, (id + 1, 1), true, &[], &[]), Err(ErrorCode::FETCH_SESSION_ID_NOT_FOUND));
        assert_eq!(sessions.step(2, (id, 1), false, &[], &[]), Err(ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR));
        sessions.sessions.get_mut(&id).expect("open").epoch = i32::MAX;
        assert!(sessions.step(2, (id, i32::MAX), true, &[], &[]).is_ok());
        assert!(sessions.step(2, (id, 1), true, &[], &[]).is_ok());
    }

    #[test]
    fn only_what_changed_is_told_and_a_failure_is_told_again_when_it_is_over() {
        let (mut sessions, id) = opened();
        assert!(sessions.tell(id, &key(0), told(5, false), false));
        assert!(!sessions.tell(id, &key(0), told(5, false), false));
        assert!(sessions.tell(id, &key(0), told(-1, false), true));
        assert!(sessions.tell(id, &key(0), told(5, false), false));
    }

    #[test]
    fn partitions_that_gave_data_go_to_the_end() {
        let (mut sessions, id) = opened();
        assert!(sessions.tell(id, &key(0), told(5, true), false));
        let order: Vec<_> = sessions.wanted(id).into_iter().map(|(key, _)| key).collect();
        assert_eq!(order, [key(1), key(2), key(0)]);
    }

    #[test]
    fn a_full_cache_serves_without_sessions_until_one_is_idle() {
        let (mut sessions, _) = opened();
        for n in 1..FETCH_SESSIONS_MAX as u64 {
            sessions.step(n, (0, 0), true, &[(key(0), wanted(0))], &[]).expect("room");
        }
        let full = sessions.step(2000, (0, 0), true, &[(key(0), wanted(0))], &[]).expect("served");
        assert_eq!(full.id, 0);
        let later = 3000 + SESSION_IDLE_NS;
        assert!(sessions.step(later, (0, 0), true, &[(key(0), wanted(0))], &[]).expect("served").id > 0);
    }

    #[test]
    fn a_final_epoch_closes_the_session() {
        let (mut sessions, id) = opened();
        assert_eq!(sessions.step(2, (id, -1), true, &[], &[]), Ok(Use { id: 0, incremental: false }));
        assert!(sessions.wanted(id).is_empty());
    }
}
