"""The rate of changes: as Kafka 4.2 answered the same requests at the same times."""

from __future__ import annotations

import pytest

from headrace.config.broker import BrokerConfig
from headrace.controller.mutation_quotas import BUCKETS_MAX, KEY, MutationQuotas
from headrace.model.errors import Error, Refusal

ME = (("client-id", "me"),)


class World:
    """Requests of the client `me` of the user `u`."""

    def __init__(self, **quotas):
        self.quotas = {ME: {KEY: 1.0}}
        self.rates = MutationQuotas(BrokerConfig())
        self.now_ms = 1_000_000

    def change(self, *partitions, strict=True, user="u", client_id="me"):
        """Whether each is taken, and what the answer says to wait."""
        quota = self.rates.of(self.quotas, user, client_id, self.now_ms, strict=strict)
        taken = []
        for count in partitions:
            try:
                quota.charge(count)
                taken.append(True)
            except Refusal as refusal:
                taken.append(refusal.error != Error.THROTTLING_QUOTA_EXCEEDED)
        return taken, quota.throttle_time_ms


def test_a_burst_of_all_windows_then_a_debt_that_time_pays():
    world = World()
    assert world.change(5) == ([True], 0)
    assert world.change(5) == ([True], 0)
    assert world.change(5) == ([True], 0), "11 tokens, and the last change may owe"
    assert world.change(5) == ([False], 4000)
    world.now_ms += 3999
    assert world.change(1) == ([False], 1)
    world.now_ms += 1
    assert world.change(1) == ([True], 0)


def test_within_one_request_the_topics_after_the_debt_are_refused():
    world = World()
    assert world.change(8, 8, 8) == ([True, True, False], 5000)


def test_old_versions_are_told_to_wait_and_never_refused():
    world = World()
    assert world.change(15, strict=False) == ([True], 4000)
    assert world.change(5, strict=False) == ([True], 9000)


def test_a_bucket_never_holds_more_than_its_windows():
    world = World()
    world.change(1)
    world.now_ms += 1_000_000
    assert world.change(12) == ([True], 0)
    assert world.change(1) == ([False], 1000)


def test_without_a_quota_nobody_waits():
    world = World()
    assert world.change(10_000, client_id="other") == ([True], 0)
    world.quotas = {}
    assert world.change(10_000) == ([True], 0)


@pytest.mark.parametrize(
    ("entity", "shared_by_users", "shared_by_clients"),
    [
        ((("client-id", "me"), ("user", "u")), False, False),
        ((("client-id", None), ("user", None)), False, False),
        ((("user", "u"),), False, True),
        ((("user", None),), False, True),
        ((("client-id", None),), True, False),
    ],
)
def test_who_shares_a_bucket(entity, shared_by_users, shared_by_clients):
    world = World()
    world.quotas = {entity: {KEY: 1.0}, (("client-id", None),): {KEY: 1e9}} | {entity: {KEY: 1.0}}
    assert world.change(12) == ([True], 0)
    assert world.change(1)[0] == [False]
    assert world.change(1, user="v")[0] == [not shared_by_users]
    assert world.change(1, client_id="other")[0] == [not shared_by_clients]


def test_the_closest_entity_decides():
    world = World()
    entities = [
        (("client-id", "me"), ("user", "u")),
        (("client-id", None), ("user", "u")),
        (("user", "u"),),
        (("client-id", "me"), ("user", None)),
        (("client-id", None), ("user", None)),
        (("user", None),),
        (("client-id", "me"),),
        (("client-id", None),),
    ]
    world.quotas = {entity: {KEY: float(place + 1)} for place, entity in enumerate(entities)}
    for place, entity in enumerate(entities):
        world.rates = MutationQuotas(BrokerConfig())
        world.change(11 * (place + 1) + place + 1)
        assert world.change(1) == ([False], 1000), entity
        del world.quotas[entity]


def test_buckets_are_bounded():
    world = World()
    world.quotas = {(("client-id", None),): {KEY: 1.0}}
    world.change(12)
    assert world.change(1)[0] == [False]
    for number in range(BUCKETS_MAX):
        world.change(1, client_id=str(number))
    assert world.change(1)[0] == [True]
