"""Finds the shared folders ``devices`` and ``kernels`` in an installed wheel, an editable install or a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from hwcost.errors import HwcostError

Kind = Literal["devices", "kernels"]


def share(kind: Kind) -> Path:
    """Returns the folder of shipped device profiles or kernels.

    Raises:
        HwcostError: When neither an installation nor a checkout holds it; names both places.
    """
    package = Path(__file__).resolve().parent
    places = (package / "_share" / kind, package.parent / kind)
    for place in places:
        if place.is_dir():
            return place
    raise HwcostError(f"the folder '{kind}' is missing; looked at {places[0]} and {places[1]}. Reinstall hwcost.")
