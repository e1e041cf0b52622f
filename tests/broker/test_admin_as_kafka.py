"""What administrators ask of one node, as Kafka 4.2 answers it; the same tests pass against both.

pytest tests/broker/test_admin_as_kafka.py --headrace-bootstrap=HOST:PORT
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from headrace.model.errors import Error
from headrace.testing import Broker
from headrace.testing.plugin import topic_name
from headrace.wire.messages import k44_incremental_alter_configs as k44
from headrace.wire.messages import k48_describe_client_quotas as k48
from headrace.wire.messages import k49_alter_client_quotas as k49
from headrace.wire.messages import k50_describe_user_scram_credentials as k50
from headrace.wire.messages import k51_alter_user_scram_credentials as k51
from headrace.wire.messages import k57_update_features as k57
from headrace.wire.messages.k18_api_versions import ApiVersionsRequest
from headrace.wire.messages.k19_create_topics import CreatableTopic, CreateTopicsRequest
from headrace.wire.messages.k32_describe_configs import DescribeConfigsRequest, DescribeConfigsResource
from headrace.wire.messages.k55_describe_quorum import (
    DescribeQuorumRequest,
    DescribeQuorumRequestPartitionData,
    DescribeQuorumRequestTopicData,
)
from headrace.wire.messages.k74_list_config_resources import ListConfigResourcesRequest
from tests.broker.raw import Raw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.wire.schema import Message

BROKER, CLIENT_METRICS, GROUP = 4, 16, 32
UPGRADE, DOWNGRADE = 1, 2
SET, DELETE = 0, 1
DYNAMIC_DEFAULT_BROKER, DEFAULT, OF_GROUP = 3, 5, 8
MIN_ISR: Final = "min.insync.replicas"


@pytest.fixture(scope="module")
def bootstrap(pytestconfig: pytest.Config) -> Iterator[str]:
    """Kafka if it is named, else a broker."""
    if named := pytestconfig.getoption("--headrace-bootstrap"):
        yield named
        return
    with Broker() as broker:
        yield broker.bootstrap_servers


@pytest.fixture
def raw(bootstrap: str) -> Iterator[Raw]:
    with Raw(bootstrap) as connection:
        yield connection


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name of this test alone."""
    return topic_name(request.node.name)


def finalized(raw: Raw) -> tuple[int, dict[str, int]]:
    answer = raw.ask(ApiVersionsRequest("test", "1"), 4)
    levels = {feature.name: feature.max_version_level for feature in answer.finalized_features}
    return answer.finalized_features_epoch, levels


def update(*updates: tuple[str, int, int]) -> Message:
    asked = [k57.FeatureUpdateKey(name, level, upgrade_type=kind) for name, level, kind in updates]
    return k57.UpdateFeaturesRequest(feature_updates=asked)


def test_a_feature_goes_down_and_up_and_the_epoch_rises_each_time(raw: Raw) -> None:
    epoch, levels = finalized(raw)
    assert (levels["metadata.version"], levels["share.version"], levels["transaction.version"]) == (29, 1, 2)
    for level, kind in ((0, DOWNGRADE), (1, UPGRADE)):
        assert raw.ask(update(("share.version", level, kind)), 2).error_code == Error.NONE
        before = epoch
        epoch, levels = wait_for_epoch(raw, before)
        assert levels.get("share.version", 0) == level


def wait_for_epoch(raw: Raw, before: int) -> tuple[int, dict[str, int]]:
    """Kafka's broker hears of it a moment after it is answered."""
    for _ in range(1000):
        epoch, levels = finalized(raw)
        if epoch > before:
            return epoch, levels
    raise AssertionError(f"the epoch is still {before}")


def test_one_bad_feature_keeps_all_as_they_are(raw: Raw) -> None:
    before = finalized(raw)
    answer = raw.ask(update(("share.version", 0, DOWNGRADE), ("no.such.version", 1, UPGRADE)), 2)
    assert answer.error_code == Error.INVALID_UPDATE_VERSION
    assert finalized(raw)[1] == before[1]


def altered(raw: Raw, kind: int, name: str, *changes: tuple[str, int, str | None]) -> int:
    configs = [k44.AlterableConfig(*change) for change in changes]
    request = k44.IncrementalAlterConfigsRequest([k44.AlterConfigsResource(kind, name, configs)])
    code: int = raw.ask(request, 1).responses[0].error_code
    return code


def described(raw: Raw, kind: int, name: str, key: str) -> tuple[str | None, int, list[int]]:
    request = DescribeConfigsRequest([DescribeConfigsResource(kind, name, [key])], True)
    (config,) = raw.ask(request, 4).results[0].configs
    return config.value, config.config_source, [synonym.source for synonym in config.synonyms]


def test_one_min_insync_replicas_for_all_brokers(raw: Raw, name: str) -> None:
    assert described(raw, BROKER, "", MIN_ISR)[1] == DYNAMIC_DEFAULT_BROKER
    assert described(raw, BROKER, "1", MIN_ISR)[1:] == (
        DYNAMIC_DEFAULT_BROKER,
        [DYNAMIC_DEFAULT_BROKER, DEFAULT],
    )
    assert altered(raw, BROKER, "", (MIN_ISR, DELETE, None)) == Error.INVALID_CONFIG
    assert altered(raw, BROKER, "1", (MIN_ISR, SET, "1")) == Error.INVALID_CONFIG
    made = raw.ask(CreateTopicsRequest([CreatableTopic(name, 1, 1)], timeout_ms=10_000), 7)
    sources = {config.name: config.config_source for config in made.topics[0].configs}
    assert sources[MIN_ISR] == DYNAMIC_DEFAULT_BROKER


