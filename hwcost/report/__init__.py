"""Tables, figures and pages of what was found; nothing here measures.

The names below are what a system needs for figures of its own.
"""

from hwcost.report.drawings import FIGURES, Drawing, drawings
from hwcost.report.figures import INK, entitle, importance, legend_above
from hwcost.report.page import write_page
from hwcost.report.plots import COLORS, DASHED, bars, heat_map, latency_fit, losses, scatter
from hwcost.report.search_figures import progress
from hwcost.report.supernet_figures import bands

__all__ = [
    "COLORS", "DASHED", "FIGURES", "INK", "Drawing", "bands", "bars", "drawings", "entitle", "heat_map", "importance",
    "latency_fit", "legend_above", "losses", "progress", "scatter", "write_page",
]  # fmt: skip
