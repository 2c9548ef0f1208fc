"""Who may read and write an app's objects: metadata/default.meta below local.meta."""

from __future__ import annotations

import re
from pathlib import Path

from .conf import read_layers


def may(app: Path, roles: set[str], verb: str, *stanzas: str) -> bool:
    """Whether one of the roles has `verb` (read, write). The first stanza that says anything decides;
    the app's own, [], comes last. What nobody says is open."""
    metadata = read_layers(app / "metadata/default.meta", app / "metadata/local.meta")
    for stanza in (*stanzas, ""):
        access = metadata.get(stanza, {}).get("access", "")
        if found := re.search(rf"\b{verb}\s*:\s*\[([^]]*)\]", access):
            allowed = {role.strip() for role in found[1].split(",")}
            return "*" in allowed or not roles.isdisjoint(allowed)
    return True
