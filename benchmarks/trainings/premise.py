"""The premise of AutoDistil's task-agnostic search (equation 10): nets of low relation loss do well on tasks."""

from __future__ import annotations

import itertools
from functools import lru_cache, partial
from typing import Any

import numpy as np
from studies.rank_correlations import KINDS, Correlation, correlation, spread
from trainings.bench import SEED
from trainings.superlms import SEQ_LEN, SUBSPACES, SuperLms

from hwcost.spaces.autodistil import AutoDistil

OF_EACH = 4
"""Nets of each sub-space."""
BETTER = {"loss": -1, "flops": 1, "accuracy": 1, "held_out": -1}
"""Figures of a net, and whether it is better with more or with less of them."""
TUNED = ("accuracy", "held_out")
"""Figures after fine-tuning."""
NAMES = {"loss": "low relation loss", "flops": "many operations", "accuracy": "accuracy", "held_out": "low held-out loss"}


def ranked_nets() -> dict[str, list[str]]:
    """Returns the nets by sub-space: drawn with the benchmark's seed, evenly over each sub-space's range of sizes."""
    spaces = {name: AutoDistil(name, scale="mini") for name in SUBSPACES}
    return {name: [space.key(arch) for arch in space.sample(OF_EACH, SEED, "spread")] for name, space in spaces.items()}


def ranks(lms: SuperLms, seeds: int) -> list[dict[str, Any]]:
    """Finds relation loss, fine-tuned metric and loss of the same nets, seed by seed."""
    rows, table, steps = lms.rows("ranks"), [], lms.sizes.steps
    trained = lru_cache(maxsize=1)(lambda space, seed: lms.trained(space, seed, steps))

    def computed(space: str, key: str, seed: int) -> dict[str, Any]:
        net = trained(space, seed)
        return {"loss": lms.losses(net, [key])[key], **lms.tuned(net.extract(lms.parse(key), "none"), seed)}

    for seed, (name, keys) in itertools.product(range(seeds), ranked_nets().items()):
        space = AutoDistil(name, scale="mini")
        for key in keys:
            found = rows.get({"seed": seed, "space": name, "net": key}, partial(computed, name, key, seed))
            table.append({"seed": seed, "space": name, "net": key, "flops": space.flops(space.parse(key), SEQ_LEN), **found})
    return table


def show_ranks(table: list[dict[str, Any]]) -> None:
    """Prints every net's figures, how far they differ beside the noise of the seeds, and their rank correlations."""
    figures = {name: better * grid(table, name) for name, better in BETTER.items()}
    nets, seeds = list(dict.fromkeys(row["net"] for row in table)), len({row["seed"] for row in table})
    print("\n| net | relation loss | accuracy | held-out loss |\n|---|---|---|---|")
    for place, net in enumerate(nets):
        loss, accuracy, held_out = (abs(figures[name][:, place]) for name in ("loss", "accuracy", "held_out"))
        print(f"| {net} | {loss.mean():.2e} | {_both(accuracy)} | {_both(held_out)} |")
    print(f"\n{len(nets)} nets, {seeds} seeds; mean ± standard deviation of a seed\n")
    for name in TUNED:
        own = spread(figures[name])
        print(f"{NAMES[name]}: nets differ by {own.nets:.4f}, a seed by {own.noise:.4f} (p of F {own.probability:.1e})")
    print("\n| | | Spearman's rho | by seed | Kendall's tau | by seed |\n|---|---|---|---|---|---|")
    for one in ("loss", "flops"):
        for other in TUNED:
            cells = [_cells(figures[one], figures[other], kind) for kind in KINDS]
            print(f"| {NAMES[one]} | {NAMES[other]} | {' | '.join(cells)} |")
    print("\n95 % intervals of a bootstrap over nets and seeds; within a sub-space, of its nets alone:")
    for space in SUBSPACES:
        own = {name: BETTER[name] * grid([row for row in table if row["space"] == space], name) for name in BETTER}
        texts = [_text(correlation(own["loss"], own[other])) for other in TUNED]
        print(f"  {space}: {NAMES['loss']} with accuracy {texts[0]}, with low held-out loss {texts[1]} (Spearman)")


def grid(table: list[dict[str, Any]], name: str) -> Any:
    """Returns a figure of all rows, (seeds, nets), in the order in which they come."""
    seeds, nets = (list(dict.fromkeys(row[of] for row in table)) for of in ("seed", "net"))
    values = {(row["seed"], row["net"]): float(row[name]) for row in table}
    return np.array([[values[seed, net] for net in nets] for seed in seeds])


def _cells(first: Any, second: Any, kind: str) -> str:
    found = correlation(first, second, kind)
    return f"{_text(found)} | {', '.join(f'{one:.2f}' for one in found.seeds)}"


def _text(found: Correlation) -> str:
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def _both(values: Any) -> str:
    return f"{values.mean():.3f} ± {values.std(ddof=1):.3f}"
