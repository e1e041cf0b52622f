//! Counters of one shard: written by its thread alone, read by any.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clients::Clients;

/// A number that a shard adds to and anyone may read.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        // Only this shard writes, so load and store need not be one step.
        self.0.store(self.0.load(Ordering::Relaxed) + n, Ordering::Relaxed);
    }

    /// Replaces the value.
    pub fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }
}

macro_rules! metrics {
    ($($(#[doc = $doc:literal])+ $name:ident => $public:literal,)+) => {
        /// What a shard counts.
        #[derive(Debug, Default)]
        pub struct Metrics {
            $($(#[doc = $doc])+ pub $name: Counter,)+
            /// The dirtiest log's share of bytes that no compaction has looked at.
            pub compaction_dirty_percent: Counter,
            clients: Mutex<Clients>,
        }

        impl Metrics {
            /// The sums over all shards, by public name.
            #[must_use]
            pub fn sum(shards: &[Arc<Metrics>], order: Ordering) -> Vec<(String, f64)> {
                let mut sums = vec![$((
                    $public.to_owned(),
                    shards.iter().map(|shard| shard.$name.0.load(order) as f64).sum(),
                ),)+];
                let dirtiest = shards.iter().map(|shard| shard.compaction_dirty_percent.0.load(order)).max();
                let dirtiest = dirtiest.unwrap_or(0) as f64;
                sums.push(("headrace_compaction_dirty_percent_max".to_owned(), dirtiest));
                sums.extend(client_counts(shards));
                sums
            }
        }
    };
}

metrics! {
    /// Connections accepted.
    connections_accepted => "headrace_connections_accepted_total",
    /// Connections open now.
    connections_open => "headrace_connections_open",
    /// Connections closed because of what they sent.
    connections_refused => "headrace_connections_refused_total",
    /// Bytes read from clients.
    bytes_received => "headrace_network_received_bytes_total",
    /// Bytes written to clients.
    bytes_sent => "headrace_network_sent_bytes_total",
    /// Produce requests begun.
    produce_requests => "headrace_produce_requests_total",
    /// Bytes of record batches appended.
    produce_bytes => "headrace_produce_bytes_total",
    /// Fetch requests begun.
    fetch_requests => "headrace_fetch_requests_total",
    /// Bytes of record batches fetched.
    fetch_bytes => "headrace_fetch_bytes_total",
    /// Requests handed to Python.
    handoff_requests => "headrace_handoff_requests_total",
    /// Journal commits.
    journal_commits => "headrace_journal_commits_total",
    /// Journal bytes written.
    journal_bytes => "headrace_journal_written_bytes_total",
    /// Compactions that ended.
    compactions => "headrace_compactions_total",
    /// Bytes of the segments that compactions looked at.
    compaction_bytes_before => "headrace_compaction_before_bytes_total",
    /// Bytes of those that took their place.
    compaction_bytes_after => "headrace_compaction_after_bytes_total",
    /// Partitions held.
    partitions => "headrace_partitions",
}

impl Metrics {
    /// Counts a connection by the client software it named.
    pub fn count_client(&self, name: &str, version: &str) {
        self.clients().count(name, version);
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn client_counts(shards: &[Arc<Metrics>]) -> Vec<(String, f64)> {
    let mut counts: BTreeMap<String, f64> = BTreeMap::new();
    for shard in shards {
        for (name, version, count) in shard.clients().counts() {
            // Both were checked when the client named them: letters, digits, dots and dashes.
            let labels = format!("software=\"{name}\",version=\"{version}\"");
            *counts.entry(format!("headrace_client_connections_total{{{labels}}}")).or_default() +=
                count as f64;
        }
    }
    counts.into_iter().collect()
}
