"""A node over a fake engine for tests of handlers: requests go in as frames and come out as structs."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from headrace.config.broker import BrokerConfig
from headrace.controller.controller import Controller
from headrace.coordinator.group.coordinators import GroupCoordinators
from headrace.coordinator.group.settings import GroupSettings
from headrace.coordinator.runtime.manual_timers import ManualTimers
from headrace.coordinator.share.coordinators import ShareCoordinators
from headrace.coordinator.share.settings import ShareCoordinatorSettings
from headrace.coordinator.share_partition.leader import ShareLeader
from headrace.coordinator.share_partition.settings import ShareSettings
from headrace.coordinator.transaction.coordinators import TransactionCoordinators
from headrace.coordinator.transaction.settings import TransactionSettings
from headrace.engine.fake import FakeEngine
from headrace.engine.port import Request
from headrace.handlers.call import AllowAll, Authorizer, NoQuotas, Operation, Quotas, Services
from headrace.handlers.dispatch import Dispatcher
from headrace.handlers.routes import route
from headrace.observe.metrics import Registry
from headrace.wire.codec import decode, encode
from headrace.wire.headers import read_response_header

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.wire.schema import Message


class Forbid:
    """Everything is allowed but this operation, on resources whose name is among these (or on all)."""

    def __init__(self, operation: Operation, *names: str) -> None:
        self._operation = operation
        self._names = names

    def may(self, principal: str, host: str, operation: Operation, resource: str, name: str) -> bool:
        del principal, host, resource
        return operation is not self._operation or bool(self._names and name not in self._names)


class World:
    """Controller, coordinators, dispatcher and engine of one test, on the running loop."""

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        *,
        engine: FakeEngine | None = None,
        authorizer: Authorizer | None = None,
        quotas: Quotas | None = None,
    ) -> None:
        self.engine = engine or FakeEngine()
        self.config = BrokerConfig(settings or {})
        self.registry = Registry()
        self._bytes = itertools.count(1)
        self._tokens = itertools.count(1)
        addresses = self.engine.start()
        self.controller = Controller(
            self.engine,
            self.config,
            lambda size: next(self._bytes).to_bytes(size, "big"),
            node_id=1,
            cluster_id="cluster",
            addresses=addresses,
        )
        self.time = ManualTimers()
        self.share_states = ShareCoordinators(
            self.engine, self.controller, ShareCoordinatorSettings.of(self.config), self.time, self.time
        )
        self.groups = GroupCoordinators(
            self.engine,
            self.controller,
            GroupSettings.of(self.config),
            self.time,
            bytes,
            self.time,
            self.share_states,
        )
        self.transactions = TransactionCoordinators(
            self.engine,
            self.controller,
            self.groups,
            self.controller.producer_id,
            TransactionSettings.of(self.config),
            self.time,
            self.time,
        )
        self.share = ShareLeader(
            self.engine,
            self.controller,
            self.share_states,
            ShareSettings.of(self.config),
            self.time,
            self.time,
        )
        services = Services(
            self.config,
            self.engine,
            self.controller,
            self.groups,
            self.transactions,
            self.share_states,
            self.share,
            authorizer or AllowAll(),
            quotas or NoQuotas(),
            self.time,
        )
        self.dispatcher = Dispatcher(services, self.registry)
        self.engine.serve(self.dispatcher.receive, self.transactions.on_verifications)
        self.engine.on_closed(self.dispatcher.closed)

    async def open(self) -> World:
        await self.controller.load()
        await self.groups.open()
        await self.transactions.open()
        await self.share_states.open()
        self.dispatcher.open()
        return self

    def send(self, api_key: int, version: int, body: bytes) -> int:
        """Hand over a frame; gives its token."""
        token = next(self._tokens)
        self.engine.receive(Request(token, api_key, version, token, "me", 0, 1, "127.0.0.1", 0, body))
        return token

    async def ask(self, request: Message, version: int) -> Any:
        """The response, decoded; None if the connection was closed."""
        token = self.send(request.API_KEY, version, encode(request, version))
        frame = await self.engine.answered(token)
        if frame is None:
            return None
        correlation, begin = read_response_header(request.API_KEY, version, frame)
        assert correlation == token, "the answer carries the request's correlation id"
        return decode(route(request.API_KEY).response, version, frame[begin:])
