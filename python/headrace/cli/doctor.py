"""`headrace doctor`: connect as a client would, look at this machine, and name what is wrong."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated

import typer

from headrace.cli.connect import DEFAULT_BOOTSTRAP, Bootstrap, Json, print_json, say
from headrace.model.failure import ExitCode


def command(
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", help="Where to look at the disk, if not where the broker says."),
    ] = None,
    bootstrap: Bootstrap = DEFAULT_BOOTSTRAP,
    as_json: Json = False,
) -> int:
    """Check address, advertised address, disk, syncs, clock and descriptors. Exit code 1 if anything is wrong."""
    from headrace.cli.checkup import check_all

    findings = check_all(bootstrap, data_dir)
    if as_json:
        print_json([finding._asdict() for finding in findings])
    else:
        for finding in findings:
            say(f"{'ok   ' if finding.ok else 'WRONG'}  {finding.what}: {finding.detail}")
            if finding.hint:
                say(f"       {finding.hint}")
    return ExitCode.OK if all(finding.ok for finding in findings) else ExitCode.FAILED
