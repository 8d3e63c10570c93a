"""Do intervals hold new architectures when the measured ones were measured again and again?

Run: ``python benchmarks/repeats.py [--tables N] [--models A,B] [--new N]``.

Simulated tables of 20 to 80 nets, each measured 3 to 10 times in random order, in four spaces; latencies follow a line in
the work, a power of it, or steps. Every model is fitted on the whole table; its 90 % intervals are then compared with one
measurement each of new nets. Every column of coverage should lie between 0.85 and 0.95 over all tables.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models.data import FIT, Data
from hwcost.cost_models.evaluation.evaluate import ALL, asked
from hwcost.cost_models.training.train import train
from hwcost.errors import MissingExtraError
from hwcost.spaces import Architecture, SearchSpace, space

TABLE = space("table", columns=[{"name": name} for name in ("layers", "hidden", "heads", "ffn")])
TRANSFORMER = space(
    "transformer", layers=list(range(1, 13)), hidden=list(range(128, 1025, 64)), ffn_ratio=[2, 3, 4], heads=[2, 4]
)


def columns(n: int, rng: np.random.Generator) -> list[Architecture]:
    """Draws nets of someone else's table."""
    widths = 32 * rng.integers(4, 33, n), 2 ** rng.integers(1, 5, n), 128 * rng.integers(2, 33, n)
    return [TABLE.architecture(genes) for genes in zip(rng.integers(1, 13, n), *widths, strict=True)]


def hat_rows(n: int, rng: np.random.Generator) -> list[Architecture]:
    """Draws feature rows of HAT: averages over layers take any value."""
    made = space("hat")
    return [
        made.architecture([
            float(rng.choice([512, 640])), 6, rng.uniform(512, 3072), rng.uniform(2, 8), float(rng.choice([512, 640])),
            int(rng.integers(1, 7)), rng.uniform(512, 3072), rng.uniform(2, 8), rng.uniform(2, 8), rng.uniform(1, 3),
        ])
        for _ in range(n)
    ]  # fmt: skip


def table_work(arch: Architecture) -> float:
    """Work of a net of a table, in units of about 1."""
    layers, hidden, _, ffn = map(float, arch.genes)
    return layers * hidden * (4 * hidden + 2 * ffn) / 1e7


def hat_work(arch: Architecture) -> float:
    """Work of a HAT net: decoder layers run once a token."""
    enc, n, ffn, _, dec, m, dffn, _, _, attend = map(float, arch.genes)
    return (n * enc * (4 * enc + 2 * ffn) + 8 * m * dec * ((4 + attend) * dec + 2 * dffn)) / 1e8


def flops_work(made: SearchSpace) -> Callable[[Architecture], float]:
    """Work of nets whose operations are known, relative to a middling one."""
    middle = float(np.median([made.flops(arch) for arch in made.sample(50, seed=0)]))
    return lambda arch: made.flops(arch) / middle


def drawn(made: SearchSpace) -> Callable[[int, np.random.Generator], list[Architecture]]:
    """Draws nets of a space that can be listed."""
    return lambda n, rng: made.sample(n, seed=int(rng.integers(1 << 30)))


SPACES: dict[str, tuple[SearchSpace, Callable[..., list[Architecture]], Callable[[Architecture], float]]] = {
    "table": (TABLE, columns, table_work),
    "supershaper": (space("supershaper"), drawn(space("supershaper")), flops_work(space("supershaper"))),
    "hat": (space("hat"), hat_rows, hat_work),
    "transformer": (TRANSFORMER, drawn(TRANSFORMER), flops_work(TRANSFORMER)),
}
LAWS: dict[str, Callable[[Floats], Floats]] = {
    "line": lambda work: 0.002 + 0.01 * work,
    "power": lambda work: 0.001 + 0.01 * work**0.7,
    "steps": lambda work: 0.002 + 0.01 * np.ceil(8 * work) / 8,
}


def simulated(seed: int, new: int) -> tuple[str, Data, list[Architecture], Floats]:
    """Makes a table with repeats, and one measurement each of nets that it does not hold.

    Returns:
        Description, table, new nets, and their latencies in seconds, shape (new,).
    """
    rng = np.random.default_rng(seed)
    name, law = list(SPACES)[seed % len(SPACES)], list(LAWS)[seed % len(LAWS)]
    made, draw, work = SPACES[name]
    nets, repeats = int(rng.integers(20, 81)), int(rng.integers(3, 11))
    noise, own = rng.uniform(0.005, 0.05), rng.uniform(0.0, 0.1)  # of one measurement; what no law knows of a net
    archs = list(dict.fromkeys(draw(nets + new, rng)))
    truth_s = LAWS[law](np.array([work(arch) for arch in archs])) * np.exp(own * rng.standard_normal(len(archs)))
    rows = rng.permutation(np.repeat(np.arange(nets), repeats))
    latency_s = truth_s[rows] * np.exp(noise * rng.standard_normal(len(rows)))
    fresh_s = truth_s[nets:] * np.exp(noise * rng.standard_normal(len(archs) - nets))
    what = f"{name}, {law}, {nets} x {repeats}, noise {100 * noise:.1f} %, own {100 * own:.1f} %"
    data = Data(
        made, [archs[i] for i in rows], latency_s, np.ones(len(rows)), (FIT,) * len(rows), what, {}, {}, is_ordered=True
    )
    return what, data, archs[nets:], fresh_s


def judged(model: str, data: Data, archs: list[Architecture], latency_s: Floats) -> tuple[float, float, float] | None:
    """Returns coverage, median half-width and median error (log) on new nets; None where the model is not installed."""
    try:
        fitted = train(data, model).model
    except MissingExtraError:
        return None
    answer = fitted.predict(archs)
    if np.isnan(answer.low_s).all():
        return 0.0, float("nan"), float("nan")
    covered = float(((answer.low_s <= latency_s) & (latency_s <= answer.high_s)).mean())
    off = float(np.median(np.abs(np.log(latency_s / answer.latency_s))))
    return covered, float(np.median(np.log(answer.high_s / answer.latency_s))), off


def main(tables: int, models: list[str], new: int) -> None:
    """Prints coverage per table, and over all of them."""
    print(f"Coverage of 90 % intervals on {new} new nets\n{'':66s}", *(f"{name:>9s}" for name in models))
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in models}
    for seed in range(tables):
        what, data, archs, latency_s = simulated(seed, new)
        print(f"{what:66s}", end=" ", flush=True)
        for name in models:
            one = judged(name, data, archs, latency_s)
            found[name] += [] if one is None else [one]
            print(f"{'-' if one is None else f'{one[0]:.3f}':>9s}", end=" ", flush=True)
        print()
    for i, what in enumerate(("coverage over tables", "half-width (log), median", "error (log), median")):
        pool = np.mean if i == 0 else np.median
        cells = [f"{pool([one[i] for one in rows]):9.3f}" if rows else f"{'-':>9s}" for rows in found.values()]
        print(f"{what:66s}", *cells)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=20)
    parser.add_argument("--models", default=",".join(asked(ALL, TABLE)))
    parser.add_argument("--new", type=int, default=300)
    given = parser.parse_args()
    main(given.tables, given.models.split(","), given.new)
