"""ListTransactions (key 66, v0-2): the transactional ids that this broker coordinates and the caller may describe.

Names of states that nobody knows are told back.

v1  only transactions that have been running for longer than this (KIP-994)
v2  only ids that this pattern matches as a whole (KIP-1152)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.coordinator.transaction.view import Filter, known_states
from headrace.handlers.call import Operation
from headrace.model.errors import Error
from headrace.model.pattern import InvalidPatternError, Pattern
from headrace.wire.messages.k66_list_transactions import ListTransactionsResponse, TransactionState

if TYPE_CHECKING:
    from headrace.handlers.call import Call
    from headrace.wire.messages.k66_list_transactions import ListTransactionsRequest


async def handle(call: Call, request: ListTransactionsRequest) -> ListTransactionsResponse:
    pattern = None
    if request.transactional_id_pattern:
        try:
            pattern = Pattern(request.transactional_id_pattern)
        except InvalidPatternError:
            return ListTransactionsResponse(error_code=Error.INVALID_REGULAR_EXPRESSION)
    wanted = Filter(
        frozenset(request.state_filters), frozenset(request.producer_id_filters), request.duration_filter
    )
    known = known_states()
    response = ListTransactionsResponse(
        unknown_state_filters=[name for name in request.state_filters if name not in known]
    )
    for found in await call.services.transactions.list_transactions(wanted):
        if pattern is not None and not pattern.matches(found.transactional_id):
            continue
        if call.may_transaction(Operation.DESCRIBE, found.transactional_id):
            response.transaction_states.append(TransactionState(*found))
    return response
