"""Configurations over the wire, and what the engine is told of them."""

from __future__ import annotations

import asyncio

import pytest

from headrace.controller.image import ResourceType
from headrace.handlers.call import Operation
from headrace.handlers.world import Forbid, World
from headrace.model.errors import Error
from headrace.wire.keys import BY_KEY
from headrace.wire.messages import k33_alter_configs as k33
from headrace.wire.messages import k44_incremental_alter_configs as k44
from headrace.wire.messages.k19_create_topics import CreatableTopic, CreateTopicsRequest
from headrace.wire.messages.k32_describe_configs import DescribeConfigsRequest, DescribeConfigsResource

TOPIC, BROKER, GROUP = ResourceType.TOPIC, ResourceType.BROKER, ResourceType.GROUP


def versions(key):
    return range(BY_KEY[key].low, BY_KEY[key].high + 1)


def run(scenario):
    return asyncio.run(scenario())


async def with_topic(**options):
    world = await World(**options).open()
    await world.ask(CreateTopicsRequest([CreatableTopic("t", 1, 1)], timeout_ms=1_000), 7)
    return world


def incremental(kind, name, *changes, validate_only=False):
    configs = [k44.AlterableConfig(*change) for change in changes]
    return k44.IncrementalAlterConfigsRequest([k44.AlterConfigsResource(kind, name, configs)], validate_only)


async def described(world, kind, name, keys=None, version=4):
    request = DescribeConfigsRequest([DescribeConfigsResource(kind, name, keys)], True, version >= 3)
    (result,) = (await world.ask(request, version)).results
    return result.error_code, {config.name: config for config in result.configs}


def told(world, name="t"):
    return world.engine.told[world.controller.topic(name).topic_id].configs


@pytest.mark.parametrize("version", versions(44))
def test_incremental_alter_configs_reaches_the_engine(version):
    async def scenario():
        world = await with_topic()
        change = incremental(TOPIC, "t", ("retention.ms", 0, "5"), ("cleanup.policy", 2, "compact"))
        assert (await world.ask(change, version)).responses[0].error_code == 0
        assert (told(world)["retention.ms"], told(world)["cleanup.policy"]) == ("5", "delete,compact")
        await world.ask(incremental(TOPIC, "t", ("retention.ms", 1, None)), version)
        assert told(world)["retention.ms"] == "604800000"
        unknown = incremental(TOPIC, "t", ("retention.ms", 9, "5"))
        assert (await world.ask(unknown, version)).responses[0].error_code == Error.UNKNOWN_SERVER_ERROR
        dry = incremental(TOPIC, "t", ("retention.ms", 0, "8"), validate_only=True)
        assert (await world.ask(dry, version)).responses[0].error_code == 0
        assert told(world)["retention.ms"] == "604800000"

    run(scenario)


@pytest.mark.parametrize("version", versions(33))
def test_alter_configs_resets_what_it_does_not_name(version):
    async def scenario():
        world = await with_topic()

        def replace(**values):
            configs = [k33.AlterableConfig(key.replace("_", "."), value) for key, value in values.items()]
            return k33.AlterConfigsRequest([k33.AlterConfigsResource(TOPIC, "t", configs)])

        await world.ask(replace(retention_ms="5", segment_ms="6"), version)
        assert (await world.ask(replace(segment_ms="7"), version)).responses[0].error_code == 0
        assert (told(world)["retention.ms"], told(world)["segment.ms"]) == ("604800000", "7")
        bad = await world.ask(replace(segment_ms="x"), version)
        assert bad.responses[0].error_code == Error.INVALID_CONFIG

    run(scenario)


