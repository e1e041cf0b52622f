"""Every scene by name, each made anew when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.differential.scenes import groups, producers, restart, streams, topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.differential.scene import Scene

SCENES: Final[dict[str, Callable[[], Scene]]] = {
    "empty": topics.empty,
    "codecs": topics.codecs,
    "log_append_time": topics.log_append_time,
    "truncated": topics.truncated,
    "compacted": topics.compacted,
    "configs_altered": topics.configs_altered,
    "grown": topics.grown_and_deleted,
    "sessions": topics.sessions,
    "idempotent": producers.idempotent,
    "unknown_producer": producers.unknown,
    "producer_ids": producers.new_ids,
    "group_empty": groups.empty,
    "group_stable": groups.stable,
    "group_preparing": groups.preparing,
    "group_static": groups.static,
    "group_disagreeing": groups.disagreeing,
    "streams_two": streams.two_members,
    "restart_topic": restart.topics_after,
    "restart_producer": restart.producers_after,
    "restart_old_producer": restart.old_producers_after,
    "restart_group": restart.groups_after,
}
