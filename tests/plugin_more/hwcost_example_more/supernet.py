"""The supernet of the space ``mlp``: the first channels of every block, and the first blocks."""

from __future__ import annotations

import torch
from torch import nn
from torch.func import functional_call

from hwcost.spaces import Architecture
from hwcost.supernets.base import Supernet, initialise


class MlpSupernet(Supernet):
    """Every net of the space in the weights of the largest."""

    def full(self) -> nn.Module:
        """Makes the module that holds every weight."""
        return self.blueprint(self.largest()).build()

    def largest(self) -> Architecture:
        """Returns the net with the most and the widest blocks."""
        return self.space.architecture([gene.choices[-1] for gene in self.space.genes])

    def smallest(self) -> Architecture:
        """Returns the net with the fewest and the narrowest blocks."""
        return self.space.architecture([gene.choices[0] for gene in self.space.genes])

    def initialise(self, seed: int) -> None:
        """Fills the weights; equal seeds give equal numbers."""
        initialise(self.weights, seed)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Runs the chosen net on ids (B, S)."""
        return functional_call(self.net, self.tensors(), (input_ids,), strict=True)
