"""Scenes of classic groups: empty, stable, preparing, with static members, with members who do not agree."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from tests.differential.golden.groups import (
    beaten,
    committed,
    described,
    groups_deleted,
    groups_listed,
    joined,
    left,
    offsets_asked,
    offsets_deleted,
    synced,
)
from tests.differential.scenes.topics import topic, with_topic

if TYPE_CHECKING:
    from headrace.wire.schema import Message
    from tests.differential.scene import Scene
    from tests.differential.world import World

LONG: Final = (60_000, 60_000)
"""Session and rebalance timeouts that no scene lives to see."""


def group(w: World) -> str:
    """The scene's group."""
    return w.named("group")


def subscription(w: World) -> bytes:
    """A consumer's, to the scene's topic."""
    name = topic(w).encode()
    return struct.pack(">hih", 0, 1, len(name)) + name + struct.pack(">i", -1)


def join(w: World, member: str = "", instance: str | None = None, *protocols: str) -> Message:
    """A member, under its symbol, asks to be in."""
    return joined(
        group(w),
        w.symbol(member) if member else "",
        *protocols,
        instance=instance,
        timeouts=LONG,
        subscription=subscription(w),
    )


def sync(w: World, member: str, generation: int = 1, *assigned: str, instance: str | None = None) -> Message:
    """A member asks for its part."""
    return synced(group(w), w.symbol(member), generation, instance, *(w.symbol(one) for one in assigned))


def commit(
    w: World, generation: int = -1, member: str = "", instance: str | None = None, offset: int = 3
) -> Message:
    """A member commits."""
    return committed(
        w,
        group(w),
        topic(w),
        offset=offset,
        member=(generation, w.symbol(member, member) if member else "", instance),
    )


def looked_at(scene: Scene, when: str) -> None:
    """All that tells of the group."""
    scene.probe(f"described {when}", lambda w: described(group(w)))
    scene.probe(f"listed {when}", lambda w: groups_listed())
    scene.probe(f"offsets {when}", lambda w: offsets_asked(w, group(w), topic(w), at=(0, 1)))


def misused(scene: Scene, when: str, generation: int, member: str) -> None:
    """What is refused."""
    scene.probe(f"beat of nobody {when}", lambda w: beaten(group(w), "nobody", generation))
    scene.probe(
        f"beat of another generation {when}",
        lambda w: beaten(group(w), w.symbol(member), generation + 1),
    )
    scene.probe(f"sync of nobody {when}", lambda w: synced(group(w), "nobody", generation))
    scene.probe(f"commit of nobody {when}", lambda w: commit(w, generation, "nobody"))
    scene.probe(f"commit of another generation {when}", lambda w: commit(w, generation + 1, member))
    scene.probe(f"commit without a generation {when}", lambda w: commit(w))
    scene.probe(f"other protocols {when}", lambda w: joined(group(w), kind="connect", timeouts=LONG))
    scene.probe(f"delete {when}", lambda w: groups_deleted(group(w)))
    scene.probe(f"delete its offsets {when}", lambda w: offsets_deleted(group(w), topic(w)))


def empty() -> Scene:
    """A group that has committed and never had members."""
    scene = with_topic("group_empty", 2)
    scene.probe("before it is there", lambda w: described(group(w)))
    scene.probe("offsets before it is there", lambda w: offsets_asked(w, group(w), topic(w)))
    scene.probe("commit", lambda w: commit(w))
    looked_at(scene, "when it is empty")
    scene.probe("all offsets", lambda w: offsets_asked(w, group(w)), low=2)
    scene.probe("beat", lambda w: beaten(group(w), "nobody"))
    scene.probe("sync", lambda w: synced(group(w), "nobody"))
    scene.probe("leave", lambda w: left(group(w), ("nobody", None)))
    scene.probe("commit of a generation", lambda w: commit(w, 1, "nobody"))
    scene.probe("delete its offsets", lambda w: offsets_deleted(group(w), topic(w)))
    looked_at(scene, "when it has nothing")
    scene.say("commit once more", lambda w: commit(w))
    scene.probe("delete", lambda w: groups_deleted(group(w)))
    looked_at(scene, "when it is gone")
    return scene


def stable() -> Scene:
    """One member, who has its part."""
    scene = with_topic("group_stable", 2)
    scene.say("join without an id", lambda w: join(w), a="member_id")
    scene.say("join with it", lambda w: join(w, "a"))
    looked_at(scene, "before it is synced")
    scene.probe("beat before it is synced", lambda w: beaten(group(w), w.symbol("a")))
    scene.say("sync", lambda w: sync(w, "a", 1, "a"))
    looked_at(scene, "when it is stable")
    scene.probe("beat", lambda w: beaten(group(w), w.symbol("a")))
    scene.probe("sync again", lambda w: sync(w, "a"))
    scene.probe("commit", lambda w: commit(w, 1, "a"))
    misused(scene, "when it is stable", 1, "a")
    scene.say("join again", lambda w: join(w, "a"))
    scene.say("sync the second", lambda w: sync(w, "a", 2, "a"))
    scene.probe("leave of nobody", lambda w: left(group(w), ("nobody", None)))
    scene.say("leave", lambda w: left(group(w), (w.symbol("a"), None)))
    scene.probe("leave twice", lambda w: left(group(w), (w.symbol("a"), None)))
    looked_at(scene, "when all have left")
    return scene


