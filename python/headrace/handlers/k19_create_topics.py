"""CreateTopics (key 19, v2-7): make topics, each by itself.

v4  -1 partitions or replicas mean the broker's default
v5  the answer holds partitions, replicas and every setting of the new topic (KIP-525)
v6  THROTTLING_QUOTA_EXCEEDED (KIP-599)
v7  the answer holds the topic's id
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from headrace.config.topic import describe_all
from headrace.controller.decide_topics import NewTopic, TopicResult
from headrace.controller.image import METADATA_TOPIC
from headrace.engine.slices import in_slices
from headrace.handlers.call import Operation
from headrace.handlers.mutation_quota import mutation_quota
from headrace.model.errors import Error, Refusal
from headrace.wire.codec import encode_part, encode_with
from headrace.wire.messages.k19_create_topics import (
    CreatableTopic,
    CreatableTopicConfigs,
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.handlers.call import Call


STRICT_SINCE: Final = 6


async def handle(call: Call, request: CreateTopicsRequest) -> bytes:
    if request.timeout_ms <= 0:
        raise Refusal(Error.REQUEST_TIMED_OUT)
    times = Counter(topic.name for topic in request.topics)
    answers: dict[str, CreatableTopicResult] = {}
    wanted: list[NewTopic] = []
    for topic in request.topics:
        try:
            wanted.append(_wanted(call, topic, times[topic.name]))
        except Refusal as refusal:
            answers[topic.name] = CreatableTopicResult(
                topic.name, error_code=refusal.error, error_message=refusal.message
            )
    quota = mutation_quota(call, STRICT_SINCE)
    results = await call.services.controller.create_topics(wanted, quota, validate_only=request.validate_only)
    configs = _Configs(call)
    answers |= {result.name: _answer(call, result, configs) for result in results}
    return await _encoded(call, [answers[name] for name in times], quota.throttle_time_ms)


async def _encoded(call: Call, answers: Sequence[CreatableTopicResult], throttle_time_ms: int) -> bytes:
    """The answer, slice by slice: with every setting of every topic it may be megabytes."""
    version = call.api_version
    flexible = version >= CreateTopicsResponse.FLEXIBLE_FROM
    entries: list[bytes] = []
    async for part in in_slices(answers, lambda answer: 1 + len(answer.configs or ())):
        entries += [encode_part(answer, version, flexible=flexible) for answer in part]
    whole = CreateTopicsResponse(max(throttle_time_ms, call.services.quotas.throttle_time_ms(call)))
    return encode_with(whole, version, entries, behind=0, flexible=flexible)


class _Configs:
    """Every setting of new topics, described once for all that set the same."""

    def __init__(self, call: Call) -> None:
        self._config = call.services.config
        self._described: dict[frozenset[tuple[str, str]], list[CreatableTopicConfigs]] = {}

    def of(self, overrides: Mapping[str, str]) -> list[CreatableTopicConfigs]:
        key = frozenset(overrides.items())
        found = self._described.get(key)
        if found is None:
            found = self._described[key] = [
                CreatableTopicConfigs(
                    config.name, config.value, config.read_only, config.source, config.sensitive
                )
                for config in describe_all(overrides, self._config)
            ]
        return found


def refused(request: CreateTopicsRequest, error: Error, message: str | None) -> CreateTopicsResponse:
    names = dict.fromkeys(topic.name for topic in request.topics)
    return CreateTopicsResponse(
        topics=[CreatableTopicResult(name, error_code=error, error_message=message) for name in names]
    )


def _wanted(call: Call, topic: CreatableTopic, times: int) -> NewTopic:
    if times > 1:
        raise Refusal(Error.INVALID_REQUEST, "Duplicate topic name.")
    may = call.may_cluster(Operation.CREATE) or call.may_topic(Operation.CREATE, topic.name)
    if not may or topic.name == METADATA_TOPIC:
        raise Refusal(Error.TOPIC_AUTHORIZATION_FAILED, "Authorization failed.")
    assignments = {assignment.partition_index: assignment.broker_ids for assignment in topic.assignments}
    if len(assignments) < len(topic.assignments):
        raise Refusal(
            Error.INVALID_REPLICA_ASSIGNMENT, "Found multiple manual partition assignments for a partition"
        )
    return NewTopic(
        topic.name,
        topic.num_partitions,
        topic.replication_factor,
        assignments,
        {config.name: config.value for config in topic.configs},
    )


def _answer(call: Call, result: TopicResult, configs: _Configs) -> CreatableTopicResult:
    if result.topic is None:
        return CreatableTopicResult(
            result.name, error_code=result.error, error_message=result.message, configs=[]
        )
    answer = CreatableTopicResult(
        result.name,
        topic_id=result.topic.topic_id,
        error_message=None,
        num_partitions=len(result.topic.partitions),
        replication_factor=len(result.topic.partitions[0].replicas),
    )
    if not call.may_topic(Operation.DESCRIBE_CONFIGS, result.name):
        answer.num_partitions = answer.replication_factor = -1
        answer.topic_config_error_code = Error.TOPIC_AUTHORIZATION_FAILED
        answer.configs = None
    elif call.api_version >= 5:
        answer.configs = configs.of(result.configs)
    return answer
