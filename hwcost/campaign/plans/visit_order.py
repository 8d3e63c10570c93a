"""The order of visits within a round: random, with every class of workload spread evenly over it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

CLASSES = 3
"""Classes of equal number by size: as a rule bound by launching, by memory and by computing, which drift apart."""


def order(keys: Sequence[str], classes: Mapping[str, int], seed: int, number: int) -> list[str]:
    """Orders the workloads of a round.

    Each class is shuffled and laid out at even distances with a random start, so that no class meets the machine only at one
    of its levels; then the classes are merged.

    Args:
        keys: Workload keys; their own order does not matter.
        classes: Class of each key, for example a third by its FLOPs.
        seed: The campaign's seed.
        number: The round; other rounds get other orders.

    Returns:
        A permutation of ``keys``, the same for equal arguments.
    """
    rng = np.random.default_rng([seed, number])
    members: dict[int, list[str]] = defaultdict(list)
    for key in sorted(keys):
        members[classes[key]].append(key)
    places: list[tuple[float, float, str]] = []
    for name in sorted(members):
        shuffled = [members[name][i] for i in rng.permutation(len(members[name]))]
        start = rng.random()
        places += [((i + start) / len(shuffled), rng.random(), key) for i, key in enumerate(shuffled)]
    return [key for _, _, key in sorted(places)]


def classes(sizes: Mapping[str, float | None]) -> dict[str, int]:
    """Groups workloads into classes of equal number by size; those of unknown size are a class of their own."""
    known = sorted((size, key) for key, size in sizes.items() if size is not None)
    grouped = {key: index * CLASSES // len(known) for index, (_, key) in enumerate(known)}
    return grouped | {key: CLASSES for key, size in sizes.items() if size is None}
