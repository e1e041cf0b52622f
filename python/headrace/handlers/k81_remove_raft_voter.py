"""RemoveRaftVoter (key 81, v0): one voter less on the controller's log (KIP-853). The only one has no directory id, so that
whoever is named is no voter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.handlers.raft_voters import check_quorum_may_change, check_voter
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k81_remove_raft_voter import RemoveRaftVoterRequest, RemoveRaftVoterResponse

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: RemoveRaftVoterRequest) -> RemoveRaftVoterResponse:
    check_voter(call, "Remove", request.cluster_id, request.voter_id, request.voter_directory_id)
    check_quorum_may_change(call, "removing")
    raise Refusal(Error.VOTER_NOT_FOUND, f"Voter {request.voter_id} is not one of the quorum")


def refused(request: RemoveRaftVoterRequest, error: Error, message: str | None) -> RemoveRaftVoterResponse:
    del request
    return RemoveRaftVoterResponse(error_code=error, error_message=message)
