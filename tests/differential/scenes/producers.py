"""Scenes of idempotent producers: sequences, duplicates, epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.differential.golden.records import fetched, produced, producer_id, producers_asked
from tests.differential.scene import Scene
from tests.differential.scenes.topics import read, topic, with_topic
from tests.differential.world import T0_MS, batch

if TYPE_CHECKING:
    from headrace.wire.schema import Message
    from tests.differential.world import World

KEPT = 5
"""Batches of a producer whose sequences are remembered."""


def sent(
    w: World, sequence: int, epoch: int = 0, count: int = 2, pid: str = "pid", begin_ms: int = T0_MS
) -> Message:
    """A batch of this producer."""
    producer = (w.symbol(pid, 1), epoch, sequence)
    return produced(w, topic(w), records=batch(sequence, count, producer, begin_ms=begin_ms))


def idempotent() -> Scene:
    """Five batches, each again; gaps; older and newer epochs."""
    scene = with_topic("idempotent")
    scene.say("an id", lambda w: producer_id(), pid="producer_id")
    for n in range(KEPT + 2):
        scene.say(f"batch {n}", lambda w, n=n: sent(w, 2 * n))
    for n in range(KEPT + 2):
        scene.probe(f"batch {n} again", lambda w, n=n: sent(w, 2 * n), low=3)
    scene.say("a gap", lambda w: sent(w, 40))
    scene.say("half of one that was", lambda w: sent(w, 12, count=1))
    scene.say("longer than one that was", lambda w: sent(w, 12, count=3))
    scene.probe("producers", lambda w: producers_asked(topic(w)))
    scene.say("a newer epoch in the middle", lambda w: sent(w, 14, epoch=1))
    scene.say("a newer epoch from 0", lambda w: sent(w, 0, epoch=1))
    scene.probe("the older epoch", lambda w: sent(w, 14), low=3)
    scene.say("go on", lambda w: sent(w, 2, epoch=1))
    scene.probe("producers of the newer epoch", lambda w: producers_asked(topic(w)))
    read(scene, (0, 13))
    return scene


def unknown() -> Scene:
    """A producer that the partition has not seen, and two at the same time."""
    scene = with_topic("unknown_producer")
    scene.say("an id", lambda w: producer_id(), pid="producer_id")
    scene.say("another id", lambda w: producer_id(), other="producer_id")
    scene.say("begins in the middle", lambda w: sent(w, 7))
    scene.say("goes on", lambda w: sent(w, 9))
    scene.say("the other begins", lambda w: sent(w, 0, pid="other"))
    scene.say("the first goes on", lambda w: sent(w, 11))
    scene.probe("the other's again", lambda w: sent(w, 0, pid="other"), low=3)
    scene.say("without a sequence", lambda w: sent(w, -1))
    scene.say("without an epoch", lambda w: sent(w, 2, epoch=-1, pid="other"))
    scene.say(
        "the end of the numbers",
        lambda w: produced(
            w, topic(w), records=batch(0, 2, producer=(w.symbol("other", 1), 1, (1 << 31) - 1))
        ),
    )
    scene.probe("fetch", lambda w: fetched(w, topic(w)))
    return scene


def new_ids() -> Scene:
    """Ids in every version; the timeouts that are refused."""
    scene = Scene("producer_ids")
    scene.probe("an id", lambda w: producer_id())
    scene.probe("no time", lambda w: producer_id(0))
    scene.probe("too much time", lambda w: producer_id(900_001))
    scene.probe("one that was given", lambda w: producer_id(given=(5, 3)), low=3)
    scene.probe("half of one", lambda w: producer_id(given=(5, -1)), low=3)
    return scene
