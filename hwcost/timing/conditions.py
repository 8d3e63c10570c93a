"""What the machine did while a visit ran: facts read before and after, never inside a timed block.

Every reading that a machine does not offer is None, never 0.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hwcost.facts import Process, of_moment
from hwcost.facts.values import FRACTION

ROOT = Path("/")

SPAN = {fact.name: fact for fact in of_moment("span")}
"""Facts that are the difference of two readings, by name."""

STATE = {fact.name: fact for fact in of_moment("state")}
"""Facts that describe a moment, by name."""

SEEN_ONCE = ("throttle_reasons", "foreign_pids")
"""Facts that list what was met; a visit keeps all of it."""

Counter = float | tuple[float, float] | None
"""A counter; the counters of a part and of the whole, where their share is kept; or None where it is unknown."""

Reading = Mapping[str, Counter]


def read(root: Path = ROOT) -> dict[str, Counter]:
    """Reads all counters once.

    Args:
        root: Folder in which ``proc`` and ``sys`` lie; tests pass a tree of their own.
    """
    process = Process(root)
    return {name: fact.find(process) for name, fact in SPAN.items()}


def between(before: Reading, after: Reading) -> dict[str, Any]:
    """Returns what happened between two readings, by the name of the fact; None where it is unknown."""
    return {name: _change(name, before.get(name), after.get(name)) for name in SPAN}


def together(passes: Sequence[tuple[float, float, Mapping[str, Any]]]) -> dict[str, Any]:
    """Returns the conditions of a visit from those of the passes that it is spread over.

    Counters are those of the whole passes, other workloads included; a share is the mean over their time, what was seen
    once counts, and energy is the visit's share of it. What describes a moment is that of the last pass.

    Args:
        passes: Seconds of a pass, the visit's share of them, and the conditions meanwhile.
    """
    names = dict.fromkeys(name for _, _, seen in passes for name in seen)
    return {name: _together(name, [(s, share, seen.get(name)) for s, share, seen in passes]) for name in names}


def _together(name: str, passes: Sequence[tuple[float, float, Any]]) -> Any:
    """Returns one fact of a visit; None where no pass knows it."""
    known = [(seconds, share, value) for seconds, share, value in passes if value is not None]
    values = [value for _, _, value in known]
    if not known:
        return None
    if name in SEEN_ONCE:
        return type(values[0])(sorted({one for value in values for one in value}))
    if name == "visit_energy_j":
        return sum(share * value for _, share, value in known)
    if name not in SPAN:
        return values[-1]
    if SPAN[name].value is not FRACTION:
        return sum(values)
    total_s = sum(seconds for seconds, _, _ in known)
    return sum(seconds * value for seconds, _, value in known) / total_s if total_s else statistics.fmean(values)


def state(root: Path = ROOT) -> dict[str, Any]:
    """Returns what describes a moment rather than a span: load, clock and temperature."""
    process = Process(root)
    return {name: fact.find(process) for name, fact in STATE.items()}


def _change(name: str, before: Counter, after: Counter) -> float | None:
    """Returns the difference of two counters, or its share of the whole; None where a counter ran backwards."""
    if isinstance(before, tuple) and isinstance(after, tuple):
        part, whole = after[0] - before[0], after[1] - before[1]
        found = part / whole if whole else None
    elif isinstance(before, (int, float)) and isinstance(after, (int, float)):
        found = after - before
    else:
        return None
    return found if found is not None and SPAN[name].value.accepts(found) else None
