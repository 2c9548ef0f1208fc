"""The package, opened as an admin's Splunk opens it, and where it was made."""

from __future__ import annotations

import os
import subprocess
import tarfile
import tempfile
import unittest
from functools import cache
from pathlib import Path

TOP = Path(__file__).resolve().parents[4]
APP = TOP / "integrations/splunk-app"
BUILD = Path(os.environ.get("IG_BUILD", TOP / "build"))
WORK = BUILD / "package"
MACHINES = {"x86_64": "Advanced Micro Devices X86-64", "aarch64": "AArch64"}


def spl() -> Path:
    (file,) = BUILD.glob("intelgraph-*.spl")
    return file


def members() -> list[tarfile.TarInfo]:
    with tarfile.open(spl(), "r:gz") as tar:
        return tar.getmembers()


@cache
def _unpacked() -> tuple[tempfile.TemporaryDirectory[str], Path]:
    folder = tempfile.TemporaryDirectory(prefix="ig-package-")
    with tarfile.open(spl(), "r:gz") as tar:
        tar.extractall(folder.name)  # our own package, just made
    return folder, Path(folder.name) / "intelgraph"


def app() -> Path:
    """The package's folder, unpacked; for reading only."""
    return _unpacked()[1]


def program(machine: str) -> Path:
    return app() / f"linux_{machine}/bin/intelgraph"


def said(*words: str | Path) -> str:
    """What a command prints."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True)
    return done.stdout


class PackageTest(unittest.TestCase):
    maxDiff = 4000
