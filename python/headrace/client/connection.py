"""One connection to a broker: requests out, answers back in the same order, in versions that both sides know."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from typing import TYPE_CHECKING, Any, Final

from headrace.client.failures import Unreachable
from headrace.client.protocol import Api, api_of, read_answer
from headrace.model.errors import Error
from headrace.model.failure import Failure
from headrace.wire.headers import request_frame
from headrace.wire.messages.k18_api_versions import ApiVersionsRequest
from headrace.wire.wire_error import WireError

if TYPE_CHECKING:
    from headrace.config.listeners import Address

CLIENT_ID: Final = "headrace"
RESPONSE_BYTES_MAX: Final = 256 << 20
"""Longest answer that is read; a length beyond it means that the peer does not speak Kafka."""
ANSWER_S_MAX: Final = 30.0
CONNECT_S_MAX: Final = 5.0


class Connection:
    """An open connection whose broker has said which versions it knows. One request at a time."""

    def __init__(self, address: Address, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._address = address
        self._reader = reader
        self._writer = writer
        self._correlation = 0
        self._versions: dict[int, tuple[int, int]] = {}
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, address: Address, version: str) -> Connection:
        """Connect and learn the broker's versions. `version` is ours, told to the broker. Raises `Unreachable`."""
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                reader, writer = await asyncio.open_connection(address.host, address.port)
        except TimeoutError as cause:
            raise Unreachable(str(address), f"no connection within {CONNECT_S_MAX:.0f} s") from cause
        except socket.gaierror as cause:
            raise Unreachable(
                str(address), cause.strerror or str(cause), "check the name of the host"
            ) from cause
        except OSError as cause:
            raise Unreachable(
                str(address), os.strerror(cause.errno) if cause.errno else str(cause)
            ) from cause
        connection = cls(address, reader, writer)
        await connection._learn_versions(version)
        return connection

    async def call(self, request: Any) -> Any:
        """Send a request in the newest version that both sides know and wait for its answer.

        Raises `Unreachable` when the connection ends, `Failure` when there is no common version.
        """
        api = api_of(request)
        return await self._call(api, request, self._common_version(api))

    def close(self) -> None:
        """Close without waiting."""
        self._writer.close()

    @property
    def versions(self) -> dict[int, tuple[int, int]]:
        """API keys the broker knows, with first and last version."""
        return self._versions

    def _common_version(self, api: Api) -> int:
        first, last = self._versions.get(api.key, (0, -1))
        version = min(last, api.last)
        if version < max(first, api.first):
            raise Failure(
                f"{self._address} cannot do this",
                f"it knows {api.name} in versions {first} to {last}, this command {api.first} to {api.last}",
                "use a broker of Kafka 3.0 or newer" if last < api.first else "use a newer headrace",
            )
        return version

    async def _learn_versions(self, version: str) -> None:
        request = ApiVersionsRequest(client_software_name=CLIENT_ID, client_software_version=version)
        api = api_of(request)
        answer = await self._call(api, request, api.last)
        if answer.error_code == Error.UNSUPPORTED_VERSION:
            answer = await self._call(api, ApiVersionsRequest(), 0)
        if answer.error_code:
            raise Unreachable(
                str(self._address), f"it refused to say its versions (error {answer.error_code})"
            )
        self._versions = {row.api_key: (row.min_version, row.max_version) for row in answer.api_keys}

    async def _call(self, api: Api, request: Any, version: int) -> Any:
        async with self._turn:
            self._correlation += 1
            frame = request_frame(request, version, self._correlation, CLIENT_ID)
            try:
                async with asyncio.timeout(ANSWER_S_MAX):
                    self._writer.write(frame)
                    await self._writer.drain()
                    (length,) = struct.unpack(">i", await self._reader.readexactly(4))
                    if not 4 <= length <= RESPONSE_BYTES_MAX:
                        raise self._lost("what answers there does not speak Kafka", "check host and port")
                    answer = await self._reader.readexactly(length)
            except TimeoutError as cause:
                self._writer.close()
                raise self._lost(f"no answer to {api.name} within {ANSWER_S_MAX:.0f} s") from cause
            except (OSError, asyncio.IncompleteReadError) as cause:
                raise self._lost(f"it closed the connection during {api.name}") from cause
            try:
                correlation, found = read_answer(request, version, answer)
            except WireError as cause:
                raise self._lost(
                    f"its answer to {api.name} cannot be read ({cause})", "check host and port"
                ) from cause
            if correlation != self._correlation:
                raise self._lost(f"it answered something else than {api.name}", "check host and port")
            return found

    def _lost(self, detail: str, hint: str = "look at the broker's log") -> Unreachable:
        return Unreachable(str(self._address), detail, hint)
