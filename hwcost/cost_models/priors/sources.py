"""What a prior is made of: fitted cost models of other devices, given as models, folders, documents, or ``auto``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from hwcost.cost_models.base import CostModel
from hwcost.cost_models.persistence import load
from hwcost.cost_models.priors.source import Source, is_same
from hwcost.errors import DataError, UsageError
from hwcost.spaces.base import SearchSpace
from hwcost.spaces.shaped import Shaped

AUTO = "auto"
"""Stands for the prior that is shipped with a space."""


def read_prior(given: Any, space: SearchSpace | str | None = None) -> list[Source]:
    """Reads the sources of a prior.

    Args:
        given: A fitted cost model, the folder of one, the word ``auto``, or several of these in a list.
        space: Space of the new device's rows, or its name; None where that is yet to be taken from the sources. ``auto``
            needs one.

    Returns:
        The sources, one or more; all belong to one space and predict one quantity. What is given twice counts once: two
        devices that are exactly alike would say that no device differs.

    Raises:
        DataError: When a folder holds no model, or a source is of another space or quantity than the others.
        UsageError: When something else is given, or nothing ships for the space.
    """
    several = {_identity(one): one for one in (given if isinstance(given, (list, tuple)) else [given])}
    sources = [source for one in several.values() for source in _read(one, space)]
    if not sources:
        raise UsageError("prior= is a list of cost models or of their folders, and the list is empty. Give one at least.")
    for source in sources:
        _check(source, sources[0])
    return _distinct(sources)


def plain_prior(given: Any) -> tuple[Any, ...]:
    """Returns a prior as plain data that :func:`read_prior` reads later: ``auto``, absolute paths, and documents of models.

    Args:
        given: A prior as :func:`read_prior` takes it.
    """
    return tuple(_plain(one) for one in (given if isinstance(given, (list, tuple)) else [given]))


def suited(sources: Sequence[Source], space: SearchSpace, quantity: str, shape: Mapping[str, int]) -> list[Source]:
    """Returns the sources of a prior for measurements: models over shapes are asked at the one shape of measurements.

    Args:
        sources: The sources.
        space: Space of the measurements, with their shapes where these differ.
        quantity: Quantity that was measured.
        shape: ``batch_size`` and ``seq_len`` of all measurements, as far as they are known and the same.

    Raises:
        DataError: When a source is of another space or quantity.
        UsageError: When the shape of the measurements is not known, and a source is over shapes.
    """
    asked = list(sources) if isinstance(space, Shaped) else [source.at(shape) for source in sources]
    refuse_other_space(asked, space, quantity)
    return asked


def refuse_other_space(sources: Sequence[Source], space: SearchSpace, quantity: str) -> None:
    """Refuses a prior of another space, or of another quantity.

    Raises:
        DataError: When a source is one.
    """
    for source in sources:
        if not is_same(source.model.space, space):
            is_of_one = isinstance(space, Shaped) and is_same(_bare(source), space.base)
            keep = "Keep the measurements of one shape (--batch-size 8 --seq-len 128), give models over shapes"
            raise DataError(
                f"the prior '{source.name}' is of space {_written(source.model.space)}, and the measurements are of space "
                f"{_written(space)}. {keep if is_of_one else 'Give models of the same space with the same options'}, or fit "
                "without a prior."
            )
        if source.model.quantity != quantity:
            raise DataError(
                f"the prior '{source.name}' predicts {source.model.quantity}, and {quantity} is to be learnt. "
                "Give models of the same quantity."
            )


def _read(given: Any, space: SearchSpace | str | None) -> list[Source]:
    if isinstance(given, Source):
        return [given]
    if isinstance(given, CostModel):
        given._check_fitted()
        return [Source(_name(given), given)]
    if isinstance(given, Mapping) and isinstance(space, SearchSpace):
        return [Source.of_document(space, given)]
    if isinstance(given, str) and given == AUTO:
        from hwcost.cost_models.priors.files import shipped

        if space is None:
            raise UsageError("prior='auto' is the prior that ships with a space: name the space of the measurements")
        return shipped(space)
    if isinstance(given, (str, PathLike)):
        return [Source(Path(given).name or str(given), load(Path(given)))]
    raise UsageError(
        f"prior= is a fitted cost model, the folder of one, 'auto', or a list of these; got {given!r:.60} "
        f"({type(given).__name__})"
    )


def _identity(given: Any) -> str | int:
    """Returns what tells whether two things that are given are one."""
    if isinstance(given, str) and given == AUTO:
        return AUTO
    return os.path.abspath(given) if isinstance(given, (str, PathLike)) else id(given)


def _plain(given: Any) -> Any:
    if isinstance(given, CostModel):
        given = Source(_name(given), given)
    if isinstance(given, Source):
        return given.document()
    return str(Path(given).absolute()) if isinstance(given, (str, PathLike)) and given != AUTO else given


def _name(model: CostModel) -> str:
    device = model.provenance.get("device")
    known = device.get("name") if isinstance(device, Mapping) else device
    return str(known or model.provenance.get("data") or model.name)


def _check(source: Source, first: Source) -> None:
    is_alike = is_same(_bare(source), _bare(first)) and source.model.quantity == first.model.quantity
    if not is_alike:
        raise DataError(
            f"the prior '{source.name}' is of space {_written(source.model.space)} ({source.model.quantity}), and the prior "
            f"'{first.name}' of space {_written(first.model.space)} ({first.model.quantity}). All of a prior are of one."
        )


def _bare(source: Source) -> SearchSpace:
    """Returns the space of a source's architectures, without shapes."""
    space = source.model.space
    return space.base if isinstance(space, Shaped) else space


def _written(space: SearchSpace) -> str:
    if isinstance(space, Shaped):
        return f"{_written(space.base)} at several batch sizes and lengths"
    return f"'{space.name}' with {json.dumps(space.options(), ensure_ascii=False):.120}"


def _distinct(sources: Iterable[Source]) -> list[Source]:
    """Returns sources with a number behind a name that stands there already."""
    taken: dict[str, int] = {}
    named = []
    for source in sources:
        count = taken[source.name] = taken.get(source.name, 0) + 1
        named.append(source if count == 1 else Source(f"{source.name} ({count})", source.model))
    return named
