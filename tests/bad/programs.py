"""The programs themselves: their command lines, and the broker's wire."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.harness import SERVICE
from splunkd.process import environment

from .casefile import Broken

if TYPE_CHECKING:
    from .bench import Bench
    from .casefile import Case

PERSIST_S = 5.0


def persist(bench: Bench, case: Case) -> list[str]:
    """Bytes as splunkd's wire for persistent handlers has them; each reply, then how it ended."""
    with bench.splunk() as splunk:
        spec = splunk.command()
        done = subprocess.run(
            [str(spec.program), "broker"],
            input=case.bytes,
            capture_output=True,
            cwd=spec.folder,
            env=environment(splunk.home),
            timeout=PERSIST_S,
            check=False,
        )
    if done.returncode < 0 or done.stderr:
        raise Broken(f"the broker ended with {done.returncode}: {done.stderr.decode()}")
    said: list[str] = []
    rest = done.stdout
    while rest:
        length, _, rest = rest.partition(b"\n")
        reply, rest = json.loads(rest[: int(length)]), rest[int(length) :]
        said.append(f"{reply['status']} {reply['payload']['error']}")
    return [*said, f"ended with {done.returncode}"]


def words(bench: Bench, case: Case, program: Path) -> list[str]:
    own = b"$DIR/listen-" + hashlib.sha256(case.name.encode()).hexdigest()[:8].encode()
    given = [bench.fill(each.replace(b"$DIR/listen", own)) for each in case.lines]
    done = subprocess.run(
        [str(program), *given],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=20,
        check=False,
        env={"HOME": str(bench.folder), "PATH": "/usr/bin:/bin", "ASAN_OPTIONS": "detect_leaks=1"},
    )
    if done.returncode < 0:
        raise Broken(f"died of signal {-done.returncode}: {done.stderr.decode(errors='replace')}")
    shown = [f"stderr: {each}" for each in done.stderr.decode("utf-8", "replace").splitlines()]
    if not shown:
        shown = [f"stdout: {each}" for each in done.stdout.decode("utf-8", "replace").splitlines()]
    return [f"exit {done.returncode}", *shown[:3]]


def service_words(bench: Bench, case: Case) -> list[str]:
    return words(bench, case, SERVICE)


def app_words(bench: Bench, case: Case) -> list[str]:
    return words(bench, case, SERVICE.with_name("intelgraph"))
