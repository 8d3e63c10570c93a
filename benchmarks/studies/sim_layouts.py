"""Tables of nets and settings in the orders in which people measure them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hwcost.cost_models.data import Data, from_table
from hwcost.exchange.table import LatencyTable
from hwcost.spaces import space

Row = tuple[int, int, int, int, int, str]
"""Layers, hidden size, heads, batch size, length and device."""

Layout = Callable[[list[tuple[int, int, int]]], list[Row]]
"""The order in which nets are measured, from the nets in random order."""

DEVICES = {"a100": 1.0, "t4": 4.0, "cpu": 20.0}
"""Latency on each device, relative to the first one."""

LAYOUTS: dict[str, Layout] = {
    "each once": lambda nets: [(*net, 1, 128, "a100") for net in nets],
    "each 5 times in succession": lambda nets: [(*net, 1, 128, "a100") for net in nets for _ in range(5)],
    "each at 6 batch sizes": lambda nets: [(*net, batch, 128, "a100") for net in nets for batch in (1, 2, 4, 8, 16, 32)],
    "each at 9 shapes": lambda nets: [
        (*net, batch, length, "a100") for net in nets for length in (32, 128, 512) for batch in (1, 4, 16)
    ],
    "all at one of 4 batch sizes, then the next": lambda nets: [
        (*net, batch, 128, "a100") for batch in (1, 2, 4, 8) for net in nets
    ],
    "each on 3 devices, 3 times": lambda nets: [
        (*net, 1, 128, device) for net in nets for device in DEVICES for _ in range(3)
    ],
    "all in 4 passes": lambda nets: [(*net, 1, 128, "a100") for _ in range(4) for net in nets],
}

NOISE = 0.01


def measured(layout: Layout, count: int, moved: float, own: float, seed: int) -> tuple[Data, float]:
    """Measures nets in an order.

    Args:
        layout: The order.
        count: Number of nets.
        moved: Range of the machine's level, as a share of its mean.
        own: Standard deviation of the nets' own factors (log).
        seed: Seed of nets, factors and noise.

    Returns:
        The table, of the columns that vary; and the median level of its rows, 1 on a still machine.
    """
    rng = np.random.default_rng(seed)
    every = [(layers, hidden, heads) for layers in range(2, 13) for hidden in range(128, 769, 64) for heads in (2, 4, 8)]
    nets = [every[i] for i in rng.permutation(len(every))[:count]]
    factors = dict(zip(nets, np.exp(rng.normal(0, own, count)).tolist(), strict=True))
    rows = layout(nets)
    law = [DEVICES[row[5]] * _seconds(*row[:5]) * factors[row[:3]] for row in rows]
    level = 1 + moved / 2 * np.sin(4 * np.pi * np.arange(len(rows)) / len(rows))
    seconds = np.array(law) * level * np.exp(rng.normal(0, NOISE, len(rows)))
    names = ("layers", "hidden", "heads", "batch", "length", "device")
    varied = [i for i in range(len(names)) if len({row[i] for row in rows}) > 1]
    device = {"categorical": True, "choices": list(DEVICES)}
    made = space("table", columns=[{"name": names[i], **(device if names[i] == "device" else {})} for i in varied])
    archs = [made.architecture([row[i] for i in varied]) for row in rows]
    return from_table(LatencyTable(made, archs, seconds, None, "simulated")), float(np.median(level))


def _seconds(layers: int, hidden: int, heads: int, batch: int, length: int) -> float:
    return 1e-3 + 2e-3 * batch * length / 128 * layers * (hidden / 512) ** 2 + 1e-4 * heads
