"""A prior and rows at several batch sizes and lengths, or at one: models over shapes teach a new device at any of them."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from hwcost.cost_models import CostModel, cost_model, load
from hwcost.cost_models.data import Data
from hwcost.cost_models.priors.design import choose_few
from hwcost.cost_models.priors.fit import train_with_prior
from hwcost.cost_models.priors.sources import read_prior, suited
from hwcost.cost_models.training.intervals import calibrate
from hwcost.errors import DataError, UsageError
from hwcost.spaces import Architecture, space
from hwcost.spaces.shaped import Shape, Shaped

BASE = space("supershaper", scale="small")
SPACE = Shaped(BASE)
SHAPES = [Shape(batch, length) for batch in (1, 2, 4) for length in (32, 128)]


def latency_s(point: Architecture, device: int) -> float:
    """A device: an overhead of components, a rate and a bandwidth of its own."""
    rng = np.random.default_rng(device)
    overhead, rate, bandwidth = np.array([4e-5, 6e10, 1.2e10]) * np.exp(0.3 * rng.standard_normal(3))
    arch, shape = SPACE.architecture_of(point), SPACE.shape_of(point)
    works = [BASE.component_work(part, *shape) for part in BASE.components(arch)]
    return float(sum(overhead + work.flops / rate + 4 * work.elements / bandwidth for work in works))


def drawn(n: int, device: int, seed: int) -> tuple[list[Architecture], np.ndarray]:
    points = [SPACE.at(arch, SHAPES[i % len(SHAPES)]) for i, arch in enumerate(BASE.sample(n, seed=seed))]
    noise = np.exp(0.005 * np.random.default_rng(seed).standard_normal(n))
    return points, noise * np.array([latency_s(point, device) for point in points])


@cache
def source(device: int) -> CostModel:
    points, values = drawn(48, device, device)
    model = calibrate(cost_model("shapes", SPACE).fit(points, values), points, values)
    model.provenance = {"device": f"simulated {device}"}
    return model


def trained(n: int) -> CostModel:
    points, values = drawn(n, 9, 100)
    data = Data(SPACE, points, values, np.ones(n), ("fit",) * n, "few", {}, {})
    return train_with_prior(data, read_prior([source(device) for device in range(4)], SPACE)).model


def test_five_rows_at_several_shapes_are_enough(tmp_path) -> None:
    cost, new = trained(5), drawn(40, 9, 200)[0]
    truth = np.array([latency_s(point, 9) for point in new])
    answer = cost.predict(new)
    assert np.abs(answer.values / truth - 1).mean() < 0.08
    assert ((answer.low <= truth) & (truth <= answer.high)).mean() > 0.8
    again = load(cost.save(tmp_path / "model"))
    assert again.predict(new).values.tolist() == answer.values.tolist()
    arch, shape = SPACE.architecture_of(new[0]), SPACE.shape_of(new[0])
    assert again.at(*shape)(arch) == again(arch, batch_size=shape.batch_size, seq_len=shape.seq_len) == answer.values[0]
    assert cost.compile().predict(new).values.tolist() == answer.values.tolist()


@cache
def boosted() -> CostModel:
    """A source with trees, which is no lookup table at a shape."""
    points, values = drawn(48, 1, 1)
    return calibrate(cost_model("lightgbm", SPACE, rounds=20).fit(points, values), points, values)


def few_at(shape: Shape) -> Data:
    archs = BASE.sample(5, seed=100)
    values = np.array([latency_s(SPACE.at(arch, shape), 9) for arch in archs])
    return Data(BASE, archs, values, np.ones(5), ("fit",) * 5, "few", shape._asdict(), {})


@pytest.mark.parametrize("shape", [Shape(2, 32), Shape(3, 64)])
def test_a_prior_over_shapes_teaches_rows_at_one_of_them(shape, tmp_path) -> None:
    data = few_at(shape)
    over = read_prior([source(0), source(1), source(2), boosted()], BASE)
    cost = train_with_prior(data, suited(over, data.space, data.quantity, data.shape)).model
    archs = BASE.sample(40, seed=200)
    truth = np.array([latency_s(SPACE.at(arch, shape), 9) for arch in archs])
    assert np.abs(cost.predict(archs).values / truth - 1).mean() < 0.03
    again = load(cost.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict(archs).high, cost.predict(archs).high)
    assert again.clone().fit(data.architectures, data.values)(archs[0]) > 0


def test_a_shape_that_is_not_known_is_asked_for() -> None:
    with pytest.raises(UsageError, match="batch_size was not said"):
        suited(read_prior([source(0)], BASE), BASE, "latency_s", {})


def test_a_campaign_at_one_shape_is_planned_with_a_prior_over_shapes() -> None:
    few = choose_few(BASE, [source(0), source(1)], 3, BASE.sample(20, seed=0), batch_size=2, seq_len=64)
    assert len(few.architectures) == 3


def test_a_prior_of_one_shape_and_rows_at_several_are_refused() -> None:
    archs = BASE.sample(6, seed=0)
    one = cost_model("lut", BASE).fit(archs, [latency_s(SPACE.at(arch, SHAPES[0]), 0) for arch in archs])
    with pytest.raises(DataError, match=r"is of space 'supershaper' .* at several batch sizes and lengths. Keep the meas"):
        suited(read_prior([one], BASE), SPACE, "latency_s", {})
    with pytest.raises(DataError, match="Keep the measurements of one shape"):
        suited(read_prior([one, source(0)]), SPACE, "latency_s", {})
    with pytest.raises(UsageError, match="what ships with space 'supershaper' is of no shape"):
        read_prior("auto", SPACE)
