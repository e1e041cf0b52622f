//! Fetch (key 1, v4-18): read from many partitions, waiting until there is enough.
//!
//! A fetch reads every partition it names; if that is less than `min_bytes` and nothing failed, it watches them and reads
//! again when one has more (woken by the acknowledgement, not by a timer), until `max_wait_ms` is over.
//!
//! v7 sessions (KIP-227)   v9 leader epoch   v11 rack   v12 flexible, diverging epoch   v13 topic ids   v15 replica state
//! A reader of committed records sees as far as the last stable offset, and is told which transactions in that were aborted.
//! Not here: preferred read replica.

use io::NetToken;
use model::limits::{ANSWER_BYTES_HELD_MAX, FETCH_BYTES_CROWDED_MAX, FETCH_BYTES_MAX, FETCH_WAIT_MS_MAX};
use model::{ConnectionId, Epoch, ErrorCode, GroupId, Offset, PartitionIndex};
use partition::{Fetch, FetchError, FetchSpec, Fetched, Isolation, WaiterToken, fetch_error_code};
use wire::{FetchRequest, RequestHeader, TopicRef};

use crate::connection::{Hold, Piece, Slot};
use crate::fetch_session::{PartitionKey, Told, Use, Wanted};
use crate::message::Message;
use crate::routing::TopicKey;
use crate::server::{Close, Context, Server, Wait};
use crate::twins::twins;
use crate::waits::{PARTS_MAX, Token};

mod response;

use response::{Refused, refusal, write_response};

const NS_PER_MS: u64 = 1_000_000;
const TOPIC_IDS_FROM: i16 = 13;

/// What is known of one partition in this round.
enum Read {
    /// Not asked yet.
    Unread,
    /// Asked of a file or another shard.
    Asked,
    /// Answered.
    Done(Result<Fetched, ErrorCode>),
}

struct Part {
    key: PartitionKey,
    wanted: Wanted,
    /// An error here is about the request; Kafka tells of such partitions after the others.
    group: Result<GroupId, ErrorCode>,
    read: Read,
    /// It was asked for a batch even if that is larger than what is left.
    forced: bool,
    watched: bool,
}

impl Part {
    fn bytes_max(&self) -> usize {
        usize::try_from(self.wanted.bytes_max).unwrap_or(0)
    }

    /// It has records, and none fitted into what was left.
    fn is_hungry(&self, isolation: Isolation) -> bool {
        match &self.read {
            Read::Done(Ok(fetched)) => {
                let more = isolation.end(&fetched.watermarks) > self.wanted.offset;
                more && fetched.bytes == 0 && fetched.diverging.is_none() && !self.forced
            }
            Read::Unread | Read::Asked | Read::Done(_) => false,
        }
    }
}

/// A Fetch on its way.
pub(crate) struct FetchWait {
    connection: ConnectionId,
    token: NetToken,
    slot: Slot,
    version: i16,
    correlation_id: i32,
    session: Use,
    isolation: Isolation,
    /// It says that it is a replica; this node alone has some.
    follower: bool,
    bytes_min: usize,
    bytes_max: usize,
    /// It wants less than nothing.
    negative: bool,
    due_ns: u64,
    parts: Vec<Part>,
    /// Parts asked and not answered.
    asked: usize,
    /// A partition had more while its answer was on the way.
    again: bool,
}

impl FetchWait {
    fn bytes(&self) -> usize {
        let bytes = |part: &Part| match &part.read {
            Read::Done(Ok(fetched)) => fetched.bytes,
            _ => 0,
        };
        self.parts.iter().map(bytes).sum()
    }

    /// Whether a part is to be asked next; of those that nothing fitted for, one, if the answer would have no records.
    fn reads_on(&mut self) -> bool {
        if self.parts.iter().any(|part| matches!(part.read, Read::Unread)) {
            return true;
        }
        if self.bytes() > 0 {
            return false;
        }
        let isolation = self.isolation;
        let hungry = self.parts.iter_mut().find(|part| part.is_hungry(isolation));
        hungry.map(|part| part.read = Read::Unread).is_some()
    }

