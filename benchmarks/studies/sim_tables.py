"""Tables of latencies that are simulated, and faults to put into them.

The tables are of seven kinds (columns of a network, SuperShaper, HAT, a cell of operations, operators, and kernels in random
or sorted order), have 30 to 2000 rows and 0.5 to 10 % of noise, and span half a decade to five.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models.data import Data, from_table
from hwcost.exchange.table import LatencyTable
from hwcost.spaces import space
from hwcost.spaces.base import SearchSpace

Generator = np.random.Generator
Row = tuple[float | int | str, ...]
Law = tuple[SearchSpace, list[Row], Floats]

FACTORS = (1e3, 1e-3, 1e6, 1e-6, 60.0, 1 / 60.0)
"""Factors between a wrong unit and the right one."""

FEWEST_ROWS, MOST_ROWS = 30, 2000


@dataclass(frozen=True)
class SimTable:
    """A table of latencies.

    Attributes:
        space: The space of all rows.
        genes: One tuple per row.
        latency_s: Shape (n,), seconds.
    """

    space: SearchSpace
    genes: list[Row]
    latency_s: Floats

    def data(self) -> Data:
        """Returns the table as cost models and audits take it, latencies with 6 significant digits."""
        rows = [[one.item() if isinstance(one, np.generic) else one for one in row] for row in self.genes]
        archs = [self.space.architecture(row) for row in rows]
        seconds = np.array([float(f"{one:.6g}") for one in self.latency_s])
        return from_table(LatencyTable(self.space, archs, seconds, None, "simulated"))


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
    """Matrix products, in the order of the columns."""
    made, genes, seconds = kernels(rng, n)
    order = sorted(range(n), key=genes.__getitem__)
    return made, [genes[i] for i in order], seconds[order]


KINDS: tuple[Callable[[Generator, int], Law], ...] = (
    network, supershaper, hat, cell, operators, kernels, sorted_kernels,
)  # fmt: skip


def sim_table(seed: int, n: int | None = None) -> tuple[SimTable, Generator]:
    """Returns a clean table of a kind that depends on the seed, and the generator for faults to put into it.

    Args:
        seed: Equal seeds give equal tables; the kind changes from seed to seed.
        n: Number of rows; None draws it.
    """
    rng = np.random.default_rng(seed)
    drawn = round(10 ** rng.uniform(math.log10(FEWEST_ROWS), math.log10(MOST_ROWS)))
    n = drawn if n is None else n
    made, genes, seconds = KINDS[seed % len(KINDS)](rng, n)
    return SimTable(made, genes, seconds * np.exp(rng.normal(0, 10 ** rng.uniform(-2.3, -1), n))), rng


def with_unit_fault(table: SimTable, rng: Generator) -> tuple[SimTable, set[int]]:
    """Returns the table with 5 to 50 % of its rows in another unit, in a block or shuffled, and these rows."""
    n = len(table.latency_s)
    count = max(1, round(n * rng.uniform(0.05, 0.5)))
    start = int(rng.integers(0, n - count + 1))
    rows = np.arange(start, start + count) if rng.random() < 0.5 else np.sort(rng.choice(n, count, replace=False))
    wrong = table.latency_s.copy()
    wrong[rows] *= rng.choice(FACTORS)
    return replace(table, latency_s=wrong), set(rows.tolist())


def with_drift(table: SimTable, rng: Generator) -> SimTable:
    """Returns the table with a level that wanders, jumps or does both, by up to 60 % either way."""
    n, most = len(table.latency_s), rng.uniform(0.05, 0.6)
    at = np.linspace(0, 1, n)
    smooth = np.sin(2 * np.pi * (rng.uniform(0.3, 3) * at + rng.random()))
    blocks = rng.uniform(-1, 1, 5)[np.minimum((at * 5).astype(int), 4)]
    level = 1 + most * (smooth, blocks, (smooth + blocks) / 2)[rng.integers(3)]
    return replace(table, latency_s=table.latency_s * level)


def with_leak(table: SimTable, rng: Generator) -> SimTable:
    """Returns a table of columns with a batch size and one more column that was computed from the latency."""
    seconds, n = table.latency_s, len(table.latency_s)
    batch = rng.choice([1, 2, 4, 8, 16], n)
    leak = (1.0 / seconds, batch / seconds, 1e3 * seconds, np.log(seconds))[rng.integers(4)]
    named = {gene.name: tuple(map(str, gene.choices)) for gene in table.space.genes if gene.choices}
    numeric = [gene.name for gene in table.space.genes if not gene.choices]
    k = len(numeric)
    rows = [(*r[:k], int(b), float(f"{x:.6g}"), *r[k:]) for r, b, x in zip(table.genes, batch, leak, strict=True)]
    return SimTable(columns(*numeric, "batch", "extra", **named), rows, seconds)
