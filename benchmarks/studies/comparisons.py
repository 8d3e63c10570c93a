"""False alarms and power of comparisons, over pairs of simulated arms."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.campaign.comparisons.differences import Comparison, differences
from hwcost.campaign.estimates.time_model import TimeModel, VisitTable, fit_time_model
from hwcost.campaign.plans.visit_order import classes
from hwcost.testing.faults import Faults
from hwcost.testing.sim_campaign import BLOCKS, SimCampaign
from hwcost.timing.measurement import Measurement, Visit
from hwcost.timing.protocol import TIERS
from hwcost.workloads import SyntheticWorkload

VISIT_NOISE = 0.008
"""Standard deviation of a visit's median."""

MEDIAN_TO_MEAN = 1.2533
"""Standard error of a median over that of a mean, for normal noise."""

BASE = Faults(noise=VISIT_NOISE * math.sqrt(BLOCKS) / MEDIAN_TO_MEAN, process=0.01)
"""Noise of every visit, and 1 % that an item keeps through a round, that is, through a process."""

DRIFTS = {
    "no drift": BASE,
    "ramp 12 %": replace(BASE, ramp=0.12),
    "5 steps, sd 8 %": replace(BASE, steps=5, step_sd=0.08),
    "slow walk, sd 5 %": replace(BASE, walk_sd=0.05, walk_s=100.0),
}
"""Drifts of the machine meanwhile."""

DIFFERENCE = 0.03
"""Relative increase of latency in the second arm where there is a difference to find."""


@dataclass(frozen=True)
class ComparisonRow:
    """The verdicts of comparisons of one kind, as shares.

    Attributes:
        drift: Name of the drift.
        arms: ``one campaign``, or ``two campaigns`` one after the other.
        workloads: Workloads of each arm.
        pairs: Pairs of arms.
        rounds: Mean number of rounds that the default tier took.
        false_any: Pairs of identical arms with any FASTER or SLOWER, over all workloads or all of them together.
        found_each: Workloads that were called SLOWER where the second arm takes 3 % longer.
        found_overall: The same for all workloads together.
    """

    drift: str
    arms: str
    workloads: int
    pairs: int
    rounds: float
    false_any: float
    found_each: float
    found_overall: float


@dataclass
class _Tally:
    """Verdicts on many pairs: whether any was hit, the share of the workloads, and all of them together."""

    any: list[bool] = field(default_factory=list)
    each: list[float] = field(default_factory=list)
    overall: list[bool] = field(default_factory=list)

    def add(self, found: Comparison, wanted: tuple[str, ...]) -> None:
        hits = [one.verdict in wanted for one in found.workloads]
        self.each.append(float(np.mean(hits)))
        self.overall.append(found.overall.verdict in wanted)
        self.any.append(any(hits) or self.overall[-1])


def comparison_table(pairs: int = 200, seed: int = 0) -> Iterator[ComparisonRow]:
    """Simulates pairs of arms under every drift: in one campaign with ten workloads an arm or one, and in two campaigns.

    Yields a row after another, since all of them take minutes.

    Args:
        pairs: Pairs of each kind.
        seed: Equal seeds give equal tables.
    """
    kinds = [(10, True), (1, True), (10, False)]
    yield from (comparison_row(drift, n, together, pairs, seed) for n, together in kinds for drift in DRIFTS)


def comparison_row(drift: str, workloads: int, is_together: bool, pairs: int, seed: int = 0) -> ComparisonRow:
    """Simulates pairs of one kind; see :func:`comparison_table`."""
    same, slower, rounds = _Tally(), _Tally(), []
    for number in range(pairs):
        a, b = _arms(DRIFTS[drift], workloads, is_together, seed * pairs + number)
        rounds.append(statistics.mean(m.n_rounds for m in (*a, *b)))
        same.add(differences(a, b, is_together=is_together), ("FASTER", "SLOWER"))
        slower.add(differences(a, [_scaled(m) for m in b], is_together=is_together), ("SLOWER",))
    return ComparisonRow(
        drift,
        "one campaign" if is_together else "two campaigns",
        workloads,
        pairs,
        statistics.mean(rounds),
        float(np.mean(same.any)),
        float(np.mean(slower.each)),
        float(np.mean(slower.overall)),
    )


@dataclass(frozen=True)
class Twins(SimCampaign):
    """A campaign in which items of equal number, modulo ``kinds``, are of one size and class.

    Attributes:
        kinds: Number of different workloads.
    """

    kinds: int = 1

    @cached_property
    def sizes(self) -> Floats:
        """See the base class."""
        own = np.random.default_rng([self.seed // 2, 2]).normal(-3.0, 0.5, self.kinds)
        return np.resize(own, self.n_items)

    @cached_property
    def groups(self) -> Indices:
        """See the base class; derived from one item of each kind."""
        found = classes({f"{i:06d}": float(size) for i, size in enumerate(self.sizes[: self.kinds])})
        return np.resize([found[f"{i:06d}"] for i in range(self.kinds)], self.n_items)


def _arms(faults: Faults, n: int, is_together: bool, number: int) -> tuple[list[Measurement], list[Measurement]]:
    """Measures two arms of n workloads, in one campaign or in two."""
    if is_together:
        both = _measured(faults, 2 * n, n, 2 * number)
        return both[:n], both[n:]
    return _measured(faults, n, n, 2 * number), _measured(faults, n, n, 2 * number + 1)


def _measured(faults: Faults, n_items: int, kinds: int, seed: int) -> list[Measurement]:
    """Measures a campaign, extended by further rounds until every interval is as narrow as the default tier wants."""
    protocol = TIERS["standard"]
    rounds = protocol.rounds
    while True:
        table = Twins(seed, faults, n_items, rounds, kinds=kinds).table()
        model = fit_time_model(table)
        widest = float(model.half_width.max())
        if widest <= protocol.half_width or rounds == protocol.max_rounds:
            return _measurements(table, model, kinds)
        needed = rounds if math.isnan(widest) else math.ceil(rounds * (widest / protocol.half_width) ** 2)
        rounds = min(protocol.max_rounds, max(rounds + 1, (rounds + needed) // 2))


def _measurements(table: VisitTable, model: TimeModel, kinds: int) -> list[Measurement]:
    """Makes measurements from a time model; items of one kind are one workload."""
    found = []
    for i in range(len(model.item)):
        work = SyntheticWorkload(f"w{i % kinds}", flops=1)
        rows = np.flatnonzero(table.item == i)
        visits = tuple(
            Visit(work.key, int(table.round[row]), int(row), samples_s=(math.exp(float(table.y[row])),)) for row in rows
        )
        latency_s = math.exp(float(model.item[i]))
        half = None if math.isnan(model.half_width[i]) else float(model.half_width[i])
        found.append(Measurement(work, "fit", latency_s, half, len(rows), visits))
    return found


def _scaled(m: Measurement) -> Measurement:
    """Returns the measurement as if every call had taken longer."""
    visits = tuple(replace(v, samples_s=tuple((1 + DIFFERENCE) * sample for sample in v.samples_s)) for v in m.visits)
    return replace(m, latency_s=(m.latency_s or 0.0) * (1 + DIFFERENCE), visits=visits)
