"""Scenes of topics: what was done to them, and how they are read, listed and described in every version then."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.differential.golden.configs import (
    APPEND,
    DELETE,
    SET,
    SUBTRACT,
    TOPIC,
    altered,
    changed,
    configs_asked,
)
from tests.differential.golden.records import (
    EARLIEST,
    LATEST,
    LOCAL,
    MAX_TIMESTAMP,
    epoch_asked,
    fetched,
    listed,
    produced,
    producers_asked,
    records_deleted,
)
from tests.differential.golden.topics import (
    created,
    deleted,
    dirs_asked,
    grown,
    metadata_asked,
    partitions_asked,
)
from tests.differential.scene import Scene
from tests.differential.world import batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.differential.world import World

GOLDEN_BATCHES: Final = Path(__file__).parents[2] / "formats" / "batches"
CODECS: Final = ("none", "gzip", "snappy", "lz4", "zstd")


def topic(w: World) -> str:
    """The scene's topic."""
    return w.named("topic")


def with_topic(name: str, partitions: int = 1, **configs: str) -> Scene:
    """A scene that begins with a topic."""
    scene = Scene(name)
    given: dict[str, str | None] = {key.replace("_", "."): value for key, value in configs.items()}
    scene.say("create it", lambda w: created(topic(w), partitions=partitions, configs=given), learns=[topic])
    return scene


def fill(scene: Scene, *batches: bytes, at: int = 0, first: int = 0) -> None:
    """Produce these batches, numbered from `first`, each with a request of its own."""
    for n, records in enumerate(batches, first):
        scene.say(
            f"batch {n} to {at}", lambda w, records=records: produced(w, topic(w), at=(at,), records=records)
        )


def read(scene: Scene, offsets: Sequence[int], at: int = 0) -> None:
    """Fetch from each offset in every version, and some of it with small limits."""
    for offset in offsets:
        scene.probe(
            f"fetch {at} from {offset}",
            lambda w, offset=offset: fetched(w, topic(w), offset=offset, at=(at,)),
        )
    scene.probe(
        f"fetch {at} in small pieces",
        lambda w: fetched(w, topic(w), at=(at,), offset=offsets[-1], partition_bytes_max=100, max_bytes=100),
        low=11,
    )


def times(scene: Scene, *timestamps: int, at: int = 0, low: int = 1) -> None:
    """ListOffsets for each of these times in every version."""
    for timestamp in timestamps:
        scene.probe(
            f"offset of {at} at {timestamp}",
            lambda w, timestamp=timestamp: listed(topic(w), timestamp, at=(at,)),
            low,
        )


def described(scene: Scene, partitions: int = 1) -> None:
    """All that tells of the topic."""
    scene.probe("metadata", lambda w: metadata_asked(w, topic(w)))
    scene.probe("described", lambda w: partitions_asked(topic(w)))
    scene.probe("directories", lambda w: dirs_asked(topic(w), at=tuple(range(partitions))))
    scene.probe("producers", lambda w: producers_asked(topic(w), at=tuple(range(partitions))))
    scene.probe("leader epochs", lambda w: epoch_asked(topic(w), at=tuple(range(partitions))))


def empty() -> Scene:
    """A topic that nothing was produced to."""
    scene = with_topic("empty")
    read(scene, (0, 1))
    times(scene, LATEST, EARLIEST, MAX_TIMESTAMP, 0)
    described(scene)
    return scene


def codecs() -> Scene:
    """Batches of Kafka's own encoder in five codecs, one in each partition."""
    scene = with_topic("codecs", 5)
    for n, codec in enumerate(CODECS):
        for encoder in ("java", "librdkafka"):
            records = (GOLDEN_BATCHES / f"{encoder}-{codec}.batch").read_bytes()
            scene.say(
                f"{codec} of {encoder}",
                lambda w, n=n, records=records: produced(w, topic(w), at=(n,), records=records),
            )
        scene.say(
            f"{codec} in an old version",
            lambda w, n=n, records=records: produced(w, topic(w), at=(n,), records=records),
            5,
        )
        scene.probe(f"fetch {codec}", lambda w, n=n: fetched(w, topic(w), at=(n,)))
    times(scene, LATEST, MAX_TIMESTAMP, 1_700_000_000_003, at=2)
    described(scene, 5)
    return scene


def log_append_time() -> Scene:
    """A topic whose records have the broker's time."""
    scene = with_topic("log_append_time", message_timestamp_type="LogAppendTime")
    fill(scene, batch(0, 3), batch(3, 3))
    scene.probe("produce", lambda w: produced(w, topic(w)), low=3)
    for codec in CODECS[1:]:
        records = (GOLDEN_BATCHES / f"librdkafka-{codec}.batch").read_bytes()
        scene.say(codec, lambda w, records=records: produced(w, topic(w), records=records))
    read(scene, (0, 4))
    times(scene, LATEST, EARLIEST, 0)
    described(scene)
    return scene


def truncated() -> Scene:
    """Records deleted in the middle of a batch."""
    scene = with_topic("truncated")
    fill(scene, *(batch(n * 3, 3) for n in range(5)))
    scene.say("delete", lambda w: records_deleted(7, topic(w)))
    read(scene, (0, 6, 7, 9, 15, 16))
    times(scene, LATEST, EARLIEST, MAX_TIMESTAMP, LOCAL, 1_700_000_000_000, 1_700_000_014_000)
    for offset in (3, 7, 8, 16, 15):
        scene.probe(f"delete before {offset}", lambda w, offset=offset: records_deleted(offset, topic(w)))
    scene.say("produce behind it", lambda w: produced(w, topic(w)))
    scene.probe("fetch at the new start", lambda w: fetched(w, topic(w), offset=15))
    described(scene)
    return scene


