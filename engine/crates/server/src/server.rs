//! A shard's connections and what waits in them: events in, answers out. Knows no thread and no clock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::ErrorKind;
use std::sync::Arc;

use io::{Net, NetEvent, NetToken};
use model::limits::{
    ANSWER_STALL_MS_MAX, COMMIT_BYTES_TARGET, FRAME_MS_MAX, HANDOFF_WAITING_MAX, TURN_FRAMES_MAX,
    TURN_READ_BYTES_MAX,
};
use model::{ConnectionId, ShardId};
use partition::{Now, Store, StoreJob};
use wire::RequestHeader;

use crate::calls::Outcome;
use crate::connection::{Answer, Connection, Hold, Slot};
use crate::fetch_session::FetchSessions;
use crate::handoff::{Handoff, HandoffRequest};
use crate::k00_produce::ProduceWait;
use crate::k01_fetch::FetchWait;
use crate::k02_list_offsets::ListWait;
use crate::message::Outbox;
use crate::metrics::Metrics;
use crate::postponed::Postponed;
use crate::python_calls::CallWait;
use crate::routing::Routing;
use crate::verification::Verifying;
use crate::waits::{Token, Waits};
use crate::{ApiRanges, Features, Settings};

/// One read takes at most this much; small enough to stay in the cache until it is copied on.
const READ_BYTES: usize = 256 * 1024;
/// And at least this much: what needs no room in the journal may come behind what does.
const READ_BYTES_MIN: usize = 16 * 1024;
/// What a Produce frame begins with: its API key.
const PRODUCE_KEY: [u8; 2] = [0, 0];
const NS_PER_MS: u64 = 1_000_000;

/// What a step may use of the world.
pub struct Context<'a> {
    /// Everything durable of this shard.
    pub store: &'a mut Store,
    /// Its sockets.
    pub net: &'a mut dyn Net,
    /// Messages to other shards.
    pub outbox: &'a mut Outbox,
    /// Work for the pool.
    pub jobs: &'a mut Vec<StoreJob>,
    /// The moment of this turn.
    pub now: Now,
}

/// Whether the loop goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// It does.
    Continue,
    /// The node stops.
    Stop,
}

/// The connection must be closed: what came is not the protocol, or the protocol answers it so.
#[derive(Debug)]
pub struct Close(pub &'static str);

impl From<wire::WireError> for Close {
    fn from(error: wire::WireError) -> Close {
        Close(error.describe())
    }
}

/// A request that waits for something.
pub(crate) enum Wait {
    Produce(ProduceWait),
    Fetch(FetchWait),
    List(ListWait),
    Call(CallWait),
}

/// All connections of a shard.
pub struct Server {
    pub(crate) id: ShardId,
    pub(crate) shards: u16,
    connections: Vec<Option<Connection>>,
    pub(crate) by_id: BTreeMap<ConnectionId, NetToken>,
    accepted: u64,
    /// Connections with something to read or to begin.
    ready: VecDeque<NetToken>,
    /// How many of `ready` wait for room in the journal, and the least room that helps one of them.
    starved: usize,
    room_wanted: usize,
    /// Connections with something to send.
    to_flush: Vec<NetToken>,
    /// Bytes of answers that wait to be sent, of all connections.
    pub(crate) answer_bytes: usize,
    pub(crate) waits: Waits<Wait>,
    pub(crate) deadlines: BTreeSet<(u64, Token)>,
    pub(crate) routing: Routing,
    pub(crate) sessions: FetchSessions,
    /// Fetches that may be complete after what happened in this turn.
    pub(crate) woken: BTreeSet<Token>,
    /// Produce requests with batches that found no room in the journal.
    pub(crate) deferred: BTreeSet<Token>,
    /// Appends of others that wait for room.
    pub(crate) postponed: Postponed,
    pub(crate) handoff: Arc<Handoff>,
    pub(crate) handed: VecDeque<HandoffRequest>,
    /// Connections that Python wants to know of, closed in this turn.
    pub(crate) closed: Vec<ConnectionId>,
    pub(crate) verifying: Verifying,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) api: Arc<ApiRanges>,
    pub(crate) features: Arc<Features>,
    pub(crate) metrics: Arc<Metrics>,
    scratch: Vec<u8>,
    stopping: bool,
    swept_ns: u64,
}

