"""Can the numbers be trusted? Every figure beside the plain alternatives, one table per question.

Run: ``python benchmarks/trust.py [TABLE ...] [--seeds N] [--published FOLDER]``; tables: drift, noise, null, compare,
neighbours, crowded, others, calls (default: all). With a folder of published latencies, the tables of ``published.py``
follow. For the tables of neighbours, of crowded machines and of others ``--passes 3,10`` are passes in each of four
processes, and ``--jobs 2`` campaigns simulated at a time.

The simulated campaigns have 400 items, 3 classes and 4 rounds of one-second visits; errors are those of log latency, in
percent, means over seeds. The truth is an item's latency at its class's mean level over the campaign.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import product, repeat
from pathlib import Path

import numpy as np
import published
from studies.alternatives import WAYS, time_model
from studies.comparisons import comparison_table
from studies.neighbour_estimates import IN_TURN, KNOWN, UNSLOWED, Errors, errors
from studies.neighbour_estimates import WAYS as ESTIMATORS
from studies.paired_neighbours import against
from studies.sim_neighbours import Bursts, Neighbour, SimNeighbours

from hwcost.agent.timer import SLICES
from hwcost.testing.faults import DRIFTS, NOISES, Faults
from hwcost.testing.sim_campaign import NOISE, SimCampaign

ITEMS = 400
NULL_SEEDS = 100
PAIRS = 200
PASSES = (3, 10, 60)
"""Passes in each process."""

OURS = "slices"
"""Estimator of hwcost for workloads in turn."""

HALF = (0.45, 0.55)
"""Duty of about one half."""

CAMPAIGNS = 20
"""Campaigns beside neighbours for each seed."""

CROWDED = {
    "busy": "a neighbour that works 80 to 99 % of the time",
    "crowded": "three to eight neighbours",
    "host": "a neighbour that comes and goes within blocks",
    "shared": "one that slows them by any amount up to 10 to 40 %, and half of the time one on the same core",
}
"""Machines that are hardly ever uncontended, by the way in which they are drawn."""

SEEN_BLOCKS = {"busy": 3, "crowded": 3, "host": 0, "shared": 30}
"""Uncontended blocks from which a campaign has seen the uncontended machine; 0 where slices of blocks see it."""

LONG_CALLS: Sequence[tuple[str, tuple[float, float], tuple[Neighbour | Bursts, ...]]] = (
    ("150 to 370 ms, none", (0.15, 0.37), ()),
    ("150 to 370 ms, 0.5 to 3 s", (0.15, 0.37), (Bursts(),)),
    ("150 to 370 ms, mean 0.3 s", (0.15, 0.37), (Neighbour(1.6, 0.5, 0.3),)),
    ("0.8 to 2 s, 0.5 to 3 s", (0.8, 2.0), (Bursts(),)),
    ("0.8 to 2 s, mean 0.3 s", (0.8, 2.0), (Neighbour(1.6, 0.5, 0.3),)),
)
"""Long calls: their seconds, and neighbours with bursts that last as long."""

WORKLOADS = (6, 12, 24)
"""Workloads of campaigns that are compared."""

LONG_PASSES = (3, 5)
"""Passes of long calls in each process."""

LAYERS = 12
"""Layers of nets of long calls."""

FAST = "fast drift, sd 3 %"


def campaigns(faults: Faults, seeds: int) -> Iterator[SimCampaign]:
    """Yields one campaign per seed."""
    return (SimCampaign(seed, faults, n_items=ITEMS) for seed in range(seeds))


def drift_table(seeds: int) -> None:
    """95th percentile of the error of every way under every drift, and the coverage of the time model's intervals."""
    print(f"\n95th percentile of the error (%), {seeds} seeds\n{'':28s}", *(f"{name:>12s}" for name in WAYS), end="")
    print(f"{'/ no drift':>12s}{'bar':>6s}{'coverage':>10s}   bar")
    floor = None
    for name, faults in DRIFTS.items():
        rows = []
        for campaign in campaigns(replace(faults, noise=NOISE), seeds):
            found = [way(campaign) for way in WAYS.values()]
            rows.append([*(one.p95(campaign.truth) for one in found), found[-1].coverage(campaign.truth)])
        *errors, coverage = np.mean(rows, axis=0)
        floor = floor or errors[-1]
        print(f"{name:28s}", *(f"{100 * error:12.2f}" for error in errors), end="", flush=True)
        print(f"{errors[-1] / floor:12.2f}{1.5 if name == FAST else 1.4:6.1f}{coverage:10.3f}   0.93 to 0.97", flush=True)


