"""What a cost model is asked for: architectures, and where it is over shapes, the shape of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from hwcost._types import Floats
from hwcost.cost_models.features import shared_features
from hwcost.errors import ArchitectureError, UsageError
from hwcost.spaces.shaped import SHAPE_GENES, Shape, Shaped, joined

if TYPE_CHECKING:
    from hwcost.cost_models.base import CostModel

__all__ = ["points", "shape_asked"]


def points(model: CostModel, archs: Any, batch_size: ArrayLike | None, seq_len: ArrayLike | None) -> Floats:
    """Returns encoded genes (n, genes) of what a fitted model is asked for.

    Args:
        model: The model.
        archs: n architectures, as :meth:`CostModel.predict` takes them.
        batch_size: Sequences per call, one number or one for each architecture; None where it was not said.
        seq_len: Tokens per sequence, likewise.

    Raises:
        UsageError: When the model is of one shape and another one is asked for, or over shapes and none is.
    """
    given = {"batch_size": batch_size, "seq_len": seq_len}
    if not isinstance(model.space, Shaped):
        for name, size in given.items():
            own = getattr(model, name)
            if size is not None and not np.all(np.asarray(size) == own):
                raise UsageError(
                    f"this cost model is of one shape, {Shape(model.batch_size, model.seq_len)} (batch size x sequence "
                    f"length), and {name}={size} was asked for. Measure at several (--batch-size 1,8 --seq-len 32,128), and "
                    "fit a model over shapes"
                )
        return model.features.read(archs)[1]
    if batch_size is None and seq_len is None:
        return _shaped_points(model, model.space, archs)
    genes = shared_features(model.space.base).read(archs)[1]
    sizes = [_sizes(model, name, size, len(genes)) for name, size in given.items()]
    return joined(genes, np.column_stack(sizes))


def shape_asked(model: CostModel, batch_size: Any, seq_len: Any) -> Shape:
    """Returns the one shape at which a model over shapes is asked.

    Raises:
        UsageError: When a size is not a whole number from 1, or missing although the model was fitted at several.
    """
    given = {"batch_size": batch_size, "seq_len": seq_len}
    return Shape.of(**{name: _only(model, name) if size is None else size for name, size in given.items()})


def _shaped_points(model: CostModel, space: Shaped, archs: Any) -> Floats:
    """Reads points; architectures without a shape are refused, unless the model knows only one."""
    try:
        return model.features.read(archs)[1]
    except ArchitectureError:
        try:
            genes = shared_features(space.base).read(archs)[1]
        except ArchitectureError:
            genes = None
        if genes is None:
            raise
    return joined(genes, shape_asked(model, None, None))


def _sizes(model: CostModel, name: str, given: ArrayLike | None, n: int) -> Floats:
    """Returns n sizes; checks that they are whole numbers from 1.

    Raises:
        UsageError: When they are not, or are not as many as the architectures.
    """
    sizes = np.asarray(_only(model, name) if given is None else given)
    is_number = sizes.dtype.kind in "iuf" and sizes.dtype != bool
    if not is_number or not np.all((sizes >= 1) & (sizes == np.round(sizes))):
        raise UsageError(f"{name}= is a whole number from 1, or one for each architecture; got {given!r:.60}")
    if sizes.shape not in ((), (n,)):
        raise UsageError(f"{name}= is one number, or one for each of {n} architectures; got an array of shape {sizes.shape}")
    return np.broadcast_to(sizes.astype(np.float64), (n,))


def _only(model: CostModel, name: str) -> int:
    """Returns the one size that a model over shapes was fitted at.

    Raises:
        UsageError: When there are several; says which.
    """
    low, high = model.domain_.shape_reach[name]
    if low == high:
        return int(low)
    reach = "; ".join(f"{one} {least:g} to {most:g}" for one, (least, most) in model.domain_.shape_reach.items())
    raise UsageError(
        f"this cost model was fitted at several shapes ({reach}), and {name} was not said. Give {SHAPE_GENES[0]}= and "
        f"{SHAPE_GENES[1]}= (--batch-size, --seq-len; in a constraint, DIR@8,256), or ask cost.at(8, 256) for a cost "
        "function of architectures alone"
    )
