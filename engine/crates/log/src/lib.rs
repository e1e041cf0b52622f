//! One replica's log: a sequence of elements (records and zero-width markers) with a tail in memory and segments behind.
//!
//! Whatever happens to a [`Log`] is recorded in the shard's journal first; segment files follow it, written behind in large
//! pieces. [`Logs`] holds all logs of a shard: it replays the journal into them and frees journal files by writing behind.

mod aborted;
mod behind;
mod beside;
mod checkpoint;
mod cleaning;
pub mod compact;
pub mod job;
mod log;
mod logs;
mod markers;
#[cfg(feature = "mutants")]
mod misled;
mod order;
mod read;
mod replay;
mod salvage;
pub mod segment;
mod segments;
mod tail;

pub use beside::{WriteBeside, WroteBeside};
pub use cleaning::{CleanDone, CleanJob, CleanPlan, Compactor, Kept, Learned};
pub use compact::{Clean, Compacted};
pub use job::{LogDone, LogJob};
pub use journal::{Marker, Segment as SegmentInfo};
pub use log::{Log, SegmentLimits};
pub use logs::{Logs, Watch};
pub use read::{Read, ReadDone, ReadJob, TimeFound, TimeJob};
pub use salvage::Loss;
pub use segment::Aborted;
