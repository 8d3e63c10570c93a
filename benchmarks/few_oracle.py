"""What a rule can reach that has to learn from few rows which other device a new one is like, however clever it is.

::

    python benchmarks/few_oracle.py DATA [--rows 3,5] [--draws 400]

The rule knows what no cost model of a new device can know: the distribution of the noise, taken from all rows of the new
device's own table, and, in simulated tables, that the device has exactly the shape of one of the sources. It does not know
of which one, nor the factor. Sources are even odds before the rows; after them, the rule answers with the median of what a
further row may be, which makes the expected error least (Berger 1985, Statistical Decision Theory and Bayesian Analysis,
section 2.4.2); *likeliest* answers with the likeliest source alone. Errors are divided by those of the source that turns out
best times the median ratio of the rows.

``rows`` are the published ones: ratios of medians in the first 20 draws, which are those of ``few_measurements.py``; of
medians and of means in all draws; and the share of sets of 20 draws in which the ratio is at most 1.1. ``simulated`` rows
are those of each source in turn, at the table's architectures, times noise of the table. There the errors of all sources
together are divided, for which no rule does better than this one: any other that errs less for one source errs more for
others, so that its worst ratio is at least as large.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hwcost._stats import robust_sd
from hwcost._types import Floats, Indices

try:
    from benchmarks.few_measurements import Device, others, split, supershaper
except ImportError:  # run as a script
    from few_measurements import Device, others, split, supershaper

BAR, SET = 1.1, 20
"""Ratio that was asked for, and draws that its medians are taken over."""

GRID = np.linspace(-1.5, 1.5, 6001)
"""Errors (log) at which the distribution of the noise is kept."""

SMOOTHED = 0.3
"""Width of the kernel that smooths the noise, in its robust standard deviations."""

FACTORS, REACH = 81, 4.0
"""Log factors that are weighed about the median ratio, and how far they reach in robust standard deviations of the noise."""

PLACES, FAR = 321, 12.0
"""Places about a source's prediction where the share of further rows below is known, and how far they reach likewise."""

TESTED, HALVINGS = 150, 16
"""Rows that are predicted, and steps in which the median of what a row may be is found."""


@dataclass(frozen=True)
class Noise:
    """Distribution of the errors of rows about their device's own shape.

    Attributes:
        errors: The errors that it was made of (log), with the median zero, shape (rows,).
        width: Their robust standard deviation.
        density: Log probability of each error of ``GRID``.
        reached: Probability of smaller errors than each of ``GRID``.
    """

    errors: Floats
    width: float
    density: Floats
    reached: Floats

    @classmethod
    def of(cls, errors: Floats) -> Noise:
        """Smooths errors (rows,)."""
        errors, width, step = errors - np.median(errors), robust_sd(errors), float(GRID[1] - GRID[0])
        counts = np.histogram(errors, len(GRID), (GRID[0] - step / 2, GRID[-1] + step / 2))[0]
        kernel = np.exp(-0.5 * (np.arange(-400, 401) * step / (SMOOTHED * width)) ** 2)
        shares = np.convolve(counts, kernel, "same") + 1e-9
        shares /= shares.sum()
        return cls(errors, width, np.log(shares), np.cumsum(shares) - 0.5 * shares)


