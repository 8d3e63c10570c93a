"""Connector algebra: which layers a row of identical components forms, given what is kept and how neighbours are joined.

Source: Tsai et al., "Finding Fast Transformers", section 3.2. A connector ``w_i`` between components i and i + 1 is 0 where
both stand in the same layer (horizontal) and 1 where the layer ends behind component i (vertical). A component that is not
kept contributes nothing, but its connector still counts: ``Psi(0, w)(X, R) = (X + wR, (1 - w)R)``.
"""

from __future__ import annotations

from collections.abc import Sequence


def layers_of(kept: Sequence[int], connectors: Sequence[int]) -> list[list[int]]:
    """Groups the kept components into layers.

    Args:
        kept: 1 for every component that is kept, else 0; k of them.
        connectors: 1 where a layer ends behind a component, else 0; k - 1 of them, since the last one ends in any case.

    Returns:
        Indices of the kept components, layer by layer; layers without any are left out.
    """
    layers: list[list[int]] = [[]]
    for index, is_kept in enumerate(kept):
        if is_kept:
            layers[-1].append(index)
        if index < len(connectors) and connectors[index]:
            layers.append([])
    return [layer for layer in layers if layer]


def canonical_connectors(kept: Sequence[int], connectors: Sequence[int]) -> tuple[int, ...]:
    """Returns the connectors that form the same layers with every end right behind the last kept component of its layer."""
    ends = {layer[-1] for layer in layers_of(kept, connectors)[:-1]}
    return tuple(int(index in ends) for index in range(len(connectors)))
