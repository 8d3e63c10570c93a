"""Nets of AutoDistil's sub-spaces: their names, and what is known of them without training.

A net is named by its sub-space and its key, as in ``tiny 4_64_2_4``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from hwcost.objectives import Flops
from hwcost.spaces import Architecture
from hwcost.spaces.autodistil import TEACHER_HEADS, TEACHER_LAYERS, TEACHER_RATIO, AutoDistil
from hwcost.systems.autodistil.presets import AutoDistilPreset

if TYPE_CHECKING:
    from hwcost.cost_models import CostModel

SUBSPACES = ("tiny", "small", "base")
REFERENCE = "reference"
"""Name of the teacher's space."""

Net = tuple[str, Architecture]
"""A sub-space and one of its points."""


@dataclass(frozen=True)
class Nets:
    """The nets of a run.

    Attributes:
        preset: Preset of the run: scale, activations, and the length of the sequences that operations are counted on.
        costs: Cost models that the user gave, by sub-space.
    """

    preset: AutoDistilPreset
    costs: Mapping[str, CostModel]

    def space(self, subspace: str) -> AutoDistil:
        """Returns a sub-space, or the space ``reference`` of the teacher."""
        return space_of(self.preset, subspace)

    @cached_property
    def teacher(self) -> Net:
        """The teacher's shape."""
        space = self.space(REFERENCE)
        return REFERENCE, space.architecture((TEACHER_LAYERS, space.sizes.width, TEACHER_RATIO, TEACHER_HEADS))

    def largest(self, subspace: str) -> Architecture:
        """Returns the largest net of a sub-space."""
        space = self.space(subspace)
        return space.architecture([gene.choices[-1] for gene in space.genes])

    def key(self, net: Net) -> str:
        """Returns a net's name."""
        return f"{net[0]} {self.space(net[0]).key(net[1])}"

    def parse(self, key: str) -> Net:
        """Returns the net of a name that :meth:`key` returned."""
        subspace, _, arch = key.partition(" ")
        return subspace, self.space(subspace).parse(arch)

    def params(self, net: Net) -> int:
        """Returns the number of a net's parameters."""
        return self.space(net[0]).params(net[1])

    def flops_of(self, subspace: str) -> Flops:
        """Returns the number of operations of a sub-space's nets, at the sequence length of the campaign."""
        return Flops(self.space(subspace), seq_len=self.preset.measuring.seq_len)

    def flops(self, net: Net) -> float:
        """Returns the number of a net's operations."""
        return float(self.space(net[0]).flops(net[1], self.preset.measuring.seq_len))

    def printed_sizes(self, key: str) -> tuple[float, int]:
        """Returns the multiply-adds and the parameters of a net by its name, both as the paper counts them."""
        subspace, arch = self.parse(key)
        space = self.space(subspace)
        macs = space.flops(arch, self.preset.measuring.seq_len, accounting="paper") / 2
        return macs, space.params(arch, "paper")

    def predicted_s(self, net: Net) -> float | None:
        """Returns the latency that the user's cost model predicts for a net; None without one of its sub-space."""
        return self.costs[net[0]](net[1]) if net[0] in self.costs else None


def space_of(preset: AutoDistilPreset, subspace: str) -> AutoDistil:
    """Returns a sub-space, or the space ``reference`` of the teacher.

    Args:
        preset: The preset, which tells scale and activations.
        subspace: Name of the sub-space, or ``reference``.
    """
    activation = preset.teacher_activation if subspace == REFERENCE else preset.activation
    return AutoDistil(subspace, scale=preset.scale, activation=activation)
