"""A connection on which a case is said and its outcome heard: an answer, a close, or silence."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headrace.client.protocol import read_answer
from headrace.wire.headers import request_frame
from headrace.wire.messages.k18_api_versions import ApiVersionsRequest
from headrace.wire.wire_error import WireError

if TYPE_CHECKING:
    from headrace.wire.schema import Message

FRAME_BYTES_MAX: Final = 64 << 20
SILENCE_S: Final = 0.5
"""After this time without an answer, it is asked whether the connection goes on."""
HANG_S: Final = 4.0
"""And after this one, that is not answered either: it hangs."""
CHANGE_HANG_S: Final = 30.0
"""The same of what changes something: Kafka's controller, asked by so many at once on a busy machine, takes its time."""
ASK_S_MAX: Final = 30.0
CORRELATION: Final = 7
"""Of each case's frame."""
GOES_ON: Final = request_frame(ApiVersionsRequest(), 0, CORRELATION + 1, "diff")


class Outcome(NamedTuple):
    """What came of a frame."""

    kind: str
    """`answer`; `close`; `nothing`: no answer, and the next request is answered; `hang`: that one is not answered either;
    `rubbish`: an answer that is not of this version."""
    answer: Message | None = None


class Line:
    """A connection to one broker, made anew after each outcome that is not an answer."""

    def __init__(self, bootstrap: str) -> None:
        host, port = bootstrap.rsplit(":", 1)
        self.host, self.port = host, int(port)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: Message, version: int) -> Any:
        """A good request's answer. Raises `EOFError`, `OSError`, `TimeoutError`."""
        frame = request_frame(request, version, CORRELATION, "diff")
        await self.send(frame)
        data = await asyncio.wait_for(self._frame(), ASK_S_MAX)
        return read_answer(request, version, data)[1]

    async def say(
        self, request: Message, version: int, frame: bytes, hang_s: float = CHANGE_HANG_S
    ) -> Outcome:
        """Send a frame as it is; what comes of it. `request` says how an answer is read."""
        try:
            await self.send(frame)
        except OSError:
            await self.close()
            return Outcome("close")
        return await self.hear(request, version, hang_s=hang_s)

    async def send(self, frame: bytes) -> None:
        """Send a frame, and wait for nothing. Raises `OSError`."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self.host, self.port)
        self._streams[1].write(frame)
        await self._streams[1].drain()

    async def hear(
        self,
        request: Message,
        version: int,
        *,
        wait_s: float = SILENCE_S,
        hang_s: float = CHANGE_HANG_S,
    ) -> Outcome:
        """What comes of the frame that was sent last."""
        outcome = await self._heard(request, version, wait_s, hang_s)
        if outcome.kind != "answer":
            await self.close()
        return outcome

    async def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            writer = self._streams[1]
            self._streams = None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _heard(self, request: Message, version: int, wait_s: float, hang_s: float) -> Outcome:
        frame = asyncio.ensure_future(self._frame())
        try:
            done, _ = await asyncio.wait({frame}, timeout=wait_s)
            if not done:
                await self.send(GOES_ON)
                done, _ = await asyncio.wait({frame}, timeout=hang_s)
                if not done:
                    return Outcome("hang")
                if frame.result()[:4] != struct.pack(">i", CORRELATION):
                    return Outcome("nothing")
                # It may still answer the other question: nobody listens.
                await self.close()
            data = await frame
        except (OSError, EOFError):
            return Outcome("close")
        finally:
            frame.cancel()
        try:
            return Outcome("answer", read_answer(request, version, data)[1])
        except WireError:
            return Outcome("rubbish")

    async def _frame(self) -> bytes:
        assert self._streams is not None, "something was sent"
        reader = self._streams[0]
        (length,) = struct.unpack(">i", await reader.readexactly(4))
        if not 0 <= length <= FRAME_BYTES_MAX:
            raise EOFError("an answer without a length")
        return await reader.readexactly(length)
