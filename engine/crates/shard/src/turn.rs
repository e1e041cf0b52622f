//! A turn of a shard's loop. The same code runs in the node and, with another world behind the traits, in the simulator.

use std::sync::Arc;

use io::{Clock, Executor, Net, NetEvent};
use model::ShardId;
use partition::{Fatal, Now, Store, StoreDone, StoreJob, Wake};
use server::{ApiRanges, Context, Flow, Handoff, Message, Metrics, Outbox, Server, Settings};

use crate::mailbox::Mailbox;

/// Longest wait without an event: retention, expiry and idle connections are looked at this often.
const TICK_NS: u64 = 1_000_000_000;

/// What a turn came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// There will be another.
    Again,
    /// Everything is durable and the loop is over.
    Stopped,
}

/// The world and the neighbours of a shard.
pub struct Parts {
    /// Everything durable.
    pub store: Store,
    /// Sockets.
    pub net: Box<dyn Net + Send>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where commits are written and synced, one at a time.
    pub commits: Box<dyn Executor<StoreJob> + Send>,
    /// Where everything else that blocks is done.
    pub pool: Box<dyn Executor<StoreJob> + Send>,
    /// Every shard's inbox, ours among them.
    pub mailboxes: Vec<Arc<Mailbox>>,
    /// The way to Python.
    pub handoff: Arc<Handoff>,
    /// Broker settings.
    pub settings: Arc<Settings>,
    /// What ApiVersions tells.
    pub api: Arc<ApiRanges>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

/// One shard.
pub struct Shard {
    id: ShardId,
    server: Server,
    store: Store,
    net: Box<dyn Net + Send>,
    clock: Arc<dyn Clock>,
    commits: Box<dyn Executor<StoreJob> + Send>,
    pool: Box<dyn Executor<StoreJob> + Send>,
    mailboxes: Vec<Arc<Mailbox>>,
    metrics: Arc<Metrics>,
    outbox: Outbox,
    posted: Vec<Vec<Message>>,
    events: Vec<NetEvent>,
    messages: Vec<Message>,
    jobs: Vec<StoreJob>,
    done: Vec<StoreDone>,
    wakes: Vec<Wake>,
    stopping: bool,
}

impl Shard {
    /// A shard ready for its first turn.
    #[must_use]
    pub fn new(id: ShardId, parts: Parts) -> Shard {
        let shards = parts.mailboxes.len();
        let mut store = parts.store;
        store.set_cleaner(parts.settings.cleaner(u16::try_from(shards).expect("shards are few")));
        let server = Server::new(
            id,
            u16::try_from(shards).expect("shards are few"),
            parts.handoff,
            parts.settings,
            parts.api,
            Arc::clone(&parts.metrics),
        );
        Shard {
            id,
            server,
            store,
            net: parts.net,
            clock: parts.clock,
            commits: parts.commits,
            pool: parts.pool,
            mailboxes: parts.mailboxes,
            metrics: parts.metrics,
            outbox: Outbox::default(),
            posted: (0..shards).map(|_| Vec::new()).collect(),
            events: Vec::new(),
            messages: Vec::new(),
            jobs: Vec::new(),
            done: Vec::new(),
            wakes: Vec::new(),
            stopping: false,
        }
    }

    /// Takes what happened, waiting for it if `wait`, and lets out what comes of it.
    ///
    /// Any error is the end: the journal could not be written or synced, and nothing may be acknowledged any more.
    pub fn turn(&mut self, wait: bool) -> Result<Turn, Fatal> {
        let timeout = if wait { self.timeout() } else { 0 };
        self.events.clear();
        self.net.poll(Some(timeout), &mut self.events).map_err(Fatal::from_poll)?;
        let now = Now { monotonic_ns: self.clock.monotonic_ns(), wall_ms: self.clock.wall_ms() };
        self.finished_work(now)?;
        self.take_messages(now);
        {
            let mut context = Context {
                store: &mut self.store,
                net: &mut *self.net,
                outbox: &mut self.outbox,
                jobs: &mut self.jobs,
                now,
            };
            for event in self.events.drain(..) {
                self.server.event(&mut context, event);
            }
            self.server.serve(&mut context);
            self.server.deadlines(&mut context);
        }
        self.let_out(now);
        if self.stopping && self.store.is_closed() {
            return Ok(Turn::Stopped);
        }
        Ok(Turn::Again)
    }

    fn timeout(&self) -> u64 {
        if self.server.has_work(self.store.room()) {
            return 0;
        }
        let now = self.clock.monotonic_ns();
        let due = self.server.next_deadline().map_or(TICK_NS, |at| at.saturating_sub(now));
        let cleaning = self.store.cleaning_due_ns().map(|at| at.saturating_sub(now)).filter(|wait| *wait > 0);
        due.min(cleaning.unwrap_or(TICK_NS)).min(TICK_NS)
    }

    fn finished_work(&mut self, now: Now) -> Result<(), Fatal> {
        self.commits.completed(&mut self.done);
        self.pool.completed(&mut self.done);
        for done in self.done.drain(..) {
            self.store.job_done(now, done, &mut self.wakes)?;
        }
        Ok(())
    }

    fn take_messages(&mut self, now: Now) {
        self.mailboxes[usize::from(self.id.0)].take(&mut self.messages);
        let mut context = Context {
            store: &mut self.store,
            net: &mut *self.net,
            outbox: &mut self.outbox,
            jobs: &mut self.jobs,
            now,
        };
        for wake in self.wakes.drain(..) {
            self.server.wake(&mut context, wake);
        }
        for message in self.messages.drain(..) {
            if self.server.message(&mut context, message) == Flow::Stop {
                self.stopping = true;
            }
        }
    }

    fn let_out(&mut self, now: Now) {
        if self.stopping {
            self.store.close(&mut self.jobs);
        }
        self.store.end_turn(now, &mut self.jobs, &mut self.wakes);
        for job in self.jobs.drain(..) {
            if let Some(bytes) = job.commit_bytes() {
                self.metrics.journal_commits.add(1);
                self.metrics.journal_bytes.add(bytes as u64);
                self.commits.submit(job);
            } else {
                self.pool.submit(job);
            }
        }
        for notice in self.store.take_notices() {
            io::say(&format!("headrace: shard {}: {notice}", self.id.0));
        }
        self.metrics.partitions.set(self.store.partition_count() as u64);
        let cleaner = self.store.cleaner_stats();
        self.metrics.compactions.set(cleaner.cleanings);
        self.metrics.compaction_bytes_before.set(cleaner.bytes_before);
        self.metrics.compaction_bytes_after.set(cleaner.bytes_after);
        self.metrics.compaction_dirty_percent.set(cleaner.dirty_percent_max);
        let mut context = Context {
            store: &mut self.store,
            net: &mut *self.net,
            outbox: &mut self.outbox,
            jobs: &mut self.jobs,
            now,
        };
        for wake in self.wakes.drain(..) {
            self.server.wake(&mut context, wake);
        }
        self.server.flush(&mut context);
        for (shard, message) in self.outbox.0.drain(..) {
            self.posted[usize::from(shard.0)].push(message);
        }
        for (mailbox, messages) in self.mailboxes.iter().zip(&mut self.posted) {
            mailbox.send(messages);
        }
    }
}
