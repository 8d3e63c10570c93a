"""Are faults of a table found, and nothing else? Units that change, leaked answers and rates, over simulated tables.

Run: ``python benchmarks/faults.py [--tables N] [--published FOLDER]``. Tables are of seven kinds (columns of a network,
SuperShaper, HAT, a cell of operations, a table of operators, and kernels shuffled or sorted), have 30 to 2000 rows and 0.5 to
10 % of noise, and span half a decade to five. Bars: at least 98 % of the unit faults found, no false finding.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hwcost.cost_models.data import Data, from_table, read
from hwcost.exchange.table import LatencyTable
from hwcost.spaces import space
from hwcost.spaces.base import SearchSpace

Generator = np.random.Generator
Law = tuple[SearchSpace, list[tuple[float | int | str, ...]], np.ndarray]

TABLES = 200
FACTORS = (1e3, 1e-3, 1e6, 1e-6, 60.0, 1 / 60.0)
FOLDERS = {"supershaper": "supershaper", "hat": "hat", "hat_npu": "hat"}
"""Folder of published files to space; the others are tables."""


def columns(*names: str, **choices: tuple[str, ...]) -> SearchSpace:
    """Returns a space of numeric and named columns."""
    named = [{"name": name, "categorical": True, "choices": values} for name, values in choices.items()]
    return space("table", columns=[*({"name": name} for name in names), *named])


def network(rng: Generator, n: int) -> Law:
    """Layers, width, heads and inner width of a Transformer."""
    layers, width = rng.integers(1, 13, n), 64 * rng.integers(2, 17, n)
    heads, inner = 2 ** rng.integers(0, 5, n), width * rng.integers(1, 5, n)
    seconds = 2e-4 + layers * (4 * width**2 + 2 * width * inner) * 1e-10 + layers * heads * 2e-6
    return columns("layers", "hidden", "heads", "ffn"), list(zip(layers, width, heads, inner, strict=True)), seconds


def supershaper(rng: Generator, n: int) -> Law:
    """Twelve widths."""
    made = space("supershaper")
    archs = made.sample(n, seed=int(rng.integers(1 << 30)))
    flops = np.array([made.flops(arch) for arch in archs], dtype=float)
    return made, [arch.genes for arch in archs], 0.02 + flops * 10 ** rng.uniform(-12.5, -10.5)


def hat(rng: Generator, n: int) -> Law:
    """Encoder and decoder of a translation model."""
    made = space("hat")
    genes = np.column_stack(
        [
            rng.choice([512, 640], n), np.full(n, 6), rng.integers(512, 3072, n), rng.integers(4, 9, n),
            rng.choice([512, 640], n), rng.integers(1, 7, n), rng.integers(512, 3072, n), rng.integers(4, 9, n),
            rng.integers(4, 9, n), rng.uniform(1, 3, n).round(2),
        ]
    )  # fmt: skip
    decoder = genes[:, 5] * (0.02 + 6e-6 * genes[:, 6] + 2e-5 * genes[:, 4])
    return made, list(map(tuple, genes.tolist())), decoder + 1e-5 * genes[:, 0] + 3e-6 * genes[:, 2]


def cell(rng: Generator, n: int) -> Law:
    """Six edges with one of five operations each; numbers that are names."""
    genes = rng.integers(0, 5, (n, 6))
    cost = np.array([0.0, 2e-5, 1e-3, 4e-3, 4e-4])
    return columns(*(f"e{i}" for i in range(6))), list(map(tuple, genes.tolist())), 1e-3 + cost[genes].sum(axis=1)


def operators(rng: Generator, n: int) -> Law:
    """Operators by name, orders of magnitude apart, with sizes."""
    names = ("Conv", "Linear", "Add", "Pool")
    kind, size, depth = rng.integers(0, 4, n), rng.choice([7, 14, 28, 56, 112], n), 8 * rng.integers(1, 65, n)
    seconds = 5e-6 + np.array([3e-9, 1e-9, 2e-11, 5e-11])[kind] * size**2 * depth
    return columns("size", "depth", op=names), list(zip(size, depth, np.array(names)[kind], strict=True)), seconds


def kernels(rng: Generator, n: int) -> Law:
    """Matrix products with a launch floor, over five decades."""
    m, k, width = (np.round(2 ** rng.uniform(0, 13, n)), 2 ** rng.integers(6, 14, n), 64 * rng.integers(1, 129, n))
    seconds = 8e-6 + np.maximum(2 * m * k * width / 1e14, 2 * (m * k + k * width + m * width) / 1e12)
    return columns("m", "n", "k"), list(zip(m, width, k, strict=True)), seconds


def sorted_kernels(rng: Generator, n: int) -> Law:
    """The same, in the order of the columns."""
    made, genes, seconds = kernels(rng, n)
    order = sorted(range(n), key=genes.__getitem__)
    return made, [genes[i] for i in order], seconds[order]


KINDS: tuple[Callable[[Generator, int], Law], ...] = (
    network, supershaper, hat, cell, operators, kernels, sorted_kernels,
)  # fmt: skip


def table(seed: int) -> tuple[SearchSpace, list[tuple[float | int | str, ...]], np.ndarray, Generator]:
    """Returns a clean table of the kind that the seed says."""
    rng = np.random.default_rng(seed)
    n = round(10 ** rng.uniform(math.log10(30), math.log10(2000)))
    made, genes, seconds = KINDS[seed % len(KINDS)](rng, n)
    return made, genes, seconds * np.exp(rng.normal(0, 10 ** rng.uniform(-2.3, -1), n)), rng


def with_unit_fault(seconds: np.ndarray, rng: Generator) -> tuple[np.ndarray, np.ndarray]:
    """Returns latencies with 5 to 50 % of the rows in another unit, and these rows."""
    n = len(seconds)
    count = max(1, round(n * rng.uniform(0.05, 0.5)))
    start = int(rng.integers(0, n - count + 1))
    rows = np.arange(start, start + count) if rng.random() < 0.5 else np.sort(rng.choice(n, count, replace=False))
    wrong = seconds.copy()
    wrong[rows] *= rng.choice(FACTORS)
    return wrong, rows


def with_drift(seconds: np.ndarray, rng: Generator) -> np.ndarray:
    """Returns latencies whose level wanders, jumps or does both, by up to 60 % either way."""
    n, most = len(seconds), rng.uniform(0.05, 0.6)
    at = np.linspace(0, 1, n)
    smooth = np.sin(2 * np.pi * (rng.uniform(0.3, 3) * at + rng.random()))
    blocks = rng.uniform(-1, 1, 5)[np.minimum((at * 5).astype(int), 4)]
    kind = rng.integers(3)
    return np.asarray(seconds * (1 + most * (smooth, blocks, (smooth + blocks) / 2)[kind]))


def as_data(made: SearchSpace, genes: list[tuple[float | int | str, ...]], seconds: np.ndarray) -> Data:
    """Returns the table as cost models and audits take it."""
    archs = [made.architecture([one.item() if isinstance(one, np.generic) else one for one in row]) for row in genes]
    return from_table(LatencyTable(made, archs, np.asarray([float(f"{one:.6g}") for one in seconds]), None, "simulated"))
