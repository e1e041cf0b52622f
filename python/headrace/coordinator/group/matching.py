"""Match the regular expressions of consumer groups against all topics, in slices: others get their turn in between."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from headrace.coordinator.group.consumer import regex
from headrace.coordinator.group.consumer.group import ConsumerGroup
from headrace.engine.slices import in_slices
from headrace.model.pattern import InvalidPatternError, Pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.coordinator.group.machine import GroupMachine
    from headrace.coordinator.group.modern.cluster import ClusterImage
    from headrace.coordinator.runtime.driver import Driver

CHARS_PER_SLICE_MAX: Final = 1_000
"""Of names, times the patterns that each is held against: about a millisecond or two."""


class Matching:
    """What is under way. At most one for each group, since its machine asks for no second one before the first is back."""

    def __init__(self, cluster: ClusterImage) -> None:
        self._cluster = cluster
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, driver: Driver[GroupMachine], asked: regex.MatchTopics, fold: int) -> None:
        task = asyncio.get_running_loop().create_task(self._match(driver, asked, fold))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _match(self, driver: Driver[GroupMachine], asked: regex.MatchTopics, fold: int) -> None:
        version = self._cluster.topics_version
        found = await matched(list(self._cluster.topic_names()), asked.regexes, asked.may_describe)

        driver.post(
            lambda machine, now: machine.decide_unasked(
                lambda turn, machine: regex.resolved(turn, machine, ConsumerGroup, asked, found, version), now
            ),
            fold,
        )

    async def close(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


async def matched(
    names: list[str], regexes: frozenset[str], may_describe: Callable[[str], bool]
) -> Mapping[str, frozenset[str]]:
    """The names that each expression describes; those that do not parse describe nothing."""
    patterns: dict[str, Pattern] = {}
    for text in regexes:
        try:
            patterns[text] = Pattern(text)
        except InvalidPatternError:
            continue  # stored by a broker that read it otherwise
    found: dict[str, set[str]] = {text: set() for text in regexes}
    async for some in in_slices(names, lambda name: len(name) * len(regexes), CHARS_PER_SLICE_MAX):
        for name in some:
            hits = [text for text, pattern in patterns.items() if pattern.matches(name)]
            if hits and may_describe(name):
                for text in hits:
                    found[text].add(name)
    return {text: frozenset(hits) for text, hits in found.items()}
