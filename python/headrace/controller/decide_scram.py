"""SCRAM credentials (KIP-554): what is asked, what becomes of it. Functions of an image; they change nothing.

A client sends the password salted; the two keys that RFC 5802 keeps of it are stored, from which no password comes back.
Errors and their sentences are those of Kafka's `ScramControlManager` and `ScramImage`.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.model.errors import Error, Refusal
from headrace.wire.messages.metadata_records import (
    RemoveUserScramCredentialRecord,
    UserScramCredentialRecord,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.controller.image import Image
    from headrace.wire.schema import Message

ITERATIONS_MIN: Final = 4096
ITERATIONS_MAX: Final = 16384
HASHES: Final = {1: "sha256", 2: "sha512"}
"""By the number of the mechanism: SCRAM-SHA-256, SCRAM-SHA-512."""


class Upsertion(NamedTuple):
    """A credential that somebody wants stored."""

    user: str
    mechanism: int
    iterations: int
    salt: bytes
    salted_password: bytes


class Deletion(NamedTuple):
    """A credential that somebody wants gone."""

    user: str
    mechanism: int


class ScramResult(NamedTuple):
    """What became of one user."""

    user: str
    error: Error
    message: str | None = None


class ScramDecision(NamedTuple):
    """Records to append, all or none, and the answers that hold once they are committed."""

    records: list[Message]
    results: list[ScramResult]


def decide_scram(
    image: Image, deletions: Sequence[Deletion], upsertions: Sequence[Upsertion]
) -> ScramDecision:
    """Change credentials; each user fails or succeeds alone, and may be named once."""
    records: dict[str, Message] = {}
    results: dict[str, ScramResult] = {}
    wanted: list[Deletion | Upsertion] = [*deletions, *upsertions]
    for one in wanted:
        before = results.get(one.user)
        if before is not None and before.error:
            continue  # the first reason against a user stays
        try:
            if before is not None:
                del records[one.user]
                why = "A user credential cannot be altered twice in the same request"
                raise Refusal(Error.DUPLICATE_RESOURCE, why)
            records[one.user] = _deleted(image, one) if isinstance(one, Deletion) else _stored(one)
            results[one.user] = ScramResult(one.user, Error.NONE)
        except Refusal as refusal:
            results[one.user] = ScramResult(one.user, refusal.error, refusal.message)
    return ScramDecision(list(records.values()), list(results.values()))


def _deleted(image: Image, wanted: Deletion) -> Message:
    _check(wanted.user, wanted.mechanism)
    if (wanted.user, wanted.mechanism) not in image.scram:
        why = "Attempt to delete a user credential that does not exist"
        raise Refusal(Error.RESOURCE_NOT_FOUND, why)
    return RemoveUserScramCredentialRecord(wanted.user, wanted.mechanism)


def _stored(wanted: Upsertion) -> Message:
    _check(wanted.user, wanted.mechanism)
    if wanted.iterations < ITERATIONS_MIN:
        raise Refusal(Error.UNACCEPTABLE_CREDENTIAL, "Too few iterations")
    if wanted.iterations > ITERATIONS_MAX:
        raise Refusal(Error.UNACCEPTABLE_CREDENTIAL, "Too many iterations")
    if not wanted.salted_password:
        raise Refusal(Error.UNKNOWN_SERVER_ERROR)  # Java makes no key of nothing, and Kafka does not catch it
    name = HASHES[wanted.mechanism]
    client_key = hmac.digest(wanted.salted_password, b"Client Key", name)
    return UserScramCredentialRecord(
        name=wanted.user,
        mechanism=wanted.mechanism,
        salt=wanted.salt,
        stored_key=hashlib.new(name, client_key).digest(),
        server_key=hmac.digest(wanted.salted_password, b"Server Key", name),
        iterations=wanted.iterations,
    )


def _check(user: str, mechanism: int) -> None:
    if not user:
        raise Refusal(Error.UNACCEPTABLE_CREDENTIAL, "Username must not be empty")
    if mechanism not in HASHES:
        raise Refusal(Error.UNSUPPORTED_SASL_MECHANISM, "Unknown SCRAM mechanism")
