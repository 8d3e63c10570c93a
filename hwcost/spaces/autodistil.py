"""AutoDistil's three sub-spaces: homogeneous BERT encoders by depth, width, feed-forward ratio and number of heads.

Source: Xu et al., "AutoDistil: Few-shot Task-agnostic Neural Architecture Search for Distilling Large Language Models",
section 3.1, Table 2 (the sub-spaces) and Table 5 (sizes). The sizes printed there follow a formula, not the net that the
authors' released code extracts; both are here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture
from hwcost.spaces.scales import MINI_POSITIONS, MINI_VOCABULARY, scale_option, sizes_of
from hwcost.spaces.transformer import POSITIONS, TOKEN_TYPES, VOCABULARY, Transformer, activation_option

__all__ = ["ONE_SHOT", "TEACHER_HEADS", "TEACHER_LAYERS", "TEACHER_RATIO", "AutoDistil"]

TEACHER_LAYERS = 12
TEACHER_RATIO = 4
TEACHER_HEADS = 12


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of the teacher at a scale; BERT-base at the paper's.

    Attributes:
        head_width: Channels of a head of the teacher, which every subnet retains in the released code (section 3.1).
        divisor: Number that the widths of Table 2 are divided by.
        vocabulary: Number of word pieces.
        positions: Length of the longest sequence.
    """

    head_width: int = 64
    divisor: int = 1
    vocabulary: int = VOCABULARY
    positions: int = POSITIONS

    @property
    def width(self) -> int:
        """The teacher's width."""
        return TEACHER_HEADS * self.head_width


SCALES = {"paper": Sizes(), "mini": Sizes(8, 8, MINI_VOCABULARY, MINI_POSITIONS)}

SUBSPACES: dict[str, tuple[Any, ...]] = {
    "tiny": ((4, 5, 6, 7), (128, 160, 192, 224), (2, 2.5, 3, 3.5), (7, 8, 9, 10)),
    "small": ((9, 10, 11, 12), (256, 288, 320, 352), (2.5, 3, 3.5, 4), (7, 8, 9, 10)),
    "base": ((9, 10, 11, 12), (544, 576, 608, 640), (2.5, 3, 3.5, 4), (9, 10, 11, 12)),
    "reference": ((6, 12), (768,), (4,), (12,)),
    "one-shot-27": ((6, 9, 12), (224, 352, 640), (2.5, 3, 3.5), (10,)),
    "one-shot-864": ((4, 6, 7, 9, 11, 12), (128, 224, 288, 352, 544, 640), (2.5, 3, 3.5, 4), (7, 8, 9, 10, 11, 12)),
    "one-shot-11232": (
        tuple(range(4, 13)),
        (128, 160, 192, 224, 256, 288, 320, 352, 544, 576, 608, 640, 768),
        (1.25, 1.5, 1.75, 2, 2.25, 2.5, 2.75, 3, 3.25, 3.5, 3.75, 4),
        tuple(range(5, 13)),
    ),
}
"""Table 2: layers, widths, feed-forward ratios and heads. ``reference`` holds BERT-base and the net of six of its layers
that Tables 3 to 9 compare with; no sub-space of the paper contains them. ``one-shot-N`` are the single spaces of N nets of
Table 7. The paper prints their numbers of nets alone: these have as many, each contains the smaller ones, and all reach from
the sub-space ``tiny`` to ``base``, whose nets they share where their ratios and heads allow it."""

ONE_SHOT = ("one-shot-27", "one-shot-864", "one-shot-11232")
"""The spaces of one-shot search, by their number of nets (Table 7)."""

STUDENTS: dict[str, tuple[str, tuple[float, ...]]] = {
    "agnostic": ("small", (11, 352, 4, 10)),
    "proxy-base": ("base", (12, 544, 3, 9)),
    "proxy-small": ("small", (11, 352, 4, 8)),
    "proxy-tiny": ("tiny", (7, 160, 3.5, 10)),
}
"""Table 5: sub-space and architecture of the students that the paper's search chose."""

HEADS = ("retained", "scaled")


