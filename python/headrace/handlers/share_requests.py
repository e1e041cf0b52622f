"""What ShareFetch and ShareAcknowledge have in common: who may ask, and the acknowledgements that both carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from headrace.coordinator.share_partition.partition import RENEW, Acknowledgement
from headrace.coordinator.share_partition.sessions import Place, SessionKey
from headrace.coordinator.share_partition.settings import ACKNOWLEDGE_BATCHES_MAX, lock_duration_ms
from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headrace.handlers.call import Call

MEMBER_ID_CHARS_MAX: Final = 36
VERSION_RENEW: Final = 2


class AcknowledgementBatch(Protocol):
    first_offset: int
    last_offset: int
    acknowledge_types: list[int]


class Partition(Protocol):
    partition_index: int

    @property
    def acknowledgement_batches(self) -> Sequence[AcknowledgementBatch]: ...


class Topic(Protocol):
    topic_id: bytes

    @property
    def partitions(self) -> Sequence[Partition]: ...


class Acknowledged(NamedTuple):
    """How the acknowledgements of one partition ended."""

    error: Error
    message: str | None = None


def session_key(call: Call, group_id: str | None, member_id: str | None) -> SessionKey:
    """Whose request it is. Raises `Refusal`."""
    if group_id is None or member_id is None:
        raise Refusal(Error.UNKNOWN_SERVER_ERROR)  # the protocol has null, and Kafka fails at it
    if not call.may(Operation.READ, "group", group_id):
        raise Refusal(Error.GROUP_AUTHORIZATION_FAILED)
    if not member_id or len(member_id) > MEMBER_ID_CHARS_MAX:
        raise Refusal(Error.INVALID_REQUEST, "Invalid member id in the request.")
    return SessionKey(group_id, member_id)


def lock_timeout_ms(call: Call, key: SessionKey) -> int:
    """How long what is acquired stays so, as the answer tells."""
    leader = call.services.share
    return lock_duration_ms(leader.settings, leader.configs(key.group_id))


async def acknowledge(
    call: Call, key: SessionKey, topics: Iterable[Topic], *, is_renew: bool
) -> dict[Place, Acknowledged]:
    """Acknowledge all that is named; each partition has its own outcome."""
    outcomes: dict[Place, Acknowledged] = {}
    nothing: dict[Place, Acknowledged] = {}
    asked: dict[Place, list[Acknowledgement]] = {}
    for topic in topics:
        known = call.services.controller.topic_by_id(topic.topic_id)
        for partition in topic.partitions:
            place = Place(topic.topic_id, partition.partition_index)
            batches = partition.acknowledgement_batches
            if known is None:
                outcomes[place] = Acknowledged(Error.UNKNOWN_TOPIC_ID)
            elif not _are_valid(batches, renews=call.api_version >= VERSION_RENEW, is_renew=is_renew):
                outcomes[place] = Acknowledged(Error.INVALID_REQUEST)
            elif not call.may_topic(Operation.READ, known.name):
                outcomes[place] = Acknowledged(Error.TOPIC_AUTHORIZATION_FAILED)
            elif known.partition(place.partition) is None:
                outcomes[place] = Acknowledged(Error.UNKNOWN_TOPIC_OR_PARTITION)
            elif not batches:
                nothing[place] = Acknowledged(Error.NONE)
            else:
                asked[place] = [
                    Acknowledgement(batch.first_offset, batch.last_offset, batch.acknowledge_types)
                    for batch in batches
                ]
    for place, acknowledgements in asked.items():
        outcome = await call.services.share.acknowledge(key, place, acknowledgements)
        outcomes[place] = Acknowledged(*outcome)
    return outcomes | nothing if asked else outcomes  # as Kafka does


def _are_valid(batches: Sequence[AcknowledgementBatch], *, renews: bool, is_renew: bool) -> bool:
    if len(batches) > ACKNOWLEDGE_BATCHES_MAX:
        return False
    end = -1
    highest = RENEW if renews else RENEW - 1
    for batch in batches:
        types = batch.acknowledge_types
        size = batch.last_offset - batch.first_offset + 1
        if size < 1 or batch.first_offset < end or len(types) not in {1, size}:
            return False
        if any(not 0 <= kind <= highest or (kind == RENEW and not is_renew) for kind in types):
            return False
        end = batch.last_offset
    return True
