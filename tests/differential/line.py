"""A connection on which a case is said and its outcome heard: an answer, a close, or silence."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headrace.client.protocol import read_answer
from headrace.wire.headers import request_frame
from headrace.wire.wire_error import WireError

if TYPE_CHECKING:
    from headrace.wire.schema import Message

FRAME_BYTES_MAX: Final = 64 << 20


class Outcome(NamedTuple):
    """What came of a frame."""

    kind: str
    """`answer`, `close`, `silence`, or `rubbish`: an answer that is not of this version."""
    answer: Message | None = None


class Line:
    """A connection to one broker, made anew after a close or a silence (a late answer would be taken for the next)."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._correlation = 0

    async def ask(self, request: Message, version: int) -> Any:
        """A good request's answer. Raises `EOFError`, `TimeoutError`."""
        self._correlation += 1
        outcome = await self.say(
            request, version, request_frame(request, version, self._correlation, "diff"), 30.0
        )
        if outcome.kind == "close":
            raise EOFError(f"{type(request).__name__} v{version}: the broker closed the connection")
        if outcome.kind == "silence":
            raise TimeoutError(f"{type(request).__name__} v{version}: no answer")
        return outcome.answer

    async def say(self, request: Message, version: int, frame: bytes, wait_s: float) -> Outcome:
        """Send a frame as it is; wait so long for what comes of it. `request` says how an answer is read."""
        try:
            data = await asyncio.wait_for(self._exchange(frame), wait_s)
        except TimeoutError:
            await self.close()
            return Outcome("silence")
        except (OSError, EOFError):
            await self.close()
            return Outcome("close")
        try:
            return Outcome("answer", read_answer(request, version, data)[1])
        except WireError:
            return Outcome("rubbish")

    async def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            writer = self._streams[1]
            self._streams = None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _exchange(self, frame: bytes) -> bytes:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self.host, self.port)
        reader, writer = self._streams
        writer.write(frame)
        (length,) = struct.unpack(">i", await reader.readexactly(4))
        if not 0 <= length <= FRAME_BYTES_MAX:
            raise EOFError("an answer without a length")
        return await reader.readexactly(length)
