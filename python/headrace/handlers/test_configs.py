"""Configurations over the wire, and what the engine is told of them."""

from __future__ import annotations

import asyncio
import logging

import pytest

from headrace.controller.image import ResourceType
from headrace.handlers.call import Operation
from headrace.handlers.world import Forbid, World
from headrace.model.errors import Error
from headrace.observe import log
from headrace.wire.keys import BY_KEY
from headrace.wire.messages import k33_alter_configs as k33
from headrace.wire.messages import k44_incremental_alter_configs as k44
from headrace.wire.messages.k19_create_topics import CreatableTopic, CreateTopicsRequest
from headrace.wire.messages.k32_describe_configs import DescribeConfigsRequest, DescribeConfigsResource
from headrace.wire.messages.k74_list_config_resources import ListConfigResourcesRequest

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
            ("log.retention.ms", "9", 3),
            ("min.insync.replicas", "1", 3),
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


def test_a_group_has_the_broker_s_settings_until_it_has_its_own():
    async def scenario():
        world = await World({"group.share.session.timeout.ms": "50000"}).open()
        name = "share.session.timeout.ms"

        async def told():
            _, configs = await described(world, GROUP, "g")
            synonyms = [(synonym.value, synonym.source) for synonym in configs[name].synonyms]
            return configs[name].value, configs[name].config_source, synonyms

        assert await told() == ("50000", 5, [("50000", 5)])
        await world.ask(incremental(GROUP, "g", (name, 0, "46000")), 1)
        assert await told() == ("46000", 8, [("46000", 8)])
        listed = await world.ask(ListConfigResourcesRequest([32]), 1)
        assert [resource.resource_name for resource in listed.config_resources] == ["g"]
        await world.ask(incremental(GROUP, "g", (name, 1, None)), 1)
        assert await told() == ("50000", 5, [("50000", 5)])
        listed = await world.ask(ListConfigResourcesRequest([32]), 1)
        assert listed.config_resources == []

    asyncio.run(scenario())


def test_a_subscription_to_metrics_is_kept_and_told():
    async def scenario():
        world = await World().open()
        kind = ResourceType.CLIENT_METRICS
        _, before = await described(world, kind, "s")
        assert [(c.value, c.config_source, c.synonyms) for c in before.values()] == [
            ("300000", 5, []),
            ("", 5, []),
            ("", 5, []),
        ]
        await world.ask(incremental(kind, "s", ("metrics", 0, "org.a,org.b")), 1)
        _, after = await described(world, kind, "s")
        assert (after["metrics"].value, after["metrics"].config_source) == ("org.a,org.b", 7)
        listed = await world.ask(ListConfigResourcesRequest(), 0)
        assert [(r.resource_type, r.resource_name) for r in listed.config_resources] == [(kind, "s")]

    asyncio.run(scenario())


@pytest.fixture
def logger():
    """A source of lines of this test alone."""
    name = "test.of.levels"
    yield name, logging.getLogger(f"headrace.{name}")
    log.set_level(name, None)


def test_loggers_say_what_they_are_told_to_at_once(logger):
    name, source = logger

    async def scenario():
        world = await World().open()
        kind = ResourceType.BROKER_LOGGER

        async def change(*edits, resource="1", check=False):
            answer = await world.ask(incremental(kind, resource, *edits, validate_only=check), 1)
            return answer.responses[0].error_code

        assert await change((name, 0, "DEBUG"), check=True) == Error.NONE
        assert not source.isEnabledFor(logging.DEBUG)
        assert await change((name, 0, "DEBUG")) == Error.NONE
        assert source.isEnabledFor(logging.DEBUG)
        _, told = await described(world, kind, "1")
        assert (told[name].value, told[name].config_source) == ("DEBUG", 6)
        assert await change((name, 1, None)) == Error.NONE
        assert not source.isEnabledFor(logging.DEBUG)
        for edits, error in (
            ([("root", 1, None)], Error.INVALID_REQUEST),
            ([("no.such.source", 0, "INFO")], Error.INVALID_CONFIG),
            ([(name, 0, "LOUD")], Error.INVALID_CONFIG),
            ([(name, 2, "INFO")], Error.INVALID_REQUEST),
            ([(name, 0, None)], Error.INVALID_REQUEST),
            ([(name, 0, "INFO"), (name, 0, "WARN")], Error.INVALID_REQUEST),
            # all or none
            ([(name, 0, "DEBUG"), ("no.such.source", 0, "INFO")], Error.INVALID_CONFIG),
        ):
            assert await change(*edits) == error
        assert not source.isEnabledFor(logging.DEBUG)
        for resource in ("", "2", "x"):
            assert await change((name, 0, "DEBUG"), resource=resource) == Error.INVALID_REQUEST

    asyncio.run(scenario())
