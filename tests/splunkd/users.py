"""Users, roles and capabilities: authorize.conf of the system and of each app, layered."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path

from .conf import ConfError, read_layers

SYSTEM_USER = "splunk-system-user"
SESSION_S = 3600.0

# What a fresh server's own roles may, as far as an app of ours can meet it.
USER = {
    "change_own_password",
    "get_metadata",
    "get_typeahead",
    "list_inputs",
    "list_tokens_own",
    "output_file",
    "request_remote_tok",
    "rest_apps_view",
    "rest_properties_get",
    "rest_properties_set",
    "run_collect",
    "schedule_search",
    "search",
}
POWER = USER | {"embed_report", "rtsearch", "schedule_rtsearch"}
SC_ADMIN = POWER | {
    "edit_local_apps",
    "edit_roles_grantable",
    "edit_storage_passwords",
    "edit_tokens_own",
    "list_storage_passwords",
    "rest_apps_management",
    "run_sendalert",
}
ADMIN = SC_ADMIN | {
    "admin_all_objects",
    "edit_roles",
    "edit_server",
    "edit_user",
    "list_settings",
    "restart_splunkd",
}
BUILT_IN = {"user": USER, "power": POWER, "sc_admin": SC_ADMIN, "admin": ADMIN}


class Roles:
    """Who may what. Read anew at each question, as a reload does."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def _layers(self) -> dict[str, dict[str, str]]:
        files = [self._home / "etc/system/local/authorize.conf"]
        apps = self._home / "etc" / "apps"
        for app in sorted(apps.iterdir(), reverse=True) if apps.is_dir() else []:
            files = [app / "default/authorize.conf", app / "local/authorize.conf", *files]
        return read_layers(*files)

    def known_capabilities(self) -> set[str]:
        own = {
            name.removeprefix("capability::")
            for name in self._layers()
            if name.startswith("capability::")
        }
        return own | set().union(*BUILT_IN.values())

    def roles(self) -> set[str]:
        named = {name[5:] for name in self._layers() if name.startswith("role_")}
        return named | set(BUILT_IN)

    def imported(self, roles: set[str]) -> set[str]:
        """These roles and all that they import."""
        stanzas = self._layers()
        found: set[str] = set()
        waiting = sorted(roles)
        while waiting:
            role = waiting.pop()
            if role in found:
                continue
            found.add(role)
            names = stanzas.get(f"role_{role}", {}).get("importRoles", "")
            waiting += [each.strip() for each in names.split(";") if each.strip()]
        return found

    def capabilities(self, roles: set[str]) -> set[str]:
        """All that these roles, and those they import, give. One that nothing declares is refused."""
        stanzas = self._layers()
        known = self.known_capabilities()
        found: set[str] = set()
        seen: set[str] = set()
        waiting = sorted(roles)
        while waiting:
            role = waiting.pop()
            if role in seen:
                continue
            seen.add(role)
            found |= BUILT_IN.get(role, set())
            for key, value in stanzas.get(f"role_{role}", {}).items():
                if key == "importRoles":
                    waiting += [each.strip() for each in value.split(";") if each.strip()]
                elif value in ("enabled", "disabled"):
                    if key not in known:
                        raise ConfError(f"[role_{role}] {key}: no [capability::{key}] declares it")
                    found = found | {key} if value == "enabled" else found - {key}
        return found


@dataclass
class Session:
    """One authtoken. splunkd alone knows whose it is."""

    user: str
    key: str
    expires: float
    sid: str = ""


@dataclass
class Users:
    """Accounts and the sessions opened for them."""

    roles: Roles
    accounts: dict[str, tuple[set[str], str]] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    system_key: str = ""

    def __post_init__(self) -> None:
        self.add("admin", {"admin"}, "changeme")
        self.system_key = self.open(SYSTEM_USER).key

    def add(self, user: str, roles: set[str], password: str = "") -> None:
        unknown = roles - self.roles.roles()
        if unknown:
            raise ValueError(f"there is no role {', '.join(sorted(unknown))}")
        self.accounts[user] = (roles, password)

    def open(self, user: str, sid: str = "", seconds: float = SESSION_S) -> Session:
        if user != SYSTEM_USER and user not in self.accounts:
            raise ValueError(f"there is no user {user!r}")
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_^"
        key = "".join(secrets.choice(alphabet) for _ in range(120))
        session = Session(user, key, time.monotonic() + seconds, sid)
        self.sessions[key] = session
        return session

    def end(self, key: str) -> None:
        self.sessions.pop(key, None)

    def login(self, user: str, password: str) -> Session | None:
        known = self.accounts.get(user)
        if known is None or not password or known[1] != password:
            return None
        return self.open(user)

    def find(self, key: str) -> Session | None:
        session = self.sessions.get(key)
        if session is None or session.expires <= time.monotonic():
            return None
        return session

    def roles_of(self, user: str) -> set[str]:
        return {"admin"} if user == SYSTEM_USER else self.accounts[user][0]

    def all_roles_of(self, user: str) -> set[str]:
        """With those that they import, as metadata is judged."""
        return self.roles.imported(self.roles_of(user))

    def sees_all(self, user: str) -> bool:
        """Metadata is no bar to administrators."""
        return "admin_all_objects" in self.capabilities_of(user)

    def capabilities_of(self, user: str) -> set[str]:
        if user == SYSTEM_USER:
            return self.roles.known_capabilities()
        return self.roles.capabilities(self.roles_of(user))
