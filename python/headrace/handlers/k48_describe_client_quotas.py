"""DescribeClientQuotas (key 48, v0-1): the quotas of entities that match a filter (KIP-546)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.controller.decide_quotas import Component, find_quotas
from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k48_describe_client_quotas import (
    DescribeClientQuotasRequest,
    DescribeClientQuotasResponse,
    EntityData,
    EntryData,
    ValueData,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: DescribeClientQuotasRequest) -> DescribeClientQuotasResponse:
    if not call.may_cluster(Operation.DESCRIBE_CONFIGS):
        raise Refusal(Error.CLUSTER_AUTHORIZATION_FAILED)
    components = [Component(one.entity_type, one.match_type, one.match) for one in request.components]
    found = find_quotas(call.services.controller.image, components, strict=request.strict)
    return DescribeClientQuotasResponse(
        entries=[
            EntryData([EntityData(*part) for part in entity], [ValueData(*value) for value in values.items()])
            for entity, values in found
        ]
    )


def refused(
    request: DescribeClientQuotasRequest, error: Error, message: str | None
) -> DescribeClientQuotasResponse:
    del request
    return DescribeClientQuotasResponse(error_code=error, error_message=message, entries=None)
