# mypy: allow-subclassing-any
"""SuperShaper's supernet: BERT framed by bottlenecks, of which every layer uses the first channels.

Source: Ganesan et al., "SuperShaper", section 3.1 (sliced bottlenecks), and 4.2: the bottlenecks start as identities, so
that the full net is BERT until it is trained.
"""

from __future__ import annotations

import torch
from torch import nn

from hwcost.spaces.base import Architecture
from hwcost.spaces.supershaper import SuperShaper
from hwcost.supernets.base import Supernet
from hwcost.workloads import builder
from hwcost.workloads.builder import Blueprint
from hwcost.workloads.modules import Pooler
from hwcost.workloads.supershaper_model import merge
from hwcost.workloads.weights import Uninitialised


class SuperShaperSupernet(Supernet):
    """All shapes of SuperShaper in one set of weights.

    Args:
        space: The space; where it is merged, extracted nets have their bottlenecks composed.
        seed: Seed of the initial weights.
    """

    space: SuperShaper

    def __init__(self, space: SuperShaper, seed: int = 0) -> None:
        self.trained = builder(SuperShaper(scale=space.scale))
        super().__init__(space, seed)

    def full(self) -> nn.Module:
        """See the base class: every layer as wide as it gets, with both heads."""
        model = self.running(self.largest(), "mlm").build()
        model.pooler = Pooler(self.space.sizes.backbone_width)
        return model

    def largest(self) -> Architecture:
        """See the base class."""
        return self.space.architecture(self._equal(-1))

    def smallest(self) -> Architecture:
        """See the base class."""
        return self.space.architecture(self._equal(0))

    def _equal(self, index: int) -> list[int]:
        return [self.space.sizes.widths[index]] * self.space.sizes.layers

    def initialise(self, seed: int) -> None:
        """Fills the weights; the bottlenecks become identities without bias."""
        super().initialise(seed)
        with torch.no_grad():
            for layer in self.weights.layers:
                for bottleneck in (layer.enter, layer.leave):
                    nn.init.eye_(bottleneck.weight)

    def running(self, arch: Architecture, head: str | None = None) -> Blueprint:
        """See the base class: bottlenecks are trained unmerged."""
        unmerged = self.trained.space.made(self.space.as_architecture(arch).genes)
        return self.trained.blueprint(unmerged, head)

    def extract(self, arch: Architecture, head: str | None = None) -> nn.Module:
        """See the base class; merged when the space is."""
        model = super().extract(arch, head)
        if not self.space.merged:
            return model
        with torch.device("meta"), Uninitialised():
            merged = self.blueprint(arch, head).build()
        return merge(model, merged).eval().requires_grad_(True)
