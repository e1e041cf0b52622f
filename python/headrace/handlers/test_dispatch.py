"""The border: what is answered, what closes the connection, and in which order things begin."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest

from headrace.engine.port import Request
from headrace.handlers import routes
from headrace.handlers.eager import EagerStarter
from headrace.handlers.routes import HANDLER_KEYS, Route, module_name, route
from headrace.handlers.world import World
from headrace.model.errors import Error, Refusal
from headrace.wire.codec import encode
from headrace.wire.messages.k03_metadata import (
    MetadataRequest,
    MetadataResponse,
    MetadataResponseTopic,
)
from headrace.wire.messages.k22_init_producer_id import InitProducerIdRequest


def run(scenario):
    return asyncio.run(scenario())


def test_every_served_key_has_a_handler_and_every_handler_is_served():
    files = {path.stem for path in Path(routes.__file__).parent.glob("k[0-9][0-9]_*.py")}
    assert files == {module_name(key) for key in HANDLER_KEYS}
    for key in HANDLER_KEYS:
        assert route(key).handle


@pytest.mark.parametrize(
    ("key", "version", "body"),
    [
        pytest.param(4, 0, b"", id="a key that no broker serves"),
        pytest.param(3, 14, b"", id="a version that is too new"),
        pytest.param(19, 1, b"", id="a version that Kafka has dropped"),
        pytest.param(3, 9, b"\x05", id="a body cut short"),
        pytest.param(3, 9, bytes((16 << 20) + 1), id="a body that is too large"),
    ],
)
def test_what_cannot_be_read_closes_the_connection(key, version, body):
    async def scenario():
        world = await World().open()
        assert await world.engine.answered(world.send(key, version, body)) is None
        assert await world.ask(MetadataRequest(topics=None), 13) is not None

    run(scenario)


def test_bytes_after_the_message_are_ignored_as_kafka_does():
    """The body that librdkafka 2.16 sends to ask for all topics: the array's length takes four bytes instead of one."""

    async def scenario():
        world = await World().open()
        assert await world.engine.answered(world.send(3, 13, bytes.fromhex("00000000010000")))

    run(scenario)


def test_nothing_is_answered_before_the_metadata_is_read():
    async def scenario():
        world = World({"auto.create.topics.enable": "true"})
        token = world.send(3, 4, encode(MetadataRequest(topics=None), 4))
        await world.controller.load()
        assert token not in world.engine.answers
        world.dispatcher.open()
        assert await world.engine.answered(token)

    run(scenario)


def with_handler(monkeypatch, handle, refused=None):
    real = route(3)
    monkeypatch.setattr(
        "headrace.handlers.dispatch.route",
        lambda key: Route("Metadata", real.request, real.response, handle, refused),
    )


def test_a_handler_that_fails_is_answered_and_logged_once(monkeypatch, caplog):
    async def handle(call, request):
        raise ZeroDivisionError

    def refused(request, error, message):
        return MetadataResponse(topics=[MetadataResponseTopic(error)])

    async def scenario():
        world = await World().open()
        answer = await world.ask(MetadataRequest(topics=None), 5)
        assert answer.topics[0].error_code == Error.UNKNOWN_SERVER_ERROR
        assert sum("request failed" in record.message for record in caplog.records) == 1

    with_handler(monkeypatch, handle, refused)
    run(scenario)


def test_a_refusal_is_an_answer_and_not_logged(monkeypatch, caplog):
    async def handle(call, request):
        raise Refusal(Error.POLICY_VIOLATION)

    async def scenario():
        world = await World().open()
        answer = await world.ask(MetadataRequest(topics=None), 13)
        assert answer.error_code == Error.POLICY_VIOLATION
        assert not caplog.records

    with_handler(monkeypatch, handle)
    run(scenario)


def test_without_a_place_for_an_error_the_connection_is_closed(monkeypatch):
    async def handle(call, request):
        raise Refusal(Error.POLICY_VIOLATION)

    async def scenario():
        world = await World().open()
        assert await world.ask(MetadataRequest(topics=None), 5) is None

    with_handler(monkeypatch, handle)
    run(scenario)


def test_throttling_is_in_every_answer():
    class Slow:
        def throttle_time_ms(self, call):
            return 77

    async def scenario():
        world = await World(quotas=Slow()).open()
        assert (await world.ask(MetadataRequest(topics=None), 9)).throttle_time_ms == 77
        answer = await world.ask(InitProducerIdRequest(None), 5)
        assert answer.throttle_time_ms == 77

    run(scenario)


def test_a_turn_that_takes_too_long_lets_others_in():
    async def scenario():
        world = await World().open()
        clock = itertools.count(step=1_500_000)
        world.dispatcher._clock_ns = lambda: next(clock)
        body = encode(MetadataRequest(topics=None), 5)
        world.engine.receive(*(Request(n, 3, 5, n, "me", 0, 1, "::1", 0, body) for n in range(9)))
        assert 0 < len(world.engine.answers) < 9
        assert world.dispatcher.in_progress == 9 - len(world.engine.answers)
        await world.engine.answered(8)
        assert list(world.engine.answers) == list(range(9)), "in the order in which they came"

    run(scenario)


def test_eager_coroutines_run_at_once_and_go_on_as_tasks():
    async def scenario():
        starter = EagerStarter()
        loop = asyncio.get_running_loop()
        gate = loop.create_future()
        steps = []

        async def waits():
            steps.append("begun")
            steps.append(await gate)
            await asyncio.sleep(0)
            steps.append("ended")

        async def does_not():
            steps.append("at once")

        starter.start(waits())
        starter.start(does_not())
        assert steps == ["begun", "at once"]
        assert starter.waiting == 1
        gate.set_result("gate")
        await starter.finish(5)
        assert steps == ["begun", "at once", "gate", "ended"]

    run(scenario)


def test_cancelling_reaches_the_coroutine_where_it_waits():
    async def scenario():
        starter = EagerStarter()
        seen = []

        async def waits():
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise

        starter.start(waits())
        await asyncio.sleep(0)
        starter.cancel()
        await starter.finish(5)
        assert seen == ["cancelled"]

    run(scenario)
