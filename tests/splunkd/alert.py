"""What splunkd's sendmodalert does: triggers an installed alert action over a search's results.

It layers alert_actions.conf and the saved search's own parameters, fills tokens, writes the results
file as splunkd keeps it, starts the action with the payload on standard input, and reads its
standard error and exit status as the log shows them.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .app import InstallError, platform_folder
from .conf import Conf, ConfError, is_true, read_layers
from .dialect import Row, plain_of, write_body
from .process import environment
from .search import clean_row, columns_of, session_key

# alert_actions.conf.spec, beside param.* and alert.execute.cmd.arg.N.
KEYS = {
    "is_custom",
    "disabled",
    "label",
    "description",
    "icon_path",
    "payload_format",
    "alert.execute.cmd",
    "maxtime",
    "maxresults",
    "forceCsvResults",
    "ttl",
    "track_alert",
    "command",
    "hostname",
}
PARAM = re.compile(r"param\.([A-Za-z_]\w*)\Z")
ARG = re.compile(r"alert\.execute\.cmd\.arg\.([0-9]+)\Z")
TOKEN = re.compile(r"\$([a-z_]+(?:\.[^$\s]+)?)\$")
LEVELS = ("DEBUG", "INFO", "WARN", "ERROR", "FATAL")
MAXTIME = re.compile(r"([0-9]+)([smhd]?)\Z")
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class ActionSpec:
    """How to start one action."""

    name: str
    program: Path
    arguments: tuple[str, ...]
    folder: Path
    maxtime_s: int
    maxresults: int
    parameters: dict[str, str]


@dataclass
class Alert:
    """The search that triggers."""

    name: str = "Beacons"
    app: str = "search"
    owner: str = "mara"
    sid: str = "scheduler__mara__search__RMD5c0ffee_at_1763863200_42"
    parameters: Mapping[str, str] = field(default_factory=dict)
    digest: bool = True  # once for all results; else once for each
    result_ids: bool = True  # as newer servers have it
    session: str = ""
    splunkd_uri: str = "https://127.0.0.1:8089"


@dataclass
class Outcome:
    """One run of the action."""

    code: int
    log: list[tuple[str, str]]  # level and text of each line on standard error
    violations: list[str]
    payload: dict[str, Any]

    def texts(self, level: str | None = None) -> list[str]:
        return [text for of, text in self.log if level in (None, of)]


def find_action(home: Path, name: str) -> ActionSpec:
    """The action by the published rules. InstallError says what is wrong."""
    apps = home / "etc" / "apps"
    for app in sorted(apps.iterdir()) if apps.is_dir() else []:
        stanzas = read_layers(
            app / "default" / "alert_actions.conf", app / "local" / "alert_actions.conf"
        )
        if name in stanzas and not is_true(stanzas[name].get("disabled", "")):
            if not _is_exported(app, name):
                raise InstallError(f"alert action {name} is not exported: other apps lack it")
            return _read_spec(home, app, name, stanzas[name])
    raise InstallError(f'Alert action "{name}" not found.')


def _is_exported(app: Path, name: str) -> bool:
    stanzas: Conf = read_layers(app / "metadata/default.meta", app / "metadata/local.meta")
    for stanza in (f"alert_actions/{name}", "alert_actions", ""):
        export = stanzas.get(stanza, {}).get("export")
        if export is not None:
            return export == "system"
    return False


def _read_spec(home: Path, app: Path, name: str, stanza: dict[str, str]) -> ActionSpec:
    where = f"alert_actions.conf [{name}]"
    for key in stanza:
        if key not in KEYS and not PARAM.match(key) and not ARG.match(key):
            raise InstallError(f"{where}: {key} is not in the spec")
    if not is_true(stanza.get("is_custom", "")):
        raise InstallError(f"{where}: is_custom is not true")
    if stanza.get("payload_format", "xml") != "json":
        raise InstallError(f"{where}: this stand-in gives JSON only")
    maxtime = MAXTIME.match(stanza.get("maxtime", "5m"))
    if not maxtime:
        raise ConfError(f"{where}: maxtime is no time")
    return ActionSpec(
        name=name,
        program=_find_program(app, stanza.get("alert.execute.cmd", name)),
        arguments=_arguments(home, stanza),
        folder=app / "bin",
        maxtime_s=int(maxtime[1]) * SECONDS[maxtime[2]],
        maxresults=int(stanza.get("maxresults", "100")),
        parameters={m[1]: value for key, value in stanza.items() if (m := PARAM.match(key))},
    )


def _find_program(app: Path, name: str) -> Path:
    folders = [app / "bin"]
    if own := platform_folder():
        folders.insert(0, app / own / "bin")
    for folder in folders:
        for suffix in ("", ".sh", ".py", ".js"):
            candidate = folder / (name + suffix)
            if candidate.is_file():
                return candidate
    raise InstallError(f"alert.execute.cmd: {name} is neither in {folders[0]} nor in {folders[-1]}")


def _arguments(home: Path, stanza: dict[str, str]) -> tuple[str, ...]:
    """--execute goes along only while the command is not named."""
    if "alert.execute.cmd" not in stanza:
        return ("--execute",)
    numbered = sorted((int(m[1]), value) for key, value in stanza.items() if (m := ARG.match(key)))
    return tuple(value.replace("$SPLUNK_HOME", str(home)) for _, value in numbered)


# Triggering


def trigger(
    home: Path, action: str, alert: Alert, results: Sequence[Mapping[str, Any]]
) -> list[Outcome]:
    """Runs the action as often as the alert asks for: once, or for each result."""
    spec = find_action(home, action)
    rows = [clean_row(row) for row in results][: spec.maxresults]
    folder = home / "var/run/splunk/dispatch" / alert.sid
    if alert.digest:
        path = write_results(folder / "results.csv.gz", rows)
        return [send(home, spec, alert, payload_of(spec, alert, path, rows))]
    outcomes = []
    for number, row in enumerate(rows):
        path = write_results(folder / "per_result_alert" / f"tmp_{number}.csv.gz", [row])
        payload = payload_of(spec, alert, path, [row])
        if alert.result_ids:
            payload["result_id"] = number
        outcomes.append(send(home, spec, alert, payload))
    return outcomes


def write_results(path: Path, rows: Sequence[Row]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(write_body(columns_of(rows), rows)))
    return path


def fill(text: str, alert: Alert, first: Mapping[str, Any]) -> str:
    """Tokens of a parameter. One that is not known becomes nothing, as in Splunk."""

    def value(match: re.Match[str]) -> str:
        token = match[1]
        known = {"name": alert.name, "app": alert.app, "owner": alert.owner, "job.sid": alert.sid}
        if token.startswith("result."):
            return plain_of(first.get(token.removeprefix("result."), ""))
        return known.get(token, "")

    return TOKEN.sub(value, text)


def payload_of(
    spec: ActionSpec, alert: Alert, results_file: Path, rows: Sequence[Row]
) -> dict[str, Any]:
    first = rows[0] if rows else {}
    parameters = {**spec.parameters, **alert.parameters}
    return {
        "app": alert.app,
        "owner": alert.owner,
        "results_file": str(results_file),
        "results_link": f"http://sh1:8000/app/search/@go?sid={alert.sid}",
        "search_uri": f"/servicesNS/{alert.owner}/{alert.app}/saved/searches/x",
        "server_host": "sh1",
        "server_uri": alert.splunkd_uri,
        "session_key": alert.session or session_key(alert.sid),
        "sid": alert.sid,
        "search_name": alert.name,
        "configuration": {
            name: value if name.startswith("_") else fill(value, alert, first)
            for name, value in parameters.items()
        },
        "result": first,
    }


def send(
    home: Path, spec: ActionSpec, alert: Alert, payload: dict[str, Any] | bytes
) -> Outcome:
    """One run: payload in, then stdin's end; the log and the exit status out."""
    text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    shown = {} if isinstance(payload, bytes) else payload
    done = subprocess.run(
        [str(spec.program), *spec.arguments],
        input=text,
        capture_output=True,
        cwd=spec.folder,
        env=environment(home),
        timeout=min(spec.maxtime_s, 120),
        check=False,
    )
    outcome = Outcome(done.returncode, [], [], shown)
    if done.stdout:
        outcome.violations.append(f"it wrote to standard output: {done.stdout[:80]!r}")
    for line in done.stderr.decode("utf-8", "backslashreplace").splitlines():
        level, _, said = line.partition(" ")
        if level not in LEVELS or not said:
            outcome.violations.append(f"a line of standard error has no level: {line!r}")
        outcome.log.append((level, said))
    if alert.session and alert.session in done.stderr.decode("utf-8", "replace"):
        outcome.violations.append("the session key is in the log")
    return outcome
