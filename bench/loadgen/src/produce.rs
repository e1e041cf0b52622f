//! `produce`: replay one pre-encoded batch over a few connections and time the answers.
//!
//! Closed window (`--rate 0`): each connection keeps `--window` requests in flight; latency counts from the write.
//! Open loop (`--rate R`): request n is due at start + n/R whatever the answers do; latency counts from when it was due,
//! so a stall of the broker shows in every request that it delayed. The schedule's own lag is reported beside it.
//!
//! A connection's frames lie in a ring of whole frames that is encoded once: sending one is patching eight bytes and
//! moving a mark, and everything due goes out in one `writev`. A slot is used again only when its answer is in.

mod lane;

use std::collections::BTreeMap;
use std::os::fd::AsRawFd;

use crate::accounting::{self, Usage};
use crate::args::Args;
use crate::batch;
use crate::histogram::Histogram;
use crate::messages;
use crate::sys::{self, Epoll, now_ns};
use lane::Lane;

/// Below this distance to the next due request we stay awake: waking a core takes tens of microseconds.
const SPIN_NS: u64 = 60_000;

struct Plan {
    topic: String,
    acks: i16,
    partitions: u32,
    /// Partition n of the run is `n * stride` of the topic.
    stride: u32,
    interval_ns: Option<f64>,
    warmup_ns: u64,
    measured_ns: u64,
    /// Stop after this many requests, whatever the time; nothing is warm-up then.
    requests: Option<u64>,
    until_dropped: bool,
    pid: Option<u32>,
}

struct Run {
    plan: Plan,
    lanes: Vec<Lane>,
    records_per_batch: u32,
    /// Requests put on a connection so far.
    issued: u64,
    answered: u64,
    answered_at_start: u64,
    latency: Histogram,
    lag: Histogram,
    errors: BTreeMap<i16, u64>,
    /// One past the last acknowledged offset, by partition of the run.
    ends: Vec<i64>,
    measuring: bool,
}

pub fn run(args: &Args) -> Result<(), String> {
    if let Some(core) = args.optional("core")? {
        sys::pin(core)?;
    }
    let batch = batch::encode(
        args.get("batch-bytes", 16_384)?,
        args.get("record-bytes", 1_024)?,
        sys::wall_ms(),
    );
    let rate: f64 = args.get("rate", 0.0)?;
    let plan = Plan {
        topic: args.need("topic")?,
        acks: args.get("acks", -1)?,
        partitions: args.get("partitions", 1)?,
        stride: args.get("stride", 1)?,
        interval_ns: (rate > 0.0).then(|| 1e9 / rate),
        warmup_ns: (args.get("warmup", 1.0)? * 1e9) as u64,
        measured_ns: (args.get("seconds", 5.0)? * 1e9) as u64,
        requests: args.optional("requests")?,
        until_dropped: args.get("until-dropped", false)?,
        pid: args.optional("pid")?,
    };
    let frame = messages::produce(&plan.topic, plan.acks, &batch.bytes);
    let address: String = args.need("broker")?;
    let window: usize = args.get("window", if rate > 0.0 { 4_096 } else { 16 })?;
    let lanes = (0..args.get("connections", 1)?)
        .map(|_| Lane::connect(&address, &frame, window))
        .collect::<Result<Vec<_>, _>>()?;
    let ends = vec![0; plan.partitions as usize];
    let run = Run {
        plan,
        lanes,
        records_per_batch: batch.records,
        issued: 0,
        answered: 0,
        answered_at_start: 0,
        latency: Histogram::new(),
        lag: Histogram::new(),
        errors: BTreeMap::new(),
        ends,
        measuring: false,
    };
    run.play(batch.bytes.len() as u64)
}

impl Run {
    fn play(mut self, batch_bytes: u64) -> Result<(), String> {
        let mut epoll = Epoll::new();
        for (token, lane) in self.lanes.iter().enumerate() {
            epoll.add(lane.stream.as_raw_fd(), token, sys::READABLE);
        }
        let began = now_ns();
        let measure_from = began
            + if self.plan.requests.is_some() {
                0
            } else {
                self.plan.warmup_ns
            };
        let measure_to = measure_from + self.plan.measured_ns;
        let mut started: Option<(u64, f64, Option<Usage>)> = None;
        let mut dropped = false;
        let mut blocked = vec![false; self.lanes.len()];
        loop {
            let now = now_ns();
            if started.is_none() && now >= measure_from {
                let usage = self.plan.pid.map(accounting::usage).transpose()?;
                started = Some((now_ns(), sys::own_cpu_s(), usage));
                self.measuring = true;
                self.answered_at_start = self.answered;
            }
            let done = match self.plan.requests {
                Some(requests) => self.answered >= requests,
                None => now >= measure_to,
            };
            if done || dropped {
                break;
            }
            let due_in = self.issue(began, now);
            for (token, lane) in self.lanes.iter_mut().enumerate() {
                match lane.flush() {
                    Ok(whole) if whole == blocked[token] => {
                        blocked[token] = !whole;
                        let interest = if whole {
                            sys::READABLE
                        } else {
                            sys::READABLE | sys::WRITABLE
                        };
                        epoll.modify(lane.stream.as_raw_fd(), token, interest);
                    }
                    Ok(_) => {}
                    Err(error) => dropped = self.plan.until_dropped.then_some(true).ok_or(error)?,
                }
                if self.plan.acks == 0 {
                    let sent = lane.sent_frames();
                    self.answered += sent - lane.answered;
                    lane.answered = sent;
                }
            }
            let wait = if self.plan.acks == 0 {
                0
            } else {
                due_in.unwrap_or(measure_to.saturating_sub(now))
            };
            let wait = if wait < SPIN_NS {
                0
            } else {
                wait - SPIN_NS / 2
            };
            let ready: Vec<usize> = epoll
                .wait(Some(wait))
                .filter(|(_, events)| events & !sys::WRITABLE != 0)
                .map(|(token, _)| token)
                .collect();
            for token in ready {
                if let Err(error) = self.collect(token) {
                    dropped = self.plan.until_dropped.then_some(true).ok_or(error)?;
                }
            }
        }
        let (from_ns, own_cpu_s, usage) = started.ok_or("ended before the measured part began")?;
        self.print(
            batch_bytes,
            (now_ns() - from_ns) as f64 / 1e9,
            sys::own_cpu_s() - own_cpu_s,
            usage,
            dropped,
        )
    }

