"""What Kafka 4.2 does where its protocol does not say it: the same tests pass against both.

pytest tests/broker/test_as_kafka.py --headrace-bootstrap=HOST:PORT
"""

from __future__ import annotations

import gzip
import struct
import time
from typing import TYPE_CHECKING, Final

import pytest

from headrace.client.blocking import create_topic
from headrace.model.errors import Error
from headrace.testing import Broker
from headrace.testing.plugin import topic_name
from headrace.wire.messages.k00_produce import ProduceRequest
from headrace.wire.messages.k01_fetch import FetchRequest
from headrace.wire.messages.k02_list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from headrace.wire.messages.k03_metadata import MetadataRequest, MetadataRequestTopic
from headrace.wire.messages.k08_offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from headrace.wire.messages.k10_find_coordinator import FindCoordinatorRequest
from headrace.wire.messages.k13_leave_group import LeaveGroupRequest, MemberIdentity
from headrace.wire.messages.k15_describe_groups import DescribeGroupsRequest
from headrace.wire.messages.k18_api_versions import ApiVersionsRequest
from headrace.wire.messages.k32_describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResult,
)
from headrace.wire.messages.k44_incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from headrace.wire.messages.k60_describe_cluster import DescribeClusterRequest
from headrace.wire.messages.k61_describe_producers import DescribeProducersRequest, TopicRequest
from tests.broker.raw import (
    ANSWER_S_MAX,
    LIST_OFFSETS_VERSION,
    PRODUCE_VERSION,
    Raw,
    produce_request,
)
from tests.hostile.batches import Batch, crc32c, record, zigzag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.wire.schema import Message

HOUR_MS: Final = 3_600_000
COORDINATOR_NOT_YET: Final = {
    Error.COORDINATOR_LOAD_IN_PROGRESS,
    Error.COORDINATOR_NOT_AVAILABLE,
    Error.NOT_COORDINATOR,
}
GOOD: Final = b"".join(record(number, b"value") for number in range(3))


@pytest.fixture(scope="module")
def bootstrap(pytestconfig: pytest.Config) -> Iterator[str]:
    """Kafka if it is named, else a broker that is as durable as one in production."""
    if named := pytestconfig.getoption("--headrace-bootstrap"):
        yield named
        return
    with Broker(durable=True) as broker:
        yield broker.bootstrap_servers


@pytest.fixture
def raw(bootstrap: str) -> Iterator[Raw]:
    with Raw(bootstrap) as connection:
        yield connection


@pytest.fixture
def topic(request: pytest.FixtureRequest, bootstrap: str) -> str:
    """A topic of this test's own, with segments as small as Kafka allows."""
    name = topic_name(request.node.name)
    create_topic(bootstrap, name, 1, {"segment.bytes": str(1 << 20)})
    return name


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def batch_at(timestamps: list[int], *, compressed: bool = False, claimed: int | None = None) -> bytes:
    """A batch of records with these timestamps; its header claims `claimed` as their largest."""
    section = b""
    for number, timestamp in enumerate(timestamps):
        body = (
            b"\x00" + zigzag(timestamp - timestamps[0]) + zigzag(number) + zigzag(-1) + zigzag(-1) + zigzag(0)
        )
        section += zigzag(len(body)) + body
    if compressed:
        section = gzip.compress(section)
    largest = max(timestamps) if claimed is None else claimed
    count = len(timestamps)
    rest = struct.pack(">hiqqqhii", int(compressed), count - 1, timestamps[0], largest, -1, -1, -1, count)
    rest += section
    return struct.pack(">qiibI", 0, 9 + len(rest), -1, 2, crc32c(rest)) + rest


