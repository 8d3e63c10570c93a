"""Metrics of labelled tasks, each a function of true and predicted values.

Source of the choice per task: Wang et al., "GLUE", section 3. What is not defined is 0: F1 without a positive, a correlation
with predictions that are all alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._stats import ranks
from hwcost.errors import UsageError

__all__ = ["METRICS", "accuracy", "f1", "macro_f1", "matthews", "pearson", "spearman"]

Values = NDArray[Any]


def accuracy(true: Values, predicted: Values) -> float:
    """Returns the share of values that are predicted.

    Args:
        true: True values, (n,).
        predicted: Predicted values, (n,).
    """
    return float(np.mean(true == predicted))


def f1(true: Values, predicted: Values) -> float:
    """Returns the harmonic mean of precision and recall of class 1, of two classes.

    Args:
        true: Numbers of the true classes, (n,).
        predicted: Numbers of the predicted classes, (n,).

    Raises:
        UsageError: When there are more classes than two.
    """
    if max(true.max(), predicted.max()) > 1:
        raise UsageError("metric 'f1' is of two classes, and the task has more. Ask for 'macro_f1'")
    return _f1_of(1, true, predicted)


def macro_f1(true: Values, predicted: Values) -> float:
    """Returns the mean of every class's F1.

    Args:
        true: Numbers of the true classes, (n,).
        predicted: Numbers of the predicted classes, (n,).
    """
    return float(np.mean([_f1_of(number, true, predicted) for number in np.union1d(true, predicted)]))


def matthews(true: Values, predicted: Values) -> float:
    """Returns Matthews's correlation coefficient, for any number of classes.

    Source: Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient", equation 8.

    Args:
        true: Numbers of the true classes, (n,).
        predicted: Numbers of the predicted classes, (n,).
    """
    classes = int(max(true.max(), predicted.max())) + 1
    of_true, of_predicted = (np.bincount(one, minlength=classes).astype(float) for one in (true, predicted))
    count, right = float(len(true)), float(np.sum(true == predicted))
    spread = (count**2 - of_true @ of_true) * (count**2 - of_predicted @ of_predicted)
    return float((right * count - of_true @ of_predicted) / np.sqrt(spread)) if spread > 0 else 0.0


def pearson(true: Values, predicted: Values) -> float:
    """Returns Pearson's correlation coefficient.

    Args:
        true: True numbers, (n,).
        predicted: Predicted numbers, (n,).
    """
    one, other = (values.astype(float) - values.mean(dtype=float) for values in (true, predicted))
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    is_constant = np.ptp(true) == 0 or np.ptp(predicted) == 0
    return 0.0 if is_constant or lengths == 0 else float(np.clip(one @ other / lengths, -1, 1))


def spearman(true: Values, predicted: Values) -> float:
    """Returns Spearman's rank correlation coefficient; ties have the mean of their ranks.

    Args:
        true: True numbers, (n,).
        predicted: Predicted numbers, (n,).
    """
    return pearson(ranks(true), ranks(predicted))


def _f1_of(number: int, true: Values, predicted: Values) -> float:
    both = float(np.sum((true == number) & (predicted == number)))
    either = float(np.sum(true == number) + np.sum(predicted == number))
    return 2 * both / either if either else 0.0


METRICS: dict[str, Callable[[Values, Values], float]] = {
    one.__name__: one for one in (accuracy, f1, macro_f1, matthews, pearson, spearman)
}
"""The metrics by name; of all of them, more is better."""
