//! One client's connection: bytes in, frames out; answers in, bytes out, in the order of the requests.
//!
//! The state machine knows no socket. An idle connection holds no buffer.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::net::SocketAddr;

use io::NetToken;
use journal::Bytes;
use model::limits::{ANSWER_BYTES_WAITING_MAX, REQUESTS_IN_FLIGHT_MAX};
use model::{ConnectionId, ListenerId};

/// Owned pieces below this are appended to, so that many small answers leave in one piece.
const PIECE_BYTES_TARGET: usize = 64 * 1024;
/// Pieces given to one vectored write.
const PIECES_PER_WRITE_MAX: usize = 64;

/// A part of an answer: bytes of its own, or a view of a commit buffer that fetches and the journal share.
pub enum Piece {
    /// Bytes made for this answer.
    Owned(Vec<u8>),
    /// Record batches as they stand in the log.
    Shared(Bytes),
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Piece::Owned(bytes) => bytes,
            Piece::Shared(bytes) => bytes,
        }
    }
}

/// An answer: its pieces in order, length prefix included.
pub type Answer = Vec<Piece>;

/// Place of an answer in its connection's order; counts from 0 for the life of the connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Slot(pub u64);

/// Why a connection's next request must not start yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hold {
    /// It may.
    Free,
    /// An earlier request must be answered first (everything but Produce: Kafka's order).
    Answer,
    /// The journal has no room in this turn.
    Room,
}

/// One client's connection.
///
/// Invariant: `slots` holds one entry for each request begun and not yet moved to `output`; the first is `first_slot`.
pub struct Connection {
    /// Its name for the life of the process.
    pub id: ConnectionId,
    /// Its socket.
    pub token: NetToken,
    /// Where it came in.
    pub listener: ListenerId,
    /// Who it is.
    pub peer: SocketAddr,
    /// Whether the socket may have more to read.
    pub readable: bool,
    /// Whether the next request may start.
    pub hold: Hold,
    /// Whether it is in the shard's list of connections to look at.
    pub queued: bool,
    /// To be closed once everything answered has left.
    pub closing: bool,
    /// Whether Python wants to know when it is closed.
    pub told_when_closed: bool,
    /// When the last byte came.
    pub heard_ns: u64,
    /// Since when a frame has been incomplete.
    pub frame_since_ns: Option<u64>,
    /// Since when output has made no progress.
    pub stalled_since_ns: Option<u64>,
    /// The slot of the request that holds the connection.
    pub held_slot: Option<Slot>,
    input: Vec<u8>,
    input_at: usize,
    slots: VecDeque<Option<Answer>>,
    first_slot: u64,
    output: VecDeque<Piece>,
    output_at: usize,
    output_bytes: usize,
}

impl Connection {
    /// A connection just accepted.
    #[must_use]
    pub fn new(
        id: ConnectionId,
        token: NetToken,
        listener: ListenerId,
        peer: SocketAddr,
        now_ns: u64,
    ) -> Connection {
        Connection {
            id,
            token,
            listener,
            peer,
            readable: true,
            hold: Hold::Free,
            queued: false,
            closing: false,
            told_when_closed: false,
            heard_ns: now_ns,
            frame_since_ns: None,
            stalled_since_ns: None,
            held_slot: None,
            input: Vec::new(),
            input_at: 0,
            slots: VecDeque::new(),
            first_slot: 0,
            output: VecDeque::new(),
            output_at: 0,
            output_bytes: 0,
        }
    }

    /// Takes the bytes kept from earlier reads; [`Connection::keep`] puts back what is left of them.
    #[must_use]
    pub fn take_input(&mut self) -> (Vec<u8>, usize) {
        (std::mem::take(&mut self.input), std::mem::take(&mut self.input_at))
    }

    /// Keeps `input[at..]` for later; nothing is held when nothing is left.
    pub fn keep(&mut self, input: Vec<u8>, at: usize) {
        assert!(self.input.is_empty(), "input is taken before it is put back");
        if at < input.len() {
            self.input = input;
            self.input_at = at;
        }
    }

    /// Adds to the first frame held what it lacks; gives how many of `bytes` that took.
    pub fn complete(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        for prefix_read in [false, true] {
            let held = &self.input[self.input_at..];
            let whole = match held.first_chunk::<4>() {
                Some(len) => 4 + usize::try_from(i32::from_be_bytes(*len)).unwrap_or(0),
                None if prefix_read => break,
                None => 4,
            };
            let n = whole.saturating_sub(held.len()).min(bytes.len() - taken);
            self.keep_more(&bytes[taken..taken + n]);
            taken += n;
        }
        taken
    }

    /// Keeps bytes that came while no input was held, or adds to what is held.
    pub fn keep_more(&mut self, bytes: &[u8]) {
        if self.input_at > 0 && self.input_at >= self.input.len() / 2 {
            self.input.drain(..self.input_at);
            self.input_at = 0;
        }
        self.input.extend_from_slice(bytes);
    }

    /// Bytes held.
    #[must_use]
    pub fn input_bytes(&self) -> usize {
        self.input.len() - self.input_at
    }

    /// Memory held for input.
    #[must_use]
    pub fn input_capacity(&self) -> usize {
        self.input.capacity()
    }

    /// Whether another request may begin, by the limits on what waits to be answered and to be sent.
    #[must_use]
    pub fn may_begin(&self) -> bool {
        self.hold == Hold::Free
            && !self.closing
            && self.slots.len() < REQUESTS_IN_FLIGHT_MAX
            && self.output_bytes < ANSWER_BYTES_WAITING_MAX
    }

    /// Takes the next place in the order of answers.
    pub fn begin(&mut self) -> Slot {
        self.slots.push_back(None);
        Slot(self.first_slot + self.slots.len() as u64 - 1)
    }