impl Server {
    /// A server without connections.
    #[must_use]
    pub fn new(
        id: ShardId,
        shards: u16,
        handoff: Arc<Handoff>,
        settings: Arc<Settings>,
        api: Arc<ApiRanges>,
        metrics: Arc<Metrics>,
    ) -> Server {
        Server {
            id,
            shards,
            connections: Vec::new(),
            by_id: BTreeMap::new(),
            accepted: 0,
            ready: VecDeque::new(),
            starved: 0,
            room_wanted: usize::MAX,
            to_flush: Vec::new(),
            answer_bytes: 0,
            waits: Waits::new(id),
            deadlines: BTreeSet::new(),
            routing: Routing::default(),
            sessions: FetchSessions::new(id),
            woken: BTreeSet::new(),
            deferred: BTreeSet::new(),
            postponed: Postponed::default(),
            handoff,
            handed: VecDeque::new(),
            closed: Vec::new(),
            verifying: Verifying::default(),
            outcomes: Vec::new(),
            settings,
            api,
            features: Arc::default(),
            metrics,
            scratch: vec![0; READ_BYTES],
            stopping: false,
            swept_ns: 0,
        }
    }

    /// Whether a turn would find something to do without any event, with so much room in the journal. What waits for
    /// more is woken by the job that makes it: looking again and again would take the core from that very job.
    #[must_use]
    pub fn has_work(&self, room: usize) -> bool {
        self.ready.len() > self.starved
            || self.starved > 0 && room >= self.room_wanted
            || !self.woken.is_empty()
    }

    /// When the earliest wait ends.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Something happened on a socket.
    pub fn event(&mut self, context: &mut Context<'_>, event: NetEvent) {
        match event {
            NetEvent::Accepted { token, listener, peer } => {
                if self.stopping || self.by_id.len() >= self.settings.connections_max_per_shard {
                    self.metrics.connections_refused.add(1);
                    context.net.close(token);
                    return;
                }
                let id = ConnectionId::new(self.id, self.accepted);
                self.accepted += 1;
                let connection = Connection::new(id, token, listener, peer, context.now.monotonic_ns);
                if self.connections.len() <= token.0 {
                    self.connections.resize_with(token.0 + 1, || None);
                }
                self.connections[token.0] = Some(connection);
                self.by_id.insert(id, token);
                self.metrics.connections_accepted.add(1);
                self.metrics.connections_open.set(self.by_id.len() as u64);
                self.queue(token);
            }
            NetEvent::Readable(token) => {
                if let Some(connection) = self.connection(token) {
                    connection.readable = true;
                    self.queue(token);
                }
            }
            NetEvent::Writable(token) => {
                if self.connection(token).is_some_and(|connection| connection.has_output()) {
                    self.to_flush.push(token);
                }
            }
        }
    }

    pub(crate) fn connection(&mut self, token: NetToken) -> Option<&mut Connection> {
        self.connections.get_mut(token.0).and_then(Option::as_mut)
    }

    /// Looks at a connection in this turn or the next, if there is anything to look at.
    pub(crate) fn queue(&mut self, token: NetToken) {
        if let Some(connection) = self.connections.get_mut(token.0).and_then(Option::as_mut)
            && !connection.queued
            && (connection.readable || connection.input_bytes() > 0)
        {
            connection.queued = true;
            self.ready.push_back(token);
        }
    }

    /// Reads and begins requests of every connection that may, each within its share of the turn.
    pub fn serve(&mut self, context: &mut Context<'_>) {
        self.postponed_calls(context);
        let foreign = self.foreign_go_first() && self.append_foreign(context);
        self.append_deferred(context);
        self.serve_ready(context);
        self.append_foreign(context);
        self.settle_order(foreign);
        self.send_verifications(context);
        self.complete_fetches(context);
    }

