"""Topics: what is asked, what becomes of it. Functions of an image; they give records and answers and change nothing.

Errors and their sentences are those of Kafka's `ReplicationControlManager`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.config.rules import ValueRefused
from headrace.config.topic import TopicConfigRefused, checked
from headrace.controller.image import (
    Image,
    PartitionState,
    ResourceType,
    TopicState,
    metric_name,
    partition_record,
)
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.metadata_records import ConfigRecord, RemoveTopicRecord, TopicRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from headrace.wire.schema import Message

NAME_LENGTH_MAX: Final = 249
"""Longest topic name (Kafka): a directory name with the partition's number must fit into 255 bytes."""

PARTITIONS_PER_REQUEST_MAX: Final = 10_000
"""Most partitions that one request may make (Kafka, `MAX_PARTITIONS_PER_BATCH`): they travel as one batch."""

EXCESSIVE: Final = "Excessively large number of partitions per request."

PARTITIONS_PER_STEP: Final = 250
TOPIC_WEIGHT: Final = 10
"""What deciding about a topic costs beside its partitions, in partitions."""

DEFAULT: Final = -1
"""Of a partition count or replication factor: the broker's default."""


class NewTopic(NamedTuple):
    """A topic that somebody wants."""

    name: str
    partitions: int = DEFAULT
    replication_factor: int = DEFAULT
    assignments: Mapping[int, Sequence[int]] | None = None
    """Brokers by partition, if the caller chose them."""
    configs: Mapping[str, str | None] | None = None


class MorePartitions(NamedTuple):
    """A topic that shall have more partitions."""

    name: str
    total: int
    assignments: Sequence[Sequence[int]] | None = None


class TopicResult(NamedTuple):
    """What became of one topic."""

    name: str
    error: Error
    message: str | None = None
    topic: TopicState | None = None
    """As it is afterwards, or would be."""
    configs: Mapping[str, str] = {}


class Defaults(NamedTuple):
    """The broker's settings that decide when the request does not."""

    node_id: int
    partitions: int
    replication_factor: int


class Decision(NamedTuple):
    """Records to append, all or none, and the answers that hold once they are committed."""

    records: list[Message]
    results: list[TopicResult]


def free(partitions: int) -> None:
    """Nobody is charged for partitions that come or go."""
    del partitions


def decide_create(
    image: Image, wanted: Sequence[NewTopic], ids: Sequence[bytes], defaults: Defaults
) -> Decision:
    """As `deciding_create`, at once."""
    steps = deciding_create(image, wanted, ids, defaults)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            decision: Decision = end.value
            return decision


def deciding_create(
    image: Image,
    wanted: Sequence[NewTopic],
    ids: Sequence[bytes],
    defaults: Defaults,
    charge: Callable[[int], None] = free,
) -> Generator[int, None, Decision]:
    """Make topics; each fails or succeeds by itself. `ids`: fresh topic ids, one for each. `charge`: called with the partitions
    of each topic that nothing else speaks against; it may raise `Refusal`.

    Yields from time to time, so that others get their turn, how much was done since: partitions, or as much as they are.
    The image must stay as it is meanwhile.

    Raises `Refusal` (POLICY_VIOLATION): more partitions than one request may make.
    """
    counts = (len(topic.assignments or ()) or _count(topic, defaults) for topic in wanted)
    if sum(max(0, count) for count in counts) > PARTITIONS_PER_REQUEST_MAX:
        raise Refusal(Error.POLICY_VIOLATION, EXCESSIVE)
    records: list[Message] = []
    results: list[TopicResult] = []
    next_group = image.next_group
    names: dict[str, str] = {}
    for topic, topic_id in zip(wanted, ids, strict=True):
        yield TOPIC_WEIGHT
        try:
            _check_name_is_free(image, topic.name, names)
            configs = checked(topic.configs or {})
            replicas = _placement(topic, defaults)
            charge(len(replicas))
        except Refusal as refusal:
            results.append(TopicResult(topic.name, refusal.error, refusal.message))
            continue
        except (TopicConfigRefused, ValueRefused) as refusal:
            told = Refusal(Error.INVALID_CONFIG, str(refusal))
            results.append(TopicResult(topic.name, told.error, told.message))
            continue
        names[metric_name(topic.name)] = topic.name
        records.append(TopicRecord(topic.name, topic_id))
        records += [
            ConfigRecord(ResourceType.TOPIC, topic.name, key, value) for key, value in configs.items()
        ]
        partitions: list[PartitionState] = []
        for first in range(0, len(replicas), PARTITIONS_PER_STEP):
            step = _partitions(replicas[first : first + PARTITIONS_PER_STEP], first, next_group)
            next_group += len(step)
            partitions += step
            records += [partition_record(topic_id, partition) for partition in step]
            yield len(step)
        state = TopicState(topic.name, topic_id, tuple(partitions))
        results.append(TopicResult(topic.name, Error.NONE, None, state, configs))
    return Decision(records, results)


