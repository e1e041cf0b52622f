//! One life of the node: the real shards, over the simulated world, and the control plane's stand-in.

use std::path::Path;
use std::sync::Arc;

use io::{Rng, SplitMix, Storage};
use log::segment::OpenFiles;
use model::ShardId;
use partition::{Fatal, Store, StoreOptions};
use server::{ApiRanges, Handoff, Message, Metrics, Settings};
use shard::{Mailbox, Parts, Shard, Turn};

use super::clock::SimClock;
use super::control::Control;
use super::executor::SimExecutor;
use super::net::SharedWires;
use super::plan::Plan;
use super::storage::FaultyDisk;

/// Where the node's data is.
pub(super) const DATA: &str = "/data";

/// A running node.
pub(super) struct Process {
    /// `None`: it has stopped.
    shards: Vec<Option<Shard>>,
    mailboxes: Vec<Arc<Mailbox>>,
    pub benches: Vec<SimExecutor>,
    pub control: Control,
    pub storage: Arc<dyn Storage>,
}

/// How a node's turns went.
#[derive(Debug)]
pub(super) enum Went {
    On,
    Stopped,
    Died(Fatal),
}

impl Process {
    /// Recovers every shard. An error is what the node says when it refuses to start.
    pub fn start(
        plan: &Plan,
        disk: &FaultyDisk,
        clock: &SimClock,
        wires: &SharedWires,
        rng: &mut SplitMix,
    ) -> Result<Process, String> {
        let storage: Arc<dyn Storage> = Arc::new(OpenFiles::new(disk.clone(), plan.files_open_max));
        let values = [
            ("headrace.journal.file.bytes", plan.journal_file_bytes),
            ("headrace.tail.bytes.max", plan.tail_bytes_max),
            ("log.retention.check.interval.ms", plan.retention_check_ms),
            // Nobody is forgotten however the wall clock jumps.
            ("producer.id.expiration.ms", 1 << 60),
        ];
        let values: Vec<_> = values.map(|(name, value)| (name.to_owned(), value.to_string())).into();
        let settings = Arc::new(Settings::new(1, false, &values));
        let mut stores = Vec::new();
        for id in (0..plan.shards).map(ShardId) {
            let options = settings.store_options(Path::new(DATA), id);
            let options = StoreOptions { producers_in_state_max: plan.producers_in_state_max, ..options };
            let mut salts = SplitMix(rng.next_u64());
            let opened = Store::open(Arc::clone(&storage), options, &mut salts);
            stores.push(opened.map_err(|error| error.to_string())?);
        }
        wires.lock().begin_process(usize::from(plan.shards));
        let handoff = Arc::new(Handoff::new(plan.shards, Box::new(|| {})));
        let mailboxes: Vec<_> = (0..plan.shards).map(|_| Arc::new(Mailbox::new(Box::new(|| {})))).collect();
        let ranges: Vec<_> = wire::keys::API_KEYS.iter().map(|api| (api.key, api.min, api.max)).collect();
        let api = Arc::new(ApiRanges::new(&ranges));
        let mut benches = Vec::new();
        let mut shards = Vec::new();
        for (number, store) in stores.into_iter().enumerate() {
            let (commits, pool) = (SimExecutor::default(), SimExecutor::default());
            benches.extend([commits.clone(), pool.clone()]);
            let parts = Parts {
                store,
                net: Box::new(wires.net(number)),
                clock: Arc::new(clock.clone()),
                commits: Box::new(commits),
                pool: Box::new(pool),
                mailboxes: mailboxes.clone(),
                handoff: Arc::clone(&handoff),
                settings: Arc::clone(&settings),
                api: Arc::clone(&api),
                metrics: Arc::new(Metrics::default()),
            };
            let id = ShardId(u16::try_from(number).expect("shards are few"));
            shards.push(Some(Shard::new(id, parts)));
        }
        let control = Control::start(handoff, mailboxes.clone());
        Ok(Process { shards, mailboxes, benches, control, storage })
    }

    /// Each shard may have a turn.
    pub fn turns(&mut self, rng: &mut SplitMix) -> Went {
        for slot in &mut self.shards {
            if rng.below(4) == 0 {
                continue;
            }
            let Some(shard) = slot else { continue };
            match shard.turn(false) {
                Ok(Turn::Again) => {}
                Ok(Turn::Stopped) => *slot = None,
                Err(fatal) => return Went::Died(fatal),
            }
        }
        if self.shards.iter().all(Option::is_none) { Went::Stopped } else { Went::On }
    }

    /// Asks for a clean stop.
    pub fn stop(&self) {
        for mailbox in &self.mailboxes {
            mailbox.send(&mut vec![Message::StopAccepting, Message::Stop]);
        }
    }

    /// Whether a segment is ahead of what the journal says of it.
    pub fn has_untold_segment(&self) -> bool {
        self.benches.iter().any(SimExecutor::has_untold_segment)
    }
}
