"""Client quotas (KIP-546): what is asked, what becomes of it, and what is found. Functions of an image; they change nothing.

An entity is a set of (type, name): user, client-id, both, or ip; the name `None` is the default of its type. Errors and
their sentences are those of Kafka's `ClientQuotaControlManager` and `ClientQuotasImage`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.model.errors import Error, Refusal
from headrace.wire.messages.metadata_records import ClientQuotaRecord, EntityData

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from headrace.controller.image import Image
    from headrace.wire.schema import Message

USER: Final = "user"
CLIENT_ID: Final = "client-id"
IP: Final = "ip"
TYPES: Final = (CLIENT_ID, USER, IP)

LONG_MAX: Final = float(2**63 - 1)
INT_MAX: Final = float(2**31 - 1)
FRACTION_MAX: Final = 1e-6
"""What a whole number may be off by, as a double."""

QuotaEntity = tuple[tuple[str, str | None], ...]
"""(type, name) in the order of `TYPES`."""


class Rate(NamedTuple):
    """What a quota's number may be. `most`: its largest value, None: any and also fractions. `kind`: Kafka's word."""

    most: float | None = None
    kind: str = ""


OF_CLIENTS: Final = {
    "producer_byte_rate": Rate(LONG_MAX, "a LONG"),
    "consumer_byte_rate": Rate(LONG_MAX, "a LONG"),
    "request_percentage": Rate(),
    "controller_mutation_rate": Rate(),
}
OF_ADDRESSES: Final = {"connection_creation_rate": Rate(INT_MAX, "an INT")}


class QuotaOp(NamedTuple):
    """One quota of an entity: set to `value`, or removed if that is None."""

    key: str
    value: float | None


class QuotaChange(NamedTuple):
    """What somebody wants changed of an entity."""

    entity: QuotaEntity
    ops: Sequence[QuotaOp]


class QuotaResult(NamedTuple):
    """What became of one entity."""

    entity: QuotaEntity
    error: Error
    message: str | None = None


class QuotaDecision(NamedTuple):
    """Records to append, all or none, and the answers that hold once they are committed."""

    records: list[Message]
    results: list[QuotaResult]


class Match:
    """How a component of a filter compares names (DescribeClientQuotas)."""

    EXACT: Final = 0
    DEFAULT: Final = 1
    ANY: Final = 2


class Component(NamedTuple):
    """One condition of a filter."""

    entity_type: str
    match: int
    name: str | None


def quota_entity(parts: Sequence[tuple[str, str | None]]) -> QuotaEntity:
    """The entity of its parts in any order; of twins the later one counts, as in Kafka."""
    found = dict(parts)
    known = [(kind, found.pop(kind)) for kind in TYPES if kind in found]
    return (*known, *sorted(found.items(), key=lambda part: part[0]))


def decide_quotas(image: Image, wanted: Sequence[QuotaChange], unresolved: Collection[str]) -> QuotaDecision:
    """Change quotas; each entity fails or succeeds alone. `unresolved`: names of hosts that have no address."""
    records: list[Message] = []
    results: dict[QuotaEntity, QuotaResult] = {}
    entities = [change.entity for change in wanted]
    for change in wanted:
        entity = change.entity
        try:
            keys = [op.key for op in change.ops]
            if entities.count(entity) > 1 or len(set(keys)) < len(keys):
                said = ", ".join(f"{kind}={name}" for kind, name in entity)
                why = f"Ignoring duplicate entity ClientQuotaEntity(entries={{{said}}})"
                raise Refusal(Error.INVALID_REQUEST, why)
            records += _records(image, change, unresolved)
            results[entity] = QuotaResult(entity, Error.NONE)
        except Refusal as refusal:
            results[entity] = QuotaResult(entity, refusal.error, refusal.message)
    return QuotaDecision(records, list(results.values()))


def find_quotas(
    image: Image, components: Sequence[Component], *, strict: bool
) -> list[tuple[QuotaEntity, dict[str, float]]]:
    """The entities that match every component, with their quotas; `strict`: and have no other type.

    Raises `Refusal`: the filter contradicts itself.
    """
    _check_filter(components)
    return [
        (entity, values)
        for entity, values in image.quotas.items()
        if _matches(dict(entity), components) and not (strict and len(entity) != len(components))
    ]


def _records(image: Image, change: QuotaChange, unresolved: Collection[str]) -> list[Message]:
    _check_entity(change.entity, unresolved)
    present = image.quotas.get(change.entity, {})
    parts = [EntityData(kind, name) for kind, name in change.entity]
    known = OF_ADDRESSES if change.entity[0][0] == IP else OF_CLIENTS
    records: list[Message] = []
    for key, value in change.ops:
        if value is None:
            if key in present:
                records.append(ClientQuotaRecord(parts, key, 0.0, True))
            continue
        rate = known.get(key)
        if rate is None:
            raise Refusal(Error.INVALID_REQUEST, f"Invalid configuration key {key}")
        _check_value(key, rate, value)
        records.append(ClientQuotaRecord(parts, key, value, False))
    return records


def _check_entity(entity: QuotaEntity, unresolved: Collection[str]) -> None:
    why = None
    if not entity:
        why = "Invalid empty client quota entity"
    for kind, name in entity:
        if kind not in TYPES:
            why = f"Unhandled client quota entity type: {kind}"
        elif name == "":
            why = f"Empty {kind} not supported"
        elif kind == IP and name in unresolved:
            why = f"{name} is not a valid IP or resolvable host."
    if why is None and len(entity) > 1 and any(kind == IP for kind, _ in entity):
        why = "Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId"
    if why is not None:
        raise Refusal(Error.INVALID_REQUEST, why)


def _check_value(key: str, rate: Rate, value: float) -> None:
    why = None
    if value <= 0:
        why = f"Quota {key} must be greater than 0"
    elif rate.most is not None and value > rate.most:
        why = f"Proposed value for {key} is too large for {rate.kind}."
    elif rate.most is not None and value - value // 1 > FRACTION_MAX:
        why = f"{key} cannot be a fractional value."
    if why is not None:
        raise Refusal(Error.INVALID_REQUEST, why)


def _check_filter(components: Sequence[Component]) -> None:
    seen: set[str] = set()
    for kind, match, name in components:
        if not kind:
            raise Refusal(Error.INVALID_REQUEST, "Invalid empty entity type.")
        if kind in seen:
            why = f"Entity type {kind} cannot appear more than once in the filter."
            raise Refusal(Error.INVALID_REQUEST, why)
        if kind not in TYPES:
            raise Refusal(Error.UNSUPPORTED_VERSION, f"Unsupported entity type {kind}")
        seen.add(kind)
        _check_match(match, name)
    if IP in seen and len(seen) > 1:
        raise Refusal(
            Error.INVALID_REQUEST,
            "Invalid entity filter component combination. IP filter component should not be used with user or"
            " clientId filter component.",
        )


def _check_match(match: int, name: str | None) -> None:
    why = None
    if match not in (Match.EXACT, Match.DEFAULT, Match.ANY):
        why = f"Unknown match type {match}"
    elif match == Match.EXACT and name is None:
        why = "Request specified MATCH_TYPE_EXACT, but set match string to null."
    elif match != Match.EXACT and name is not None:
        word = "DEFAULT" if match == Match.DEFAULT else "SPECIFIED"
        why = f"Request specified MATCH_TYPE_{word}, but also specified a match string."
    if why is not None:
        raise Refusal(Error.INVALID_REQUEST, why)


def _matches(entity: dict[str, str | None], components: Sequence[Component]) -> bool:
    for kind, match, name in components:
        if kind not in entity:
            return False
        if match == Match.EXACT and entity[kind] != name:
            return False
        if match == Match.DEFAULT and entity[kind] is not None:
            return False
    return True
