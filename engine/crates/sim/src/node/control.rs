//! A small control plane in Python's place: topics folded from the node's own log, group 0, through the same queues and
//! messages. It makes topics, deletes them and deletes records; nothing is told to anybody before it is committed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use batch::{ControlKind, EndMarker};
use io::{Rng, SplitMix};
use model::{ConnectionId, ErrorCode, GroupId, Offset, ShardId, TopicId};
use partition::TopicConfig;
use server::calls::{CallId, KeyValue, Outcome, Producer, Reply, Request};
use server::routing::Topic;
use server::{Handoff, HandoffRequest, Message, TopicsChange, Verification};
use shard::Mailbox;
use wire::{Reader, WireError};

use super::ledger::Checked;
use super::trace;

/// Kafka's keys for what the control plane does here, in versions whose headers are flexible.
pub(super) const CREATE_TOPICS: i16 = 19;
pub(super) const DELETE_TOPICS: i16 = 20;
pub(super) const DELETE_RECORDS: i16 = 21;
/// Ends a transaction: its markers are written to the partitions that the body names.
pub(super) const END_TXN: i16 = 26;
pub(super) const VERSION: i16 = 2;

const UNKNOWN: i16 = 3;
const LOADING: i16 = 14;

/// A topic as the log has it.
#[derive(Clone)]
struct Made {
    id: TopicId,
    groups: Vec<u64>,
    /// Segment bytes, retention bytes, retention ms.
    numbers: [i64; 3],
}

/// What a committed record is for.
enum Then {
    Create { name: String, made: Made },
    Delete { name: String, id: TopicId },
}

/// Who waits for what.
enum Pending {
    /// Every shard holds the topics: the answer, if one is due.
    Told {
        left: usize,
        answer: Option<(ConnectionId, Vec<u8>)>,
    },
    Appended {
        connection: ConnectionId,
        correlation: i32,
        then: Then,
    },
    Deleted {
        connection: ConnectionId,
        correlation: i32,
    },
    Marked,
    Read,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// The log's own topic is told to the shards.
    Naming,
    Reading,
    Telling,
    Ready,
}

/// The control plane of one process.
pub(super) struct Control {
    handoff: Arc<Handoff>,
    mailboxes: Vec<Arc<Mailbox>>,
    phase: Phase,
    topics: BTreeMap<String, Made>,
    next_group: u64,
    end: Offset,
    calls: BTreeMap<u64, Pending>,
    next_call: u64,
    /// One record is on its way at a time.
    appending: bool,
    waiting: VecDeque<HandoffRequest>,
    /// Questions about transactions; everybody hears yes, whenever it is.
    verifications: VecDeque<Verification>,
    /// The transaction that is ended just now: one at a time, as its coordinator would.
    ending: Option<Ending>,
}

/// Markers on their way.
struct Ending {
    connection: ConnectionId,
    correlation: i32,
    left: usize,
    error: i16,
}

impl Made {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.id.0.to_vec();
        bytes.extend(self.numbers.iter().flat_map(|number| number.to_be_bytes()));
        bytes.extend(self.groups.iter().flat_map(|group| group.to_be_bytes()));
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Made> {
        let (id, rest) = bytes.split_first_chunk::<16>()?;
        let (words, _) = rest.as_chunks::<8>();
        let numbers = [words[0], words[1], words[2]].map(i64::from_be_bytes);
        let groups = words[3..].iter().map(|word| u64::from_be_bytes(*word)).collect();
        Some(Made { id: TopicId(*id), groups, numbers })
    }

    fn topic(&self, name: &str) -> Arc<Topic> {
        let [segment_bytes, retention_bytes, retention_ms] = self.numbers;
        let config = TopicConfig {
            segment_bytes: segment_bytes.cast_unsigned(),
            retention_bytes: u64::try_from(retention_bytes).ok(),
            retention_ms: (retention_ms >= 0).then_some(retention_ms),
            // Clocks jump here, and no record is to be refused for it.
            timestamp_after_ms_max: i64::MAX,
            ..TopicConfig::default()
        };
        let groups = self.groups.iter().map(|group| GroupId(*group)).collect();
        Arc::new(Topic { id: self.id, name: Arc::from(name), internal: false, config, groups })
    }
}

