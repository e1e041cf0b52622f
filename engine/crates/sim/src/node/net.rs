//! Connections as pairs of byte streams: late, in pieces of any size, with small windows, cut at any byte.

use std::collections::VecDeque;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use io::{Net, NetEvent, NetToken, Rng, SplitMix};
use model::ListenerId;

use super::trace;

/// A connection, for the world and its clients.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct PipeId(usize);

/// Bytes on their way in one direction.
#[derive(Default)]
struct Stream {
    bytes: VecDeque<u8>,
    /// How many of them have arrived.
    arrived: usize,
}

impl Stream {
    fn take(&mut self, buf: &mut [u8]) -> usize {
        let n = self.arrived.min(buf.len());
        for (to, from) in buf.iter_mut().zip(self.bytes.drain(..n)) {
            *to = from;
        }
        self.arrived -= n;
        n
    }

    fn move_some(&mut self, rng: &mut SplitMix) -> usize {
        let flying = self.bytes.len() - self.arrived;
        if flying == 0 {
            return 0;
        }
        let n = match rng.below(8) {
            0 => 0,
            1 => 1 + rng.below(flying as u64) as usize,
            _ => flying,
        };
        self.arrived += n;
        n
    }
}

struct Pipe {
    shard: usize,
    /// The shard's name for it, once accepted.
    token: Option<NetToken>,
    up: Stream,
    down: Stream,
    /// Bytes that may be under way to the client.
    window: usize,
    /// The shard was told that the window is full.
    blocked: bool,
    client_closed: bool,
    server_closed: bool,
    reset: bool,
    stalled_until_ns: u64,
}

#[derive(Default)]
struct ShardSide {
    backlog: VecDeque<usize>,
    tokens: Vec<Option<usize>>,
    events: Vec<NetEvent>,
}

/// All connections.
#[derive(Default)]
pub(super) struct Wires {
    pipes: Vec<Option<Pipe>>,
    shards: Vec<ShardSide>,
    /// The most bytes that one read or write of a shard moves, so that it meets short ones.
    pub chunk_bytes_max: usize,
}

/// The wires, shared by the shards' nets and the world.
#[derive(Clone, Default)]
pub(super) struct SharedWires(Arc<Mutex<Wires>>);

impl SharedWires {
    pub fn lock(&self) -> MutexGuard<'_, Wires> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn net(&self, shard: usize) -> SimNet {
        SimNet { wires: self.clone(), shard }
    }
}

impl Wires {
    /// A new process: every connection of the old one is reset.
    pub fn begin_process(&mut self, shards: usize) {
        for pipe in self.pipes.iter_mut().flatten() {
            pipe.reset = true;
            pipe.token = None;
        }
        self.shards = (0..shards).map(|_| ShardSide::default()).collect();
    }

    pub fn connect(&mut self, shard: usize, window: usize) -> PipeId {
        let pipe = Pipe {
            shard,
            token: None,
            up: Stream::default(),
            down: Stream::default(),
            window,
            blocked: false,
            client_closed: false,
            server_closed: false,
            reset: false,
            stalled_until_ns: 0,
        };
        let free = self.pipes.iter().position(Option::is_none);
        let at = free.unwrap_or_else(|| {
            self.pipes.push(None);
            self.pipes.len() - 1
        });
        self.pipes[at] = Some(pipe);
        self.shards[shard].backlog.push_back(at);
        PipeId(at)
    }

    fn pipe(&mut self, id: PipeId) -> &mut Pipe {
        self.pipes[id.0].as_mut().expect("its client has not let it go")
    }

    pub fn client_write(&mut self, id: PipeId, bytes: &[u8]) {
        self.pipe(id).up.bytes.extend(bytes);
    }

    /// Appends what has arrived; false if the connection is over.
    pub fn client_read(&mut self, id: PipeId, into: &mut Vec<u8>) -> bool {
        let pipe = self.pipe(id);
        if pipe.reset {
            return false;
        }
        let n = pipe.down.arrived;
        into.extend(pipe.down.bytes.drain(..n));
        pipe.down.arrived = 0;
        if pipe.server_closed && pipe.down.bytes.is_empty() {
            return false;
        }
        if pipe.blocked && pipe.down.bytes.len() < pipe.window {
            pipe.blocked = false;
            let event = pipe.token.map(NetEvent::Writable);
            let shard = pipe.shard;
            self.shards[shard].events.extend(event);
        }
        true
    }

