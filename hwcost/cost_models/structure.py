"""Which structured model an architecture's cost is written in first, before anything is boosted or corrected."""

from __future__ import annotations

from hwcost.cost_models.features import Features

BASES = ("lut", "polynomial")
"""The structured models, from plain to general."""


def bases(features: Features) -> tuple[str, ...]:
    """Returns the structured models that come into question.

    A space with components knows its structure: the lookup table prices them. Columns without components may also
    multiply.
    """
    return BASES[:1] if features.is_buildable else BASES
