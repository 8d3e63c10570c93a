"""Draws of sums within bounds, beside a list of all choices."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hwcost.cost_models.features.tabulate import Tables
from hwcost.errors import InfeasibleError
from hwcost.objectives import Constraint, Flops, Minimize, Params
from hwcost.searchers import Problem
from hwcost.searchers.sum_draws import SumDraws
from hwcost.spaces import space
from hwcost.study import search

SIZES = (3, 4, 2, 5)


def tables(rng: np.random.Generator, with_pairs: bool, whole: bool) -> Tables:
    def numbers(*shape: int):
        drawn = rng.uniform(-50, 50, shape)
        return 12 * np.rint(drawn) if whole else drawn

    pairs = [numbers(*pair) for pair in itertools.pairwise(SIZES)] if with_pairs else []
    return Tables(np.array(7.0), [numbers(size) for size in SIZES], pairs)


@pytest.mark.parametrize("with_pairs", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_everything_within_the_bounds_is_drawn_and_equally_often(with_pairs: bool, whole: bool) -> None:
    rng = np.random.default_rng(0)
    of = tables(rng, with_pairs, whole)
    every = np.array(list(itertools.product(*map(range, SIZES))))
    sums = of(every)
    low, high = np.quantile(sums, [0.4, 0.5])
    draws = SumDraws(of, low, high)
    assert draws.is_exact == whole
    within = {tuple(row) for row in every[(sums >= low) & (sums <= high)].tolist()}
    rows, counts = np.unique(draws.draw(6000, rng), axis=0, return_counts=True)
    drawn = {tuple(row): count for row, count in zip(rows.tolist(), counts.tolist(), strict=True)}
    assert within <= set(drawn)
    if whole:
        assert within == set(drawn)
    expected = sum(drawn[row] for row in within) / len(within)
    assert max(abs(drawn[row] - expected) for row in within) < 5 * np.sqrt(expected)
    assert draws.reach == pytest.approx((sums.min(), sums.max()), rel=1e-12)


@pytest.mark.parametrize("with_pairs", [False, True])
def test_a_gap_between_sums_is_proved_and_its_neighbours_are_named(with_pairs: bool) -> None:
    of = tables(np.random.default_rng(1), with_pairs, whole=True)
    sums = np.unique(of(np.array(list(itertools.product(*map(range, SIZES))))))
    place = int(np.diff(sums).argmax())
    draws = SumDraws(of, sums[place] + 1, sums[place + 1] - 1)
    assert draws.is_empty
    assert draws.nearest == (sums[place], sums[place + 1])
    assert len(draws.draw(5, np.random.default_rng(0))) == 0
    assert not SumDraws(of, sums[place], sums[place + 1] - 1).is_empty
    for low, high, nearest in ((-np.inf, sums[0] - 1, (None, sums[0])), (sums[-1] + 1, np.inf, (sums[-1], None))):
        beyond = SumDraws(of, low, high)
        assert beyond.is_empty
        assert beyond.nearest == nearest


def test_more_choices_than_a_float_counts_are_drawn_from() -> None:
    of = Tables(np.array(0.0), [np.arange(2.0)] * 1100, [])
    found = SumDraws(of, 500, 501).draw(20, np.random.default_rng(0)).sum(axis=1)
    assert set(found.tolist()) == {500, 501}
    for low, high, code in ((-np.inf, 0, 0), (1100, np.inf, 1)):
        rarest = SumDraws(of, low, high)
        assert not rarest.is_empty
        assert (rarest.draw(3, np.random.default_rng(0)) == code).all()


@pytest.mark.parametrize("text", ["supershaper", "supershaper:merged=true"])
def test_searches_find_what_uniform_draws_miss(text: str) -> None:
    of = space(text)
    middle = of.params(of.sample(1)[0])
    limit = Constraint(Params(of), least=middle, most=1.0001 * middle)
    for searcher in ("random", "nsga2"):
        study = search(of, [Minimize(Flops(of))], [limit], searcher=searcher, evaluations=20, remark=str)
        assert len({trial.architecture for trial in study.trials}) == 20
        assert all(middle <= of.params(trial.architecture) <= 1.0001 * middle for trial in study.trials)


@pytest.mark.parametrize("searcher", ["random", "evolution", "nsga2", "exhaustive", "bayesian", "sdo"])
def test_impossible_bounds_are_refused_before_anything_is_drawn(searcher: str, monkeypatch: pytest.MonkeyPatch) -> None:
    of = space("supershaper")
    drawn: list[object] = []
    monkeypatch.setattr("hwcost.searchers.base.Searcher.feasible", lambda self, rows: drawn.append(rows))
    impossible = Constraint(Params(of), most=1.0)
    with pytest.raises(InfeasibleError, match="satisfies params <= 1.*: they reach from 35.10 M to 122.5 M. Loosen"):
        search(of, [Minimize(Flops(of))], [impossible], searcher=searcher, evaluations=5, remark=str)
    assert not drawn


def test_what_is_no_plain_sum_is_left_to_draws() -> None:
    of = space("supershaper")
    own = Constraint(lambda arch: float(arch.genes[0]), most=500.0, name="own")
    assert Problem(of, [Minimize(Flops(of))], [own, Constraint(Params(of), most=6e7, measured=True)]).draws == ()
