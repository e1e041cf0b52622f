"""The clients of the crash harness, one process each: they outlive the broker and never their harness.

    python -m tests.crash.worker producer|member|admin NAME FILE BOOTSTRAP SETTINGS

Written events go to FILE (history.py). Commands come as lines on stdin: `pause`, `resume`, `stop`; its end is the end
of the harness, and of this process. Progress goes to stdout, one line at a time: a word and a number.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.crash import payload
from tests.crash.history import NO_OFFSET, Place, Recorder
from tests.crash.payload import Wrote

SURELY_NOT: Final = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.INVALID_MSG,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError.UNKNOWN_TOPIC_ID,
    }
)
"""Errors of a first attempt that say that nothing was written. Everything else may have been."""
TICK_S: Final = 0.01
PROGRESS_S: Final = 0.05
DELIVERY_MS_MAX: Final = 120_000
"""A producer goes on trying across every crash; it gives up long after the harness would."""
WRITE_MS_MAX: Final = 5_000
PARTITIONS: Final = 2
"""Of each topic that comes and goes."""


class Commands:
    """What the harness asks for."""

    def __init__(self) -> None:
        self.paused = threading.Event()
        self.stopped = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in sys.stdin:
            match line.strip():
                case "pause":
                    self.paused.set()
                case "resume":
                    self.paused.clear()
                case "stop":
                    self.stopped.set()
        os._exit(1)  # the harness is gone


def say(word: str, number: int) -> None:
    """Progress."""
    print(word, number, flush=True)


class ProducerLoop:
    """An idempotent producer that sends numbered records to every partition in turn, at a fixed rate."""

    def __init__(self, name: str, record: Recorder, bootstrap: str, settings: dict[str, Any]) -> None:
        self._name = name
        self._record = record
        self._rate = settings["rate"]
        self._size = settings["size"]
        self._places: list[Place] = [tuple(place) for place in settings["places"]]
        self._number = 0
        self._acked = 0
        self._open = 0
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "client.id": name,
                "enable.idempotence": True,
                "linger.ms": 2,
                "delivery.timeout.ms": DELIVERY_MS_MAX,
                "reconnect.backoff.max.ms": 200,
                "retry.backoff.max.ms": 200,
                "error_cb": self._error,
            }
        )

    def run(self, commands: Commands) -> None:
        """Until stopped; then until every outcome is known."""
        began = last = time.monotonic()
        due = 0.0
        while not commands.stopped.is_set():
            now = time.monotonic()
            due = due if commands.paused.is_set() else min(due + (now - began) * self._rate, self._rate)
            began = now
            while due >= 1:
                self._send()
                due -= 1
            self._producer.poll(TICK_S)
            if now - last >= PROGRESS_S:
                self._tell()
                last = now
        self._producer.flush(DELIVERY_MS_MAX / 1000)
        self._tell()

    def _tell(self) -> None:
        self._record.flush()
        say("acked", self._acked)
        say("open", self._open)

    def _send(self) -> None:
        place = self._places[self._number % len(self._places)]
        wrote = Wrote(self._name, self._number)
        invoked = time.monotonic_ns()

        def outcome(error: KafkaError | None, message: Message) -> None:
            self._open -= 1
            completed = time.monotonic_ns()
            if error is None:
                self._acked += 1
                self._record.sent(place, wrote, "ok", message.offset() or 0, invoked, completed)
            else:
                kind = "fail" if error.code() in SURELY_NOT else "info"
                self._record.sent(place, wrote, kind, NO_OFFSET, invoked, completed)

        value = payload.make(*place, wrote, self._size)
        while True:
            try:
                self._producer.produce(place[0], value, partition=place[1], on_delivery=outcome)
            except BufferError:
                self._producer.poll(TICK_S)
            else:
                break
        self._number += 1
        self._open += 1

    def _error(self, error: KafkaError) -> None:
        if error.fatal():
            self._record.fatal(str(error))
            self._record.flush()


class MemberLoop:
    """A member of a group that commits what it was given, after it was given it."""

    def __init__(self, name: str, record: Recorder, bootstrap: str, settings: dict[str, Any]) -> None:
        self._record = record
        self._group = settings["group"]
        self._poll = 0
        self._fresh: set[Place] = set()
        self._next: dict[Place, int] = {}
        self._read = 0
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "client.id": name,
                "group.id": self._group,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "session.timeout.ms": 6000,
                "heartbeat.interval.ms": 500,
                "reconnect.backoff.max.ms": 200,
                "retry.backoff.max.ms": 200,
                "fetch.wait.max.ms": 100,
            }
        )
        self._consumer.subscribe(
            settings["topics"], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked
        )

    def run(self, commands: Commands) -> None:
        """Until stopped; leaves the group cleanly."""
        while not commands.stopped.is_set():
            self._poll += 1
            messages = self._consumer.consume(500, 0.05)
            for message in messages:
                if message.error() is None:
                    self._take(message)
            if self._next:
                self._commit()
            self._record.flush()
            say("read", self._read)
        self._consumer.close()
        self._record.flush()

    def _take(self, message: Message) -> None:
        place = (message.topic(), message.partition())
        wrote = payload.parse(*place, message.value())
        self._record.got(place, message.offset(), wrote, -1 if place in self._fresh else self._poll)
        self._fresh.discard(place)
        self._next[place] = message.offset() + 1
        self._read += 1

    def _commit(self) -> None:
        invoked = time.monotonic_ns()
        wanted = [TopicPartition(*place, offset) for place, offset in self._next.items()]
        try:
            done = self._consumer.commit(offsets=wanted, asynchronous=False)
            outcomes = {(one.topic, one.partition): "info" if one.error else "ok" for one in done or []}
        except KafkaException:
            outcomes = {}
        completed = time.monotonic_ns()
        for place, offset in self._next.items():
            self._record.committed(
                self._group, place, offset, outcomes.get(place, "info"), invoked, completed
            )
        self._next = {place: offset for place, offset in self._next.items() if outcomes.get(place) != "ok"}

    def _assigned(self, _: Consumer, places: list[TopicPartition]) -> None:
        self._fresh |= {(place.topic, place.partition) for place in places}
        say("assigned", len(places))

    def _revoked(self, _: Consumer, places: list[TopicPartition]) -> None:
        for place in places:
            self._next.pop((place.topic, place.partition), None)


class AdminLoop:
    """Makes topics, writes into each, and deletes them, over and over, under few names, so that names come back."""

    NAMES: Final = 4

    def __init__(self, name: str, record: Recorder, bootstrap: str, settings: dict[str, Any]) -> None:
        self._record = record
        self._prefix = settings["prefix"]
        self._admin = AdminClient(
            {"bootstrap.servers": bootstrap, "client.id": name, "reconnect.backoff.max.ms": 200}
        )
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "client.id": name,
                "enable.idempotence": True,
                "delivery.timeout.ms": WRITE_MS_MAX,
                "reconnect.backoff.max.ms": 200,
            }
        )
        self._there: dict[str, str] = {}
        self._round = 0

    def run(self, commands: Commands) -> None:
        """Until stopped."""
        while not commands.stopped.wait(TICK_S):
            if commands.paused.is_set():
                continue
            topic = f"{self._prefix}-{self._round % self.NAMES}"
            self._round += 1
            if self._there.get(topic) in ("there", "unknown"):
                self._change(topic, "delete")
            else:
                self._change(topic, "create")
            self._record.flush()
            say("changes", self._round)
        self._record.flush()

    def _change(self, topic: str, what: str) -> None:
        if what == "create":
            future = self._admin.create_topics([NewTopic(topic, PARTITIONS, 1)], request_timeout=5)[topic]
        else:
            future = self._admin.delete_topics([topic], request_timeout=5)[topic]
        try:
            future.result(10)
            outcome = "ok"
        except KafkaException as error:
            known = {KafkaError.TOPIC_ALREADY_EXISTS: "exists", KafkaError.UNKNOWN_TOPIC_OR_PART: "missing"}
            outcome = known.get(error.args[0].code(), "info")
        self._there[topic] = {
            "ok": {"create": "there", "delete": "gone"}[what],
            "exists": "there",
            "missing": "gone",
        }.get(outcome, "unknown")
        incarnation = f"churn.{self._round}"
        self._record.change(topic, incarnation, what, outcome)
        if (what, outcome) == ("create", "ok"):
            self._write(topic, incarnation)

    def _write(self, topic: str, incarnation: str) -> None:
        for partition in range(PARTITIONS):
            self._write_one((topic, partition), Wrote(incarnation, 0))
        self._producer.flush(2 * WRITE_MS_MAX / 1000)

    def _write_one(self, place: Place, wrote: Wrote) -> None:
        invoked = time.monotonic_ns()

        def outcome(error: KafkaError | None, message: Message) -> None:
            kind, offset = ("info", NO_OFFSET) if error else ("ok", message.offset() or 0)
            self._record.sent(place, wrote, kind, offset, invoked, time.monotonic_ns())

        value = payload.make(*place, wrote, 100)
        self._producer.produce(place[0], value, partition=place[1], on_delivery=outcome)


LOOPS: Final = {"producer": ProducerLoop, "member": MemberLoop, "admin": AdminLoop}


def main() -> None:
    """One client, until it is told to stop."""
    kind, name, file, bootstrap, settings = sys.argv[1:]
    commands = Commands()
    with Path(file).open("a") as out:
        record = Recorder(name, out)
        try:
            LOOPS[kind](name, record, bootstrap, json.loads(settings)).run(commands)
        except KafkaException as error:
            record.fatal(str(error))
        record.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
