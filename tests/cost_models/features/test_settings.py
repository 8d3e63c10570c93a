"""Rows of a table that are of one net at several settings."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hwcost.cost_models.data import Data, from_table
from hwcost.cost_models.features.extractor import shared_features
from hwcost.cost_models.features.groups import Groups
from hwcost.cost_models.features.settings import FEWEST_NETS, net_numbers, setting_places
from hwcost.cost_models.training.train import train
from hwcost.exchange.table import LatencyTable
from hwcost.spaces import space

BATCHES = (1, 2, 4, 8, 16)


def nets_at_batches(nets: int, own: float, seed: int = 0, batches: tuple[int, ...] = BATCHES) -> Data:
    """Nets of four columns, each at all batch sizes, and each slower or faster than the law by a factor of its own."""
    rng = np.random.default_rng(seed)
    made = space("table", columns=[{"name": name} for name in ("layers", "hidden", "heads", "inner", "batch")])
    archs, seconds = [], []
    for _ in range(nets):
        layers, hidden, heads, inner = (int(one) for one in rng.integers(2, 20, 4))
        factor = float(np.exp(rng.normal(0, own)))
        for batch in batches:
            archs.append(made.architecture((layers, hidden, heads, inner, batch)))
            law = 1e-3 + 1e-5 * batch * layers * (hidden + inner)
            seconds.append(law * factor * float(np.exp(rng.normal(0, 0.005))))
    return from_table(LatencyTable(made, archs, np.array(seconds), None, "planted.csv"))


def coverage(data: Data, new: Data, model: str) -> float:
    found = train(data, model).model.predict(new.architectures)
    return float(np.mean((found.low <= new.values) & (new.values <= found.high)))


@pytest.mark.parametrize("model", ["auto", "hybrid", "polynomial"])
def test_intervals_hold_for_new_nets_where_each_was_measured_at_all_batch_sizes(model: str) -> None:
    held = [coverage(nets_at_batches(50, 0.05, seed), nets_at_batches(60, 0.05, 100 + seed), model) for seed in range(3)]
    assert 0.84 <= np.mean(held) <= 0.99


def test_rows_of_a_net_are_left_out_together() -> None:
    data = nets_at_batches(30, 0.0)
    groups = Groups.of_architectures(shared_features(data.space), data.genes)
    assert np.array_equal(groups.numbers, np.repeat(np.arange(30), len(BATCHES)))
    assert train(data, "polynomial").model.n_architectures_ == 30


@pytest.mark.parametrize("nets", [4, FEWEST_NETS - 1])
def test_a_few_nets_at_many_settings_are_doubted(nets: int) -> None:
    data = nets_at_batches(nets, 0.0, batches=tuple(range(1, 17)))
    groups = Groups.of_architectures(shared_features(data.space), data.genes)
    assert len(groups) == len(data)
    doubts = train(data, "polynomial").model.provenance["doubts"]
    assert sum(f"{nets} nets at several settings ('batch')" in doubt for doubt in doubts) == 1


def test_other_tables_are_left_out_row_by_row() -> None:
    once = nets_at_batches(120, 0.0, batches=(1,))
    assert net_numbers(once.space, once.genes) is None
    rows = np.array(list(itertools.product(range(6), range(6), (1, 2, 4))), dtype=float)
    grid = space("table", columns=[{"name": name} for name in ("layers", "hidden", "batch")])
    assert net_numbers(grid, rows) is None, "nets that fill their grid lie between each other"
    line = space("table", columns=[{"name": name} for name in ("params", "batch")])
    assert len(set(net_numbers(line, rows[:, 1:]).tolist())) == 6  # type: ignore[union-attr]


def test_settings_are_known_by_their_names() -> None:
    names = ["layers", "Batch Size", "seq_len", "gpu", "num_threads", "dtype", "intra_op_threads", "Runtime", "precision"]
    others = ["hidden", "heads", "bits", "kernel", "batchnorm", "cores_used", "threads_per_block", "memory"]
    made = space("table", columns=[{"name": name} for name in (*names, *others)])
    assert setting_places(made) == list(range(1, len(names)))
    assert setting_places(space("supershaper", scale="mini")) == []
    assert setting_places(space("table", columns=[{"name": "batch"}, {"name": "seq"}])) == []
