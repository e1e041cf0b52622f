"""Kafka's command-line tools by their main classes: what a person types, and what they must see.

One scenario a function; each raises `AssertionError` with what the tool printed. The tools are Apache Kafka 4.2's.
"""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Final, NamedTuple

from headrace.wire.messages.k00_produce import PartitionProduceData, ProduceRequest, TopicProduceData
from tests.broker.raw import Raw
from tests.broker.transactions import TRANSACTIONAL, Transactional
from tests.clients.programs import JVM
from tests.hostile.batches import Batch, record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOOL_S_MAX: Final = 60
DUMP_LOG: Final = "kafka.tools.DumpLogSegments"
"""Reads files, not a broker: the runner calls it once the broker has stopped."""


class Tools(NamedTuple):
    """Where the tools are, and what to point them at."""

    libraries: Path
    bootstrap: str
    run: str
    scratch: Path

    def __call__(self, main: str, *words: str, give: str = "", code: int = 0) -> str:
        """What a tool printed about the broker. Fails on another exit code than `code`."""
        return self.plain(main, "--bootstrap-server", self.bootstrap, *words, give=give, code=code)

    def plain(self, main: str, *words: str, give: str = "", code: int = 0) -> str:
        """The same for a tool that takes its broker elsewhere, or none."""
        result = subprocess.run(
            [*JVM, "-cp", f"{self.libraries}/*", main, *words],
            input=give,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TOOL_S_MAX,
            check=False,
        )
        expect(result.returncode == code, f"exit code {result.returncode}", result.stdout)
        return result.stdout

    def topic(self, name: str) -> str:
        """A topic of this run."""
        return f"{self.run}-tools-{name}"

    def create(self, name: str, partitions: int = 1, *words: str) -> str:
        """A new topic; gives its name."""
        self(TOPICS, "--create", "--topic", self.topic(name), "--partitions", str(partitions), *words)
        return self.topic(name)

    def fill(self, topic: str, lines: int) -> None:
        """Records 0, 1, 2 ..."""
        self(CONSOLE_PRODUCER, "--topic", topic, give="".join(f"{n}\n" for n in range(lines)))


TOPICS: Final = "org.apache.kafka.tools.TopicCommand"
CONFIGS: Final = "kafka.admin.ConfigCommand"
GROUPS: Final = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
CONSOLE_PRODUCER: Final = "org.apache.kafka.tools.ConsoleProducer"
CONSOLE_CONSUMER: Final = "org.apache.kafka.tools.consumer.ConsoleConsumer"
OFFSETS: Final = "org.apache.kafka.tools.GetOffsetShell"
DELETE_RECORDS: Final = "org.apache.kafka.tools.DeleteRecordsCommand"
LOG_DIRS: Final = "org.apache.kafka.tools.LogDirsCommand"
API_VERSIONS: Final = "org.apache.kafka.tools.BrokerApiVersionsCommand"
CLUSTER: Final = "org.apache.kafka.tools.ClusterTool"
PRODUCER_PERF: Final = "org.apache.kafka.tools.ProducerPerformance"
TRANSACTIONS: Final = "org.apache.kafka.tools.TransactionsCommand"
CONSUMER_PERF: Final = "org.apache.kafka.tools.ConsumerPerformance"


def expect(condition: bool, what: str, printed: str) -> None:
    """A tool's output must be as said."""
    if not condition:
        raise AssertionError(f"{what}; it printed:\n{printed[-1500:]}")


def topics(tool: Tools) -> None:
    topic = tool.create("topics", 3, "--config", "retention.ms=3600000")
    seen = tool(TOPICS, "--describe", "--topic", topic)
    expect(
        re.search(r"PartitionCount: 3\s+ReplicationFactor: 1\s+Configs: .*retention.ms=3600000", seen)
        is not None,
        "describe",
        seen,
    )
    expect(
        len(re.findall(r"Partition: \d\s+Leader: (\d+)\s+Replicas: \1\s+Isr: \1", seen)) == 3,
        "three leaders",
        seen,
    )
    tool(TOPICS, "--alter", "--topic", topic, "--partitions", "5")
    again = tool(TOPICS, "--create", "--topic", topic, code=1)
    expect("already exists" in again, "create twice", again)
    expect(topic in tool(TOPICS, "--list").split(), "list", "")
    tool(TOPICS, "--delete", "--topic", topic)
    gone = tool(TOPICS, "--describe", "--topic", topic, code=1)
    expect("does not exist" in gone, "describe a topic that is gone", gone)


def configs(tool: Tools) -> None:
    entity = ("--entity-type", "topics", "--entity-name", tool.create("configs"))
    tool(CONFIGS, *entity, "--alter", "--add-config", "retention.ms=7200000,cleanup.policy=[compact,delete]")
    seen = tool(CONFIGS, *entity, "--describe")
    expect(
        "retention.ms=7200000 sensitive=false" in seen and "cleanup.policy=compact,delete" in seen,
        "describe",
        seen,
    )
    tool(CONFIGS, *entity, "--alter", "--delete-config", "retention.ms")
    seen = tool(CONFIGS, *entity, "--describe")
    expect("retention.ms" not in seen, "describe after the reset", seen)
    seen = tool(CONFIGS, *entity, "--describe", "--all")
    expect("DEFAULT_CONFIG:log.cleanup.policy=delete" in seen, "describe all with synonyms", seen)
    refused = tool(CONFIGS, *entity, "--alter", "--add-config", "retention.ms=soon", code=1)
    expect("Invalid value soon for configuration retention.ms" in refused, "a bad value", refused)


