"""What administrators ask of one node without security: as Kafka answers it."""

from __future__ import annotations

import asyncio

import pytest

from headrace.handlers.call import Operation
from headrace.handlers.world import Forbid, World
from headrace.model.errors import Error
from headrace.wire.messages import k29_describe_acls as k29
from headrace.wire.messages import k30_create_acls as k30
from headrace.wire.messages import k31_delete_acls as k31
from headrace.wire.messages import k34_alter_replica_log_dirs as k34
from headrace.wire.messages import k37_create_partitions as k37
from headrace.wire.messages import k43_elect_leaders as k43
from headrace.wire.messages import k45_alter_partition_reassignments as k45
from headrace.wire.messages import k48_describe_client_quotas as k48
from headrace.wire.messages import k49_alter_client_quotas as k49
from headrace.wire.messages import k50_describe_user_scram_credentials as k50
from headrace.wire.messages import k51_alter_user_scram_credentials as k51
from headrace.wire.messages import k55_describe_quorum as k55
from headrace.wire.messages import k57_update_features as k57
from headrace.wire.messages import k80_add_raft_voter as k80
from headrace.wire.messages.k17_sasl_handshake import SaslHandshakeRequest
from headrace.wire.messages.k19_create_topics import CreatableTopic, CreateTopicsRequest
from headrace.wire.messages.k20_delete_topics import DeleteTopicsRequest
from headrace.wire.messages.k36_sasl_authenticate import SaslAuthenticateRequest
from headrace.wire.messages.k38_create_delegation_token import CreateDelegationTokenRequest
from headrace.wire.messages.k39_renew_delegation_token import RenewDelegationTokenRequest
from headrace.wire.messages.k40_expire_delegation_token import ExpireDelegationTokenRequest
from headrace.wire.messages.k41_describe_delegation_token import DescribeDelegationTokenRequest
from headrace.wire.messages.k46_list_partition_reassignments import ListPartitionReassignmentsRequest
from headrace.wire.messages.k64_unregister_broker import UnregisterBrokerRequest
from headrace.wire.messages.k74_list_config_resources import ListConfigResourcesRequest
from headrace.wire.messages.k81_remove_raft_voter import RemoveRaftVoterRequest

DIRECTORY_ID = b"d" * 16


def asked(*said, authorizer=None, settings=None):
    """The answers to (request, version) pairs, in a world with the topic `t` of two partitions."""

    async def scenario():
        world = await World(settings, authorizer=authorizer).open()
        await world.ask(CreateTopicsRequest([CreatableTopic("t", 2, 1)]), 7)
        return [await world.ask(request, version) for request, version in said]

    return asyncio.run(scenario())


def test_acls_have_no_authorizer():
    rule = k30.AclCreation(2, "t", 3, "User:a", "*", 3, 3)
    every = k31.DeleteAclsFilter(1, None, 1, None, None, 1, 1)
    described, created, deleted = asked(
        (k29.DescribeAclsRequest(1, None, 1, None, None, 1, 1), 3),
        (k30.CreateAclsRequest([rule, rule]), 3),
        (k31.DeleteAclsRequest([every]), 3),
    )
    assert (described.error_code, described.resources) == (Error.SECURITY_DISABLED, [])
    assert [result.error_code for result in created.results] == [Error.SECURITY_DISABLED] * 2
    assert [result.error_code for result in deleted.filter_results] == [Error.SECURITY_DISABLED]


def test_acls_of_nothing_close_the_connection():
    assert asked(
        (k29.DescribeAclsRequest(1, None, 0, None, None, 1, 1), 3),
        (k30.CreateAclsRequest([k30.AclCreation(2, "t", 3, "User:a", "*", 0, 3)]), 3),
        (k31.DeleteAclsRequest([k31.DeleteAclsFilter(0, None, 1, None, None, 1, 1)]), 3),
    ) == [None, None, None]


def test_over_plaintext_nobody_authenticates_or_has_tokens():
    handshake, step, *tokens = asked(
        (SaslHandshakeRequest("PLAIN"), 1),
        (SaslAuthenticateRequest(b"x"), 2),
        (CreateDelegationTokenRequest("User", "bob"), 3),
        (RenewDelegationTokenRequest(b"x", 1), 2),
        (ExpireDelegationTokenRequest(b"x", 1), 2),
        (DescribeDelegationTokenRequest(None), 3),
    )
    assert (handshake.error_code, step.error_code) == (Error.ILLEGAL_SASL_STATE, Error.ILLEGAL_SASL_STATE)
    assert {token.error_code for token in tokens} == {Error.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED}
    created = tokens[0]
    assert (created.principal_name, created.token_requester_principal_name) == ("bob", "ANONYMOUS")


