# mypy: allow-subclassing-any
"""Prefix slicing of a homogeneous encoder, and AutoDistil's SuperLM, which is that with a teacher's weights.

Source: Xu et al., "AutoDistil", section 3.1 (bottom-left extraction) and the released code: a subnet has the first channels
of every matrix, the first heads, and layers spread evenly over the teacher's.
"""

from __future__ import annotations

import torch
from torch import nn

from hwcost.errors import UsageError
from hwcost.spaces.autodistil import TEACHER_HEADS, TEACHER_LAYERS, TEACHER_RATIO, AutoDistil
from hwcost.spaces.base import Architecture
from hwcost.spaces.transformer import TOKEN_TYPES, Transformer
from hwcost.supernets.base import Supernet, prefix
from hwcost.workloads.modules import Pooler
from hwcost.workloads.transformer_model import TransformerModel

LAYER_RULES = ("alternate", "top")
"""Rules by which a net of fewer layers keeps some of the supernet's."""

_BY_HEAD = ("attention.query", "attention.key", "attention.value")


def kept_layers(depth: int, of: int, rule: str = "alternate") -> list[int]:
    """Returns the layers that a net of fewer layers keeps, counted from 0.

    ``alternate`` keeps every ``of / depth``-th, rounded down: nine of twelve are 0, 1, 2, 4, 5, 6, 8, 9, 10; six are every
    other one (section 3.1). ``top`` drops the top layers and keeps the first ones (appendix A.0.2, Table 8).

    Args:
        depth: Number of layers of the net.
        of: Number of layers of the supernet.
        rule: ``alternate`` or ``top``.

    Raises:
        UsageError: When there is no such rule.
    """
    if rule not in LAYER_RULES:
        raise UsageError(f"unknown rule of the kept layers '{rule}'. Known: {', '.join(LAYER_RULES)}")
    return [index * of // depth if rule == "alternate" else index for index in range(depth)]


class TransformerSupernet(Supernet):
    """All homogeneous encoders of a space in one set of weights.

    Heads that share the width divide its first channels among them, however many they are; heads of a width of their own are
    the first ones.

    Args:
        space: The space, with ``elastic="homogeneous"``.
        seed: Seed of the initial weights.

    Attributes:
        layer_rule: Rule by which nets keep layers; see :func:`kept_layers`.

    Raises:
        UsageError: When layers have choices of their own.
    """

    space: Transformer
    layer_rule = "alternate"

    def __init__(self, space: Transformer, seed: int = 0) -> None:
        if space.elastic != "homogeneous":
            raise UsageError(
                f"a supernet of space '{space.name}' slices layers that are alike; got elastic='{space.elastic}'. Layers of "
                f"widths of their own are what the supernet of space 'supershaper' has"
            )
        self.layers, self.width, self.inner, self.heads, self.channels = self.sizes(space)
        super().__init__(space, seed)

    @staticmethod
    def sizes(space: Transformer) -> tuple[int, int, int, int, int]:
        """Returns layers, width, inner width of the feed-forward, heads, and channels of all heads of the full weights."""
        width, heads = max(space.hidden), max(space.heads)
        inner = round(max(space.ffn_ratio) * width)
        return max(space.layers), width, inner, heads, heads * space.head_channels(width, heads)

    def keep_layers(self, rule: str) -> None:
        """See the base class."""
        kept_layers(1, self.layers, rule)
        self.layer_rule = rule

    def full(self) -> nn.Module:
        """See the base class: the widest and deepest net, with both heads."""
        layer, space = (self.width, self.inner, self.heads, self.channels), self.space
        model = TransformerModel(
            [layer] * self.layers, self.width, "mlm", space.vocabulary, space.positions, TOKEN_TYPES, space.activation
        )
        model.pooler = Pooler(self.width)
        return model

    def largest(self) -> Architecture:
        """See the base class."""
        return self.space.architecture(gene.choices[-1] for gene in self.space.genes)

    def smallest(self) -> Architecture:
        """See the base class."""
        return self.space.architecture(gene.choices[0] for gene in self.space.genes)

    def part(self, arch: Architecture, name: str, shape: torch.Size) -> torch.Tensor:
        """See the base class; layers are those that are kept."""
        first, _, rest = name.partition(".")
        if first != "parts":
            return super().part(arch, name, shape)
        index, _, rest = rest.partition(".")
        layer = kept_layers(int(arch.genes[0]), self.layers, self.layer_rule)[int(index)]
        return self.part_of_layer(arch, rest, self.weights.get_parameter(f"parts.{layer}.{rest}"), shape)

    def part_of_layer(self, arch: Architecture, name: str, weight: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        """Returns the view of one of a kept layer's weights."""
        return prefix(weight, shape)


class AutoDistilSupernet(TransformerSupernet):
    """AutoDistil's SuperLM: the 256 nets of a sub-space in the weights of a net shaped like the teacher.

    Heads keep the teacher's channels (``heads="retained"``) or the first ``width / 12`` of them (``heads="scaled"``).

    Args:
        space: A sub-space.
        seed: Seed of the initial weights, which the teacher's replace where there are some.
    """

    space: AutoDistil

    @staticmethod
    def sizes(space: Transformer) -> tuple[int, int, int, int, int]:
        """See the base class: those of the teacher, whichever the sub-space."""
        assert isinstance(space, AutoDistil)
        width = space.sizes.width
        return TEACHER_LAYERS, width, TEACHER_RATIO * width, TEACHER_HEADS, width

    def part_of_layer(self, arch: Architecture, name: str, weight: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        """See the base class; every head keeps its first channels."""
        if name.startswith(_BY_HEAD):
            return prefix(self._heads(weight, arch), shape)
        if name == "attention.output.weight":
            return prefix(self._heads(weight.T, arch).T, shape)
        return prefix(weight, shape)

    def _heads(self, rows: torch.Tensor, arch: Architecture) -> torch.Tensor:
        """Returns the first channels of the first heads: (all channels, ...) -> (heads * channels, ...)."""
        _, hidden, _, heads = (int(gene) for gene in arch.genes)
        channels = self.space.head_channels(hidden, heads)
        return rows.unflatten(0, (self.heads, -1))[:heads, :channels].flatten(0, 1)
