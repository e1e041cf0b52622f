//! `fetch`: read partitions as a consumer's fetcher does, one request in flight a connection, no session.
//!
//! `--from start` begins at offset 0, `--from end` at the partitions' ends when it starts (the tail). Follows batch headers
//! only; checks that offsets go on without a gap. Ends after `--seconds`, or with `--to-end true` when it has read what was
//! there when it began.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::TcpStream;
use std::os::fd::AsRawFd;

use crate::accounting;
use crate::args::Args;
use crate::batch;
use crate::histogram::Histogram;
use crate::link::Link;
use crate::messages::{Reader, Writer};
use crate::sys::{self, Epoll, now_ns};

const MAX_WAIT_MS: i32 = 500;
const RESPONSE_BYTES_MAX: i32 = 50 << 20;
const ISOLATION_READ_UNCOMMITTED: i8 = 0;

struct Place {
    partition: i32,
    next: i64,
    /// Where the run may stop with `--to-end`.
    end: i64,
}

struct Lane {
    stream: TcpStream,
    places: Vec<Place>,
    received: Vec<u8>,
    held: usize,
    asked_at: u64,
}

#[derive(Default)]
struct Total {
    bytes: u64,
    batches: u64,
    records: u64,
    answers: u64,
    empty: u64,
    codecs: BTreeMap<u8, u64>,
}

