//! Broker settings that connections act on, by Kafka's names. Python validated them; what is missing has Kafka's default.

use std::path::Path;

use model::ShardId;
use model::limits::{
    COMPACTION_KEYS_BYTES_MAX, CONNECTION_IDLE_MS_MAX, JOURNAL_FILE_BYTES, JOURNAL_FILE_BYTES_DEV,
    JOURNAL_FILE_BYTES_FIRST, JOURNAL_FILES_MAX, PRODUCERS_IN_STATE_MAX, REQUEST_BYTES_MAX, TAIL_BYTES_MAX,
};
use partition::{CleanerOptions, StoreOptions};

/// What a shard's server goes by.
#[derive(Clone, Debug)]
pub struct Settings {
    /// This broker's id on the wire.
    pub node_id: i32,
    /// `socket.request.max.bytes`.
    pub request_bytes_max: usize,
    /// `connections.max.idle.ms`.
    pub connection_idle_ms_max: u64,
    /// Connections of one shard, from `max.connections`.
    pub connections_max_per_shard: usize,
    /// `transaction.partition.verification.enable`: a transaction's coordinator is asked before its first batch.
    pub verifies_transactions: bool,
    journal_file_bytes: u64,
    journal_files_max: usize,
    tail_bytes_max: usize,
    retention_check_ms: u64,
    producer_expiration_ms: i64,
    accept_loss: bool,
    cleaner: CleanerOptions,
}

impl Settings {
    /// Reads what is needed from all settings; unknown names are somebody else's.
    #[must_use]
    pub fn new(node_id: i32, dev: bool, values: &[(String, String)]) -> Settings {
        let text =
            |name: &str| values.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let number = |name: &str, default: u64| {
            text(name).and_then(|value| value.parse::<u64>().ok()).unwrap_or(default)
        };
        let size =
            |name: &str, default: usize| usize::try_from(number(name, default as u64)).unwrap_or(default);
        let file_bytes = if dev { JOURNAL_FILE_BYTES_DEV } else { JOURNAL_FILE_BYTES };
        Settings {
            node_id,
            request_bytes_max: size("socket.request.max.bytes", REQUEST_BYTES_MAX),
            connection_idle_ms_max: number("connections.max.idle.ms", CONNECTION_IDLE_MS_MAX),
            connections_max_per_shard: size("max.connections", i32::MAX as usize).min(20_000),
            verifies_transactions: text("transaction.partition.verification.enable") != Some("false"),
            journal_file_bytes: number("headrace.journal.file.bytes", file_bytes),
            journal_files_max: size("headrace.journal.files.max", JOURNAL_FILES_MAX),
            tail_bytes_max: size("headrace.tail.bytes.max", TAIL_BYTES_MAX),
            retention_check_ms: number("log.retention.check.interval.ms", 300_000),
            producer_expiration_ms: i64::try_from(number("producer.id.expiration.ms", 86_400_000))
                .unwrap_or(i64::MAX),
            accept_loss: number("headrace.accept.loss", 0) == 1,
            cleaner: CleanerOptions {
                is_enabled: text("log.cleaner.enable") != Some("false"),
                backoff_ms: number("log.cleaner.backoff.ms", 15_000),
                keys_bytes_max: size("log.cleaner.dedupe.buffer.size", COMPACTION_KEYS_BYTES_MAX),
                // Kafka's default is the largest float, which is no limit.
                io_bytes_per_s: text("log.cleaner.io.max.bytes.per.second")
                    .and_then(|value| value.parse::<f64>().ok())
                    .map_or(u64::MAX, |rate| rate as u64),
                ..CleanerOptions::default()
            },
        }
    }

    /// `--accept-loss`.
    #[must_use]
    pub fn accepts_loss(&self) -> bool {
        self.accept_loss
    }

    /// How each of `shards` shards compacts: memory and pace are the node's.
    #[must_use]
    pub fn cleaner(&self, shards: u16) -> CleanerOptions {
        let shards = shards.max(1);
        CleanerOptions {
            keys_bytes_max: self.cleaner.keys_bytes_max / usize::from(shards),
            io_bytes_per_s: (self.cleaner.io_bytes_per_s / u64::from(shards)).max(1),
            ..self.cleaner
        }
    }

    /// Where a shard's data is and how much it may use.
    #[must_use]
    pub fn store_options(&self, data_dir: &Path, shard: ShardId) -> StoreOptions {
        StoreOptions {
            data_dir: data_dir.to_path_buf(),
            shard,
            journal_file_bytes_first: JOURNAL_FILE_BYTES_FIRST.min(self.journal_file_bytes),
            journal_file_bytes: self.journal_file_bytes,
            journal_files_max: self.journal_files_max,
            tail_bytes_max: self.tail_bytes_max,
            retention_check_ms: self.retention_check_ms,
            producer_expiration_ms: self.producer_expiration_ms,
            producers_in_state_max: PRODUCERS_IN_STATE_MAX,
            accept_loss: self.accept_loss,
        }
    }
}
