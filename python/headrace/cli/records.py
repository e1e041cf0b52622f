"""A record as a line of JSON: what `topic consume` writes and `topic produce --json-lines` reads.

`key` and `value` are text, or null; bytes that are no UTF-8 stand under `key_base64` and `value_base64` instead.
"""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple

from headrace.model.failure import ExitCode, Failure


class Record(NamedTuple):
    """A record to write; None for what the producer decides."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    partition: int | None = None
    timestamp_ms: int | None = None


def to_line(
    topic: str,
    partition: int,
    offset: int,
    timestamp_ms: int,
    key: bytes | None,
    value: bytes | None,
    headers: list[tuple[str, bytes | None]],
) -> str:
    """One record as one line."""
    fields: dict[str, Any] = {
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "timestamp": timestamp_ms,
    }
    _put(fields, "key", key)
    _put(fields, "value", value)
    if headers:
        fields["headers"] = [_put({"key": name}, "value", data) for name, data in headers]
    return json.dumps(fields, ensure_ascii=False)


def from_line(line: str | bytes, number: int) -> Record:
    """The record of a line. Raises `Failure` naming the line."""
    try:
        fields = json.loads(line)
        if not isinstance(fields, dict):
            raise TypeError("not an object")
        return Record(
            _get(fields, "key"),
            _get(fields, "value"),
            [(str(header["key"]), _get(header, "value")) for header in fields.get("headers", [])],
            None if fields.get("partition") is None else int(fields["partition"]),
            None if fields.get("timestamp") is None else int(fields["timestamp"]),
        )
    except (ValueError, TypeError, KeyError) as cause:
        raise Failure(
            f"bad record in line {number}",
            str(cause),
            'write {"key": ..., "value": ...} on each line',
            ExitCode.USAGE,
        ) from cause


def _put(fields: dict[str, Any], name: str, data: bytes | None) -> dict[str, Any]:
    try:
        fields[name] = None if data is None else data.decode()
    except UnicodeDecodeError:
        assert data is not None, "None needs no decoding"
        fields[f"{name}_base64"] = base64.b64encode(data).decode()
    return fields


def _get(fields: dict[str, Any], name: str) -> bytes | None:
    if f"{name}_base64" in fields:
        return base64.b64decode(fields[f"{name}_base64"], validate=True)
    value = fields.get(name)
    if value is None:
        return None
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).encode()
