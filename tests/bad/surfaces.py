"""Which surface a file of cases is for: how its cases are given to the real programs, and how the answer
is put in words."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import TYPE_CHECKING

import zstd

from . import alerts, budgets, handoffs, programs, rows, searches, usage, wire

if TYPE_CHECKING:
    from .bench import Bench
    from .casefile import Case

SURFACES: dict[str, Callable[[Bench, Case], list[str]]] = {
    "alert-parameters": alerts.parameters,
    "alert-payloads": alerts.payloads,
    "alert-results": alerts.results,
    "arguments": searches.arguments,
    "audit-paths": wire.get,
    "authorities": searches.authorities,
    "bodies": searches.bodies,
    "budget-members": budgets.members,
    "budget-queries": wire.get,
    "budget-requests": wire.tokens,
    "decision-members": budgets.decisions,
    "decision-queries": wire.get,
    "command-line-app": programs.app_words,
    "command-line-service": programs.service_words,
    "commit-members": handoffs.commit_members,
    "conf": searches.conf,
    "credentials": searches.credentials,
    "entity-members": handoffs.entity_members,
    "frames": searches.frames,
    "gzip": handoffs.packed("gzip", gzip.compress),
    "handoff-lines": handoffs.lines,
    "handoff-members": handoffs.head_members,
    "lookup": searches.lookup,
    "metadata": searches.metadata,
    "notices": wire.tokens,
    "override-members": budgets.overrides,
    "parts": handoffs.parts,
    "persist": programs.persist,
    "price-members": budgets.prices,
    "queries": wire.get,
    "relation-members": handoffs.relation_members,
    "requests": wire.requests,
    "rows-answers": rows.answers,
    "rows-arguments": rows.arguments,
    "tokens": wire.tokens,
    "usage-answers": rows.usage_answers,
    "budget-answers": rows.budgets_answers,
    "usage-bodies": usage.bodies,
    "usage-dlq": wire.tokens,
    "usage-members": usage.members,
    "usage-queries": wire.get,
    "zstd": handoffs.packed("zstd", zstd.compress),
}
