"""The demo at work: one producer, two members of a group, and a broker that is killed in the middle."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from confluent_kafka import Consumer, Producer, TopicPartition

from headrace.cli.demo_report import Delivery
from headrace.model.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace.cli.demo_data import Flight
    from headrace.testing import Broker

PARTITIONS: Final = 6
MEMBERS: Final = 2
SILENCE_S_MAX: Final = 45.0
"""A reader that hears nothing for so long gives up; what is missing is then counted as lost."""
QUEUE_RECORDS_MAX: Final = 50_000
FETCH_RECORDS: Final = 1000
GROUP: Final = "flights-demo"

QUIET: Final = {"log_level": 0, "error_cb": lambda _: None}
"""librdkafka says on stderr that the broker is gone; here that is the point."""


class Outcome(NamedTuple):
    """What happened."""

    delivered: list[Delivery]
    unacknowledged: int
    in_log: int
    seconds: float
    down_ms: float | None
    """From the kill until the broker was ready again; None if it was not killed."""


class Demo:
    """One run over a topic that exists and is empty."""

    def __init__(self, bootstrap: str, topic: str, flights: Sequence[Flight], broker: Broker | None) -> None:
        """`broker`: killed and restarted half-way, if it is given."""
        self._bootstrap = bootstrap
        self._topic = topic
        self._flights = flights
        self._broker = broker
        self._seen = bytearray(len(flights))
        self._distinct = 0
        self._lock = threading.Lock()
        self._delivered: list[list[Delivery]] = [[] for _ in range(MEMBERS)]
        self._sent = 0
        self._acknowledged = 0
        self._refused = 0
        self._half = threading.Event()
        self._down_ms: float | None = None
        self._failure: Failure | None = None

    def run(self, progress: Callable[[int, int], None]) -> Outcome:
        """Send and read everything. `progress` hears how many were acknowledged and how many were read."""
        began = time.monotonic()
        work: list[Callable[[], None]] = [self._send]
        work += [lambda member=member: self._read(member) for member in range(MEMBERS)]  # type: ignore[misc]
        if self._broker is not None:
            work.append(self._crash)
        threads = [threading.Thread(target=self._guarded, args=(part,), daemon=True) for part in work]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(0.1)
            progress(self._acknowledged, self._distinct)
        if self._failure is not None:
            raise self._failure
        return Outcome(
            [delivery for member in self._delivered for delivery in member],
            len(self._flights) - self._acknowledged,
            self._records_in_log(),
            time.monotonic() - began,
            self._down_ms,
        )

    def _guarded(self, part: Callable[[], None]) -> None:
        try:
            part()
        except Exception as raised:  # noqa: BLE001 - said by the main thread, which waits for this one
            self._failure = Failure("the demo failed", repr(raised), "this is a bug; please report it")
            self._half.set()

    def _send(self) -> None:
        producer = Producer(
            {
                "bootstrap.servers": self._bootstrap,
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": 5,
                "queue.buffering.max.messages": QUEUE_RECORDS_MAX,
                **QUIET,
            }
        )
        for flight in self._flights:
            key = None if flight.tail_number is None else flight.tail_number.encode()
            value = json.dumps({"row": flight.row, **flight.fields}).encode()
            while True:
                try:
                    producer.produce(self._topic, value, key, on_delivery=self._delivered_one)
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
            self._sent += 1
            if self._sent * 2 >= len(self._flights):
                self._half.set()
        producer.flush(SILENCE_S_MAX)

    def _delivered_one(self, error: object, _: object) -> None:
        if error is None:
            self._acknowledged += 1
        else:
            self._refused += 1

    def _crash(self) -> None:
        assert self._broker is not None, "only started with a broker of our own"
        self._half.wait()
        began = time.monotonic()
        self._broker.restart()
        self._down_ms = (time.monotonic() - began) * 1000

    def _read(self, member: int) -> None:
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": f"{GROUP}-{self._topic}",
                "auto.offset.reset": "earliest",
                "auto.commit.interval.ms": 1000,
                "session.timeout.ms": 10_000,
                **QUIET,
            }
        )
        consumer.subscribe([self._topic])
        delivered = self._delivered[member]
        heard = time.monotonic()
        while self._distinct < len(self._flights) and time.monotonic() - heard < SILENCE_S_MAX:
            for message in consumer.consume(FETCH_RECORDS, 0.2):
                if message.error() is None:
                    heard = time.monotonic()
                    self._take(delivered, message)
        consumer.close()

    def _take(self, delivered: list[Delivery], message: Any) -> None:
        row: int = json.loads(message.value())["row"]
        delivered.append(Delivery(message.partition(), message.offset(), row))
        with self._lock:
            if not self._seen[row]:
                self._seen[row] = 1
                self._distinct += 1

    def _records_in_log(self) -> int:
        """By the log's own offsets; nothing but our records takes one."""
        consumer = Consumer({"bootstrap.servers": self._bootstrap, "group.id": f"{GROUP}-ends", **QUIET})
        marks = [
            consumer.get_watermark_offsets(TopicPartition(self._topic, number), timeout=SILENCE_S_MAX)
            for number in range(PARTITIONS)
        ]
        consumer.close()
        return sum(high - low for low, high in marks)
