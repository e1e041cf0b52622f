//! Produce (key 0, v3-13): append one batch to each named partition, answer when it counts as done.
//!
//! Two stages: when the order of every batch is fixed the connection's next request may start; when all are acknowledged
//! the answer leaves. acks=0 has no answer, and an error closes the connection, as Kafka does.
//!
//! v3  record batches v2 only        v7  zstd           v8  record errors and a message
//! v5  log start offset              v9  flexible       v13 topic ids instead of names
//! v10 current leader in the answer: not sent, this node leads everything it has
//! v11 TRANSACTION_ABORTABLE         v12 adds partitions to the transaction (both in `verification`)

use std::sync::Arc;

use batch::{Codec, Header};
use io::NetToken;
use model::limits::PRODUCE_MS_MIN;
use model::{ConnectionId, ErrorCode, GroupId, Offset, PartitionIndex};
use partition::{Acks, AppendError, Appended, Origin, Refused, Verified, WaiterToken, error_code};
use wire::produce::ProducePartitionResponse;
use wire::{ProduceRequest, ProduceResponseWriter, RequestHeader, TopicRef};

use crate::connection::{Hold, Piece, Slot};
use crate::message::Message;
use crate::routing::{Topic, TopicKey};
use crate::server::{Close, Context, Server, Wait};
use crate::twins::twins;
use crate::verification::{Transaction, Unverified, refused_transaction};
use crate::waits::{PARTS_MAX, Token};

const NS_PER_MS: u64 = 1_000_000;
/// The client that may write to internal topics (Kafka compares the client id, literally).
const ADMIN_CLIENT: &str = "__admin_client";

/// The first version whose clients know zstd (KIP-110).
const ZSTD_FROM: i16 = 7;

/// Whether a batch says that zstd has compressed it; of what is no batch, others say so.
fn is_zstd(batch: &[u8]) -> bool {
    Header::read(batch).is_ok_and(|header| header.attributes.codec() == Ok(Codec::Zstd))
}

/// One partition of a request.
pub(crate) struct Part {
    /// Which topic of the request.
    topic: usize,
    index: PartitionIndex,
    error: ErrorCode,
    /// What the error code does not tell (v8+).
    refusal: Option<AppendError>,
    /// What became of its transaction's verification, where the error code does not tell.
    unverified: Option<&'static str>,
    base_offset: Offset,
    log_append_time_ms: i64,
    log_start: Offset,
}

/// A batch that found no room.
struct Deferred {
    part: usize,
    group: GroupId,
    batch: Vec<u8>,
    verified: Verified,
}

/// A Produce on its way.
pub(crate) struct ProduceWait {
    pub(crate) connection: ConnectionId,
    token: NetToken,
    /// None for acks=0.
    slot: Option<Slot>,
    pub(crate) version: i16,
    correlation_id: i32,
    topics: Vec<TopicKey>,
    parts: Vec<Part>,
    /// Parts whose order is not fixed yet (they are on another shard, the journal had no room, their transaction is being
    /// verified).
    pub(crate) unordered: usize,
    /// Parts not acknowledged yet.
    unacknowledged: usize,
    /// Batches that found no room, to be tried again in the next turn, in order.
    deferred: Vec<Deferred>,
    /// What it is part of.
    pub(crate) transaction: Option<Box<Transaction>>,
    acks: Acks,
    timeout_ns: u64,
    pub(crate) due_ns: u64,
    answered: bool,
}

/// Which partitions of a request count: of those that it names more than once, only the last.
struct Heard(Option<Vec<usize>>);

impl Heard {
    fn of(request: &ProduceRequest<'_>) -> Heard {
        let mut topics = request.topics();
        if topics.len() == 1 && topics.next().is_some_and(|topic| topic.partitions().len() <= 1) {
            return Heard(None);
        }
        let named = request.topics().flat_map(|topic| {
            let partitions = topic.partitions();
            partitions.map(move |partition| (topic.topic, partition.index))
        });
        Heard(twins(named).map(|places| {
            let mut lasts: Vec<usize> = places.into_iter().map(|place| place.last).collect();
            lasts.sort_unstable();
            lasts
        }))
    }