def answers(known: Floats, logs: Floats, tested: Floats, noise: Noise) -> tuple[Floats, Floats]:
    """Returns log predictions of the rule and of the likeliest source.

    Args:
        known: Log latencies of few rows by the sources, shape (sources, n).
        logs: Log latencies as measured, shape (n,).
        tested: Log latencies of further rows by the sources, shape (sources, m).
        noise: The distribution of the noise.
    """
    ratios = logs - known
    middles, moved = np.median(ratios, axis=1)[:, None], REACH * noise.width * np.linspace(-1.0, 1.0, FACTORS)
    evidence = np.interp(ratios[:, None, :] - (middles[:, :, None] + moved[:, None]), GRID, noise.density).sum(axis=2)
    shares = np.exp(evidence - evidence.max()) / np.exp(evidence - evidence.max()).sum()
    own = shares.sum(axis=1, keepdims=True)
    best = int(np.argmax(own))
    places = (np.cumsum(shares[best]) - 0.5 * shares[best]) / own[best]
    likeliest = tested[best] + middles[best] + np.interp(0.5, places, moved)
    apart = FAR * noise.width * np.linspace(-1.0, 1.0, PLACES)
    reached = shares @ np.interp(apart - moved[:, None], GRID, noise.reached)
    centres = tested + middles
    low, high = centres.min(axis=0) - noise.width, centres.max(axis=0) + noise.width
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        below = sum(np.interp(middle - one, apart, own) for one, own in zip(centres, reached, strict=True))
        is_below = np.asarray(below) < 0.5
        low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    return (low + high) / 2.0, likeliest


def drawn(known: Floats, logs: Floats, kept: Indices, held: Indices, noise: Noise) -> list[float]:
    """Returns errors in percent of the rule, of the likeliest source, and of each source times the median ratio."""
    rule, likeliest = answers(known[:, kept], logs[kept], known[:, held], noise)
    factors = np.median(logs[kept] - known[:, kept], axis=1)
    predicted = (rule, likeliest, *(known[:, held] + factors[:, None]))
    return [float(100 * np.mean(np.abs(np.expm1(one - logs[held])))) for one in predicted]


def simulated(known: Floats, noise: Noise, n: int, draws: int) -> Floats:
    """Returns errors of the rule and of the likeliest source over that of the right source, for all sources together."""
    rng, sums = np.random.default_rng(n), np.zeros(3)
    for truth in range(len(known)):
        for _ in range(draws):
            order = rng.permutation(known.shape[1])[: n + TESTED]
            logs = known[truth, order] + rng.choice(noise.errors, len(order))
            found = drawn(known[:, order], logs, np.arange(n), np.arange(n, len(order)), noise)
            sums += *found[:2], found[2 + truth]
    return sums[:2] / sums[2]


def show(device: Device, devices: list[Device], n: int, draws: int) -> None:
    """Prints what the rule reaches on one table from so many rows."""
    logs = np.log(device.data.values)
    noise = Noise.of(logs - np.log(device.model.predict_encoded(device.genes)))
    known = np.log([one.model.predict_encoded(device.genes) for one in others(devices, device)])
    rows = np.array([drawn(known, logs, *split(device, n, draw), noise) for draw in range(draws)])
    best = rows[:, 2 + int(np.argmin(np.median(rows[:, 2:], axis=0)))]
    sets = np.median(rows[: draws // SET * SET].reshape(-1, SET, rows.shape[1]), axis=1)
    is_met = sets[:, :2] <= BAR * sets[:, 2:].min(axis=1, keepdims=True)
    first = sets[0, :2] / sets[0, 2:].min()
    medians, means = np.median(rows, axis=0)[:2] / np.median(best), rows.mean(axis=0)[:2] / best.mean()
    columns = (first, medians, means, is_met.mean(axis=0), simulated(known, noise, n, draws // 2))
    cells = "   ".join(f"{one:5.2f} {other:5.2f}" for one, other in columns)
    print(f"{device.name:24} {n:4d} {np.median(best):6.2f}   {cells}", flush=True)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--rows", default="3,5")
    given = parser.parse_args()
    devices = supershaper(given.data)
    print("two figures in each column: the rule, and the likeliest source alone")
    heads = ("20 draws", "medians", "means", "share", "simulated")
    print(f"{'device':24} rows   best   {'   '.join(f'{one:>11}' for one in heads)}")
    for device in devices:
        for n in map(int, given.rows.split(",")):
            show(device, devices, n, given.draws)


if __name__ == "__main__":
    main()
