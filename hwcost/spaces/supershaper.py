"""SuperShaper's search space: the hidden size of each of 12 BERT layers, framed by bottleneck matrices.

Source: Ganesan et al., "SuperShaper: Task-Agnostic Super Pre-training of BERT Models with Variable Hidden Dimensions",
section 3 and Table 6. Layer: D -> bottleneck -> h -> attention(h) -> add, norm -> feed-forward(h, 3072) -> add, norm ->
bottleneck -> D; no residual at width D, so that neighbouring bottlenecks may be merged for deployment.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache
from typing import Any

from hwcost._cached import cached_property
from hwcost.errors import UsageError
from hwcost.spaces.accounting import Work, embeddings, feed_forward, layer_norm, linear, mlm_head, self_attention
from hwcost.spaces.base import Architecture, Component, Gene, SearchSpace
from hwcost.spaces.scales import MINI_POSITIONS, MINI_VOCABULARY, scale_option, sizes_of

__all__ = ["RELEASED_FLOORED", "SuperShaper"]

LAYERS = 12
WIDTHS = (120, 240, 360, 480, 540, 600, 768)
BACKBONE_WIDTH = 768
HEADS = 12
FEED_FORWARD = 3072
VOCABULARY = 28_996  # bert-base-cased
POSITIONS = 512
TOKEN_TYPES = 2


@dataclass(frozen=True, slots=True)
class Sizes:
    """What all nets of the space share, and what its layers choose from.

    Attributes:
        layers: Layers of every net.
        widths: Widths of a layer to choose from, ascending.
        backbone_width: Width D around the bottlenecks.
        heads: Attention heads of a layer.
        feed_forward: Inner width of a layer's feed-forward.
        vocabulary: Word pieces.
        positions: Longest sequence.
    """

    layers: int = LAYERS
    widths: tuple[int, ...] = WIDTHS
    backbone_width: int = BACKBONE_WIDTH
    heads: int = HEADS
    feed_forward: int = FEED_FORWARD
    vocabulary: int = VOCABULARY
    positions: int = POSITIONS


SCALES = {
    "paper": Sizes(),
    "small": Sizes(4, (60, 120, 180, 240, 270, 300, 384), 384, 6, 1536, MINI_VOCABULARY, POSITIONS),
    "mini": Sizes(4, (8, 16, 24, 32, 48, 64), 64, 4, 256, MINI_VOCABULARY, MINI_POSITIONS),
}

TEMPLATES: dict[str, tuple[int, ...]] = {
    "evo-search-1": (480, 360, 360, 240, 240, 360, 480, 480, 360, 480, 540, 540),
    "evo-search-2": (480, 240, 360, 240, 540, 480, 360, 360, 360, 360, 540, 480),
    "lower-triangle": (120, 120, 240, 240, 360, 360, 360, 480, 540, 540, 600, 768),
    "random": (480, 360, 360, 540, 480, 540, 360, 480, 540, 120, 360, 540),
    "random-released": (480, 360, 360, 540, 480, 240, 360, 480, 540, 120, 360, 540),
    "rectangle": (360,) * 12,
    "inverted-diamond": (768, 600, 360, 240, 240, 120, 120, 240, 240, 360, 600, 768),
    "bottle": (120, 120, 120, 120, 120, 120, 600, 600, 600, 600, 600, 768),
    "diamond": (120, 240, 360, 480, 480, 540, 768, 540, 480, 360, 240, 120),
    "upper-triangle": (768, 600, 540, 540, 480, 360, 360, 360, 240, 240, 120, 120),
    "inverted-bottle": (768, 600, 600, 600, 600, 600, 120, 120, 120, 120, 120, 120),
}
"""Table 6. ``random`` is the row as printed (67 M); ``random-released`` has L6 = 240, which gives the stated 64 M."""

MINI_TEMPLATES: dict[str, tuple[int, ...]] = {
    "lower-triangle": (8, 24, 48, 64), "upper-triangle": (64, 48, 24, 8), "rectangle": (32, 32, 32, 32),
    "diamond": (16, 64, 48, 16), "inverted-diamond": (64, 8, 8, 64), "bottle": (8, 8, 64, 64),
    "inverted-bottle": (64, 64, 8, 8),
}  # fmt: skip
"""Table 6's shapes in the four layers of scale ``mini``, of about one size."""

SMALL_TEMPLATES: dict[str, tuple[int, ...]] = {
    "lower-triangle": (60, 180, 270, 384), "upper-triangle": (384, 270, 180, 60), "rectangle": (240, 240, 240, 240),
    "diamond": (120, 384, 270, 120), "inverted-diamond": (384, 60, 60, 384), "bottle": (60, 60, 384, 384),
    "inverted-bottle": (384, 384, 60, 60),
}  # fmt: skip
"""The same in the four layers of scale ``small``."""

