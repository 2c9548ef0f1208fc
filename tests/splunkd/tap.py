"""Runs unittest cases and prints TAP: each test's name is the sentence."""

from __future__ import annotations

import sys
import time
import traceback
import unittest
from collections.abc import Iterable
from typing import Any


def sentence(test: unittest.TestCase) -> str:
    """`handoff: the rows pass` of HandoffTest.test_the_rows_pass."""
    subject = type(test).__name__.removesuffix("Test").removesuffix("Tests")
    text = test.id().rsplit(".", 1)[-1].removeprefix("test_")
    return f"{subject}: {text.replace('_', ' ').rstrip('.')}"


class TapResult(unittest.TestResult):
    """Prints a line as each test ends."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix
        self._number = 0
        self._started = 0.0
        self._complaints: list[str] = []
        self._told = True
        self.failed = 0

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self._started = time.monotonic()
        self._complaints = []
        self._told = False

    def _line(self, test: Any, good: bool, directive: str = "") -> None:
        self._number += 1
        self._told = True
        self.failed += not good
        name = sentence(test) if isinstance(test, unittest.TestCase) else str(test)
        name = name.replace("#", "")
        word = "ok" if good else "not ok"
        print(f"{word} {self._number} - {self._prefix}{name}{directive}", flush=True)
        for line in "\n".join(self._complaints).splitlines():
            print(f"#   {line}", flush=True)

    def _seconds(self) -> str:
        seconds = time.monotonic() - self._started
        return f" ({seconds:.1f} s)" if seconds > 1 else ""

    def addSuccess(self, test: unittest.TestCase) -> None:
        self._line(test, not self._complaints, self._seconds())

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        self._line(test, True, f" # SKIP {reason}")

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addFailure(test, err)
        self._complaints.append(_short(err))
        self._line(test, False, self._seconds())

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        super().addError(test, err)
        self._complaints.append(_short(err))
        self._line(test, False, self._seconds())

    def addSubTest(self, test: unittest.TestCase, subtest: Any, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._complaints.append(f"{subtest.id().rsplit('.', 1)[-1]}\n{_short(err)}")

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        # unittest calls addSuccess only when no subtest failed.
        if not self._told:
            self._line(test, False, self._seconds())
        self._complaints = []

    def plan(self) -> str:
        return f"1..{self._number}"


def _short(err: Any) -> str:
    """The end of the traceback: what failed and where."""
    lines = "".join(traceback.format_exception(*err)).splitlines()
    return "\n".join(lines[-24:])


def _flatten(suite: Iterable[Any]) -> Iterable[unittest.TestCase]:
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from _flatten(each)
        else:
            yield each


def run(suite: unittest.TestSuite, prefix: str = "", only: str = "") -> int:
    """Runs the tests whose sentence holds `only`; 0 when none failed."""
    chosen = unittest.TestSuite(
        test for test in _flatten(suite) if not only or only in sentence(test)
    )
    result = TapResult(prefix)
    chosen.run(result)
    print(result.plan(), flush=True)
    return 1 if result.failed or not result.testsRun else 0


def main(start: str, top: str, prefix: str = "") -> int:
    """Discovers test_*.py under `start`; the first argument that is no option filters."""
    only = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    suite = unittest.TestLoader().discover(start, top_level_dir=top)
    return run(suite, prefix, only)
