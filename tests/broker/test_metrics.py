"""What the admin port counts: the page that lists it is true both ways, and the numbers are what happened."""

from __future__ import annotations

import re
import urllib.request
from pathlib import Path

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from headrace.testing import Broker

WAIT_S = 20.0
PAGE = Path(__file__).parents[2] / "docs/metrics.md"
PARTITIONS = 7


def scrape(broker: Broker) -> str:
    with urllib.request.urlopen(f"{broker.admin_url}/metrics", timeout=WAIT_S) as answer:
        text: str = answer.read().decode()
    return text


def number(text: str, sample: str) -> float:
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    assert found is not None, f"no {sample}"
    return float(found[1])


def listed() -> dict[str, str]:
    """Kind by name, as the page says."""
    rows = re.findall(r"^\| `(headrace_\w+)` \| (\w+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    return dict(rows)


def served(text: str) -> dict[str, str]:
    """Kind by name, as the broker says."""
    return dict(re.findall(r"^# TYPE (headrace_\w+) (\w+)$", text, re.MULTILINE))


def test_the_page_of_metrics_is_true_both_ways() -> None:
    with Broker() as broker:
        settings = {"bootstrap.servers": broker.bootstrap_servers}
        producer = Producer(settings)  # a client with a name
        producer.list_topics(timeout=WAIT_S)
        text = scrape(broker)
    assert served(text) == listed()


def test_the_journal_and_the_partitions_are_counted() -> None:
    with Broker(durable=True) as broker:
        settings = {"bootstrap.servers": broker.bootstrap_servers}
        before = scrape(broker)
        admin = AdminClient(settings)
        admin.create_topics([NewTopic("counted", PARTITIONS, 1)])["counted"].result(WAIT_S)
        producer = Producer(settings)
        for _ in range(3):
            producer.produce("counted", bytes(50_000), partition=0)
            assert producer.flush(WAIT_S) == 0
        after = scrape(broker)
    partitions = number(after, "headrace_partitions") - number(before, "headrace_partitions")
    assert partitions == PARTITIONS
    commits = number(after, "headrace_journal_commits_total") - number(
        before, "headrace_journal_commits_total"
    )
    assert commits >= 3
    produced = number(after, "headrace_produce_bytes_total")
    assert produced >= 150_000
    assert number(after, "headrace_journal_written_bytes_total") >= produced
    assert number(after, "headrace_produce_requests_total") == 3


def test_groups_and_their_offsets_are_counted() -> None:
    with Broker() as broker:
        settings = {"bootstrap.servers": broker.bootstrap_servers}
        producer = Producer(settings)
        producer.produce("read", b"value")
        assert producer.flush(WAIT_S) == 0
        consumer = Consumer(
            {**settings, "group.id": "g", "auto.offset.reset": "earliest", "enable.auto.commit": False}
        )
        consumer.subscribe(["read"])
        message = consumer.poll(WAIT_S)
        assert message is not None
        consumer.commit(message, asynchronous=False)
        text = scrape(broker)
        consumer.close()
    assert number(text, 'headrace_groups{state="Stable"}') == 1
    assert number(text, "headrace_group_offsets") == 1
    assert number(text, "headrace_group_partitions_not_serving") == 0
