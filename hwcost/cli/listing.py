"""Members of a family for listings: one that cannot be imported is listed with the reason, beside all others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hwcost.cli import console

if TYPE_CHECKING:
    from hwcost.registry import Registry


def unusable(registry: Registry) -> dict[str, str]:
    """Imports all members of a family and returns, by name, why some of them cannot be used."""
    from hwcost.errors import HwcostError

    found = {}
    for name in registry.names():
        try:
            registry.load(name)
        except HwcostError as error:
            found[name] = str(error)
    return found


def say(unusable: Mapping[str, str]) -> None:
    """Says beside a listing why members cannot be used."""
    for name, reason in unusable.items():
        console.note(f"'{name}' cannot be used: {reason}")
