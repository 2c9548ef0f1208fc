"""Who asks, and what this server is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .rest_call import Call, Reply, RestError, Route, entry, envelope
from .users import SYSTEM_USER

if TYPE_CHECKING:
    from .rest import Splunkd


def login(splunkd: Splunkd, call: Call) -> Reply:
    if call.method != "POST":
        raise RestError(405, "Method Not Allowed")
    session = splunkd.users.login(call.argument("username"), call.argument("password"))
    if session is None:
        raise RestError(401, "Login failed", "WARN")
    return Reply(200, {"sessionKey": session.key, "message": "", "code": ""})


def _current_context(splunkd: Splunkd, call: Call) -> Reply:
    assert call.session
    user = call.session.user
    content = {
        "capabilities": sorted(splunkd.users.capabilities_of(user)),
        "defaultApp": "launcher",
        "defaultAppIsUserOverride": False,
        "defaultAppSourceRole": "system",
        "email": "",
        "realname": "",
        "restart_background_jobs": True,
        "roles": sorted(splunkd.users.roles_of(user)),
        "type": "Splunk",
        "tz": "",
        "username": user,
    }
    if user == SYSTEM_USER:
        content["type"] = "System"
    return envelope(call, [entry(call, "context", content, "system")])


def _server_info(splunkd: Splunkd, call: Call) -> Reply:
    content = {
        "version": "9.4.6",
        "build": "stand-in",
        "guid": "00000000-0000-4000-8000-000000000001",
        "serverName": "search-head-1",
        "host": "search-head-1",
        "os_name": "Linux",
        "cpu_arch": "x86_64",
        "product_type": "enterprise",
        "instance_type": "",
        "kvStoreStatus": splunkd.kvstore_state,
        "server_roles": ["search_head", "kv_store"],
        "isFree": False,
        "isTrial": False,
        "licenseState": "OK",
        "mode": "normal",
    }
    return envelope(call, [entry(call, "server-info", content, "system")])


def _kvstore_status(splunkd: Splunkd, call: Call) -> Reply:
    """For administrators; others see `kvStoreStatus` of the server."""
    assert call.session
    if "admin_all_objects" not in splunkd.users.capabilities_of(call.session.user):
        raise RestError(403, "You (user=%s) do not have permission" % call.session.user)
    content = {"current": {"status": splunkd.kvstore_state, "port": 8191, "standalone": 1}}
    return envelope(call, [entry(call, "status", content, "system")])


ROUTES: list[tuple[str, Route]] = [
    (r"/kvstore/status", _kvstore_status),
    (r"/authentication/current-context(/context)?", _current_context),
    (r"/server/info(/server-info)?", _server_info),
]
