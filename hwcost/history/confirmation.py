"""Whether a change of a history is one of the code: the code of before and of after, measured again in one campaign.

Nights differ by more than the code: the machine, its neighbours, its driver. Measured in the same rounds, both arms share
all of that, so that what is left between them is the code.
"""

from __future__ import annotations

from typing import Literal

from hwcost.campaign.comparisons.differences import Difference
from hwcost.history.changes import Change

Outcome = Literal["confirmed", "refuted", "ambiguous"]


def confirm(change: Change, again: Difference) -> Outcome:
    """Judges a change by a comparison of the code after it with the code before it.

    Args:
        change: Change of the history.
        again: Difference of the same workload, measured with both codes in one campaign.

    Returns:
        ``confirmed`` when the difference has the sign of the change and clears the band of no consequence, ``refuted`` when
        it has the other sign, lies within the band, or its interval leaves out half of the change; else ``ambiguous``.
    """
    if again.verdict in ("FASTER", "SLOWER"):
        return "confirmed" if (again.verdict == "SLOWER") == (change.log_ratio > 0) else "refuted"
    if again.log_ratio is None or again.half_width is None:
        return "ambiguous"
    size, sign = abs(change.log_ratio), 1.0 if change.log_ratio > 0 else -1.0
    most = sign * again.log_ratio + again.half_width
    return "refuted" if again.verdict == "SAME" or most < size / 2 else "ambiguous"