pub fn run(args: &Args) -> Result<(), String> {
    if let Some(core) = args.optional("core")? {
        sys::pin(core)?;
    }
    let address: String = args.need("broker")?;
    let topic: String = args.need("topic")?;
    let partitions: i32 = args.get("partitions", 1)?;
    let connections: i32 = args.get::<i32>("connections", 1)?.min(partitions);
    let to_end: bool = args.get("to-end", false)?;
    let bytes_max: i32 = args.get("partition-bytes", 1 << 20)?;
    let min_bytes: i32 = args.get("min-bytes", 1)?;
    let tail = match args.get("from", "start".to_owned())?.as_str() {
        "start" => false,
        "end" => true,
        other => return Err(format!("--from {other:?}: start or end")),
    };
    let ends = if tail || to_end {
        ends(&address, &topic, partitions)?
    } else {
        vec![i64::MAX; partitions as usize]
    };
    let mut epoll = Epoll::new();
    let mut lanes = Vec::new();
    for at in 0..connections {
        let stream = TcpStream::connect(&address).map_err(|error| format!("{address}: {error}"))?;
        stream
            .set_nodelay(true)
            .map_err(|error| error.to_string())?;
        epoll.add(stream.as_raw_fd(), at as usize, sys::READABLE);
        let places = (at..partitions)
            .step_by(connections as usize)
            .map(|partition| Place {
                partition,
                next: if tail { ends[partition as usize] } else { 0 },
                end: ends[partition as usize],
            })
            .collect();
        lanes.push(Lane {
            stream,
            places,
            received: vec![0; 1 << 20],
            held: 0,
            asked_at: 0,
        });
    }
    let pid: Option<u32> = args.optional("pid")?;
    let before = pid.map(accounting::usage).transpose()?;
    let (began, own_cpu_s) = (now_ns(), sys::own_cpu_s());
    let until = began + (args.get("seconds", 5.0)? * 1e9) as u64;
    let mut total = Total::default();
    let mut latency = Histogram::new();
    for lane in &mut lanes {
        lane.ask(&topic, bytes_max, min_bytes)?;
    }
    let mut open = lanes.len();
    while open > 0 && now_ns() < until {
        let ready: Vec<usize> = epoll
            .wait(Some(until.saturating_sub(now_ns())))
            .map(|(token, _)| token)
            .collect();
        for token in ready {
            let lane = &mut lanes[token];
            if !lane.receive(&mut total)? {
                continue;
            }
            latency.record(now_ns() - lane.asked_at);
            if to_end && lane.places.iter().all(|place| place.next >= place.end) {
                open -= 1;
            } else {
                lane.ask(&topic, bytes_max, min_bytes)?;
            }
        }
    }
    let seconds = (now_ns() - began) as f64 / 1e9;
    let broker = match (before, pid) {
        (Some(before), Some(pid)) => {
            accounting::json(before, accounting::usage(pid)?, total.bytes, seconds)
        }
        _ => "null".to_owned(),
    };
    let codecs: Vec<String> = total
        .codecs
        .iter()
        .map(|(codec, count)| format!(r#""{codec}":{count}"#))
        .collect();
    println!(
        r#"{{"bytes":{},"batches":{},"records":{},"answers":{},"empty":{},"seconds":{seconds:.6},"gb_per_s":{:.4},"latency":{},"generator_cpu_share":{:.4},"codecs":{{{}}},"reached_end":{},"broker":{broker}}}"#,
        total.bytes,
        total.batches,
        total.records,
        total.answers,
        total.empty,
        total.bytes as f64 / 1e9 / seconds,
        latency.json(),
        (sys::own_cpu_s() - own_cpu_s) / seconds,
        codecs.join(","),
        to_end && open == 0,
    );
    Ok(())
}

impl Lane {
    fn ask(&mut self, topic: &str, bytes_max: i32, min_bytes: i32) -> Result<(), String> {
        let mut writer = Writer::request(1, 12, 0, true);
        writer
            .i32(-1)
            .i32(MAX_WAIT_MS)
            .i32(min_bytes)
            .i32(RESPONSE_BYTES_MAX)
            .i8(ISOLATION_READ_UNCOMMITTED);
        writer
            .i32(0)
            .i32(-1)
            .count(1)
            .compact(topic)
            .count(self.places.len());
        for place in &self.places {
            writer
                .i32(place.partition)
                .i32(-1)
                .i64(place.next)
                .i32(-1)
                .i64(-1)
                .i32(bytes_max)
                .i8(0);
        }
        writer.i8(0).count(0).compact("").i8(0);
        self.asked_at = now_ns();
        std::io::Write::write_all(&mut self.stream, &writer.finish())
            .map_err(|error| format!("write: {error}"))
    }

    /// Reads once; true when the answer was whole and is accounted for.
    fn receive(&mut self, total: &mut Total) -> Result<bool, String> {
        let n = self
            .stream
            .read(&mut self.received[self.held..])
            .map_err(|error| format!("read: {error}"))?;
        if n == 0 {
            return Err("the broker closed the connection".to_owned());
        }
        self.held += n;
        let Some((length, rest)) = self.received[..self.held].split_first_chunk::<4>() else {
            return Ok(false);
        };
        let length = u32::from_be_bytes(*length) as usize;
        if rest.len() < length {
            if 4 + length > self.received.len() {
                self.received.resize(4 + length, 0);
            }
            return Ok(false);
        }
        account(&rest[..length], &mut self.places, total)?;
        self.held = 0;
        Ok(true)
    }
}

fn account(frame: &[u8], places: &mut [Place], total: &mut Total) -> Result<(), String> {
    let mut reader = Reader(frame);
    reader.i32()?;
    reader.tags()?;
    reader.i32()?;
    let error = reader.i16()?;
    if error != 0 {
        return Err(format!("fetch: error {error}"));
    }
    reader.i32()?;
    total.answers += 1;
    let bytes_before = total.bytes;
    for _ in 0..reader.count()? {
        reader.compact()?;
        for _ in 0..reader.count()? {
            let partition = reader.i32()?;
            let error = reader.i16()?;
            if error != 0 {
                return Err(format!("fetch of partition {partition}: error {error}"));
            }
            reader.take(24)?;
            for _ in 0..reader.count()? {
                reader.take(16)?;
                reader.tags()?;
            }
            reader.i32()?;
            let records = reader.compact()?;
            reader.tags()?;
            let place = places
                .iter_mut()
                .find(|place| place.partition == partition)
                .ok_or("a partition never asked for")?;
            follow(records, place, total)?;
        }
        reader.tags()?;
    }
    total.empty += u64::from(total.bytes == bytes_before);
    Ok(())
}

fn follow(mut records: &[u8], place: &mut Place, total: &mut Total) -> Result<(), String> {
    while let Some(seen) = batch::look(records) {
        let first = seen.next_offset - i64::from(seen.records);
        if first > place.next {
            return Err(format!(
                "partition {}: offset {first} where {} was next",
                place.partition, place.next
            ));
        }
        place.next = seen.next_offset;
        total.bytes += seen.total_bytes as u64;
        total.batches += 1;
        total.records += u64::from(seen.records);
        *total.codecs.entry(seen.codec).or_default() += 1;
        records = &records[seen.total_bytes..];
    }
    Ok(())
}

/// `ends`: prints the end offset of each partition of a topic.
pub fn print_ends(args: &Args) -> Result<(), String> {
    let ends = ends(
        &args.need::<String>("broker")?,
        &args.need::<String>("topic")?,
        args.get("partitions", 1)?,
    )?;
    println!(r#"{{"ends":{ends:?}}}"#);
    Ok(())
}

/// End offsets of all partitions, by ListOffsets v5.
fn ends(address: &str, topic: &str, partitions: i32) -> Result<Vec<i64>, String> {
    const LATEST: i64 = -1;
    let mut writer = Writer::request(2, 5, 1, false);
    writer
        .i32(-1)
        .i8(ISOLATION_READ_UNCOMMITTED)
        .i32(1)
        .string(topic)
        .i32(partitions);
    for partition in 0..partitions {
        writer.i32(partition).i32(-1).i64(LATEST);
    }
    let answer = Link::connect(address)?.call(&writer.finish())?;
    let mut reader = Reader(&answer);
    reader.take(8)?; // correlation, throttle
    reader.i32()?;
    reader.string()?;
    let mut ends = vec![0; partitions as usize];
    for _ in 0..reader.i32()? {
        let partition = reader.i32()?;
        let error = reader.i16()?;
        if error != 0 {
            return Err(format!(
                "list offsets of partition {partition}: error {error}"
            ));
        }
        reader.i64()?;
        *ends
            .get_mut(partition as usize)
            .ok_or("a partition never asked for")? = reader.i64()?;
        reader.i32()?;
    }
    Ok(ends)
}
