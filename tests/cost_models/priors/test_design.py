"""The architectures that tell most about a new device: better than random ones on simulated devices, and what is refused."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from hwcost.cost_models.priors.design import Few, choose_few, most_telling
from hwcost.cost_models.priors.noise import NORMAL
from hwcost.errors import DataError, UsageError
from tests.cost_models.priors.test_model import SPACE, of_other_space, prices, prior, seconds, source

SOURCES = [source(device) for device in range(4)]
CANDIDATES = SPACE.sample(120, seed=3)


@cache
def chosen(n: int, seed: int = 0) -> Few:
    return choose_few(SPACE, SOURCES, n, seed=seed)


def errors(archs: list, devices: range, noise: float) -> list[float]:
    found = []
    for device in devices:
        values = seconds(prices(device, 0.03), [arch.genes for arch in archs], noise, device)
        truth = seconds(prices(device, 0.03), np.array([arch.genes for arch in CANDIDATES]))
        answer = prior().clone().fit(archs, values).predict(CANDIDATES)
        found.append(float(np.mean(np.abs(answer.values / truth - 1.0))))
    return found


@pytest.mark.parametrize("n", [4, pytest.param(8, marks=pytest.mark.slow)])
def test_they_tell_more_than_random_ones(n: int) -> None:
    devices = range(70, 76)
    chosen_ones = np.mean(errors(list(chosen(n).architectures), devices, 0.01))
    random = np.mean([errors(SPACE.sample(n, seed=500 + seed), devices, 0.01) for seed in range(3)])
    assert chosen_ones < 0.85 * random


def test_the_expected_interval_narrows_with_every_one() -> None:
    few = chosen(8)
    assert len({arch.genes for arch in few.architectures}) == 8
    assert (np.diff(few.half_widths) < 0).all()
    assert few.half_widths[0] > few.half_widths[2] > NORMAL * 1e-3
    assert [one["architecture"] for one in few.to_list()] == [SPACE.key(arch) for arch in few.architectures]


def test_the_expected_interval_is_about_what_a_fit_says() -> None:
    few = chosen(8)
    widths = []
    for device in range(80, 86):
        values = seconds(prices(device), [arch.genes for arch in few.architectures], 0.01, device)
        widths.append(prior().clone().fit(few.architectures, values).log_interval_half_width_)
    assert 0.4 < np.median(widths) / few.half_widths[-1] < 2.5


def test_fewer_are_the_first_of_more_and_seeds_decide() -> None:
    assert chosen(4).architectures == chosen(8).architectures[:4]
    again = choose_few(SPACE, SOURCES, 4, seed=1)
    assert chosen(4, seed=1).architectures == again.architectures != chosen(4).architectures


def test_each_choice_leaves_least_of_the_variance() -> None:
    """The formula of rank-one steps against the covariance of Gaussian conditioning, written out."""
    genes = prior().features.encode(CANDIDATES[:12])
    order, widths = most_telling(prior(), genes, 3)
    learnt = prior().learnt()
    from hwcost.cost_models.priors.design import _Views

    views = _Views.of(learnt, learnt.basis(genes))
    rows = views._candidates[:, order]
    unknown = [
        np.eye(row.shape[1]) - row.T @ np.linalg.solve(row @ row.T + views._noise**2 * np.eye(3), row) for row in rows
    ]
    left = np.array([np.trace(one @ space) for one, space in zip(unknown, views._space, strict=True)])
    expected = NORMAL * np.exp(0.5 * views._shares @ np.log(left + views._noise**2))
    assert widths[-1] == pytest.approx(expected, rel=1e-6)


def test_it_chooses_among_what_is_given() -> None:
    few = choose_few(SPACE, SOURCES, 3, CANDIDATES[:5])
    assert set(few.architectures) <= set(CANDIDATES[:5])


def test_what_cannot_be_chosen_is_refused() -> None:
    with pytest.raises(UsageError, match="needs 3 at the least"):
        choose_few(SPACE, SOURCES, 2)
    with pytest.raises(DataError, match="1 different architecture to choose among, and 3"):
        choose_few(SPACE, SOURCES, 3, [CANDIDATES[0]] * 3)
    with pytest.raises(DataError, match="merged"):
        choose_few(SPACE, [of_other_space()], 3)
    with pytest.raises(UsageError, match="folder"):
        choose_few(SPACE, 3, 3)
