"""Answers about budgets as the service's API describes them, for a gate before it (budget_gate.Gate.answers)."""

from __future__ import annotations

from typing import Any

KEYS = ("shadow", "meters", "basis", "currency", "mode", "unit")
COMPLETE = "2026-11-23T13:00:00Z"


def budget(name: str, number: int = 1, **state: Any) -> dict[str, Any]:
    """One of GET /v1/budgets; what is not said is well."""
    definition = {key: state.pop(key) for key in list(state) if key in KEYS}
    return {
        "id": f"bdg_{number:022d}",
        "name": name,
        "basis": "quantity",
        "meters": ["handoffs"],
        "limit": "100",
        "currency": None,
        "period": "month",
        "mode": "block",
        "shadow": False,
        "thresholds": [
            {"kind": "percent", "value": "80"},
            {"kind": "absolute", "value": "95"},
            {"kind": "forecast", "value": "100"},
        ],
        "throttle": None,
        "default_estimate": "1",
        "recipients": ["rcp_1", "rcp_2"],
        "contact": "finance@corp.example",
        "two_person": False,
        "unit": "hand-offs",
        "version": 3,
        "created_at": "2026-11-01T08:00:00Z",
        "created_by": "olga",
        "updated_at": "2026-11-02T08:00:00Z",
        "updated_by": "olga",
        **definition,
        "state": {
            "period_from": "2026-11-01T00:00:00Z",
            "period_to": "2026-12-01T00:00:00Z",
            "used": "42",
            "reserved": "3",
            "limit": "120",
            "share": "35",
            "verdict": "ok",
            "forecast": {"expected": "61", "low": "55", "high": "70", "share": "50.8", "days": 21},
            "days_left": 8,
            "crossed": [],
            "override": None,
            "complete_up_to": COMPLETE,
            **state,
        },
    }


def override(number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "id": f"ovr_{number:022d}",
        "kind": "amount",
        "amount": "20",
        "reason": "incident 4711",
        "state": "active",
        "asked_at": "2026-11-20T09:00:00Z",
        "asked_by": "olga",
        "expires_at": "2026-11-30T09:00:00Z",
        "approved_at": None,
        "approved_by": None,
        "approved_reason": None,
        "ended_at": None,
        "ended_by": None,
        "ended_reason": None,
        **more,
    }


def decision(number: int, at: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"dec_{number:026d}",
        "at": at,
        "budget": "bdg_0000000000000000000001",
        "budget_name": "Hand-offs a month",
        "meter": "handoffs",
        "quantity": "1",
        "used": "100",
        "reserved": "0",
        "limit": "100",
        "verdict": "block",
        "shadow": False,
        "caller": "splunk",
        "subject": "mara",
        **more,
    }


COSTS = {
    "currency": "EUR",
    "window": "month",
    "zone": "UTC",
    "from": "2026-11-01T00:00:00Z",
    "to": "2026-12-01T00:00:00Z",
    "complete_up_to": COMPLETE,
    "total": "12.40",
    "previous": {"from": "2026-10-01T00:00:00Z", "to": "2026-11-01T00:00:00Z", "total": "9.10"},
    "forecast": {
        "period_from": "2026-11-01T00:00:00Z",
        "period_to": "2026-12-01T00:00:00Z",
        "expected": "40.10",
        "low": "35.00",
        "high": "46.20",
        "days": 21,
    },
    "rows": [],
    "unpriced": [],
}
