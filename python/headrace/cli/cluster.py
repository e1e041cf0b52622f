"""`headrace cluster`: what the cluster consists of and whether it is well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from headrace.cli.connect import (
    DEFAULT_BOOTSTRAP,
    Bootstrap,
    Json,
    counted,
    on_cluster,
    print_json,
    print_table,
    say,
)
from headrace.model.failure import ExitCode

if TYPE_CHECKING:
    from headrace.client.cluster import Cluster

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def cluster() -> None:
    """What the cluster consists of and whether it is well."""


@app.command("status")
def status(bootstrap: Bootstrap = DEFAULT_BOOTSTRAP, as_json: Json = False) -> int:
    """Brokers, controller and partitions. Exit code 1 when a partition has no leader or lacks replicas."""
    found = on_cluster(bootstrap, _status)
    if as_json:
        print_json(found)
    else:
        say(f"cluster {found['cluster_id']}  {'healthy' if found['healthy'] else 'NOT HEALTHY'}")
        counts = [counted(found[f"{thing}s"], thing) for thing in ("topic", "partition", "group")]
        say("  " + ", ".join(counts))
        for what in ("without_leader", "lacking_replicas"):
            if found[what]:
                say(f"  {what.replace('_', ' ')}: {', '.join(found[what])}")
        rows = [
            (row["id"], row["address"], row["rack"], "yes" if row["controller"] else "", row["answers"])
            for row in found["brokers"]
        ]
        print_table(("BROKER", "ADDRESS", "RACK", "CONTROLLER", "ANSWERS"), rows)
    return ExitCode.OK if found["healthy"] else ExitCode.FAILED


async def _status(cluster: Cluster) -> dict[str, Any]:
    from headrace.client.failures import Unreachable
    from headrace.client.groups import list_groups

    state = await cluster.state()
    answers: dict[int, str] = {}
    for broker in state.brokers:
        try:
            await cluster.broker(broker.node_id)
            answers[broker.node_id] = "yes"
        except Unreachable as unreachable:
            answers[broker.node_id] = f"no: {unreachable.detail}"
    all_answer = set(answers.values()) == {"yes"}
    partitions = [(topic.name, row) for topic in state.topics for row in topic.partitions]
    without_leader = [f"{name}-{row.number}" for name, row in partitions if row.leader < 0]
    lacking = [f"{name}-{row.number}" for name, row in partitions if len(row.in_sync) < len(row.replicas)]
    return {
        "cluster_id": state.cluster_id,
        "healthy": all_answer and not without_leader and not lacking,
        "topics": sum(1 for topic in state.topics if not topic.internal),
        "partitions": len(partitions),
        "groups": len(await list_groups(cluster)) if all_answer else None,
        "without_leader": without_leader,
        "lacking_replicas": lacking,
        "brokers": [
            {
                "id": broker.node_id,
                "address": str(broker.address),
                "rack": broker.rack,
                "controller": broker.node_id == state.controller_id,
                "answers": answers[broker.node_id],
            }
            for broker in state.brokers
        ],
    }
