//! The real node: a thread a shard, its workers, and the queues between them and Python.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use io::{Clock, OsRng, RealNet, Storage, Workers};
use model::{ListenerId, ShardId};
use partition::{Known, OpenError, Store};
use server::{Handoff, Message, Metrics, Settings};

use crate::config::Config;
use crate::mailbox::Mailbox;
use crate::turn::{Parts, Shard, Turn};

/// Threads that write behind, read cold data and clean, per shard.
const POOL_THREADS: usize = 2;

/// Why a node did not start, for a person: `what: detail; hint`, and the process's exit code.
#[derive(Debug)]
pub struct StartError {
    /// What is wrong.
    pub what: String,
    /// The system's own words.
    pub detail: String,
    /// What to do.
    pub hint: String,
    /// 3 data directory, 4 address in use, 1 the rest.
    pub exit_code: i32,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.what, self.detail, self.hint)
    }
}

/// A running node.
pub struct Node {
    addresses: Vec<SocketAddr>,
    mailboxes: Vec<Arc<Mailbox>>,
    handoff: Arc<Handoff>,
    metrics: Vec<Arc<Metrics>>,
    threads: Vec<JoinHandle<()>>,
}

impl Node {
    /// Recovers every shard, binds the listeners, starts the threads. `signal` wakes Python and may be called from any.
    pub fn start(
        config: &Config,
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
        signal: Box<dyn Fn() + Send + Sync>,
    ) -> Result<Node, StartError> {
        let settings = Arc::new(Settings::new(config.node_id, config.dev, &config.values));
        let mut nets = open_nets(config.shards)?;
        let addresses = listen(&mut nets[0], config)?;
        let handoff = Arc::new(Handoff::new(config.shards, signal));
        let mailboxes: Vec<Arc<Mailbox>> = nets
            .iter()
            .map(|net| {
                let waker = net.waker();
                Arc::new(Mailbox::new(Box::new(move || waker.wake())))
            })
            .collect();
        let api = Arc::new(server::ApiRanges::new(&config.api_ranges));
        let mut node = Node { addresses, mailboxes, handoff, metrics: Vec::new(), threads: Vec::new() };
        let (ready, started) = mpsc::channel();
        // A shard that is not told to go ends without a trace in its journal.
        let mut go = Vec::new();
        for (number, net) in nets.into_iter().enumerate() {
            let id = ShardId(u16::try_from(number).expect("shards are few"));
            let metrics = Arc::new(Metrics::default());
            node.metrics.push(Arc::clone(&metrics));
            let start = ShardStart {
                id,
                config: config.clone(),
                settings: Arc::clone(&settings),
                api: Arc::clone(&api),
                storage: Arc::clone(&storage),
                clock: Arc::clone(&clock),
                net,
                mailboxes: node.mailboxes.clone(),
                handoff: Arc::clone(&node.handoff),
                metrics,
            };
            let ready = ready.clone();
            let (tell, told) = mpsc::channel();
            go.push(tell);
            node.threads.push(io::spawn(&format!("shard-{number}"), move || start.run(&ready, &told)));
        }
        drop(ready);
        // Each shard says once that it is open; the senders live as long as the shards, so the channel does not end.
        let mut known = Vec::new();
        for opened in started.iter().take(usize::from(config.shards)) {
            match opened {
                Ok(shard) => known.push(shard),
                Err(error) => {
                    drop(go);
                    node.stop();
                    return Err(error);
                }
            }
        }
        // Nobody has named a partition yet, so what is there now is all that the shards know.
        match partition::move_orphans(&*storage, &config.data_dir, &known, settings.accepts_loss()) {
            Ok(said) => said.iter().for_each(|said| io::say(&format!("headrace: {said}"))),
            Err(error) => {
                drop(go);
                node.stop();
                return Err(unusable(config, &error));
            }
        }
        for shard in go {
            let _ = shard.send(()); // it waits for this
        }
        Ok(node)
    }

    /// The addresses in use, in the order of the configuration.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Python's side of the queues.
    #[must_use]
    pub fn handoff(&self) -> &Handoff {
        &self.handoff
    }

    /// Sends messages to a shard, in order.
    pub fn send(&self, shard: ShardId, messages: &mut Vec<Message>) {
        self.mailboxes[usize::from(shard.0)].send(messages);
    }

