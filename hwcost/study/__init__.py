"""Studies: the one loop that joins a searcher, objectives, constraints and a log."""

from hwcost.study.options import SearchOptions
from hwcost.study.searching import search
from hwcost.study.stopping import Stopping
from hwcost.study.study import Progress, Study

__all__ = ["Progress", "SearchOptions", "Stopping", "Study", "search"]
