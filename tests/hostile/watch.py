"""A service under attack as its operator and its other clients see it."""

from __future__ import annotations

import http.client
import re
import statistics
import threading
import time
from pathlib import Path

from e2e.harness import Service
from e2e.test_service_http import Parcel

HEALTHY = "127.0.0.77"  # attackers come from other loopback addresses
PAUSE_S = 0.01


def ready_line(service: Service) -> str:
    """What the service said of itself; it answers a moment before it says so."""
    for _ in range(500):
        found = re.findall(r"service\.ready .*", service.said())
        if found:
            return str(found[-1])
        time.sleep(0.01)
    raise AssertionError(f"no line service.ready: {service.said()}")


def process_of(service: Service) -> int:
    return int(re.search(r"\bprocess=(\d+)", ready_line(service))[1])


def resident(service: Service) -> int:
    """Bytes of memory."""
    status = Path(f"/proc/{process_of(service)}/status").read_text("ascii")
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


class Neighbour:
    """A client that does no harm: asks for health and hands off, again and again, each time on a
    connection of its own."""

    def __init__(self, service: Service, tenant: str) -> None:
        self._service = service
        self._tenant = tenant
        self._token = service.token(tenant)
        self._parcels = 0
        self.seconds: list[float] = []
        self.troubles: list[str] = []

    def _ask(self, method: str, path: str, wanted: int, body: bytes | None = None) -> None:
        headers = {"Authorization": f"Bearer {self._token}"} if body else {}
        started = time.monotonic()
        link = http.client.HTTPConnection(
            "127.0.0.1", self._service.port, timeout=5, source_address=(HEALTHY, 0)
        )
        try:
            link.request(method, path, body, headers)
            status = link.getresponse().status
            if status != wanted:
                self.troubles.append(f"{method} {path}: {status}")
        except OSError as error:
            self.troubles.append(f"{method} {path}: {error!r}")
        finally:
            link.close()
            self.seconds.append(time.monotonic() - started)

    def once(self) -> None:
        self._parcels += 1
        parcel = Parcel(self._service, self._tenant, sid=f"{self._parcels}.{id(self)}")
        self._ask("GET", "/healthz", 200)
        self._ask("POST", "/v1/handoffs", 201, parcel.whole())

    def run(self, seconds: float, until: threading.Event | None = None) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not (until and until.is_set()):
            self.once()
            time.sleep(PAUSE_S)

    def percentile_ms(self, percent: int) -> float:
        return statistics.quantiles(self.seconds, n=100)[percent - 1] * 1000