REQUESTS: Final[list[tuple[Message, int]]] = [
    (ProduceRequest(acks=-1), 7),
    (ProduceRequest(acks=-1), 9),
    (FetchRequest(), 11),
    (FetchRequest(), 12),
    (ListOffsetsRequest(replica_id=-1), 5),
    (ListOffsetsRequest(replica_id=-1), 9),
    (MetadataRequest(topics=[]), 8),
    (MetadataRequest(topics=[]), 13),
    (ApiVersionsRequest(), 0),
    (ApiVersionsRequest(client_software_name="raw", client_software_version="1"), 3),
    (DescribeClusterRequest(), 0),
]


@pytest.mark.parametrize(("request_", "version"), REQUESTS)
def test_bytes_behind_a_request_are_not_looked_at(raw: Raw, request_: Message, version: int) -> None:
    for behind in (b"\x00", b"\x00\x00\x00", b"rubbish" * 20):
        raw.ask(request_, version, behind)


BROKEN: Final = {
    "nothing": (b"", 1),
    "one byte short": (GOOD[:-1], 3),
    "fewer than counted": (record(0, b"v"), 3),
    "more than counted": (GOOD, 1),
    "bytes behind": (GOOD + b"xyz", 3),
    "a header that is not there": (record(0, b"v", headers=5), 1),
    "a negative number of headers": (record(0, b"v", headers=-1), 1),
}


@pytest.mark.parametrize("name", BROKEN)
def test_records_that_cannot_be_read_are_refused_although_header_and_checksum_are_right(
    raw: Raw, topic: str, name: str
) -> None:
    section, count = BROKEN[name]
    batch = Batch(section, records=count, last_offset_delta=count - 1, timestamp=now_ms())
    assert raw.produce(topic, batch.encode()).error_code == Error.INVALID_RECORD
    assert raw.offset(topic, -1).offset == 0
    good = Batch(GOOD, records=3, last_offset_delta=2, timestamp=now_ms()).encode()
    assert raw.produce(topic, good).base_offset == 0


def test_a_record_from_the_future_is_refused_although_the_header_knows_of_none(raw: Raw, topic: str) -> None:
    now = now_ms()
    answer = raw.produce(topic, batch_at([now, now + 2 * HOUR_MS], claimed=now))
    assert answer.error_code == Error.INVALID_TIMESTAMP
    assert [error.batch_index for error in answer.record_errors] == [1]


def test_a_header_that_claims_a_later_time_than_its_records_misleads_nobody(raw: Raw, topic: str) -> None:
    now = now_ms()
    assert raw.produce(topic, batch_at([now, now], claimed=now + 1_000)).error_code == 0
    assert raw.produce(topic, batch_at([now + 500])).error_code == 0
    found = raw.offset(topic, now + 400)
    assert (found.offset, found.timestamp) == (2, now + 500)
    found = raw.offset(topic, -3)
    assert (found.offset, found.timestamp) == (2, now + 500)


@pytest.mark.parametrize("timeout_ms", [-1, 0])
def test_the_time_that_a_produce_gives_other_replicas_does_not_bound_the_broker_s_own_disk(
    raw: Raw, topic: str, timeout_ms: int
) -> None:
    assert raw.produce(topic, batch_at([now_ms()])).error_code == 0
    for acks in (1, -1):
        request = produce_request(topic, batch_at([now_ms()]), acks=acks, timeout_ms=timeout_ms)
        answer = raw.ask(request, PRODUCE_VERSION).responses[0].partition_responses[0]
        assert answer.error_code == 0


def test_a_partition_whose_offset_is_asked_for_twice_is_answered_once_and_refused(
    raw: Raw, topic: str
) -> None:
    twins = [ListOffsetsPartition(timestamp=-1), ListOffsetsPartition(timestamp=-2)]
    for topics in (
        [ListOffsetsTopic(topic, twins), ListOffsetsTopic("without-partitions", [])],
        [ListOffsetsTopic(topic, [twin]) for twin in twins],
    ):
        answer = raw.ask(ListOffsetsRequest(replica_id=-1, topics=topics), LIST_OFFSETS_VERSION)
        assert [found.name for found in answer.topics] == [topic]
        assert [part.error_code for part in answer.topics[0].partitions] == [Error.INVALID_REQUEST]


