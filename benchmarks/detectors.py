"""How often detectors of changes cry wolf, and how often they find a change, on histories with known truth.

Run: ``python benchmarks/detectors.py [--series N] [--peers PYTHON]``. PYTHON is an interpreter with ``asv`` and
``apache-otava``, such as ``.venv-tools/bin/python``, which ``make test-tools`` makes: they need an environment of their own.

Histories have 60 nights and a noise of 2 %, either independent from night to night (iid) or correlated by 0.5 (AR); a change
comes with night 45. A false alarm is any change in a quiet history; a change is found when one of the right sign lies within
4 nights of it, once all nights are known, and in time when it is found so by its fourth night. After an alarm of hwcost both
codes, that of the last night that is surely before the change and that of the first surely after it, are measured again in
one campaign: rounds of both with fresh noise, and a look after each of them, until the change is confirmed or refuted.

A second table is of measuring again alone: alarms of 5 % at which the codes differ by nothing, or by so much, with an
interval that holds at every look and with one that holds at a single one. A third is of histories in which nights are
unconfirmed, with errors as large as their intervals say, or smaller: full nights alone, all nights alike, and weighted.

Beside them stands the best that any detector can find that knows the noise, its correlation and the size of the change, and
raises as many false alarms as hwcost does.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats, Indices
from hwcost.campaign.comparisons.differences import verdicts
from hwcost.history.changes import Change, find_changes
from hwcost.history.confirmation import Outcome, confirm
from hwcost.history.evidence import Evidence
from hwcost.history.weights import night_weights

try:
    from benchmarks.studies.detector_bound import Bound
except ImportError:  # run as a script
    from studies.detector_bound import Bound

NIGHTS = 60
SHIFTED = 45
NOISE = 0.02
CORRELATION = 0.5
NEAR = 4
SIZES = (0.03, 0.05, 0.10)
LEAST = 0.03
WINDOW = 7
MADS = 3.0
ROUNDS = 60
"""Most rounds of a confirmation."""

VAGUE = 0.06
"""Standard error of an unconfirmed night by its interval."""

UNCONFIRMED = (0.3, 0.7)
"""Shares of nights that are unconfirmed."""

OVERSTATED = (1.0, 0.3)
"""Sizes of errors over what intervals say."""

Alarm = tuple[int, bool]
"""Night of an alarm, and whether it says slower."""

Detector = Callable[[Floats], list[Alarm]]


def history(seed: int, correlation: float, shift: float = 0.0) -> Floats:
    """Draws log latencies of all nights."""
    draws = np.random.default_rng(seed).normal(0.0, NOISE, NIGHTS)
    for night in range(1, NIGHTS):
        draws[night] = correlation * draws[night - 1] + np.sqrt(1 - correlation**2) * draws[night]
    draws[SHIFTED:] += np.log1p(shift)
    return np.asarray(draws)


def previous(y: Floats) -> list[Alarm]:
    """A night that differs from the one before by more than 5 %."""
    ratio = np.exp(np.diff(y)) - 1
    return [(int(k) + 1, bool(ratio[k] > 0)) for k in np.flatnonzero(np.abs(ratio) > 0.05)]


def medians(y: Floats) -> list[Alarm]:
    """A median of 7 nights that differs from that of the 7 before by 3 median absolute deviations and 3 %."""
    found = []
    for k in range(WINDOW, len(y) - WINDOW + 1):
        before, after = y[k - WINDOW : k], y[k : k + WINDOW]
        step = float(np.median(after) - np.median(before))
        mad = float(np.median(np.abs(before - np.median(before))))
        if abs(step) > max(MADS * 1.4826 * mad, np.log1p(LEAST)):
            found.append((k, step > 0))
    return found


def hwcost(y: Floats) -> list[Alarm]:
    """What hwcost finds."""
    return [(one.at, one.log_ratio > 0) for one in find_changes(y)]


RULES: Mapping[str, Detector] = {"latest against previous, 5 %": previous, "medians of 7, 3 MAD and 3 %": medians}


def measured_again(
    change: Change, truth: float, rng: np.random.Generator, at_one_look: bool = False
) -> tuple[Outcome, int]:
    """Measures both codes again, with fresh noise in every round, until it is known.

    Args:
        change: Change of the history.
        truth: Log ratio of both codes.
        rng: Source of the noise.
        at_one_look: Whether the interval is Student's, which holds at a single look.

    Returns:
        The outcome, and the number of rounds.
    """
    from scipy import special

    drawn = truth + np.sqrt(2) * NOISE * rng.standard_normal(ROUNDS)
    for n in range(3, ROUNDS + 1):
        y = drawn[:n]
        mean, half = Evidence(y, np.ones(n)).interval()
        if at_one_look:
            half = float(special.stdtrit(n - 1, 0.975) * y.std(ddof=1) / np.sqrt(n))
        (again,) = verdicts(["net"], np.array([mean]), np.array([half]))
        outcome = confirm(change, again)
        if outcome != "ambiguous":
            return outcome, n
    return "ambiguous", ROUNDS


def confirmed(seed: int, y: Floats, truth: Floats) -> list[Alarm]:
    """What is left of hwcost's alarms once both codes were measured again."""
    rng = np.random.default_rng([seed, 5])
    return [
        (one.at, one.log_ratio > 0)
        for one in find_changes(y)
        if measured_again(one, float(truth[one.latest] - truth[one.earliest - 1]), rng)[0] == "confirmed"
    ]