    /// Puts every request that may go now on its connection; gives the time to the next due one, if there is a schedule.
    fn issue(&mut self, began: u64, now: u64) -> Option<u64> {
        let left =
            |issued: u64, plan: &Plan| plan.requests.is_none_or(|requests| issued < requests);
        let count = self.lanes.len() as u64;
        let Some(interval_ns) = self.plan.interval_ns else {
            for at in 0..self.lanes.len() {
                while self.lanes[at].has_room() && left(self.issued, &self.plan) {
                    self.put(at, now);
                }
            }
            return None;
        };
        while left(self.issued, &self.plan) {
            let due = began + (self.issued as f64 * interval_ns) as u64;
            let at = (self.issued % count) as usize;
            if due > now {
                return Some(due - now);
            }
            if !self.lanes[at].has_room() {
                return Some(SPIN_NS * 2); // late: the answer that makes room wakes us, and the lag is counted then
            }
            if self.measuring {
                self.lag.record(now - due);
            }
            self.put(at, due);
        }
        None
    }

    fn put(&mut self, at: usize, since: u64) {
        let partition = (self.issued % u64::from(self.plan.partitions)) as u32;
        self.lanes[at].put(partition * self.plan.stride, since);
        self.issued += 1;
    }

    /// Reads what a connection has and settles every whole answer.
    fn collect(&mut self, token: usize) -> Result<(), String> {
        let lane = &mut self.lanes[token];
        lane.receive()?;
        let now = now_ns();
        while let Some(answer) = lane.next_answer()? {
            let since = lane.settle(answer.correlation)?;
            self.answered += 1;
            if self.measuring {
                self.latency.record(now.saturating_sub(since));
            }
            if answer.error == 0 {
                let partition = answer.partition as u32 / self.plan.stride;
                let end = answer.base_offset + i64::from(self.records_per_batch);
                let known = self
                    .ends
                    .get_mut(partition as usize)
                    .ok_or("answer for a partition never asked for")?;
                *known = end.max(*known);
            } else {
                *self.errors.entry(answer.error).or_default() += 1;
            }
        }
        Ok(())
    }

    fn print(
        &self,
        batch_bytes: u64,
        seconds: f64,
        own_cpu_s: f64,
        before: Option<Usage>,
        dropped: bool,
    ) -> Result<(), String> {
        let answered = self.answered - self.answered_at_start;
        let failed: u64 = self.errors.values().sum();
        let bytes = answered * batch_bytes;
        let records = answered * u64::from(self.records_per_batch);
        let broker = match (before, self.plan.pid) {
            (Some(before), Some(pid)) if !dropped => {
                accounting::json(before, accounting::usage(pid)?, bytes, seconds)
            }
            _ => "null".to_owned(),
        };
        let errors: Vec<String> = self
            .errors
            .iter()
            .map(|(code, count)| format!(r#""{code}":{count}"#))
            .collect();
        println!(
            r#"{{"answered":{answered},"answered_in_all":{},"failed":{failed},"errors":{{{}}},"batch_bytes":{batch_bytes},"records_per_batch":{},"bytes":{bytes},"seconds":{seconds:.6},"requests_per_s":{:.1},"records_per_s":{:.1},"gb_per_s":{:.4},"offered_per_s":{:.1},"latency":{},"lag":{},"generator_cpu_share":{:.4},"ends":{:?},"dropped":{dropped},"broker":{broker}}}"#,
            self.answered,
            errors.join(","),
            self.records_per_batch,
            answered as f64 / seconds,
            records as f64 / seconds,
            bytes as f64 / 1e9 / seconds,
            self.plan.interval_ns.map_or(0.0, |ns| 1e9 / ns),
            self.latency.json(),
            self.lag.json(),
            own_cpu_s / seconds,
            &self.ends[..self.ends.len().min(64)],
        );
        Ok(())
    }
}
