//! The world of one seed: it moves time, bytes, jobs and turns, each a little, in an order that the seed gives.

use io::{Clock, Rng, SplitMix};

use super::clients::{Admin, Consumer, Ground, Lister, Producer, Transactor};
use super::clock::{NS_PER_MS, SimClock};
use super::ledger::{Checked, Ledger};
use super::link::Link;
use super::net::{PipeId, SharedWires};
use super::plan::Plan;
use super::process::{Process, Went};
use super::reach::{Reached, Situation};
use super::storage::FaultyDisk;
use super::survey::Place;
use super::topics::Topics;
use super::trace;
use crate::disk::End;

/// Steps in which everything that was begun must come to its end once the faults are over.
const SETTLE_STEPS_MAX: u64 = 60_000;
/// Time moves faster the longer nothing happens, up to this.
const IDLE_STEP_NS: u64 = 25 * NS_PER_MS;

/// See the module.
pub(super) struct World {
    pub plan: Plan,
    pub rng: SplitMix,
    pub clock: SimClock,
    pub wires: SharedWires,
    pub disk: FaultyDisk,
    pub process: Option<Process>,
    pub ledger: Ledger,
    pub topics: Topics,
    producers: Vec<Producer>,
    consumers: Vec<Consumer>,
    pub transactor: Transactor,
    lister: Lister,
    admin: Admin,
    /// How the run of the process ends that [`crate::disk::SimDisk::end_after`] is set for.
    pub end: End,
    /// A byte that is not what it should be, and what it should be.
    pub rotten: Option<(Place, u8)>,
    /// Until when segments find no space.
    pub full_until_ns: Option<u64>,
    /// Until when producers rest, so that fetches wait for single batches.
    pub lull_until_ns: u64,
    pub stopping: bool,
    pub settling: bool,
    /// A read was made to fail, and nobody has met it yet.
    pub reads_may_fail: bool,
    /// Until when a refusal of earlier may still be under way.
    pub reads_fail_until_ns: u64,
    pub refused_reads: u64,
    /// Steps since something last happened.
    quiet: u32,
    pub reached: Reached,
}

impl World {
    pub fn new(seed: u64) -> World {
        let mut rng = SplitMix(seed);
        let mut plan = Plan::of(seed, &mut rng);
        let wires = SharedWires::default();
        wires.lock().chunk_bytes_max = plan.chunk_bytes_max;
        World {
            topics: Topics(std::mem::take(&mut plan.topics)),
            producers: plan.producers.iter().copied().map(Producer::new).collect(),
            consumers: (0..)
                .zip(&plan.consumers)
                .map(|(number, (version, session, committed))| {
                    Consumer::new(number, *version, *session, *committed, false)
                })
                .collect(),
            plan,
            rng,
            clock: SimClock::default(),
            wires,
            disk: FaultyDisk::default(),
            process: None,
            ledger: Ledger::default(),
            transactor: Transactor::default(),
            lister: Lister::default(),
            admin: Admin::default(),
            end: End::Kill,
            rotten: None,
            full_until_ns: None,
            lull_until_ns: 0,
            stopping: false,
            settling: false,
            reads_may_fail: false,
            reads_fail_until_ns: 0,
            refused_reads: 0,
            quiet: 0,
            reached: Reached::default(),
        }
    }

    /// The whole run.
    pub fn run(&mut self) -> Checked {
        self.restart(false)?;
        for _ in 0..self.plan.steps {
            self.step()?;
            self.faults()?;
        }
        self.settle()?;
        for _ in 0..1 + self.rng.below(2) {
            self.end_somehow()?;
            self.drain()?;
        }
        self.reached.count(Situation::FullJournal, self.disk.seen().reserved > 0);
        self.reached.count(Situation::Truncation, self.disk.seen().cuts > 0);
        trace::note("ends", self.ledger.acked as i64, self.ledger.read as i64, 0);
        Ok(())
    }

    pub fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    /// A little of everything.
    pub fn step(&mut self) -> Checked {
        let short = if self.rng.below(4) == 0 { 4 * NS_PER_MS } else { NS_PER_MS / 2 };
        let idle = (NS_PER_MS << (self.quiet / 8).min(10)).min(IDLE_STEP_NS);
        self.clock.advance(1 + self.rng.below(if self.quiet > 8 { idle.max(short) } else { short }));
        let now_ns = self.now_ns();
        trace::at(now_ns);
        let mut busy = self.wires.lock().step(now_ns, &mut self.rng) > 0;
        busy |= self.node(now_ns)?;
        self.clients()?;
        self.quiet = if busy { 0 } else { self.quiet + 1 };
        Ok(())
    }

    /// The node's turns and jobs. True: jobs or the control plane did something.
    fn node(&mut self, now_ns: u64) -> Checked<bool> {
        let Some(process) = &mut self.process else { return Ok(false) };
        let went = process.turns(&mut self.rng);
        let mut busy = false;
        for bench in &process.benches {
            busy |= bench.step(now_ns, &self.disk, &*process.storage, &mut self.rng);
            if self.disk.disk.ended() {
                break;
            }
        }
        if self.disk.disk.ended() {
            self.crash(self.end)?;
            return Ok(true);
        }
        match went {
            Went::On => {}
            Went::Stopped => {
                if !self.stopping {
                    return Err("the node stopped by itself".to_owned());
                }
                trace::note("stopped", 0, 0, 0);
                self.crash(End::Kill)?;
                return Ok(true);
            }
            Went::Died(fatal) => {
                trace::note("died", 0, 0, 0);
                if self.disk.take_journal_hits() == 0 {
                    return Err(format!("the node died without a reason: {fatal}"));
                }
                let end = if self.rng.below(2) == 0 { End::Kill } else { End::Power };
                self.crash(end)?;
                return Ok(true);
            }
        }
        let process = self.process.as_mut().expect("it goes on");
        if self.rng.below(3) > 0 {
            let ready = process.control.is_ready();
            busy |= process.control.step(&mut self.rng)?;
            if !ready && process.control.is_ready() {
                self.topics_are_there()?;
            }
        }
        Ok(busy)
    }

