"""Models are off at the ends of their rows: intervals are wider there, by what errors on rows left out say."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hwcost.cost_models import cost_model, load
from hwcost.cost_models.features.ends import FURTHEST, LEAST_ROWS, Ends
from hwcost.cost_models.training.conformal import quantile
from hwcost.cost_models.training.intervals import calibrate, left_out_errors
from hwcost.spaces import space
from hwcost.spaces.shaped import Shape, Shaped

OPERATIONS = np.array([0.0, 0.0005, 0.004, 0.011, 0.003])
CELL = space("custom", genes={f"edge{i}": list("abcde") for i in range(6)})
EVERY = np.indices((5,) * 6).reshape(6, -1).T
SUMS = 0.006 + OPERATIONS[EVERY].sum(axis=1)


def test_an_end_has_the_errors_of_its_tenth_and_the_middle_none_of_them():
    rng = np.random.default_rng(0)
    line = rng.permutation(np.arange(150.0))
    errors = np.where(line < 15, 0.3, np.where(line > 134, 0.05, 0.1)) * np.where(rng.random(150) < 0.5, -1, 1)
    ends = Ends.of(line, errors)
    typical = np.abs(errors).mean()
    assert (ends.low.heights, ends.low.factors) == ((29.0, 7.0), (1.0, pytest.approx(0.3 / typical)))
    assert (ends.high.heights, ends.high.factors) == ((120.0, 142.0), (1.0, 1.0))
    found = ends(np.array([-5.0, 7.0, 18.0, 29.0, 100.0, 250.0]))
    half = 1 + (ends.low.factor - 1) / 2
    np.testing.assert_allclose(found, [ends.low.factor, ends.low.factor, half, 1, 1, 1])
    again = Ends.from_dict(json.loads(json.dumps(ends.as_dict())))
    assert again == ends


def test_many_rows_tell_how_fast_errors_grow_towards_the_last_of_them():
    line = np.arange(1000.0)
    errors = np.where(line < 12, 0.8, np.where(line < 25, 0.4, np.where(line < 50, 0.3, 0.1)))
    ends = Ends.of(line, errors)
    typical = errors.mean()
    assert ends.low.heights == (199.0, 75.0, 37.0, 18.0, 6.0)
    np.testing.assert_allclose(ends.low.factors, np.maximum(np.array([typical, 0.1, 0.3, 0.4, 0.8]) / typical, 1.0))
    np.testing.assert_allclose(ends(np.array(ends.low.heights)), ends.low.factors)
    assert ends.high.factors == (1.0,) * 5
    dips = Ends.of(line, np.where(line < 25, 0.2, np.where(line < 50, 0.3, 0.1)))
    assert dips.low.factors[2:] == (dips.low.factors[2],) * 3


def test_bands_of_one_height_are_one():
    line = np.maximum(np.arange(1000.0), 30.0)
    assert Ends.of(line, np.where(line < 31, 0.3, 0.1)).low.heights == (199.0, 75.0, 37.0, 30.0)


def test_ends_with_one_band_of_the_first_folders_are_read():
    one = {"outer": 7.0, "inner": 29.0, "factor": 3.0}
    ends = Ends.from_dict({"low": one, "high": {"outer": 142.0, "inner": 120.0, "factor": 1.0}})
    np.testing.assert_allclose(ends(np.array([-5.0, 18.0, 29.0, 250.0])), [3, 2, 1, 1])
    grown = Ends.from_dict({"low": one, "high": {"outer": 142.0, "inner": 120.0, "factor": 1.0}, "grows": True})
    np.testing.assert_allclose(grown(np.array([-15.0, 7.0])), [5, 3])


def test_errors_of_a_model_that_follows_the_trend_go_on_growing_beyond_the_ends():
    line = np.arange(150.0)
    errors = np.where(line < 15, 0.3, 0.1)
    ends = Ends.of(line, errors, grows=True)
    excess = ends.low.factor - 1
    np.testing.assert_allclose(ends(np.array([29.0, 7.0, -15.0, -1e6])), 1 + excess * np.array([0, 1, 2, FURTHEST]))
    assert ends(np.array([1e6]))[0] == 1.0
    assert Ends.from_dict(json.loads(json.dumps(ends.as_dict()))) == ends
    assert not ends.is_even
    assert Ends.of(line, np.where(line < 15, 0.05, np.where(line > 134, 0.05, 0.1)), grows=True).is_even


def test_few_rows_and_rows_of_one_height_have_no_ends():
    errors = np.linspace(-0.1, 0.1, LEAST_ROWS)
    assert Ends.of(np.arange(LEAST_ROWS - 1.0), errors[1:]) is None
    assert Ends.of(np.zeros(LEAST_ROWS), errors) is None
    assert Ends.of(np.arange(float(LEAST_ROWS)), 0 * errors) is None
    assert Ends.of(np.arange(float(LEAST_ROWS)), errors) is not None


def test_intervals_hold_for_the_quickest_and_are_narrower_for_all_others(tmp_path):
    rng = np.random.default_rng(4)
    values = SUMS * np.exp(rng.normal(0, 0.01, len(SUMS)))
    archs = [CELL.architecture(["abcde"[code] for code in EVERY[row]]) for row in rng.permutation(len(EVERY))[:300]]
    rows = np.ravel_multi_index(CELL.encode(archs).astype(int).T, (5,) * 6)
    model = calibrate(cost_model("lightgbm", CELL, rounds=150).fit(archs, values[rows]), archs, values[rows])
    genes = EVERY.astype(float)
    left = np.setdiff1d(np.flatnonzero(model.in_domain(genes)), rows)
    errors = np.abs(np.log(values / model.predict_encoded(genes)))
    widths = model.half_widths(genes)
    tenth = left[np.argsort(model.domain_.trend.heights(model.features, genes[left]))][: len(left) // 10]
    assert (errors[left] <= widths[left]).mean() > 0.87
    assert (errors[tenth] <= widths[tenth]).mean() > 0.8
    even = np.quantile(errors[left], (errors[left] <= widths[left]).mean())  # one width for all that holds as often
    assert (errors[tenth] <= even).mean() < 0.75
    assert model.log_interval_half_width_ < even
    np.testing.assert_array_equal(load(model.save(tmp_path / "model")).half_widths(genes[left]), widths[left])
    np.testing.assert_array_equal([model.half_widths(genes[[row]])[0] for row in left[:50]], widths[left[:50]])


WIDTHS = [64, 128, 192, 256, 384, 512]
OTHERS = {"depth": [2, 4, 6, 8, 10, 12], "factor": [1, 2, 3, 4]}
NET = space("custom", genes={**{f"width{i}": WIDTHS for i in range(4)}, **OTHERS})


def interacting(genes):
    return 0.02 + genes[:, :4].sum(axis=1) * (1e-5 + 4e-7 * genes[:, 4] * genes[:, 5]) + 2e-4 * genes[:, 4]


def launched(genes):
    return np.hypot(5e-4 * genes[:, 4] + 1e-5 * genes[:, :4].sum(axis=1) * genes[:, 5], 0.004)


def parallel(genes):
    pairs = genes[:, 0] * genes[:, 1] + genes[:, 2] * genes[:, 3]
    return 3e-4 + np.maximum(2e-8 * genes[:, 4] * pairs, 4e-7 * genes[:, 4] * genes[:, :4].sum(axis=1) * genes[:, 5])


def gated(genes):
    prices = OPERATIONS[genes.astype(int)]
    return 0.006 + prices[:, 0] + (prices[:, 1:] * (prices[:, :-1] > 0)).sum(axis=1)


def added(genes):
    return 0.02 + 1e-5 * genes[:, :4].sum(axis=1) + 2e-4 * genes[:, 4] + 1e-3 * genes[:, 5]


def judged(name, where, law, seed, rows=250):
    """Returns coverage of all nets and of the tenths that are predicted quickest and slowest, with and without ends."""
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.integers(0, len(gene.choices), rows + 1500) for gene in where.genes], axis=1)
    model = cost_model(name, where)
    genes = model.features.genes_of(codes)
    values = law(genes) * np.exp(rng.normal(0, 0.01, len(genes)))
    archs = [model.features.decode(row) for row in genes[:rows]]
    calibrate(model.fit(archs, values[:rows]), archs, values[:rows])
    asked, measured = genes[rows:], values[rows:]
    predicted = model.predict_encoded(asked)
    errors, widths = np.abs(np.log(measured / predicted)), model.half_widths(asked)
    even = quantile(np.abs(left_out_errors(model, genes[:rows], values[:rows], np.ones(rows))))
    order = np.argsort(predicted)
    ends = order[:150], order[-150:]
    both = widths, np.full(1500, even)
    held = [[float((errors[some] <= width[some]).mean()) for some in (order, *ends)] for width in both]
    return [*held[0], *held[1], float(np.median(widths)) / even]


@pytest.mark.parametrize(
    ("name", "where", "law", "end"),
    [
        ("lut", NET, interacting, "both"),
        ("ridge", NET, interacting, "both"),
        ("lut", NET, launched, "low"),
        ("polynomial", NET, parallel, "low"),
        ("lut", CELL, gated, "low"),
    ],
)
def test_sums_of_prices_hold_at_both_ends_where_genes_interact(name, where, law, end):
    found = np.mean([judged(name, where, law, seed) for seed in range(6)], axis=0)
    every, low, high, even_every, even_low, even_high, width = found.tolist()
    assert abs(every - even_every) < 0.02
    assert every > 0.87
    assert low > max(0.8, even_low + 0.04)
    if end == "both":
        assert high > max(0.85, even_high + 0.04)
    assert width < 1.0


def test_the_quickest_hundredth_of_products_is_held():
    where = space("table", columns=[{"name": name} for name in ("layers", "hidden", "ratio")])
    held = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        columns = [rng.integers(1, 13, 3000), 64 * rng.integers(1, 17, 3000), rng.integers(1, 9, 3000)]
        genes = np.stack(columns, axis=1).astype(float)
        values = (1e-4 + 1e-9 * genes[:, 0] * genes[:, 1] ** 2 * genes[:, 2]) * np.exp(rng.normal(0, 0.02, 3000))
        archs = [where.architecture(row) for row in genes[:1000].tolist()]
        model = cost_model("lut", where).fit(archs, values[:1000])
        calibrate(model, archs, values[:1000])
        rows = 1000 + np.argsort(values[1000:])[:20]
        errors = np.abs(np.log(values[rows] / model.predict_encoded(genes[rows])))
        held.append(float((errors <= model.half_widths(genes[rows])).mean()))
    assert np.mean(held) > 0.5


@pytest.mark.parametrize("name", ["lut", "ridge"])
def test_nothing_changes_much_where_prices_add_up(name):
    found = np.mean([judged(name, NET, added, seed) for seed in range(6)], axis=0)
    assert np.abs(found[:3] - found[3:6]).max() < 0.03
    assert 0.95 < found[-1] <= 1.0


def test_ends_of_sums_are_kept_and_never_end_the_domain(tmp_path):
    rng = np.random.default_rng(0)
    model = cost_model("lut", NET)
    genes = model.features.genes_of(np.stack([rng.integers(1, len(gene.choices), 300) for gene in NET.genes], axis=1))
    archs, values = [model.features.decode(row) for row in genes], interacting(genes) * np.exp(rng.normal(0, 0.01, 300))
    calibrate(model.fit(archs, values), archs, values)
    corner = model.features.encode([NET.architecture([gene.choices[1] for gene in NET.genes])])
    assert model.domain_.edge is None
    assert model.in_domain(corner).all()
    assert model.half_widths(corner)[0] > model.domain_.ends.low.factor * model.log_interval_half_width_
    again = load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.half_widths(genes), model.half_widths(genes))
    np.testing.assert_array_equal([model.half_widths(genes[[row]])[0] for row in range(40)], model.half_widths(genes[:40]))
    bound = float(np.median(values))
    np.testing.assert_array_equal(again.probability(archs, bound), model.probability(archs, bound))


def test_over_shapes_the_table_at_a_shape_is_as_wide_as_the_model():
    base, rng = space("supershaper"), np.random.default_rng(2)
    nets = base.sample(130, seed=1)
    sizes = [Shape(*[(1, 32), (4, 32), (1, 128), (8, 128)][i]) for i in rng.integers(0, 4, len(nets))]
    where = Shaped(base)
    points = [where.at(net, shape) for net, shape in zip(nets, sizes, strict=True)]
    tokens = np.array([shape.batch_size * shape.seq_len for shape in sizes])
    work = np.array([sum(net.genes) / 5000 for net in nets]) ** 3 * tokens
    values = (1e-3 + 1e-4 * work) * np.exp(rng.normal(0, 0.01, len(nets)))
    model = calibrate(cost_model("shapes", where).fit(points, values), points, values)
    assert model.domain_.follows
    at = model.at(4, 32).predict(nets)
    whole = model.predict([where.at(net, Shape(4, 32)) for net in nets])
    np.testing.assert_allclose(at.high, whole.high, rtol=1e-12)
    assert np.ptp(np.log(at.high / at.values)) > 0.01


@pytest.mark.parametrize("name", ["lut", "lightgbm"])
def test_an_architecture_counts_once_however_often_it_was_measured(name):
    base = space("supershaper")
    options = {"rounds": 20} if name == "lightgbm" else {}
    for count in (30, 120):
        archs = base.sample(count, seed=3)
        values = np.array([sum(arch.genes) ** 2 for arch in archs]) * np.exp(np.random.default_rng(1).normal(0, 0.02, count))
        once = calibrate(cost_model(name, base, **options).fit(archs, values), archs, values)
        rows, all_values = archs * 5, np.tile(values, 5)
        often = calibrate(cost_model(name, base, **options).fit(rows, all_values), rows, all_values)
        assert (often.domain_.ends is None) == (count < LEAST_ROWS)
        genes = once.features.encode(archs)
        if name == "lut":
            np.testing.assert_allclose(often.half_widths(genes), once.half_widths(genes), rtol=1e-6)
