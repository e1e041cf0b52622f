"""The node: builds every part, starts and stops them in order. The only module that knows all parts.

Start: data directory, engine (recovery, listeners), controller (topics from its log), groups, transactions, admin, the
ready line.
Stop: listeners first, parked requests are answered, then the engine writes its closing commit. A second signal stops at
once, which is as safe as a crash.
"""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import signal
import sys
import uuid
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any, Final

from headrace.admin import server as admin
from headrace.controller.controller import Controller
from headrace.coordinator.group.coordinators import GroupCoordinators
from headrace.coordinator.group.settings import GroupSettings
from headrace.coordinator.runtime.clock import LoopTimers, SystemClock
from headrace.coordinator.share.coordinators import ShareCoordinators
from headrace.coordinator.share.settings import ShareCoordinatorSettings
from headrace.coordinator.share_partition.leader import ShareLeader
from headrace.coordinator.share_partition.settings import ShareSettings
from headrace.coordinator.transaction.coordinators import TransactionCoordinators
from headrace.coordinator.transaction.settings import TransactionSettings
from headrace.engine.data_dir import DataDir, Identity, open_data_dir
from headrace.engine.native import NativeEngine
from headrace.engine.port import Settings
from headrace.handlers.call import AllowAll, NoQuotas, Services
from headrace.handlers.dispatch import Dispatcher
from headrace.handlers.routes import ENGINE_KEYS
from headrace.model.failure import ExitCode, Failure
from headrace.observe import log as logs
from headrace.observe.metrics import Registry
from headrace.wire.keys import APIS, SERVED

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from headrace.config.broker import BrokerConfig
    from headrace.config.options import StartOptions

SHARDS_MAX_BY_DEFAULT: Final = 8
STOP_S_MAX: Final = 10.0
"""How long a clean stop waits for requests that are under way."""

log = logs.get(__name__)


class Status:
    """What the admin port shows."""

    def __init__(self) -> None:
        self.registry = Registry()
        self.phase: str | None = "recovering"

    def why_not_ready(self) -> str | None:
        """None when clients are served."""
        return self.phase

    def why_not_live(self) -> str | None:
        """None unless the process should be started again."""
        return None


def run(config: BrokerConfig, options: StartOptions) -> int:
    """Run a broker until it is told to stop; gives the exit code. Raises `Failure` if it cannot start."""
    logs.set_up(options.log_format, options.log_level)
    data = open_data_dir(
        options.data_dir,
        _fresh_identity(config, options),
        node_id=options.node_id,
        shards=options.cores or None,
        cluster_id=config.text("cluster.id") or None,
    )
    try:
        asyncio.run(_run(config, options, data))
    finally:
        data.close()
    return 0


def _fresh_identity(config: BrokerConfig, options: StartOptions) -> Identity:
    cluster_id = config.text("cluster.id") or urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    node_id = 1 if options.node_id is None else options.node_id  # 0 is a node's number as good as any
    return Identity(cluster_id, node_id, options.cores or default_shards(os.cpu_count() or 1))


def default_shards(cores: int) -> int:
    """One for up to two cores, one less than the cores up to eight: Python and the disk want some of them."""
    return 1 if cores <= 2 else min(cores - 1, SHARDS_MAX_BY_DEFAULT)


