"""splunkd's REST over stores: storage/passwords and the KV store."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .conf import read_layers
from .rest_call import Call, Reply, RestError, entry, envelope

if TYPE_CHECKING:
    from .rest import Splunkd

WRITE = ("admin_all_objects", "edit_storage_passwords")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(":", "\\:")


def _name(key: tuple[str, str, str]) -> str:
    return f"{_escaped(key[1])}:{_escaped(key[2])}:"


def _password_entry(splunkd: Splunkd, call: Call, key: tuple[str, str, str]) -> dict[str, Any]:
    content = {
        "clear_password": splunkd.passwords[key],
        "encr_password": "$7$c3RhbmQtaW4=",
        "password": "********",
        "realm": key[1],
        "username": key[2],
    }
    return entry(call, _name(key), content, key[0])


def passwords(splunkd: Splunkd, call: Call) -> Reply:
    """Secrets: listed, read, made, changed and removed by those who may."""
    splunkd.require(call, "list_storage_passwords")
    if call.method != "GET":
        splunkd.require(call, *WRITE)
    visible = {key for key in splunkd.passwords if call.app in ("-", key[0])}
    if len(call.parts) == 2:
        if call.method == "GET":
            return envelope(call, [_password_entry(splunkd, call, key) for key in sorted(visible)])
        return _create(splunkd, call)
    wanted = "/".join(call.parts[2:])
    found = [key for key in visible if _name(key) == wanted]
    if not found:
        raise RestError(404, f"Could not find object id={wanted}")
    if call.method == "DELETE":
        del splunkd.passwords[found[0]]
        return envelope(call, [])
    if call.method == "POST":
        if set(call.arguments()) != {"password"} or not call.argument("password"):
            raise RestError(400, "Only the argument password can be changed.")
        splunkd.passwords[found[0]] = call.argument("password")
    return envelope(call, [_password_entry(splunkd, call, found[0])])


def _create(splunkd: Splunkd, call: Call) -> Reply:
    if call.method != "POST":
        raise RestError(405, "Method Not Allowed")
    if unknown := set(call.arguments()) - {"name", "password", "realm"}:
        raise RestError(400, f'Argument "{sorted(unknown)[0]}" is not supported by this handler.')
    if call.app == "-":
        raise RestError(400, "An app is needed to create a password.")
    key = (call.app, call.argument("realm"), call.argument("name"))
    if not key[2] or not call.argument("password"):
        raise RestError(400, "The following required arguments are missing: name, password.")
    if key in splunkd.passwords:
        raise RestError(409, f"An object with name={_name(key)} already exists")
    splunkd.passwords[key] = call.argument("password")
    return envelope(call, [_password_entry(splunkd, call, key)], 201)


# KV store


def _collection(splunkd: Splunkd, call: Call, name: str) -> dict[str, dict[str, Any]]:
    app: Path = splunkd.home / "etc" / "apps" / call.app
    stanzas = read_layers(app / "default/collections.conf", app / "local/collections.conf")
    if name not in stanzas or name == "default":
        raise RestError(404, f"Collection not found: {name}")
    return splunkd.collections.setdefault((call.app, call.owner, name), {})


def _matches(document: dict[str, Any], query: dict[str, Any]) -> bool:
    """The part of the query language that is in use: equality, comparisons, $and, $or."""
    comparisons = {
        "$gt": lambda a, b: a is not None and a > b,
        "$gte": lambda a, b: a is not None and a >= b,
        "$lt": lambda a, b: a is not None and a < b,
        "$lte": lambda a, b: a is not None and a <= b,
        "$ne": lambda a, b: a != b,
    }
    for name, wanted in query.items():
        if name == "$and":
            fits = all(_matches(document, each) for each in wanted)
        elif name == "$or":
            fits = any(_matches(document, each) for each in wanted)
        elif isinstance(wanted, dict):
            unknown = set(wanted) - set(comparisons)
            if unknown:
                raise RestError(400, f"JSON in the request is invalid. ( {unknown} )")
            value = document.get(name)
            fits = all(comparisons[op](value, limit) for op, limit in wanted.items())
        else:
            fits = document.get(name) == wanted
        if not fits:
            return False
    return True


def _json(text: bytes | str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise RestError(400, "JSON in the request is invalid.") from None


def _insert(call: Call, documents: dict[str, dict[str, Any]], value: Any) -> str:
    if not isinstance(value, dict):
        raise RestError(400, "JSON in the request is invalid. ( Must be an object )")
    key = str(value.get("_key") or secrets.token_hex(12))
    documents[key] = {**value, "_user": call.owner, "_key": key}
    return key


def data(splunkd: Splunkd, call: Call) -> Reply:
    """storage/collections/data/<collection>[/<key>|/batch_save]."""
    documents = _collection(splunkd, call, call.parts[3])
    if call.method == "POST" and call.content_type != "application/json":
        raise RestError(415, "Content-Type must be application/json")
    if len(call.parts) == 4:
        if call.method == "GET":
            return Reply(200, _find(call, documents))
        if call.method == "POST":
            value = _json(call.body)
            if isinstance(value, dict) and value.get("_key") in documents:
                raise RestError(409, "A document with the same key already exists.")
            return Reply(201, {"_key": _insert(call, documents, value)})
        query = _json(call.argument("query", "{}"))
        for key in [key for key, each in documents.items() if _matches(each, query)]:
            del documents[key]
        return Reply(200, "")
    key = call.parts[4]
    if key == "batch_save" and call.method == "POST":
        return Reply(200, [_insert(call, documents, each) for each in _json(call.body)])
    if key not in documents:
        raise RestError(404, "Could not find object.")
    if call.method == "DELETE":
        del documents[key]
        return Reply(200, "")
    if call.method == "POST":
        _insert(call, documents, {**_json(call.body), "_key": key})
        return Reply(200, {"_key": key})
    return Reply(200, documents[key])


def _find(call: Call, documents: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    query = _json(call.argument("query", "{}"))
    found = [each for each in documents.values() if _matches(each, query)]
    for part in reversed([each for each in call.argument("sort").split(",") if each]):
        name, _, order = part.partition(":")
        found.sort(key=lambda each, n=name: str(each.get(n, "")), reverse=order == "-1")
    skip, limit = int(call.argument("skip", "0")), int(call.argument("limit", "0"))
    found = found[skip:][: limit or None]
    if fields := [each for each in call.argument("fields").split(",") if each]:
        found = [{name: each[name] for name in fields if name in each} for each in found]
    return found


def config(splunkd: Splunkd, call: Call) -> Reply:
    """storage/collections/config: what collections.conf declares."""
    app = splunkd.home / "etc" / "apps" / call.app
    stanzas = read_layers(app / "default/collections.conf", app / "local/collections.conf")
    names = [name for name in stanzas if name != "default"]
    return envelope(call, [entry(call, name, stanzas[name]) for name in names])


ROUTES = [
    (r"/storage/passwords(/.+)?", passwords),
    (r"/storage/collections/data/[^/]+(/[^/]+)?", data),
    (r"/storage/collections/config", config),
]
