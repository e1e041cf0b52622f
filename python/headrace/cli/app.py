"""All command groups but `start`, each in a module of its own that is imported when it is named."""

from __future__ import annotations

import importlib
import os
from typing import Final

import typer

from headrace.model.failure import ExitCode, Failure

GROUPS: Final = {
    "doctor": "Connect as a client would and name what is wrong.",
    "demo": "A year of flights through a broker that is killed in the middle.",
    "topic": "Make, list, change and delete topics; write and read records.",
    "group": "List and describe consumer groups, move or delete offsets.",
    "cluster": "What the cluster consists of and whether it is well.",
    "config": "Read and change settings; check and import configuration files.",
    "debug": "What a broker says on the wire, beside what it should say.",
    "generate": "Completion for your shell.",
}
"""Command groups in the order of `headrace --help`; `headrace.cli.NAME` holds `app`, or `command` if it is one command."""

USAGE_ERROR: Final[type[Exception]] = typer.BadParameter.__mro__[1]
"""What typer raises for a command line it cannot take; it exports only this heir of it."""

START_HELP: Final = "Run a broker in the foreground."
EPILOG: Final = """`headrace --version` says which version this is.

Exit codes: 0 done, 1 failed, 2 bad command line or setting, 3 data directory refused, 4 address in use, 130 Ctrl-C."""


def run(words: list[str]) -> int:
    """Run a command line; gives the exit code. Raises `Failure`."""
    completing = "_HEADRACE_COMPLETE" in os.environ
    named = next((word for word in words if word in GROUPS), None)
    application = build(list(GROUPS) if completing or named is None else [named], completing=completing)
    try:
        outcome = application(words, prog_name="headrace", standalone_mode=False)
    except typer.Abort as cause:
        raise Failure("stopped", "the question was not answered", "add --yes to skip it") from cause
    except SystemExit as ended:  # typer's answer to a reader that went away; ours is in `__main__`
        if isinstance(ended.__context__, BrokenPipeError):
            raise ended.__context__ from None
        raise
    except USAGE_ERROR as mistake:
        if type(mistake).__name__ == "NoArgsIsHelpError":
            typer.echo(str(mistake.args[0]))
            return ExitCode.USAGE
        detail = _said(mistake).rstrip(".").replace("\n", " ")
        context = getattr(mistake, "ctx", None)
        hint = f"see {context.command_path if context else 'headrace'} --help"
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
        epilog=EPILOG,
        no_args_is_help=True,
        add_completion=completing,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    application.command("start", help=START_HELP)(_start_is_elsewhere)
    for name in names:
        module = importlib.import_module(f"headrace.cli.{name}")
        if hasattr(module, "command"):
            application.command(name, help=f"{GROUPS[name]}\n\n{module.command.__doc__}")(module.command)
        else:
            application.add_typer(module.app, name=name, help=GROUPS[name])
    return application


def _start_is_elsewhere() -> None:
    """Listed here for help and completion; `headrace.cli.__main__` runs it without typer."""
