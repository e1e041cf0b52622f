"""`make check`: format, lint, types and architecture; prints what fails and the seconds each took."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
ENGINE = ROOT / "engine"

CHECKS: list[tuple[str, list[str], Path]] = [
    ("rustfmt", ["cargo", "fmt", "--check"], ENGINE),
    (
        "clippy",
        ["cargo", "clippy", "--quiet", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"],
        ENGINE,
    ),
    (
        "ruff format",
        [str(BIN / "ruff"), "format", "--check", "--quiet", "python", "tests", "tools", "bench"],
        ROOT,
    ),
    ("ruff", [str(BIN / "ruff"), "check", "--quiet", "python", "tests", "tools", "bench"], ROOT),
    ("mypy", [str(BIN / "mypy"), "--no-error-summary"], ROOT),
    ("stubtest", [str(BIN / "stubtest"), "headrace._engine", "--ignore-disjoint-bases"], ROOT),
    ("imports", [str(BIN / "lint-imports"), "--no-cache"], ROOT),
    ("messages", [str(BIN / "python"), "tools/gen_messages.py", "--check"], ROOT),
    ("tidy", [str(BIN / "python"), "tools/tidy.py"], ROOT),
]


def main() -> int:
    """Run every check, also after one failed; the exit code says whether all passed."""
    failed = []
    for name, command, cwd in CHECKS:
        began = time.monotonic()
        done = subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True)
        ok = done.returncode == 0
        print(f"{name:12} {'ok' if ok else 'FAILED':6} {time.monotonic() - began:5.1f} s", flush=True)
        if not ok:
            failed.append(name)
            print((done.stdout + done.stderr).rstrip(), flush=True)
    if failed:
        print(f"headrace: make check failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