    fn serve_ready(&mut self, context: &mut Context<'_>) {
        let mut scratch = std::mem::take(&mut self.scratch);
        (self.starved, self.room_wanted) = (0, usize::MAX);
        for _ in 0..self.ready.len() {
            let token = self.ready.pop_front().expect("counted");
            let Some(connection) = self.connection(token) else { continue };
            connection.queued = false;
            if connection.hold == Hold::Room {
                connection.hold = Hold::Free;
            }
            match self.serve_one(context, token, &mut scratch) {
                Ok(()) => {}
                Err(Close(reason)) => self.refuse(context, token, reason),
            }
        }
        self.scratch = scratch;
    }

    fn serve_one(
        &mut self,
        context: &mut Context<'_>,
        token: NetToken,
        scratch: &mut [u8],
    ) -> Result<(), Close> {
        let mut frames = 0;
        let mut bytes = 0;
        loop {
            let Some(connection) = self.connection(token) else { return Ok(()) };
            if !connection.may_begin() {
                // What ends the hold queues the connection again; a lack of room is looked at in every turn.
                if connection.hold == Hold::Room {
                    self.queue(token);
                    self.starved += 1;
                }
                return Ok(());
            }
            if connection.input_bytes() > 0 {
                self.begin_held(context, token, &mut frames)?;
                if self.connection(token).is_none_or(|connection| !connection.may_begin()) {
                    continue;
                }
            }
            if frames >= TURN_FRAMES_MAX || bytes >= TURN_READ_BYTES_MAX {
                self.queue(token);
                return Ok(());
            }
            if !self.connection(token).is_some_and(|connection| connection.readable) {
                return Ok(());
            }
            // What finds no room in the journal would have to be kept: it stays in the socket.
            let most = context.store.room().clamp(READ_BYTES_MIN, READ_BYTES);
            match context.net.read(token, &mut scratch[..most]) {
                Ok(0) => {
                    self.close(context, token);
                    return Ok(());
                }
                Ok(n) => {
                    bytes += n;
                    self.received(context, token, &scratch[..n], &mut frames)?;
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    let connection = self.connection(token).expect("only read");
                    connection.readable = false;
                    return Ok(());
                }
                Err(_) => {
                    self.close(context, token);
                    return Ok(());
                }
            }
        }
    }

    fn received(
        &mut self,
        context: &mut Context<'_>,
        token: NetToken,
        mut bytes: &[u8],
        frames: &mut usize,
    ) -> Result<(), Close> {
        self.metrics.bytes_received.add(bytes.len() as u64);
        let connection = self.connection(token).expect("just read from");
        connection.heard_ns = context.now.monotonic_ns;
        if connection.input_bytes() > 0 {
            // Only the frame that is held is put together; what follows it is taken from where it was read.
            bytes = &bytes[connection.complete(bytes)..];
            self.begin_held(context, token, frames)?;
            let Some(connection) = self.connection(token) else { return Ok(()) };
            if connection.input_bytes() > 0 {
                connection.keep_more(bytes);
                return Ok(());
            }
        }
        let used = self.begin_frames(context, token, bytes, frames)?;
        if let Some(connection) = self.connection(token)
            && used < bytes.len()
        {
            connection.keep_more(&bytes[used..]);
        }
        Ok(())
    }

    /// Begins every whole frame that is held and may begin.
    fn begin_held(
        &mut self,
        context: &mut Context<'_>,
        token: NetToken,
        frames: &mut usize,
    ) -> Result<(), Close> {
        let connection = self.connection(token).expect("it holds a frame");
        let (input, at) = connection.take_input();
        let used = self.begin_frames(context, token, &input[at..], frames)?;
        if let Some(connection) = self.connection(token) {
            connection.keep(input, at + used);
        }
        Ok(())
    }

