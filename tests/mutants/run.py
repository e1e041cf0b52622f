"""`make test MUTANTS=1`: plant each fault of `faults.toml` in a copy of the tree and run the test that must notice.

Red is: the test compiled (or was collected), ran, and failed or hung. A fault that does not apply or does not compile, and a
test that is red without it, count as failures of this suite. `--only WORD` runs the faults whose name or file holds it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.mutants.faults import Fault, load

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).resolve().parents[2]
TEST_S_MAX: Final = 180
"""A test that runs longer than this hangs; with a fault planted that is red too."""
NOT_COMPILED: Final = (
    "could not compile",
    "error: no test target",
    "error: package ID",
    "error: unexpected argument",
)
NOTHING_RAN: Final = ("running 0 tests", "no tests ran")


class Tree:
    """A copy of the tree to plant faults in, with a build folder of its own that later runs reuse."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True
        )
        for name in listed.stdout.decode().split("\0"):
            if name and (ROOT / name).is_file():
                (directory / name).parent.mkdir(parents=True, exist_ok=True)
                # Not copy2: with the time of now, cargo takes nothing that an earlier run built from a planted fault for fresh.
                shutil.copy(ROOT / name, directory / name)
        for library in (ROOT / "python" / "headrace").glob("_engine*.so"):
            shutil.copy2(library, directory / "python" / "headrace")
        cache = Path(os.environ.get("CARGO_TARGET_DIR", Path.home() / ".cache" / "headrace" / "target"))
        self.library = directory / "python" / "headrace" / "_engine.abi3.so"
        self.environment = {
            **os.environ,
            "CARGO_TARGET_DIR": str(cache.with_name(f"{cache.name}-mutants")),
            "PYTHONPATH": os.pathsep.join([str(directory / "python"), str(directory)]),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, test: list[str]) -> tuple[str, str]:
        """Run a test; gives `green`, `red`, `hung` or `broken`, and its output."""
        if test[0] == "engine":
            return self._run_built(test[1:])
        rust = test[0] == "cargo"
        command = test if rust else [sys.executable, "-m", "pytest", "-x", *test]
        cwd = self.directory / "engine" if rust else self.directory
        try:
            done = _end_with_children(command, cwd, self.environment)
        except subprocess.TimeoutExpired:
            return "hung", ""
        output = done.stdout
        if done.returncode == 0:
            return ("broken", "no test ran") if _nothing_ran(output) else ("green", output)
        if rust:
            return ("broken" if any(word in output for word in NOT_COMPILED) else "red"), output
        return ("red" if done.returncode == 1 else "broken"), output

    def _run_built(self, test: list[str]) -> tuple[str, str]:
        """Run a Python test with the engine of this tree; afterwards the library is what it was."""
        build = [
            "cargo",
            "build",
            "--quiet",
            "--locked",
            "-p",
            "headrace-py",
            "--features",
            "pyo3/extension-module",
        ]
        built = _end_with_children(build, self.directory / "engine", self.environment)
        if built.returncode != 0:
            return "broken", built.stdout
        before = self.library.read_bytes() if self.library.exists() else None
        self.library.unlink(missing_ok=True)  # a library that is loaded somewhere must not change under it
        shutil.copy2(Path(self.environment["CARGO_TARGET_DIR"]) / "debug" / "lib_engine.so", self.library)
        try:
            return self.run(test)
        finally:
            self.library.unlink()
            if before is not None:
                self.library.write_bytes(before)


def _nothing_ran(output: str) -> bool:
    ran = [line for line in output.splitlines() if line.startswith("running ")]
    if ran:
        return all(line.startswith("running 0 ") for line in ran)
    return "no tests ran" in output


def _end_with_children(
    command: list[str], cwd: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command in a process group of its own, so that a test that hangs leaves nothing behind."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )
    try:
        output, _ = process.communicate(timeout=TEST_S_MAX)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.communicate()
        raise
    return subprocess.CompletedProcess(command, process.returncode, output)


def try_fault(tree: Tree, fault: Fault) -> str:
    """Plant one fault, run its test, take the fault out again; gives what is wrong, or nothing."""
    path = tree.directory / fault.file
    original = path.read_text()
    try:
        planted = fault.planted(original)
    except ValueError as error:
        return str(error)
    path.write_text(planted)
    try:
        outcome, output = tree.run(fault.test)
    finally:
        path.write_text(original)
    if outcome in ("red", "hung"):
        return ""
    if outcome == "green":
        return f"{fault.name}: {' '.join(fault.test)} did not notice"
    return f"{fault.name}: not a test of this fault:\n{output[-1_500:]}"


def main() -> int:
    """All faults, then the count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="faults whose name or file holds this")
    parser.add_argument(
        "--no-base", action="store_true", help="do not check first that every test is green by itself"
    )
    given = parser.parse_args()
    faults = [fault for fault in load() if given.only in fault.name or given.only in fault.file]
    began = time.monotonic()
    wrong: list[str] = []
    found = 0
    with tempfile.TemporaryDirectory(prefix="headrace-mutants-") as directory:
        tree = Tree(Path(directory))
        sick: set[str] = set()
        for test in [] if given.no_base else sorted({" ".join(fault.test) for fault in faults}):
            outcome, output = tree.run(test.split())
            if outcome != "green":
                sick.add(test)
                wrong.append(f"{test} is {outcome} without any fault:\n{output[-1_500:]}")
        for fault in faults:
            if " ".join(fault.test) in sick:
                continue
            at = time.monotonic()
            complaint = try_fault(tree, fault)
            found += not complaint
            print(
                f"{'found' if not complaint else 'MISSED':7} {time.monotonic() - at:6.1f} s  {fault.name}",
                flush=True,
            )
            if complaint:
                wrong.append(complaint)
    for line in wrong:
        print(f"mutants: {line}", file=sys.stderr)
    print(f"{found} of {len(faults)} faults found in {time.monotonic() - began:.0f} s")
    print(f"mutants: {found} passed, {len(faults) - found} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
