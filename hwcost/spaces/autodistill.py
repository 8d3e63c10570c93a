"""AutoDistill's student template: 24 equal bottleneck blocks, described by five factors.

Source: Zhang et al., "AutoDistill: an End-to-End Framework to Explore and Distill Hardware-Efficient Language Models",
section 3.2, Figure 2, Table 1 (the choices) and Table 2 (sizes); the block follows Sun et al., "MobileBERT", with queries,
keys and values read from the wide stream, which is what reproduces the sizes.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from hwcost.errors import UsageError
from hwcost.spaces.accounting import Work, attention, elementwise, embedding, linear, no_norm
from hwcost.spaces.base import Architecture, Component, Gene, SearchSpace
from hwcost.spaces.scales import MINI_POSITIONS, MINI_VOCABULARY, scale_option, sizes_of

__all__ = ["AutoDistill"]

VOCABULARY = 30_522  # bert-base-uncased
POSITIONS = 512
TOKEN_TYPES = 2
EMBEDDING = 128
BLOCKS = 24

HIDDEN = (128, 256, 384, 512)
PRINTED_HIDDEN = (128, 246, 384, 512)
BOTTLENECKS = (64, 96, 128, 160)
HEADS = (1, 2, 4, 8)
INTERMEDIATES = (384, 512, 640)
STACKS = (2, 4, 6)

TEACHER = (512, 1024, 4, 4096, 1)
"""IB-BERT_LARGE, the inverted bottleneck of Sun et al., "MobileBERT", as a point of the template: 293 M parameters."""



@dataclass(frozen=True, slots=True)
class Sizes:
    """What all students share, and what the factors are chosen from.

    Attributes:
        hidden: Hidden sizes, and the ones that are printed.
        bottlenecks: Widths inside a block.
        heads: Attention heads.
        intermediates: Inner widths of a feed-forward.
        stacks: Feed-forwards of a block.
        blocks: Blocks of every student, and of the teacher.
        embedding: Width of the word embeddings; three neighbours together are projected to the hidden size.
        teacher: Hidden size, bottleneck, heads, intermediate size and stacked feed-forwards of the teacher.
        vocabulary: Word pieces.
        positions: Longest sequence.
    """

    hidden: tuple[int, ...] = HIDDEN
    bottlenecks: tuple[int, ...] = BOTTLENECKS
    heads: tuple[int, ...] = HEADS
    intermediates: tuple[int, ...] = INTERMEDIATES
    stacks: tuple[int, ...] = STACKS
    blocks: int = BLOCKS
    embedding: int = EMBEDDING
    teacher: tuple[int, int, int, int, int] = TEACHER
    vocabulary: int = VOCABULARY
    positions: int = POSITIONS


SCALES = {
    "paper": Sizes(),
    "mini": Sizes(
        hidden=(16, 32, 48, 64),
        bottlenecks=(16, 24, 32, 40),
        intermediates=(48, 64, 80),
        blocks=4,
        embedding=16,
        teacher=(64, 128, 4, 512, 1),
        vocabulary=MINI_VOCABULARY,
        positions=MINI_POSITIONS,
    ),
}

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
        printed: Whether the hidden size 246 is taken as Table 1 prints it; all others are multiples of 128, and 256 is
            what the default has in its place.
        scale: ``paper``, or ``mini``: four narrow blocks, to be trained on a processor.

    Raises:
        UsageError: When the scale is unknown.
    """

    name = "autodistill"

    def __init__(self, printed: bool = False, scale: str = "paper") -> None:
        self.printed, self.scale = bool(printed), scale
        self.sizes = sizes = sizes_of(scale, SCALES, self.name)
        self.genes = (
            Gene("hidden", PRINTED_HIDDEN if self.printed and scale == "paper" else sizes.hidden),
            Gene("bottleneck", sizes.bottlenecks),
            Gene("heads", sizes.heads),
            Gene("intermediate", sizes.intermediates),
            Gene("stacked_ffn", sizes.stacks),
        )

    def options(self) -> dict[str, Any]:
        """Returns ``{"printed": ...}``, and ``scale`` where it is not the paper's."""
        return {"printed": self.printed, **scale_option(self.scale)}

    def identity_options(self) -> dict[str, Any]:
        """Returns all but ``printed``, which says whether 246 or 256 may be chosen."""
        return {name: value for name, value in self.options().items() if name != "printed"}

    def increasing(self) -> tuple[int, ...]:
        """All but the heads: more heads share the same channels, which some runtimes do faster and some slower."""
        return (1, 1, 0, 1, 1)

    def components(self, arch: Architecture | None = None) -> tuple[Component, ...]:
        """Embeddings and equal blocks; the pre-training heads are left off, as in the paper's sizes."""
        if arch is not None:
            genes = [int(gene) for gene in self.as_architecture(arch).genes]
            return (_embeddings(genes[0]), *[_block(*genes)] * self.sizes.blocks)
        widths, *others = ([int(value) for value in gene.choices] for gene in self.genes)
        ends = [_embeddings(width) for width in widths]
        return (*ends, *[_block(*point) for point in itertools.product(widths, *others)])

    def component_work(self, component: Component, batch_size: int = 1, seq_len: int = 128) -> Work:
        """See the base class."""
        tokens = batch_size * seq_len
        hidden = component.dim("hidden") if component.dims else 0
        if component.kind == "embeddings":
            return self._embedding_work(tokens, hidden)
        if component.kind != "block":
            raise UsageError(f"space 'autodistill' has no component '{component}'")
        width, heads = component.dim("bottleneck"), component.dim("heads")
        enter = linear(tokens, hidden, width) + no_norm(tokens, width)
        projections = linear(tokens, hidden, width).times(3) + linear(tokens, width, width)
        mixed = attention(batch_size, seq_len, heads, width) + _add_norm(tokens, width)
        leave = linear(tokens, width, hidden) + _add_norm(tokens, hidden)
        stacked = _feed_forward(tokens, width, component.dim("intermediate")).times(component.dim("stacked_ffn"))
        return enter + projections + mixed + stacked + leave

    def _embedding_work(self, tokens: int, hidden: int) -> Work:
        """Word embeddings of a token and its two neighbours side by side, projected, then positions, types and a NoNorm."""
        narrow = self.sizes.embedding
        words = embedding(tokens, self.sizes.vocabulary, narrow) + elementwise(tokens, 3 * narrow)
        places = embedding(tokens, self.sizes.positions + TOKEN_TYPES, hidden)
        summed = elementwise(tokens, hidden, operands=3) + no_norm(tokens, hidden)
        return words + linear(tokens, 3 * narrow, hidden) + places + summed

    @property
    def mobilebert(self) -> Architecture:
        """The reference of the paper's search, or the point of its choices at another scale."""
        paper = AutoDistill().genes
        rows = zip(self.genes, paper, MOBILEBERT, strict=True)
        return self.architecture(own.choices[theirs.choices.index(value)] for own, theirs, value in rows)

    def student(self, name: str) -> Architecture:
        """Returns a student of Table 2 by its code, or ``mobilebert``.

        Raises:
            UsageError: When the student is unknown; lists the known ones.
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


def _feed_forward(tokens: int, width: int, inner: int) -> Work:
    grown = linear(tokens, width, inner) + elementwise(tokens, inner)
    return grown + linear(tokens, inner, width) + _add_norm(tokens, width)


def _add_norm(tokens: int, width: int) -> Work:
    return elementwise(tokens, width, operands=2) + no_norm(tokens, width)
