"""The client for code without an event loop: tests and fixtures."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, TypeVar

from headrace.client import topics
from headrace.client.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

T = TypeVar("T")


def run(bootstrap: str, action: Callable[[Cluster], Awaitable[T]]) -> T:
    """Run one action on a cluster to its end, on a loop and thread of its own, so that any caller may."""
    outcome: list[T] = []
    failure: list[BaseException] = []

    async def act() -> None:
        async with Cluster(bootstrap) as cluster:
            outcome.append(await action(cluster))

    def work() -> None:
        try:
            asyncio.run(act())
        except BaseException as raised:  # noqa: BLE001 - raised again in the caller's thread
            failure.append(raised)

    thread = threading.Thread(target=work, name="headrace-client")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def create_topic(
    bootstrap: str, name: str, partitions: int = 1, configs: Mapping[str, str] | None = None
) -> None:
    """Make a topic. Raises `Failure`."""
    run(bootstrap, lambda cluster: topics.create(cluster, name, partitions, configs=configs))


def delete_topic(bootstrap: str, name: str) -> None:
    """Delete a topic. Raises `Failure`."""
    run(bootstrap, lambda cluster: topics.delete(cluster, name))
