"""The suite `recorded`: what Kafka said when it was asked, and what our broker says to the same requests now. No Kafka is needed.

    python -m tests.differential.replay [--shrink]

Fails at a difference that is neither explained nor in the list of what is to be mended, and at one of that list that is seen
less often than it says: what is mended leaves the list. `--shrink` takes it out, and puts nothing in.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from typing import TYPE_CHECKING, Final

from headrace.testing import Broker
from tests.differential import recorded
from tests.differential.all_cases import scenes, stateless
from tests.differential.report import known, show, to_be_mended, unexplained, write_known
from tests.differential.run import SETTINGS, compare
from tests.differential.side import Live, Recorded

TRIES: Final = 2
"""Of what only reads: Kafka's answer stays, and we tell of a topic when it is there."""

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.differential.ask import Found
    from tests.differential.report import Entry


def main() -> int:
    """Ask; exit code 1 if the differences are not those of the list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shrink", action="store_true", help="take out of the list what is not seen")
    parser.add_argument("--show", type=int, default=3, help="examples of each difference")
    given = parser.parse_args()
    began = time.monotonic()
    cases, plays = stateless(), scenes()
    try:
        kafka = Recorded(recorded.read([*cases, *(case for scene in plays for case in scene.cases())]))
    except recorded.Stale as error:
        print(f"headrace: {error}", file=sys.stderr)
        return 1
    found: list[Found] = []
    for asked, played in ((cases, []), ([], plays)):
        # What is durable is compared with Kafka live; here a disk that is slow would only make it take longer.
        with Broker(settings=SETTINGS) as broker:
            live = Live(broker.bootstrap_servers, broker.restart)
            found += asyncio.run(compare(kafka, live, asked, played, TRIES))
    counts = to_be_mended(found)
    listed = known()
    grown = grew(listed, counts)
    gone = shrank(listed, counts)
    units = {unit for unit, _, _ in grown}
    of_those = unexplained([one for one in found if one.case.unit in units])
    show({(key, path): of_those[key, path] for _, key, path in grown}, given.show)
    for entry in grown:
        print(f"{' '.join(map(str, entry))}: {counts[entry]} cases, {listed.get(entry, 0)} are known")
    if given.shrink:
        write_known({entry: min(count, counts.get(entry, 0)) for entry, count in listed.items()})
    else:
        for entry in gone:
            print(
                f"{' '.join(map(str, entry))}: {counts.get(entry, 0)} cases, {listed[entry]} in known.toml: "
                "mended, so `python -m tests.differential.replay --shrink` takes them out"
            )
    print(
        f"{len(found)} answers compared in {time.monotonic() - began:.0f} s; "
        f"{len({id(one) for shown in unexplained(found).values() for one, _ in shown})} with known differences"
    )
    return 1 if grown or (gone and not given.shrink) else 0


def grew(listed: Mapping[Entry, int], counts: Mapping[Entry, int]) -> list[Entry]:
    """Places where more cases differ than the list says."""
    return sorted(where for where, count in counts.items() if count > listed.get(where, 0))


def shrank(listed: Mapping[Entry, int], counts: Mapping[Entry, int]) -> list[Entry]:
    """Places where fewer cases differ than the list says."""
    return sorted(where for where, count in listed.items() if counts.get(where, 0) < count)


if __name__ == "__main__":
    sys.exit(main())
