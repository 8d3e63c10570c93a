"""The rules of a visit: how long it lasts, and when it has enough blocks.

They are those of ``hwcost.timing`` (``protocol``, ``visit_end``, ``guards``), in plain numbers; a test compares the two. The
constants of both stand here.
"""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence, Tuple

from .steady import WINDOW, first_steady, relative_error

LEAST_BLOCKS = 4
"""Fewest blocks of a visit: fewer do not show whether it is steady."""

LEAST_GROUP = 4
"""Fewest workloads measured in turn that tell what slowed them all; in a smaller group each is judged by itself."""

PATIENCE = 2.0
"""A visit of slow calls is given up as unsteady after this many times the blocks that a steady one needs."""

CHEAP = 0.17
"""Share of a visit's least time that a check may take in every round."""

COLD_CALLS = 3
"""Calls that are timed right after the caches were emptied."""

LEAST_RATIO = 1.3
"""Twice the calls that cost less than this times as much were not all executed."""

TRIES = 4
"""Pairs of blocks before a low ratio is believed: a machine may be slowed while the single block runs."""

Protocol = Dict[str, Any]


def has_pauses(protocol: Protocol) -> bool:
    """Whether calls come with pauses."""
    return bool(protocol["arrival"] != "back-to-back")


def cap_s(protocol: Protocol, block_s: float) -> float:
    """Returns the seconds after which a visit that is not steady is given up."""
    return max(protocol["steady_cap_s"], PATIENCE * protocol["min_blocks"] * block_s)


def visit_s(protocol: Protocol, call_s: float, wall_s: float) -> float:
    """Returns the least seconds of a visit of calls that take ``call_s``, and ``wall_s`` with their pauses."""
    alone = protocol["cache"] == "cold"
    block_s = wall_s if has_pauses(protocol) else call_s if alone else max(protocol["min_block_s"], call_s)
    return float(call_s + max(protocol["min_visit_s"], protocol["min_blocks"] * block_s))


def decide(
    samples: Sequence[float], spent_s: float, protocol: Protocol, steady_from: Optional[int]
) -> Tuple[bool, int]:
    """Decides whether a visit ends after a block, and how many of its first blocks are warm-up."""
    if steady_from is None:
        window = min(WINDOW, max(LEAST_BLOCKS, protocol["min_blocks"]))
        steady_from = first_steady(samples, protocol["steady_tolerance"], window)
    if steady_from is None:
        late = spent_s >= cap_s(protocol, spent_s / len(samples))
        return late or len(samples) >= protocol["max_blocks"], len(samples)
    counting = samples[steady_from:]
    if len(counting) < protocol["min_blocks"] or sum(counting) == 0 or spent_s < protocol["min_visit_s"]:
        return len(samples) >= protocol["max_blocks"], steady_from
    out = spent_s >= protocol["max_visit_s"] or len(samples) >= protocol["max_blocks"]
    return out or _is_met(protocol["stopping"], counting), steady_from


def _is_met(stopping: Dict[str, Any], samples: Sequence[float]) -> bool:
    if stopping["name"] == "fixed-count":
        return len(samples) >= stopping["blocks"]
    return bool(relative_error(samples) <= stopping["most"])
