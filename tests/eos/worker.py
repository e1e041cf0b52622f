"""A worker through librdkafka, which speaks the first protocol of transactions: take inputs, make outputs, commit both.

    python -m tests.eos.worker NAME BOOTSTRAP SETTINGS

SETTINGS is one JSON object. Commands come as lines on stdin: `hold` (stay in the next transaction, written and not ended),
`go` (on from there), `stop`; its end is the end of the harness, and of this process. Progress goes to stdout. Whatever it
cannot go on from ends it: the harness starts the next one, under the same transactional id.
"""

from __future__ import annotations

import json
import os
import random  # noqa: TID251 - seeded: a run is repeated by its number
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from tests.eos.transform import GROUP, INPUT, OUTPUT, make

if TYPE_CHECKING:
    from collections.abc import Callable

WAIT_S: Final = 0.1
CALL_S_MAX: Final = 30.0
DOOMED_EVERY: Final = 8
"""About one transaction in so many is aborted on purpose."""


class Commands:
    """What the harness asks for."""

    def __init__(self) -> None:
        self.hold = threading.Event()
        self.go = threading.Event()
        self.stop = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in sys.stdin:
            {"hold": self.hold, "go": self.go, "stop": self.stop}[line.strip()].set()
        os._exit(1)  # the harness is gone


def say(word: str, number: int) -> None:
    """Progress."""
    print(word, number, flush=True)


class Worker:
    """Consume, transform, produce, in transactions."""

    def __init__(self, name: str, bootstrap: str, settings: dict[str, Any], commands: Commands) -> None:
        self._name = name
        self._commands = commands
        self._rng = random.Random(settings["seed"])
        self._batch_max = settings["batch_max"]
        self._transactions = 0
        self._moved = 0
        self._group: object = None
        """Taken at the assignment, so that what was read as an older member is never committed as a newer one."""
        common = {
            "bootstrap.servers": bootstrap,
            "client.id": name,
            "reconnect.backoff.max.ms": 200,
            "retry.backoff.max.ms": 200,
            # librdkafka 2.15 that starts again from its bootstrap servers keeps the group's coordinator as it was, a broker
            # that it has forgotten, and waits for it in send_offsets_to_transaction: it sends no request for minutes.
            "metadata.recovery.strategy": "none",
        }
        self._producer = Producer(
            {
                **common,
                "transactional.id": name,
                "transaction.timeout.ms": settings["transaction_ms"],
                "linger.ms": 2,
            }
        )
        self._consumer = Consumer(
            {
                **common,
                "group.id": GROUP,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "session.timeout.ms": settings["session_ms"],
                "heartbeat.interval.ms": settings["session_ms"] // 8,
                "partition.assignment.strategy": "range",
                "fetch.wait.max.ms": 50,
            }
        )
        self._batch: list[Message] = []

    def run(self) -> None:
        """Until stopped."""
        self._producer.init_transactions(CALL_S_MAX)
        self._consumer.subscribe(
            [INPUT], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked
        )
        say("ready", 1)
        while not self._commands.stop.is_set():
            self._gather()
            if self._batch:
                self._move()
        self._consumer.close()

    def _gather(self) -> None:
        """Some inputs; none of a partition that was taken away meanwhile."""
        self._batch = []
        wanted = self._rng.randint(1, self._batch_max)
        message = self._consumer.poll(WAIT_S)
        while message is not None:
            if message.error() is None:
                self._batch.append(message)
            if len(self._batch) >= wanted:
                return
            message = self._consumer.poll(0)

    def _move(self) -> None:
        doomed = self._rng.randrange(DOOMED_EVERY) == 0
        self._transactions += 1
        try:
            self._write(doomed=doomed)
            if self._commands.hold.is_set():
                self._commands.hold.clear()
                say("held", self._transactions)
                self._commands.go.wait()
            offsets = {}
            for message in self._batch:
                offsets[message.partition()] = message.offset() + 1
            wanted = [TopicPartition(INPUT, number, offset) for number, offset in offsets.items()]
            self._retried(lambda: self._producer.send_offsets_to_transaction(wanted, self._group, CALL_S_MAX))
            if doomed:
                self._abort()
                return
            say("committing", self._transactions)
            self._retried(lambda: self._producer.commit_transaction(CALL_S_MAX))
        except KafkaException as failed:
            if not failed.args[0].txn_requires_abort():
                raise
            print(self._name, "aborts:", failed, file=sys.stderr)
            self._abort()
            return
        self._moved += len(self._batch)
        say("moved", self._moved)

    def _write(self, *, doomed: bool) -> None:
        self._producer.begin_transaction()
        for message in self._batch:
            number, at = message.partition(), message.offset()
            value = make(number, at, int(message.value()), self._name, self._transactions, doomed=doomed)
            self._producer.produce(OUTPUT, value, partition=number)
        self._producer.flush(CALL_S_MAX)

    def _retried(self, call: Callable[[], object]) -> None:
        """Again while librdkafka says that the same call may be made again."""
        while True:
            try:
                call()
            except KafkaException as failed:
                if not failed.args[0].retriable():
                    raise
                print(self._name, "tries again:", failed, file=sys.stderr, flush=True)
            else:
                return

    def _abort(self) -> None:
        """Give the transaction up and go back to what is committed."""
        self._retried(lambda: self._producer.abort_transaction(CALL_S_MAX))
        say("aborted", self._transactions)
        for place in self._consumer.committed(self._consumer.assignment(), timeout=CALL_S_MAX):
            self._consumer.seek(TopicPartition(place.topic, place.partition, max(place.offset, 0)))

    def _assigned(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        self._group = consumer.consumer_group_metadata()
        say("assigned", len(places))

    def _revoked(self, _: Consumer, places: list[TopicPartition]) -> None:
        gone = {place.partition for place in places}
        self._batch = [message for message in self._batch if message.partition() not in gone]


def main() -> None:
    """One worker, until it is told to stop, or cannot go on."""
    name, bootstrap, settings = sys.argv[1:]
    try:
        Worker(name, bootstrap, json.loads(settings), Commands()).run()
    except KafkaException as failed:
        print(name, "ends:", failed, file=sys.stderr, flush=True)
        os._exit(3)
    os._exit(0)


if __name__ == "__main__":
    main()