    /// What was made is made, after every restart.
    fn topics_are_there(&self) -> Checked {
        let Some(process) = &self.process else { return Ok(()) };
        let there = process.control.topic_ids();
        let missing = self.topics.0.iter().find(|topic| topic.id.is_some_and(|id| !there.contains(&id)));
        match missing {
            Some(topic) => Err(format!("{} was made, and is gone after a restart", topic.name)),
            None => Ok(()),
        }
    }

    fn clients(&mut self) -> Checked {
        let World { producers, consumers, transactor, lister, admin, .. } = self;
        let mut ground = Ground {
            wires: &mut self.wires.lock(),
            ledger: &mut self.ledger,
            topics: &mut self.topics,
            rng: &mut self.rng,
            now_ns: self.clock.now_ns(),
            wall_ms: self.clock.wall_ms(),
            up: self.process.is_some() && !self.stopping,
            shards: usize::from(self.plan.shards),
            stopping: self.stopping,
            lull: self.clock.now_ns() < self.lull_until_ns,
            settling: self.settling,
            reads_may_fail: self.reads_may_fail
                || self.rotten.is_some()
                || self.clock.now_ns() < self.reads_fail_until_ns,
            refused_reads: &mut self.refused_reads,
        };
        for producer in producers {
            producer.step(&mut ground)?;
        }
        for consumer in consumers {
            consumer.step(&mut ground)?;
        }
        transactor.step(&mut ground)?;
        lister.step(&mut ground)?;
        admin.step(&mut ground)
    }

    fn links(&self) -> impl Iterator<Item = &Link> {
        let producers = self.producers.iter().map(Producer::link);
        let consumers = self.consumers.iter().map(Consumer::link);
        producers.chain(consumers).chain([self.transactor.link(), self.lister.link(), self.admin.link()])
    }

    /// One of the connections, if there is any.
    pub fn some_pipe(&mut self) -> Option<PipeId> {
        let pipes: Vec<PipeId> = self.links().filter_map(Link::pipe).collect();
        pipes.get(self.rng.below(pipes.len().max(1) as u64) as usize).copied()
    }

    /// The faults are over: everything that was begun must end.
    fn settle(&mut self) -> Checked {
        trace::note("settles", 0, 0, 0);
        self.settling = true;
        self.heal()?;
        for _ in 0..SETTLE_STEPS_MAX {
            self.step()?;
            let all = self.topics.0.iter().all(|topic| topic.id.is_some());
            let done = self.producers.iter().all(Producer::is_done)
                && self.consumers.iter().all(Consumer::is_done)
                && self.transactor.is_done()
                && self.lister.is_done()
                && self.admin.is_done();
            if all && done && !self.stopping && self.process.is_some() {
                return Ok(());
            }
        }
        let producers: Vec<String> =
            self.producers.iter().filter(|p| !p.is_done()).map(Producer::describe).collect();
        let consumers: Vec<String> =
            self.consumers.iter().filter(|c| !c.is_done()).map(Consumer::describe).collect();
        Err(format!(
            "{SETTLE_STEPS_MAX} steps after the last fault clients still wait: {}; {}; {}",
            producers.join("; "),
            consumers.join("; "),
            self.transactor.describe()
        ))
    }

    /// The process ends once more before everything is read, in one of the ways that it can.
    fn end_somehow(&mut self) -> Checked {
        match self.rng.below(3) {
            0 => {
                self.stop();
                for _ in 0..SETTLE_STEPS_MAX {
                    if !self.stopping {
                        return Ok(());
                    }
                    self.step()?;
                }
                Err(format!("the node does not stop in {SETTLE_STEPS_MAX} steps"))
            }
            1 => self.crash(End::Kill),
            _ => self.crash(End::Power),
        }
    }

    /// Everything is read, and held against everything that is known.
    fn drain(&mut self) -> Checked {
        for committed in [false, true] {
            self.drain_as(committed)?;
        }
        Ok(())
    }

    fn drain_as(&mut self, committed: bool) -> Checked {
        trace::note("drains", i64::from(committed), 0, 0);
        let version = 13 + self.rng.below(6) as i16;
        let number = i64::try_from(self.consumers.len()).expect("few");
        self.consumers.push(Consumer::new(number, version, false, committed, true));
        for _ in 0..SETTLE_STEPS_MAX {
            self.step()?;
            if self.consumers.iter().all(Consumer::is_done) {
                let drainer = self.consumers.pop().expect("just pushed");
                drainer.end(&mut self.wires.lock());
                return Ok(());
            }
        }
        let drainer = self.consumers.last().expect("just pushed").describe();
        Err(format!("not everything is read in {SETTLE_STEPS_MAX} steps: {drainer}"))
    }
}
