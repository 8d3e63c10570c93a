"""A new device from a few measurements and models of other devices, on simulated devices with known truth."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

import hwcost as hc
from hwcost._types import Floats
from hwcost.cost_models import cost_model, load
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.families.lut import LookupTable
from hwcost.cost_models.priors.files import as_prices, shipped
from hwcost.cost_models.priors.model import PriorModel
from hwcost.cost_models.priors.sources import read_prior
from hwcost.errors import ArchitectureError, DataError, NotFittedError, UsageError
from hwcost.spaces import Architecture, Candidates, SearchSpace, space

SPACE = space("supershaper")
WIDTHS = np.array([120, 240, 360, 480, 540, 600, 768])
NEW = SPACE.sample(200, seed=99)
GENES = np.array([arch.genes for arch in NEW])


def prices(device: int, wiggle: float = 0.01) -> Floats:
    """Returns prices of a device: an overhead, work, and a deviation of its own."""
    rng = np.random.default_rng(device)
    own = np.exp(wiggle * rng.standard_normal(len(WIDTHS)))
    return np.exp(rng.normal(-4, 2)) * (rng.uniform(150, 600) + WIDTHS) * own


def seconds(of: Floats, genes: Any, noise: float = 0.0, seed: int = 0) -> Floats:
    values = of[np.searchsorted(WIDTHS, genes)].sum(axis=1)
    return np.asarray(values * np.exp(noise * np.random.default_rng(seed).standard_normal(len(values))))


@cache
def source(device: int) -> CostModel:
    """Returns the model of a device that was measured well."""
    table = {f"layer[hidden={width}]": price for width, price in zip(WIDTHS, prices(device), strict=True)}
    model = LookupTable.from_components(SPACE, {**table, "embeddings": 1e-12, "head": 1e-12})
    model.log_interval_half_width_ = 0.02
    model.provenance = {"device": f"simulated {device}"}
    return model


@cache
def prior() -> PriorModel:
    """Returns an unfitted model that has learnt from its sources, which its clones share."""
    model = PriorModel(SPACE, sources=[source(device) for device in range(4)])
    model.learnt()
    return model


def fitted(device: int, n: int, noise: float = 0.01, seed: int = 0) -> PriorModel:
    archs = SPACE.sample(n, seed=1000 + seed)
    return prior().clone().fit(archs, seconds(prices(device), [arch.genes for arch in archs], noise, seed))


def error(model: CostModel, device: int, noise: float = 0.0) -> float:
    return float(np.mean(np.abs(model.predict(NEW).values / seconds(prices(device), GENES, noise, 17) - 1.0)))


def rows(archs: list[Architecture], values: Floats) -> dict[str, list[Any]]:
    genes = {f"l{i + 1}": [arch.genes[i] for arch in archs] for i in range(12)}
    return {**genes, "latency_s": values.tolist()}


def few(n: int = 3, device: int = 20) -> dict[str, list[Any]]:
    archs = SPACE.sample(n, seed=5)
    return rows(archs, seconds(prices(device), [arch.genes for arch in archs], 0.005))


# -- what it is for ----------------------------------------------------------------------------------------------------


def test_three_measurements_are_enough() -> None:
    with_prior = [error(fitted(device, 3, 0.005, device), device) for device in range(20, 26)]
    assert np.mean(with_prior) < 0.01
    without = []
    for device in range(20, 26):
        archs = SPACE.sample(3, seed=1000 + device)
        values = seconds(prices(device), [arch.genes for arch in archs], 0.005, device)
        without.append(error(cost_model("lut", SPACE).fit(archs, values), device))
    assert np.mean(without) > 2 * np.mean(with_prior)


@pytest.mark.parametrize("n", [3, 10])
def test_intervals_hold(n: int) -> None:
    hits = []
    for device in range(30, 38):
        answer = fitted(device, n, 0.01, device).predict(NEW)
        truth = seconds(prices(device), GENES, 0.01, 7)
        hits.append(np.mean((answer.low <= truth) & (truth <= answer.high)))
    assert 0.8 <= np.mean(hits) <= 0.99


def test_probabilities_are_as_wide_as_the_interval_of_each_architecture() -> None:
    """Far from what was measured a bound needs more room: the least and the largest nets are known least."""
    model = fitted(31, 3, 0.01, 31)
    archs = [*(SPACE.architecture([int(width)] * 12) for width in WIDTHS), *NEW]
    answer, candidates = model.predict(archs), Candidates.of(SPACE, archs)
    assert model.errors_ is not None
    widths = np.log(answer.high / answer.values) / (model.log_interval_half_width_ or 0)
    assert widths.max() > 1.5 * widths.min()
    most = float(np.median(answer.values))
    shares = np.searchsorted(model.errors_, np.log(most / answer.values) / widths, side="right") / (len(model.errors_) + 1)
    limit = hc.Constraint(model, most=most, probability=0.9)
    np.testing.assert_allclose(model.probability(archs, most), shares)
    np.testing.assert_allclose(limit.chance(archs), shares)
    for asked in (archs, candidates):
        assert limit.feasible(asked).tolist() == (shares >= 0.9).tolist()
        assert (limit.violation(asked) == 0).tolist() == (shares >= 0.9).tolist()
        assert [reason is None for reason in limit.reasons(asked)] == (shares >= 0.9).tolist()


def test_intervals_narrow_with_rows() -> None:
    def width(n: int) -> float:
        return float(np.median([fitted(device, n, 0.01, device).log_interval_half_width_ or 0 for device in range(30, 33)]))

    assert width(30) < 0.8 * width(3)


def test_a_source_that_resembles_the_device_gets_the_weight() -> None:
    archs = SPACE.sample(20, seed=3)
    values = 7.0 * source(2).predict(archs).values * np.exp(0.001 * np.random.default_rng(0).standard_normal(20))
    model = prior().clone().fit(archs, values)
    shares = model.importance()
    assert sum(shares.values()) == pytest.approx(1.0)
    assert max(shares, key=lambda name: shares[name]) == "simulated 2"
    assert np.abs(model.predict(NEW).values / (7.0 * source(2).predict(NEW).values) - 1.0).max() < 0.005


def shuffled(seed: int) -> CostModel:
    """Widths have each other's prices."""
    mixed = np.random.default_rng(seed).permutation(prices(seed))
    table = {f"layer[hidden={width}]": price for width, price in zip(WIDTHS, mixed, strict=True)}
    return LookupTable.from_components(SPACE, {**table, "embeddings": 1e-12, "head": 1e-12})


