"""Where the time of BERT-base and MiniBERT goes, by sequence length, beside the papers' figures from a TPU.

Tables 1 and 4 of "Finding Fast Transformers", measured on this device. A category's share is what the net would save without
it, from the prices of components by depth slope: queries and keys against averaged values, the norms' means against norms
without, feed-forwards in pieces behind each other against pieces side by side. Values are priced by half of their channels,
doubled. Beside the shares stands how far the sum of all components is from whole nets.

Run: ``python benchmarks/component_shares.py [--backend torch] [--rounds 3]``: about 30 minutes on an idle machine. What has
been measured is read from ``runs/component-shares.db``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import hwcost as hc
from hwcost.campaign.components import component_report
from hwcost.campaign.estimate import measurements
from hwcost.measure.measurement import Measurement
from hwcost.spaces.base import Component
from hwcost.spaces.components import Components
from hwcost.stores import open_store
from hwcost.workloads import component_stacks, models

SEQ_LENS = (32, 128, 512)
FINISHED = ("done", "stopped")
PAPER = {
    "bert-base": {
        "feed-forward": (43.3, 58.6, 51.0), "attention heads": (54.9, 40.6, 48.7), "queries and keys": (28.9, 20.6, 21.6),
        "values": (22.8, 19.9, 21.6), "means of norms": (0.8, 0.8, 0.7), "vertical feed-forward": (0.9, 1.3, 0.1),
    },
    "minibert": {
        "feed-forward": (32.2, 36.2, 30.2), "attention heads": (41.2, 36.7, 47.1), "queries and keys": (21.3, 16.4, 21.3),
        "values": (18.9, 15.5, 21.3), "means of norms": (6.6, 6.4, 4.6), "vertical feed-forward": (19.1, 22.4, 14.7),
    },
}  # fmt: skip
"""Percent of the whole net's time at 32, 128 and 512 tokens. Categories overlap: a head has queries, keys and values."""


def attention(space: Components, key: int, value: int) -> Component:
    """Returns the attention of all heads with this many channels of keys and of values each."""
    return Component("attention", (("heads", space.grid.heads), ("key", key), ("value", value)))


def feed_forward(space: Components, pieces: int) -> Component:
    """Returns a feed-forward of this many pieces."""
    return Component("feed_forward", (("inner", pieces * space.grid.feed_forward // space.grid.feed_forwards),))


def wanted(space: Components) -> list[Component]:
    """Returns the components that the categories are priced by."""
    width = space.grid.width // space.grid.heads
    heads = [attention(space, width, width), attention(space, 0, width), attention(space, width, width // 2)]
    pieces = [feed_forward(space, space.grid.feed_forwards), feed_forward(space, 1)]
    norms = [Component("layer_norm", (("mean", mean),)) for mean in (1, 0)]
    ends = [Component("embeddings"), *([Component("pooler")] if space.grid.pooler else [])]
    return [*heads, *pieces, *norms, *ends]


def campaign(space: Components, seq_len: int, backend: str, rounds: int, store: Path) -> list[Measurement]:
    """Measures stacks of the components, the whole net, and the net without queries and keys; or reads them."""
    shape = {"batch_size": 1, "seq_len": seq_len}
    base = space.base()
    pooled = space.architecture(
        [0 if ".qk" in gene.name else value for gene, value in zip(space.genes, base.genes, strict=True)]
    )
    what = [*component_stacks(space, components=wanted(space), **shape), *models(space, [base, pooled], **shape)]
    with open_store(store) as opened:
        for one in opened.campaigns():
            found = measurements(opened, one.campaign_id)
            if one.status in FINISHED and one.plan["backend"] == backend and {m.workload for m in found} >= set(what):
                return found
    print(f"{space.grid_name} at {seq_len} tokens: {len(what)} workloads", flush=True)
    return list(hc.measure(what, "cpu", backend=backend, rounds=rounds, store=store).measurements)


def shares(space: Components, measured: list[Measurement]) -> tuple[dict[str, float], dict[str, float]]:
    """Returns percent of the whole net by category, and the gap of the sum of components by net."""
    report = component_report(measured)
    assert report is not None
    cost = report.table.costs_s
    blocks, pieces, width = space.grid.layers, space.grid.feed_forwards, space.grid.width // space.grid.heads
    full = cost[attention(space, width, width).name]
    whole = next(gap for gap in report.gaps if gap.architecture == space.base())
    norm = {mean: cost[Component("layer_norm", (("mean", mean),)).name] for mean in (0, 1)}
    joined, piece = cost[feed_forward(space, pieces).name], cost[feed_forward(space, 1).name]
    saved = {
        "feed-forward": joined,
        "attention heads": full,
        "queries and keys": full - cost[attention(space, 0, width).name],
        "values": 2 * (full - cost[attention(space, width, width // 2).name]),
        "means of norms": 2 * (norm[1] - norm[0]),
        "vertical feed-forward": pieces * piece - joined,
    }
    found = {name: 100 * blocks * seconds / whole.measured_s for name, seconds in saved.items()}
    names = {space.base(): "whole net"}
    return found, {names.get(gap.architecture, "without queries and keys"): 100 * gap.gap for gap in report.gaps}


def main() -> None:
    """Measures both nets at all lengths and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--store", type=Path, default=Path("runs/component-shares.db"))
    arguments = parser.parse_args()
    arguments.store.parent.mkdir(parents=True, exist_ok=True)
    for grid, paper in PAPER.items():
        space = Components(grid)
        columns = [
            shares(space, campaign(space, length, arguments.backend, arguments.rounds, arguments.store))
            for length in SEQ_LENS
        ]
        print(f"\n{grid}, percent of the whole net's time: here (paper, TPU)")
        print(f"{'':>40}" + "".join(f"{length:>18}" for length in SEQ_LENS))
        for name, printed in paper.items():
            cells = [f"{found[name]:.1f} ({there:.1f})" for (found, _), there in zip(columns, printed, strict=True)]
            print(f"{name:>40}" + "".join(f"{cell:>18}" for cell in cells))
        for name in columns[0][1]:
            cells = [f"{gaps[name]:+.1f}" for _, gaps in columns]
            print(f"{'gap of the sum, ' + name:>40}" + "".join(f"{cell:>18}" for cell in cells))


if __name__ == "__main__":
    main()
