# mypy: allow-subclassing-any
"""Finding Fast Transformers: a supernet whose pieces are weighed by gates and joined by connectors.

Source: Tsai et al., "Finding Fast Transformers", sections 3.1 (selection), 3.2 (connector unit) and Appendix B. Gates are
numbers that gradients reach, for direct optimisation (DO); where all are 0 or 1, the same weights are run as the plain net
that is left, which is what sampling (SDO) trains and what is extracted. :mod:`hwcost.supernets.folding` makes a net of other
gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture
from hwcost.spaces.components import POSITIONS, TOKEN_TYPES, BlockGates, Components, Grid
from hwcost.spaces.connectors import layers_of
from hwcost.supernets.base import Supernet
from hwcost.workloads.builder import Blueprint
from hwcost.workloads.modules import EPSILON, Embeddings, MlmHead, Pooler, additive_mask

__all__ = ["ComponentSupernet"]


def connect(
    output: torch.Tensor, connection: torch.Tensor, hidden: torch.Tensor, residual: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The connector unit, section 3.2.1: ``Psi(f, w)(X, R) = (X + w (f(X) + R), (1 - w) (f(X) + R))``.

    Args:
        output: ``f(X)``, (B, S, h).
        connection: ``w``: 0 keeps the next component beside this one, 1 puts it behind, between them a scaled residual.
        hidden: ``X``, (B, S, h).
        residual: ``R``, (B, S, h).
    """
    summed = output + residual
    return hidden + connection * summed, (1 - connection) * summed


def gated_norm(hidden: torch.Tensor, norm: nn.LayerNorm, mean: torch.Tensor) -> torch.Tensor:
    """A layer norm that subtracts ``mean`` times the mean, section 3.1; the deviation is taken about what is subtracted."""
    centred = hidden - mean * hidden.mean(-1, keepdim=True)
    scaled = centred * torch.rsqrt(centred.square().mean(-1, keepdim=True) + EPSILON)
    result: torch.Tensor = scaled * norm.weight + norm.bias
    return result


