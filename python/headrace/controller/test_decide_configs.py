"""What Kafka answers to each way of changing a configuration."""

from __future__ import annotations

import pytest

from headrace.config.broker import BrokerConfig
from headrace.controller.decide_configs import Change, ConfigChange, ResourceChange, decide_configs
from headrace.controller.image import Image, ResourceType
from headrace.model.errors import Error
from headrace.wire.messages.metadata_records import TopicRecord

TOPIC, BROKER, GROUP = ResourceType.TOPIC, ResourceType.BROKER, ResourceType.GROUP


class World:
    def __init__(self):
        self.image = Image()
        self.image.apply(TopicRecord("t", b"t" * 16))

    def change(self, kind, name, *changes, replace=False):
        edits = [ConfigChange(*change) for change in changes]
        decision = decide_configs(self.image, BrokerConfig(), 1, [ResourceChange(kind, name, edits, replace)])
        for record in decision.records:
            self.image.apply(record)
        return decision.results[0]

    def set_on(self, kind, name):
        return self.image.config_of(kind, name)


def test_set_append_subtract_delete():
    world = World()
    world.change(TOPIC, "t", ("cleanup.policy", Change.SET, "compact"), ("retention.ms", Change.SET, " 5 "))
    assert world.set_on(TOPIC, "t") == {"cleanup.policy": "compact", "retention.ms": "5"}
    world.change(TOPIC, "t", ("cleanup.policy", Change.APPEND, "delete,compact"))
    assert world.set_on(TOPIC, "t")["cleanup.policy"] == "compact,delete"
    world.change(TOPIC, "t", ("cleanup.policy", Change.SUBTRACT, "compact"))
    assert world.set_on(TOPIC, "t")["cleanup.policy"] == "delete"
    world.change(TOPIC, "t", ("cleanup.policy", Change.DELETE, None))
    assert world.set_on(TOPIC, "t") == {"retention.ms": "5"}


def test_appending_to_a_default_begins_with_the_default():
    world = World()
    world.change(TOPIC, "t", ("cleanup.policy", Change.APPEND, "compact"))
    assert world.set_on(TOPIC, "t") == {"cleanup.policy": "delete,compact"}


def test_replacing_forgets_what_is_not_named():
    world = World()
    world.change(TOPIC, "t", ("retention.ms", Change.SET, "5"), ("segment.ms", Change.SET, "6"))
    world.change(TOPIC, "t", ("segment.ms", Change.SET, "7"), replace=True)
    assert world.set_on(TOPIC, "t") == {"segment.ms": "7"}


def test_setting_what_is_set_already_writes_nothing():
    world = World()
    world.change(TOPIC, "t", ("retention.ms", Change.SET, "5"))
    version = world.image.version
    assert world.change(TOPIC, "t", ("retention.ms", Change.SET, "5")).error is Error.NONE
    assert world.image.version == version


@pytest.mark.parametrize(
    ("kind", "name", "change", "error"),
    [
        (TOPIC, "x", ("retention.ms", Change.SET, "5"), Error.UNKNOWN_TOPIC_OR_PARTITION),
        (TOPIC, "..", ("retention.ms", Change.SET, "5"), Error.INVALID_TOPIC_EXCEPTION),
        (TOPIC, "..", ("retention.ms", Change.SET, None), Error.INVALID_REQUEST),
        (TOPIC, "..", ("retention.ms", Change.APPEND, "5"), Error.INVALID_CONFIG),
        (TOPIC, "..", ("nope", Change.SET, "5"), Error.INVALID_TOPIC_EXCEPTION),
        (TOPIC, "x", ("nope", Change.SET, "5"), Error.INVALID_CONFIG),
        (TOPIC, "t", ("retention.ms", Change.SET, "soon"), Error.INVALID_CONFIG),
        (TOPIC, "t", ("nope", Change.SET, "5"), Error.INVALID_CONFIG),
        (TOPIC, "t", ("retention.ms", Change.SET, None), Error.INVALID_REQUEST),
        (TOPIC, "t", ("retention.ms", Change.APPEND, "5"), Error.INVALID_CONFIG),
        (BROKER, "x", ("log.retention.ms", Change.SET, "5"), Error.INVALID_REQUEST),
        (BROKER, "2", ("log.retention.ms", Change.SET, "5"), Error.INVALID_REQUEST),
        (BROKER, "1", ("node.id", Change.SET, "5"), Error.INVALID_REQUEST),
        (BROKER, "", ("log.retention.ms", Change.SET, "soon"), Error.INVALID_REQUEST),
        (GROUP, "", ("consumer.session.timeout.ms", Change.SET, "5"), Error.INVALID_REQUEST),
        (GROUP, "g", ("nope", Change.SET, "5"), Error.INVALID_CONFIG),
        (99, "g", ("nope", Change.SET, "5"), Error.INVALID_REQUEST),
        (ResourceType.CLIENT_METRICS, "m", ("interval.ms", Change.SET, "5"), Error.INVALID_REQUEST),
    ],
)
def test_refusals(kind, name, change, error):
    world = World()
    assert world.change(kind, name, change).error is error
    assert world.image.configs == {}


