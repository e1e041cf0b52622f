"""Every API of a Kafka 4.2 broker's client listener, and which of them this broker serves.

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off

from __future__ import annotations

from typing import Final, NamedTuple


class Api(NamedTuple):
    """One API: which versions exist, from which on they are flexible, and what is advertised."""

    key: int
    name: str
    low: int
    """Lowest version that is answered."""
    high: int
    flexible_from: int
    """First version with compact lengths and tagged fields; 32767: none."""
    advertised_low: int
    """Lowest version in ApiVersions: librdkafka wants Produce from 0 on (KAFKA-18659)."""


NEVER_FLEXIBLE: Final = 32767
API_VERSIONS: Final = 18
APIS: Final = (
    Api(0, "Produce", 3, 13, 9, 0),
    Api(1, "Fetch", 4, 18, 12, 4),
    Api(2, "ListOffsets", 1, 11, 6, 1),
    Api(3, "Metadata", 0, 13, 9, 0),
    Api(8, "OffsetCommit", 2, 10, 8, 2),
    Api(9, "OffsetFetch", 1, 10, 6, 1),
    Api(10, "FindCoordinator", 0, 6, 3, 0),
    Api(11, "JoinGroup", 0, 9, 6, 0),
    Api(12, "Heartbeat", 0, 4, 4, 0),
    Api(13, "LeaveGroup", 0, 5, 4, 0),
    Api(14, "SyncGroup", 0, 5, 4, 0),
    Api(15, "DescribeGroups", 0, 6, 5, 0),
    Api(16, "ListGroups", 0, 5, 3, 0),
    Api(17, "SaslHandshake", 0, 1, 32767, 0),
    Api(18, "ApiVersions", 0, 4, 3, 0),
    Api(19, "CreateTopics", 2, 7, 5, 2),
    Api(20, "DeleteTopics", 1, 6, 4, 1),
    Api(21, "DeleteRecords", 0, 2, 2, 0),
    Api(22, "InitProducerId", 0, 5, 2, 0),
    Api(23, "OffsetForLeaderEpoch", 2, 4, 4, 2),
    Api(24, "AddPartitionsToTxn", 0, 5, 3, 0),
    Api(25, "AddOffsetsToTxn", 0, 4, 3, 0),
    Api(26, "EndTxn", 0, 5, 3, 0),
    Api(27, "WriteTxnMarkers", 1, 2, 1, 1),
    Api(28, "TxnOffsetCommit", 0, 5, 3, 0),
    Api(29, "DescribeAcls", 1, 3, 2, 1),
    Api(30, "CreateAcls", 1, 3, 2, 1),
    Api(31, "DeleteAcls", 1, 3, 2, 1),
    Api(32, "DescribeConfigs", 1, 4, 4, 1),
    Api(33, "AlterConfigs", 0, 2, 2, 0),
    Api(34, "AlterReplicaLogDirs", 1, 2, 2, 1),
    Api(35, "DescribeLogDirs", 1, 4, 2, 1),
    Api(36, "SaslAuthenticate", 0, 2, 2, 0),
    Api(37, "CreatePartitions", 0, 3, 2, 0),
    Api(38, "CreateDelegationToken", 1, 3, 2, 1),
    Api(39, "RenewDelegationToken", 1, 2, 2, 1),
    Api(40, "ExpireDelegationToken", 1, 2, 2, 1),
    Api(41, "DescribeDelegationToken", 1, 3, 2, 1),
    Api(42, "DeleteGroups", 0, 2, 2, 0),
    Api(43, "ElectLeaders", 0, 2, 2, 0),
    Api(44, "IncrementalAlterConfigs", 0, 1, 1, 0),
    Api(45, "AlterPartitionReassignments", 0, 1, 0, 0),
    Api(46, "ListPartitionReassignments", 0, 0, 0, 0),
    Api(47, "OffsetDelete", 0, 0, 32767, 0),
    Api(48, "DescribeClientQuotas", 0, 1, 1, 0),
    Api(49, "AlterClientQuotas", 0, 1, 1, 0),
    Api(50, "DescribeUserScramCredentials", 0, 0, 0, 0),
    Api(51, "AlterUserScramCredentials", 0, 0, 0, 0),
    Api(55, "DescribeQuorum", 0, 2, 0, 0),
    Api(57, "UpdateFeatures", 0, 2, 0, 0),
    Api(60, "DescribeCluster", 0, 2, 0, 0),
    Api(61, "DescribeProducers", 0, 0, 0, 0),
    Api(64, "UnregisterBroker", 0, 0, 0, 0),
    Api(65, "DescribeTransactions", 0, 0, 0, 0),
    Api(66, "ListTransactions", 0, 2, 0, 0),
    Api(68, "ConsumerGroupHeartbeat", 0, 1, 0, 0),
    Api(69, "ConsumerGroupDescribe", 0, 1, 0, 0),
    Api(71, "GetTelemetrySubscriptions", 0, 0, 0, 0),
    Api(72, "PushTelemetry", 0, 0, 0, 0),
    Api(74, "ListConfigResources", 0, 1, 0, 0),
    Api(75, "DescribeTopicPartitions", 0, 0, 0, 0),
    Api(76, "ShareGroupHeartbeat", 1, 1, 0, 1),
    Api(77, "ShareGroupDescribe", 1, 1, 0, 1),
    Api(78, "ShareFetch", 1, 2, 0, 1),
    Api(79, "ShareAcknowledge", 1, 2, 0, 1),
    Api(80, "AddRaftVoter", 0, 1, 0, 0),
    Api(81, "RemoveRaftVoter", 0, 0, 0, 0),
    Api(83, "InitializeShareGroupState", 0, 0, 0, 0),
    Api(84, "ReadShareGroupState", 0, 0, 0, 0),
    Api(85, "WriteShareGroupState", 0, 1, 0, 0),
    Api(86, "DeleteShareGroupState", 0, 0, 0, 0),
    Api(87, "ReadShareGroupStateSummary", 0, 1, 0, 0),
    Api(88, "StreamsGroupHeartbeat", 0, 0, 0, 0),
    Api(89, "StreamsGroupDescribe", 0, 0, 0, 0),
    Api(90, "DescribeShareGroupOffsets", 0, 1, 0, 0),
    Api(91, "AlterShareGroupOffsets", 0, 0, 0, 0),
    Api(92, "DeleteShareGroupOffsets", 0, 0, 0, 0),
)
BY_KEY: Final = {api.key: api for api in APIS}
SERVED: Final = frozenset(
    {
        0,  # Produce
        1,  # Fetch
        2,  # ListOffsets
        3,  # Metadata
        8,  # OffsetCommit
        9,  # OffsetFetch
        10,  # FindCoordinator
        11,  # JoinGroup
        12,  # Heartbeat
        13,  # LeaveGroup
        14,  # SyncGroup
        15,  # DescribeGroups
        16,  # ListGroups
        17,  # SaslHandshake
        18,  # ApiVersions
        19,  # CreateTopics
        20,  # DeleteTopics
        21,  # DeleteRecords
        22,  # InitProducerId
        23,  # OffsetForLeaderEpoch
        24,  # AddPartitionsToTxn
        25,  # AddOffsetsToTxn
        26,  # EndTxn
        27,  # WriteTxnMarkers
        28,  # TxnOffsetCommit
        29,  # DescribeAcls
        30,  # CreateAcls
        31,  # DeleteAcls
        32,  # DescribeConfigs
        33,  # AlterConfigs
        34,  # AlterReplicaLogDirs
        35,  # DescribeLogDirs
        36,  # SaslAuthenticate
        37,  # CreatePartitions
        38,  # CreateDelegationToken
        39,  # RenewDelegationToken
        40,  # ExpireDelegationToken
        41,  # DescribeDelegationToken
        42,  # DeleteGroups
        43,  # ElectLeaders
        44,  # IncrementalAlterConfigs
        45,  # AlterPartitionReassignments
        46,  # ListPartitionReassignments
        47,  # OffsetDelete
        48,  # DescribeClientQuotas
        49,  # AlterClientQuotas
        50,  # DescribeUserScramCredentials
        51,  # AlterUserScramCredentials
        55,  # DescribeQuorum
        57,  # UpdateFeatures
        60,  # DescribeCluster
        61,  # DescribeProducers
        64,  # UnregisterBroker
        65,  # DescribeTransactions
        66,  # ListTransactions
        68,  # ConsumerGroupHeartbeat
        69,  # ConsumerGroupDescribe
        74,  # ListConfigResources
        75,  # DescribeTopicPartitions
        76,  # ShareGroupHeartbeat
        77,  # ShareGroupDescribe
        78,  # ShareFetch
        79,  # ShareAcknowledge
        80,  # AddRaftVoter
        81,  # RemoveRaftVoter
        83,  # InitializeShareGroupState
        84,  # ReadShareGroupState
        85,  # WriteShareGroupState
        86,  # DeleteShareGroupState
        87,  # ReadShareGroupStateSummary
        88,  # StreamsGroupHeartbeat
        89,  # StreamsGroupDescribe
        90,  # DescribeShareGroupOffsets
        91,  # AlterShareGroupOffsets
        92,  # DeleteShareGroupOffsets
    }
)
"""Keys that the engine answers or that have a handler."""

ADVERTISED: Final = tuple((api.key, api.advertised_low, api.high) for api in APIS if api.key in SERVED)
"""Key, lowest, highest version, as ApiVersions tells them."""
