"""Client quotas: which entities and numbers there are, and what a filter finds."""

from __future__ import annotations

import math

import pytest

from headrace.controller.decide_quotas import (
    Component,
    Match,
    QuotaChange,
    QuotaOp,
    decide_quotas,
    find_quotas,
    quota_entity,
)
from headrace.controller.image import Image
from headrace.controller.record_format import read_record, write_record
from headrace.model.errors import Error, Refusal

BOB = (("user", "bob"),)
BOBS_CLIENT = (("client-id", "c"), ("user", "bob"))
ADDRESS = (("ip", "192.0.2.1"),)
RATE = ("producer_byte_rate", 1000.0)


def change(image, *wanted, unresolved=()):
    changes = [QuotaChange(quota_entity(parts), [QuotaOp(*op) for op in ops]) for parts, *ops in wanted]
    decision = decide_quotas(image, changes, unresolved)
    image.apply_all([read_record(write_record(record)) for record in decision.records])
    return [(result.error, result.message) for result in decision.results]


def test_set_changed_removed():
    image = Image()
    assert change(image, (BOB, RATE, ("request_percentage", 150.5))) == [(Error.NONE, None)]
    change(image, (BOB, ("producer_byte_rate", 5.0)))
    assert image.quotas == {BOB: {"producer_byte_rate": 5.0, "request_percentage": 150.5}}
    change(image, (BOB, ("producer_byte_rate", None), ("no_such_rate", None)))
    change(image, (BOB, ("request_percentage", None)))
    assert image.quotas == {}


@pytest.mark.parametrize(
    ("parts", "op", "why"),
    [
        ((), RATE, "Invalid empty client quota entity"),
        ((("nope", "x"),), RATE, "Unhandled client quota entity type: nope"),
        ((("user", ""),), RATE, "Empty user not supported"),
        ((("ip", "no host"),), ("connection_creation_rate", 1.0), "no host is not a valid IP or"),
        ((("ip", "1.1.1.1"), ("user", "a")), RATE, "IP entity shouldnot be combined"),
        (ADDRESS, RATE, "Invalid configuration key producer_byte_rate"),
        (BOB, ("connection_creation_rate", 1.0), "Invalid configuration key connection_creation_rate"),
        (BOB, ("nope", 1.0), "Invalid configuration key nope"),
        (BOB, ("producer_byte_rate", 0.0), "Quota producer_byte_rate must be greater than 0"),
        (BOB, ("producer_byte_rate", 1.5), "producer_byte_rate cannot be a fractional value."),
        (BOB, ("producer_byte_rate", math.inf), "is too large for a LONG."),
        (ADDRESS, ("connection_creation_rate", 1e12), "is too large for an INT."),
    ],
)
def test_refusals(parts, op, why):
    image = Image()
    ((error, said),) = change(image, (parts, op), unresolved={"no host"})
    assert error == Error.INVALID_REQUEST
    assert why in said
    assert image.quotas == {}


def test_an_entity_may_be_named_once():
    image = Image()
    assert change(image, (BOB, RATE), (BOB, RATE)) == [
        (Error.INVALID_REQUEST, "Ignoring duplicate entity ClientQuotaEntity(entries={user=bob})")
    ]
    assert change(image, (BOBS_CLIENT, RATE), (BOBS_CLIENT[::-1], RATE))[0][0] == Error.INVALID_REQUEST
    assert change(image, (BOB, RATE, RATE))[0][0] == Error.INVALID_REQUEST
    assert change(image, ((("user", None),), RATE), (BOB, RATE)) == [(Error.NONE, None)] * 2
    assert set(image.quotas) == {(("user", None),), BOB}


def found(image, *components, strict=False):
    return {
        entity for entity, _ in find_quotas(image, [Component(*one) for one in components], strict=strict)
    }


def test_filters():
    image = Image()
    default = (("user", None),)
    for entity in (BOB, BOBS_CLIENT, default):
        change(image, (entity, RATE))
    change(image, (ADDRESS, ("connection_creation_rate", 1.0)))
    exact = ("user", Match.EXACT, "bob")
    assert found(image) == {BOB, BOBS_CLIENT, default, ADDRESS}
    assert found(image, strict=True) == set()
    assert found(image, ("user", Match.ANY, None)) == {BOB, BOBS_CLIENT, default}
    assert found(image, ("user", Match.DEFAULT, None)) == {default}
    assert found(image, exact) == {BOB, BOBS_CLIENT}
    assert found(image, exact, strict=True) == {BOB}
    assert found(image, exact, ("client-id", Match.ANY, None), strict=True) == {BOBS_CLIENT}


@pytest.mark.parametrize(
    ("components", "error"),
    [
        ([("nope", Match.ANY, None)], Error.UNSUPPORTED_VERSION),
        ([("", Match.ANY, None)], Error.INVALID_REQUEST),
        ([("user", Match.EXACT, None)], Error.INVALID_REQUEST),
        ([("user", Match.DEFAULT, "x")], Error.INVALID_REQUEST),
        ([("user", Match.ANY, "x")], Error.INVALID_REQUEST),
        ([("user", 3, None)], Error.INVALID_REQUEST),
        ([("user", Match.ANY, None), ("user", Match.ANY, None)], Error.INVALID_REQUEST),
        ([("ip", Match.ANY, None), ("user", Match.ANY, None)], Error.INVALID_REQUEST),
    ],
)
def test_filters_that_contradict_themselves(components, error):
    with pytest.raises(Refusal) as refused:
        found(Image(), *components)
    assert refused.value.error == error
