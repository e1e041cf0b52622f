"""Addresses for brokers that are killed and come back at the same one."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path
from typing import Final

HOST: Final = "127.0.0.1"
PORT_MIN: Final = 10_000
EPHEMERAL: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
EPHEMERAL_MIN: Final = 49_152
"""Where there is no such file: where IANA says that they begin."""
TRIES: Final = 100


def free_address() -> str:
    """HOST:PORT on this machine that nobody listens at.

    Not of the ports that the system gives outgoing connections: one of those could take the port of a broker that is down for
    a moment.
    """
    end = int(EPHEMERAL.read_text().split()[0]) if EPHEMERAL.exists() else EPHEMERAL_MIN
    for _ in range(TRIES if end > PORT_MIN else 0):
        port = PORT_MIN + secrets.randbelow(end - PORT_MIN)
        with socket.socket() as found:
            try:
                found.bind((HOST, port))
            except OSError:
                continue
            return f"{HOST}:{port}"
    return f"{HOST}:0"