def console(tool: Tools) -> None:
    topic = tool.create("console")
    tool(CONSOLE_PRODUCER, "--topic", topic, "--reader-property", "parse.key=true", give="a\tone\nb\ttwo\n")
    options = (
        "--from-beginning",
        "--max-messages",
        "2",
        "--timeout-ms",
        "20000",
        "--formatter-property",
        "print.key=true",
    )
    seen = tool(CONSOLE_CONSUMER, "--topic", topic, *options)
    expect("a\tone\nb\ttwo\n" in seen, "both records", seen)


def consumer_groups(tool: Tools) -> None:
    topic, group = tool.create("groups"), f"{tool.run}-tools-group"
    tool.fill(topic, 10)
    tool(
        CONSOLE_CONSUMER,
        "--topic",
        topic,
        "--group",
        group,
        "--from-beginning",
        "--max-messages",
        "10",
        "--timeout-ms",
        "20000",
    )
    named = ("--group", group)
    expect(group in tool(GROUPS, "--list").split(), "list", "")
    seen = tool(GROUPS, *named, "--describe")
    expect(
        re.search(rf"{group}\s+{topic}\s+0\s+10\s+10\s+0\s", seen) is not None,
        "describe: offset, end and lag",
        seen,
    )
    state = tool(GROUPS, *named, "--describe", "--state")
    expect("Empty" in state, "describe --state", state)
    reset = tool(GROUPS, *named, "--reset-offsets", "--topic", topic, "--to-offset", "4", "--execute")
    expect(re.search(rf"{topic}\s+0\s+4", reset) is not None, "reset", reset)
    seen = tool(GROUPS, *named, "--describe")
    expect(re.search(rf"{topic}\s+0\s+4\s+10\s+6\s", seen) is not None, "describe after the reset", seen)
    deleted = tool(GROUPS, *named, "--delete-offsets", "--topic", topic)
    expect(re.search(rf"{topic}\s+\S+\s+Successful", deleted) is not None, "delete-offsets", deleted)
    deleted = tool(GROUPS, *named, "--delete")
    expect("successful" in deleted, "delete", deleted)


def get_offsets(tool: Tools) -> None:
    topic = tool.create("offsets")
    tool.fill(topic, 7)
    for time, offset in (
        ("latest", "7"),
        ("earliest", "0"),
        ("-1", "7"),
        ("-2", "0"),
        ("max-timestamp", "[0-6]"),
        ("0", "0"),
    ):
        seen = tool(OFFSETS, "--topic", topic, "--time", time)
        expect(re.search(rf"{topic}:0:{offset}\b", seen) is not None, f"--time {time}", seen)


def delete_records(tool: Tools) -> None:
    topic = tool.create("delete")
    tool.fill(topic, 7)
    wish = tool.scratch / "delete.json"
    wish.write_text(json.dumps({"version": 1, "partitions": [{"topic": topic, "partition": 0, "offset": 3}]}))
    seen = tool(DELETE_RECORDS, "--offset-json-file", str(wish))
    expect("low_watermark: 3" in seen, "low watermark", seen)
    seen = tool(OFFSETS, "--topic", topic, "--time", "earliest")
    expect(f"{topic}:0:3" in seen, "earliest", seen)


def log_dirs(tool: Tools) -> None:
    topic = tool.create("dirs")
    tool.fill(topic, 100)
    seen = tool(LOG_DIRS, "--describe", "--topic-list", topic)
    described = json.loads(seen[seen.index('{"') :])
    partitions = described["brokers"][0]["logDirs"][0]["partitions"]
    expect(
        [one["partition"] for one in partitions] == [f"{topic}-0"] and partitions[0]["size"] > 0,
        "a size",
        seen,
    )


def broker_api_versions(tool: Tools) -> None:
    seen = tool(API_VERSIONS)
    expect("(id: " in seen and "Produce(0): 0 to " in seen, "a broker and its versions", seen)
    expect("UNSUPPORTED" in seen, "keys that only newer or other listeners have", seen)
    identity = tool.plain(CLUSTER, "cluster-id", "--bootstrap-server", tool.bootstrap)
    expect(re.search(r"Cluster ID: \S{22}", identity) is not None, "cluster id", identity)


def perf(tool: Tools) -> None:
    topic, records = tool.create("perf", 3), "50000"
    sent = tool(
        PRODUCER_PERF,
        "--topic",
        topic,
        "--num-records",
        records,
        "--record-size",
        "200",
        "--throughput",
        "-1",
    )
    expect("50000 records sent" in sent, "producer-perf-test", sent)
    read = tool(CONSUMER_PERF, "--topic", topic, "--num-records", records, "--timeout", "30000")
    expect(re.search(r", 50\d\d\d, ", read) is not None, "consumer-perf-test", read)


