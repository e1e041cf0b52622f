//! Kafka's wire format: primitives, headers, and the four hot APIs. Bytes in, bytes out, no I/O.
//!
//! A request is checked whole when it is read: after `XRequest::read` nothing in it can be malformed, so its iterators
//! cannot fail and a bad frame has no half-done effects. Bytes behind a request are not looked at, as in Kafka: librdkafka's
//! Metadata v13 carries three. Nothing is copied and nothing is allocated per topic; every
//! count is held against the bytes present before anything is done with it.

pub mod api_versions;
mod counts;
mod error;
pub mod fetch;
mod frame;
mod header;
mod items;
pub mod keys;
pub mod list_offsets;
pub mod produce;
mod read;
mod topic;
mod write;

pub use api_versions::{ApiRange, ApiVersionsRequest, Feature};
pub use error::WireError;
pub use fetch::{FetchRequest, FetchResponseWriter, Piece};
pub use frame::Frame;
pub use header::RequestHeader;
pub use items::Items;
pub use keys::ApiKey;
pub use list_offsets::{ListOffsetsRequest, ListOffsetsResponseWriter};
pub use produce::{ProduceRequest, ProduceResponseWriter};
pub use read::Reader;
pub use topic::TopicRef;
