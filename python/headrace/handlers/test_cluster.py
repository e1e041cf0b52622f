"""The cluster over the wire: its brokers, and ids for producers."""

from __future__ import annotations

import asyncio

import pytest

from headrace.handlers.call import Operation
from headrace.handlers.world import Forbid, World
from headrace.model.errors import Error
from headrace.wire.keys import BY_KEY
from headrace.wire.messages.k22_init_producer_id import InitProducerIdRequest
from headrace.wire.messages.k60_describe_cluster import DescribeClusterRequest


def versions(key):
    return range(BY_KEY[key].low, BY_KEY[key].high + 1)


def run(scenario):
    return asyncio.run(scenario())


@pytest.mark.parametrize("version", versions(60))
def test_describe_cluster(version):
    async def scenario():
        world = await World({"broker.rack": "r"}).open()
        answer = await world.ask(DescribeClusterRequest(True), version)
        assert (answer.cluster_id, answer.controller_id) == ("cluster", 1)
        (broker,) = answer.brokers
        assert (broker.broker_id, broker.host, broker.port, broker.rack) == (1, "127.0.0.1", 9092, "r")
        assert answer.cluster_authorized_operations > 0
        if version >= 1:
            controllers = await world.ask(DescribeClusterRequest(endpoint_type=2), version)
            assert controllers.error_code == Error.MISMATCHED_ENDPOINT_TYPE
            unknown = await world.ask(DescribeClusterRequest(endpoint_type=3), version)
            assert unknown.error_code == Error.UNSUPPORTED_ENDPOINT_TYPE

    run(scenario)


def test_the_bound_port_is_told_where_the_configuration_leaves_it_open():
    async def scenario():
        world = await World({"listeners": "PLAINTEXT://127.0.0.1:0"}).open()
        assert (await world.ask(DescribeClusterRequest(), 0)).brokers[0].port == 9092

    run(scenario)


@pytest.mark.parametrize("version", versions(22))
def test_every_producer_gets_an_id_of_its_own_across_restarts(version):
    async def scenario():
        world = await World().open()
        given = set()
        for _ in range(3):
            asked = [world.ask(InitProducerIdRequest(None), version) for _ in range(700)]
            answers = await asyncio.gather(*asked)
            assert {(a.error_code, a.producer_epoch) for a in answers} == {(0, 0)}
            ids = {a.producer_id for a in answers}
            assert len(ids) == 700
            assert given.isdisjoint(ids)
            given |= ids
            world = await World(engine=world.engine.restarted()).open()

    run(scenario)


def test_who_gets_no_producer_id():
    async def scenario():
        world = await World().open()
        for request in (
            InitProducerIdRequest(None, 0, 5),
            InitProducerIdRequest(None, 0, -1, 5),
            InitProducerIdRequest("tx", 0, 5),
        ):
            answer = await world.ask(request, 5)
            assert (answer.error_code, answer.producer_id) == (Error.INVALID_REQUEST, -1)
        world.engine.refuse(Error.KAFKA_STORAGE_ERROR)
        assert (await world.ask(InitProducerIdRequest(None), 5)).error_code == Error.NOT_CONTROLLER
        assert (await world.ask(InitProducerIdRequest(None), 5)).error_code == 0
        world = await World(authorizer=Forbid(Operation.IDEMPOTENT_WRITE)).open()
        answer = await world.ask(InitProducerIdRequest(None), 5)
        assert answer.error_code == Error.CLUSTER_AUTHORIZATION_FAILED

    run(scenario)
