"""Does a sum over gates tell how long a component net takes? ``sum w c``, nested or not, and fitted models, measured.

Tsai et al., "Finding Fast Transformers", section 4: the total cost "can be approximated as" ``sum_i w_i c_i``, and "this
approximation correlates well with the computation time from our experiments"; no number is given. Random gate settings are
measured in one campaign with the stacks that the costs come from. Each net opens its gates with a probability of its own
between 0.1 and 1, so that nets of all sizes are among them.

Columns: Kendall's tau between cost and latency; the mean absolute error of cost times the whole net's latency; and that of
the line ``a + b cost``, fitted on the other four fifths of the nets. Fitted models are judged on nets left out.

Run: ``python benchmarks/gate_costs.py [--grid minibert] [--nets 64] [--seq-len 128]``: some minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
from scipy.stats import kendalltau

from hwcost._types import Floats
from hwcost.campaign.options import MeasureOptions
from hwcost.campaign.planning import find_or_create
from hwcost.campaign.run import run
from hwcost.cost_models.data import from_measurements
from hwcost.cost_models.training.train import train
from hwcost.spaces import Architecture
from hwcost.spaces.components import Components
from hwcost.stores import open_store
from hwcost.systems.components import FORMS, GateCosts, gate_shares, share_workloads
from hwcost.timing.measurement import Measurement
from hwcost.workloads import ModelWorkload, models

FOLDS = 5
MODELS = ("lut", "hybrid", "auto")
"""Cost models that are fitted on the nets."""


def settings(space: Components, count: int, seed: int) -> list[Architecture]:
    """Returns distinct random gate settings of all sizes."""
    rng = np.random.default_rng(seed)
    found: dict[Architecture, None] = {}
    while len(found) < count:
        gates = rng.random(len(space.genes)) < rng.uniform(0.1, 1.0)
        found.setdefault(space.architecture(gates.astype(int).tolist()))
    return list(found)


def main() -> None:
    """Measures, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grid", default="minibert", help="grid of components")
    parser.add_argument("--nets", type=int, default=64, help="number of random gate settings")
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--seq-len", type=int, default=128)
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budget", type=float, help="seconds that the rounds share; what was measured until then is used")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", default="runs/gate-costs.db", help="store that is resumed")
    given = parser.parse_args()
    space = Components(given.grid)
    options = MeasureOptions(
        backend=given.backend, batch_size=given.batch_size, seq_len=given.seq_len, tier="quick", rounds=given.rounds,
        seed=given.seed,
    )  # fmt: skip
    archs, shape = settings(space, given.nets, given.seed), options.shape
    plan = options.plan([*share_workloads(space, **shape), *models(space, archs, **shape)])
    with open_store(given.store) as store:
        found = run(store, find_or_create(plan, store), budget_s=given.budget).measurements
    show(space, set(archs), found, shape)


def show(space: Components, archs: set[Architecture], found: Sequence[Measurement], shape: dict[str, object]) -> None:
    """Prints a row per form and per fitted model."""
    shares, _ = gate_shares(space, [m for m in found if getattr(m.workload, "architecture", None) not in archs])
    whole = {m.workload.architecture: m for m in found if isinstance(m.workload, ModelWorkload) and m.latency_s is not None}
    nets = [m for arch, m in whole.items() if arch in archs]
    latency = np.array([m.latency_s for m in nets], dtype=np.float64)
    halves = [m.half_width for m in nets if m.half_width is not None]
    print(f"{space.grid_name}, {len(nets)} nets of {min(latency):.2e} to {max(latency):.2e} s at {shape}, base net "
          f"{whole[space.base()].latency_s:.2e} s, median half-width {100 * float(np.median(halves)):.1f} %")  # fmt: skip
    print("shares: " + ", ".join(f"{kind} {100 * share:.1f} %" for kind, share in shares.items()))
    print("\n| | tau | error of cost x whole net | error of a line, left out |\n|---|---|---|---|")
    for form in FORMS:
        cost = GateCosts(space, shares, form)
        costs = np.array([cost(arch) for arch in (m.workload.architecture for m in nets)])
        scaled = costs * (whole[space.base()].latency_s or 0.0)
        row(form, latency, scaled, line(costs, latency))
    rows = from_measurements(nets, space)
    for name in MODELS:
        fitted = train(rows, name)
        print(f"| {name}, fitted, left out | {tau(fitted.measured, fitted.left_out):.3f} | – | "
              f"{error(fitted.measured, fitted.left_out):.1f} % |")  # fmt: skip


def line(costs: Floats, latency: Floats) -> Floats:
    """Returns latencies by a line through the other folds' costs and latencies, shape (n,)."""
    predicted, folds = np.empty_like(latency), np.random.default_rng(0).permutation(len(costs)) % FOLDS
    for fold in range(FOLDS):
        slope, start = np.polyfit(costs[folds != fold], latency[folds != fold], 1)
        predicted[folds == fold] = start + slope * costs[folds == fold]
    return predicted


def row(name: str, latency: Floats, scaled: Floats, fitted: Floats) -> None:
    """Prints the row of a form."""
    print(f"| {name} | {tau(latency, scaled):.3f} | {error(latency, scaled):.1f} % | {error(latency, fitted):.1f} % |")


def tau(measured: Floats, predicted: Floats) -> float:
    """Returns Kendall's tau."""
    return float(kendalltau(measured, predicted).statistic)


def error(measured: Floats, predicted: Floats) -> float:
    """Returns the mean absolute error, in percent of the measured values."""
    return float(100 * np.mean(np.abs(predicted / measured - 1)))


if __name__ == "__main__":
    main()
