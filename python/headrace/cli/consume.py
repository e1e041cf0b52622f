"""`headrace topic consume`: records as lines of JSON, from a chosen place to the end or for ever.

Exit code 0: everything that was asked for was written. 1: the end or the timeout came before the `-n`th record.
"""

from __future__ import annotations

import re
import sys
import time
import uuid
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from headrace.cli.connect import DEFAULT_BOOTSTRAP, Bootstrap, Json, TopicOption, named, reach
from headrace.cli.records import to_line
from headrace.cli.report import outside
from headrace.model.failure import ExitCode, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from confluent_kafka import Consumer, TopicPartition

ANSWER_S_MAX: Final = 15.0
POLL_S: Final = 0.2
PLACES: Final = (
    "start, end, an offset, -N (the last N of each partition), or @TIME (ms since 1970 or ISO 8601)"
)


def consume(
    topic: Annotated[str | None, typer.Argument(metavar="TOPIC", show_default=False)] = None,
    start: Annotated[
        str, typer.Option("--from", "--offset", "-o", metavar="PLACE", help=f"{PLACES}.")
    ] = "start",
    from_beginning: Annotated[bool, typer.Option("--from-beginning", hidden=True)] = False,
    until_end: Annotated[
        bool, typer.Option("--until-end", "-e", help="Stop where the log ends now.")
    ] = False,
    number: Annotated[
        int | None,
        typer.Option("-n", "--num", "--max-messages", min=1, help="Stop after so many; fewer: exit code 1."),
    ] = None,
    key: Annotated[str | None, typer.Option("--key", "-k", help="Only records with this key.")] = None,
    partition: Annotated[
        list[int] | None, typer.Option("--partition", "-p", help="Only these; repeatable.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", help="Seconds without a record before it stops.")
    ] = None,
    values: Annotated[bool, typer.Option("--values", help="Bare values instead of JSON.")] = False,
    topic_option: TopicOption = None,
    bootstrap: Bootstrap = DEFAULT_BOOTSTRAP,
    as_json: Json = True,  # noqa: ARG001 - it always is; the option is there for symmetry
) -> None:
    """Read records as lines of JSON."""
    from confluent_kafka import Consumer, KafkaException

    name = named(topic, topic_option)
    reach(bootstrap)
    wanted_key = None if key is None else key.encode()
    settings = {
        "bootstrap.servers": bootstrap,
        "group.id": f"headrace-consume-{uuid.uuid4()}",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "error",
        "log_level": 0,
    }
    consumer = Consumer(settings)
    written = 0
    try:
        places, ends = _places(consumer, name, "start" if from_beginning else start, partition)
        consumer.assign(places)
        for message in _messages(consumer, ends if until_end else None, timeout):
            if wanted_key is not None and message.key() != wanted_key:
                continue
            _write(message, values=values)
            written += 1
            if written == number:
                return
    except KafkaException as cause:
        raise Failure(f"cannot read {name}", cause.args[0].str(), "see headrace topic describe") from cause
    finally:
        sys.stdout.flush()
        consumer.close()
    if number is not None:
        raise Failure(
            f"fewer records in {name} than asked for", f"{written} of {number}", "ask for fewer, or wait"
        )


def _places(
    consumer: Consumer, topic: str, start: str, only: list[int] | None
) -> tuple[list[TopicPartition], dict[int, int]]:
    """Where to begin in each partition, and where the log of each ends now."""
    from confluent_kafka import KafkaException, TopicPartition

    try:
        description = consumer.list_topics(topic, timeout=ANSWER_S_MAX).topics[topic]
    except KafkaException as cause:
        detail = cause.args[0].str()
        raise Failure(
            "cannot talk to the cluster", detail, "name a broker with --bootstrap HOST:PORT"
        ) from cause
    if description.error is not None:
        raise Failure(f"cannot read {topic}", description.error.str(), "see headrace topic list")
    known = sorted(description.partitions)
    indexes = known if not only else sorted(set(only))
    if missing := set(indexes) - set(known):
        raise Failure(
            f"cannot read {topic}",
            f"no partition {min(missing)}",
            f"it has partitions 0 to {known[-1]}",
            ExitCode.USAGE,
        )
    ends: dict[int, int] = {}
    places = []
    for index in indexes:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, index), timeout=ANSWER_S_MAX)
        ends[index] = high
        places.append(TopicPartition(topic, index, _offset(start, low, high)))
        if start.isdecimal() and not low <= int(start) <= high:
            outside(topic, index, int(start), low, high)
    if start.startswith("@"):
        asked = [TopicPartition(topic, index, timestamp_of(start[1:])) for index in indexes]
        found = consumer.offsets_for_times(asked, timeout=ANSWER_S_MAX)
        places = [
            TopicPartition(topic, p.partition, p.offset if p.offset >= 0 else ends[p.partition])
            for p in found
        ]
    return places, ends


def _offset(start: str, low: int, high: int) -> int:
    if start == "start" or start in ("beginning", "earliest", "oldest"):
        return low
    if start == "end" or start in ("latest", "newest"):
        return high
    if re.fullmatch(r"-?[0-9]{1,18}", start):
        offset = int(start)
        return max(low, high + offset) if offset < 0 else min(max(low, offset), high)
    if start.startswith("@"):
        return high
    raise Failure("bad option --from", repr(start), f"write {PLACES}", ExitCode.USAGE)


def timestamp_of(text: str) -> int:
    if text.isdigit():
        return int(text)
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError as cause:
        raise Failure("bad option --from", repr(f"@{text}"), f"write {PLACES}", ExitCode.USAGE) from cause
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _messages(consumer: Consumer, ends: dict[int, int] | None, timeout: float | None) -> Iterator[Any]:
    """Records as they come, until every partition reached its end (if there are ends) or nothing came for too long."""
    from confluent_kafka import KafkaError, KafkaException

    unfinished = set(ends or {})
    heard = time.monotonic()
    while ends is None or unfinished:
        message: Any = consumer.poll(POLL_S)
        if message is None:
            sys.stdout.flush()  # who reads this through a pipe sees a record when it comes
            if timeout is not None and time.monotonic() - heard >= timeout:
                return
            continue
        error = message.error()
        if error is not None and error.code() == KafkaError._PARTITION_EOF:
            unfinished.discard(message.partition())
            continue
        if error is not None:
            raise KafkaException(error)
        heard = time.monotonic()
        end = None if ends is None else ends[message.partition()]
        if end is None or message.offset() < end:
            yield message
        if end is not None and message.offset() + 1 >= end:
            unfinished.discard(message.partition())


def _write(message: Any, *, values: bool) -> None:
    if values:
        sys.stdout.buffer.write((message.value() or b"") + b"\n")
        return
    line = to_line(
        message.topic(),
        message.partition(),
        message.offset(),
        message.timestamp()[1],
        message.key(),
        message.value(),
        message.headers() or [],
    )
    sys.stdout.write(line + "\n")