def compacted() -> Scene:
    """A topic with tombstones, before anything is cleaned."""
    scene = with_topic("compacted", cleanup_policy="compact")
    fill(scene, batch(0, 3), batch(3, 3), batch(6, 3, tombstones=True), batch(9, 1))
    records = (GOLDEN_BATCHES / "java-none.batch").read_bytes()
    scene.probe("records without keys", lambda w: produced(w, topic(w), records=records), low=3)
    read(scene, (0, 4, 9))
    times(scene, LATEST, EARLIEST, MAX_TIMESTAMP)
    scene.probe("delete records", lambda w: records_deleted(3, topic(w)))
    scene.probe("configs", lambda w: configs_asked(TOPIC, topic(w), keys=("cleanup.policy",)))
    return scene


def configs_altered() -> Scene:
    """Configurations set, appended to, taken back, replaced."""
    scene = with_topic("configs_altered", retention_ms="86400000")
    watched = ("cleanup.policy", "retention.ms", "segment.bytes", "min.insync.replicas", "compression.type")

    def look(when: str) -> None:
        scene.probe(f"configs {when}", lambda w: configs_asked(TOPIC, topic(w), keys=watched))

    look("at first")
    scene.say("set", lambda w: changed(TOPIC, topic(w), ("segment.bytes", SET, "2097152")))
    scene.say("append", lambda w: changed(TOPIC, topic(w), ("cleanup.policy", APPEND, "compact")))
    look("set")
    scene.say("append again", lambda w: changed(TOPIC, topic(w), ("cleanup.policy", APPEND, "compact")))
    scene.say("subtract", lambda w: changed(TOPIC, topic(w), ("cleanup.policy", SUBTRACT, "delete")))
    look("subtracted")
    scene.say("only checked", lambda w: altered(TOPIC, topic(w), {}, only_check=True))
    look("checked")
    scene.say("delete", lambda w: changed(TOPIC, topic(w), ("segment.bytes", DELETE, None)))
    scene.say("delete what is not set", lambda w: changed(TOPIC, topic(w), ("segment.ms", DELETE, None)))
    look("deleted")
    scene.say("replace", lambda w: altered(TOPIC, topic(w), {"compression.type": "gzip"}))
    look("replaced")
    scene.say("a bad one", lambda w: changed(TOPIC, topic(w), ("compression.type", SET, "paper")))
    scene.say(
        "a good and a bad one",
        lambda w: changed(TOPIC, topic(w), ("retention.ms", SET, "5000"), ("min.insync.replicas", SET, "0")),
    )
    look("refused")
    scene.say("all back", lambda w: altered(TOPIC, topic(w), {}))
    look("back")
    scene.probe("all configs", lambda w: configs_asked(TOPIC, topic(w), keys=()))
    scene.probe("synonyms", lambda w: configs_asked(TOPIC, topic(w), synonyms=False))
    described(scene)
    return scene


def grown_and_deleted() -> Scene:
    """A topic that grows, goes, and comes again under its name."""
    scene = with_topic("grown")
    fill(scene, batch(0, 3))
    scene.say("grow", lambda w: grown(3, topic(w)), learns=[topic])
    described(scene, 3)
    fill(scene, batch(3, 3), at=2)
    read(scene, (0,), at=2)
    scene.probe("shrink", lambda w: grown(2, topic(w)))
    scene.say("delete", lambda w: deleted(w, topic(w)))
    scene.probe("fetch of a deleted one", lambda w: fetched(w, topic(w)))
    scene.probe("produce to a deleted one", lambda w: produced(w, topic(w)), low=3)
    times(scene, LATEST)
    # Older versions would make it.
    scene.probe("metadata of a deleted one", lambda w: metadata_asked(w, topic(w)), low=4)
    scene.probe("metadata of a deleted one, by id", lambda w: metadata_asked(w, topic(w), by_id=True), low=10)
    scene.probe("delete again", lambda w: deleted(w, topic(w)))
    scene.probe("by its id", lambda w: deleted(w, topic(w), by_id=True), low=6)
    scene.say("create again", lambda w: created(topic(w), partitions=1))
    scene.probe("produce by the old id", lambda w: produced(w, topic(w)), low=13)
    scene.probe("fetch by the old id", lambda w: fetched(w, topic(w)), low=13)
    scene.probe("create a third time", lambda w: created(topic(w)))
    return scene


def sessions() -> Scene:
    """A fetch session: made, used, changed, misused, closed."""
    scene = with_topic("sessions", 3)
    fill(scene, batch(0, 3))
    fill(scene, batch(0, 3), at=1)
    for version in range(7, 19):

        def say(
            name: str, *at: int, epoch: int, offset: int = 0, version: int = version, **captures: str
        ) -> None:
            symbol = f"session{version}"
            scene.say(
                name,
                lambda w: fetched(
                    w,
                    *((topic(w),) if at else ()),
                    at=at,
                    offset=offset,
                    session=(0 if captures else w.symbol(symbol, 1), epoch),
                ),
                version,
                **captures,
            )

        say("new", 0, 1, epoch=0, **{f"session{version}": "session_id"})
        say("the same again", epoch=1)
        say("one moves", 0, epoch=2, offset=3)
        say("nothing more", epoch=3)
        say("one more", 2, epoch=4)
        say("an epoch that was", epoch=2)
        say("an epoch to come", epoch=9)
        say("closed", epoch=-1)
        say("after the end", epoch=6)
    return scene
