"""The alert action's surfaces: what splunkd writes to it, its parameters, its results file."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from splunkd.alert import Alert, find_action, payload_of, send

if TYPE_CHECKING:
    from .bench import Bench
    from .casefile import Case

ACTION = "send_to_intelgraph"
GOOD = b"src_ip,dest_ip\n10.0.0.1,198.51.100.1\n"


def run(bench: Bench, change: Any, results: bytes = gzip.compress(GOOD)) -> list[str]:
    """A run with a payload of bytes, or of a good one changed; its lines, then its status."""
    with bench.splunk() as splunk:
        spec = find_action(splunk.home, ACTION)
        path = splunk.home / "results.csv.gz"
        path.write_bytes(results)
        payload = payload_of(spec, Alert(parameters={"dryrun": "1"}), path, [])
        outcome = send(splunk.home, spec, Alert(), change(payload) if callable(change) else change)
        said = [f"{level} {text}" for level, text in outcome.log]
        said = [each.replace(str(splunk.home), "$HOME") for each in said]
    if outcome.violations or outcome.code < 0:
        raise ValueError(f"status {outcome.code}: {outcome.violations}")
    return [*said, f"exit {outcome.code}"]


def payloads(bench: Bench, case: Case) -> list[str]:
    """The payload as it is; CHANGE before it: members of a good one (null takes one out)."""
    text = case.bytes
    if not text.startswith(b"CHANGE "):
        return run(bench, text)
    members = json.loads(text.removeprefix(b"CHANGE "))

    def changed(good: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in {**good, **members}.items() if value is not None}

    return run(bench, changed)


def parameters(bench: Bench, case: Case) -> list[str]:
    """`name = value`, a line each, beside dryrun = 1."""
    pairs = [line.decode("utf-8", "surrogateescape").partition(" = ") for line in case.lines]

    def changed(good: dict[str, Any]) -> dict[str, Any]:
        more = {name: value for name, _, value in pairs}
        return {**good, "configuration": {**good["configuration"], **more}}

    return run(bench, changed)


def results(bench: Bench, case: Case) -> list[str]:
    """`zip ...` is packed, `cut n ...` loses its last n bytes, other bytes are the file."""
    word, _, rest = case.bytes.partition(b" ")
    content = case.bytes
    if word == b"zip":
        content = gzip.compress(rest)
    elif word == b"cut":
        count, _, rest = rest.partition(b" ")
        content = gzip.compress(rest)[: -int(count)]
    return run(bench, lambda good: good, content)
