"""Write golden frames of the four hot APIs with kio, an independent codec generated from Kafka's own schemas.

    python -m venv /tmp/kio && /tmp/kio/bin/pip install kio==0.6.5 && /tmp/kio/bin/python tests/formats/wire/generate.py

Each line is `VERSION HEX`. A request frame is header and body; a response frame is header and body, both without the
length. The values are the ones that `engine/crates/wire/tests/golden.rs` expects; in a version that lacks a field the
field is left out.
"""

from __future__ import annotations

import dataclasses
import datetime
import importlib
import io
import pathlib
import typing
import uuid

from kio.schema.errors import ErrorCode
from kio.serial import entity_writer
from kio.static.primitive import i8, i16, i32, i32Timedelta, i64

HERE = pathlib.Path(__file__).parent
TOPIC_IDS = {"orders": uuid.UUID(int=0x0102030405060708090A0B0C0D0E0F10), "a": uuid.UUID(int=0x11 << 120)}
RECORDS = bytes(range(200)) * 4
SMALL_RECORDS = b"tiny"
MS = datetime.timedelta(milliseconds=1)


def make(cls: type, **values: object) -> typing.Any:
    """Build `cls` from the values it has fields for; topics are named by whichever of name and id it has."""
    fields = {field.name for field in dataclasses.fields(cls)}
    topic = values.pop("topic_name", None)
    if topic is not None:
        if "topic_id" in fields:
            values["topic_id"] = TOPIC_IDS[str(topic)]
        values["name"] = values["topic"] = topic
    return cls(**{name: value for name, value in values.items() if name in fields})


def nested(module: typing.Any, name: str, /, **values: object) -> typing.Any:
    return make(getattr(module, name), **values)


def write(entity: typing.Any) -> bytes:
    buffer = io.BytesIO()
    entity_writer(type(entity))(buffer, entity)
    return buffer.getvalue()


def request_frame(entity: typing.Any, key: int, version: int, client_id: str | None) -> bytes:
    header = type(entity).__header_schema__
    return write(
        header(
            request_api_key=i16(key),
            request_api_version=i16(version),
            correlation_id=i32(77),
            client_id=client_id,
        )
    ) + write(entity)


def response_frame(entity: typing.Any) -> bytes:
    return write(type(entity).__header_schema__(correlation_id=i32(77))) + write(entity)


def ms(n: int) -> i32Timedelta:
    return i32Timedelta.parse(n * MS)


def produce_request(m: typing.Any, version: int) -> typing.Any:
    partitions = (
        nested(m, "PartitionProduceData", index=i32(0), records=RECORDS),
        nested(m, "PartitionProduceData", index=i32(7), records=None),
    )
    return make(
        m.ProduceRequest,
        transactional_id="tx",
        acks=i16(-1),
        timeout=ms(30_000),
        topic_data=(
            nested(m, "TopicProduceData", topic_name="orders", partition_data=partitions),
            nested(m, "TopicProduceData", topic_name="a", partition_data=()),
        ),
    )


def produce_response(m: typing.Any, version: int) -> typing.Any:
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=datetime.UTC)
    errors = ()
    if version >= 8:
        errors = (
            nested(m, "BatchIndexAndErrorMessage", batch_index=i32(3), batch_index_error_message="no key"),
            nested(m, "BatchIndexAndErrorMessage", batch_index=i32(4), batch_index_error_message=None),
        )
    partitions = (
        nested(
            m,
            "PartitionProduceResponse",
            index=i32(0),
            error_code=ErrorCode.none,
            base_offset=i64(1 << 40),
            log_append_time=moment,
            log_start_offset=i64(5),
            record_errors=(),
            error_message=None,
        ),
        nested(
            m,
            "PartitionProduceResponse",
            index=i32(7),
            error_code=ErrorCode.invalid_record,
            base_offset=i64(-1),
            log_append_time=None,
            log_start_offset=i64(-1),
            record_errors=errors,
            error_message="a record without a key",
        ),
    )
    return make(
        m.ProduceResponse,
        responses=(
            nested(m, "TopicProduceResponse", topic_name="orders", partition_responses=partitions),
            nested(m, "TopicProduceResponse", topic_name="a", partition_responses=()),
        ),
        throttle_time=ms(9),
    )


def fetch_request(m: typing.Any, version: int) -> typing.Any:
    def partition(index: int, **more: object) -> typing.Any:
        return nested(
            m,
            "FetchPartition",
            partition=i32(index),
            current_leader_epoch=i32(4),
            fetch_offset=i64(100 + index),
            last_fetched_epoch=i32(3),
            log_start_offset=i64(-1),
            partition_max_bytes=i32(1 << 20),
            **more,
        )

    tagged = partition(2, replica_directory_id=TOPIC_IDS["a"], high_watermark=i64(9))
    values: dict[str, object] = {}
    if version >= 15:
        values["replica_state"] = nested(m, "ReplicaState", replica_id=5, replica_epoch=i64(6))
    if version >= 7:
        values["forgotten_topics_data"] = (
            nested(m, "ForgottenTopic", topic_name="a", partitions=(i32(1), i32(2))),
        )
    return make(
        m.FetchRequest,
        cluster_id="cluster",
        replica_id=5,
        max_wait=ms(500),
        min_bytes=i32(1),
        max_bytes=i32(50 << 20),
        isolation_level=i8(1),
        session_id=i32(11),
        session_epoch=i32(12),
        topics=(nested(m, "FetchTopic", topic_name="orders", partitions=(partition(1), tagged)),),
        rack_id="rack-1",
        **values,
    )


