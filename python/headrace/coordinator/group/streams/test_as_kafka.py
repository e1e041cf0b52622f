"""What Apache Kafka 4.2's own classes made of the same: its task assignor and its internal topics.

`captured/` holds generated inputs with Kafka's results: groups that live through several changes, and topologies on topics
that fit them or not.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.coordinator.group.streams.configure import Configured, InternalTopic, configure
from headrace.coordinator.group.streams.java_order import java_order
from headrace.coordinator.group.streams.sticky import Candidate, assign
from headrace.coordinator.group.streams.tasks import Assignment
from headrace.coordinator.group.streams.topology import InvalidTopology
from headrace.wire.messages.streams_group_records import (
    CopartitionGroup,
    StreamsGroupTopologyValue,
    Subtopology,
    TopicInfo,
)

CAPTURED = Path(__file__).parent / "captured"


def captured(name):
    return json.loads((CAPTURED / name).read_text("utf-8"))


def frozen(tasks):
    return {subtopology: frozenset(parts) for subtopology, parts in tasks.items()}


@pytest.mark.parametrize("case", captured("assignments.json"))
def test_tasks_are_assigned_as_kafka_does(case):
    changelog = InternalTopic("changelog", 1, 0, {})
    subtopologies = {
        name: Configured(tasks, (), (), (), (changelog,) if stateful else ())
        for name, (tasks, stateful) in sorted(case["subtopologies"].items())
    }
    members = {
        name: Candidate(
            member["process"], Assignment(frozen(member["active"]), frozen(member["standby"]), {})
        )
        for name, member in case["members"].items()
    }
    got = assign(members, subtopologies, case["replicas"])
    assert {
        member: {
            **{f"a{subtopology}": sorted(parts) for subtopology, parts in target.active.items()},
            **{f"s{subtopology}": sorted(parts) for subtopology, parts in target.standby.items()},
        }
        for member, target in got.items()
    } == case["assigned"]


def configured_as_captured(case):
    topology = StreamsGroupTopologyValue(
        1,
        [
            Subtopology(
                part["id"],
                part["sources"],
                [],
                [TopicInfo(*topic) for topic in part["changelogs"]],
                part["sinks"],
                [TopicInfo(*topic) for topic in part["repartition"]],
                [CopartitionGroup(sources, [], repartition) for sources, repartition in part["copartition"]],
            )
            for part in case["subtopologies"]
        ],
    )
    try:
        found = configure(topology, case["topics"].get)
    except InvalidTopology as invalid:
        return {"invalid": invalid.message}
    tasks = found.subtopologies and {name: part.tasks for name, part in found.subtopologies.items()}
    missing = {topic.name: topic.partitions for topic in found.missing}
    return {"tasks": tasks, "missing": missing, "problem": found.problem and list(found.problem)}


@pytest.mark.parametrize("case", captured("topologies.json"))
def test_topologies_meet_their_topics_as_kafka_has_it(case):
    assert configured_as_captured(case) == case["configured"]


def test_every_way_a_topology_can_fail_is_captured():
    ends = {
        result.get("invalid", "")[:20] or (result["problem"] or [None])[0]
        for result in (case["configured"] for case in captured("topologies.json"))
    }
    assert {None, 1, 2, 3} < ends
    assert len(ends) >= 6


def test_a_copartition_group_cannot_name_what_is_not_there():
    part = Subtopology("0", ["in"], [], [], [], [], [CopartitionGroup([-1], [], [])])
    with pytest.raises(InvalidTopology):
        configure(StreamsGroupTopologyValue(0, [part]), {"in": 1}.get)


def test_java_walks_over_a_hash_map_by_the_low_bits_of_its_hashes():
    assert java_order(["q", "b", "a"]) == ["q", "a", "b"], (
        "0x71 and 0x61 share a bin of sixteen: as they came"
    )
    assert java_order(["q", "a"], 32) == ["a", "q"], "and are parted in thirty-two"
