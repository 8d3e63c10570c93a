"""Visits as the additive model takes them: one log latency each, and how much of a full visit it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.levels.contention import Contention

ENOUGH = 2.0
"""Number of uncontended blocks from which a visit shows the uncontended machine."""


@dataclass(frozen=True, slots=True)
class VisitValues:
    """Visits as the additive model takes them.

    Attributes:
        y: Log latency of each visit, shape (n,).
        weight: Share of a full visit that each one counts as, shape (n,).
        uncontended: Whether the visit shows the uncontended machine, shape (n,).
        states: The states of the machine; None where there is only one.
        level: Log level that is taken out of ``y`` already, shape (n,); None where it is not known before.
        level_error: Standard error of the campaign's mean level, common to all items; 0 where it is not known, and for a
            single item, whose rounds show it, unless others share the host.
        level_steps: Number of steps of the level that this error is estimated from, beside usual ones.
        reading_error: Standard deviation of what the level may be off by because noise may be contention, or
            the quickest state of the machine may be, common to all items.
        is_precise: Whether weights are precisions: one over the variance of each visit, up to a common factor.
        is_evident: Whether all workloads together show clearly which state is the uncontended one.
        quicker: Log time by which some blocks are quicker than that state, which then was not it; 0 where there are none.
        lost: Log delay of each visit that counters tell and its blocks do not show, shape (n,); None where nothing was lost.
        own: Log delay of each visit that its slices show and that may be its workload's own, shape (n,); None for none.
    """

    y: Floats
    weight: Floats
    uncontended: NDArray[np.bool_]
    states: Contention | None
    level: Floats | None = None
    level_error: float = 0.0
    level_steps: int = 0
    reading_error: float = 0.0
    is_precise: bool = False
    is_evident: bool = False
    quicker: float = 0.0
    lost: Floats | None = None
    own: Floats | None = None

    @property
    def delay(self) -> float:
        """Log delay by which a visit that shows nothing uncontended may be too slow; 0 where there is one state."""
        return 0.0 if self.states is None else max(self.states.delay, self.quicker)
