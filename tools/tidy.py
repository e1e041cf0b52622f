"""Rules of the house that no other tool knows: map and tree, names, sizes, limits, lazy imports, planted faults.

Prints one line for each breach; exit code 1 if there is any.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc", "lib2"}
LINES_MAX = 600
GENERATED = (
    "python/headrace/wire/messages/",
    "python/headrace/config/kafka_",
    "engine/crates/wire/src/keys.rs",
)
UNSAFE_ALLOWED = ("engine/crates/io/", "bench/loadgen/")
EXTENSION_USERS = ("python/headrace/engine/native.py", "tools/tidy.py")
LAZY = {
    "starlette": "admin",
    "uvicorn": "admin",
    "prometheus_client": "observe",
    "confluent_kafka": "cli",
    "typer": "cli",
    "rich": "cli",
}
"""Packages that a broker must not import before it needs them, and the part that may import them inside a function."""
ENTRY_POINTS = {
    "python/headrace/cli/",
    "python/headrace/admin/http.py",  # imported at the admin port's first connection
    "python/headrace/admin/exposition.py",  # at the first scrape
}
"""Whole modules here are themselves imported lazily, so they may import what they like at their top."""


def tracked() -> list[str]:
    """Files under version control or about to be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")
    return sorted(path for path in listed if path and (ROOT / path).is_file())


def map_matches_tree(files: list[str]) -> Iterator[str]:
    """Every room of ARCHITECTURE.md exists, and every crate and package stands in it."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    rooms = set(re.findall(r"^\| `([a-z_./-]+)` \|", text, re.MULTILINE))
    for room in sorted(rooms):
        if not any(path == room or path.startswith(f"{room}/") for path in files):
            yield f"ARCHITECTURE.md: {room} is on the map but not in the tree"
    for path in files:
        match = re.match(r"(engine/crates/[a-z_]+|python/headrace/[a-z_]+)/", path)
        if match and match[1] not in rooms:
            yield f"{match[1]}: in the tree but not on the map of ARCHITECTURE.md"
            rooms.add(match[1])


def names(files: list[str]) -> Iterator[str]:
    """No file or folder is called by a word that says nothing."""
    for path in files:
        for part in Path(path).parts:
            if Path(part).stem in FORBIDDEN_NAMES:
                yield f"{path}: '{part}' says nothing about what is in it"


def sizes(files: list[str]) -> Iterator[str]:
    """Files small enough to hold in the head."""
    for path in files:
        if path.endswith((".py", ".rs")) and not path.startswith(GENERATED):
            lines = (ROOT / path).read_text("utf-8").count("\n")
            if lines > LINES_MAX:
                yield f"{path}: {lines} lines, more than {LINES_MAX}"


def unsafe(files: list[str]) -> Iterator[str]:
    """Unsafe code only where the world begins."""
    for path in files:
        if not path.endswith(".rs") or path.startswith(UNSAFE_ALLOWED):
            continue
        if re.search(r"\bunsafe\s*(\{|fn|impl)|allow\(unsafe_code\)", (ROOT / path).read_text("utf-8")):
            yield f"{path}: unsafe outside {' and '.join(UNSAFE_ALLOWED)}"


def one_importer_of_the_extension(files: list[str]) -> Iterator[str]:
    """Only one module knows the Rust extension; everybody else speaks to the port."""
    for path in files:
        if not path.endswith(".py") or path in EXTENSION_USERS:
            continue
        if re.search(r"import _engine|headrace\._engine import", (ROOT / path).read_text("utf-8")):
            yield f"{path}: imports the extension module; speak to headrace.engine.port"


def one_file_per_api_key(files: list[str]) -> Iterator[str]:
    """A handler's number and name are the protocol's, and no key has two."""
    seen: dict[str, str] = {}
    for path in files:
        match = re.fullmatch(r"python/headrace/handlers/k(\d\d)_([a-z_]+)\.py", path)
        if match:
            if match[1] in seen:
                yield f"{path}: key {match[1]} is also in {seen[match[1]]}"
            seen[match[1]] = path
            if not any(
                re.match(rf"python/headrace/wire/messages/k{match[1]}_{match[2]}\.py", other)
                for other in files
            ):
                yield f"{path}: no message of that number and name in wire/messages"


def limits_documented(files: list[str]) -> Iterator[str]:
    """Every limit says why it is what it is."""
    for path in files:
        if path.endswith("model/src/limits.rs"):
            lines = (ROOT / path).read_text("utf-8").split("\n")
            for number, line in enumerate(lines):
                if line.startswith("pub const") and not lines[number - 1].startswith("///"):
                    yield f"{path}:{number + 1}: a limit without its reason"


def lazy_imports(files: list[str]) -> Iterator[str]:
    """What a broker may not pay for at its start stays inside functions."""
    for path in files:
        if not path.startswith("python/headrace/") or not path.endswith(".py") or "/test" in path:
            continue
        if path.startswith(tuple(ENTRY_POINTS)):
            continue
        for number, line in enumerate((ROOT / path).read_text("utf-8").split("\n"), 1):
            match = re.match(r"(?:from|import) ([a-z_]+)", line)
            if match and match[1] in LAZY:
                yield f"{path}:{number}: {match[1]} must be imported inside the function that needs it"


def no_machine_paths(files: list[str]) -> Iterator[str]:
    """Nothing of one machine in the tree."""
    for path in files:
        if path.endswith((".py", ".rs", ".md", ".toml", ".sh", "Makefile", ".json", ".mod")):
            text = (ROOT / path).read_text("utf-8")
            if re.search(r"(?<![\w.])/(?:work|root|farm)/", text) and path != "tools/tidy.py":
                yield f"{path}: a path of one machine"


def faults_apply(_: list[str]) -> Iterator[str]:
    """The line that each planted fault changes is there."""
    sys.path.insert(0, str(ROOT))
    from tests.mutants.faults import load

    for fault in load():
        try:
            fault.planted((ROOT / fault.file).read_text("utf-8"))
        except (OSError, ValueError) as error:
            yield f"tests/mutants/faults.toml: {error}"


RULES = [
    map_matches_tree,
    names,
    sizes,
    unsafe,
    one_importer_of_the_extension,
    one_file_per_api_key,
    limits_documented,
    lazy_imports,
    no_machine_paths,
    faults_apply,
]


def main() -> int:
    """Apply every rule."""
    files = tracked()
    breaches = [breach for rule in RULES for breach in rule(files)]
    for breach in breaches:
        print(breach)
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
