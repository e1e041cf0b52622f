from __future__ import annotations

import pytest

from headrace.wire.headers import read_response_header, request_frame, response_header
from headrace.wire.messages.k12_heartbeat import HeartbeatRequest
from headrace.wire.wire_error import WireError


def test_response_headers_are_flexible_with_their_api_except_api_versions():
    assert response_header(12, 3, 7) == b"\0\0\0\x07"
    assert response_header(12, 4, 7) == b"\0\0\0\x07\0"
    assert response_header(18, 4, 7) == b"\0\0\0\x07"
    assert read_response_header(12, 4, b"\0\0\0\x07\0rest") == (7, 5)
    assert read_response_header(18, 4, b"\0\0\0\x07rest") == (7, 4)


def test_a_response_header_cut_short_is_refused():
    with pytest.raises(WireError):
        read_response_header(12, 4, b"\0\0\0\x07")


def test_request_frames_keep_the_old_client_id():
    frame = request_frame(HeartbeatRequest("g", 1, "m"), 4, 9, "me")
    assert (
        frame == b"\0\0\0\x17" + b"\0\x0c\0\x04\0\0\0\x09" + b"\0\x02me" + b"\0" + b"\x02g\0\0\0\x01\x02m\0\0"
    )
    assert request_frame(HeartbeatRequest("g", 1, "m"), 0, 9, None)[4:14] == b"\0\x0c\0\0\0\0\0\x09\xff\xff"