def test_a_group_s_setting_is_its_own_until_it_is_taken_back(raw: Raw, name: str) -> None:
    key = "consumer.session.timeout.ms"
    assert described(raw, GROUP, name, key) == ("45000", DEFAULT, [DEFAULT])
    assert altered(raw, GROUP, name, (key, SET, "60001")) == Error.INVALID_CONFIG
    assert altered(raw, GROUP, name, (key, SET, "50000")) == Error.NONE
    assert until(lambda: described(raw, GROUP, name, key), ("50000", OF_GROUP, [OF_GROUP]))
    assert name in listed(raw, GROUP)
    assert altered(raw, GROUP, name, (key, DELETE, None)) == Error.NONE
    assert until(lambda: described(raw, GROUP, name, key), ("45000", DEFAULT, [DEFAULT]))


def until(ask: object, expected: object) -> bool:
    """Kafka's broker hears of it a moment after it is answered."""
    assert callable(ask)
    for _ in range(1000):
        if ask() == expected:
            return True
    return bool(ask() == expected)


def listed(raw: Raw, kind: int) -> list[str]:
    answer = raw.ask(ListConfigResourcesRequest([kind]), 1)
    return [resource.resource_name for resource in answer.config_resources]


def test_a_subscription_to_metrics_is_kept(raw: Raw, name: str) -> None:
    assert altered(raw, CLIENT_METRICS, name, ("interval.ms", SET, "99")) == Error.INVALID_REQUEST
    assert altered(raw, CLIENT_METRICS, name, ("match", SET, "nope=a")) == Error.INVALID_CONFIG
    assert altered(raw, CLIENT_METRICS, name, ("interval.ms", SET, "1000")) == Error.NONE
    assert until(lambda: name in listed(raw, CLIENT_METRICS), expected=True)


def test_credentials_are_stored_and_never_told(raw: Raw, name: str) -> None:
    stored = k51.ScramCredentialUpsertion(name, 1, 4096, b"salt", b"p" * 32)
    few = k51.ScramCredentialUpsertion(f"{name}-few", 1, 4095, b"salt", b"p" * 32)
    answer = raw.ask(k51.AlterUserScramCredentialsRequest([], [stored, few]), 0)
    assert {result.user: result.error_code for result in answer.results} == {
        name: Error.NONE,
        f"{name}-few": Error.UNACCEPTABLE_CREDENTIAL,
    }
    asks = k50.DescribeUserScramCredentialsRequest([k50.UserName(name)])
    assert until(lambda: raw.ask(asks, 0).results[0].error_code, Error.NONE)
    (info,) = raw.ask(asks, 0).results[0].credential_infos
    assert (info.mechanism, info.iterations) == (1, 4096)


def test_quotas_of_a_client_are_kept_and_found(raw: Raw, name: str) -> None:
    parts = [k49.AlterClientQuotasRequestEntityData(*part) for part in (("user", name), ("client-id", None))]

    def change(*ops: tuple[str, float, bool]) -> int:
        entry = k49.AlterClientQuotasRequestEntryData(parts, [k49.OpData(*op) for op in ops])
        code: int = raw.ask(k49.AlterClientQuotasRequest([entry]), 1).entries[0].error_code
        return code

    def found() -> dict[str, float]:
        components = [k48.ComponentData("user", 0, name), k48.ComponentData("client-id", 1, None)]
        entries = raw.ask(k48.DescribeClientQuotasRequest(components, True), 1).entries
        return {value.key: value.value for entry in entries for value in entry.values}

    assert change(("producer_byte_rate", 0.5, False)) == Error.INVALID_REQUEST
    assert change(("producer_byte_rate", 5.0, False), ("request_percentage", 1.5, False)) == Error.NONE
    assert until(found, {"producer_byte_rate": 5.0, "request_percentage": 1.5})
    assert change(("producer_byte_rate", 0.0, True), ("request_percentage", 0.0, True)) == Error.NONE
    assert until(found, {})


def test_changes_of_topics_are_held_to_the_client_s_rate(raw: Raw, name: str) -> None:
    """The connection is slow to be answered while it is throttled, so each asks over its own."""

    def rate(value: float | None) -> None:
        entity = [k49.AlterClientQuotasRequestEntityData("client-id", "raw")]
        op = k49.OpData("controller_mutation_rate", value or 0.0, value is None)
        request = k49.AlterClientQuotasRequest([k49.AlterClientQuotasRequestEntryData(entity, [op])])
        assert raw.ask(request, 1).entries[0].error_code == Error.NONE

    def made(topic: str) -> tuple[int, int]:
        request = CreateTopicsRequest([CreatableTopic(topic, 60, 1)], timeout_ms=30_000)
        answer = raw.ask(request, 7)
        return answer.topics[0].error_code, answer.throttle_time_ms

    rate(5.0)
    try:
        assert made(f"{name}-a") == (Error.NONE, 0)
        error, throttle_time_ms = made(f"{name}-b")
        assert error == Error.THROTTLING_QUOTA_EXCEEDED
        assert 0 < throttle_time_ms <= 1000
    finally:
        rate(None)


def test_the_quorum_is_the_node(raw: Raw) -> None:
    partition = DescribeQuorumRequestPartitionData(0)
    topic = DescribeQuorumRequestTopicData("__cluster_metadata", [partition])
    answer = raw.ask(DescribeQuorumRequest([topic]), 2).topics[0].partitions[0]
    assert (answer.error_code, answer.leader_id) == (Error.NONE, 1)
    (voter,) = answer.current_voters
    assert voter.replica_id == 1
    assert voter.log_end_offset >= answer.high_watermark > 0
    assert voter.last_caught_up_timestamp > 0
