"""A broker for tests leaves nothing behind, whatever happens to the process that started it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from headrace.client import topics
from headrace.client.blocking import create_topic, run
from headrace.testing import Broker, BrokerFailed

GONE_S_MAX = 10.0

pytest_plugins = ["pytester"]


def wait_gone(pid: int) -> bool:
    """Whether the process ends in time."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], GONE_S_MAX)[0])
    finally:
        os.close(handle)


def test_it_answers_and_goes_without_a_trace():
    with Broker() as broker:
        create_topic(broker.bootstrap_servers, "t", 3)
        state = run(broker.bootstrap_servers, lambda cluster: cluster.state())
        assert [len(topic.partitions) for topic in state.topics] == [3]
        with urllib.request.urlopen(f"{broker.admin_url}/status/ready") as answer:
            assert answer.status == 200
        pid, directory = broker.pid, broker.log_path.parent
    assert wait_gone(pid)
    assert not directory.exists()


def test_a_clean_stop_ends_with_zero():
    broker = Broker().start()
    assert broker.stop() == 0
    broker.close()


def test_killed_it_comes_back_on_the_same_port_with_its_topics():
    with Broker(durable=True) as broker:
        before = broker.bootstrap_servers
        create_topic(before, "kept")
        first = broker.pid
        broker.restart()
        assert broker.pid != first
        assert broker.bootstrap_servers == before
        assert run(before, lambda cluster: cluster.exists("kept"))


def test_a_data_directory_of_its_own_stays(tmp_path: Path):
    with Broker(data_dir=tmp_path / "kept") as broker:
        assert broker.data_dir == tmp_path / "kept"
    assert any((tmp_path / "kept").iterdir())


def test_settings_reach_the_broker():
    with Broker(settings={"num.partitions": 7}) as broker:
        run(broker.bootstrap_servers, lambda cluster: topics.create(cluster, "seven"))
        state = run(broker.bootstrap_servers, lambda cluster: cluster.state(["seven"]))
        assert len(state.topics[0].partitions) == 7


def test_a_broker_that_cannot_start_says_why():
    broker = Broker(arguments=["--set", "log.retention.hour=1"])
    with pytest.raises(BrokerFailed, match=r"(?s)exit code 2.*did you mean log\.retention\.hours\?"):
        broker.start()
    assert not broker.running
    broker.close()


def test_it_dies_with_its_parent_and_takes_its_directory_along():
    child = "from headrace.testing import Broker; import signal; b = Broker().start(); print(b.pid, b.log_path.parent, flush=True); signal.pause()"
    parent = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE, text=True)
    pid, directory = parent.stdout.readline().split()
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert wait_gone(int(pid))
    assert not Path(directory).exists()


def test_the_plugin_imports_nothing_but_pytest_and_the_standard_library():
    check = (
        "import pytest, sys; before = set(sys.modules); import headrace.testing.plugin; "
        "new = {m.partition('.')[0] for m in set(sys.modules) - before}; "
        "print(sorted(new - set(sys.stdlib_module_names) - {'headrace'}), 'asyncio' in set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", check], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[] False"


def test_fixtures_topics_and_the_log_in_the_report(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        import pytest
        from headrace.client.blocking import run

        def partitions(broker, name):
            state = run(broker.bootstrap_servers, lambda cluster: cluster.state([name]))
            return len(state.topics[0].partitions)

        def test_topic(headrace_broker, headrace_topic):
            assert partitions(headrace_broker, headrace_topic) == 1

        @pytest.mark.headrace_topic(partitions=4, retention_ms=1000)
        def test_marked(headrace_broker, headrace_topic):
            assert partitions(headrace_broker, headrace_topic) == 4

        def test_own(headrace_broker, headrace_broker_function):
            assert headrace_broker.pid != headrace_broker_function.pid
            headrace_broker_function.kill()

        def test_red(headrace_broker):
            assert False
        """
    )
    arguments = ["-p", "no:headrace", "-p", "headrace.testing.plugin", "-p", "no:cacheprovider"]
    result = pytester.runpytest_subprocess(*arguments)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*log of headrace_broker*"])


def test_the_same_tests_run_against_somebody_elses_kafka(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
):
    pytester.makepyfile(
        """
        import pytest

        def test_address(headrace_broker, headrace_topic):
            assert headrace_broker.bootstrap_servers == BOOTSTRAP
            with pytest.raises(AttributeError, match="kill needs a broker of the test's own"):
                headrace_broker.kill()
        """.replace("BOOTSTRAP", "__import__('os').environ['EXPECTED']")
    )
    with Broker() as broker:
        monkeypatch.setenv("EXPECTED", broker.bootstrap_servers)
        arguments = ["-p", "no:headrace", "-p", "headrace.testing.plugin", "-p", "no:cacheprovider"]
        result = pytester.runpytest_subprocess(*arguments, f"--headrace-bootstrap={broker.bootstrap_servers}")
        result.assert_outcomes(passed=1)
        left = run(broker.bootstrap_servers, lambda cluster: cluster.state())
        assert left.topics == ()
