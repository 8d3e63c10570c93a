"""Which structured model an architecture's cost is written in first, before anything is boosted or corrected."""

from __future__ import annotations

from hwcost.cost_models.features.extractor import Features
from hwcost.spaces.shaped import Shaped

BASES = ("lut", "polynomial")
"""The structured models, from plain to general."""

OVER_SHAPES = ("shapes",)
"""Those of architectures with their shapes."""


def bases(features: Features) -> tuple[str, ...]:
    """Returns the structured models that come into question.

    A space with components knows its structure: the lookup table prices them. Columns without components may also
    multiply. Over shapes, what components do at each of them is priced.
    """
    space = features.space
    if isinstance(space, Shaped) and space.base.is_buildable:
        return OVER_SHAPES
    return BASES[:1] if features.is_buildable else BASES
