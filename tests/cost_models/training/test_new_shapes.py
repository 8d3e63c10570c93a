"""Between measured batch sizes and lengths intervals are wider, by what shapes that are left out whole say."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost.cost_models import cost_model, load
from hwcost.cost_models.training.intervals import calibrate
from hwcost.spaces import space
from hwcost.spaces.shaped import Shape, Shaped

BASE = space("supershaper", scale="small")
WHERE = Shaped(BASE)
BATCHES, LENGTHS = (1, 2, 4), (32, 64, 128, 256)


def points(sizes, seed):
    nets = BASE.sample(len(sizes), seed=seed)
    return [WHERE.at(net, Shape(*size)) for net, size in zip(nets, sizes, strict=True)]


def latencies(where, tile, seed):
    """Latencies of a device that computes whole tiles of tokens, with noise of 1 %."""
    rows = []
    for point in where:
        batch_size, seq_len = WHERE.shape_of(point)
        tokens = -(-batch_size * seq_len // tile) * tile
        rows.append(2e-4 + tokens * BASE.flops(WHERE.architecture_of(point), seq_len=128) / 128 / 5e10)
    return np.array(rows) * np.exp(np.random.default_rng(seed).normal(0, 0.01, len(rows)))


def fitted(tile, seed=0, name="shapes", shapes=None, **options):
    grid = shapes or [(batch, length) for batch in BATCHES for length in LENGTHS]
    rows = points(grid * (60 // len(grid)), seed)
    values = latencies(rows, tile, seed)
    return calibrate(cost_model(name, WHERE, **options).fit(rows, values), rows, values)


def test_tiles_make_intervals_wider_at_sizes_between_the_measured_ones(tmp_path):
    model = fitted(192)
    net = BASE.sample(1, seed=3)
    assert model.domain_.between > 1.1
    wide, usual = (model.predict(net, batch_size=2, seq_len=length) for length in (96, 64))
    ratio = np.log(wide.high / wide.values) / np.log(usual.high / usual.values)
    rise = model.tiling_rise(np.array([[2, 96]]))[0]  # 192 rows might count as two tiles of 128
    np.testing.assert_allclose(ratio, model.domain_.between + rise / model.log_interval_half_width_)
    assert 0.05 < rise < np.log(256 / 192)
    assert wide.in_domain.all()
    for one in (load(model.save(tmp_path / "model")), model):
        np.testing.assert_array_equal(one.predict(net, batch_size=2, seq_len=96).high, wide.high)
        np.testing.assert_allclose(one.at(2, 96).predict(net).high, wide.high, rtol=1e-12)
    beyond = model.domain_.widening_at(Shape(4, 512))
    assert beyond == max(3.0, model.domain_.between)


def test_intervals_at_new_sizes_hold_more_often():
    held, before = [], []
    for seed in range(5):
        model = fitted(192, seed)
        asked = points([(batch, length) for batch in (1, 3, 4) for length in (48, 96, 160, 200)] * 3, seed + 50)
        answer = model.predict(asked)
        errors = np.abs(np.log(latencies(asked, 192, seed + 9) / answer.values))
        held.append((errors <= np.log(answer.high / answer.values)).mean())
        before.append((errors <= model.log_interval_half_width_).mean())
    assert np.mean(held) > np.mean(before) + 0.05


@pytest.mark.parametrize("name", ["shapes", "hybrid"])
def test_a_device_that_computes_whole_tiles_is_predicted_and_may_do_so_between_sizes(name, tmp_path):
    model = fitted(128, name=name)
    known = points([(batch, length) for batch in BATCHES for length in LENGTHS] * 3, 77)
    assert np.abs(np.log(model.predict(known).values / latencies(known, 128, 5))).mean() < 0.03
    between = points([(1, 48), (1, 100), (1, 192), (3, 48), (3, 100), (3, 192)] * 10, 78)
    truth, answer = latencies(between, 128, 6), model.predict(between)
    errors = np.abs(np.log(truth / answer.values))
    assert (errors <= np.log(answer.high / answer.values)).mean() > 0.75
    assert (errors <= model.domain_.between * model.log_interval_half_width_).mean() < 0.5  # without tiles in the interval
    again = load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict(between).high, answer.high)
    net = BASE.sample(1, seed=3)
    np.testing.assert_allclose(again.at(1, 192).predict(net).high, model.predict(net, batch_size=1, seq_len=192).high)


def test_a_folder_without_prices_of_tiles_answers_as_it_did(tmp_path):
    model = fitted(1)
    state = model.state()
    learned = state["learned"]
    for table in ("prices", "importance"):
        for name in [name for name in learned[table] if "tiled" in name]:
            learned[table][name] = 0.0
    kept, former = cost_model("shapes", WHERE), cost_model("shapes", WHERE)
    kept.restore(state, {})
    for table in ("prices", "importance"):
        learned[table] = {name: value for name, value in learned[table].items() if "tiled" not in name}
    former.restore({**state, "learned": {name: learned[name] for name in learned if name not in ("shapes", "usual")}}, {})
    asked = points([(1, 32), (3, 100), (4, 256)], 7)
    np.testing.assert_array_equal(former.predict(asked).values, kept.predict(asked).values)
    np.testing.assert_array_equal(former.predict(asked).high, kept.predict(asked).high)


def test_where_work_alone_counts_they_stay_about_as_they_are():
    for seed in range(3):
        assert fitted(1, seed).domain_.between < 1.25
        assert fitted(1, seed).tiling_rise(np.array([[2, 96]]))[0] < 0.01


@pytest.mark.parametrize("shapes", [[(1, 32)], [(1, 32), (4, 128)], [(1, 32), (1, 64)]])
def test_shapes_that_leave_nothing_between_say_nothing(shapes):
    domain = fitted(192, shapes=shapes).domain_
    assert domain.between == 1.0
    assert not len(domain.shapes)


def test_trees_over_shapes_know_it_too():
    model = fitted(1, name="lightgbm", rounds=20)
    net = BASE.sample(1, seed=3)
    assert model.domain_.between > 1.0
    whole = model.predict(net, batch_size=2, seq_len=100)
    np.testing.assert_allclose(model.at(2, 100).predict(net).high, whole.high, rtol=1e-12)