impl Control {
    /// Begins with naming its own log to the shards.
    pub fn start(handoff: Arc<Handoff>, mailboxes: Vec<Arc<Mailbox>>) -> Control {
        let mut control = Control {
            handoff,
            mailboxes,
            phase: Phase::Naming,
            topics: BTreeMap::new(),
            next_group: 1,
            end: Offset::ZERO,
            calls: BTreeMap::new(),
            next_call: 0,
            appending: false,
            waiting: VecDeque::new(),
            verifications: VecDeque::new(),
            ending: None,
        };
        let config = TopicConfig { retention_ms: None, ..TopicConfig::default() };
        let own = Topic {
            id: TopicId::METADATA,
            name: Arc::from("__cluster_metadata"),
            internal: true,
            config,
            groups: vec![GroupId::CONTROLLER],
        };
        control.tell(TopicsChange { put: vec![Arc::new(own)], removed: Vec::new() }, None);
        control
    }

    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// Every topic that is there, for the world to hold against what was answered.
    pub fn topic_ids(&self) -> Vec<TopicId> {
        self.topics.values().map(|made| made.id).collect()
    }

    fn send(&self, shard: ShardId, message: Message) {
        self.mailboxes[usize::from(shard.0)].send(&mut vec![message]);
    }

    fn shard_of(&self, group: GroupId) -> ShardId {
        group.shard(u16::try_from(self.mailboxes.len()).expect("shards are few"))
    }

    fn call(&mut self, pending: Pending) -> CallId {
        self.next_call += 1;
        self.calls.insert(self.next_call, pending);
        CallId(self.next_call)
    }

    fn ask(&mut self, group: GroupId, request: Request, pending: Pending) {
        let call = self.call(pending);
        self.send(self.shard_of(group), Message::Call { call, request });
    }

    fn tell(&mut self, change: TopicsChange, answer: Option<(ConnectionId, Vec<u8>)>) {
        let left = self.mailboxes.len();
        let call = self.call(Pending::Told { left, answer });
        let change = Arc::new(change);
        for mailbox in &self.mailboxes {
            mailbox.send(&mut vec![Message::Topics { call, change: Arc::clone(&change) }]);
        }
    }

    fn answer(&self, connection: ConnectionId, response: Vec<u8>) {
        self.send(connection.shard(), Message::Answer { connection, response: Some(response) });
    }

    /// Takes what the shards have for it. True: there was something.
    pub fn step(&mut self, rng: &mut SplitMix) -> Checked<bool> {
        let drained = self.handoff.drain();
        let busy = !drained.outcomes.is_empty() || !drained.requests.is_empty();
        for outcome in drained.outcomes {
            self.outcome(outcome)?;
        }
        self.waiting.extend(drained.requests);
        self.verifications.extend(drained.verifications);
        if rng.below(2) == 0 {
            self.verify(rng);
        }
        while !self.appending
            && let Some(request) = self.waiting.pop_front()
        {
            self.request(&request, rng)?;
        }
        Ok(busy)
    }

    fn verify(&mut self, rng: &mut SplitMix) {
        let Some(asked) = self.verifications.pop_front() else { return };
        let loading = self.phase != Phase::Ready || rng.below(6) == 0;
        let error = if loading { ErrorCode::COORDINATOR_LOAD_IN_PROGRESS } else { ErrorCode::NONE };
        let errors = vec![error; asked.partitions.len()];
        self.send(asked.token.shard(), Message::Verified { token: asked.token, errors });
    }

    /// Writes a transaction's markers; the answer waits for all of them.
    fn end(&mut self, request: &HandoffRequest) -> Result<(), WireError> {
        let mut body = Reader::new(&request.body);
        let (id, commits, count) = (body.int64()?, body.int64()?, body.int32()?);
        let kind = if commits == 1 { ControlKind::Commit } else { ControlKind::Abort };
        let mut groups = Vec::new();
        for _ in 0..count {
            let (topic, index) = (TopicId(body.uuid()?), body.int32()?);
            let made = self.topics.values().find(|made| made.id == topic); // a topic that is gone needs no marker
            groups.extend(made.map(|made| made.groups[usize::try_from(index).expect("not negative")]));
        }
        let (connection, correlation) = (request.connection, request.correlation_id);
        if groups.is_empty() {
            self.answer(connection, refused(correlation, 0));
            return Ok(());
        }
        self.appending = true;
        self.ending = Some(Ending { connection, correlation, left: groups.len(), error: 0 });
        for group in groups.into_iter().map(GroupId) {
            let producer = Producer { id, epoch: 0 };
            let marker = EndMarker { kind, coordinator_epoch: 0 };
            let append = Request::AppendMarker { group, producer, marker, expected_end: None };
            self.ask(group, append, Pending::Marked);
        }
        Ok(())
    }

