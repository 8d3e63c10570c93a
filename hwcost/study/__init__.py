"""Studies: the one loop that joins a searcher, cost functions and a log."""

from hwcost.study.searching import search
from hwcost.study.stopping import Stopping
from hwcost.study.study import Progress, Study

__all__ = ["Progress", "Stopping", "Study", "search"]
