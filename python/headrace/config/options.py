"""What the command line of `headrace start` says beyond Kafka's settings, and what is derived for the node."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.config.listeners import Address


class StartOptions(NamedTuple):
    """How this process is to run. Everything else is in `BrokerConfig`."""

    data_dir: Path
    admin: Address
    """Where metrics, readiness and administration answer; port 0 picks a free one."""
    dev: bool = False
    """Loopback, no authentication, topics made at first use; syncs stay on."""
    node_id: int | None = None
    """None: what the data directory says, 1 in an empty one."""
    cores: int = 0
    """Shards; 0 decides by the machine."""
    accept_loss: bool = False
    """Start although the data directory shows that acknowledged records are gone."""
    i_know: bool = False
    """Bind addresses that others can reach although there is no authentication."""
    log_format: str = "text"
    log_level: str = "info"
