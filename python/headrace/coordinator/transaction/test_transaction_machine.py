"""Random lives of transactional ids: producers of both protocols, lost answers, zombies, refused markers, crashes.

What must hold at every moment:

- replaying the stored bytes into a new machine gives the live machine's hard state;
- a partition is told the end that was decided, and told it before the id goes on;
- a producer that was fenced changes nothing any more, whatever it says;
- epochs of an id only rise, and no two producers hold the same one;
- what is open has a deadline, and what is prepared has markers under way.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from headrace.coordinator.transaction.life import PREPARED, TransactionState
from headrace.coordinator.transaction.transcript import Transcript, replayed
from headrace.model.errors import Error

IDS = st.sampled_from(["a", "b"])
PLACES = st.sets(st.tuples(st.sampled_from(["t", "u"]), st.integers(0, 2)), min_size=1, max_size=3)
VERSIONS = st.sampled_from([0, 2])
REFUSALS = st.sampled_from(["NOT_LEADER_OR_FOLLOWER", "NOT_ENOUGH_REPLICAS", "KAFKA_STORAGE_ERROR"])


class TransactionLives(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.world = Transcript()
        self.holders = {}  # by id: every producer that it was ever given, the newest last
        self.heard = 0

    @property
    def machine(self):
        return self.world.machine

    def ask(self, line):
        """The answer's error and producer, if it has one."""
        said = self.world.run(line)
        self.hear_markers()
        answers = [part for part in said if part.startswith("answer")]
        if not answers:
            return None, None
        error, _, producer = answers[0].partition(": ")[2].partition(" ")
        return Error[error], producer or None

    def hear_markers(self):
        for sent in self.world.sent[self.heard :]:
            self.heard += 1
            now = self.machine.transactions[sent.transactional_id]
            assert now.state in PREPARED
            assert now.producer == sent.producer
            assert sent.marker.committed == (now.state is TransactionState.PREPARE_COMMIT)
            assert set(sent.partitions) <= now.partitions

    def newest(self, name):
        return self.holders.get(name, ["99/0"])[-1]

    @rule(name=IDS, knows=st.booleans())
    def init(self, name, knows):
        expected = f" producer={self.newest(name)}" if knows and name in self.holders else ""
        error, producer = self.ask(f"init id={name}{expected}")
        if error is Error.NONE:
            self.now_holds(name, producer, repeated=knows)
        else:
            assert error in {Error.CONCURRENT_TRANSACTIONS, Error.PRODUCER_FENCED}

    def now_holds(self, name, producer, *, repeated):
        held = self.holders.setdefault(name, [])
        order = [tuple(map(int, one.split("/"))) for one in [*held, producer]]
        assert order == sorted(order)
        assert repeated or producer not in held
        if producer not in held:
            held.append(producer)

    @rule(name=IDS, places=PLACES, version=VERSIONS)
    def add(self, name, places, version):
        wanted = ",".join(f"{topic}/{number}" for topic, number in sorted(places))
        who = self.newest(name)
        error, _ = self.ask(f"add id={name} producer={who} partitions={wanted} tv={version}")
        now = self.machine.transactions.get(name)
        if error is Error.NONE:
            assert now.state is TransactionState.ONGOING
            assert places <= now.partitions
            assert "{}/{}".format(*now.producer) == who

    @rule(name=IDS, committed=st.booleans(), version=VERSIONS, lost=st.booleans())
    def end(self, name, committed, version, lost):
        who = self.newest(name)
        word = "commit" if committed else "abort"
        before = self.machine.transactions.get(name)
        error, producer = self.ask(f"{word} id={name} producer={who} tv={version}")
        if error is Error.NONE and before.state is TransactionState.ONGOING:
            now = self.machine.transactions[name]
            assert now.state is (
                TransactionState.PREPARE_COMMIT if committed else TransactionState.PREPARE_ABORT
            )
            if version == 2 and lost:
                again, _ = self.ask(f"{word} id={name} producer={who} tv={version}")
                assert again is Error.CONCURRENT_TRANSACTIONS
        if error is Error.NONE and version == 2:
            self.now_holds(name, producer, repeated=True)

    @rule(name=IDS, age=st.integers(1, 5), word=st.sampled_from(["commit", "abort", "add"]), version=VERSIONS)
    def zombie(self, name, age, word, version):
        """Somebody from before; the one right before may hear once more what it was told, and change nothing."""
        held = self.holders.get(name, [])
        if len(held) <= age:
            return
        before = self.machine.transactions[name]
        places = " partitions=z/0" if word == "add" else ""
        error, _ = self.ask(f"{word} id={name} producer={held[-1 - age]}{places} tv={version}")
        after = self.machine.transactions[name]
        assert after == before
        assert error is not Error.NONE or (word != "add" and version == 2)
        assert error is not Error.NONE or before.state is not TransactionState.ONGOING

    @rule(name=IDS, share=st.integers(1, 3), refused=st.one_of(st.none(), REFUSALS))
    def marked(self, name, share, refused):
        """Some of the markers that are under way have an outcome."""
        ending = self.machine.endings.get(name)
        for topic, number in sorted(ending.in_flight)[:share] if ending else ():
            suffix = f" error={refused}" if refused else ""
            self.ask(f"marked id={name} partitions={topic}/{number}{suffix}")

    @rule(name=IDS)
    def all_marked(self, name):
        for _ in range(20):
            self.marked(name, 3, None)
            if name not in self.machine.endings:
                return
            self.ask("pass ms=1000")
        raise AssertionError("markers never end")

    @rule(ms=st.sampled_from([10, 1_000, 30_000, 90_000]))
    def pass_time(self, ms):
        self.ask(f"pass ms={ms}")

    @rule(name=IDS)
    def age(self, name):
        """As after tens of thousands of transactions."""
        now = self.machine.transactions.get(name)
        if now is not None and now.state not in PREPARED and now.producer_epoch < 32_760:
            self.ask(f"give id={name} producer={now.producer_id}/32766")
            self.now_holds(name, f"{now.producer_id}/32766", repeated=True)

    @rule()
    def crash(self):
        self.ask("restart")

    @invariant()
    def replay_gives_the_hard_state(self):
        assert replayed(self.world.log, self.world.settings).transactions == self.machine.transactions

    @invariant()
    def what_is_open_has_a_deadline_and_what_is_prepared_has_markers(self):
        transactions = self.machine.transactions
        ongoing = {name for name, t in transactions.items() if t.state is TransactionState.ONGOING}
        assert ongoing == self.machine.deadlines.keys()
        prepared = {name for name, t in transactions.items() if t.state in PREPARED}
        assert prepared == self.machine.endings.keys()
        for name, ending in self.machine.endings.items():
            assert ending.in_flight or ending.failed
            assert ending.in_flight | ending.failed <= transactions[name].partitions
            assert not ending.in_flight & ending.failed


TransactionLives.TestCase.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
TestTransactionLives = TransactionLives.TestCase
