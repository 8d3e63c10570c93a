"""DO, direct optimisation: gates are numbers that are trained with the weights, and pay for being open.

Source: Tsai et al., "Finding Fast Transformers", section 4.1: ``L = L_o + lambda sum_i |w_i| c_i``; gates below 1e-6 in
magnitude are dropped, and what is left is folded into the weights. An optimiser with a constant rate never reaches that
threshold: it keeps stepping over 0. Either the rate decays to 0, or a proximal step sets gates to exactly 0, the default.

This is not a registered searcher but of another family: it follows gradients through a net whose weights are trained
meanwhile. There is nothing to ask for and nothing to tell, so that a study cannot run it; whoever trains the net steps it.
torch is needed when it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwcost._extras import imported
from hwcost.errors import UsageError

__all__ = ["THRESHOLD", "Direct"]

Mode = Literal["proximal", "decay"]

THRESHOLD = 1e-6
"""Magnitude below which a gate is closed."""
PENALTY = 1e-3
"""The paper's default lambda, of 1e-2 to 1e-6 (appendix A.2), which acts in some 100,000 steps on costs in percent."""


class Direct:
    """Gates under a penalty.

    Args:
        costs: Cost of each gate when it is open, any shape; not negative.
        penalty: The paper's lambda. An open gate of no use closes where lambda times its cost times the sum of all rates is
            more than 1.
        mode: ``proximal`` takes the penalty as a step of its own after the optimiser's (soft thresholding, exact zeros);
            ``decay`` adds it to the loss, and needs a rate that decays to 0.
        start: Gates to begin with, of the same shape; None opens all.

    Attributes:
        gates: A tensor that gradients reach, of the costs' shape.

    Raises:
        MissingExtraError: When torch is not installed.
        UsageError: When a setting makes no sense.
    """

    def __init__(
        self, costs: ArrayLike, penalty: float = PENALTY, mode: Mode = "proximal", start: ArrayLike | None = None
    ) -> None:
        if mode not in ("proximal", "decay"):
            raise UsageError(f"unknown mode '{mode}' of direct optimisation. Known: decay, proximal")
        prices = np.asarray(costs, dtype=np.float64)
        if not (np.isfinite(prices).all() and (prices >= 0).all() and penalty >= 0):
            raise UsageError("costs of gates, and their penalty, must be finite and not negative")
        first = np.ones(prices.shape) if start is None else np.asarray(start, dtype=np.float64)
        if first.shape != prices.shape:
            raise UsageError(f"there is a cost for every gate: expected shape {prices.shape}, got {first.shape}")
        torch = _torch()
        self.weight, self.mode = penalty, mode
        self.costs = torch.tensor(prices, dtype=torch.float32)
        self.gates = torch.tensor(first, dtype=torch.float32, requires_grad=True)

    def to(self, device: Any) -> Direct:
        """Moves gates and costs to a device of torch, where the weights are that they are trained with.

        Args:
            device: The device; gates that are elsewhere become a new tensor, so that they are moved before it is used.
        """
        self.costs = self.costs.to(device)
        if self.gates.device != self.costs.device:
            self.gates = self.gates.detach().to(device).requires_grad_(True)
        return self

    def penalty(self) -> Any:
        """Returns ``lambda sum |w| c``; what ``decay`` adds to the loss, and 0 for ``proximal``."""
        if self.mode == "proximal":
            return self.gates.new_zeros(())
        return self.weight * (self.gates.abs() * self.costs).sum()

    def shrink(self, rate: float) -> None:
        """Takes the penalty's step after the optimiser's, at its rate; does nothing for ``decay``.

        The proximal operator of ``rate lambda c |w|``: gates move towards 0 by ``rate lambda c``, and stay there.
        """
        if self.mode == "proximal":
            torch = _torch()
            with torch.no_grad():
                left = (self.gates.abs() - rate * self.weight * self.costs).clamp(min=0.0)
                self.gates.copy_(self.gates.sign() * left)

    def step(self, rate: float) -> None:
        """Takes a plain step along the gradient that a loss has left, forgets it, and takes the penalty's step."""
        torch = _torch()
        if self.gates.grad is not None:
            with torch.no_grad():
                self.gates -= rate * self.gates.grad
        self.gates.grad = None
        self.shrink(rate)

    def update(self, rate: float) -> None:
        """Takes a plain step whose gradient holds the penalty: for ``decay`` its slope is added to that of the loss first.

        In ``decay`` a gate that the loss does not want is left at a distance of about ``rate lambda c`` from 0, so that the
        rate's last value must be small enough for ``THRESHOLD``.
        """
        if self.mode == "decay":
            self.penalty().backward()
        self.step(rate)

    def kept(self) -> NDArray[np.bool_]:
        """Says which gates are open: those above ``THRESHOLD`` in magnitude."""
        return np.asarray(self.gates.detach().abs().cpu().numpy() >= THRESHOLD)

    def minimize(
        self,
        loss: Callable[[Any, int], Any],
        weights: Iterable[Any] = (),
        steps: int = 1000,
        rate: float = 1e-2,
    ) -> Direct:
        """Trains gates, and weights with them.

        Gates take plain gradient steps where the penalty is proximal, whose step must have the optimiser's rate; Adam's
        where the rate decays. Weights take Adam's.

        Args:
            loss: Function of the gates and the step's number that returns a scalar which gradients reach.
            weights: Parameters that are trained with the gates.
            steps: Number of steps.
            rate: Learning rate of the first step; it decays to 0 linearly.

        Raises:
            UsageError: When the rate cannot decay below the threshold in so many steps.
        """
        torch = _torch()
        if self.mode == "decay" and rate / steps > THRESHOLD:
            raise UsageError(
                f"a rate of {rate:g} decays to {rate / steps:.1e} in {steps} steps, and gates keep stepping over 0 by as "
                f"much: none gets below {THRESHOLD:g}. Take more steps, a smaller rate, or mode='proximal'"
            )
        own = torch.optim.SGD([self.gates], lr=rate) if self.mode == "proximal" else torch.optim.Adam([self.gates], lr=rate)
        others = list(weights)
        optimizers = [own, *([torch.optim.Adam(others, lr=rate)] if others else [])]
        for step in range(steps):
            now = rate * (1 - step / steps)
            for one in optimizers:
                one.zero_grad(set_to_none=True)
                for group in one.param_groups:
                    group["lr"] = now
            found = loss(self.gates, step)
            (found + self.penalty()).backward()
            for one in optimizers:
                one.step()
            self.shrink(now)
        return self


def _torch() -> Any:
    return imported("torch", "torch")
