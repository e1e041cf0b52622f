"""A real broker for tests: `from headrace.testing import Broker`, or the pytest fixtures of `headrace.testing.plugin`."""

from headrace.testing.broker import Broker, BrokerFailed

__all__ = ["Broker", "BrokerFailed"]
