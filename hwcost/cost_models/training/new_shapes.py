"""How much larger errors are at batch sizes and lengths that were not measured, from shapes that are left out whole.

Rows left out by architecture have the shapes of the fit. Kernels work in tiles and waves, so that what lies between two
measured sizes is not what lies at them: how far off a model is there, only shapes that it has not seen can tell.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models.base import CostModel
from hwcost.spaces.shaped import Shaped, split

MOST = 12
"""Shapes that are left out, evenly over their order, where there are more."""

FEWEST = 10
"""Rows of shapes left out below which they say too little."""


def learn_new_shapes(model: CostModel, genes: Floats, values: Floats, weights: Floats, errors: Floats) -> None:
    """Sets in the domain of a fitted model by how much its intervals are wider at shapes that were not measured.

    Shapes count that lie within the reach of the others, once they are left out: those further out are beyond the domain.

    Args:
        model: A fitted model; nothing happens where its space has no shapes.
        genes: Encoded points of the fit, shape (n, genes).
        values: Measured values, shape (n,).
        weights: Weights of the rows, shape (n,).
        errors: Errors of the logarithm on the rows, left out by architecture, shape (n,).
    """
    if not isinstance(model.space, Shaped):
        return
    shapes, numbers = np.unique(split(genes)[1], axis=0, return_inverse=True)
    numbers = numbers.ravel()
    inside = [i for i in range(len(shapes)) if _is_between(shapes[i], np.delete(shapes, i, axis=0))]
    chosen = np.array(inside)[np.unique(np.linspace(0, len(inside) - 1, MOST).round().astype(int))] if inside else []
    is_left = np.isin(numbers, chosen)
    typical = float(np.abs(errors[is_left]).sum())
    if is_left.sum() < FEWEST or not typical > 0:
        return
    total = 0.0
    for shape in chosen:
        left = numbers == shape
        fit = model.plain.clone_with_hyperparameters().fit_briefly(genes[~left], values[~left], weights[~left])
        total += float(np.abs(np.log(values[left] / fit.predict_encoded(genes[left]))).sum())
    if total > typical:
        model.domain_ = replace(model.domain_, shapes=shapes, between=total / typical)


def _is_between(shape: Floats, others: Floats) -> bool:
    """Whether a shape (2,) lies within the reach of at least two others (n, 2)."""
    return len(others) > 1 and bool(((others.min(axis=0) <= shape) & (shape <= others.max(axis=0))).all())
