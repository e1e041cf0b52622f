"""Scenes with a restart of the broker in the middle: what is still there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.differential.golden.configs import SET, TOPIC, changed, configs_asked
from tests.differential.golden.groups import beaten, offsets_asked
from tests.differential.golden.records import (
    EARLIEST,
    LATEST,
    MAX_TIMESTAMP,
    producer_id,
    producers_asked,
    records_deleted,
)
from tests.differential.golden.topics import created, deleted
from tests.differential.scenes import groups
from tests.differential.scenes.producers import KEPT, sent
from tests.differential.scenes.topics import described, fill, read, times, topic, with_topic
from tests.differential.world import FUTURE_MS, batch

if TYPE_CHECKING:
    from tests.differential.scene import Scene


def topics_after() -> Scene:
    """A topic with records, some of them deleted, altered configurations, and one that is gone."""
    scene = with_topic("restart_topic", 2, retention_ms="-1")
    fill(scene, *(batch(n * 3, 3) for n in range(4)))
    scene.say("delete records", lambda w: records_deleted(4, topic(w)))
    scene.say("set", lambda w: changed(TOPIC, topic(w), ("segment.bytes", SET, "2097152")))
    scene.say("another", lambda w: created(w.named("gone")), learns=[lambda w: w.named("gone")])
    scene.say("which goes", lambda w: deleted(w, w.named("gone")), forgets=[lambda w: w.named("gone")])
    scene.restart()
    described(scene, 2)
    read(scene, (0, 4, 12, 13))
    times(scene, LATEST, EARLIEST, MAX_TIMESTAMP, 1_700_000_006_000)
    scene.probe("configs", lambda w: configs_asked(TOPIC, topic(w), keys=()))
    fill(scene, batch(12, 3), first=4)
    scene.probe("delete the one that was gone", lambda w: deleted(w, w.named("gone")))
    return scene


def producers_after() -> Scene:
    """An idempotent producer's sequences."""
    # Kafka takes a producer for gone whose newest record is older than a day, when it starts: these are not.
    scene = with_topic("restart_producer", message_timestamp_after_max_ms=str((1 << 63) - 1))
    scene.say("an id", lambda w: producer_id(), pid="producer_id")
    for n in range(KEPT):
        scene.say(f"batch {n}", lambda w, n=n: sent(w, 2 * n, begin_ms=FUTURE_MS))
    scene.restart()
    scene.probe("producers", lambda w: producers_asked(topic(w)))
    for n in range(KEPT):
        scene.probe(f"batch {n} again", lambda w, n=n: sent(w, 2 * n, begin_ms=FUTURE_MS), low=3)
    scene.say("a gap", lambda w: sent(w, 40))
    scene.say("go on", lambda w: sent(w, 2 * KEPT))
    scene.probe("an older epoch", lambda w: sent(w, 2 * KEPT, epoch=-1), low=3)
    read(scene, (0, 9))
    return scene


def old_producers_after() -> Scene:
    """The same with records of long ago."""
    scene = with_topic("restart_old_producer")
    scene.say("an id", lambda w: producer_id(), pid="producer_id")
    scene.say("a batch", lambda w: sent(w, 0))
    scene.restart()
    scene.probe("producers", lambda w: producers_asked(topic(w)))
    scene.say("the batch again", lambda w: sent(w, 0))
    return scene


def groups_after() -> Scene:
    """A group with offsets and a member."""
    scene = with_topic("restart_group", 2)
    scene.say("join without an id", lambda w: groups.join(w), a="member_id")
    scene.say("join with it", lambda w: groups.join(w, "a"))
    scene.say("sync", lambda w: groups.sync(w, "a", 1, "a"))
    scene.say("commit", lambda w: groups.commit(w, 1, "a"))
    scene.restart()
    groups.looked_at(scene, "after a restart")
    scene.probe("beat", lambda w: beaten(groups.group(w), w.symbol("a")))
    scene.probe("sync again", lambda w: groups.sync(w, "a"))
    scene.probe("commit again", lambda w: groups.commit(w, 1, "a", offset=4))
    scene.probe("all offsets", lambda w: offsets_asked(w, groups.group(w)), low=2)
    groups.misused(scene, "after a restart", 1, "a")
    return scene
