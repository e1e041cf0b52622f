"""Looking into a configuration file without starting anything: what is wrong, what has no effect, how ours would say it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.config.catalog import BROKER_ALIASES, BROKER_CONFIGS, FREE_PREFIXES, canonical_broker_name
from headrace.config.load import load, unknown_setting
from headrace.config.rules import ValueRefused
from headrace.config.sources import read_file
from headrace.model.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NO_MEANING: Final = {
    r"zookeeper\.": "there is no ZooKeeper",
    r"(controller\.|process\.roles|metadata\.log|metadata\.max|initial\.broker|quorum|broker\.heartbeat|broker\.session)": (
        "each node is broker and controller, and keeps its metadata itself"
    ),
    r"num\.(network|io|replica|recovery)": "there is one thread for each core (headrace.cores)",
    r"(background\.threads|queued\.max|num\.replica\.alter)": "there is one thread for each core (headrace.cores)",
    r"(metric|metrics|kafka\.metrics|auto\.include\.jmx|client\.quota\.callback|plugin)": "metrics are on the admin port",
    r"(ssl|sasl|authorizer|principal|password|delegation|security|connections\.max\.reauth|super\.users)": (
        "there is no authentication yet"
    ),
    r"log\.cleaner\.(threads|io\.buffer)": "each shard compacts one partition at a time, with buffers of its own size",
    r"(remote\.log|rlmm|rsm)": "there is no tiered storage yet",
    r"log\.flush\.(interval|scheduler|offset|start)": "every acknowledged write is synced",
    r"(transaction\.two\.phase|group\.consumer|group\.share|group\.streams|share|streams)\.": (
        "its protocol does not exist here yet"
    ),
    r"(inter\.broker|replica|leader\.imbalance|auto\.leader|unclean|offsets\.topic\.replication)": "there is one node yet",
    r"transaction\.state\.log\.(min\.isr|replication)": "there is one node yet",
    r"transaction\.state\.log\.load": "loading reads in pieces of a fixed size",
    r"socket\.(send|receive)\.buffer": "the system sizes the buffers of sockets by itself",
}
"""Known settings of Kafka that change nothing here, by the beginning of their names, and why."""


LISTENER_LISTS: Final = frozenset({"listeners", "advertised.listeners", "listener.security.protocol.map"})
"""Settings whose items begin with the name of a listener."""


class Report(NamedTuple):
    """What was found in a file. `settings` are those that mean something, by canonical name."""

    settings: dict[str, str]
    errors: list[str]
    notes: list[str]
    dropped: dict[str, str]


def inspect(path: Path, *, lenient: bool = False) -> Report:
    """Read a file. `lenient`: what a broker would refuse or ignore is dropped instead. Raises `Failure` if unreadable."""
    report = Report({}, [], [], {})
    found = read_file(path)
    for given, text in (_for_clients(found) if lenient else found).items():
        name = canonical_broker_name(given)
        if name is None:
            if lenient:
                report.dropped[given] = (
                    why_without_meaning(given) or "no setting of Kafka 4.2 or ours has this name"
                )
            else:
                failure = unknown_setting(given, f"in {path.name}")
                report.errors.append(f"{given} is unknown; {failure.hint}")
            continue
        why = why_without_meaning(name)
        if why is not None:
            if lenient:
                report.dropped[given] = why
                continue
            report.notes.append(f"{given} has no effect: {why}")
        elif given in BROKER_ALIASES and not lenient:
            report.notes.append(f"{given} is accepted for {name}")
        try:
            if name in BROKER_CONFIGS:
                BROKER_CONFIGS[name].parse(text)
        except ValueRefused as refused:
            if lenient:
                report.dropped[given] = str(refused)
                continue
            report.errors.append(str(refused))
        report.settings[name] = text
    if not report.errors:
        _as_a_start_would(report)
    return report


def _as_a_start_would(report: Report) -> None:
    """What only shows when the settings are taken together."""
    for i_know, found in ((True, report.errors), (False, report.notes)):
        try:
            load(report.settings, {}, i_know=i_know)
        except Failure as failure:
            found.append(str(failure))
            return


def _for_clients(found: Mapping[str, str]) -> dict[str, str]:
    """The settings without the listeners of Kafka's own controller, which would else become doors for clients."""
    controller = {name.strip().upper() for name in found.get("controller.listener.names", "").split(",")}

    def kept(item: str) -> bool:
        return item.partition(":")[0].strip().upper() not in controller

    return {
        name: ",".join(filter(kept, text.split(","))) if name in LISTENER_LISTS else text
        for name, text in found.items()
    }


def why_without_meaning(name: str) -> str | None:
    """Why a setting of Kafka changes nothing here; None if it does."""
    if name.startswith(FREE_PREFIXES):
        return "there is no authentication yet"
    return next((why for pattern, why in NO_MEANING.items() if re.match(pattern, name)), None)


def to_toml(settings: Mapping[str, str], origin: str, dropped: Mapping[str, str]) -> str:
    """A configuration file with these settings."""
    lines = [f"# From {origin}."]
    lines += [f"{name} = {_toml_value(name, text)}" for name, text in sorted(settings.items())]
    if dropped:
        lines += ["", "# Left out:"]
        lines += [f"#   {name}: {' '.join(why.split())}" for name, why in sorted(dropped.items())]
    return "\n".join(lines) + "\n"


def _toml_value(name: str, text: str) -> str:
    definition = BROKER_CONFIGS.get(name)
    value = definition.parse(text) if definition else text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    return json.dumps(value, ensure_ascii=False)
