"""Kafka's listeners: `listeners=NAME://HOST:PORT,...`, what is advertised for each, and the rule about open doors.

A listener is a name, the address it is bound to, the address clients are told, and its security protocol. Until there
is authentication only loopback addresses are bound, unless the operator says that they know what they do.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.model.failure import ExitCode, Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_ENTRY: Final = re.compile(
    r"(?P<name>[A-Za-z0-9_.-]+)://(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:/\[\]]*)):(?P<port>-?[0-9]+)"
)


class Address(NamedTuple):
    """A host and a port. The host has no brackets; the empty host and 0.0.0.0 are every address of the machine."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Listener(NamedTuple):
    """One door for Kafka clients."""

    name: str
    protocol: str
    bind: Address
    advertised: Address
    """What Metadata tells clients of this listener; port 0: the port that was bound."""


def parse_address(text: str, what: str) -> Address:
    """`HOST:PORT` of a command line or configuration; `[::1]:9092` for IPv6, `:9092` for every address.

    Raises `Failure` with exit code 2.
    """
    match = re.fullmatch(r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:/\[\]]*)):(?P<port>[0-9]{1,5})", text.strip())
    if match is None or int(match["port"]) > 65535:
        raise Failure(
            f"bad address for {what}", repr(text), "write HOST:PORT, such as 127.0.0.1:9092", ExitCode.USAGE
        )
    return Address(match["v6"] or match["host"], int(match["port"]))


def parse_listeners(bound: Sequence[str], advertised: object, protocol_map: str) -> tuple[Listener, ...]:
    """The listeners of `listeners`, `advertised.listeners` and `listener.security.protocol.map`.

    Raises `Failure` with exit code 2.
    """
    protocols = {name: name for name in PROTOCOLS}
    for pair in filter(None, (part.strip() for part in protocol_map.split(","))):
        name, _, meant = pair.partition(":")
        protocols[name.strip().upper()] = meant.strip().upper()
    told = dict(_entry(text, "advertised.listeners") for text in _texts(advertised))
    found: list[Listener] = []
    for text in bound:
        name, address = _entry(text, "listeners")
        if any(other.name == name for other in found):
            raise _refused("listeners", f"the name {name} appears twice", "give each listener its own name")
        if (protocol := protocols.get(name)) is None:
            raise _refused(
                "listeners",
                f"no security protocol is known for {name}",
                f"add {name}:PLAINTEXT to listener.security.protocol.map",
            )
        found.append(Listener(name, protocol, address, told.pop(name, _advertised(address))))
    if told:
        raise _refused(
            "advertised.listeners",
            f"{', '.join(told)} is not among listeners",
            "advertise only listeners that exist",
        )
    return tuple(found)


def refuse_missing_protocols(listeners: Sequence[Listener], what: str = "listeners") -> None:
    """Refuse protocols that do not exist yet. Raises `Failure` with exit code 2."""
    for listener in listeners:
        if listener.protocol != "PLAINTEXT":
            raise _refused(
                what,
                f"{listener.name} asks for {listener.protocol}, which this version does not have",
                "use PLAINTEXT on a loopback address",
            )


def refuse_open_doors(listeners: Sequence[Listener], what: str = "listeners") -> None:
    """Refuse addresses that others can reach. Raises `Failure` with exit code 2."""
    for listener in listeners:
        if not is_loopback(listener.bind.host):
            raise _refused(
                what,
                f"{listener.bind} can be reached by others and this version has no authentication",
                "bind 127.0.0.1, or add --i-know",
            )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address. Names other than localhost are taken as reachable."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _advertised(bind: Address) -> Address:
    """Kafka tells clients its host name when a listener is bound to every address."""
    if bind.host not in ("", "0.0.0.0", "::"):  # noqa: S104 - the names of every address
        return bind
    import socket  # lazy: loopback needs no name

    return Address(socket.gethostname(), bind.port)


def _entry(text: str, key: str) -> tuple[str, Address]:
    match = _ENTRY.fullmatch(text.strip())
    if match is None or not 0 <= int(match["port"]) <= 65535:
        raise _refused(key, repr(text), "write NAME://HOST:PORT, such as PLAINTEXT://127.0.0.1:9092")
    return match["name"].upper(), Address(match["v6"] or match["host"], int(match["port"]))


def _texts(value: object) -> list[str]:
    return value if isinstance(value, list) else []


def _refused(key: str, detail: str, hint: str) -> Failure:
    return Failure(f"bad {key}", detail, hint, ExitCode.USAGE)
