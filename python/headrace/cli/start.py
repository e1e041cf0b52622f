"""`headrace start`: run a broker in the foreground.

Only what a broker needs is imported here; the options become settings of the same meaning, so that what --kafka says
and what `listeners=` says is decided in one place (`headrace.config.load`).
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from headrace.config.listeners import parse_address
from headrace.config.load import load
from headrace.model.failure import ExitCode, Failure

if TYPE_CHECKING:
    from collections.abc import Sequence


NOT_YET: Final = {
    "registry": "the schema registry",
    "proxy": "the HTTP proxy",
    "rpc": "talking to other nodes",
    "seeds": "joining other nodes",
}
"""Options that keep their place in the command line until what they need exists."""


class Parser(argparse.ArgumentParser):
    """argparse with our one sentence for a bad command line."""

    def error(self, message: str) -> NoReturn:
        raise Failure("bad command line", message, "see headrace start --help", ExitCode.USAGE)


def start(words: Sequence[str]) -> int:
    """Run a broker until it is told to stop; gives the exit code.

    Raises `Failure` before anything is opened if the command line or the configuration is wrong.
    """
    given = _parser().parse_args(words)
    for option, what in NOT_YET.items():
        if getattr(given, option) is not None:
            raise Failure(
                f"bad option --{option}",
                f"{what} is not part of this version",
                f"leave --{option} out",
                ExitCode.USAGE,
            )
    if given.parent_pipe:
        from headrace.cli.parent_pipe import end_with_parent

        end_with_parent(given.remove_with_parent)
    config, options = load(
        settings_of(given),
        os.environ,
        given.config,
        dev=given.dev,
        accept_loss=given.accept_loss,
        i_know=given.i_know,
    )
    from headrace import node  # last, so that a bad option costs nothing

    return node.run(config, options)


def settings_of(given: argparse.Namespace) -> dict[str, str]:
    """The options as settings. An option decides over --set, the later --set over the earlier."""
    settings: dict[str, str] = {}
    for pair in given.set:
        name, separator, value = pair.partition("=")
        if not separator or not name.strip():
            raise Failure("bad option --set", repr(pair), "write --set KEY=VALUE", ExitCode.USAGE)
        settings[name.strip()] = value.strip()
    if given.kafka is not None:
        settings["listeners"] = f"PLAINTEXT://{parse_address(given.kafka, '--kafka')}"
    if given.advertise is not None:
        settings["advertised.listeners"] = f"PLAINTEXT://{parse_address(given.advertise, '--advertise')}"
    plain = {
        "log.dirs": given.data_dir,
        "node.id": given.node_id,
        "headrace.admin.listener": given.admin,
        "broker.rack": given.rack,
        "headrace.cores": given.cores,
        "headrace.log.format": given.log_format,
        "headrace.log.level": given.log_level,
    }
    return settings | {name: str(value) for name, value in plain.items() if value is not None}


def _parser() -> Parser:
    parser = Parser(
        prog="headrace start",
        allow_abbrev=False,
        description="Run a broker in the foreground. When it is ready it prints one line with its addresses.",
    )
    add = parser.add_argument
    add(
        "--dev",
        action="store_true",
        help="loopback only, no authentication, topics made at first use, data in ./data",
    )
    add("--config", type=Path, metavar="FILE", help="TOML with Kafka's dotted keys, or a server.properties")
    add("--data-dir", metavar="DIR", help="where everything is kept (log.dirs)")
    add("--node-id", type=int, metavar="N", help="this node's number (node.id)")
    add("--kafka", metavar="HOST:PORT", help="address for Kafka clients; port 0 picks a free one")
    add("--advertise", metavar="HOST:PORT", help="address that clients are told, if it differs")
    add("--admin", metavar="HOST:PORT", help="address of metrics, readiness and administration")
    add("--registry", metavar="HOST:PORT", help="address of the schema registry (not yet)")
    add("--proxy", metavar="HOST:PORT", help="address of the HTTP proxy (not yet)")
    add("--rpc", metavar="HOST:PORT", help="address for other nodes (not yet)")
    add("--seeds", metavar="HOST:PORT,...", help="nodes to join (not yet)")
    add("--rack", metavar="NAME", help="where this node stands (broker.rack)")
    add("--cores", type=int, metavar="N", help="shards, one thread each; default: by the machine")
    add("--accept-loss", action="store_true", help="start although acknowledged records are known to be gone")
    add(
        "--i-know",
        action="store_true",
        help="bind addresses that others can reach although nothing is authenticated",
    )
    add(
        "--set",
        "--override",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="any setting by Kafka's name; may be repeated",
    )
    add("--log-format", choices=("text", "json"), help="how log lines are written to stderr")
    add(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        help="the least important line that is written",
    )
    # For `headrace.testing`: end when stdin ends, and take this directory along.
    add("--parent-pipe", action="store_true", help=argparse.SUPPRESS)
    add("--remove-with-parent", type=Path, help=argparse.SUPPRESS)
    add("--json", action="store_true", help="say what is wrong as a JSON object")
    return parser
