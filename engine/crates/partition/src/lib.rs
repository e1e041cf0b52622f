//! A partition: a replicated log with Kafka's rules. And [`Store`]: everything of one shard that is durable.
//!
//! ```text
//!     log start              last stable      high watermark          log end
//!         |  readable by all      |  read_uncommitted |  not yet on a quorum  |
//! offsets 3 ...................... 17 ............... 19 .................... 24
//! ```
//! Records below the high watermark are durable on a quorum, and only they are given out. Everything here is a state
//! machine: time and randomness come in, work for storage goes out as jobs.

mod compaction;
mod config;
mod error;
mod partition;
mod producers;
mod retention;
mod spec;
mod store;
mod validate;
mod verifying;
mod waiters;

pub use config::{CleanupPolicy, ConfigError, TimestampType, TopicConfig};
pub use error::{AppendError, Blamed, Fatal, FetchError, OpenError, error_code, fetch_error_code};
pub use spec::{
    Acks, Appended, DeletedRecords, EpochEnd, Fetch, FetchSpec, Fetched, Isolation, ListQuery, Listed,
    ListedOffset, LogInfo, Now, Origin, ProducerInfo, Refused, TopicSpec, Verified, WaiterToken, Wake,
};
pub use store::{
    CleanerOptions, CleanerStats, Known, Store, StoreDone, StoreJob, StoreOptions, move_orphans,
};
pub use verifying::Guard;
