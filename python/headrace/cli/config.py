"""`headrace config`: read and change settings of a running cluster; check and import configuration files."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated, Any

import typer

from headrace.cli.connect import (
    DEFAULT_BOOTSTRAP,
    Bootstrap,
    Json,
    counted,
    on_cluster,
    pairs,
    print_json,
    print_table,
    say,
)
from headrace.model.failure import ExitCode, Failure

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Topic = Annotated[str | None, typer.Option("--topic", "-t", help="Settings of this topic.")]
Broker = Annotated[
    int | None, typer.Option("--broker", help="Settings of this broker; default: the controller's.")
]
Group = Annotated[str | None, typer.Option("--group", "-g", help="Settings of this group.")]


@app.command("get")
def get(
    name: Annotated[list[str] | None, typer.Argument(metavar="[KEY]...", show_default=False)] = None,
    topic: Topic = None,
    broker: Broker = None,
    group: Group = None,
    everything: Annotated[bool, typer.Option("--all", "-a", help="Defaults too.")] = False,
    bootstrap: Bootstrap = DEFAULT_BOOTSTRAP,
    as_json: Json = False,
) -> None:
    """Show settings: those that were set, all, or the named ones."""
    from headrace.client import configs

    async def act(cluster: Any) -> list[configs.Setting]:
        kind, resource = _resource(topic, broker, group)
        if kind is configs.Resource.BROKER and not resource:
            resource = str((await cluster.state([])).controller_id)
        return await configs.describe(cluster, kind, resource, documentation=bool(name))

    settings = on_cluster(bootstrap, act)
    by_name = {setting.name: setting for setting in settings}
    if missing := [key for key in name or [] if key not in by_name]:
        from headrace.config.catalog import nearest

        close = nearest(missing[0], by_name)
        raise Failure(
            "unknown setting", missing[0], f"did you mean {close}?" if close else "see --all", ExitCode.USAGE
        )
    shown = (
        [by_name[key] for key in name] if name else [s for s in settings if everything or not s.is_default]
    )
    if as_json:
        print_json([setting._asdict() | {"source": setting.source.name.lower()} for setting in shown])
    elif name:
        for setting in shown:
            say(f"{setting.name} = {_shown(setting)}  ({setting.source.name.lower()})")
            if setting.documentation:
                say(f"  {setting.documentation}")
    else:
        rows = [(s.name, _shown(s), s.source.name.lower(), "read-only" if s.read_only else "") for s in shown]
        print_table(("SETTING", "VALUE", "SOURCE", ""), rows)


@app.command("set")
def set_values(
    change: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE...", show_default=False)] = None,
    unset: Annotated[
        list[str] | None, typer.Option("--unset", metavar="KEY", help="Back to the default.")
    ] = None,
    topic: Topic = None,
    broker: Annotated[
        int | None, typer.Option("--broker", help="Only this broker; default: the cluster.")
    ] = None,
    group: Group = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Let the cluster check it, change nothing.")
    ] = False,
    bootstrap: Bootstrap = DEFAULT_BOOTSTRAP,
    as_json: Json = False,
) -> None:
    """Change settings while the cluster runs."""
    from headrace.client import configs

    changes = [
        configs.Change(configs.Operation.SET, *pair)
        for pair in pairs(change or [], "headrace config set").items()
    ]
    changes += [configs.Change(configs.Operation.DELETE, key) for key in unset or []]
    if not changes:
        raise Failure(
            "bad command line", "nothing to change", "name KEY=VALUE or --unset KEY", ExitCode.USAGE
        )
    kind, resource = _resource(topic, broker, group)
    on_cluster(
        bootstrap, lambda cluster: configs.alter(cluster, kind, resource, changes, validate_only=dry_run)
    )
    if as_json:
        print_json({"changed": [] if dry_run else [c.name for c in changes], "dry_run": dry_run})
    else:
        say(f"{'could change' if dry_run else 'changed'} {', '.join(c.name for c in changes)}")


@app.command("lint")
def lint(file: Annotated[Path, typer.Argument(metavar="FILE")], as_json: Json = False) -> int:
    """Check a configuration file. Exit code 2 if a broker would not start with it."""
    from headrace.cli.config_file import inspect

    report = inspect(file)
    if as_json:
        print_json({"errors": report.errors, "notes": report.notes, "settings": report.settings})
    else:
        for text in report.errors:
            say(f"error: {text}")
        for text in report.notes:
            say(f"note: {text}")
        say(f"{counted(len(report.settings), 'setting')}, {counted(len(report.errors), 'error')}")
    return ExitCode.USAGE if report.errors else ExitCode.OK


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="server.properties")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write here instead of stdout.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Turn Kafka's server.properties into a configuration file of ours.

    What has no meaning here is left out and named.
    """
    from headrace.cli.config_file import inspect, to_toml

    report = inspect(file, lenient=True)
    text = to_toml(report.settings, file.name, report.dropped)
    if output is not None:
        if output.exists():
            raise Failure(f"cannot write {output}", "it exists", "choose another name or remove it")
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise Failure(
                f"cannot write {output}", error.strerror or "", "choose another place with -o"
            ) from error
    if as_json:
        print_json(
            {
                "settings": report.settings,
                "dropped": report.dropped,
                "errors": report.errors,
                "notes": report.notes,
                "output": output,
            }
        )
        return
    if output is None:
        sys.stdout.write(text)
    else:
        for name, why in report.dropped.items():
            sys.stderr.write(f"left out {name}: {why}\n")
    for text in [*report.errors, *report.notes]:
        sys.stderr.write(f"to do: {text}\n")


def _resource(topic: str | None, broker: int | None, group: str | None) -> tuple[Any, str]:
    from headrace.client.configs import Resource

    if sum(given is not None for given in (topic, broker, group)) > 1:
        raise Failure(
            "bad command line", "more than one of --topic, --broker, --group", "give one", ExitCode.USAGE
        )
    if topic is not None:
        return Resource.TOPIC, topic
    if group is not None:
        return Resource.GROUP, group
    return Resource.BROKER, "" if broker is None else str(broker)


def _shown(setting: Any) -> str:
    return "(hidden)" if setting.sensitive else "(none)" if setting.value is None else str(setting.value)
