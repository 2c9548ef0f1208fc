"""A disk whose power can be cut: ext4 on a loop device, stopped by the file system's own ioctl.

What was only in memory when the power went (pages that no fsync has written, the journal's open
transaction) is gone after the next mount. The image file stands for the medium: a drive that lies
about its write cache is not what this shows.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
import threading
import time
from pathlib import Path

SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32): EXT4_IOC_SHUTDOWN
NO_LOG_FLUSH = struct.pack("I", 2)  # EXT4_GOING_FLAGS_NOLOGFLUSH
TOOLS = ("mkfs.ext4", "losetup", "mount", "umount")
BYTES = 4 << 30  # sparse
PATIENCE_S = 10.0


class NoDisk(Exception):
    """Why there can be no such disk here."""


def run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise NoDisk(f"{words[0]}: {done.stderr.strip() or done.returncode}")
    return done.stdout.strip()


class Disk:
    """`mount` is the folder to work in. Use as a context: at its end nothing stays mounted."""

    def __init__(self, work: Path, name: str) -> None:
        self.mount = work / name
        self.dark = False  # from just before a cut until the power is back
        self._switch = threading.Lock()
        self._image = work / f"{name}.img"
        self._device = ""
        self._mounted = False

    def __enter__(self) -> Disk:
        if os.geteuid() != 0:
            raise NoDisk("needs root, to mount a file system")
        for tool in TOOLS:
            if not shutil.which(tool):
                raise NoDisk(f"needs the program {tool}")
        try:
            self.mount.mkdir()
            with self._image.open("wb") as image:
                image.truncate(BYTES)
            run("mkfs.ext4", "-q", "-F", "-m", "0", str(self._image))
            self._device = run("losetup", "--find", "--show", str(self._image))
            self._attach()
        except NoDisk:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._mounted:
            self._detach()
        if self._device:
            run("losetup", "--detach", self._device)
            self._device = ""
        self._image.unlink(missing_ok=True)

    def _attach(self) -> None:
        run("mount", "-t", "ext4", self._device, str(self.mount))
        self._mounted = True

    def _detach(self) -> None:
        """Whoever worked on it may take a moment to be gone."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                run("umount", str(self.mount))
                break
            except NoDisk:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        self._mounted = False

    def sync(self) -> None:
        """What is there now is on the medium."""
        fd = os.open(self.mount, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        os.sync()

    def cut(self) -> bool:
        """From this moment on no byte reaches the medium. False when it was cut already."""
        with self._switch:
            if self.dark:
                return False
            fd = os.open(self.mount, os.O_RDONLY | os.O_DIRECTORY)
            self.dark = True
            try:
                fcntl.ioctl(fd, SHUTDOWN, NO_LOG_FLUSH)
            finally:
                os.close(fd)
            return True

    def power_on(self) -> None:
        """After a cut, with nobody left on it: what the medium holds."""
        self._detach()
        self._attach()
        self.dark = False
