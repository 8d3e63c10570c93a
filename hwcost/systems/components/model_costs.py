"""Cost models as the cost of gates, relative to the whole net, so that penalties weigh as they do with measured shares."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost.cost_models import CostModel
from hwcost.spaces import Architecture

Floats = NDArray[np.float64]


class ModelCosts:
    """What gates cost by cost models of a component net, in shares of the net with all gates open, or in percent.

    Models of several sequence lengths are added up: a net's cost is then its mean latency over lengths against that of the
    whole net, which is the speed that section 5.3 reports.

    SDO asks any cost model what its nets cost. DO follows the mean cost of gates that are open with a probability, which
    takes a cost model with ``expected()``, such as ``lut``.

    Args:
        *costs: Fitted cost models of a space of components, one for each sequence length.
        total: Cost of the net with all gates open: 1 for shares, 100 for percent.
    """

    name = "gate_cost"

    def __init__(self, *costs: CostModel, total: float = 1.0) -> None:
        self.costs, self.space = costs, costs[0].space
        base = self.space.base()  # type: ignore[attr-defined]
        self.whole = sum(float(cost(base)) for cost in costs) / total

    def __call__(self, arch: Architecture) -> float:
        """Returns the cost of one architecture."""
        return sum(float(cost(arch)) for cost in self.costs) / self.whole

    def predict_codes(self, codes: NDArray[Any]) -> Floats:
        """Returns the costs of n architectures by their codes, shape (n,)."""
        return np.asarray(sum(cost.predict_codes(codes) for cost in self.costs) / self.whole)

    def expected(self, probabilities: Any) -> Any:
        """Returns the mean cost when every gate is drawn by itself.

        Args:
            probabilities: Probability of each gate to be open, in the order of the genes: an array, or a tensor that
                gradients reach.

        Raises:
            UsageError: When the cost model has no such mean.
        """
        flat = probabilities.reshape(-1)
        stack = np.stack if isinstance(flat, np.ndarray) else _torch_stack
        open_or_not = [stack([1 - one, one]) for one in flat]
        return sum(cost.expected(open_or_not) for cost in self.costs) / self.whole

    def of_gates(self, gates: Any = None) -> Floats:
        """Returns what opening each gate adds to the mean cost, shape (genes,); not below 0.

        Args:
            gates: Probability of each gate to be open; None for the whole net.

        Raises:
            UsageError: When the cost model has no mean over gates.
        """
        import torch

        at = self.space.base().genes if gates is None else gates  # type: ignore[attr-defined]
        point = torch.tensor(np.asarray(at, dtype=np.float64).reshape(-1), requires_grad=True)
        self.expected(point).backward()
        assert point.grad is not None
        return np.asarray(np.maximum(point.grad.numpy(), 0.0))


def _torch_stack(parts: Any) -> Any:
    import torch

    return torch.stack(parts)
