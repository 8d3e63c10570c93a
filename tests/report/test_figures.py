from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from hwcost.errors import UsageError
from hwcost.report import figures

MEASURED_S = np.array([0.010, 0.012, 0.020, 0.031])
PREDICTED_S = np.array([0.0101, 0.0121, 0.0195, 0.0305])


def drawn():
    figure, ax = figures.new_figure()
    return figure, figures.fitness(ax, MEASURED_S, PREDICTED_S, "A title")


def test_fitness_shows_units_identity_and_accuracy():
    _, ax = drawn()
    assert ax.get_xlabel() == "measured (ms)"
    np.testing.assert_allclose(ax.collections[0].get_offsets()[:, 1], 1e3 * PREDICTED_S)
    line = ax.lines[0]
    np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())
    texts = "\n".join(text.get_text() for text in ax.texts)
    assert "MAPE" in texts
    assert f"{100 * np.mean(np.abs(PREDICTED_S / MEASURED_S - 1)):.2f} %" in texts
    assert ax.get_title(loc="left") == "A title"


@pytest.mark.parametrize(("seconds", "unit"), [(3.0, "s"), (0.3, "ms"), (3e-6, "µs"), (3e-9, "ns")])
def test_units_fit_the_numbers(seconds, unit):
    _, ax = figures.new_figure()
    figures.fitness(ax, seconds * np.array([1.0, 1.1]), seconds * np.array([1.0, 1.1]))
    assert ax.get_ylabel() == f"predicted ({unit})"


def test_importance_sums_up_the_rest():
    _, ax = figures.new_figure()
    figures.importance(ax, {f"l{i}": 0.05 for i in range(20)})
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([5] * 16 + [20])
    assert [label.get_text() for label in ax.get_yticklabels()][-1] == "4 others"


@pytest.mark.parametrize("name", ["$x^$", "a_$_b", "price $ per $\\frac$", r"\$", "größe_{x"])
def test_names_of_others_are_drawn_as_they_are(tmp_path, name):
    _, ax = figures.new_figure()
    figures.importance(ax, {name: 0.7, "width": 0.3}, title=f"{name} on {name}.csv")
    assert len(figures.save(ax.figure, tmp_path / "names")) == 2


def test_equal_figures_are_equal_files(tmp_path):
    first = figures.save(drawn()[0], tmp_path / "one" / "figure.svg")
    second = figures.save(drawn()[0], tmp_path / "two" / "figure")
    assert [path.suffix for path in first] == [".png", ".svg"]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert first[0].read_bytes().startswith(b"\x89PNG")


def test_other_formats_and_places_are_refused(tmp_path):
    with pytest.raises(UsageError, match="PNG and SVG"):
        figures.save(drawn()[0], tmp_path / "figure.pdf")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write"):
        figures.save(drawn()[0], tmp_path / "file" / "figure.png")


def test_a_figure_that_is_cut_while_it_is_written_leaves_the_one_of_before(tmp_path, monkeypatch):
    before = [path.read_bytes() for path in figures.save(drawn()[0], tmp_path / "figure")]
    figure, _ = figures.new_figure()

    def cut(path, **options):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(figure, "savefig", cut)
    with pytest.raises(KeyboardInterrupt):
        figures.save(figure, tmp_path / "figure")
    assert [path.read_bytes() for path in sorted(tmp_path.iterdir())] == before