    fn marked(&mut self, error: ErrorCode) {
        let ending = self.ending.as_mut().expect("it is being ended");
        ending.left -= 1;
        if !error.is_none() && error != ErrorCode::UNKNOWN_TOPIC_OR_PARTITION {
            ending.error = error.0;
        }
        if ending.left == 0 {
            let (connection, response) = (ending.connection, refused(ending.correlation, ending.error));
            (self.appending, self.ending) = (false, None);
            self.answer(connection, response);
        }
    }

    fn outcome(&mut self, outcome: Outcome) -> Checked {
        let call = outcome.call.0;
        if let Some(Pending::Told { left, .. }) = self.calls.get_mut(&call) {
            *left -= 1;
            if *left > 0 {
                return Ok(());
            }
        }
        let pending = self.calls.remove(&call);
        match (pending, outcome.reply) {
            (Some(Pending::Told { answer, .. }), Reply::Topics) => self.told(answer),
            (
                Some(Pending::Appended { connection, correlation, then }),
                Reply::Appended { error, base_offset, end_offset },
            ) => {
                self.appending = false;
                trace::note("metadata appended", i64::from(error.0), base_offset.0, end_offset.0);
                if error.is_none() {
                    self.end = end_offset;
                    self.apply(connection, correlation, then);
                } else if error.0 == 6 {
                    return Err("the metadata log does not end where its only writer left it".to_owned());
                } else {
                    self.answer(connection, refused(correlation, error.0));
                }
            }
            (Some(Pending::Marked), Reply::Appended { error, .. }) => self.marked(error),
            (Some(Pending::Deleted { connection, correlation }), Reply::Deleted { error, log_start }) => {
                let mut response = refused(correlation, error.0);
                response.extend_from_slice(&log_start.0.to_be_bytes());
                self.answer(connection, response);
            }
            (Some(Pending::Read), Reply::Read { error, records, next_offset, high_watermark }) => {
                if error.0 == 56 {
                    self.read(); // a fault of the disk, which passes
                    return Ok(());
                }
                if !error.is_none() {
                    return Err(format!("the metadata log cannot be read: error {}", error.0));
                }
                for record in records {
                    let name = String::from_utf8(record.key.unwrap_or_default());
                    let name = name.map_err(|_| "a record of the metadata log is not what was written")?;
                    self.fold(name, record.value.as_deref());
                }
                self.end = next_offset;
                if next_offset < high_watermark {
                    self.read();
                } else {
                    self.phase = Phase::Telling;
                    let put = self.topics.iter().map(|(name, made)| made.topic(name)).collect();
                    self.tell(TopicsChange { put, removed: Vec::new() }, None);
                }
            }
            _ => return Err(format!("call {call} has an outcome of another kind")),
        }
        Ok(())
    }

    fn told(&mut self, answer: Option<(ConnectionId, Vec<u8>)>) {
        match (self.phase, answer) {
            (Phase::Naming, _) => {
                self.phase = Phase::Reading;
                self.read();
            }
            (Phase::Telling, _) => {
                self.phase = Phase::Ready;
                trace::note("control plane ready", self.topics.len() as i64, self.end.0, 0);
            }
            (_, Some((connection, response))) => self.answer(connection, response),
            (Phase::Reading | Phase::Ready, None) => {}
        }
    }

    fn read(&mut self) {
        let request = Request::Read { group: GroupId::CONTROLLER, offset: self.end, bytes_max: 600 };
        self.ask(GroupId::CONTROLLER, request, Pending::Read);
    }

    fn fold(&mut self, name: String, value: Option<&[u8]>) {
        match value.and_then(Made::decode) {
            Some(made) => {
                let highest = made.groups.iter().max().copied().unwrap_or(0);
                self.next_group = self.next_group.max(highest + 1);
                self.topics.insert(name, made);
            }
            None => drop(self.topics.remove(&name)),
        }
    }

