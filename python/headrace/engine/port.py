"""The seam between the control plane and the engine: a partition is a replicated log.

Everything here is plain data and one Protocol. `native.py` fills it with the Rust engine, `fake.py` with lists in memory
for unit tests, the simulator with a seeded world. Nothing above this package knows which.

Calls that return a `Future` are submitted when they are called, in the order of the calls; awaiting only waits for the
outcome. Outcomes arrive in the drain, before the requests of the same drain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence

    from headrace.model.errors import Error


class Request(NamedTuple):
    """One frame that the engine does not answer by itself; its header is parsed, its body is not."""

    token: int
    """Names the place in the connection's order of answers; given back with the answer."""
    api_key: int
    api_version: int
    correlation_id: int
    client_id: str | None
    listener: int
    """Place of the listener in the configuration."""
    connection: int
    peer_host: str
    arrived_ns: int
    """Monotonic nanoseconds when the frame was whole, for timeouts and lag."""
    body: bytes


class Record(NamedTuple):
    """A record to append. Timestamps are the broker's own time of the append."""

    key: bytes | None
    value: bytes | None


class Producer(NamedTuple):
    """Who appends within a transaction."""

    producer_id: int
    producer_epoch: int


class Stored(NamedTuple):
    """A record read back, or the marker that ended a transaction."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    producer: Producer | None = None
    """Of a record that belongs to a transaction, and of a marker."""
    marker: Marker | None = None
    """Set: this is no record, it ends the producer's transaction in this partition."""


class Marker(NamedTuple):
    """The end of a transaction, as a partition keeps it."""

    committed: bool
    coordinator_epoch: int


class Verification(NamedTuple):
    """A Produce that brings a transaction to partitions where the engine knows of none; it waits for `Engine.verified`."""

    token: int
    """Given back with the outcome."""
    transactional_id: str
    producer: Producer
    partitions: Sequence[tuple[str, int]]
    """Topic and partition, each once."""
    adds: bool
    """The partitions become part of the transaction (KIP-890, Produce v12 on); else they must be part of it already."""
    api_version: int
    """Of the Produce."""


class Appended(NamedTuple):
    """Outcome of an append; completes when the records are committed (durable on a quorum) or refused."""

    error: Error
    base_offset: int
    """Offset of the first record; -1 if refused."""
    end_offset: int
    """One past the last record; -1 if refused."""


class Slice(NamedTuple):
    """Outcome of a read: committed records from an offset on."""

    error: Error
    records: Sequence[Stored]
    next_offset: int
    """Where to read on."""
    high_watermark: int


class Batch(NamedTuple):
    """A record batch that nobody has opened."""

    first: int
    """Its first offset."""
    last: int
    """Its last offset."""
    size: int
    """Its bytes."""
    aborted: bool
    """It is part of a transaction that was aborted; only told to readers of committed records."""


class Batches(NamedTuple):
    """Outcome of a read that does not open the batches."""

    error: Error
    spans: Sequence[Batch]
    """What `data` is made of; the first one holds the offset asked for, or comes behind it."""
    data: bytes
    """The batches as they are stored, one behind the other."""
    log_start: int
    """-1, as the other two, if it could not be read."""
    last_stable: int
    high_watermark: int


class Partition(NamedTuple):
    """A partition as the engine is told of it."""

    group: int
    """Its Raft group: unique for ever, given by the controller."""
    number: int
    """Its place in the topic, from 0."""


class Topic(NamedTuple):
    """A topic as the engine is told of it; telling it again replaces configuration and adds partitions."""

    topic_id: bytes
    """16 bytes, as on the wire."""
    name: str
    partitions: Sequence[Partition]
    internal: bool
    configs: Mapping[str, str]
    """Every effective topic configuration by Kafka's name (and `write.caching`); unknown names are ignored."""


class LogInfo(NamedTuple):
    """What is known of one partition's log, for Metadata, DescribeLogDirs, metrics and the console."""

    group: int
    epoch: int
    log_start: int
    last_stable: int
    high_watermark: int
    log_end: int
    size_bytes: int


class ProducerInfo(NamedTuple):
    """An idempotent producer as a partition remembers it (DescribeProducers)."""

    producer_id: int
    producer_epoch: int
    last_sequence: int
    last_timestamp_ms: int
    coordinator_epoch: int
    transaction_start_offset: int
    """-1 when no transaction is open."""


class EpochEnd(NamedTuple):
    """Answer of OffsetForLeaderEpoch."""

    error: Error
    epoch: int
    end_offset: int


class Feature(NamedTuple):
    """A feature of the cluster (KIP-584): the levels that this release supports, and the one in force."""

    name: str
    low: int
    high: int
    finalized: int
    """0: none; the feature is off."""


class Settings(NamedTuple):
    """What the engine must know before it starts."""

    data_dir: str
    shards: int
    listeners: Sequence[tuple[str, str, int]]
    """Name, host, port of each Kafka listener; port 0 picks a free one."""
    dev: bool
    node_id: int
    values: Mapping[str, str]
    """Broker configuration by Kafka's names (`socket.request.max.bytes`, `connections.max.idle.ms` ...)."""


