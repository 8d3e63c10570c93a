"""Numbers as a site holds them: seven digits, which is more than any interval tells apart, and null for none."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats

DIGITS = 7


def rounded(values: Floats) -> list[float | None]:
    """Returns numbers with seven significant digits as a list; None for those that are not finite."""
    y = np.asarray(values, dtype=np.float64)
    is_good = np.isfinite(y) & (y != 0)
    scale = np.ones_like(y)
    scale[is_good] = 10.0 ** np.clip(DIGITS - 1 - np.floor(np.log10(np.abs(y[is_good]))), -300, 300)
    with np.errstate(all="ignore"):
        short: list[float] = np.where(is_good, np.round(y * scale) / scale, y).tolist()
    if is_good.all():
        return list(short)
    return [value if math.isfinite(value) else None for value in short]


def number(value: float | None) -> float | None:
    """Returns one number with seven significant digits; None for one that is not finite."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.{DIGITS}g}")


def without_none(items: dict[str, Any]) -> dict[str, Any]:
    """Returns a map without what is unknown, empty or None; zero and False stay."""
    return {
        name: value for name, value in items.items() if value is not None and value != "" and value != [] and value != {}
    }


def numbers(values: Iterable[float | None]) -> list[float | None]:
    """Returns a few numbers, one by one as :func:`number` does."""
    return [number(value) for value in values]


def hashes(texts: Sequence[str]) -> NDArray[np.uint64]:
    """Returns a number for each text that does not depend on its place, and one for -1 at the end."""
    digests = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") for text in texts]
    return np.array([*digests, 0], dtype=np.uint64)