OF_SCALE = {"paper": TEMPLATES, "small": SMALL_TEMPLATES, "mini": MINI_TEMPLATES}

CIGARS: dict[str, tuple[int, ...]] = {
    "61M": (360, 240, 240, 240, 360, 360, 360, 360, 480, 480, 540, 540),
    "59M": (360, 240, 240, 240, 360, 360, 360, 360, 360, 360, 540, 540),
}
"""Reference shapes of the heuristic (section 4.4), by their parameter count as the paper counts. The authors' released
shapes of 56 M and 59 M come from the second, the other ones from the first."""

MINI_CIGARS: dict[str, tuple[int, ...]] = {"mini": (32, 16, 32, 48)}
"""The reference shape in the four layers of scale ``mini``: wide last, moderately wide first, narrow second layer."""
SMALL_CIGARS: dict[str, tuple[int, ...]] = {"small": (240, 120, 180, 300)}
"""The same in the four layers of scale ``small``."""

CIGARS_OF_SCALE = {"paper": CIGARS, "small": SMALL_CIGARS, "mini": MINI_CIGARS}

FLOORED = range(2, 6)
"""Early middle layers, counted from 1, which the heuristic rounds down (section 4.4)."""
MINI_FLOORED = range(2, 3)
"""The early middle one of the four layers of scales ``small`` and ``mini``."""
RELEASED_FLOORED = range(2, 5)
"""Layers that are rounded down in the shapes that the authors released."""


