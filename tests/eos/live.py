"""A reader of committed records that reads along while everything else is killed: what it saw once must still be so at the end."""

from __future__ import annotations

import threading
from typing import Final

from confluent_kafka import Consumer, TopicPartition

from tests.eos.transform import OUTPUT

WAIT_S: Final = 0.1


class LiveReader:
    """A plain consumer in a thread, from the start of every partition on."""

    def __init__(self, bootstrap: str, partitions: int) -> None:
        self.seen: Final[dict[int, list[tuple[int, bytes]]]] = {number: [] for number in range(partitions)}
        """By partition: offset and value, in the order of their arrival."""
        self._bootstrap = bootstrap
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def has(self, number: int, offset: int) -> bool:
        """Whether it came so far in a partition."""
        seen = self.seen[number]
        return bool(seen) and seen[-1][0] >= offset

    def close(self) -> None:
        """Stop reading."""
        self._stop.set()
        self._thread.join()

    def _read(self) -> None:
        reader = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "live",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "auto.offset.reset": "error",
                "fetch.wait.max.ms": 50,
                "reconnect.backoff.max.ms": 200,
                "log_level": 2,
            }
        )
        try:
            reader.assign([TopicPartition(OUTPUT, number, 0) for number in self.seen])
            while not self._stop.is_set():
                for message in reader.consume(1000, WAIT_S):
                    if message.error() is None:
                        self.seen[message.partition()].append((message.offset(), message.value()))
        finally:
            reader.close()
