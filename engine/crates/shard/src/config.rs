//! What a node is told before it starts.

use std::net::SocketAddr;
use std::path::PathBuf;

/// A named listener.
#[derive(Clone, Debug)]
pub struct ListenerConfig {
    /// Its name, as in `listeners=NAME://...`.
    pub name: String,
    /// Where it listens; port 0 picks a free one.
    pub address: SocketAddr,
}

/// Settings of the whole engine; Python validated them.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where everything durable is.
    pub data_dir: PathBuf,
    /// Shards, as fixed in `node.toml`.
    pub shards: u16,
    /// Kafka listeners.
    pub listeners: Vec<ListenerConfig>,
    /// Small files and quick starts.
    pub dev: bool,
    /// This broker's id on the wire.
    pub node_id: i32,
    /// Broker settings by Kafka's names.
    pub values: Vec<(String, String)>,
    /// (key, lowest, highest version) that ApiVersions tells.
    pub api_ranges: Vec<(i16, i16, i16)>,
}