def is_found(alarms: Sequence[Alarm]) -> bool:
    """Says whether an alarm of the right sign lies near the change."""
    return any(abs(at - SHIFTED) <= NEAR and up for at, up in alarms)


def in_time(y: Floats) -> bool:
    """Says whether hwcost finds a change by its fourth night."""
    return any(is_found(hwcost(y[:last])) for last in range(SHIFTED + 1, SHIFTED + NEAR + 1))


def peers(python: Path, cases: Sequence[Floats]) -> dict[str, list[list[Alarm]]]:
    """Asks other tools, which see latencies rather than their logarithms."""
    script = Path(__file__).parent / "studies" / "detector_peers.py"
    given = json.dumps({"series": [np.exp(y).tolist() for y in cases]})
    found = json.loads(subprocess.run([python, script], input=given, capture_output=True, text=True, check=True).stdout)
    return {name: [[(at, up) for at, up in one] for one in alarms] for name, alarms in found.items()}


def truth_of(shift: float) -> Floats:
    """The true log latency of every night."""
    return np.where(np.arange(NIGHTS) < SHIFTED, 0.0, np.log1p(shift))


def all_alarms(count: int, correlation: float, shift: float, python: Path | None) -> dict[str, list[list[Alarm]]]:
    """Alarms of every detector on the histories of a case."""
    cases = [history(seed, correlation, shift) for seed in range(count)]
    found = {name: [rule(y) for y in cases] for name, rule in RULES.items()}
    found |= peers(python, cases) if python else {}
    found["hwcost"] = [hwcost(y) for y in cases]
    truth = truth_of(shift)
    found["hwcost, confirmed"] = [confirmed(seed, y, truth) for seed, y in enumerate(cases)]
    return found


def show_bound(count: int, correlation: float, false: float) -> None:
    """Prints what the best possible detector finds at as many false alarms, and what both find by the fourth night."""
    quiet = [history(seed, correlation) for seed in range(count)]
    bounds = [Bound(NOISE, correlation, float(np.log1p(size)), NEAR) for size in SIZES]
    changed = [[history(seed, correlation, size) for seed in range(count)] for size in SIZES]
    hits = [bound.found(quiet, case, SHIFTED, false) for bound, case in zip(bounds, changed, strict=True)]
    print(f"{'best possible':32s}{100 * false:8.1f}{'':26s}", *(f"{100 * x:5.1f}" for x in hits))
    place = SIZES.index(0.05)
    timely, early = (float(np.mean([in_time(y) for y in case])) for case in (changed[place], quiet))
    best = bounds[place].in_time(SHIFTED + NEAR, SHIFTED, early)
    said = f"hwcost finds 5 % by the fourth night in {100 * timely:.1f} %, and so in {100 * early:.1f} % of the quiet ones"
    print(f"{said}\nat as many, a detector that knows the place finds {100 * best:.1f} %")


