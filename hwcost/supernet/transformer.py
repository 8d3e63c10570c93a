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
from hwcost.supernet.base import Supernet, prefix
from hwcost.workloads.modules import Pooler
from hwcost.workloads.transformer_model import TransformerModel

_BY_HEAD = ("attention.query", "attention.key", "attention.value")


def kept_layers(depth: int, of: int) -> list[int]:
    """Returns the layers that a net of fewer layers keeps, counted from 0: every ``of / depth``-th, rounded down.

    Nine of twelve are 0, 1, 2, 4, 5, 6, 8, 9, 10; six are every other one ("alternate dropping", section 3.1).
    """
    return [index * of // depth for index in range(depth)]


class TransformerSupernet(Supernet):
    """All homogeneous encoders of a space in one set of weights.

    A head keeps the first of its channels: where heads share the width, narrower nets have narrower heads.

    Args:
        space: The space, with ``elastic="homogeneous"``.
        seed: Of the initial weights.

    Raises:
        UsageError: When layers have choices of their own.
    """

    space: Transformer

    def __init__(self, space: Transformer, seed: int = 0) -> None:
        if space.elastic != "homogeneous":
            raise UsageError(
                f"a supernet of space '{space.name}' slices layers that are alike; got elastic='{space.elastic}'. Layers of "
                f"widths of their own are what the supernet of space 'supershaper' has"
            )
        self.layers, self.width, self.inner, self.heads, self.head_width = self.sizes(space)
        super().__init__(space, seed)

    @staticmethod
    def sizes(space: Transformer) -> tuple[int, int, int, int, int]:
        """Returns layers, width, inner width of the feed-forward, heads, and channels of a head of the full weights."""
        channels = max(space.head_channels(hidden, heads) for hidden in space.hidden for heads in space.heads)
        inner = round(max(space.ffn_ratio) * max(space.hidden))
        return max(space.layers), max(space.hidden), inner, max(space.heads), channels

    def full(self) -> nn.Module:
        """See the base class: the widest and deepest net, with both heads."""
        layer = (self.width, self.inner, self.heads, self.heads * self.head_width)
        space = self.space
        model = TransformerModel(
            [layer] * self.layers, self.width, "mlm", space.vocabulary, space.positions, TOKEN_TYPES
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
        """See the base class; layers are those that are kept, and heads keep their first channels."""
        first, _, rest = name.partition(".")
        if first != "parts":
            return super().part(arch, name, shape)
        index, _, rest = rest.partition(".")
        depth, hidden, _, heads = (int(gene) for gene in arch.genes)
        layer = kept_layers(depth, self.layers)[int(index)]
        weight = self.weights.get_parameter(f"parts.{layer}.{rest}")
        channels = self.space.head_channels(hidden, heads)
        if rest.startswith(_BY_HEAD):
            return prefix(self._heads(weight, heads, channels), shape)
        if rest == "attention.output.weight":
            return prefix(self._heads(weight.T, heads, channels).T, shape)
        return prefix(weight, shape)

    def _heads(self, rows: torch.Tensor, heads: int, channels: int) -> torch.Tensor:
        """Returns the first channels of the first heads: (all channels, ...) -> (heads * channels, ...)."""
        return rows.unflatten(0, (self.heads, self.head_width))[:heads, :channels].flatten(0, 1)


class AutoDistilSupernet(TransformerSupernet):
    """AutoDistil's SuperLM: the 256 nets of a sub-space in the weights of a net shaped like the teacher.

    Heads keep the teacher's channels (``heads="retained"``) or the first ``width / 12`` of them (``heads="scaled"``).

    Args:
        space: A sub-space.
        seed: Of the initial weights, which the teacher's replace where there are some.
    """

    space: AutoDistil

    @staticmethod
    def sizes(space: Transformer) -> tuple[int, int, int, int, int]:
        """See the base class: those of the teacher, whichever the sub-space."""
        assert isinstance(space, AutoDistil)
        sizes = space.sizes
        return TEACHER_LAYERS, sizes.width, TEACHER_RATIO * sizes.width, TEACHER_HEADS, sizes.head_width
