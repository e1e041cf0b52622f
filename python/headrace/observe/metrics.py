"""What the control plane counts: counters, gauges and histograms with labels, read by the admin port.

    requests = registry.counter("headrace_requests_total", "Requests answered, by API.", ("api",))
    requests.labels("JoinGroup").add()

Adding is a dictionary look-up and an addition; nothing is rendered before somebody asks. The engine's counters and other
things counted elsewhere come in through `add_source`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, Literal, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LABEL_SETS_MAX: Final = 1000
"""Most label sets of one metric. Labels may come from clients; beyond this they are counted together as `other`."""

OTHER: Final = "other"

LATENCY_BUCKETS_S: Final = (
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)

Kind = Literal["counter", "gauge", "histogram"]


class Value:
    """One number of a counter or gauge."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def add(self, amount: float = 1.0) -> None:
        self.value += amount

    def set(self, value: float) -> None:
        self.value = value


class Distribution:
    """One histogram: how many observations were at most each bound, and their sum."""

    __slots__ = ("bounds", "buckets", "sum")

    def __init__(self, bounds: tuple[float, ...] = LATENCY_BUCKETS_S) -> None:
        self.bounds = bounds
        self.buckets = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        place = next((place for place, bound in enumerate(self.bounds) if value <= bound), -1)
        self.buckets[place] += 1
        self.sum += value

    def cumulative(self) -> Iterator[tuple[str, int]]:
        """Bounds as Prometheus writes them, with the count up to each; the last is `+Inf`."""
        total = 0
        for bound, count in zip([*map(str, self.bounds), "+Inf"], self.buckets, strict=True):
            total += count
            yield bound, total


Child = TypeVar("Child", Value, Distribution)


class Metric(Generic[Child]):
    """All label sets of one name."""

    def __init__(
        self, kind: Kind, name: str, text: str, label_names: tuple[str, ...], make: type[Child]
    ) -> None:
        self.kind: Final = kind
        self.name: Final = name
        self.help: Final = text
        self.label_names: Final = label_names
        self.children: dict[tuple[str, ...], Child] = {}
        self._make: type[Child] = make

    def labels(self, *values: str) -> Child:
        """The number for these label values, in the order of the names; kept, so callers may hold on to it."""
        child = self.children.get(values)
        if child is None:
            assert len(values) == len(self.label_names), f"{self.name} has labels {self.label_names}"
            if len(self.children) >= LABEL_SETS_MAX:
                values = (OTHER,) * len(values)
            child = self.children.setdefault(values, self._make())
        return child


class Snapshot(NamedTuple):
    """The metrics with their label sets, and the samples of things that count by themselves."""

    counted: list[
        tuple[Metric[Value] | Metric[Distribution], list[tuple[tuple[str, ...], Value | Distribution]]]
    ]
    samples: dict[str, float]


class Registry:
    """Every metric of a node. Names are Prometheus names, said once; a second registration is a bug."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric[Value] | Metric[Distribution]] = {}
        self._sources: list[Callable[[], Mapping[str, float]]] = []

    def counter(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Metric[Value]:
        """Something that only rises; the name ends in `_total`."""
        assert name.endswith("_total"), "the name of a counter says so"
        return self._add(Metric("counter", name, text, labels, Value))

    def gauge(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Metric[Value]:
        """Something that rises and falls."""
        return self._add(Metric("gauge", name, text, labels, Value))

    def histogram(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Metric[Distribution]:
        """Seconds, in `LATENCY_BUCKETS_S`."""
        return self._add(Metric("histogram", name, text, labels, Distribution))

    def add_source(self, source: Callable[[], Mapping[str, float]]) -> None:
        """Something that counts by itself: asked at each scrape for names (labels inside, Prometheus style) and numbers."""
        self._sources.append(source)

    def snapshot(self) -> Snapshot:
        """Everything as of now; taken on the loop, it may be rendered beside it."""
        return Snapshot(
            counted=[(metric, list(metric.children.items())) for _, metric in sorted(self._metrics.items())],
            samples={name: value for source in self._sources for name, value in source().items()},
        )

    def _add(self, metric: Metric[Child]) -> Metric[Child]:
        assert metric.name not in self._metrics, f"{metric.name} is registered twice"
        self._metrics[metric.name] = metric
        return metric
