"""Every message in every version: there and back, against kio, cut short, and bent."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.wire import messages
from headrace.wire.codec import UnsupportedField, WireError, decode, decode_stored, encode, encode_stored
from headrace.wire.keys import APIS
from headrace.wire.messages.group_records import GroupMetadataValue, MemberMetadata, OffsetCommitValue
from headrace.wire.messages.k03_metadata import MetadataRequest, MetadataRequestTopic
from headrace.wire.messages.k11_join_group import (
    JoinGroupRequest,
    JoinGroupRequestProtocol,
    JoinGroupResponse,
)
from headrace.wire.messages.k18_api_versions import ApiVersionsRequest
from headrace.wire.schema import Message

RANGES = {
    "int8": (-(2**7), 2**7 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint16": (0, 2**16 - 1),
    "uint32": (0, 2**32 - 1),
}
KIO_TIMES = re.compile(r"(^|_)(ms|time|timestamp|timeout|backoff)(_|$)")


def all_messages():
    found = []
    for path in sorted(Path(messages.__file__).parent.glob("k[0-9]*.py")):
        module = importlib.import_module(f"headrace.wire.messages.{path.stem}")
        found += [
            kind
            for kind in vars(module).values()
            if isinstance(kind, type) and issubclass(kind, Message) and kind is not Message
        ]
    return found


EVERY = [
    (kind, version) for kind in all_messages() for version in range(kind.VERSIONS[0], kind.VERSIONS[1] + 1)
]
NAMES = [f"{kind.__name__}-v{version}" for kind, version in EVERY]


@st.composite
def drawn(draw, part, version, *, for_kio=False):
    """A struct with values in every field that the version has."""
    values = {}
    for field in part.FIELDS:
        if field.is_in(version):
            if field.is_nullable(version) and draw(st.integers(0, 3)) == 0:
                values[field.name] = None
            elif field.array:
                values[field.name] = draw(st.lists(drawn_item(field, version, for_kio), max_size=2))
            else:
                values[field.name] = draw(drawn_item(field, version, for_kio))
    return part(**values)


def drawn_item(field, version, for_kio):
    if field.kind == "struct":
        return drawn(field.of, version, for_kio=for_kio)
    if field.kind in RANGES:
        if for_kio and (field.name.endswith("error_code") or KIO_TIMES.search(field.name)):
            return st.integers(0, 100)
        return st.integers(*RANGES[field.kind])
    return {
        "bool": st.booleans(),
        "float64": st.floats(allow_nan=False),
        "string": st.text(max_size=200 if not for_kio else 20),
        "bytes": st.binary(max_size=20),
        "records": st.binary(max_size=20),
        "uuid": st.binary(min_size=16, max_size=16),
    }[field.kind]


@pytest.mark.parametrize(("kind", "version"), EVERY, ids=NAMES)
def test_there_and_back(kind, version):
    @settings(max_examples=8, deadline=None, derandomize=True)
    @given(drawn(kind, version))
    def check(message):
        assert decode(kind, version, encode(message, version)) == message

    check()


def kio_class(kind, version):
    request = kind.__name__.endswith("Request")
    name = re.sub(r"(Request|Response)$", "", kind.__name__)
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    side = "request" if request else "response"
    try:
        module = importlib.import_module(f"kio.schema.{snake}.v{version}.{side}")
    except ModuleNotFoundError:
        return None
    return getattr(module, kind.__name__)


def test_kio_knows_nearly_all_of_them():
    known = sum(kio_class(kind, version) is not None for kind, version in EVERY)
    assert known >= 0.95 * len(EVERY), "the oracle has lost its messages"


@pytest.mark.parametrize(("kind", "version"), EVERY, ids=NAMES)
def test_kio_reads_what_we_write_and_writes_what_we_read(kind, version):
    oracle = kio_class(kind, version)
    if oracle is None:
        return  # counted above
    from kio.serial import entity_reader, entity_writer

    read, write = entity_reader(oracle), entity_writer(oracle)

    @settings(max_examples=5, deadline=None, derandomize=True)
    @given(drawn(kind, version, for_kio=True))
    def check(message):
        ours = encode(message, version)
        entity, size = read(ours, 0)
        assert size == len(ours)
        theirs = io.BytesIO()
        write(theirs, entity)
        assert decode(kind, version, theirs.getvalue()) == message

    check()


@pytest.mark.parametrize(("kind", "version"), EVERY, ids=NAMES)
def test_a_message_cut_short_or_followed_by_something_is_refused(kind, version):
    @settings(max_examples=2, deadline=None, derandomize=True)
    @given(drawn(kind, version))
    def check(message):
        whole = encode(message, version)
        for size in range(len(whole)):
            with pytest.raises(WireError):
                decode(kind, version, whole[:size])
        with pytest.raises(WireError, match="bytes after"):
            decode(kind, version, whole + b"\0")

    check()


@settings(max_examples=2000, deadline=None)
@given(st.sampled_from(EVERY), st.binary(max_size=60))
def test_noise_is_a_message_or_a_wire_error(which, noise):
    kind, version = which
    with contextlib.suppress(WireError):
        decode(kind, version, noise)


def test_golden_bytes_of_the_java_client():
    """JoinGroup v9 as Java's consumer writes it."""
    message = JoinGroupRequest(
        group_id="g",
        session_timeout_ms=45000,
        rebalance_timeout_ms=300000,
        member_id="",
        protocol_type="consumer",
        protocols=[JoinGroupRequestProtocol("range", b"\x00\x01")],
        reason="",
    )
    assert encode(message, 9) == (
        b"\x02g\x00\x00\xaf\xc8\x00\x04\x93\xe0\x01\x00\x09consumer\x02\x06range\x03\x00\x01\x00\x01\x00"
    )


