"""The command line as a shell sees it: sentences, JSON, exit codes, and what a start must not import."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from headrace.cli.__main__ import main
from headrace.cli.config_file import inspect, to_toml
from headrace.cli.debug import differences, kafka, pairs
from headrace.cli.records import Record, from_line, to_line
from headrace.config.load import load
from headrace.config.sources import parse_toml
from headrace.model.failure import Failure


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "headrace.cli", *words], check=False, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["start", "--nonsense"], 2, "unrecognized arguments: --nonsense; see headrace start --help"),
        (["start", "--set", "log.retention.hour=1"], 2, "did you mean log.retention.hours?"),
        (["start", "--set", "x"], 2, "write --set KEY=VALUE"),
        (["start", "--kafka", "0.0.0.0:9092"], 2, "add --i-know"),
        (["start", "--kafka", "9092"], 2, "bad address for --kafka"),
        (["start", "--registry", "127.0.0.1:8081"], 2, "not part of this version"),
        (["start", "--config", "/nonexistent"], 2, "bad configuration file /nonexistent"),
        (["topic", "lst"], 2, "No such command 'lst'"),
        (["topic", "create"], 2, "no topic named"),
        (["topic", "list", "-b", "127.0.0.1:1"], 1, "Connection refused"),
        (["topic", "consume", "x", "-b", "127.0.0.1:1"], 1, "Connection refused; start a broker there"),
        (["topic", "produce", "x", "-b", "127.0.0.1:1"], 1, "Connection refused; start a broker there"),
        (["topic", "list", "-b", "no-such-host.invalid:9092"], 1, "check the name of the host"),
        (["topic", "list", "--jso"], 2, "see headrace topic list --help"),
        (["topic", "list", "-b", "nonsense"], 2, "write HOST:PORT"),
        (["debug", "apis", "--against", "kafka-9"], 2, "no table of kafka-9; use kafka-4.2"),
        (["generate", "completion", "tcsh"], 2, "use one of bash, zsh, fish"),
        (["nonsense"], 2, "No such command 'nonsense'"),
    ],
)
def test_one_sentence_and_an_exit_code(words, code, sentence, capsys):
    assert main(words) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("headrace: ")
    assert err.count("\n") == 1
    assert sentence in err


def test_failures_as_json(capsys):
    assert main(["topic", "list", "--json", "-b", "127.0.0.1:1"]) == 1
    error = json.loads(capsys.readouterr().err)["error"]
    assert set(error) == {"code", "message", "hint"}
    assert error["code"] == "failed"


def test_help_names_every_group():
    done = run("--help")
    assert done.returncode == 0
    for group in ("start", "topic", "group", "cluster", "config", "doctor", "demo", "generate"):
        assert f"  {group} " in done.stdout
    assert "...\n" not in done.stdout.partition("Commands:")[2], "a summary is cut off"


@pytest.mark.parametrize("group", ["topic", "group", "cluster", "config", "generate"])
def test_no_summary_of_a_command_is_cut_off(group):
    assert "...\n" not in run(group, "--help").stdout.partition("Commands:")[2]


@pytest.mark.parametrize("name", ["doctor", "demo"])
def test_what_has_no_subcommands_offers_none(name):
    assert f"Usage: headrace {name} [OPTIONS]\n" in run(name, "--help").stdout


def test_a_reader_that_goes_away_ends_a_command_as_it_ends_others():
    command = [sys.executable, "-m", "headrace.cli", "generate", "completion", "bash"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


ON_A_FULL_DISK = """
import errno, io, os, sys
from headrace.cli.__main__ import main

class Full(io.FileIO):
    def write(self, data):
        if os.path.samestat(os.fstat(1), os.stat(os.devnull)):
            return len(data)
        raise OSError(errno.ENOSPC, "No space left on device")

