"""Gives every case to the real programs and compares what is answered. TAP, one point a case."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .bench import Bench
from .casefile import Broken, Case, CaseFile, escape
from .surfaces import SURFACES

CASES = Path(__file__).with_name("cases")
ANSWER_S = 1.0
WORKERS = 3
STATED_5XX = ("503", "505", "507")
REPORT = re.compile(r"Sanitizer|runtime error:|Assertion")


def answer(bench: Bench, surface: str, case: Case) -> list[str]:
    """What is answered. Broken when a promise for every case is; a slow one has a second chance,
    since the machine may be busy with something else."""
    for attempt in (1, 2):
        started = time.monotonic()
        said = SURFACES[surface](bench, case)
        seconds = time.monotonic() - started
        if seconds <= ANSWER_S:
            break
        if attempt == 2:
            raise Broken(f"no answer within {ANSWER_S:g} s, but after {seconds:.1f} s")
    lines = [escape(bench.tidy(line)) for line in said]
    for line in lines:
        if REPORT.search(line):
            raise Broken(f"a crash or a sanitizer's report: {line}")
        if line.startswith("5") and line[:3].isdigit() and line[:3] not in STATED_5XX:
            raise Broken(f"a fault of the service: {line}")
        for secret in bench.secrets:
            if secret in line:
                raise Broken("a secret is repeated in the answer")
    return lines


class Tap:
    """Counts and prints points."""

    def __init__(self) -> None:
        self.number = 0
        self.failed = 0

    def point(self, name: str, complaints: list[str]) -> None:
        self.number += 1
        self.failed += bool(complaints)
        name = name.replace("#", "")
        print(f"{'not ok' if complaints else 'ok'} {self.number} - {name}", flush=True)
        for complaint in complaints:
            print(f"#   {complaint}", flush=True)


def judge(bench: Bench, file: CaseFile, case: Case, update: bool) -> list[str]:
    """Complaints about one case."""
    try:
        said = answer(bench, file.surface, case)
    except Broken as broken:
        return [str(broken)]
    except Exception as error:  # a case must not hide those after it
        return [f"{type(error).__name__}: {error}"]
    if update:
        case.answer = said
    if not said:
        return ["nothing is answered"]
    if said == case.answer:
        return []
    return [*(f"wanted > {each}" for each in case.answer), *(f"got    > {each}" for each in said)]


def run_file(bench: Bench, path: Path, tap: Tap, update: bool) -> None:
    file = CaseFile.read(path)
    with ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(lambda case: judge(bench, file, case, update), file.cases))
    for case, complaints in zip(file.cases, found, strict=True):
        tap.point(f"bad {file.surface}: {case.name}", complaints)
    if update:
        file.write()


def main() -> int:
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    update = bool(os.environ.get("UPDATE"))
    tap = Tap()
    folder = Path(tempfile.mkdtemp(prefix="ig-bad-"))
    try:
        bench = Bench(folder, WORKERS)
        for path in sorted(CASES.glob("*.txt")):
            if only in path.stem:
                run_file(bench, path, tap, update)
        tap.point("bad: the service lives to its end, and its log shows no secret", bench.end())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"1..{tap.number}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