def dump_log(tool: Tools, files: list[Path]) -> None:
    """Kafka's dump-log reads our segments and their indexes and finds nothing to complain about."""
    expect(bool(files), "no segment file holds anything", "")
    for file in files:
        seen = tool.plain(DUMP_LOG, "--deep-iteration", "--print-data-log", "--files", str(file))
        expect("isvalid: true" in seen and "isvalid: false" not in seen, f"batches of {file}", seen)
        expect("invalid bytes" not in seen, f"the end of {file}", seen)
        index = file.with_suffix(".index")
        if index.exists():
            seen = tool.plain(DUMP_LOG, "--index-sanity-check", "--files", str(index))
            expect("passed sanity check" in seen, f"index of {file}", seen)


def hanging_transactions(tool: Tools) -> None:
    """A transaction of which its coordinator knows nothing, as one that was written after its end used to be (KIP-890).

    Nobody ends it by itself: find-hanging finds it, and abort writes the marker. For a broker that does not verify.
    """
    topic = tool.create("hanging")
    with Raw(tool.bootstrap) as raw:
        producer = Transactional(raw, tool.topic("lost"))
        _, producer_id, epoch = producer.begin()
        lost = Batch(record(0, b"lost"), attributes=TRANSACTIONAL, producer=(producer_id, epoch, 0))
        data = [TopicProduceData(name=topic, partition_data=[PartitionProduceData(records=lost.encode())])]
        answer = raw.ask(ProduceRequest(producer.transactional_id, -1, 10_000, data), 9)
        error = answer.responses[0].partition_responses[0].error_code
        expect(error == 0, "a batch of a transaction that nobody knows", str(answer))
        tool.fill(topic, 3)
        known = producer.describe()
        expect(known.state == "Empty" and not known.partitions, "what the coordinator knows", str(known))
    found = tool(TRANSACTIONS, "find-hanging", "--topic", topic)
    row = rf"{topic}\s+0\s+{producer_id}\s+{epoch}\s+-1\s+0\s"
    expect(re.search(row, found) is not None, "find-hanging: partition, producer, start offset", found)
    seen = tool(TRANSACTIONS, "describe-producers", "--topic", topic, "--partition", "0")
    expect(re.search(rf"{producer_id}\s+{epoch}\s+-1\s+0\s", seen) is not None, "describe-producers", seen)
    stable = ("--topic", topic, "--partition", "0", "--from-beginning", "--timeout-ms", "3000")
    read_committed = ("--consumer-property", "isolation.level=read_committed")
    blocked = tool(CONSOLE_CONSUMER, *stable, *read_committed)
    expect("Processed a total of 0 messages" in blocked, "readers of committed records wait", blocked)
    tool(TRANSACTIONS, "abort", "--topic", topic, "--partition", "0", "--start-offset", "0")
    found = tool(TRANSACTIONS, "find-hanging", "--topic", topic)
    expect(topic not in found, "find-hanging after the abort", found)
    freed = tool(CONSOLE_CONSUMER, *stable, *read_committed)
    expect("Processed a total of 3 messages" in freed, "readers of committed records go on", freed)


def write_aborted(bootstrap: str, topic: str, bytes_behind: int) -> int:
    """An aborted transaction at offset 0, and behind it so much that it leaves memory; gives its producer id."""
    with Raw(bootstrap) as raw:
        producer = Transactional(raw, f"{topic}-producer")
        _, producer_id, epoch = producer.begin()
        who = (producer_id, epoch)
        for sequence in range(2):
            error = producer.produce(who, topic, b"aborted", sequence, 12)
            expect(not error, "a transactional batch", error.name)
        ended = producer.end(who, commit=False, version=5)
        expect(not ended.error, "the abort", ended.error.name)
        producer.ended(who, commit=False, version=5)  # the marker comes after the first answer
        value = b"x" * (64 << 10)
        for _ in range(bytes_behind // len(value)):
            expect(raw.produce(topic, Batch(record(0, value)).encode()).error_code == 0, "a batch", "")
    return producer_id


def dump_txn_index(tool: Tools, files: list[Path], producer_id: int) -> None:
    """Kafka's dump-log reads our indexes of aborted transactions."""
    expect(bool(files), "no index of aborted transactions", "")
    seen = "".join(tool.plain(DUMP_LOG, "--files", str(file)) for file in files)
    row = rf"version: 0 producerId: {producer_id} firstOffset: 0 lastOffset: 2 lastStableOffset: 3\b"
    expect(re.search(row, seen) is not None, "the aborted transaction", seen)


TOOL_SCENARIOS: Final[dict[str, Callable[[Tools], None]]] = {
    f"tool_{scenario.__name__}": scenario
    for scenario in (
        topics,
        configs,
        console,
        consumer_groups,
        get_offsets,
        delete_records,
        log_dirs,
        broker_api_versions,
        perf,
    )
}