class ComponentBlock(nn.Module):
    """The weights of one block, as pieces that can be weighed: (B, S, h) -> (B, S, h).

    A group of heads and a piece of the feed-forward have each a bias of their own; those of pieces in one layer add up.

    Args:
        grid: The net that is taken to pieces.
    """

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self.grid, width = grid, grid.width
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.output = nn.Linear(width, width, bias=False)
        self.output_bias = nn.Parameter(torch.zeros(grid.head_groups, width))
        self.attention_norm = nn.LayerNorm(width, eps=EPSILON)
        self.grow = nn.Linear(width, grid.feed_forward)
        self.shrink = nn.Linear(grid.feed_forward, width, bias=False)
        self.shrink_bias = nn.Parameter(torch.zeros(grid.feed_forwards, width))
        self.feed_forward_norm = nn.LayerNorm(width, eps=EPSILON)

    # -- weighed by gates ----------------------------------------------------------------------------------------------

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor, gates: torch.Tensor) -> torch.Tensor:
        """Runs the block.

        Args:
            hidden: (B, S, h).
            mask: Additive, (B, 1, 1, S).
            gates: One number per gene of the block, in their order.
        """
        groups = gates.split([size for _, size in self.grid.sizes])
        feed_forwards, joints, query_keys, values, means, heads = groups[:6]
        if self.grid.head_joints:
            hidden = self._connected_heads(hidden, mask, query_keys, values, heads, groups[6])
        else:
            hidden = hidden + self._attention(hidden, mask, query_keys, values, heads)
        hidden = gated_norm(hidden, self.attention_norm, means[0])
        residual = torch.zeros_like(hidden)
        last = joints.new_zeros(1)  # whatever the last connector is, the end adds both
        for index, connection in enumerate(torch.cat([joints, last])):
            output = feed_forwards[index] * self._feed_forward(hidden, index)
            hidden, residual = connect(output, connection, hidden, residual)
        return gated_norm(hidden + residual, self.feed_forward_norm, means[1])

    def _attention(
        self, hidden: torch.Tensor, mask: torch.Tensor, query_keys: torch.Tensor, values: torch.Tensor, heads: torch.Tensor
    ) -> torch.Tensor:
        """Gates of queries and keys weigh the similarities of their channels; those of values and heads what comes out."""
        grid = self.grid
        channels = grid.width // grid.heads // grid.parts
        of_heads = heads.repeat_interleave(grid.heads // grid.head_groups)
        query, key, value = (
            part(hidden).unflatten(-1, (grid.heads, -1)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        query = query * query_keys.repeat_interleave(channels)
        value = value * values.repeat_interleave(channels) * of_heads[:, None, None]
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        result: torch.Tensor = self.output(mixed.transpose(1, 2).flatten(2)) + values.mean() * heads @ self.output_bias
        return result

    def _connected_heads(
        self, hidden: torch.Tensor, mask: torch.Tensor, query_keys: torch.Tensor, values: torch.Tensor,
        heads: torch.Tensor, joints: torch.Tensor,
    ) -> torch.Tensor:  # fmt: skip
        """Runs the groups of heads one by one, each with its connector (section 3.2.2), and adds what is left in the end."""
        residual = torch.zeros_like(hidden)
        last = joints.new_zeros(1)
        for group, connection in enumerate(torch.cat([joints, last])):
            output = heads[group] * self._head_group(hidden, mask, query_keys, values, group)
            hidden, residual = connect(output, connection, hidden, residual)
        return hidden + residual

    def _head_group(
        self, hidden: torch.Tensor, mask: torch.Tensor, query_keys: torch.Tensor, values: torch.Tensor, group: int
    ) -> torch.Tensor:
        grid = self.grid
        channels, rows = grid.width // grid.heads // grid.parts, self._channels([group], grid.width // grid.head_groups)
        query, key, value = (
            functional.linear(hidden, part.weight[rows], part.bias[rows])
            .unflatten(-1, (grid.heads // grid.head_groups, -1)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )  # fmt: skip
        query, value = query * query_keys.repeat_interleave(channels), value * values.repeat_interleave(channels)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        bias = values.mean() * self.output_bias[group]
        return functional.linear(mixed.transpose(1, 2).flatten(2), self.output.weight[:, rows]) + bias

    def _feed_forward(self, hidden: torch.Tensor, index: int) -> torch.Tensor:
        rows = self.pieces([index])
        grown = functional.gelu(functional.linear(hidden, self.grow.weight[rows], self.grow.bias[rows]))
        return functional.linear(grown, self.shrink.weight[:, rows], self.shrink_bias[index])

    def pieces(self, indices: Sequence[int]) -> torch.Tensor:
        """Returns the inner channels of pieces of the feed-forward."""
        return self._channels(indices, self.grid.feed_forward // self.grid.feed_forwards)

    def _channels(self, pieces: Sequence[int], size: int) -> torch.Tensor:
        """Returns the channels of pieces of equal size."""
        device = self.grow.weight.device
        first = torch.tensor(pieces, dtype=torch.long, device=device)[:, None] * size
        return (first + torch.arange(size, device=device)).flatten()

    # -- as the plain net that is left ---------------------------------------------------------------------------------

    def tensors(self, gates: BlockGates) -> dict[str, torch.Tensor]:
        """Returns the parameters of what is left of the block, named as in ``ComponentsBlock``."""
        found = self._attention_tensors(gates) if gates.has_attention else {}
        for index, layer in enumerate(layers_of(gates.feed_forwards, gates.joints)):
            rows = self.pieces(layer)
            found |= {
                f"feed_forwards.{index}.grow.weight": self.grow.weight[rows],
                f"feed_forwards.{index}.grow.bias": self.grow.bias[rows],
                f"feed_forwards.{index}.shrink.weight": self.shrink.weight[:, rows],
                f"feed_forwards.{index}.shrink.bias": self.shrink_bias[layer].sum(0),
            }
        for name in ("attention_norm", "feed_forward_norm"):
            norm = getattr(self, name)
            found |= {f"{name}.weight": norm.weight, f"{name}.bias": norm.bias}
        return found

    def _attention_tensors(self, gates: BlockGates) -> dict[str, torch.Tensor]:
        """Returns those of all layers of attention."""
        first, *further = gates.head_layers
        found = {f"attention.{name}": tensor for name, tensor in self._layer_tensors(gates, first).items()}
        for index, layer in enumerate(further):
            own = self._layer_tensors(gates, layer)
            found |= {f"further_attentions.{index}.{name}": tensor for name, tensor in own.items()}
        return found

    def _layer_tensors(self, gates: BlockGates, groups: Sequence[int]) -> dict[str, torch.Tensor]:
        grid = self.grid
        heads = self._channels(groups, grid.heads // grid.head_groups)
        per_part, per_head = grid.width // grid.heads // grid.parts, grid.width // grid.heads
        rows = {
            kind: (heads[:, None] * per_head + self._channels(_open(parts), per_part)).flatten()
            for kind, parts in (("key", gates.query_keys), ("value", gates.values))
        }
        found: dict[str, torch.Tensor] = {}
        for name, kind in (("query", "key"), ("key", "key"), ("value", "value")):
            if len(rows[kind]):
                linear = getattr(self, name)
                found |= {
                    f"{name}.weight": linear.weight[rows[kind]], f"{name}.bias": linear.bias[rows[kind]]
                }  # fmt: skip
        share = sum(gates.values) / grid.parts
        found["output.weight"] = self.output.weight[:, rows["value"]]
        found["output.bias"] = share * self.output_bias[list(groups)].sum(0)
        return found


class ComponentWeights(nn.Module):
    """Every weight of the component supernet: embeddings, blocks of pieces, and both heads."""

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self.embeddings = Embeddings(grid.vocabulary, POSITIONS, TOKEN_TYPES, grid.width)
        self.blocks = nn.ModuleList(ComponentBlock(grid) for _ in range(grid.layers))
        self.head = MlmHead(grid.width, grid.vocabulary)
        self.pooler = Pooler(grid.width)


class ComponentSupernet(Supernet):
    """The net of a grid with gates on its pieces and joints.

    Args:
        space: The space.
        seed: Seed of the initial weights.

    Attributes:
        scales: Further arguments of the blocks of architectures whose connectors and means are neither 0 nor 1; see
            :func:`hwcost.supernets.folding.keep_scales`.
    """

    space: Components

    def __init__(self, space: Components, seed: int = 0) -> None:
        super().__init__(space, seed)
        self.scales: dict[Architecture, list[dict[str, Any]]] = {}

    def scale(self, arch: Architecture, scales: list[dict[str, Any]]) -> None:
        """Gives the connectors and means of an architecture values other than 0 and 1.

        Args:
            arch: The architecture, with connectors and means of 1 where they are not 0.
            scales: Further arguments of :class:`~hwcost.workloads.components_model.ScaledBlock`, by block.
        """
        self.scales[arch] = scales
        self._modules_of.clear()

    def blueprint(self, arch: Architecture, head: str | None = None) -> Blueprint:
        """See the base class; blocks of architectures with scales have these."""
        plain, scales = super().blueprint(arch, head), self.scales.get(arch)
        if scales is None:
            return plain
        blocks = [own | more for own, more in zip(plain.arguments["blocks"], scales, strict=True)]
        return replace(plain, arguments={**plain.arguments, "blocks": blocks})

    def full(self) -> nn.Module:
        """See the base class."""
        return ComponentWeights(self.space.grid)

    def largest(self) -> Architecture:
        """Returns the net that was taken to pieces."""
        return self.space.base()

    def smallest(self) -> Architecture:
        """Returns embeddings and norms alone."""
        return self.space.architecture([0] * len(self.space.genes))

    def tensors(self) -> dict[str, torch.Tensor]:
        """See the base class; what is left of every block is gathered."""
        found = {name: self.weights.get_parameter(name) for name, _ in self.net.named_parameters() if "blocks." not in name}
        for index, (block, gates) in enumerate(zip(self.weights.blocks, self.space.blocks(self.arch), strict=True)):
            found |= {f"blocks.{index}.{name}": tensor for name, tensor in block.tensors(gates).items()}
        return found

    def gates_of(self, arch: Architecture) -> torch.Tensor:
        """Returns an architecture's gates as numbers, (blocks, gates of a block)."""
        return torch.tensor(arch.genes, dtype=torch.float32).unflatten(0, (self.space.grid.layers, -1))

    def weigh(
        self,
        gates: torch.Tensor,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor,
    ) -> torch.Tensor:
        """Runs every piece, weighed by gates that gradients reach (section 3.1).

        Args:
            gates: Weights of the pieces, any numbers, (blocks, gates of a block) in the order of the genes.
            input_ids: Token ids, (B, S).
            attention_mask: 1 for tokens, 0 for padding, (B, S).
            token_type_ids: Segment of each token, (B, S).

        Returns:
            Hidden states, (B, S, h).

        Raises:
            UsageError: When there is not one gate per gene.
        """
        wanted = (self.space.grid.layers, len(self.space.genes) // self.space.grid.layers)
        if tuple(gates.shape) != wanted:
            raise UsageError(f"gates of grid '{self.space.grid_name}' have shape {wanted}, got {tuple(gates.shape)}")
        hidden = self.weights.embeddings(input_ids, token_type_ids)
        mask = additive_mask(attention_mask, hidden.dtype)
        for block, of_block in zip(self.weights.blocks, gates.to(hidden), strict=True):
            hidden = block(hidden, mask, of_block)
        return hidden


def _open(gates: Sequence[int]) -> list[int]:
    return [index for index, gate in enumerate(gates) if gate]
