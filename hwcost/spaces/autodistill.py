"""AutoDistill's student template: 24 equal bottleneck blocks, described by five factors.

Source: Zhang et al., "AutoDistill: an End-to-End Framework to Explore and Distill Hardware-Efficient Language Models",
section 3.2, Figure 2, Table 1 (the choices) and Table 2 (sizes); the block follows Sun et al., "MobileBERT", with queries,
keys and values read from the wide stream, which is what reproduces the sizes.
"""

from __future__ import annotations

import itertools
from typing import Any

from hwcost.errors import UsageError
from hwcost.spaces.accounting import Work, attention, elementwise, embedding, linear, no_norm
from hwcost.spaces.base import Architecture, Component, Gene, SearchSpace

VOCABULARY = 30_522  # bert-base-uncased
POSITIONS = 512
TOKEN_TYPES = 2
EMBEDDING = 128
"""Width of the word embeddings; three neighbours together are projected to the hidden size."""
BLOCKS = 24

HIDDEN = (128, 256, 384, 512)
PRINTED_HIDDEN = (128, 246, 384, 512)
BOTTLENECKS = (64, 96, 128, 160)
HEADS = (1, 2, 4, 8)
INTERMEDIATES = (384, 512, 640)
STACKS = (2, 4, 6)

STUDENTS: dict[str, tuple[int, ...]] = {
    "512_128_1_384_4": (512, 128, 1, 384, 4),
    "512_128_1_640_2": (512, 128, 1, 640, 2),
    "512_128_2_640_2": (512, 128, 2, 640, 2),
    "512_128_4_640_2": (512, 128, 4, 640, 2),
    "512_128_1_640_4": (512, 128, 1, 640, 4),
    "512_128_4_512_2": (512, 128, 4, 512, 2),
    "512_160_2_512_2": (512, 160, 2, 512, 2),
}
"""Table 2: the seven students that dominate MobileBERT, by the code that the paper gives them."""

MOBILEBERT = (512, 128, 4, 512, 4)
"""The reference of the paper's search, as a point of the template."""


class AutoDistill(SearchSpace):
    """AutoDistill: 576 students of 24 bottleneck blocks; hidden size, bottleneck, heads, intermediate size, stacked FFN.

    Args:
        printed: Take the hidden size 246 as the paper's Table 1 prints it; all others are multiples of 128, and 256 is
            what the default has in its place.
    """

    name = "autodistill"

    def __init__(self, printed: bool = False) -> None:
        self.printed = bool(printed)
        self.genes = (
            Gene("hidden", PRINTED_HIDDEN if self.printed else HIDDEN),
            Gene("bottleneck", BOTTLENECKS),
            Gene("heads", HEADS),
            Gene("intermediate", INTERMEDIATES),
            Gene("stacked_ffn", STACKS),
        )

    def options(self) -> dict[str, Any]:
        """Returns ``{"printed": ...}``."""
        return {"printed": self.printed}

    def increasing(self) -> tuple[int, ...]:
        """All but the heads: more heads share the same channels, which some runtimes do faster and some slower."""
        return (1, 1, 0, 1, 1)

    def components(self, arch: Architecture | None = None) -> tuple[Component, ...]:
        """Embeddings and 24 equal blocks; the pre-training heads are left off, as in the paper's sizes."""
        if arch is not None:
            genes = [int(gene) for gene in arch.genes]
            return (_embeddings(genes[0]), *[_block(*genes)] * BLOCKS)
        widths, *others = ([int(value) for value in gene.choices] for gene in self.genes)
        ends = [_embeddings(width) for width in widths]
        return (*ends, *[_block(*point) for point in itertools.product(widths, *others)])

    def component_work(self, component: Component, batch_size: int = 1, seq_len: int = 128) -> Work:
        """See the base class."""
        tokens = batch_size * seq_len
        hidden = component.dim("hidden") if component.dims else 0
        if component.kind == "embeddings":
            return _embedding_work(tokens, hidden)
        if component.kind != "block":
            raise UsageError(f"space 'autodistill' has no component '{component}'")
        width, heads = component.dim("bottleneck"), component.dim("heads")
        enter = linear(tokens, hidden, width) + no_norm(tokens, width)
        projections = linear(tokens, hidden, width).times(3) + linear(tokens, width, width)
        mixed = attention(batch_size, seq_len, heads, width) + _add_norm(tokens, width)
        leave = linear(tokens, width, hidden) + _add_norm(tokens, hidden)
        stacked = _feed_forward(tokens, width, component.dim("intermediate")).times(component.dim("stacked_ffn"))
        return enter + projections + mixed + stacked + leave

    def student(self, name: str) -> Architecture:
        """Returns a student of Table 2 by its code, or ``mobilebert``.

        Raises:
            UsageError: When there is no such student; lists them.
        """
        known = STUDENTS | {"mobilebert": MOBILEBERT}
        if name not in known:
            raise UsageError(f"unknown student '{name}'. Known: {', '.join(known)}")
        return self.architecture(known[name])


def _embeddings(hidden: int) -> Component:
    return Component("embeddings", (("hidden", hidden),))


def _block(hidden: int, bottleneck: int, heads: int, intermediate: int, stacked: int) -> Component:
    dims = {
        "hidden": hidden, "bottleneck": bottleneck, "heads": heads, "intermediate": intermediate, "stacked_ffn": stacked,
    }  # fmt: skip
    return Component("block", tuple(dims.items()))


def _embedding_work(tokens: int, hidden: int) -> Work:
    """Word embeddings of a token and its two neighbours side by side, projected, then positions, types and a NoNorm."""
    words = embedding(tokens, VOCABULARY, EMBEDDING) + elementwise(tokens, 3 * EMBEDDING)
    places = embedding(tokens, POSITIONS + TOKEN_TYPES, hidden)
    summed = elementwise(tokens, hidden, operands=3) + no_norm(tokens, hidden)
    return words + linear(tokens, 3 * EMBEDDING, hidden) + places + summed


def _feed_forward(tokens: int, width: int, inner: int) -> Work:
    grown = linear(tokens, width, inner) + elementwise(tokens, inner)
    return grown + linear(tokens, inner, width) + _add_norm(tokens, width)


def _add_norm(tokens: int, width: int) -> Work:
    return elementwise(tokens, width, operands=2) + no_norm(tokens, width)
