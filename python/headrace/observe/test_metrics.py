"""Counting is exact, bounded, and said once."""

from __future__ import annotations

import pytest

from headrace.observe.metrics import LABEL_SETS_MAX, OTHER, Distribution, Registry


def test_label_sets_are_bounded():
    metric = Registry().counter("x_total", "X.", ("client",))
    for number in range(LABEL_SETS_MAX + 50):
        metric.labels(f"client-{number}").add()
    assert len(metric.children) == LABEL_SETS_MAX + 1
    assert metric.labels(OTHER).value == 50


def test_a_child_is_kept():
    metric = Registry().gauge("g", "G.")
    metric.labels().set(3)
    metric.labels().add(2)
    assert metric.labels().value == 5


def test_histograms_are_cumulative():
    distribution = Distribution((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 9.0):
        distribution.observe(value)
    assert list(distribution.cumulative()) == [("1.0", 2), ("2.0", 3), ("+Inf", 4)]
    assert distribution.sum == 12.0


def test_a_name_twice_and_a_wrong_number_of_labels_are_bugs():
    registry = Registry()
    metric = registry.counter("x_total", "X.", ("a",))
    with pytest.raises(AssertionError):
        registry.gauge("x_total", "X again.")
    with pytest.raises(AssertionError):
        metric.labels("1", "2")
