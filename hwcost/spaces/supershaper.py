"""SuperShaper's search space: the hidden size of each of 12 BERT layers, framed by bottleneck matrices.

Source: Ganesan et al., "SuperShaper: Task-Agnostic Super Pre-training of BERT Models with Variable Hidden Dimensions",
section 3 and Table 6. Layer: D -> bottleneck -> h -> attention(h) -> add, norm -> feed-forward(h, 3072) -> add, norm ->
bottleneck -> D; no residual at width D, so that neighbouring bottlenecks may be merged for deployment.
"""

from __future__ import annotations

import itertools
from typing import Any

from hwcost.errors import UsageError
from hwcost.spaces import blocks
from hwcost.spaces.accounting import Work, layer_norm, linear
from hwcost.spaces.base import Architecture, Component, Gene, SearchSpace

LAYERS = 12
WIDTHS = (120, 240, 360, 480, 540, 600, 768)
BACKBONE_WIDTH = 768
HEADS = 12
FEED_FORWARD = 3072
VOCABULARY = 28_996  # bert-base-cased
POSITIONS = 512
TOKEN_TYPES = 2

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

CIGARS: dict[str, tuple[int, ...]] = {
    "61M": (360, 240, 240, 240, 360, 360, 360, 360, 480, 480, 540, 540),
    "59M": (360, 240, 240, 240, 360, 360, 360, 360, 360, 360, 540, 540),
}
"""Reference shapes of the heuristic (section 4.4), by their parameter count as the paper counts. The authors' released
shapes of 56 M and 59 M come from the second, the other ones from the first."""


