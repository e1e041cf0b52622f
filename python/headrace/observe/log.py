"""The log: lines on stderr that a person reads and a program can parse.

    2026-11-23T14:39:32.123Z INFO coordinator.group rebalanced group=orders generation=3

    log = get(__name__)
    log.info("rebalanced", group=group_id, generation=3)

Values come from outside: whatever could break a line is escaped, and no value takes more than 256 bytes. The standard
`logging` carries the lines, so that what libraries say looks the same. Until `set_up` is called (commands, tests) only
warnings are printed, plainly.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from typing import Any, Final, TextIO

VALUE_BYTES_MAX: Final = 256
"""Longest value in a line; the rest is cut and an ellipsis says so."""

ROOT: Final = "root"
LEVELS: Final = {
    "TRACE": logging.DEBUG,
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARN": logging.WARNING,
    "ERROR": logging.ERROR,
    "FATAL": logging.CRITICAL,
}
"""Kafka's levels, which DescribeConfigs and IncrementalAlterConfigs speak of, and ours."""
SYNONYMS: Final = frozenset({"TRACE"})
"""Words for a level that has another one already."""

_PLAIN: Final = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/+@[]{}()<>,;*%#!?&|~^$'"
)
_FIELDS: Final = "headrace_fields"


class Log:
    """A named source of lines. Field names are identifiers of ours; values may be anything."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, message: str, **fields: Any) -> None:
        self._write(logging.DEBUG, message, fields)

    def info(self, message: str, **fields: Any) -> None:
        self._write(logging.INFO, message, fields)

    def warning(self, message: str, **fields: Any) -> None:
        self._write(logging.WARNING, message, fields)

    def error(self, message: str, **fields: Any) -> None:
        self._write(logging.ERROR, message, fields)

    def exception(self, message: str, **fields: Any) -> None:
        """An error with the traceback of the exception that is being handled."""
        self._write(logging.ERROR, message, fields, traceback_too=True)

    def _write(
        self, level: int, message: str, fields: dict[str, Any], *, traceback_too: bool = False
    ) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, "%s", message, extra={_FIELDS: fields}, exc_info=traceback_too)


def get(name: str) -> Log:
    """The log of a module: `get(__name__)`."""
    return Log(name)


def engine_line(level: int, target: str, message: str, fields: dict[str, str]) -> None:
    """A line that the engine handed over; `target` is its crate and module, as in `journal.recovery`."""
    Log(f"headrace.engine.{target}")._write(level, message, fields)


def set_up(style: str = "text", level: str = "info", stream: TextIO | None = None) -> None:
    """Send everything to stderr in the given style (`text` or `json`). Called once, when a node starts."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if style == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.raiseExceptions = False  # a closed stderr must not stop a broker


def levels() -> dict[str, str]:
    """The level of every source of lines, by name, in Kafka's words."""
    words = {number: word for word, number in LEVELS.items() if word not in SYNONYMS}
    found = {ROOT: words.get(logging.getLogger().level, "INFO")}
    for name, logger in sorted(logging.Logger.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger):
            found[_source(name)] = words.get(logger.getEffectiveLevel(), "INFO")
    return found


def set_level(source: str, level: str | None) -> None:
    """Change what a source of lines says from now on; `None`: what the root says."""
    names = [name for name in logging.Logger.manager.loggerDict if _source(name) == source]
    for name in [""] if source == ROOT else names:
        logging.getLogger(name).setLevel(logging.NOTSET if level is None else LEVELS[level])


class TextLines(logging.Formatter):
    """One line a record; a traceback follows it, indented."""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={quoted(value)}" for name, value in _fields(record).items())
        message = _one_line(record.getMessage())
        line = f"{_time(record.created)} {record.levelname} {_source(record.name)} {message}{fields}"
        if record.exc_info:
            trace = "".join(traceback.format_exception(*record.exc_info)).rstrip()
            line += "".join(f"\n    {_one_line(part)}" for part in trace.split("\n"))
        return line


class JsonLines(logging.Formatter):
    """One JSON object a record."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record.created),
            "level": record.levelname,
            "source": _source(record.name),
            "message": record.getMessage(),
        }
        for name, value in _fields(record).items():
            line[name if name not in line else f"{name}_"] = _json_value(value)
        if record.exc_info:
            line["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def quoted(value: object) -> str:
    """A value as it stands in a text line: bare if it cannot be misread, else as a JSON string, capped either way."""
    text = cut(_text(value))
    return text if text and _PLAIN.issuperset(text) else json.dumps(text)


def cut(text: str) -> str:
    """At most `VALUE_BYTES_MAX` bytes of UTF-8, never half a character."""
    raw = text[: VALUE_BYTES_MAX + 1].encode("utf-8", "backslashreplace")
    if len(raw) <= VALUE_BYTES_MAX and len(text) <= VALUE_BYTES_MAX:
        return raw.decode()
    return raw[: VALUE_BYTES_MAX - 3].decode("utf-8", "ignore") + "…"


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value[: VALUE_BYTES_MAX + 1].decode("utf-8", "backslashreplace")
    return str(value)


def _json_value(value: object) -> object:
    return value if isinstance(value, (bool, int, float)) or value is None else cut(_text(value))


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields: dict[str, Any] = getattr(record, _FIELDS, {})
    return fields


def _source(name: str) -> str:
    return name.removeprefix("headrace.")


def _one_line(text: str) -> str:
    return text if text.isprintable() else json.dumps(text, ensure_ascii=False)[1:-1]


def _time(seconds: float) -> str:
    whole = int(seconds)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{int((seconds - whole) * 1000):03d}Z"
