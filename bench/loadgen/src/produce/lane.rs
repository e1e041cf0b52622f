//! One connection of `produce`: a ring of whole frames, what of it is sent, and the answers.
//!
//! Invariant: `answered <= sent frames <= put <= answered + slots`, so a slot is never patched while its frame is in flight.

use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::TcpStream;

use crate::messages::{self, ProduceAnswer, ProduceFrame};

const RECEIVE_BYTES: usize = 256 * 1024;

pub struct Lane {
    pub stream: TcpStream,
    ring: Vec<u8>,
    frame_bytes: usize,
    slots: usize,
    correlation_at: usize,
    partition_at: usize,
    put: u64,
    sent_bytes: u64,
    pub answered: u64,
    /// When each request in flight was written or due, oldest first.
    since: VecDeque<u64>,
    received: Vec<u8>,
    received_from: usize,
    received_to: usize,
}

impl Lane {
    pub fn connect(address: &str, frame: &ProduceFrame, slots: usize) -> Result<Lane, String> {
        let stream = TcpStream::connect(address).map_err(|error| format!("{address}: {error}"))?;
        stream
            .set_nodelay(true)
            .and_then(|()| stream.set_nonblocking(true))
            .map_err(|error| error.to_string())?;
        Ok(Lane {
            stream,
            ring: frame.bytes.repeat(slots),
            frame_bytes: frame.bytes.len(),
            slots,
            correlation_at: frame.correlation_at,
            partition_at: frame.partition_at,
            put: 0,
            sent_bytes: 0,
            answered: 0,
            since: VecDeque::with_capacity(slots),
            received: vec![0; RECEIVE_BYTES],
            received_from: 0,
            received_to: 0,
        })
    }

    pub fn has_room(&self) -> bool {
        self.put - self.answered < self.slots as u64
    }

    pub fn sent_frames(&self) -> u64 {
        self.sent_bytes / self.frame_bytes as u64
    }

    /// Makes the next slot a request for `partition`, timed from `since`.
    pub fn put(&mut self, partition: u32, since: u64) {
        let at = (self.put % self.slots as u64) as usize * self.frame_bytes;
        let slot = &mut self.ring[at..at + self.frame_bytes];
        slot[self.correlation_at..self.correlation_at + 4]
            .copy_from_slice(&(self.put as u32).to_be_bytes());
        slot[self.partition_at..self.partition_at + 4].copy_from_slice(&partition.to_be_bytes());
        self.since.push_back(since);
        self.put += 1;
    }

    /// Writes what is put; true when all of it is out, false when the socket is full.
    pub fn flush(&mut self) -> Result<bool, String> {
        loop {
            let pending = (self.put * self.frame_bytes as u64 - self.sent_bytes) as usize;
            if pending == 0 {
                return Ok(true);
            }
            let at = (self.sent_bytes % self.ring.len() as u64) as usize;
            let first = pending.min(self.ring.len() - at);
            let parts = [
                IoSlice::new(&self.ring[at..at + first]),
                IoSlice::new(&self.ring[..pending - first]),
            ];
            match self.stream.write_vectored(&parts) {
                Ok(n) => self.sent_bytes += n as u64,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(format!("write: {error}")),
            }
        }
    }

    /// Reads once into the buffer.
    pub fn receive(&mut self) -> Result<(), String> {
        self.received
            .copy_within(self.received_from..self.received_to, 0);
        self.received_to -= self.received_from;
        self.received_from = 0;
        match self.stream.read(&mut self.received[self.received_to..]) {
            Ok(0) => Err("the broker closed the connection".to_owned()),
            Ok(n) => {
                self.received_to += n;
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(format!("read: {error}")),
        }
    }

    pub fn next_answer(&mut self) -> Result<Option<ProduceAnswer>, String> {
        let bytes = &self.received[self.received_from..self.received_to];
        let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let Some(frame) = rest.get(..u32::from_be_bytes(*length) as usize) else {
            return Ok(None);
        };
        let answer = messages::produce_answer(frame)?;
        self.received_from += 4 + frame.len();
        Ok(Some(answer))
    }

    /// Settles the oldest request in flight; gives the time it counts from. Answers come in request order or it is an error.
    pub fn settle(&mut self, correlation: i32) -> Result<u64, String> {
        if correlation != self.answered as u32 as i32 {
            return Err(format!(
                "answer {correlation} where {} was due",
                self.answered as u32
            ));
        }
        self.answered += 1;
        self.since
            .pop_front()
            .ok_or_else(|| "an answer to nothing".to_owned())
    }
}
