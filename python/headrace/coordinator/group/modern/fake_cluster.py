"""A cluster for transcripts and tests: topics as the test says, numbered in the order in which they were made."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class FakeTopic(NamedTuple):
    name: str
    topic_id: bytes
    partitions: range


class FakeCluster:
    def __init__(self) -> None:
        self.topics_version = 0
        self.configs: dict[str, dict[str, str]] = {}
        self._topics: dict[str, FakeTopic] = {}
        self._made = 0

    def put(self, name: str, partitions: int) -> None:
        """Make the topic, or give it so many partitions."""
        self.topics_version += 1
        known = self._topics.get(name)
        if known is None:
            self._made += 1
        topic_id = self._made.to_bytes(16, "big") if known is None else known.topic_id
        self._topics[name] = FakeTopic(name, topic_id, range(partitions))

    def remove(self, name: str) -> None:
        self.topics_version += 1
        del self._topics[name]

    def topic(self, name: str) -> FakeTopic | None:
        return self._topics.get(name)

    def topic_by_id(self, topic_id: bytes) -> FakeTopic | None:
        return next((topic for topic in self._topics.values() if topic.topic_id == topic_id), None)

    def topic_names(self) -> Iterable[str]:
        return self._topics

    def group_config(self, group_id: str) -> Mapping[str, str]:
        return self.configs.get(group_id, {})