def test_golden_bytes_of_stored_values():
    assert encode_stored(OffsetCommitValue(5, -1, "x", 7), 3) == bytes.fromhex(
        "0003 0000000000000005 ffffffff 0001 78 0000000000000007"
    )
    group = GroupMetadataValue("consumer", 1, "range", "m", 9, [MemberMetadata("m", None, "c", "/h", 1, 2)])
    assert decode_stored(GroupMetadataValue, encode_stored(group, 3)) == group


@pytest.mark.parametrize("count", [2**31 - 1, 1000])
def test_an_array_with_more_items_than_bytes_is_refused_before_anything_is_made(count):
    with pytest.raises(WireError, match="more items than bytes"):
        decode(MetadataRequest, 4, count.to_bytes(4, "big") + b"\0")
    with pytest.raises(WireError):
        decode(MetadataRequest, 9, b"\xff\xff\xff\xff\x0f\0\0\0\0\0")


@pytest.mark.parametrize(
    ("kind", "version", "data"),
    [
        pytest.param(JoinGroupRequest, 0, b"\xff\xff" + bytes(20), id="null where it is not allowed"),
        pytest.param(MetadataRequest, 4, b"\xff\xff\xff\xfe\0", id="a length below null"),
        pytest.param(MetadataRequest, 9, b"\xff" * 30, id="a varint without end"),
        pytest.param(ApiVersionsRequest, 3, b"\x02\xff\x02a\0", id="not UTF-8"),
        pytest.param(
            ApiVersionsRequest, 3, b"\x02a\x02a" + b"\xc0\x84\x3d" + b"\0\0" * 20, id="a million tags"
        ),
        pytest.param(ApiVersionsRequest, 3, b"\x02a\x02a\x01\x05\x09\0", id="a tag beyond the message"),
    ],
)
def test_what_is_bent_is_refused(kind, version, data):
    with pytest.raises(WireError):
        decode(kind, version, data)


def test_unknown_tags_are_dropped():
    message = decode(ApiVersionsRequest, 3, b"\x02a\x02b\x02\x05\x01x\x63\x02yz")
    assert message == ApiVersionsRequest("a", "b")


def test_a_value_that_the_version_has_no_room_for_is_refused_unless_it_may_be_dropped():
    with pytest.raises(UnsupportedField, match="skip_assignment"):
        encode(JoinGroupResponse(skip_assignment=True), 8)
    with pytest.raises(UnsupportedField, match="null"):
        encode(MetadataRequest(topics=None), 0)
    with pytest.raises(UnsupportedField, match="null"):
        encode(MetadataRequest(topics=[MetadataRequestTopic(name=None)]), 9)
    assert encode(JoinGroupRequest(rebalance_timeout_ms=5), 0) == encode(JoinGroupRequest(), 0)


def test_every_version_that_is_served_has_a_schema():
    kinds = {(kind.API_KEY, kind.__name__.endswith("Request")): kind for kind in all_messages()}
    for api in APIS:
        for request in (True, False):
            low, high = kinds[api.key, request].VERSIONS
            assert low <= api.low <= api.high <= high