def another_shape(seed: int) -> CostModel:
    """A layer's price halves every few places, as in convolutional nets."""
    values = (GENES * 0.5 ** (np.arange(12) / (1.0 + seed))).sum(axis=1)
    return cost_model("ridge", SPACE).fit(GENES.astype(float), values)


@pytest.mark.parametrize("spoiled", [shuffled, another_shape])
def test_a_wrong_prior_costs_little_once_there_are_rows(spoiled: Callable[[int], CostModel]) -> None:
    wrong = PriorModel(SPACE, sources=[spoiled(seed) for seed in range(3)])
    wrong.learnt()  # which clones share
    ratios = []
    for device in range(50, 54):
        archs = SPACE.sample(20, seed=device)
        values = seconds(prices(device), [arch.genes for arch in archs], 0.01, device)
        plain = cost_model("lut", SPACE).fit(archs, values)
        ratios.append(error(wrong.clone().fit(archs, values), device, 0.01) / error(plain, device, 0.01))
    assert np.median(ratios) < 1.1


def test_with_many_rows_the_prior_vanishes() -> None:
    archs = SPACE.sample(200, seed=8)
    values = seconds(prices(60, wiggle=0.1), [arch.genes for arch in archs], 0.01)
    truth = seconds(prices(60, wiggle=0.1), GENES)
    with_prior, without = prior().clone().fit(archs, values), cost_model("lut", SPACE).fit(archs, values)
    errors = [np.mean(np.abs(model.predict(NEW).values / truth - 1.0)) for model in (with_prior, without)]
    assert errors[0] <= 1.1 * errors[1]


# -- how it is given -----------------------------------------------------------------------------------------------------


def test_models_and_folders_are_one_prior(tmp_path: Any) -> None:
    folder = source(1).save(tmp_path / "one")
    models = hc.fit(few(), prior=[source(0), source(1)], space="supershaper")
    folders = hc.fit(few(), prior=[source(0), str(folder)])
    np.testing.assert_allclose(models.predict(NEW).values, folders.predict(NEW).values, rtol=1e-12)
    assert [one["name"] for one in folders.provenance["prior"]] == ["simulated 0", "one"]


