"""Finding Fast Transformers: BERT taken to pieces, with a gate for every piece and every joint of every block.

Source: Tsai et al., "Finding Fast Transformers: One-Shot Neural Architecture Search by Component Composition", section 3
(the decomposition), 5.3 (BERT-base: halves of everything) and 5.4 (MiniBERT: eighths of the feed-forward, halves of keys and
values, single heads). A gate is 1 where a piece is kept, a layer ends behind a piece of the feed-forward, or a norm
subtracts the mean. Grids whose names end in ``-connected`` have connectors between the heads of a block too, as section
3.2.2 writes a block; heads behind each other share the numbers of channels of queries, keys and values (section 3.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hwcost._arguments import TEXT, check
from hwcost._types import Codes
from hwcost.errors import ArchitectureError, UsageError
from hwcost.spaces.accounting import Work, attention, elementwise, embeddings, layer_norm, linear, pooler
from hwcost.spaces.base import Architecture, Component, Gene, GeneValue, SearchSpace
from hwcost.spaces.connectors import canonical_connectors, canonical_rows, layers_of
from hwcost.spaces.scales import MINI_VOCABULARY

__all__ = ["Components", "Grid"]

POSITIONS = 512
TOKEN_TYPES = 2


@dataclass(frozen=True, slots=True)
class Grid:
    """The net that is divided into pieces, and how finely.

    Attributes:
        layers: Number of blocks.
        width: Width of the hidden state.
        feed_forward: Inner width of a block's whole feed-forward.
        heads: Number of heads of a block.
        vocabulary: Number of word pieces.
        pooler: Whether the net ends in a pooler (BERT) or in its hidden states (MiniBERT labels every token).
        feed_forwards: Number of pieces that a feed-forward is divided into.
        head_groups: Number of pieces that the heads are divided into.
        parts: Number of pieces that the channels of queries and keys, and those of values, are divided into.
        head_joints: Whether there are connectors between the pieces of the heads, so that they can stand behind each other.
    """

    layers: int
    width: int
    feed_forward: int
    heads: int
    vocabulary: int
    pooler: bool
    feed_forwards: int
    head_groups: int
    parts: int = 2
    head_joints: bool = False

    @property
    def sizes(self) -> tuple[tuple[str, int], ...]:
        """Gates of one block: kind and number, in the order of the genes."""
        return (
            ("ff", self.feed_forwards), ("joint", self.feed_forwards - 1), ("qk", self.parts), ("v", self.parts),
            ("mean", 2), ("head", self.head_groups), *([("hjoint", self.head_groups - 1)] if self.head_joints else []),
        )  # fmt: skip


GRIDS: dict[str, Grid] = {
    "bert-base": Grid(12, 768, 3072, 12, 30_522, True, feed_forwards=2, head_groups=12),
    "bert-base-halves": Grid(12, 768, 3072, 12, 30_522, True, feed_forwards=2, head_groups=2),
    "bert-base-multilingual": Grid(12, 768, 3072, 12, 120_000, True, feed_forwards=2, head_groups=2),
    "minibert": Grid(3, 256, 1024, 4, 120_000, False, feed_forwards=8, head_groups=4),
    "mini": Grid(4, 64, 256, 4, MINI_VOCABULARY, True, feed_forwards=4, head_groups=4),
}
"""``bert-base`` has a gate for every head; ``bert-base-halves`` takes "we divide each component into two equally sized
parts" (section 5.3) at its word, and ``bert-base-multilingual`` is that with the 120,000 pieces of appendix A.3. ``mini`` is
not from the paper: it is small enough to train on a processor."""
GRIDS |= {f"{name}-connected": replace(GRIDS[name], head_joints=True) for name in ("bert-base-halves", "minibert", "mini")}


@dataclass(frozen=True, slots=True)
class BlockGates:
    """The gates of one block, 0 or 1 each.

    Attributes:
        feed_forwards: Pieces of the feed-forward that are kept.
        joints: Whether a layer ends behind a piece of the feed-forward; one fewer than pieces.
        query_keys: Pieces of the channels of queries and keys that are kept, in all heads alike.
        values: Pieces of the channels of values that are kept, in all heads alike.
        means: Whether the norm behind the attention, and behind the feed-forward, subtracts the mean.
        heads: Groups of heads that are kept.
        head_joints: Whether a layer of attention ends behind a group of heads; one fewer than groups, or none on grids
            without such connectors.
    """

    feed_forwards: tuple[int, ...]
    joints: tuple[int, ...]
    query_keys: tuple[int, ...]
    values: tuple[int, ...]
    means: tuple[int, ...]
    heads: tuple[int, ...]
    head_joints: tuple[int, ...] = ()

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """All gates in the order of the genes."""
        own = (self.feed_forwards, self.joints, self.query_keys, self.values, self.means, self.heads)
        return (*own, self.head_joints) if self.head_joints else own

    @property
    def has_attention(self) -> bool:
        """Whether anything of the attention is left: a head, and channels of values for it."""
        return any(self.heads) and any(self.values)

    def canonical(self) -> BlockGates:
        """Returns the gates that stand for the same net: what has no effect is closed."""
        joints = canonical_connectors(self.feed_forwards, self.joints)
        if self.has_attention:
            turns = canonical_connectors(self.heads, self.head_joints)
            return replace(self, joints=joints, head_joints=turns)
        none = (0,) * len(self.query_keys)
        closed = (0,) * len(self.heads), (0,) * len(self.head_joints)
        return BlockGates(self.feed_forwards, joints, none, none, self.means, *closed)

    @property
    def head_layers(self) -> list[list[int]]:
        """Groups of heads that are kept, layer by layer."""
        return layers_of(self.heads, self.head_joints)


class Components(SearchSpace):
    """Finding Fast Transformers: BERT-base or MiniBERT with gates on heads, key and value channels, feed-forwards, norms.

    Args:
        grid: ``bert-base`` (12 blocks of 21 gates), ``bert-base-halves`` or ``bert-base-multilingual`` (11 gates),
            ``minibert`` (3 blocks of 25) or ``mini`` (4 blocks of 17); ``bert-base-halves-connected``,
            ``minibert-connected`` or ``mini-connected`` for connectors between heads.

    Raises:
        UsageError: When the grid is unknown.
    """

    name = "components"

    def __init__(self, grid: str = "bert-base") -> None:
        if grid not in GRIDS:
            raise UsageError(f"unknown grid '{grid}' of components. Known: {', '.join(GRIDS)}")
        self.grid_name, self.grid = grid, GRIDS[grid]
        self.genes = tuple(
            Gene(f"b{block}.{kind}{index}", (0, 1))
            for block in range(1, self.grid.layers + 1)
            for kind, count in self.grid.sizes
            for index in range(1, count + 1)
        )

    def options(self) -> dict[str, Any]:
        """Returns ``{"grid": ...}``."""
        return {"grid": self.grid_name}

    # -- identity ------------------------------------------------------------------------------------------------------

    def base(self) -> Architecture:
        """Returns the net that is taken to pieces: everything kept, feed-forwards whole, norms with their means."""
        gates = BlockGates(*((0 if kind.endswith("joint") else 1,) * count for kind, count in self.grid.sizes))
        return self.architecture([gate for _ in range(self.grid.layers) for group in gates.groups for gate in group])

    def blocks(self, arch: Architecture) -> list[BlockGates]:
        """Returns the gates of every block."""
        return self._blocks(self.as_architecture(arch).genes)

    def canonical(self, genes: tuple[GeneValue, ...]) -> tuple[GeneValue, ...]:
        """Closes gates without effect: joints of dropped pieces, and channels where no head is left."""
        return tuple(gate for block in self._blocks(genes) for group in block.canonical().groups for gate in group)

    def canonical_codes(self, codes: Codes) -> Codes:
        """See the base class; the code of a gate is the gate."""
        sizes = self.grid.sizes
        rows = codes.reshape(-1, sum(count for _, count in sizes))
        ends = np.cumsum([count for _, count in sizes])[:-1]
        of = dict(zip((kind for kind, _ in sizes), np.split(rows, ends, axis=1), strict=True))
        has_attention = (of["head"].max(axis=1) * of["v"].max(axis=1))[:, None]
        of["joint"] = canonical_rows(of["ff"], of["joint"])
        if "hjoint" in of:
            of["hjoint"] = canonical_rows(of["head"], of["hjoint"])
        found = [own if kind in ("ff", "joint", "mean") else own * has_attention for kind, own in of.items()]
        return np.concatenate(found, axis=1).reshape(codes.shape)

    def key(self, arch: Architecture) -> str:
        """Returns blocks joined by ``_``, and in a block the groups of gates joined by ``.``: ``11.0.11.11.00.1111_...``."""
        blocks_ = self.blocks(arch)
        return "_".join(".".join("".join(map(str, group)) for group in block.groups) for block in blocks_)

    def parse(self, text: str) -> Architecture:
        """Reads a key, or gates as a JSON list.

        Raises:
            ArchitectureError: When the text is neither or does not fit the grid.
        """
        check({"text": text}, text=TEXT)
        if text.strip().startswith("["):
            return super().parse(text)
        wanted = [count for _, count in self.grid.sizes]
        parts = [block.split(".") for block in text.strip().split("_")]
        fits = len(parts) == self.grid.layers and all([len(group) for group in block] == wanted for block in parts)
        if not fits or not set(text) <= set("01._ \n"):
            one = ".".join(f"{kind} x {count}" for kind, count in self.grid.sizes)
            raise ArchitectureError(
                f"'{text[:60]}' is not an architecture of grid '{self.grid_name}': expected {self.grid.layers} blocks "
                f"joined by '_', each of 0 and 1 in groups {one}, for example {self.key(self.base()).split('_')[0]}"
            )
        return self.architecture([int(gate) for block in parts for group in block for gate in group])

    def independent_genes(self) -> tuple[tuple[tuple[int, ...], ...], ...]:
        """Attention, feed-forward and the two norms of every block are by themselves, and every block is like the others."""
        names = [kind for kind, count in self.grid.sizes for _ in range(count)]
        means = [place for place, kind in enumerate(names) if kind == "mean"]
        parts = [
            tuple(place for place, kind in enumerate(names) if kind in wanted)
            for wanted in (("qk", "v", "head", "hjoint"), ("ff", "joint"))
        ] + [(place,) for place in means]
        starts = range(0, len(self.genes), len(names))
        return tuple(tuple(tuple(start + place for place in part) for start in starts) for part in parts)

    # -- sizes ---------------------------------------------------------------------------------------------------------

    def components(self, arch: Architecture | None = None) -> tuple[Component, ...]:
        """Embeddings; per block its attention, layers of feed-forward and norms; and the pooler, where the net has one."""
        ends = (Component("embeddings"),), ((Component("pooler"),) if self.grid.pooler else ())
        if arch is None:
            return (*ends[0], *self._distinct(), *ends[1])
        return (*ends[0], *(part for block in self.blocks(arch) for part in self.parts_of(block)), *ends[1])

    def parts(self) -> tuple[Component, ...]:
        """Returns the operators of which pairs show what a runtime fuses: a square dense layer, and a GELU as wide."""
        return (Component("dense"), Component("gelu"))

    def kernels(self) -> tuple[Component, ...]:
        """Returns the components that kernels in Triton compute: a norm without its mean, a dense layer with its norm."""
        return (Component("norm_kernel"), Component("dense_norm_kernel"))

    def parts_of(self, block: BlockGates) -> list[Component]:
        """Returns what is left of a block, in order: layers of attention, norm, layers of feed-forward, norm."""
        found = []
        if block.has_attention:
            channels = sum(block.query_keys), sum(block.values)
            found += [self._attention(len(layer), *channels) for layer in block.head_layers]
        found.append(_norm(block.means[0]))
        found += [self.feed_forward(len(layer)) for layer in layers_of(block.feed_forwards, block.joints)]
        return [*found, _norm(block.means[1])]

    def _distinct(self) -> list[Component]:
        grid = self.grid
        attentions = [
            self._attention(heads, query_keys, values)
            for heads in range(1, grid.head_groups + 1)
            for query_keys in range(grid.parts + 1)
            for values in range(1, grid.parts + 1)
        ]
        return [*attentions, *map(self.feed_forward, range(1, grid.feed_forwards + 1)), _norm(0), _norm(1)]

    def _attention(self, heads: int, query_keys: int, values: int) -> Component:
        grid = self.grid
        per_part = grid.width // grid.heads // grid.parts
        dims = {
            "heads": heads * grid.heads // grid.head_groups, "key": query_keys * per_part, "value": values * per_part
        }  # fmt: skip
        return Component("attention", tuple(dims.items()))

    def feed_forward(self, pieces: int) -> Component:
        """Returns a feed-forward of this many pieces."""
        return Component("feed_forward", (("inner", pieces * self.grid.feed_forward // self.grid.feed_forwards),))

    def component_work(self, component: Component, batch_size: int = 1, seq_len: int = 128) -> Work:
        """See the base class. Residuals are counted with what they are added to."""
        tokens, width = batch_size * seq_len, self.grid.width
        added = elementwise(tokens, width, operands=2)
        if component.kind == "embeddings":
            return embeddings(tokens, self.grid.vocabulary + POSITIONS + TOKEN_TYPES, width)
        if component.kind == "pooler" and self.grid.pooler:
            return pooler(batch_size, width)
        if component.kind in ("layer_norm", "norm_kernel"):
            return layer_norm(tokens, width)
        if component.kind == "gelu":
            return elementwise(tokens, width)
        if component.kind == "dense":
            return linear(tokens, width, width)
        if component.kind == "dense_norm_kernel":  # the product never leaves the registers
            return linear(tokens, width, width) + Work(2 * width, 0, 2 * width)
        if component.kind == "feed_forward":
            inner = component.dim("inner")
            return linear(tokens, width, inner) + elementwise(tokens, inner) + linear(tokens, inner, width) + added
        if component.kind == "attention":
            return self._attention_work(component, batch_size, seq_len) + added
        raise self.unknown(component)

    def unknown(self, component: Component) -> UsageError:
        """Makes the error for a component that the space does not have."""
        return UsageError(f"space 'components' has no component '{component}' on grid '{self.grid_name}'")

    def _attention_work(self, component: Component, batch_size: int, seq_len: int) -> Work:
        heads = component.dim("heads")
        keys, values = heads * component.dim("key"), heads * component.dim("value")
        tokens, width = batch_size * seq_len, self.grid.width
        if not keys:  # value mean pooling: the mean comes first, because projections are linear
            pooled = Work(0, 2 * tokens * width, tokens * (width + 1) + batch_size * width)
            return pooled + linear(batch_size, width, values) + linear(batch_size, values, width)
        projections = linear(tokens, width, keys).times(2) + linear(tokens, width, values) + linear(tokens, values, width)
        return projections + attention(batch_size, seq_len, heads, keys, values)

    def _blocks(self, genes: Sequence[GeneValue]) -> list[BlockGates]:
        counts = [count for _, count in self.grid.sizes]
        gates = iter([int(gene) for gene in genes])
        return [
            BlockGates(*(tuple(next(gates) for _ in range(count)) for count in counts)) for _ in range(self.grid.layers)
        ]


def _norm(mean: int) -> Component:
    return Component("layer_norm", (("mean", mean),))
