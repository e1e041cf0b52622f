"""Settings as an operator and an AdminClient meet them: where a value comes from, and what is refused in which words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from headrace.config import topic
from headrace.config.broker import BrokerConfig
from headrace.config.catalog import BROKER_CONFIGS, GROUP_CONFIGS, TOPIC_CONFIGS
from headrace.config.definition import Source
from headrace.config.kafka_broker_configs import KAFKA_BROKER_CONFIGS
from headrace.config.listeners import Address, parse_address
from headrace.config.load import load
from headrace.config.own import DEV_DEFAULTS, OUR_DEFAULTS, OWN_BROKER_CONFIGS, WRITE_CACHING
from headrace.config.rules import ValueRefused
from headrace.config.sources import parse_properties, variable_name
from headrace.model.failure import ExitCode, Failure


def refusal(**given) -> Failure:
    with pytest.raises(Failure) as refused:
        load(given.pop("command_line", {}), given.pop("environ", {}), **given)
    assert refused.value.exit_code is ExitCode.USAGE
    return refused.value


def test_every_default_of_every_table_is_a_value_its_own_rule_takes():
    for table in (TOPIC_CONFIGS, BROKER_CONFIGS, GROUP_CONFIGS):
        for definition in table.values():
            canonical = definition.canonical(definition.default)
            assert definition.canonical(canonical) == canonical, definition.name


def test_kafka_has_its_settings_here():
    assert len([d for d in TOPIC_CONFIGS.values() if not d.internal]) == 33 + 1  # and write.caching
    assert {"log.retention.hours", "message.max.bytes", "group.max.size"} <= set(BROKER_CONFIGS)
    assert all(synonym.name in BROKER_CONFIGS for d in TOPIC_CONFIGS.values() for synonym in d.synonyms)


def test_command_line_over_environment_over_file_over_default(tmp_path: Path):
    file = tmp_path / "headrace.toml"
    file.write_text(
        'num.partitions = 2\nlog.retention.hours = 3\n"broker.rack" = "file"\nlog.preallocate = true\n'
    )
    environ = {
        "HEADRACE_NUM_PARTITIONS": "4",
        "HEADRACE_BROKER_RACK": "environment",
        "HEADRACE_BOOTSTRAP": "x",
    }
    config, _ = load({"broker.rack": "command line"}, environ, file)
    assert config.text("broker.rack") == "command line"
    assert config.integer("num.partitions") == 4
    assert config.integer("log.retention.hours") == 3
    assert config.boolean("log.preallocate") is True
    assert config.integer("log.segment.bytes") == 1 << 30


def test_redpanda_names_are_understood_and_never_printed(tmp_path: Path):
    file = tmp_path / "r.toml"
    file.write_text("log_segment_size = 1048576\ngroup_offset_retention_sec = 7200\n")
    config, _ = load({}, {}, file)
    assert config.integer("log.segment.bytes") == 1 << 20
    assert config.integer("offsets.retention.minutes") == 120
    assert all("_" not in row.name for row in config.describe_all())


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"command_line": {"log.retention.hour": "1"}}, "did you mean log.retention.hours?"),
        ({"environ": {"HEADRACE_LOG_RETENTION_HOUR": "1"}}, "did you mean log.retention.hours?"),
        ({"command_line": {"retention.ms": "1"}}, "log.retention.ms is the broker's default for it"),
        ({"command_line": {"num.partitions": "0"}}, "Value must be at least 1"),
        ({"command_line": {"num.partitions": "many"}}, "Not a number of type INT"),
        ({"command_line": {"log.preallocate": "yes"}}, "true or false"),
        ({"command_line": {"listeners": "PLAINTEXT://0.0.0.0:9092"}}, "add --i-know"),
        ({"command_line": {"listeners": "SSL://127.0.0.1:9093"}}, "this version does not have"),
        ({"command_line": {"listeners": "127.0.0.1:9092"}}, "write NAME://HOST:PORT"),
        ({"command_line": {"listeners": "X://127.0.0.1:9092"}}, "listener.security.protocol.map"),
        ({"command_line": {"advertised.listeners": "EXTERNAL://a:1"}}, "advertise only listeners that exist"),
        ({"command_line": {"headrace.admin.listener": "0.0.0.0:9644"}}, "add --i-know"),
        ({"command_line": {"log.dirs": "a,b"}}, "one data directory"),
        ({"file": Path("/nonexistent.toml")}, "No such file"),
    ],
)
def test_refusals_say_what_to_do(given, sentence):
    assert sentence in str(refusal(**given))


def test_a_broken_file_is_named(tmp_path: Path):
    file = tmp_path / "broken.toml"
    file.write_text("a = = 1")
    assert str(file) in str(refusal(file=file))


def test_dev_is_loopback_open_and_has_no_rebalance_delay():
    config, options = load({"listeners": "PLAINTEXT://127.0.0.1:0"}, {}, dev=True)
    assert options.dev
    assert [listener.bind for listener in config.listeners] == [Address("127.0.0.1", 0)]
    assert config.boolean("auto.create.topics.enable") is True
    assert config.integer("group.initial.rebalance.delay.ms") == 0
    outside, _ = load({}, {})
    assert outside.boolean("auto.create.topics.enable") is False


def test_kafkas_own_server_properties_are_read(tmp_path: Path):
    file = tmp_path / "server.properties"
    file.write_text(
        "# a comment\n! another\nprocess.roles=broker,controller\nnode.id = 7\ncontroller.listener.names=CONTROLLER\n"
        "listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093\nlog.dirs : /tmp/x\\\n    y\n"
        "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n"
    )
    config, options = load({}, {}, file)
    assert options.node_id == 7
    assert [listener.name for listener in config.listeners] == ["PLAINTEXT"]
    assert str(options.data_dir) == "/tmp/xy"


def test_properties_format():
    assert parse_properties("a=1\nb:2\nc 3\nd\ne\\ f=\\u0041\\tx\n\n  g  =  h  ") == {
        "a": "1",
        "b": "2",
        "c": "3",
        "d": "",
        "e f": "A\tx",
        "g": "h",
    }


def test_variables_of_our_own_settings_have_no_double_prefix():
    assert variable_name("headrace.cores") == "HEADRACE_CORES"
    assert variable_name("log.retention.hours") == "HEADRACE_LOG_RETENTION_HOURS"


@pytest.mark.parametrize("text", ["127.0.0.1", "a:b", "a:70000", "::1:9092", "http://a:1", ""])
def test_bad_addresses(text):
    with pytest.raises(Failure):
        parse_address(text, "--kafka")


def test_ipv6_addresses_wear_brackets():
    assert parse_address("[::1]:9092", "--kafka") == Address("::1", 9092)
    assert str(Address("::1", 9092)) == "[::1]:9092"


def test_an_advertised_name_stands_for_its_listener():
    config, _ = load({"advertised.listeners": "PLAINTEXT://broker.example:9999"}, {})
    (listener,) = config.listeners
    assert (listener.bind, listener.advertised) == (
        Address("127.0.0.1", 9092),
        Address("broker.example", 9999),
    )


def test_topic_value_over_broker_value_in_any_unit():
    broker = BrokerConfig({"log.retention.hours": "2", "log.segment.bytes": "2097152"})
    assert topic.effective({}, broker)["retention.ms"] == "7200000"
    assert topic.effective({"retention.ms": "5"}, broker)["retention.ms"] == "5"
    described = topic.describe("segment.bytes", {"segment.bytes": "1048576"}, broker)
    assert [(s.name, s.value, s.source) for s in described.synonyms] == [
        ("segment.bytes", "1048576", Source.DYNAMIC_TOPIC),
        ("log.segment.bytes", "2097152", Source.STATIC_BROKER),
        ("log.segment.bytes", "1073741824", Source.DEFAULT),
    ]


def test_changed_values_win_and_name_their_source():
    broker = BrokerConfig({"log.segment.bytes": "2097152"})
    assert broker.integer("log.segment.bytes") == 2097152
    broker.set_dynamic({"log.segment.bytes": "3145728"}, {"log.segment.bytes": "4194304"})
    assert broker.integer("log.segment.bytes") == 4194304
    assert [s.source for s in broker.describe("log.segment.bytes").synonyms] == [
        Source.DYNAMIC_BROKER,
        Source.DYNAMIC_DEFAULT_BROKER,
        Source.STATIC_BROKER,
        Source.DEFAULT,
    ]


def test_passwords_are_never_shown():
    described = BrokerConfig({"ssl.keystore.password": "secret"}).describe("ssl.keystore.password")
    assert described.sensitive
    assert "secret" not in repr(described)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"foo": "1"}, "Unknown topic config name: foo"),
        (
            {"retention.ms": "-2"},
            "Invalid value -2 for configuration retention.ms: Value must be at least -1",
        ),
        ({"cleanup.policy": "shred"}, "String must be one of: compact, delete"),
        (
            {"compression.type": "rar"},
            "String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer",
        ),
        ({"compression.gzip.level": "0"}, "Value must be between 1 and 9 or equal to -1"),
        ({"segment.bytes": "99999999999"}, "Not a number of type INT"),
        ({"min.compaction.lag.ms": "9", "max.compaction.lag.ms": "8"}, "(9) > max.compaction.lag.ms (8)"),
        ({"retention.ms": None}, "Null value not supported for topic configs"),
        ({"cleanup.policy": "compact,"}, "Configuration 'cleanup.policy' values must not be empty."),
    ],
)
def test_topic_refusals_are_kafkas(overrides, sentence):
    with pytest.raises((ValueRefused, topic.TopicConfigRefused)) as refused:
        topic.checked(overrides)
    assert sentence in str(refused.value)


def test_topic_values_come_back_in_canonical_text():
    given = {
        "cleanup.policy": " compact , delete ,compact",
        "preallocate": "TRUE",
        "retention.ms": " 5 ",
        "write_caching": "true",
    }
    assert topic.checked(given) == {
        "cleanup.policy": "compact,delete",
        "preallocate": "true",
        "retention.ms": "5",
        "write.caching": "true",
    }


def test_the_table_of_differences_is_true():
    page = (Path(__file__).parents[3] / "docs/compatibility.md").read_text("utf-8")
    rows = [
        [cell.strip(" `") for cell in line.split("|")[1:-1]]
        for line in page.splitlines()
        if line.startswith("| `")
    ]
    kafkas = {name for name in {*OUR_DEFAULTS, *DEV_DEFAULTS} if not name.startswith("headrace.")}
    assert {row[0] for row in rows} == kafkas
    kafka = {definition.name: definition.default for definition in KAFKA_BROKER_CONFIGS}
    for name, theirs, ours, dev, _ in rows:
        assert theirs == (kafka[name] or f"(`log.dir`: `{kafka['log.dir']}`)").strip("`"), name
        assert ours == BROKER_CONFIGS[name].default
        assert dev == DEV_DEFAULTS.get(name, "")


ENGINE = Path(__file__).parents[3] / "engine/crates"


def read_by_the_engine():
    """Names of settings in the engine's two tables: the broker's, and the topics'."""
    broker = (ENGINE / "server/src/settings.rs").read_text("utf-8")
    topics = (ENGINE / "partition/src/config.rs").read_text("utf-8")
    return (
        set(re.findall(r'(?:number|size)\("([a-z.]+)"', broker)) - {"headrace.accept.loss"},
        set(re.findall(r'^\s+"([a-z]+(?:\.[a-z]+)+)" =>', topics, re.MULTILINE)),
    )