    fn counts(&self, position: usize) -> bool {
        self.0.as_ref().is_none_or(|lasts| lasts.binary_search(&position).is_ok())
    }
}

impl Server {
    pub(crate) fn produce(
        &mut self,
        context: &mut Context<'_>,
        token: NetToken,
        header: &RequestHeader<'_>,
        body: &[u8],
    ) -> Result<(), Close> {
        if !self.api.serves(0, header.api_version) {
            return Err(Close("a version of Produce that is not advertised"));
        }
        let request = ProduceRequest::read(header.api_version, body)?;
        self.metrics.produce_requests.add(1);
        let acks = match request.acks {
            0 => Some(Acks::None),
            1 => Some(Acks::Leader),
            -1 => Some(Acks::All),
            _ => None,
        };
        let heard = Heard::of(&request);
        let wait = self.begin_produce(context, token, header, &request, &heard, acks)?;
        let name = self.waits.insert(Wait::Produce(wait));
        if acks.is_some() && self.produce_wait(name).is_some_and(|wait| !wait.is_refused()) {
            self.append_all(context, name, header, &request, &heard);
        }
        self.produce_wait(name).expect("not before all its parts have begun").unordered -= 1;
        self.produce_progress(name);
        Ok(())
    }

    fn begin_produce(
        &mut self,
        context: &Context<'_>,
        token: NetToken,
        header: &RequestHeader<'_>,
        request: &ProduceRequest<'_>,
        heard: &Heard,
        acks: Option<Acks>,
    ) -> Result<ProduceWait, Close> {
        let mut topics = Vec::with_capacity(request.topics().len());
        let mut parts = Vec::new();
        let (mut position, mut producer, mut strange) = (0, None, None);
        for topic in request.topics() {
            let before = parts.len();
            for partition in topic.partitions() {
                position += 1;
                if !heard.counts(position - 1) {
                    continue;
                }
                // Kafka, too, looks for the partition before it judges the acks.
                let refused = match acks {
                    None => self.topic_of(topic.topic).and_then(|topic| topic.group(partition.index)).err(),
                    Some(_) => None,
                };
                let refused = refused.or(acks.is_none().then_some(ErrorCode::INVALID_REQUIRED_ACKS));
                if partition.records.is_some_and(batch::claims_transaction) {
                    strange = refused_transaction(request, partition.records, &mut producer).or(strange);
                }
                parts.push(Part {
                    topic: topics.len(),
                    index: partition.index,
                    error: refused.unwrap_or(ErrorCode::NONE),
                    refusal: None,
                    unverified: None,
                    base_offset: Offset(-1),
                    log_append_time_ms: -1,
                    log_start: Offset(-1),
                });
            }
            if parts.len() > before {
                topics.push(self.key_of(topic.topic));
            }
        }
        if parts.len() > PARTS_MAX {
            return Err(Close("more partitions than a request may name"));
        }
        if let Some(error) = strange {
            parts.iter_mut().for_each(|part| part.error = error);
        }
        let verifies = self.settings.verifies_transactions;
        let connection = self.connection(token).expect("its frame is being read");
        let slot = (acks != Some(Acks::None)).then(|| connection.begin());
        // The client's time is for other replicas. Our own disk has at least as long as it may need.
        let timeout_ms = u64::from(request.timeout_ms.max(0).cast_unsigned()).max(PRODUCE_MS_MIN);
        let timeout_ns = timeout_ms * NS_PER_MS;
        Ok(ProduceWait {
            connection: connection.id,
            token,
            slot,
            version: header.api_version,
            correlation_id: header.correlation_id,
            topics,
            parts,
            unordered: 1, // the request itself, until all its parts have begun
            unacknowledged: 0,
            deferred: Vec::new(),
            transaction: request.transactional_id.map(|id| Box::new(Transaction::new(id, verifies))),
            acks: acks.unwrap_or(Acks::None),
            timeout_ns,
            due_ns: context.now.monotonic_ns.saturating_add(timeout_ns),
            answered: false,
        })
    }