    /// Marks a part as asked and gives what to ask; nothing if it is answered without.
    fn ask(&mut self, number: usize, left: usize, at_least_one: bool) -> Option<FetchSpec> {
        let part = &mut self.parts[number];
        let group = match part.group {
            Ok(group) => group,
            Err(error) => {
                part.read = Read::Done(Err(error));
                return None;
            }
        };
        if self.follower {
            // As Kafka does to a replica that the partition does not have: what it knows of leaders may be too new.
            let error = match part.wanted.current_epoch {
                Epoch::NONE => ErrorCode::NOT_LEADER_OR_FOLLOWER,
                _ => ErrorCode::UNKNOWN_LEADER_EPOCH,
            };
            part.read = Read::Done(Err(error));
            return None;
        }
        (part.read, part.forced) = (Read::Asked, at_least_one);
        self.asked += 1;
        Some(FetchSpec {
            group,
            from: part.wanted.offset,
            bytes_max: part.bytes_max().min(left),
            at_least_one,
            isolation: self.isolation,
            current_epoch: part.wanted.current_epoch,
            last_fetched_epoch: part.wanted.last_fetched_epoch,
        })
    }

    /// A partition has more than one read brings, since it lies in several places: another fetch gets it, waiting does not.
    fn stops_short(&self) -> bool {
        self.parts.iter().any(|part| match &part.read {
            Read::Done(Ok(fetched)) => {
                let end = self.isolation.end(&fetched.watermarks);
                fetched.next_offset().is_some_and(|next| next < end)
            }
            Read::Unread | Read::Asked | Read::Done(Err(_)) => false,
        })
    }

    fn failed(&self) -> bool {
        self.parts.iter().any(|part| match &part.read {
            Read::Done(Err(_)) => true,
            Read::Done(Ok(fetched)) => fetched.diverging.is_some(),
            _ => false,
        })
    }
}

impl Server {
    pub(crate) fn fetch(
        &mut self,
        context: &mut Context<'_>,
        token: NetToken,
        header: &RequestHeader<'_>,
        body: &[u8],
    ) -> Result<(), Close> {
        if !self.api.serves(1, header.api_version) {
            return Err(Close("a version of Fetch that is not advertised"));
        }
        let request = FetchRequest::read(header.api_version, body)?;
        self.metrics.fetch_requests.add(1);
        let by_id = header.api_version >= TOPIC_IDS_FROM;
        let fetched = wanted_of(self, &request);
        let forgotten: Vec<PartitionKey> = request
            .forgotten()
            .flat_map(|topic| topic.partitions().map(move |index| (topic.topic, index)))
            .map(|(topic, index)| self.partition_key(topic, index))
            .collect();
        let now = context.now.monotonic_ns;
        let session = (request.session_id, request.session_epoch);
        let used = if header.api_version >= 7 {
            self.sessions.step(now, session, by_id, &fetched, &forgotten)
        } else {
            Ok(Use { id: 0, incremental: false })
        };
        let wanted = match used {
            Ok(used) if used.incremental => self.sessions.wanted(used.id),
            Ok(_) | Err(_) => fetched,
        };
        if wanted.len() > PARTS_MAX {
            return Err(Close("more partitions than a request may name"));
        }
        let parts: Vec<Part> = wanted.into_iter().map(|(key, wanted)| self.part(key, wanted)).collect();
        // Kafka fails at such a level when it comes to read.
        let strange =
            Isolation::is_strange(request.isolation_level) && parts.iter().any(|part| part.group.is_ok());
        let connection = self.connection(token).expect("its frame is being read");
        let (id, slot) = (connection.id, connection.begin());
        let refused = used.err().or(strange.then_some(ErrorCode::UNKNOWN_SERVER_ERROR));
        let used = match (used, refused) {
            (Ok(used), None) => used,
            (used, Some(error)) | (used @ Err(error), None) => {
                if let Ok(Use { id, incremental: false }) = used {
                    self.sessions.close(id);
                }
                let answer = refusal(header, &request, error);
                self.answer(token, id, slot, answer);
                return Ok(());
            }
        };
        connection.hold = Hold::Answer;
        connection.held_slot = Some(slot);
        let wait_ms = u64::from(request.wait_ms_max.max(0).cast_unsigned()).min(FETCH_WAIT_MS_MAX);
        let wait_ns = if self.is_stopping() { 0 } else { wait_ms * NS_PER_MS };
        // Many readers that read slowly would otherwise hold an answer of the largest size each.
        let crowded = self.answer_bytes > ANSWER_BYTES_HELD_MAX;
        let bytes_max = if crowded { FETCH_BYTES_CROWDED_MAX } else { FETCH_BYTES_MAX };
        let wait = FetchWait {
            connection: id,
            token,
            slot,
            version: header.api_version,
            correlation_id: header.correlation_id,
            session: used,
            isolation: Isolation::from_wire(request.isolation_level),
            follower: request.replica_id >= 0,
            bytes_min: usize::try_from(request.bytes_min).unwrap_or(0),
            bytes_max: usize::try_from(request.bytes_max).unwrap_or(0).min(bytes_max),
            negative: request.bytes_max < 0,
            due_ns: now.saturating_add(wait_ns),
            parts,
            asked: 0,
            again: false,
        };
        let name = self.waits.insert(Wait::Fetch(wait));
        self.read_all(context, name);
        Ok(())
    }

