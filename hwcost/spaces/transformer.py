"""A user's own space of BERT-like encoders: ranges of layers, widths, feed-forward ratios and heads.

Layers are alike (``homogeneous``) or each has choices of its own (``per_layer``). Where neighbouring layers differ in width,
a dense transition leads from one to the other, as between the layers of a SuperShaper net merged for deployment.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from hwcost._types import Codes
from hwcost.errors import UsageError
from hwcost.spaces.accounting import Work, embeddings, feed_forward, linear, mlm_head, pooler, self_attention
from hwcost.spaces.base import Architecture, Component, Gene, GeneValue, SearchSpace
from hwcost.spaces.layers import Layers

VOCABULARY = 30_522  # bert-base-uncased
POSITIONS = 512
TOKEN_TYPES = 2
ELASTIC = ("homogeneous", "per_layer")
HEADS_OF_NET = ("mlm", "pooler", "none")
"""Ends that a net can have: a masked-language-model head, a pooler, or its hidden states."""
ACTIVATIONS = ("gelu", "relu")
"""Activations that the feed-forward layers can have; sizes do not depend on them."""

PER_LAYER = ("hidden", "ffn_ratio", "heads")
RANGES = ("layers", *PER_LAYER)


class Transformer(SearchSpace):
    """Your own ranges: encoders by depth, width, feed-forward ratio and heads, all layers alike or each by itself.

    Args:
        layers: Numbers of layers to choose from.
        hidden: Widths.
        ffn_ratio: Inner width of the feed-forward over the width.
        heads: Numbers of heads.
        elastic: ``homogeneous`` (four genes) or ``per_layer`` (depth, then width, ratio and heads of every layer; genes of
            layers beyond the depth are set to their first choice).
        head_width: Channels of a head; None shares the width among the heads, which every width must then allow.
        head: ``mlm`` ends in a masked-language-model head, ``pooler`` in BERT's pooler, ``none`` in the hidden states.
        vocabulary: Word pieces.
        positions: Longest sequence.
        activation: Activation of the feed-forward layers: ``gelu`` or ``relu``.

    Raises:
        UsageError: When a range is empty or holds something else than positive numbers, heads do not divide a width, or the
            activation is unknown.
    """

    name = "transformer"

    def __init__(
        self,
        layers: Sequence[int] = (4, 6, 8, 10, 12),
        hidden: Sequence[int] = (256, 384, 512, 768),
        ffn_ratio: Sequence[float] = (2, 3, 4),
        heads: Sequence[int] = (4, 8),
        elastic: str = "homogeneous",
        head_width: int | None = None,
        head: str = "mlm",
        vocabulary: int = VOCABULARY,
        positions: int = POSITIONS,
        activation: str = "gelu",
    ) -> None:
        names = ((ELASTIC, elastic, "kind of layers"), (HEADS_OF_NET, head, "head"), (ACTIVATIONS, activation, "activation"))
        for known, given, what in names:
            if given not in known:
                raise UsageError(f"unknown {what} '{given}'. Known: {', '.join(known)}")
        self.layers, self.hidden, self.heads = (
            _whole_numbers(name, values) for name, values in (("layers", layers), ("hidden", hidden), ("heads", heads))
        )
        self.ffn_ratio = _numbers("ffn_ratio", ffn_ratio)
        self.elastic, self.head_width, self.head, self.activation = elastic, head_width, head, activation
        (self.vocabulary,), (self.positions,) = (
            _whole_numbers(name, [value]) for name, value in (("vocabulary", vocabulary), ("positions", positions))
        )
        self._check_sizes()
        self.genes = self._genes()

    def _check_sizes(self) -> None:
        if self.head_width is not None:
            _whole_numbers("head_width", [self.head_width])
        for width, heads in itertools.product(self.hidden, self.heads):
            if self.head_width is None and width % heads:
                raise UsageError(
                    f"{heads} heads do not divide a width of {width}. Leave one of them out, or give head_width, the "
                    f"channels that every head has at any width"
                )
        for width, ratio in itertools.product(self.hidden, self.ffn_ratio):
            if not float(ratio * width).is_integer():
                raise UsageError(f"a feed-forward of {ratio:g} times the width {width} is not a whole number of channels")

    def _genes(self) -> tuple[Gene, ...]:
        of_layer = (("hidden", self.hidden), ("ffn_ratio", self.ffn_ratio), ("heads", self.heads))
        if self.elastic == "homogeneous":
            return (Gene("layers", self.layers), *(Gene(name, values) for name, values in of_layer))
        return (
            Gene("layers", self.layers),
            *(Gene(f"l{i}.{name}", values) for i in range(1, max(self.layers) + 1) for name, values in of_layer),
        )

    def options(self) -> dict[str, Any]:
        """Returns the arguments as plain JSON; the activation where it is not GELU."""
        return {
            "layers": list(self.layers), "hidden": list(self.hidden), "ffn_ratio": list(self.ffn_ratio),
            "heads": list(self.heads), "elastic": self.elastic, "head_width": self.head_width, "head": self.head,
            "vocabulary": self.vocabulary, "positions": self.positions, **activation_option(self.activation),
        }  # fmt: skip

    def identity_options(self) -> dict[str, Any]:
        """Returns all but the ranges where layers are alike: they say what may be chosen.

        Where layers have choices of their own, the ranges decide too: the largest width is that of the embeddings, and first
        choices stand for layers that are left out.
        """
        options = self.options()
        return options if self.elastic == "per_layer" else {name: options[name] for name in options if name not in RANGES}

    @property
    def has_isomorphs(self) -> bool:
        """Where layers have choices of their own, those of layers that are left out have no effect."""
        return self.elastic == "per_layer" and len(self.layers) > 1

    def canonical(self, genes: tuple[GeneValue, ...]) -> tuple[GeneValue, ...]:
        """Sets the genes of layers beyond the depth to their first choice."""
        if self.elastic == "homogeneous":
            return genes
        used = 1 + len(PER_LAYER) * int(genes[0])
        return (*genes[:used], *(gene.choices[0] for gene in self.genes[used:]))

    def canonical_codes(self, codes: Codes) -> Codes:
        """See the base class."""
        if not self.has_isomorphs:
            return codes
        first = [sorted(gene.choices).index(gene.choices[0]) for gene in self.genes]
        used = 1 + len(PER_LAYER) * np.array(sorted(self.layers))[codes[:, 0]]
        return np.where(np.arange(len(self.genes)) < used[:, None], codes, first)

    def layers_of_genes(self) -> Layers | None:
        """See the base class; a transition leads from a layer's width to the next one's."""
        if self.elastic == "homogeneous":
            return None
        each = len(PER_LAYER)
        firsts = range(1, len(self.genes), each)
        return Layers(
            depth=0, counts=self.layers, genes=tuple(tuple(range(first, first + each)) for first in firsts),
            linked=(PER_LAYER.index("hidden"),),
        )  # fmt: skip

    def increasing(self) -> tuple[int, ...]:
        """All but numbers of heads that share a width."""
        return tuple(int(self.head_width is not None or not gene.name.endswith("heads")) for gene in self.genes)

    def shape(self, arch: Architecture) -> list[tuple[int, int, int]]:
        """Returns width, inner width of the feed-forward and heads of every layer."""
        first, *genes = self.as_architecture(arch).genes
        depth = int(first)
        if self.elastic == "homogeneous":
            genes = genes * depth
        triples = zip(*[iter(genes[: len(PER_LAYER) * depth])] * len(PER_LAYER), strict=True)
        return [(int(hidden), round(float(ratio) * int(hidden)), int(heads)) for hidden, ratio, heads in triples]

    def head_channels(self, hidden: int, heads: int) -> int:
        """Returns the channels of one head."""
        return self.head_width if self.head_width is not None else hidden // heads

    @property
    def embedding_width(self) -> int | None:
        """Width of the embeddings when all nets share it (the largest one, per layer); None when it is the layers'."""
        return None if self.elastic == "homogeneous" else max(self.hidden)

    def components(self, arch: Architecture | None = None) -> tuple[Component, ...]:
        """Embeddings, layers with the transitions between unequal widths, and the head."""
        if arch is None:
            return self._distinct()
        shape = self.shape(arch)
        width = self.embedding_width or shape[0][0]
        parts = [_sized("embeddings", width)]
        for hidden, ffn, heads in shape:
            if hidden != width:
                parts.append(_transition(width, hidden))
            parts.append(_layer(hidden, ffn, heads))
            width = hidden
        if self.head == "mlm" and width != (self.embedding_width or width):
            parts.append(_transition(width, max(self.hidden)))
            width = max(self.hidden)
        return (*parts, _sized(self.head, width)) if self.head != "none" else tuple(parts)

    def _distinct(self) -> tuple[Component, ...]:
        layers = [
            _layer(hidden, round(ratio * hidden), heads)
            for hidden, ratio, heads in itertools.product(self.hidden, self.ffn_ratio, self.heads)
        ]
        outer = self.hidden if self.embedding_width is None else (self.embedding_width,)
        transitions = [] if self.elastic == "homogeneous" else itertools.permutations(self.hidden, 2)
        ends = {"mlm": outer, "pooler": self.hidden, "none": ()}[self.head]
        return (
            *(_sized("embeddings", width) for width in outer),
            *layers,
            *(_transition(*pair) for pair in transitions),
            *(_sized(self.head, width) for width in ends),
        )

    def component_work(self, component: Component, batch_size: int = 1, seq_len: int = 128) -> Work:
        """See the base class."""
        tokens = batch_size * seq_len
        if component.kind == "transition":
            return linear(tokens, component.dim("inputs"), component.dim("outputs"))
        if component.kind not in ("embeddings", "layer", *HEADS_OF_NET[:2]):
            raise UsageError(f"space '{self.name}' has no component '{component}'")
        hidden = component.dim("hidden")
        if component.kind == "embeddings":
            return embeddings(tokens, self.vocabulary + self.positions + TOKEN_TYPES, hidden)
        if component.kind == "mlm":
            return mlm_head(tokens, hidden, self.vocabulary)
        if component.kind == "pooler":
            return pooler(batch_size, hidden)
        heads = component.dim("heads")
        inner = heads * self.head_channels(hidden, heads)
        attention = self_attention(batch_size, seq_len, hidden, heads, inner)
        return attention + feed_forward(tokens, hidden, component.dim("ffn"))


