"""What the drills share: the service under them, the command's search, points in TAP."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from e2e.harness import BUILD, SERVICE, Service
from splunkd import SearchOptions, SearchResult, find_command, spl
from splunkd.dialect import Row
from splunkd.frame import Frame
from splunkd.process import CommandProcess
from splunkd.search import CommandRun, clean_row, columns_of

from compare import Findings
from disk import Disk
from load import Acknowledged

SYNC_OFF = BUILD / "drills" / "libsync_off.so"
EATMYDATA = "libeatmydata.so"
TENANT = "drill"
COMMAND = "ighandoff"
START_S = 0.04  # more than a start takes
ENTITIES, RELATIONS, NAMED = 4, 3, 6  # of search_rows; NAMED: rows that name them, summed


class DrilledService(Service):
    """One that may be killed and started again; it ends with this program, whatever happens."""

    def __init__(self, data: Path, preload: str = "") -> None:
        super().__init__(data)
        self._words = ["setpriv", "--pdeathsig", "KILL"]
        if preload:
            self._words += ["env", f"LD_PRELOAD={preload}"]
        # Not on the disk whose power is cut.
        self.log = data.parent.parent / f"{data.parent.name}.log"

    def spawn(self) -> subprocess.Popen[bytes]:
        words = [*self._words, str(SERVICE), "serve", "--data", str(self.data)]
        words += ["--listen", f"127.0.0.1:{self.port}", "--log-level", "warn"]
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        return self._child

    def kill(self) -> None:
        """At once, reaped: none of its files is open any more."""
        self.stop(signal.SIGKILL)


def cut_start(disk: Disk, service: DrilledService, chance: random.Random) -> None:
    """A cut at any moment of a start."""
    service.spawn()
    time.sleep(chance.uniform(0, START_S))
    disk.cut()
    service.kill()
    disk.power_on()


class Search(CommandRun):
    """One search by the analyst: rows in one chunk, the command's one reply to it kept."""

    def __init__(self, home: Path, sid: str, rows: Sequence[Mapping[str, Any]],
                 preload: str = "") -> None:
        options = SearchOptions(
            sid=sid, user="mara", probes=0, empty_chunk=False, last_empty=False,
            env={"LD_PRELOAD": preload} if preload else {},
        )
        result = SearchResult(sid)
        result.rows = [clean_row(row) for row in rows]
        result.columns = columns_of(result.rows)
        result.state = "RUNNING"
        line = f"index=proxy | {COMMAND}"
        arguments = spl.split_command(spl.split_pipeline(line)[1])[1]
        super().__init__(home, line, find_command(home, COMMAND), arguments, options, result)
        self.result = result
        self.reply: Frame | None = None

    def _execute(
        self, process: CommandProcess, finished: bool, request: tuple[bytes, bytes]
    ) -> Frame:
        self.reply = super()._execute(process, finished, request)
        self.replied()
        return self.reply

    def replied(self) -> None:
        """The moment at which the analyst is told."""

    def statuses(self) -> set[str]:
        """What the rows say; empty when there was no reply."""
        return {str(row.get("intelgraph_status", "")) for row in self.result.rows} - {""}


def search_rows(number: int) -> list[Row]:
    """Three rows: a source that all searches name, three destinations of this one's own."""
    third, fourth = number // 80, number % 80 * 3
    return [
        {
            "_time": f"{1763863200 + number}.{row:03d}",
            "_raw": f"visit {number} {row}",
            "_cd": f"7:{10 * number + row}",
            "src_ip": "10.77.0.1",
            "dest_ip": f"198.{18 + third // 250 % 2}.{third % 250}.{fourth + row}",
        }
        for row in range(3)
    ]


def analyst_promises(service: Service, auditor: str, sids: str = "") -> list[Acknowledged]:
    """What the service has on record as committed from searches whose sid begins so."""
    found: list[Acknowledged] = []
    before = ""
    while True:
        page = service.json(f"v1/audit/records?limit=500{before}", auditor)["records"]
        for each in page:
            record = each["record"]
            if record["action"] != "handoff.committed" or not record["sid"].startswith(sids):
                continue
            digest = record["content_sha256"]
            receipt = {"audit_index": each["index"], "content_sha256": digest}
            found.append(
                Acknowledged(record["handoff"], ENTITIES, RELATIONS, NAMED, digest, receipt)
            )
        if not page or page[-1]["index"] == 0:
            return found
        before = f"&before={page[-1]['index']}"


@dataclass
class Outcome:
    """One series of cuts."""

    cuts: int = 0
    acknowledged: int = 0
    found: Findings = field(default_factory=Findings)
    unexpected: list[str] = field(default_factory=list)
    retried: int = 0
    seconds: float = 0.0


class Points:
    """TAP."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._count = 0
        self.failed = 0

    def check(self, sentence: str, complaints: Sequence[str]) -> None:
        self._count += 1
        self.failed += bool(complaints)
        print(f"{'not ok' if complaints else 'ok'} {self._count} - {self._prefix}: {sentence}",
              flush=True)
        for complaint in complaints[:10]:
            print(f"#   {complaint}", flush=True)
        if len(complaints) > 10:
            print(f"#   and {len(complaints) - 10} more", flush=True)

    def skip(self, sentence: str, reason: str) -> None:
        self._count += 1
        print(f"ok {self._count} - {self._prefix}: {sentence} # SKIP {reason}", flush=True)

    def end(self) -> int:
        print(f"1..{self._count}", flush=True)
        return 1 if self.failed else 0
