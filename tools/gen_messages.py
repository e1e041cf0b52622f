"""Kafka's message schemas to code: Python structs, the table of keys, and the same table for the engine.

    python tools/gen_messages.py            write everything again
    python tools/gen_messages.py --check    exit 1 if something differs from what is committed
    python tools/gen_messages.py --vendor clients.jar metadata.jar coordinator.jar
                                            take the schemas of another Kafka release (rarely)

Source: tools/kafka-messages/, Kafka's own JSON without the prose, one message a line. `profile-4.2.json` says which
versions a Kafka 4.2 broker advertises, since the schemas are of 4.3, and which keys are served.
"""

from __future__ import annotations

import argparse
import json
import keyword
import re
import sys
import zipfile
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).parent.parent
SCHEMAS: Final = ROOT / "tools/kafka-messages"
MESSAGES: Final = ROOT / "python/headrace/wire/messages"
PYTHON_KEYS: Final = ROOT / "python/headrace/wire/keys.py"
RUST_KEYS: Final = ROOT / "engine/crates/wire/src/keys.rs"

RECORD_MODULES: Final = {
    "metadata_records": (
        "The controller's records in group 0: Kafka's own where they fit.",
        (
            "TopicRecord",
            "PartitionRecord",
            "RemoveTopicRecord",
            "ConfigRecord",
            "ProducerIdsRecord",
            "FeatureLevelRecord",
            "UserScramCredentialRecord",
            "RemoveUserScramCredentialRecord",
            "ClientQuotaRecord",
            "SnapshotBeginRecord",
            "SnapshotEndRecord",
        ),
    ),
    "group_records": (
        "Keys and values of `__consumer_offsets` for classic groups and offsets.",
        ("OffsetCommitKey", "OffsetCommitValue", "GroupMetadataKey", "GroupMetadataValue"),
    ),
    "consumer_group_records": (
        "Keys and values of `__consumer_offsets` for consumer groups (KIP-848).",
        (
            "ConsumerGroupMetadataKey",
            "ConsumerGroupMetadataValue",
            "ConsumerGroupMemberMetadataKey",
            "ConsumerGroupMemberMetadataValue",
            "ConsumerGroupTargetAssignmentMetadataKey",
            "ConsumerGroupTargetAssignmentMetadataValue",
            "ConsumerGroupTargetAssignmentMemberKey",
            "ConsumerGroupTargetAssignmentMemberValue",
            "ConsumerGroupCurrentMemberAssignmentKey",
            "ConsumerGroupCurrentMemberAssignmentValue",
            "ConsumerGroupRegularExpressionKey",
            "ConsumerGroupRegularExpressionValue",
        ),
    ),
    "share_group_records": (
        "Keys and values of `__consumer_offsets` for share groups (KIP-932).",
        (
            "ShareGroupMetadataKey",
            "ShareGroupMetadataValue",
            "ShareGroupMemberMetadataKey",
            "ShareGroupMemberMetadataValue",
            "ShareGroupTargetAssignmentMetadataKey",
            "ShareGroupTargetAssignmentMetadataValue",
            "ShareGroupTargetAssignmentMemberKey",
            "ShareGroupTargetAssignmentMemberValue",
            "ShareGroupCurrentMemberAssignmentKey",
            "ShareGroupCurrentMemberAssignmentValue",
            "ShareGroupStatePartitionMetadataKey",
            "ShareGroupStatePartitionMetadataValue",
        ),
    ),
    "streams_group_records": (
        "Keys and values of `__consumer_offsets` for streams groups (KIP-1071).",
        (
            "StreamsGroupMetadataKey",
            "StreamsGroupMetadataValue",
            "StreamsGroupTopologyKey",
            "StreamsGroupTopologyValue",
            "StreamsGroupMemberMetadataKey",
            "StreamsGroupMemberMetadataValue",
            "StreamsGroupTargetAssignmentMetadataKey",
            "StreamsGroupTargetAssignmentMetadataValue",
            "StreamsGroupTargetAssignmentMemberKey",
            "StreamsGroupTargetAssignmentMemberValue",
            "StreamsGroupCurrentMemberAssignmentKey",
            "StreamsGroupCurrentMemberAssignmentValue",
        ),
    ),
    "share_state_records": (
        "Keys and values of `__share_group_state`.",
        ("ShareSnapshotKey", "ShareSnapshotValue", "ShareUpdateKey", "ShareUpdateValue"),
    ),
    "transaction_records": (
        "Key and value of `__transaction_state`.",
        ("TransactionLogKey", "TransactionLogValue"),
    ),
}
"""Stored records by the module they go to. Each is an int16 version and then the body."""

