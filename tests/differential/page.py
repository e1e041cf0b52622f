"""Writes the table of docs/compatibility.md that says which differences stay, from explained.toml.

python -m tests.differential.page [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headrace.wire.keys import BY_KEY
from tests.differential.report import explained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.differential.report import Explained

PAGE: Final = Path(__file__).parents[2] / "docs" / "compatibility.md"
BEGIN: Final = "<!-- written by tests/differential/page.py from explained.toml; do not edit -->\n"
END: Final = "<!-- end -->\n"


def main() -> int:
    """Write the table, or say whether it is what would be written."""
    text = PAGE.read_text("utf-8")
    wanted = with_table(text, explained())
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(wanted, "utf-8")
        return 0
    if text != wanted:
        print(f"{PAGE.name} is not what explained.toml says; `python -m tests.differential.page` writes it")
    return int(text != wanted)


def with_table(text: str, stays: Sequence[Explained]) -> str:
    """The page with the table of these differences between its marks."""
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert mark, "the page has the first mark"
    assert end, "the page has the second mark"
    rows = [
        f"| {BY_KEY[one.key].name} | {_where(one)}`{one.path}` | {one.kafka} | {one.headrace} | {one.why} |"
        for one in sorted(stays)
    ]
    table = ["| API | field | Kafka 4.2 | headrace | why |", "|---|---|---|---|---|", *rows]
    return before + BEGIN + "\n" + "\n".join(table) + "\n\n" + END + after


def _where(one: Explained) -> str:
    """A difference that is seen only in a scene says in which."""
    return "" if one.unit == f"k{one.key:02}" else f"{one.unit.removeprefix('s_').replace('_', ' ')}: "


if __name__ == "__main__":
    sys.exit(main())