def noise_table(seeds: int) -> None:
    """Coverage of 95 % intervals under noise that is not white: the time model's, and what the blocks of one visit give."""
    print(f"\nCoverage of 95 % intervals, {seeds} seeds\n{'':40s}{'one visit':>12s}{'time model':>12s}   bar")
    for name, faults in NOISES.items():
        rows = [
            [WAYS[way](campaign).coverage(campaign.truth) for way in ("sequential", "time model")]
            for campaign in campaigns(faults, seeds)
        ]
        naive, ours = np.mean(rows, axis=0)
        print(f"{name:40s}{naive:12.3f}{ours:12.3f}   {0.88 if faults.chain_sd else 0.9:g}", flush=True)


def null_table(seeds: int = NULL_SEEDS) -> None:
    """How often a level is seen where there is none, and what that costs."""
    off, with_level, without = 0, [], []
    for campaign in campaigns(Faults(noise=NOISE), seeds):
        found = time_model(campaign)
        off += not found.has_level
        with_level.append(found.p95(campaign.truth))
        without.append(WAYS["round means"](campaign).p95(campaign.truth))
    cost = 100 * (np.mean(with_level) / np.mean(without) - 1)
    print(f"\nWithout drift: no level in {off} of {seeds} seeds (bar 95 %), cost {cost:+.1f} % of the error (bar 5 %)")


def compare_table(seeds: int) -> None:
    """How often identical arms are found to differ, and how often a second arm that takes 3 % longer is found."""
    pairs = PAIRS if seeds >= 20 else seeds
    print(f"\n{pairs} pairs of arms, at the default tier (bars: false <= 5 %, found together >= 80 %)")
    print(f"{'':20s}{'arms in':16s}{'workloads':>10s}{'rounds':>8s}{'false':>8s}{'found each':>12s}{'together':>10s}")
    for row in comparison_table(pairs):
        print(f"{row.drift:20s}{row.arms:16s}{row.workloads:10d}{row.rounds:8.1f}{100 * row.false_any:7.1f}%", end="")
        print(f"{100 * row.found_each:11.1f}%{100 * row.found_overall:9.1f}%", flush=True)


def calls_table(seeds: int) -> None:
    """Calls as long as bursts: ten workloads, few passes in each of four processes, in pairs of runs."""
    print(f"\n{2 * seeds} campaigns of ten nets of {LAYERS} layers in four processes (bars: coverage 92 to 98 %,")
    print("differences of two runs: 95th percentile <= 8 %, held by both intervals together >= 90 %; errors and")
    print("half-widths in percent, of confirmed items; differences are of all)")
    print(f"{'calls, bursts':28s}{'passes':>7s}  {'estimator':14s}{'coverage':>9s}{'unconfirmed':>13s}{'p95':>8s}", end="")
    print(f"{'half-width':>12s}{'run to run':>12s}{'held':>7s}")
    for (name, call_s, neighbours), passes in product(LONG_CALLS, LONG_PASSES):
        settings = {"items": 10, "passes": passes, "call_s": call_s, "layers": LAYERS, "neighbours": neighbours}
        drawn = [SimNeighbours(seed, **settings).draw() for seed in range(2 * seeds)]
        for way in (*ESTIMATORS, KNOWN):
            _print_calls(f"{name:28s}{passes:7d}  {way:14s}", [errors(one, way) for one in drawn])


