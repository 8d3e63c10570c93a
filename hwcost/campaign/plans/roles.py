"""Roles: what a workload is measured for."""

from __future__ import annotations

from collections.abc import Mapping

from hwcost.errors import UnknownNameError

CONFIRMATION = "confirmation"
"""Role of workloads that are measured to judge others' measurements, and that have no history of their own."""

FIT = "fit"
"""Role of workloads that cost models learn from."""

ROLES: Mapping[str, str] = {
    FIT: "cost models learn from it",
    "test": "kept aside to test cost models",
    "uniform": "kept aside too, drawn uniformly over genes",
    "component": "a part of a model, whose price is found",
    "check": "a whole model on which the sum of its components' prices is checked",
    CONFIRMATION: "a change of its history is confirmed or refuted by it",
    "winner": "found by a search, and measured to compare it with its prediction",
}
"""Roles of the workloads of a plan, and what each is for. Canaries, which a plan holds apart, have a role of their own."""


def check_role(role: str) -> None:
    """Raises UnknownNameError for a role that nothing reads."""
    if role not in ROLES:
        raise UnknownNameError("role", role, ROLES)