def decide_delete(
    image: Image, topics: Sequence[TopicState], charge: Callable[[int], None] = free
) -> Decision:
    """Delete topics that exist. `charge`: as of `deciding_create`."""
    records: list[Message] = []
    results: list[TopicResult] = []
    for topic in topics:
        if topic.topic_id not in image.ids:
            results.append(TopicResult(topic.name, Error.UNKNOWN_TOPIC_OR_PARTITION))
            continue
        try:
            charge(len(topic.partitions))
        except Refusal as refusal:
            results.append(TopicResult(topic.name, refusal.error, refusal.message, topic))
            continue
        records.append(RemoveTopicRecord(topic.topic_id))
        results.append(TopicResult(topic.name, Error.NONE, None, topic))
    return Decision(records, results)


def decide_more_partitions(
    image: Image,
    wanted: Sequence[MorePartitions],
    node_id: int,
    charge: Callable[[int], None] = free,
) -> Decision:
    """Give topics more partitions; each fails or succeeds by itself. `charge`: as of `deciding_create`.

    Raises `Refusal` (POLICY_VIOLATION): more partitions than one request may make.
    """
    records: list[Message] = []
    results: list[TopicResult] = []
    next_group = image.next_group
    made = 0
    for more in wanted:
        topic = image.topics.get(more.name)
        try:
            if topic is None:
                raise Refusal(Error.UNKNOWN_TOPIC_OR_PARTITION)
            replicas = _further_placement(topic, more, node_id)
            charge(len(replicas))
        except Refusal as refusal:
            results.append(TopicResult(more.name, refusal.error, refusal.message))
            continue
        made += len(replicas)
        if made > PARTITIONS_PER_REQUEST_MAX:
            raise Refusal(Error.POLICY_VIOLATION, EXCESSIVE)
        partitions = _partitions(replicas, len(topic.partitions), next_group)
        next_group += len(partitions)
        records += [partition_record(topic.topic_id, partition) for partition in partitions]
        state = topic._replace(partitions=(*topic.partitions, *partitions))
        results.append(TopicResult(more.name, Error.NONE, None, state))
    return Decision(records, results)


def why_invalid(name: str) -> str | None:
    """What is wrong with a topic name, in Kafka's words."""
    if not name:
        why = "the empty string is not allowed"
    elif name in (".", ".."):
        why = f"'{name}' is not allowed"
    elif len(name) > NAME_LENGTH_MAX:
        why = f"the length of '{name}' is longer than the max allowed length {NAME_LENGTH_MAX}"
    elif not re.fullmatch(r"[a-zA-Z0-9._-]+", name):
        why = f"'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
    else:
        return None
    return f"Topic name is invalid: {why}"


def _check_name_is_free(image: Image, name: str, made: Mapping[str, str]) -> None:
    """`made`: topics of the same request, by metric name."""
    if why := why_invalid(name):
        raise Refusal(Error.INVALID_TOPIC_EXCEPTION, why)
    other = made.get(metric_name(name))
    if name in image.topics or other == name:
        raise Refusal(Error.TOPIC_ALREADY_EXISTS, f"Topic '{name}' already exists.")
    if collision := image.colliding(name) or other:
        raise Refusal(
            Error.INVALID_TOPIC_EXCEPTION, f"Topic '{name}' collides with existing topic: {collision}"
        )