def read_by_python():
    """Names of our own settings that any module but the tables themselves mentions."""
    package = Path(__file__).parents[1]
    sources = [path.read_text("utf-8") for path in package.rglob("*.py") if "test_" not in path.name]
    tables = (package / "config/own.py").read_text("utf-8")
    return set(re.findall(r'"((?:headrace|cluster)\.[a-z.]+)"', "".join(s for s in sources if s != tables)))


def test_what_the_engine_reads_can_be_set():
    broker, topics = read_by_the_engine()
    assert len(broker) > 5
    assert len(topics) > 10
    assert broker <= BROKER_CONFIGS.keys()
    assert topics <= TOPIC_CONFIGS.keys()


def test_no_setting_of_ours_is_accepted_and_ignored():
    broker, topics = read_by_the_engine()
    ours = {definition.name for definition in OWN_BROKER_CONFIGS}
    assert ours - {WRITE_CACHING} <= broker | read_by_python()
    assert WRITE_CACHING in topics


def test_dev_is_a_default_and_no_ceiling():
    given = {"headrace.journal.file.bytes": str(64 << 20)}
    assert load({}, {}, dev=True)[0].effective()["headrace.journal.file.bytes"] == str(8 << 20)
    assert load(given, {}, dev=True)[0].effective()["headrace.journal.file.bytes"] == str(64 << 20)


@pytest.mark.parametrize("i_know", [True, False])
def test_a_protocol_that_is_not_there_is_refused_whatever_one_knows(i_know):
    with pytest.raises(Failure, match="SASL_SSL, which this version does not have"):
        load({"listeners": "SASL_SSL://127.0.0.1:9393"}, {}, i_know=i_know)
