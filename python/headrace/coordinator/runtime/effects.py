"""What a coordinator's state machine wants done, as plain data.

The driver performs one `Effects` in this order:

1. `records`, in their order: applied to the fold at once, and appended to the log together with whatever else the same
   wake-up appends.
2. `timers`, in their order, at once. Setting a key that is set replaces it.
3. `answers`, in their order, but not before the log has committed everything that the fold had applied by then. That
   holds for answers of decisions that only read, too: nobody is told what a crash could take back.
4. `sends`, at the moment of the answers and after them: what goes to other logs must not be there before its reason is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

    from headrace.engine.port import Marker, Producer, Record, Stored

R = TypeVar("R")
R_contra = TypeVar("R_contra", contravariant=True)

Waiter = int
"""Names a parked request; given by the driver, handed back in an `Answer`."""

NOBODY: Waiter = 0
"""The waiter of a decision that nobody waits for (a timer's)."""


class Now(NamedTuple):
    """The time as an event. Machines see no clock."""

    ms: int
    """Monotonic: for timeouts."""
    wall_ms: int
    """Since 1970: for what is stored."""


class Answer(NamedTuple):
    waiter: Waiter
    outcome: object


class SetTimer(NamedTuple):
    key: Hashable
    delay_ms: int


class CancelTimer(NamedTuple):
    key: Hashable


class InTransaction(NamedTuple):
    """A record that belongs to a producer's transaction."""

    record: Record
    producer: Producer


class EndOfTransaction(NamedTuple):
    """The marker that ends a producer's transaction; takes one offset, as a record does."""

    producer: Producer
    marker: Marker


Entry: TypeAlias = "Record | InTransaction | EndOfTransaction"
"""What one record of a machine becomes in the log."""


@dataclass(slots=True)
class Effects(Generic[R]):
    """One decision's effects; the order of performing them is the module's subject."""

    records: list[R] = field(default_factory=list)
    timers: list[SetTimer | CancelTimer] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    sends: list[object] = field(default_factory=list)
    """For whoever made the driver: it knows what they are, and posts back what became of them."""


class RottenRecordError(Exception):
    """A stored record of a known kind does not parse; the fold cannot be built."""


class Machine(Protocol[R]):
    """A state machine kept by one partition of an internal topic.

    Hard state changes in `apply` only, so that folding the log into a new machine gives the same hard state.
    """

    def apply(self, record: R) -> None:
        """Change hard state by one record. Total: any record that decodes may come."""

    def encode(self, record: R) -> Entry:
        """The record as it is stored."""

    def decode(self, stored: Stored) -> R | None:
        """The record that was stored; None for kinds this version does not know. Raises `RottenRecordError`."""

    def loaded(self, now: Now) -> Effects[R]:
        """The fold holds the whole log; soft state begins. Sessions start in full."""

    def fired(self, key: Hashable, now: Now) -> Effects[R]:
        """A timer that was set is due."""
