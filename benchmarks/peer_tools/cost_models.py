"""Cost models beside libraries of boosted trees: times of questions and fits, and models from few rows, as ratios."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from peer_tools.tables import NONE, markdown

TREES, DEPTH, ROWS = 1000, 4, 2000
"""Number and depth of the trees that are asked, and rows that they are fitted on."""

LIBRARIES = {"xgboost": "XGBoost", "lightgbm": "LightGBM", "hybrid": "LightGBM"}
"""Library that grows the trees of each cost model that is asked."""

OWN = {"one us": "compiled us", "ns": "compiled ns"}
OF_LIBRARY = {"one us": "library one us", "ns": "library ns"}
"""Figures of ``queries.py``: of hwcost's compiled trees, and of the library that grew them."""


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the options."""
    group = parser.add_argument_group("cost models beside libraries of boosted trees; nothing is measured then")
    group.add_argument("--queries", action="store_true", help="times of questions, as ratios to hwcost's (two minutes)")
    group.add_argument("--lleaves", metavar="PYTHON", help="Python that has lleaves, which cannot live beside numba")
    group.add_argument("--fits", type=Path, metavar="DATA", help="times of fits, as ratios to XGBoost's and LightGBM's")
    group.add_argument("--few", type=Path, metavar="DATA", help="errors of models from few rows, beside XGBoost on hundreds")
    group.add_argument("--runs", type=int, default=5, help="runs of each fit (5)")
    group.add_argument("--draws", type=int, default=20, help="random draws of rows (20)")


def is_asked(given: Namespace) -> bool:
    """Whether cost models are to be compared, in place of tools that measure."""
    return given.queries or given.fits is not None or given.few is not None


def show(given: Namespace) -> None:
    """Prints what is asked for."""
    if given.queries:
        print(_asked(given.lleaves), end="\n\n")
    if given.fits is not None:
        from studies.plain_boosters import show_fits

        show_fits(given.fits, ROWS, given.runs)
    if given.few is not None:
        from studies.plain_boosters import show_few

        show_few(given.few, given.draws)


def _asked(lleaves: str | None) -> str:
    from queries import of_trees

    found = {name: of_trees(name, TREES, DEPTH, ROWS, lleaves) for name in LIBRARIES}
    return "\n".join([f"\n{TREES} trees, times as multiples of hwcost's:", query_table(found), *left_out(lleaves)])


def query_table(found: Mapping[str, Mapping[str, float]]) -> str:
    """Returns one row per cost model: its times, and those of others as multiples of them.

    Args:
        found: Figures of ``queries.of_trees`` by the name of the cost model.
    """
    tools = ("library", "treelite", "lleaves")
    heads = ["model", *(f"{what}, {tool}" for what in ("one", "of a batch") for tool in ("hwcost", *tools))]
    return markdown(heads, [[f"{name} ({LIBRARIES[name]})", *_cells(one)] for name, one in found.items()])


def _cells(own: Mapping[str, float]) -> Iterator[str]:
    for what, unit in (("one us", "us"), ("ns", "ns")):
        yield f"{own[OWN[what]]:.3g} {unit}"
        for name in (OF_LIBRARY[what], f"treelite {what}", f"lleaves {what}"):
            yield f"{own[name] / own[OWN[what]]:.1f} x" if name in own else NONE


def left_out(lleaves: str | None) -> Iterator[str]:
    """Yields what is not compared, and why."""
    if find_spec("treelite") is None:
        yield "treelite is left out: it is not installed"
    if lleaves is None:
        yield "lleaves is left out: it needs llvmlite below 0.45, and numba a later one. Give --lleaves PYTHON, which has it"
    else:
        yield "lleaves reads LightGBM's trees only"
