"""ops/monitoring before the tools that will read it: promtool, a Prometheus that scrapes a running
service, and Grafana's own types.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, ClassVar

from e2e.harness import BUILD, Service, free_port

HERE = Path(__file__).resolve().parent
OPS = HERE.parent.parent / "ops/monitoring"
RULES = OPS / "intelgraphd.rules.yml"
DASHBOARD = OPS / "intelgraphd.dashboard.json"
SCRAPES = 4

VARIABLES = {"$job": "intelgraphd", "$instance": ".*", "$__rate_interval": "1m"}


def need(program: str) -> str:
    found = shutil.which(program)
    if not found:
        raise unittest.SkipTest(f"{program} is not installed")
    return found


def run(*words: str | Path, given: str = "") -> None:
    done = subprocess.run(
        [str(word) for word in words],
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"{words[0]}: {done.stdout}{done.stderr}")


def panels() -> list[tuple[str, str]]:
    """Title and query of each, as Grafana would send it."""
    found = []
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        for target in panel.get("targets", []):
            query = target["expr"]
            for name, value in VARIABLES.items():
                query = query.replace(name, value)
            found.append((panel["title"], query))
    return found


class Prometheus:
    """One of our own, with the rules, on a running service."""

    def __init__(self, work: Path, service: Service) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        config = (OPS / "prometheus.yml").read_text("utf-8")
        config = config.replace("127.0.0.1:8460", f"127.0.0.1:{service.port}")
        (work / "prometheus.yml").write_text(config.replace("30s", "1s"), "utf-8")
        rules = RULES.read_text("utf-8").replace("interval: 30s", "interval: 1s")
        (work / RULES.name).write_text(rules, "utf-8")
        self._child = subprocess.Popen(
            [
                need("prometheus"),
                f"--config.file={work / 'prometheus.yml'}",
                f"--storage.tsdb.path={work / 'tsdb'}",
                f"--web.listen-address={self.url.removeprefix('http://')}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, query: str) -> list[Any]:
        address = f"{self.url}/api/v1/query?query={urllib.parse.quote(query)}"
        with urllib.request.urlopen(address, timeout=10) as reply:
            return list(json.load(reply)["data"]["result"])

    def wait(self, query: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if self.ask(query):
                    return
            except OSError:
                pass
            time.sleep(0.2)
        raise AssertionError(f"Prometheus has nothing for {query} after {seconds:g} s")

    def stop(self) -> None:
        self._child.terminate()
        self._child.wait(20)


class MonitoringTest(unittest.TestCase):
    work: ClassVar[Path]
    service: ClassVar[Service]
    metrics: ClassVar[str]

    @classmethod
    def setUpClass(cls) -> None:
        cls.work = Path(tempfile.mkdtemp(prefix="ig-monitoring-"))
        cls.service = Service(cls.work / "data")
        cls.service.start()
        token = cls.service.token("acme", role="admin")
        cls.service.get("v1/handoffs", token)
        cls.metrics = cls.service.get("metrics").text

    @classmethod
    def tearDownClass(cls) -> None:
        cls.service.stop()
        shutil.rmtree(cls.work)

    def test_promtool_accepts_rules_and_the_example_configuration(self) -> None:
        run(need("promtool"), "check", "rules", "--lint-fatal", RULES)
        run(need("promtool"), "check", "config", OPS / "prometheus.yml")

    def test_each_rule_fires_when_it_should_and_not_else(self) -> None:
        run(need("promtool"), "test", "rules", OPS / "intelgraphd.rules.test.yml")
        alerts = set(re.findall(r"alert: (\w+)", RULES.read_text("utf-8")))
        tested = (OPS / "intelgraphd.rules.test.yml").read_text("utf-8")
        cases = re.findall(r"alertname: (\w+)(.*?)(?=alertname:|\Z)", tested, re.S)
        self.assertEqual({name for name, rest in cases if "exp_labels" in rest}, alerts)
        self.assertEqual({name for name, rest in cases if "exp_alerts: []" in rest}, alerts)

    def test_promtool_accepts_what_the_service_tells(self) -> None:
        run(need("promtool"), "check", "metrics", given=self.metrics)

    def test_every_metric_that_rules_and_dashboard_name_is_told_by_the_service(self) -> None:
        told = set(re.findall(r"^# TYPE (\w+)", self.metrics, re.M))
        named = set()
        for file in (RULES, DASHBOARD):
            for name in re.findall(r"\bintelgraphd_\w+", file.read_text("utf-8")):
                named.add(re.sub(r"(?<=_seconds)_(bucket|count|sum)$", "", name))
        self.assertGreater(len(named), 10)
        self.assertEqual(named - told, set())

    def test_every_label_that_they_ask_for_is_told_with_that_value(self) -> None:
        told: dict[tuple[str, str], set[str]] = {}
        for name, labels in re.findall(r"^(\w+)\{(.*)\} ", self.metrics, re.M):
            for label, value in re.findall(r'(\w+)="([^"]*)"', labels):
                told.setdefault((name, label), set()).add(value)
        asked = set()
        for text in [RULES.read_text("utf-8"), *(query for _, query in panels())]:
            for name, labels in re.findall(r"\b(intelgraphd_\w+)\{([^}]*)\}", text):
                for label, values in re.findall(r'(\w+)=~?"([^"]*)"', labels):
                    if label not in ("job", "instance"):
                        asked.update((name, label, value) for value in values.split("|"))
        self.assertGreater(len(asked), 5)
        missing = {each for each in asked if each[2] not in told.get((each[0], each[1]), set())}
        self.assertEqual(missing, set())

    def test_every_panel_has_an_answer_from_a_prometheus_that_scrapes_the_service(self) -> None:
        prometheus = Prometheus(self.work, self.service)
        try:
            prometheus.wait(f"count_over_time(intelgraphd_uptime_seconds[1m]) > {SCRAPES}")
            prometheus.wait("intelgraphd:error_budget:remaining_ratio30d")
            prometheus.wait('intelgraphd:request_duration_seconds:p95_rate5m{kind="read"}')
            answers = {panel: prometheus.ask(panel[1]) for panel in panels()}
        finally:
            prometheus.stop()
        self.assertGreater(len(answers), 15)
        self.assertEqual({panel for panel, answer in answers.items() if not answer}, set())

    def test_grafanas_own_types_accept_the_dashboard(self) -> None:
        need("node")
        work = BUILD / "monitoring"
        work.mkdir(exist_ok=True)
        for name in ("package.json", "package-lock.json", "written.ts"):
            shutil.copy(HERE / name, work)
        npm = [need("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        npm += ["--fetch-retries=1", "--fetch-timeout=20000"]
        if subprocess.run(npm, cwd=work, capture_output=True, check=False).returncode:
            raise unittest.SkipTest("npm did not deliver Grafana's types")
        text = DASHBOARD.read_text("utf-8")
        self.compile(work, text)
        for good, bad in (('"schemaVersion": 39', '"schemaVersion": "39"'), ('"hide": 0', '"hide": 7')):
            wrong = text.replace(good, bad, 1)
            self.assertNotEqual(wrong, text)
            with self.assertRaises(AssertionError):
                self.compile(work, wrong)

    def compile(self, work: Path, dashboard: str) -> None:
        (work / "dashboard.ts").write_text(
            'import type { WrittenDashboard } from "./written.js";\n'
            f"export const dashboard: WrittenDashboard = {dashboard}",
            "utf-8",
        )
        compiler = work / "node_modules/typescript/bin/tsc"
        options = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext"]
        run("node", compiler, *options, "--skipLibCheck", work / "dashboard.ts")
