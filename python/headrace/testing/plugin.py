"""pytest fixtures: a real broker, a fresh topic, the broker's log in the failure report.

    def test_orders(headrace_broker, headrace_topic):
        producer = Producer({"bootstrap.servers": headrace_broker.bootstrap_servers})
        producer.produce(headrace_topic, b"order")

`headrace_broker` is started once for the session (once for each worker under xdist), `headrace_broker_function` anew for
each test. `--headrace-bootstrap=HOST:PORT` runs the same tests against any Kafka. Loading this module imports only
pytest and the standard library.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from headrace.testing.broker import Broker

OPTION: Final = "--headrace-bootstrap"
BROKERS: Final = ("headrace_broker", "headrace_broker_function")
TOPIC_NAME_CHARACTERS_MAX: Final = 200

_log_start: Final = pytest.StashKey[dict[str, int]]()


class ExternalBroker:
    """Somebody else's Kafka in the place of ours; it cannot be killed or restarted."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers: Final = bootstrap_servers

    def __getattr__(self, name: str) -> object:
        raise AttributeError(f"{name} needs a broker of the test's own; run without {OPTION}")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("headrace")
    group.addoption(OPTION, metavar="HOST:PORT", help="use this Kafka instead of starting a broker")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "headrace_topic(partitions=1, **configs): how `headrace_topic` is made"
    )


@pytest.fixture(scope="session")
def headrace_broker(request: pytest.FixtureRequest) -> Iterator[Broker | ExternalBroker]:
    """A broker for the whole session."""
    yield from _broker(request)


@pytest.fixture
def headrace_broker_function(request: pytest.FixtureRequest) -> Iterator[Broker | ExternalBroker]:
    """A broker for this test alone: empty, and free to be killed."""
    yield from _broker(request)


@pytest.fixture
def headrace_topic(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a topic of this test alone; one partition, or as the marker `headrace_topic` says."""
    from headrace.client.blocking import create_topic, delete_topic

    fixture = next((name for name in request.fixturenames if name in BROKERS), BROKERS[0])
    bootstrap: str = request.getfixturevalue(fixture).bootstrap_servers
    marker = request.node.get_closest_marker("headrace_topic")
    wanted = dict(marker.kwargs) if marker is not None else {}
    name = topic_name(request.node.name)
    partitions = wanted.pop("partitions", 1)
    create_topic(bootstrap, name, partitions, {key.replace("_", "."): str(v) for key, v in wanted.items()})
    yield name
    if (
        request.getfixturevalue(fixture).__class__ is ExternalBroker
        or request.getfixturevalue(fixture).running
    ):
        delete_topic(bootstrap, name)


def topic_name(test: str) -> str:
    """A name that tells which test it was and that no other run uses."""
    plain = re.sub(r"[^a-zA-Z0-9._-]+", "-", test)[:TOPIC_NAME_CHARACTERS_MAX]
    return f"{plain}-{uuid.uuid4().hex[:8]}"


def _broker(request: pytest.FixtureRequest) -> Iterator[Broker | ExternalBroker]:
    bootstrap: str | None = request.config.getoption(OPTION)
    if bootstrap:
        yield ExternalBroker(bootstrap)
        return
    from headrace.testing.broker import Broker

    with Broker() as broker:
        yield broker


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Remember where the brokers' logs stand, so that a report shows this test's lines only."""
    item.stash[_log_start] = {name: broker.log_size() for name, broker in _own_brokers(item).items()}
    yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport]:
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        starts = item.stash.get(_log_start, {})
        for name, broker in _own_brokers(item).items():
            text = broker.log(starts.get(name, 0)) if report.when == "call" else broker.log()
            report.sections.append((f"log of {name}", text or "(it logged nothing)"))


def _own_brokers(item: pytest.Item) -> dict[str, Broker]:
    values = getattr(item, "funcargs", {})
    return {
        name: values[name]
        for name in BROKERS
        if name in values and not isinstance(values[name], ExternalBroker)
    }
