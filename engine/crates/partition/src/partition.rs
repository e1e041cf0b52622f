//! One partition: Kafka's rules on one side, a replica and its log on the other.
//!
//! ```text
//! append: validate -> producers.check -> stamp -> log (journal turn) -> order fixed
//! journal commit durable -> replica says what is committed -> high watermark moves -> waiters are told
//! ```
//! The high watermark moves in [`Partition::step`] and nowhere else.

use std::collections::VecDeque;
use std::sync::Arc;

use batch::{EndMarker, Header};
use journal::{Journal, Marker};
use log::Log;
use model::{Epoch, LogIndex, Offset, Watermarks};
use replica::{Effect, Event, Replica, Solo};

use crate::config::TopicConfig;
use crate::error::AppendError;
use crate::producers::{Added, Producers, Remembered, Sequence};
use crate::spec::{Acks, Appended, Now, Origin, Verified, WaiterToken, Wake};
use crate::validate::validate;
use crate::verifying::Verifying;
use crate::waiters::Waiters;

mod reading;

pub(crate) use reading::{Found, Looked};

/// The leader that an EpochStart names while a node stands alone.
const NODE_ALONE: i32 = 1;

/// Journal bytes that a record without a batch may take: a marker, a log start, what a marker aborted.
pub(crate) const SMALL_RECORD_BYTES: usize = 64;

/// A partition. Its log stands in the shard's `Logs` and is handed in.
///
/// Invariant: `log start <= last stable <= high_watermark <= log end`; the high watermark never moves back.
pub(crate) struct Partition {
    pub config: Arc<TopicConfig>,
    /// Whether the controller has named it; until then nobody may use it.
    pub named: bool,
    /// Whether only the node itself writes to it.
    pub internal: bool,
    pub producers: Producers,
    pub waiters: Waiters,
    verifying: Verifying,
    replica: Solo,
    high_watermark: Offset,
    /// Log starts that are appended as markers and not committed.
    starts: VecDeque<(LogIndex, Offset)>,
    /// A committed log start that the log has not been told of, for want of room in the journal.
    start: Option<Offset>,
}

/// What every change needs: the log, the journal that records it, and where waiters are told.
pub(crate) struct Hands<'a> {
    pub log: &'a mut Log,
    pub journal: &'a mut Journal,
    pub wakes: &'a mut Vec<Wake>,
}

impl Partition {
    /// A partition over a log just made or recovered, which must have room in the journal for a marker. `gave_up`: its end
    /// is not where it once was.
    pub fn open(
        hands: &mut Hands<'_>,
        producers: Producers,
        config: Arc<TopicConfig>,
        gave_up: bool,
    ) -> Partition {
        let mut partition = Partition {
            config,
            named: false,
            internal: false,
            producers,
            waiters: Waiters::default(),
            verifying: Verifying::default(),
            replica: Solo::new(NODE_ALONE),
            high_watermark: Offset::ZERO,
            starts: VecDeque::new(),
            start: None,
        };
        let (end, epoch) = (hands.log.end_index(), hands.log.epoch());
        let opened = Event::Opened { end, epoch, gave_up };
        partition.step(hands, opened);
        // A log start that was committed, but not recorded as ours before the end of the process.
        let starts = hands.log.markers().filter_map(|(.., marker)| match marker {
            Marker::Start { offset, .. } => Some(*offset),
            Marker::EpochStart { .. } | Marker::Config { .. } => None,
        });
        let newest = starts.max().filter(|offset| *offset > hands.log.start());
        partition.start = newest;
        partition
    }

    /// Gives an event to the replica and does what it asks for.
    fn step(&mut self, hands: &mut Hands<'_>, event: Event) {
        let mut effects = Vec::new();
        self.replica.step(event, &mut effects);
        for effect in effects {
            match effect {
                Effect::Append(marker) => {
                    hands.log.append_marker(hands.journal, marker, &|| self.producers.state());
                }
                Effect::Committed { commit } => self.committed(hands, commit),
            }
        }
    }

    fn committed(&mut self, hands: &mut Hands<'_>, commit: LogIndex) {
        let high_watermark = hands.log.offset_of(commit);
        assert!(high_watermark >= self.high_watermark, "what is committed stays");
        self.high_watermark = high_watermark;
        self.producers.committed(commit);
        let moved = self.starts.partition_point(|(index, _)| *index < commit);
        let newest = self.starts.drain(..moved).map(|(_, offset)| offset).max();
        if newest.is_some() {
            self.start = self.start.max(newest);
            self.waiters.changed(hands.wakes);
        }
        let watermarks = self.watermarks(hands.log);
        self.waiters.advanced(commit, &watermarks, hands.wakes);
    }

    /// The log has more that is durable.
    pub fn durable(&mut self, hands: &mut Hands<'_>) {
        let end = hands.log.durable_index();
        self.step(hands, Event::Durable { end });
    }