def test_transfer_is_a_fit_with_one_source() -> None:
    moved, fit = source(3).transfer(few()), hc.fit(few(), prior=source(3))
    np.testing.assert_array_equal(moved.predict(NEW).values, fit.predict(NEW).values)


def test_transfer_takes_the_options_of_a_fit() -> None:
    assert source(3).transfer(few(), batch_size=8).batch_size == 8
    with pytest.raises(UsageError, match="bogus"):
        source(3).transfer(few(), bogus=1)
    with pytest.raises(UsageError, match=r"takes the model itself as the prior.*prior=\["):
        source(3).transfer(few(), prior=source(4))


def test_a_source_that_is_given_twice_counts_once(tmp_path: Any) -> None:
    folder = source(1).save(tmp_path / "one")
    twice = hc.fit(few(), prior=[source(0), source(0), folder, str(folder), f"{folder}/"])
    assert [one.name for one in twice.sources] == ["simulated 0", "one"]
    assert [one.name for one in read_prior(["auto", "auto"], SPACE)] == [one.name for one in shipped(SPACE)]


def test_a_space_ships_with_a_prior() -> None:
    cost = hc.fit(few(), prior="auto", space="supershaper")
    assert all(one["source"] for one in cost.provenance["prior"])
    assert error(cost, 20) < 0.03
    with pytest.raises(UsageError, match="supershaper"):
        hc.fit(few(), prior="auto", space="autodistil")


def test_shipped_prices_are_normalised_and_have_a_source() -> None:
    for one in shipped("supershaper"):
        entry = as_prices(one.model, one.name, one.model.provenance["source"], 0.01)
        assert np.mean(list(entry["prices"].values())) == pytest.approx(1.0, abs=1e-3)
        assert list(entry["prices"].values()) == sorted(entry["prices"].values())
        assert "SuperShaper" in entry["source"]


