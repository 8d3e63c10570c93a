from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from hwcost.auditing.report import AuditReport
from hwcost.levels.level import Segment
from hwcost.report import figures
from hwcost.report.audit_figure import LABELLED, residual_order


def report(n: int, edges: list[int]) -> AuditReport:
    segments = tuple(Segment(a, b - 1, 1.0 + 0.1 * (i % 2)) for i, (a, b) in enumerate(pairwise(edges)))
    rows = np.arange(n)
    log_level = np.concatenate([np.full(one.last - one.first + 1, np.log(one.level)) for one in segments])
    return AuditReport(
        source="x.csv", space="table", unit="row", flags=(), rows=rows, residuals=log_level + 0.01 * np.sin(rows),
        log_level=log_level, level_range=0.1, segments=segments, von_neumann=0.1, von_neumann_after=1.0, critical=0.9,
        size_order=1.0, signal_tau=0.9, duplicates=0, copies=0, repeatability=None, repeatability_after=None,
        outlier_rows=(),
    )  # fmt: skip


def drawn(found: AuditReport):
    figure, ax = figures.new_figure()
    return figure, residual_order(ax, found, "A title")


def test_residuals_and_level_are_percent_in_the_order_measured():
    found = report(300, [0, 100, 300])
    _, ax = drawn(found)
    np.testing.assert_allclose(ax.lines[-1].get_ydata(), 100 * np.expm1(found.log_level))
    assert ax.collections[0].get_offsets()[:, 0].tolist() == list(range(300))
    assert ax.get_xlabel() == "row, in the order measured"


def test_stretches_are_shaded_and_their_bounds_labelled():
    _, ax = drawn(report(300, [0, 100, 180, 300]))
    assert [text.get_text().strip() for text in ax.texts] == ["100", "180"]
    assert len(ax.patches) == 1


def test_many_bounds_are_thinned():
    _, ax = drawn(report(4000, list(range(0, 4001, 20))))
    rows = [int(text.get_text()) for text in ax.texts]
    assert len(rows) <= LABELLED
    assert min(np.diff(rows)) >= 100


def test_an_outlier_does_not_flatten_the_rest():
    found = report(1000, [0, 500, 1000])
    found.residuals[3] = 15.0
    _, ax = drawn(found)
    assert ax.get_ylim()[1] < 20


def test_equal_figures_are_equal_files(tmp_path):
    pairs = [figures.save(drawn(report(300, [0, 100, 300]))[0], tmp_path / name) for name in ("one", "two")]
    for one, other in zip(*pairs, strict=True):
        assert one.read_bytes() == other.read_bytes()