    /// The four offsets. What is before the log start is gone, whatever becomes of its transaction.
    pub fn watermarks(&self, log: &Log) -> Watermarks {
        let log_start = self.start.map_or(log.start(), |start| start.max(log.start()));
        let undecided = self.producers.first_unstable();
        let last_stable = undecided.map(|first| first.max(log_start));
        Watermarks {
            log_start,
            last_stable: last_stable.map_or(self.high_watermark, |first| first.min(self.high_watermark)),
            high_watermark: self.high_watermark,
            log_end: log.end(),
        }
    }

    /// The leader epoch.
    pub fn epoch(&self) -> Epoch {
        self.replica.epoch()
    }

    /// Fixes the order of one batch.
    pub fn append(
        &mut self,
        hands: &mut Hands<'_>,
        now: Now,
        bytes: &[u8],
        origin: Origin,
        waiter: Option<WaiterToken>,
    ) -> Result<Appended, AppendError> {
        if let Origin::Coordinator { expected_end: Some(end), .. } = origin
            && end != hands.log.end()
        {
            return Err(AppendError::UnexpectedEnd);
        }
        if let Origin::Transactional { verified, .. } = origin
            && batch::claims_transaction(bytes)
        {
            self.verify(&Header::read(bytes)?, verified, now)?;
        }
        let valid = validate(bytes, origin, &self.config, now.wall_ms)?;
        let marker = batch::end_marker(&valid.header, &valid.bytes);
        if let Some(original) = self.judge(&valid.header, marker, origin)? {
            return Ok(self.duplicate(hands, origin, &original, waiter));
        }
        let bytes = valid.bytes.len() + if marker.is_some() { SMALL_RECORD_BYTES } else { 0 };
        let takes = match origin.makes_room() {
            true => hands.log.takes_relief(hands.journal, bytes),
            false => hands.log.takes(hands.journal, bytes),
        };
        if !takes {
            return Err(AppendError::NoRoom);
        }
        let header = Header { base_offset: hands.log.end(), epoch: self.replica.epoch(), ..valid.header };
        let end = hands.log.append_batch(hands.journal, &header, &valid.bytes, &|| self.producers.state());
        if header.attributes.is_transactional() {
            self.verifying.end(header.producer_id);
        }
        let added = Added { header: &header, marker, end, now_ms: Some(now.wall_ms) };
        if let Some(aborted) = self.producers.appended(added) {
            hands.log.add_aborted(hands.journal, aborted, &|| self.producers.state());
        }
        self.step(hands, Event::Appended { end });
        if self.config.write_caching {
            // What memory holds counts as stored: it is acknowledged, and what is acknowledged can be read.
            self.step(hands, Event::Durable { end });
        }
        Ok(Appended {
            base_offset: header.base_offset,
            end_offset: header.next_offset(),
            log_append_time_ms: valid.log_append_time_ms,
            log_start: self.watermarks(hands.log).log_start,
            acknowledged: self.acknowledge(origin.acks(), end, waiter),
        })
    }

    /// Whether a transactional batch of a client may come: its transaction is open here, or its coordinator was asked.
    fn verify(&mut self, header: &Header, verified: Verified, now: Now) -> Result<(), AppendError> {
        let id = header.producer_id;
        if id < 0 || verified == Verified::Unasked || self.producers.is_open(id) {
            return Ok(());
        }
        match verified.guard() {
            None => match self.verifying.begin(header, now) {
                Some(guard) => Err(AppendError::Unverified(guard)),
                None => Err(AppendError::TooManyVerifications),
            },
            guard if self.verifying.holds(id, guard) => Ok(()),
            Some(guard) if self.verifying.may_have_given_way(guard) => Err(AppendError::TooManyVerifications),
            Some(_) => Err(AppendError::InvalidTransactionState),
        }
    }

    /// Judges what a batch says of its producer; gives the original of a duplicate.
    fn judge(
        &self,
        header: &Header,
        marker: Option<EndMarker>,
        origin: Origin,
    ) -> Result<Option<Remembered>, AppendError> {
        if header.producer_id < 0 {
            return Ok(None);
        }
        if let Origin::Coordinator { .. } = origin {
            self.producers.check_coordinator(header, marker)?;
        } else if let Sequence::Duplicate(original) = self.producers.check(header)? {
            return Ok(Some(original));
        } else if !self.producers.knows(header.producer_id) && self.verifying.is_behind(header) {
            // Of a producer that is known only the next batch comes so far: nothing that still waits is missing before it.
            return Err(AppendError::OutOfOrderSequence);
        }
        let begins = header.attributes.is_transactional() && marker.is_none();
        if begins && self.producers.are_all_open() && !self.producers.is_open(header.producer_id) {
            return Err(AppendError::TooManyTransactions);
        }
        Ok(None)
    }

