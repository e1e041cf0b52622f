"""What the three calls that make and delete partitions share: the quota of the one who asks (KIP-599)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.controller.mutation_quotas import MutationQuota
    from headrace.handlers.call import Call


def mutation_quota(call: Call, strict_since: int) -> MutationQuota:
    """The caller's quota. Older versions than `strict_since` cannot be refused for it, and are told to wait."""
    controller = call.services.controller
    return controller.mutations.of(
        controller.image.quotas,
        call.principal.partition(":")[2],
        call.client_id or "",
        call.services.clock.now().ms,
        strict=call.api_version >= strict_since,
    )
