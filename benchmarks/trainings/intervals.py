"""Means over seeds with their 95 % intervals, as texts for tables."""

from __future__ import annotations

import numpy as np
from scipy import stats


def student_interval(values: list[float]) -> tuple[float, float]:
    """Returns the mean and the half-width of Student's 95 % interval.

    Args:
        values: Values, one a seed, two or more.
    """
    error = np.std(values, ddof=1) / len(values) ** 0.5
    return float(np.mean(values)), float(stats.t.ppf(0.975, len(values) - 1) * error)


def mean_text(values: list[float], form: str) -> str:
    """Returns a mean and its half-width, such as ``0.913 ± 0.004``.

    Args:
        values: Values, one a seed, two or more.
        form: Format of the mean, such as ``+.3f``; the half-width has no sign.
    """
    middle, half = student_interval(values)
    return f"{middle:{form}} ± {half:{form.removeprefix('+')}}"


def ratio_text(ratios: list[float]) -> str:
    """Returns a geometric mean and its interval, such as ``1.31 (1.08 to 1.60)``.

    Args:
        ratios: Positive ratios, one a seed, two or more.
    """
    middle, half = student_interval([float(np.log(one)) for one in ratios])
    return f"{np.exp(middle):.2f} ({np.exp(middle - half):.2f} to {np.exp(middle + half):.2f})"
