"""How a Kafka cluster says no, turned into sentences for a person."""

from __future__ import annotations

from typing import Final

from headrace.model.errors import Error
from headrace.model.failure import Failure


class Unreachable(Failure):
    """No broker answered, or one stopped answering."""

    def __init__(self, address: str, detail: str, hint: str | None = None) -> None:
        super().__init__(
            f"cannot talk to {address}",
            detail,
            hint or "start a broker there or name one with --bootstrap HOST:PORT",
        )


class Refused(Failure):
    """The cluster answered with an error code."""

    def __init__(self, what: str, error: int, message: str | None = None) -> None:
        self.error: Final = Error(error) if error in Error._value2member_map_ else Error.UNKNOWN_SERVER_ERROR
        nowhere = self.error is Error.UNKNOWN_TOPIC_OR_PARTITION and (
            not message or "does not host" in message
        )
        words = NOWHERE if nowhere else message
        detail = words or self.error.name.lower().replace("_", " ")
        hint = next(
            (hint for words, hint in HINTS_BY_WORDS.items() if words in detail), HINTS.get(self.error)
        )
        super().__init__(what, detail.rstrip("."), hint or "correct the request and try again")


NOWHERE: Final = "there is no such topic or partition"
"""In the place of Kafka's words, which do not tell a person what is wrong."""
HINTS_BY_WORDS: Final = {
    "collides with": "choose a name that differs in more than '.' and '_'",
    "Excessively large": "ask for at most 10,000 partitions at once",
    "Cannot update these configs dynamically": "change it in the configuration file and start the broker again",
    "Unknown configuration name": "see headrace config get --all for names and values",
}
"""Where the code alone does not say what to do."""


HINTS: Final = {
    Error.TOPIC_ALREADY_EXISTS: "choose another name, or use headrace topic alter",
    Error.UNKNOWN_TOPIC_OR_PARTITION: "see headrace topic list",
    Error.INVALID_TOPIC_EXCEPTION: "use letters, digits, '.', '_' and '-', at most 249 of them",
    Error.INVALID_PARTITIONS: "ask for at least one partition, and only for more than there are",
    Error.INVALID_REPLICATION_FACTOR: "ask for at most as many replicas as there are brokers",
    Error.INVALID_CONFIG: "see headrace config get --topic NAME --all for names and values",
    Error.GROUP_ID_NOT_FOUND: "see headrace group list",
    Error.NON_EMPTY_GROUP: "stop its members first",
    Error.UNKNOWN_MEMBER_ID: "stop the group's members first",
    Error.GROUP_SUBSCRIBED_TO_TOPIC: "stop the group's members first",
    Error.OFFSET_OUT_OF_RANGE: "choose an offset between the log's start and end",
    Error.REQUEST_TIMED_OUT: "look whether it was done all the same, then try again",
    Error.TOPIC_AUTHORIZATION_FAILED: "ask for the right to do this",
    Error.GROUP_AUTHORIZATION_FAILED: "ask for the right to do this",
    Error.CLUSTER_AUTHORIZATION_FAILED: "ask for the right to do this",
}


def check(what: str, error: int, message: str | None = None) -> None:
    """Raise `Refused` unless the code is zero."""
    if error:
        raise Refused(what, error, message)