    /// Counters and gauges by name, all shards together.
    #[must_use]
    pub fn metrics(&self) -> Vec<(String, f64)> {
        Metrics::sum(&self.metrics, Ordering::Relaxed)
    }

    /// Makes everything durable, writes the closing commits, joins the threads.
    pub fn stop(self) {
        for mailbox in &self.mailboxes {
            mailbox.send(&mut vec![Message::Stop]);
        }
        for thread in self.threads {
            // A shard that panicked has already ended the process.
            let _ = thread.join();
        }
    }
}

fn open_nets(shards: u16) -> Result<Vec<RealNet>, StartError> {
    let failed = |error: std::io::Error| StartError {
        what: "cannot poll for events".to_owned(),
        detail: error.to_string(),
        hint: "raise the limit on open files (ulimit -n)".to_owned(),
        exit_code: 1,
    };
    let mut nets = (0..shards).map(|_| RealNet::new().map_err(failed)).collect::<Result<Vec<_>, _>>()?;
    let (first, others) = nets.split_first_mut().expect("a node has at least one shard");
    first.deal_to(&others.iter().collect::<Vec<_>>());
    Ok(nets)
}

fn listen(net: &mut RealNet, config: &Config) -> Result<Vec<SocketAddr>, StartError> {
    let mut addresses = Vec::new();
    for (number, listener) in config.listeners.iter().enumerate() {
        let id = ListenerId(u16::try_from(number).expect("listeners are few"));
        let bound = net.listen(id, listener.address).map_err(|error| StartError {
            what: format!("cannot listen on {} ({})", listener.address, listener.name),
            detail: error.to_string(),
            hint: "stop what uses it or choose another address with --kafka".to_owned(),
            exit_code: 4,
        })?;
        addresses.push(bound);
    }
    Ok(addresses)
}

fn unusable(config: &Config, error: &OpenError) -> StartError {
    StartError {
        what: format!("cannot use data directory {}", config.data_dir.display()),
        detail: error.to_string(),
        hint: "restore it from a copy, or start with --accept-loss to go on without what is gone".to_owned(),
        exit_code: 3,
    }
}

/// What a shard's thread starts from.
struct ShardStart {
    id: ShardId,
    config: Config,
    settings: Arc<Settings>,
    api: Arc<server::ApiRanges>,
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    net: RealNet,
    mailboxes: Vec<Arc<Mailbox>>,
    handoff: Arc<Handoff>,
    metrics: Arc<Metrics>,
}

impl ShardStart {
    fn run(self, ready: &mpsc::Sender<Result<Known, StartError>>, go: &mpsc::Receiver<()>) {
        let options = self.settings.store_options(&self.config.data_dir, self.id);
        let opened = Store::open(Arc::clone(&self.storage), options, &mut OsRng);
        let store = match opened {
            Ok(store) => store,
            Err(error) => {
                let _ = ready.send(Err(unusable(&self.config, &error))); // the starter waits for it
                return;
            }
        };
        for loss in store.losses() {
            io::say(&format!("headrace: shard {}: {loss}", self.id.0));
        }
        let known = store.known();
        let waker = self.net.waker();
        let wake = {
            let waker = waker.clone();
            move || waker.wake()
        };
        let commits = Workers::start("commit", 1, Arc::clone(&self.storage), Box::new(wake.clone()));
        let pool = Workers::start("storage", POOL_THREADS, self.storage, Box::new(wake));
        let mut shard = Shard::new(
            self.id,
            Parts {
                store,
                net: Box::new(self.net),
                clock: self.clock,
                commits: Box::new(commits),
                pool: Box::new(pool),
                mailboxes: self.mailboxes,
                handoff: self.handoff,
                settings: self.settings,
                api: self.api,
                metrics: self.metrics,
            },
        );
        let _ = ready.send(Ok(known));
        if go.recv().is_err() {
            return;
        }
        loop {
            match shard.turn(true) {
                Ok(Turn::Again) => {}
                Ok(Turn::Stopped) => return,
                // What is not known to be durable must never be acknowledged: nothing may go on after this.
                Err(fatal) => io::die(&format!("headrace: {fatal}")),
            }
        }
    }
}