def _numbers(name: str, values: Iterable[float]) -> tuple[Any, ...]:
    """Checks a range and sorts it; whole floats become integers."""
    try:
        found = sorted({int(value) if float(value).is_integer() else float(value) for value in values})
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"'{name}' of space 'transformer' needs a list of numbers, got {values!r}") from None
    if not found or found[0] <= 0:
        raise UsageError(f"'{name}' of space 'transformer' needs one positive number or more, got {list(found)}")
    return tuple(found)


def activation_option(activation: str) -> dict[str, str]:
    """Returns the option as it is kept: left out for GELU."""
    return {} if activation == ACTIVATIONS[0] else {"activation": activation}


def _whole_numbers(name: str, values: Iterable[float]) -> tuple[int, ...]:
    found = _numbers(name, values)
    if any(not isinstance(value, int) for value in found):
        raise UsageError(f"'{name}' of space 'transformer' needs whole numbers, got {list(found)}")
    return found


def _sized(kind: str, hidden: int) -> Component:
    return Component(kind, (("hidden", hidden),))


def _transition(inputs: int, outputs: int) -> Component:
    return Component("transition", (("inputs", inputs), ("outputs", outputs)))


def _layer(hidden: int, ffn: int, heads: int) -> Component:
    return Component("layer", (("hidden", hidden), ("ffn", ffn), ("heads", heads)))
