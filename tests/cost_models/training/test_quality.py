"""Perplexity, or any positive quality, is learnt as latencies are."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost.cost_models import cost_model, load
from hwcost.cost_models.training.quality import fit_quality
from hwcost.errors import DataError, UsageError
from hwcost.spaces import space

MINI = space("supershaper:scale=mini")


@pytest.mark.parametrize("model", ["lut", "hybrid", "xgboost", "lightgbm", "auto"])
def test_a_planted_quality_is_found(model) -> None:
    archs = MINI.sample(80, seed=1)
    values = [float(np.exp(6 - 0.004 * sum(arch.genes) - 0.006 * arch.genes[-1])) for arch in archs]
    fit = fit_quality(MINI, archs, values, model)
    assert fit.metrics["r2"] > (0.85 if model in ("xgboost", "lightgbm") else 0.97)
    assert not fit.model.monotone_
    unseen = MINI.sample(20, seed=9)
    wanted = [np.exp(6 - 0.004 * sum(arch.genes) - 0.006 * arch.genes[-1]) for arch in unseen]
    assert fit.model.predict(unseen).values == pytest.approx(wanted, rel=0.15)


def test_a_quality_is_not_a_latency(tmp_path) -> None:
    archs = MINI.sample(20, seed=1)
    model = fit_quality(MINI, archs, [50.0 + arch.genes[0] for arch in archs], "ridge").model
    for one in (model, load(model.save(tmp_path / "model"))):
        assert (one.quantity, one.unit) == ("perplexity", "1")
        answer = one.predict(archs)
        assert answer.quantity == "perplexity"
        assert (answer.low < answer.high).all()
        with pytest.raises(UsageError, match="of 'perplexity', not of latency: read .values"):
            _ = answer.latency_s
    assert "Predicts the perplexity" in (tmp_path / "model" / "README.md").read_text()
    with pytest.raises(UsageError, match="not a quality"):
        fit_quality(MINI, archs, [1.0] * 20, quantity="latency_s")


@pytest.mark.parametrize("model", ["xgboost", "lightgbm"])
def test_trees_can_learn_from_the_shape_alone(model, tmp_path) -> None:
    """SuperShaper, Figure 7a: without the number of parameters, the layer that counts has nearly all of the gain."""
    archs = MINI.sample(80, seed=1)
    values = [float(np.exp(6 - 0.002 * sum(arch.genes) - 0.012 * arch.genes[-1])) for arch in archs]
    sized, shaped = (fit_quality(MINI, archs, values, model, sizes=sizes).model for sizes in (True, False))
    assert list(sized.importance()) == ["l1", "l2", "l3", "l4", "params"]
    shares = shaped.importance()
    assert list(shares) == ["l1", "l2", "l3", "l4"]
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["l4"] > 0.8
    again = load(shaped.save(tmp_path / "model"))
    assert (again.predict(archs).values == shaped.predict(archs).values).all()
    assert again.get_params()["sizes"] is False
    held = cost_model(model, MINI, sizes=False).fit(archs, values)
    assert held.monotone_ == ("l1", "l2", "l3", "l4")


@pytest.mark.parametrize(
    ("values", "says"),
    [([1.0, 2.0], "need as many values, got 2"), ([1.0, -2.0, 3.0], r"got \[-2.0\]"), ([1.0, np.inf, 3.0], r"got \[inf\]")],
)
def test_what_is_no_quality_is_refused(values, says) -> None:
    with pytest.raises(DataError, match=says):
        fit_quality(MINI, MINI.sample(3), values)
