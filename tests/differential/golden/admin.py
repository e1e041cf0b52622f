"""Requests of administrators about what one unsecured node has little of: features, rules, tokens, voters, reassignments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.wire.messages import k29_describe_acls as describe_acls
from headrace.wire.messages import k30_create_acls as create_acls
from headrace.wire.messages import k31_delete_acls as delete_acls
from headrace.wire.messages import k34_alter_replica_log_dirs as log_dirs
from headrace.wire.messages import k38_create_delegation_token as create_token
from headrace.wire.messages import k43_elect_leaders as elect
from headrace.wire.messages import k45_alter_partition_reassignments as reassign
from headrace.wire.messages import k46_list_partition_reassignments as reassignments
from headrace.wire.messages import k55_describe_quorum as quorum
from headrace.wire.messages import k57_update_features as features
from headrace.wire.messages import k74_list_config_resources as resources
from headrace.wire.messages import k80_add_raft_voter as add_voter
from headrace.wire.messages.k17_sasl_handshake import SaslHandshakeRequest
from headrace.wire.messages.k36_sasl_authenticate import SaslAuthenticateRequest
from headrace.wire.messages.k39_renew_delegation_token import RenewDelegationTokenRequest
from headrace.wire.messages.k40_expire_delegation_token import ExpireDelegationTokenRequest
from headrace.wire.messages.k41_describe_delegation_token import (
    DescribeDelegationTokenOwner,
    DescribeDelegationTokenRequest,
)
from headrace.wire.messages.k64_unregister_broker import UnregisterBrokerRequest
from headrace.wire.messages.k81_remove_raft_voter import RemoveRaftVoterRequest
from tests.differential.world import STRANGE_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace.wire.schema import Message
    from tests.differential.world import World

ANY, TOPIC, LITERAL, READ, ALLOW = 1, 2, 3, 3, 3
UPGRADE, DOWNGRADE = 1, 2
PREFERRED, UNCLEAN = 0, 1
MS: Final = 10_000


def acl(name: str) -> create_acls.AclCreation:
    """A rule about a topic."""
    return create_acls.AclCreation(TOPIC, name, LITERAL, "User:somebody", "*", READ, ALLOW)


def elected(kind: int, *topics: tuple[str, Sequence[int]]) -> Message:
    """An ElectLeaders of these partitions."""
    asked = [elect.TopicPartitions(name, list(numbers)) for name, numbers in topics]
    return elect.ElectLeadersRequest(kind, asked, MS)


def reassigned(name: str, *partitions: tuple[int, list[int] | None], change: bool = True) -> Message:
    """An AlterPartitionReassignments: number and replicas of a topic's partitions."""
    asked = [reassign.ReassignablePartition(number, replicas) for number, replicas in partitions]
    return reassign.AlterPartitionReassignmentsRequest(MS, change, [reassign.ReassignableTopic(name, asked)])


def quorum_asked(*topics: tuple[str, Sequence[int]]) -> Message:
    """A DescribeQuorum of these partitions."""
    asked = [
        quorum.DescribeQuorumRequestTopicData(
            name, [quorum.DescribeQuorumRequestPartitionData(number) for number in numbers]
        )
        for name, numbers in topics
    ]
    return quorum.DescribeQuorumRequest(asked)


def updated(*updates: tuple[str, int, int]) -> Message:
    """An UpdateFeatures that is only checked: name, level, which way."""
    asked = [features.FeatureUpdateKey(name, level, upgrade_type=kind) for name, level, kind in updates]
    return features.UpdateFeaturesRequest(feature_updates=asked, validate_only=True)


def voter(cluster: str | None, voter_id: int, *listeners: str) -> Message:
    """An AddRaftVoter with these listeners."""
    asked = [add_voter.Listener(name, "127.0.0.1", 9) for name in listeners]
    return add_voter.AddRaftVoterRequest(cluster, MS, voter_id, STRANGE_ID, asked)


