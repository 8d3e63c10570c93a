"""Studies: the one loop that joins a searcher, objectives, constraints and a log."""

from hwcost.study.options import SearchOptions
from hwcost.study.searching import search
from hwcost.study.selection import SelectionBias, selection_bias
from hwcost.study.stopping import Stopping
from hwcost.study.study import Progress, Study
from hwcost.study.verification import Verification, verify

__all__ = [
    "Progress", "SearchOptions", "SelectionBias", "Stopping", "Study", "Verification", "search", "selection_bias", "verify",
]  # fmt: skip