VERSION_MAX: Final = 32767
PRIMITIVES: Final = {
    "bool": ("bool", "False"),
    "int8": ("int", "0"),
    "int16": ("int", "0"),
    "int32": ("int", "0"),
    "int64": ("int", "0"),
    "uint16": ("int", "0"),
    "uint32": ("int", "0"),
    "float64": ("float", "0.0"),
    "string": ("str", '""'),
    "bytes": ("bytes", 'b""'),
    "records": ("bytes", 'b""'),
    "uuid": ("bytes", "NULL_UUID"),
}
Json = dict[str, Any]
Range = tuple[int, int]


class Struct(NamedTuple):
    """A message or a part of one, with its class name made unique in its module."""

    class_name: str
    fields: list[Json]
    message: Json | None
    """The whole message, for the outermost struct."""


def snake(name: str) -> str:
    """`ThrottleTimeMs` -> `throttle_time_ms`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def versions(text: str | None) -> Range | None:
    """`3`, `3-5`, `3+` or `none` as an inclusive range."""
    if text is None or text == "none":
        return None
    low, dash, high = text.partition("-")
    if dash:
        return int(low), int(high)
    return (int(text[:-1]), VERSION_MAX) if text.endswith("+") else (int(text), int(text))


def load(path: Path) -> dict[str, Json]:
    """Schemas by message name."""
    return {message["name"]: message for message in json.loads(path.read_text())}


def load_records() -> dict[str, Json]:
    """Stored records: Kafka's, our own, and Kafka's with our tagged fields, which Kafka's tools skip."""
    found = load(SCHEMAS / "records.json")
    for name, own in load(SCHEMAS / "own.json").items():
        if own.get("extends"):
            found[name]["fields"] += own["fields"]
        else:
            found[name] = own
    return found


# -- Python structs ---------------------------------------------------------------------------------------------------


def outermost_last(message: Json, rename: dict[str, str]) -> list[Struct]:
    """The message's structs in an order in which each is defined before it is used."""
    common = {struct["name"]: struct["fields"] for struct in message.get("commonStructs", ())}
    found: dict[str, Struct] = {}

    def visit(name: str, fields: list[Json], whole: Json | None) -> None:
        for field in fields:
            inner = field["type"].removeprefix("[]")
            if inner not in PRIMITIVES and inner not in found:
                visit(inner, field.get("fields") or common[inner], None)
        found[name] = Struct(rename.get(name, name), fields, whole)

    visit(message["name"], message.get("fields", []), message)
    return list(found.values())


def struct_names(message: Json) -> set[str]:
    return {struct.class_name for struct in outermost_last(message, {})}


def module(doc: str, messages: list[Json]) -> str:
    """The text of a module that holds these messages."""
    shared = [name for name in set().union(*map(struct_names, messages)) if _in_several(name, messages)]
    blocks: list[str] = []
    for message in messages:
        rename = {name: f"{message['name']}{name}" for name in shared}
        blocks += [python_struct(struct, rename) for struct in outermost_last(message, rename)]
    body = "\n\n\n".join(blocks)
    names = [name for name in ("NULL_UUID", "Field", "Message", "Part") if re.search(rf"\b{name}\b", body)]
    imports = ["from __future__ import annotations", "", "from typing import ClassVar", ""]
    if "default_factory" in body:
        imports += ["from msgspec import field", ""]
    imports.append(f"from headrace.wire.schema import {', '.join(names)}")
    head = f'"""{doc}\n\nWritten by tools/gen_messages.py; do not edit.\n"""\n# fmt: off\n'
    head += (
        "# ruff: noqa: RUF012 - msgspec gives each struct a list of its own\n\n" if "= []" in body else "\n"
    )
    return head + "\n".join(imports) + "\n\n\n" + body + "\n"


def _in_several(name: str, messages: list[Json]) -> bool:
    return sum(name in struct_names(message) for message in messages) > 1


def python_struct(struct: Struct, rename: dict[str, str]) -> str:
    lines = [f"class {struct.class_name}({'Message' if struct.message else 'Part'}):"]
    lines += [f"    {attribute(field, rename)}" for field in struct.fields]
    if struct.message:
        lines += message_constants(struct.message)
    table = [f"        {table_entry(field, rename)}," for field in struct.fields]
    if table:
        lines += ["    FIELDS: ClassVar[tuple[Field, ...]] = (", *table, "    )"]
    else:
        lines.append("    FIELDS: ClassVar[tuple[Field, ...]] = ()")
    return "\n".join(lines)


