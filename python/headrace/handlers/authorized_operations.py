"""Which operations the caller may do to a resource, as the bit field that Metadata and the Describe calls answer with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headrace.handlers.call import Operation

if TYPE_CHECKING:
    from headrace.handlers.call import Call

NOT_ASKED: Final = -(1 << 31)
"""The field's value when nobody asked."""

_SUPPORTED: Final = {
    "topic": (
        Operation.READ,
        Operation.WRITE,
        Operation.CREATE,
        Operation.DELETE,
        Operation.ALTER,
        Operation.DESCRIBE,
        Operation.DESCRIBE_CONFIGS,
        Operation.ALTER_CONFIGS,
    ),
    "group": (
        Operation.READ,
        Operation.DELETE,
        Operation.DESCRIBE,
        Operation.DESCRIBE_CONFIGS,
        Operation.ALTER_CONFIGS,
    ),
    "cluster": (
        Operation.CREATE,
        Operation.ALTER,
        Operation.DESCRIBE,
        Operation.CLUSTER_ACTION,
        Operation.DESCRIBE_CONFIGS,
        Operation.ALTER_CONFIGS,
        Operation.IDEMPOTENT_WRITE,
    ),
}
"""Operations that mean something for a kind of resource (Kafka, `AclEntry.supportedOperations`)."""


def authorized_operations(call: Call, resource: str, name: str) -> int:
    """One bit for each operation, at the place of its number."""
    allowed = (operation for operation in _SUPPORTED[resource] if call.may(operation, resource, name))
    return sum(1 << operation.value for operation in allowed)
