"""search/jobs: the app's real commands, run as the caller with a session of the caller's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from .rest_call import Call, Reply, RestError, entry, envelope
from .result import SearchResult
from .search import SearchOptions, run_search

if TYPE_CHECKING:
    from .rest import Splunkd


def search_as(splunkd: Splunkd, user: str, search: str, rows: Any, **options: Any) -> SearchResult:
    """Runs a search as this user: the command gets a session key and this server's address."""
    sid = options.pop("sid", "") or f"{time.time():.0f}.{time.monotonic_ns() % 1000000}"
    session = splunkd.users.open(user, sid)
    chosen = SearchOptions(
        **{
            "sid": sid,
            "user": user,
            "probes": 0,
            "session_key": session.key,
            "splunkd_uri": splunkd.url,
            **options,
        }
    )
    try:
        return run_search(splunkd.home, search, rows, chosen)
    finally:
        splunkd.users.end(session.key)


def _results(result: SearchResult) -> dict[str, Any]:
    return {
        "preview": False,
        "init_offset": 0,
        "messages": [
            {"type": message.level, "text": message.text} for message in result.messages
        ],
        "fields": [{"name": name} for name in result.columns],
        "results": result.rows,
        "highlighted": {},
    }


def jobs(splunkd: Splunkd, call: Call) -> Reply:
    """POST: a search, at once (exec_mode=oneshot) or as a job whose results are fetched."""
    if call.method != "POST":
        raise RestError(405, "Method Not Allowed")
    assert call.session
    splunkd.require(call, "search")
    search = call.argument("search").strip()
    if not search.startswith(("|", "search ")):
        raise RestError(400, "Unable to parse the search: it must begin with search or a pipe.")
    rows = [] if search.startswith("|") else splunkd.rows
    options = {
        "app": call.app,
        "earliest_time": call.argument("earliest_time", "0"),
        "latest_time": call.argument("latest_time", "0"),
    }
    result = search_as(splunkd, call.session.user, search, rows, **options)
    if call.argument("exec_mode") == "oneshot":
        if result.state != "DONE":
            texts = [{"type": "FATAL", "text": text} for text in result.texts()]
            return Reply(400, {"messages": texts})
        return Reply(200, _results(result))
    splunkd.jobs[result.sid] = (call.session.user, result)
    return Reply(201, {"sid": result.sid})


def job(splunkd: Splunkd, call: Call) -> Reply:
    """search/jobs/<sid>[/results]."""
    assert call.session
    sid = call.parts[call.parts.index("jobs") + 1]
    owner, result = splunkd.jobs.get(sid, ("", None))
    if result is None:
        raise RestError(404, "Unknown sid.", "FATAL")
    if owner != call.session.user:
        splunkd.require(call, "admin_all_objects")
    if call.parts[-1] == "results":
        return Reply(200, _results(result))
    if call.method == "DELETE":
        del splunkd.jobs[sid]
        return envelope(call, [])
    content = {
        "sid": sid,
        "dispatchState": result.state,
        "isDone": True,
        "isFailed": result.state == "FAILED",
        "resultCount": len(result.rows),
        "messages": [{"type": m.level, "text": m.text} for m in result.messages],
    }
    return envelope(call, [entry(call, sid, content)])


ROUTES = [
    (r"/search/(v2/)?jobs(/oneshot|/export)?", jobs),
    (r"/search/(v2/)?jobs/[^/]+(/results)?", job),
]
