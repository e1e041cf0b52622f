//! Every API of a Kafka 4.2 broker listener: its versions, and from which on they are flexible (request header v2,
//! response header v1, compact lengths, tagged fields).

/// Produce.
pub const PRODUCE: i16 = 0;
/// Fetch.
pub const FETCH: i16 = 1;
/// ListOffsets.
pub const LIST_OFFSETS: i16 = 2;
/// ApiVersions.
pub const API_VERSIONS: i16 = 18;

/// An API without flexible versions.
const NEVER: i16 = i16::MAX;

/// One API: which versions exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ApiKey {
    /// Its number.
    pub key: i16,
    /// Kafka's name for it.
    pub name: &'static str,
    /// Lowest version.
    pub min: i16,
    /// Highest version.
    pub max: i16,
    /// First flexible version.
    pub flexible_from: i16,
}

impl ApiKey {
    /// Whether this version is flexible.
    #[must_use]
    pub const fn is_flexible(&self, version: i16) -> bool {
        version >= self.flexible_from
    }
}

/// The API of this number.
#[must_use]
pub fn find(key: i16) -> Option<&'static ApiKey> {
    let place = API_KEYS.binary_search_by_key(&key, |api| api.key).ok()?;
    Some(&API_KEYS[place])
}

/// Whether a version of an API is flexible.
#[must_use]
pub fn is_flexible(key: i16, version: i16) -> bool {
    find(key).is_some_and(|api| api.is_flexible(version))
}

const fn api(key: i16, name: &'static str, min: i16, max: i16, flexible_from: i16) -> ApiKey {
    ApiKey { key, name, min, max, flexible_from }
}

/// All of them, by number.
pub const API_KEYS: &[ApiKey] = &[
    api(0, "Produce", 3, 13, 9),
    api(1, "Fetch", 4, 18, 12),
    api(2, "ListOffsets", 1, 11, 6),
    api(3, "Metadata", 0, 13, 9),
    api(8, "OffsetCommit", 2, 10, 8),
    api(9, "OffsetFetch", 1, 10, 6),
    api(10, "FindCoordinator", 0, 6, 3),
    api(11, "JoinGroup", 0, 9, 6),
    api(12, "Heartbeat", 0, 4, 4),
    api(13, "LeaveGroup", 0, 5, 4),
    api(14, "SyncGroup", 0, 5, 4),
    api(15, "DescribeGroups", 0, 6, 5),
    api(16, "ListGroups", 0, 5, 3),
    api(17, "SaslHandshake", 0, 1, NEVER),
    api(18, "ApiVersions", 0, 4, 3),
    api(19, "CreateTopics", 2, 7, 5),
    api(20, "DeleteTopics", 1, 6, 4),
    api(21, "DeleteRecords", 0, 2, 2),
    api(22, "InitProducerId", 0, 5, 2),
    api(23, "OffsetForLeaderEpoch", 2, 4, 4),
    api(24, "AddPartitionsToTxn", 0, 5, 3),
    api(25, "AddOffsetsToTxn", 0, 4, 3),
    api(26, "EndTxn", 0, 5, 3),
    api(27, "WriteTxnMarkers", 1, 2, 1),
    api(28, "TxnOffsetCommit", 0, 5, 3),
    api(29, "DescribeAcls", 1, 3, 2),
    api(30, "CreateAcls", 1, 3, 2),
    api(31, "DeleteAcls", 1, 3, 2),
    api(32, "DescribeConfigs", 1, 4, 4),
    api(33, "AlterConfigs", 0, 2, 2),
    api(34, "AlterReplicaLogDirs", 1, 2, 2),
    api(35, "DescribeLogDirs", 1, 4, 2),
    api(36, "SaslAuthenticate", 0, 2, 2),
    api(37, "CreatePartitions", 0, 3, 2),
    api(38, "CreateDelegationToken", 1, 3, 2),
    api(39, "RenewDelegationToken", 1, 2, 2),
    api(40, "ExpireDelegationToken", 1, 2, 2),
    api(41, "DescribeDelegationToken", 1, 3, 2),
    api(42, "DeleteGroups", 0, 2, 2),
    api(43, "ElectLeaders", 0, 2, 2),
    api(44, "IncrementalAlterConfigs", 0, 1, 1),
    api(45, "AlterPartitionReassignments", 0, 1, 0),
    api(46, "ListPartitionReassignments", 0, 0, 0),
    api(47, "OffsetDelete", 0, 0, NEVER),
    api(48, "DescribeClientQuotas", 0, 1, 1),
    api(49, "AlterClientQuotas", 0, 1, 1),
    api(50, "DescribeUserScramCredentials", 0, 0, 0),
    api(51, "AlterUserScramCredentials", 0, 0, 0),
    api(55, "DescribeQuorum", 0, 2, 0),
    api(57, "UpdateFeatures", 0, 2, 0),
    api(60, "DescribeCluster", 0, 2, 0),
    api(61, "DescribeProducers", 0, 0, 0),
    api(64, "UnregisterBroker", 0, 0, 0),
    api(65, "DescribeTransactions", 0, 0, 0),
    api(66, "ListTransactions", 0, 2, 0),
    api(68, "ConsumerGroupHeartbeat", 0, 1, 0),
    api(69, "ConsumerGroupDescribe", 0, 1, 0),
    api(71, "GetTelemetrySubscriptions", 0, 0, 0),
    api(72, "PushTelemetry", 0, 0, 0),
    api(74, "ListConfigResources", 0, 1, 0),
    api(75, "DescribeTopicPartitions", 0, 0, 0),
    api(76, "ShareGroupHeartbeat", 1, 1, 0),
    api(77, "ShareGroupDescribe", 1, 1, 0),
    api(78, "ShareFetch", 1, 2, 0),
    api(79, "ShareAcknowledge", 1, 2, 0),
    api(80, "AddRaftVoter", 0, 1, 0),
    api(81, "RemoveRaftVoter", 0, 0, 0),
    api(83, "InitializeShareGroupState", 0, 0, 0),
    api(84, "ReadShareGroupState", 0, 0, 0),
    api(85, "WriteShareGroupState", 0, 1, 0),
    api(86, "DeleteShareGroupState", 0, 0, 0),
    api(87, "ReadShareGroupStateSummary", 0, 1, 0),
    api(88, "StreamsGroupHeartbeat", 0, 0, 0),
    api(89, "StreamsGroupDescribe", 0, 0, 0),
    api(90, "DescribeShareGroupOffsets", 0, 1, 0),
    api(91, "AlterShareGroupOffsets", 0, 0, 0),
    api(92, "DeleteShareGroupOffsets", 0, 0, 0),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_by_number_and_every_range_holds_a_version() {
        assert!(API_KEYS.windows(2).all(|pair| pair[0].key < pair[1].key));
        assert!(API_KEYS.iter().all(|api| (0..=api.max).contains(&api.min)));
    }
}
