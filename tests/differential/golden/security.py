"""Requests about SCRAM credentials and clients' quotas, of users of each case alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.wire.messages import k48_describe_client_quotas as describe_quotas
from headrace.wire.messages import k49_alter_client_quotas as alter_quotas
from headrace.wire.messages import k50_describe_user_scram_credentials as describe_scram
from headrace.wire.messages import k51_alter_user_scram_credentials as alter_scram

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.wire.schema import Message
    from tests.differential.world import World

EXACT, DEFAULT, SPECIFIED = 0, 1, 2
SHA_256, SHA_512 = 1, 2
Parts = tuple[tuple[str, str | None], ...]


def user(world: World, name: str = "user") -> str:
    """A user of this case alone."""
    return f"{world.prefix}-{world.number}-{name}"


def quotas_asked(*components: tuple[str, int, str | None], strict: bool = False) -> Message:
    """A DescribeClientQuotas: type, how to compare, name."""
    asked = [describe_quotas.ComponentData(*component) for component in components]
    return describe_quotas.DescribeClientQuotasRequest(asked, strict)


def quotas_altered(parts: Parts, *ops: tuple[str, float | None], only_check: bool = False) -> Message:
    """An AlterClientQuotas of one entity: key and value, or None to remove it."""
    entity = [alter_quotas.AlterClientQuotasRequestEntityData(*part) for part in parts]
    given = [alter_quotas.OpData(key, value or 0.0, value is None) for key, value in ops]
    entry = alter_quotas.AlterClientQuotasRequestEntryData(entity, given)
    return alter_quotas.AlterClientQuotasRequest([entry], only_check)


def stored(
    name: str, mechanism: int = SHA_256, iterations: int = 4096
) -> alter_scram.ScramCredentialUpsertion:
    """A credential."""
    return alter_scram.ScramCredentialUpsertion(name, mechanism, iterations, b"salt", b"p" * 32)


def scram_altered(
    *upsertions: alter_scram.ScramCredentialUpsertion, deleted: tuple[tuple[str, int], ...] = ()
) -> Message:
    """An AlterUserScramCredentials."""
    deletions = [alter_scram.ScramCredentialDeletion(*one) for one in deleted]
    return alter_scram.AlterUserScramCredentialsRequest(deletions, list(upsertions))


def scram_asked(*users: str) -> Message:
    """A DescribeUserScramCredentials of these users."""
    asked = [describe_scram.UserName(name) for name in users]
    return describe_scram.DescribeUserScramCredentialsRequest(asked)


RATE: Final = ("producer_byte_rate", 1000.0)


def mine(world: World) -> Parts:
    """A client of a user of this case alone: with a part made wrong it still is none of those who ask."""
    return (("user", user(world)), ("client-id", "mine"))


GOLDEN: Final[dict[int, dict[str, Callable[[World], Message]]]] = {
    48: {
        "a user": lambda w: quotas_asked(("user", EXACT, user(w))),
        "a user and its clients": lambda w: quotas_asked(
            ("user", EXACT, user(w)), ("client-id", SPECIFIED, None), strict=True
        ),
        "an address and a user": lambda w: quotas_asked(("ip", SPECIFIED, None), ("user", SPECIFIED, None)),
        "a type that is not there": lambda w: quotas_asked(("no-such", SPECIFIED, None)),
        "exactly nobody": lambda w: quotas_asked(("user", EXACT, None)),
        "a name for the default": lambda w: quotas_asked(("user", DEFAULT, "somebody")),
    },
    49: {
        "a user's client": lambda w: quotas_altered(mine(w), RATE, ("consumer_byte_rate", 5.0)),
        "a user": lambda w: quotas_altered((("user", user(w)),), RATE, only_check=True),
        "removed": lambda w: quotas_altered(mine(w), ("producer_byte_rate", None)),
        "an address": lambda w: quotas_altered(
            (("ip", "192.0.2.1"),), ("connection_creation_rate", 10.0), only_check=True
        ),
        "an address's bytes": lambda w: quotas_altered((("ip", "192.0.2.1"),), RATE, only_check=True),
        "an address and a user": lambda w: quotas_altered(
            (("ip", "192.0.2.1"), ("user", user(w))), RATE, only_check=True
        ),
        "a fraction": lambda w: quotas_altered(mine(w), ("producer_byte_rate", 1.5)),
        "a fraction of a percentage": lambda w: quotas_altered(mine(w), ("request_percentage", 1.5)),
        "too much": lambda w: quotas_altered(mine(w), ("producer_byte_rate", 1e30)),
        "nothing": lambda w: quotas_altered(mine(w), ("producer_byte_rate", 0.0)),
        "a key that is not there": lambda w: quotas_altered(mine(w), ("no_such_rate", 1.0)),
        "no entity": lambda w: quotas_altered((), RATE),
    },
    50: {
        "a user that is not there": lambda w: scram_asked(user(w)),
        "twice": lambda w: scram_asked(user(w), user(w)),
    },
    51: {
        "stored": lambda w: scram_altered(stored(user(w))),
        "of many iterations": lambda w: scram_altered(stored(user(w), SHA_512, 16384)),
        "of too many": lambda w: scram_altered(stored(user(w), SHA_512, 16385)),
        "of too few": lambda w: scram_altered(stored(user(w), SHA_256, 4095)),
        "by no mechanism": lambda w: scram_altered(stored(user(w), 3)),
        "twice": lambda w: scram_altered(stored(user(w)), stored(user(w), SHA_512)),
        "deleted": lambda w: scram_altered(deleted=((user(w), SHA_256),)),
        "nothing": lambda w: scram_altered(),
    },
}
