"""What adding and removing a voter share: the checks that come first, in Kafka's order and words (KIP-853)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.controller.decide_features import KRAFT_VERSION
from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.schema import NULL_UUID

if TYPE_CHECKING:
    from headrace.handlers.call import Call

CONTROLLER_LISTENER: Final = "CONTROLLER"


def check_voter(call: Call, verb: str, cluster_id: str | None, voter_id: int, directory_id: bytes) -> None:
    """Raise `Refusal` unless the caller may, means this cluster and names a voter. `verb`: for the sentence."""
    if not call.may_cluster(Operation.ALTER):
        raise Refusal(Error.CLUSTER_AUTHORIZATION_FAILED)
    ours = call.services.controller.cluster_id
    if cluster_id is not None and cluster_id != ours:
        why = f'The given id "{cluster_id}" doesn\'t match the cluster id "{ours}"'
        raise Refusal(Error.INCONSISTENT_CLUSTER_ID, why)
    if voter_id < 0 or directory_id == NULL_UUID:
        raise Refusal(Error.INVALID_REQUEST, f"{verb} voter request didn't include a valid voter")


def check_quorum_may_change(call: Call, doing: str) -> None:
    """Raise `Refusal` while kraft.version is 0: the voters are those of the start."""
    if not call.services.controller.image.features.get(KRAFT_VERSION):
        why = f"Cluster doesn't support {doing} voter because the kraft.version feature is 0"
        raise Refusal(Error.UNSUPPORTED_VERSION, why)
