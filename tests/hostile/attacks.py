"""Attacks that are about the connection, not the message: held open while the frames are sent, released at the end.

Each `hold` keeps what it opened in a list; a broker may close any of it, and must go on serving everybody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING, Final

from headrace.wire.headers import request_frame
from headrace.wire.messages import k01_fetch, k03_metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

SLOWLORIS: Final = 20
SILENT: Final = 100
NEVER_READING: Final = 10
IDLE: Final = 10_000
CONNECTS_AT_ONCE: Final = 200
CLOSE_WAIT_S: Final = 5.0
"""A frame that can't be a frame must end its connection within this time."""


async def slowloris(host: str, port: int) -> None:
    """A correct ApiVersions request at one byte a second, for ever."""
    frame = struct.pack(">ihhih", 64, 18, 0, 1, 4) + b"slow" + bytes(64)
    reader, writer = await asyncio.open_connection(host, port)
    with contextlib.closing(writer), contextlib.suppress(ConnectionError):
        for byte in frame * 100:
            writer.write(bytes([byte]))
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                if not await asyncio.wait_for(reader.read(1_000), 1.0):
                    return


async def silence(host: str, port: int) -> None:
    """Declares 16 MiB, sends 100 bytes, says nothing more."""
    reader, writer = await asyncio.open_connection(host, port)
    with contextlib.closing(writer), contextlib.suppress(ConnectionError):
        writer.write(struct.pack(">ihhih", 16 << 20, 0, 3, 1, 4) + b"mute" + bytes(90))
        await reader.read()


async def never_reading(host: str, port: int) -> None:
    """Asks for much, again and again, and never reads an answer."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    place = k01_fetch.FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=50 << 20)
    fetch = k01_fetch.FetchRequest(
        max_wait_ms=0,
        max_bytes=50 << 20,
        topics=[k01_fetch.FetchTopic(topic="canary", partitions=[place] * 50)],
    )
    ask = request_frame(fetch, 4, 1, "never") + request_frame(
        k03_metadata.MetadataRequest(topics=None), 5, 2, "never"
    )
    with contextlib.closing(sock), contextlib.suppress(ConnectionError):
        await loop.sock_connect(sock, (host, port))
        while True:
            await loop.sock_sendall(sock, ask)


async def idle(host: str, port: int, count: int) -> None:
    """So many connections that never say a word. Refused ones count as answered: a limit is a defence."""
    loop = asyncio.get_running_loop()
    held: list[socket.socket] = []

    async def one() -> None:
        sock = socket.socket()
        held.append(sock)
        sock.setblocking(False)
        with contextlib.suppress(ConnectionError):
            await loop.sock_connect(sock, (host, port))

    try:
        for _ in range(0, count, CONNECTS_AT_ONCE):
            await asyncio.gather(*(one() for _ in range(CONNECTS_AT_ONCE)))
        await asyncio.Event().wait()
    finally:
        for sock in held:
            sock.close()


async def must_close(host: str, port: int, data: bytes) -> bool:
    """Whether the broker ends the connection after these bytes, in time. What it says before does not matter."""
    reader, writer = await asyncio.open_connection(host, port)
    with contextlib.closing(writer):
        try:
            writer.write(data)
            async with asyncio.timeout(CLOSE_WAIT_S):
                while await reader.read(65_536):
                    pass
        except ConnectionError:
            return True
        except TimeoutError:
            return False
        return True


def strangers() -> dict[str, bytes]:
    """Bytes that no Kafka client sends: each must end its connection."""

    def frame(key: int, version: int, body: bytes = b"") -> bytes:
        data = struct.pack(">hhih", key, version, 1, 1) + b"x" + body
        return struct.pack(">i", len(data)) + data

    return {
        "length 2^31-1": struct.pack(">i", 2**31 - 1) + bytes(100),
        "length -1": struct.pack(">i", -1) + bytes(100),
        "length -2^31": struct.pack(">i", -(2**31)) + bytes(100),
        "length over the limit": struct.pack(">i", 100 * 1024 * 1024 + 1) + bytes(100),
        "unknown key": frame(9_999, 0),
        "key -1": frame(-1, 0),
        "LeaderAndIsr": frame(4, 0, bytes(50)),
        "Metadata v99": frame(3, 99),
        "Produce v2": frame(0, 2, bytes(20)),
        "Fetch v-1": frame(1, -1, bytes(20)),
        "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "TLS hello": bytes.fromhex("16030100c8010000c40303") + bytes(200),
    }


def holders(
    host: str, port: int, idle_count: int
) -> dict[str, tuple[int, Callable[[], Coroutine[None, None, None]]]]:
    """Every attack that is held: how many of it, and one of it."""
    return {
        "one byte a second": (SLOWLORIS, lambda: slowloris(host, port)),
        "declared, then silent": (SILENT, lambda: silence(host, port)),
        "never reading": (NEVER_READING, lambda: never_reading(host, port)),
        f"{idle_count} idle connections": (1, lambda: idle(host, port, idle_count)),
    }
