"""Scenes of streams groups: a program begins, a second instance comes, both go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.differential.golden import groups, streams
from tests.differential.scenes.groups import group
from tests.differential.scenes.topics import topic, with_topic

if TYPE_CHECKING:
    from headrace.wire.messages.k88_streams_group_heartbeat import Topology
    from headrace.wire.schema import Message
    from tests.differential.scene import Scene
    from tests.differential.world import World

ALL: Final = (("0", 0), ("0", 1), ("1", 0), ("1", 1))
WITH_TASKS: Final = ("active_tasks[0].subtopology_id", "0")


def topology(w: World) -> Topology:
    """Of the scene's program."""
    return streams.counting(group(w), topic(w))


def commit(w: World, epoch: int, member: str = "a", at: int = 0) -> Message:
    """A member commits."""
    return groups.committed(w, group(w), topic(w), member=(epoch, member, None), at=(at,))


def looked_at(scene: Scene, when: str) -> None:
    """All that tells of the group."""
    scene.probe(f"described {when}", lambda w: streams.described(group(w), operations=True))
    scene.probe(f"described as a classic one {when}", lambda w: groups.described(group(w)))
    scene.probe(f"listed {when}", lambda w: groups.groups_listed())


def misused(scene: Scene, when: str, epoch: int) -> None:
    """What is refused."""
    scene.say(f"a greater epoch {when}", lambda w: streams.beaten(group(w), "a", epoch + 1))
    scene.say(f"epoch 1 {when}", lambda w: streams.beaten(group(w), "a", 1, ALL))
    scene.say(f"a stranger {when}", lambda w: streams.beaten(group(w), "nobody", epoch))
    scene.say(f"a task of nothing {when}", lambda w: streams.beaten(group(w), "a", epoch, [("7", 0)]))
    scene.say(f"a task too many {when}", lambda w: streams.beaten(group(w), "a", epoch, [("1", 9)]))
    scene.say(f"another topology {when}", lambda w: streams.joined(group(w), "c", streams.reading(topic(w))))
    scene.say(f"a classic member {when}", lambda w: groups.joined(group(w), timeouts=(60_000, 60_000)))
    scene.probe(f"commit of a stranger {when}", lambda w: commit(w, epoch, "nobody"))
    scene.probe(f"commit of a later epoch {when}", lambda w: commit(w, epoch + 1))
    scene.probe(f"commit without an epoch {when}", lambda w: groups.committed(w, group(w), topic(w)))
    scene.probe(f"delete {when}", lambda w: groups.groups_deleted(group(w)))
    scene.probe(f"delete its offsets {when}", lambda w: groups.offsets_deleted(group(w), topic(w)))


def two_members() -> Scene:
    """A member alone, a second one, who waits for what the first must give up, and the end of both."""
    scene = with_topic("streams_two", 2)
    scene.say("a comes", lambda w: streams.joined(group(w), "a", topology(w)))
    looked_at(scene, "while it waits")
    scene.say("a has tasks", lambda w: streams.beaten(group(w), "a", 1), until=WITH_TASKS)
    looked_at(scene, "when a has tasks")
    scene.say("a says so", lambda w: streams.beaten(group(w), "a", 3, ALL))
    misused(scene, "when a has tasks", 3)
    scene.probe("commit", lambda w: commit(w, 3))
    scene.probe("commit of an older epoch", lambda w: commit(w, 2))
    scene.say("b comes", lambda w: streams.joined(group(w), "b", topology(w), "q"))
    scene.say("a learns what it must give up", lambda w: streams.beaten(group(w), "a", 3, ALL))
    looked_at(scene, "when a must give up tasks")
    scene.say("b waits", lambda w: streams.beaten(group(w), "b", 4, []))
    scene.say("a still has them", lambda w: streams.beaten(group(w), "a", 3, ALL))
    scene.say("a has given them up", lambda w: streams.beaten(group(w), "a", 3, ALL[::2]))
    scene.say("b has them", lambda w: streams.beaten(group(w), "b", 4, []))
    looked_at(scene, "when both have tasks")
    scene.probe("commit of what a kept, in an older epoch", lambda w: commit(w, 3))
    scene.probe("commit of what b got, by a", lambda w: commit(w, 3, at=1))
    scene.say("a wants all to end", lambda w: streams.beaten(group(w), "a", 4, shutdown_application=True))
    scene.say("b hears of it", lambda w: streams.beaten(group(w), "b", 4))
    scene.say("a goes", lambda w: streams.beaten(group(w), "a", -1))
    scene.say("a goes twice", lambda w: streams.beaten(group(w), "a", -1))
    scene.say("b has all", lambda w: streams.beaten(group(w), "b", 4, ALL[1::2]))
    scene.say("b goes", lambda w: streams.beaten(group(w), "b", -1))
    looked_at(scene, "when nobody is left")
    scene.probe("delete", lambda w: groups.groups_deleted(group(w)))
    return scene
