"""`headrace topic produce`: records from stdin, one a line."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from headrace.cli.connect import (
    DEFAULT_BOOTSTRAP,
    Bootstrap,
    Json,
    TopicOption,
    counted,
    named,
    on_cluster,
    pairs,
    print_json,
    say,
)
from headrace.cli.records import Record, from_line
from headrace.model.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from confluent_kafka import KafkaError, Producer

FLUSH_S_MAX: Final = 60.0
RECORD_BYTES_MAX: Final = 1_000_000_000
"""The most that librdkafka takes: how large a record may be is for the topic to say."""
REFUSALS: Final = frozenset(
    {
        "INVALID_RECORD",
        "INVALID_REQUIRED_ACKS",
        "MSG_SIZE_TOO_LARGE",
        "TOPIC_AUTHORIZATION_FAILED",
        "TOPIC_EXCEPTION",
        "UNKNOWN_TOPIC_OR_PART",
        "_UNKNOWN_PARTITION",
        "_UNKNOWN_TOPIC",
    }
)
"""librdkafka's names of errors after which a record is certainly not in the topic."""


def produce(
    topic: Annotated[str | None, typer.Argument(metavar="TOPIC", show_default=False)] = None,
    key: Annotated[str | None, typer.Option("--key", "-k", help="The key of every record.")] = None,
    key_separator: Annotated[
        str | None, typer.Option("--key-separator", "-K", help="Each line is KEY, this, VALUE.")
    ] = None,
    json_lines: Annotated[
        bool, typer.Option("--json-lines", help="Each line is an object as `topic consume` writes it.")
    ] = False,
    header: Annotated[
        list[str] | None,
        typer.Option("--header", "-H", metavar="KEY=VALUE", help="A header of every record."),
    ] = None,
    partition: Annotated[
        int | None, typer.Option("--partition", "-p", help="Write to this partition.")
    ] = None,
    tombstone: Annotated[bool, typer.Option("--tombstone", "-Z", help="Empty values are null.")] = False,
    compression: Annotated[
        str,
        typer.Option("--compression", "--compression-codec", "-z", help="none, gzip, snappy, lz4 or zstd."),
    ] = "none",
    acks: Annotated[str, typer.Option("--acks", help="all, 1 or 0.")] = "all",
    topic_option: TopicOption = None,
    bootstrap: Bootstrap = DEFAULT_BOOTSTRAP,
    as_json: Json = False,
) -> None:
    """Write a record for each line of stdin."""
    from confluent_kafka import KafkaException, Producer

    name = named(topic, topic_option)
    headers: list[tuple[str, bytes | None]] = [
        (k, v.encode()) for k, v in pairs(header or [], "--header").items()
    ]
    is_new = not _is_there(bootstrap, name)
    if sys.stdin.isatty():
        sys.stderr.write("each line becomes a record; Ctrl-D ends\n")
    settings = {
        "bootstrap.servers": bootstrap,
        "compression.type": compression,
        "acks": acks,
        "enable.idempotence": acks == "all",
        "linger.ms": 5,
        "message.max.bytes": RECORD_BYTES_MAX,
        "log_level": 0,
    }
    outcome = Outcome()
    stopped: Failure | None = None
    try:
        producer = Producer(settings)
    except KafkaException as cause:
        raise Failure(f"cannot write to {name}", cause.args[0].str(), "correct the options") from cause
    try:
        for record in _read(json_lines, key, key_separator, tombstone):
            to = partition if partition is not None else record.partition
            headed = record._replace(headers=[*headers, *record.headers], partition=to)
            _send(producer, name, headed, outcome)
    except KafkaException as cause:
        stopped = Failure(f"cannot write to {name}", cause.args[0].str(), "correct the options")
    except Failure as bad_line:
        stopped = bad_line
    left = producer.flush(FLUSH_S_MAX)  # also when it stopped early: what came before is to be written
    if left:
        outcome.failed += left
        outcome.unknown = True
        outcome.error = outcome.error or f"no acknowledgement within {FLUSH_S_MAX:.0f} s"
    if as_json:
        print_json({"topic": name, **outcome.fields()})
    elif outcome.written or not (outcome.failed or stopped):
        made = ", a topic that was made for it" if is_new and outcome.written else ""
        say(f"wrote {counted(outcome.written, 'record')} to {name}{made}")
    if outcome.failed:
        raise outcome.failure()
    if stopped is not None:
        raise stopped


def _is_there(bootstrap: str, topic: str) -> bool:
    """Whether there is such a topic; else the broker may make it. Raises `Unreachable` where librdkafka would try for ever."""
    from headrace.client.failures import Refused
    from headrace.model.errors import Error

    try:
        on_cluster(bootstrap, lambda cluster: cluster.state([topic]))
    except Refused as refused:
        return refused.error is not Error.UNKNOWN_TOPIC_OR_PARTITION
    return True


class Outcome:
    """What became of the records so far."""

    def __init__(self) -> None:
        self.written = 0
        self.failed = 0
        self.error: str | None = None
        """Of the first that failed."""
        self.unknown = False
        """Whether some of those that failed may be in the topic."""

    def delivered(self, error: KafkaError | None, _: object) -> None:
        """Told by librdkafka for each record."""
        if error is None:
            self.written += 1
            return
        self.failed += 1
        self.error = self.error or error.str()
        self.unknown = self.unknown or error.name() not in REFUSALS

    def fields(self) -> dict[str, Any]:
        """As JSON says it."""
        return {"written": self.written, "failed": self.failed, "error": self.error}

    def failure(self) -> Failure:
        """For a person, when some failed."""
        total = self.written + self.failed
        if not self.unknown:
            return Failure(
                f"{self.failed} of {total} records were refused",
                str(self.error),
                "correct the options or the records",
            )
        return Failure(
            f"{self.failed} of {total} records were not acknowledged",
            str(self.error),
            "they may be in the topic all the same; look before you repeat",
        )


def _send(producer: Producer, topic: str, record: Record, outcome: Outcome) -> None:
    where: dict[str, Any] = {}
    if record.partition is not None:
        where["partition"] = record.partition
    if record.timestamp_ms is not None:
        where["timestamp"] = record.timestamp_ms
    while True:
        try:
            producer.produce(
                topic,
                record.value,
                record.key,
                headers=[*record.headers],
                on_delivery=outcome.delivered,
                **where,
            )
            break
        except BufferError:
            producer.poll(0.1)
    producer.poll(0)


def _read(json_lines: bool, key: str | None, separator: str | None, tombstone: bool) -> Iterator[Record]:
    """Lines are bytes: a topic takes what is not text too."""
    one_key = None if key is None else os.fsencode(key)
    for number, line in enumerate(sys.stdin.buffer, 1):
        text = line.removesuffix(b"\n").removesuffix(b"\r")
        if json_lines:
            if text.strip():
                yield from_line(text, number)
            continue
        own_key = one_key
        if separator is not None:
            own_key, found, text = text.partition(os.fsencode(separator))
            if not found:
                raise Failure(
                    f"bad record in line {number}", f"no {separator!r} in it", "write KEY, separator, VALUE"
                )
        yield Record(own_key, None if tombstone and not text else text, [])
