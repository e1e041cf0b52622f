"""ShareFetch (key 78, v1-2): acquire records of a share group, and acknowledge those acquired before (KIP-932).

Waits for records as Fetch does. The record batches come as they are stored, some records of them may be another member's:
only what `AcquiredRecords` names is the member's own.

v2   renewals (KIP-1222), whether `MaxRecords` holds for the last batch, too (KIP-1206)
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from headrace.coordinator.share_partition.leader import ShareFetched, Wants
from headrace.coordinator.share_partition.sessions import FINAL_EPOCH, INITIAL_EPOCH, Place
from headrace.coordinator.share_partition.settings import FETCH_WAIT_MS_MAX
from headrace.handlers.call import Operation
from headrace.handlers.share_requests import VERSION_RENEW, acknowledge, lock_timeout_ms, session_key
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k78_share_fetch import (
    AcquiredRecords,
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionData,
    ShareFetchableTopicResponse,
    ShareFetchRequest,
    ShareFetchResponse,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headrace.coordinator.share_partition.sessions import Session, SessionKey
    from headrace.handlers.call import Call
    from headrace.handlers.share_requests import Acknowledged

RECORD_LIMIT = 1
"""`ShareAcquireMode`: 0 is whole batches."""


async def handle(call: Call, request: ShareFetchRequest) -> ShareFetchResponse:
    key = session_key(call, request.group_id, request.member_id)
    renews = call.api_version >= VERSION_RENEW and request.is_renew_ack
    if renews and (why := _why_no_renewal(request)):
        raise Refusal(Error.INVALID_REQUEST, why)
    acknowledges = any(p.acknowledgement_batches for topic in request.topics for p in topic.partitions)
    leader = call.services.share
    session, epoch = (
        await _session(call, key, request, acknowledges=acknowledges),
        request.share_session_epoch,
    )
    outcomes: dict[Place, Acknowledged] = {}
    if acknowledges:
        outcomes = await acknowledge(call, key, request.topics, is_renew=request.is_renew_ack)
    fetched: dict[Place, ShareFetched] = {}
    if epoch != FINAL_EPOCH and not renews:
        fetched = await _fetch(call, key, session, request)
        if epoch != INITIAL_EPOCH:
            fetched = _worth_telling(session, fetched)
    response = _response(call, fetched, outcomes)
    response.acquisition_lock_timeout_ms = lock_timeout_ms(call, key)
    if epoch == FINAL_EPOCH:
        leader.end_session(key)
    return response


def _why_no_renewal(request: ShareFetchRequest) -> str:
    wrong = [
        f"{name} must be set to 0, "
        for name, value in (
            ("maxBytes", request.max_bytes),
            ("minBytes", request.min_bytes),
            ("maxRecords", request.max_records),
            ("maxWaitMs", request.max_wait_ms),
        )
        if value
    ]
    return "".join(wrong) + "if isRenewAck is true." if wrong else ""


async def _session(call: Call, key: SessionKey, request: ShareFetchRequest, *, acknowledges: bool) -> Session:
    """The session of this request, with the partitions that it has now. Raises `Refusal`."""
    sessions, epoch = call.services.share.sessions, request.share_session_epoch
    named = [Place(topic.topic_id, p.partition_index) for topic in request.topics for p in topic.partitions]
    if epoch == INITIAL_EPOCH:
        if acknowledges:
            raise Refusal(Error.INVALID_REQUEST)
        try:
            return sessions.begin(key, named, call.connection)
        except Refusal as refusal:
            if refusal.error is Error.SHARE_SESSION_LIMIT_REACHED:  # lest clients ask again at once
                await _idle(call, request.max_wait_ms)
            raise
    session = sessions.step(key, epoch)
    if epoch != FINAL_EPOCH:
        forgotten = [
            Place(t.topic_id, number) for t in request.forgotten_topics_data for number in t.partitions
        ]
        sessions.change(session, named, forgotten)
    return session


async def _idle(call: Call, wait_ms: int) -> None:
    over = asyncio.Event()
    call.services.share.timers.call_later(min(max(wait_ms, 0), FETCH_WAIT_MS_MAX), over.set)
    await over.wait()


async def _fetch(
    call: Call, key: SessionKey, session: Session, request: ShareFetchRequest
) -> dict[Place, ShareFetched]:
    found: dict[Place, ShareFetched] = {}
    places: list[Place] = []
    for place in session.places:
        topic = call.services.controller.topic_by_id(place.topic_id)
        if topic is None:
            found[place] = ShareFetched(Error.UNKNOWN_TOPIC_ID)
        elif not call.may_topic(Operation.READ, topic.name):
            found[place] = ShareFetched(Error.TOPIC_AUTHORIZATION_FAILED)
        elif topic.partition(place.partition) is None:
            found[place] = ShareFetched(Error.UNKNOWN_TOPIC_OR_PARTITION)
        else:
            places.append(place)
    if places:  # each request begins with another one
        first = max(request.share_session_epoch, 0) % len(places)
        wants = Wants(
            request.max_wait_ms,
            min(request.min_bytes, request.max_bytes),
            request.max_bytes,
            request.max_records,
            request.batch_size,
            call.api_version >= VERSION_RENEW and request.share_acquire_mode == RECORD_LIMIT,
        )
        fetched = await call.services.share.fetch(key, places[first:] + places[:first], wants)
        found = fetched | found
    return found


def _worth_telling(session: Session, fetched: Mapping[Place, ShareFetched]) -> dict[Place, ShareFetched]:
    """Records, errors, and what was not told of before; after an error it is told once more that all is well."""
    told: dict[Place, ShareFetched] = {}
    for place, one in fetched.items():
        if one.records or one.error or place in session.fresh:
            told[place] = one
            session.fresh.discard(place)
        if one.error and place in session.places:
            session.fresh.add(place)
        if one.records and place in session.places:  # others come first the next time
            del session.places[place]
            session.places[place] = None
    return told


def _response(
    call: Call, fetched: Mapping[Place, ShareFetched], outcomes: Mapping[Place, Acknowledged]
) -> ShareFetchResponse:
    response = ShareFetchResponse()
    topics: dict[bytes, ShareFetchableTopicResponse] = {}
    for place in _in_order(fetched, outcomes):
        one, outcome = fetched.get(place), outcomes.get(place)
        part = PartitionData(place.partition, records=b"")
        if one is not None:
            part.error_code, part.error_message, part.records = one.error, one.message, one.records
            part.acquired_records = [AcquiredRecords(*acquired) for acquired in one.acquired]
        if outcome is not None:
            part.acknowledge_error_code = outcome.error
            part.acknowledge_error_message = outcome.message
        if part.error_code == Error.NOT_LEADER_OR_FOLLOWER:
            node = call.services.controller.nodes(call.listener)[0]
            part.current_leader = LeaderIdAndEpoch(node.node_id, 0)
            response.node_endpoints = [NodeEndpoint(node.node_id, node.host, node.port, node.rack)]
        if place.topic_id not in topics:
            topics[place.topic_id] = ShareFetchableTopicResponse(place.topic_id)
        topics[place.topic_id].partitions.append(part)
    response.responses = list(topics.values())
    return response


def _in_order(
    fetched: Mapping[Place, ShareFetched], outcomes: Mapping[Place, Acknowledged]
) -> Iterable[Place]:
    """What was fetched, then what was only acknowledged."""
    return dict.fromkeys((*fetched, *outcomes))


def refused(request: ShareFetchRequest, error: int, message: str | None) -> ShareFetchResponse:
    del request, message
    return ShareFetchResponse(error_code=error)