def _placement(topic: NewTopic, defaults: Defaults) -> list[tuple[int, ...]]:
    """The replicas of each partition."""
    if topic.assignments:
        return _chosen_placement(topic, defaults.node_id)
    if topic.replication_factor == 0 or topic.replication_factor < DEFAULT:
        raise Refusal(
            Error.INVALID_REPLICATION_FACTOR,
            "Replication factor must be larger than 0, or -1 to use the default value.",
        )
    if topic.partitions == 0 or topic.partitions < DEFAULT:
        raise Refusal(
            Error.INVALID_PARTITIONS, "Number of partitions was set to an invalid non-positive value."
        )
    factor = topic.replication_factor if topic.replication_factor != DEFAULT else defaults.replication_factor
    if factor > 1:
        raise Refusal(
            Error.INVALID_REPLICATION_FACTOR,
            f"Unable to replicate the partition {factor} time(s): The target replication factor of {factor} "
            "cannot be reached because only 1 broker(s) are registered.",
        )
    return [(defaults.node_id,)] * _count(topic, defaults)


def _count(topic: NewTopic, defaults: Defaults) -> int:
    """How many partitions it asks for where it does not place them itself."""
    return topic.partitions if topic.partitions != DEFAULT else defaults.partitions


def _chosen_placement(topic: NewTopic, node_id: int) -> list[tuple[int, ...]]:
    assignments = topic.assignments or {}
    if topic.replication_factor != DEFAULT:
        raise Refusal(
            Error.INVALID_REQUEST,
            "A manual partition assignment was specified, but replication factor was not set to -1.",
        )
    if topic.partitions != DEFAULT:
        raise Refusal(
            Error.INVALID_REQUEST,
            "A manual partition assignment was specified, but numPartitions was not set to -1.",
        )
    if sorted(assignments) != list(range(len(assignments))):
        raise Refusal(
            Error.INVALID_REPLICA_ASSIGNMENT,
            "partitions should be a consecutive 0-based integer sequence",
        )
    return [checked_replicas(assignments[index], node_id) for index in range(len(assignments))]


def checked_replicas(brokers: Sequence[int], node_id: int) -> tuple[int, ...]:
    """The replicas of one partition as somebody chose them. Raises `Refusal`."""
    if not brokers:
        why = "The manual partition assignment includes an empty replica list."
    elif len(set(brokers)) != len(brokers):
        twice = next(broker for broker in brokers if list(brokers).count(broker) > 1)
        why = f"The manual partition assignment includes the broker {twice} more than once."
    elif unknown := [broker for broker in brokers if broker != node_id]:
        why = (
            f"The manual partition assignment includes broker {unknown[0]}, but no such broker is registered."
        )
    else:
        return tuple(brokers)
    raise Refusal(Error.INVALID_REPLICA_ASSIGNMENT, why)


def _further_placement(topic: TopicState, more: MorePartitions, node_id: int) -> list[tuple[int, ...]]:
    present = len(topic.partitions)
    if more.total == present:
        raise Refusal(Error.INVALID_PARTITIONS, f"Topic already has {present} partition(s).")
    if more.total < present:
        raise Refusal(
            Error.INVALID_PARTITIONS,
            f"The topic {topic.name} currently has {present} partition(s); {more.total} would not be an increase.",
        )
    additional = more.total - present
    if additional > PARTITIONS_PER_REQUEST_MAX:
        raise Refusal(Error.POLICY_VIOLATION, EXCESSIVE)
    if more.assignments is None:
        return [(node_id,)] * additional
    if len(more.assignments) != additional:
        raise Refusal(
            Error.INVALID_REPLICA_ASSIGNMENT,
            f"Attempted to add {additional} additional partition(s), but only {len(more.assignments)} "
            "assignment(s) were specified.",
        )
    return [checked_replicas(brokers, node_id) for brokers in more.assignments]


def _partitions(
    replicas: Sequence[tuple[int, ...]], first_index: int, first_group: int
) -> tuple[PartitionState, ...]:
    return tuple(
        PartitionState(first_index + place, first_group + place, brokers, brokers, brokers[0], 0)
        for place, brokers in enumerate(replicas)
    )