def fetch_response(m: typing.Any, version: int) -> typing.Any:
    def partition(index: int, **more: object) -> typing.Any:
        values: dict[str, object] = {
            "error_code": ErrorCode.none,
            "high_watermark": i64(50),
            "last_stable_offset": i64(40),
            "log_start_offset": i64(3),
            "aborted_transactions": None,
            "records": SMALL_RECORDS,
        }
        return nested(m, "PartitionData", partition_index=i32(index), **(values | more))

    aborted = nested(m, "AbortedTransaction", producer_id=8, first_offset=i64(9))
    diverging = {}
    if version >= 12:
        diverging["diverging_epoch"] = nested(m, "EpochEndOffset", epoch=i32(2), end_offset=i64(30))
    refused = {
        "error_code": ErrorCode.offset_out_of_range,
        "high_watermark": i64(-1),
        "last_stable_offset": i64(-1),
        "log_start_offset": i64(-1),
        "records": b"",
    }
    partitions = (
        partition(0, records=RECORDS, aborted_transactions=(aborted,)),
        partition(1),
        partition(2, records=b"", **diverging),
        partition(3, **refused),
        partition(4, records=RECORDS),
    )
    return make(
        m.FetchResponse,
        throttle_time=ms(9),
        error_code=ErrorCode.none,
        session_id=i32(11),
        responses=(nested(m, "FetchableTopicResponse", topic_name="orders", partitions=partitions),),
    )


def list_offsets_request(m: typing.Any, version: int) -> typing.Any:
    partition = nested(
        m, "ListOffsetsPartition", partition_index=i32(6), current_leader_epoch=i32(4), timestamp=i64(-2)
    )
    return make(
        m.ListOffsetsRequest,
        replica_id=-1,
        isolation_level=i8(1),
        topics=(nested(m, "ListOffsetsTopic", topic_name="orders", partitions=(partition,)),),
        timeout=ms(1_500),
    )


def list_offsets_response(m: typing.Any, version: int) -> typing.Any:
    partition = nested(
        m,
        "ListOffsetsPartitionResponse",
        partition_index=i32(6),
        error_code=ErrorCode.none,
        timestamp=i64(1_767_323_045_678),
        offset=i64(123),
        leader_epoch=i32(4),
    )
    return make(
        m.ListOffsetsResponse,
        throttle_time=ms(9),
        topics=(nested(m, "ListOffsetsTopicResponse", topic_name="orders", partitions=(partition,)),),
    )


def api_versions_request(m: typing.Any, version: int) -> typing.Any:
    return make(m.ApiVersionsRequest, client_software_name="kio", client_software_version="0.6.5")


def api_versions_response(m: typing.Any, version: int) -> typing.Any:
    def api(key: int, low: int, high: int) -> typing.Any:
        return nested(m, "ApiVersion", api_key=i16(key), min_version=i16(low), max_version=i16(high))

    features: dict[str, object] = {}
    if version >= 3:
        supported = [("metadata.version", 1, 29), ("group.version", 0, 1)]
        features["supported_features"] = tuple(
            nested(m, "SupportedFeatureKey", name=name, min_version=i16(low), max_version=i16(high))
            for name, low, high in supported
            if version >= 4 or low > 0
        )
        features["finalized_features_epoch"] = i64(0)
        features["finalized_features"] = (
            nested(
                m,
                "FinalizedFeatureKey",
                name="metadata.version",
                max_version_level=i16(29),
                min_version_level=i16(29),
            ),
        )
    return make(
        m.ApiVersionsResponse,
        error_code=ErrorCode.none,
        api_keys=(api(0, 0, 13), api(18, 0, 4)),
        throttle_time=ms(0),
        **features,
    )


APIS = {
    "produce": (0, 3, 13, produce_request, produce_response),
    "fetch": (1, 4, 18, fetch_request, fetch_response),
    "list_offsets": (2, 1, 11, list_offsets_request, list_offsets_response),
    "api_versions": (18, 0, 4, api_versions_request, api_versions_response),
}


def main() -> None:
    for name, (key, low, high, request, response) in APIS.items():
        lines: dict[str, list[str]] = {"request": [], "response": []}
        for version in range(low, high + 1):
            package = f"kio.schema.{name}.v{version}"
            entity = request(importlib.import_module(f"{package}.request"), version)
            lines["request"].append(f"{version} {request_frame(entity, key, version, 'client').hex()}")
            entity = response(importlib.import_module(f"{package}.response"), version)
            lines["response"].append(f"{version} {response_frame(entity).hex()}")
        for kind, text in lines.items():
            (HERE / f"{name}_{kind}.txt").write_text("\n".join(text) + "\n")


if __name__ == "__main__":
    main()
