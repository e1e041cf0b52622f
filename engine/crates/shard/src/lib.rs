//! One event loop per core. A turn takes what happened (sockets, messages, finished work, time), steps the server and the
//! store, and lets everything that came of it out at once: one commit, one write per connection, one wake-up per peer.

mod config;
mod mailbox;
mod node;
mod turn;

pub use config::{Config, ListenerConfig};
pub use mailbox::Mailbox;
pub use node::{Node, StartError};
pub use turn::{Parts, Shard, Turn};