def test_a_replica_is_where_it_is():
    def moved(path, name, *numbers):
        topic = k34.AlterReplicaLogDirTopic(name, list(numbers))
        return k34.AlterReplicaLogDirsRequest([k34.AlterReplicaLogDir(path, [topic])]), 2

    answers = asked(
        moved("/srv/here/", "t", 0, 5),
        moved("/srv/there", "t", 0),
        moved("", "t", 0),
        moved("/srv/here", "x" * 214, 0),
        settings={"log.dirs": "/srv/here"},
    )
    errors = [[p.error_code for p in answer.results[0].partitions] for answer in answers]
    assert errors == [
        [Error.NONE, Error.UNKNOWN_TOPIC_OR_PARTITION],
        [Error.LOG_DIR_NOT_FOUND],
        [Error.LOG_DIR_NOT_FOUND],
        [Error.INVALID_TOPIC_EXCEPTION],
    ]


def test_a_name_that_is_too_long_is_not_told_whole():
    partitions = [k43.TopicPartitions("n" * 32_000, [0])]
    (answer,) = asked((k43.ElectLeadersRequest(0, partitions, 1000), 0))
    (partition,) = answer.replica_election_results[0].partition_result
    assert partition.error_code == Error.UNKNOWN_TOPIC_OR_PARTITION
    assert len(partition.error_message) < 300


def test_no_election_is_needed():
    def elected(kind, *numbers, timeout_ms=1000):
        return k43.ElectLeadersRequest(kind, [k43.TopicPartitions("t", list(numbers))], timeout_ms), 2

    plain, unknown, late, old, every = asked(
        elected(0, 0, 7),
        elected(2, 0),
        elected(0, 0, timeout_ms=0),
        (elected(0, 0, timeout_ms=0)[0], 0),
        (k43.ElectLeadersRequest(0, None), 2),
    )
    (topic,) = plain.replica_election_results
    codes = [p.error_code for p in topic.partition_result]
    assert codes == [Error.ELECTION_NOT_NEEDED, Error.UNKNOWN_TOPIC_OR_PARTITION]
    assert (unknown.error_code, late.error_code) == (Error.INVALID_REQUEST, Error.REQUEST_TIMED_OUT)
    late_partition = old.replica_election_results[0].partition_result[0]
    assert late_partition.error_code == Error.REQUEST_TIMED_OUT
    assert [(t.topic, t.partition_result) for t in every.replica_election_results] == [("t", [])]


def test_replicas_stay_where_they_are():
    def reassigned(name, number, replicas):
        topic = k45.ReassignableTopic(name, [k45.ReassignablePartition(number, replicas)])
        return k45.AlterPartitionReassignmentsRequest(1000, True, [topic]), 1

    *answers, listed = asked(
        reassigned("t", 0, [1]),
        reassigned("t", 0, None),
        reassigned("t", 0, [2]),
        reassigned("t", 0, []),
        reassigned("t", 2, [1]),
        reassigned("nope", 0, None),
        (ListPartitionReassignmentsRequest(1000, None), 0),
    )
    assert [answer.responses[0].partitions[0].error_code for answer in answers] == [
        Error.NONE,
        Error.NO_REASSIGNMENT_IN_PROGRESS,
        Error.INVALID_REPLICA_ASSIGNMENT,
        Error.INVALID_REPLICA_ASSIGNMENT,
        Error.UNKNOWN_TOPIC_OR_PARTITION,
        Error.UNKNOWN_TOPIC_OR_PARTITION,
    ]
    assert listed.topics == []


def test_the_quorum_is_this_node():
    def quorum(*topics):
        return k55.DescribeQuorumRequest(
            [
                k55.DescribeQuorumRequestTopicData(
                    name, [k55.DescribeQuorumRequestPartitionData(n) for n in numbers]
                )
                for name, numbers in topics
            ]
        )

    it = quorum(("__cluster_metadata", [0]))
    newest, oldest, other = asked((it, 2), (it, 0), (quorum(("t", [0])), 2))
    partition = newest.topics[0].partitions[0]
    (voter,) = partition.current_voters
    assert (partition.leader_id, voter.replica_id, partition.observers) == (1, 1, [])
    assert voter.log_end_offset == partition.high_watermark > 0
    assert [node.node_id for node in newest.nodes] == [1]
    assert oldest.topics[0].partitions[0].current_voters[0].last_fetch_timestamp == -1
    assert other.topics[0].partitions[0].error_code == Error.UNKNOWN_TOPIC_OR_PARTITION


