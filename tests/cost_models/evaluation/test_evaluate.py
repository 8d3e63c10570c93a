from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.cost_models import cost_model
from hwcost.cost_models.data import Data
from hwcost.cost_models.evaluation.evaluate import evaluate, evaluate_roles, train_rows
from hwcost.cost_models.features.groups import Groups
from hwcost.cost_models.priors.source import Source
from hwcost.cost_models.training.conformal import quantile
from hwcost.cost_models.training.folds import folds
from hwcost.cost_models.training.intervals import calibrate
from hwcost.cost_models.training.metrics import NAMES, median_metrics, metrics
from hwcost.cost_models.training.train import train
from hwcost.errors import DataError, UsageError
from tests.cost_models.planted import SPACE, noisy

positive = st.lists(st.tuples(st.floats(0.01, 10), st.floats(0.01, 10)), min_size=2, max_size=30)


def data(n: int, roles: tuple[str, ...] = (), seed: int = 0) -> Data:
    archs = SPACE.sample(n, seed=seed)
    return Data(SPACE, archs, noisy(archs, 0.01, seed), np.ones(n), roles or ("fit",) * n, "rows.csv", {}, {})


@given(positive)
def test_metrics_are_what_their_definitions_say(pairs):
    y, p = (np.array(column) for column in zip(*pairs, strict=True))
    found = metrics(y, p, 0.9 * p, 1.1 * p)
    n = len(y)
    assert found["mape"] == pytest.approx(100 * sum(abs(a / b - 1) for a, b in zip(p, y, strict=True)) / n)
    assert found["rmse_s"] == pytest.approx((sum((a - b) ** 2 for a, b in zip(p, y, strict=True)) / n) ** 0.5, abs=1e-12)
    assert found["within_10"] == sum(abs(a / b - 1) <= 0.1 for a, b in zip(p, y, strict=True)) / n
    assert found["coverage_90"] == sum(0.9 * a <= b <= 1.1 * a for a, b in zip(p, y, strict=True)) / n
    assert found["width_90"] == pytest.approx(20)
    if found["kendall_tau"] is not None:
        i, j = np.triu_indices(n, 1)
        signs = np.sign(y[i] - y[j]), np.sign(p[i] - p[j])
        ties = [np.count_nonzero(sign) for sign in signs]
        assert found["kendall_tau"] == pytest.approx((signs[0] * signs[1]).sum() / (ties[0] * ties[1]) ** 0.5)


def test_perfect_and_constant_predictions():
    y = np.array([1.0, 2.0, 4.0])
    perfect = metrics(y, y)
    assert (perfect["r2"], perfect["mape"], perfect["kendall_tau"]) == (1.0, 0.0, pytest.approx(1.0))
    assert perfect["coverage_90"] is None
    constant = metrics(y, np.full(3, y.mean()))
    assert (constant["r2"], constant["kendall_tau"], constant["spearman"]) == (0.0, None, None)
    assert median_metrics([perfect, constant])["kendall_tau"] == pytest.approx(1.0)
    assert metrics(np.ones(3), y)["r2"] is None
    assert metrics(np.full(60, 0.01), np.full(60, 0.01))["r2"] is None  # their mean differs from them by rounding


@given(st.integers(2, 60), st.integers(2, 12), st.integers(0, 9))
def test_every_row_is_left_out_once(n, count, seed):
    parts = list(folds(Groups.of_keys(range(n)), count, seed))
    assert sorted(int(row) for _, left in parts for row in left) == list(range(n))
    for kept, left in parts:
        assert sorted([*kept.tolist(), *left.tolist()]) == list(range(n))


def test_the_quantile_covers_and_admits_when_it_cannot():
    assert quantile(np.arange(9.0)) is None
    assert quantile(np.arange(19.0), 0.9) == 17.0
    rng = np.random.default_rng(0)
    covered = [abs(rng.normal()) <= quantile(np.abs(rng.normal(size=30))) for _ in range(3000)]
    assert 0.88 < np.mean(covered) < 0.95