    /// A batch that is stored already is answered as the original was.
    fn duplicate(
        &mut self,
        hands: &Hands<'_>,
        origin: Origin,
        original: &Remembered,
        waiter: Option<WaiterToken>,
    ) -> Appended {
        Appended {
            base_offset: original.base_offset,
            end_offset: original.last_offset.plus(1),
            log_append_time_ms: original.timestamp_ms, // whoever's time it is, as in Kafka
            log_start: self.watermarks(hands.log).log_start,
            acknowledged: self.acknowledge(origin.acks(), original.end, waiter),
        }
    }

    /// Whether what ends at `end` counts as done; if not, `waiter` waits for it.
    fn acknowledge(&mut self, acks: Acks, end: LogIndex, waiter: Option<WaiterToken>) -> bool {
        let at_once = match acks {
            Acks::None => true,
            // Durable here is durable on the quorum of one.
            Acks::Leader | Acks::All => end <= self.replica.commit(),
        };
        if at_once {
            return true;
        }
        if let Some(waiter) = waiter {
            self.waiters.await_ack(end, waiter);
        }
        false
    }

    /// `waiter` waits until everything appended so far is on a quorum. False: it is.
    pub fn await_committed(&mut self, log: &Log, waiter: WaiterToken) -> bool {
        let behind = log.end_index() > self.replica.commit();
        if behind {
            self.waiters.await_ack(log.end_index(), waiter);
        }
        behind
    }

    /// Begins to move the log start to `before`, which is not above the high watermark. `None`: no room in the journal.
    /// False: nothing to move.
    pub fn delete_records(
        &mut self,
        hands: &mut Hands<'_>,
        before: Offset,
        waiter: WaiterToken,
    ) -> Option<bool> {
        assert!(before <= self.high_watermark, "the caller has looked at the high watermark");
        let asked = self.starts.back().map(|(_, offset)| *offset);
        let newest = asked.max(Some(self.watermarks(hands.log).log_start));
        // A start that retention moved may not be durable yet: then it is asked for once more, and waited for.
        let settled = self.start.is_none() && hands.log.is_settled(hands.journal);
        if Some(before) <= newest && (asked.is_some() || settled) {
            // An earlier request may be on its way to the same place: its outcome is this one's too.
            return Some(asked.is_some() && self.await_committed(hands.log, waiter));
        }
        let takes = match hands.log.frees(before) {
            true => hands.log.takes_relief(hands.journal, SMALL_RECORD_BYTES),
            false => hands.log.takes(hands.journal, SMALL_RECORD_BYTES),
        };
        if !takes {
            return None;
        }
        let index = hands.log.end_index();
        let marker = Marker::Start { epoch: self.replica.epoch(), offset: before };
        let end = hands.log.append_marker(hands.journal, marker, &|| self.producers.state());
        self.starts.push_back((index, before));
        self.waiters.await_ack(end, waiter);
        self.step(hands, Event::Appended { end });
        Some(true)
    }

    /// Tells the log of a log start that is committed. True: it is told, or there is none.
    pub fn apply_start(&mut self, hands: &mut Hands<'_>) -> bool {
        let Some(start) = self.start else { return true };
        // What producers sent since their file was written, a restart would read from what the log start takes: so the journal
        // gets all of them, and they a new file.
        let leaves_file = start > hands.log.start()
            && self.producers.filed().is_some_and(|filed| !file_reaches(hands.log, filed, start));
        let mut bytes = SMALL_RECORD_BYTES;
        if leaves_file {
            hands.log.state_anew();
            bytes += self.producers.snapshot().len();
        }
        if !hands.log.takes_relief(hands.journal, bytes) {
            return false;
        }
        if leaves_file {
            self.producers.set_filed(None);
        }
        hands.log.set_start(hands.journal, start, &|| self.producers.state());
        self.start = None;
        true
    }

    /// Whether a log start waits for [`Partition::apply_start`].
    pub fn has_start(&self) -> bool {
        self.start.is_some()
    }

    /// Moves the log start by a decision of this replica alone (retention). `rolls`: the active segment is part of it.
    pub fn expire(&mut self, hands: &mut Hands<'_>, log_start: Offset, rolls: bool) {
        assert!(log_start <= self.high_watermark, "only what a quorum holds goes");
        if rolls {
            hands.log.roll();
        }
        self.start = self.start.max(Some(log_start));
        self.apply_start(hands);
        self.waiters.changed(hands.wakes);
    }
}

/// Whether a producers' file as of `filed` knows everything that stood before the log start.
pub(crate) fn file_reaches(log: &Log, filed: LogIndex, start: Offset) -> bool {
    log.offset_of(filed.max(log.base_index())) >= start
}