def test_saving_keeps_sources_and_every_bit(tmp_path: Any) -> None:
    cost = hc.fit(few(5), prior=[source(0), source(1)])
    again = load(cost.save(tmp_path / "model"))
    before, after = cost.predict(NEW), again.predict(NEW)
    for name in ("values", "low", "high"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
    assert again.provenance["prior"] == cost.provenance["prior"]
    genes = np.array([arch.genes for arch in NEW[:8]], dtype=float)
    refits = [one.clone().fit(genes, seconds(prices(9), GENES[:8])) for one in (cost, again)]
    np.testing.assert_allclose(refits[0].predict(NEW).values, refits[1].predict(NEW).values, rtol=1e-9)


def test_where_sources_are_tables_their_mixture_is_one(tmp_path: Any) -> None:
    cost = fitted(20, 5)
    plain = np.maximum(cost.basis_(cost.features.encode(NEW)) @ cost.answer_.mean, cost.floor_)
    wanted, codes = cost.predict(NEW).values, Candidates.of(SPACE, NEW).codes
    np.testing.assert_allclose(wanted, plain, rtol=1e-9)
    one = cost(NEW[0])
    for other in (cost, cost.compile(), load(cost.save(tmp_path / "model")).compile()):
        assert np.array_equal(other.predict(NEW).values, wanted)
        assert np.array_equal(other.predict_codes(codes), wanted)
        assert np.array_equal(other.predict_codes(codes.astype(np.uint8)), wanted)
        assert [other(arch) for arch in NEW[:20]] == wanted[:20].tolist()
    assert one == wanted[0]
    shares = [np.eye(7)[code] for code in codes[0]]
    assert cost.expected(shares) == pytest.approx(wanted[0])
    middle = cost.predict(SPACE.sample(4000, seed=3)).values.mean()
    assert cost.expected([np.full(7, 1 / 7)] * 12) == pytest.approx(middle, rel=0.02)
    assert cost.tables() is not None
    with pytest.raises(ArchitectureError, match="code 7 of gene 0"):
        cost.predict_codes(np.full((1, 12), 7))


def test_sources_that_are_no_tables_are_asked_themselves() -> None:
    archs = SPACE.sample(40, seed=1)
    trees = cost_model("lightgbm", SPACE).fit(archs, seconds(prices(1), [arch.genes for arch in archs]))
    floored = LookupTable.from_components(SPACE, {part.name: 1e-3 for part in SPACE.components()})
    floored.floor_ = 1.0
    for other in (trees, floored):
        cost = PriorModel(SPACE, sources=[source(0), other]).fit(archs[:6], seconds(prices(2), [a.genes for a in archs[:6]]))
        assert cost.tables() is None
        wanted = np.maximum(cost.basis_(cost.features.encode(NEW)) @ cost.answer_.mean, cost.floor_)
        np.testing.assert_allclose(cost.compile().predict(NEW).values, wanted, rtol=1e-9)
        assert [cost(arch) for arch in NEW[:5]] == cost.predict(NEW[:5]).values.tolist()
        with pytest.raises(UsageError, match="a mean over architectures needs a table"):
            cost.expected([np.full(7, 1 / 7)] * 12)


def test_a_refitted_mixture_forgets_its_table() -> None:
    cost = fitted(20, 5)
    before = cost.predict(NEW).values
    archs = SPACE.sample(5, seed=8)
    cost.fit(archs, 10 * seconds(prices(20), [arch.genes for arch in archs]))
    assert (cost.predict(NEW).values > 5 * before).all()


def test_a_table_of_few_rows_is_read_as_the_table_of_the_prior() -> None:
    rng = np.random.default_rng(0)
    columns = {f"e{i}": rng.integers(0, 4, 120).tolist() for i in range(4)}
    cost_of = np.array([1.0, 2.0, 5.0, 3.0])
    known = {**columns, "latency_s": (1.0 + sum(cost_of[columns[name]] for name in columns)).tolist()}
    options = hc.TableOptions(categorical=tuple(columns))
    other = hc.fit(known, model="lut", space="table", table=options)
    part = {name: values[:4] for name, values in known.items()}
    slower = {**part, "latency_s": [2.5 * value for value in part["latency_s"]]}
    cost = hc.fit(slower, prior=other, space="table", table=options)
    asked = [dict(zip(columns, genes, strict=True)) for genes in zip(*columns.values(), strict=True)]
    np.testing.assert_allclose(cost.predict(asked).values, 2.5 * np.array(known["latency_s"]), rtol=0.02)


# -- bad input -----------------------------------------------------------------------------------------------------------


def of_other_space() -> CostModel:
    other: SearchSpace = space("supershaper", merged=True)
    archs = other.sample(20, seed=0)
    return cost_model("lut", other).fit(archs, [1e-9 * other.params(arch) for arch in archs])


@pytest.mark.parametrize(
    ("given", "prior_of", "said"),
    [
        (lambda: few(), of_other_space, "merged"),
        (lambda: few(), lambda: [source(0), of_other_space()], "All of a prior are of one"),
        (lambda: few(), lambda: [], "empty"),
        (lambda: few(), lambda: 3, "folder"),
        (lambda: few(), lambda: "no/such/folder", "holds no cost model"),
        (lambda: {k: [v[0]] * 3 for k, v in few().items()}, lambda: source(0), "1 different architectures"),
        (lambda: few(2), lambda: source(0), "at least 3"),
        (lambda: {**few(), "latency_s": [float("nan"), 1.0, 2.0]}, lambda: source(0), "latency_s"),
        (lambda: {**few(), "latency_s": [-1.0, 1.0, 2.0]}, lambda: source(0), "latency_s"),
    ],
)
def test_bad_input_is_refused_by_name(given: Any, prior_of: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        hc.fit(given(), prior=prior_of(), space="supershaper")


def test_a_prior_that_was_not_fitted_is_refused() -> None:
    with pytest.raises(NotFittedError):
        hc.fit(few(), prior=cost_model("lut", SPACE))


def test_another_cost_model_is_refused_beside_a_prior() -> None:
    with pytest.raises(UsageError, match="Leave out one"):
        hc.fit(few(), "xgboost", prior=source(0))


def test_a_damaged_source_is_a_typed_error() -> None:
    document = {**prior().sources[0].document(), "state": {}}
    with pytest.raises(DataError, match="damaged"):
        PriorModel(SPACE, sources=[document])