def test_intervals_cover_new_rows():
    coverage = []
    for seed in range(4):
        archs, new = SPACE.sample(60, seed=seed), SPACE.sample(300, seed=100 + seed)
        latency_s, truth = noisy(archs, 0.02, seed), noisy(new, 0.02, 50 + seed)
        answer = calibrate(cost_model("lut", SPACE).fit(archs, latency_s), archs, latency_s).predict(new)
        coverage.append(((answer.low_s <= truth) & (truth <= answer.high_s)).mean())
    assert 0.84 < np.mean(coverage) < 0.98


def test_too_few_rows_give_no_interval():
    archs = SPACE.sample(8, seed=0)
    model = calibrate(cost_model("lut", SPACE).fit(archs, noisy(archs)), archs, noisy(archs))
    assert np.isnan(model.predict(archs).low_s).all()


def test_the_document_keeps_its_contract():
    document = evaluate(data(40), "lut", 20, "random", 2)
    assert (document["file"], document["space"], document["n_rows"]) == ("rows.csv", "supershaper", 40)
    assert list(document["models"])[:3] == ["lut", "constant", "ridge"]
    for report in document["models"].values():
        assert (report["n_train"], report["n_test"], report["chosen"]) == (20, 20, None)
        assert tuple(report["as_measured"]) == NAMES
        assert report["as_measured"] == report["reference_state"]
        assert report["seconds_fit"] > 0
        assert "rolling" not in report


def test_ordered_splits_train_on_the_first_rows_and_roll():
    rows = data(60)
    rows.values[40:] *= 1.1
    report = evaluate(rows, "lut", 40, "ordered", 5)["models"]["lut"]
    assert report["as_measured"]["mape"] == pytest.approx(100 * (1 - 1 / 1.1), abs=0.6)
    assert report["rolling"]["mape"] < report["as_measured"]["mape"] / 3  # the jump is followed
    assert report["rolling"]["coverage_90"] > report["as_measured"]["coverage_90"] == 0


def test_auto_says_what_it_took():
    report = evaluate(data(50), "auto", 0.8, "random", 1)["models"]["auto"]
    assert report["chosen"] == "lut"


def test_equal_seeds_give_equal_numbers():
    one, other = (evaluate(data(30), "lut", 0.5, "random", 1)["models"]["lut"]["as_measured"] for _ in range(2))
    assert one == other


@pytest.mark.parametrize("train", [0.0, 1.0, 1.5, 2.5, -3, 39, 40, 400, 0.01, 0.99, float("nan")])
def test_impossible_splits_are_refused(train):
    with pytest.raises(UsageError):
        train_rows(40, train)


def test_campaigns_are_tested_on_their_own_test_rows():
    roles = ("fit",) * 30 + ("test",) * 12 + ("uniform",) * 6
    document = evaluate_roles(data(48, roles), "lut")
    assert list(document["models"]) == ["constant", "params", "ridge", "lut"] == list(document["uniform"])
    assert document["models"]["lut"]["n_train"] == 30
    former = evaluate_roles(data(48, tuple(role.replace("test", "judge") for role in roles)), "lut")
    assert former["models"]["lut"]["as_measured"] == document["models"]["lut"]["as_measured"]
    assert document["uniform"]["lut"]["n_test"] == 6
    assert document["models"]["lut"]["as_measured"]["r2"] > 0.9
    with pytest.raises(DataError, match="30 rows to fit on, 0 to test on"):
        evaluate_roles(data(30), "lut")


def test_training_uses_the_rows_to_fit_on_only():
    roles = ("fit",) * 30 + ("test",) * 10
    result = train(data(40, roles), "lut")
    assert result.model.n_rows_ == 30
    assert len(result.left_out) == 30
    assert result.model.provenance["rows"] == 30
    assert result.metrics["r2"] > 0.9
    with pytest.raises(DataError, match="at least 5"):
        train(data(4), "lut")


def test_a_prior_is_judged_from_few_rows_beside_the_others():
    other = data(60, seed=9)
    source = Source("other", cost_model("lut", SPACE).fit(other.architectures, 3.0 * other.values))
    document = evaluate(data(40), "lut", 5, "random", 1, prior=[source])
    assert list(document["models"])[:2] == ["prior", "lut"]
    few, alone = (document["models"][name]["as_measured"]["mape"] for name in ("prior", "lut"))
    assert few < alone / 2
    with pytest.raises(UsageError, match="give prior="):
        evaluate(data(40), "prior", 5, "random", 2)
