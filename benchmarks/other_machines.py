"""Intervals and flags on machines that disturb in ways of their own, all simulated.

Each line is one kind of machine: the share of confirmed 95 % intervals that hold the latency of the uncontended machine,
and that hold it at the mean level of the campaign's blocks, as a latency is where a level moves; the share of workloads that
are not confirmed or have no usable visit; errors against whichever of the two is nearer; and the share of campaigns, or of
workloads, with each flag. ``one net`` is the line of the workload that alone is special.

    python benchmarks/other_machines.py --campaigns 40 [--only cron,step]
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
from studies.sim_machines import Machine, Seen, SimMachine, Slowing

QUIET = {"W_IMPRECISE", "I_PCTL_N"}
"""Flags that say nothing about the machine."""


def every(period_s: float, busy_s: float, delay: float) -> Callable[[np.random.Generator], Slowing]:
    """Returns a neighbour that computes at the beginning of every period."""

    def of(rng: np.random.Generator) -> Slowing:
        phase_s = rng.uniform(0.0, period_s)
        return lambda moment: delay * ((moment.time_s + phase_s) % period_s < busy_s)

    return of


def in_step(share: float, delay: float, pass_s: float = 12 * 0.022 * 1.1) -> Callable[[np.random.Generator], Slowing]:
    """Returns a neighbour that computes at the beginning of every pass."""
    return lambda rng: lambda moment: delay * (moment.pass_s < share * pass_s)


def bandwidth(delay: float, duty: float = 0.45, mean_s: float = 2.0) -> Callable[[np.random.Generator], Slowing]:
    """Returns a neighbour in bursts that slows the larger half of the workloads, and the largest one most."""

    def of(rng: np.random.Generator) -> Slowing:
        bursts = rng.exponential(np.tile([mean_s * (1 - duty), mean_s * duty], 4000))
        ends = np.cumsum(bursts)
        return lambda moment: delay * max(0.0, 2 * moment.size - 1) * (np.searchsorted(ends, moment.time_s) % 2)

    return of


def thermal(delay: float) -> Callable[[np.random.Generator], Slowing]:
    """Returns a machine that gets slower over the first third of a campaign."""
    return lambda rng: lambda moment: delay * min(1.0, 3 * moment.share)


def step(delay: float) -> Callable[[np.random.Generator], Slowing]:
    """Returns a machine that is slower from the middle of a campaign on."""
    return lambda rng: lambda moment: delay * (moment.share >= 0.5)


LOG = math.log

MACHINES: dict[str, Machine] = {
    "none": Machine(),
    "cron, each 10 s for 1 s, 40 %": Machine(every(10.0, 1.0, LOG(1.4))),
    "cron, each 10 s for 6 s, 40 %": Machine(every(10.0, 6.0, LOG(1.4))),
    "in step with passes, 30 %, 40 %": Machine(in_step(0.3, LOG(1.4))),
    "in step with passes, 80 %, 40 %": Machine(in_step(0.8, LOG(1.4))),
    "bandwidth, large nets 40 %": Machine(bandwidth(LOG(1.4))),
    "thermal, first third, 10 %": Machine(thermal(LOG(1.1))),
    "step half way, 8 %": Machine(step(LOG(1.08))),
    "step half way, 40 %": Machine(step(LOG(1.4))),
    "halts of 0.1 to 3 s, each 20 s": Machine(pause_every_s=20.0),
    "halts of 0.1 to 3 s, each 2 s": Machine(pause_every_s=2.0),
    "low clock 10 % for 15 ms after a heavy net": Machine(heavy=0.26, low_clock=LOG(1.1), low_clock_s=0.015),
    "low clock 25 % for 30 ms after a heavy net": Machine(heavy=0.26, low_clock=LOG(1.25), low_clock_s=0.03),
    "two code paths of one net, 15 %": Machine(paths=LOG(1.15)),
    "two code paths of one net, 3 %": Machine(paths=LOG(1.03)),
    "one net warm after 50 calls, 30 %": Machine(warmup_calls=50, cold=LOG(1.3)),
    "one net warm after 50 calls, 300 %": Machine(warmup_calls=50, cold=LOG(4.0)),
    "heavy tails, t with 2 degrees, 1 %": Machine(tail=2.0),
    "heavy tails, t with 1.2 degrees, 2 %": Machine(tail=1.2, noise=0.02),
}


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--campaigns", type=int, default=40, help="campaigns of each kind (40)")
    parser.add_argument("--passes", type=int, default=30, help="passes in each of four processes (30)")
    parser.add_argument("--only", default="", help="beginnings of names with commas between; all by default")
    given = parser.parse_args()
    chosen = tuple(given.only.split(",")) if given.only else ("",)
    print(f"{given.campaigns} campaigns of 12 workloads, {given.passes} passes in each of four processes; errors in percent")
    print(f"{'machine':44s}{'uncontended':>12s}{'mean level':>11s}{'unconfirmed':>12s}", end="")
    print(f"{'p50':>7s}{'p95':>7s}{'half':>7s}  flags")
    for name, machine in MACHINES.items():
        if name.startswith(chosen):
            found = [SimMachine(machine, seed, passes=given.passes).seen() for seed in range(given.campaigns)]
            show(name, found, slice(None))
            if machine.paths or machine.warmup_calls:
                show("  one net", found, slice(6, 7))
    return 0


def show(name: str, found: list[Seen], which: slice) -> None:
    """Prints the line of a kind of machine, or of one workload on it."""
    rows = [row for seen in found for row in list(_rows(seen))[which]]
    error, level, half, confirmed = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    kept = (confirmed > 0) & np.isfinite(half)
    nearest = np.minimum(np.abs(error), np.abs(error - level))[kept]
    flags = Counter(code for seen in found for code in {flag.code for flag in seen.fit.flags} - QUIET)
    own = Counter(
        code for seen in found for m in seen.fit.measurements[which] for code in {flag.code for flag in m.flags} - QUIET
    )
    shown = [f"{code} {100 * count / len(found):.0f} %" for code, count in flags.most_common()]
    shown += [f"{code} {100 * count / len(rows):.1f} % of nets" for code, count in own.most_common()]
    if kept.any():
        held, held_level = (np.abs(error) <= half)[kept].mean(), (np.abs(error - level) <= half)[kept].mean()
        figures = np.median(nearest), np.quantile(nearest, 0.95), np.median(half[kept])
        cells = f"{held:12.3f}{held_level:11.3f}{1 - kept.mean():12.3f}" + "".join(f"{100 * one:7.2f}" for one in figures)
    else:
        cells = f"{'-':>12s}{'-':>11s}{1:12.3f}" + f"{'-':>7s}" * 3
    print(f"{name:44s}{cells}  {', '.join(shown) or '-'}", flush=True)


def _rows(seen: Seen) -> Iterator[tuple[float, float, float, bool]]:
    """Yields error against the uncontended machine, mean level, half-width and whether it is confirmed, by workload."""
    for one, truth in zip(seen.fit.measurements, seen.truth.tolist(), strict=True):
        latency_s, half = one.latency_s, one.half_width
        known = latency_s is not None and half is not None
        error = math.log(latency_s) - truth if latency_s else math.nan
        yield error, seen.level, half or math.nan, known and one.is_confirmed


if __name__ == "__main__":
    sys.exit(main())
