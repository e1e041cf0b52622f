//! The words of the engine: ids, offsets, Kafka's error codes, and every limit. Depends on nothing.

pub mod error_code;
pub mod ids;
pub mod limits;
pub mod offsets;

pub use error_code::ErrorCode;
pub use ids::{ConnectionId, GroupId, ListenerId, PartitionIndex, ShardId, TopicId};
pub use offsets::{Epoch, LogIndex, Offset, Position, Watermarks};
