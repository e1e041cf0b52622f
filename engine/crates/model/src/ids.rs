//! Who is who: each id is a type of its own, so that none is taken for another.

use std::fmt;

/// A Raft group: one partition's consensus group, numbered by the controller and never reused. Group 0 is cluster metadata.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct GroupId(pub u64);

impl GroupId {
    /// The controller's own log, `__cluster_metadata`.
    pub const CONTROLLER: GroupId = GroupId(0);

    /// Where the group lives on this node: `group number % shards`; there is no table.
    #[must_use]
    pub fn shard(self, shards: u16) -> ShardId {
        let shard = self.0 % u64::from(shards.max(1));
        ShardId(u16::try_from(shard).expect("a remainder of a u16 fits"))
    }
}

/// One thread with its own sockets, partitions and memory; 0-based.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ShardId(pub u16);

/// A topic's UUID as it stands on the wire and in directory names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TopicId(pub [u8; 16]);

impl TopicId {
    /// "No topic id" on the wire.
    pub const ZERO: TopicId = TopicId([0; 16]);
    /// Kafka's reserved id of `__cluster_metadata` (`AAAAAAAAAAAAAAAAAAAAAQ`).
    pub const METADATA: TopicId = TopicId([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
}

/// Kafka's text form: 22 characters of URL-safe base64 without padding.
impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let bits = u128::from_be_bytes(self.0);
        for i in 0..22 {
            // 128 bits are 21 whole sextets and 2 bits, which stand at the top of the last one.
            let sextet = if i < 21 { bits >> (122 - 6 * i) } else { bits << 4 };
            write!(f, "{}", char::from(ALPHABET[(sextet & 63) as usize]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A partition's number within its topic; 0-based.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct PartitionIndex(pub i32);

/// A client's connection, unique for the life of the process: the shard in the top 16 bits, a counter below.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ConnectionId(pub u64);

impl ConnectionId {
    /// The `n`-th connection that `shard` accepted.
    #[must_use]
    pub fn new(shard: ShardId, n: u64) -> ConnectionId {
        assert!(n < 1 << 48, "a shard accepts fewer than 2^48 connections in its life");
        ConnectionId(u64::from(shard.0) << 48 | n)
    }

    /// The shard that owns the connection.
    #[must_use]
    pub fn shard(self) -> ShardId {
        ShardId((self.0 >> 48) as u16)
    }
}

/// One of the node's named listeners, by its place in the configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ListenerId(pub u16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_ids_print_as_kafka_prints_them() {
        assert_eq!(TopicId::ZERO.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(TopicId::METADATA.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        assert_eq!(TopicId([0xff; 16]).to_string(), "_____________________w");
    }

    #[test]
    fn a_group_lives_on_the_shard_of_its_remainder() {
        assert_eq!(GroupId(7).shard(4), ShardId(3));
        assert_eq!(GroupId::CONTROLLER.shard(16), ShardId(0));
    }
}
