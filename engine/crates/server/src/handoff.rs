//! Requests going to Python and outcomes of what Python asked for: one queue a shard, one wake-up for the process.
//!
//! The order that makes a wake-up impossible to lose: a shard pushes, then swaps `pending` to true and signals only if it
//! was false; Python clears `pending`, then takes everything (see [`Handoff::drain`]).

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::limits::{HANDOFF_DRAIN_MAX, HANDOFF_WAITING_MAX};
use model::{ConnectionId, ListenerId, PartitionIndex};

use crate::calls::Outcome;
use crate::waits::Token;

/// A frame for Python: its header is parsed, its body is not.
#[derive(Debug)]
pub struct HandoffRequest {
    /// Whose; it has at most one request with Python at a time.
    pub connection: ConnectionId,
    /// Protocol key.
    pub api_key: i16,
    /// Protocol version, within what is advertised.
    pub api_version: i16,
    /// Given back in the answer.
    pub correlation_id: i32,
    /// The client's name for itself.
    pub client_id: Option<String>,
    /// Where it came in.
    pub listener: ListenerId,
    /// The client's address.
    pub peer: IpAddr,
    /// When the frame was whole.
    pub arrived_ns: u64,
    /// What follows the header.
    pub body: Vec<u8>,
}

/// A Produce that brings a transaction to partitions that know of none; it waits for the outcome.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verification {
    /// Given back with the outcome.
    pub token: Token,
    /// The transaction.
    pub transactional_id: String,
    /// Whose it is.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// Topic and partition, each once.
    pub partitions: Vec<(Arc<str>, PartitionIndex)>,
    /// They become part of the transaction, else they must be part of it already.
    pub adds: bool,
    /// Of the Produce.
    pub api_version: i16,
}

/// What one drain gives Python: outcomes first, they may free what requests wait for.
#[derive(Debug, Default)]
pub struct Drained {
    /// Outcomes of Python's own calls, in the order they came about on each shard.
    pub outcomes: Vec<Outcome>,
    /// Requests, in order on each connection.
    pub requests: Vec<HandoffRequest>,
    /// Transactions to be verified.
    pub verifications: Vec<Verification>,
    /// Connections that were closed after all that they had handed over.
    pub closed: Vec<ConnectionId>,
    /// Whether more requests wait; the signal has been given again.
    pub more: bool,
}

#[derive(Default)]
struct Lane {
    outcomes: Vec<Outcome>,
    requests: VecDeque<HandoffRequest>,
    /// Bounded by those that wait for their outcome.
    verifications: Vec<Verification>,
    /// Bounded by the connections that there are.
    closed: Vec<ConnectionId>,
}

/// The queues of all shards.
pub struct Handoff {
    lanes: Vec<Mutex<Lane>>,
    pending: AtomicBool,
    signal: Box<dyn Fn() + Send + Sync>,
}

impl Handoff {
    /// Queues for `shards` shards; `signal` wakes Python (an eventfd write) and may be called from any of them.
    #[must_use]
    pub fn new(shards: u16, signal: Box<dyn Fn() + Send + Sync>) -> Handoff {
        let lanes = (0..shards).map(|_| Mutex::default()).collect();
        Handoff { lanes, pending: AtomicBool::new(false), signal }
    }

    /// Moves a turn's requests and outcomes to Python's side; what does not fit stays in `requests`.
    pub fn push(&self, shard: usize, requests: &mut VecDeque<HandoffRequest>, outcomes: &mut Vec<Outcome>) {
        if requests.is_empty() && outcomes.is_empty() {
            return;
        }
        let mut lane = lock(&self.lanes[shard]);
        lane.outcomes.append(outcomes);
        let room = HANDOFF_WAITING_MAX.saturating_sub(lane.requests.len());
        lane.requests.extend(requests.drain(..room.min(requests.len())));
        drop(lane);
        self.wake();
    }

    /// Moves a turn's verifications to Python's side.
    pub fn push_verifications(&self, shard: usize, verifications: &mut Vec<Verification>) {
        if !verifications.is_empty() {
            lock(&self.lanes[shard]).verifications.append(verifications);
            self.wake();
        }
    }

