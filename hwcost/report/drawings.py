"""The figures of a pipeline's report, and the registry in which every system brings its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from hwcost.errors import ContractError, HwcostError
from hwcost.registry import Registry

if TYPE_CHECKING:
    from matplotlib.axes import Axes

T = TypeVar("T")

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
    """Returns the figures of a pipeline's report, in order; none where nothing is registered under the pipeline's name.

    Raises:
        ContractError: When the function of another distribution fails, or gives something else than drawings; a drawing of
            it that fails raises one too.
    """
    name = report["pipeline"]
    if name not in FIGURES.names():
        return []
    figures: Callable[[Mapping[str, Any]], Iterable[Drawing]] = FIGURES.load(name)
    is_own = figures.__module__.partition(".")[0] == "hwcost"
    found = list(figures(report)) if is_own else _told(f"the figures of the system '{name}'", lambda: list(figures(report)))
    if other := [one for one in found if not isinstance(one, Drawing)]:
        raise ContractError(f"the figures of the system '{name}' gave {other[0]!r:.60}; expected hwcost.report.Drawing")
    return found if is_own else [_careful(name, one) for one in found]


def _careful(name: str, one: Drawing) -> Drawing:
    """Returns a drawing of another distribution that names itself where it fails."""
    what = f"the figure '{one.name}' of the system '{name}'"
    return one._replace(draw=lambda ax: _told(what, lambda: one.draw(ax)))


def _told(what: str, call: Callable[[], T]) -> T:
    """Calls code of another distribution.

    Raises:
        ContractError: When it fails.
    """
    try:
        return call()
    except HwcostError:
        raise
    except Exception as error:
        raise ContractError(f"{what} failed: {type(error).__name__}: {error}") from error
