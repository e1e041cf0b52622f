"""Settings as they stand in files and in the environment: TOML with dotted Kafka keys, *.properties, HEADRACE_*."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from headrace.model.failure import ExitCode, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ENVIRONMENT_PREFIX: Final = "HEADRACE_"
NOT_SETTINGS: Final = frozenset({"HEADRACE_BOOTSTRAP", "HEADRACE_CACHE_DIR", "HEADRACE_CONFIG"})
"""Variables of ours that are read by commands and are no broker settings."""


def read_file(path: Path) -> dict[str, str]:
    """The settings of a file, by the names that stand there. *.properties is Kafka's server.properties, else TOML.

    Raises `Failure` with exit code 2: not there, not readable, not well formed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        detail = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
        raise _bad_file(path, detail, "give --config the path of a readable file") from cause
    return parse_properties(text) if path.suffix == ".properties" else parse_toml(path, text)


def parse_toml(path: Path, text: str) -> dict[str, str]:
    """`log.retention.hours = 24` is a nested table to TOML; it comes back as the dotted name that was written."""
    import tomllib  # lazy: most starts have no file

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as cause:
        raise _bad_file(path, str(cause), "correct the line; text values stand in quotes") from cause
    found: dict[str, str] = {}
    for name, value in _leaves("", document):
        found[name] = _as_text(path, name, value)
    return found


def _leaves(prefix: str, table: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for key, value in table.items():
        name = f"{prefix}.{key}" if prefix else key
        if isinstance(value, dict):
            yield from _leaves(name, value)
        else:
            yield name, value


def _as_text(path: Path, name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, str)):
        return str(value)
    if isinstance(value, list):
        return ",".join(_as_text(path, name, item) for item in value)
    raise _bad_file(
        path, f"{name} is a {type(value).__name__}", "write text, a number, true, false or a list"
    )


_CONTINUED: Final = re.compile(r"(?<!\\)(?:\\\\)*\\$")
_PAIR: Final = re.compile(r"((?:[^\\:=\s]|\\.)*)(?:[ \t\f]*[:=][ \t\f]*|[ \t\f]+)?(.*)", re.DOTALL)


def parse_properties(text: str) -> dict[str, str]:
    """Java's format: `#` and `!` comments, `=`, `:` or blank between name and value, `\\` escapes and continues lines."""
    found: dict[str, str] = {}
    for line in _logical_lines(text):
        match = _PAIR.match(line)
        assert match is not None, "the pattern matches any text"
        found[_unescaped(match[1])] = _unescaped(match[2]).rstrip()
    return found


def _logical_lines(text: str) -> Iterator[str]:
    pending = ""
    for raw in text.splitlines():
        line = raw.lstrip()
        if not pending and (not line or line[0] in "#!"):
            continue
        if _CONTINUED.search(line):
            pending += line[:-1]
            continue
        yield pending + line
        pending = ""
    if pending:
        yield pending


_ESCAPES: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def _unescaped(text: str) -> str:
    def replace(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code[1:], 16)) if len(code) == 5 else _ESCAPES.get(code, code)

    return re.sub(r"\\(u[0-9a-fA-F]{4}|.)", replace, text)


def read_environment(environ: Mapping[str, str], names: Mapping[str, object]) -> dict[str, str]:
    """Settings given as HEADRACE_LOG_RETENTION_HOURS; our own without their prefix, as HEADRACE_CORES.

    `names`: every known setting. A name that is none comes back as it was written, for the caller to refuse.
    """
    known = {variable_name(name): name for name in names}
    return {
        known.get(variable, variable): value
        for variable, value in environ.items()
        if variable.startswith(ENVIRONMENT_PREFIX) and variable not in NOT_SETTINGS
    }


def variable_name(setting: str) -> str:
    """The environment variable of a setting."""
    return ENVIRONMENT_PREFIX + re.sub(r"[.\-]", "_", setting.removeprefix("headrace.")).upper()


def _bad_file(path: Path, detail: str, hint: str) -> Failure:
    return Failure(f"bad configuration file {path}", detail, hint, ExitCode.USAGE)
