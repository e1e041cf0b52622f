from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.engine.data_dir import FORMAT, Identity, open_data_dir
from headrace.model.failure import Failure

if TYPE_CHECKING:
    from pathlib import Path

FRESH = Identity("AAAAAAAAAAAAAAAAAAAAAA", 1, 2)


def test_a_new_directory_gets_an_identity_and_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    open_data_dir(path, FRESH, node_id=None, shards=None).close()
    other = Identity("BBBBBBBBBBBBBBBBBBBBBB", 7, 1)
    again = open_data_dir(path, other, node_id=1, shards=2)
    assert again.identity == FRESH
    again.close()


def test_one_process_at_a_time(tmp_path: Path) -> None:
    held = open_data_dir(tmp_path, FRESH, node_id=None, shards=None)
    with pytest.raises(Failure, match="in use by another headrace") as caught:
        open_data_dir(tmp_path, FRESH, node_id=None, shards=None)
    assert caught.value.exit_code == 3
    held.close()
    open_data_dir(tmp_path, FRESH, node_id=None, shards=None).close()


def test_what_kafka_stored_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "meta.properties").write_text("version=1\n")
    with pytest.raises(Failure, match="what Apache Kafka stored"):
        open_data_dir(tmp_path, FRESH, node_id=None, shards=None)
    assert not (tmp_path / "node.toml").exists()


def test_a_directory_of_somebody_else_is_refused_and_nothing_is_written_into_it(tmp_path: Path) -> None:
    (tmp_path / "passwd").write_text("root\n")
    with pytest.raises(Failure, match="not headrace's: it holds passwd") as caught:
        open_data_dir(tmp_path, FRESH, node_id=None, shards=None)
    assert caught.value.exit_code == 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["passwd"]
    with pytest.raises(Failure, match="it is not a directory"):
        open_data_dir(tmp_path / "passwd", FRESH, node_id=None, shards=None)


def test_a_file_systems_root_and_what_a_start_that_was_cut_off_left_are_nobodys(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    for name in ("LOCK", "node.new", ".DS_Store"):
        (tmp_path / name).touch()
    open_data_dir(tmp_path, FRESH, node_id=None, shards=None).close()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"format = {FORMAT + 1}\ncluster_id='x'\nnode_id=1\nshards=1\n", "use a newer headrace"),
        ("format = 1\n", "cannot be read"),
        ("not toml at all", "cannot be read"),
    ],
)
def test_an_identity_that_cannot_be_used_is_refused_in_one_sentence(
    tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "node.toml").write_text(text)
    with pytest.raises(Failure, match=says) as caught:
        open_data_dir(tmp_path, FRESH, node_id=None, shards=None)
    assert "\n" not in str(caught.value)


def test_another_nodes_directory_is_refused_and_the_lock_given_back(tmp_path: Path) -> None:
    open_data_dir(tmp_path, FRESH, node_id=None, shards=None).close()
    with pytest.raises(Failure, match="it belongs to node 1, not 2"):
        open_data_dir(tmp_path, FRESH, node_id=2, shards=None)
    with pytest.raises(Failure, match="it is laid out for 2 shards, not 4"):
        open_data_dir(tmp_path, FRESH, node_id=None, shards=4)
    with pytest.raises(Failure, match=f"it belongs to cluster {FRESH.cluster_id}, not another"):
        open_data_dir(tmp_path, FRESH, node_id=None, shards=None, cluster_id="another")
    open_data_dir(tmp_path, FRESH, node_id=1, shards=2, cluster_id=FRESH.cluster_id).close()


def test_a_journal_without_identity_is_not_taken_for_a_new_directory(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    with pytest.raises(Failure, match=r"it has a journal but no node\.toml"):
        open_data_dir(tmp_path, FRESH, node_id=None, shards=None)
