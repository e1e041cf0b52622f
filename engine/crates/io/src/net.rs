//! Stream sockets as a shard sees them: readiness, non-blocking reads and writes.

use std::io::{self, IoSlice};
use std::net::SocketAddr;

use model::ListenerId;

/// A connection within one shard's [`Net`]; reused only after `close`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NetToken(pub usize);

/// Something happened. Readiness is told once, when it begins: whoever is told reads (or writes) until `WouldBlock`, or
/// remembers that there is more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NetEvent {
    /// A client came; the connection is this shard's until it is closed.
    Accepted {
        /// The new connection.
        token: NetToken,
        /// Where it came in.
        listener: ListenerId,
        /// Who it is.
        peer: SocketAddr,
    },
    /// There may be bytes to read (or the end of the stream, or an error to collect by reading).
    Readable(NetToken),
    /// There may be room to write.
    Writable(NetToken),
}

/// A shard's sockets. `poll` waits; everything else returns at once.
pub trait Net {
    /// Appends what happened to `events`, waiting at most `timeout_ns` (`None`: until something does) for the first thing.
    fn poll(&mut self, timeout_ns: Option<u64>, events: &mut Vec<NetEvent>) -> io::Result<()>;
    /// Reads what is there; `Ok(0)` is the end of the stream.
    fn read(&mut self, token: NetToken, buf: &mut [u8]) -> io::Result<usize>;
    /// Writes what fits.
    fn write(&mut self, token: NetToken, bufs: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Closes a connection; its events stop.
    fn close(&mut self, token: NetToken);
}