    /// Answers a request. Answers whose turn has come move to the output.
    pub fn fill(&mut self, slot: Slot, answer: Answer) {
        let place =
            usize::try_from(slot.0 - self.first_slot).expect("slots are answered once, after they began");
        let entry = &mut self.slots[place];
        assert!(entry.is_none(), "a slot is answered once");
        *entry = Some(answer);
        while let Some(Some(_)) = self.slots.front() {
            let answer = self.slots.pop_front().flatten().expect("just seen");
            self.first_slot += 1;
            for piece in answer {
                self.send(piece);
            }
        }
    }

    /// Whether a slot still waits for its answer.
    #[must_use]
    pub fn waits(&self, slot: Slot) -> bool {
        let place = slot.0.checked_sub(self.first_slot).and_then(|place| usize::try_from(place).ok());
        place.and_then(|place| self.slots.get(place)).is_some_and(Option::is_none)
    }

    fn send(&mut self, piece: Piece) {
        self.output_bytes += piece.bytes().len();
        if let (Some(Piece::Owned(last)), Piece::Owned(bytes)) = (self.output.back_mut(), &piece)
            && last.len() + bytes.len() <= PIECE_BYTES_TARGET
        {
            last.extend_from_slice(bytes);
            return;
        }
        self.output.push_back(piece);
    }

    /// Bytes that wait to be sent.
    #[must_use]
    pub fn output_bytes(&self) -> usize {
        self.output_bytes
    }

    /// Whether something waits to be sent.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// Whether every request begun has been answered and sent.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.output.is_empty() && self.slots.is_empty()
    }

    /// What to write next.
    pub fn output<'a>(&'a self, slices: &mut Vec<IoSlice<'a>>) {
        slices.clear();
        for (i, piece) in self.output.iter().take(PIECES_PER_WRITE_MAX).enumerate() {
            let from = if i == 0 { self.output_at } else { 0 };
            slices.push(IoSlice::new(&piece.bytes()[from..]));
        }
    }

    /// `n` bytes of the output have left.
    pub fn sent(&mut self, mut n: usize) {
        self.output_bytes -= n;
        while n > 0 {
            let front = self.output.front().expect("no more is sent than was given");
            let left = front.bytes().len() - self.output_at;
            if n < left {
                self.output_at += n;
                return;
            }
            n -= left;
            self.output_at = 0;
            self.output.pop_front();
        }
        // A piece may be empty (an empty record set); nothing must be left standing for it.
        while self.output.front().is_some_and(|piece| piece.bytes().is_empty()) {
            self.output.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        let peer = "127.0.0.1:1".parse().expect("an address");
        Connection::new(ConnectionId(1), NetToken(0), ListenerId(0), peer, 0)
    }

    fn owned(byte: u8) -> Answer {
        vec![Piece::Owned(vec![byte; 4])]
    }

    fn sent(connection: &mut Connection, step: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while connection.has_output() {
            let mut slices = Vec::new();
            connection.output(&mut slices);
            let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).take(step).collect();
            out.extend_from_slice(&bytes);
            connection.sent(bytes.len());
        }
        out
    }

    #[test]
    fn answers_leave_in_request_order_however_they_come() {
        let mut connection = connection();
        let slots: Vec<Slot> = (0..3).map(|_| connection.begin()).collect();
        connection.fill(slots[2], owned(3));
        connection.fill(slots[1], owned(2));
        assert!(!connection.has_output());
        assert!(connection.waits(slots[0]) && !connection.waits(slots[1]));
        connection.fill(slots[0], owned(1));
        assert_eq!(sent(&mut connection, 5), [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]);
        assert!(connection.is_drained() && !connection.waits(slots[0]));
    }

    #[test]
    fn too_many_requests_in_flight_hold_the_next_one_back() {
        let mut connection = connection();
        for _ in 0..REQUESTS_IN_FLIGHT_MAX {
            assert!(connection.may_begin());
            connection.begin();
        }
        assert!(!connection.may_begin());
        connection.fill(Slot(0), owned(0));
        assert!(connection.may_begin());
    }

    #[test]
    fn a_held_frame_takes_what_it_lacks_and_no_more() {
        let whole = [0, 0, 0, 3, 7, 8, 9];
        for held in 1..whole.len() {
            for come in 0..whole.len() + 3 {
                let mut connection = connection();
                connection.keep_more(&whole[..held]);
                let rest: Vec<u8> = whole[held..].iter().copied().chain([0, 0, 0, 1]).take(come).collect();
                let lacking = whole.len() - held;
                assert_eq!(connection.complete(&rest), rest.len().min(lacking), "{held} held, {come} come");
                let (input, at) = connection.take_input();
                assert_eq!(input[at..], whole[..(held + rest.len()).min(whole.len())]);
            }
        }
        let mut connection = connection();
        connection.keep_more(&[0xff; 4]);
        assert_eq!(connection.complete(b"more"), 0, "a negative length is refused by whoever looks at it");
    }

    #[test]
    fn input_is_kept_from_where_it_was_left_and_nothing_is_held_when_it_is_used_up() {
        let mut connection = connection();
        connection.keep_more(b"abcdef");
        let (input, at) = connection.take_input();
        assert_eq!((&input[at..], connection.input_capacity()), (&b"abcdef"[..], 0));
        connection.keep(input, 4);
        connection.keep_more(b"gh");
        let (input, at) = connection.take_input();
        assert_eq!(&input[at..], b"efgh");
        let end = input.len();
        connection.keep(input, end);
        assert_eq!((connection.input_bytes(), connection.input_capacity()), (0, 0));
    }
}
