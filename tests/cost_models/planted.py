"""Latencies that follow a known law."""

from __future__ import annotations

import numpy as np

from hwcost.spaces import Architecture, space

SPACE = space("supershaper")
PRICES_S = {120: 0.004, 240: 0.007, 360: 0.0095, 480: 0.0131, 540: 0.0166, 600: 0.0171, 768: 0.0245}
OVERHEAD_S = 0.03


def additive(archs: list[Architecture]) -> np.ndarray:
    return np.array([OVERHEAD_S + sum(PRICES_S[gene] for gene in arch.genes) for arch in archs])


def noisy(archs: list[Architecture], sd: float = 0.01, seed: int = 0) -> np.ndarray:
    return additive(archs) * np.exp(np.random.default_rng(seed).normal(0, sd, len(archs)))
