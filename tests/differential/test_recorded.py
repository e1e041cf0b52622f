"""The files of recorded answers, the list of what is to be mended, the bounds and the page: each must see what it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from headrace.wire.keys import ADVERTISED
from tests.differential import recorded
from tests.differential.all_cases import scenes, stateless
from tests.differential.ask import Found, differing
from tests.differential.case import Case, pair
from tests.differential.golden import GOLDEN
from tests.differential.page import PAGE, with_table
from tests.differential.replay import grew, shrank
from tests.differential.report import (
    Explained,
    broken,
    explained,
    known,
    to_be_mended,
    unexplained,
    write_known,
)
from tests.differential.side import Heard
from tests.differential.tree import NORMAL, Difference, Keyed
from tests.differential.world import World

if TYPE_CHECKING:
    from pathlib import Path

TREE: dict[str, Any] = {
    "error_code": 0,
    "topics": Keyed(b={"error_code": 3}, a={"error_code": 0}),
    "empty": Keyed(),
}


def heard(number: int) -> Heard:
    """The same answer to all but some."""
    if number % 5 == 1:
        return Heard("close")
    return Heard("answer", TREE | {"number": number % 3})


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    cases = [case for version in (3, 4, 7) for case in pair(10, version)]
    found = [Found(case, heard(n), heard(n), []) for n, case in enumerate(cases)]
    recorded.write(found, cases, tmp_path)
    answers = recorded.read(cases, tmp_path)
    assert len(answers) == len(cases)
    for n, case in enumerate(cases):
        got = answers[case.unit, case.name, case.version]
        assert got == heard(n)
        assert differing(heard(n), got) == []


def test_other_requests_than_were_recorded_are_refused(tmp_path: Path) -> None:
    cases = pair(10, 4)
    recorded.write([Found(case, heard(0), heard(0), []) for case in cases], cases, tmp_path)
    with pytest.raises(recorded.Stale, match="other requests"):
        recorded.read(cases[:-1], tmp_path)
    with pytest.raises(recorded.Stale, match="other requests"):
        recorded.read([cases[0]._replace(client=b"other"), *cases[1:]], tmp_path)
    with pytest.raises(recorded.Stale, match="not asked yet"):
        recorded.read(pair(12, 1), tmp_path)


def test_the_list_of_what_is_to_be_mended_only_shrinks(tmp_path: Path) -> None:
    code, port, name = ("k03", 3, "topics.error_code"), ("s_static", 10, "port"), ("k03", 3, "topics.name")
    listed = {code: 2, port: 1}
    assert grew(listed, listed) == shrank(listed, listed) == []
    assert grew(listed, listed | {code: 3}) == [code]
    assert grew(listed, listed | {name: 1}) == [name]
    assert shrank(listed, {code: 1}) == [code, port]
    write_known(listed | {name: 0}, tmp_path / "known.toml")
    assert known(tmp_path / "known.toml") == listed


def test_a_case_counts_once_for_each_place() -> None:
    case = pair(3, 1)[0]
    one = Heard("answer", {"topics": [{"error_code": 0}, {"error_code": 0}]})
    other = Heard("answer", {"topics": [{"error_code": 3}, {"error_code": 3}]})
    found = Found(case, one, other, differing(one, other))
    assert len(found.differences) == 2
    assert to_be_mended([found]) == {("k03", 3, "topics.error_code"): 1}


def test_a_good_answer_has_no_error_inside() -> None:
    assert Heard("answer", {"topics": [{"error_code": 0}]}).good
    assert not Heard("answer", {"topics": Keyed(a={"parts": [{"error_code": 3}]})}).good
    assert not Heard("close").good


def test_the_bounds_of_what_is_not_compared() -> None:
    assert broken(explained(), NORMAL) == []
    entry = Explained("k03", 3, "topics.name", "a", "b", "c")
    for stays, normal in (
        ([entry] * 26, []),
        ([entry._replace(path="topics.*")], []),
        ([], ["A.error_code"]),
        ([], ["A.base_offset"]),
        ([], ["A.topics.#"]),
        ([], [f"A.{n}" for n in range(41)]),
    ):
        assert len(broken(stays, normal)) == 1, (stays, normal)


def test_what_is_explained_in_a_scene_is_not_explained_elsewhere() -> None:
    entry = next(one for one in explained() if one.unit.startswith("s_") and one.key == 0)
    here, elsewhere = (
        Found(pair(0, 9)[0]._replace(prefix=prefix), heard(0), heard(1), [Difference(entry.path, 0, 1)])
        for prefix in (entry.unit, "s_somewhere")
    )
    assert unexplained([here]) == {}
    assert to_be_mended([here, elsewhere]) == {("s_somewhere", 0, entry.path): 1}


def test_the_page_says_what_is_explained() -> None:
    text = PAGE.read_text("utf-8")
    assert text == with_table(text, explained()), "python -m tests.differential.page"
    assert text != with_table(text, explained()[1:])


def test_every_pair_that_is_served_is_asked() -> None:
    assert {key for key, _, _ in ADVERTISED} == set(GOLDEN)


def test_cases_are_told_apart() -> None:
    cases: list[Case] = [*stateless(), *(case for scene in scenes() for case in scene.cases())]
    assert len({(case.unit, case.name, case.version) for case in cases}) == len(cases)


def test_what_a_case_changes_is_its_own() -> None:
    """The changing keys' cases want no object that another case wants too, but to name it."""
    newest = {key: high for key, _, high in ADVERTISED}
    for key in (0, 20, 21, 33, 37, 42, 44, 47):
        seen: dict[str, int] = {}
        for case in pair(key, newest[key]):
            world = World(case.prefix)
            case.request(world.at(case.number))
            for name in world.wanted:
                shared = name in (f"{case.prefix}-filled", f"{case.prefix}-wide")
                assert shared or seen.setdefault(name, case.number) == case.number, name
        assert seen, f"{key}: no object of its own"
