"""Moves about classic groups and transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headrace.model.errors import Error
from headrace.wire.messages.k22_init_producer_id import InitProducerIdRequest
from headrace.wire.messages.k65_describe_transactions import DescribeTransactionsRequest
from tests.differential.golden.groups import (
    beaten,
    committed,
    described,
    groups_deleted,
    groups_listed,
    joined,
    left,
    offsets_asked,
    offsets_deleted,
    synced,
)
from tests.differential.golden.records import produced
from tests.differential.golden.transactions import added, ended, group_added, offset_sent, transactions_asked
from tests.differential.walks.moves import (
    MEMBERS,
    TRANSACTIONS,
    Doer,
    Doing,
    Draws,
    Settle,
    group,
    in_version,
    state,
    topic,
)
from tests.differential.walks.of_topics import partition
from tests.differential.world import World, batch

if TYPE_CHECKING:
    from headrace.wire.schema import Message

TIMEOUTS: Final = (60_000, 2_000)
"""Of a member: longer than a walk takes; and how long others are waited for when one joins, which is also how long a member has
for its SyncGroup while the other broker is slow."""
TRANSACTIONAL: Final = 0x10
ENDED: Final = {"Empty", "CompleteCommit", "CompleteAbort", "Ongoing", "Dead", ""}


def member(w: World, draws: Draws) -> tuple[str, str, str, int]:
    """Group, member's name, its id and its generation."""
    its = group(w, draws[0])
    name = f"{its}-m{draws[1] % MEMBERS}"
    return its, name, w.symbol(name, "nobody"), state(w, "generations", {}).get(name, 1)


def entering(w: World, draws: Draws) -> Doing:
    """JoinGroup, with an id if it must have one, and SyncGroup at once: who is late would be thrown out."""
    its, name, _, _ = member(w, draws)
    instance = f"{name}-static" if draws[2] % 4 == 0 else None
    answer = yield in_version(joined(its, "", instance=instance, timeouts=TIMEOUTS), draws[3], low=5)
    if answer.error_code == Error.MEMBER_ID_REQUIRED:
        _captured(w, name, answer.member_id)
        answer = yield in_version(joined(its, answer.member_id, timeouts=TIMEOUTS), draws[3], low=5)
    if answer.error_code == Error.NONE:
        _captured(w, name, answer.member_id)
        state(w, "generations", {})[name] = answer.generation_id
        request = synced(its, answer.member_id, answer.generation_id, instance, answer.member_id)
        yield in_version(request, draws[4], low=3)


def _captured(w: World, name: str, member_id: str) -> None:
    """Of a member that comes again the older id may still be told: each has a name of its own."""
    if w.symbol(name) != member_id:
        ids = state(w, "ids", {})
        ids[name] = ids.get(name, 0) + 1
        w.capture(f"{name} {ids[name]}", member_id)
        w.symbols[name] = member_id


def beating(w: World, draws: Draws) -> Doing:
    """Heartbeat."""
    its, _, member_id, generation = member(w, draws)
    yield in_version(beaten(its, member_id, generation), draws[2])


def leaving(w: World, draws: Draws) -> Doing:
    """LeaveGroup."""
    its, _, member_id, _ = member(w, draws)
    yield in_version(left(its, (member_id, None)), draws[2])


def committing(w: World, draws: Draws) -> Doing:
    """OffsetCommit, of a member or of nobody."""
    its, _, member_id, generation = member(w, draws)
    name = topic(w, draws[2])
    who = (generation, member_id, None) if draws[3] % 3 else (-1, "", None)
    request = committed(w, its, name, offset=draws[4] % 50, member=who, at=(partition(w, name, draws[5]),))
    yield in_version(request, draws[6], low=2, high=9)


def recalling(w: World, draws: Draws) -> Doing:
    """OffsetFetch of a topic."""
    # By name: all that there is stands in the order of a hash map in Kafka.
    yield in_version(offsets_asked(w, group(w, draws[0]), topic(w, draws[1])), draws[3], low=2, high=9)


def forgetting(w: World, draws: Draws) -> Doing:
    """OffsetDelete."""
    yield in_version(offsets_deleted(group(w, draws[0]), topic(w, draws[1])), 0)


