"""The Rust engine behind the `Engine` Protocol; the only importer of `headrace._engine`.

Everything asked of the engine during one turn of the loop is staged and leaves in one `flush` at the end of the turn;
everything the shards have comes in one `drain` when the wake-up descriptor becomes readable.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headrace import _engine
from headrace.engine.port import (
    Appended,
    Batch,
    Batches,
    EpochEnd,
    Feature,
    LogInfo,
    Marker,
    Producer,
    ProducerInfo,
    Record,
    Request,
    Settings,
    Slice,
    Stored,
    Topic,
    Verification,
)
from headrace.model.errors import Error
from headrace.model.failure import ExitCode, Failure

OnRequests = Callable[[Sequence[Request]], None]
OnVerifications = Callable[[Sequence[Verification]], None]
OnClosed = Callable[[Sequence[int]], None]


class _Pending:
    """A call in flight: its future, how many shards still owe a part, and the parts so far."""

    __slots__ = ("future", "owed", "parts")

    def __init__(self, future: asyncio.Future[Any], owed: int = 1) -> None:
        self.future = future
        self.owed = owed
        self.parts: list[Any] = []


class NativeEngine:
    """`Engine` over the Rust shards; belongs to the loop that runs when `start` is called."""

    def __init__(
        self,
        settings: Settings,
        api_ranges: Sequence[tuple[int, int, int]],
    ) -> None:
        """`api_ranges`: (key, lowest, highest version) to advertise."""
        self._engine = _engine.Engine(
            {
                **settings._asdict(),
                "listeners": list(settings.listeners),
                "values": list(settings.values.items()),
                "api_ranges": list(api_ranges),
            }
        )
        self._calls: dict[int, _Pending] = {}
        self._next_call = 0
        self._flush_due = False
        self._on_requests: OnRequests | None = None
        self._on_verifications: OnVerifications | None = None
        self._on_closed: OnClosed | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running = False

    def start(self) -> Sequence[tuple[str, int]]:
        """See `Engine.start`."""
        self._loop = asyncio.get_running_loop()
        try:
            addresses = self._engine.start()
        except _engine.StartError as error:
            what, detail, hint, exit_code = error.args
            raise Failure(what, detail, hint, ExitCode(exit_code)) from None
        self._running = True
        self._loop.add_reader(self._engine.wake_fd, self._drain)
        return addresses

    def serve(self, on_requests: OnRequests, on_verifications: OnVerifications) -> None:
        """See `Engine.serve`."""
        self._on_requests = on_requests
        self._on_verifications = on_verifications

    def _drain(self) -> None:
        os.read(self._engine.wake_fd, 4096)
        outcomes, requests, verifications, closed = self._engine.drain()
        for outcome in outcomes:
            self._complete(outcome)
        if requests:
            assert self._on_requests is not None, "whoever starts the engine also serves"
            self._on_requests([Request._make(request) for request in requests])
        if verifications:
            assert self._on_verifications is not None, "whoever starts the engine also serves"
            self._on_verifications([_verification(verification) for verification in verifications])
        if closed and self._on_closed is not None:
            self._on_closed(closed)

    def _complete(self, outcome: tuple[Any, ...]) -> None:
        call, kind, *parts = outcome
        pending = self._calls[call]
        pending.owed -= 1
        if kind == "log_info":
            pending.parts.extend(LogInfo._make(part) for part in parts[0])
        if pending.owed:
            return
        del self._calls[call]
        if pending.future.cancelled():
            return
        pending.future.set_result(_result(kind, parts, pending.parts))

    def _call(self, owed: int = 1) -> tuple[int, asyncio.Future[Any]]:
        assert self._loop is not None, "the engine is started first"
        self._next_call += 1
        future: asyncio.Future[Any] = self._loop.create_future()
        self._calls[self._next_call] = _Pending(future, owed)
        self._flush_soon()
        return self._next_call, future

    def _flush_soon(self) -> None:
        if not self._flush_due and self._loop is not None:
            self._flush_due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        if self._running:
            self._engine.flush()

    def answer(self, token: int, response: bytes | None) -> None:
        """See `Engine.answer`."""
        self._engine.answer(token, response)
        self._flush_soon()

    def topics(self, changed: Sequence[Topic], removed: Sequence[bytes]) -> asyncio.Future[None]:
        """See `Engine.topics`."""
        call, future = self._call()
        rows = [
            (topic.topic_id, topic.name, list(topic.partitions), topic.internal, list(topic.configs.items()))
            for topic in changed
        ]
        self._calls[call].owed = self._engine.topics(call, rows, list(removed))
        return future

    def remove_unnamed(self) -> None:
        """See `Engine.remove_unnamed`."""
        self._engine.remove_unnamed()
        self._flush_soon()

    def append(
        self,
        group: int,
        records: Sequence[Record],
        *,
        expected_end: int | None = None,
        makes_room: bool = False,
        producer: Producer | None = None,
    ) -> asyncio.Future[Appended]:
        """See `Engine.append`."""
        call, future = self._call()
        self._engine.append(call, group, list(records), expected_end, makes_room, producer)
        return future

    def append_marker(
        self, group: int, producer: Producer, marker: Marker, *, expected_end: int | None = None
    ) -> asyncio.Future[Appended]:
        """See `Engine.append_marker`."""
        call, future = self._call()
        self._engine.append_marker(call, group, producer, marker, expected_end)
        return future

    def verified(self, token: int, errors: Sequence[Error]) -> None:
        """See `Engine.verified`."""
        self._engine.verified(token, errors)
        self._flush_soon()

    def read(self, group: int, offset: int, max_bytes: int) -> asyncio.Future[Slice]:
        """See `Engine.read`."""
        call, future = self._call()
        self._engine.read(call, group, offset, max_bytes)
        return future

    def log_info(self, groups: Sequence[int]) -> asyncio.Future[Sequence[LogInfo]]:
        """See `Engine.log_info`."""
        call, future = self._call()
        self._calls[call].owed = self._engine.log_info(call, list(groups))
        return future

    def delete_records(self, group: int, before: int) -> asyncio.Future[tuple[Error, int]]:
        """See `Engine.delete_records`."""
        call, future = self._call()
        self._engine.delete_records(call, group, before)
        return future

    def epoch_end(self, group: int, current_epoch: int, epoch: int) -> asyncio.Future[EpochEnd]:
        """See `Engine.epoch_end`."""
        call, future = self._call()
        self._engine.epoch_end(call, group, current_epoch, epoch)
        return future

    def producers(self, group: int) -> asyncio.Future[Sequence[ProducerInfo]]:
        """See `Engine.producers`."""
        call, future = self._call()
        self._engine.producers(call, group)
        return future

    def read_batches(
        self, group: int, offset: int, max_bytes: int, *, committed: bool
    ) -> asyncio.Future[Batches]:
        """See `Engine.read_batches`."""
        call, future = self._call()
        self._engine.read_batches(call, group, offset, max_bytes, committed)
        return future

    def await_more(self, group: int, seen: int, *, committed: bool) -> asyncio.Future[None]:
        """See `Engine.await_more`."""
        call, future = self._call()
        self._engine.await_more(call, group, seen, committed)
        return future

    def offset_of_time(self, group: int, timestamp_ms: int) -> asyncio.Future[tuple[Error, int]]:
        """See `Engine.offset_of_time`."""
        call, future = self._call()
        self._engine.offset_of_time(call, group, timestamp_ms)
        return future

    def on_closed(self, listener: OnClosed) -> None:
        """See `Engine.on_closed`."""
        self._on_closed = listener

    def set_values(self, values: Mapping[str, str]) -> None:
        """See `Engine.set_values`."""
        self._engine.set_values(list(values.items()))
        self._flush_soon()

    def set_features(self, epoch: int, features: Sequence[Feature]) -> None:
        """See `Engine.set_features`."""
        self._engine.set_features(epoch, list(features))
        self._flush_soon()

    def metrics(self) -> Mapping[str, float]:
        """See `Engine.metrics`."""
        return self._engine.metrics()

    def stop_accepting(self) -> None:
        """See `Engine.stop_accepting`."""
        if self._running:
            self._engine.stop_accepting()
            self._flush_soon()

    def stop(self) -> None:
        """See `Engine.stop`."""
        if not self._running:
            return
        self._flush()
        self._running = False
        if self._loop is not None:
            self._loop.remove_reader(self._engine.wake_fd)
        self._engine.stop()
        for pending in self._calls.values():
            pending.future.cancel()
        self._calls.clear()


def _verification(parts: tuple[Any, ...]) -> Verification:
    token, transactional_id, producer, *rest = parts
    return Verification(token, transactional_id, Producer._make(producer), *rest)


def _stored(
    offset: int,
    timestamp_ms: int,
    key: bytes | None,
    value: bytes | None,
    producer: tuple[int, int] | None,
    marker: tuple[bool, int] | None,
) -> Stored:
    if producer is None:
        return Stored(offset, timestamp_ms, key, value)
    owner = Producer._make(producer)
    return Stored(offset, timestamp_ms, key, value, owner, None if marker is None else Marker._make(marker))


def _result(kind: str, parts: list[Any], gathered: list[Any]) -> object:
    match kind:
        case "topics" | "more":
            return None
        case "batches":
            spans = [Batch._make(span) for span in parts[1]]
            return Batches(Error(parts[0]), spans, parts[2], *parts[3])
        case "append":
            return Appended(Error(parts[0]), parts[1], parts[2])
        case "read":
            records = [_stored(*record) for record in parts[1]]
            return Slice(Error(parts[0]), records, parts[2], parts[3])
        case "log_info":
            return gathered
        case "deleted" | "offset_of_time":
            return Error(parts[0]), parts[1]
        case "epoch_end":
            return EpochEnd(Error(parts[0]), parts[1], parts[2])
        case "producers":
            return [ProducerInfo._make(producer) for producer in parts[0]]
        case _:
            raise AssertionError(f"the engine gave an unknown outcome: {kind}")
