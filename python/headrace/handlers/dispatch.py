"""From a request's frame to its answer: decode, run the handler, encode; Kafka's one error border.

A frame that cannot be read, or asks for a version that is not served, closes its connection, as Kafka does. A handler
that fails is answered UNKNOWN_SERVER_ERROR and logged here, once. Requests of one drain are begun in their order; each
runs at once until it has to wait for something.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.handlers.call import Call
from headrace.handlers.eager import EagerStarter
from headrace.handlers.routes import HANDLER_KEYS, Route, route
from headrace.model.errors import Error, Refusal
from headrace.observe import log
from headrace.wire.codec import WireError, decode_from, encode
from headrace.wire.headers import response_header
from headrace.wire.keys import BY_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace.engine.port import Request
    from headrace.handlers.call import Services
    from headrace.observe.metrics import Registry
    from headrace.wire.schema import Message

_log: Final = log.get(__name__)

BODY_BYTES_MAX: Final = 16 << 20
"""Largest body that is decoded here: structs take many times the room of their bytes. Kafka's clients stay far below."""
LIST_BYTES_MAX: Final = 4 << 20
"""The same where a body is lists of small things, so all but what members give to each other (JoinGroup, SyncGroup)."""
BLOBS: Final = frozenset({11, 14})

TURN_NS_MAX: Final = 2_000_000
"""After this long the rest of a drain waits for the next turn of the loop, so that timers and HTTP get theirs."""

ANONYMOUS: Final = "User:ANONYMOUS"


class Closed(NamedTuple):
    """A connection is gone."""

    connection: int


class Dispatcher:
    """Answers every request that the engine hands over; `receive` is what the engine is started with."""

    def __init__(
        self, services: Services, metrics: Registry, clock_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._services = services
        self._clock_ns = clock_ns
        self._starter = EagerStarter()
        self._routes: dict[int, Route] = {}
        self._waiting: deque[Request | Closed] = deque()
        """Rests of drains, in order; the engine bounds what it hands over."""
        self._open = False
        self._seconds = metrics.histogram(
            "headrace_request_seconds",
            "From the arrival of a request that Python answers to its answer.",
            ("api",),
        )
        self._drains = metrics.counter(
            "headrace_request_batches_total", "Times the engine handed requests over, many at once."
        ).labels()
        self._refused = metrics.counter(
            "headrace_requests_refused_total", "Connections closed over a request.", ("reason",)
        )

    def receive(self, requests: Sequence[Request]) -> None:
        """Begin these requests, after those that still wait."""
        self._drains.add()
        scheduled = bool(self._waiting)
        self._waiting.extend(requests)
        if self._open and not scheduled:
            self._turn()

    def closed(self, connections: Sequence[int]) -> None:
        """These were closed, after all that they had asked."""
        scheduled = bool(self._waiting)
        self._waiting.extend(map(Closed, connections))
        if self._open and not scheduled:
            self._turn()

    def open(self) -> None:
        """Begin to answer. Until then requests wait: half-read metadata would tell clients that their topics are gone."""
        self._open = True
        self._turn()

    @property
    def in_progress(self) -> int:
        """Requests that are not answered yet."""
        return self._starter.waiting + len(self._waiting)

    async def stop(self, timeout_s: float) -> None:
        """Give what has begun so long to be answered, then cancel it; the rest of the drains is not begun."""
        self._waiting.clear()
        await self._starter.finish(timeout_s)
        self._starter.cancel()

    def _turn(self) -> None:
        until = self._clock_ns() + TURN_NS_MAX
        while self._waiting:
            first = self._waiting.popleft()
            if isinstance(first, Closed):
                self._services.share.connection_closed(first.connection)
            else:
                self._begin(first)
            if self._waiting and self._clock_ns() > until:
                asyncio.get_running_loop().call_soon(self._turn)
                return

    def _begin(self, request: Request) -> None:
        found = self._routes.get(request.api_key)
        if found is None:
            if request.api_key not in HANDLER_KEYS:
                self._close(request, "unknown API")
                return
            found = self._routes[request.api_key] = route(request.api_key)
        api = BY_KEY[request.api_key]
        if not api.low <= request.api_version <= api.high:
            self._close(request, "unknown version")
            return
        if len(request.body) > (BODY_BYTES_MAX if request.api_key in BLOBS else LIST_BYTES_MAX):
            self._close(request, "too large")
            return
        try:
            # What follows the message is ignored, as Kafka does: librdkafka's Metadata v9+ for all topics writes the array's
            # length in four bytes where one is read, and three are left.
            message, _ = decode_from(found.request, request.api_version, request.body, 0)
        except WireError as error:
            self._close(request, "malformed", detail=error)
            return
        self._starter.start(self._serve(found, request, message))

    def _close(self, request: Request, reason: str, detail: object = "") -> None:
        self._refused.labels(reason).add()
        _log.warning(
            "request refused",
            reason=reason,
            detail=detail,
            api=request.api_key,
            version=request.api_version,
            peer=request.peer_host,
            client=request.client_id,
        )
        self._services.engine.answer(request.token, None)

    async def _serve(self, found: Route, request: Request, message: Message) -> None:
        call = Call(
            self._services,
            request.api_key,
            request.api_version,
            request.client_id,
            request.listener,
            ANONYMOUS,
            request.peer_host,
            request.connection,
            request.arrived_ns,
        )
        try:
            frame = self._frame(call, request, await self._response(found, call, message))
        except Exception:  # noqa: BLE001 - the border itself: one request's accident must not end the node
            _log.exception("request failed", api=found.name, version=request.api_version)
            frame = self._failed(found, call, request, message)
        self._seconds.labels(found.name).observe((self._clock_ns() - request.arrived_ns) / 1e9)
        self._services.engine.answer(request.token, frame)

    async def _response(self, found: Route, call: Call, message: Message) -> Message | bytes | None:
        try:
            return await found.handle(call, message)
        except Refusal as refusal:
            response = _refused(found, call, message, refusal.error, refusal.message)
            if response is None:
                raise
            return response

    def _frame(self, call: Call, request: Request, response: Message | bytes | None) -> bytes | None:
        if response is None:
            return None
        if not isinstance(response, bytes):
            throttle_time_ms = self._services.quotas.throttle_time_ms(call)
            if throttle_time_ms and hasattr(response, "throttle_time_ms"):
                response.throttle_time_ms = max(throttle_time_ms, response.throttle_time_ms)
            response = encode(response, request.api_version)
        return response_header(request.api_key, request.api_version, request.correlation_id) + response

    def _failed(self, found: Route, call: Call, request: Request, message: Message) -> bytes | None:
        response = _refused(found, call, message, Error.UNKNOWN_SERVER_ERROR, None)
        return self._frame(call, request, response)


def _refused(found: Route, call: Call, request: Message, error: Error, message: str | None) -> Message | None:
    """The API's answer that refuses everything that was asked; None where it has none."""
    if found.refused is not None:
        return found.refused(request, error, message)
    top = next((field for field in found.response.FIELDS if field.name == "error_code"), None)
    if top is None or not top.is_in(call.api_version):
        return None
    response = found.response()
    response.error_code = error  # type: ignore[attr-defined]
    return response
