"""Large requests of one client do not keep the others waiting: long work on the control plane's loop is cut into slices."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from headrace.testing import Broker
from headrace.wire.messages.k03_metadata import MetadataRequest, MetadataRequestTopic
from headrace.wire.messages.k19_create_topics import CreatableTopic, CreateTopicsRequest
from tests.broker.raw import Raw

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.wire.schema import Message

WAITS_S_MAX = 0.05
TRIES = 4
"""The machine may be busy with something else for a moment, but not each time."""


def create(names: list[str], partitions: int) -> CreateTopicsRequest:
    topics = [CreatableTopic(name=name, num_partitions=partitions, replication_factor=1) for name in names]
    return CreateTopicsRequest(topics=topics, timeout_ms=60_000)


class Bystander:
    """Another client, which asks for one small topic again and again."""

    def __init__(self, bootstrap: str) -> None:
        self._raw = Raw(bootstrap)
        self._over = threading.Event()
        self.longest_s = 0.0

    def ask_until(self, over: threading.Event) -> None:
        request = MetadataRequest(topics=[MetadataRequestTopic(name="small")])
        while not over.wait(0.001):
            began = time.perf_counter()
            assert self._raw.ask(request, 9).topics[0].error_code == 0
            self.longest_s = max(self.longest_s, time.perf_counter() - began)


def longest_wait(broker: Broker, work: Callable[[], object]) -> float:
    """How long another client waits for an answer at most while this is done.

    0 if that is less than a third of the work: then it is not done in one go, however slow the machine is.
    """
    bystander, over = Bystander(broker.bootstrap_servers), threading.Event()
    thread = threading.Thread(target=bystander.ask_until, args=(over,))
    thread.start()
    began = time.perf_counter()
    work()
    took = time.perf_counter() - began
    over.set()
    thread.join()
    return bystander.longest_s if bystander.longest_s > took / 3 else 0.0


def test_others_are_answered_while_ten_thousand_partitions_are_made_and_told() -> None:
    with Broker(durable=True) as broker, Raw(broker.bootstrap_servers) as raw:

        def ask(request: Message, version: int) -> None:
            """The answer is not decoded: that would hold up the bystander's own thread."""
            raw.send(request, version)
            raw.receive_bytes()

        assert raw.ask(create(["small"], 1), 7).topics[0].error_code == 0
        one, many, all_ = [], [], []
        for number in range(TRIES):
            names = [f"{number}-{place}" for place in range(500)]
            one.append(longest_wait(broker, lambda n=number: ask(create([f"large-{n}"], 10_000), 7)))
            many.append(longest_wait(broker, lambda n=names: ask(create(n, 10), 7)))
            all_.append(longest_wait(broker, lambda: ask(MetadataRequest(topics=None), 12)))
        made = sum(len(topic.partitions) for topic in raw.ask(MetadataRequest(topics=None), 12).topics)
    assert made == 1 + TRIES * (10_000 + 500 * 10)
    assert min(one) < WAITS_S_MAX, one
    assert min(many) < WAITS_S_MAX, many
    assert min(all_) < WAITS_S_MAX, all_
