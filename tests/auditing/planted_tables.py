"""Tables with a law, a level and noise that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hwcost.cost_models.data import Data, from_table
from hwcost.exchange.table import LatencyTable
from hwcost.spaces import space

SPACE = space("supershaper")
N = 600
ARCHS = SPACE.sample(N, seed=5)
LAW_S = np.array([1e-12 * SPACE.flops(arch) for arch in ARCHS])


def noise(n: int = N, sd: float = 0.01, seed: int = 0) -> np.ndarray:
    return np.exp(np.random.default_rng(seed).normal(0.0, sd, n))


def table(latency_s: np.ndarray, archs=None, path: str = "planted.csv") -> Data:
    archs = ARCHS[: len(latency_s)] if archs is None else archs
    return from_table(LatencyTable(SPACE, list(archs), np.asarray(latency_s, dtype=np.float64), None, path))


def write(data: Data, path: Path) -> str:
    """Writes a table as a CSV and returns its path."""
    lines = [",".join([*(gene.name for gene in data.space.genes), "latency_s"])]
    rows = zip(data.architectures, data.values.tolist(), strict=True)
    lines += [",".join([*map(str, arch.genes), repr(seconds)]) for arch, seconds in rows]
    path.write_text("\n".join(lines) + "\n")
    return str(path)
