"""Connector algebra: which layers a row of identical components forms, given what is kept and how neighbours are joined.

Source: Tsai et al., "Finding Fast Transformers", section 3.2. A connector ``w_i`` between components i and i + 1 is 0 where
both stand in the same layer (horizontal) and 1 where the layer ends behind component i (vertical). A component that is not
kept contributes nothing, but its connector still counts: ``Psi(0, w)(X, R) = (X + wR, (1 - w)R)``.
Connectors of other values are scaled residuals (section 4.1), see :func:`scaled_layers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hwcost._types import Codes

CLOSED = 1e-6
"""Magnitude below which a gate counts as 0 (section 4.1)."""


def layers_of(kept: Sequence[int], connectors: Sequence[int]) -> list[list[int]]:
    """Groups the kept components into layers.

    Args:
        kept: Components that are kept, as k numbers of 0 and 1.
        connectors: Ends of layers: 1 where one ends behind a component; k - 1 of them, since the last ends in any case.

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


def canonical_rows(kept: Codes, connectors: Codes) -> Codes:
    """Does what :func:`canonical_connectors` does for n rows of components at once.

    Args:
        kept: Whether each component is kept, shape (n, k), of 0 and 1.
        connectors: Connectors, shape (n, k - 1), of 0 and 1.
    """
    found, rows = np.zeros_like(connectors), np.arange(len(kept))
    last, is_ended = np.full(len(kept), -1), np.zeros(len(kept), dtype=bool)  # of the layer that each row is in
    for index in range(kept.shape[1]):
        is_kept = kept[:, index] == 1
        begins = is_kept & is_ended & (last >= 0)
        found[rows[begins], last[begins]] = 1
        last, is_ended = np.where(is_kept, index, last), is_ended & ~is_kept
        if index < connectors.shape[1]:
            is_ended = is_ended | (connectors[:, index] == 1)
    return found


@dataclass(frozen=True, slots=True)
class ScaledLayer:
    """Components side by side, whose output is added to what they read.

    Attributes:
        pieces: Indices of the components.
        weight: Factor of their outputs.
        carry: Factor of what the layer before them added, which is added once more beside them; 0 for the first layer.
    """

    pieces: tuple[int, ...]
    weight: float
    carry: float


def scaled_layers(kept: Sequence[bool], connectors: Sequence[float]) -> list[ScaledLayer]:
    """Writes a row of components behind connectors of any value as layers.

    A layer adds ``weight * sum(f(X)) + carry * U`` to what it reads, where U is what the layer before it added: then what
    ``Psi`` and ``Omega`` compute is computed, exactly. A component that is not kept only passes on, so that the connectors
    between two that are kept act as one, ``1 - prod(1 - w)``. Connectors of 0 and 1 give the layers of :func:`layers_of`,
    all with weight 1 and carry 0.

    Args:
        kept: Whether each component is kept; k of them.
        connectors: Connector behind each component but the last.
    """
    rows: list[tuple[list[int], float]] = []
    pieces: list[int] = []
    rest = 1.0
    for index, is_kept in enumerate(kept):
        if is_kept:
            if pieces and abs(1.0 - rest) >= CLOSED:
                rows.append((pieces, 1.0 - rest))
                pieces = []
            pieces.append(index)
            rest = 1.0
        if index < len(connectors):
            rest *= 1.0 - connectors[index]
    if pieces:
        rows.append((pieces, 1.0))
    before = [1.0, *(weight for _, weight in rows)]
    return [
        ScaledLayer(tuple(own), weight, weight * (1.0 - last) / last)
        for (own, weight), last in zip(rows, before, strict=False)
    ]
