"""What Kafka answers to each way of asking for topics."""

from __future__ import annotations

import pytest

from headrace.controller.decide_topics import (
    PARTITIONS_PER_REQUEST_MAX,
    Defaults,
    MorePartitions,
    NewTopic,
    decide_create,
    decide_more_partitions,
    why_invalid,
)
from headrace.controller.image import Image
from headrace.model.errors import MESSAGE_CHARS_MAX, Error, Refusal

DEFAULTS = Defaults(node_id=1, partitions=3, replication_factor=1)


def made(*wanted, image=None):
    ids = [bytes([number + 1]) * 16 for number in range(len(wanted))]
    return decide_create(image or Image(), wanted, ids, DEFAULTS)


def with_topic(name="t", partitions=2):
    image = Image()
    for record in made(NewTopic(name, partitions)).records:
        image.apply(record)
    return image


def test_what_is_told_of_a_long_setting_has_an_end():
    told = made(NewTopic("a", configs={"n" * 32_000: "1"})).results[0].message
    assert told.startswith("Unknown topic config name: nnn")
    assert len(told) == MESSAGE_CHARS_MAX


@pytest.mark.parametrize(
    ("wanted", "error", "words"),
    [
        (NewTopic(""), Error.INVALID_TOPIC_EXCEPTION, "empty string"),
        (NewTopic(".."), Error.INVALID_TOPIC_EXCEPTION, "'..'"),
        (NewTopic("a" * 250), Error.INVALID_TOPIC_EXCEPTION, "longer than"),
        (NewTopic("a\0"), Error.INVALID_TOPIC_EXCEPTION, "ASCII"),
        (NewTopic("a", 0), Error.INVALID_PARTITIONS, "non-positive"),
        (NewTopic("a", -2), Error.INVALID_PARTITIONS, "non-positive"),
        (NewTopic("a", 1, 0), Error.INVALID_REPLICATION_FACTOR, "larger than 0"),
        (NewTopic("a", 1, 3), Error.INVALID_REPLICATION_FACTOR, "only 1 broker"),
        (NewTopic("a", 1, -1, {0: [1]}), Error.INVALID_REQUEST, "numPartitions"),
        (NewTopic("a", -1, 1, {0: [1]}), Error.INVALID_REQUEST, "replication factor"),
        (NewTopic("a", assignments={1: [1]}), Error.INVALID_REPLICA_ASSIGNMENT, "consecutive"),
        (NewTopic("a", assignments={0: [2]}), Error.INVALID_REPLICA_ASSIGNMENT, "broker 2"),
        (NewTopic("a", assignments={0: []}), Error.INVALID_REPLICA_ASSIGNMENT, "empty"),
        (NewTopic("a", assignments={0: [1, 1]}), Error.INVALID_REPLICA_ASSIGNMENT, "more than once"),
        (NewTopic("a", configs={"nope": "1"}), Error.INVALID_CONFIG, "nope"),
        (NewTopic("a", 0, 0, configs={"nope": "1"}), Error.INVALID_CONFIG, "nope"),
        (NewTopic("a", configs={"retention.ms": "x"}), Error.INVALID_CONFIG, "retention.ms"),
        (NewTopic("a", configs={"retention.ms": None}), Error.INVALID_CONFIG, "Null"),
    ],
)
def test_refusals(wanted, error, words):
    decision = made(wanted)
    assert decision.records == []
    assert decision.results[0].error is error
    assert words in (decision.results[0].message or "")


def test_one_bad_topic_does_not_harm_the_others():
    decision = made(NewTopic("a"), NewTopic(".."), NewTopic("b", 2))
    assert [result.error for result in decision.results] == [0, Error.INVALID_TOPIC_EXCEPTION, 0]
    assert [len(r.topic.partitions) for r in decision.results if r.topic] == [3, 2]
    assert [group for r in decision.results if r.topic for group in r.topic.groups] == [1, 2, 3, 4, 5]


def test_names_that_are_taken_or_collide():
    image = with_topic("a.b")
    assert made(NewTopic("a.b"), image=image).results[0].error is Error.TOPIC_ALREADY_EXISTS
    collision = made(NewTopic("a_b"), image=image).results[0]
    assert (collision.error, collision.message) == (
        Error.INVALID_TOPIC_EXCEPTION,
        "Topic 'a_b' collides with existing topic: a.b",
    )
    assert made(NewTopic("x.y"), NewTopic("x_y")).results[1].error is Error.INVALID_TOPIC_EXCEPTION


def test_no_request_makes_more_partitions_than_fit_into_one_batch():
    with pytest.raises(Refusal) as refusal:
        made(NewTopic("a", PARTITIONS_PER_REQUEST_MAX), NewTopic("b", 1))
    assert refusal.value.error is Error.POLICY_VIOLATION
    with pytest.raises(Refusal):
        made(NewTopic("there", 2**31 - 1), image=with_topic("there"))
    more = decide_more_partitions(with_topic(), [MorePartitions("t", 2**31 - 1)], 1)
    assert more.results[0].error is Error.POLICY_VIOLATION


@pytest.mark.parametrize(
    ("wanted", "error", "words"),
    [
        (MorePartitions("x", 3), Error.UNKNOWN_TOPIC_OR_PARTITION, ""),
        (MorePartitions("t", 2), Error.INVALID_PARTITIONS, "already has 2"),
        (MorePartitions("t", 1), Error.INVALID_PARTITIONS, "would not be an increase"),
        (MorePartitions("t", 4, [[1]]), Error.INVALID_REPLICA_ASSIGNMENT, "only 1 assignment"),
        (MorePartitions("t", 3, [[7]]), Error.INVALID_REPLICA_ASSIGNMENT, "broker 7"),
    ],
)
def test_refused_partitions(wanted, error, words):
    decision = decide_more_partitions(with_topic(), [wanted], 1)
    assert decision.records == []
    assert decision.results[0].error is error
    assert words in (decision.results[0].message or "")


def test_longest_name_is_kafkas():
    assert why_invalid("a" * 249) is None