sys.stdout = io.TextIOWrapper(io.BufferedWriter(Full(1, "w", closefd=False)))
sys.exit(main(["generate", "completion", "bash"]))
"""


def test_a_full_disk_is_a_sentence():
    command = [sys.executable, "-c", ON_A_FULL_DISK]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "headrace: cannot write: no space left; free some\n")


def test_start_imports_no_command_library():
    check = (
        "import sys; from headrace.cli.__main__ import main; main(['start', '--set', 'x']); "
        "print([m for m in ('typer', 'rich', 'confluent_kafka', 'starlette', 'uvicorn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", check], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "record",
    [
        Record(b"k", b"v", []),
        Record(None, None, []),
        Record(b"\xff\x00", b"\xfe", [("h", b"\xfd"), ("n", None), ("h", b"again")]),
        Record("ключ".encode(), b'{"a": 1}', []),
    ],
)
def test_what_consume_writes_produce_reads(record):
    line = to_line("t", 3, 7, 1000, record.key, record.value, record.headers)
    assert from_line(line, 1) == record._replace(partition=3, timestamp_ms=1000)


@pytest.mark.parametrize(
    "line", ["", "[]", "{", '{"headers": [{}]}', '{"value_base64": "*"}', '{"partition": "x"}']
)
def test_a_bad_line_is_named_by_its_number(line):
    with pytest.raises(Failure, match="line 12"):
        from_line(line, 12)


def test_import_drops_and_names_what_means_nothing(tmp_path):
    file = tmp_path / "server.properties"
    file.write_text(
        "log.retention.hours=5\nnum.io.threads=8\nzookeeper.connect=z\nno.such=1\nlog.preallocate=maybe\n"
    )
    report = inspect(file, lenient=True)
    assert report.settings == {"log.retention.hours": "5"}
    assert set(report.dropped) == {"num.io.threads", "zookeeper.connect", "no.such", "log.preallocate"}
    text = to_toml({**report.settings, "log.dirs": "a,b", "broker.rack": 'r"1'}, "x", report.dropped)
    assert parse_toml(file, text) == {"log.retention.hours": "5", "log.dirs": "a,b", "broker.rack": 'r"1'}


STOCK = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=1
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
"""
"""Kafka 4's own example, without its comments."""


def test_kafkas_own_configuration_comes_over_without_its_controller(tmp_path):
    file = tmp_path / "server.properties"
    file.write_text(STOCK)
    ours = tmp_path / "headrace.toml"
    assert main(["config", "import", str(file), "-o", str(ours)]) == 0
    assert parse_toml(ours, ours.read_text()) == {
        "advertised.listeners": "PLAINTEXT://localhost:9092",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SSL:SSL",
        "listeners": "PLAINTEXT://:9092",
        "log.dirs": "/tmp/kraft-combined-logs",
        "log.retention.check.interval.ms": "300000",
        "log.retention.hours": "168",
        "log.segment.bytes": "1073741824",
        "node.id": "1",
        "num.partitions": "1",
        "socket.request.max.bytes": "104857600",
    }
    assert (
        main(["start", "--config", str(ours)]) == 2
    )  # anybody could reach it: --i-know is for people to say
    config, _ = load({}, {}, ours, i_know=True)
    assert [(at.name, at.bind.port) for at in config.listeners] == [("PLAINTEXT", 9092)]


def test_lint_finds_what_a_start_would_refuse(tmp_path, capsys):
    file = tmp_path / "c.toml"
    file.write_text("log.retention.hour = 5\nnum.partitions = 0\nlog_segment_size = 1048576\n")
    assert main(["config", "lint", str(file)]) == 2
    out = capsys.readouterr().out
    assert "did you mean log.retention.hours?" in out
    assert "must be at least 1" in out
    assert "log_segment_size is accepted for log.segment.bytes" in out


def test_lint_takes_the_settings_together_as_a_start_does(tmp_path, capsys):
    file = tmp_path / "c.toml"
    file.write_text('log.dirs = ["/a", "/b"]\n')
    assert main(["config", "lint", str(file)]) == 2
    assert "error: bad log.dirs: 2 directories; give one" in capsys.readouterr().out
    file.write_text('listeners = ["PLAINTEXT://:9092"]\n')
    assert main(["config", "lint", str(file)]) == 0
    assert "note: bad listeners: :9092 can be reached by others" in capsys.readouterr().out


def test_import_says_each_thing_once_and_what_is_left_to_do(tmp_path, capsys):
    file = tmp_path / "server.properties"
    file.write_text("broker.id=3\nnum.io.threads=8\nlog.dirs=/a,/b\n")
    assert main(["config", "import", str(file)]) == 0
    out, err = capsys.readouterr()
    assert "#   num.io.threads: " in out
    assert err.startswith("to do: bad log.dirs: 2 directories")
    assert err.count("\n") == 1
    assert main(["config", "import", str(file), "-o", str(tmp_path / "no" / "where")]) == 1
    assert "choose another place with -o" in capsys.readouterr().err


def test_apis_are_held_against_those_of_kafka():
    theirs = kafka()
    assert (len(theirs), pairs(theirs)) == (75, 277)
    assert differences(theirs, theirs) == []
    ours = {key: found for key, found in theirs.items() if key != 3} | {0: (3, 13), 71: (0, 0), 999: (1, 2)}
    assert [tuple(row.values()) for row in differences(ours, theirs)] == [
        (0, "Produce", "3-13", "0-13"),
        (3, "Metadata", "-", "0-13"),
        (71, "GetTelemetrySubscriptions", "0", "-"),
        (999, "?", "1-2", "-"),
    ]
