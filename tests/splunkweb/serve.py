#!/usr/bin/env python3
"""Starts Splunk Web's stand-in over splunkd's with one app installed.

    serve.py --app build/app/intelgraph            prints one line of JSON with its address

Commands come as lines of JSON on stdin ({"do": ...}, see COMMANDS), each answered by one line; the end
of stdin ends the servers. Sign in as admin, changeme.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from splunkd.app import install_app, write_local_conf  # noqa: E402
from splunkd.rest import Splunkd  # noqa: E402
from splunkd.rest_search import search_as  # noqa: E402
from splunkweb.web import Fault, SplunkWeb  # noqa: E402


class Stage:
    """Both servers and the commands that set them up for a test."""

    def __init__(self, splunkd: Splunkd, web: SplunkWeb, app: str) -> None:
        self.splunkd = splunkd
        self.web = web
        self.folder = splunkd.home / "etc" / "apps" / app
        self.app = app

    def reset(self) -> None:
        """As freshly installed; sessions stay."""
        shutil.rmtree(self.folder / "local", ignore_errors=True)
        shutil.rmtree(self.splunkd.home / "etc/system/local", ignore_errors=True)
        shutil.rmtree(self.splunkd.home / "var/lib/splunk/intelgraph", ignore_errors=True)
        self.splunkd.passwords.clear()
        self.web.faults.clear()
        self.web.asked.clear()
        self.web.doctor = None
        self.web.theme = "light"

    def user(self, name: str, roles: list[str], password: str) -> None:
        self.splunkd.users.add(name, set(roles), password)

    def end_sessions(self) -> None:
        for key in list(self.splunkd.users.sessions):
            if key != self.splunkd.users.system_key:
                self.splunkd.users.end(key)

    def conf(self, conf: dict[str, dict[str, dict[str, str]]]) -> None:
        write_local_conf(self.folder, conf)

    def read(self, file: str) -> str:
        path = self.folder / file
        return path.read_text("utf-8") if path.is_file() else ""

    def trust(self, domains: dict[str, str]) -> None:
        local = self.splunkd.home / "etc/system/local"
        local.mkdir(parents=True, exist_ok=True)
        lines = [f"dashboards_trusted_domain.{key} = {value}" for key, value in domains.items()]
        text = "\n".join(["[feature:dashboards_csp]", *lines, ""])
        (local / "web-features.conf").write_text(text, "utf-8")

    def password(self, name: str, secret: str) -> None:
        self.splunkd.store_password("intelgraph", name, secret, self.app)

    def passwords(self) -> list[dict[str, str]]:
        return [
            {"app": app, "realm": realm, "name": name, "secret": secret}
            for (app, realm, name), secret in sorted(self.splunkd.passwords.items())
        ]

    def search(self, user: str, search: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """As this user would run it in the search bar."""
        result = search_as(self.splunkd, user, search, rows)
        return {"state": result.state, "rows": result.rows, "texts": result.texts()}

    def fault(self, **fault: Any) -> None:
        self.web.faults.append(Fault(**fault))

    def doctor(self, rows: list[dict[str, str]] | None) -> None:
        self.web.doctor = rows

    def theme(self, name: str) -> None:
        self.web.theme = name

    def asked(self) -> list[dict[str, Any]]:
        """The browser's requests since the last time."""
        with self.web.lock:
            requests, self.web.asked = self.web.asked, []
        return [asdict(request) for request in requests]

    def errors(self) -> list[str]:
        return [*self.splunkd.errors, *self.web.errors]


NAMES = """
    reset user end_sessions conf read trust password passwords search fault doctor theme asked errors
"""
COMMANDS: dict[str, Callable[..., Any]] = {name: getattr(Stage, name) for name in NAMES.split()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--app", type=Path, required=True, help="a staged app")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="splunkweb-") as root:
        home = Path(root) / "splunk"
        install_app(home, options.app.resolve())
        with Splunkd(home) as splunkd, SplunkWeb(splunkd) as web:
            stage = Stage(splunkd, web, options.app.name)
            print(json.dumps({"url": web.url, "port": web.port, "home": str(home)}), flush=True)
            for line in sys.stdin:
                command = json.loads(line)
                try:
                    reply = {"ok": COMMANDS[command.pop("do")](stage, **command)}
                except Exception as error:
                    reply = {"error": repr(error)}
                print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