def message_constants(message: Json) -> list[str]:
    valid = versions(message["validVersions"])
    flexible = versions(message.get("flexibleVersions"))
    assert valid is not None, f"{message['name']} has versions"
    lines = [f"    API_KEY: ClassVar[int] = {message.get('apiKey', -1)}"]
    lines.append(f"    VERSIONS: ClassVar[tuple[int, int]] = {valid}")
    lines.append(f"    FLEXIBLE_FROM: ClassVar[int] = {flexible[0] if flexible else VERSION_MAX}")
    return lines


def field_name(field: Json) -> str:
    name = snake(field["name"])
    return f"{name}_" if keyword.iskeyword(name) else name


def attribute(field: Json, rename: dict[str, str]) -> str:
    kind: str = field["type"]
    inner = kind.removeprefix("[]")
    default = field.get("default")
    python_type, literal = PRIMITIVES.get(inner) or (
        rename.get(inner, inner),
        f"field(default_factory={rename.get(inner, inner)})",
    )
    if kind.startswith("[]"):
        python_type, literal = f"list[{python_type}]", "[]"
    elif default is not None and default != "null":
        literal = default_literal(inner, default)
    if default == "null" or ("default" in field and default is None):
        literal = "None"
    if "nullableVersions" in field:
        python_type += " | None"
    return f"{field_name(field)}: {python_type} = {literal}"


def default_literal(kind: str, default: Any) -> str:
    if kind == "string":
        return json.dumps(default)
    if kind == "bool":
        return str(default).lower().capitalize()
    if kind == "float64":
        return repr(float(default))
    return str(int(str(default), 0))


def table_entry(field: Json, rename: dict[str, str]) -> str:
    kind: str = field["type"]
    inner = kind.removeprefix("[]")
    parts = [
        f'"{field_name(field)}"',
        f'"{inner if inner in PRIMITIVES else "struct"}"',
        str(versions(field.get("versions", field.get("taggedVersions")))),
    ]
    if kind.startswith("[]"):
        parts.append("array=True")
    if inner not in PRIMITIVES:
        parts.append(f"of={rename.get(inner, inner)}")
    if "nullableVersions" in field:
        parts.append(f"nullable={versions(field['nullableVersions'])}")
    if "tag" in field:
        parts.append(f"tag={field['tag']}, tagged={versions(field['taggedVersions'])}")
    if field.get("ignorable"):
        parts.append("ignorable=True")
    if field.get("flexibleVersions") == "none":
        parts.append("compact=False")
    return f"Field({', '.join(parts)})"


# -- tables of keys ---------------------------------------------------------------------------------------------------


class Key(NamedTuple):
    """One API of a broker's client listener."""

    key: int
    name: str
    low: int
    high: int
    flexible_from: int
    advertised_low: int


def key_table(messages: dict[str, Json], profile: Json) -> list[Key]:
    requests = {m["apiKey"]: m for m in messages.values() if m["type"] == "request"}
    table = []
    for text, (low, high) in profile["versions"].items():
        message = requests[int(text)]
        flexible = versions(message["flexibleVersions"])
        valid = versions(message["validVersions"])
        assert valid is not None, f"key {text} has versions"
        assert valid[1] >= high, f"key {text} is advertised up to {high}, its schema ends earlier"
        first = flexible[0] if flexible else VERSION_MAX
        table.append(
            Key(int(text), message["name"].removesuffix("Request"), max(low, valid[0]), high, first, low)
        )
    return sorted(table)


def python_keys(table: list[Key], served: list[int]) -> str:
    rows = "\n".join(
        f'    Api({k.key}, "{k.name}", {k.low}, {k.high}, {k.flexible_from}, {k.advertised_low}),'
        for k in table
    )
    names = {k.key: k.name for k in table}
    served_rows = "\n".join(f"        {key},  # {names[key]}" for key in sorted(served))
    return f'''"""Every API of a Kafka 4.2 broker's client listener, and which of them this broker serves.

Written by tools/gen_messages.py; do not edit.
"""
# fmt: off

from __future__ import annotations

from typing import Final, NamedTuple


class Api(NamedTuple):
    """One API: which versions exist, from which on they are flexible, and what is advertised."""

    key: int
    name: str
    low: int
    """Lowest version that is answered."""
    high: int
    flexible_from: int
    """First version with compact lengths and tagged fields; {VERSION_MAX}: none."""
    advertised_low: int
    """Lowest version in ApiVersions: librdkafka wants Produce from 0 on (KAFKA-18659)."""


NEVER_FLEXIBLE: Final = {VERSION_MAX}
API_VERSIONS: Final = 18
APIS: Final = (
{rows}
)
BY_KEY: Final = {{api.key: api for api in APIS}}
SERVED: Final = frozenset(
    {{
{served_rows}
    }}
)
"""Keys that the engine answers or that have a handler."""

ADVERTISED: Final = tuple((api.key, api.advertised_low, api.high) for api in APIS if api.key in SERVED)
"""Key, lowest, highest version, as ApiVersions tells them."""
'''