def _print_calls(label: str, found: Sequence[Errors]) -> None:
    """Prints the line of an estimator over pairs of campaigns of long calls."""
    confirmed = ~np.array([one.is_unconfirmed for one in found])
    error, half = np.array([one.error for one in found]), np.array([one.half_width for one in found])
    print(label, end="")
    if not confirmed.any():
        print(f"{'-':>9s}{1:13.3f}", flush=True)
        return
    covered = (np.abs(error) <= half)[confirmed].mean()
    worst, middle = np.quantile(np.abs(error)[confirmed], 0.95), np.nanmedian(half[confirmed])
    apart, both = np.abs(error[::2] - error[1::2]), half[::2] + half[1::2]
    is_known = ~np.isnan(apart)
    print(f"{covered:9.3f}{1 - confirmed.mean():13.3f}{100 * worst:8.2f}{100 * middle:12.2f}", end="")
    print(f"{100 * np.quantile(apart[is_known], 0.95):12.2f}{(apart <= both)[is_known].mean():7.3f}", flush=True)


def estimated(seed: int, passes: int, kind: str = "random") -> tuple[float, int, dict[str, Errors]]:
    """Returns the duty of a simulated campaign's neighbours, its uncontended blocks, and what every estimator makes of it.

    Args:
        seed: Seed of the campaign.
        passes: Passes in each process.
        kind: Way in which neighbours are drawn: ``random``, ``busy``, ``crowded``, ``host`` or ``shared``.
    """
    campaign: SimNeighbours = replace(getattr(SimNeighbours, kind)(seed, passes), slices=SLICES)
    drawn = campaign.draw()
    return campaign.duty, int((drawn.delay < UNSLOWED).sum()), {name: errors(drawn, name) for name in IN_TURN}


def neighbours_table(seeds: int, passes: Sequence[int] = PASSES, jobs: int = 1) -> None:
    """Workloads measured in turn beside one or two neighbours: 20 campaigns a seed, every estimator on the same blocks."""
    count = CAMPAIGNS * seeds
    processes = SimNeighbours(0).processes
    counts = "; ".join(f"{one} passes a process, {processes * one} in all" for one in passes)
    print(f"\n{count} campaigns of 12 to 40 workloads in {processes} processes beside neighbours: {counts}")
    print("(bars: coverage 92 to 98 %, unconfirmed <= 10 % at 10 passes and a duty of 50 %, 95th percentile of the error")
    print("<= 2 % at 60; errors and half-widths in percent, confirmed items only; two states are fitted with a level)")
    _print_columns()
    for number in passes:
        with ProcessPoolExecutor(jobs) as pool:
            campaigns = list(pool.map(estimated, range(count), repeat(number)))
        for name in IN_TURN:
            _print_errors(number, processes, name, [found[name] for _, _, found in campaigns])
        half = [found[OURS] for duty, _, found in campaigns if HALF[0] <= duty <= HALF[1]]
        if half:
            low, high = (100 * one for one in HALF)
            _print_errors(number, processes, f"  duty {low:.0f} to {high:.0f} %, {len(half)} campaigns", half)


def crowded_table(seeds: int, passes: Sequence[int] = PASSES, jobs: int = 1) -> None:
    """The same where the machine is hardly ever uncontended; campaigns without such blocks can tell nothing of it."""
    count, processes = CAMPAIGNS * seeds, SimNeighbours(0).processes
    for kind, label in CROWDED.items():
        print(f"\n{count} campaigns of 8 to 29 workloads in {processes} processes beside {label}, of them those with")
        print(f"{SEEN_BLOCKS[kind]} or more uncontended blocks (errors and half-widths in percent, confirmed items only)")
        _print_columns()
        for number in passes:
            with ProcessPoolExecutor(jobs) as pool:
                campaigns = list(pool.map(estimated, range(count), repeat(number), repeat(kind)))
            seen = [found for _, blocks, found in campaigns if blocks >= SEEN_BLOCKS[kind]]
            for name in IN_TURN:
                _print_errors(number, processes, f"{name}, {len(seen)} campaigns", [found[name] for found in seen])


