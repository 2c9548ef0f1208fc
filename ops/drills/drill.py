"""./dev drill: faults that are worse than a test has time for. TAP, and one line of figures.

drill.py powercut CUTS PART FOLDER   power cuts of the service's disk, and of Splunk's
drill.py kill CYCLES PART FOLDER     kill -9 of the service, of the command, of both

PART is what is under way meanwhile: handoffs, events, or all.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path[:0] = [str(HERE), str(TOP / "tests")]
os.environ.setdefault("IG_BUILD", str(TOP / "build"))

from disk import Disk, NoDisk  # noqa: E402


def main() -> int:
    name, count, part, work = sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    # An end by signal runs every `finally`, as an error does.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))
    if name == "kill":
        import kill

        return kill.drill(work, count, part)
    try:
        with Disk(work, "probe") as disk:
            disk.cut()
    except (NoDisk, OSError) as reason:
        print(f"ok 1 - powercut: nothing acknowledged is lost # SKIP {reason}")
        print("1..1")
        return 0
    import powercut

    return powercut.drill(work, count, part)


if __name__ == "__main__":
    sys.exit(main())
