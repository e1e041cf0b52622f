"""`headrace topic`: make, change, list and delete topics; write and read their records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from headrace.cli.connect import (
    DEFAULT_BOOTSTRAP,
    Bootstrap,
    Json,
    TopicOption,
    human_bytes,
    named,
    on_cluster,
    pairs,
    print_json,
    print_table,
    raise_all,
    say,
)
from headrace.cli.consume import consume
from headrace.cli.produce import produce
from headrace.model.failure import ExitCode, Failure

if TYPE_CHECKING:
    from headrace.client.cluster import Cluster, TopicState

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.command("produce")(produce)
app.command("consume")(consume)

Name = Annotated[str | None, typer.Argument(metavar="TOPIC", show_default=False)]
Names = Annotated[list[str] | None, typer.Argument(metavar="TOPIC...", show_default=False)]


@app.command("create")
def create(
    topic: Names = None,
    partitions: Annotated[int, typer.Option("--partitions", "-p", help="-1: the broker's default.")] = -1,
    replicas: Annotated[
        int, typer.Option("--replicas", "--replication-factor", "-r", help="-1: the broker's default.")
    ] = -1,
    config: Annotated[
        list[str] | None,
        typer.Option("--config", "-c", metavar="KEY=VALUE", help="A topic setting; repeatable."),
    ] = None,
    if_not_exists: Annotated[bool, typer.Option("--if-not-exists", help="Fine if it is there.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Let the cluster check it, make nothing.")
    ] = False,
    topic_option: TopicOption = None,
    bootstrap: Bootstrap = DEFAULT_BOOTSTRAP,
    as_json: Json = False,
) -> None:
    """Make topics."""
    from headrace.client import topics
    from headrace.client.failures import Refused
    from headrace.model.errors import Error

    names = topic or [named(None, topic_option)]
    configs = pairs(config or [], "--config")
    made: list[str] = []

    there: list[str] = []

    async def act(cluster: Cluster) -> list[Refused]:
        refusals: list[Refused] = []
        for name in names:
            try:
                await topics.create(cluster, name, partitions, replicas, configs, validate_only=dry_run)
                made.append(name)
            except Refused as refused:
                if if_not_exists and refused.error is Error.TOPIC_ALREADY_EXISTS:
                    there.append(name)
                else:
                    refusals.append(refused)
        return refusals

    refusals = on_cluster(bootstrap, act)
    if as_json:
        print_json({"created": [] if dry_run else made})
    else:
        for name in made:
            say(f"{'could create' if dry_run else 'created'} {name}")
        for name in there:
            say(f"already there: {name}")
    raise_all(refusals, as_json=as_json)


@app.command("list")
def list_topics(
    internal: Annotated[bool, typer.Option("--internal", "-i", help="Internal topics too.")] = False,
    exclude_internal: Annotated[bool, typer.Option("--exclude-internal", hidden=True)] = False,
    bootstrap: Bootstrap = DEFAULT_BOOTSTRAP,
    as_json: Json = False,
) -> None:
    """List topics."""
    state = on_cluster(bootstrap, lambda cluster: cluster.state())
    shown = [topic for topic in state.topics if (internal and not exclude_internal) or not topic.internal]
    if as_json:
        print_json([_summary(topic) for topic in shown])
    else:
        print_table(
            ("TOPIC", "PARTITIONS", "REPLICAS"), [list(_summary(topic).values())[:3] for topic in shown]
        )


@app.command("describe")
def describe(
    topic: Names = None,
    topic_option: TopicOption = None,
    bootstrap: Bootstrap = DEFAULT_BOOTSTRAP,
    as_json: Json = False,
) -> None:
    """Show partitions, offsets, sizes and changed settings."""
    names = topic or [named(None, topic_option)]
    described = on_cluster(bootstrap, lambda cluster: _describe(cluster, names))
    if as_json:
        print_json(described)
        return
    for found in described:
        say(
            f"topic {found['name']}  id {found['id']}  {human_bytes(sum(p['bytes'] or 0 for p in found['partitions']))}"
        )
        for name, value in found["configs"].items():
            say(f"  {name} = {value}")
        heads = ("PARTITION", "LEADER", "EPOCH", "REPLICAS", "IN-SYNC", "START", "END", "BYTES")
        print_table(heads, [list(partition.values()) for partition in found["partitions"]])


async def _describe(cluster: Cluster, names: list[str]) -> list[dict[str, Any]]:
    import base64

    from headrace.client import configs, topics

    state = await cluster.state(names)
    starts = await topics.offsets(cluster, state.topics, topics.EARLIEST)
    ends = await topics.offsets(cluster, state.topics, topics.LATEST)
    sizes = await topics.sizes(cluster)
    found = []
    for topic in state.topics:
        settings = await configs.describe(cluster, configs.Resource.TOPIC, topic.name)
        found.append(
            {
                "name": topic.name,
                "id": base64.urlsafe_b64encode(topic.topic_id).rstrip(b"=").decode(),
                "internal": topic.internal,
                "configs": {s.name: s.value for s in settings if s.is_own},
                "partitions": [
                    {
                        "partition": row.number,
                        "leader": row.leader,
                        "epoch": row.epoch,
                        "replicas": list(row.replicas),
                        "in_sync": list(row.in_sync),
                        "start": starts.get((topic.name, row.number)),
                        "end": ends.get((topic.name, row.number)),
                        "bytes": sizes.get((topic.name, row.number)),
                    }
                    for row in topic.partitions
                ],
            }
        )
    return found


@app.command("delete")
def delete(
    topic: Names = None,
    if_exists: Annotated[bool, typer.Option("--if-exists", help="Fine if it is not there.")] = False,
    topic_option: TopicOption = None,
    bootstrap: Bootstrap = DEFAULT_BOOTSTRAP,
    as_json: Json = False,
) -> None:
    """Delete topics and their records."""
    from headrace.client import topics
    from headrace.client.failures import Refused
    from headrace.model.errors import Error

    names = topic or [named(None, topic_option)]
    gone: list[str] = []

    async def act(cluster: Cluster) -> list[Refused]:
        refusals: list[Refused] = []
        for name in names:
            try:
                await topics.delete(cluster, name)
                gone.append(name)
            except Refused as refused:
                if not (if_exists and refused.error is Error.UNKNOWN_TOPIC_OR_PARTITION):
                    refusals.append(refused)
        return refusals

    refusals = on_cluster(bootstrap, act)
    if as_json:
        print_json({"deleted": gone})
    else:
        for name in gone:
            say(f"deleted {name}")
    raise_all(refusals, as_json=as_json)


@app.command("alter")
def alter(
    topic: Name = None,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", "--add-config", "--config", metavar="KEY=VALUE", help="Set; repeatable."),
    ] = None,
    unset: Annotated[
        list[str] | None,
        typer.Option(
            "--unset", "--delete-config", "-d", metavar="KEY", help="Back to the default; repeatable."
        ),
    ] = None,
    partitions: Annotated[
        int | None, typer.Option("--partitions", "-p", help="Have this many; only upwards.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Let the cluster check it, change nothing.")
    ] = False,
    topic_option: TopicOption = None,
    bootstrap: Bootstrap = DEFAULT_BOOTSTRAP,
    as_json: Json = False,
) -> None:
    """Change settings or the number of partitions."""
    from headrace.client import configs, topics

    name = named(topic, topic_option)
    changes = [configs.Change(configs.Operation.SET, *pair) for pair in pairs(change or [], "--set").items()]
    changes += [configs.Change(configs.Operation.DELETE, key) for key in unset or []]
    if not changes and partitions is None:
        raise Failure(
            "bad command line", "nothing to change", "add --set, --unset or --partitions", ExitCode.USAGE
        )

    async def act(cluster: Cluster) -> None:
        if changes:
            await configs.alter(cluster, configs.Resource.TOPIC, name, changes, validate_only=dry_run)
        if partitions is not None and not dry_run:
            await topics.add_partitions(cluster, name, partitions)

    on_cluster(bootstrap, act)
    if as_json:
        print_json({"altered": name, "dry_run": dry_run})
    else:
        say(f"{'could change' if dry_run else 'changed'} {name}")


@app.command("add-partitions")
def add_partitions(
    topic: Name = None,
    number: Annotated[int | None, typer.Option("--num", "-n", min=1, help="How many more.")] = None,
    total: Annotated[int | None, typer.Option("--total", min=1, help="How many there shall be.")] = None,
    topic_option: TopicOption = None,
    bootstrap: Bootstrap = DEFAULT_BOOTSTRAP,
    as_json: Json = False,
) -> None:
    """Add partitions. Keys move: records written later may land elsewhere than those before."""
    from headrace.client import topics

    name = named(topic, topic_option)
    if (number is None) == (total is None):
        raise Failure("bad command line", "say either --num or --total", "see --help", ExitCode.USAGE)

    async def act(cluster: Cluster) -> int:
        wanted = total
        if wanted is None:
            (state,) = (await cluster.state([name])).topics
            wanted = len(state.partitions) + (number or 0)
        await topics.add_partitions(cluster, name, wanted)
        return wanted

    have = on_cluster(bootstrap, act)
    if as_json:
        print_json({"topic": name, "partitions": have})
    else:
        say(f"{name} has {have} partitions")


def _summary(topic: TopicState) -> dict[str, Any]:
    return {
        "name": topic.name,
        "partitions": len(topic.partitions),
        "replicas": max((len(row.replicas) for row in topic.partitions), default=0),
        "internal": topic.internal,
    }