    fn append_all(
        &mut self,
        context: &mut Context<'_>,
        name: Token,
        header: &RequestHeader<'_>,
        request: &ProduceRequest<'_>,
        heard: &Heard,
    ) {
        let admin = header.client_id == Some(ADMIN_CLIENT);
        let (mut part, mut position) = (0, 0);
        for topic in request.topics() {
            for partition in topic.partitions() {
                position += 1;
                if !heard.counts(position - 1) {
                    continue;
                }
                let group = self.writable_group(topic.topic, partition.index, admin);
                let batch = partition.records.unwrap_or_default();
                match group {
                    Err(error) => self.part_failed(name, part, error),
                    Ok(_) if header.api_version < ZSTD_FROM && is_zstd(batch) => {
                        self.part_failed(name, part, ErrorCode::UNSUPPORTED_COMPRESSION_TYPE);
                    }
                    Ok(group) => self.append_part(context, name.part(part), group, batch, Verified::No),
                }
                part += 1;
            }
        }
    }

    fn writable_group(
        &self,
        topic: TopicRef<'_>,
        partition: PartitionIndex,
        admin: bool,
    ) -> Result<GroupId, ErrorCode> {
        let found = self.topic_of(topic)?;
        if found.internal && !admin {
            return Err(ErrorCode::INVALID_TOPIC_EXCEPTION);
        }
        found.group(partition)
    }

    fn topic_of(&self, topic: TopicRef<'_>) -> Result<&Topic, ErrorCode> {
        let found = match topic {
            TopicRef::Name(name) => self.routing.named(name).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
            TopicRef::Id(id) => self.routing.with_id(id).ok_or(ErrorCode::UNKNOWN_TOPIC_ID),
        };
        found.map(Arc::as_ref)
    }

    /// The topic as the answer will name it.
    pub(crate) fn key_of(&self, topic: TopicRef<'_>) -> TopicKey {
        match topic {
            TopicRef::Id(id) => TopicKey::Id(id),
            TopicRef::Name(name) => {
                let known = self.routing.named(name).map(|topic| Arc::clone(&topic.name));
                TopicKey::Name(known.unwrap_or_else(|| name.into()))
            }
        }
    }

    pub(crate) fn produce_wait(&mut self, token: Token) -> Option<&mut ProduceWait> {
        match self.waits.get(token) {
            Some(Wait::Produce(wait)) => Some(wait),
            _ => None,
        }
    }

    fn part_failed(&mut self, name: Token, part: usize, error: ErrorCode) {
        if let Some(wait) = self.produce_wait(name) {
            wait.parts[part].error = error;
        }
    }

    pub(crate) fn append_part(
        &mut self,
        context: &mut Context<'_>,
        token: Token,
        group: GroupId,
        batch: &[u8],
        verified: Verified,
    ) {
        self.metrics.produce_bytes.add(batch.len() as u64);
        let owner = group.shard(self.shards);
        let elsewhere = owner != self.id;
        let wait = self.produce_wait(token).expect("it waits until its last part is acknowledged");
        wait.unordered += 1;
        let origin = wait.origin(verified);
        if elsewhere {
            let message = Message::Append { token, group, batch: batch.to_vec(), origin };
            context.outbox.0.push((owner, message));
            return;
        }
        // Batches of one request stay in order: nothing overtakes one that found no room.
        let later = || Deferred { part: token.part_number(), group, batch: batch.to_vec(), verified };
        if !wait.deferred.is_empty() {
            wait.deferred.push(later());
            return;
        }
        match context.store.append(context.now, group, batch, origin, Some(WaiterToken(token.0))) {
            Err(AppendError::NoRoom) => {
                let wait = self.produce_wait(token).expect("just seen");
                wait.deferred.push(later());
                self.deferred.insert(token.part(0));
            }
            Err(AppendError::Unverified(guard)) => {
                self.unverified(token, Unverified { group, guard, batch: batch.to_vec() });
            }
            Err(error) => self.produce_ordered(token, Err(context.store.refused(group, error))),
            Ok(appended) => self.produce_ordered(token, Ok(appended)),
        }
    }

