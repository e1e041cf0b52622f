"""One connection on which a test says exactly the bytes it means, and hears exactly what comes back."""

from __future__ import annotations

import socket
import struct
import time
from typing import TYPE_CHECKING, Any, Final

from headrace.client.protocol import read_answer
from headrace.model.errors import Error
from headrace.wire.headers import request_frame
from headrace.wire.messages.k00_produce import PartitionProduceData, ProduceRequest, TopicProduceData
from headrace.wire.messages.k02_list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from headrace.wire.messages.k21_delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)

if TYPE_CHECKING:
    from types import TracebackType

    from headrace.wire.schema import Message

ANSWER_S_MAX: Final = 20.0
PRODUCE_VERSION: Final = 9
LIST_OFFSETS_VERSION: Final = 9
DELETE_RECORDS_VERSION: Final = 2
NOT_YET: Final = {Error.NOT_LEADER_OR_FOLLOWER, Error.UNKNOWN_TOPIC_OR_PARTITION}


def produce_request(topic: str, records: bytes, acks: int = -1, timeout_ms: int = 10_000) -> ProduceRequest:
    """A batch, as it is, for partition 0."""
    data = [TopicProduceData(name=topic, partition_data=[PartitionProduceData(records=records)])]
    return ProduceRequest(acks=acks, timeout_ms=timeout_ms, topic_data=data)


class Raw:
    """A socket to a broker."""

    def __init__(self, bootstrap: str) -> None:
        host, port = bootstrap.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), timeout=ANSWER_S_MAX)
        self._correlation = 0

    def __enter__(self) -> Raw:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def send(self, request: Message, version: int, behind: bytes = b"", client: str | None = "raw") -> None:
        """Send a request of this client, and `behind` it more bytes inside the same frame."""
        self._correlation += 1
        self.send_frame(request_frame(request, version, self._correlation, client)[4:] + behind)

    def send_frame(self, frame: bytes) -> None:
        """Send bytes as one frame."""
        self._socket.sendall(struct.pack(">i", len(frame)) + frame)

    def receive(self, request: Message, version: int) -> Any:
        """The answer to the request. Raises `EOFError`: the broker closed the connection."""
        return read_answer(request, version, self.receive_bytes())[1]

    def receive_bytes(self) -> bytes:
        """The next answer as it came, without its length. Raises `EOFError`: the broker closed the connection."""
        return self._exactly(self.receive_length())

    def receive_length(self) -> int:
        """The length of the next answer, of which nothing more is read. Raises `EOFError`."""
        (length,) = struct.unpack(">i", self._exactly(4))
        return int(length)

    def ask(self, request: Message, version: int, behind: bytes = b"") -> Any:
        """Send and receive."""
        self.send(request, version, behind)
        return self.receive(request, version)

    def produce(self, topic: str, records: bytes) -> Any:
        """Give a batch, as it is, to partition 0; the answer's one partition.

        Kafka says that a topic is made before it can be written to; then this asks again.
        """
        request = produce_request(topic, records)
        deadline = time.monotonic() + ANSWER_S_MAX
        while True:
            answer = self.ask(request, PRODUCE_VERSION).responses[0].partition_responses[0]
            if answer.error_code not in NOT_YET or time.monotonic() > deadline:
                return answer

    def offset(self, topic: str, timestamp: int) -> Any:
        """ListOffsets of partition 0; the answer's one partition."""
        asked = [ListOffsetsTopic(name=topic, partitions=[ListOffsetsPartition(timestamp=timestamp)])]
        request = ListOffsetsRequest(replica_id=-1, topics=asked)
        return self.ask(request, LIST_OFFSETS_VERSION).topics[0].partitions[0]

    def delete_records(self, topic: str, before: int) -> Any:
        """DeleteRecords of partition 0 before an offset, -1 for all; the answer's one partition."""
        partition = DeleteRecordsPartition(partition_index=0, offset=before)
        asked = DeleteRecordsTopic(name=topic, partitions=[partition])
        request = DeleteRecordsRequest(timeout_ms=10_000, topics=[asked])
        return self.ask(request, DELETE_RECORDS_VERSION).topics[0].partitions[0]

    def _exactly(self, size: int) -> bytes:
        found = bytearray()
        while len(found) < size:
            part = self._socket.recv(size - len(found))
            if not part:
                raise EOFError
            found += part
        return bytes(found)