def others_table(seeds: int, passes: Sequence[int] = PASSES, jobs: int = 1) -> None:
    """Two campaigns of the same workloads beside other neighbours: each one's difference less the mean of all others."""
    print(f"\n{2 * seeds} pairs of campaigns of the same workloads beside neighbours of their own (bar: coverage >= 93 %;")
    print("half-widths in percent: of the difference less the others', and of the difference by the intervals of both)")
    print(f"{'neighbours':12s}{'workloads':>10s}{'passes':>8s}{'unconfirmed':>13s}{'coverage':>10s}", end="")
    print(f"{'half-width':>12s}{'of both':>9s}")
    for kind, workloads, number in product(("random", *CROWDED), WORKLOADS, passes):
        with ProcessPoolExecutor(jobs) as pool:
            given = (range(2 * seeds), repeat(workloads), repeat(number), repeat(kind))
            error, half, stated, is_unconfirmed = np.concatenate(list(pool.map(against, *given))).T
        print(f"{kind:12s}{workloads:10d}{number:8d}{is_unconfirmed.mean():13.3f}", end="")
        print(f"{np.mean(np.abs(error) <= half):10.3f}{100 * np.median(half):12.1f}", end="")
        print(f"{100 * np.nanmedian(stated):9.1f}", flush=True)


def _print_columns() -> None:
    print(f"{'passes':>6s}{'in all':>8s}  {'estimator':28s}{'coverage':>9s}{'unconfirmed':>13s}", end="")
    print(f"{'median':>8s}{'p95':>8s}{'half-width':>12s}")


def _print_errors(passes: int, processes: int, label: str, found: Sequence[Errors]) -> None:
    """Prints the line of an estimator over campaigns."""
    confirmed = ~np.concatenate([one.is_unconfirmed for one in found])
    size = np.abs(np.concatenate([one.error for one in found]))[confirmed]
    half = np.concatenate([one.half_width for one in found])[confirmed]
    print(f"{passes:6d}{processes * passes:8d}  {label:28s}", end="")
    if not confirmed.any():
        print(f"{'-':>9s}{1:13.3f}", flush=True)
        return
    print(f"{np.mean(size <= half):9.3f}{1 - confirmed.mean():13.3f}{100 * np.median(size):8.2f}", end="")
    print(f"{100 * np.quantile(size, 0.95):8.2f}{100 * np.nanmedian(half):12.2f}", flush=True)


def numbers(text: str) -> list[int]:
    """Reads positive whole numbers with commas between them."""
    try:
        found = [int(one) for one in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of numbers of passes; write 3,10,60")
    return found


TABLES = {
    "drift": drift_table,
    "noise": noise_table,
    "null": null_table,
    "compare": compare_table,
    "neighbours": neighbours_table,
    "crowded": crowded_table,
    "others": others_table,
    "calls": calls_table,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], metavar="TABLE")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--passes", type=numbers, default=list(PASSES), help="passes a process beside neighbours (3,10,60)")
    parser.add_argument("--jobs", type=int, default=1, help="campaigns beside neighbours that are simulated at a time (1)")
    parser.add_argument("--published", type=Path, metavar="FOLDER")
    given = parser.parse_args()
    for name in ("neighbours", "crowded", "others"):
        TABLES[name] = partial(TABLES[name], passes=given.passes, jobs=given.jobs)
    for table in given.tables or TABLES:
        TABLES[table](max(given.seeds, NULL_SEEDS) if table == "null" and given.seeds >= 20 else given.seeds)
    if given.published is not None:
        for show in published.TABLES.values():
            show(given.published, max(1, given.seeds // 2))
