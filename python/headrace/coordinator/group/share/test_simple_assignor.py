"""The SIMPLE assignor: nobody idle while there is something to share, nothing moved without a reason."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from headrace.coordinator.group.modern.assignor import GroupSpec, MemberSpec
from headrace.coordinator.group.share.simple_assignor import assign

ONE, OTHER = b"a" * 16, b"b" * 16


def assigned(members, assignable, homogeneous=True):
    return assign(GroupSpec(members, {}, homogeneous), assignable)


def fresh(count, topics=frozenset({ONE})):
    return {f"m{number}": MemberSpec(topics, {}) for number in range(count)}


def test_partitions_are_dealt_out_and_shared_when_there_are_too_few():
    given_out = assigned(fresh(2), {ONE: frozenset(range(4))})
    assert sorted(map(len, (numbers[ONE] for numbers in given_out.values()))) == [2, 2]
    shared = assigned(fresh(3), {ONE: frozenset({0, 1})})
    assert all(numbers[ONE] for numbers in shared.values())
    assert shared["m0"] != shared["m1"]


def test_members_with_different_topics_share_each_topic_by_itself():
    members = {"both": MemberSpec(frozenset({ONE, OTHER}), {}), "one": MemberSpec(frozenset({ONE}), {})}
    found = assigned(members, {ONE: frozenset({0, 1}), OTHER: frozenset({0})}, homogeneous=False)
    assert found["both"][OTHER] == {0}
    assert {*found["both"][ONE], *found["one"][ONE]} == {0, 1}


def test_only_what_may_be_given_is_given():
    assert assigned(fresh(2), {}) == {"m0": {}, "m1": {}}
    assert assigned({"m": MemberSpec(frozenset({ONE}), {ONE: frozenset({7})})}, {ONE: frozenset({1})}) == {
        "m": {ONE: {1}}
    }


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
def test_shares_are_even_and_what_a_member_had_it_keeps(members, partitions, later):
    places = {ONE: frozenset(range(partitions))}
    before = assigned(fresh(members), places)
    sharing = math.ceil(members / partitions)
    sharers = [sum(number in got.get(ONE, ()) for got in before.values()) for number in range(partitions)]
    assert max(sharers) <= sharing
    assert min(sharers) >= 1
    sizes = [len(got.get(ONE, ())) for got in before.values()]
    assert max(sizes) - min(sizes) <= 1
    same = {name: MemberSpec(frozenset({ONE}), got) for name, got in before.items()}
    assert assigned(same, places) == before
    grown = {**same, **{f"n{number}": MemberSpec(frozenset({ONE}), {}) for number in range(later)}}
    after = assigned(grown, places)
    covered = frozenset().union(*(got.get(ONE, frozenset()) for got in after.values()))
    assert covered == places[ONE], "no partition is without a member"
