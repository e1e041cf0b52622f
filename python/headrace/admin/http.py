"""The admin port's HTTP: what it answers, and uvicorn as a guest on the node's loop. Imported at the first connection."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from typing import TYPE_CHECKING, Final

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from starlette.requests import Request

    from headrace.admin.server import Services

CONNECTIONS_MAX: Final = 256
"""Connections and requests in the hands of the server at once; more are answered 503."""
KEEP_ALIVE_S: Final = 15
ANSWERS_S_MAX: Final = 1
"""How long answers that are under way may take when the node stops."""


async def serve(listening: socket.socket, services: Services, stopping: asyncio.Event) -> None:
    """Answer until `stopping`; returns when the last answer has left."""
    await Server(application(services), stopping).serve(sockets=[listening])


def application(services: Services) -> Starlette:
    """The HTTP application; apart from the server so that it can be tested without a socket."""

    async def metrics(_: Request) -> Response:
        # lazy: the first scrape imports prometheus_client, beside the loop; counting stays on it, rendering does not.
        exposition = await asyncio.to_thread(importlib.import_module, "headrace.admin.exposition")
        text = await asyncio.to_thread(exposition.render, services.registry.snapshot())
        return Response(text, media_type=exposition.CONTENT_TYPE)

    async def ready(_: Request) -> Response:
        return _status("ready", services.why_not_ready())

    async def live(_: Request) -> Response:
        return _status("live", services.why_not_live())

    return Starlette(
        routes=[
            Route("/metrics", metrics),
            Route("/status/ready", ready),
            Route("/status/live", live),
        ]
    )


def _status(word: str, why_not: str | None) -> Response:
    if why_not is None:
        return JSONResponse({"status": word})
    return JSONResponse({"status": f"not {word}", "reason": why_not}, status_code=503)


class Server(uvicorn.Server):
    """uvicorn without its signal handlers, which belong to the node, and told by an event when to stop."""

    def __init__(self, app: Starlette, stopping: asyncio.Event) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                lifespan="off",
                loop="none",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                limit_concurrency=CONNECTIONS_MAX,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=ANSWERS_S_MAX,
            )
        )
        self._stopping = stopping

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._stopping.is_set()