    /// Tries batches that found no room again; each connection's wait in the order of its request.
    pub(crate) fn append_deferred(&mut self, context: &mut Context<'_>) {
        for name in std::mem::take(&mut self.deferred) {
            let Some(wait) = self.produce_wait(name) else { continue };
            for Deferred { part, group, batch, verified } in std::mem::take(&mut wait.deferred) {
                let wait = self.produce_wait(name).expect("its deferred parts are not ordered yet");
                wait.unordered -= 1;
                self.append_part(context, name.part(part), group, &batch, verified);
            }
            self.produce_progress(name);
        }
    }

    /// A part's order is fixed, or it is refused.
    pub(crate) fn produce_ordered(&mut self, token: Token, result: Result<Appended, Refused>) {
        let Some(wait) = self.produce_wait(token) else { return };
        wait.unordered -= 1;
        let acks = wait.acks;
        let part = &mut wait.parts[token.part_number()];
        match result {
            Err(Refused { error, log_start }) => {
                part.error = error_code(error);
                part.refusal = Some(error);
                part.log_start = log_start;
            }
            Ok(appended) => {
                part.base_offset = appended.base_offset;
                part.log_append_time_ms = appended.log_append_time_ms;
                part.log_start = appended.log_start;
                if !appended.acknowledged && acks != Acks::None {
                    wait.unacknowledged += 1;
                }
            }
        }
        self.produce_progress(token.part(0));
    }

    /// A part is durable, or will never be.
    pub(crate) fn produce_acked(&mut self, token: Token, error: ErrorCode) {
        if let Some(Wait::Call(_)) = self.waits.get(token) {
            self.call_acked(token, error);
            return;
        }
        let Some(wait) = self.produce_wait(token) else { return };
        wait.unacknowledged = wait.unacknowledged.saturating_sub(1);
        if !error.is_none() {
            wait.parts[token.part_number()].error = error;
        }
        self.produce_progress(token.part(0));
    }

    /// Looks whether a request may let the next one start, or is done.
    pub(crate) fn produce_progress(&mut self, name: Token) {
        let Some(wait) = self.produce_wait(name) else { return };
        let (token, connection, slot) = (wait.token, wait.connection, wait.slot);
        let (ordered, done) = (wait.unordered == 0, wait.unordered == 0 && wait.unacknowledged == 0);
        if done {
            let Some(Wait::Produce(wait)) = self.waits.remove(name) else { return };
            self.deadlines.remove(&(wait.due_ns, name));
            self.finish_produce(wait);
            return;
        }
        let due = (wait.due_ns, name);
        if wait.slot.is_some() && !wait.answered {
            self.deadlines.insert(due);
        }
        if let Some(state) = self.connection(token).filter(|state| state.id == connection) {
            if !ordered && state.hold == Hold::Free {
                state.hold = Hold::Answer;
                state.held_slot = slot;
            } else if ordered && state.hold == Hold::Answer && state.held_slot == slot {
                state.hold = Hold::Free;
                state.held_slot = None;
                self.queue(token);
            }
        }
    }

