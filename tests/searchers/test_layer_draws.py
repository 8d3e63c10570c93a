"""Bounds on sums over layers with choices of their own: beside a list of all nets."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hwcost.errors import InfeasibleError
from hwcost.objectives import Constraint, Flops, Memory, Minimize, Params
from hwcost.searchers import Problem, searcher
from hwcost.searchers.layer_draws import LayerDraws, layer_draws_of
from hwcost.searchers.layer_sums import layer_sums
from hwcost.spaces import Candidates, Gene, SearchSpace, space
from hwcost.spaces.layers import Layers

SMALL = [
    {"layers": [1, 3], "hidden": [64, 128], "ffn_ratio": [2, 3], "heads": [2, 4], "vocabulary": 1000},
    {"layers": [2, 3], "hidden": [32, 64], "ffn_ratio": [1, 2], "heads": [1, 2], "head": "pooler", "head_width": 16},
    {"layers": [1, 2, 3], "hidden": [64, 96, 128], "ffn_ratio": [2], "heads": [2], "head": "none"},
]
LARGE = {"layers": [4, 8, 12], "hidden": [128, 256, 384], "ffn_ratio": [2, 3, 4], "heads": [2, 4], "elastic": "per_layer"}


def every(of) -> Candidates:
    return Candidates.all(of)


def sizes_of(of) -> list:
    return [Params(of), Flops(of), Memory(of, "float16")]


def problem(of, *limits: Constraint) -> Problem:
    return Problem(of, [Minimize(Flops(of))], limits)


@pytest.mark.parametrize("options", SMALL)
def test_sums_over_layers_are_the_sizes_of_all_nets_and_so_are_their_ends(options) -> None:
    of = space("transformer", elastic="per_layer", **options)
    nets = every(of)
    for size in sizes_of(of):
        wanted = size.predict_codes(nets.codes)
        sums = layer_sums(size.predict_codes, of)
        assert sums is not None
        assert sums(nets.codes).tolist() == wanted.tolist()
        assert sums.reach == (wanted.min(), wanted.max())


@pytest.mark.parametrize("options", SMALL)
@pytest.mark.parametrize("seed", range(3))
def test_random_costs_that_are_sums_over_layers_are_bounded_exactly(options, seed: int) -> None:
    of = space("transformer", elastic="per_layer", **options)
    nets, rng = every(of), np.random.default_rng(seed)
    prices = dict(zip(of.components(), rng.normal(size=len(of.components())), strict=True))
    wanted = np.array([sum(prices[part] for part in of.components(arch)) for arch in nets])
    table = dict(zip(nets.keys, wanted, strict=True))
    sums = layer_sums(lambda codes: np.array([table[key] for key in Candidates(of, codes).keys]), of)
    assert sums is not None
    assert sums.reach == pytest.approx((wanted.min(), wanted.max()), rel=1e-9)
    ordered = np.sort(wanted)
    for low, high in itertools.pairwise(ordered[:: max(1, len(ordered) // 20)]):
        assert not LayerDraws(sums, low, high).is_empty
    beyond = ordered[-1] + 1e-6 * np.ptp(ordered)
    assert LayerDraws(sums, beyond, np.inf).is_empty
    assert LayerDraws(sums, -np.inf, ordered[0] - 1e-6 * np.ptp(ordered)).is_empty


@pytest.mark.parametrize("options", SMALL)
def test_all_nets_within_bounds_are_drawn_as_often_as_by_uniform_draws(options) -> None:
    of = space("transformer", elastic="per_layer", **options)
    size, nets = Params(of), every(of)
    values = size.predict_codes(nets.codes)
    low, high = np.quantile(values, [0.3, 0.35])
    draws = layer_draws_of(Constraint(size, least=low, most=high), of)
    assert draws is not None
    assert draws.is_exact
    drawn = Candidates(of, draws.draw(20_000, np.random.default_rng(0)))
    within = nets[(values >= low) & (values <= high)]
    assert set(drawn.keys) == set(within.keys)
    depth = np.array(of.layers)[within.codes[:, 0]]
    each = np.prod([len(gene.choices) for gene in of.genes[1:4]])
    share = float(each) ** -depth / np.sum(float(each) ** -depth)  # points of the space that stand for each net
    numbers = np.array([drawn.keys.count(key) for key in within.keys])
    assert np.abs(numbers - 20_000 * share).max() < 5 * np.sqrt(20_000 * share.max())


@pytest.mark.parametrize("options", SMALL)
def test_gaps_are_proved_and_their_neighbours_are_named(options) -> None:
    of = space("transformer", elastic="per_layer", **options)
    size = Params(of)
    values = np.unique(size.predict_codes(every(of).codes))
    for place in range(0, len(values) - 1, max(1, len(values) // 10)):
        between = Constraint(size, least=values[place] + 1, most=values[place + 1] - 1)
        draws = layer_draws_of(between, of)
        assert draws.is_empty
        assert draws.nearest == (values[place], values[place + 1])
        assert len(draws.draw(5, np.random.default_rng(0))) == 0


@pytest.mark.parametrize("name", ["random", "evolution", "nsga2", "exhaustive", "bayesian", "sdo"])
def test_impossible_bounds_are_refused_at_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    of = space("transformer", **LARGE)
    drawn: list[object] = []
    monkeypatch.setattr("hwcost.searchers.base.Searcher.feasible", lambda self, rows: drawn.append(rows))
    with pytest.raises(InfeasibleError, match=r"satisfies params <= 1.*: they reach from \S+ M to \S+ M. Loosen"):
        searcher(name, problem(of, Constraint(Params(of), most=1.0))).ask(5)
    assert not drawn


def test_rare_nets_of_a_large_space_are_found_in_one_ask() -> None:
    of = space("transformer", **LARGE)
    size = Params(of)
    least, largest = layer_sums(size.predict_codes, of).reach
    for low, high in ((least, least), (largest, largest), (least, 1.01 * least)):
        asked = searcher("random", problem(of, Constraint(size, least=low, most=high))).ask(3)
        assert all(low <= size(arch) <= high for arch in asked)


class Odd(SearchSpace):
    """Layers whose genes are said wrongly: the width of a layer counts beside that of the one after the next."""

    name = "odd"
    genes = (Gene("depth", (3,)), *(Gene(f"w{i}", (1, 2, 3)) for i in range(3)))

    def layers_of_genes(self) -> Layers:
        return Layers(depth=0, counts=(3,), genes=((1,), (2,), (3,)), linked=(0,))


def test_what_is_no_sum_over_layers_is_left_to_searching() -> None:
    odd = Odd()
    assert layer_sums(lambda codes: 1.0 + codes[:, 1] * codes[:, 2] + codes[:, 3], odd) is not None
    assert layer_sums(lambda codes: 1.0 + codes[:, 1] * codes[:, 3], odd) is None
    assert layer_sums(lambda codes: np.full(len(codes), np.nan), odd) is None
    assert layer_sums(lambda codes: 1.0 + codes[:, 1], space("supershaper")) is None
