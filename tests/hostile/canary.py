"""An honest client beside the attack: one record produced and read back each second, timed. A process of its own, so that
what it waits for is the broker and not the attacker's event loop.

Prints one JSON line a second: `{"produce_s": ..., "fetch_s": ...}`; ends when its standard input does, or with an error.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING, Final

from headrace.wire.codec import decode
from headrace.wire.headers import read_response_header, request_frame
from headrace.wire.messages import k00_produce, k01_fetch, k19_create_topics
from tests.hostile.batches import Batch, record

if TYPE_CHECKING:
    from headrace.wire.schema import Message

TOPIC: Final = "canary"
PRODUCE_VERSION: Final = 9
FETCH_VERSION: Final = 11
CREATE_VERSION: Final = 5
WAIT_S: Final = 10


class Client:
    """One blocking connection."""

    def __init__(self, address: str) -> None:
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), WAIT_S)
        self.correlation = 0

    def call(self, request: Message, version: int) -> bytes:
        """Send a request; give the answer's body."""
        self.correlation += 1
        self.socket.sendall(request_frame(request, version, self.correlation, "canary"))
        (length,) = struct.unpack(">i", self._exactly(4))
        frame = self._exactly(length)
        correlation, body_at = read_response_header(request.API_KEY, version, frame)
        assert correlation == self.correlation, "an answer to another request"
        return frame[body_at:]

    def _exactly(self, count: int) -> bytes:
        out = bytearray()
        while len(out) < count:
            more = self.socket.recv(count - len(out))
            if not more:
                raise ConnectionError("the broker closed the canary's connection")
            out += more
        return bytes(out)


def create(client: Client) -> None:
    """Make the canary's topic."""
    topic = k19_create_topics.CreatableTopic(name=TOPIC, num_partitions=1, replication_factor=1)
    request = k19_create_topics.CreateTopicsRequest(topics=[topic], timeout_ms=10_000)
    answer = decode(
        k19_create_topics.CreateTopicsResponse, CREATE_VERSION, client.call(request, CREATE_VERSION)
    )
    assert answer.topics[0].error_code == 0, f"the canary's topic: error {answer.topics[0].error_code}"


def produce(client: Client, value: bytes) -> int:
    """Append one record; gives its offset."""
    data = k00_produce.PartitionProduceData(index=0, records=Batch(record(0, value)).encode())
    topic = k00_produce.TopicProduceData(name=TOPIC, partition_data=[data])
    request = k00_produce.ProduceRequest(acks=-1, timeout_ms=10_000, topic_data=[topic])
    answer = decode(k00_produce.ProduceResponse, PRODUCE_VERSION, client.call(request, PRODUCE_VERSION))
    found = answer.responses[0].partition_responses[0]
    assert found.error_code == 0, f"the canary's produce: error {found.error_code}"
    return found.base_offset


def fetch(client: Client, offset: int) -> bytes:
    """The bytes at this offset."""
    place = k01_fetch.FetchPartition(partition=0, fetch_offset=offset, partition_max_bytes=1 << 20)
    topic = k01_fetch.FetchTopic(topic=TOPIC, partitions=[place])
    request = k01_fetch.FetchRequest(max_wait_ms=5_000, min_bytes=1, max_bytes=1 << 20, topics=[topic])
    answer = decode(k01_fetch.FetchResponse, FETCH_VERSION, client.call(request, FETCH_VERSION))
    found = answer.responses[0].partitions[0]
    assert found.error_code == 0, f"the canary's fetch: error {found.error_code}"
    return found.records or b""


def main() -> None:
    """Sing until standard input ends."""
    client = Client(sys.argv[1])
    create(client)
    number = 0
    while True:
        number += 1
        value = b"canary %d" % number
        began = time.monotonic()
        offset = produce(client, value)
        produced = time.monotonic()
        assert value in fetch(client, offset), f"record {number} is not at offset {offset}"
        fetched = time.monotonic()
        print(json.dumps({"produce_s": produced - began, "fetch_s": fetched - produced}), flush=True)
        if select.select([sys.stdin], [], [], max(0.0, began + 1 - time.monotonic()))[0]:
            return


if __name__ == "__main__":
    main()
