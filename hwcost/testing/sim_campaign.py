"""Whole campaigns on a simulated device, drawn as arrays: what a device's visits would give, without running any.

Every visit lasts one second and is the median of a fixed number of blocks. Order, rounds and classes are those of real
campaigns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hwcost._cached import cached_property
from hwcost._types import Floats, Indices
from hwcost.campaign.estimates.time_model import VisitTable
from hwcost.campaign.plans import visit_order
from hwcost.testing.faults import Faults, LevelPath, draw_blocks

BLOCKS = 10
"""Blocks of a visit."""

NOISE = 0.04
"""Noise of a block: 1.5 % for a visit of ten blocks, 0.75 % for four of them."""


@dataclass(frozen=True)
class SimCampaign:
    """A campaign of one-second visits.

    Attributes:
        seed: Seed of items, noise, drift and order.
        faults: Faults of the device; their ``span_s`` is set to the campaign's length.
        n_items: Number of workloads.
        n_rounds: Visits of each.
        order: ``rounds`` as in real campaigns, ``sorted`` by size in every round.
    """

    seed: int
    faults: Faults
    n_items: int = 400
    n_rounds: int = 4
    order: str = "rounds"

    @property
    def n(self) -> int:
        """Number of visits, and of seconds."""
        return self.n_items * self.n_rounds

    @cached_property
    def sizes(self) -> Floats:
        """Log latency of each item by the law, shape (n_items,)."""
        return np.random.default_rng([self.seed, 2]).normal(-3.0, 0.5, self.n_items)

    @cached_property
    def groups(self) -> Indices:
        """Class of each item, shape (n_items,)."""
        found = visit_order.classes({f"{i:06d}": float(size) for i, size in enumerate(self.sizes)})
        return np.array([found[f"{i:06d}"] for i in range(self.n_items)])

    @cached_property
    def items(self) -> Indices:
        """Item of each visit in the order measured, shape (n,)."""
        if self.order == "sorted":
            return np.tile(np.argsort(self.sizes), self.n_rounds)
        classes = {f"{i:06d}": int(group) for i, group in enumerate(self.groups)}
        drawn = [visit_order.order(list(classes), classes, self.seed, number) for number in range(self.n_rounds)]
        return np.array([int(key) for order in drawn for key in order])

    @cached_property
    def paths(self) -> tuple[LevelPath, ...]:
        """The level of each class."""
        faults = replace(self.faults, span_s=float(self.n))
        return tuple(LevelPath(faults, self.seed, group) for group in range(int(self.groups.max()) + 1))

    @property
    def truth(self) -> Floats:
        """Log latency of each item at its class's mean level over the campaign, shape (n_items,)."""
        law = np.zeros(self.n_items) if self.faults.ignored else self.sizes
        return np.asarray(law + np.array([path.mean for path in self.paths])[self.groups])

    def blocks(self, items: Indices, times_s: Floats, stream: int = 0) -> Floats:
        """Draws the log latencies of visits.

        Args:
            items: Item of each visit, shape (n,).
            times_s: Seconds at each of its blocks, shape (n, blocks).
            stream: Other streams give other noise on the same level.

        Returns:
            Log latency of each block, shape (n, blocks).
        """
        law = np.zeros(self.n_items) if self.faults.ignored else self.sizes
        level = np.array([path(times_s.ravel()) for path in self.paths]).reshape(len(self.paths), *times_s.shape)
        rng = np.random.default_rng([self.seed, 3, stream])
        felt = level[self.groups[items], np.arange(len(items))]
        return np.asarray(law[items][:, None] + felt + draw_blocks(self.faults, rng, times_s.shape).log)

    @cached_property
    def visits(self) -> Floats:
        """Log latency of each block of each visit, shape (n, BLOCKS)."""
        return self.blocks(self.items, np.arange(self.n)[:, None] + (np.arange(BLOCKS) + 0.5) / BLOCKS)

    def table(self) -> VisitTable:
        """Returns the visits as the time model takes them."""
        return VisitTable(
            y=np.median(self.visits, axis=1),
            item=self.items,
            round=np.repeat(np.arange(self.n_rounds), self.n_items),
            group=self.groups[self.items],
            time=np.arange(self.n, dtype=np.float64),
            weight=np.ones(self.n),
            in_level=np.ones(self.n, dtype=np.bool_),
        )