    /// Begins every whole frame in `bytes` that may begin; gives how many bytes are used up.
    fn begin_frames(
        &mut self,
        context: &mut Context<'_>,
        token: NetToken,
        bytes: &[u8],
        frames: &mut usize,
    ) -> Result<usize, Close> {
        let mut at = 0;
        loop {
            let Some(connection) = self.connections.get_mut(token.0).and_then(Option::as_mut) else {
                return Ok(at);
            };
            let rest = &bytes[at..];
            let Some((len, body)) = rest.split_first_chunk::<4>() else {
                connection.frame_since_ns = (!rest.is_empty()).then_some(context.now.monotonic_ns);
                return Ok(at);
            };
            let len =
                usize::try_from(i32::from_be_bytes(*len)).map_err(|_| Close("a frame of negative length"))?;
            if len > self.settings.request_bytes_max {
                return Err(Close("a frame larger than socket.request.max.bytes"));
            }
            let Some(frame) = body.get(..len) else {
                connection.frame_since_ns.get_or_insert(context.now.monotonic_ns);
                return Ok(at);
            };
            connection.frame_since_ns = None;
            if !connection.may_begin() || *frames >= TURN_FRAMES_MAX {
                return Ok(at);
            }
            // A Produce's batches become part of this turn's commit. One larger than a turn has its own way (deferred).
            let most = context.store.room_of_a_turn().min(COMMIT_BYTES_TARGET / 2);
            let wanted = if frame.starts_with(&PRODUCE_KEY) { len.min(most) } else { 0 };
            if context.store.room() < wanted && !context.store.is_failing() {
                connection.hold = Hold::Room;
                self.room_wanted = self.room_wanted.min(wanted);
                return Ok(at);
            }
            at += 4 + len;
            *frames += 1;
            self.begin(context, token, frame)?;
        }
    }

    fn begin(&mut self, context: &mut Context<'_>, token: NetToken, frame: &[u8]) -> Result<(), Close> {
        let (header, body) = RequestHeader::read(frame)?;
        match header.api_key {
            0 => self.produce(context, token, &header, body),
            1 => self.fetch(context, token, &header, body),
            2 => self.list_offsets(context, token, &header, body),
            18 => self.api_versions(token, &header, body),
            _ => self.hand_off(context, token, &header, body),
        }
    }

    /// Requests that wait for Python on this side, so that connections are not read while its queue is full.
    #[must_use]
    pub fn handoff_is_full(&self) -> bool {
        self.handed.len() >= HANDOFF_WAITING_MAX
    }

    /// Answers a request; if it held the connection, the next one may begin.
    pub(crate) fn answer(&mut self, token: NetToken, id: ConnectionId, slot: Slot, answer: Answer) {
        let Some(connection) = self.connections.get_mut(token.0).and_then(Option::as_mut) else { return };
        if connection.id != id || !connection.waits(slot) {
            return; // the client has gone, and another may have its place
        }
        let before = connection.output_bytes();
        connection.fill(slot, answer);
        self.answer_bytes += connection.output_bytes() - before;
        if connection.held_slot == Some(slot) {
            connection.held_slot = None;
            connection.hold = Hold::Free;
        }
        self.to_flush.push(token);
        self.queue(token);
    }

    /// Ends the waits whose time is over, and connections that stand still.
    pub fn deadlines(&mut self, context: &mut Context<'_>) {
        let now = context.now.monotonic_ns;
        while let Some((at, token)) = self.deadlines.first().copied()
            && at <= now
        {
            self.deadlines.remove(&(at, token));
            match self.waits.get(token) {
                Some(Wait::Produce(_)) => self.produce_timed_out(context, token),
                Some(Wait::Fetch(_)) => self.fetch_timed_out(context, token),
                Some(Wait::List(_) | Wait::Call(_)) | None => {}
            }
        }
        if now.saturating_sub(self.swept_ns) >= 1_000 * NS_PER_MS {
            self.swept_ns = now;
            self.sweep(context);
        }
    }

