"""Noise of a new device's rows: what sources say of it, and heavy tails that are weighed by evidence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import t as student

from hwcost._types import Floats
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.priors.experts import NOISES
from hwcost.cost_models.priors.model import PriorModel
from hwcost.cost_models.priors.noise import (
    FREEDOM,
    HEAVY,
    NORMAL,
    beside_visits,
    for_heavy_tails,
    learnt_noises,
    learnt_tails,
)
from hwcost.cost_models.priors.tails import _rates, bound
from hwcost.cost_models.training.drift import AS_MEASURED
from hwcost.errors import UsageError
from tests.cost_models.priors.test_model import NEW, SPACE, prices, prior, seconds, source


def of_widths(*widths: float) -> list[CostModel]:
    models = [source(0).clone() for _ in widths]
    for model, width in zip(models, widths, strict=True):
        model.log_interval_half_width_, model.errors_ = width, None
    return models


def median(logs: Floats) -> float:
    return float(np.exp(np.interp(0.5, np.cumsum(np.exp(logs)), np.log(NOISES))))


def within(logs: Floats, low: float, high: float) -> float:
    return float(np.exp(logs)[(low <= NOISES) & (high >= NOISES)].sum())


def test_it_is_expected_where_that_of_the_sources_lies() -> None:
    found = learnt_noises(of_widths(0.02, 0.03, 0.045))
    assert np.exp(found).sum() == pytest.approx(1.0)
    assert median(found) == pytest.approx(0.03 / NORMAL, rel=0.3)


def test_one_source_says_less_than_several_alike_and_than_several_that_differ() -> None:
    alone, alike, apart = (learnt_noises(of_widths(*widths)) for widths in ([0.03], [0.03] * 5, [0.003, 0.03, 0.3]))
    shares = [within(one, 0.008, 0.04) for one in (alone, apart, alike)]
    assert shares[2] > max(shares[:2]) + 0.1
    assert learnt_noises(of_widths()) == pytest.approx(learnt_noises(of_widths(0.02 * NORMAL)))


def test_a_level_that_was_taken_out_counts_as_noise() -> None:
    plain, moved = of_widths(0.02, 0.02), of_widths(0.02, 0.02)
    for one in moved:
        one.provenance = {"drift": {AS_MEASURED: 0.2}}
    assert median(learnt_noises(moved)) == pytest.approx(10 * median(learnt_noises(plain)), rel=0.3)


def test_rows_are_no_less_noisy_than_their_visits() -> None:
    noises = learnt_noises(of_widths(0.01, 0.01, 0.01))
    assert beside_visits(noises, 0.0) == pytest.approx(np.maximum(noises, np.log(1e-12)))
    noisy = beside_visits(noises, 0.05)
    assert np.exp(noisy).sum() == pytest.approx(1.0)
    assert median(noisy) == pytest.approx(np.hypot(0.05, median(noises)), rel=0.3)
    assert within(noisy, 0.0, 0.03) < 1e-6


def test_the_noise_of_visits_reaches_the_answer() -> None:
    archs = SPACE.sample(3, seed=2020)
    values = seconds(prices(20), [arch.genes for arch in archs])
    sure, unsure = (PriorModel(SPACE, sources=prior().sources, row_noise=one).fit(archs, values) for one in (0.0, 0.05))
    assert unsure.answer_.noise > 0.05 > 2.0 * sure.answer_.noise
    assert unsure.clone().row_noise == unsure.get_params()["row_noise"] == 0.05


@pytest.mark.parametrize("wrong", [-0.1, 1.0, np.nan, "much"])
def test_a_noise_out_of_range_is_refused(wrong: Any) -> None:
    with pytest.raises(UsageError, match="relative standard deviation"):
        PriorModel(SPACE, sources=prior().sources, row_noise=wrong)


def test_heavy_tails_have_an_interval_as_wide() -> None:
    noises = learnt_noises(of_widths(0.03, 0.03, 0.03))
    assert median(for_heavy_tails(noises)) * HEAVY == pytest.approx(median(noises) * NORMAL, rel=0.1)


def test_the_bound_is_exact_where_only_a_share_is_unknown() -> None:
    for error in (0.0, 0.7, 5.0):
        rates = _rates(np.array([error**2]))
        share = (FREEDOM + 1.0) / 2.0 / rates[0]
        evidence = 0.5 * np.log(share / (2.0 * np.pi)) - 0.5 * share * error**2
        assert evidence + bound(rates) == pytest.approx(student.logpdf(error, FREEDOM), rel=1e-12)


def test_errors_of_sources_tell_normal_from_heavy_tails() -> None:
    rng = np.random.default_rng(0)
    normal, heavy, silent = of_widths(0.03, 0.03, 0.03)
    normal.errors_, heavy.errors_ = 0.02 * rng.standard_normal(400), 0.02 * rng.standard_t(3, 400)
    assert learnt_tails([normal]) < 0.3 < 0.7 < learnt_tails([heavy])
    assert learnt_tails([silent]) == learnt_tails([]) == 0.5


def fit(noise: Floats, device: int = 20) -> PriorModel:
    archs = SPACE.sample(len(noise), seed=2000 + device)
    return prior().clone().fit(archs, seconds(prices(device), [arch.genes for arch in archs]) * np.exp(noise))


def error(model: PriorModel, device: int = 20) -> float:
    truth = seconds(prices(device), [arch.genes for arch in NEW])
    return float(np.mean(np.abs(model.predict(NEW).values / truth - 1.0)))


def test_a_row_that_is_off_draws_little() -> None:
    rng, ratios = np.random.default_rng(1), []
    for device in range(20, 24):
        noise = 0.005 * rng.standard_normal(8)
        clean = error(fit(noise, device), device)
        noise[3] += 0.4
        ratios.append((error(fit(noise, device), device), clean))
    spoiled, clean = np.mean(ratios, axis=0)
    assert spoiled < 0.02  # a mean over eight rows alone would be off by 5 %
    assert clean < 0.01


def test_rows_decide_whether_tails_are_heavy() -> None:
    rng = np.random.default_rng(2)
    shapes = (rng.standard_normal(60), rng.standard_t(2, 60))
    errors = [fit(0.01 * shape).answer_.errors for shape in shapes]
    normal, heavy = (np.mean(one**4) / np.mean(one**2) ** 2 for one in errors)
    assert normal < 3.6 < heavy  # the kurtosis of a normal distribution is 3