def test_a_record_that_was_deleted_may_still_have_the_largest_timestamp(raw: Raw, topic: str) -> None:
    now = now_ms()
    for later in (0, 900, 5, 7):
        assert raw.produce(topic, batch_at([now + later])).error_code == 0
    assert raw.delete_records(topic, 2).low_watermark == 2
    found = raw.offset(topic, -3)
    assert (found.offset, found.timestamp) == (1, now + 900)
    assert raw.offset(topic, now + 6).offset == 3


def test_offsets_by_time_are_those_of_the_first_record_that_is_late_enough(raw: Raw, topic: str) -> None:
    begin = now_ms() - 10_000_000
    written: list[int] = []

    def write(timestamps: list[int], *, compressed: bool = False) -> None:
        answer = raw.produce(topic, batch_at(timestamps, compressed=compressed))
        assert (answer.error_code, answer.base_offset) == (0, len(written))
        written.extend(timestamps)

    write([begin, begin + 5, begin + 3])
    write([begin + 100, begin + 50, begin + 75], compressed=True)
    for step in range(1, 60):
        mixed = [begin + 1000 * step + (number * 7919) % 1800 - 900 for number in range(20)]
        write(mixed, compressed=step % 3 == 0)
    write([begin + 500_000, begin + 5], compressed=True)
    write([begin + 10])
    write([begin + 500_000])
    for timestamp in [0, *(begin + step * 997 for step in range(62)), begin + 50, begin + 500_000]:
        found = raw.offset(topic, timestamp)
        expected = next((at, time_) for at, time_ in enumerate(written) if time_ >= timestamp)
        assert (found.offset, found.timestamp) == expected
    nothing = raw.offset(topic, begin + 500_001)
    assert (nothing.error_code, nothing.offset, nothing.timestamp, nothing.leader_epoch) == (0, -1, -1, -1)
    latest, earliest, largest, local, tiered = (raw.offset(topic, -special) for special in range(1, 6))
    assert (latest.offset, latest.timestamp) == (len(written), -1)
    assert (earliest.offset, local.offset, tiered.offset) == (0, 0, -1)
    assert (largest.offset, largest.timestamp) == (written.index(begin + 500_000), begin + 500_000)


UNKNOWN: Final = "nobody-made-this"


def configs_of(raw: Raw, topic: str, **wanted: str) -> tuple[int, str | None]:
    """Ask for topic settings (set, not kept): error and message."""
    resource = AlterConfigsResource(resource_type=2, resource_name=topic)
    resource.configs = [
        AlterableConfig(name=name.replace("_", "."), value=value) for name, value in wanted.items()
    ]
    request = IncrementalAlterConfigsRequest(resources=[resource], validate_only=True)
    answer = raw.ask(request, 1).responses[0]
    return answer.error_code, answer.error_message


def test_refused_settings_are_refused_in_kafkas_words(raw: Raw, topic: str) -> None:
    assert configs_of(raw, UNKNOWN, retention_ms="1") == (3, f"The topic '{UNKNOWN}' does not exist.")
    assert configs_of(raw, "", retention_ms="1") == (42, "Default topic resources are not allowed.")
    assert configs_of(raw, topic, nope="1") == (40, "Unknown topic config name: nope")
    wrong = (40, "Invalid value x for configuration retention.ms: Not a number of type LONG")
    assert configs_of(raw, topic, retention_ms="x") == wrong
    empty = (40, "Configuration 'cleanup.policy' values must not be empty.")
    assert configs_of(raw, topic, cleanup_policy="delete,") == empty
    assert configs_of(raw, topic, cleanup_policy="delete,delete") == (0, None)