def test_the_quorum_does_not_change():
    def added(cluster_id, voter_id, *names):
        listeners = [k80.Listener(name, "h", 1) for name in names]
        return k80.AddRaftVoterRequest(cluster_id, 1000, voter_id, DIRECTORY_ID, listeners), 1

    upgrade = k57.FeatureUpdateKey("kraft.version", 1, upgrade_type=1)
    answers = asked(
        added("cluster", 2, "CONTROLLER"),
        added("another", 2, "CONTROLLER"),
        added(None, -1, "CONTROLLER"),
        added(None, 2, "PLAINTEXT"),
        (RemoveRaftVoterRequest(None, 1, DIRECTORY_ID), 0),
        (RemoveRaftVoterRequest(None, 1, bytes(16)), 0),
        (k57.UpdateFeaturesRequest(1000, [upgrade]), 2),
        added("cluster", 2, "CONTROLLER"),
        (RemoveRaftVoterRequest(None, 1, DIRECTORY_ID), 0),
    )
    assert [answer.error_code for answer in answers] == [
        Error.UNSUPPORTED_VERSION,
        Error.INCONSISTENT_CLUSTER_ID,
        Error.INVALID_REQUEST,
        Error.INVALID_REQUEST,
        Error.UNSUPPORTED_VERSION,
        Error.INVALID_REQUEST,
        Error.NONE,
        Error.UNSUPPORTED_VERSION,
        Error.VOTER_NOT_FOUND,
    ]
    assert "ListenerName(PLAINTEXT)=h/<unresolved>:1" in answers[3].error_message


def test_brokers_that_are_not_there_cannot_be_forgotten():
    ours, other = asked((UnregisterBrokerRequest(1), 0), (UnregisterBrokerRequest(2), 0))
    assert (ours.error_code, other.error_code) == (Error.NONE, Error.BROKER_ID_NOT_REGISTERED)


def test_features_are_updated_and_named_in_old_answers():
    down = k57.FeatureUpdateKey("share.version", 0, upgrade_type=2)
    bad = k57.FeatureUpdateKey("nope", 1, upgrade_type=1)
    old, new, refused = asked(
        (k57.UpdateFeaturesRequest(1000, [down]), 1),
        (k57.UpdateFeaturesRequest(1000, [down]), 2),
        (k57.UpdateFeaturesRequest(1000, [down, bad]), 1),
    )
    assert [(r.feature, r.error_code) for r in old.results] == [("share.version", Error.NONE)]
    assert (new.error_code, new.results) == (Error.NONE, [])
    assert (refused.error_code, refused.results) == (Error.INVALID_UPDATE_VERSION, [])


def test_resources_are_listed_by_type():
    brokers, metrics, topics, unknown = asked(
        (ListConfigResourcesRequest([4, 8]), 1),
        (ListConfigResourcesRequest(), 0),
        (ListConfigResourcesRequest([2]), 1),
        (ListConfigResourcesRequest([2, 99]), 1),
    )
    assert [(r.resource_type, r.resource_name) for r in brokers.config_resources] == [(8, "1"), (4, "1")]
    assert metrics.config_resources == []
    assert [r.resource_name for r in topics.config_resources] == ["t"]
    assert unknown.error_code == Error.UNSUPPORTED_VERSION


def test_credentials_are_stored_and_only_their_mechanism_and_iterations_are_told():
    bob = k51.ScramCredentialUpsertion("bob", 1, 4096, b"salt", b"salted password")
    altered, every, named, gone, empty = asked(
        (k51.AlterUserScramCredentialsRequest([], [bob]), 0),
        (k50.DescribeUserScramCredentialsRequest(None), 0),
        (
            k50.DescribeUserScramCredentialsRequest(
                [k50.UserName("bob"), k50.UserName("ann"), k50.UserName("ann")]
            ),
            0,
        ),
        (k51.AlterUserScramCredentialsRequest([k51.ScramCredentialDeletion("bob", 1)], []), 0),
        (k50.DescribeUserScramCredentialsRequest([]), 0),
    )
    assert [(r.user, r.error_code) for r in altered.results] == [("bob", Error.NONE)]
    (bob_told,) = every.results
    assert [(i.mechanism, i.iterations) for i in bob_told.credential_infos] == [(1, 4096)]
    assert [(r.user, r.error_code) for r in named.results] == [
        ("ann", Error.DUPLICATE_RESOURCE),
        ("bob", Error.NONE),
    ]
    assert gone.results[0].error_code == Error.NONE
    assert empty.results == []


