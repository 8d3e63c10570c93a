"""Which architectures a campaign measures, and which are kept aside as test rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture, Design, SearchSpace
from hwcost.spaces.sampling import LISTED

TEST_SEED = 1_000_003
UNIFORM_SEED = 2_000_003


def select(
    space: SearchSpace, n: int, *, test: int = 0, uniform: int = 0, seed: int = 0, design: Design = "spread"
) -> list[tuple[Architecture, str]]:
    """Draws everything a campaign needs before the first measurement, so that nothing is chosen by its result.

    Args:
        space: Space to draw from.
        n: Number of architectures with the role ``fit``, by ``design``.
        test: Number of architectures with the role ``test``, by ``spread``.
        uniform: Number of architectures with the role ``uniform``, drawn evenly over genes.
        seed: Equal seeds give equal selections; the three parts are drawn from streams of their own.
        design: Design of the ``fit`` part.

    Returns:
        Distinct architectures with their roles.

    Raises:
        UsageError: When nothing is asked for, or the space is too small.
    """
    if min(n, test, uniform) < 0:
        raise UsageError(f"numbers of architectures must not be negative, got {n}, {test} and {uniform}")
    if n + test + uniform < 1:
        raise UsageError("no architectures were asked for; give -n, the number to measure")
    parts = (
        ("fit", n, design, seed),
        ("test", test, "spread", seed + TEST_SEED),
        ("uniform", uniform, "uniform", seed + UNIFORM_SEED),
    )
    roles: dict[Architecture, str] = {}
    for role, count, how, stream in parts:
        for arch in _fresh(space, count, how, stream, roles):
            roles[arch] = role
    return list(roles.items())


def dealt(items: Sequence[tuple[float, str]], places: int, seed: int = 0) -> list[int]:
    """Deals items out to places, such that every place gets about as many of every size and role.

    Args:
        items: Size and role of each of n items.
        places: Number of places.
        seed: Equal seeds deal equally.

    Returns:
        Place of each item, from 0. Among items of one role, ascending by size, every run of ``places`` holds every place.
    """
    rng = np.random.default_rng([seed, places])
    found = [0] * len(items)
    for role in dict.fromkeys(role for _, role in items):
        members = sorted((i for i, item in enumerate(items) if item[1] == role), key=lambda i: items[i][0])
        for start in range(0, len(members), places):
            for member, place in zip(members[start : start + places], rng.permutation(places).tolist(), strict=False):
                found[member] = place
    return found


def _fresh(
    space: SearchSpace, count: int, design: str, seed: int, taken: dict[Architecture, str]
) -> list[Architecture]:
    """Draws ``count`` architectures that were not drawn for another part; overlaps are drawn again with other seeds.

    What a small space still lacks after that is taken from the list of what is left of it.
    """
    found: dict[Architecture, None] = {}
    for attempt in range(10):
        missing = count - len(found)
        if missing == 0:
            break
        drawn = space.sample(missing, seed=seed + 17 * attempt, design="spread" if design == "spread" else "uniform")
        found |= {arch: None for arch in drawn if arch not in taken}
    missing = count - len(found)
    is_listed = missing > 0 and space.size <= LISTED
    rest = [arch for arch in space.architectures() if arch not in taken and arch not in found] if is_listed else []
    if len(rest) < missing:
        raise UsageError(f"space '{space.name}' is too small for that many distinct architectures")
    places = np.random.default_rng(seed).permutation(len(rest))[:missing]
    return [*found, *(rest[place] for place in places)]
