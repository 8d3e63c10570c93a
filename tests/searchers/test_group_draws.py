"""Bounds on sums over groups of genes, and on what is no sum: drawn from, walked towards, or refused with what is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hwcost.cost_models.features.joint import JointTables
from hwcost.errors import InfeasibleError
from hwcost.objectives import Constraint, Flops, Memory, Minimize, Params
from hwcost.searchers import Problem, operators, searcher
from hwcost.searchers.group_draws import GroupDraws
from hwcost.spaces import Candidates, space

COMPONENTS = space("components", grid="mini")
PARAMS = Params(COMPONENTS)
SIZES = (3, 2, 2, 4, 2)
GROUPS = ((0, 3), (1,), (2, 4))


def problem(of, *limits: Constraint) -> Problem:
    return Problem(of, [Minimize(Flops(of))], limits)


@pytest.mark.parametrize("whole", [False, True])
def test_every_point_within_the_bounds_is_drawn_and_equally_often(whole: bool) -> None:
    rng = np.random.default_rng(1)
    drawn = [rng.uniform(-9, 9, [SIZES[gene] for gene in group]) for group in GROUPS]
    sums = JointTables(5.0, GROUPS, tuple(8 * np.rint(table) if whole else table for table in drawn))
    every = np.array(list(itertools.product(*map(range, SIZES))))
    low, high = np.quantile(sums(every), [0.6, 0.75])
    draws = GroupDraws(sums, low, high)
    assert draws.is_exact == whole
    within = {tuple(row) for row in every[(sums(every) >= low) & (sums(every) <= high)].tolist()}
    rows, counts = np.unique(draws.draw(6000, rng), axis=0, return_counts=True)
    found = dict(zip(map(tuple, rows.tolist()), counts.tolist(), strict=True))
    assert within <= set(found)
    assert not whole or within == set(found)
    expected = sum(found[row] for row in within) / len(within)
    assert max(abs(found[row] - expected) for row in within) < 5 * np.sqrt(expected)
    assert draws.reach == pytest.approx((sums(every).min(), sums(every).max()), rel=1e-12)
    assert GroupDraws(sums, 1e6, 2e6).draw(3, rng).shape == (0, len(SIZES))


@pytest.mark.parametrize("size", [PARAMS, Flops(COMPONENTS), Memory(COMPONENTS, "float16")])
def test_sizes_are_sums_over_groups_where_they_are_none_over_genes(size) -> None:
    assert size.tables() is None
    codes = np.random.default_rng(0).integers(0, 2, (40, len(COMPONENTS.genes)))
    codes[:3] = 0
    codes[1, ::2] = 1
    wanted = [size(arch) for arch in Candidates(COMPONENTS, codes)]
    assert size.joint_tables()(codes).tolist() == wanted


def test_a_single_count_of_parameters_is_found_and_the_gap_beside_it_is_proved() -> None:
    problem_of = problem(COMPONENTS, Constraint(PARAMS, least=200_000, most=200_368))
    asked = searcher("random", problem_of).ask(5)
    assert len(asked) == 5
    assert {PARAMS(arch) for arch in asked} == {200_368.0}
    (_, draws), = problem(COMPONENTS, Constraint(PARAMS, least=200_000, most=200_100)).group_draws
    assert draws.is_empty
    assert draws.nearest == (199_664, 200_368)
    impossible = problem(COMPONENTS, Constraint(PARAMS, most=1.0))
    with pytest.raises(InfeasibleError, match=r"satisfies params <= 1: they reach from 169.3 k to 369.0 k"):
        searcher("random", impossible).ask(5)


def test_two_narrow_bounds_are_walked_towards() -> None:
    of = space("supershaper")
    middle, sizes = of.sample(1)[0], (Params(of), Flops(of, seq_len=512))
    limits = [Constraint(size, least=0.9999 * size(middle), most=1.0001 * size(middle)) for size in sizes]
    one = searcher("random", problem(of, *limits))
    found, _ = operators.descended(one, 5, np.random.default_rng(0))
    assert len(found)
    assert all(limit.feasible(found).all() for limit in limits)
    assert one.rejections.counts.total() > 0


class Product:
    """Parameters times the first gene, which is no sum over genes or layers."""

    name = "product"

    def __init__(self, of) -> None:
        self.space, self.size = of, Params(of)

    def __call__(self, arch) -> float:
        return float(self.predict_codes(Candidates.of(self.space, [arch]).codes)[0])

    def predict_codes(self, codes):
        return self.size.predict_codes(codes) * (1.0 + codes[:, 4])


def test_bounds_on_what_is_no_sum_are_walked_towards_and_the_nearest_is_named() -> None:
    of = space("transformer", layers=[4, 8], hidden=[128, 256, 384], ffn_ratio=[2, 3], heads=[4], elastic="per_layer")
    size = Product(of)
    middle = float(np.median([size(arch) for arch in of.sample(40)]))
    limits = problem(of, Constraint(size, least=middle, most=1.003 * middle))
    assert (limits.draws, limits.group_draws) == ((), ())
    asked = searcher("random", limits).ask(3)
    assert all(middle <= size(arch) <= 1.003 * middle for arch in asked)
    nowhere = problem(of, Constraint(size, least=middle + 0.25, most=middle + 0.75))
    with pytest.raises(InfeasibleError, match=r"was found .*The nearest one that was tried: product \S+ is") as raised:
        searcher("random", nowhere).ask(3)
    nearest = float(str(raised.value).partition("tried: product ")[2].split()[0])
    assert nearest == pytest.approx(middle, rel=0.01)