def test_quotas_are_set_and_found():
    def altered(value, *, only_check=False):
        entity = [k49.AlterClientQuotasRequestEntityData("user", None)]
        entry = k49.AlterClientQuotasRequestEntryData(entity, [k49.OpData("producer_byte_rate", value)])
        return k49.AlterClientQuotasRequest([entry], only_check), 1

    asks = k48.DescribeClientQuotasRequest([k48.ComponentData("user", 1, None)], True), 1
    _, nothing, put, found, refused, bad = asked(
        altered(5.0, only_check=True),
        asks,
        altered(5.0),
        asks,
        altered(-1.0),
        (k48.DescribeClientQuotasRequest([k48.ComponentData("nope", 1, None)], True), 1),
    )
    assert nothing.entries == []
    assert put.entries[0].error_code == Error.NONE
    (entry,) = found.entries
    assert [(part.entity_type, part.entity_name) for part in entry.entity] == [("user", None)]
    assert [(value.key, value.value) for value in entry.values] == [("producer_byte_rate", 5.0)]
    assert refused.entries[0].error_code == Error.INVALID_REQUEST
    assert (bad.error_code, bad.entries) == (Error.UNSUPPORTED_VERSION, None)


def test_changes_of_topics_are_held_to_the_client_s_rate():
    entity = [k49.AlterClientQuotasRequestEntityData("client-id", "me")]
    entry = k49.AlterClientQuotasRequestEntryData(entity, [k49.OpData("controller_mutation_rate", 1.0)])

    def made(name, version=7):
        return CreateTopicsRequest([CreatableTopic(name, 12, 1)]), version

    grown = k37.CreatePartitionsRequest([k37.CreatePartitionsTopic("a", 13, None)], 1000)
    _, first, second, more, gone, old = asked(
        (k49.AlterClientQuotasRequest([entry]), 1),
        made("a"),
        made("b"),
        (grown, 3),
        (DeleteTopicsRequest(topic_names=["a"], timeout_ms=1000), 5),
        made("c", 5),
    )
    assert (first.topics[0].error_code, first.throttle_time_ms) == (Error.NONE, 0)
    assert (second.topics[0].error_code, second.throttle_time_ms) == (
        Error.THROTTLING_QUOTA_EXCEEDED,
        1000,
    )
    assert (more.results[0].error_code, more.throttle_time_ms) == (Error.THROTTLING_QUOTA_EXCEEDED, 1000)
    assert (gone.responses[0].error_code, gone.throttle_time_ms) == (Error.THROTTLING_QUOTA_EXCEEDED, 1000)
    assert (old.topics[0].error_code, old.throttle_time_ms) == (Error.NONE, 13_000)


@pytest.mark.parametrize(
    ("operation", "request_", "version"),
    [
        (Operation.ALTER, k57.UpdateFeaturesRequest(1000, []), 2),
        (Operation.ALTER, UnregisterBrokerRequest(1), 0),
        (Operation.ALTER, RemoveRaftVoterRequest(None, 1, DIRECTORY_ID), 0),
        (Operation.ALTER, k43.ElectLeadersRequest(0, []), 2),
        (Operation.ALTER, k45.AlterPartitionReassignmentsRequest(1000, True, []), 1),
        (Operation.DESCRIBE, ListPartitionReassignmentsRequest(1000, None), 0),
        (Operation.DESCRIBE, k55.DescribeQuorumRequest([]), 2),
        (Operation.DESCRIBE, k29.DescribeAclsRequest(1, None, 1, None, None, 1, 1), 3),
        (Operation.DESCRIBE, k50.DescribeUserScramCredentialsRequest(None), 0),
        (Operation.DESCRIBE_CONFIGS, ListConfigResourcesRequest(), 1),
        (Operation.DESCRIBE_CONFIGS, k48.DescribeClientQuotasRequest([], False), 1),
    ],
)
def test_the_cluster_s_business_is_not_everybody_s(operation, request_, version):
    (answer,) = asked((request_, version), authorizer=Forbid(operation, "kafka-cluster"))
    assert answer.error_code == Error.CLUSTER_AUTHORIZATION_FAILED


def test_who_may_not_change_anything_is_refused_item_by_item():
    bob = k51.ScramCredentialUpsertion("bob", 1, 4096, b"salt", b"salted password")
    entity = [k49.AlterClientQuotasRequestEntityData("user", "bob")]
    entry = k49.AlterClientQuotasRequestEntryData(entity, [k49.OpData("producer_byte_rate", 1.0)])
    (scram,) = asked((k51.AlterUserScramCredentialsRequest([], [bob]), 0), authorizer=Forbid(Operation.ALTER))
    (quotas,) = asked((k49.AlterClientQuotasRequest([entry]), 1), authorizer=Forbid(Operation.ALTER_CONFIGS))
    assert [r.error_code for r in scram.results] == [Error.CLUSTER_AUTHORIZATION_FAILED]
    assert [e.error_code for e in quotas.entries] == [Error.CLUSTER_AUTHORIZATION_FAILED]