    /// The client is done with a connection.
    pub fn client_close(&mut self, id: PipeId) {
        let pipe = self.pipe(id);
        pipe.client_closed = true;
        match pipe.token {
            // The shard holds it until it has seen the end.
            Some(token) => {
                let shard = pipe.shard;
                self.shards[shard].events.push(NetEvent::Readable(token));
            }
            None => {
                self.pipes[id.0] = None;
                for side in &mut self.shards {
                    side.backlog.retain(|waiting| *waiting != id.0);
                }
            }
        }
    }

    /// A connection is cut; what is on its way is lost.
    pub fn cut(&mut self, id: PipeId) {
        let pipe = self.pipe(id);
        pipe.reset = true;
        if let Some(token) = pipe.token {
            let shard = pipe.shard;
            self.shards[shard].events.push(NetEvent::Readable(token));
        }
    }

    pub fn stall(&mut self, id: PipeId, until_ns: u64) {
        self.pipe(id).stalled_until_ns = until_ns;
    }

    /// Bytes move. Returns how many.
    pub fn step(&mut self, now_ns: u64, rng: &mut SplitMix) -> usize {
        let mut moved = 0;
        for pipe in self.pipes.iter_mut().flatten() {
            if pipe.reset || pipe.stalled_until_ns > now_ns {
                continue;
            }
            let up = pipe.up.move_some(rng);
            if up > 0
                && let Some(token) = pipe.token
            {
                self.shards[pipe.shard].events.push(NetEvent::Readable(token));
            }
            moved += up + pipe.down.move_some(rng);
        }
        trace::mix(moved as u64);
        moved
    }
}

/// One shard's sockets.
pub(super) struct SimNet {
    wires: SharedWires,
    shard: usize,
}

impl SimNet {
    fn with<T>(&self, token: NetToken, act: impl FnOnce(&mut Pipe, usize) -> Result<T>) -> Result<T> {
        let mut wires = self.wires.lock();
        let chunk = wires.chunk_bytes_max;
        let at = wires.shards[self.shard].tokens.get(token.0).copied().flatten();
        let at = at.ok_or_else(|| Error::from(ErrorKind::NotConnected))?;
        let pipe = wires.pipes[at].as_mut().expect("named by a token");
        if pipe.reset { Err(ErrorKind::ConnectionReset.into()) } else { act(pipe, chunk) }
    }
}

impl Net for SimNet {
    fn poll(&mut self, _timeout_ns: Option<u64>, events: &mut Vec<NetEvent>) -> Result<()> {
        let mut wires = self.wires.lock();
        let Wires { pipes, shards, .. } = &mut *wires;
        let side = &mut shards[self.shard];
        while let Some(at) = side.backlog.pop_front() {
            let slot = side.tokens.iter().position(Option::is_none).unwrap_or(side.tokens.len());
            if slot == side.tokens.len() {
                side.tokens.push(None);
            }
            side.tokens[slot] = Some(at);
            let token = NetToken(slot);
            pipes[at].as_mut().expect("waiting in the backlog").token = Some(token);
            let peer = SocketAddr::from(([127, 0, 0, 1], 40_000));
            events.push(NetEvent::Accepted { token, listener: ListenerId(0), peer });
        }
        events.append(&mut side.events);
        Ok(())
    }

    fn read(&mut self, token: NetToken, buf: &mut [u8]) -> Result<usize> {
        self.with(token, |pipe, chunk| {
            let room = buf.len().min(chunk);
            match pipe.up.take(&mut buf[..room]) {
                0 if pipe.client_closed => Ok(0),
                0 => Err(ErrorKind::WouldBlock.into()),
                n => Ok(n),
            }
        })
    }

    fn write(&mut self, token: NetToken, bufs: &[IoSlice<'_>]) -> Result<usize> {
        self.with(token, |pipe, chunk| {
            let mut room = pipe.window.saturating_sub(pipe.down.bytes.len()).min(chunk);
            if room == 0 {
                pipe.blocked = true;
                return Err(ErrorKind::WouldBlock.into());
            }
            let mut sent = 0;
            for buf in bufs {
                let n = buf.len().min(room);
                pipe.down.bytes.extend(&buf[..n]);
                (sent, room) = (sent + n, room - n);
            }
            Ok(sent)
        })
    }

    fn close(&mut self, token: NetToken) {
        let mut wires = self.wires.lock();
        let Some(at) = wires.shards[self.shard].tokens.get_mut(token.0).and_then(Option::take) else {
            return;
        };
        let pipe = wires.pipes[at].as_mut().expect("named by a token");
        pipe.token = None;
        pipe.server_closed = true;
        if pipe.client_closed {
            wires.pipes[at] = None;
        }
    }
}
