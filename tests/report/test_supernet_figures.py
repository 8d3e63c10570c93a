"""Figures of supernets hold what they were given."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from hwcost.report.figures import new_figure, save
from hwcost.report.supernet_figures import agreement, bands, curves


def test_curves_have_a_line_per_subnet(tmp_path) -> None:
    figure, ax = new_figure()
    curves(ax, [0, 10], {"smallest": [100, 50], "largest": [100, 30]}, "Perplexity")
    assert [line.get_ydata().tolist() for line in ax.get_lines()] == [[100, 50], [100, 30]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["smallest", "largest"]
    assert all(path.stat().st_size for path in save(figure, tmp_path / "curves"))


def test_bands_are_rows_with_the_widths_marked() -> None:
    _, ax = new_figure()
    bands(ax, np.random.default_rng(0).random((2, 2, 12)), [4, 8, 12], "Bands")
    assert ax.images[0].get_array().shape == (4, 12)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1 in", "1 out", "2 in", "2 out"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["4", "8", "12"]


def test_agreement_tells_nets_of_one_size_apart() -> None:
    _, ax = new_figure()
    agreement(ax, [1, 2, 3], [4, 5, 6], [True, False, True], ("x", "y"), "Agreement")
    assert [len(points.get_offsets()) for points in ax.collections] == [1, 2]
