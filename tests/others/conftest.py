"""A broker for all entries, ours or the one that is named, and what their tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.client.blocking import create_topic
from headrace.testing import Broker
from headrace.testing.plugin import topic_name
from tests.broker.raw import Raw
from tests.broker.transactions import Transactional

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def bootstrap(pytestconfig: pytest.Config) -> Iterator[str]:
    """Kafka if it is named (`--headrace-bootstrap`), else a broker that is as durable as one in production."""
    if named := pytestconfig.getoption("--headrace-bootstrap"):
        yield named
        return
    with Broker(durable=True, settings={"auto.create.topics.enable": "true"}) as broker:
        yield broker.bootstrap_servers


@pytest.fixture
def raw(bootstrap: str) -> Iterator[Raw]:
    with Raw(bootstrap) as connection:
        yield connection


@pytest.fixture
def topic(request: pytest.FixtureRequest, bootstrap: str) -> str:
    """A topic of one partition, this test's own."""
    name = topic_name(request.node.name)
    create_topic(bootstrap, name, 1)
    return name


@pytest.fixture
def transaction(request: pytest.FixtureRequest, raw: Raw) -> Transactional:
    return Transactional(raw, topic_name(request.node.name))
