"""The accuracy that the lookup table and the hybrid promise, on published latencies; skips where they are absent."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost.cost_models import cost_model
from hwcost.cost_models.data import Data, from_table
from hwcost.cost_models.training.metrics import metrics
from hwcost.exchange.options import TableOptions
from hwcost.exchange.table import read_table


@pytest.fixture
def rows(published):
    def rows(name: str, space: str = "supershaper", categorical: str = "") -> Data:
        return from_table(read_table(published / name, space, TableOptions(categorical=categorical)))

    return rows


def median_r2(data: Data, model: str, n_train: int, seeds: int) -> float:
    found = []
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(data))
        archs, latency_s, weights = data.take(order[:n_train])
        new, truth_s, _ = data.take(order[n_train:])
        predicted_s = cost_model(model, data.space).fit(archs, latency_s, weights).predict(new).latency_s
        found.append(metrics(truth_s, predicted_s)["r2"])
    return float(np.median(found))


@pytest.mark.parametrize(("name", "bar"), [("supershaper/1080ti_bs128.csv", 0.99), ("supershaper/ryzen.csv", 0.975)])
def test_a_table_from_twenty_rows(rows, name, bar):
    assert median_r2(rows(name), "lut", 20, 20) >= bar


@pytest.mark.parametrize(("name", "bar"), [("supershaper/1080ti_bs128.csv", 0.9985), ("supershaper/ryzen.csv", 0.988)])
def test_a_hybrid_from_most_rows(rows, name, bar):
    data = rows(name)
    assert median_r2(data, "hybrid", round(0.7 * len(data)), 3) >= bar


def test_no_signal_is_no_signal(rows):
    data = rows("supershaper/i7_bs1.csv")
    assert abs(median_r2(data, "hybrid", 700, 2)) < 0.05


@pytest.mark.parametrize(
    ("name", "categorical", "bar"),
    [
        ("help_nb201/1080ti_256.csv", "e01,e02,e12,e03,e13,e23", 0.99),
        ("help_fbnet/gold_6240.csv", ",".join(f"b{i}" for i in range(1, 23)), 0.7),
        ("neusight/linear_train_v100.csv", "", 0.8),
        ("vidur/gemm_a100.csv", "", 0.7),
        ("hat/wmt14ende_cpu_xeon.csv", "", 0.9),
    ],
)
def test_tables_of_other_kinds(rows, name, categorical, bar):
    data = rows(name, "table", categorical)
    assert median_r2(data, "hybrid", 300, 1) >= bar