@pytest.mark.parametrize("version", versions(32))
def test_describe_configs_of_a_topic(version):
    async def scenario():
        world = await with_topic()
        await world.ask(incremental(TOPIC, "t", ("retention.ms", 0, "604800000")), 1)
        error, configs = await described(world, TOPIC, "t", version=version)
        assert error == 0
        # Set is set, even where the value is the default.
        retention = configs["retention.ms"]
        assert (retention.value, retention.config_source, retention.read_only) == ("604800000", 1, False)
        assert (retention.synonyms[0].name, retention.synonyms[0].source) == ("retention.ms", 1)
        assert configs["cleanup.policy"].config_source == 5
        if version >= 3:
            assert configs["cleanup.policy"].config_type == 7
            assert "compact" in configs["cleanup.policy"].documentation
        _, few = await described(world, TOPIC, "t", ["segment.bytes", "nope"], version=version)
        assert list(few) == ["segment.bytes"]
        assert await described(world, TOPIC, "nope", version=version) == (
            Error.UNKNOWN_TOPIC_OR_PARTITION,
            {},
        )

    run(scenario)


def test_describe_configs_of_other_resources():
    async def scenario():
        world = await with_topic()
        error, broker = await described(world, BROKER, "1")
        assert error == 0
        assert (broker["node.id"].value, broker["node.id"].read_only) == ("1", True)
        await world.ask(incremental(BROKER, "", ("log.retention.ms", 0, "9")), 1)
        _, defaults = await described(world, BROKER, "")
        assert {(c.name, c.value, c.config_source) for c in defaults.values()} == {
            ("log.retention.ms", "9", 3)
        }
        await world.ask(incremental(GROUP, "g", ("consumer.session.timeout.ms", 0, "50000")), 1)
        _, group = await described(world, GROUP, "g")
        session = group["consumer.session.timeout.ms"]
        assert (session.value, session.config_source) == ("50000", 8)
        for kind, name in (
            (BROKER, "7"),
            (BROKER, "x"),
            (GROUP, ""),
            (99, "x"),
            (ResourceType.CLIENT_METRICS, ""),
        ):
            assert (await described(world, kind, name))[0] == Error.INVALID_REQUEST
        assert (await described(world, ResourceType.BROKER_LOGGER, "1")) == (0, {})

    run(scenario)


def test_a_broker_setting_changes_what_topics_without_their_own_get():
    async def scenario():
        world = await with_topic()
        response = await world.ask(incremental(BROKER, "", ("log.retention.ms", 0, "9")), 1)
        assert response.responses[0].error_code == 0
        assert told(world)["retention.ms"] == "9"
        assert world.engine.values["log.retention.ms"] == "9"
        await world.ask(incremental(BROKER, "1", ("log.retention.ms", 0, "8")), 1)
        assert told(world)["retention.ms"] == "8"
        again = await World(engine=world.engine.restarted()).open()
        assert told(again)["retention.ms"] == "8"
        assert again.config.integer("log.retention.ms") == 8

    run(scenario)


def test_who_may_not_is_told_so():
    async def scenario():
        world = await with_topic(authorizer=Forbid(Operation.ALTER_CONFIGS))
        expected = {
            TOPIC: Error.TOPIC_AUTHORIZATION_FAILED,
            BROKER: Error.CLUSTER_AUTHORIZATION_FAILED,
            GROUP: Error.GROUP_AUTHORIZATION_FAILED,
        }
        for kind, error in expected.items():
            change = incremental(kind, "t", ("retention.ms", 0, "5"))
            assert (await world.ask(change, 1)).responses[0].error_code == error
        world = await with_topic(authorizer=Forbid(Operation.DESCRIBE_CONFIGS))
        assert await described(world, TOPIC, "t") == (Error.TOPIC_AUTHORIZATION_FAILED, {})
        wanted = CreateTopicsRequest([CreatableTopic("u", 1, 1)], timeout_ms=1_000)
        (topic,) = (await world.ask(wanted, 7)).topics
        assert (topic.error_code, topic.topic_config_error_code) == (0, Error.TOPIC_AUTHORIZATION_FAILED)
        assert (topic.num_partitions, topic.configs) == (-1, None)

    run(scenario)
