"""A topic's settings: what was set on it, and beneath that the broker's value of the same thing.

Used where topics are made and changed (refusals in Kafka's words), where they are described, and to tell the engine
every effective value of a topic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from headrace.config.broker import BrokerConfig, Described, SynonymValue
from headrace.config.catalog import BROKER_CONFIGS, TOPIC_CONFIGS, canonical_topic_name
from headrace.config.definition import Source, Type, Value

if TYPE_CHECKING:
    from collections.abc import Mapping


class TopicConfigRefused(ValueError):  # noqa: N818 - reads as what happened
    """A topic may not have these settings; the text is Kafka's own, ready for INVALID_CONFIG."""


def checked(overrides: Mapping[str, str | None]) -> dict[str, str]:
    """The settings of a new or changed topic, by canonical name and in canonical text.

    Raises `ValueRefused` or `TopicConfigRefused`: unknown name, bad value, values that contradict each other.
    """
    found: dict[str, str] = {}
    for given, text in overrides.items():
        name = canonical_topic_name(given)
        if name is None:
            raise TopicConfigRefused(f"Unknown topic config name: {given}")
        canonical = TOPIC_CONFIGS[name].canonical(text)
        if canonical is None:
            raise TopicConfigRefused(f"Null value not supported for topic configs: {given}")
        found[name] = canonical
    _check_together(found)
    return found


def _check_together(overrides: Mapping[str, str]) -> None:
    def integer(name: str) -> int:
        return int(overrides.get(name) or TOPIC_CONFIGS[name].default or 0)

    if (low := integer("min.compaction.lag.ms")) > (high := integer("max.compaction.lag.ms")):
        raise TopicConfigRefused(
            f"conflict topic config setting min.compaction.lag.ms ({low}) > max.compaction.lag.ms ({high})"
        )
    if overrides.get("remote.storage.enable") == "true":
        raise TopicConfigRefused(
            "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage."
        )


def effective(overrides: Mapping[str, str], broker: BrokerConfig) -> dict[str, str]:
    """Every topic setting's value: the topic's own, else the broker's. What the engine is told."""
    found = {name: _effective_text(name, overrides, broker) for name in TOPIC_CONFIGS}
    return {name: text for name, text in found.items() if text is not None}


def effective_value(name: str, overrides: Mapping[str, str], broker: BrokerConfig) -> Value | None:
    """One topic setting's value, parsed."""
    return TOPIC_CONFIGS[name].parse(_effective_text(name, overrides, broker))


def _effective_text(name: str, overrides: Mapping[str, str], broker: BrokerConfig) -> str | None:
    if name in overrides:
        return overrides[name]
    definition = TOPIC_CONFIGS[name]
    # The finest unit that anybody set decides; the first that has a default is the fallback (Kafka, KafkaConfig).
    for synonym in definition.synonyms:
        text = broker.text(synonym.name)
        if text is not None:
            return text if synonym.factor == 1 else str(int(text) * synonym.factor)
    return definition.default


def describe(name: str, overrides: Mapping[str, str], broker: BrokerConfig) -> Described:
    """The setting as DescribeConfigs tells it for a topic with these overrides."""
    definition = TOPIC_CONFIGS[name]
    value = definition.canonical(_effective_text(name, overrides, broker))
    beneath = broker.synonyms(definition.synonyms[0].name) if definition.synonyms else ()
    own = (SynonymValue(name, value, Source.DYNAMIC_TOPIC),) if name in overrides else ()
    synonyms = own + beneath
    return Described(
        name=name,
        value=value,
        type=definition.type,
        source=synonyms[0].source if synonyms else Source.DEFAULT,
        read_only=False,
        sensitive=False,
        synonyms=synonyms,
    )


def describe_all(overrides: Mapping[str, str], broker: BrokerConfig) -> list[Described]:
    """Every topic setting that is not internal."""
    return [describe(name, overrides, broker) for name, d in TOPIC_CONFIGS.items() if not d.internal]


def documentation(name: str, of: Literal["topic", "broker", "group"]) -> str:
    """What the setting does, for DescribeConfigs v3+ with documentation."""
    from headrace.config.kafka_config_docs import BROKER_DOCS, GROUP_DOCS, TOPIC_DOCS  # lazy: 100 KB of prose
    from headrace.config.own import OWN_DOCS

    docs = {"topic": TOPIC_DOCS, "broker": BROKER_DOCS, "group": GROUP_DOCS}[of]
    return docs.get(name) or OWN_DOCS.get(name, "")


def is_list(name: str) -> bool:
    """Whether IncrementalAlterConfigs may append to or subtract from this topic or broker setting."""
    definition = TOPIC_CONFIGS.get(name) or BROKER_CONFIGS.get(name)
    return definition is not None and definition.type is Type.LIST
