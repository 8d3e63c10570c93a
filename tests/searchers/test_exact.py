"""Fronts of sums by dynamic programming against every architecture listed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost import pareto
from hwcost.cost_models import cost_model
from hwcost.cost_models.features.tabulate import Tables
from hwcost.cost_models.training.intervals import calibrate
from hwcost.errors import UsageError
from hwcost.objectives import Constraint, Maximize, Minimize, Params
from hwcost.searchers.sum_front import front, tables_of
from hwcost.spaces import Candidates, space
from hwcost.study import search
from hwcost.systems.components import PAPER_SHARES, GateCosts

MINI = space("supershaper", scale="mini")
SMALL = Constraint(Params(MINI), most=1e5)


def tables(sizes, with_pairs, rng, whole) -> Tables:
    def draw(*shape):
        return rng.integers(0, 4, size=shape).astype(float) if whole else rng.normal(size=shape)

    pairs = [draw(a, b) for a, b in itertools.pairwise(sizes)] if with_pairs else []
    return Tables(np.asarray(draw()), [draw(size) for size in sizes], pairs)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=5), st.booleans(), st.booleans(), st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_fronts_are_those_of_the_whole_space(sizes, one_has_pairs, other_has_pairs, whole, seed) -> None:
    rng = np.random.default_rng(seed)
    first, second = tables(sizes, one_has_pairs, rng, whole), tables(sizes, other_has_pairs, rng, whole)
    codes = np.indices(sizes).reshape(len(sizes), -1).T
    values = np.stack([first(codes), second(codes)], axis=1)
    expected = np.unique(values[pareto.front(values)].round(9), axis=0)
    found = front(first, second)
    assert np.allclose(np.unique(found.values.round(9), axis=0), expected)
    assert np.allclose(np.stack([first(found.codes), second(found.codes)], axis=1), found.values)


def test_tables_of_other_genes_do_not_fit() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match="of the same genes"):
        front(tables([2, 3], False, rng, False), tables([3, 2], False, rng, False))


class Product:
    name = "product"

    def __init__(self, power, of=MINI):
        self.power, self.of = power, of

    def __call__(self, arch):
        return float(self.predict_codes(Candidates.of(self.of, [arch]).codes)[0])

    def predict_codes(self, codes):
        return np.prod(codes + 2.0, axis=1) ** self.power + (0.0 if self.power > 0 else codes[:, 0] * codes[:, 2])


def test_products_are_sums_of_logarithms() -> None:
    sizes = [len(gene.choices) for gene in MINI.genes]
    codes = Candidates.of(MINI, MINI.sample(9)).codes
    assert np.allclose(np.exp(tables_of(Product(0.5), sizes)(codes)), Product(0.5).predict_codes(codes))
    with pytest.raises(UsageError, match="is not a sum over genes or neighbouring genes"):
        tables_of(Product(-1.0), sizes)
    with pytest.raises(UsageError, match="one architecture at a time"):
        tables_of(MINI.params, sizes)


@pytest.mark.parametrize("merged", [False, True])
def test_the_exact_answer_is_the_exhaustive_one(merged) -> None:
    of = space("supershaper", scale="mini", merged=merged)
    archs = of.sample(60, seed=1)
    model = cost_model("lut", of, form="linear").fit(archs, [1e-3 + 1e-9 * of.params(arch) for arch in archs])
    quality = Maximize(lambda arch: None, "quality")
    quality.value = Product(0.5, of)
    limits = [Constraint(model, most=float(np.median([model(arch) for arch in archs])), probability=0)]
    exact, listed = (search(of, [quality], limits, searcher=name, evaluations=10**6) for name in ("exact", "exhaustive"))
    assert exact.evaluations == 1
    assert exact.searcher.is_proved
    assert exact.best.values == listed.best.values
    both = [quality, Minimize(model, "latency_s")]
    exact, listed = (search(of, both, searcher=name, evaluations=10**6) for name in ("exact", "exhaustive"))
    assert np.allclose([trial.values for trial in exact.front], [trial.values for trial in listed.front])


@pytest.mark.parametrize(
    ("objectives", "limits", "message"),
    [
        ([Minimize(Params(MINI))] , [SMALL, Constraint(Params(MINI), most=1e6)], "takes two sums"),
        ([Minimize(Params(MINI))], [Constraint(Params(MINI), most=1e9, measured=True, name="p")], "not measured"),
        ([Minimize(Params(MINI))], [Constraint(Params(MINI), most=1e9, least=1.0)], "constraints with one bound"),
    ],
)  # fmt: skip
def test_other_problems_are_refused(objectives, limits, message) -> None:
    with pytest.raises(UsageError, match=message):
        search(MINI, objectives, limits, searcher="exact", evaluations=5)


def test_at_least_is_a_limit_too() -> None:
    least = float(np.median([MINI.params(arch) for arch in MINI.sample(50)]))
    study = search(MINI, [Minimize(Params(MINI))], [Constraint(Params(MINI), least=least)], searcher="exact", evaluations=5)
    assert study.best.values[0] == min(size for arch in MINI.architectures() if (size := MINI.params(arch)) >= least)


class Narrow(Product):
    """A cost model that knows the first width up to some choice only."""

    name = "narrow"
    space = MINI

    def __init__(self, power, known):
        super().__init__(power)
        self.known = known

    def in_domain(self, genes):
        return genes[:, 0] <= self.known


def test_what_a_domain_keeps_out_is_not_proved() -> None:
    of = [Minimize(Narrow(0.5, 8)), Maximize(Params(MINI))]
    study = search(MINI, of, searcher="exact", evaluations=1000)
    assert not study.searcher.is_proved
    assert {trial.status for trial in study.trials} == {"completed"}
    least = float(np.median([MINI.params(arch) for arch in MINI.sample(50)]))
    limits = [Constraint(Narrow(0.5, 8), least=least**0.25)]
    with pytest.raises(UsageError, match="lies outside what a cost model was fitted on"):
        search(MINI, [Minimize(Params(MINI))], limits, searcher="exact", evaluations=5)


def test_probable_limits_are_proved_where_the_domain_has_no_say() -> None:
    archs = MINI.sample(120, seed=1)
    rng = np.random.default_rng(0)
    seconds = [(1e-3 + 1e-9 * MINI.params(arch)) * np.exp(rng.normal(0, 0.02)) for arch in archs]
    model = calibrate(cost_model("lut", MINI, form="linear").fit(archs, seconds), archs, seconds)
    limit = Constraint(model, most=float(np.median(seconds)), probability=0.9)
    exact, listed = (search(MINI, [Maximize(Product(0.5))], [limit], searcher=name, evaluations=10**6)
                     for name in ("exact", "exhaustive"))  # fmt: skip
    assert exact.best.values == listed.best.values
    assert exact.searcher.is_proved


def test_spaces_with_several_points_for_a_net_are_refused() -> None:
    of = space("components", grid="mini")
    with pytest.raises(UsageError, match="several points stand for one net"):
        search(of, [Minimize(GateCosts(of, PAPER_SHARES["minibert"], "linear"))], searcher="exact", evaluations=3)
