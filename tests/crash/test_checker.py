"""The checker finds each planted anomaly, and nothing in clean histories."""

from __future__ import annotations

import random

import pytest

from tests.crash import payload
from tests.crash.checker import check
from tests.crash.history import Committed, Got, History, Recorder, Seen, Sent, TopicChange, load
from tests.crash.payload import Wrote

PLACE = ("load", 0)
GROUP = "g"


def clean(seed: int, count: int = 60) -> History:
    """Two producers, a group of one member that is cut off once, unknown outcomes on both sides."""
    rng = random.Random(seed)
    history = History()
    log: list[Wrote] = []
    numbers = {"p0": 0, "p1": 0}
    now = 0
    for _ in range(count):
        writer = rng.choice(["p0", "p1"])
        wrote = Wrote(writer, numbers[writer])
        numbers[writer] += 1
        now += 10
        outcome = rng.choices(["ok", "info", "lost", "fail"], [20, 2, 2, 1])[0]
        offset = -1
        if outcome in ("ok", "info"):
            offset = len(log) if outcome == "ok" else -1
            log.append(wrote)
        kind = "info" if outcome == "lost" else outcome
        history.sent.append(Sent(writer, PLACE, wrote, kind, offset, now, now + rng.randint(1, 40)))
    for process, start in ((f"{GROUP}/0", 0), (f"{GROUP}/1", len(log) // 2)):
        for poll, offset in enumerate(range(start, len(log))):
            history.got.append(Got(process, PLACE, offset, log[offset], poll - (poll == 0)))
            now += 1
            if offset % 5 == 4:
                history.commits.append(
                    Committed(
                        process, GROUP, PLACE, offset + 1, rng.choice(["ok", "ok", "info"]), now, now + 1
                    )
                )
                now += 2
    committed = max(commit.offset for commit in history.commits)
    history.seen.append(Seen(GROUP, PLACE, committed, now + 10, now + 11))
    history.drained[PLACE] = [Got("drain", PLACE, offset, wrote, offset) for offset, wrote in enumerate(log)]
    history.changes += [
        TopicChange("a", "1", "create", "ok"),
        TopicChange("b", "1", "create", "ok"),
        TopicChange("b", "1", "delete", "ok"),
    ]
    history.topics_at_end = {"a"}
    return history


def kinds(history: History) -> set[str]:
    return {anomaly.kind for anomaly in check(history)}


@pytest.mark.parametrize("seed", range(300))
def test_a_clean_history_is_clean(seed):
    assert check(clean(seed)) == []


def lose_the_last_acked(history, rng):
    acked = [sent for sent in history.sent if sent.outcome == "ok"]
    gone = max(acked, key=lambda sent: sent.offset)
    history.drained[PLACE] = history.drained[PLACE][: gone.offset]


def lose_one_acked(history, rng):
    acked = rng.choice([sent for sent in history.sent if sent.outcome == "ok"])
    history.drained[PLACE] = [got for got in history.drained[PLACE] if got.wrote != acked.wrote]


def write_twice(history, rng):
    log = history.drained[PLACE]
    log.append(log[rng.randrange(len(log))]._replace(offset=len(log)))


def swap_in_the_log(history, rng):
    log = history.drained[PLACE]
    mine = [got for got in log if got.wrote.writer == log[-1].wrote.writer]
    one, other = rng.sample(mine, 2)
    log[one.offset], log[other.offset] = other._replace(offset=one.offset), one._replace(offset=other.offset)


def change_what_was_read(history, rng):
    at = rng.randrange(len(history.got))
    history.got[at] = history.got[at]._replace(wrote=Wrote("p0", 10**6))


def alter_bytes(history, rng):
    log = history.drained[PLACE]
    at = rng.randrange(len(log))
    log[at] = log[at]._replace(wrote=None)


def skip_an_offset(history, rng):
    log = history.drained[PLACE]
    history.drained[PLACE] = [
        got._replace(offset=got.offset + 1) if got.offset == len(log) - 1 else got for got in log
    ]


def give_the_failed(history, rng):
    wrote = Wrote("p0", 10**6)
    history.sent.append(Sent("p0", PLACE, wrote, "fail", -1, 1, 2))
    log = history.drained[PLACE]
    log.append(Got("drain", PLACE, len(log), wrote, len(log)))


def go_back_in_time(history, rng):
    late = max(sent.completed_ns for sent in history.sent) + 1
    at = next(at for at, sent in enumerate(history.sent) if sent.outcome == "ok")
    history.sent[at] = history.sent[at]._replace(invoked_ns=late, completed_ns=late + 1)


def skip_in_a_poll(history, rng):
    at = rng.randrange(1, len(history.got) // 3)
    del history.got[at]


def poll_backwards(history, rng):
    at = rng.randrange(1, len(history.got) // 3)
    history.got.insert(at, history.got[at - 1]._replace(poll=at))


def forget_a_commit(history, rng):
    history.commits.append(
        history.commits[-1]._replace(outcome="ok", completed_ns=history.seen[-1].invoked_ns - 1)
    )
    history.seen[-1] = history.seen[-1]._replace(offset=-1)


def move_a_commit_back(history, rng):
    last = history.commits[-1]
    history.commits.append(last._replace(outcome="ok", completed_ns=history.seen[-1].invoked_ns - 1))
    history.seen[-1] = history.seen[-1]._replace(offset=last.offset - 5)


def invent_a_commit(history, rng):
    history.seen[-1] = history.seen[-1]._replace(offset=history.seen[-1].offset + 1)


def commit_over_undelivered(history, rng):
    history.got = [got for got in history.got if got.offset != 2]
    history.commits.append(Committed("g/0", GROUP, PLACE, 10, "ok", 1, 2))


def lose_a_topic(history, rng):
    history.topics_at_end = set()


def bring_a_topic_back(history, rng):
    history.topics_at_end.add("b")


def bring_a_record_back(history, rng):
    history.changes.append(TopicChange("b", "churn.3", "create", "ok"))
    history.topics_at_end.add("b")
    place = ("b", 0)
    for incarnation in ("1", "churn.3"):
        history.sent.append(Sent("churn", place, Wrote(incarnation, 0), "ok", 0, 1, 2))
    history.drained[place] = [Got("drain", place, 0, Wrote("1", 0), 0)]


def miss_a_topic(history, rng):
    history.changes.append(TopicChange("a", "1", "delete", "missing"))


def find_a_deleted_topic(history, rng):
    history.changes.append(TopicChange("b", "2", "create", "exists"))


def stop_a_producer(history, rng):
    history.fatal.append("p0: out of order sequence")


PLANTED = {
    "lost": (lose_the_last_acked, lose_one_acked),
    "duplicate": (write_twice,),
    "reordered": (swap_in_the_log,),
    "inconsistent-offset": (change_what_was_read, swap_in_the_log),
    "phantom": (change_what_was_read, alter_bytes),
    "gap": (skip_an_offset,),
    "failed-but-there": (give_the_failed,),
    "not-realtime": (go_back_in_time,),
    "poll-skip": (skip_in_a_poll,),
    "poll-went-back": (poll_backwards,),
    "commit-lost": (forget_a_commit,),
    "commit-went-back": (move_a_commit_back,),
    "commit-phantom": (invent_a_commit,),
    "skipped": (commit_over_undelivered,),
    "topic-lost": (lose_a_topic, miss_a_topic),
    "topic-back": (bring_a_topic_back, find_a_deleted_topic),
    "resurrected": (bring_a_record_back,),
    "fatal": (stop_a_producer,),
}


def test_a_topic_made_again_starts_anew():
    history = clean(1)
    bring_a_record_back(history, None)
    history.drained["b", 0] = [Got("drain", ("b", 0), 0, Wrote("churn.3", 0), 0)]
    assert check(history) == []


@pytest.mark.parametrize(
    ("kind", "plant"), [(kind, plant) for kind, plants in PLANTED.items() for plant in plants]
)
def test_a_planted_anomaly_is_found(kind, plant):
    for seed in range(50):
        history = clean(seed)
        plant(history, random.Random(seed))
        assert kind in kinds(history), f"seed {seed}"


def test_a_history_survives_its_file(tmp_path):
    path = tmp_path / "p0"
    with path.open("w") as file:
        record = Recorder("g/0", file)
        record.sent(PLACE, Wrote("p0", 3), "ok", 7, 10, 20)
        record.got(PLACE, 7, Wrote("p0", 3), 1)
        record.got(PLACE, 8, None, 1)
        record.committed(GROUP, PLACE, 9, "info", 30, 40)
        record.change("a", "1", "create", "ok")
        record.fatal("gave\tup")
        file.write("s\tcut off in the mid")
    history = load([path])
    assert history.sent == [Sent("g/0", PLACE, Wrote("p0", 3), "ok", 7, 10, 20)]
    assert [got.wrote for got in history.got] == [Wrote("p0", 3), None]
    assert history.commits == [Committed("g/0", GROUP, PLACE, 9, "info", 30, 40)]
    assert history.changes == [TopicChange("a", "1", "create", "ok")]
    assert history.fatal == ["g/0: gave up"]


def test_a_payload_belongs_to_one_place():
    value = payload.make("load", 3, Wrote("p0", 5), 100)
    assert payload.parse("load", 3, value) == Wrote("p0", 5)
    assert payload.parse("load", 2, value) is None
    assert payload.parse("roll", 3, value) is None
    assert payload.parse("load", 3, value[:-1] + b"y") is None
    assert payload.parse("load", 3, None) is None