def preparing() -> Scene:
    """A second member wants in, and the first has not heard of it."""
    scene = with_topic("group_preparing", 2)
    scene.say("first without an id", lambda w: join(w), a="member_id")
    scene.say("first", lambda w: join(w, "a"))
    scene.say("first synced", lambda w: sync(w, "a", 1, "a"))
    scene.say("second without an id", lambda w: join(w), line="b", b="member_id")
    looked_at(scene, "when a second one has an id")
    scene.send("second", lambda w: join(w, "b"), line="b")
    scene.say(
        "until it prepares",
        lambda w: described(group(w)),
        until=("groups[0].group_state", "PreparingRebalance"),
        line="p",
    )
    scene.probe("described when it prepares", lambda w: described(group(w)))
    scene.probe("beat when it prepares", lambda w: beaten(group(w), w.symbol("a")))
    scene.probe("sync when it prepares", lambda w: sync(w, "a"))
    scene.probe("commit when it prepares", lambda w: commit(w, 1, "a"))
    misused(scene, "when it prepares", 1, "a")
    scene.say("first again", lambda w: join(w, "a"))
    scene.hear("b")
    scene.probe("beat when it completes", lambda w: beaten(group(w), w.symbol("b"), 2))
    scene.probe("commit when it completes", lambda w: commit(w, 2, "b"))
    looked_at(scene, "when it completes")
    scene.send("second waits for its part", lambda w: sync(w, "b", 2), line="b")
    scene.say("first gives the parts", lambda w: sync(w, "a", 2, "a", "b"))
    scene.hear("b")
    looked_at(scene, "when both are in")
    scene.say("second leaves", lambda w: left(group(w), (w.symbol("b"), None)))
    scene.probe("beat when one has left", lambda w: beaten(group(w), w.symbol("a"), 2))
    return scene


def static() -> Scene:
    """Members with names of their own, who come back."""
    scene = with_topic("group_static", 2)
    scene.say("join", lambda w: join(w, "", "one"), a="member_id")
    scene.say("sync", lambda w: sync(w, "a", 1, "a", instance="one"))
    looked_at(scene, "when one is in")
    scene.probe("beat", lambda w: beaten(group(w), w.symbol("a"), 1, "one"))
    scene.probe("beat of another", lambda w: beaten(group(w), "other", 1, "one"), low=3)
    scene.probe("beat of an instance nobody has", lambda w: beaten(group(w), w.symbol("a"), 1, "two"), low=3)
    scene.probe("commit", lambda w: commit(w, 1, "a", "one"), low=7)
    scene.probe("commit of another", lambda w: commit(w, 1, "other", "one"), low=7)
    scene.probe("commit of an instance nobody has", lambda w: commit(w, 1, "a", "two"), low=7)
    scene.probe("sync of another", lambda w: synced(group(w), "other", 1, "one"), low=3)
    scene.say("come back without an id", lambda w: join(w, "", "one"), b="member_id")
    looked_at(scene, "when it is back")
    scene.probe("beat of the one before", lambda w: beaten(group(w), w.symbol("a"), 1, "one"), low=3)
    scene.probe("beat of the one that is back", lambda w: beaten(group(w), w.symbol("b"), 1, "one"), low=3)
    scene.say("sync of the one that is back", lambda w: sync(w, "b", 1, "b", instance="one"))
    scene.say("join as the one before", lambda w: join(w, "a", "one"))
    scene.probe("leave of the one before", lambda w: left(group(w), (w.symbol("a"), "one")), low=3)
    scene.probe("leave of an instance nobody has", lambda w: left(group(w), ("", "two")), low=3)
    scene.say("leave by its name", lambda w: left(group(w), ("", "one")))
    looked_at(scene, "when it has left")
    return scene


def disagreeing() -> Scene:
    """Members without a protocol in common, in old versions without ids first."""
    scene = with_topic("group_disagreeing", 1)
    for version in range(4):
        scene.say("join and be in at once", lambda w: join(w), version, a="member_id")
        scene.say("sync", lambda w, n=version: sync(w, "a", n + 1, "a"), min(version, 3))
        scene.say("no common protocol", lambda w: join(w, "", None, "roundrobin"), version, line="b")
        scene.say("no protocols", lambda w: joined(group(w), "", "", timeouts=LONG), version, line="b")
        scene.say("described", lambda w: described(group(w)), version)
        scene.say("leave", lambda w: left(group(w), (w.symbol("a"), None)), version)
        scene.say("described when it has left", lambda w: described(group(w)), version)
    scene.probe("listed as empty", lambda w: groups_listed(["Empty"]))
    scene.probe("delete", lambda w: groups_deleted(group(w)))
    return scene
