"""All command groups but `start`, each in a module of its own that is imported when it is named."""

from __future__ import annotations

import importlib
import os
from typing import Final

import typer

from headrace.model.failure import ExitCode, Failure

GROUPS: Final = {
    "topic": "Make, change, list and delete topics; write and read their records.",
    "group": "List and describe consumer groups, move or delete their offsets.",
    "cluster": "What the cluster consists of and whether it is well.",
    "config": "Read and change settings; check and import configuration files.",
    "doctor": "Connect as a client would and name what is wrong.",
    "demo": "A year of flights through a broker that is killed in the middle.",
    "generate": "Completion for your shell.",
}
"""Command groups in the order of `headrace --help`; `headrace.cli.NAME` holds `app`."""

USAGE_ERROR: Final[type[Exception]] = typer.BadParameter.__mro__[1]
"""What typer raises for a command line it cannot take; it exports only this heir of it."""

START_HELP: Final = "Run a broker in the foreground."


def run(words: list[str]) -> int:
    """Run a command line; gives the exit code. Raises `Failure`."""
    completing = "_HEADRACE_COMPLETE" in os.environ
    named = next((word for word in words if word in GROUPS), None)
    application = build(list(GROUPS) if completing or named is None else [named], completing=completing)
    try:
        outcome = application(words, prog_name="headrace", standalone_mode=False)
    except typer.Abort as cause:
        raise Failure("stopped", "the question was not answered", "add --yes to skip it") from cause
    except USAGE_ERROR as mistake:
        if type(mistake).__name__ == "NoArgsIsHelpError":
            typer.echo(str(mistake.args[0]))
            return ExitCode.USAGE
        detail = _said(mistake).rstrip(".").replace("\n", " ")
        hint = f"see headrace {named} --help" if named else "see headrace --help"
        raise Failure("bad command line", detail, hint, ExitCode.USAGE) from mistake
    return outcome if isinstance(outcome, int) else ExitCode.OK


def _said(mistake: Exception) -> str:
    say = getattr(mistake, "format_message", None)
    return str(say() if say is not None else mistake)


def build(names: list[str], *, completing: bool = False) -> typer.Typer:
    """The application with these groups."""
    application = typer.Typer(
        name="headrace",
        help="A streaming storage engine that speaks the Kafka protocol.",
        no_args_is_help=True,
        add_completion=completing,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    application.command("start", help=START_HELP)(_start_is_elsewhere)
    for name in names:
        module = importlib.import_module(f"headrace.cli.{name}")
        application.add_typer(module.app, name=name, help=GROUPS[name])
    return application


def _start_is_elsewhere() -> None:
    """Listed here for help and completion; `headrace.cli.__main__` runs it without typer."""