    fn apply(&mut self, connection: ConnectionId, correlation: i32, then: Then) {
        let mut response = refused(correlation, 0);
        match then {
            Then::Create { name, made } => {
                response.extend_from_slice(&made.id.0);
                let change = TopicsChange { put: vec![made.topic(&name)], removed: Vec::new() };
                self.fold(name, Some(&made.encode()));
                self.tell(change, Some((connection, response)));
            }
            Then::Delete { name, id } => {
                self.fold(name, None);
                let change = TopicsChange { put: Vec::new(), removed: vec![id] };
                self.tell(change, Some((connection, response)));
            }
        }
    }

    fn append(&mut self, request: &HandoffRequest, name: String, value: Option<Vec<u8>>, then: Then) {
        self.appending = true;
        let records = vec![KeyValue { key: Some(name.into_bytes()), value }];
        let (expected_end, makes_room) = (Some(self.end), matches!(then, Then::Delete { .. }));
        let append =
            Request::Append { group: GroupId::CONTROLLER, records, expected_end, makes_room, producer: None };
        let (connection, correlation) = (request.connection, request.correlation_id);
        self.ask(GroupId::CONTROLLER, append, Pending::Appended { connection, correlation, then });
    }

    fn request(&mut self, request: &HandoffRequest, rng: &mut SplitMix) -> Checked {
        let refuse = |error| self.answer(request.connection, refused(request.correlation_id, error));
        if self.phase != Phase::Ready {
            refuse(LOADING);
            return Ok(());
        }
        let mut body = Reader::new(&request.body);
        let short = |_| "the control plane got a short request".to_owned();
        match request.api_key {
            CREATE_TOPICS => {
                let mut numbers = [0; 4];
                for number in &mut numbers {
                    *number = body.int64().map_err(short)?;
                }
                let name = std::str::from_utf8(body.rest()).map_err(|error| error.to_string())?.to_owned();
                self.create(request, name, numbers, rng);
            }
            DELETE_TOPICS => {
                let id = TopicId(body.uuid().map_err(short)?);
                match self.topics.iter().find(|(_, made)| made.id == id) {
                    // It was deleted by the same request before its answer was lost.
                    None => refuse(0),
                    Some((name, _)) => {
                        let name = name.clone();
                        self.append(request, name.clone(), None, Then::Delete { name, id });
                    }
                }
            }
            DELETE_RECORDS => {
                let id = TopicId(body.uuid().map_err(short)?);
                let index = body.int32().map_err(short)?;
                let before = Offset(body.int64().map_err(short)?);
                let Some(made) = self.topics.values().find(|made| made.id == id) else {
                    refuse(UNKNOWN);
                    return Ok(());
                };
                let group = GroupId(made.groups[usize::try_from(index).expect("not negative")]);
                let (connection, correlation) = (request.connection, request.correlation_id);
                let call = Request::DeleteRecords { group, before };
                self.ask(group, call, Pending::Deleted { connection, correlation });
            }
            END_TXN => self.end(request).map_err(short)?,
            key => return Err(format!("the control plane got key {key}")),
        }
        Ok(())
    }

    fn create(
        &mut self,
        request: &HandoffRequest,
        name: String,
        [partitions, numbers @ ..]: [i64; 4],
        rng: &mut SplitMix,
    ) {
        if let Some(made) = self.topics.get(&name) {
            // It was made by the same request before its answer was lost.
            let mut response = refused(request.correlation_id, 0);
            response.extend_from_slice(&made.id.0);
            self.answer(request.connection, response);
            return;
        }
        let mut id = [0; 16];
        id[..8].copy_from_slice(&rng.next_u64().to_be_bytes());
        id[8..].copy_from_slice(&rng.next_u64().to_be_bytes());
        let groups = (self.next_group..).take(usize::try_from(partitions).expect("few")).collect();
        let made = Made { id: TopicId(id), groups, numbers };
        let value = made.encode();
        self.append(request, name.clone(), Some(value), Then::Create { name, made });
    }
}

/// An answer's correlation id and error; what follows depends on the request.
fn refused(correlation: i32, error: i16) -> Vec<u8> {
    let mut response = correlation.to_be_bytes().to_vec();
    response.extend_from_slice(&error.to_be_bytes());
    response
}
