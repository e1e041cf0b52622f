"""From command line, environment and file to settings: the first that names a setting decides, defaults come last.

Everything that is wrong is refused here, before anything is opened, in one sentence and with exit code 2.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from headrace.config.broker import BrokerConfig
from headrace.config.catalog import (
    ALIAS_FACTORS,
    BROKER_ALIASES,
    BROKER_CONFIGS,
    TOPIC_CONFIGS,
    canonical_broker_name,
    nearest,
)
from headrace.config.listeners import is_loopback, parse_address, refuse_missing_protocols, refuse_open_doors
from headrace.config.options import StartOptions
from headrace.config.own import DEV_DEFAULTS
from headrace.config.rules import ValueRefused
from headrace.config.sources import read_environment, read_file, variable_name
from headrace.model.failure import ExitCode, Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

DEV_IPV6_LISTENER: Final = "PLAINTEXT_IPV6"


def load(
    command_line: Mapping[str, str],
    environ: Mapping[str, str],
    file: Path | None = None,
    *,
    dev: bool = False,
    accept_loss: bool = False,
    i_know: bool = False,
) -> tuple[BrokerConfig, StartOptions]:
    """The settings of a broker that is about to start.

    `command_line`: settings by name, options like --kafka already turned into theirs. Raises `Failure` with exit code 2.
    """
    given: dict[str, str] = {}
    if file is not None:
        given |= _canonical(read_file(file), f"in {file}")
    given |= _canonical(read_environment(environ, BROKER_CONFIGS), "in the environment")
    given |= _canonical(command_line, "on the command line")
    if dev and "listeners" not in given:
        given["listeners"] = "PLAINTEXT://127.0.0.1:9092"
    if dev:
        given |= _also_ipv6(given)
    try:
        config = BrokerConfig(given, DEV_DEFAULTS if dev else {})
    except ValueRefused as refused:
        raise _bad_value(refused) from refused
    refuse_missing_protocols(config.listeners)
    if not i_know:
        refuse_open_doors(config.listeners)
    admin = parse_address(config.text("headrace.admin.listener") or "", "headrace.admin.listener")
    if not i_know and not is_loopback(admin.host):
        raise Failure(
            "bad headrace.admin.listener",
            f"{admin} can be reached by others and this version has no authentication",
            "bind 127.0.0.1, or add --i-know",
            ExitCode.USAGE,
        )
    return config, StartOptions(
        data_dir=_data_dir(config),
        admin=admin,
        dev=dev,
        node_id=config.integer("node.id") if config.is_set("node.id") else None,
        cores=config.integer("headrace.cores"),
        accept_loss=accept_loss,
        i_know=i_know,
        log_format=config.text("headrace.log.format") or "text",
        log_level=(config.text("headrace.log.level") or "info").lower(),
    )


def _canonical(settings: Mapping[str, str], where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, text in settings.items():
        canonical = canonical_broker_name(name)
        if canonical is None:
            raise unknown_setting(name, where)
        factor = ALIAS_FACTORS.get(name)
        found[canonical] = str(max(1, int(float(text) * factor))) if factor and _is_number(text) else text
    return found


def unknown_setting(name: str, where: str) -> Failure:
    """The refusal of a name that no setting has."""
    if name in TOPIC_CONFIGS and TOPIC_CONFIGS[name].synonyms:
        broker_name = TOPIC_CONFIGS[name].synonyms[0].name
        hint = f"{name} belongs to topics; {broker_name} is the broker's default for it"
    else:
        close = nearest(name, [*BROKER_CONFIGS, *BROKER_ALIASES, *map(variable_name, BROKER_CONFIGS)])
        hint = f"did you mean {BROKER_ALIASES.get(close, close)}?" if close else "remove it"
    return Failure("unknown setting", f"{name} {where}", hint, ExitCode.USAGE)


def _bad_value(refused: ValueRefused) -> Failure:
    rule = BROKER_CONFIGS[refused.name].rule
    hint = f"give it a value like {rule}" if rule else "correct the value"
    return Failure("bad setting", str(refused), hint, ExitCode.USAGE)


def _is_number(text: str) -> bool:
    return text.strip().isascii() and text.strip().isdigit()


def _data_dir(config: BrokerConfig) -> Path:
    dirs = config.items("log.dirs") if config.text("log.dirs") else config.items("log.dir")
    if len(dirs) != 1:
        raise Failure(
            "bad log.dirs",
            f"{len(dirs)} directories",
            "give one; a node keeps everything in one data directory",
            ExitCode.USAGE,
        )
    return Path(dirs[0]).absolute()


def _also_ipv6(given: Mapping[str, str]) -> dict[str, str]:
    """`--dev` answers on ::1 too, on the same port, since that is what `localhost` may mean to a client."""
    bound = given["listeners"]
    host, _, port = bound.removeprefix("PLAINTEXT://").partition(":")
    named = "advertised.listeners" in given or "listener.security.protocol.map" in given
    if host != "127.0.0.1" or not port.isdigit() or port == "0" or named:
        return {}
    if not _has_ipv6_loopback():
        return {}
    return {
        "listeners": f"{bound},{DEV_IPV6_LISTENER}://[::1]:{port}",
        "listener.security.protocol.map": f"PLAINTEXT:PLAINTEXT,{DEV_IPV6_LISTENER}:PLAINTEXT",
    }


def _has_ipv6_loopback() -> bool:
    import socket  # lazy: only --dev asks

    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
