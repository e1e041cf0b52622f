"""The cluster's features (KIP-584): which levels there are, what a new cluster begins with, and what a change makes of them.

Errors and their sentences are those of Kafka's `FeatureControlManager`. Levels are those of Kafka 4.2: clients decide by
them which protocol they speak, whatever of it a release serves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.controller.image import ResourceType
from headrace.engine.port import Feature
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.metadata_records import ConfigRecord, FeatureLevelRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.config.broker import BrokerConfig
    from headrace.controller.image import Image
    from headrace.wire.schema import Message

METADATA_VERSION: Final = "metadata.version"
KRAFT_VERSION: Final = "kraft.version"
ELIGIBLE_LEADER_REPLICAS: Final = "eligible.leader.replicas.version"
MIN_INSYNC_REPLICAS: Final = "min.insync.replicas"

METADATA_UNCHANGED_SINCE: Final = 23
"""Lowest metadata.version whose records are those of the highest one: down to it Kafka lets a cluster go back."""


class Level(NamedTuple):
    """The levels of a feature that this release supports, and the one that a new cluster begins with."""

    low: int
    high: int
    first: int


LEVELS: Final = {
    "group.version": Level(0, 1, 1),
    KRAFT_VERSION: Level(0, 1, 0),
    METADATA_VERSION: Level(7, 29, 29),
    "share.version": Level(0, 1, 1),
    "streams.version": Level(0, 1, 1),
    "transaction.version": Level(0, 2, 2),
    ELIGIBLE_LEADER_REPLICAS: Level(0, 1, 1),
}


class UpgradeType:
    """Which way a level may go (UpdateFeatures, `FeatureUpdate.UpgradeType`)."""

    UPGRADE: Final = 1
    SAFE_DOWNGRADE: Final = 2
    UNSAFE_DOWNGRADE: Final = 3


class FeatureUpdate(NamedTuple):
    """A level that somebody wants."""

    name: str
    level: int
    upgrade_type: int


def features(image: Image) -> list[Feature]:
    """Every feature as ApiVersions tells it."""
    return [
        Feature(name, level.low, level.high, image.features.get(name, 0)) for name, level in LEVELS.items()
    ]


def first_records(image: Image, config: BrokerConfig, node_id: int) -> list[Message]:
    """What a log lacks that was written by nobody yet, or by a release without features. Nothing later: a feature that
    was taken back stays so.
    """
    if METADATA_VERSION in image.features:
        return []
    levels = [FeatureLevelRecord(name, level.first) for name, level in LEVELS.items() if level.first]
    return [*levels, *_min_insync_for_the_cluster(image, config, node_id)]


def decide_features(
    image: Image, config: BrokerConfig, node_id: int, wanted: Iterable[FeatureUpdate]
) -> list[Message]:
    """The records of a change, all or none. Raises `Refusal` with the first reason against one of them."""
    updates = {update.name: update for update in wanted}  # the last of twins counts, as in Kafka
    records: list[Message] = []
    for update in updates.values():
        if why := _why_not(image, node_id, update):
            all_of_them = "The update failed for all features since the following feature had an error: "
            raise Refusal(Error.INVALID_UPDATE_VERSION, all_of_them + why)
        records.append(FeatureLevelRecord(update.name, update.level))
        if update.name == ELIGIBLE_LEADER_REPLICAS and update.level:
            records += _min_insync_for_the_cluster(image, config, node_id)
    return records


def eligible_leader_replicas(image: Image) -> bool:
    """Whether eligible leader replicas are in force, which allow one `min.insync.replicas` for all brokers only."""
    return ELIGIBLE_LEADER_REPLICAS in image.features


def _min_insync_for_the_cluster(image: Image, config: BrokerConfig, node_id: int) -> list[Message]:
    records: list[Message] = []
    if MIN_INSYNC_REPLICAS not in image.config_of(ResourceType.BROKER, ""):
        given = config.at_start(MIN_INSYNC_REPLICAS)
        records.append(ConfigRecord(ResourceType.BROKER, "", MIN_INSYNC_REPLICAS, given))
    if MIN_INSYNC_REPLICAS in image.config_of(ResourceType.BROKER, str(node_id)):
        records.append(ConfigRecord(ResourceType.BROKER, str(node_id), MIN_INSYNC_REPLICAS, None))
    return records


def _why_not(image: Image, node_id: int, update: FeatureUpdate) -> str | None:
    name, level, upgrade_type = update
    known = LEVELS.get(name)
    now = image.features.get(name, 0)
    why = None
    if not UpgradeType.UPGRADE <= upgrade_type <= UpgradeType.UNSAFE_DOWNGRADE:
        why = "The controller does not support the given upgrade type."
    elif level < 0:
        why = "A feature version cannot be less than 0."
    elif known is None:
        unknown = f"Local controller {node_id} does not support this feature."
        why = unknown if level else f"Feature {name} not found."
    elif not known.low <= level <= known.high:
        why = f"Local controller {node_id} only supports versions {known.low}-{known.high}"
    elif level < now and upgrade_type == UpgradeType.UPGRADE:
        why = (
            "Can't downgrade the version of this feature without setting the upgrade type to either safe or"
            " unsafe downgrade."
        )
    elif level > now and upgrade_type != UpgradeType.UPGRADE:
        why = "Can't downgrade to a newer version."
    elif name == KRAFT_VERSION and level < now:
        why = "Can't downgrade the version of this feature."
    elif name == METADATA_VERSION and level < METADATA_UNCHANGED_SINCE:
        return f"Unsupported metadata.version downgrade from {now} to {level}. " + (
            "Unsafe metadata downgrade is not supported in this version."
            if upgrade_type == UpgradeType.UNSAFE_DOWNGRADE
            else "Refusing to perform the requested downgrade because it might delete metadata information."
        )
    return why and f"Invalid update version {level} for feature {name}. {why}"
