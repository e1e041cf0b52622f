"""The commands against a real broker, in the order in which somebody would type them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from headrace.testing import Broker


@pytest.fixture(scope="module")
def broker():
    with Broker(durable=True) as broker:
        yield broker


@pytest.fixture
def headrace(broker):
    def run(*words: str, stdin: str = "", code: int = 0, aside: bool = False) -> str:
        command = [sys.executable, "-m", "headrace.cli", *words, "--bootstrap", broker.bootstrap_servers]
        done = subprocess.run(command, input=stdin, check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 and not aside else done.stderr

    return run


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def names_of(listed: str) -> set[str]:
    return {row["name"] for row in json.loads(listed)}


def test_a_topics_life(headrace):
    assert headrace("topic", "create", "life", "-p", "2", "-c", "retention.ms=60000") == "created life\n"
    assert "already exists" in headrace("topic", "create", "life", code=1)
    assert headrace("topic", "create", "--topic", "life", "--if-not-exists").startswith("already there")
    assert "life' already exists" in headrace("topic", "create", "before", "life", "after", code=1)
    assert {"before", "after"} <= names_of(headrace("topic", "list", "--json"))
    refused = headrace("topic", "delete", "before", "nosuch", "after", "nosuch2", code=1)
    assert refused.count("there is no such topic") == 2
    assert not {"before", "after"} & names_of(headrace("topic", "list", "--json"))
    (row,) = [row for row in json.loads(headrace("topic", "list", "--json")) if row["name"] == "life"]
    assert (row["partitions"], row["replicas"], row["internal"]) == (2, 1, False)
    headrace("topic", "alter", "life", "--set", "max.message.bytes=2000", "--unset", "retention.ms")
    assert "Unknown topic config name: foo" in headrace("topic", "alter", "life", "--set", "foo=1", code=1)
    assert headrace("topic", "add-partitions", "life", "--num", "3") == "life has 5 partitions\n"
    (found,) = json.loads(headrace("topic", "describe", "life", "--json"))
    assert found["configs"] == {"max.message.bytes": "2000"}
    assert [row["partition"] for row in found["partitions"]] == [0, 1, 2, 3, 4]
    assert headrace("topic", "delete", "life") == "deleted life\n"
    assert "see headrace topic list" in headrace("topic", "delete", "life", code=1)
    assert headrace("topic", "delete", "life", "--if-exists") == ""


def test_a_refusal_says_what_to_do(headrace):
    assert headrace("topic", "delete", "nope", code=1) == (
        "headrace: cannot delete topic nope: there is no such topic or partition; see headrace topic list\n"
    )
    assert "there is no such topic" in headrace("topic", "describe", "nope", code=1)
    fixed = headrace("config", "set", "log.dirs=/x", code=1)
    assert fixed.endswith("change it in the configuration file and start the broker again\n")
    assert "see headrace config get --all" in headrace("config", "set", "nope=1", code=1)
    assert headrace("topic", "produce", "one", stdin="x\n").startswith("wrote 1 record to ")
    assert "  1 topic, " in headrace("cluster", "status")


def test_produce_and_consume(headrace):
    headrace("topic", "create", "lines", "-p", "2")
    headrace("topic", "produce", "lines", "-K", ":", "-p", "0", "-H", "h=x", stdin="a:1\nb:2\na:3\n")
    headrace("topic", "produce", "lines", "--json-lines", stdin='{"value_base64": "/w==", "partition": 1}\n')
    records = lines(headrace("topic", "consume", "lines", "--until-end"))
    assert [
        (r["partition"], r["offset"], r["key"], r.get("value"))
        for r in sorted(records, key=lambda r: (r["partition"], r["offset"]))
    ] == [
        (0, 0, "a", "1"),
        (0, 1, "b", "2"),
        (0, 2, "a", "3"),
        (1, 0, None, None),
    ]
    assert records[0]["partition"] == 1 or records[0]["headers"] == [{"key": "h", "value": "x"}]
    assert [
        r["value"] for r in lines(headrace("topic", "consume", "lines", "--until-end", "--key", "a"))
    ] == ["1", "3"]
    assert [
        r["offset"] for r in lines(headrace("topic", "consume", "lines", "-p", "0", "--from", "1", "-n", "1"))
    ] == [1]
    assert [
        r["offset"] for r in lines(headrace("topic", "consume", "lines", "-p", "0", "--from", "-1", "-e"))
    ] == [2]
    assert headrace("topic", "consume", "lines", "--from", "end", "--until-end") == ""
    assert headrace("topic", "consume", "lines", "--from", "@2999-01-01", "--until-end") == ""
    assert "4 of 9" in headrace("topic", "consume", "lines", "-n", "9", "--until-end", code=1)
    assert "no partition 7" in headrace("topic", "consume", "lines", "-p", "7", code=2)


def test_a_record_need_not_be_text(headrace, broker):
    command = [sys.executable, "-m", "headrace.cli", "topic", "produce", "bytes", "-K", ":"]
    command += ["--bootstrap", broker.bootstrap_servers]
    subprocess.run(command, input=b"\xff:\xfe\r\nk:v\n", check=True, capture_output=True, timeout=60)
    records = lines(headrace("topic", "consume", "bytes", "--until-end"))
    assert [r.get("value_base64") or r["value"] for r in records] == ["/g==", "v"]


def test_what_comes_before_a_bad_line_is_written(headrace):
    headrace("topic", "create", "early")
    refusal = headrace("topic", "produce", "early", "-K", ":", stdin="a:1\nb:2\nc\n", code=1)
    assert refusal.startswith("headrace: bad record in line 3: ")
    assert [r["value"] for r in lines(headrace("topic", "consume", "early", "-e"))] == ["1", "2"]


def test_a_refused_record_is_told_from_one_that_may_be_there(headrace):
    headrace("topic", "create", "small", "-c", "max.message.bytes=3000000")
    assert "wrote 1 " in headrace("topic", "produce", "small", stdin="x" * 2_000_000 + "\n")
    for words, stdin in ((["-p", "9"], "x\n"), ([], "x" * 4_000_000 + "\n")):
        refusal = headrace("topic", "produce", "small", *words, stdin=stdin, code=1)
        assert refusal.startswith("headrace: 1 of 1 records were refused: ")
        assert "KafkaError{" not in refusal


def hear_signals() -> None:
    """For a child: what a shell puts in the background, or nohup runs, ignores these, and hands that down."""
    for ending in (signal.SIGHUP, signal.SIGINT):
        signal.signal(ending, signal.SIG_DFL)


def test_a_record_leaves_a_pipe_when_it_comes(headrace, broker):
    headrace("topic", "produce", "pipe", stdin="1\n")
    command = [sys.executable, "-m", "headrace.cli", "topic", "consume", "pipe", "--values"]
    command += ["--bootstrap", broker.bootstrap_servers]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    reading = subprocess.Popen(command, stdout=subprocess.PIPE, env=buffered, preexec_fn=hear_signals)
    with reading as process:
        assert process.stdout.readline() == b"1\n"
        headrace("topic", "produce", "pipe", stdin="2\n")
        assert process.stdout.readline() == b"2\n"
        process.send_signal(signal.SIGINT)
    assert process.returncode == 130


def test_a_listener_whose_host_does_not_exist_is_a_sentence(tmp_path):
    command = [sys.executable, "-m", "headrace.cli", "start", "--kafka", "no-such-host.invalid:0", "--i-know"]
    command += ["--admin", "127.0.0.1:0", "--data-dir", str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("headrace: cannot listen on no-such-host.invalid: ")


@pytest.mark.parametrize("ending", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_broker_in_the_foreground_stops_cleanly(tmp_path, ending):
    command = [sys.executable, "-m", "headrace.cli", "start", "--kafka", "127.0.0.1:0"]
    command += ["--admin", "127.0.0.1:0", "--data-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=hear_signals) as process:
        assert process.stdout.readline().startswith(b"headrace ready ")
        process.send_signal(ending)
    assert process.returncode == 0


def test_a_groups_life(headrace, broker):
    from confluent_kafka import Consumer

    headrace("topic", "create", "read", "-p", "1")
    headrace("topic", "produce", "read", stdin="1\n2\n3\n4\n")
    settings = {
        "bootstrap.servers": broker.bootstrap_servers,
        "group.id": "readers",
        "auto.offset.reset": "earliest",
    }
    consumer = Consumer(settings)
    consumer.subscribe(["read"])
    assert [m.value() for m in consumer.consume(4, 30)] == [b"1", b"2", b"3", b"4"]
    consumer.commit(asynchronous=False)
    described = json.loads(headrace("group", "describe", "readers", "--json"))
    assert (described["state"], described["lag"], len(described["members"])) == ("Stable", 0, 1)
    assert described["partitions"][0]["offset"] == 4
    assert "stop" in headrace("group", "seek", "readers", "--to", "start", code=1)
    consumer.close()
    assert ("readers", "Empty") in [
        (row["group_id"], row["state"]) for row in json.loads(headrace("group", "list", "--json"))
    ]
    moved = json.loads(headrace("group", "seek", "readers", "--to", "-3", "--json"))
    assert moved["partitions"] == [{"topic": "read", "partition": 0, "before": 4, "after": 1}]
    assert json.loads(headrace("group", "describe", "readers", "--json"))["lag"] == 3
    told = headrace("group", "seek", "readers", "--to", "9", "--dry-run", aside=True)
    assert told == "headrace: read-0 has offsets 0 to 4: 9 is taken for 4\n"
    assert headrace("topic", "consume", "read", "--from", "9", "--until-end", aside=True) == told
    headrace("group", "delete", "readers")
    assert "see headrace group list" in headrace("group", "describe", "readers", code=1)


def test_a_group_of_the_new_protocol(headrace, broker):
    from confluent_kafka import Consumer

    headrace("topic", "create", "new", "-p", "1")
    headrace("topic", "produce", "new", stdin="1\n2\n")
    settings = {
        "bootstrap.servers": broker.bootstrap_servers,
        "group.id": "newer",
        "group.protocol": "consumer",
        "auto.offset.reset": "earliest",
    }
    consumer = Consumer(settings)
    consumer.subscribe(["new"])
    assert [m.value() for m in consumer.consume(2, 30)] == [b"1", b"2"]
    consumer.commit(asynchronous=False)
    described = json.loads(headrace("group", "describe", "newer", "--json"))
    assert (described["state"], described["lag"]) == ("Stable", 0)
    assert described["members"][0]["assigned"] == [["new", 0]]
    assert "newer" in headrace("group", "list")
    consumer.close()
    headrace("group", "seek", "newer", "--to", "start")
    assert json.loads(headrace("group", "describe", "newer", "--json"))["lag"] == 2
    headrace("group", "delete", "newer")
    assert "see headrace group list" in headrace("group", "describe", "newer", code=1)


def test_cluster_and_configuration(headrace):
    status = json.loads(headrace("cluster", "status", "--json"))
    assert (status["healthy"], len(status["brokers"])) == (True, 1)
    headrace("topic", "create", "configured", "-c", "retention.ms=5")
    assert "5" in headrace("config", "get", "--topic", "configured", "retention.ms")
    assert len(json.loads(headrace("config", "get", "--all", "--json"))) > 300
    headrace("config", "set", "log.retention.ms=1234")
    (setting,) = json.loads(headrace("config", "get", "log.retention.ms", "--json"))
    assert (setting["value"], setting["source"]) == ("1234", "dynamic_default_broker")
    headrace("config", "set", "--unset", "log.retention.ms")
    assert "did you mean log.retention.hours?" in headrace("config", "get", "log.retention.hour", code=2)


def test_a_member_without_partitions_is_shown(headrace, broker):
    from confluent_kafka import Consumer

    headrace("topic", "create", "narrow")
    settings = {"bootstrap.servers": broker.bootstrap_servers, "group.id": "crowd"}
    consumers = [Consumer(settings) for _ in range(2)]
    for consumer in consumers:
        consumer.subscribe(["narrow"])
    found: dict = {"state": "", "members": []}
    while found["state"] != "Stable" or len(found["members"]) < 2:
        for consumer in consumers:
            consumer.poll(0.1)
        found = json.loads(headrace("group", "describe", "crowd", "--json"))
    assert sorted(len(member["assigned"]) for member in found["members"]) == [0, 1]
    text = headrace("group", "describe", "crowd")
    assert all(member["member_id"] in text for member in found["members"]), text
    for consumer in consumers:
        consumer.close()


def test_doctor_finds_nothing_and_looks_where_the_broker_keeps_its_data(headrace, broker, tmp_path):
    findings = json.loads(headrace("doctor", "--json"))
    assert all(finding["ok"] for finding in findings), findings
    details = {finding["what"]: finding["detail"] for finding in findings}
    assert {"bootstrap", "librdkafka", "disk", "sync", "clock", "descriptors"} <= details.keys()
    assert details["disk"].endswith(f" at {broker.data_dir}")
    elsewhere = json.loads(headrace("doctor", "--json", "--data-dir", str(tmp_path)))
    assert {f["what"]: f["detail"] for f in elsewhere}["disk"].endswith(f" at {tmp_path}")


def test_doctor_names_an_advertised_address_that_nobody_reaches(tmp_path):
    with Broker(arguments=["--advertise", "127.0.0.1:1"]) as broker:
        command = [sys.executable, "-m", "headrace.cli", "doctor", "--bootstrap", broker.bootstrap_servers]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "advertised address" in done.stdout
    assert "set advertised.listeners (--advertise)" in done.stdout
