"""Plots of reports: heat maps have their scale, and legends lie on nothing that is drawn."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from hwcost.report.figures import new_figure
from hwcost.report.plots import bars, heat_map, scatter


def test_a_heat_map_has_its_scale_beside_it() -> None:
    figure, ax = new_figure()
    heat_map(ax, [[0.0, 0.5], [1.0, 0.25]], ["ff", "head"], "block", "Gates", "probability")
    own, scale = figure.axes
    assert own is ax
    assert (scale.get_ylabel(), scale.get_ylim()) == ("probability", (0.0, 1.0))
    assert len([one.get_text() for one in scale.get_yticklabels() if one.get_text()]) > 2
    figure.canvas.draw()
    assert scale.get_window_extent().x0 > ax.get_window_extent().x1
    np.testing.assert_array_equal(ax.images[0].get_array(), [[0.0, 0.5], [1.0, 0.25]])


@pytest.mark.parametrize("groups", [2, 4, 9, 18])
def test_the_legend_of_bars_stands_between_their_heading_and_their_axes(groups: int) -> None:
    figure, ax = new_figure(6.2, 4.2)
    bars(ax, {f"params {size}M": {"mnli": 0.8, "rte": 0.7} for size in range(groups)}, "accuracy", "Nets, fine-tuned")
    figure.canvas.draw()
    legend = ax.get_legend().get_window_extent()
    (title,) = [one for one in (ax.title, ax._left_title) if one.get_text()]
    heading = title.get_window_extent()
    assert legend.y0 >= ax.get_window_extent().y1 - 1
    assert all(not legend.overlaps(bar.get_window_extent()) for bar in ax.patches)
    assert heading.y0 >= legend.y1 - 1
    assert heading.y1 <= figure.bbox.y1 + 1


def test_one_group_of_bars_needs_no_legend() -> None:
    _, ax = new_figure()
    bars(ax, {"measured": {"base": 3.0, "do": 2.0}}, "measured latency (ms)", "Latencies")
    assert ax.get_legend() is None


def test_bars_show_the_intervals_of_those_that_have_one() -> None:
    _, ax = new_figure()
    ranges = {"measured": {"base": (2.5, 3.25), "do": (float("nan"), float("nan"))}}
    bars(ax, {"measured": {"base": 3.0, "do": 2.0}}, "latency (ms)", "Latencies", ranges)
    (lines,) = ax.containers[1].lines[2]
    ends = [path.vertices[:, 1].tolist() for path in lines.get_paths()]
    assert ends[0] == [2.5, 3.25]
    assert np.isnan(ends[1:]).all()


def test_points_have_the_intervals_of_their_latencies() -> None:
    _, ax = new_figure()
    nan = float("nan")
    ranges = {"random": [(1.0, 5.0)], "own": [(nan, nan)]}
    scatter(ax, {"random": [(2.0, 9.0)], "own": [(4.0, 8.0)]}, ("x", "y"), "Nets", ranges)
    (first,), (second,) = (one.lines[2][0].get_segments() for one in ax.containers)
    np.testing.assert_array_equal(first, [[1.0, 9.0], [5.0, 9.0]])
    assert not second.size
    assert [one.get_text() for one in ax.get_legend().get_texts()] == ["random", "own"]
    _, ax = new_figure()
    scatter(ax, {"random": [(2.0, 9.0)]}, ("x", "y"), "Nets")
    assert not ax.containers