    fn partition_key(&self, topic: TopicRef<'_>, index: PartitionIndex) -> PartitionKey {
        match self.key_of(topic) {
            TopicKey::Name(name) => PartitionKey::Named(name, index),
            TopicKey::Id(id) => PartitionKey::WithId(id, index),
        }
    }

    fn part(&self, key: PartitionKey, wanted: Wanted) -> Part {
        let group = match &key {
            PartitionKey::Named(name, index) => match self.routing.named(name) {
                Some(topic) => topic.group(*index),
                None => Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
            },
            PartitionKey::WithId(id, index) => match self.routing.with_id(*id) {
                Some(topic) => topic.group(*index),
                None => Err(ErrorCode::UNKNOWN_TOPIC_ID),
            },
        };
        Part { key, wanted, group, read: Read::Unread, forced: false, watched: false }
    }

    fn fetch_wait(&mut self, token: Token) -> Option<&mut FetchWait> {
        match self.waits.get(token) {
            Some(Wait::Fetch(wait)) => Some(wait),
            _ => None,
        }
    }

    /// Asks every partition, in the client's order, for what is left of the bytes it may have.
    fn read_all(&mut self, context: &mut Context<'_>, name: Token) {
        let Some(wait) = self.fetch_wait(name) else { return };
        wait.again = false;
        for part in &mut wait.parts {
            (part.read, part.forced) = (Read::Unread, false);
        }
        self.read_on(context, name);
    }

    /// Asks those that were not asked yet, as long as nothing has to be waited for.
    fn read_on(&mut self, context: &mut Context<'_>, name: Token) {
        while self.fetch_wait(name).is_some_and(|wait| wait.asked == 0 && wait.reads_on()) {
            self.read_round(context, name);
        }
        self.fetch_progress(context, name);
    }

    /// What is asked of a file or another shard may bring all that it may have: so much is taken off what is left, and when
    /// too little is left for the next one, it is asked in another round, when it is known what came. Else an answer would
    /// be as large as its partitions are many.
    fn read_round(&mut self, context: &mut Context<'_>, name: Token) {
        let (this, shards) = (self.id, self.shards);
        let Some(wait) = self.fetch_wait(name) else { return };
        let (bytes, parts) = (wait.bytes(), wait.parts.len());
        let mut left = wait.bytes_max.saturating_sub(bytes);
        let mut first = bytes == 0;
        for number in 0..parts {
            let wait = self.fetch_wait(name).expect("it is answered after this loop");
            if !matches!(wait.parts[number].read, Read::Unread) {
                continue;
            }
            if wait.asked > 0 && left < wait.parts[number].bytes_max().max(1) {
                return;
            }
            let Some(spec) = wait.ask(number, left, first) else { continue };
            let token = name.part(number);
            let owner = spec.group.shard(shards);
            if owner != this {
                // Other shards watch from their answer on.
                let watch = !std::mem::replace(&mut wait.parts[number].watched, true);
                context.outbox.0.push((owner, Message::Fetch { token, spec, watch }));
                (first, left) = (false, left - spec.bytes_max);
                continue;
            }
            match context.store.fetch(&spec, WaiterToken(token.0), context.jobs) {
                Ok(Fetch::Cold) => (first, left) = (false, left - spec.bytes_max),
                Ok(Fetch::Ready(fetched)) => {
                    first &= fetched.bytes == 0;
                    left = left.saturating_sub(fetched.bytes);
                    self.read_done(name, number, Ok(fetched));
                }
                Err(error) => self.read_done(name, number, Err(fetch_error_code(error))),
            }
        }
    }