class AutoDistil(Transformer):
    """AutoDistil: 256 encoders in each of three sub-spaces; depth, width, feed-forward ratio, heads.

    Args:
        subspace: ``tiny``, ``small`` or ``base``; ``reference``, the two nets compared with; or ``one-shot-27``,
            ``one-shot-864`` and ``one-shot-11232``, single spaces over all sizes (Table 7).
        heads: ``retained`` gives every head the teacher's 64 channels, as the released code does; ``scaled`` gives it the
            width over 12, rounded down, which is what the paper's sizes assume.
        scale: ``paper``, or ``mini``: all widths over eight, to be trained on a processor.
        activation: ``gelu`` in the feed-forward layers, as in BERT, or ``relu``, as in the paper's equation 5.

    Raises:
        UsageError: When the sub-space, the kind of heads, the scale or the activation is unknown.
    """

    name = "autodistil"
    accountings = ("built", "paper")

    def __init__(
        self, subspace: str = "small", heads: str = "retained", scale: str = "paper", activation: str = "gelu"
    ) -> None:
        if subspace not in SUBSPACES:
            raise UsageError(f"unknown sub-space '{subspace}' of autodistil. Known: {', '.join(SUBSPACES)}")
        if heads not in HEADS:
            raise UsageError(f"unknown kind of heads '{heads}'. Known: {', '.join(HEADS)}")
        self.subspace, self.kind_of_heads, self.scale = subspace, heads, scale
        self.sizes = sizes = sizes_of(scale, SCALES, self.name)
        layers, hidden, ratios, head_counts = SUBSPACES[subspace]
        super().__init__(
            layers,
            [width // sizes.divisor for width in hidden],
            ratios,
            head_counts,
            head_width=sizes.head_width,
            head="pooler",
            vocabulary=sizes.vocabulary,
            positions=sizes.positions,
            activation=activation,
        )

    def options(self) -> dict[str, Any]:
        """Returns ``{"heads": ..., "subspace": ...}``, ``scale`` but the paper's, and ``activation`` but GELU."""
        own = {"heads": self.kind_of_heads, "subspace": self.subspace}
        return {**own, **scale_option(self.scale), **activation_option(self.activation)}

    def identity_options(self) -> dict[str, Any]:
        """Returns all but ``subspace``, which says what may be chosen: a net is the same in every sub-space that has it."""
        return {name: value for name, value in self.options().items() if name != "subspace"}

    def head_channels(self, hidden: int, heads: int) -> int:
        """Returns the channels of one head at a width."""
        return self.sizes.head_width if self.kind_of_heads == "retained" else hidden // TEACHER_HEADS

    def _params(self, arch: Architecture, accounting: str) -> int:
        """Counts parameters; ``paper`` is the formula behind Table 5, whose heads share ``hidden * heads / 12`` channels."""
        if accounting == "built":
            return super()._params(arch, accounting)
        rows = self.vocabulary + self.positions + TOKEN_TYPES
        return paper_params(*self._factors(arch), rows=rows)

    def _flops(self, arch: Architecture, accounting: str, seq_len: int, batch_size: int) -> int:
        """Counts operations; ``paper`` is twice the multiply-adds that Table 5 calls FLOPs."""
        if accounting == "built":
            return super()._flops(arch, accounting, seq_len, batch_size)
        return 2 * batch_size * paper_macs(*self._factors(arch), seq_len)

    @staticmethod
    def _factors(arch: Architecture) -> tuple[int, int, float, int]:
        layers, hidden, ratio, heads = arch.genes
        return int(layers), int(hidden), float(ratio), int(heads)


def paper_params(
    layers: int, hidden: int, ratio: float, heads: int, rows: int = VOCABULARY + POSITIONS + TOKEN_TYPES
) -> int:
    """Counts parameters as Table 5 does, with ``rows`` embeddings of all kinds; ``12_768_4_12`` is BERT-base."""
    attention = hidden**2 + 3 * hidden**2 * heads / TEACHER_HEADS + 6 * hidden
    feed_forward = 2 * ratio * hidden**2 + ratio * hidden + 3 * hidden
    ends = hidden * (rows + 2) + hidden**2 + 2 * hidden
    return round(ends + layers * (attention + feed_forward))


def paper_macs(layers: int, hidden: int, ratio: float, heads: int, seq_len: int = 128) -> int:
    """Counts multiply-adds as Table 5 does, at 128 tokens there; the pooler is charged for every token."""
    inner = hidden * heads / TEACHER_HEADS
    attention = 3 * seq_len * hidden * inner + 2 * seq_len**2 * inner + seq_len * hidden**2
    return round(layers * (attention + 2 * ratio * seq_len * hidden**2) + seq_len * hidden**2 + 2 * hidden)
