"""The data directory: whose it is and how it is laid out (`node.toml`), and that nobody else uses it (`LOCK`)."""

from __future__ import annotations

import fcntl
import os
import tomllib
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from headrace.model.failure import ExitCode, Failure

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1
"""Rises when an older headrace could no longer read what a newer one wrote."""

NOBODYS: Final = frozenset({"LOCK", "node.new", "lost+found"})
"""What may stand in a directory that is to be used for the first time: a start that was cut off, a file system's root."""

_TEXT = """\
# Written once by headrace; it says whose data this is and how it is laid out. Do not edit.
format = {format}
cluster_id = "{cluster_id}"
node_id = {node_id}
shards = {shards}
"""


class Identity(NamedTuple):
    """What `node.toml` holds."""

    cluster_id: str
    """22 characters of URL-safe base64."""
    node_id: int
    shards: int


class DataDir:
    """A data directory in use by this process; `close` gives it back."""

    def __init__(self, path: Path, lock: IO[str], identity: Identity) -> None:
        self.path = path
        self.identity = identity
        self._lock = lock

    def close(self) -> None:
        """Give the directory back. Idempotent."""
        self._lock.close()


def open_data_dir(
    path: Path, fresh: Identity, *, node_id: int | None, shards: int | None, cluster_id: str | None = None
) -> DataDir:
    """Take the directory for this process, making it (with the identity `fresh`) if it is new.

    `node_id`, `shards` and `cluster_id` are what was asked for, if anything; a directory that says otherwise is refused.

    Raises `Failure` (exit code 3) if it is in use, another node's, somebody else's, of a newer format, or cannot be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        _check_ours(path)
        lock = (path / "LOCK").open("a+")
    except (FileExistsError, NotADirectoryError):
        raise refused(path, "it is not a directory", "choose another with --data-dir") from None
    except OSError as error:
        raise refused(path, f"{error.strerror}", "choose a writable one with --data-dir") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        hint = "stop it or choose another with --data-dir"
        raise refused(path, "it is in use by another headrace", hint) from None
    try:
        identity = _identity(path, fresh, node_id=node_id, shards=shards, cluster_id=cluster_id)
    except Failure:
        lock.close()
        raise
    return DataDir(path, lock, identity)


def _check_ours(path: Path) -> None:
    """Refuse, before anything is written into it, a directory that holds what somebody else put there."""
    if (path / "node.toml").exists():
        return
    if (path / "journal").exists():
        hint = "restore node.toml or move the directory away"
        raise refused(path, "it has a journal but no node.toml", hint)
    if (path / "meta.properties").exists():
        detail = "it holds what Apache Kafka stored, which headrace cannot take over"
        raise refused(path, detail, "choose another with --data-dir")
    found = sorted(entry.name for entry in path.iterdir())
    strangers = [name for name in found if name not in NOBODYS and not name.startswith(".")]
    if strangers:
        detail = f"it is not headrace's: it holds {strangers[0]} and no node.toml"
        raise refused(path, detail, "name a new or an empty one with --data-dir")


def _identity(
    path: Path, fresh: Identity, *, node_id: int | None, shards: int | None, cluster_id: str | None
) -> Identity:
    file = path / "node.toml"
    if not file.exists():
        _write(path, file, fresh)
        return fresh
    found = _read(file)
    if node_id is not None and node_id != found.node_id:
        hint = "give each node a directory of its own with --data-dir"
        raise refused(path, f"it belongs to node {found.node_id}, not {node_id}", hint)
    if cluster_id is not None and cluster_id != found.cluster_id:
        hint = "leave cluster.id out, or choose another directory with --data-dir"
        raise refused(path, f"it belongs to cluster {found.cluster_id}, not {cluster_id}", hint)
    if shards is not None and shards != found.shards:
        hint = f"start with --cores {found.shards}, or use a new directory"
        raise refused(path, f"it is laid out for {found.shards} shards, not {shards}", hint)
    return found


def _read(file: Path) -> Identity:
    try:
        values = tomllib.loads(file.read_text("utf-8"))
        if values["format"] > FORMAT:
            detail = f"node.toml has format {values['format']}, this headrace knows {FORMAT}"
            raise refused(file.parent, detail, "use a newer headrace")
        return Identity(str(values["cluster_id"]), int(values["node_id"]), int(values["shards"]))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise refused(file.parent, f"node.toml cannot be read ({error})", "restore it from a copy") from None


def _write(path: Path, file: Path, identity: Identity) -> None:
    """Write it whole or not at all: a crash leaves either no file or this one."""
    temporary = file.with_suffix(".new")
    try:
        with temporary.open("w", encoding="utf-8") as out:
            out.write(_TEXT.format(format=FORMAT, **identity._asdict()))
            out.flush()
            os.fsync(out.fileno())
        temporary.rename(file)
        directory = os.open(path, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        hint = "free space or choose another directory with --data-dir"
        raise refused(path, f"node.toml cannot be written ({error.strerror})", hint) from None


def refused(path: Path, detail: str, hint: str) -> Failure:
    """The failure of a directory that cannot be used."""
    return Failure(f"cannot use data directory {path}", detail, hint, ExitCode.DATA_DIRECTORY)