class Engine(Protocol):
    """The data path, as seen from the control plane's loop. Every method is called on that loop's thread."""

    def start(self) -> Sequence[tuple[str, int]]:
        """Open the data directory, recover, bind the listeners, start the shards; give the addresses in use.

        The listeners accept at once, but nothing is answered from partitions until they are named by `topics`.

        Raises `Failure`: rot in the data directory, a newer format, an address in use.
        """

    def serve(
        self,
        on_requests: Callable[[Sequence[Request]], None],
        on_verifications: Callable[[Sequence[Verification]], None],
    ) -> None:
        """Give the requests to `on_requests`, many at a time. Said in the same turn of the loop as `start`."""

    def verified(self, token: int, errors: Sequence[Error]) -> None:
        """The outcome of a `Verification`, one for each partition, in their order; those without error are appended.

        Errors as the coordinator has them: the engine knows the words of the Produce's version.
        """

    def answer(self, token: int, response: bytes | None) -> None:
        """Give the answer to a request: the whole frame without its length, response header included.

        `None` closes the connection. Answers given during one turn of the loop leave together.
        """

    def topics(self, changed: Sequence[Topic], removed: Sequence[bytes]) -> asyncio.Future[None]:
        """Tell every shard of topics that are new or changed, and of ids that are gone; done when all shards hold it.

        Partitions named for the first time are made (a record in the journal, no file); partitions of removed topics
        are deleted for ever.
        """

    def remove_unnamed(self) -> None:
        """Delete for ever every partition that no call of `topics` has named. Only for one who named all that there are."""

    def append(
        self,
        group: int,
        records: Sequence[Record],
        *,
        expected_end: int | None = None,
        makes_room: bool = False,
        producer: Producer | None = None,
    ) -> asyncio.Future[Appended]:
        """Append records as one batch; all or none.

        `expected_end`: refuse (`NOT_LEADER_OR_FOLLOWER`) unless the log ends at this offset now. A coordinator that
        passes it is the only writer or learns that it is not. An empty `records` only waits: it completes when
        everything appended before is committed. `makes_room`: a full disk takes it where it takes no other
        (`NOT_ENOUGH_REPLICAS`). `producer`: the records are part of its transaction; they carry no sequence numbers.
        """

    def append_marker(
        self, group: int, producer: Producer, marker: Marker, *, expected_end: int | None = None
    ) -> asyncio.Future[Appended]:
        """End the producer's transaction in this partition (none open: the marker is appended all the same, as in Kafka).

        Refused: `INVALID_PRODUCER_EPOCH` if the producer's epoch is older than the one known,
        `TRANSACTION_COORDINATOR_FENCED` if the coordinator's is; `expected_end` as in `append`.
        """

    def read(self, group: int, offset: int, max_bytes: int) -> asyncio.Future[Slice]:
        """Read committed records from `offset` on, decompressed; at least one batch if any is there."""

    def log_info(self, groups: Sequence[int]) -> asyncio.Future[Sequence[LogInfo]]:
        """What is known of these partitions' logs; those not on this node are left out."""

    def delete_records(self, group: int, before: int) -> asyncio.Future[tuple[Error, int]]:
        """Move the log start to `before` (-1: to the high watermark); gives the log start that holds then."""

    def epoch_end(self, group: int, current_epoch: int, epoch: int) -> asyncio.Future[EpochEnd]:
        """Where a leader epoch ends in this log (OffsetForLeaderEpoch)."""

    def producers(self, group: int) -> asyncio.Future[Sequence[ProducerInfo]]:
        """The idempotent producers that a partition remembers."""

    def read_batches(
        self, group: int, offset: int, max_bytes: int, *, committed: bool
    ) -> asyncio.Future[Batches]:
        """Read batches as they are stored, from the one that holds `offset` on; at least one if any is there.

        `committed`: only up to the last stable offset, and those of aborted transactions are told.
        """

    def await_more(self, group: int, seen: int, *, committed: bool) -> asyncio.Future[None]:
        """Done when there is more to see than up to `seen`, or something else of the partition has changed, or it is gone.

        There is no way to end it before: ask once for each partition, not once for each reader.
        """

    def offset_of_time(self, group: int, timestamp_ms: int) -> asyncio.Future[tuple[Error, int]]:
        """The first offset whose record is of this time or later; -1: there is none."""

    def on_closed(self, listener: Callable[[Sequence[int]], None]) -> None:
        """Call back with connections that were closed and had asked for ShareFetch, after all their requests."""

    def set_values(self, values: Mapping[str, str]) -> None:
        """Broker settings that changed while running."""

    def set_features(self, epoch: int, features: Sequence[Feature]) -> None:
        """What ApiVersions tells of features from now on; until the first call it says that they are not known.

        `epoch` rises with every change.
        """

    def metrics(self) -> Mapping[str, float]:
        """Counters and gauges of the engine by name; label sets are part of the name, Prometheus style."""

    def stop_accepting(self) -> None:
        """Close the listeners and answer what is parked with retriable errors; a clean stop begins with it."""

    def stop(self) -> None:
        """Make everything durable, write the closing commit, join the threads. Idempotent."""
