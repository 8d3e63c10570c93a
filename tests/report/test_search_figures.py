"""Figures of searches hold what they were given."""

from __future__ import annotations

import pytest

pytest.importorskip("matplotlib")

from hwcost.objectives import Maximize, Minimize, Params
from hwcost.report.figures import new_figure, save
from hwcost.report.search_figures import VALUED, architectures, front, progress
from hwcost.spaces import space
from hwcost.study import search

MINI = space("supershaper", scale="mini")


def wide(arch) -> float:
    return float(sum(arch.genes))


def test_fronts_stand_out_from_what_was_evaluated(tmp_path) -> None:
    middle = MINI.architecture([24] * 4)
    study = search(MINI, [Minimize(Params(MINI)), Maximize(wide)], searcher="nsga2", evaluations=60, reference=middle)
    figure, ax = new_figure()
    front(ax, study)
    evaluated, best = (points.get_offsets() for points in ax.collections)
    assert len(evaluated) == len(study.completed)
    assert best.tolist() == [list(trial.values) for trial in study.front]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("params", "wide")
    assert all(path.stat().st_size for path in save(figure, tmp_path / "front"))
    assert ax.xaxis.get_major_formatter()(66e6) == "66.00 M"


def test_progress_has_a_line_per_search() -> None:
    studies = {name: search(MINI, [Maximize(wide)], searcher=name, evaluations=30) for name in ("random", "evolution")}
    _, ax = new_figure()
    progress(ax, {name: study.convergence().tolist() for name, study in studies.items()}, "wide")
    assert [line.get_ydata()[-1] for line in ax.get_lines()] == [study.best.values[0] for study in studies.values()]


def test_architectures_are_bars_of_their_genes() -> None:
    archs = dict(zip("ab", MINI.sample(2, seed=1), strict=True))
    _, ax = new_figure()
    architectures(ax, archs, [gene.name for gene in MINI.genes])
    genes = [float(gene) for arch in archs.values() for gene in arch.genes]
    assert [bar.get_height() for bar in ax.patches] == genes
    assert [text.get_text() for text in ax.texts] == ([f"{gene:g}" for gene in genes] if len(genes) <= VALUED else [])
