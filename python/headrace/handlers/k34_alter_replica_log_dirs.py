"""AlterReplicaLogDirs (key 34, v1-2): move replicas to another directory of their node. We have one directory, so a replica
is there already, or the directory is not known.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k34_alter_replica_log_dirs import (
    AlterReplicaLogDirPartitionResult,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
    AlterReplicaLogDirTopicResult,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


DIRECTORY_NAME_CHARS_MAX: Final = 255 - 40
"""Of topic and partition: Kafka gives a replica that moves 40 characters more, and a file system takes 255."""


async def handle(call: Call, request: AlterReplicaLogDirsRequest) -> AlterReplicaLogDirsResponse:
    if not call.may_cluster(Operation.ALTER):
        raise Refusal(Error.CLUSTER_AUTHORIZATION_FAILED)
    ours = _whole(call.services.config.items("log.dirs")[0])
    errors = {}
    for (name, number), path in _wanted(request).items():
        if len(f"{name}-{number}") > DIRECTORY_NAME_CHARS_MAX:
            errors[name, number] = Error.INVALID_TOPIC_EXCEPTION
        elif Path(path) != ours:
            errors[name, number] = Error.LOG_DIR_NOT_FOUND
        else:
            topic = call.services.controller.topic(name)
            known = topic is not None and topic.partition(number) is not None
            errors[name, number] = Error.NONE if known else Error.UNKNOWN_TOPIC_OR_PARTITION
    return _response(errors)


def _whole(directory: str) -> Path:
    return Path(directory).absolute()


def refused(
    request: AlterReplicaLogDirsRequest, error: Error, message: str | None
) -> AlterReplicaLogDirsResponse:
    del message
    return _response(dict.fromkeys(_wanted(request), error))


def _wanted(request: AlterReplicaLogDirsRequest) -> dict[tuple[str, int], str]:
    """Where each replica is to go; a later word about it counts, as in Kafka."""
    return {
        (topic.name, number): directory.path
        for directory in request.dirs
        for topic in directory.topics
        for number in topic.partitions
    }


def _response(errors: dict[tuple[str, int], Error]) -> AlterReplicaLogDirsResponse:
    topics: dict[str, AlterReplicaLogDirTopicResult] = {}
    for (name, number), error in errors.items():
        found = topics.setdefault(name, AlterReplicaLogDirTopicResult(name, []))
        found.partitions.append(AlterReplicaLogDirPartitionResult(number, error))
    return AlterReplicaLogDirsResponse(results=list(topics.values()))