async def _run(config: BrokerConfig, options: StartOptions, data: DataDir) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    _on_signals(loop, stop)
    status = Status()
    admin_server = await admin.start(options.admin.host, options.admin.port, status)
    clock = SystemClock()
    engine = NativeEngine(_settings(config, options, data), _api_ranges())
    try:
        bound = engine.start()
        controller = Controller(
            engine,
            config,
            secrets.token_bytes,
            node_id=data.identity.node_id,
            cluster_id=data.identity.cluster_id,
            addresses=bound,
            keep_unnamed=options.accept_loss,
        )
        share_states = ShareCoordinators(
            engine, controller, ShareCoordinatorSettings.of(config), LoopTimers(loop), clock
        )
        groups = GroupCoordinators(
            engine,
            controller,
            GroupSettings.of(config),
            LoopTimers(loop),
            secrets.token_bytes,
            clock,
            share_states,
        )
        share = ShareLeader(
            engine, controller, share_states, ShareSettings.of(config), LoopTimers(loop), clock
        )
        transactions = TransactionCoordinators(
            engine,
            controller,
            groups,
            controller.producer_id,
            TransactionSettings.of(config),
            LoopTimers(loop),
            clock,
        )
        services = Services(
            config,
            engine,
            controller,
            groups,
            transactions,
            share_states,
            share,
            AllowAll(),
            NoQuotas(),
            clock,
        )
        dispatcher = Dispatcher(services, status.registry)
        engine.serve(dispatcher.receive, transactions.on_verifications)
        engine.on_closed(dispatcher.closed)
        status.registry.add_source(engine.metrics)
        status.registry.add_source(groups.metrics)
        status.registry.add_source(transactions.metrics)
        status.registry.add_source(share_states.metrics)
        status.registry.add_source(share.metrics)
        if await _first(stop, _load(controller, groups, transactions, share_states)):
            dispatcher.open()
            status.phase = None
            gc.freeze()  # the collector need not walk modules and topics again while clients wait
            host, port = bound[0]
            _say_ready(options, f"{host}:{port}", "{}:{}".format(*admin_server.address))
            await stop.wait()
        status.phase = "stopping"
        await _stop(engine, groups, transactions, (share, share_states), dispatcher)
    finally:
        engine.stop()
        await admin_server.stop()


async def _load(
    controller: Controller,
    groups: GroupCoordinators,
    transactions: TransactionCoordinators,
    share_states: ShareCoordinators,
) -> None:
    await controller.load()
    await groups.open()
    await transactions.open()
    await share_states.open()


async def _first(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do the work unless the node is told to stop before it is done; whether it was done."""
    working = asyncio.create_task(work)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
        return False
    await working  # raises what it raised
    return True


async def _stop(
    engine: NativeEngine,
    groups: GroupCoordinators,
    transactions: TransactionCoordinators,
    share: tuple[ShareLeader, ShareCoordinators],
    dispatcher: Dispatcher,
) -> None:
    engine.stop_accepting()
    await transactions.close()  # before those who keep the offsets that its markers commit
    await groups.close()
    for part in share:
        await part.close()
    await dispatcher.stop(STOP_S_MAX)


def _on_signals(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    def told() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup means to go on without the terminal
            loop.add_signal_handler(number, told)


def _settings(config: BrokerConfig, options: StartOptions, data: DataDir) -> Settings:
    values = config.effective()
    values["headrace.accept.loss"] = "1" if options.accept_loss else "0"
    return Settings(
        data_dir=str(data.path),
        shards=data.identity.shards,
        listeners=[(at.name, _ip(at.bind.host), at.bind.port) for at in config.listeners],
        dev=options.dev,
        node_id=data.identity.node_id,
        values=values,
    )


def _ip(host: str) -> str:
    """The address to bind for a host as it stands in `listeners`."""
    if host in {"", "0.0.0.0"}:  # noqa: S104 - the configuration says so, and was asked twice
        return "0.0.0.0"  # noqa: S104
    import ipaddress
    import socket

    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except socket.gaierror as cause:
        detail = cause.strerror or str(cause)
        raise Failure(
            f"cannot listen on {host}", detail, "give another address with --kafka", ExitCode.USAGE
        ) from cause


def _api_ranges() -> list[tuple[int, int, int]]:
    return [(api.key, api.advertised_low, api.high) for api in APIS if api.key in SERVED | ENGINE_KEYS]


def _say_ready(options: StartOptions, kafka: str, admin_address: str) -> None:
    print(f"headrace ready kafka={kafka} admin={admin_address} pid={os.getpid()}", flush=True)
    if options.dev and sys.stdout.isatty():
        print(_SNIPPET.format(kafka=kafka), flush=True)


_SNIPPET = """
Try it (pip install confluent-kafka):

    from confluent_kafka import Consumer, Producer
    producer = Producer({{"bootstrap.servers": "{kafka}"}})
    producer.produce("hello", b"world")
    producer.flush()
    consumer = Consumer({{"bootstrap.servers": "{kafka}", "group.id": "me", "auto.offset.reset": "earliest"}})
    consumer.subscribe(["hello"])
    print(consumer.poll(10).value())
    consumer.close()
"""
