"""Features: what a new cluster begins with, which way a level may go, and what eligible leader replicas ask of configurations."""

from __future__ import annotations

import asyncio

import pytest

from headrace.config.broker import BrokerConfig
from headrace.controller.controller import Controller
from headrace.controller.decide_configs import Change, ConfigChange, ResourceChange, decide_configs
from headrace.controller.decide_features import (
    LEVELS,
    FeatureUpdate,
    UpgradeType,
    decide_features,
    features,
    first_records,
)
from headrace.controller.image import (
    METADATA_GROUP,
    METADATA_TOPIC,
    METADATA_TOPIC_ID,
    Image,
    ResourceType,
)
from headrace.controller.record_format import write_record
from headrace.engine.fake import FakeEngine
from headrace.engine.port import Partition, Record, Topic
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.metadata_records import TopicRecord

BROKER = ResourceType.BROKER
UP, DOWN, UNSAFE = UpgradeType.UPGRADE, UpgradeType.SAFE_DOWNGRADE, UpgradeType.UNSAFE_DOWNGRADE
MIN_ISR = "min.insync.replicas"


def new_image(config=None):
    image = Image()
    image.apply_all(first_records(image, config or BrokerConfig(), 1))
    return image


def update(image, *updates):
    image.apply_all(decide_features(image, BrokerConfig(), 1, [FeatureUpdate(*one) for one in updates]))


def why_not(image, *updates):
    with pytest.raises(Refusal) as refused:
        update(image, *updates)
    assert refused.value.error == Error.INVALID_UPDATE_VERSION
    return refused.value.message


def test_a_new_cluster_has_the_levels_of_kafka_4_2():
    image = new_image()
    assert image.features == {
        "group.version": 1,
        "metadata.version": 29,
        "share.version": 1,
        "streams.version": 1,
        "transaction.version": 2,
        "eligible.leader.replicas.version": 1,
    }
    assert {f.name: (f.low, f.high, f.finalized) for f in features(image)}["kraft.version"] == (0, 1, 0)
    assert len(features(image)) == len(LEVELS)
    assert image.config_of(BROKER, "") == {MIN_ISR: "1"}


def test_the_first_records_take_what_was_given_at_start():
    assert new_image(BrokerConfig({MIN_ISR: "2"})).config_of(BROKER, "") == {MIN_ISR: "2"}


def test_what_was_taken_back_stays_so():
    image = new_image()
    update(image, ("share.version", 0, DOWN))
    assert "share.version" not in image.features
    assert first_records(image, BrokerConfig(), 1) == []
    update(image, ("share.version", 1, UP))
    assert image.features["share.version"] == 1


@pytest.mark.parametrize(
    ("update", "why"),
    [
        (("nope", 1, UP), "version 1 for feature nope. Local controller 1 does not support this feature."),
        (("nope", 0, DOWN), "version 0 for feature nope. Feature nope not found."),
        (("group.version", 2, UP), "Local controller 1 only supports versions 0-1"),
        (("group.version", -1, UP), "A feature version cannot be less than 0."),
        (("group.version", 1, 0), "The controller does not support the given upgrade type."),
        (("group.version", 0, UP), "without setting the upgrade type to either safe or unsafe downgrade."),
        (("kraft.version", 1, DOWN), "Can't downgrade to a newer version."),
        (("metadata.version", 22, DOWN), "downgrade from 29 to 22. Refusing to perform the requested"),
        (("metadata.version", 22, UNSAFE), "Unsafe metadata downgrade is not supported in this version."),
    ],
)
def test_refusals(update, why):
    image = new_image()
    before = dict(image.features)
    said = why_not(image, ("group.version", 1, UP), update)
    assert said.startswith("The update failed for all features since the following feature had an error: ")
    assert why in said
    assert image.features == before


def test_the_quorum_s_version_never_goes_back():
    image = new_image()
    update(image, ("kraft.version", 1, UP), ("metadata.version", 23, DOWN))
    assert (image.features["kraft.version"], image.features["metadata.version"]) == (1, 23)
    assert "Can't downgrade the version of this feature." in why_not(image, ("kraft.version", 0, DOWN))


def altered(image, name, change, value=None, *, replace=False):
    edits = [] if replace else [ConfigChange(MIN_ISR, change, value)]
    resource = ResourceChange(BROKER, name, edits, replace)
    decision = decide_configs(image, BrokerConfig(), 1, [resource])
    image.apply_all(decision.records)
    return decision.results[0].error, decision.results[0].message


def test_eligible_leader_replicas_keep_one_min_insync_replicas_for_all_brokers():
    image = new_image()
    gone = (Error.INVALID_CONFIG, "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.")
    own = (Error.INVALID_CONFIG, "Broker-level min.insync.replicas cannot be altered while ELR is enabled.")
    assert altered(image, "", Change.DELETE) == gone
    assert altered(image, "", None, replace=True) == gone
    assert altered(image, "1", Change.SET, "2") == own
    assert altered(image, "1", Change.DELETE) == own
    assert altered(image, "", Change.SET, "2") == (Error.NONE, None)
    update(image, ("eligible.leader.replicas.version", 0, DOWN))
    assert altered(image, "1", Change.SET, "3") == (Error.NONE, None)
    assert altered(image, "", Change.DELETE) == (Error.NONE, None)
    update(image, ("eligible.leader.replicas.version", 1, UP))
    assert (image.config_of(BROKER, ""), image.config_of(BROKER, "1")) == ({MIN_ISR: "1"}, {})


def opened(engine):
    return Controller(
        engine,
        BrokerConfig(),
        lambda size: bytes(size),
        node_id=1,
        cluster_id="c",
        addresses=[("127.0.0.1", 9092)],
    )


def test_a_log_without_features_gets_them_once_and_clients_are_told_with_an_epoch_that_rises():
    async def scenario():
        engine = FakeEngine()
        first = opened(engine)
        await first.load()
        told_epoch, told = engine.features
        assert ("transaction.version", 0, 2, 2) in told
        end = engine.logs[METADATA_GROUP].end
        assert told_epoch == end - 2, "behind the last level stands a configuration"
        again = opened(engine)
        await again.load()
        assert engine.logs[METADATA_GROUP].end == end, "written once"
        assert engine.features == (told_epoch, told), "a start tells what was told before"
        # Read again it is the last record about a feature; one change later it is above what anybody was told.
        await again.update_features([FeatureUpdate("share.version", 0, DOWN)])
        epoch, told = engine.features
        assert epoch > told_epoch
        assert ("share.version", 0, 1, 0) in told

    asyncio.run(scenario())


def test_an_old_data_directory_gets_features_at_start():
    async def scenario():
        engine = FakeEngine()
        metadata = Topic(METADATA_TOPIC_ID, METADATA_TOPIC, [Partition(METADATA_GROUP, 0)], True, {})
        await engine.topics([metadata], [])
        await engine.append(METADATA_GROUP, [Record(None, write_record(TopicRecord("t", b"t" * 16)))])
        controller = opened(engine)
        await controller.load()
        assert controller.topic("t") is not None
        assert controller.image.features["metadata.version"] == 29

    asyncio.run(scenario())


def test_a_change_that_is_only_checked_writes_nothing():
    async def scenario():
        engine = FakeEngine()
        controller = opened(engine)
        await controller.load()
        end = engine.logs[METADATA_GROUP].end
        await controller.update_features([FeatureUpdate("share.version", 0, DOWN)], validate_only=True)
        assert engine.logs[METADATA_GROUP].end == end

    asyncio.run(scenario())
