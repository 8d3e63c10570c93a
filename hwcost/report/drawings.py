"""The figures of a pipeline's report, and the registry in which every system brings its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from hwcost.registry import Registry

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIGURES = Registry(
    "hwcost.figures",
    "set of figures",
    {
        "autodistil": "hwcost.systems.autodistil.figures:figures",
        "autodistill": "hwcost.systems.autodistill.figures:figures",
        "components": "hwcost.systems.components.figures:figures",
        "supershaper": "hwcost.systems.supershaper.figures:figures",
    },
)
"""Name of a pipeline to a function of its report that returns its figures: ``figures(report) -> Iterable[Drawing]``."""


class Drawing(NamedTuple):
    """A figure that can be drawn.

    Attributes:
        name: Name of its file, without a suffix.
        draw: Function that draws it on axes.
        size: Width and height, in inches.
    """

    name: str
    draw: Callable[[Axes], Any]
    size: tuple[float, float] = (6.2, 4.2)


def drawings(report: Mapping[str, Any]) -> list[Drawing]:
    """Returns the figures of a pipeline's report, in order; none where nothing is registered under the pipeline's name."""
    name = report["pipeline"]
    if name not in FIGURES.names():
        return []
    figures: Callable[[Mapping[str, Any]], Iterable[Drawing]] = FIGURES.load(name)
    return list(figures(report))
