"""One run of librdkafka's workers, as a test that pytest can be given by name: planted faults must turn it red (tests/mutants)."""

from __future__ import annotations

from tests.eos.run import one

INPUTS = 6_000


def test_one_run() -> None:
    assert one(seed=0, protocol="first", inputs=INPUTS).anomalies == []
