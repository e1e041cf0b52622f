"""The registry in Prometheus' text format. prometheus_client is imported here, at the first scrape."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from headrace.observe.metrics import Distribution, Metric, Snapshot, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.metrics_core import Metric as Family

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_SAMPLE: Final = re.compile(r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>.*)\})?", re.DOTALL)
_LABEL: Final = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)",?')


def render(snapshot: Snapshot) -> bytes:
    """Everything that was counted."""
    shown = CollectorRegistry(auto_describe=False)
    shown.register(_Everything(snapshot))
    return generate_latest(shown)


class _Everything(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterable[Family]:
        for metric, children in self._snapshot.counted:
            yield _family(metric, children)
        yield from _families_of(self._snapshot.samples)


def _family(
    metric: Metric[Value] | Metric[Distribution], children: list[tuple[tuple[str, ...], Value | Distribution]]
) -> Family:
    names = list(metric.label_names)
    if metric.kind == "histogram":
        histogram = HistogramMetricFamily(metric.name, metric.help, labels=names)
        for values, child in children:
            assert isinstance(child, Distribution), "histograms hold distributions"
            histogram.add_metric(list(values), [(b, float(n)) for b, n in child.cumulative()], child.sum)
        return histogram
    family = (
        CounterMetricFamily(metric.name, metric.help, labels=names)
        if metric.kind == "counter"
        else GaugeMetricFamily(metric.name, metric.help, labels=names)
    )
    for values, child in children:
        assert isinstance(child, Value), "counters and gauges hold numbers"
        family.add_metric(list(values), child.value)
    return family


def _families_of(samples: dict[str, float]) -> Iterator[Family]:
    """Samples with their labels in the name, gathered by name; names that end in `_total` are counters."""
    families: dict[str, Family] = {}
    for sample, value in samples.items():
        match = _SAMPLE.fullmatch(sample)
        assert match is not None, f"{sample} is a Prometheus sample"
        labels = {name: _unescaped(text) for name, text in _LABEL.findall(match["labels"] or "")}
        name = match["name"]
        family = families.get(name)
        if family is None:
            make = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            family = families[name] = make(name, name.replace("_", " "), labels=list(labels))
        family.add_sample(name, labels, value)
    yield from families.values()


def _unescaped(text: str) -> str:
    return text.replace(r"\n", "\n").replace(r"\"", '"').replace(r"\\", "\\")
