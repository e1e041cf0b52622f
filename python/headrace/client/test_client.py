"""The client against brokers that are not there, do not speak Kafka, or speak another version of it."""

from __future__ import annotations

import asyncio
import struct

import pytest

from headrace.client import groups
from headrace.client.cluster import Cluster
from headrace.client.failures import Unreachable
from headrace.model.failure import Failure
from headrace.wire.codec import encode
from headrace.wire.messages.k03_metadata import (
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from headrace.wire.messages.k18_api_versions import ApiVersion, ApiVersionsResponse


class Peer:
    """A listening socket that answers each frame with what `script` makes of it; None hangs up."""

    def __init__(self, script) -> None:
        self.script = script

    async def __aenter__(self) -> str:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        host, port = self.server.sockets[0].getsockname()[:2]
        return f"{host}:{port}"

    async def __aexit__(self, *_) -> None:
        self.server.close()

    async def serve(self, reader, writer) -> None:
        try:
            while True:
                (length,) = struct.unpack(">i", await reader.readexactly(4))
                answer = self.script(await reader.readexactly(length))
                if answer is None:
                    break
                writer.write(answer)
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


def framed(correlation: int, body: bytes, *, tagged: bool = False) -> bytes:
    frame = struct.pack(">i", correlation) + (b"\x00" if tagged else b"") + body
    return struct.pack(">i", len(frame)) + frame


def old_broker(frame: bytes) -> bytes | None:
    """ApiVersions only in version 0, Metadata up to 5."""
    key, version, correlation = struct.unpack_from(">hhi", frame)
    if key == 18 and version > 0:
        return framed(correlation, encode(ApiVersionsResponse(error_code=35), 0))
    if key == 18:
        keys = [
            ApiVersion(api_key=18, min_version=0, max_version=0),
            ApiVersion(api_key=3, min_version=0, max_version=5),
        ]
        return framed(correlation, encode(ApiVersionsResponse(api_keys=keys), 0))
    assert (key, version) == (3, 5)
    partition = MetadataResponsePartition(partition_index=0, leader_id=1, replica_nodes=[1], isr_nodes=[1])
    body = MetadataResponse(
        brokers=[MetadataResponseBroker(node_id=1, host="127.0.0.1", port=9092)],
        cluster_id="c",
        controller_id=1,
        topics=[MetadataResponseTopic(name="t", partitions=[partition])],
    )
    return framed(correlation, encode(body, 5))


def look(script):
    async def act():
        async with Peer(script) as bootstrap, Cluster(bootstrap) as cluster:
            return await cluster.state()

    return asyncio.run(act())


def test_versions_are_agreed_on():
    state = look(old_broker)
    assert (state.cluster_id, state.brokers[0].node_id, state.topics[0].partitions[0].leader) == ("c", 1, 1)


def test_what_a_broker_cannot_do_is_said():
    async def act():
        async with Peer(old_broker) as bootstrap, Cluster(bootstrap) as cluster:
            await groups.describe(cluster, "g")

    with pytest.raises(Failure, match=r"cannot do this.*FindCoordinator"):
        asyncio.run(act())


@pytest.mark.parametrize(
    "script",
    [
        lambda frame: b"HTTP/1.1 400 Bad Request\r\n\r\n",
        lambda frame: None,
        lambda frame: framed(77, b"\x00\x00\x00\x00\x00\x00"),
        lambda frame: framed(1, b"\x00\x00\x7f\xff\xff\xff"),
        lambda frame: framed(1, b""),
        lambda frame: struct.pack(">i", -1),
    ],
    ids=["http", "hangs up", "other correlation", "array of 2**31", "empty", "negative length"],
)
def test_what_does_not_speak_kafka_is_said_at_once(script):
    with pytest.raises(Unreachable):
        look(script)


def test_nobody_there():
    async def act():
        async with Cluster("127.0.0.1:1") as cluster:
            await cluster.state()

    with pytest.raises(Unreachable, match="Connection refused"):
        asyncio.run(act())


def test_the_second_bootstrap_address_is_tried():
    async def act():
        async with Peer(old_broker) as bootstrap, Cluster(f"127.0.0.1:1,{bootstrap}") as cluster:
            return await cluster.state()

    assert asyncio.run(act()).cluster_id == "c"


def assignment(*topics: tuple[str, list[int]]) -> bytes:
    out = struct.pack(">hi", 0, len(topics))
    for name, indexes in topics:
        out += (
            struct.pack(">h", len(name))
            + name.encode()
            + struct.pack(f">i{len(indexes)}i", len(indexes), *indexes)
        )
    return out + struct.pack(">i", -1)


def test_an_assignment_is_read():
    assert groups.decode_assignment(assignment(("b", [1, 0]), ("a", [7]))) == (("a", 7), ("b", 0), ("b", 1))


@pytest.mark.parametrize(
    "data", [b"", b"\x00", assignment(("a", [1]))[:-7], struct.pack(">hi", 0, 2**31 - 1), b"\xff" * 40]
)
def test_bytes_that_are_no_assignment_are_nothing(data):
    assert groups.decode_assignment(data) == ()
