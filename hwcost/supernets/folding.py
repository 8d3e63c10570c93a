"""What is left of a component supernet once its gates were trained: gates fold into weights, or stay as scales.

Source: Tsai et al., "Finding Fast Transformers", section 4.1: selection gates scale the output of their components, so
that they fold into the weights; a connector that is neither 0 nor 1 is a scaled residual connection to the next unit. A
layer adds to its own output a multiple of what the layer before it added
(:func:`hwcost.spaces.connectors.scaled_layers`): the connector behind it folds into its weights, and that multiple, its
carry, is the one scale that is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from hwcost.spaces.base import Architecture
from hwcost.spaces.components import Grid
from hwcost.spaces.connectors import CLOSED, scaled_layers
from hwcost.supernets.components import ComponentBlock, ComponentSupernet

__all__ = ["folded", "keep_scales"]

ROWS = (("ff", "joint", "feed_forward_carries"), ("head", "hjoint", "attention_carries"))
"""Kinds of pieces that stand in a row, the connectors between them, and the argument of a block that holds their carries."""


@dataclass(frozen=True)
class Left:
    """What is left of a block.

    Attributes:
        genes: Gates of 0 and 1, in their order.
        factors: Factor of the output of each piece of the feed-forward (``ff``) and of each group of heads (``head``), which
            its connector adds to its gate.
        scales: Arguments of the block that its architecture does not have.
    """

    genes: list[int]
    factors: dict[str, list[float]]
    scales: dict[str, Any]


def folded(net: ComponentSupernet, gates: torch.Tensor, is_scaled: bool = False) -> Architecture:
    """Folds gates into the weights, and returns the architecture that is left (section 4.1).

    What a gate multiplies takes the gate along, so that the plain net computes what :meth:`ComponentSupernet.weigh` does;
    except connectors and means, which a plain net has or has not: they are rounded, unless they are to stay scales.

    Args:
        net: The supernet; its weights are changed.
        gates: Weights of the pieces, any numbers, (blocks, gates of a block).
        is_scaled: Whether connectors and means that are neither 0 nor 1 stay scales of the architecture that is left, whose
            nets then compute what the weighed supernet did. It costs what it costs with these gates at 1.
    """
    left = [_left(net.space.grid, of_block, is_scaled) for of_block in gates.detach()]
    with torch.no_grad():
        for block, of_block, own in zip(net.weights.blocks, gates.detach(), left, strict=True):
            _fold(block, of_block, own.factors)
    return _kept(net, left)


def keep_scales(net: ComponentSupernet, gates: torch.Tensor) -> Architecture:
    """Gives a supernet whose weights hold folded gates their scales again, and returns the architecture that has them.

    Args:
        net: The supernet; its weights stay as they are.
        gates: Gates that were folded into the weights with scales, (blocks, gates of a block).
    """
    return _kept(net, [_left(net.space.grid, of_block, True) for of_block in gates.detach()])


def _kept(net: ComponentSupernet, left: Sequence[Left]) -> Architecture:
    arch = net.space.architecture([gene for block in left for gene in block.genes])
    if any(block.scales for block in left):
        net.scale(arch, [block.scales for block in left])
    return arch


def _groups(grid: Grid, of_block: torch.Tensor) -> dict[str, torch.Tensor]:
    """Returns the gates of a block by their kind."""
    parts = of_block.split([size for _, size in grid.sizes])
    return {kind: own for (kind, _), own in zip(grid.sizes, parts, strict=True)}


def _left(grid: Grid, of_block: torch.Tensor, is_scaled: bool) -> Left:
    groups = {kind: own.double().tolist() for kind, own in _groups(grid, of_block).items()}
    genes = {kind: [int(abs(gate) >= CLOSED) for gate in own] for kind, own in groups.items()}
    factors = {kind: [1.0] * len(groups[kind]) for kind in ("ff", "head")}
    rows = [(pieces, joint, carries) for pieces, joint, carries in ROWS if joint in groups]
    if not is_scaled:
        rounded = ["mean", *(joint for _, joint, _ in rows)]
        genes |= {kind: [int(gate >= 0.5) for gate in groups[kind]] for kind in rounded}
        return Left(_flat(genes), factors, {})
    scales: dict[str, Any] = {}
    for pieces, joint, carries in rows:
        layers = scaled_layers([bool(gate) for gate in genes[pieces]], groups[joint])
        ends = {layer.pieces[-1] for layer in layers[:-1]}
        genes[joint] = [int(index in ends) for index in range(len(groups[joint]))]
        for layer in layers:
            for piece in layer.pieces:
                factors[pieces][piece] = layer.weight
        if any(layer.carry for layer in layers) and (pieces == "ff" or any(genes["v"])):
            scales[carries] = [layer.carry for layer in layers]
    if any(gate != 1.0 for gate, is_open in zip(groups["mean"], genes["mean"], strict=True) if is_open):
        scales["means"] = [gate * is_open for gate, is_open in zip(groups["mean"], genes["mean"], strict=True)]
    return Left(_flat(genes), factors, scales)


def _flat(genes: dict[str, list[int]]) -> list[int]:
    return [gene for own in genes.values() for gene in own]


def _fold(block: ComponentBlock, of_block: torch.Tensor, factors: Mapping[str, list[float]]) -> None:
    grid, groups = block.grid, _groups(block.grid, of_block)
    for index, (gate, factor) in enumerate(zip(groups["ff"], factors["ff"], strict=True)):
        block.shrink.weight[:, block.pieces([index])] *= gate * factor
        block.shrink_bias[index] *= gate * factor
    channels = grid.width // grid.heads // grid.parts
    heads, values = groups["head"] * groups["head"].new_tensor(factors["head"]), groups["v"]
    of_parts = groups["qk"].repeat_interleave(channels).repeat(grid.heads)
    of_heads = heads.repeat_interleave(grid.heads // grid.head_groups)
    of_values = (of_heads[:, None] * values.repeat_interleave(channels)).flatten()
    for part, scale in ((block.query, of_parts), (block.value, of_values)):
        part.weight *= scale[:, None]
        part.bias *= scale
    share = (values.abs() >= CLOSED).sum() / grid.parts
    if share:
        block.output_bias *= (values.mean() * heads / share)[:, None]