GOLDEN: Final[dict[int, dict[str, Callable[[World], Message]]]] = {
    17: {"a mechanism": lambda w: SaslHandshakeRequest("PLAIN")},
    29: {"all": lambda w: describe_acls.DescribeAclsRequest(ANY, None, ANY, None, None, ANY, ANY)},
    30: {
        "a rule": lambda w: create_acls.CreateAclsRequest([acl("one")]),
        "two": lambda w: create_acls.CreateAclsRequest([acl("one"), acl("two")]),
        "none": lambda w: create_acls.CreateAclsRequest([]),
    },
    31: {
        "all": lambda w: delete_acls.DeleteAclsRequest(
            [delete_acls.DeleteAclsFilter(ANY, None, ANY, None, None, ANY, ANY)]
        ),
        "none": lambda w: delete_acls.DeleteAclsRequest([]),
    },
    34: {
        "another directory": lambda w: log_dirs.AlterReplicaLogDirsRequest(
            [log_dirs.AlterReplicaLogDir("/no/such", [log_dirs.AlterReplicaLogDirTopic(w.filled, [0])])]
        ),
    },
    36: {"a step": lambda w: SaslAuthenticateRequest(b"\0somebody\0secret")},
    38: {
        "for oneself": lambda w: create_token.CreateDelegationTokenRequest(max_lifetime_ms=-1),
        "for another": lambda w: create_token.CreateDelegationTokenRequest(
            "User", "another", [create_token.CreatableRenewers("User", "third")], 1000
        ),
    },
    39: {"a token": lambda w: RenewDelegationTokenRequest(b"token", 1000)},
    40: {"a token": lambda w: ExpireDelegationTokenRequest(b"token", 1000)},
    41: {
        "of somebody": lambda w: DescribeDelegationTokenRequest(
            [DescribeDelegationTokenOwner("User", "somebody")]
        ),
        "all": lambda w: DescribeDelegationTokenRequest(None),
    },
    43: {
        "a partition": lambda w: elected(PREFERRED, (w.wide, [1])),
        "of two topics": lambda w: elected(PREFERRED, (w.wide, [0, 2]), (w.filled, [0])),
        "unclean": lambda w: elected(UNCLEAN, (w.wide, [1])),
        "what is not there": lambda w: elected(PREFERRED, (w.wide, [3, -1]), (w.absent, [0])),
        "nothing": lambda w: elected(PREFERRED),
    },
    45: {
        "as it is": lambda w: reassigned(w.wide, (1, [1])),
        "another node": lambda w: reassigned(w.wide, (1, [9])),
        "twice the same": lambda w: reassigned(w.wide, (1, [1, 1])),
        "nobody": lambda w: reassigned(w.wide, (1, [])),
        "taken back": lambda w: reassigned(w.wide, (1, None)),
        "what is not there": lambda w: reassigned(w.absent, (0, [1])),
        "a partition that is not there": lambda w: reassigned(w.wide, (7, [1]), (0, [1])),
        "as many as before": lambda w: reassigned(w.wide, (1, [1]), change=False),
    },
    46: {
        "all": lambda w: reassignments.ListPartitionReassignmentsRequest(MS, None),
        "of a topic": lambda w: reassignments.ListPartitionReassignmentsRequest(
            MS, [reassignments.ListPartitionReassignmentsTopics(w.wide, [0])]
        ),
    },
    55: {
        "it": lambda w: quorum_asked(("__cluster_metadata", [0])),
        "a topic": lambda w: quorum_asked((w.filled, [0])),
        "a partition that is not there": lambda w: quorum_asked(("__cluster_metadata", [0, 1])),
        "nothing": lambda w: quorum_asked(),
    },
    57: {
        "as it is": lambda w: updated(("group.version", 1, UPGRADE)),
        "too high": lambda w: updated(("transaction.version", 3, UPGRADE)),
        "down": lambda w: updated(("share.version", 0, DOWNGRADE)),
        "down by an upgrade": lambda w: updated(("share.version", 0, UPGRADE)),
        "metadata.version down": lambda w: updated(("metadata.version", 23, DOWNGRADE)),
        "metadata.version too far down": lambda w: updated(("metadata.version", 22, DOWNGRADE)),
        "what is not there": lambda w: updated(("no.such.version", 1, UPGRADE)),
        "one of two not there": lambda w: updated(
            ("group.version", 1, UPGRADE), ("no.such.version", 1, UPGRADE)
        ),
        "nothing": lambda w: updated(),
    },
    64: {"another node": lambda w: UnregisterBrokerRequest(9)},
    74: {
        "brokers": lambda w: resources.ListConfigResourcesRequest([4]),
        "two types": lambda w: resources.ListConfigResourcesRequest([4, 8]),
        "no type": lambda w: resources.ListConfigResourcesRequest([99]),
    },
    80: {
        "another node": lambda w: voter(None, 9, "CONTROLLER"),
        "of another cluster": lambda w: voter("another", 9, "CONTROLLER"),
        "by no listener": lambda w: voter(None, 9, "PLAINTEXT"),
    },
    81: {
        "another node": lambda w: RemoveRaftVoterRequest(None, 9, STRANGE_ID),
        "of another cluster": lambda w: RemoveRaftVoterRequest("another", 9, STRANGE_ID),
    },
}