def rust_keys(current: str, table: list[Key]) -> str:
    """The engine's table inside its file, whose other lines are the engine's own."""
    rows = "".join(
        f'    api({k.key}, "{k.name}", {k.low}, {k.high}, {"NEVER" if k.flexible_from == VERSION_MAX else k.flexible_from}),\n'
        for k in table
    )
    head, begin, rest = current.partition("pub const API_KEYS: &[ApiKey] = &[\n")
    _, end, tail = rest.partition("];\n")
    if not begin or not end:
        raise SystemExit(f"{RUST_KEYS} has no `pub const API_KEYS: &[ApiKey] = &[ ... ];` to fill")
    return head + begin + rows + end + tail


# -- vendoring --------------------------------------------------------------------------------------------------------


def vendor(jars: list[Path]) -> None:
    """Take the schemas out of Kafka's jars: messages of the first, stored records of the others."""
    (SCHEMAS / "messages.json").write_text(_lines(_schemas(jars[0], ("request", "response", "header"))))
    wanted = {name for _, names in RECORD_MODULES.values() for name in names}
    records = [
        schema
        for jar in jars[1:]
        for schema in _schemas(jar, ("metadata", "data", "coordinator-key", "coordinator-value"))
        if schema["name"] in wanted
    ]
    (SCHEMAS / "records.json").write_text(_lines(records))


def _schemas(jar: Path, kinds: tuple[str, ...]) -> list[Json]:
    found = []
    with zipfile.ZipFile(jar) as archive:
        for name in sorted(archive.namelist()):
            if re.fullmatch(r"common/(message|metadata)/\w+\.json", name):
                text = re.sub(r"(?m)^\s*//.*$", "", archive.read(name).decode())
                schema = json.loads(re.sub(r"(?m)(?<=[,\[{\]}])\s*//.*$", "", text))
                if schema["type"] in kinds and schema["validVersions"] != "none":
                    found.append(_without_prose(schema))
    return found


def _without_prose(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            k: _without_prose(v)
            for k, v in value.items()
            if k not in ("about", "entityType", "mapKey", "zeroCopy")
        }
    return [_without_prose(item) for item in value] if isinstance(value, list) else value


def _lines(schemas: list[Json]) -> str:
    rows = ",\n".join(json.dumps(schema, separators=(",", ":")) for schema in schemas)
    return f"[\n{rows}\n]\n"


# -- all of it --------------------------------------------------------------------------------------------------------


def outputs() -> dict[Path, str]:
    """Every generated file and its text."""
    messages = load(SCHEMAS / "messages.json")
    records = load_records()
    profile = json.loads((SCHEMAS / "profile-4.2.json").read_text())
    table = key_table(messages, profile)
    found = {
        PYTHON_KEYS: python_keys(table, profile["served"]),
        RUST_KEYS: rust_keys(RUST_KEYS.read_text(), table),
    }
    for key in table:
        pair = [messages[f"{key.name}Request"], messages[f"{key.name}Response"]]
        doc = f"{key.name} (key {key.key}, v{key.low}-{key.high})."
        found[MESSAGES / f"k{key.key:02}_{snake(key.name)}.py"] = module(doc, pair)
    for name, (doc, members) in RECORD_MODULES.items():
        found[MESSAGES / f"{name}.py"] = module(doc, [records[member] for member in members])
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Kafka's message schemas to code")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument(
        "--vendor", nargs="+", type=Path, metavar="JAR", help="take the schemas out of these jars first"
    )
    given = parser.parse_args()
    if given.vendor:
        vendor(given.vendor)
    wanted = outputs()
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    left = [path for path in MESSAGES.glob("k[0-9]*.py") if path not in wanted]
    if given.check:
        for path in stale + left:
            print(
                f"{path.relative_to(ROOT)} differs from tools/kafka-messages; run python tools/gen_messages.py"
            )
        return 1 if stale or left else 0
    for path in stale:
        path.write_text(wanted[path])
    for path in left:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
