"""DescribeLogDirs (key 35, v1-4): the data directory and how much each partition takes of it.

v3  an error of its own
v4  bytes of the volume, all and usable (KIP-827)
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headrace.handlers.call import Operation
from headrace.model.errors import Error
from headrace.wire.messages.k35_describe_log_dirs import (
    DescribeLogDirsPartition,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
    DescribeLogDirsResult,
    DescribeLogDirsTopic,
)

if TYPE_CHECKING:
    from headrace.controller.image import TopicState
    from headrace.handlers.call import Call

UNKNOWN: Final = -1


async def handle(call: Call, request: DescribeLogDirsRequest) -> DescribeLogDirsResponse:
    if not call.may_cluster(Operation.DESCRIBE):
        return DescribeLogDirsResponse(error_code=Error.CLUSTER_AUTHORIZATION_FAILED)
    asked = _asked(call, request)
    groups = [topic.partitions[number].group for topic, numbers in asked for number in numbers]
    sizes = {info.group: info.size_bytes for info in await call.services.engine.log_info(groups)}
    topics = [
        DescribeLogDirsTopic(
            topic.name,
            [
                DescribeLogDirsPartition(number, sizes[topic.partitions[number].group], 0)
                for number in numbers
                if topic.partitions[number].group in sizes
            ],
        )
        for topic, numbers in asked
    ]
    directory, total, usable = _volume(call.services.config.items("log.dirs")[0])
    return DescribeLogDirsResponse(
        results=[
            DescribeLogDirsResult(
                log_dir=directory,
                topics=[topic for topic in topics if topic.partitions],
                total_bytes=total,
                usable_bytes=usable,
            )
        ]
    )


def _asked(call: Call, request: DescribeLogDirsRequest) -> list[tuple[TopicState, list[int]]]:
    """Topics that exist and the numbers of their partitions that are asked for; others are left out, as in Kafka."""
    controller = call.services.controller
    if request.topics is None:
        return [(topic, [p.number for p in topic.partitions]) for topic in controller.image.topics.values()]
    found: dict[str, tuple[TopicState, dict[int, None]]] = {}
    for asked in request.topics:
        if topic := controller.topic(asked.topic):
            _, numbers = found.setdefault(asked.topic, (topic, {}))
            numbers |= dict.fromkeys(number for number in asked.partitions if topic.partition(number))
    return [(topic, list(numbers)) for topic, numbers in found.values()]


def _volume(log_dir: str) -> tuple[str, int, int]:
    """The directory's whole path, and bytes of its volume, all and usable."""
    directory = Path(log_dir).absolute()
    try:
        volume = os.statvfs(directory)
    except OSError:
        return str(directory), UNKNOWN, UNKNOWN
    return str(directory), volume.f_blocks * volume.f_frsize, volume.f_bavail * volume.f_frsize