    /// The client waits no longer. What is not acknowledged may still become durable: the answer must not say it failed.
    pub(crate) fn produce_timed_out(&mut self, context: &mut Context<'_>, name: Token) {
        let Some(wait) = self.produce_wait(name) else { return };
        if wait.is_verifying() {
            self.end_verification(context, name, ErrorCode::NETWORK_EXCEPTION);
            return;
        }
        if wait.unordered > 0 {
            // Its order is about to be fixed by another shard or the next turn; then it is answered or timed out.
            wait.due_ns = context.now.monotonic_ns + NS_PER_MS;
            let due = (wait.due_ns, name);
            self.deadlines.insert(due);
            return;
        }
        wait.answered = true;
        let slot = wait.slot;
        let (token, connection) = (wait.token, wait.connection);
        let answer = wait.response(true);
        if let Some(slot) = slot {
            self.answer(token, connection, slot, vec![Piece::Owned(answer)]);
        }
    }

    fn finish_produce(&mut self, wait: ProduceWait) {
        if wait.answered {
            return;
        }
        match wait.slot {
            Some(slot) => {
                let answer = wait.response(false);
                self.answer(wait.token, wait.connection, slot, vec![Piece::Owned(answer)]);
            }
            None => {
                let failed = wait.parts.iter().any(|part| !part.error.is_none());
                let connection = self.connection(wait.token).filter(|state| state.id == wait.connection);
                let Some(connection) = connection else { return };
                if connection.hold == Hold::Answer && connection.held_slot.is_none() {
                    connection.hold = Hold::Free;
                }
                if failed {
                    self.close_when_sent(wait.token);
                } else {
                    self.queue(wait.token);
                }
            }
        }
    }
}

impl ProduceWait {
    /// Whether nothing of it is appended.
    fn is_refused(&self) -> bool {
        self.parts.first().is_some_and(|part| !part.error.is_none())
    }

    fn origin(&self, verified: Verified) -> Origin {
        let acks = self.acks;
        match &self.transaction {
            None => Origin::Client { acks },
            Some(transaction) => Origin::Transactional { acks, verified: transaction.verified(verified) },
        }
    }

    /// Topic (as the request names it) and partition of a part.
    pub(crate) fn place_of(&self, part: usize) -> (&TopicKey, PartitionIndex) {
        let part = &self.parts[part];
        (&self.topics[part.topic], part.index)
    }

    /// A part's transaction was not found to be in order.
    pub(crate) fn refuse_unverified(&mut self, part: usize, error: ErrorCode, message: Option<&'static str>) {
        (self.parts[part].error, self.parts[part].unverified) = (error, message);
    }

    /// The client's time begins when the order can be fixed.
    pub(crate) fn restart(&mut self, now_ns: u64) {
        self.due_ns = now_ns.saturating_add(self.timeout_ns);
    }

    fn response(&self, timed_out: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + 40 * self.parts.len());
        let mut writer =
            ProduceResponseWriter::begin(&mut out, self.version, self.correlation_id, self.topics.len());
        let mut parts = self.parts.iter().peekable();
        for (number, topic) in self.topics.iter().enumerate() {
            let count = self.parts.iter().filter(|part| part.topic == number).count();
            writer.topic(topic.as_wire(), count);
            while let Some(part) = parts.next_if(|part| part.topic == number) {
                let late = timed_out && part.error.is_none();
                let blamed = part.refusal.and_then(AppendError::blamed).into_iter();
                let blamed: Vec<_> = blamed
                    .flat_map(|(blamed, why)| blamed.records().map(move |record| (record, Some(why))))
                    .collect();
                writer.partition(&ProducePartitionResponse {
                    index: part.index,
                    error: if late { ErrorCode::REQUEST_TIMED_OUT } else { part.error },
                    base_offset: part.base_offset,
                    log_append_time_ms: part.log_append_time_ms,
                    log_start: part.log_start,
                    record_errors: &blamed,
                    error_message: part.refusal.and_then(AppendError::message).or(part.unverified),
                });
            }
        }
        writer.end(0);
        out
    }
}
