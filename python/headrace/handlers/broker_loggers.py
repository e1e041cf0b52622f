"""The levels of this process's loggers, which IncrementalAlterConfigs changes until the process ends (KIP-412).

They are in no log of ours: as in Kafka they belong to one process, and a restart takes them back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.controller.decide_configs import Change
from headrace.model.errors import Error, Refusal
from headrace.observe import log

if TYPE_CHECKING:
    from headrace.controller.decide_configs import ConfigChange, ResourceChange

NAMED_ELSEWHERE: Final = (Change.APPEND, Change.SUBTRACT)


def alter_loggers(resource: ResourceChange, node_id: int, *, validate_only: bool) -> None:
    """Change levels, all or none. Raises `Refusal` in Kafka's words (`BrokerLoggerConfigManager`)."""
    name = resource.resource_name
    if not name.lstrip("-").isdecimal() or not name.isascii():
        raise Refusal(Error.INVALID_REQUEST, f"Node id must be an integer, but it is: {name}")
    if int(name) != node_id:
        why = f"Unexpected node id. Expected {node_id}, but received {name}"
        raise Refusal(Error.INVALID_REQUEST, why)
    names = [change.name for change in resource.changes]
    if len(set(names)) != len(names):
        raise Refusal(Error.INVALID_REQUEST, "Error due to duplicate config keys")
    known = log.levels()
    for change in resource.changes:
        _check(change, known)
    if not validate_only:
        for change in resource.changes:
            log.set_level(change.name, change.value if change.change is Change.SET else None)


def _check(change: ConfigChange, known: dict[str, str]) -> None:
    name, kind, level = change
    if level is None and kind is not Change.DELETE:
        raise Refusal(Error.INVALID_REQUEST, f"Null value not supported for : {name}")
    if kind in NAMED_ELSEWHERE:
        why = f"{kind.name} operation is not allowed for the BROKER_LOGGER resource"
        raise Refusal(Error.INVALID_REQUEST, why)
    if name not in known:
        raise Refusal(Error.INVALID_CONFIG, f"Logger {name} does not exist!")
    if kind is Change.DELETE and name == log.ROOT:
        raise Refusal(
            Error.INVALID_REQUEST, f"Removing the log level of the {log.ROOT} logger is not allowed"
        )
    if kind is Change.SET and level not in log.LEVELS:
        why = f"Cannot set the log level of {name} to {level} as it is not a supported log level. "
        raise Refusal(
            Error.INVALID_CONFIG, f"{why}Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN"
        )