    fn read_done(&mut self, name: Token, number: usize, result: Result<Fetched, ErrorCode>) {
        let Some(wait) = self.fetch_wait(name) else { return };
        if matches!(wait.parts[number].read, Read::Asked) {
            wait.asked -= 1;
            let part = &mut wait.parts[number];
            let negative = wait.negative || part.wanted.bytes_max < 0;
            let result = result.and_then(|fetched| {
                let more = wait.isolation.end(&fetched.watermarks) > part.wanted.offset;
                if negative && more { Err(ErrorCode::UNKNOWN_SERVER_ERROR) } else { Ok(fetched) }
            });
            part.read = Read::Done(result);
        }
    }

    /// Another shard's client reads a partition of ours.
    pub(crate) fn fetch_for(
        &mut self,
        context: &mut Context<'_>,
        token: Token,
        spec: &FetchSpec,
        watch: bool,
    ) {
        let result = match context.store.fetch(spec, WaiterToken(token.0), context.jobs) {
            Ok(Fetch::Cold) => {
                if watch && let Some(info) = context.store.log_info(spec.group) {
                    // What comes while the file is read is not in the answer.
                    let seen = spec.isolation.end(&info.watermarks);
                    context.store.watch(spec.group, WaiterToken(token.0), spec.isolation, seen);
                }
                return;
            }
            Ok(Fetch::Ready(fetched)) => {
                if watch {
                    let seen = spec.isolation.end(&fetched.watermarks);
                    context.store.watch(spec.group, WaiterToken(token.0), spec.isolation, seen);
                }
                Ok(fetched)
            }
            Err(error) => Err(error),
        };
        context.outbox.0.push((token.shard(), Message::Fetched { token, result }));
    }

    /// A partition's answer from a file or another shard.
    pub(crate) fn fetched(
        &mut self,
        context: &mut Context<'_>,
        token: Token,
        result: Result<Fetched, FetchError>,
    ) {
        if let Some(Wait::Call(_)) = self.waits.get(token) {
            self.call_read(token, result);
            return;
        }
        self.read_done(token.part(0), token.part_number(), result.map_err(fetch_error_code));
        self.fetch_progress(context, token.part(0));
    }

    /// Looks whether everything asked is answered, and then whether it is enough.
    fn fetch_progress(&mut self, context: &mut Context<'_>, name: Token) {
        let now = context.now.monotonic_ns;
        let Some(wait) = self.fetch_wait(name) else { return };
        if wait.asked > 0 {
            return;
        }
        if wait.reads_on() {
            self.read_on(context, name);
            return;
        }
        // A request that names no partition has nothing to wait for: a consumer that closes its session asks so.
        let full = wait.bytes() >= wait.bytes_min || wait.parts.is_empty();
        if full || wait.stops_short() || wait.failed() || now >= wait.due_ns {
            self.finish_fetch(context, name);
            return;
        }
        if wait.again {
            self.woken.insert(name);
            return;
        }
        let (due, isolation) = ((wait.due_ns, name), wait.isolation);
        // Those that gave something are watched too: more of theirs counts towards the minimum. Other shards watch already.
        let unwatched: Vec<(Token, GroupId, Offset)> = wait
            .parts
            .iter()
            .enumerate()
            .filter_map(|(number, part)| {
                let Read::Done(Ok(fetched)) = &part.read else { return None };
                let group = part.group.ok()?;
                let seen = isolation.end(&fetched.watermarks);
                (!part.watched).then(|| (name.part(number), group, seen))
            })
            .collect();
        self.deadlines.insert(due);
        for (token, group, seen) in unwatched {
            let wait = self.fetch_wait(name).expect("it only waits");
            wait.parts[token.part_number()].watched = true;
            context.store.watch(group, WaiterToken(token.0), isolation, seen);
        }
    }

    /// A watched partition has more. The fetch reads again at the end of the turn, once for all that happened in it.
    pub(crate) fn wake_fetch(&mut self, token: Token) {
        let name = token.part(0);
        let Some(wait) = self.fetch_wait(name) else { return };
        wait.parts[token.part_number()].watched = false;
        if wait.asked > 0 {
            wait.again = true;
        } else {
            self.woken.insert(name);
        }
    }

    /// Reads again for every fetch that was woken in this turn.
    pub(crate) fn complete_fetches(&mut self, context: &mut Context<'_>) {
        for name in std::mem::take(&mut self.woken) {
            if self.fetch_wait(name).is_some_and(|wait| wait.asked == 0) {
                self.read_all(context, name);
            }
        }
    }

    pub(crate) fn fetch_timed_out(&mut self, context: &mut Context<'_>, name: Token) {
        if self.fetch_wait(name).is_some_and(|wait| wait.asked == 0) {
            self.finish_fetch(context, name);
        }
        // Otherwise what is asked of a file comes, and finds that the time is over.
    }

