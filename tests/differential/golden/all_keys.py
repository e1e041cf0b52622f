"""Good requests of every API, by key: what a case makes wrong, one field at a time.

A request says all that its newest version can say; older ones leave out what they do not have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.differential.golden import (
    admin,
    cluster,
    configs,
    consumers,
    groups,
    records,
    security,
    shares,
    streams,
    topics,
    transactions,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.wire.schema import Message
    from tests.differential.world import World

GOLDEN: Final[dict[int, dict[str, Callable[[World], Message]]]] = {
    **records.GOLDEN,
    **groups.GOLDEN,
    **topics.GOLDEN,
    **configs.GOLDEN,
    **cluster.GOLDEN,
    **transactions.GOLDEN,
    **consumers.GOLDEN,
    **streams.GOLDEN,
    **admin.GOLDEN,
    **security.GOLDEN,
    **shares.GOLDEN,
}
"""By API key: what is said about a world, by name."""
