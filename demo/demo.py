#!/usr/bin/env python3
"""The main job, as an analyst sees it: a search in Splunk, ighandoff, the graph one click away. Beside
it what the tenant has used in the last weeks, with prices and budgets, for the administration's pages.

demo.py            runs the search, then keeps the service up until Ctrl-C
demo.py --once     runs the search, checks that the page answers with the graph, stops
demo.py --check    as --once, twice, in a place of its own: what ./dev test runs (TAP)
demo.py --picture  takes the README's pictures of the pages

State is kept in build/demo, so that a second run is the same search again: it makes no second hand-off.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TOP = HERE.parent
sys.path[:0] = [str(TOP / "tests"), str(HERE)]

import scenario  # noqa: E402
import usage  # noqa: E402
from splunkd import SearchOptions, SearchResult, install_app, run_search, table  # noqa: E402

BUILD = TOP / "build"
TENANT = "acme"
ANALYST = "mara"
SID = "1794926400.4711"
TITLE = "Beaconing from NASHUA"
SPL = (
    "search index=* (NASHUA OR 10.20.14.37 OR CONCORD OR sync-telemetry OR invoices.test) "
    f'earliest=-6h | ighandoff title="{TITLE}"'
)
COLUMNS = ["_time", "src", "dest", "intelgraph_entities", "intelgraph_status"]
READY_S = 30.0


class DemoError(Exception):
    """What stopped the demo, in one sentence."""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other: it is looked at, not followed."""

    def redirect_request(self, *_: Any) -> None:
        return None


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)


