"""The admin port: metrics, readiness and liveness over HTTP, on the broker's own event loop.

The socket is bound when the node starts, so that its address is known and taken. starlette and uvicorn are imported when
the first connection comes: most brokers of a test never pay for them.
"""

from __future__ import annotations

import asyncio
import errno
import importlib
import socket
from typing import TYPE_CHECKING, Final, Protocol

from headrace.model.failure import ExitCode, Failure
from headrace.observe import log as logs

if TYPE_CHECKING:
    from headrace.observe.metrics import Registry

BACKLOG: Final = 128
STOP_S_MAX: Final = 2.0
"""How long a stop waits for answers that are under way."""

log = logs.get(__name__)


class Services(Protocol):
    """What the admin port shows of the node."""

    @property
    def registry(self) -> Registry:
        """Everything that is counted."""

    def why_not_ready(self) -> str | None:
        """None when clients are served; else one phrase: `recovering`, `stopping`."""

    def why_not_live(self) -> str | None:
        """None unless the process should be killed and started again."""


async def start(host: str, port: int, services: Services) -> AdminServer:
    """Bind the admin port and serve from the first connection on. Raises `Failure` if the address is not to be had."""
    return AdminServer(_bind(host, port), services)


class AdminServer:
    """A bound admin port."""

    def __init__(self, listening: socket.socket, services: Services) -> None:
        name = listening.getsockname()
        self.address: Final[tuple[str, int]] = (name[0], name[1])
        """Host and port in use."""
        self._socket = listening
        self._services = services
        self._serving: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        asyncio.get_running_loop().add_reader(listening, self._first_connection)

    async def stop(self) -> None:
        """Answer what is under way, then close. Idempotent."""
        self._stopping.set()
        if self._serving is None:
            asyncio.get_running_loop().remove_reader(self._socket)
        else:
            _, late = await asyncio.wait([self._serving], timeout=STOP_S_MAX)
            for task in late:
                task.cancel()
        self._socket.close()

    def _first_connection(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._socket)
        self._serving = loop.create_task(self._serve())
        self._serving.add_done_callback(_log_failure)

    async def _serve(self) -> None:
        # lazy: most brokers of a test are never asked. It takes longer than the loop may be held, so it happens beside it.
        http = await asyncio.to_thread(importlib.import_module, "headrace.admin.http")
        await http.serve(self._socket, self._services, self._stopping)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setblocking(False)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as cause:
        listening.close()
        taken = cause.errno == errno.EADDRINUSE
        raise Failure(
            "cannot bind the admin port",
            f"{host}:{port}: {cause.strerror}",
            "stop what listens there or give another address with --admin"
            if taken
            else "give another address with --admin",
            ExitCode.ADDRESS_IN_USE if taken else ExitCode.USAGE,
        ) from cause
    return listening


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (failure := task.exception()) is not None:
        log.error("admin port failed", error=repr(failure))
