# mypy: allow-subclassing-any
"""The optimisers that the papers train with: AdamW of torch's own, and LAMB, which torch does not have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from hwcost.supernets.recipe import Recipe


class Lamb(torch.optim.Optimizer):
    """Adam whose step of every tensor is as long as a share of that tensor.

    Source: You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes", Algorithm 2.

    Args:
        parameters: Groups of parameters, as torch's optimisers take them.
        lr: Learning rate.
        betas: Decay of the two moments.
        eps: Constant added to the root of the second moment.
    """

    def __init__(self, parameters: Iterable[Any], lr: float, betas: tuple[float, float], eps: float) -> None:
        super().__init__(parameters, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": 0.0})

    def step(self, closure: None = None) -> None:
        """Takes one step."""
        with torch.no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        self._step(parameter, group)

    def _step(self, parameter: torch.Tensor, group: dict[str, Any]) -> None:
        state, (first, second) = self.state[parameter], group["betas"]
        if not state:
            state |= {"step": torch.zeros(()), "exp_avg": torch.zeros_like(parameter)}
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        state["step"] += 1
        count = float(state["step"])
        state["exp_avg"].lerp_(parameter.grad, 1 - first)
        state["exp_avg_sq"].lerp_(parameter.grad.square(), 1 - second)
        mean = state["exp_avg"] / (1 - first**count)
        deviation = (state["exp_avg_sq"] / (1 - second**count)).sqrt()
        update = mean / (deviation + group["eps"]) + group["weight_decay"] * parameter
        length, wanted = update.norm(), parameter.norm()
        trust = torch.where((length > 0) & (wanted > 0), wanted / length, torch.ones_like(length))
        parameter.sub_(group["lr"] * trust * update)


def optimizer(parameters: dict[str, torch.nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    """Makes a recipe's optimiser; weight decay is not for biases and norms, as in BERT.

    On CPUs torch's AdamW moves all weights in one call, which takes a fifth of the time of one call each.
    """
    spared = {name for name, one in parameters.items() if one.ndim <= 1 or name.endswith("bias")}
    groups = [
        {"params": [one for name, one in parameters.items() if name not in spared], "weight_decay": recipe.weight_decay},
        {"params": [one for name, one in parameters.items() if name in spared], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    common: dict[str, Any] = {"lr": recipe.learning_rate, "betas": recipe.betas, "eps": recipe.epsilon}
    if recipe.optimizer == "lamb":
        return Lamb(groups, **common)
    is_fused = all(one.device.type == "cpu" for one in parameters.values())
    return torch.optim.AdamW(groups, **common, fused=is_fused)
