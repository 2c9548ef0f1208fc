"""The programs that the cases are given to."""

from __future__ import annotations

import queue
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.harness import APP, Answer, Service, Splunk, request

from . import usage
from .parcels import ITEMS, TENANT, handoff, line, whole

ID = re.compile(r"\b[0-9a-f]{32}\b")


def mapping_of(app: Path) -> Path:
    return app / "lookups" / "intelgraph_fields.csv"


def mapping(splunk: Splunk) -> Path:
    return mapping_of(splunk.app)


class Bench:
    """The programs that the cases are given to: one service, and a Splunk for each worker."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.folder = folder
        self.service = Service(folder / "data")
        self.service.start()
        self.token = self.service.token(TENANT, role="admin")
        self.viewer = self.service.token(TENANT, role="viewer", name="viewer")
        other = self.service.token(TENANT, role="admin", name="ended")
        self.revoked = other
        id_ = other.split("_")[1]
        self.service.run("token", "revoke", "--data", str(self.service.data), "--id", id_)
        self.broker = self.service.token(TENANT, role="broker", name="broker")
        self.meter = self.service.token(TENANT, role="meter", name="meter")
        # What is made there is not in the way of searches, which are of the first tenant.
        self.finance = self.service.token("finance", role="admin", name="finance")
        known = (self.token, self.viewer, self.revoked, self.broker, self.meter, self.finance)
        self.secrets = {each.split("_")[2] for each in known}
        self._splunks: queue.Queue[Splunk] = queue.Queue()
        for number in range(workers):
            self._splunks.put(Splunk(folder / f"splunk{number}"))
        self._open_parts()
        usage.fill_dlq(self)

    def _open_parts(self) -> None:
        """A hand-off of three parts that waits for them, and one that is committed."""
        self.opened = handoff({"sid": "opened", "parts": 3})
        self.committed = handoff({"sid": "committed"})
        self.post("v1/handoffs", line({"handoff": self.opened}))
        self.post("v1/handoffs", whole(self.committed, ITEMS))

    @contextmanager
    def splunk(self) -> Iterator[Splunk]:
        """One that nobody else uses meanwhile, configured well."""
        splunk = self._splunks.get()
        try:
            splunk.configure(self.service.url, TENANT, self.token)
            mapping(splunk).write_bytes(mapping_of(APP).read_bytes())
            yield splunk
        finally:
            self._splunks.put(splunk)

    def post(self, path: str, body: bytes, method: str = "POST") -> Answer:
        head = {"Content-Type": "application/x-ndjson"}
        return request(self.service.url + path, method, self.token, body, head)

    def fill(self, text: bytes) -> bytes:
        """Names in `<` lines that stand for something of this run."""
        names = {
            b"$TOKEN": self.token.encode(),
            b"$VIEWER": self.viewer.encode(),
            b"$REVOKED": self.revoked.encode(),
            b"$BROKER": self.broker.encode(),
            b"$METER": self.meter.encode(),
            b"$OPENED": self.opened["id"].encode(),
            b"$COMMITTED": self.committed["id"].encode(),
            b"$PORT": str(self.service.port).encode(),
            b"$DATA": str(self.service.data).encode(),
            b"$DIR": str(self.folder).encode(),
        }
        for name, value in names.items():
            text = text.replace(name, value)
        return text

    def tidy(self, text: str) -> str:
        text = re.sub(r"\$DIR/splunk[0-9]+", "$DIR/splunk", text.replace(str(self.folder), "$DIR"))
        text = re.sub(rf"\b{self.service.port}\b", "$PORT", text)
        text = re.sub(r"by process [0-9]+", "by process $PID", text)
        text = re.sub(r"after [0-9]+ ms", "after $N ms", text)
        text = re.sub(r"the log (has|of) [0-9]+ records", r"the log \1 $N records", text)
        return ID.sub("$ID", text)

    def end(self) -> list[str]:
        """Complaints about the service as a whole."""
        code = self.service.stop(signal.SIGTERM)
        said = self.service.said()
        wrong = [f"intelgraphd ended with {code}: {said[-1500:]}"] if code else []
        wrong += ["a secret stands in the log"] * any(each in said for each in self.secrets)
        wrong += ["a sanitizer's report is in the log"] * ("Sanitizer" in said)
        return wrong
