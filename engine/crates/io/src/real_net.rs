//! Sockets through `mio` (epoll, kqueue), level of detail hidden from the shard.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)] // this is where sockets are opened

use std::collections::BTreeMap;
use std::io::{self, IoSlice, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Poll, Token};
use model::ListenerId;

use crate::net::{Net, NetEvent, NetToken};

const WAKER: Token = Token(usize::MAX);
const LISTENER_BASE: usize = usize::MAX - 1024;
/// Events taken from the kernel in one turn.
const EVENTS_MAX: usize = 1024;
/// Connections accepted in one turn, so that a flood of them cannot starve the connected.
const ACCEPTS_PER_TURN_MAX: usize = 64;

/// Ends a shard's wait from another thread.
#[derive(Clone)]
pub struct Waker(Arc<mio::Waker>);

impl Waker {
    /// Makes the shard's current or next `poll` return.
    pub fn wake(&self) {
        self.0.wake().expect("an eventfd takes a write");
    }
}

type Adopted = (TcpStream, ListenerId, SocketAddr);

/// How an accepting shard deals connections out: each shard's queue and waker, served in turn.
pub struct Dealer {
    to: Vec<(Sender<Adopted>, Waker)>,
    next: usize,
}

/// One shard's sockets.
pub struct RealNet {
    poll: Poll,
    events: Events,
    waker: Waker,
    listeners: BTreeMap<usize, (TcpListener, ListenerId)>,
    /// Listeners whose backlog may still hold connections (readiness is told once).
    accepting: Vec<usize>,
    streams: Vec<Option<TcpStream>>,
    free: Vec<usize>,
    adopted: Receiver<Adopted>,
    adopter: Sender<Adopted>,
    dealer: Option<Dealer>,
}

impl RealNet {
    /// An empty set of sockets.
    pub fn new() -> io::Result<RealNet> {
        let poll = Poll::new()?;
        let waker = Waker(Arc::new(mio::Waker::new(poll.registry(), WAKER)?));
        let (adopter, adopted) = channel();
        Ok(RealNet {
            poll,
            events: Events::with_capacity(EVENTS_MAX),
            waker,
            listeners: BTreeMap::new(),
            accepting: Vec::new(),
            streams: Vec::new(),
            free: Vec::new(),
            adopted,
            adopter,
            dealer: None,
        })
    }

    /// What other threads use to end this shard's wait.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Makes this shard the one that accepts, dealing connections to `shards` (itself among them) in turn.
    pub fn deal_to(&mut self, shards: &[&RealNet]) {
        let mut to: Vec<_> = shards.iter().map(|net| (net.adopter.clone(), net.waker())).collect();
        to.insert(0, (self.adopter.clone(), self.waker()));
        self.dealer = Some(Dealer { to, next: 0 });
    }

    /// Listens on an address; port 0 picks a free one. Returns the address in use.
    pub fn listen(&mut self, listener: ListenerId, address: SocketAddr) -> io::Result<SocketAddr> {
        use socket2::{Domain, Protocol, Socket, Type};
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(1024)?;
        let mut socket = TcpListener::from_std(socket.into());
        let bound = socket.local_addr()?;
        let token = LISTENER_BASE + usize::from(listener.0);
        self.poll.registry().register(&mut socket, Token(token), mio::Interest::READABLE)?;
        self.listeners.insert(token, (socket, listener));
        Ok(bound)
    }

    /// Stops listening; connections stay.
    pub fn stop_listening(&mut self) {
        self.listeners.clear();
        self.accepting.clear();
    }

    fn accept(&mut self) {
        let mut still = Vec::new();
        for token in std::mem::take(&mut self.accepting) {
            let Some((socket, listener)) = self.listeners.get(&token) else { continue };
            let mut taken = 0;
            loop {
                if taken == ACCEPTS_PER_TURN_MAX {
                    still.push(token);
                    break;
                }
                match socket.accept() {
                    Ok((stream, peer)) => {
                        taken += 1;
                        deal(self.dealer.as_mut(), &self.adopter, (stream, *listener, peer));
                    }
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    // No descriptor left (or a client that went away meanwhile): the backlog waits for the next arrival.
                    Err(_) => break,
                }
            }
        }
        self.accepting = still;
    }

    fn adopt(&mut self, events: &mut Vec<NetEvent>) {
        while let Ok((mut stream, listener, peer)) = self.adopted.try_recv() {
            // Without it a small answer waits for the acknowledgement of the one before.
            if stream.set_nodelay(true).is_err() {
                continue; // the client has gone already
            }
            let slot = self.free.pop().unwrap_or_else(|| {
                self.streams.push(None);
                self.streams.len() - 1
            });
            // Both ways once and for all: readiness is told at its edges, so an idle direction costs nothing.
            let both = mio::Interest::READABLE | mio::Interest::WRITABLE;
            if self.poll.registry().register(&mut stream, Token(slot), both).is_err() {
                self.free.push(slot);
                continue;
            }
            self.streams[slot] = Some(stream);
            events.push(NetEvent::Accepted { token: NetToken(slot), listener, peer });
        }
    }

    fn stream(&mut self, token: NetToken) -> io::Result<&mut TcpStream> {
        self.streams
            .get_mut(token.0)
            .and_then(Option::as_mut)
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

fn deal(dealer: Option<&mut Dealer>, own: &Sender<Adopted>, connection: Adopted) {
    let Some(dealer) = dealer else {
        let _ = own.send(connection); // the receiver lives as long as we do
        return;
    };
    let (queue, waker) = &dealer.to[dealer.next];
    dealer.next = (dealer.next + 1) % dealer.to.len();
    if queue.send(connection).is_ok() {
        waker.wake();
    }
}

impl Net for RealNet {
    fn poll(&mut self, timeout_ns: Option<u64>, events: &mut Vec<NetEvent>) -> io::Result<()> {
        let timeout = if self.accepting.is_empty() { timeout_ns } else { Some(0) };
        match self.poll.poll(&mut self.events, timeout.map(Duration::from_nanos)) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(e) => return Err(e),
        }
        for event in &self.events {
            let token = event.token();
            if token == WAKER {
                continue;
            }
            if token.0 >= LISTENER_BASE {
                self.accepting.push(token.0);
                continue;
            }
            if event.is_readable() || event.is_read_closed() || event.is_error() {
                events.push(NetEvent::Readable(NetToken(token.0)));
            }
            if event.is_writable() {
                events.push(NetEvent::Writable(NetToken(token.0)));
            }
        }
        self.accept();
        self.adopt(events);
        Ok(())
    }

    fn read(&mut self, token: NetToken, buf: &mut [u8]) -> io::Result<usize> {
        self.stream(token)?.read(buf)
    }

    fn write(&mut self, token: NetToken, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.stream(token)?.write_vectored(bufs)
    }

    fn close(&mut self, token: NetToken) {
        if let Some(mut stream) = self.streams.get_mut(token.0).and_then(Option::take) {
            // Closing the descriptor does the same; an error here changes nothing.
            let _ = self.poll.registry().deregister(&mut stream);
            self.free.push(token.0);
        }
    }
}
