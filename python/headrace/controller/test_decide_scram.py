"""SCRAM credentials: what is kept of a password, and what is refused."""

from __future__ import annotations

import hashlib
import hmac

from headrace.controller.decide_scram import Deletion, Upsertion, decide_scram
from headrace.controller.image import Image
from headrace.controller.record_format import read_record, write_record
from headrace.model.errors import Error

SHA_256, SHA_512 = 1, 2
PASSWORD, SALT = b"pencil", b"salt of it"


def stored(user="bob", mechanism=SHA_256, iterations=4096, salted=None):
    if salted is None:
        salted = hashlib.pbkdf2_hmac("sha256", PASSWORD, SALT, iterations)
    return Upsertion(user, mechanism, iterations, SALT, salted)


def change(image, *wanted):
    decision = decide_scram(
        image,
        [one for one in wanted if isinstance(one, Deletion)],
        [one for one in wanted if isinstance(one, Upsertion)],
    )
    image.apply_all([read_record(write_record(record)) for record in decision.records])
    return {result.user: result.error for result in decision.results}


def test_a_client_s_proof_can_be_checked_and_no_password_is_kept():
    """As RFC 5802: the client shows that it knows the password, the server that it knows the credential."""
    image = Image()
    assert change(image, stored()) == {"bob": Error.NONE}
    kept = image.scram["bob", SHA_256]
    salted = hashlib.pbkdf2_hmac("sha256", PASSWORD, kept.salt, kept.iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    message = b"n=bob,r=nonce"
    proof = bytes(
        a ^ b for a, b in zip(client_key, hmac.digest(kept.stored_key, message, "sha256"), strict=True)
    )
    signature = hmac.digest(kept.stored_key, message, "sha256")
    recovered = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    assert hashlib.sha256(recovered).digest() == kept.stored_key
    assert kept.server_key == hmac.digest(salted, b"Server Key", "sha256")
    whole = write_record(kept)
    assert PASSWORD not in whole
    assert salted not in whole
    assert client_key not in whole


def test_bounds():
    image = Image()
    for wanted, error in (
        (stored(iterations=4095), Error.UNACCEPTABLE_CREDENTIAL),
        (stored(iterations=16385), Error.UNACCEPTABLE_CREDENTIAL),
        (stored(user=""), Error.UNACCEPTABLE_CREDENTIAL),
        (stored(mechanism=3), Error.UNSUPPORTED_SASL_MECHANISM),
        (stored(salted=b""), Error.UNKNOWN_SERVER_ERROR),
        (Deletion("bob", SHA_256), Error.RESOURCE_NOT_FOUND),
        (Deletion("bob", 0), Error.UNSUPPORTED_SASL_MECHANISM),
    ):
        assert change(image, wanted) == {wanted.user: error}
    assert image.scram == {}
    assert change(image, stored(iterations=16384, mechanism=SHA_512)) == {"bob": Error.NONE}


def test_each_user_once_and_each_by_itself():
    image = Image()
    twice = (stored("bob"), stored("bob", SHA_512), stored("ann"))
    assert change(image, *twice) == {"bob": Error.DUPLICATE_RESOURCE, "ann": Error.NONE}
    assert list(image.scram) == [("ann", SHA_256)]
    first_reason = (stored("zed", 9), stored("zed"))
    assert change(image, *first_reason) == {"zed": Error.UNSUPPORTED_SASL_MECHANISM}
    assert change(image, Deletion("ann", SHA_256)) == {"ann": Error.NONE}
    assert image.scram == {}