def ending(w: World, draws: Draws) -> Doing:
    """DeleteGroups."""
    yield in_version(groups_deleted(group(w, draws[0])), draws[1])


def viewing(w: World, draws: Draws) -> Doing:
    """DescribeGroups or ListGroups."""
    request: Message = described(group(w, draws[0])) if draws[1] % 3 else groups_listed()
    yield in_version(request, draws[2])


# -- transactions -----------------------------------------------------------------------------------------------------


def transaction(w: World, draw: int) -> str:
    """A transactional id."""
    return w.named(f"x{draw % TRANSACTIONS}")


def is_over(name: str) -> Settle:
    """Until no transaction is about to end: where its markers stand then is no matter of time."""

    def done(answer: Any) -> bool:
        return all(one.transaction_state in ENDED for one in answer.transaction_states)

    return Settle(DescribeTransactionsRequest([name]), 0, done)


def beginning(w: World, draws: Draws) -> Doing:
    """InitProducerId of a transactional id; what it left open is aborted."""
    name = transaction(w, draws[0])
    answer = yield in_version(InitProducerIdRequest(name, 600_000), draws[1], high=5)
    yield is_over(name)
    if answer.error_code == Error.NONE:
        w.symbols[f"producer of {name}"] = (answer.producer_id, answer.producer_epoch)
        w.names[answer.producer_id] = f"${{{name}}}"
        state(w, "transactional", {})[name] = {}


def adding(w: World, draws: Draws) -> Doing:
    """AddPartitionsToTxn of a topic's first partition, and a batch there."""
    name, where = transaction(w, draws[0]), topic(w, draws[1])
    answer = yield in_version(added(w, name, where), draws[2], high=3)
    if answer.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code == Error.NONE:
        yield from _batch(w, name, where, draws[3])


def writing(w: World, draws: Draws) -> Doing:
    """A transaction's batch, whether its partition is in it or not; versions that do not add it by themselves."""
    yield from _batch(w, transaction(w, draws[0]), topic(w, draws[1]), draws[2])


def _batch(w: World, name: str, where: str, draw: int) -> Doing:
    producer_id, epoch = w.producer(name)
    sequences = state(w, "transactional", {}).setdefault(name, {})
    place = (w.id(where), epoch)
    begins = sequences.get(place, 0)
    records = batch(begins, 2, (producer_id, epoch, begins), attributes=TRANSACTIONAL)
    request: Any = produced(w, where, records=records)
    request.transactional_id = name
    answer = yield in_version(request, draw, low=3, high=11)
    if answer.responses[0].partition_responses[0].error_code == Error.NONE:
        sequences[place] = begins + 2


def sending_offsets(w: World, draws: Draws) -> Doing:
    """AddOffsetsToTxn, then TxnOffsetCommit."""
    name, its = transaction(w, draws[0]), group(w, draws[1])
    answer = yield in_version(group_added(w, name, its), draws[2], high=3)
    if answer.error_code == Error.NONE:
        yield in_version(offset_sent(w, name, its, topic(w, draws[3])), draws[4], high=4)


def finishing(w: World, draws: Draws) -> Doing:
    """EndTxn, in versions that keep the producer's epoch."""
    name = transaction(w, draws[0])
    yield in_version(ended(w, name, commit=draws[1] % 2 == 0), draws[2], high=4)
    yield is_over(name)


def inquiring(w: World, draws: Draws) -> Doing:
    """DescribeTransactions."""
    yield in_version(transactions_asked(transaction(w, draws[0])), 0)


MOVES: Final[dict[str, tuple[int, Doer]]] = {
    "JoinGroup": (2, entering),
    "Heartbeat": (3, beating),
    "LeaveGroup": (2, leaving),
    "OffsetCommit": (8, committing),
    "OffsetFetch": (6, recalling),
    "OffsetDelete": (1, forgetting),
    "DeleteGroups": (1, ending),
    "DescribeGroups": (4, viewing),
    "InitProducerId, transactional": (3, beginning),
    "AddPartitionsToTxn": (7, adding),
    "Produce, transactional": (2, writing),
    "TxnOffsetCommit": (3, sending_offsets),
    "EndTxn": (5, finishing),
    "DescribeTransactions": (2, inquiring),
}
"""By name: how often among all, and what is done."""
