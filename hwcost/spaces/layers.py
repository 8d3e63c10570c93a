"""Which genes belong to which layer, in spaces whose layers have choices of their own and whose depth is a gene."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layers:
    """Layers in order, of which the first ones are there, as many as the depth says.

    What a net costs by parts is then a sum over the layers that are there, in which a layer may count together with the one
    before it: the least and the largest sum of all nets follow layer by layer.

    Attributes:
        depth: Number of the gene that says how many layers are there.
        counts: Number of layers by the code of that gene.
        genes: Numbers of the genes of each layer, in the same order for all of them; with the depth, all genes.
        linked: Places in a layer's genes of those that its neighbours' costs depend on, such as that of the width.
    """

    depth: int
    counts: tuple[int, ...]
    genes: tuple[tuple[int, ...], ...]
    linked: tuple[int, ...] = ()
