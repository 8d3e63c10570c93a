"""The kinds of component of Tables 1 and 4: what each costs by the slope over depth, and the net that is left without it.

Source: Tsai et al., "Finding Fast Transformers", sections 3.1 (what can be dropped) and 3.2 (connections), Tables 1 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass

from hwcost.spaces import Architecture, Component
from hwcost.spaces.components import Components

Prices = dict[str, float]
"""Number of times that the price of a component counts, by the component's name."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the tables.

    Attributes:
        name: Name of the kind's gates in the space.
        label: Name of the kind in a table.
        without: Value of the kind's gates in the net that is left without it; None closes half of them.
        factor: Number by which the time saved in that net is multiplied; below zero where the net takes longer.
    """

    name: str
    label: str
    without: int | None = 0
    factor: float = 1.0


KINDS = (
    Kind("ff", "feed-forward"),
    Kind("head", "attention heads"),
    Kind("qk", "queries and keys"),
    Kind("v", "values", None, 2.0),  # without any, nothing is left of the attention
    Kind("mean", "means of norms"),
    Kind("joint", "vertical feed-forward", 1, -1.0),  # the base net has its pieces side by side
)
"""Kinds in the order of the tables. They overlap: a head has queries, keys and values."""

HEAD_JOINT = Kind("hjoint", "vertical attention", 1, -1.0)
"""Groups of heads one behind the other, against side by side; the tables do not price it."""


def kinds_of(space: Components) -> tuple[Kind, ...]:
    """Returns the kinds that a space has gates of."""
    return (*KINDS, HEAD_JOINT) if space.grid.head_joints else KINDS


def net_without(space: Components, kind: Kind) -> Architecture:
    """Returns the whole net without one kind of component.

    Args:
        space: The space.
        kind: Kind that is left out; for ``joint`` and ``hjoint``, pieces of feed-forwards, or groups of heads, stand behind
            each other instead.
    """
    base = space.base()
    half = dict(space.grid.sizes)[kind.name] // 2

    def value(name: str, open_: int) -> int:
        gate = name.partition(".")[2]
        index = gate.removeprefix(kind.name)
        if not (gate.startswith(kind.name) and index.isdigit()):
            return open_
        return int(int(index) <= half) if kind.without is None else kind.without

    return space.architecture([value(gene.name, int(one)) for gene, one in zip(space.genes, base.genes, strict=True)])


def prices_of(space: Components) -> dict[str, Prices]:
    """Returns what the whole net saves without each kind, as a sum over prices of components."""
    grid, width = space.grid, space.grid.width // space.grid.heads
    full, whole = attention(space, width, width).name, space.feed_forward(grid.feed_forwards).name
    halved, keyless = attention(space, width, width // 2).name, attention(space, 0, width).name
    piece = space.feed_forward(1).name
    of_block: dict[str, Prices] = {
        "ff": {whole: 1.0},
        "head": {full: 1.0},
        "qk": {full: 1.0, keyless: -1.0},
        "v": {full: 2.0, halved: -2.0},
        "mean": {norm(1).name: 2.0, norm(0).name: -2.0},
        "joint": {piece: float(grid.feed_forwards), whole: -1.0},
    }
    if grid.head_joints:
        of_block[HEAD_JOINT.name] = {head_group(space).name: float(grid.head_groups), full: -1.0}
    return {kind: {name: grid.layers * times for name, times in one.items()} for kind, one in of_block.items()}


def priced(space: Components) -> list[Component]:
    """Returns the components that the kinds are priced by, and what else a net is made of."""
    width = space.grid.width // space.grid.heads
    heads = [attention(space, width, width), attention(space, 0, width), attention(space, width, width // 2)]
    if space.grid.head_joints:
        heads.append(head_group(space))
    pieces = [space.feed_forward(space.grid.feed_forwards), space.feed_forward(1)]
    ends = [Component("embeddings"), *([Component("pooler")] if space.grid.pooler else [])]
    return [*heads, *pieces, norm(1), norm(0), *ends]


def pairs(space: Components) -> list[tuple[Component, Component]]:
    """Returns the neighbours of which runtimes fuse some: operators, and what stands before a norm in the net."""
    width, dense, gelu = space.grid.width // space.grid.heads, *space.parts()
    whole = space.feed_forward(space.grid.feed_forwards)
    return [(dense, gelu), (dense, norm(1)), (whole, norm(1)), (attention(space, width, width), norm(1))]


def attention(space: Components, key: int, value: int) -> Component:
    """Returns the attention of all heads with this many channels of keys and of values each."""
    return Component("attention", (("heads", space.grid.heads), ("key", key), ("value", value)))


def head_group(space: Components) -> Component:
    """Returns the attention of one group of heads with all their channels."""
    width = space.grid.width // space.grid.heads
    return Component("attention", (("heads", space.grid.heads // space.grid.head_groups), ("key", width), ("value", width)))


def norm(mean: int) -> Component:
    """Returns a layer norm that subtracts the mean (1), or does not (0)."""
    return Component("layer_norm", (("mean", mean),))
