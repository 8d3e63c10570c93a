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
from hwcost.campaign.estimate import measurements
from hwcost.spaces.components import Components
from hwcost.stores import open_store
from hwcost.systems.components import gate_shares, share_workloads, without_keys
from hwcost.timing.measurement import Measurement

SEQ_LENS = (32, 128, 512)
FINISHED = ("done", "stopped")
PAPER = {
    "bert-base": {
        "ff": (43.3, 58.6, 51.0), "head": (54.9, 40.6, 48.7), "qk": (28.9, 20.6, 21.6),
        "v": (22.8, 19.9, 21.6), "mean": (0.8, 0.8, 0.7), "joint": (0.9, 1.3, 0.1),
    },
    "minibert": {
        "ff": (32.2, 36.2, 30.2), "head": (41.2, 36.7, 47.1), "qk": (21.3, 16.4, 21.3),
        "v": (18.9, 15.5, 21.3), "mean": (6.6, 6.4, 4.6), "joint": (19.1, 22.4, 14.7),
    },
}  # fmt: skip
"""Percent of the whole net's time at 32, 128 and 512 tokens. Categories overlap: a head has queries, keys and values."""
NAMES = {
    "ff": "feed-forward", "head": "attention heads", "qk": "queries and keys", "v": "values", "mean": "means of norms",
    "joint": "vertical feed-forward",
}  # fmt: skip


def campaign(space: Components, seq_len: int, backend: str, rounds: int, store: Path) -> list[Measurement]:
    """Measures stacks of the components, the whole net, and the net without queries and keys; or reads them."""
    what = share_workloads(space, 1, seq_len)
    with open_store(store) as opened:
        for one in opened.campaigns():
            found = measurements(opened, one.campaign_id)
            if one.status in FINISHED and one.plan["backend"] == backend and {m.workload for m in found} >= set(what):
                return found
    print(f"{space.grid_name} at {seq_len} tokens: {len(what)} workloads", flush=True)
    return list(hc.measure(what, "cpu", backend=backend, rounds=rounds, store=store).measurements)


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
            gate_shares(space, campaign(space, length, arguments.backend, arguments.rounds, arguments.store))
            for length in SEQ_LENS
        ]
        print(f"\n{grid}, percent of the whole net's time: here (paper, TPU)")
        print(f"{'':>40}" + "".join(f"{length:>18}" for length in SEQ_LENS))
        for kind, printed in paper.items():
            cells = [f"{100 * found[kind]:.1f} ({there:.1f})" for (found, _), there in zip(columns, printed, strict=True)]
            print(f"{NAMES[kind]:>40}" + "".join(f"{cell:>18}" for cell in cells))
        for name, arch in (("whole net", space.base()), ("without queries and keys", without_keys(space))):
            cells = [f"{100 * gaps[arch]:+.1f}" for _, gaps in columns]
            print(f"{'gap of the sum, ' + name:>40}" + "".join(f"{cell:>18}" for cell in cells))


if __name__ == "__main__":
    main()
