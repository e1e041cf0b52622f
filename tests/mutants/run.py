"""`make test MUTANTS=1`: plant each fault of `faults.toml` in a copy of the tree and run the test that must notice.

Red is: the test compiled (or was collected), ran, and failed or hung. A fault that does not apply or does not compile, and a
test that is red without it, count as failures of this suite. `--only WORD` runs the faults whose name or file holds it.
"""

from __future__ import annotations

import argparse
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.mutants.faults import Fault, load

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).resolve().parents[2]
TREES_MAX: Final = 4
"""Faults tried at the same time, on as many cores."""
TEST_S_MAX: Final = 180
"""A test that runs longer than this hangs; with a fault planted that is red too."""
BUILD_S_MAX: Final = 900


class Tree:
    """A copy of the tree to plant faults in, with a build folder of its own, the `number`th, that later runs reuse."""

    def __init__(self, directory: Path, number: int) -> None:
        self.directory = directory
        directory.mkdir()
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
            "CARGO_TARGET_DIR": str(cache.with_name(f"{cache.name}-mutants-{number}")),
            "CARGO_PROFILE_DEV_DEBUG": "false",  # nobody debugs a fault, and so it is built sooner
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
        if rust:
            built = self._build([*test[:2], "--no-run", *test[2:]])
            if built.returncode != 0:
                return "broken", built.stdout
        try:
            done = _end_with_children(command, cwd, self.environment, TEST_S_MAX)
        except subprocess.TimeoutExpired:
            return "hung", ""
        output = done.stdout
        if done.returncode == 0:
            return ("broken", "no test ran") if _nothing_ran(output) else ("green", output)
        return ("red" if rust or done.returncode == 1 else "broken"), output

    def _build(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """What is slow because of the machine must not look like a test that hangs."""
        return _end_with_children(command, self.directory / "engine", self.environment, BUILD_S_MAX)

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
        built = self._build(build)
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
    command: list[str], cwd: Path, environment: Mapping[str, str], limit_s: float
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
        output, _ = process.communicate(timeout=limit_s)
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


def try_test(tree: Tree, test: str, faults: list[Fault]) -> list[str]:
    """Run a test without any fault and then with each of its faults; gives what is wrong."""
    outcome, output = tree.run(test.split())
    if outcome != "green":
        return [f"{test} is {outcome} without any fault:\n{output[-1_500:]}"] * len(faults)
    complaints = []
    for fault in faults:
        began = time.monotonic()
        complaint = try_fault(tree, fault)
        told = "MISSED" if complaint else "found"
        print(f"{told:7} {time.monotonic() - began:6.1f} s  {fault.name}", flush=True)
        complaints += [complaint] if complaint else []
    return complaints


def try_all(directory: Path, faults: list[Fault]) -> list[str]:
    """Every fault, on several trees at the same time; gives what is wrong."""
    by_test: dict[str, list[Fault]] = {}
    for fault in faults:
        by_test.setdefault(" ".join(fault.test), []).append(fault)
    size = min(os.cpu_count() or 1, TREES_MAX)
    free: queue.SimpleQueue[Tree] = queue.SimpleQueue()
    for number in range(size):
        free.put(Tree(directory / str(number), number))

    def one(test: str) -> list[str]:
        tree = free.get()
        try:
            return try_test(tree, test, by_test[test])
        finally:
            free.put(tree)

    with ThreadPoolExecutor(size) as pool:
        return [complaint for complaints in pool.map(one, sorted(by_test)) for complaint in complaints]


def main() -> int:
    """All faults, then the count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="faults whose name or file holds this")
    given = parser.parse_args()
    faults = [fault for fault in load() if given.only in fault.name or given.only in fault.file]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="headrace-mutants-") as directory:
        complaints = try_all(Path(directory), faults)
    for line in dict.fromkeys(complaints):
        print(f"mutants: {line}", file=sys.stderr)
    found = len(faults) - len(complaints)
    print(f"{found} of {len(faults)} faults found in {time.monotonic() - began:.0f} s")
    print(f"mutants: {found} passed, {len(complaints)} failed")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
