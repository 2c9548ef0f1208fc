"""How much a healthy client notices of an attack: its 99th percentile with and without, in one run.

Usage: tests/hostile/bench [BUILD_DIR] [SECONDS]
"""

from __future__ import annotations

import multiprocessing
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from e2e.harness import Service

from .slow import SLOW_BODY, SLOW_HEADERS, SLOW_READ, Holder, hold
from .test_bombs import GIB, zeros
from .watch import Neighbour, resident

RATIO_MOST = 2.0
FLOOR_MS = 5.0  # of scheduling on a small machine
CONNECTIONS = 1000

Attack = Callable[[Service, float], AbstractContextManager[None]]


@contextmanager
def slowhttptest(service: Service, seconds: float, *options: str) -> Iterator[None]:
    """Its connections come from 127.0.0.1."""
    words = ["slowhttptest", "-c", str(CONNECTIONS), "-r", "200", "-l", str(int(seconds) + 2)]
    words += ["-i", "5", "-p", "3", *options]
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        child.terminate()
        child.wait()


@contextmanager
def many_addresses(service: Service, seconds: float) -> Iterator[None]:
    """A thousand connections, from so many addresses that none is over its share."""
    kinds = ((SLOW_HEADERS, b"a"), (SLOW_BODY, b" "), (SLOW_READ, b""))
    holders = [
        Holder(service.port, *kinds[n % 3], source=f"127.0.1.{n % 20 + 1}")
        for n in range(CONNECTIONS)
    ]
    # A process of its own: its work is not to hold up the client that is measured.
    attack = multiprocessing.get_context("fork").Process(target=hold, args=(holders, seconds))
    attack.start()
    for holder in holders:
        holder.link.close()
    try:
        yield
    finally:
        attack.join()


BOMBS = """
import socket, sys
port, token = int(sys.argv[1]), sys.argv[2]
body = sys.stdin.buffer.read()
head = (f"POST /v1/handoffs HTTP/1.1\\r\\nHost: h\\r\\nAuthorization: Bearer {token}\\r\\n"
        f"Content-Encoding: gzip\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n").encode()
while True:
    try:
        with socket.create_connection(("127.0.0.1", port), 2, ("127.0.2.1", 0)) as link:
            link.sendall(head + body)
            link.recv(4096)
    except OSError:
        pass
"""


@contextmanager
def bombs(service: Service, seconds: float) -> Iterator[None]:
    """Gzip bombs with a valid token, one after the other as fast as they are refused."""
    token = service.token("bombs")
    body = b"".join(zeros(GIB))
    words = [sys.executable, "-c", BOMBS, str(service.port), token]
    child = subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert child.stdin
    child.stdin.write(body)
    child.stdin.close()
    try:
        yield
    finally:
        child.kill()
        child.wait()


def attacks(url: str) -> dict[str, Attack]:
    each: dict[str, Attack] = {}
    if shutil.which("slowhttptest"):
        slow_read = ["-X", "-w", "1", "-y", "32", "-n", "5", "-z", "32", "-k", "3"]
        for name, options in {
            "slowhttptest -H (headers)": ["-H", "-u", url + "healthz"],
            "slowhttptest -B (body)": ["-B", "-s", "8192", "-u", url + "v1/session"],
            "slowhttptest -X (read)": [*slow_read, "-u", url + "openapi.yaml"],
        }.items():
            each[name] = lambda service, seconds, o=options: slowhttptest(service, seconds, *o)
    each["1,000 slow from 20 addresses"] = many_addresses
    each["gzip bombs"] = bombs
    return each


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 8.0
    failed = 0
    with TemporaryDirectory(prefix="ig-hostile-") as folder:
        service = Service(Path(folder) / "data")
        service.start()
        memory = resident(service)
        print(f"{'attack':30} {'requests':>8} {'p50 ms':>7} {'p99 ms':>7} {'quiet p99':>9} {'RSS MiB':>8}")
        for number, (name, attack) in enumerate(attacks(service.url).items()):
            quiet = Neighbour(service, f"quiet{number}")
            quiet.run(seconds / 2)  # each time anew: the machine has other things to do as well
            neighbour = Neighbour(service, f"attacked{number}")
            with attack(service, seconds + 1):
                time.sleep(1)
                neighbour.run(seconds)
            p99_ms = neighbour.percentile_ms(99)
            most_ms = RATIO_MOST * quiet.percentile_ms(99) + FLOOR_MS
            bad = p99_ms > most_ms or bool(neighbour.troubles)
            failed += bad
            verdict = f"  FAILED: at most {most_ms:.1f} ms; {neighbour.troubles[:2]}" if bad else ""
            grown = (resident(service) - memory) >> 20
            print(
                f"{name:30} {len(neighbour.seconds):8} {neighbour.percentile_ms(50):7.2f} "
                f"{p99_ms:7.2f} {quiet.percentile_ms(99):9.2f} {grown:+8}{verdict}",
                flush=True,
            )
        service.stop()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
