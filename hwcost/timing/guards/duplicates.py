"""Whether the same content stands under different labels: one model measured twice, or one file copied over another."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence

from hwcost.timing.measurement import Flag

MIN_SAMPLES = 10
"""Equal timings below this number may be chance on a coarse clock."""


def samples_digest(samples: Sequence[float]) -> str | None:
    """Returns the SHA-256 of timings, bit for bit; None for fewer than ten or equal ones, which prove nothing."""
    if len(samples) < MIN_SAMPLES or len(set(samples)) < MIN_SAMPLES:
        return None
    return hashlib.sha256(struct.pack(f"<{len(samples)}d", *samples)).hexdigest()


def duplicates(contents: Iterable[tuple[str, str | None]]) -> list[Flag]:
    """Returns E_DUPLICATE for every content that stands under several labels.

    Args:
        contents: Pairs of a label and a hash of its content; None where that is unknown.
    """
    labels: dict[str, dict[str, None]] = {}
    for label, content in contents:
        if content is not None:
            labels.setdefault(content, {})[label] = None
    remedy = "Leave one of them out, or measure anew what was meant."
    return [
        Flag("E_DUPLICATE", f"{' and '.join(names)} have the same content ({content[:12]}).", remedy)
        for content, names in labels.items()
        if len(names) > 1
    ]
