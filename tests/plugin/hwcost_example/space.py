"""The space ``mlp``: residual feed-forward nets over word embeddings. It knows shapes and counts, and needs no torch."""

from __future__ import annotations

from typing import Any

from hwcost.errors import UsageError
from hwcost.spaces import Architecture, Component, Gene, SearchSpace
from hwcost.spaces.accounting import Work, elementwise, embedding, linear


class Mlp(SearchSpace):
    """Nets of equal blocks.

    Args:
        width: Width of the embeddings, and of what flows from block to block.
        vocabulary: Number of word pieces.

    Raises:
        UsageError: When a size is not positive.
    """

    name = "mlp"
    genes = (Gene("blocks", (1, 2, 3, 4, 6, 8)), Gene("inner", (32, 64, 96, 128, 192, 256)))

    def __init__(self, width: int = 64, vocabulary: int = 1000) -> None:
        if min(width, vocabulary) < 1:
            raise UsageError(f"sizes of space 'mlp' are positive, got width={width} and vocabulary={vocabulary}")
        self.width, self.vocabulary = width, vocabulary

    def options(self) -> dict[str, Any]:
        """Returns the keyword arguments that make an equal space."""
        return {"width": self.width, "vocabulary": self.vocabulary}

    def components(self, arch: Architecture | None = None) -> tuple[Component, ...]:
        """Returns the parts of one net in order, or every part that a net can have."""
        if arch is None:
            return (Component("embeddings"), *(_block(inner) for inner in self.genes[1].choices))
        blocks, inner = arch.genes
        return (Component("embeddings"), *[_block(inner)] * int(blocks))

    def component_work(self, component: Component, batch_size: int = 1, seq_len: int = 128) -> Work:
        """Counts parameters, operations, and numbers that are moved."""
        tokens = batch_size * seq_len
        if component.kind == "embeddings":
            return embedding(tokens, self.vocabulary, self.width)
        if component.kind != "block":
            raise UsageError(f"space 'mlp' has no component '{component}'. Known: embeddings and block")
        inner = component.dim("inner")
        grown = linear(tokens, self.width, inner) + elementwise(tokens, inner)
        return grown + linear(tokens, inner, self.width) + elementwise(tokens, self.width, operands=2)

    def increasing(self) -> tuple[int, ...]:
        """Says that no net gets faster with more or with wider blocks."""
        return (1, 1)


def _block(inner: Any) -> Component:
    return Component("block", (("inner", int(inner)),))
