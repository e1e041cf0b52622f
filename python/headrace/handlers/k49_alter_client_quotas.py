"""AlterClientQuotas (key 49, v0-1): set and remove quotas of users, clients and addresses (KIP-546, KIP-612)."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from headrace.controller.decide_quotas import IP, QuotaChange, QuotaEntity, QuotaOp, quota_entity
from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k49_alter_client_quotas import (
    AlterClientQuotasRequest,
    AlterClientQuotasRequestEntryData,
    AlterClientQuotasResponse,
    AlterClientQuotasResponseEntityData,
    AlterClientQuotasResponseEntryData,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: AlterClientQuotasRequest) -> AlterClientQuotasResponse:
    if not call.may_cluster(Operation.ALTER_CONFIGS):
        raise Refusal(Error.CLUSTER_AUTHORIZATION_FAILED)
    wanted = [_change(entry) for entry in request.entries]
    hosts = {name for change in wanted for kind, name in change.entity if kind == IP and name}
    unresolved = {host for host in hosts if not await _resolves(host)}
    results = await call.services.controller.alter_quotas(
        wanted, unresolved, validate_only=request.validate_only
    )
    return AlterClientQuotasResponse(
        entries=[_entry(result.entity, result.error, result.message) for result in results]
    )


def refused(
    request: AlterClientQuotasRequest, error: Error, message: str | None
) -> AlterClientQuotasResponse:
    return AlterClientQuotasResponse(
        entries=[_entry(_change(entry).entity, error, message) for entry in request.entries]
    )


def _change(entry: AlterClientQuotasRequestEntryData) -> QuotaChange:
    entity = quota_entity([(part.entity_type, part.entity_name) for part in entry.entity])
    return QuotaChange(entity, [QuotaOp(op.key, None if op.remove else op.value) for op in entry.ops])


def _entry(entity: QuotaEntity, error: Error, message: str | None) -> AlterClientQuotasResponseEntryData:
    parts = [AlterClientQuotasResponseEntityData(*part) for part in entity]
    return AlterClientQuotasResponseEntryData(error, message, parts)


async def _resolves(host: str) -> bool:
    try:
        await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # no such host, or no name of one
        return False
    return True
