"""The command `headrace`: picks the group of commands, and is the one place where failures become sentences.

`headrace start` is parsed with argparse, so that a broker pays for no command-line library; every other group is a typer
app of its own module, imported only when it is named (`headrace.cli.app`).
"""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING

from headrace.cli.report import report
from headrace.model.failure import ExitCode, Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130
"""What a shell expects of a command that Ctrl-C ended."""
READER_GONE = 141
"""What a shell expects of a command whose reader went away (`| head`)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; gives the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _dispatch(words)
        sys.stdout.flush()
        return code
    except Failure as failure:
        report(failure, as_json="--json" in words)
        return failure.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return READER_GONE
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _drop_output()
        report(Failure("cannot write", "no space left", "free some"), as_json="--json" in words)
        return ExitCode.FAILED


def _drop_output() -> None:
    """What is still buffered must not fail again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _dispatch(words: list[str]) -> int:
    if words[:1] == ["start"]:
        from headrace.cli.start import start

        return start(words[1:])
    if words[:1] in (["--version"], ["version"]):
        from importlib.metadata import version

        sys.stdout.write(f"headrace {version('headrace')}\n")
        return ExitCode.OK
    from headrace.cli.app import run

    return run(words)


if __name__ == "__main__":
    sys.exit(main())
