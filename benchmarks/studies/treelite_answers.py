"""Answers of boosted trees by treelite, where it is installed.

lleaves 1.3 cannot be timed in the same process: it needs an older llvmlite than numba has.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models.families.boosters import read_lightgbm, read_xgboost

__all__ = ["by_treelite"]


def by_treelite(booster: str, text: str) -> Callable[[Floats], Floats] | None:
    """Returns the function of columns (n, k) that sums the trees on one thread, shape (n,); None without treelite.

    Args:
        booster: ``lightgbm`` or ``xgboost``.
        text: The booster in its library's own format.
    """
    if find_spec("treelite") is None:
        return None
    import treelite

    is_single = booster == "xgboost"
    read = treelite.frontend.from_xgboost if is_single else treelite.frontend.from_lightgbm
    model, kind = read((read_xgboost if is_single else read_lightgbm)(text)), np.float32 if is_single else np.float64
    return lambda columns: np.asarray(treelite.gtil.predict(model, columns.astype(kind), nthread=1)).ravel()