    fn unwatch_all(&mut self, context: &mut Context<'_>, name: Token, wait: &FetchWait) {
        for (number, part) in wait.parts.iter().enumerate() {
            let Ok(group) = part.group else { continue };
            let token = name.part(number);
            let owner = group.shard(self.shards);
            if owner != self.id {
                context.outbox.0.push((owner, Message::Unwatch { group, token }));
            } else if part.watched {
                context.store.unwatch(group, WaiterToken(token.0));
            }
        }
    }

    fn finish_fetch(&mut self, context: &mut Context<'_>, name: Token) {
        let Some(Wait::Fetch(wait)) = self.waits.remove(name) else { return };
        self.deadlines.remove(&(wait.due_ns, name));
        self.woken.remove(&name);
        self.unwatch_all(context, name, &wait);
        self.metrics.fetch_bytes.add(wait.bytes() as u64);
        let (token, connection, slot) = (wait.token, wait.connection, wait.slot);
        let answer = self.fetch_response(wait);
        self.answer(token, connection, slot, answer);
    }

    fn fetch_response(&mut self, wait: FetchWait) -> Vec<Piece> {
        let mut told = Vec::with_capacity(wait.parts.len());
        let mut unknown = Vec::new();
        for part in wait.parts {
            let Read::Done(result) = part.read else { continue };
            let (mark, start, had_data) = match &result {
                Ok(fetched) => {
                    (fetched.watermarks.high_watermark, fetched.watermarks.log_start, fetched.bytes > 0)
                }
                Err(_) => (Offset(-1), Offset(-1), false),
            };
            let failed = result.is_err() || result.as_ref().is_ok_and(|fetched| fetched.diverging.is_some());
            let remembered = Told { high_watermark: mark, log_start: start, had_data };
            let changed =
                wait.session.id == 0 || self.sessions.tell(wait.session.id, &part.key, remembered, failed);
            if !changed && wait.session.incremental {
                continue;
            }
            match part.group {
                Ok(_) => told.push((part.key, result.map_err(Refused::Read))),
                Err(error) => unknown.push((part.key, Err(Refused::Unknown(error)))),
            }
        }
        told.append(&mut unknown);
        write_response(wait.version, wait.correlation_id, wait.session.id, wait.isolation, told)
    }

    /// Forgets the fetches of a connection that is gone.
    pub(crate) fn drop_fetches_of(&mut self, context: &mut Context<'_>, connection: ConnectionId) {
        let held: Vec<Token> = self.fetches_where(|wait| wait.connection == connection);
        for name in held {
            if let Some(Wait::Fetch(wait)) = self.waits.remove(name) {
                self.deadlines.remove(&(wait.due_ns, name));
                self.woken.remove(&name);
                self.unwatch_all(context, name, &wait);
            }
        }
    }

    /// Answers every waiting fetch with what there is: the node stops.
    pub(crate) fn end_fetches(&mut self, context: &mut Context<'_>) {
        for name in self.fetches_where(|wait| wait.asked == 0) {
            self.finish_fetch(context, name);
        }
    }

    fn fetches_where(&mut self, wanted: impl Fn(&FetchWait) -> bool) -> Vec<Token> {
        let tokens: Vec<Token> = self.waits.tokens().collect();
        tokens.into_iter().filter(|token| self.fetch_wait(*token).is_some_and(|wait| wanted(wait))).collect()
    }
}

/// What a request asks for, each partition once: the last word counts, at the place of the first, as in Kafka.
fn wanted_of(server: &Server, request: &FetchRequest<'_>) -> Vec<(PartitionKey, Wanted)> {
    let mut wanted = Vec::new();
    for topic in request.topics() {
        for partition in topic.partitions() {
            let of = Wanted {
                offset: partition.fetch_offset,
                bytes_max: partition.bytes_max,
                // Kafka takes everything below 0 for "none" here.
                current_epoch: partition.current_leader_epoch.max(Epoch::NONE),
                last_fetched_epoch: partition.last_fetched_epoch.max(Epoch::NONE),
            };
            wanted.push((server.partition_key(topic.topic, partition.index), of));
        }
    }
    match twins(wanted.iter().map(|(key, _)| key)) {
        None => wanted,
        Some(places) => {
            places.into_iter().map(|place| (wanted[place.first].0.clone(), wanted[place.last].1)).collect()
        }
    }
}