def test_settings_are_described_as_kafka_describes_them(raw: Raw, topic: str) -> None:
    def described(resource_type: int, name: str) -> DescribeConfigsResult:
        resource = DescribeConfigsResource(resource_type=resource_type, resource_name=name)
        resource.configuration_keys = None
        return raw.ask(DescribeConfigsRequest(resources=[resource], include_synonyms=True), 4).results[0]

    settings = {setting.name: setting for setting in described(2, topic).configs}
    segment = settings["segment.bytes"]
    assert (segment.value, segment.config_source, segment.config_type) == (str(1 << 20), 1, 3)
    assert [(s.name, s.value, s.source) for s in segment.synonyms] == [
        ("segment.bytes", str(1 << 20), 1),
        ("log.segment.bytes", str(1 << 30), 5),
    ]
    retention = settings["retention.ms"]
    assert (retention.value, retention.config_source, retention.synonyms) == ("604800000", 5, [])
    broker = {setting.name: setting for setting in described(4, "1").configs}
    assert (broker["broker.id"].value, broker["node.id"].value) == ("1", "1")
    assert (broker["node.id"].read_only, broker["log.retention.ms"].read_only) == (True, False)
    stranger = described(4, "99")
    expected = "Unexpected broker id, expected 1 or empty string, but received 99"
    assert (stranger.error_code, stranger.error_message) == (42, expected)


def commit(raw: Raw, topic: str, group: str, member: str, generation: int) -> int:
    partition = OffsetCommitRequestPartition(committed_offset=5)
    request = OffsetCommitRequest(group_id=group, generation_id_or_member_epoch=generation, member_id=member)
    request.topics = [OffsetCommitRequestTopic(name=topic, partitions=[partition])]
    deadline = time.monotonic() + ANSWER_S_MAX
    while True:  # the offsets topic is made at its first use
        error: int = raw.ask(request, 8).topics[0].partitions[0].error_code
        if error not in COORDINATOR_NOT_YET or time.monotonic() > deadline:
            return error
        raw.ask(FindCoordinatorRequest(key_type=0, coordinator_keys=[group]), 4)


def test_groups_answer_strangers_as_kafka_does(raw: Raw, topic: str) -> None:
    group = topic_name("group")
    assert commit(raw, topic, group, "", 3) == Error.ILLEGAL_GENERATION
    assert commit(raw, topic, group, "", -1) == 0
    assert commit(raw, topic, group, "", 3) == Error.UNKNOWN_MEMBER_ID
    assert commit(raw, topic, group, "somebody", 3) == Error.UNKNOWN_MEMBER_ID
    assert commit(raw, UNKNOWN, group, "", -1) == Error.UNKNOWN_TOPIC_OR_PARTITION
    members = [MemberIdentity("somebody"), MemberIdentity("", "instance")]
    for whose in (group, topic_name("group")):
        left = raw.ask(LeaveGroupRequest(group_id=whose, members=members), 5)
        assert left.error_code == 0
        assert [member.error_code for member in left.members] == [Error.UNKNOWN_MEMBER_ID] * 2
        assert raw.ask(LeaveGroupRequest(whose, "somebody"), 1).error_code == Error.UNKNOWN_MEMBER_ID
    described = raw.ask(DescribeGroupsRequest(groups=[""]), 6).groups[0]
    assert (described.error_code, described.group_state) == (Error.GROUP_ID_NOT_FOUND, "Dead")


def test_topics_that_are_not_there_are_named_as_such(raw: Raw) -> None:
    def producers(name: str) -> tuple[int, str | None]:
        request = DescribeProducersRequest(topics=[TopicRequest(name, [0])])
        found = raw.ask(request, 0).topics[0].partitions[0]
        return found.error_code, found.error_message

    assert producers(UNKNOWN) == (3, "This server does not host this topic-partition.")
    assert producers("bad name")[0] == Error.INVALID_TOPIC_EXCEPTION
    asked = raw.ask(MetadataRequest([MetadataRequestTopic(name=UNKNOWN)], False), 8).topics[0]
    assert (asked.error_code, asked.partitions) == (Error.UNKNOWN_TOPIC_OR_PARTITION, [])