def test_a_key_or_a_resource_named_twice_is_refused():
    world = World()
    twice = ("retention.ms", Change.SET, "5")
    assert world.change(TOPIC, "t", twice, twice).error is Error.INVALID_REQUEST
    resource = ResourceChange(TOPIC, "t", [ConfigChange(*twice)])
    decision = decide_configs(world.image, BrokerConfig(), 1, [resource, resource])
    assert {result.error for result in decision.results} == {Error.INVALID_REQUEST}
    assert decision.records == []


def test_broker_settings_for_all_and_for_one():
    world = World()
    assert world.change(BROKER, "", ("log.retention.ms", Change.SET, "5")).error is Error.NONE
    assert world.change(BROKER, "1", ("log.retention.ms", Change.SET, "6")).error is Error.NONE
    assert world.set_on(BROKER, "") == {"log.retention.ms": "5"}
    assert world.set_on(BROKER, "1") == {"log.retention.ms": "6"}


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        (
            "consumer.session.timeout.ms",
            "44999",
            "greater than or equal to group.consumer.min.session.timeout.ms",
        ),
        (
            "consumer.session.timeout.ms",
            "60001",
            "less than or equal to group.consumer.max.session.timeout.ms",
        ),
        ("consumer.heartbeat.interval.ms", "4999", "group.consumer.min.heartbeat.interval.ms"),
        ("share.record.lock.duration.ms", "60001", "group.share.max.record.lock.duration.ms"),
        ("streams.num.standby.replicas", "3", "less than or equal to group.streams.max.standby.replicas"),
        ("consumer.session.timeout.ms", "x", "Not a number of type INT"),
        ("nope", "1", "Unknown group config name: nope"),
    ],
)
def test_a_group_stays_within_the_broker_s_bounds(name, value, why):
    world = World()
    result = world.change(GROUP, "g", (name, Change.SET, value))
    assert result.error == Error.INVALID_CONFIG
    assert why in result.message
    assert world.set_on(GROUP, "g") == {}


def test_a_group_s_session_outlives_its_heartbeats():
    config = BrokerConfig({"group.share.max.heartbeat.interval.ms": "60000"})
    edits = [
        ConfigChange("share.session.timeout.ms", Change.SET, "46000"),
        ConfigChange("share.heartbeat.interval.ms", Change.SET, "46000"),
    ]
    result = decide_configs(Image(), config, 1, [ResourceChange(GROUP, "g", edits)]).results[0]
    assert result.message == "share.session.timeout.ms must be greater than share.heartbeat.interval.ms"


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("interval.ms", "99", Error.INVALID_REQUEST),
        ("interval.ms", "3600001", Error.INVALID_REQUEST),
        ("interval.ms", "x", Error.INVALID_CONFIG),
        ("nope", "1", Error.INVALID_REQUEST),
        ("match", "a", Error.INVALID_CONFIG),
        ("match", "nope=a", Error.INVALID_CONFIG),
        ("match", "client_id=[", Error.INVALID_CONFIG),
        ("match", "client_id=a,client_software_name=.*", Error.NONE),
        ("match", "", Error.NONE),
        ("interval.ms", "100", Error.NONE),
    ],
)
def test_what_a_subscription_to_metrics_may_say(name, value, error):
    world = World()
    result = world.change(ResourceType.CLIENT_METRICS, "s", (name, Change.SET, value))
    assert result.error == error
    assert world.set_on(ResourceType.CLIENT_METRICS, "s") == ({} if error else {name: value})
