"""One request in the hands of a handler: who asks, over what, and which parts of the node it may use."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from headrace.config.broker import BrokerConfig
    from headrace.controller.controller import Controller
    from headrace.coordinator.group.coordinators import GroupCoordinators
    from headrace.coordinator.runtime.clock import Clock
    from headrace.coordinator.share.coordinators import ShareCoordinators
    from headrace.coordinator.share_partition.leader import ShareLeader
    from headrace.coordinator.transaction.coordinators import TransactionCoordinators
    from headrace.engine.port import Engine

CLUSTER: Final = "kafka-cluster"
"""Kafka's name of the one cluster resource."""


class Operation(enum.Enum):
    """What a principal may do to a resource, by Kafka's names (`AclOperation`)."""

    READ = 3
    WRITE = 4
    CREATE = 5
    DELETE = 6
    ALTER = 7
    DESCRIBE = 8
    CLUSTER_ACTION = 9
    DESCRIBE_CONFIGS = 10
    ALTER_CONFIGS = 11
    IDEMPOTENT_WRITE = 12


class Authorizer(Protocol):
    """Decides who may do what. Until security has its issue, `AllowAll` stands here."""

    def may(self, principal: str, host: str, operation: Operation, resource: str, name: str) -> bool:
        """Whether `principal` from `host` may do it to the resource (`topic`, `group`, `cluster`, ...) of this name."""


class AllowAll:
    """Everybody may do everything; only loopback addresses are bound while this stands here."""

    def may(self, principal: str, host: str, operation: Operation, resource: str, name: str) -> bool:
        del principal, host, operation, resource, name
        return True


class Quotas(Protocol):
    """Decides how long a client is asked to pause. Until quotas have their issue, `NoQuotas` stands here."""

    def throttle_time_ms(self, call: Call) -> int:
        """What the answer to this call tells the client to wait before its next request."""


class NoQuotas:
    """Nobody waits."""

    def throttle_time_ms(self, call: Call) -> int:
        del call
        return 0


@dataclass(slots=True, frozen=True)
class Services:
    """The parts of the node that handlers use; `node` builds one and every call carries it."""

    config: BrokerConfig
    engine: Engine
    controller: Controller
    groups: GroupCoordinators
    transactions: TransactionCoordinators
    share_states: ShareCoordinators
    share: ShareLeader
    authorizer: Authorizer
    quotas: Quotas
    clock: Clock


@dataclass(slots=True, frozen=True)
class Call:
    """Who asks, over what. Cache keys must hold `api_version` and `listener`."""

    services: Services
    api_key: int
    api_version: int
    client_id: str | None
    listener: int
    principal: str
    peer_host: str
    connection: int
    arrived_ns: int

    def may(self, operation: Operation, resource: str, name: str) -> bool:
        """Whether the caller may do it; default deny is the authorizer's business."""
        return self.services.authorizer.may(self.principal, self.peer_host, operation, resource, name)

    def may_topic(self, operation: Operation, name: str) -> bool:
        return self.may(operation, "topic", name)

    def may_transaction(self, operation: Operation, transactional_id: str) -> bool:
        return self.may(operation, "transactional_id", transactional_id)

    def may_cluster(self, operation: Operation) -> bool:
        return self.may(operation, "cluster", CLUSTER)
