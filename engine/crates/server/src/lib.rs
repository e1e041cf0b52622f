//! One connection, one request: frames in, answers out in order. Produce, Fetch, ListOffsets and ApiVersions are answered
//! here, one file each; everything else is handed to Python.

mod batch_calls;
pub mod calls;
mod clients;
pub mod connection;
mod dispatch;
mod fetch_session;
mod hand_off;
pub mod handoff;
mod k00_produce;
mod k01_fetch;
mod k02_list_offsets;
mod k18_api_versions;
pub mod message;
pub mod metrics;
mod postponed;
mod python_calls;
pub mod routing;
mod server;
pub mod settings;
mod twins;
mod verification;
pub mod waits;

pub use handoff::{Handoff, HandoffRequest, Verification};
pub use k18_api_versions::{ApiRanges, Features};
pub use message::{Message, Outbox, TopicsChange};
pub use metrics::Metrics;
pub use server::{Context, Flow, Server};
pub use settings::Settings;