class SuperShaper(SearchSpace):
    """12 layers, hidden size per layer out of seven widths: 7**12 architectures.

    Args:
        merged: Compose neighbouring bottlenecks into one ``h_i -> h_{i+1}`` matrix each, as one would for deployment.
            The default is the unmerged net, which is what the paper trains.
    """

    name = "supershaper"
    accountings = ("built", "paper")
    genes = tuple(Gene(f"l{index}", WIDTHS) for index in range(1, LAYERS + 1))

    def __init__(self, merged: bool = False) -> None:
        self.merged = bool(merged)

    def options(self) -> dict[str, Any]:
        """Returns ``{"merged": ...}``."""
        return {"merged": self.merged}

    def increasing(self) -> tuple[int, ...]:
        """Every width: a wider layer does all that the narrower one does, and more."""
        return (1,) * len(self.genes)

    def components(self, arch: Architecture | None = None) -> tuple[Component, ...]:
        """Embeddings, layers, head; merged, also the transitions between the widths of neighbouring layers."""
        if arch is None:
            inner = [_layer(width) for width in WIDTHS]
            if self.merged:
                inner += [_transition(a, b) for a in WIDTHS for b in WIDTHS]
            return (Component("embeddings"), *inner, Component("head"))
        widths = [int(gene) for gene in arch.genes]
        layers = [_layer(width) for width in widths]
        if not self.merged:
            return (Component("embeddings"), *layers, Component("head"))
        path = [BACKBONE_WIDTH, *widths, BACKBONE_WIDTH]
        joins = [_transition(a, b) for a, b in itertools.pairwise(path)]
        woven = [part for join, layer in zip(joins, layers, strict=False) for part in (join, layer)]
        return (Component("embeddings"), *woven, joins[-1], Component("head"))

    def parts(self) -> tuple[Component, ...]:
        """Returns the finer components that make up a layer at each width, for measuring where the time goes."""
        kinds = ("bottlenecks", "attention", "feed_forward", "layer_norm")
        return tuple(Component(kind, (("hidden", width),)) for width in WIDTHS for kind in kinds)

    def component_work(self, component: Component, batch_size: int = 1, seq_len: int = 128) -> Work:
        """See the base class; formulas in the module's functions, checked against the built module."""
        tokens = batch_size * seq_len
        if component.kind == "embeddings":
            return blocks.embeddings(tokens, VOCABULARY + POSITIONS + TOKEN_TYPES, BACKBONE_WIDTH)
        if component.kind == "head":
            return blocks.mlm_head(tokens, BACKBONE_WIDTH, VOCABULARY)
        if component.kind == "transition":
            return linear(tokens, component.dim("inputs"), component.dim("outputs"))
        width = component.dim("hidden") if component.dims else 0
        kinds = {
            "attention": lambda: blocks.self_attention(batch_size, seq_len, width, HEADS),
            "feed_forward": lambda: blocks.feed_forward(tokens, width, FEED_FORWARD),
            "layer_norm": lambda: layer_norm(tokens, width),
            "bottlenecks": lambda: _bottlenecks(tokens, width),
        }
        if component.kind == "layer":
            chosen = ["attention", "feed_forward"] if self.merged else ["bottlenecks", "attention", "feed_forward"]
        elif component.kind in kinds:
            chosen = [component.kind]
        else:
            raise UsageError(f"space 'supershaper' has no component '{component}'")
        return sum((kinds[kind]() for kind in chosen), start=Work())

    def params(self, arch: Architecture, accounting: str = "built") -> int:
        """Counts parameters.

        Args:
            arch: The architecture.
            accounting: ``built`` counts the module; ``paper`` is the figure of Table 6: merged bottlenecks, tied decoder
                without its bias, and the head's norm sized by the last layer.

        Raises:
            UsageError: When the accounting is unknown.
        """
        if accounting != "paper":
            return super().params(arch, accounting)
        merged = self if self.merged else SuperShaper(merged=True)
        return merged.work(arch).params - VOCABULARY - 2 * BACKBONE_WIDTH + 2 * int(arch.genes[-1])

    def flops(self, arch: Architecture, seq_len: int = 128, batch_size: int = 1, accounting: str = "built") -> int:
        """Counts operations; ``paper`` counts the merged net, as :meth:`params` does.

        Raises:
            UsageError: When the accounting is unknown.
        """
        self.check_accounting(accounting)
        counted = SuperShaper(merged=True) if accounting == "paper" else self
        return counted.work(arch, batch_size, seq_len).flops

    def template(self, name: str) -> Architecture:
        """Returns a shape of Table 6 by name.

        Raises:
            UsageError: When there is no such template; lists them.
        """
        if name not in TEMPLATES:
            raise UsageError(f"unknown template '{name}'. Known: {', '.join(TEMPLATES)}")
        return self.architecture(TEMPLATES[name])

    def cigar(self, target_params: float, reference: str = "61M", floored: range = range(2, 5)) -> Architecture:
        """Scales a cigar-like reference shape to a parameter count (section 4.4, "Heuristically shaped models").

        Every width is scaled by one factor; early middle layers are rounded down to the grid, the others up.

        Args:
            target_params: Wanted count in the paper's accounting, for example ``70e6``.
            reference: A key of ``CIGARS``.
            floored: Layers, counted from 1, that are rounded down. The paper says 2 to 5; layers 2 to 4 reproduce the
                released shapes.

        Raises:
            UsageError: When the reference is unknown.
        """
        if reference not in CIGARS:
            raise UsageError(f"unknown reference shape '{reference}'. Known: {', '.join(CIGARS)}")
        shapes = {self._scaled(CIGARS[reference], 0.2 + step / 1000, floored): None for step in range(3400)}
        return min(shapes, key=lambda arch: abs(self.params(arch, "paper") - target_params))

    def _scaled(self, shape: tuple[int, ...], factor: float, floored: range) -> Architecture:
        genes = []
        for layer, width in enumerate(shape, start=1):
            wanted = round(width * factor, 6)
            below = [w for w in WIDTHS if w <= wanted] or [WIDTHS[0]]
            above = [w for w in WIDTHS if w >= wanted] or [WIDTHS[-1]]
            genes.append(below[-1] if layer in floored else above[0])
        return Architecture(self.name, tuple(genes))


def _layer(width: int) -> Component:
    return Component("layer", (("hidden", width),))


def _transition(inputs: int, outputs: int) -> Component:
    return Component("transition", (("inputs", inputs), ("outputs", outputs)))


def _bottlenecks(tokens: int, width: int) -> Work:
    return linear(tokens, BACKBONE_WIDTH, width) + linear(tokens, width, BACKBONE_WIDTH)
