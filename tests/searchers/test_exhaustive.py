"""The walk through a space in order: rare feasible architectures, branches that are passed over, codes of large spaces."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hwcost.cost_models.features.tabulate import Tables
from hwcost.errors import InfeasibleError
from hwcost.objectives import Constraint, Flops, Minimize, Params
from hwcost.searchers import Problem, exhaustive, rejections, searcher
from hwcost.searchers.branches import Branches
from hwcost.spaces import Candidates, space
from hwcost.study import search
from tests.searchers.test_sum_draws import SIZES, tables

MINI = space("supershaper", scale="mini")


class Sum:
    """A cost function that is a sum over genes."""

    def __init__(self, of: Tables, name: str) -> None:
        self.of, self.name = of, name

    def __call__(self, arch) -> float:
        return float(self.predict_codes(Candidates.of(MINI, [arch]).codes)[0])

    def predict_codes(self, codes):
        return self.of(codes)

    def tables(self) -> Tables:
        return self.of


def walked(problem: Problem, n: int) -> list[tuple[int, ...]]:
    """Returns the codes of everything that is asked for, and checks that no ask gives too many."""
    one, found = searcher("exhaustive", problem), []
    while True:
        try:
            asked = one.ask(n)
        except InfeasibleError:
            break
        found += map(tuple, asked.codes.tolist())
        if not len(asked):
            break
        assert len(asked) <= n
    assert one.rejections.counts.total() == problem.space.size - len(found)
    return found


@pytest.mark.parametrize("with_pairs", [False, True])
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("remembered", [0, 100, 10**6])
def test_branches_change_neither_what_is_found_nor_its_order(with_pairs, whole, remembered, monkeypatch) -> None:
    monkeypatch.setattr(rejections, "REMEMBERED", remembered)
    monkeypatch.setattr(exhaustive, "CHUNK", 8)
    rng = np.random.default_rng(0)
    sizes = Problem(MINI, [Minimize(Params(MINI))]).sizes
    codes = np.array(list(itertools.product(*map(range, sizes))))
    for n, (first, last) in itertools.product((1, 20), ((0.0, 0.01), (0.5, 0.52), (0.99, 1.0))):
        values = [Sum(drawn(sizes, with_pairs, whole, rng), name) for name in ("one", "other")]
        ends = [np.quantile(one.of(codes), [first, last]) for one in values]
        limits = [Constraint(values[0], least=ends[0][0], most=ends[0][1]), Constraint(values[1], most=ends[1][1] + 50)]
        problem = Problem(MINI, [Minimize(Params(MINI))], limits)
        is_within = problem.feasible(Candidates(MINI, codes))
        assert walked(problem, n) == list(map(tuple, codes[is_within].tolist()))


def drawn(sizes, with_pairs: bool, whole: bool, rng: np.random.Generator) -> Tables:
    def numbers(*shape: int):
        found = rng.uniform(-50, 50, shape)
        return 12 * np.rint(found) if whole else found

    pairs = [numbers(*pair) for pair in itertools.pairwise(sizes)] if with_pairs else []
    return Tables(np.array(7.0), [numbers(size) for size in sizes], pairs)


@pytest.mark.parametrize("with_pairs", [False, True])
def test_a_branch_is_excluded_where_none_of_its_points_lies_within(with_pairs) -> None:
    of = tables(np.random.default_rng(3), with_pairs, whole=False)
    every = np.array(list(itertools.product(*map(range, SIZES))))
    sums = of(every)
    low, high = np.quantile(sums, [0.3, 0.33])
    branches = Branches(of, low, high)
    for row, fewest in itertools.product(every, range(len(SIZES) + 1)):
        own = [sums[(every[:, :k] == row[:k]).all(axis=1)] for k in range(len(SIZES) + 1)]
        outside = [k for k in range(fewest, len(SIZES) + 1) if own[k].min() > high or own[k].max() < low]
        assert branches.excluded(row.tolist(), fewest, len(SIZES)) == (outside[0] if outside else None)


def test_codes_of_spaces_larger_than_machine_integers() -> None:
    shape = (7,) * 30
    start = 7**29 * 3 + 7**2 - 3
    codes = exhaustive._codes(start, start + 6, shape)
    assert codes[:, 0].tolist() == [3] * 6
    assert codes[:, -3:].tolist() == [[0, 6, 4], [0, 6, 5], [0, 6, 6], [1, 0, 0], [1, 0, 1], [1, 0, 2]]


def test_the_rare_feasible_ones_of_a_large_space_are_found_in_order(monkeypatch) -> None:
    monkeypatch.setattr(rejections, "REMEMBERED", 1000)
    of = space("supershaper")
    params = Params(of)
    largest = params(of.architecture([gene.choices[-1] for gene in of.genes]))
    limit = Constraint(params, least=0.98 * largest)
    study = search(of, [Minimize(Flops(of))], [limit], searcher="exhaustive", evaluations=5, remark=str)
    codes = Candidates.of(of, [trial.architecture for trial in study.trials]).codes
    assert len(codes) == 5
    assert limit.feasible([trial.architecture for trial in study.trials]).all()
    assert codes.tolist() == sorted(codes.tolist())
    assert study.rejections.counts.total() > 10**9
    assert "is below" in study.rejections[0].reason


def test_bounds_that_no_branch_excludes_end_the_walk(monkeypatch) -> None:
    monkeypatch.setattr(exhaustive, "LOOKED", 20_000)
    monkeypatch.setattr(rejections, "REMEMBERED", 1000)
    of = space("supershaper")
    limits = [Constraint(Params(of), most=7e7), Constraint(lambda arch: 1.0, most=0.0, name="own")]
    with pytest.raises(InfeasibleError, match="'own' rejected"):
        search(of, [Minimize(Params(of))], limits, searcher="exhaustive", evaluations=5, remark=str)
