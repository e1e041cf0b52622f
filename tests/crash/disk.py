"""Where the broker keeps its data, and how the power is cut.

A kill leaves what the kernel holds. A power cut does not: the data then stands on an ext4 of its own in a loop-mounted
image, and `FS_IOC_SHUTDOWN` without a log flush drops everything that was not synced.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FS_IOC_SHUTDOWN: Final = 0x8004587D
NO_LOG_FLUSH: Final = 2
IMAGE_BYTES: Final = 4 << 30
UNMOUNT_S_MAX: Final = 10.0


class PlainDisk:
    """A directory. Nothing more happens to it than to the process."""

    def __init__(self, directory: Path) -> None:
        self.data_dir: Final = directory / "data"

    def crash(self, kill: Callable[[], None], *, kill_first: bool) -> None:
        """kill -9."""
        kill()

    def close(self) -> None:
        """Nothing is to be undone."""


class CutDisk:
    """An ext4 of its own."""

    def __init__(self, directory: Path, image_bytes: int = IMAGE_BYTES) -> None:
        self._image = directory / "disk.img"
        self._mount = directory / "mnt"
        self.data_dir: Final = self._mount / "data"
        self._mount.mkdir()
        with self._image.open("wb") as image:
            image.truncate(image_bytes)
        # Inode tables are written now: no background thread writes beside the broker.
        options = "lazy_itable_init=0,lazy_journal_init=0"
        _run("mkfs.ext4", "-q", "-F", "-E", options, "-N", str(image_bytes >> 16), str(self._image))
        self._attach()

    def crash(self, kill: Callable[[], None], *, kill_first: bool) -> None:
        """Cut the power: what was not synced is gone. The process goes before it or after it."""
        if kill_first:
            kill()
        handle = os.open(self._mount, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(handle, FS_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(handle)
        if not kill_first:
            kill()
        self._detach()
        self._attach()

    def close(self) -> None:
        """Unmount it."""
        self._detach()

    def _attach(self) -> None:
        _run("mount", "-o", "loop", str(self._image), str(self._mount))

    def _detach(self) -> None:
        deadline = time.monotonic() + UNMOUNT_S_MAX
        while subprocess.run(["umount", str(self._mount)], check=False, capture_output=True).returncode:
            if time.monotonic() > deadline:
                raise OSError(f"{self._mount} is still in use {UNMOUNT_S_MAX:.0f} s after the power cut")
            threading.Event().wait(0.05)


def why_not(directory: Path) -> str:
    """Why power cannot be cut on this machine; nothing if it can. It is tried, not guessed."""
    if os.geteuid() != 0:
        return "mounting an image needs root"
    for tool in ("mkfs.ext4", "mount", "umount"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    trial = directory / "trial"
    trial.mkdir()
    try:
        disk = CutDisk(trial)
    except subprocess.CalledProcessError as failed:
        return f"an image cannot be mounted: {failed.stderr.decode(errors='replace').strip()}"
    try:
        kept, lost = disk.data_dir.parent / "kept", disk.data_dir.parent / "lost"
        with kept.open("w") as file:
            file.write("synced")
            file.flush()
            os.fsync(file.fileno())
        lost.write_text("not synced")
        disk.crash(lambda: None, kill_first=True)
        if not kept.exists() or (lost.exists() and lost.read_text()):
            return "the file system does not drop what was not synced"
    except OSError as failed:
        return f"the file system cannot be shut down: {failed}"
    finally:
        disk.close()
    return ""


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
