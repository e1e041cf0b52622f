"""Group 0 and the image folded from it: load, append, and a snapshot record set from time to time.

A snapshot record set is everything the image holds, written into the log itself between a begin and an end; once its
end is committed, what is before its begin is deleted. A set without a complete end counts for nothing.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from headrace.controller.image import METADATA_GROUP, Image
from headrace.controller.record_format import read_record, write_record
from headrace.engine.port import Record
from headrace.engine.slices import SLICE_MAX, in_slices
from headrace.model.errors import Error, Refusal
from headrace.model.failure import ExitCode, Failure
from headrace.observe import log
from headrace.wire.messages.metadata_records import (
    ConfigRecord,
    FeatureLevelRecord,
    RemoveTopicRecord,
    SnapshotBeginRecord,
    SnapshotEndRecord,
)
from headrace.wire.wire_error import WireError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.engine.port import Engine, Stored
    from headrace.wire.schema import Message

_log: Final = log.get(__name__)

SNAPSHOT_RECORDS: Final = 10_000
"""Records after which a snapshot record set is written: what a start has to read stays below twice this and the set."""

SNAPSHOT_BATCH_RECORDS: Final = 2_000
"""Records of a snapshot that travel as one batch; about 150 KB."""

MAKES_ROOM: Final = (RemoveTopicRecord, ConfigRecord, FeatureLevelRecord, SnapshotEndRecord)
"""What a full disk still takes: it frees space (a shorter retention does), or a start needs it."""

READ_BYTES_MAX: Final = 1 << 20
"""Of one read while loading."""


class MetadataLog:
    """The log and its image; one change at a time, which the caller sees to."""

    def __init__(self, engine: Engine, snapshot_records: int = SNAPSHOT_RECORDS) -> None:
        self.image = Image()
        self._engine = engine
        self._snapshot_records = snapshot_records
        self._end = 0
        """Where the log ends as far as this writer knows; its appends are refused anywhere else."""
        self._since_snapshot = 0
        self.features_offset = -1
        """Of the last record about features, which may stand in a snapshot: it only rises, also over a restart."""
        self.stale = True
        """Whether the log may hold what the image does not: before the first load, and after an append whose outcome is
        not known. Nothing may be decided then."""

    async def load(self) -> None:
        """Fold the log from its start.

        Raises `Failure`: it cannot be read, or a newer release has written to it.
        """
        image = Image()
        (info,) = await self._engine.log_info([METADATA_GROUP])
        offset = info.log_start
        since_snapshot = 0
        features_offset = -1
        while True:
            part = await self._engine.read(METADATA_GROUP, offset, READ_BYTES_MAX)
            if part.error:
                raise _unreadable(offset, part.error.name)
            records = [_read(stored) for stored in part.records]
            image.apply_all(records)
            for stored, record in zip(part.records, records, strict=True):
                if isinstance(record, FeatureLevelRecord):
                    features_offset = stored.offset
                since_snapshot = 0 if isinstance(record, SnapshotEndRecord) else since_snapshot + 1
            if part.next_offset <= offset and offset < part.high_watermark:
                raise _unreadable(offset, f"nothing can be read below {part.high_watermark}")
            offset = part.next_offset
            if offset >= part.high_watermark:
                break
        image.version = max(image.version, self.image.version + 1)
        self.image = image
        self._end = offset
        self._since_snapshot = since_snapshot
        self.features_offset = features_offset
        self.stale = False
        if image.in_snapshot:
            await self.append([SnapshotEndRecord(complete=False)])

    async def append(self, records: Sequence[Message]) -> None:
        """Append records as one batch, and apply them once they are committed.

        Raises `Refusal`: they are not, or that is not known; the image stays as it is.
        """
        assert not self.stale, "the log is loaded again before anything is decided"
        await self._write(records)
        self.stale = True  # until all of it is applied, if this is cancelled
        if len(records) <= SLICE_MAX:
            self.image.apply_all(records)
        else:
            image = self.image.fork()
            async for part in in_slices(records):
                image.apply_all(part)
            self.image = image
        self.stale = False
        for offset, record in enumerate(records, self._end - len(records)):
            if isinstance(record, FeatureLevelRecord):
                self.features_offset = offset
        self._since_snapshot += len(records)

    async def _write(self, records: Sequence[Message]) -> None:
        lines: list[Record] = []
        async for part in in_slices(records):
            lines += [Record(None, write_record(record)) for record in part]
        self.stale = True  # also if this is cancelled
        makes_room = all(isinstance(record, MAKES_ROOM) for record in records)
        outcome = await self._engine.append(
            METADATA_GROUP, lines, expected_end=self._end, makes_room=makes_room
        )
        if outcome.error:
            _log.error("metadata append refused", error=outcome.error.name, records=len(records))
            if outcome.error == Error.NOT_ENOUGH_REPLICAS:
                raise Refusal(
                    Error.KAFKA_STORAGE_ERROR, "The disk is full: delete records or topics, and retry."
                )
            raise Refusal(Error.NOT_CONTROLLER, "The controller could not write its log.")
        self.stale = False
        self._end = outcome.end_offset

    async def snapshot_if_due(self) -> None:
        """Write a snapshot record set if enough has happened since the last one."""
        if self._since_snapshot < self._snapshot_records:
            return
        begin = self._end
        try:
            await self._write_snapshot()
        except Refusal:
            return  # logged; the next load closes the unfinished set
        error, _ = await self._engine.delete_records(METADATA_GROUP, begin)
        if error:
            _log.warning("metadata log not shortened", error=error.name)
        self._since_snapshot = 0

    async def _write_snapshot(self) -> None:
        image = self.image
        await self._write([SnapshotBeginRecord(image.next_group, image.next_producer_id)])
        records = image.records()
        while part := list(islice(records, SNAPSHOT_BATCH_RECORDS)):
            await self._write(part)
        await self._write([SnapshotEndRecord(complete=True)])


def _read(stored: Stored) -> Message:
    try:
        return read_record(stored.value or b"")
    except WireError as error:
        raise _unreadable(stored.offset, str(error)) from None


def _unreadable(offset: int, why: str) -> Failure:
    return Failure(
        "cannot read the cluster's metadata",
        f"record {offset} of its log: {why}",
        "start the release that wrote this data directory last, or restore it from a copy",
        ExitCode.DATA_DIRECTORY,
    )
