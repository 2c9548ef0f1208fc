"""./dev drill: faults that are worse than a test has time for. TAP, and one line of figures.

drill.py powercut [CUTS]   power cuts of the service's disk, and of Splunk's
drill.py kill [CYCLES]     kill -9 of the service, of the command, of both
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
    name, count, work = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    # An end by signal runs every `finally`, as an error does.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))
    if name == "kill":
        import kill

        return kill.drill(work, count)
    try:
        with Disk(work, "probe") as disk:
            disk.cut()
    except (NoDisk, OSError) as reason:
        print(f"ok 1 - powercut: no acknowledged hand-off is lost # SKIP {reason}")
        print("1..1")
        return 0
    import powercut

    return powercut.drill(work, count)


if __name__ == "__main__":
    sys.exit(main())
