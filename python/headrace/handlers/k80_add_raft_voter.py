"""AddRaftVoter (key 80, v0-1): one more voter on the controller's log (KIP-853). There is one, and it stays the only one.

v1  the answer may come before the new voter is committed; nobody waits for one here
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.raft_voters import CONTROLLER_LISTENER, check_quorum_may_change, check_voter
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k80_add_raft_voter import AddRaftVoterRequest, AddRaftVoterResponse

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: AddRaftVoterRequest) -> AddRaftVoterResponse:
    check_voter(call, "Add", request.cluster_id, request.voter_id, request.voter_directory_id)
    endpoints = {one.name: f"{one.host}/<unresolved>:{one.port}" for one in request.listeners}
    if CONTROLLER_LISTENER not in endpoints:
        said = ", ".join(f"ListenerName({name})={at}" for name, at in endpoints.items())
        raise Refusal(
            Error.INVALID_REQUEST,
            f"Add voter request didn't include the endpoint (Endpoints(endpoints={{{said}}}))"
            f" for the default listener ListenerName({CONTROLLER_LISTENER})",
        )
    check_quorum_may_change(call, "adding")
    raise Refusal(Error.UNSUPPORTED_VERSION, "This release has one voter, the node itself")


def refused(request: AddRaftVoterRequest, error: Error, message: str | None) -> AddRaftVoterResponse:
    del request
    return AddRaftVoterResponse(error_code=error, error_message=message)
