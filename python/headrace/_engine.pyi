"""The Rust engine. Only `headrace.engine.native` imports it; everybody else speaks to `headrace.engine.port.Engine`.

Calls are staged and leave in one `flush`; what the shards have comes in one `drain`.
"""

from collections.abc import Sequence
from typing import Any, final

__all__ = ["Engine", "StartError", "__version__"]

__version__: str

class StartError(Exception):
    """The engine could not start: (what, detail, hint, exit code), for a person."""

@final
class Engine:
    """The data path: one shard a core. Nothing starts before `start`."""

    def __new__(cls, settings: dict[str, Any]) -> Engine:
        """`settings`: the fields of `headrace.engine.port.Settings`, and `api_ranges`."""

    def start(self) -> list[tuple[str, int]]:
        """Recover, bind, start the shards; gives the addresses in use. Raises `StartError`."""

    @property
    def wake_fd(self) -> int:
        """Becomes readable when there is something to drain; read it empty before draining."""

    def drain(self) -> list[list[Any]]:
        """Everything that waits: outcomes (call, kind, values...), requests, verifications, closed connections."""

    def flush(self) -> None:
        """Send everything staged to the shards, one wake-up each."""

    def answer(self, connection: int, response: bytes | None) -> None:
        """Stage an answer (a frame without its length); None closes the connection."""

    def topics(self, call: int, changed: list[tuple[Any, ...]], removed: Sequence[bytes]) -> int:
        """Stage news of topics for every shard; gives how many will answer."""

    def remove_unnamed(self) -> None:
        """Stage the removal of every partition that no topic named."""

    def append(
        self,
        call: int,
        group: int,
        records: Sequence[tuple[bytes | None, bytes | None]],
        expected_end: int | None,
        makes_room: bool,
        producer: tuple[int, int] | None,
    ) -> None:
        """Stage an append of one batch; `producer`: id and epoch of the transaction that it is part of."""

    def append_marker(
        self,
        call: int,
        group: int,
        producer: tuple[int, int],
        marker: tuple[bool, int],
        expected_end: int | None,
    ) -> None:
        """Stage the end of a transaction; `marker`: whether it is committed, and the coordinator's epoch."""

    def verified(self, token: int, errors: Sequence[int]) -> None:
        """Stage the outcome of a verification: an error code for each of its partitions."""

    def read(self, call: int, group: int, offset: int, bytes_max: int) -> None:
        """Stage a read of committed records."""

    def log_info(self, call: int, groups: Sequence[int]) -> int:
        """Stage the question for every shard; gives how many will answer."""

    def delete_records(self, call: int, group: int, before: int) -> None:
        """Stage a move of the log start; -1: to the high watermark."""

    def epoch_end(self, call: int, group: int, current_epoch: int, epoch: int) -> None:
        """Stage the question where an epoch ends."""

    def producers(self, call: int, group: int) -> None:
        """Stage the question which producers a partition remembers."""

    def read_batches(self, call: int, group: int, offset: int, bytes_max: int, committed: bool) -> None:
        """Stage a read of batches as they are stored; `committed`: only up to the last stable offset."""

    def await_more(self, call: int, group: int, seen: int, committed: bool) -> None:
        """Stage a wait until more may be seen than up to `seen`."""

    def offset_of_time(self, call: int, group: int, timestamp_ms: int) -> None:
        """Stage the question for the first record of a time or later."""

    def set_values(self, values: Sequence[tuple[str, str]]) -> None:
        """Stage changed broker settings."""

    def set_features(self, epoch: int, levels: Sequence[tuple[str, int, int, int]]) -> None:
        """Stage features: name, lowest and highest supported level, finalized level (0: none)."""

    def metrics(self) -> dict[str, float]:
        """Counters and gauges by name."""

    def stop_accepting(self) -> None:
        """Stage the end of listening; parked requests are answered."""

    def stop(self) -> None:
        """Make everything durable and join the threads. Idempotent."""
