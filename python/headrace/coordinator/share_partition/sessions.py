"""Share sessions: which partitions a member fetches from, without saying so each time (KIP-932).

    epoch 0      begin anew, with the partitions that are named
    epoch n      the n-th request after that; names what is added and what is forgotten
    epoch -1     the last one: what the member has acquired is released

A session ends with its connection, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.coordinator.share_partition.settings import SESSION_PARTITIONS_MAX
from headrace.model.errors import Error, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

INITIAL_EPOCH: Final = 0
FINAL_EPOCH: Final = -1
EPOCH_MAX: Final = 2**31 - 1


class Place(NamedTuple):
    """A partition, as share fetches name it."""

    topic_id: bytes
    partition: int


class SessionKey(NamedTuple):
    group_id: str
    member_id: str


class Session:
    __slots__ = ("connection", "epoch", "fresh", "key", "places")

    def __init__(self, key: SessionKey, places: Iterable[Place], connection: int) -> None:
        self.key = key
        self.epoch = 1
        self.places: dict[Place, None] = dict.fromkeys(places)
        """In the order in which they are answered."""
        self.fresh: set[Place] = set()
        """Added by an incremental request, and not told of yet: they are, even if there is nothing to tell."""
        self.connection = connection


class ShareSessions:
    """Bounded by `sessions_max`, and each by `SESSION_PARTITIONS_MAX`."""

    def __init__(self, sessions_max: int) -> None:
        self._max = sessions_max
        self._sessions: dict[SessionKey, Session] = {}
        self._of_connection: dict[int, SessionKey] = {}
        self._members: dict[str, int] = {}
        """Sessions by group."""

    def __len__(self) -> int:
        return len(self._sessions)

    def get(self, key: SessionKey) -> Session | None:
        return self._sessions.get(key)

    def is_empty(self, group_id: str) -> bool:
        """Whether no member of the group has a session."""
        return group_id not in self._members

    def begin(self, key: SessionKey, places: list[Place], connection: int) -> Session:
        """A new one instead of any other of this member. Raises `Refusal`."""
        self.end(key)
        if len(self._sessions) >= self._max:
            raise Refusal(Error.SHARE_SESSION_LIMIT_REACHED)
        if len(places) > SESSION_PARTITIONS_MAX:
            raise Refusal(Error.INVALID_REQUEST, "More partitions than a share session may have.")
        session = self._sessions[key] = Session(key, places, connection)
        self._of_connection[connection] = key
        self._members[key.group_id] = self._members.get(key.group_id, 0) + 1
        return session

    def step(self, key: SessionKey, epoch: int) -> Session:
        """The next request of a session, or its last. Raises `Refusal`."""
        session = self._sessions.get(key)
        if session is None:
            raise Refusal(Error.SHARE_SESSION_NOT_FOUND)
        if epoch != FINAL_EPOCH:
            if epoch != session.epoch:
                raise Refusal(Error.INVALID_SHARE_SESSION_EPOCH)
            session.epoch = 1 if epoch == EPOCH_MAX else epoch + 1
        return session

    def change(self, session: Session, added: Iterable[Place], forgotten: Iterable[Place]) -> None:
        """Raises `Refusal`."""
        new = [place for place in added if place not in session.places]
        if len(session.places) + len(new) > SESSION_PARTITIONS_MAX:
            raise Refusal(Error.INVALID_REQUEST, "More partitions than a share session may have.")
        session.places |= dict.fromkeys(new)
        session.fresh.update(new)
        for place in forgotten:
            session.places.pop(place, None)
            session.fresh.discard(place)

    def end(self, key: SessionKey) -> Session | None:
        """The session that is over, if there was one."""
        session = self._sessions.pop(key, None)
        if session is not None:
            if self._of_connection.get(session.connection) == key:
                del self._of_connection[session.connection]
            left = self._members[key.group_id] - 1
            if left:
                self._members[key.group_id] = left
            else:
                del self._members[key.group_id]
        return session

    def of_connection(self, connection: int) -> SessionKey | None:
        return self._of_connection.get(connection)