    /// Moves the names of closed connections to Python's side.
    pub fn push_closed(&self, shard: usize, closed: &mut Vec<ConnectionId>) {
        if !closed.is_empty() {
            lock(&self.lanes[shard]).closed.append(closed);
            self.wake();
        }
    }

    /// Takes what waits: every outcome, and up to [`HANDOFF_DRAIN_MAX`] requests, as evenly from the shards as they have them.
    pub fn drain(&self) -> Drained {
        self.pending.store(false, Ordering::SeqCst);
        let mut drained = Drained::default();
        let share = HANDOFF_DRAIN_MAX.div_ceil(self.lanes.len());
        for lane in &self.lanes {
            let mut lane = lock(lane);
            drained.outcomes.append(&mut lane.outcomes);
            drained.verifications.append(&mut lane.verifications);
            let take = share.min(lane.requests.len());
            drained.requests.extend(lane.requests.drain(..take));
            drained.more |= !lane.requests.is_empty();
            if lane.requests.is_empty() {
                drained.closed.append(&mut lane.closed);
            }
        }
        if drained.more {
            self.wake();
        }
        drained
    }

    fn wake(&self) {
        if !self.pending.swap(true, Ordering::SeqCst) {
            (self.signal)();
        }
    }
}

fn lock(lane: &Mutex<Lane>) -> MutexGuard<'_, Lane> {
    lane.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn request(n: u64) -> HandoffRequest {
        HandoffRequest {
            connection: ConnectionId(n),
            api_key: 3,
            api_version: 0,
            correlation_id: 0,
            client_id: None,
            listener: ListenerId(0),
            peer: IpAddr::from([127, 0, 0, 1]),
            arrived_ns: 0,
            body: Vec::new(),
        }
    }

    fn counted(shards: u16) -> (Handoff, Arc<AtomicUsize>) {
        let signals = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&signals);
        let signal = Box::new(move || {
            seen.fetch_add(1, Ordering::SeqCst);
        });
        (Handoff::new(shards, signal), signals)
    }

    #[test]
    fn one_signal_for_everything_until_it_is_drained() {
        let (handoff, signals) = counted(2);
        for shard in [0, 1, 0] {
            handoff.push(shard, &mut VecDeque::from([request(7)]), &mut Vec::new());
        }
        assert_eq!(signals.load(Ordering::SeqCst), 1);
        let drained = handoff.drain();
        assert_eq!((drained.requests.len(), drained.more), (3, false));
        handoff.push(0, &mut VecDeque::from([request(8)]), &mut Vec::new());
        assert_eq!(signals.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_drain_is_bounded_and_signals_for_the_rest() {
        let (handoff, signals) = counted(1);
        let mut many: VecDeque<_> = (0..300).map(request).collect();
        handoff.push(0, &mut many, &mut Vec::new());
        let drained = handoff.drain();
        assert_eq!((drained.requests.len(), drained.more), (HANDOFF_DRAIN_MAX, true));
        assert_eq!(signals.load(Ordering::SeqCst), 2);
        assert_eq!(handoff.drain().requests.len(), 300 - HANDOFF_DRAIN_MAX);
    }

    #[test]
    fn a_closed_connection_is_told_of_after_its_last_request() {
        let (handoff, _) = counted(1);
        let mut many: VecDeque<_> = (0..300).map(request).collect();
        handoff.push(0, &mut many, &mut Vec::new());
        handoff.push_closed(0, &mut vec![ConnectionId(299)]);
        assert_eq!(handoff.drain().closed, []);
        assert_eq!(handoff.drain().closed, [ConnectionId(299)]);
    }

    #[test]
    fn a_full_lane_leaves_the_rest_with_the_shard() {
        let (handoff, _) = counted(1);
        let mut many: VecDeque<_> = (0..5000).map(request).collect();
        handoff.push(0, &mut many, &mut Vec::new());
        assert_eq!(many.len(), 5000 - HANDOFF_WAITING_MAX);
    }
}
