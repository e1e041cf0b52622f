"""Apache Kafka 4.2 as a child process: the oracle that every scenario must be green on before it judges us."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.clients.programs import java_libraries

if TYPE_CHECKING:
    from types import TracebackType

CLUSTER_ID: Final = "4L6g3nShT-eMCtK--X86sw"
READY_S_MAX: Final = 60.0
STOP_S_MAX: Final = 180.0
"""With thousands of partitions, on a busy machine, a clean stop takes more than half a minute."""
SETTINGS: Final = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
auto.create.topics.enable=true
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=5
num.network.threads=1
num.io.threads=2
"""


class ApacheKafka:
    """One combined controller and broker in a temporary directory, removed with it."""

    def __init__(self, **settings: str) -> None:
        """`settings`: more of them, by Kafka's names."""
        self._more = "".join(f"{name}={value}\n" for name, value in settings.items())
        self._dir = Path(tempfile.mkdtemp(prefix="headrace-oracle-"))
        self.data_dir: Final = self._dir / "data"
        self.bootstrap_servers = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._nothing = threading.Event()
        self._settings = self._dir / "server.properties"
        self._broker = 0

    def __enter__(self) -> ApacheKafka:
        self._broker, controller = _free_ports(2)
        text = SETTINGS.format(broker=self._broker, controller=controller, data=self.data_dir) + self._more
        self._settings.write_text(text)
        format_ = ["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(self._settings)]
        subprocess.run([*_java(), *format_], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.bootstrap_servers = f"127.0.0.1:{self._broker}"
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()  # nothing of it is wanted any more
            self._process.wait()
        shutil.rmtree(self._dir, ignore_errors=True)

    @property
    def pid(self) -> int:
        """The Java process; it must run."""
        assert self._process is not None, "it was started"
        return self._process.pid

    def stop(self) -> None:
        """Stop it; the data stays until the end."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(STOP_S_MAX)
            self._process = None

    def restart(self) -> None:
        """Stop it and start it again on its data and port."""
        self.stop()
        self._start()

    def segments(self, topic: str) -> list[Path]:
        """The segment files of a topic that hold something."""
        files = self.data_dir.glob(f"{topic}-*/*.log")
        return sorted(file for file in files if file.stat().st_size)

    def _start(self) -> None:
        with (self._dir / "broker.log").open("ab") as log:
            command = [*_java(), "kafka.Kafka", str(self._settings)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._await_port(self._broker)

    def _await_port(self, port: int) -> None:
        deadline = time.monotonic() + READY_S_MAX
        while True:
            assert self._process is not None, "it was started"
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except ConnectionRefusedError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self._dir / "broker.log").read_text()[-4000:]) from None
                self._nothing.wait(0.1)
            else:
                return


def _java() -> list[str]:
    return ["java", "-Xmx512m", "-XX:+UseSerialGC", "-cp", f"{java_libraries()}/*"]


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
