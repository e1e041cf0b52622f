"""The admin port as a scraper and a readiness check see it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest

from headrace.admin import server as admin
from headrace.model.failure import ExitCode, Failure
from headrace.observe.metrics import Registry


class Node:
    def __init__(self) -> None:
        self.registry = Registry()
        self.reason: str | None = None

    def why_not_ready(self) -> str | None:
        return self.reason

    def why_not_live(self) -> str | None:
        return None


async def get(address: tuple[str, int], path: str) -> tuple[int, str]:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = (await asyncio.wait_for(reader.read(), 10)).decode()
    writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return int(head.split()[1]), body


def test_metrics_status_and_stop():
    async def scenario():
        node = Node()
        node.registry.counter("headrace_requests_total", "Requests.", ("api",)).labels('a"b').add(3)
        node.registry.gauge("headrace_groups", "Groups.").labels().set(2)
        node.registry.histogram("headrace_lag_seconds", "Lag.").labels().observe(0.003)
        node.registry.add_source(lambda: {'engine_bytes_total{shard="0"}': 5.0, "engine_up": 1.0})
        server = await admin.start("127.0.0.1", 0, node)
        status, text = await get(server.address, "/metrics")
        assert status == 200
        for line in (
            'headrace_requests_total{api="a\\"b"} 3.0',
            "headrace_groups 2.0",
            'headrace_lag_seconds_bucket{le="0.005"} 1.0',
            'headrace_lag_seconds_bucket{le="+Inf"} 1.0',
            'engine_bytes_total{shard="0"} 5.0',
            "engine_up 1.0",
        ):
            assert line in text.splitlines(), text
        assert await get(server.address, "/status/live") == (200, '{"status":"live"}')
        node.reason = "recovering"
        status, text = await get(server.address, "/status/ready")
        assert (status, json.loads(text)) == (503, {"status": "not ready", "reason": "recovering"})
        assert (await get(server.address, "/nothing"))[0] == 404
        await server.stop()
        with pytest.raises(ConnectionRefusedError):
            await get(server.address, "/metrics")

    asyncio.run(scenario())


def test_a_taken_address_is_said_with_its_own_exit_code():
    async def scenario():
        first = await admin.start("127.0.0.1", 0, Node())
        with pytest.raises(Failure) as refused:
            await admin.start(*first.address, Node())
        await first.stop()
        return refused.value

    failure = asyncio.run(scenario())
    assert failure.exit_code is ExitCode.ADDRESS_IN_USE
    assert "--admin" in str(failure)


def test_nothing_heavy_is_imported_before_the_first_connection():
    check = "import headrace.admin.server, sys; print([m for m in ('uvicorn','starlette','prometheus_client') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", check], check=True, capture_output=True, text=True).stdout
    assert out.strip() == "[]"
