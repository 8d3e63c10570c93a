"""The cost of a component net's gates: shares of the whole net's latency, measured once for every kind of component.

Source: Tsai et al., "Finding Fast Transformers", section 4: ``cost(w) = sum_i w_i c_i``, where ``c_i`` is profiled per
component, as the largest share over sequence lengths of 32, 128 and 512 (section 5.1). The paper gives no unit; here the
whole net costs 1, or 100 where costs are in percent, as the tables print them.
As its categories overlap (heads contain the channels of their queries, keys and values), the plain sum counts some latency
twice; ``nested`` charges channels only with heads that are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost.errors import UsageError
from hwcost.spaces import Architecture
from hwcost.spaces.components import Components
from hwcost.systems.components.paper_tables import PAPER_TABLES

Floats = NDArray[np.float64]

FORMS = ("linear", "nested")

PAPER_SHARES: dict[str, dict[str, float]] = {
    grid: {kind: max(shares) for kind, shares in table.items()} for grid, table in PAPER_TABLES.items()
}
"""Largest shares over sequence lengths on a TPU: Table 1 (BERT-base) and Table 4 (MiniBERT)."""


class GateCosts:
    """The cost of gates, in shares of the net with all of them open, or in percent. It is a cost function of architectures.

    Args:
        space: The space.
        shares: Share of the whole net's latency that all gates of a kind make together: ``ff``, ``joint`` (feed-forwards one
            behind the other, against side by side), ``qk``, ``v``, ``mean``, ``head``, and ``hjoint`` (groups of heads
            likewise) on grids with connectors between heads. Shares below 0 count as 0.
        form: ``linear``, the paper's sum, or ``nested``, which counts no latency twice.
        total: Cost of the net with all gates open: 1 for shares, 100 for percent, as Tables 1 and 4 print costs.

    Raises:
        UsageError: When a kind has no share, the form is unknown, or the total is not positive.
    """

    name = "gate_cost"

    def __init__(self, space: Components, shares: Mapping[str, float], form: str = "nested", total: float = 1.0) -> None:
        if form not in FORMS:
            raise UsageError(f"unknown form '{form}' of gate costs. Known: {', '.join(FORMS)}")
        counts = dict(space.grid.sizes)
        if set(shares) != set(counts):
            raise UsageError(f"gate costs need a share for each of {', '.join(counts)}, got {', '.join(shares) or 'none'}")
        if not total > 0:
            raise UsageError(f"the whole net has a positive cost, such as 1 or 100, got {total}")
        self.space, self.form = space, form
        gates = {kind: count * space.grid.layers for kind, count in counts.items()}
        own = {kind: max(0.0, float(shares[kind])) for kind in counts}
        if form == "nested":  # a head's own part is what its channels do not take
            own["head"] = max(0.0, own["head"] - own["qk"] - own["v"])
        self.prices = {kind: own[kind] / gates[kind] if gates[kind] else 0.0 for kind in counts}
        self._ends = np.cumsum([0, *(count for _, count in space.grid.sizes)])
        self.whole = 1.0
        self.whole = float(self._cost(np.array([space.base().genes], dtype=np.float64))[0]) / total

    def of_gates(self, gates: Any = None) -> Floats:
        """Returns what opening each gate adds to the net that has all others, in the order of the genes, shape (genes,).

        Args:
            gates: Not used: the prices do not depend on where the gates stand.
        """
        sizes, prices = self.space.grid.sizes, dict(self.prices)
        if self.form == "nested":  # a head brings its share of the channels with it
            channels = sum(prices[kind] * count for kind, count in sizes if kind in ("qk", "v"))
            prices["head"] += channels / self.space.grid.head_groups
        block = np.concatenate([np.full(count, prices[kind]) for kind, count in sizes])
        return np.tile(block, self.space.grid.layers) / self.whole

    def __call__(self, arch: Architecture) -> float:
        """Returns the cost of one architecture; the total for the net with all gates open."""
        return float(self._cost(np.array([self.space.as_architecture(arch).genes], dtype=np.float64))[0])

    def predict_codes(self, codes: NDArray[Any]) -> Floats:
        """Returns the costs of n architectures by their codes, which are the gates, shape (n,)."""
        return np.asarray(self._cost(np.asarray(codes, dtype=np.float64)))

    def expected(self, probabilities: Any) -> Any:
        """Returns the mean cost when every gate is drawn by itself; gates without effect, too, cost what they cost.

        Args:
            probabilities: Probability of each gate to be open, shape (genes,) or (blocks, gates of a block): an array, or a
                tensor that gradients reach.

        Raises:
            UsageError: When there is not one probability per gate.
        """
        flat = probabilities.reshape(-1)
        if len(flat) != len(self.space.genes):
            raise UsageError(f"expected {len(self.space.genes)} probabilities, one per gate, got {len(flat)}")
        return self._cost(flat[None])[0]

    def _cost(self, gates: Any) -> Any:
        """Sums over gates (n, genes); as gates of one block are independent, it takes probabilities as well."""
        of_block = gates.reshape(len(gates), self.space.grid.layers, -1)
        open_ = {
            kind: of_block[:, :, self._ends[place] : self._ends[place + 1]].sum(-1)
            for place, (kind, _) in enumerate(self.space.grid.sizes)
        }
        nested = open_["head"] / self.space.grid.head_groups if self.form == "nested" else 1.0
        total = sum(self.prices[kind] * open_[kind] * (nested if kind in ("qk", "v") else 1.0) for kind in open_)
        return total.sum(-1) / self.whole