class SuperShaper(SearchSpace):
    """12 layers, hidden size per layer out of seven widths: 7**12 architectures.

    Args:
        merged: Whether neighbouring bottlenecks are composed into one ``h_i -> h_{i+1}`` matrix each, as for deployment.
            The default is the unmerged net, which is what the paper trains.
        scale: ``paper``; ``small``: four layers of half the paper's widths, to be measured on a processor in minutes; or
            ``mini``: four layers 8 to 64 wide, to be trained on a processor.

    Raises:
        UsageError: When the scale is unknown.
    """

    name = "supershaper"
    accountings = ("built", "paper")

    def __init__(self, merged: bool = False, scale: str = "paper") -> None:
        self.merged, self.scale = bool(merged), scale
        self.sizes = sizes_of(scale, SCALES, self.name)
        self.genes = tuple(Gene(f"l{index}", self.sizes.widths) for index in range(1, self.sizes.layers + 1))

    def options(self) -> dict[str, Any]:
        """Returns ``{"merged": ...}``, and ``scale`` where it is not the paper's."""
        return {"merged": self.merged, **scale_option(self.scale)}

    def increasing(self) -> tuple[int, ...]:
        """Every width: a wider layer does all that the narrower one does, and more."""
        return (1,) * len(self.genes)

    def components(self, arch: Architecture | None = None) -> tuple[Component, ...]:
        """Embeddings, layers, head; merged, also the transitions between the widths of neighbouring layers."""
        backbone = self.sizes.backbone_width
        if arch is None:
            inner = [_layer(width) for width in self.sizes.widths]
            if self.merged:
                inner += [_transition(a, b) for a in self.sizes.widths for b in self.sizes.widths]
            return (Component("embeddings"), *inner, Component("head"))
        widths = [int(gene) for gene in self.as_architecture(arch).genes]
        layers = [_layer(width) for width in widths]
        if not self.merged:
            return (Component("embeddings"), *layers, Component("head"))
        path = [backbone, *widths, backbone]
        joins = [_transition(a, b) for a, b in itertools.pairwise(path)]
        alternating = [part for join, layer in zip(joins, layers, strict=False) for part in (join, layer)]
        return (Component("embeddings"), *alternating, joins[-1], Component("head"))

    def parts(self) -> tuple[Component, ...]:
        """Returns the finer components that make up a layer at each width, for measuring where the time goes."""
        kinds = ("bottlenecks", "attention", "feed_forward", "layer_norm")
        return tuple(Component(kind, (("hidden", width),)) for width in self.sizes.widths for kind in kinds)

    def component_work(self, component: Component, batch_size: int = 1, seq_len: int = 128) -> Work:
        """See the base class; formulas in the module's functions, checked against the built module."""
        tokens, sizes = batch_size * seq_len, self.sizes
        if component.kind == "embeddings":
            return embeddings(tokens, sizes.vocabulary + sizes.positions + TOKEN_TYPES, sizes.backbone_width)
        if component.kind == "head":
            return mlm_head(tokens, sizes.backbone_width, sizes.vocabulary)
        if component.kind == "transition":
            return linear(tokens, component.dim("inputs"), component.dim("outputs"))
        width = component.dim("hidden") if component.dims else 0
        kinds = {
            "attention": lambda: self_attention(batch_size, seq_len, width, sizes.heads),
            "feed_forward": lambda: feed_forward(tokens, width, sizes.feed_forward),
            "layer_norm": lambda: layer_norm(tokens, width),
            "bottlenecks": lambda: _bottlenecks(tokens, sizes.backbone_width, width),
        }
        if component.kind == "layer":
            chosen = ["attention", "feed_forward"] if self.merged else ["bottlenecks", "attention", "feed_forward"]
        elif component.kind in kinds:
            chosen = [component.kind]
        else:
            raise UsageError(f"space 'supershaper' has no component '{component}'")
        return sum((kinds[kind]() for kind in chosen), start=Work())

    def _params(self, arch: Architecture, accounting: str) -> int:
        """Counts parameters; ``paper`` is the figure of Table 6.

        There bottlenecks are merged, the decoder is tied and has no bias, and the head's norm is as wide as the last layer.
        """
        if accounting == "built":
            return super()._params(arch, accounting)
        sizes, deployed = self.sizes, self.deployed
        whole = deployed.work(deployed.made(arch.genes)).params
        return whole - sizes.vocabulary - 2 * sizes.backbone_width + 2 * int(arch.genes[-1])

    def _flops(self, arch: Architecture, accounting: str, seq_len: int, batch_size: int) -> int:
        """Counts operations; ``paper`` counts the merged net."""
        counted = self.deployed if accounting == "paper" else self
        return counted.work(counted.made(arch.genes), batch_size, seq_len).flops

    @property
    def deployed(self) -> SuperShaper:
        """The same space with neighbouring bottlenecks composed."""
        return self if self.merged else self._merged

    @cached_property
    def _merged(self) -> SuperShaper:
        return SuperShaper(True, self.scale)

    @property
    def templates(self) -> dict[str, Architecture]:
        """The shapes of Table 6, or what they are in four layers."""
        return {name: self.architecture(shape) for name, shape in OF_SCALE[self.scale].items()}

    def template(self, name: str) -> Architecture:
        """Returns a shape of Table 6 by name.

        Raises:
            UsageError: When the template is unknown; lists the known ones.
        """
        known = self.templates
        if name not in known:
            raise UsageError(f"unknown template '{name}'. Known: {', '.join(known)}")
        return known[name]

    def cigar(
        self, target_params: float, reference: str | None = None, floored: range | None = None
    ) -> Architecture:
        """Scales a cigar-like reference shape to a parameter count (section 4.4, "Heuristically shaped models").

        Every width is scaled by one factor; early middle layers are rounded down to the grid, the others up.

        Args:
            target_params: Wanted count in the paper's accounting, for example ``70e6``.
            reference: Key of those of the scale in ``CIGARS_OF_SCALE``; None for the first.
            floored: Layers, counted from 1, that are rounded down; None for the paper's 2 to 5, or for what they are in four
                layers. ``RELEASED_FLOORED`` (2 to 4) reproduces the released shapes.

        Raises:
            UsageError: When the reference is unknown.
        """
        known, early = CIGARS_OF_SCALE[self.scale], FLOORED if self.scale == "paper" else MINI_FLOORED
        chosen = next(iter(known)) if reference is None else reference
        if chosen not in known:
            raise UsageError(f"unknown reference shape '{chosen}'. Known: {', '.join(known)}")
        down = early if floored is None else floored
        shapes = {self._scaled(known[chosen], 0.2 + step / 1000, down): None for step in range(3400)}
        return min(shapes, key=lambda arch: abs(self.params(arch, "paper") - target_params))

    def _scaled(self, shape: tuple[int, ...], factor: float, floored: range) -> Architecture:
        genes = []
        for layer, width in enumerate(shape, start=1):
            wanted = round(width * factor, 6)
            below = [w for w in self.sizes.widths if w <= wanted] or [self.sizes.widths[0]]
            above = [w for w in self.sizes.widths if w >= wanted] or [self.sizes.widths[-1]]
            genes.append(below[-1] if layer in floored else above[0])
        return self.made(genes)


@cache
def _layer(width: int) -> Component:
    return Component("layer", (("hidden", width),))


@cache
def _transition(inputs: int, outputs: int) -> Component:
    return Component("transition", (("inputs", inputs), ("outputs", outputs)))


def _bottlenecks(tokens: int, outer: int, width: int) -> Work:
    return linear(tokens, outer, width) + linear(tokens, width, outer)
