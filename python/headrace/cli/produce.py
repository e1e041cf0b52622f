"""`headrace topic produce`: records from stdin, one a line."""

from __future__ import annotations

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
    pairs,
    print_json,
    say,
)
from headrace.cli.records import Record, from_line
from headrace.model.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

FLUSH_S_MAX: Final = 60.0


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
    outcome: dict[str, Any] = {"written": 0, "failed": 0, "error": None}

    def delivered(error: object, _: object) -> None:
        outcome["failed" if error else "written"] += 1
        outcome["error"] = outcome["error"] or (str(error) if error else None)

    settings = {
        "bootstrap.servers": bootstrap,
        "compression.type": compression,
        "acks": acks,
        "enable.idempotence": acks == "all",
        "linger.ms": 5,
        "log_level": 0,
    }
    try:
        producer = Producer(settings)
        for record in _read(json_lines, key, key_separator, tombstone):
            where: dict[str, Any] = {}
            if (chosen := partition if partition is not None else record.partition) is not None:
                where["partition"] = chosen
            if record.timestamp_ms is not None:
                where["timestamp"] = record.timestamp_ms
            while True:
                try:
                    producer.produce(
                        name,
                        record.value,
                        record.key,
                        headers=[*headers, *record.headers],
                        on_delivery=delivered,
                        **where,
                    )
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
        left = producer.flush(FLUSH_S_MAX)
    except KafkaException as cause:
        raise Failure(f"cannot write to {name}", str(cause.args[0]), "correct the options") from cause
    if left:
        outcome["failed"] += left
        outcome["error"] = outcome["error"] or f"no acknowledgement within {FLUSH_S_MAX:.0f} s"
    if as_json:
        print_json({"topic": name, **outcome})
    elif not outcome["failed"]:
        say(f"wrote {counted(outcome['written'], 'record')} to {name}")
    if outcome["failed"]:
        total = outcome["written"] + outcome["failed"]
        raise Failure(
            f"{outcome['failed']} of {total} records were not acknowledged",
            str(outcome["error"]),
            "they may be in the topic all the same; look before you repeat",
        )


def _read(json_lines: bool, key: str | None, separator: str | None, tombstone: bool) -> Iterator[Record]:
    for number, line in enumerate(sys.stdin, 1):
        text = line.rstrip("\n")
        if json_lines:
            if text.strip():
                yield from_line(text, number)
            continue
        own_key = key
        if separator is not None:
            own_key, found, text = text.partition(separator)
            if not found:
                raise Failure(
                    f"bad record in line {number}", f"no {separator!r} in it", "write KEY, separator, VALUE"
                )
        value = None if tombstone and not text else text.encode()
        yield Record(None if own_key is None else own_key.encode(), value, [])
