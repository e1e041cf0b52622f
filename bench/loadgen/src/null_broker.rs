//! `null-broker`: reads frames, answers them from nothing. The ceiling of a broker on the same core in the same minute.
//!
//! Produce v9 gets offsets that rise, Fetch v12 gets as many 16 KiB batches as it asked for (renumbered from the offset it
//! named), CreateTopics and the rest close the connection. Prints `null-broker ready HOST:PORT` when it listens.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use crate::args::Args;
use crate::batch;
use crate::messages::Reader;
use crate::sys::{self, Epoll};

const RECEIVE_BYTES: usize = 1 << 20;
const FETCH_BATCH_BYTES: usize = 16 * 1024;
const LISTENER: usize = usize::MAX >> 1;

struct Client {
    stream: TcpStream,
    received: Vec<u8>,
    held: usize,
    answers: Vec<u8>,
    sent: usize,
}

pub fn run(args: &Args) -> Result<(), String> {
    if let Some(core) = args.optional("core")? {
        sys::pin(core)?;
    }
    let failed = |error: std::io::Error| format!("null broker: {error}");
    let listener = TcpListener::bind(("127.0.0.1", args.get("port", 0)?)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    println!(
        "null-broker ready {}",
        listener.local_addr().map_err(failed)?
    );
    let stored = batch::encode(FETCH_BATCH_BYTES, 1_024, sys::wall_ms());
    let mut epoll = Epoll::new();
    epoll.add(listener.as_raw_fd(), LISTENER, sys::READABLE);
    let mut clients: Vec<Option<Client>> = Vec::new();
    let mut next_offset = 0_i64;
    loop {
        let ready: Vec<(usize, u32)> = epoll.wait(None).collect();
        for (token, _) in ready {
            if token == LISTENER {
                while let Ok((stream, _)) = listener.accept() {
                    stream
                        .set_nodelay(true)
                        .and_then(|()| stream.set_nonblocking(true))
                        .map_err(failed)?;
                    epoll.add(stream.as_raw_fd(), clients.len(), sys::READABLE);
                    clients.push(Some(Client {
                        stream,
                        received: vec![0; RECEIVE_BYTES],
                        held: 0,
                        answers: Vec::new(),
                        sent: 0,
                    }));
                }
                continue;
            }
            let Some(client) = clients[token].as_mut() else {
                continue;
            };
            let alive = client.turn(&stored, &mut next_offset);
            if alive {
                let full = client.sent < client.answers.len();
                let interest = if full {
                    sys::READABLE | sys::WRITABLE
                } else {
                    sys::READABLE
                };
                epoll.modify(client.stream.as_raw_fd(), token, interest);
            } else {
                clients[token] = None;
            }
        }
    }
}

impl Client {
    /// One read, all whole frames, one write; false when the client is gone or said what we do not know.
    fn turn(&mut self, stored: &batch::Batch, next_offset: &mut i64) -> bool {
        match self.stream.read(&mut self.received[self.held..]) {
            Ok(0) => return false,
            Ok(n) => self.held += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return false,
        }
        let mut at = 0;
        while let Some((length, rest)) = self.received[at..self.held].split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            if rest.len() < length {
                if 4 + length > self.received.len() {
                    self.received.resize(4 + length, 0);
                }
                break;
            }
            if answer(&rest[..length], stored, next_offset, &mut self.answers).is_err() {
                return false;
            }
            at += 4 + length;
        }
        self.received.copy_within(at..self.held, 0);
        self.held -= at;
        self.send()
    }

    fn send(&mut self) -> bool {
        while self.sent < self.answers.len() {
            match self.stream.write(&self.answers[self.sent..]) {
                Ok(n) => self.sent += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(_) => return false,
            }
        }
        self.answers.clear();
        self.sent = 0;
        true
    }
}

fn answer(
    frame: &[u8],
    stored: &batch::Batch,
    next_offset: &mut i64,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let mut reader = Reader(frame);
    let key = reader.i16()?;
    let version = reader.i16()?;
    let correlation = reader.i32()?;
    reader.string()?;
    reader.tags()?;
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&correlation.to_be_bytes());
    out.push(0);
    match (key, version) {
        (0, 9) => produce(&mut reader, next_offset, out)?,
        (1, 12) => fetch(&mut reader, stored, out)?,
        _ => {
            return Err(format!(
                "key {key} version {version} is not for a null broker"
            ));
        }
    }
    let length = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

fn produce(
    reader: &mut Reader<'_>,
    next_offset: &mut i64,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    reader.compact()?; // transactional id
    reader.take(6)?; // acks, timeout
    reader.count()?;
    let topic = reader.compact()?;
    reader.count()?;
    let partition = reader.i32()?;
    out.push(2);
    out.push(topic.len() as u8 + 1);
    out.extend_from_slice(topic);
    out.push(2);
    out.extend_from_slice(&partition.to_be_bytes());
    out.extend_from_slice(&0_i16.to_be_bytes());
    out.extend_from_slice(&next_offset.to_be_bytes());
    out.extend_from_slice(&(-1_i64).to_be_bytes());
    out.extend_from_slice(&0_i64.to_be_bytes());
    out.extend_from_slice(&[1, 0, 0, 0]); // record errors, message, tags of partition and topic
    out.extend_from_slice(&[0; 5]); // throttle, tags
    *next_offset += 1;
    Ok(())
}

fn fetch(reader: &mut Reader<'_>, stored: &batch::Batch, out: &mut Vec<u8>) -> Result<(), String> {
    reader.take(25)?; // replica .. session epoch
    reader.count()?;
    let topic = reader.compact()?;
    let partitions = reader.count()?;
    out.extend_from_slice(&[0; 10]); // throttle, error, session
    out.push(2);
    out.push(topic.len() as u8 + 1);
    out.extend_from_slice(topic);
    put_varint(out, partitions + 1);
    for _ in 0..partitions {
        let partition = reader.i32()?;
        reader.i32()?;
        let from = reader.i64()?;
        reader.take(12)?;
        let bytes_max = reader.i32()?;
        reader.tags()?;
        let batches = (bytes_max as usize / stored.bytes.len()).max(1);
        out.extend_from_slice(&partition.to_be_bytes());
        out.extend_from_slice(&0_i16.to_be_bytes());
        let end = from + (batches as i64 + 1) * i64::from(stored.records);
        out.extend_from_slice(&end.to_be_bytes()); // high watermark: there is always more
        out.extend_from_slice(&end.to_be_bytes());
        out.extend_from_slice(&0_i64.to_be_bytes());
        out.push(0); // aborted: null
        out.extend_from_slice(&(-1_i32).to_be_bytes());
        put_varint(out, batches * stored.bytes.len() + 1);
        for n in 0..batches {
            let at = out.len();
            out.extend_from_slice(&stored.bytes);
            let base = from + n as i64 * i64::from(stored.records);
            out[at..at + 8].copy_from_slice(&base.to_be_bytes());
        }
        out.push(0);
    }
    out.extend_from_slice(&[0, 0]);
    Ok(())
}

fn put_varint(out: &mut Vec<u8>, value: usize) {
    let mut rest = value;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}
