"""`headrace group`: list and describe consumer groups, move or delete their offsets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from headrace.cli.connect import (
    DEFAULT_BOOTSTRAP,
    Bootstrap,
    Json,
    named,
    on_cluster,
    print_json,
    print_table,
    say,
)
from headrace.cli.consume import timestamp_of
from headrace.cli.report import outside
from headrace.model.failure import ExitCode, Failure

if TYPE_CHECKING:
    from headrace.client.cluster import Cluster

PLACES: Final = (
    "start, end, an offset, +N or -N (from the stored offset), or @TIME (ms since 1970 or ISO 8601)"
)

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Group = Annotated[str | None, typer.Argument(metavar="GROUP", show_default=False)]
GroupOption = Annotated[str | None, typer.Option("--group", hidden=True)]


@app.command("list")
def list_groups(bootstrap: Bootstrap = DEFAULT_BOOTSTRAP, as_json: Json = False) -> None:
    """List groups."""
    from headrace.client import groups

    rows = on_cluster(bootstrap, groups.list_groups)
    if as_json:
        print_json([row._asdict() for row in rows])
    else:
        print_table(
            ("GROUP", "STATE", "TYPE", "PROTOCOL", "COORDINATOR"),
            [
                (row.group_id, row.state, row.type or "-", row.protocol_type or "-", row.coordinator)
                for row in rows
            ],
        )


@app.command("describe")
def describe(
    group: Group = None,
    group_option: GroupOption = None,
    bootstrap: Bootstrap = DEFAULT_BOOTSTRAP,
    as_json: Json = False,
) -> None:
    """Show members, stored offsets and lag."""
    name = named(group, group_option, "group")
    found = on_cluster(bootstrap, lambda cluster: _describe(cluster, name))
    if as_json:
        print_json(found)
        return
    say(f"group {name}  {found['state']}  {len(found['members'])} members  lag {found['lag']}")
    heads = ("TOPIC", "PARTITION", "OFFSET", "END", "LAG", "MEMBER", "HOST")
    rows = [list(row.values()) for row in found["partitions"]]
    idle = [member for member in found["members"] if not member["assigned"]]
    print_table(heads, rows + [[*[None] * 5, member["member_id"], member["host"]] for member in idle])


async def _describe(cluster: Cluster, name: str) -> dict[str, Any]:
    from headrace.client import groups, modern_groups, topics

    state = await modern_groups.describe(cluster, name) or await groups.describe(cluster, name)
    if state.protocol_type == modern_groups.SHARE:
        stored = await modern_groups.share_offsets(cluster, name)
    else:
        stored = await groups.offsets(cluster, name)
    if state.state == "Dead" and not stored:
        raise Failure(f"no group {name}", "the cluster does not know it", "see headrace group list")
    owners = {partition: member for member in state.members for partition in member.assigned}
    wanted = sorted({*stored, *owners})
    everything = (await cluster.state()).topics
    known = [topic for topic in everything if topic.name in {topic for topic, _ in wanted}]
    ends = await topics.offsets(cluster, known, topics.LATEST)
    rows = []
    for topic, index in wanted:
        offset = stored[topic, index].offset if (topic, index) in stored else None
        end = ends.get((topic, index))
        owner = owners.get((topic, index))
        rows.append(
            {
                "topic": topic,
                "partition": index,
                "offset": offset,
                "end": end,
                "lag": None if offset is None or end is None else max(0, end - offset),
                "member": owner.member_id if owner else None,
                "host": owner.host if owner else None,
            }
        )
    return {
        "group": name,
        "state": state.state,
        "protocol": state.protocol,
        "lag": sum(row["lag"] or 0 for row in rows),
        "members": [member._asdict() for member in state.members],
        "partitions": rows,
    }


@app.command("seek")
def seek(
    group: Group = None,
    to: Annotated[str, typer.Option("--to", metavar="PLACE", help=f"{PLACES}.")] = "",
    topic: Annotated[
        list[str] | None,
        typer.Option("--topic", "--topics", help="TOPIC or TOPIC:PARTITION; default: all stored."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be stored.")] = False,
    group_option: GroupOption = None,
    bootstrap: Bootstrap = DEFAULT_BOOTSTRAP,
    as_json: Json = False,
) -> None:
    """Move the stored offsets of a group that has no members."""
    from headrace.client import groups

    name = named(group, group_option, "group")
    if not to:
        raise Failure("bad command line", "no place to seek to", f"add --to with {PLACES}", ExitCode.USAGE)

    async def act(cluster: Cluster) -> list[dict[str, Any]]:
        before = await groups.offsets(cluster, name)
        after = await _targets(cluster, name, to, topic or [], {tp: s.offset for tp, s in before.items()})
        if after and not dry_run:
            await groups.store_offsets(cluster, name, after)
        return [
            {
                "topic": t,
                "partition": p,
                "before": before[t, p].offset if (t, p) in before else None,
                "after": offset,
            }
            for (t, p), offset in sorted(after.items())
        ]

    rows = on_cluster(bootstrap, act)
    if as_json:
        print_json({"group": name, "dry_run": dry_run, "partitions": rows})
    else:
        print_table(("TOPIC", "PARTITION", "BEFORE", "AFTER"), [list(row.values()) for row in rows])


async def _targets(
    cluster: Cluster, group: str, to: str, only: list[str], stored: dict[tuple[str, int], int]
) -> dict[tuple[str, int], int]:
    """The offset to store for each partition, kept inside its log."""
    from headrace.client import topics

    names = sorted({word.partition(":")[0] for word in only} or {topic for topic, _ in stored})
    if not names:
        raise Failure(
            f"nothing to seek in group {group}", "it has stored no offsets", "name topics with --topic"
        )
    states = (await cluster.state(names)).topics
    chosen = {
        (state.name, row.number)
        for state in states
        for row in state.partitions
        if (
            state.name in only or f"{state.name}:{row.number}" in only
            if only
            else (state.name, row.number) in stored
        )
    }
    if not chosen:
        raise Failure(
            f"nothing to seek in group {group}",
            f"no partition is {', '.join(only)}",
            "see headrace topic describe",
        )
    low = await topics.offsets(cluster, states, topics.EARLIEST)
    high = await topics.offsets(cluster, states, topics.LATEST)
    timed = await topics.offsets(cluster, states, timestamp_of(to[1:])) if to.startswith("@") else {}

    def target(partition: tuple[str, int]) -> int:
        if to in ("start", "earliest", "beginning"):
            return low[partition]
        if to in ("end", "latest"):
            return high[partition]
        if to.startswith("@"):
            return timed[partition] if timed[partition] >= 0 else high[partition]
        try:
            number = int(to)
        except ValueError as cause:
            raise Failure("bad option --to", repr(to), f"write {PLACES}", ExitCode.USAGE) from cause
        return stored.get(partition, low[partition]) + number if to[0] in "+-" else number

    found = {}
    for partition in sorted(chosen):
        asked = target(partition)
        found[partition] = min(max(asked, low[partition]), high[partition])
        if found[partition] != asked:
            name, number = partition
            outside(name, number, asked, low[partition], high[partition])
    return found


@app.command("delete")
def delete(
    group: Annotated[list[str], typer.Argument(metavar="GROUP...", show_default=False)],
    topic: Annotated[
        list[str] | None, typer.Option("--topic", help="Only the offsets of this topic; repeatable.")
    ] = None,
    bootstrap: Bootstrap = DEFAULT_BOOTSTRAP,
    as_json: Json = False,
) -> None:
    """Delete groups without members, or offsets of some topics."""
    from headrace.client import groups

    async def act(cluster: Cluster) -> None:
        for name in group:
            if topic:
                stored = await groups.offsets(cluster, name)
                await groups.delete_offsets(cluster, name, [tp for tp in stored if tp[0] in topic])
            else:
                await groups.delete(cluster, name)

    on_cluster(bootstrap, act)
    if as_json:
        print_json({"deleted": group, "topics": topic})
    else:
        for name in group:
            say(f"deleted {'offsets of ' if topic else ''}{name}")
