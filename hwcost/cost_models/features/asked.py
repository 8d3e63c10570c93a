"""What a cost model is asked for: architectures, and where batch size and length are among its genes, the shape of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from hwcost._types import Floats
from hwcost.cost_models.features.extractor import shared_features
from hwcost.errors import ArchitectureError, UsageError
from hwcost.spaces.base import SearchSpace
from hwcost.spaces.reading import several
from hwcost.spaces.shape_columns import NAMES, ShapeColumns
from hwcost.spaces.shaped import Shape, Shaped
from hwcost.spaces.table import Table

if TYPE_CHECKING:
    from hwcost.cost_models.base import CostModel

__all__ = ["check_own_shape", "points", "sizes_asked"]

UNSAID = Shape(1, 128)
"""Shape of a model for which none was given."""


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
    if batch_size is None and seq_len is None:
        return _unsaid(model, archs)
    given = {"batch_size": batch_size, "seq_len": seq_len}
    columns = ShapeColumns.of(model.space)
    if columns is None:
        check_own_shape(model, given)
        return model.features.read(archs)[1]
    genes = shared_features(columns.rest).read(archs)[1]
    sizes = _all_sizes(model, columns, given)
    return columns.joined(genes, {name: _checked(name, size, len(genes)) for name, size in sizes.items()})


def sizes_asked(model: CostModel, columns: ShapeColumns, batch_size: Any, seq_len: Any) -> dict[str, int]:
    """Returns the sizes of the one shape at which a model is asked.

    Raises:
        UsageError: When a size is not a whole number from 1, or missing although the model was fitted at several.
    """
    sizes = _all_sizes(model, columns, {"batch_size": batch_size, "seq_len": seq_len})
    shape = Shape.of(**{"batch_size": 1, "seq_len": 1, **sizes})._asdict()
    return {name: shape[name] for name in sizes}


def check_own_shape(model: CostModel, given: Mapping[str, ArrayLike | None]) -> None:
    """Refuses sizes that are not those of a model of one shape.

    Raises:
        UsageError: When one is another.
    """
    for name, size in given.items():
        own = getattr(model, name)
        if size is not None and not np.all(np.asarray(size) == own):
            if isinstance(model.space, Table):
                _refuse_size(model.space, name, size)
            raise UsageError(
                f"this cost model {_origin(model)}, and {name}={size} was asked for. Measure at "
                "several (--batch-size 1,8 --seq-len 32,128), and fit a model "
                "over shapes"
            )


def _origin(model: CostModel) -> str:
    """Says of which shape a model is; a table of latencies may name none, and that of its model is a default then."""
    is_of_table = "data" in model.provenance and not {"batch_size", "seq_len"} & model.provenance.keys()
    own = Shape(model.batch_size, model.seq_len)
    if is_of_table and own == UNSAID:
        return "was fitted on a table that names no shape (batch size x sequence length)"
    return f"is of one shape, {own} (batch size x sequence length)"


def _unsaid(model: CostModel, archs: Any) -> Floats:
    """Reads points; architectures without a shape are refused by a model over shapes, unless it knows only one."""
    try:
        return model.features.read(archs)[1]
    except ArchitectureError:
        columns = ShapeColumns.of(model.space) if isinstance(model.space, Shaped) else None
        genes = None if columns is None else _read(columns.rest, archs)
        if columns is None or genes is None:
            raise
    return columns.joined(genes, sizes_asked(model, columns, None, None))


def _read(space: SearchSpace, archs: Any) -> Floats | None:
    """Returns encoded genes of architectures without a shape; None where they are none, of whatever options."""
    try:
        return shared_features(space).read(archs)[1]
    except ArchitectureError:
        if any(getattr(one, "space", None) == space.name for one in several(archs)):
            raise
        return None


def _all_sizes(model: CostModel, columns: ShapeColumns, given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a size for every column: what was given, or the only one of the fit.

    Raises:
        UsageError: When one is neither, or the model has no column for what was given.
    """
    for name, size in given.items():
        if size is not None and name not in columns.places:
            _refuse_size(model.space, name, size)
    return {
        name: _only(model, columns, name) if given[name] is None else given[name] for name in columns.places
    }


def _refuse_size(space: SearchSpace, name: str, size: Any) -> NoReturn:
    """Refuses a size that no column of a table is known to be."""
    columns = ", ".join(gene.name for gene in space.genes)
    raise UsageError(
        f"this cost model was fitted on rows without a column for {name}, and {name}={size} was given. Names of such a "
        f"column: {', '.join(NAMES[name])}. Its columns: {columns:.200}. Give the value of any of these with the "
        f"architecture, such as {space.genes[-1].name}=8"
    )


def _checked(name: str, given: ArrayLike, n: int) -> Floats:
    """Returns n sizes; checks that they are whole numbers from 1.

    Raises:
        UsageError: When they are not, or are not as many as the architectures.
    """
    sizes = np.asarray(given)
    if sizes.dtype.kind not in "iuf" or not np.all((sizes >= 1) & np.isfinite(sizes) & (sizes == np.round(sizes))):
        raise UsageError(f"{name}= is a whole number from 1, or one for each architecture; got {given!r:.60}")
    if sizes.shape not in ((), (n,)):
        raise UsageError(f"{name}= is one number, or one for each of {n} architectures; got an array of shape {sizes.shape}")
    return np.broadcast_to(sizes.astype(np.float64), (n,))


def _only(model: CostModel, columns: ShapeColumns, name: str) -> int:
    """Returns the one size that a model was fitted at.

    Raises:
        UsageError: When there are several; says which.
    """
    reach = {size: (model.domain_.low[place], model.domain_.high[place]) for size, place in columns.places.items()}
    low, high = reach[name]
    if low == high:
        return int(low)
    known = "; ".join(f"{size} {least:g} to {most:g}" for size, (least, most) in reach.items())
    raise UsageError(
        f"this cost model was fitted at several shapes ({known}), and {name} was not said. Give {' and '.join(reach)} "
        "(--batch-size, --seq-len; in a constraint, DIR@8,256), or ask cost.at(8, 256) for a cost function of architectures "
        "alone"
    )