def show_measuring_again(count: int) -> None:
    """Prints what becomes of alarms of 5 %, by what the codes differ."""
    alarm = Change(SHIFTED, SHIFTED - 1, SHIFTED + 1, float(np.log1p(0.05)), 1e-3)
    print(f"\nmeasuring again alone, {count} alarms of 5 % each (%)")
    print(f"{'codes differ by':32s}{'confirmed':>10s}{'refuted':>10s}{'open':>8s}{'rounds':>8s}   at one look: confirmed")
    for size in (0.0, LEAST / 3, *SIZES):
        found, once = (
            [
                measured_again(alarm, float(np.log1p(size)), np.random.default_rng([seed, 7]), at_one_look)
                for seed in range(count)
            ]
            for at_one_look in (False, True)
        )
        shares = [np.mean([outcome == name for outcome, _ in found]) for name in ("confirmed", "refuted", "ambiguous")]
        rounds = np.median([n for _, n in found])
        naive = np.mean([outcome == "confirmed" for outcome, _ in once])
        print(f"{100 * size:.0f} %".ljust(34), *(f"{100 * x:8.1f}" for x in shares), f"{rounds:8.0f}{100 * naive:14.1f}")


def unconfirmed(seed: int, share: float, size: float, shift: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Draws log latencies of all nights, and which of them are confirmed."""
    rng = np.random.default_rng([seed, 9])
    full = rng.random(NIGHTS) >= share
    return history(seed, 0.0, shift) + np.where(full, 0.0, size * VAGUE * rng.standard_normal(NIGHTS)), full


def show_unconfirmed(count: int) -> None:
    """Prints how often changes are found in histories with unconfirmed nights, by how these count."""
    half = np.full(NIGHTS, 1.96 * VAGUE)
    print(f"\nunconfirmed nights, {count} histories of each case (%)")
    print(f"{'unconfirmed, size of errors':32s}{'nights':>16s}{'false':>8s}   5 % found, by the fourth night")
    for share in UNCONFIRMED:
        for size in OVERSTATED:
            quiet, moved = ([unconfirmed(seed, share, size, by) for seed in range(count)] for by in (0.0, 0.05))
            ways: dict[str, Callable[[Floats, NDArray[np.bool_]], list[Alarm]]] = {
                "full ones alone": lambda y, full: _placed(find_changes(y[full]), np.flatnonzero(full)),
                "all alike": lambda y, full: _placed(find_changes(y), np.arange(len(y))),
                "weighted": lambda y, full: _placed(
                    find_changes(y, night_weights(y, half[: len(y)], full)), np.arange(len(y))
                ),
            }
            for name, way in ways.items():
                false = np.mean([bool(way(y, full)) for y, full in quiet])
                found = np.mean([is_found(way(y, full)) for y, full in moved])
                lasts = range(SHIFTED + 1, SHIFTED + NEAR + 1)
                timely = np.mean([any(is_found(way(y[:n], full[:n])) for n in lasts) for y, full in moved])
                title = f"{share:.0%}, {size:g} of the interval's"
                print(f"{title:32s}{name:>16s}{100 * false:8.1f}{100 * found:12.1f}{100 * timely:12.1f}")


def _placed(changes: Sequence[Change], nights: Indices) -> list[Alarm]:
    return [(int(nights[one.at]), one.log_ratio > 0) for one in changes]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=1000, help="Number of histories of each case.")
    parser.add_argument("--peers", type=Path, help="Python that has asv and apache-otava.")
    given = parser.parse_args()
    sizes = "  ".join(f"{100 * size:.0f} %" for size in SIZES)
    for name, correlation in (("iid", 0.0), (f"AR {CORRELATION}", CORRELATION)):
        print(f"\n{name}, {given.series} histories of each case (%)")
        print(f"{'detector':32s}{'false':>8s}{'slower':>8s}{'faster':>8s}   found: {sizes}")
        quiet = all_alarms(given.series, correlation, 0.0, given.peers)
        shifted = [all_alarms(given.series, correlation, size, given.peers) for size in SIZES]
        for detector, alarms in quiet.items():
            share = [np.mean([bool(one) for one in alarms])]
            share += [np.mean([any(up == slower for _, up in one) for one in alarms]) for slower in (True, False)]
            hits = [np.mean([is_found(one) for one in case[detector]]) for case in shifted]
            print(f"{detector:32s}", *(f"{100 * x:7.1f}" for x in share), "         ", *(f"{100 * x:5.1f}" for x in hits))
        show_bound(given.series, correlation, float(np.mean([bool(one) for one in quiet["hwcost"]])))
    show_measuring_again(given.series)
    show_unconfirmed(given.series)


if __name__ == "__main__":
    main()
