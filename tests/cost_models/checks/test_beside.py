"""Columns that were measured together with the latency, and those that only look as if they were."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost.cost_models.checks.table_faults import table_faults
from hwcost.cost_models.data import from_table
from hwcost.exchange.table import LatencyTable
from hwcost.spaces import space

N = 160
SEEDS = [3, 4, 5]


class Table:
    """Nets of a small grid in random order, so that some of them return, with latencies of 1 % noise."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.layers, self.hidden = self.rng.integers(1, 11, N), 64 * self.rng.integers(2, 11, N)
        self.ffn = self.rng.choice([512, 1024, 2048], N)
        self.work = self.layers * self.hidden * (4 * self.hidden + 2 * self.ffn)
        self.seconds = (2e-4 + self.work * 3e-10) * self.noise(0.01)

    def noise(self, sd: float) -> np.ndarray:
        return np.exp(self.rng.normal(0, sd, N))

    def leaks(self, name: str, column: np.ndarray, *without: str) -> list[str | None]:
        given = {"layers": self.layers, "hidden": self.hidden, "ffn": self.ffn, name: column}
        given = {key: values for key, values in given.items() if key not in without}
        made = space("table", columns=[{"name": key} for key in given])
        archs = [made.architecture(row) for row in zip(*(one.tolist() for one in given.values()), strict=True)]
        return [one.column for one in table_faults(from_table(LatencyTable(made, archs, self.seconds, None, "t.csv")))]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("instructions", lambda t: np.round(1e9 * t.seconds * t.noise(0.005)).astype(int)),
        ("inference_count", lambda t: (60 / t.seconds).astype(int)),
        ("edp", lambda t: np.round(3e6 * t.seconds**2 * t.noise(0.01), 4)),
        ("x", lambda t: 3e6 * t.seconds**2 * t.noise(0.005)),
        ("mJ", lambda t: 4100 * t.seconds * t.noise(0.02)),
        ("tops_w", lambda t: t.work / t.seconds * 1e-9 * t.noise(0.005)),
        ("rank", lambda t: 1 + np.argsort(np.argsort(t.seconds))),
        ("percentile", lambda t: np.round(100 * np.argsort(np.argsort(t.seconds)) / N, 1)),
        ("slower", lambda t: np.argsort(np.argsort(-t.seconds)) / N),
    ],
)
def test_what_was_measured_beside_the_latency_is_a_leak(seed, name, column):
    table = Table(seed)
    assert table.leaks(name, column(table)) == [name]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("params", lambda t: t.work),
        ("x", lambda t: t.work),
        ("model_mb", lambda t: np.round(t.work * 4e-6, 3)),
        ("cost_by_formula", lambda t: np.round(np.sqrt(t.work) * t.layers).astype(int)),
        ("index", lambda t: np.arange(N)),
        ("accuracy", lambda t: 70 + np.log(t.work) + t.rng.normal(0, 0.3, N)),
        ("temperature", lambda t: np.round(60 + np.log(t.work) + t.rng.normal(0, 0.5, N), 1)),
    ],
)
def test_what_belongs_to_the_architecture_is_none(seed, name, column):
    table = Table(seed)
    assert table.leaks(name, column(table)) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_work_whose_sizes_are_not_all_columns_is_none(seed):
    """Nets that are equal in the other columns differ in it, as their latencies do."""
    table = Table(seed)
    assert table.leaks("macs", table.work, "ffn") == []
    assert table.leaks("x", table.work, "ffn") == []


@pytest.mark.parametrize("seed", range(10))
def test_a_size_close_to_what_another_predicts_is_none(seed):
    table = Table(seed)
    wide = np.round(4 * table.hidden * table.noise(0.03)).astype(int)
    table.seconds = (2e-4 + table.layers * table.hidden * (4 * table.hidden + 2 * wide) * 3e-10) * table.noise(0.005)
    assert table.leaks("x", wide) == []


def test_a_sweep_of_one_size_without_noise_is_no_rank():
    table = Table(0)
    size = 16 * (1 + table.rng.permutation(N))
    table.seconds = 1e-6 * (5.0 + size)
    assert table.leaks("m", size) == []
