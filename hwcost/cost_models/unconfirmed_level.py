"""The level of a campaign that hardly ever saw the machine uncontended: what all of its measurements may be off by together.

The rows of such a campaign agree with each other, since the same neighbours slowed all of them. So a cost model tells how
architectures differ, and its interval holds further measurements under these neighbours; how much quicker the uncontended
machine is, no row knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost.units import format_half_width

if TYPE_CHECKING:
    from hwcost.timing.measurement import Measurement

FACT = "unconfirmed_level"
"""Name of the fact in the provenance of rows and of cost models that were fitted on them."""

MOST_CONFIRMED = 0.5
"""Share of confirmed measurements from which these hold the level, as in a campaign's own intervals."""


@dataclass(frozen=True, slots=True)
class UnconfirmedLevel:
    """How many measurements are unconfirmed, and how far they may be off together.

    Attributes:
        unconfirmed: Number of unconfirmed measurements.
        rows: Number of all measurements.
        half_width: Median half-width of the 95 % intervals of the unconfirmed ones, on the log scale.
    """

    unconfirmed: int
    rows: int
    half_width: float

    @classmethod
    def of(cls, measurements: Sequence[Measurement]) -> UnconfirmedLevel | None:
        """Looks for it in measurements; None where half of them or more are confirmed."""
        widths = [one.half_width for one in measurements if not one.is_confirmed and one.half_width is not None]
        if len(widths) <= (1.0 - MOST_CONFIRMED) * len(measurements):
            return None
        return cls(len(widths), len(measurements), float(np.median(widths)))

    @classmethod
    def in_provenance(cls, provenance: Mapping[str, Any]) -> UnconfirmedLevel | None:
        """Reads the fact of rows or of a cost model; None where there is none."""
        return cls(**provenance[FACT]) if FACT in provenance else None

    @property
    def provenance(self) -> dict[str, Any]:
        """The fact, as :meth:`in_provenance` reads it."""
        return {FACT: asdict(self)}

    def __str__(self) -> str:
        return (
            f"{self.unconfirmed} of {self.rows} measurements of this cost model are unconfirmed, because the machine was "
            f"contended nearly all the time. Predictions for the uncontended machine may all be off by as much as these "
            f"measurements ({format_half_width(self.half_width, sign='±')}). Intervals hold measurements beside the same "
            f"neighbours, and tell how architectures differ. Measure again where nothing else runs."
        )
