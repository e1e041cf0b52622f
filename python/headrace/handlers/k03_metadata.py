"""Metadata (key 3, v0-13): brokers, topics and who leads their partitions.

A topic that does not exist is made within the call if the client and `auto.create.topics.enable` allow it.

v0   an empty list asks for all topics; from v1 on null does, and the empty list for none
v1   controller, racks, internal topics    v2   cluster id    v3   throttling    v4   auto-creation is the client's choice
v8   authorized operations (the cluster's until v10)    v10  topic ids in the answer    v12  asking by topic id (KIP-516)
v13  an error of its own (KIP-1102)
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from headrace.controller.decide_topics import NewTopic, why_invalid
from headrace.controller.image import INTERNAL_TOPICS
from headrace.controller.metadata_entries import encode_entry, encode_topic, join
from headrace.handlers.authorized_operations import NOT_ASKED, authorized_operations
from headrace.handlers.call import CLUSTER, Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k03_metadata import (
    MetadataRequest,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponseTopic,
)
from headrace.wire.schema import NULL_UUID

if TYPE_CHECKING:
    from headrace.controller.image import TopicState
    from headrace.handlers.call import Call


PARTITIONS_PER_TURN: Final = 1000
"""Partitions that may be encoded before others get their turn of the loop: a few milliseconds when none is kept yet."""


async def handle(call: Call, request: MetadataRequest) -> bytes:
    version = call.api_version
    if request.topics is None or (version == 0 and not request.topics):
        entries = await _all(call, request)
    elif version >= 12 and any(topic.topic_id != NULL_UUID for topic in request.topics):
        # Names beside ids are passed over, as in Kafka.
        ids = dict.fromkeys(topic.topic_id for topic in request.topics if topic.topic_id != NULL_UUID)
        entries = [await _by_id(call, request, topic_id) for topic_id in ids]
    else:
        names = [topic.name for topic in request.topics if topic.name is not None]
        if len(names) < len(request.topics) or any(t.topic_id != NULL_UUID for t in request.topics):
            if version >= 12:
                raise Refusal(Error.UNKNOWN_SERVER_ERROR, "A topic has neither a name nor an id.")
            raise Refusal(
                Error.INVALID_REQUEST,
                f"Topic IDs are not supported in requests for version {version}",
            )
        entries = [await _by_name(call, request, name) for name in dict.fromkeys(names)]
    return join(_frame(call, request), version, entries)


def refused(request: MetadataRequest, error: Error, message: str | None) -> MetadataResponse:
    """The error on every topic that was asked for; from v13 on also by itself."""
    del message
    return MetadataResponse(
        error_code=error,
        topics=[
            MetadataResponseTopic(error_code=error, name=topic.name or "", topic_id=topic.topic_id)
            for topic in request.topics or ()
        ],
    )


def _frame(call: Call, request: MetadataRequest) -> MetadataResponse:
    """The answer without its topics."""
    controller = call.services.controller
    asked = request.include_cluster_authorized_operations and call.may_cluster(Operation.DESCRIBE)
    return MetadataResponse(
        throttle_time_ms=call.services.quotas.throttle_time_ms(call),
        brokers=[MetadataResponseBroker(*node) for node in controller.nodes(call.listener)],
        cluster_id=controller.cluster_id,
        controller_id=controller.node_id,
        cluster_authorized_operations=(
            authorized_operations(call, "cluster", CLUSTER) if asked else NOT_ASKED
        ),
    )


async def _all(call: Call, request: MetadataRequest) -> list[bytes]:
    entries: list[bytes] = []
    encoded = 0
    for topic in list(call.services.controller.image.topics.values()):
        if call.may_topic(Operation.DESCRIBE, topic.name):
            entries.append(await _entry(call, request, topic))
            encoded += len(topic.partitions)
        if encoded > PARTITIONS_PER_TURN:
            encoded = 0
            await asyncio.sleep(0)
    return entries


async def _by_id(call: Call, request: MetadataRequest, topic_id: bytes) -> bytes:
    topic = call.services.controller.topic_by_id(topic_id)
    if topic is not None and call.may_topic(Operation.DESCRIBE, topic.name):
        return await _entry(call, request, topic)
    # The name is kept from those who may not know it.
    error = Error.UNKNOWN_TOPIC_ID if topic is None else Error.TOPIC_AUTHORIZATION_FAILED
    return _failed(call, MetadataResponseTopic(error_code=error, name=None, topic_id=topic_id))


async def _by_name(call: Call, request: MetadataRequest, name: str) -> bytes:
    controller = call.services.controller
    internal = name in INTERNAL_TOPICS
    error = Error.TOPIC_AUTHORIZATION_FAILED
    if call.may_topic(Operation.DESCRIBE, name):
        topic = controller.topic(name)
        error = Error.NONE
        if topic is None:
            error = await _create(call, request, name)
            topic = controller.topic(name)
        if topic is not None:
            return await _entry(call, request, topic)
    failed = MetadataResponseTopic(error_code=error, name=name, is_internal=internal)
    if error is not Error.TOPIC_AUTHORIZATION_FAILED and request.include_topic_authorized_operations:
        failed.topic_authorized_operations = authorized_operations(call, "topic", name)
    return _failed(call, failed)


async def _create(call: Call, request: MetadataRequest, name: str) -> Error:
    """Make a topic that was asked for, if that is allowed."""
    services = call.services
    if why_invalid(name):
        return Error.INVALID_TOPIC_EXCEPTION
    if not request.allow_auto_topic_creation or not services.config.boolean("auto.create.topics.enable"):
        return Error.UNKNOWN_TOPIC_OR_PARTITION
    if not call.may_cluster(Operation.CREATE) and not call.may_topic(Operation.CREATE, name):
        return Error.TOPIC_AUTHORIZATION_FAILED
    if name in INTERNAL_TOPICS:
        await services.controller.ensure_internal_topic(name)
        return Error.NONE
    (result,) = await services.controller.create_topics([NewTopic(name)])
    # Somebody else may have been faster.
    return Error.NONE if result.error is Error.TOPIC_ALREADY_EXISTS else result.error


async def _entry(call: Call, request: MetadataRequest, topic: TopicState) -> bytes:
    controller = call.services.controller
    if not request.include_topic_authorized_operations:
        return await controller.entries.entry(topic, call.api_version, len(controller.image.topics))
    return await encode_topic(topic, call.api_version, authorized_operations(call, "topic", topic.name))


def _failed(call: Call, entry: MetadataResponseTopic) -> bytes:
    return encode_entry(entry, call.api_version)