def get(url: str, token: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one request, without redirects and proxies."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with OPENER.open(request, timeout=30) as reply:
            return reply.status, dict(reply.headers), reply.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def say(text: str = "") -> None:
    print(text, flush=True)


# The service


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(url: str, child: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise DemoError(f"intelgraphd ended: {log.read_text().strip().splitlines()[-1]}")
        try:
            if get(f"{url}readyz", "")[0] == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise DemoError(f"intelgraphd is not ready after {READY_S:g} s; its log is {log}")


@contextmanager
def service(folder: Path, port: int) -> Iterator[str]:
    """intelgraphd on loopback with its embedded store; gives its address."""
    if not is_free(port):
        raise DemoError(
            f"port {port} is taken, perhaps by a demo that still runs; stop that one, "
            "or set INTELGRAPH_DEMO_PORT to a free port"
        )
    url = f"http://127.0.0.1:{port}/"
    log = folder / "intelgraphd.log"
    words = [BUILD / "bin/intelgraphd", "serve", "--data", folder / "data"]
    with log.open("wb") as out:
        child = subprocess.Popen(
            [*map(str, words), "--listen", f"127.0.0.1:{port}"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )
    try:
        wait_until_ready(url, child, log)
        yield url
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(30)


def token(folder: Path, role: str, name: str) -> str:
    """The token kept in the folder; made by the first run."""
    kept = folder / f"{role}.token"
    if kept.exists():
        return kept.read_text("utf-8").strip()
    words = ["token", "create", "--data", str(folder / "data"), "--tenant", TENANT]
    words += ["--role", role, "--name", name]
    done = subprocess.run(
        [str(BUILD / "bin/intelgraphd"), *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DemoError(f"intelgraphd token create: {done.stderr.strip()}")
    with open(os.open(kept, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as stream:
        stream.write(done.stdout)
    return done.stdout.strip()


# The search


def search(folder: Path, url: str) -> SearchResult:
    """The analyst's search, through the built app, as splunkd would run it."""
    home = folder / "splunk"
    token(folder, "analyst", "Splunk search head")
    instance = {"url": url, "tenant": TENANT, "credential": f"file:{folder / 'analyst.token'}"}
    install_app(home, BUILD / "app/intelgraph", {"intelgraph": {"instance:default": instance}})
    options = SearchOptions(sid=SID, user=ANALYST, chunk_rows=250)
    return run_search(home, SPL, scenario.beacon_rows(), options)


def link_of(result: SearchResult) -> str:
    links = {str(row["intelgraph_url"]) for row in result.rows if row.get("intelgraph_url")}
    if result.state != "DONE" or result.violations or len(links) != 1:
        problems = [*result.violations, *result.texts()]
        raise DemoError("the search did not go through: " + "; ".join(problems))
    return links.pop()


def show(result: SearchResult) -> None:
    say(f"splunk> {SPL}\n")
    say(table.format_rows(result.rows, COLUMNS, 10))
    say()
    say(table.format_messages(result))
    say(table.format_job(result))


def check_graph(url: str, link: str, secret: str) -> str:
    """Follows the link as a browser would; what the page shows, in one line."""
    status, headers, _ = get(link, secret)
    place = headers.get("Location", "")
    if status != 303 or not place.endswith(link.rsplit("/", 1)[-1]):
        raise DemoError(f"the link answered {status} instead of leading to the graph page")
    status, _, page = get(url + place.lstrip("/"), secret)
    if status != 200 or b"<html" not in page.lower():
        raise DemoError(f"the graph page answered {status}")
    status, _, body = get(f"{url}v1/handoffs/{link.rsplit('/', 1)[-1]}/graph", secret)
    graph = json.loads(body) if status == 200 else {}
    if not graph.get("entities") or not graph.get("relations"):
        raise DemoError(f"the page's graph answered {status} and is empty")
    kinds = {entity["kind"] for entity in graph["entities"]}
    return (
        f"{len(graph['entities'])} entities of {len(kinds)} kinds, "
        f"{len(graph['relations'])} relations"
    )


def count_handoffs(url: str, secret: str) -> int:
    _, _, body = get(f"{url}v1/handoffs", secret)
    return len(json.loads(body)["handoffs"])


# What is metered


def meter(folder: Path, url: str, admin: str) -> tuple[int, int]:
    """Sends the tenant's usage, in its own time zone; how many events were new and known."""
    kept = folder / "usage.begun"
    if not kept.exists():
        words = ["usage", "zone", "--data", str(folder / "data"), "--tenant", TENANT]
        done = subprocess.run(
            [str(BUILD / "bin/intelgraphd"), *words, "--zone", usage.ZONE],
            capture_output=True, text=True, check=False,
        )
        if done.returncode:
            raise DemoError(f"intelgraphd usage zone: {done.stderr.strip()}")
        kept.write_text(f"{datetime.now(UTC).date()}\n", "utf-8")
    begun = date.fromisoformat(kept.read_text("utf-8").strip())
    try:
        return usage.fill(url, admin, usage.Course(begun))
    except usage.UsageError as error:
        raise DemoError(str(error)) from error


def tokens_used(folder: Path, url: str, secret: str) -> tuple[int, int]:
    """As the service tells it, and as it was sent."""
    begun = date.fromisoformat((folder / "usage.begun").read_text("utf-8").strip())
    course = usage.Course(begun)
    since = begun - timedelta(course.days + 1)
    query = f"meter=inference.tokens&window=month&from={since}T00:00:00Z"
    _, _, body = get(f"{url}v1/usage?{query}", secret)
    sent = [each["data"] for each in course.events(datetime.now(UTC))]
    wanted = sum(int(each["quantity"]) for each in sent if each["meter"] == "inference.tokens")
    return int(json.loads(body)["total"]["quantity"]), wanted


# The three ways to run it


def run(folder: Path, once: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    port = int(os.environ.get("INTELGRAPH_DEMO_PORT", "8460"))
    with service(folder, port) as url:
        admin = token(folder, "admin", "Demo admin")
        result = search(folder, url)
        show(result)
        link = link_of(result)
        new, known = meter(folder, url, admin)
        say(f"\nOpen in IntelGraph   {link}")
        say(f"Usage and budgets    {url}admin   ({new:,} events metered, {known:,} known already)")
        if once:
            say(f"The page answers     {check_graph(url, link, admin)}")
            say(f"Hand-offs in all     {count_handoffs(url, admin)}")
            return
        say(f"Sign in once with    {admin}")
        say("\nThe service runs until you press Ctrl-C.")
        while signal.sigtimedwait({signal.SIGINT, signal.SIGTERM}, 1) is None:
            if is_free(port):
                raise DemoError(f"intelgraphd has ended; its log is {folder / 'intelgraphd.log'}")


def check() -> None:
    """Two runs of the same search: the same link, one hand-off, the graph behind it."""
    with tempfile.TemporaryDirectory(prefix="ig-demo-") as name:
        folder = Path(name)
        with service(folder, free_port()) as url:
            admin = token(folder, "admin", "Demo admin")
            links = [link_of(search(folder, url)) for _ in range(2)]
            counts = [meter(folder, url, admin) for _ in range(2)]
            told, sent = tokens_used(folder, url, admin)
            say(f"ok 1 - the demo's page answers with {check_graph(url, links[0], admin)}")
            count = count_handoffs(url, admin)
            same = links[0] == links[1] and count == 1
            say(f"{'ok' if same else 'not ok'} 2 - the demo run twice makes one hand-off ({count})")
            once = counts[0][0] > 1000 and told == sent
            say(f"{'ok' if once else 'not ok'} 3 - its usage sent twice counts once ({told:,} tokens)")
    say("1..3")
    if not (same and once):
        raise SystemExit(1)


def take_picture() -> None:
    """The pages in a browser: the demo's hand-off, usage and a budget, in docs/images."""
    browser = TOP / "tests/browser"
    out = TOP / "docs/images/graph.png"
    out.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([str(browser / "run"), "--install"], check=True)
    with tempfile.TemporaryDirectory(prefix="ig-demo-") as name:
        folder = Path(name)
        with service(folder, free_port()) as url:
            admin = token(folder, "viewer", ANALYST)
            handoff = link_of(search(folder, url)).rsplit("/", 1)[-1]
            words = ["node", str(browser / "screenshot.mjs"), url, admin, handoff, str(out)]
            subprocess.run(words, check=True)
    words = ["node", str(browser / "admin-pictures.mjs"), str(out.parent)]
    program = str(BUILD / "bin/intelgraphd")
    subprocess.run(words, check=True, env={**os.environ, "INTELGRAPHD": program})
    say(f"wrote the pictures in {out.parent.relative_to(TOP)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--once", action="store_true", help="check the page and stop")
    choice.add_argument("--check", action="store_true", help="for ./dev test: twice, as TAP")
    choice.add_argument("--picture", action="store_true", help="make the README's pictures")
    arguments = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    if not (arguments.once or arguments.check or arguments.picture):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        if arguments.picture:
            take_picture()
        elif arguments.check:
            check()
        else:
            run(BUILD / "demo", arguments.once)
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