    /// Closes connections that are idle, stuck in a frame, or not reading their answers.
    fn sweep(&mut self, context: &mut Context<'_>) {
        let now = context.now.monotonic_ns;
        let older = |since: u64, ms: u64| now.saturating_sub(since) > ms * NS_PER_MS;
        let idle_ms = self.settings.connection_idle_ms_max;
        let mut held = 0;
        let mut stuck = Vec::new();
        for connection in self.connections.iter_mut().flatten() {
            if !connection.may_begin() {
                // Nor is it read: what is missing of a frame may be there.
                connection.frame_since_ns = connection.frame_since_ns.map(|_| now);
            }
            held += connection.input_capacity();
            let idle = connection.is_drained() && older(connection.heard_ns, idle_ms);
            let slow = connection.frame_since_ns.is_some_and(|since| older(since, FRAME_MS_MAX));
            let stalled = connection.stalled_since_ns.is_some_and(|since| older(since, ANSWER_STALL_MS_MAX));
            if idle || slow || stalled {
                stuck.push(connection.token);
            }
        }
        for token in stuck {
            self.refuse(context, token, "idle, slow or stalled");
        }
        self.drop_largest_inputs(context, held);
    }

    /// Half-read frames may hold only so much together: the largest go.
    fn drop_largest_inputs(&mut self, context: &mut Context<'_>, mut held: usize) {
        while held > model::limits::FRAME_BYTES_HELD_MAX {
            let open = self.connections.iter().flatten();
            let largest = open.map(|connection| (connection.input_capacity(), connection.token)).max();
            let Some((bytes, token)) = largest else { return };
            self.refuse(context, token, "half-read frames hold too much memory");
            held = held.saturating_sub(bytes.max(1));
        }
    }

    pub(crate) fn refuse(&mut self, context: &mut Context<'_>, token: NetToken, _reason: &'static str) {
        self.metrics.connections_refused.add(1);
        self.close(context, token);
    }

    /// Closes a connection at once. What it waited for is dropped when it comes.
    fn close(&mut self, context: &mut Context<'_>, token: NetToken) {
        let Some(connection) = self.connections.get_mut(token.0).and_then(Option::take) else { return };
        self.by_id.remove(&connection.id);
        if connection.told_when_closed {
            self.closed.push(connection.id);
        }
        self.answer_bytes -= connection.output_bytes();
        self.metrics.connections_open.set(self.by_id.len() as u64);
        context.net.close(token);
        self.drop_fetches_of(context, connection.id);
        self.drop_verifications_of(connection.id);
    }

    /// Closes a connection when everything answered has left (an acks=0 produce that failed).
    pub(crate) fn close_when_sent(&mut self, token: NetToken) {
        if let Some(connection) = self.connection(token) {
            connection.closing = true;
            self.to_flush.push(token);
        }
    }

    /// Whether the node is on its way down: nothing waits any more.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping
    }

    pub(crate) fn stop_accepting(&mut self, context: &mut Context<'_>) {
        self.stopping = true;
        self.end_fetches(context);
        self.end_verifications(context);
    }

    /// Sends what is answered, and hands over what is Python's.
    pub fn flush(&mut self, context: &mut Context<'_>) {
        for token in std::mem::take(&mut self.to_flush) {
            self.flush_one(context, token);
        }
        self.hand_over();
    }

    fn flush_one(&mut self, context: &mut Context<'_>, token: NetToken) {
        let now = context.now.monotonic_ns;
        let metrics = Arc::clone(&self.metrics);
        let Some(connection) = self.connections.get_mut(token.0).and_then(Option::as_mut) else { return };
        while connection.has_output() {
            let mut slices = Vec::new();
            connection.output(&mut slices);
            match context.net.write(token, &slices) {
                Ok(n) => {
                    metrics.bytes_sent.add(n as u64);
                    connection.stalled_since_ns = None;
                    connection.heard_ns = now;
                    connection.sent(n);
                    self.answer_bytes -= n;
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    connection.stalled_since_ns.get_or_insert(now);
                    return;
                }
                Err(_) => {
                    self.close(context, token);
                    return;
                }
            }
        }
        if connection.closing && connection.is_drained() {
            self.close(context, token);
        } else {
            self.queue(token); // room in the output may let the next request begin
        }
    }
}
