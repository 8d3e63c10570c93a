"""Measures how well one cost model answers for all shapes of this machine: errors, coverage, unseen and longer shapes.

60 rows over batch sizes 1, 2 and 4 and lengths 32 to 256 are fitted, 30 others of new architectures test the model; 10 more
are longer than any row of the fit. Prints the figures as a table, and with ``--json FILE`` as a document.

    python benchmarks/shapes.py --backend torch --backend onnxruntime --store runs/shapes

Takes about five minutes for each backend on one core of a processor.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

import hwcost as hc
from hwcost.campaign import run as campaign
from hwcost.campaign.options import MeasureOptions
from hwcost.campaign.plans.plan import Item
from hwcost.campaign.targets import drawn_items
from hwcost.cost_models.data import Data, from_store
from hwcost.cost_models.training.train import train_on
from hwcost.spaces.base import SearchSpace
from hwcost.spaces.shaped import Shape, Shaped
from hwcost.stores import open_store

BATCHES, LENGTHS, LONGER = (1, 2, 4), (32, 64, 128, 256), (384, 512)
ROWS, TEST, BEYOND = 60, 30, 10
SPLITS = 40
"""Splits by which the coverage is judged: the share of 30 rows that intervals hold scatters by 0.09 from split to split, so
that the mean of ten, as were taken before, is known to 0.03 only."""


def items(space: SearchSpace, options: MeasureOptions) -> list[Item]:
    """Draws what is fitted and tested on, and longer nets with the role ``uniform``."""
    inside = drawn_items(space, options, ROWS, design="spread", test=TEST)
    longer = MeasureOptions(device=options.device, backend=options.backend, batch_size=BATCHES, seq_len=LONGER, seed=7)
    known = {item.workload.key for item in inside}
    drawn = drawn_items(space, longer, BEYOND, design="spread")
    return [*inside, *(Item(item.workload, "uniform") for item in drawn if item.workload.key not in known)]


def measured(backend: str, store: Path, scale: str, tier: str, budget_s: float) -> Data:
    """Measures a campaign, or takes the one that the store holds."""
    if not store.exists():
        space = hc.space("supershaper", scale=scale)
        options = MeasureOptions(backend=backend, batch_size=BATCHES, seq_len=LENGTHS, tier=tier, blocks=6)
        with open_store(store) as opened:
            started = campaign.start(options.plan(items(space, options)), opened)
            campaign.run(opened, started, budget_s=budget_s)
    return from_store(str(store))


def figures(data: Data, model: str) -> dict[str, Any]:
    """Returns errors in percent and coverages of one model."""
    assert isinstance(data.space, Shaped)
    shapes = np.array([data.space.shape_of(point) for point in data.architectures])
    fit, test, longer = (data.rows(role) for role in ("fit", "test", "uniform"))
    inside = np.concatenate([fit, test])
    found = {"rows": len(fit), "test_rows": len(test), **judged(data, model, fit, test, "")}
    by_pair = {}
    for shape in (Shape(batch, length) for batch in BATCHES for length in LENGTHS):
        is_pair = (shapes == shape).all(axis=1)
        kept, left = fit[~is_pair[fit]], inside[is_pair[inside]]
        if len(left):
            by_pair[str(shape)] = judged(data, model, kept, left, "")["mape"]
    found |= {"left_out_pair_mean": float(np.mean(list(by_pair.values()))), "left_out_pair_worst": max(by_pair.values())}
    found["left_out_pairs"] = by_pair
    if len(longer):
        found |= judged(data, model, fit, longer, "longer_")
    coverages = [judged(data, model, *halved(inside, seed), "")["coverage_90"] for seed in range(SPLITS)]
    found["coverage_90_repeated"] = float(np.mean(coverages))
    return found


def halved(rows: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Splits rows in two parts of 2 to 1 at random: the coverage of few test rows says little by itself."""
    order = np.random.default_rng(seed).permutation(rows)
    return order[: 2 * len(rows) // 3], order[2 * len(rows) // 3 :]


def judged(data: Data, model: str, fit: np.ndarray, test: np.ndarray, prefix: str) -> dict[str, float]:
    """Fits some rows and tests on others."""
    trained = train_on(fit, data, model)
    archs, values, _ = data.take(test)
    answer = trained.model.predict(archs)
    return {
        f"{prefix}mape": float(100 * np.abs(answer.values / values - 1).mean()),
        f"{prefix}coverage_90": float(((answer.low <= values) & (values <= answer.high)).mean()),
        f"{prefix}half_width": float(100 * np.median(answer.high / answer.values - 1)),
        f"{prefix}in_domain": float(answer.in_domain.mean()),
    }


def main() -> None:
    """Runs the campaigns and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--backend", action="append", help="runtime; repeatable (torch)")
    parser.add_argument("--model", action="append", help="cost model; repeatable (hybrid)")
    parser.add_argument("--scale", default="small", help="scale of the space supershaper")
    parser.add_argument("--tier", default="quick", help="precision of the campaign")
    parser.add_argument("--budget", type=float, default=240.0, help="seconds for each campaign")
    parser.add_argument("--store", type=Path, default=Path("shapes"), help="folder of the stores; one that is there is used")
    parser.add_argument("--json", type=Path, help="file for the figures")
    given = parser.parse_args()
    given.store.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {}
    for backend in given.backend or ["torch"]:
        data = measured(backend, given.store / f"{backend}.db", given.scale, given.tier, given.budget)
        for model in given.model or ["hybrid"]:
            found[f"{backend}, {model}"] = figures(data, model)
    for name, values in found.items():
        print(name)
        for what, value in values.items():
            print(f"  {what:24} {value:.3f}" if isinstance(value, float) else f"  {what:24} {value}")
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
